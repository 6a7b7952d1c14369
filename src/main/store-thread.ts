// The store thread: the one writer of the database.
import { systemClock } from '../runtime/clock.ts'
import { describeFault, runWrite, serveStorage } from '../storage/serve-storage.ts'
import { expireStsPolicies } from '../tls-policy/operations.ts'
import { expireTlsReports } from '../tls-report/operations.ts'
import { expireTrail } from '../trail/operations.ts'
import { createLog } from './log.ts'
import { openStore } from './open-store.ts'
import { createRegistry } from './operations.ts'
import { runThread, tellMain } from './thread.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const expireBatch = 1000

runThread('store', async ({ settings }) => {
  const { trail } = settings
  const log = createLog(settings.log.level, 'store')
  const store = await openStore(settings, log)
  const { clock, storage } = store
  const registry = createRegistry()

  const shortenTrail = async (): Promise<void> => {
    const before = clock.now() - trail.retentionDays * dayMs
    await storage.run(expireTlsReports, { before })
    await storage.run(expireStsPolicies, { now: clock.now() })
    while ((await storage.run(expireTrail, { before, limit: expireBatch })) === expireBatch);
  }
  const keep = (what: string, task: () => Promise<void>): void => {
    task().catch((cause: unknown) => log.warn(`${what} failed`, { reason: String(cause) }))
  }
  keep('looking for mail data without a row', () => store.sweep())
  keep('shortening the trail', shortenTrail)
  const housekeeping = systemClock.every(hourMs, () => {
    keep('removing what nothing refers to', () => store.tidy())
    keep('shortening the trail', shortenTrail)
  })

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
