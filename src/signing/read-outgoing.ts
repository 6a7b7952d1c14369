// A message on its way out, read once: its header section, then the hash of its body.
import { HeaderSplitter } from '../message/header-section.ts'
import { RelaxedBodyHash } from './relaxed-body.ts'

export interface OutgoingHead {
  readonly section: Uint8Array
  /** What has come of the body. */
  readonly beginning: Uint8Array
}

/** What intake takes, and room for the trace fields of this server. */
const maxHeaderBytes = 1024 * 1024

export async function readHead(reading: AsyncIterator<Uint8Array>): Promise<OutgoingHead | 'unreadable'> {
  const splitter = new HeaderSplitter(maxHeaderBytes)
  for (;;) {
    const next = await reading.next()
    const split = next.done ? splitter.finish() : splitter.take(next.value)
    if (split === 'incomplete') continue
    if (split === 'too-long') return 'unreadable'
    const { section, rest, lacksEmptyLine } = split
    // Where its readers see the end of the header section, nobody knows.
    if (lacksEmptyLine && rest.length > 0) return 'unreadable'
    // The empty line is no part of the body.
    return { section, beginning: rest.subarray(2) }
  }
}

/** In base64. */
export async function hashBody(
  { beginning }: OutgoingHead,
  reading: AsyncIterator<Uint8Array>,
): Promise<string> {
  const body = new RelaxedBodyHash()
  body.take(beginning)
  for (let next = await reading.next(); !next.done; next = await reading.next()) body.take(next.value)
  return body.finish()
}
