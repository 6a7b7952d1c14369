// A new address sends little at first, and more each day, so that receivers get to know it (docs/adr/0019).
import type { SourceSettings } from '../config/settings.ts'
import { noteSourceUse } from '../queue/source-addresses.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Storage } from '../storage/operation.ts'
import type { Limit } from './allowance.ts'
import { usualCurve } from './warm-up-curve.ts'

export interface WarmUpParts {
  readonly storage: Pick<Storage, 'run'>
  readonly clock: Clock
  readonly address: string
  readonly warmUp: SourceSettings['warmUp']
}

const dayMs = 86_400_000

export class WarmUp {
  readonly #parts: WarmUpParts
  readonly #curve: readonly number[]
  #firstUsedAt: number | undefined

  constructor(parts: WarmUpParts) {
    this.#parts = parts
    const { warmUp } = parts
    this.#curve = typeof warmUp === 'boolean' ? (warmUp ? usualCurve : []) : warmUp
  }

  /**
   * Of today, at each receiver; none: it is warm. Whoever asks is about to send, so the first day begins when this is asked
   * first. Rejects with a StorageFault.
   */
  async limits(): Promise<readonly Limit[]> {
    if (this.#curve.length === 0) return []
    const { storage, clock, address } = this.#parts
    const now = clock.now()
    this.#firstUsedAt ??= await storage.run(noteSourceUse, { address, now })
    const day = Math.floor((now - this.#firstUsedAt) / dayMs)
    const most = this.#curve[Math.max(0, day)]
    if (most === undefined) return []
    const because = `the address ${address} is new: day ${day + 1} of its warm-up`
    return [{ most, spanMs: dayMs, because, endsAt: this.#firstUsedAt + (day + 1) * dayMs }]
  }
}
