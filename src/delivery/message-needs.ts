// What a message really needs of the next server, against what its sender declared (RFC 6152, RFC 6531, RFC 3030).
// Many clients declare 8BITMIME and SMTPUTF8 for every message; one that is plain ASCII can go anywhere.
import type { Address } from '../address/address.ts'
import type { BodyType } from '../smtp/parameters.ts'

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
  const { headerIsAscii, bodyIsAscii } = await scanOctets(mailData)
  return {
    body: headerIsAscii && bodyIsAscii ? '7BIT' : declared.body,
    smtpUtf8:
      declared.smtpUtf8 &&
      !(headerIsAscii && addresses.every(address => !address || isAscii(address.localPart))),
  }
}

const lf = 0x0a
const cr = 0x0d

/** The header section ends at the first empty line. */
async function scanOctets(
  mailData: AsyncIterable<Uint8Array>,
): Promise<{ headerIsAscii: boolean; bodyIsAscii: boolean }> {
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
      if (octet === lf) {
        if (lineIsEmpty) inHeader = false
        lineIsEmpty = true
      } else if (octet !== cr) lineIsEmpty = false
    }
  }
  return { headerIsAscii, bodyIsAscii }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false
  return true
}
