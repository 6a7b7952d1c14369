// Keeps the lines at the gates: lets in as many as there is room for, from each line in turn (docs/adr/0013).
import type { GateKey } from '../../queue/gates.ts'

export interface Taking {
  readonly gate: GateKey
  readonly maxRecipients: number
  readonly afterShare: string | undefined
}

export interface Taken {
  readonly recipients: number
  readonly lastShare?: string | undefined
}

export interface GatekeeperParts {
  /** How many may pass this gate now. */
  readonly roomBehind: (gate: GateKey) => number
  /** How many may pass all gates together. */
  readonly room: () => number
  /** Takes those who stand first, and sets them on their way. Rejects when the queue cannot be read. */
  readonly take: (taking: Taking) => Promise<Taken>
  readonly failed: (cause: unknown) => void
  /** A taking has ended, or there was nobody to be taken. */
  readonly ended: () => void
}

interface Line {
  isBeingTaken: boolean
  /** More have come while some were being taken. */
  hasGrown: boolean
  lastShare: string | undefined
}

const maxTaking = 500

export class Gatekeeper {
  readonly #parts: GatekeeperParts
  /** Those behind which somebody may stand. */
  readonly #lines = new Map<GateKey, Line>()
  #scheduled = false
  #beingTaken = 0
  #stopped = false

  constructor(parts: GatekeeperParts) {
    this.#parts = parts
  }

  hasLine(gate: GateKey): boolean {
    return this.#lines.has(gate)
  }

  /** Somebody stands there now. */
  stands(gate: GateKey): void {
    const line = this.#lines.get(gate)
    if (line) line.hasGrown = true
    else this.#lines.set(gate, { isBeingTaken: false, hasGrown: false, lastShare: undefined })
    this.roomAgain()
  }

  /** There may be room: looked at once, however often this is said in one turn. */
  roomAgain(): void {
    if (this.#scheduled || this.#stopped || this.#lines.size === 0) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#look()
      this.#parts.ended()
    })
  }

  /** Somebody is being let in, or will be in this turn. */
  get isBusy(): boolean {
    return this.#scheduled || this.#beingTaken > 0
  }

  /** Nobody is let in any more. */
  stop(): void {
    this.#stopped = true
    this.#lines.clear()
  }

  #look(): void {
    let room = this.#parts.room()
    for (const [gate, line] of this.#lines) {
      if (this.#stopped || room <= 0) return
      if (line.isBeingTaken) continue
      const maxRecipients = Math.min(this.#parts.roomBehind(gate), room, maxTaking)
      if (maxRecipients <= 0) continue
      room -= maxRecipients
      // To the end: the others have their turn before it comes again.
      this.#lines.delete(gate)
      this.#lines.set(gate, line)
      void this.#take(gate, line, maxRecipients)
    }
  }

  /** Never rejects. */
  async #take(gate: GateKey, line: Line, maxRecipients: number): Promise<void> {
    line.isBeingTaken = true
    this.#beingTaken++
    line.hasGrown = false
    try {
      const { recipients, lastShare } = await this.#parts.take({
        gate,
        maxRecipients,
        afterShare: line.lastShare,
      })
      line.lastShare = lastShare
      line.isBeingTaken = false
      if (recipients < maxRecipients && !line.hasGrown) this.#lines.delete(gate)
      else this.roomAgain()
    } catch (cause) {
      line.isBeingTaken = false
      this.#parts.failed(cause)
    } finally {
      this.#beingTaken--
      this.#parts.ended()
    }
  }
}
