// The store thread: the one writer of the database.
import { systemClock } from '../runtime/clock.ts'
import { systemRandom } from '../runtime/random.ts'
import { openLocalStorage } from '../storage/local-storage.ts'
import { createMailDataStore } from '../storage/mail-data-files.ts'
import { describeFault, runWrite, serveStorage } from '../storage/serve-storage.ts'
import { sweepOrphans } from '../storage/sweep-orphans.ts'
import { expireTrail } from '../trail/operations.ts'
import { createLog } from './log.ts'
import { createRegistry } from './operations.ts'
import { runThread, tellMain } from './thread.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const expireBatch = 1000

runThread('store', async ({ settings }) => {
  const { dataFolder, trail } = settings
  const log = createLog(settings.log.level, 'store')
  const storage = await openLocalStorage(dataFolder)
  const registry = createRegistry()
  const mailData = createMailDataStore(dataFolder, storage, systemRandom)

  const keepHouse = async (): Promise<void> => {
    try {
      const removed = await sweepOrphans(dataFolder, storage, mailData, systemClock.now() - hourMs)
      if (removed > 0) log.info('removed mail data files that a crash had left', { files: removed })
      const before = systemClock.now() - trail.retentionDays * dayMs
      while ((await storage.run(expireTrail, { before, limit: expireBatch })) === expireBatch);
    } catch (cause) {
      log.warn('housekeeping failed; it is tried again in an hour', { reason: String(cause) })
    }
  }
  const housekeeping = systemClock.every(hourMs, () => void keepHouse())
  void keepHouse()

  return {
    take(message) {
      if (message.kind === 'connect-storage') serveStorage(message.port, storage, registry)
      else if (message.kind === 'run') {
        const { id, operation, input } = message
        runWrite(storage, registry, operation, input).then(
          output => tellMain({ kind: 'ran', id, output }),
          (cause: unknown) => tellMain({ kind: 'run-failed', id, ...describeFault(cause) }),
        )
      }
    },
    async stop() {
      housekeeping.cancel()
      await storage.close()
    },
  }
})
