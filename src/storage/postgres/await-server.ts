// At its start a server waits for a database that is not there yet: after a power cut the two come up in any order. What
// will not pass by itself, a wrong password for one, ends it at once.
import { setTimeout as sleep } from 'node:timers/promises'
import { LastingTrouble } from '../../runtime/lasting-trouble.ts'
import type { Log } from '../../runtime/log.ts'
import { isOutcomeUnknown } from '../storage-fault.ts'
import { isUnavailable, lostRace } from './postgres-fault.ts'

const againMs = 1000

/** `open` may be called again after it has done half of its work. */
export async function awaitServer<Opened>(open: () => Promise<Opened>, log: Log): Promise<Opened> {
  const trouble = new LastingTrouble(log, {
    begins: 'waiting for the database',
    ends: 'the database is there',
  })
  for (;;) {
    try {
      const opened = await open()
      trouble.over()
      return opened
    } catch (cause) {
      if (!isUnavailable(cause) && !lostRace(cause) && !isOutcomeUnknown(cause)) throw cause
      trouble.hit(cause)
      await sleep(againMs)
    }
  }
}
