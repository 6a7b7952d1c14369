// What this server wrote down when a message came: its own Authentication-Results field, among the fields that go before it.
import { parseHeaderFields } from '../message/header-section.ts'
import { type ParsedResult, parseAuthenticationResults } from './authentication-results.ts'

export interface OwnResults {
  /** As it stands, folded, without its last CRLF. */
  readonly value: string
  readonly results: readonly ParsedResult[]
}

const fieldName = 'authentication-results'

/** undefined: the message was not checked. */
export function findOwnResults(traceFields: string, hostname: string): OwnResults | undefined {
  const field = parseHeaderFields(Buffer.from(traceFields, 'latin1')).find(
    ({ name }) => name.toLowerCase() === fieldName,
  )
  if (!field) return undefined
  const text = traceFields.slice(field.start, field.end)
  const value = text.slice(text.indexOf(':') + 1).trim()
  const parsed = parseAuthenticationResults(value)
  return parsed?.by === hostname.toLowerCase() ? { value, results: parsed.results } : undefined
}
