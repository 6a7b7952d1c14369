// The keys of our domains as the database keeps them, for whoever signs; remembered for a minute.
import { hasDomains } from '../directory/domains.ts'
import type { Clock } from '../runtime/clock.ts'
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

interface Remembered<Answer> {
  readonly answer: Promise<Answer>
  readonly at: number
}

const rememberedMs = 60_000
const maxRemembered = 2000

export class StoredKeyRing implements KeyRing {
  readonly #options: KeyRingOptions
  readonly #found = new Map<string, Remembered<KeysOfDomain | undefined>>()
  #hasDomains: Remembered<boolean> | undefined

  constructor(options: KeyRingOptions) {
    this.#options = options
  }

  async hasDomains(): Promise<boolean> {
    const { storage, clock } = this.#options
    const now = clock.now()
    if (!isFresh(this.#hasDomains, now))
      this.#hasDomains = { answer: storage.run(hasDomains, undefined), at: now }
    try {
      return await this.#hasDomains.answer
    } catch (cause) {
      this.#hasDomains = undefined
      throw cause
    }
  }

  async find(author: string): Promise<KeysOfDomain | undefined> {
    const now = this.#options.clock.now()
    const known = this.#found.get(author)
    if (isFresh(known, now)) return await known.answer
    const answer = this.#read(author, now)
    this.#found.delete(author)
    this.#found.set(author, { answer, at: now })
    const [oldest] = this.#found.keys()
    if (this.#found.size > maxRemembered && oldest !== undefined) this.#found.delete(oldest)
    try {
      return await answer
    } catch (cause) {
      this.#found.delete(author)
      throw cause
    }
  }

  /** The directory has changed. */
  forget(): void {
    this.#found.clear()
    this.#hasDomains = undefined
  }

  async #read(author: string, now: number): Promise<KeysOfDomain | undefined> {
    const { storage, terms } = this.#options
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

function isFresh<Answer>(known: Remembered<Answer> | undefined, now: number): known is Remembered<Answer> {
  return known !== undefined && now - known.at < rememberedMs
}
