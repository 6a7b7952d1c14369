// What a submission server adds to or takes from the header section (RFC 6409 §8), and nothing else.

import { isBlindField } from './blind-field-watch.ts'
import { formatDate } from './format-date.ts'
import { type HeaderField, maxHeaderFields, parseHeaderFields } from './header-section.ts'

export interface SubmissionFacts {
  /** ms since 1970. */
  readonly at: number
  readonly queueId: string
  readonly hostname: string
  /** The author to add when there is none: the address of the account; undefined on a local network. */
  readonly author: string | undefined
}

export type SubmissionProblem = 'too-many-fields' | 'repeated-field' | 'no-author'

export type FixedSubmission =
  | { readonly kind: 'fixed'; readonly section: Uint8Array }
  /** The message cannot be sent on as it is. */
  | { readonly kind: 'refused'; readonly problem: SubmissionProblem; readonly field?: string }

/**
 * Fields that RFC 5322 §3.6 allows once, and that say who writes, when, and what: twice is how one mail shows two authors.
 * A second To or Cc deceives nobody, and programs do write them.
 */
const onceOnly = ['from', 'sender', 'reply-to', 'message-id', 'subject', 'date']

/**
 * Adds Date (§8.2), Message-ID (§8.3) and From where they are missing; removes Bcc and Resent-Bcc (RFC 5322 §3.6.3,
 * §3.6.6), which must not be shown to the other recipients.
 */
export function fixSubmission(section: Uint8Array, facts: SubmissionFacts): FixedSubmission {
  const fields = parseHeaderFields(section)
  // A second From, or a Bcc, could hide behind the last one that is looked at.
  if (fields.length >= maxHeaderFields) return { kind: 'refused', problem: 'too-many-fields' }
  const counts = new Map<string, number>()
  for (const { name } of fields) counts.set(name.toLowerCase(), (counts.get(name.toLowerCase()) ?? 0) + 1)
  const repeated = onceOnly.find(name => (counts.get(name) ?? 0) > 1)
  if (repeated !== undefined) return { kind: 'refused', problem: 'repeated-field', field: repeated }
  let added = ''
  if (!counts.has('from')) {
    if (facts.author === undefined) return { kind: 'refused', problem: 'no-author' }
    added += `From: ${facts.author}\r\n`
  }
  if (!counts.has('date')) added += `Date: ${formatDate(facts.at)}\r\n`
  if (!counts.has('message-id')) added += `Message-ID: <${facts.queueId}@${facts.hostname}>\r\n`
  const blind = fields.filter(({ name }) => isBlindField(name))
  if (added === '' && blind.length === 0) return { kind: 'fixed', section }
  return { kind: 'fixed', section: Buffer.concat([Buffer.from(added), ...without(section, blind)]) }
}

function without(section: Uint8Array, fields: readonly HeaderField[]): Uint8Array[] {
  const pieces: Uint8Array[] = []
  let from = 0
  for (const { start, end } of fields) {
    pieces.push(section.subarray(from, start))
    from = end
  }
  pieces.push(section.subarray(from))
  return pieces
}
