// What a message really needs of the next server, against what its sender declared (RFC 6152, RFC 6531, RFC 3030).
// Many clients declare 8BITMIME and SMTPUTF8 for every message; one that is plain ASCII can go anywhere.
import type { Address } from '../../address/address.ts'
import { isAscii } from '../../runtime/text.ts'
import type { BodyType } from '../../smtp/parameters.ts'

export interface MessageNeeds {
  readonly body: BodyType
  readonly smtpUtf8: boolean
}

export async function findMessageNeeds(
  declared: MessageNeeds,
  addresses: readonly (Address | null)[],
  mailData: AsyncIterable<Uint8Array>,
): Promise<MessageNeeds> {
  // BINARYMIME allows bare CR and LF and lines of any length, which nothing else carries.
  if (declared.body === 'BINARYMIME') return declared
  const { headerSection, headerIsAscii, bodyIsAscii } = await scanOctets(mailData)
  // RFC 6531 §3.2: a header section inside the body counts too, and what is not ASCII there may be one.
  const innerHeadersAreAscii = bodyIsAscii || !hasParts.test(headerSection)
  return {
    body: headerIsAscii && bodyIsAscii ? '7BIT' : declared.body,
    smtpUtf8:
      declared.smtpUtf8 &&
      !(
        headerIsAscii &&
        innerHeadersAreAscii &&
        addresses.every(address => !address || isAscii(address.localPart))
      ),
  }
}

/** RFC 2045 §5: types whose body has header sections of its own. */
const hasParts = /\b(?:multipart|message)\//i
const maxHeaderBytes = 64 * 1024

const lf = 0x0a
const cr = 0x0d

/** The header section ends at the first empty line. */
async function scanOctets(
  mailData: AsyncIterable<Uint8Array>,
): Promise<{ headerSection: string; headerIsAscii: boolean; bodyIsAscii: boolean }> {
  const headerOctets: number[] = []
  let headerIsAscii = true
  let bodyIsAscii = true
  let inHeader = true
  let lineIsEmpty = true
  for await (const chunk of mailData) {
    for (const octet of chunk) {
      if (octet >= 0x80) {
        if (inHeader) headerIsAscii = false
        else bodyIsAscii = false
      }
      if (!inHeader) continue
      if (headerOctets.length < maxHeaderBytes) headerOctets.push(octet)
      if (octet === lf) {
        if (lineIsEmpty) inHeader = false
        lineIsEmpty = true
      } else if (octet !== cr) lineIsEmpty = false
    }
  }
  return { headerSection: Buffer.from(headerOctets).toString('latin1'), headerIsAscii, bodyIsAscii }
}
