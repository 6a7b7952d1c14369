// A reply on one line, as logs and documents have it: '550 5.1.1 No such user'.
import type { Reply } from '../../src/smtp/reply.ts'

export function parseReply(text: string): Reply {
  const code = Number(text.slice(0, 3))
  const rest = text.slice(4)
  const first = rest.split(' ')[0] ?? ''
  const isEnhanced = /^[245]\.\d{1,3}\.\d{1,3}$/.test(first) && first[0] === text[0]
  return {
    code,
    ...(isEnhanced ? { enhanced: first } : {}),
    lines: [isEnhanced ? rest.slice(first.length + 1) : rest],
  }
}
