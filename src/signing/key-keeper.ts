// Looks after the DKIM keys of our domains: makes them, sees whether their records are in the DNS, and lets a new one take the
// place of an old one. Several servers over one database do so side by side.
import type { Alerts } from '../alert/alerts.ts'
import { listDomainNames } from '../directory/domains.ts'
import type { Resolver } from '../dns/resolver.ts'
import type { Clock } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import { RegularWork } from '../runtime/regular-work.ts'
import type { Storage } from '../storage/operation.ts'
import { type DkimKey, type KeyStep, type KeyTerms, planKeys } from './dkim-key.ts'
import { makeKey } from './ensure-keys.ts'
import { compareKeyRecord, type KeyFinding, keyRecordName } from './key-record.ts'
import { forgetKey, listDkimKeys, noteKeyFinding, promoteKey, revokeKey } from './operations.ts'

export interface KeyKeeperOptions {
  readonly storage: Pick<Storage, 'run'>
  readonly resolver: Pick<Resolver, 'txt'>
  readonly clock: Clock
  readonly log: Log
  readonly terms: KeyTerms
  /** Tells an administrator of keys that are to be published; without it nobody is told. */
  readonly alerts?: Pick<Alerts, 'raise'> | undefined
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const lookEveryMs = 5 * minuteMs
const dayMs = 24 * hourMs
const maxDomains = 1_000_000

export class KeyKeeper {
  readonly #options: KeyKeeperOptions
  readonly #regular: RegularWork

  constructor(options: KeyKeeperOptions) {
    this.#options = options
    this.#regular = new RegularWork({
      clock: options.clock,
      everyMs: lookEveryMs,
      trouble: new LastingTrouble(options.log, {
        begins: 'the DKIM keys of our domains cannot be looked after',
        ends: 'the DKIM keys of our domains are looked after again',
      }),
      work: () => this.look(),
    })
  }

  start(): void {
    this.#regular.start()
  }

  /** The directory has changed: a domain may be new. */
  wake(): void {
    this.#regular.wake()
  }

  stop(): Promise<void> {
    return this.#regular.stop()
  }

  /** What is due now, in all domains. Rejects with a StorageFault. */
  async look(): Promise<void> {
    const { storage } = this.#options
    const byDomain = Map.groupBy(await storage.run(listDkimKeys, {}), ({ domain }) => domain)
    for (const domain of await storage.run(listDomainNames, { limit: maxDomains })) {
      if (this.#regular.isStopped) return
      await this.#lookAfter(domain, byDomain.get(domain) ?? [], 'when-due')
    }
  }

  /** What is due now in one domain, and its records are looked up whether that is due or not. */
  async lookAt(domain: string): Promise<readonly DkimKey[]> {
    const { storage } = this.#options
    await this.#lookAfter(domain, await storage.run(listDkimKeys, { domain }), 'now')
    return await storage.run(listDkimKeys, { domain })
  }

  async #lookAfter(domain: string, known: readonly DkimKey[], checks: 'when-due' | 'now'): Promise<void> {
    const { clock, storage, terms } = this.#options
    let keys = known
    const isNew = planKeys(keys, clock.now(), terms).some(({ kind }) => kind === 'make')
    if (isNew) {
      await this.#take(domain, keys)
      keys = await storage.run(listDkimKeys, { domain })
    }
    if (await this.#check(keys, checks)) keys = await storage.run(listDkimKeys, { domain })
    await this.#take(domain, keys)
  }

  async #take(domain: string, keys: readonly DkimKey[]): Promise<void> {
    const { clock, terms } = this.#options
    for (const step of planKeys(keys, clock.now(), terms)) await this.#takeStep(domain, keys, step)
  }

  async #takeStep(domain: string, keys: readonly DkimKey[], step: KeyStep): Promise<void> {
    const { clock, log, storage } = this.#options
    const at = clock.now()
    switch (step.kind) {
      case 'make': {
        const selector = await makeKey(storage, domain, step.algorithm, at)
        if (selector === undefined) return
        log.info('a DKIM key was made; its record is to be published', { domain, selector })
        if (keys.some(({ state }) => state === 'active')) await this.#tellOfRotation(domain, selector)
        return
      }
      case 'promote':
        if (await storage.run(promoteKey, { domain, selector: step.selector, at }))
          log.info('mail is signed with a DKIM key from now on', { domain, selector: step.selector })
        return
      case 'revoke':
        if (await storage.run(revokeKey, { domain, selector: step.selector, at }))
          log.info('a DKIM key is no longer needed; its record may go', { domain, selector: step.selector })
        return
      case 'forget':
        await storage.run(forgetKey, { domain, selector: step.selector })
        return
      default:
        step satisfies never
    }
  }

  async #tellOfRotation(domain: string, selector: string): Promise<void> {
    const detail = `the record of the key ${selector} of ${domain}, which is to sign its mail next, has to be published`
    await this.#options.alerts?.raise({
      kind: 'dkim-key-to-publish',
      subject: domain,
      at: this.#options.clock.now(),
      evidence: { detail },
    })
  }

  /** Whether anything was found out. */
  async #check(keys: readonly DkimKey[], checks: 'when-due' | 'now'): Promise<boolean> {
    const { clock, storage } = this.#options
    const due = keys.filter(key => isOfInterest(key) && (checks === 'now' || isCheckDue(key, clock.now())))
    for (const key of due) {
      const { domain, selector } = key
      const finding = await this.#ask(key)
      await storage.run(noteKeyFinding, { domain, selector, at: clock.now(), finding })
      await this.#tellIfGone(key, finding)
    }
    return due.length > 0
  }

  async #ask(key: DkimKey): Promise<KeyFinding> {
    return compareKeyRecord(await this.#options.resolver.txt(keyRecordName(key.domain, key.selector)), key)
  }

  /** Twice in a row: once may be a server of the zone that is behind the others. */
  async #tellIfGone(key: DkimKey, finding: KeyFinding): Promise<void> {
    const { alerts, clock, log, terms } = this.#options
    if (key.state !== 'active' || finding.kind === 'right' || finding.kind === 'unknown') return
    // Who says that this server sees another DNS than the world does, is not told what it sees.
    if (terms.signUnseenAfterHours > 0 && finding.kind === 'missing') return
    const { domain, selector } = key
    const what =
      finding.kind === 'missing' ? 'is not in the DNS' : `is not what it has to be: ${finding.detail}`
    if (key.finding === 'right') {
      log.warn('the record of a DKIM key is not as it has to be: it signs no mail until it is', {
        domain,
        selector,
        reason: what,
      })
      return
    }
    const detail = `the record ${keyRecordName(domain, selector)} ${what}`
    await alerts?.raise({ kind: 'dkim-record', subject: domain, at: clock.now(), evidence: { detail } })
  }
}

function isOfInterest({ state }: DkimKey): boolean {
  return state === 'next' || state === 'active'
}

/** Often while somebody may be about to publish or to mend it. */
function isCheckDue({ checkedAt, finding, state, stateSince }: DkimKey, now: number): boolean {
  if (checkedAt === undefined) return true
  const isAwaited = finding !== 'right' && (state === 'active' || now - stateSince < dayMs)
  return now - checkedAt >= (isAwaited ? lookEveryMs : hourMs)
}
