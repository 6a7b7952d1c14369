// The keys of our domains as the database keeps them, for whoever signs; remembered for a minute.
import { hasDomains } from '../directory/domains.ts'
import type { Clock } from '../runtime/clock.ts'
import { RecentAnswers } from '../runtime/recent-answers.ts'
import type { Storage } from '../storage/operation.ts'
import { isPublished } from './dkim-key.ts'
import { openKey } from './key-pair.ts'
import { findKeysThatSign } from './operations.ts'
import type { KeyRing, KeysOfDomain } from './signing-key.ts'

export interface KeyRingOptions {
  readonly storage: Pick<Storage, 'run'>
  readonly clock: Clock
  readonly terms: Parameters<typeof isPublished>[2]
}

const rememberedMs = 60_000
const maxRemembered = 2000

export class StoredKeyRing implements KeyRing {
  readonly #options: KeyRingOptions
  readonly #found: RecentAnswers<KeysOfDomain | undefined>
  readonly #hasDomains: RecentAnswers<boolean>

  constructor(options: KeyRingOptions) {
    const { clock } = options
    this.#options = options
    this.#found = new RecentAnswers({ clock, forMs: rememberedMs, most: maxRemembered })
    this.#hasDomains = new RecentAnswers({ clock, forMs: rememberedMs, most: 1 })
  }

  async hasDomains(): Promise<boolean> {
    return await this.#hasDomains.get('', () => this.#options.storage.run(hasDomains, undefined))
  }

  async find(author: string): Promise<KeysOfDomain | undefined> {
    return await this.#found.get(author, () => this.#read(author))
  }

  /** The directory has changed. */
  forget(): void {
    this.#found.forget()
    this.#hasDomains.forget()
  }

  async #read(author: string): Promise<KeysOfDomain | undefined> {
    const { storage, terms, clock } = this.#options
    const now = clock.now()
    const found = await storage.run(findKeysThatSign, { domains: withParents(author) })
    return (
      found && {
        domain: found.domain,
        keys: found.keys.filter(({ key }) => isPublished(key, now, terms)).map(openKey),
      }
    )
  }
}

/** The domain itself first. */
function withParents(domain: string): string[] {
  const labels = domain.split('.')
  return labels.map((_, index) => labels.slice(index).join('.'))
}
