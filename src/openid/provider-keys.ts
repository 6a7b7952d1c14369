// The keys of an OpenID provider: found by its issuer (OpenID Connect Discovery 1.0 §4), kept, and asked for again when they
// are old or a token names one that is not among them. While the provider does not answer, those that were kept go on.
import type {
  CryptoKey,
  createLocalJWKSet,
  FlattenedJWSInput,
  JSONWebKeySet,
  JWTHeaderParameters,
} from 'jose'
import { z } from 'zod'
import { isOnThisMachine } from '../address/on-this-machine.ts'
import type { Clock } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import { confused, getJson } from './get-json.ts'
import type { ProviderFault } from './provider-fault.ts'

const secondMs = 1000
const minuteMs = 60 * secondMs
/** So long nobody asks whether there are others. */
const freshMs = 10 * minuteMs
/** So long they are used without the provider: it may have taken one back meanwhile. */
const usableMs = 24 * 60 * minuteMs
/** A stranger can name as many keys as he likes; they are not looked for more often than this. */
const pauseMs = 10 * secondMs
const deadlineMs = 5 * secondMs
/** More are no provider's: each may have to be tried. */
const maxKeys = 100

const configurationSchema = z.object({ issuer: z.string(), jwks_uri: z.string() })
const keySetSchema = z.object({
  keys: z.array(z.looseObject({ kty: z.string() })).max(maxKeys),
})

export interface ProviderKeysOptions {
  /** 'https://sso.example.com/realms/main' */
  readonly issuer: string
  /** PEM, of who vouches for its certificate, beside those that everybody knows. */
  readonly caPem?: string | undefined
  readonly clock: Clock
  readonly log: Log
}

interface KeptKeys {
  readonly find: ReturnType<typeof createLocalJWKSet>
  readonly at: number
}

export class ProviderKeys {
  readonly #options: ProviderKeysOptions
  readonly #trouble: LastingTrouble
  #kept: KeptKeys | undefined
  #triedAt = Number.NEGATIVE_INFINITY
  #problem: ProviderFault | undefined
  #asking: Promise<void> | undefined

  constructor(options: ProviderKeysOptions) {
    this.#options = options
    this.#trouble = new LastingTrouble(options.log, {
      begins: 'an OpenID provider cannot be asked for its keys; the last ones are used for up to a day',
      ends: 'the OpenID provider is asked for its keys again',
    })
  }

  /** What the provider says of itself. */
  get configuration(): string {
    return configurationOf(this.#options.issuer)
  }

  /** Rejects with an error of jose when the token's key is none of theirs, with a ProviderFault when nobody can say. */
  async find(header: JWTHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    const age = this.#now - (this.#kept?.at ?? Number.NEGATIVE_INFINITY)
    if (age >= freshMs) await this.#ask()
    try {
      return await this.#usable.find(header, token)
    } catch (cause) {
      const { errors } = await import('jose')
      if (!(cause instanceof errors.JWKSNoMatchingKey)) throw cause
    }
    // A new one, perhaps.
    await this.#ask()
    if (this.#problem) throw this.#problem
    return await this.#usable.find(header, token)
  }

  /** Asks the provider now. Rejects with a ProviderFault. */
  async look(): Promise<void> {
    await this.#fetch()
    if (this.#problem) throw this.#problem
  }

  get #now(): number {
    return this.#options.clock.now()
  }

  get #usable(): KeptKeys {
    const kept = this.#kept
    if (kept && this.#now - kept.at < usableMs) return kept
    throw this.#problem ?? new Error('an OpenID provider has neither keys nor a problem')
  }

  /** Whoever comes while it is asked waits for the same answer. */
  async #ask(): Promise<void> {
    if (this.#asking) return await this.#asking
    if (this.#now - this.#triedAt < pauseMs) return
    this.#triedAt = this.#now
    this.#asking = this.#fetch().finally(() => {
      this.#asking = undefined
    })
    await this.#asking
  }

  async #fetch(): Promise<void> {
    const patience = new AbortController()
    const timer = this.#options.clock.after(deadlineMs, () => patience.abort())
    try {
      const keys = await this.#readKeys(patience.signal)
      const jose = await import('jose')
      this.#kept = { find: jose.createLocalJWKSet(keys), at: this.#now }
      this.#problem = undefined
      this.#trouble.over()
    } catch (cause) {
      const problem = cause as ProviderFault
      this.#problem = problem
      this.#trouble.hit(problem)
    } finally {
      timer.cancel()
    }
  }

  async #readKeys(signal: AbortSignal): Promise<JSONWebKeySet> {
    const { issuer, caPem } = this.#options
    const described = new URL(this.configuration)
    const configuration = configurationSchema.safeParse(await getJson(described, { caPem, signal }))
    if (!configuration.success) throw confused(described, 'what does not say issuer and jwks_uri')
    // Discovery §4.3: anybody could say that he is another.
    if (configuration.data.issuer !== issuer)
      throw confused(described, `another issuer: ${configuration.data.issuer.slice(0, 200)}`)
    const { jwks_uri: place } = configuration.data
    if (problemOfProviderUrl(place) !== undefined)
      throw confused(described, 'a jwks_uri that is not under https://')
    const keysUrl = new URL(place)
    const keys = keySetSchema.safeParse(await getJson(keysUrl, { caPem, signal }))
    if (!keys.success) throw confused(keysUrl, 'what is no set of keys (JWKS)')
    return keys.data
  }
}

/** §4: behind the issuer, whatever path it has. */
function configurationOf(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
}

/** Keys that came in the clear could be anybody's; within this machine nobody is in between. */
export function problemOfProviderUrl(text: string): 'no-url' | 'not-secret' | undefined {
  const url = URL.parse(text)
  if (!url || url.username !== '' || url.hash !== '') return 'no-url'
  if (url.protocol === 'https:') return undefined
  if (url.protocol !== 'http:') return 'no-url'
  return isOnThisMachine(text) ? undefined : 'not-secret'
}
