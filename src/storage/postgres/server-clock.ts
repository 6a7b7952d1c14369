// The time of the database server, by which all who share it go: the clocks of two machines may be minutes apart, and a
// lease that has run out for the one must have run out for the other.
import type { Clock } from '../../runtime/clock.ts'
import type { Log } from '../../runtime/log.ts'
import { defineRead, type Storage } from '../operation.ts'

const readServerTime = defineRead(
  'storage.server-time',
  async tx =>
    (
      await tx.get<{ now: number }>(
        'SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) AS now',
      )
    )?.now,
)

const compareMs = 60_000
/** An answer that took longer says too little about when the server looked at its clock. */
const maxRoundTripMs = 2000
const maxTries = 5
/** Told to the administrator: what else the machine does goes by its own clock. */
const notableMs = 10_000

interface Comparison {
  readonly difference: number
  readonly roundTripMs: number
}

/** Resolves when the difference is known; it is looked at again every minute, as long as the storage answers. */
export async function createServerClock(storage: Pick<Storage, 'run'>, own: Clock, log: Log): Promise<Clock> {
  const compare = async (): Promise<Comparison> => {
    const asked = own.now()
    const server = await storage.run(readServerTime, undefined)
    const answered = own.now()
    // A clock that is set back meanwhile is no measure.
    const roundTripMs = answered < asked ? Number.POSITIVE_INFINITY : answered - asked
    return { difference: (server ?? answered) - Math.round((asked + answered) / 2), roundTripMs }
  }
  let { difference } = await bestOf(compare)
  let told = 0
  const tell = (): void => {
    if (Math.abs(difference - told) <= notableMs) return
    told = difference
    log.warn('the clock of this machine differs from that of the database; mail goes by the latter', {
      seconds: Math.round(difference / 1000),
    })
  }
  tell()
  own.every(compareMs, () => {
    compare().then(
      compared => {
        if (compared.roundTripMs > maxRoundTripMs) return
        difference = compared.difference
        tell()
      },
      (cause: unknown) => {
        log.debug('the time of the database could not be asked for', { reason: String(cause) })
      },
    )
  })
  return {
    now: () => own.now() + difference,
    after: (ms, callback) => own.after(ms, callback),
    every: (ms, callback) => own.every(ms, callback),
  }
}

async function bestOf(compare: () => Promise<Comparison>): Promise<Comparison> {
  let best = await compare()
  for (let tries = 1; tries < maxTries && best.roundTripMs > maxRoundTripMs; tries++) {
    const next = await compare()
    if (next.roundTripMs < best.roundTripMs) best = next
  }
  return best
}
