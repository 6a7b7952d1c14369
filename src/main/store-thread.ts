// The store thread: the one writer of the database.

import { expireDmarcReports } from '../dmarc-report/operations.ts'
import { expireReceivedReports } from '../dmarc-report/received-reports.ts'
import { systemClock } from '../runtime/clock.ts'
import { describeFault, runWrite, serveStorage } from '../storage/serve-storage.ts'
import { expireStsPolicies } from '../tls-policy/operations.ts'
import { expireTlsReports } from '../tls-report/operations.ts'
import { createLog } from './log.ts'
import { openStore } from './open-store.ts'
import { createRegistry } from './operations.ts'
import { runThread, tellMain } from './thread.ts'
import { keepTrail } from './trail-keeper.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

runThread('store', async ({ settings }) => {
  const log = createLog(settings.log.level, 'store')
  const store = await openStore(settings, log)
  const { clock, storage } = store
  const registry = createRegistry()

  const expireReports = async (): Promise<void> => {
    const now = clock.now()
    const before = now - settings.trail.retentionDays * dayMs
    await storage.run(expireTlsReports, { before })
    await storage.run(expireDmarcReports, { now, before })
    await storage.run(expireReceivedReports, { before })
    await storage.run(expireStsPolicies, { now })
  }
  const keep = (what: string, task: () => Promise<void>): void => {
    task().catch((cause: unknown) => log.warn(`${what} failed`, { reason: String(cause) }))
  }
  keep('looking for mail data without a row', () => store.sweep())
  const housekeeping = systemClock.every(hourMs, () => {
    keep('removing what nothing refers to', () => store.tidy())
    keep('forgetting old reports on TLS and DMARC', expireReports)
  })

  const trail = keepTrail({ storage, clock, log, settings: settings.trail })

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
      trail.stop()
      await storage.close()
    },
  }
})
