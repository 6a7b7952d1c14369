// The walk up the DNS tree that finds a domain's policy and its organisation (RFC 9989 §4.10).
import type { AuthenticationDns } from '../bounded-dns.ts'
import { remember } from '../remember.ts'
import { isPolicyRecord, type ParsedPolicy, parsePolicyRecord } from './policy-record.ts'

export interface FoundPolicy {
  readonly domain: string
  readonly record: ParsedPolicy
}

/** What stands on the way up, the longest name first. `failure`: there it ended, since the DNS did not answer. */
export interface Walk {
  readonly found: readonly FoundPolicy[]
  readonly failure?: string | undefined
}

/** §4.10: of a longer name so many labels are left after the first question. No walk has more than eight questions. */
const maxLabels = 7

const readRecord = remember(text => ({ record: parsePolicyRecord(text) }))

export class TreeWalker {
  readonly #dns: AuthenticationDns
  readonly #walks = new Map<string, Promise<Walk>>()

  constructor(dns: AuthenticationDns) {
    this.#dns = dns
  }

  walk(domain: string): Promise<Walk> {
    const known = this.#walks.get(domain) ?? this.#walkUp(domain)
    this.#walks.set(domain, known)
    return known
  }

  async #walkUp(domain: string): Promise<Walk> {
    const found: FoundPolicy[] = []
    let labels = domain.split('.')
    while (labels.length > 0) {
      const name = labels.join('.')
      const asked = await this.#ask(name)
      if (typeof asked === 'string') return { found, failure: asked }
      if (asked) {
        found.push({ domain: name, record: asked })
        if (asked.publicSuffix !== 'u') break
      }
      labels = labels.slice(labels.length > maxLabels ? labels.length - maxLabels : 1)
    }
    return { found }
  }

  /** A text says what failed. */
  async #ask(domain: string): Promise<ParsedPolicy | string | undefined> {
    const answer = await this.#dns.txt(`_dmarc.${domain}`)
    if (answer.kind === 'temporary-failure')
      return `the DMARC record of ${domain} could not be looked up: ${answer.detail}`
    const records = answer.kind === 'found' ? answer.records.filter(isPolicyRecord) : []
    // Of several, none counts.
    const [only] = records.length === 1 ? records : []
    return only === undefined ? undefined : readRecord(only).record
  }
}

/** §4.10.2: the domain below which all is one organisation's. */
export function organizationalDomain(domain: string, found: readonly FoundPolicy[]): string {
  for (const { domain: at, record } of found) {
    if (record.publicSuffix === 'n') return at
    if (record.publicSuffix === 'y' && at !== domain)
      return domain
        .split('.')
        .slice(-at.split('.').length - 1)
        .join('.')
  }
  return found.at(-1)?.domain ?? domain
}

/** §4.10.1: at the author's domain, else at its organisation, else at the public suffix above that. */
export function applyingPolicy(domain: string, { found }: Walk): FoundPolicy | undefined {
  const [first] = found
  if (first?.domain === domain) return first
  const organization = organizationalDomain(domain, found)
  const last = found.at(-1)
  return (
    found.find(one => one.domain === organization) ?? (last?.record.publicSuffix === 'y' ? last : undefined)
  )
}
