// Which TLS policy holds for the mail hosts of a domain: DANE where the DNS is proven (RFC 7672), else MTA-STS (RFC 8461).
import type { Resolver } from '../dns/resolver.ts'
import type { Clock } from '../runtime/clock.ts'
import { ForAWhile } from '../runtime/for-a-while.ts'
import type { Log } from '../runtime/log.ts'
import type { Storage } from '../storage/operation.ts'
import { isPassing } from '../storage/storage-fault.ts'
import { isUsable } from './dane.ts'
import type { FetchedStsPolicy, FetchStsPolicy } from './fetch-sts-policy.ts'
import {
  findStsPolicy,
  type KeptStsPolicy,
  keepStsPolicy,
  listStsPoliciesToRefresh,
  noteStsPolicyUsed,
} from './operations.ts'
import type { DomainTlsPolicy, PolicedServer, ServerTlsPolicy } from './server-policy.ts'
import { isNamedBy, readStsId } from './sts-policy.ts'

export interface TlsPolicyFinder {
  /** As of now. Rejects with a StorageFault: without the kept policies nobody knows whether one holds. */
  find(domain: string): Promise<DomainTlsPolicy>
  /** Fetches anew what is in use and would run out. Never rejects. */
  refresh(): Promise<void>
}

export interface TlsPolicyFinderOptions {
  readonly storage: Pick<Storage, 'run'>
  readonly resolver: Resolver
  readonly fetchPolicy: FetchStsPolicy
  readonly clock: Clock
  readonly log: Log
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
/** Name servers that do not answer are not asked at each connection: what is kept holds meanwhile, else nothing. */
const afterSilenceMs = minuteMs
/** RFC 8461 §3.3: a policy that cannot be fetched is not asked for again at once. */
const afterFailureMs = 5 * minuteMs
const refreshAfterMs = dayMs
/** A policy with a short life, between two rounds of refreshing. */
const refreshBeforeEndMs = 2 * hourMs
/** To whom nobody has written for so long is not asked on and on. */
const forgetAfterMs = 30 * dayMs
const maxRefreshes = 500

export function createTlsPolicyFinder(options: TlsPolicyFinderOptions): TlsPolicyFinder {
  return new Finder(options)
}

interface StsDecision {
  readonly sts?: KeptStsPolicy | undefined
  readonly stsFailure?: DomainTlsPolicy['stsFailure']
}

class Finder implements TlsPolicyFinder {
  readonly #options: TlsPolicyFinderOptions
  readonly #fetching = new Map<string, Promise<FetchedStsPolicy>>()
  /** By domain and id. */
  readonly #failures = new ForAWhile<StsDecision['stsFailure']>()
  /** By domain. */
  readonly #lastKept = new ForAWhile<KeptStsPolicy | 'none'>()
  readonly #silent = new ForAWhile<true>()

  constructor(options: TlsPolicyFinderOptions) {
    this.#options = options
  }

  async find(domain: string): Promise<DomainTlsPolicy> {
    const decision = await this.#decideSts(domain)
    return { domain, ...decision, of: server => this.#policyOf(server, decision.sts) }
  }

  async refresh(): Promise<void> {
    const { clock, log, storage } = this.#options
    const now = clock.now()
    try {
      const kept = await storage.run(listStsPoliciesToRefresh, {
        now,
        fetchedBefore: now - refreshAfterMs,
        expiresBefore: now + refreshBeforeEndMs,
        usedSince: now - forgetAfterMs,
        limit: maxRefreshes,
      })
      for (const { domain, policyId } of kept)
        await this.#fetch(domain, (await this.#lookUpId(domain)) ?? policyId, false)
    } catch (cause) {
      log.warn('policies of MTA-STS could not be fetched anew', { reason: String(cause) })
    }
  }

  async #policyOf(server: PolicedServer, sts: KeptStsPolicy | undefined): Promise<ServerTlsPolicy> {
    const isInForce = sts?.mode === 'enforce'
    // RFC 8461 §2: MTA-STS never overrides what DANE says.
    for (const base of server.tlsaBases ?? []) {
      const answer = await this.#options.resolver.tlsa(`_${server.port}._tcp.${base}`)
      // RFC 7672 §2.1.1: as if the host were not there.
      if (answer.kind === 'temporary-failure') return { kind: 'dane-unknown', base, detail: answer.detail }
      if (answer.kind === 'found' && answer.isAuthentic) {
        const usable = answer.records.filter(isUsable)
        // RFC 7672 §2.2: without any TLS is demanded, with whatever certificate. A policy in force demands that, and a good one.
        if (usable.length === 0 && isInForce) break
        return { kind: 'dane', base, records: answer.records, usable }
      }
    }
    if (!sts || sts.mode === 'none') return { kind: 'none' }
    return { kind: 'sts', policy: sts, isNamed: isNamedBy(sts, server.host) }
  }

