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
/** Told to the administrator: what else the machine does goes by its own clock. */
const notableMs = 10_000

/** Resolves when the difference is known; it is looked at again every minute, as long as the storage answers. */
export async function createServerClock(storage: Pick<Storage, 'run'>, own: Clock, log: Log): Promise<Clock> {
  let difference = 0
  const compare = async (): Promise<void> => {
    const asked = own.now()
    const server = await storage.run(readServerTime, undefined)
    if (server !== undefined) difference = server - Math.round((asked + own.now()) / 2)
  }
  await compare()
  if (Math.abs(difference) > notableMs)
    log.warn('the clock of this machine differs from that of the database; mail goes by the latter', {
      seconds: Math.round(difference / 1000),
    })
  own.every(compareMs, () => {
    compare().catch((cause: unknown) => {
      log.debug('the time of the database could not be asked for', { reason: String(cause) })
    })
  })
  return {
    now: () => own.now() + difference,
    after: (ms, callback) => own.after(ms, callback),
    every: (ms, callback) => own.every(ms, callback),
  }
}
