// A message as the script of an account sees it: with what this delivery puts before it; and with other header fields, where the
// script has changed some (RFC 5293).
import { cutHeaderSection, HeaderSplitter } from '../message/header-section.ts'
import type { SieveMessage } from '../sieve/circumstances.ts'
import type { MailDataStore, StoredMailData } from '../storage/mail-data.ts'

export interface OpenedMessage {
  readonly seen: SieveMessage
  /** As it came, without what is put before it. */
  readonly headerSection: Uint8Array
  /** Puts this in the place of the header section. */
  store(headerSection: Uint8Array): Promise<StoredMailData>
}

/** What intake takes, and what is put before it. */
const maxHeaderBytes = 1024 * 1024

/** undefined: its header section is too long to be looked at. Rejects with a StorageFault. */
export async function openMessage(
  mailData: MailDataStore,
  { id, size, traceFields }: { readonly id: number; readonly size: number; readonly traceFields: string },
): Promise<OpenedMessage | undefined> {
  const splitter = new HeaderSplitter(maxHeaderBytes)
  let taken = 0
  let split: ReturnType<HeaderSplitter['take']> = 'incomplete'
  for await (const chunk of mailData.read(id)) {
    taken += chunk.length
    split = splitter.take(chunk)
    if (split !== 'incomplete') break
  }
  if (split === 'too-long') return undefined
  const { section, rest, lacksEmptyLine } = split === 'incomplete' ? splitter.finish() : split
  const headerSection = Uint8Array.from(section)
  const sectionEnd = taken - rest.length
  const hasEmptyLine = !lacksEmptyLine && sectionEnd < size
  const bodyStart = hasEmptyLine ? sectionEnd + 2 : sectionEnd
  const before = Buffer.from(traceFields)
  return {
    headerSection,
    seen: {
      headerSection: Buffer.concat([before, headerSection]),
      size: before.length + size,
      async readBody(maxBytes) {
        if (!hasEmptyLine && !lacksEmptyLine) return undefined
        return await readFrom(mailData.read(id), bodyStart, maxBytes)
      },
    },
    async store(edited) {
      const writer = mailData.create()
      try {
        await writer.write(edited)
        if (!hasEmptyLine) await writer.write(Buffer.from('\r\n'))
        for await (const chunk of skip(mailData.read(id), sectionEnd)) await writer.write(chunk)
        return await writer.finish()
      } catch (cause) {
        await writer.abort()
        throw cause
      }
    },
  }
}

async function readFrom(
  chunks: AsyncIterable<Uint8Array>,
  start: number,
  maxBytes: number,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const chunk of skip(chunks, start)) {
    pieces.push(Uint8Array.from(chunk))
    length += chunk.length
    if (length >= maxBytes) break
  }
  return Buffer.concat(pieces).subarray(0, maxBytes)
}

async function* skip(chunks: AsyncIterable<Uint8Array>, bytes: number): AsyncIterable<Uint8Array> {
  let left = bytes
  for await (const chunk of chunks) {
    if (left < chunk.length) yield left === 0 ? chunk : chunk.subarray(left)
    left = Math.max(0, left - chunk.length)
  }
}

/** What was put before the message for its owner does not go on to others (RFC 5321 §4.4): they get fields of their own. */
export function withoutDeliveryFields(headerSection: Uint8Array): Uint8Array {
  return Buffer.concat(
    cutHeaderSection(headerSection)
      .filter(({ field }) => field?.name.toLowerCase() !== 'return-path')
      .map(({ bytes }) => bytes),
  )
}
