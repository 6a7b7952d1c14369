// The words of a message, for the index (docs/adr/0035).
import { setImmediate as turn } from 'node:timers/promises'
import { decodeEncodedWords } from '../message/encoded-words.ts'
import type { MessageWords } from '../message/structure/read-text.ts'
import { MessageTerms } from '../message/words/message-terms.ts'

/** Characters that are split without a turn of the event loop. */
const charactersAtATime = 64 * 1024

export async function collectTerms({ fields, body }: MessageWords): Promise<string> {
  const terms = new MessageTerms()
  for (const { name, value } of fields) terms.addField(name.toLowerCase(), decodeEncodedWords(value))
  for (let start = 0; start < body.length; ) {
    const end = endOfSlice(body, start)
    terms.addBody(body.slice(start, end))
    start = end
    if (start < body.length) await turn()
  }
  return terms.finish()
}

/** Between words, where there is a place between words. */
function endOfSlice(text: string, start: number): number {
  const end = start + charactersAtATime
  if (end >= text.length) return text.length
  const line = text.lastIndexOf('\n', end)
  const space = line > start ? line : text.lastIndexOf(' ', end)
  return space > start ? space : end
}
