// The record that shows the public half of a key (RFC 6376 §3.6.1), written, and compared with what the DNS has.
import type { Answer } from '../dns/answer.ts'
import type { KeyAlgorithm } from './signing-key.ts'

export interface PublishedKey {
  readonly algorithm: KeyAlgorithm
  /** Base64. */
  readonly publicKey: string
}

export function keyRecordName(domain: string, selector: string): string {
  return `${selector}._domainkey.${domain}`
}

export function formatKeyRecord({ algorithm, publicKey }: PublishedKey): string {
  return `v=DKIM1; k=${algorithm}; p=${publicKey}`
}

/** §3.6.1: an empty p= revokes the key. */
export const revokedKeyRecord = 'v=DKIM1; p='

/** What the DNS has in the place of a record. `unknown`: it could not be asked. */
export type KeyFinding =
  | { readonly kind: 'right' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'different' | 'unknown'; readonly detail: string }

export function compareKeyRecord(answer: Answer<string>, key: PublishedKey): KeyFinding {
  if (answer.kind === 'temporary-failure') return { kind: 'unknown', detail: answer.detail }
  if (answer.kind !== 'found') return { kind: 'missing' }
  // §3.6.2.2: what a verifier makes of several is not defined.
  if (answer.records.length > 1)
    return {
      kind: 'different',
      detail: `there are ${answer.records.length} TXT records of that name, and there must be one`,
    }
  const detail = problemOf(readTags(answer.records[0] ?? ''), key)
  return detail === undefined ? { kind: 'right' } : { kind: 'different', detail }
}

function problemOf(tags: ReadonlyMap<string, string> | undefined, key: PublishedKey): string | undefined {
  if (!tags) return 'the record is no list of tags ("v=DKIM1; k=…; p=…")'
  const tag = (name: string, otherwise: string): string => tags.get(name) ?? otherwise
  if (tag('v', 'DKIM1') !== 'DKIM1') return `the record has v=${tag('v', '')} and not v=DKIM1`
  const published = tag('p', '')
  if (published === '') return 'the record revokes the key: its p= is empty'
  if (tag('k', 'rsa') !== key.algorithm)
    return `the record has k=${tag('k', 'rsa')} and not k=${key.algorithm}`
  if (published !== key.publicKey) return 'the record has another key in p='
  if (!tag('h', 'sha256').split(':').includes('sha256')) return 'the record does not allow SHA-256 (h=)'
  if (!/(?:^|:)(?:\*|email)(?:$|:)/.test(tag('s', '*'))) return 'the record is not for mail (s=)'
  return undefined
}

/** §3.2; blanks are of no meaning in the tags that are asked for. */
function readTags(record: string): ReadonlyMap<string, string> | undefined {
  const tags = new Map<string, string>()
  for (const part of record.replaceAll(/[\s]+/g, '').split(';')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    if (equals < 1 || tags.has(part.slice(0, equals))) return undefined
    tags.set(part.slice(0, equals), part.slice(equals + 1))
  }
  return tags
}
