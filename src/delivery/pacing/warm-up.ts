// A new address sends little at first, and more each day, so that receivers get to know it (docs/adr/0019).
import type { SourceSettings } from '../../config/settings.ts'
import { noteSourceUse } from '../../queue/source-addresses.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Storage } from '../../storage/operation.ts'
import type { Limit } from './allowance.ts'
import { usualCurve } from './warm-up-curve.ts'

export interface WarmUpParts {
  readonly storage: Pick<Storage, 'run'>
  readonly clock: Clock
  readonly address: string
  readonly warmUp: SourceSettings['warmUp']
}

const dayMs = 86_400_000

/** Of `now`, at each receiver; none: it is warm, or was never to be warmed up. */
export function warmUpLimits(
  { address, warmUp }: Pick<WarmUpParts, 'address' | 'warmUp'>,
  firstUsedAt: number,
  now: number,
): readonly Limit[] {
  const day = Math.floor((now - firstUsedAt) / dayMs)
  const most = curveOf(warmUp)[Math.max(0, day)]
  if (most === undefined) return []
  const because = `the address ${address} is new: day ${day + 1} of its warm-up`
  return [{ most, spanMs: dayMs, because, endsAt: firstUsedAt + (day + 1) * dayMs }]
}

function curveOf(warmUp: SourceSettings['warmUp']): readonly number[] {
  if (typeof warmUp !== 'boolean') return warmUp
  return warmUp ? usualCurve : []
}

export class WarmUp {
  readonly #parts: WarmUpParts
  #firstUsedAt: number | undefined

  constructor(parts: WarmUpParts) {
    this.#parts = parts
  }

  /**
   * Of today, at each receiver; none: it is warm. Whoever asks is about to send, so the first day begins when this is asked
   * first. Rejects with a StorageFault.
   */
  async limits(): Promise<readonly Limit[]> {
    const { storage, clock, address, warmUp } = this.#parts
    if (curveOf(warmUp).length === 0) return []
    const now = clock.now()
    this.#firstUsedAt ??= await storage.run(noteSourceUse, { address, now })
    return warmUpLimits(this.#parts, this.#firstUsedAt, now)
  }
}
