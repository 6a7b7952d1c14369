// At its start a server waits for a database that is not there yet: after a power cut the two come up in any order. What
// will not pass by itself, a wrong password for one, ends it at once.
import { setTimeout as sleep } from 'node:timers/promises'
import { LastingTrouble } from '../../runtime/lasting-trouble.ts'
import type { Log } from '../../runtime/log.ts'
import type { Storage } from '../operation.ts'
import { isOutcomeUnknown } from '../storage-fault.ts'
import { isUnavailable, lostRace } from './postgres-fault.ts'

const againMs = 1000

/** `begin` may be called again, on another storage, after it has done half of its work. */
export async function awaitServer<Opened extends Pick<Storage, 'close'>, Begun>(
  open: () => Promise<Opened>,
  begin: (storage: Opened) => Promise<Begun>,
  log: Log,
): Promise<Begun> {
  const trouble = new LastingTrouble(log, {
    begins: 'waiting for the database',
    ends: 'the database is there',
  })
  for (;;) {
    try {
      const begun = await beginOn(await open(), begin)
      trouble.over()
      return begun
    } catch (cause) {
      if (!isUnavailable(cause) && !lostRace(cause) && !isOutcomeUnknown(cause)) throw cause
      trouble.hit(cause)
      await sleep(againMs)
    }
  }
}

async function beginOn<Opened extends Pick<Storage, 'close'>, Begun>(
  storage: Opened,
  begin: (storage: Opened) => Promise<Begun>,
): Promise<Begun> {
  try {
    return await begin(storage)
  } catch (cause) {
    await storage.close()
    throw cause
  }
}
