// DMARC: is the author's domain one that SPF or DKIM has proved, and what does it want done if not (RFC 9989 §5.3)?
import type { AuthenticationDns } from '../bounded-dns.ts'
import type { DmarcPolicy, PolicyRecord } from './policy-record.ts'
import { applyingPolicy, organizationalDomain, TreeWalker, type Walk } from './tree-walk.ts'

export interface DmarcEvidence {
  readonly result: 'none' | 'pass' | 'fail' | 'temperror' | 'permerror'
  /** Of the author; absent where there is none, or no one. */
  readonly domain?: string | undefined
  /** What its record wants for mail that fails, subdomains and t=y reckoned in. */
  readonly policy?: DmarcPolicy | undefined
  /** Whose record, and the record. */
  readonly policyDomain?: string | undefined
  readonly record?: string | undefined
  readonly isTesting?: true | undefined
  /** The domains that proved it. */
  readonly alignedSpf?: string | undefined
  readonly alignedDkim?: string | undefined
  readonly problem?: string | undefined
}

/** What the other checks have proved, and what they could not find out. */
export interface Identifiers {
  /** Of MAIL FROM, when SPF passed. */
  readonly spf: string | undefined
  /** d= of each signature that passed. */
  readonly dkim: readonly string[]
  /** Domains that may yet be proved: the DNS did not answer. */
  readonly unknown: readonly string[]
}

/** Each may need a walk. */
const maxIdentifiers = 12

export class DmarcCheck {
  readonly #dns: AuthenticationDns
  readonly #walker: TreeWalker

  constructor(dns: AuthenticationDns) {
    this.#dns = dns
    this.#walker = new TreeWalker(dns)
  }

  /** So that it is there when the body has come. */
  prepare(domain: string): void {
    this.#walker.walk(domain).catch(() => {}) // whoever evaluates gets it
  }

  async evaluate(domain: string, identifiers: Identifiers): Promise<DmarcEvidence> {
    const walk = await this.#walker.walk(domain)
    const applying = applyingPolicy(domain, walk)
    // Above what was found there may be more, which only alignment needs; with nothing found, nothing is known.
    if (walk.failure !== undefined && applying?.domain !== domain)
      return { result: 'temperror', domain, problem: walk.failure }
    if (!applying || applying.record.policy === undefined) return { result: 'none', domain }
    const { record } = applying
    const facts = {
      domain,
      policyDomain: applying.domain,
      record: record.text.slice(0, maxRecord),
      ...(record.isTesting ? ({ isTesting: true } as const) : {}),
    }
    const wanted = await this.#wantedPolicy(domain, applying.domain, record)
    const policy = typeof wanted === 'string' ? wanted : undefined
    const aligned = await this.#align(domain, walk, record, identifiers)
    if (aligned.spf !== undefined || aligned.dkim !== undefined)
      return { ...facts, policy, result: 'pass', alignedSpf: aligned.spf, alignedDkim: aligned.dkim }
    if (aligned.failure !== undefined)
      return { ...facts, policy, result: 'temperror', problem: aligned.failure }
    if (typeof wanted !== 'string') return { ...facts, result: 'temperror', problem: wanted.failure }
    return { ...facts, policy, result: 'fail' }
  }

  /** §4.7, §4.10.1: p, or for a subdomain sp or np; a step milder while the domain tries it out. */
  async #wantedPolicy(
    domain: string,
    policyDomain: string,
    record: PolicyRecord,
  ): Promise<DmarcPolicy | { readonly failure: string }> {
    const milder = (policy: DmarcPolicy): DmarcPolicy => (record.isTesting ? milderPolicy[policy] : policy)
    if (domain === policyDomain) return milder(record.policy)
    if (record.missingPolicy === record.subdomainPolicy) return milder(record.subdomainPolicy)
    const exists = await this.#exists(domain)
    if (typeof exists !== 'boolean') return exists
    return milder(exists ? record.subdomainPolicy : record.missingPolicy)
  }

  /** §A.4: only "no such name" says that it is not there; an alias to nowhere is there. */
  async #exists(domain: string): Promise<boolean | { readonly failure: string }> {
    for (const ask of [this.#dns.a, this.#dns.cname]) {
      const answer = await ask(domain)
      if (answer.kind === 'temporary-failure') return { failure: answer.detail }
      if (answer.kind !== 'no-such-domain') return true
    }
    return false
  }

  async #align(
    domain: string,
    walk: Walk,
    record: PolicyRecord,
    { spf, dkim, unknown }: Identifiers,
  ): Promise<{ spf?: string | undefined; dkim?: string | undefined; failure?: string | undefined }> {
    let failure: string | undefined
    const isAligned = async (identifier: string, isStrict: boolean): Promise<boolean> => {
      if (identifier === domain) return true
      if (isStrict) return false
      const same = await this.#isSameOrganization(domain, walk, identifier)
      if (typeof same === 'boolean') return same
      failure ??= same.failure
      return false
    }
    const alignedSpf = spf !== undefined && (await isAligned(spf, record.isStrictSpf)) ? spf : undefined
    let alignedDkim: string | undefined
    for (const identifier of new Set(dkim.slice(0, maxIdentifiers))) {
      if (!(await isAligned(identifier, record.isStrictDkim))) continue
      alignedDkim = identifier
      break
    }
    if (alignedSpf !== undefined || alignedDkim !== undefined) return { spf: alignedSpf, dkim: alignedDkim }
    for (const identifier of new Set(unknown.slice(0, maxIdentifiers))) {
      if (await isAligned(identifier, record.isStrictDkim && record.isStrictSpf))
        failure ??= `whether ${identifier} has sent it could not be found out, since the DNS did not answer`
    }
    return { failure }
  }

  async #isSameOrganization(
    domain: string,
    walk: Walk,
    identifier: string,
  ): Promise<boolean | { readonly failure: string }> {
    // Domains with nothing in common need no walk.
    if (topOf(identifier) !== topOf(domain)) return false
    if (walk.failure !== undefined) return { failure: walk.failure }
    const organization = organizationalDomain(domain, walk.found)
    if (identifier !== organization && !identifier.endsWith(`.${organization}`)) return false
    const other = await this.#walker.walk(identifier)
    if (other.failure !== undefined) return { failure: other.failure }
    return organizationalDomain(identifier, other.found) === organization
  }
}

const maxRecord = 500

const milderPolicy = { reject: 'quarantine', quarantine: 'none', none: 'none' } as const

function topOf(domain: string): string {
  return domain.slice(domain.lastIndexOf('.') + 1)
}
