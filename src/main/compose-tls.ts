// TLS with other servers as the delivery thread has it: their policies, and the reports about it.
import type { Settings } from '../config/settings.ts'
import type { DeliveryAgentOptions } from '../delivery/create-delivery-agent.ts'
import type { Resolver } from '../dns/resolver.ts'
import type { QueueId } from '../queue/queue-id.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import { createStsFetcher } from '../tls-policy/fetch-sts-policy.ts'
import { createTlsPolicyFinder } from '../tls-policy/find-policy.ts'
import { createReportReceiver } from '../tls-report/receive-report.ts'
import { sendTlsReports } from '../tls-report/send-reports.ts'
import { TlsCounts } from '../tls-report/tls-counts.ts'

export interface TlsParts {
  readonly settings: Pick<Settings, 'hostname' | 'delivery' | 'queue'>
  readonly storage: Storage
  readonly mailData: MailDataStore
  readonly resolver: Resolver
  readonly clock: Clock
  readonly log: Log
  readonly nextQueueId: () => QueueId
  /** Of HTTPS servers; 443 everywhere but in tests. */
  readonly httpsPort?: number
}

export interface TlsWork extends Pick<DeliveryAgentOptions, 'policies' | 'noteTls' | 'takeTlsReport'> {
  /** What is due now. Never rejects. */
  keepHouse(): Promise<void>
  /** From now on, every hour. */
  start(): void
  /** Writes what was counted. */
  stop(): Promise<void>
}

const hourMs = 3_600_000

export function composeTls(parts: TlsParts): TlsWork {
  const { settings, storage, mailData, resolver, clock, log, nextQueueId, httpsPort } = parts
  const https = {
    resolver,
    clock,
    ipv6: settings.delivery.ipv6,
    ...(httpsPort === undefined ? {} : { port: httpsPort }),
  }
  const policies = createTlsPolicyFinder({
    storage,
    resolver,
    clock,
    log,
    fetchPolicy: createStsFetcher(https),
  })
  const counts = new TlsCounts({ storage, clock, log })
  const keepHouse = async (): Promise<void> => {
    await policies.refresh()
    await counts.flush()
    if (!settings.delivery.tlsReports) return
    await sendTlsReports({
      ...https,
      storage,
      mailData,
      log,
      hostname: settings.hostname,
      nextQueueId,
      held: settings.queue.hold,
    })
  }
  let timer: { cancel(): void } | undefined
  return {
    policies,
    noteTls: (domain, evidence) => counts.note(domain, evidence),
    takeTlsReport: createReportReceiver({ storage, mailData, clock, log, hostname: settings.hostname }),
    keepHouse,
    start() {
      timer ??= clock.every(hourMs, () => void keepHouse())
      void keepHouse()
    },
    async stop() {
      timer?.cancel()
      await counts.flush()
    },
  }
}
