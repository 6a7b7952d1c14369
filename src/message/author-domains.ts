// The domains of the authors that a From field names (RFC 5322 §3.4, §3.6.2): what a signature, or a policy, is about.
import { parseDomain } from '../address/parse-domain.ts'

/** Nobody has so many authors. */
const maxAuthors = 100
const maxLength = 10_000

/**
 * Canonical (A-labels), in their order, each once. undefined: the value is none that can be read without a doubt. `value`:
 * unfolded.
 */
export function findAuthorDomains(value: string): readonly string[] | undefined {
  if (value.length > maxLength) return undefined
  const bare = withoutWords(value)
  if (bare === undefined) return undefined
  const domains = new Set<string>()
  for (const mailbox of bare.split(/[,;]/)) {
    // 'undisclosed: a@example.test;' is a group.
    const text = mailbox.slice(mailbox.lastIndexOf(':') + 1).trim()
    if (text === '') continue
    const domain = domainOfMailbox(text)
    if (domain === undefined || domains.size >= maxAuthors) return undefined
    domains.add(domain)
  }
  return domains.size > 0 ? [...domains] : undefined
}

/** A quoted string becomes a letter, a comment nothing. undefined: one of them has no end. */
function withoutWords(value: string): string | undefined {
  let bare = ''
  let comments = 0
  for (let index = 0; index < value.length; index++) {
    const letter = value[index] ?? ''
    if (letter === '\\' && comments > 0) index++
    else if (letter === '(') comments++
    else if (letter === ')' && comments > 0) comments--
    else if (comments > 0) continue
    else if (letter === '"') {
      const end = endOfQuoted(value, index + 1)
      if (end === undefined) return undefined
      bare += 'q'
      index = end
    } else bare += letter
  }
  return comments === 0 ? bare : undefined
}

/** Where the closing quote is. */
function endOfQuoted(value: string, start: number): number | undefined {
  for (let index = start; index < value.length; index++) {
    if (value[index] === '\\') index++
    else if (value[index] === '"') return index
  }
  return undefined
}

function domainOfMailbox(text: string): string | undefined {
  const open = text.indexOf('<')
  let address = text
  if (open >= 0) {
    // Two addresses in one mailbox: programs differ in which they show.
    if (text.indexOf('<', open + 1) >= 0 || !text.endsWith('>')) return undefined
    address = text.slice(open + 1, -1)
  }
  const parts = address.split('@')
  if (parts.length !== 2 || parts[0]?.trim() === '') return undefined
  return parseDomain(parts[1]?.trim() ?? '')
}
