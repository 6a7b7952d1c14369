// A front: the SMTP server with the services of this system behind it.
import type { Settings } from '../config/settings.ts'
import { createIntake } from '../intake/intake.ts'
import type { OpenTerminals } from '../policy/check-forward-path.ts'
import { createQueueIdMaker } from '../queue/queue-id.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { ConnectionCounts } from '../smtp/server/connection-counts.ts'
import { createSmtpServer } from '../smtp/server/create-smtp-server.ts'
import type { ListenerOptions, SmtpServer } from '../smtp/server/options.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import type { CertificateStore } from '../tls/certificate-store.ts'
import { createSessionServices } from './session-services.ts'
import { TrailWriter } from './trail-writer.ts'

export interface FrontParts {
  readonly settings: Settings
  readonly storage: Storage
  readonly mailData: MailDataStore
  readonly certificates: CertificateStore
  readonly terminals: OpenTerminals
  readonly listeners: readonly ListenerOptions[]
  readonly connectionCounts?: ConnectionCounts
  readonly clock: Clock
  readonly log: Log
  /** Sets the queue ids of this front apart from those of others: 0 … 255. */
  readonly idSpace: number
}

export interface Front {
  readonly server: SmtpServer
  /** Ends the sessions, then writes what the trail still has to say. */
  close(graceMs: number): Promise<void>
}

const secondMs = 1000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs

export function composeFront(parts: FrontParts): Front {
  const {
    settings,
    storage,
    mailData,
    certificates,
    terminals,
    listeners,
    connectionCounts,
    clock,
    log,
    idSpace,
  } = parts
  const { limits, queue } = settings
  const trail = new TrailWriter(storage, log)
  const intake = createIntake({
    storage,
    mailData,
    clock,
    log,
    nextQueueId: createQueueIdMaker(clock, idSpace),
    hostname: settings.hostname,
    language: settings.language,
    lifetimeMs: queue.lifetimeHours * hourMs,
    maxReceivedFields: settings.delivery.maxReceivedFields,
    held: queue.hold,
  })
  const server = createSmtpServer({
    hostname: settings.hostname,
    listeners,
    services: createSessionServices({
      settings,
      storage,
      intake,
      terminals,
      clock,
      log,
      appendTrail: record => trail.append(record),
    }),
    limits: {
      maxMessageBytes: limits.maxMessageBytes,
      maxRecipients: limits.maxRecipients,
      // The system spreads connections over the fronts.
      maxConnections: Math.ceil(limits.maxConnections / settings.threads.front),
      maxConnectionsPerAddress: limits.maxConnectionsPerAddress,
      maxErrorsPerSession: limits.maxErrorsPerSession,
      maxTransactionsPerSession: limits.maxTransactionsPerSession,
      commandTimeoutMs: limits.commandTimeoutSeconds * secondMs,
      dataBlockTimeoutMs: limits.dataBlockTimeoutSeconds * secondMs,
      sessionTimeoutMs: limits.sessionTimeoutMinutes * minuteMs,
    },
    tls: certificates,
    allowPlaintextAuthOnLoopback: settings.submission.allowPlaintextAuthOnLoopback,
    localNetworks: settings.localNetworks,
    verifyForEveryone: settings.verifyForEveryone,
    offersRequireTls: true,
    allowMissingAngleBrackets: settings.allowMissingAngleBrackets,
    ...(connectionCounts && { connectionCounts }),
    clock,
    log,
  })
  return {
    server,
    async close(graceMs) {
      await server.close(graceMs)
      await trail.flush()
    },
  }
}
