// The answer of `vacation` as a message (RFC 5230 §5).
import { HeaderSplitter, parseHeaderFields } from '../../message/header-section.ts'
import { crlf, type Entity, encodeText } from '../../notice/compose-parts.ts'
import type { VacationReply } from '../outcome.ts'
import { type ComposedMail, type ComposeOptions, composeMail } from './composed-mail.ts'

export function composeReply(reply: VacationReply, options: ComposeOptions): ComposedMail {
  const { fields, bytes } = reply.isMime ? readEntity(reply.text) : composeText(reply.text)
  return composeMail({
    ...options,
    // RFC 5230 §5.1
    reversePath: null,
    recipients: [reply.to],
    from: reply.from,
    to: [reply.to],
    subject: reply.subject,
    autoSubmitted: 'auto-replied',
    inReplyTo: reply.inReplyTo,
    references: reply.references,
    fields,
    content: bytes,
  })
}

export function composeText(text: string): Entity {
  const { fields, bytes } = encodeText(endsWithLine(text))
  return { fields: ['Content-Type: text/plain; charset=utf-8', ...fields], bytes }
}

function endsWithLine(text: string): string {
  return text === '' || text.endsWith(crlf) ? text : text + crlf
}

const maxHeaderBytes = 64 * 1024

/** RFC 5230 §4.4. Of its fields those of the content alone: what the message says of itself is not the script's. */
function readEntity(text: string): Entity {
  const splitter = new HeaderSplitter(maxHeaderBytes)
  const taken = splitter.take(Buffer.from(text))
  if (taken === 'too-long') return composeText(text)
  const { section, rest, lacksEmptyLine } = taken === 'incomplete' ? splitter.finish() : taken
  const content = parseHeaderFields(section).filter(({ name }) => /^content-/i.test(name))
  // Without a type there is no entity; whoever wrote it gets his text.
  if (!content.some(({ name }) => name.toLowerCase() === 'content-type')) return composeText(text)
  const fields = content.map(({ start, end }) =>
    Buffer.from(section.subarray(start, end)).toString().trimEnd(),
  )
  const bytes = lacksEmptyLine ? rest : rest.subarray(2)
  const isDeclared = content.some(({ name }) => name.toLowerCase() === 'content-transfer-encoding')
  const isEightBit = bytes.some(byte => byte > 0x7f)
  return {
    fields: isDeclared || !isEightBit ? fields : [...fields, 'Content-Transfer-Encoding: 8bit'],
    bytes,
  }
}
