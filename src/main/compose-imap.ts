// The IMAP server of a front, with the mailboxes of this system behind it.
import { mechanismsOf, type Settings, usualQuotaOf } from '../config/settings.ts'
import type { ConnectionCounts } from '../connection/connection-counts.ts'
import { createImapServer } from '../imap/server/create-imap-server.ts'
import type { ImapServer, ListenerOptions } from '../imap/server/options.ts'
import type { RefusedLogIn, SessionServices, TurnedAway } from '../imap/server/services.ts'
import { AccountMailboxes } from '../mail-access/account-mailboxes.ts'
import { createMailboxChanges } from '../mail-access/mailbox-changes.ts'
import type { AccessParts } from '../mail-access/parts.ts'
import { type Logins, loginNameToKeep } from '../policy/logins.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Storage } from '../storage/operation.ts'
import type { CertificateStore } from '../tls/certificate-store.ts'
import type { TrailEvent } from '../trail/events.ts'
import { logInServicesOf } from './compose-log-ins.ts'
import { peerFactsOf } from './peer-facts.ts'
import { RepeatMemory } from './repeat-memory.ts'
import { serverTlsOf } from './server-tls.ts'
import type { TrailWriter } from './trail-writer.ts'

export interface ImapParts extends Omit<AccessParts, 'changes' | 'storage' | 'usualQuota'> {
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
    storage,
    mailData,
    clock,
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
  { logins, trail, clock }: Pick<ImapParts, 'logins' | 'trail' | 'clock'>,
  access: AccessParts,
): SessionServices & { readonly tellRest: () => void } {
  const turnedAway = new RepeatMemory(minuteMs, clock)
  return {
    ...logInServicesOf(logins),
    openMailboxes: (_client, { id }) => new AccountMailboxes(access, id),
    loginRefused(client, refused) {
      const event = { ...peerFactsOf(client), ...describeRefused(logins, client, refused) }
      trail.append({ at: clock.now(), event: { kind: 'login-refused', ...event } })
    },
    turnedAway(peer) {
      const at = clock.now()
      const event: TrailEvent = { kind: 'turned-away', ...describeTurnedAway(peer) }
      turnedAway.note(`${event.remoteAddress} ${event.problem}`, repeated =>
        trail.append({ at, event: repeated > 0 ? { ...event, repeated } : event }),
      )
    },
    tellRest: () => turnedAway.tellRest(),
  }
}

function describeRefused(
  logins: Logins,
  { remoteAddress }: { readonly remoteAddress: string },
  { mechanism, loginName, problem }: RefusedLogIn,
) {
  const block = loginName === undefined ? undefined : logins.blockOf(remoteAddress, loginName)
  return {
    mechanism,
    loginName: loginName === undefined ? undefined : loginNameToKeep(loginName),
    loginProblem: problem,
    blockedUntil: block?.until,
    blockedBy: block?.by,
  }
}

function describeTurnedAway({ role, remoteAddress, response, problem }: TurnedAway) {
  return { role, remoteAddress, problem: response?.text ?? problem }
}
