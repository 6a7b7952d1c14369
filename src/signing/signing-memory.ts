// What was signed lately: a message goes to many receivers at nearly the same time, and is hashed and signed once.
import type { Clock } from '../runtime/clock.ts'

const maxRemembered = 1000
/** A key whose record is gone must not sign for much longer. */
const rememberedMs = 5 * 60_000

export class SigningMemory<Signed> {
  readonly #clock: Clock
  readonly #signed = new Map<string, { readonly signing: Promise<Signed>; readonly at: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `key`: the same for the same bytes and the same signer. What rejects is not remembered. */
  async get(key: string, sign: () => Promise<Signed>): Promise<Signed> {
    const now = this.#clock.now()
    const known = this.#signed.get(key)
    if (known && now - known.at < rememberedMs) return await known.signing
    const signing = sign()
    this.#signed.delete(key)
    this.#signed.set(key, { signing, at: now })
    const [oldest] = this.#signed.keys()
    if (this.#signed.size > maxRemembered && oldest !== undefined) this.#signed.delete(oldest)
    try {
      return await signing
    } catch (cause) {
      this.#signed.delete(key)
      throw cause
    }
  }
}
