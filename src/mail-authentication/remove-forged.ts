// What says in our name that a message was checked, before we have (RFC 8601 §5).
import { endOfLine, startsWithName } from '../message/header-lines.ts'
import { parseAuthenticationResults } from './authentication-results.ts'

const resultsName = Buffer.from('authentication-results')
const verdictName = Buffer.from('postrider-verdict')

/** Results of others stay: whoever trusts them may read them. The section itself, when there is nothing to remove. */
export function removeForgedResults(section: Uint8Array, hostname: string): Uint8Array {
  const pieces: Uint8Array[] = []
  let kept = 0
  for (let start = 0; start < section.length; ) {
    const end = endOfField(section, start)
    if (isForged(section, start, end, hostname)) {
      pieces.push(section.subarray(kept, start))
      kept = end
    }
    start = end
  }
  return pieces.length === 0 ? section : Buffer.concat([...pieces, section.subarray(kept)])
}

function endOfField(section: Uint8Array, start: number): number {
  let end = endOfLine(section, start)
  while (section[end] === 0x20 || section[end] === 0x09) end = endOfLine(section, end)
  return end
}

function isForged(section: Uint8Array, start: number, end: number, hostname: string): boolean {
  const isResults = startsWithName(section, start, resultsName)
  if (!isResults && !startsWithName(section, start, verdictName)) return false
  const text = Buffer.from(section.subarray(start, Math.min(end, start + maxLength))).toString('latin1')
  const found = /^([!-9;-~]+)[ \t]*:(.*)$/s.exec(text)
  const name = found?.[1]?.toLowerCase()
  if (name === verdictName.toString()) return true
  if (name !== resultsName.toString()) return false
  const by = parseAuthenticationResults(found?.[2] ?? '')?.by
  // Without anybody's name a careless reader might take it for ours.
  return by === undefined || by.replace(/\.$/, '') === hostname.toLowerCase()
}

/** The name of who has checked is at the beginning. */
const maxLength = 4000
