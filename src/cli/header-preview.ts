// The header section of a message for a list: from its first bytes, however large the message is.
import { type HeaderField, HeaderSplitter, parseHeaderFields } from '../message/header-section.ts'

const previewBytes = 64 * 1024

/** The fields that stand within the first 64 KB. */
export async function previewHeader(mailData: AsyncIterable<Uint8Array>): Promise<HeaderField[]> {
  const splitter = new HeaderSplitter(previewBytes)
  for await (const chunk of mailData) {
    const split = splitter.take(chunk)
    // Of a longer section the fields of its first bytes are shown: somebody wrote it to be a nuisance.
    if (split === 'too-long') {
      const { section } = splitter.finish()
      return parseHeaderFields(Buffer.concat([section, chunk]).subarray(0, previewBytes))
    }
    if (split !== 'incomplete') return parseHeaderFields(split.section)
  }
  return parseHeaderFields(splitter.finish().section)
}
