// The IMAP server of a front, with the mailboxes of this system behind it.
import { mechanismsOf, type Settings, usualQuotaOf } from '../config/settings.ts'
import type { ConnectionCounts } from '../connection/connection-counts.ts'
import { createImapServer } from '../imap/server/create-imap-server.ts'
import type { ImapServer, ListenerOptions } from '../imap/server/options.ts'
import type { SessionServices } from '../imap/server/services.ts'
import { AccountMailboxes } from '../mail-access/account-mailboxes.ts'
import { explainFault } from '../mail-access/explain-fault.ts'
import { createMailboxChanges } from '../mail-access/mailbox-changes.ts'
import type { AccessParts } from '../mail-access/parts.ts'
import type { Logins } from '../policy/logins.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { systemRandom } from '../runtime/random.ts'
import type { Storage } from '../storage/operation.ts'
import type { CertificateStore } from '../tls/certificate-store.ts'
import { logInServicesOf } from './compose-log-ins.ts'
import { createLogInTrail } from './log-in-trail.ts'
import { peerFactsOf } from './peer-facts.ts'
import { serverTlsOf } from './server-tls.ts'
import type { TrailWriter } from './trail-writer.ts'

export interface ImapParts
  extends Omit<AccessParts, 'hostname' | 'random' | 'changes' | 'storage' | 'usualQuota'> {
  readonly settings: Settings
  readonly storage: Storage
  readonly certificates: CertificateStore
  readonly listeners: readonly ListenerOptions[]
  readonly connectionCounts?: ConnectionCounts | undefined
  readonly logins: Logins
  readonly trail: Pick<TrailWriter, 'append'>
  readonly clock: Clock
  readonly log: Log
}

export interface ComposedImap {
  readonly server: ImapServer
  /** Ends the sessions, and says what they have left to say. */
  close(graceMs: number): Promise<void>
}

const minuteMs = 60_000

export function composeImap(parts: ImapParts): ComposedImap {
  const { settings, storage, mailData, certificates, listeners, connectionCounts, nextQueueId, clock, log } =
    parts
  const { limits, imap, threads, login, submission } = settings
  const access: AccessParts = {
    hostname: settings.hostname,
    storage,
    mailData,
    clock,
    random: systemRandom,
    changes: createMailboxChanges(storage),
    nextQueueId,
    usualQuota: usualQuotaOf(settings.mailboxes),
  }
  const { tellRest, ...services } = createImapServices(parts, access)
  const server = createImapServer({
    hostname: settings.hostname,
    listeners,
    services,
    limits: {
      maxMessageBytes: limits.maxMessageBytes,
      // The system spreads connections over the fronts.
      maxConnections: Math.ceil(imap.maxConnections / threads.front),
      maxConnectionsPerAddress: imap.maxConnectionsPerAddress,
      idleTimeoutMs: imap.idleTimeoutMinutes * minuteMs,
    },
    tls: serverTlsOf(certificates, login),
    authMechanisms: mechanismsOf(login),
    allowPlaintextAuthOnLoopback: submission.allowPlaintextAuthOnLoopback,
    ...(connectionCounts && { connectionCounts }),
    clock,
    log,
  })
  return {
    server,
    async close(graceMs) {
      await server.close(graceMs)
      tellRest()
    },
  }
}

function createImapServices(
  parts: Pick<ImapParts, 'logins' | 'trail' | 'clock'>,
  access: AccessParts,
): SessionServices & { readonly tellRest: () => void } {
  const told = createLogInTrail(parts)
  return {
    ...logInServicesOf(parts.logins),
    openMailboxes: (_client, { id }) => new AccountMailboxes(access, id),
    explainFault,
    loginRefused: (client, refused) => told.noteRefused(peerFactsOf(client), refused),
    turnedAway: ({ role, remoteAddress, response, problem }) =>
      told.noteTurnedAway({ role, remoteAddress, problem: response?.text ?? problem }),
    tellRest: () => told.tellRest(),
  }
}
