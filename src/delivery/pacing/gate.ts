// A gate, as the queue knows it (docs/adr/0013), and the lanes behind it: one for each address of ours from which its mail may
// go. It is closed only while all of them are (docs/adr/0019).
import type { GateKey } from '../../queue/gates.ts'
import { hashText } from '../../runtime/hash-text.ts'
import type { RemoteAttempt } from '../transfer/remote-attempt.ts'
import type { Closure } from './destination-health.ts'
import type { Lane } from './lane.ts'

const hashKey = 0x5eed

export class Gate {
  readonly key: GateKey
  readonly lanes: readonly Lane[]

  /** `lanes` must not be empty. */
  constructor(key: GateKey, lanes: readonly Lane[]) {
    this.key = key
    this.lanes = lanes
  }

  /** That of the lane which opens first; undefined: one is open. */
  get closure(): Closure | undefined {
    let first: Closure | undefined
    for (const { closure } of this.lanes) {
      if (!closure) return undefined
      if (!first || closure.until < first.until) first = closure
    }
    return first
  }

  /** Mail is taken there from another address of ours, or will be when its time comes. */
  takesFromOther(source: string | undefined): boolean {
    return this.lanes.some(lane => {
      const reason = lane.closure?.reason
      return lane.source !== source && reason !== 'suspended' && reason !== 'unreachable'
    })
  }

  /** So many messages may come. */
  get room(): number {
    return this.lanes.reduce((sum, { room }) => sum + room, 0)
  }

  get roomForLine(): number {
    return this.lanes.reduce((sum, { roomForLine }) => sum + roomForLine, 0)
  }

  /** Somebody wants to know whether it goes now. */
  reopen(): void {
    for (const lane of this.lanes) lane.reopen()
  }

  enqueue(attempt: RemoteAttempt): void {
    attempt.gate = this
    this.#laneFor(attempt).enqueue(attempt)
  }

  /**
   * Each message has a lane of its own where it begins to look for room: so they spread over all, and one that was greylisted
   * comes again from the address that the receiver has seen.
   */
  #laneFor({ work }: RemoteAttempt): Lane {
    const own = hashText(String(work.message.id), hashKey) % this.lanes.length
    const inTurn = [...this.lanes.slice(own), ...this.lanes.slice(0, own)]
    const lane = inTurn.find(({ room }) => room > 0) ?? inTurn[0]
    if (!lane) throw new RangeError('a gate needs at least one lane')
    return lane
  }

  /** Nothing waits behind it, nothing is open, nothing is remembered here alone. */
  get isForgettable(): boolean {
    return this.lanes.every(lane => lane.isForgettable)
  }
}
