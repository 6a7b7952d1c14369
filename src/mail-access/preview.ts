// The beginning of a message's text, as a list of messages shows it (RFC 8970).

import { parseHeaderFields } from '../message/header-section.ts'
import { charsetDecoderOf } from '../message/mime/charset.ts'
import { decodeTransfer } from '../message/mime/transfer-decoder.ts'
import type { Part } from '../message/structure/structure.ts'
import { textOfHtml } from '../screening/html-text.ts'
import type { MessageText } from './message-text.ts'

/** RFC 8970 §3.1: at most so many characters. */
const maxCharacters = 200
/** Of the part, as it is encoded: what is beyond it is not looked at. */
const maxBytes = 64 * 1024

/** Empty: there is no text in it. */
export async function readPreview(root: Part, text: MessageText): Promise<string> {
  const part = findText(root, 'plain') ?? findText(root, 'html')
  if (!part) return ''
  const { start, end } = part.body
  const fields = parseHeaderFields(await text.bytes(part.header))
  const bytes = await text.bytes({ start, end: Math.min(end, start + maxBytes) })
  const written = charsetDecoderOf(fields).decode(decodeTransfer(bytes, part.encoding))
  const shown = part.subtype === 'html' ? textOfHtml(written).text : written
  const characters = Array.from(
    shown
      .replaceAll(/\s+/g, ' ')
      .trim()
      .slice(0, 2 * maxCharacters),
  )
  return characters.slice(0, maxCharacters).join('')
}

/** The first that is shown as the message itself: neither attached nor in an attached message. */
function findText(part: Part, subtype: 'plain' | 'html'): Part | undefined {
  if (part.kind === 'multipart') {
    for (const one of part.parts) {
      const found = findText(one, subtype)
      if (found) return found
    }
    return undefined
  }
  const isAttached = part.disposition?.type === 'attachment'
  return part.kind === 'leaf' && part.type === 'text' && part.subtype === subtype && !isAttached
    ? part
    : undefined
}
