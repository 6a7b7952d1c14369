// A gate, as the queue knows it (docs/adr/0013), and the lanes behind it. It is closed only while all of them are.
import type { GateKey } from '../queue/gates.ts'
import type { Closure } from './destination-health.ts'
import type { Lane } from './lane.ts'
import type { RemoteAttempt } from './remote-attempt.ts'

export class Gate {
  readonly key: GateKey
  readonly lanes: readonly Lane[]

  /** `lanes` must not be empty. */
  constructor(key: GateKey, lanes: readonly Lane[]) {
    this.key = key
    this.lanes = lanes
  }

  /** That of the lane which opens first. */
  get closure(): Closure | undefined {
    let first: Closure | undefined
    for (const { closure } of this.lanes) {
      if (!closure) return undefined
      if (!first || closure.until < first.until) first = closure
    }
    return first
  }

  /** So many messages may come. */
  get room(): number {
    return this.lanes.reduce((sum, { room }) => sum + room, 0)
  }

  enqueue(attempt: RemoteAttempt): void {
    attempt.gate = this
    this.#laneFor().enqueue(attempt)
  }

  #laneFor(): Lane {
    const lane = this.lanes.find(({ room }) => room > 0) ?? this.lanes[0]
    if (!lane) throw new RangeError('a gate needs at least one lane')
    return lane
  }

  /** Nothing waits behind it, nothing is open, nothing is remembered. */
  get isForgettable(): boolean {
    return this.lanes.every(lane => lane.isForgettable)
  }
}