  /** §3.1, §5.1: a policy that was fetched holds for its time, whatever becomes of the record and the file meanwhile. */
  async #decideSts(domain: string): Promise<StsDecision> {
    const { clock } = this.#options
    const [kept, id] = await Promise.all([this.#findKept(domain), this.#lookUpId(domain)])
    if (id === undefined || kept?.policyId === id) {
      if (kept) this.#noteUse(kept)
      return { sts: kept }
    }
    const key = `${domain} ${id}`
    const known = this.#failures.find(key, clock.now())
    if (known) return { sts: kept, stsFailure: known }
    const fetched = await this.#fetch(domain, id, true)
    if (fetched.kind === 'failed') {
      this.#failures.keep(key, fetched, clock.now() + afterFailureMs)
      return { sts: kept, stsFailure: fetched }
    }
    const { mode, mx, maxAgeMs } = fetched.policy
    const now = clock.now()
    return {
      sts: { domain, policyId: id, mode, mx, fetchedAt: now, expiresAt: now + maxAgeMs, usedAt: now },
    }
  }

  /** While the storage is away, what it said before still holds. */
  async #findKept(domain: string): Promise<KeptStsPolicy | undefined> {
    const { clock, storage } = this.#options
    const now = clock.now()
    try {
      const kept = await storage.run(findStsPolicy, { domain, now })
      this.#lastKept.keep(domain, kept ?? 'none', now + hourMs)
      return kept
    } catch (cause) {
      const last = isPassing(cause) ? this.#lastKept.find(domain, now) : undefined
      if (last === undefined) throw cause
      return last !== 'none' && last.expiresAt > now ? last : undefined
    }
  }

  async #lookUpId(domain: string): Promise<string | undefined> {
    const { clock, resolver } = this.#options
    if (this.#silent.find(domain, clock.now())) return undefined
    const answer = await resolver.txt(`_mta-sts.${domain}`)
    if (answer.kind === 'temporary-failure') this.#silent.keep(domain, true, clock.now() + afterSilenceMs)
    return answer.kind === 'found' ? readStsId(answer.records) : undefined
  }

  /** Many connections to one domain open at the same moment: one question serves them. */
  async #fetch(domain: string, policyId: string, isUsed: boolean): Promise<FetchedStsPolicy> {
    const underway = this.#fetching.get(domain)
    if (underway) return await underway
    const fetching = this.#fetchAndKeep(domain, policyId, isUsed)
    this.#fetching.set(domain, fetching)
    try {
      return await fetching
    } finally {
      this.#fetching.delete(domain)
    }
  }

  async #fetchAndKeep(domain: string, policyId: string, isUsed: boolean): Promise<FetchedStsPolicy> {
    const { clock, fetchPolicy, log, storage } = this.#options
    const fetched = await fetchPolicy(domain)
    // Not known to be kept until it is read: an outage in between must not bring back what was there before.
    this.#lastKept.forget(domain)
    if (fetched.kind === 'fetched')
      await storage.run(keepStsPolicy, { domain, policyId, policy: fetched.policy, at: clock.now(), isUsed })
    else log.warn('a policy of MTA-STS cannot be fetched', { domain, reason: fetched.detail })
    return fetched
  }

  #noteUse({ domain, usedAt }: KeptStsPolicy): void {
    const { clock, log, storage } = this.#options
    const at = clock.now()
    if (at - usedAt < dayMs) return
    storage.run(noteStsPolicyUsed, { domain, at }).catch((cause: unknown) => {
      log.debug('the use of a policy could not be noted', { domain, reason: String(cause) })
    })
  }
}
