// Servers that did not answer lately are asked after the others: a dead one costs a timeout now and then, not one for each
// connection (RFC 5321 §4.5.4.1).
import type { RemoteServer } from '../../routing/remote-server.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { ClientFailureFacts } from '../../smtp/client/contract.ts'

interface Silence {
  readonly noticedAt: number
  /** From then on one connection finds out whether it answers again. */
  readonly until: number
  readonly waitMs: number
  readonly detail: string
}

export interface ServerOrder {
  readonly servers: readonly RemoteServer[]
  readonly last: readonly PutLast[]
}

/** One that comes after the others: until when, and what it met when it was asked. */
export interface PutLast {
  readonly server: RemoteServer
  readonly until: number
  readonly detail: string
}

/** One connection that is being opened. */
export interface WatchedTry {
  /** So long at most it has for its greeting. */
  readonly patienceMs?: number | undefined
  answered(): void
  failed(facts: ClientFailureFacts): void
}

const firstWaitMs = 2 * 60_000
const longestWaitMs = 30 * 60_000
/** For one that was silent, because mail that others would take waits meanwhile. */
const patienceMs = 10_000
/** The one that was noticed first is forgotten for the next. */
const maxKnown = 10_000

export class UnresponsiveServers {
  readonly #clock: Clock
  readonly #silences = new Map<string, Silence>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Those that answer, as far as known, before the others; otherwise in their own order. Of one whose wait is over the
   * caller finds out; until it has, others leave it last. `from`: the address of ours.
   */
  order(servers: readonly RemoteServer[], from: string | undefined): ServerOrder {
    const now = this.#clock.now()
    const first: RemoteServer[] = []
    const last: PutLast[] = []
    for (const server of servers) {
      const key = keyOf(server, from)
      const silence = this.#silences.get(key)
      if (silence && now < silence.until) {
        last.push({ server, until: silence.until, detail: silence.detail })
        continue
      }
      if (silence) this.#silences.set(key, { ...silence, until: now + silence.waitMs })
      first.push(server)
    }
    // Nothing is gained where all are silent.
    return first.length === 0
      ? { servers, last: [] }
      : { servers: [...first, ...last.map(({ server }) => server)], last }
  }

  begin(server: RemoteServer, from: string | undefined): WatchedTry {
    const startedAt = this.#clock.now()
    const key = keyOf(server, from)
    return {
      patienceMs: this.#silences.has(key) ? patienceMs : undefined,
      answered: () => {
        this.#silences.delete(key)
      },
      failed: facts => {
        // Whoever refuses at once costs nothing.
        if (facts.kind === 'timeout' || facts.kind === 'unreachable')
          this.#keptSilent(key, startedAt, facts.detail)
      },
    }
  }

  #keptSilent(key: string, startedAt: number, detail: string): void {
    const known = this.#silences.get(key)
    // Of several at a time the first to fail counts.
    if (known && startedAt < known.noticedAt) return
    const waitMs = known ? Math.min(2 * known.waitMs, longestWaitMs) : firstWaitMs
    const noticedAt = this.#clock.now()
    this.#silences.delete(key)
    this.#silences.set(key, { noticedAt, until: noticedAt + waitMs, waitMs, detail })
    const [oldest] = this.#silences.keys()
    if (this.#silences.size > maxKnown && oldest !== undefined) this.#silences.delete(oldest)
  }
}

function keyOf({ address, port }: RemoteServer, from = ''): string {
  return `${address} ${port} ${from}`
}
