// The POP3 server of a front, with the maildrops of this system behind it.
import { mechanismsOf, type Settings } from '../config/settings.ts'
import type { ConnectionCounts } from '../connection/connection-counts.ts'
import { openMaildrop } from '../mail-access/maildrop.ts'
import { MaildropLeases } from '../mail-access/maildrop-leases.ts'
import type { Logins } from '../policy/logins.ts'
import { createPop3Server } from '../pop3/server/create-pop3-server.ts'
import type { ListenerOptions, Pop3Server } from '../pop3/server/options.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { systemRandom } from '../runtime/random.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import type { CertificateStore } from '../tls/certificate-store.ts'
import { logInServicesOf } from './compose-log-ins.ts'
import { createLogInTrail } from './log-in-trail.ts'
import { peerFactsOf } from './peer-facts.ts'
import { serverTlsOf } from './server-tls.ts'
import type { TrailWriter } from './trail-writer.ts'

export interface Pop3Parts {
  readonly settings: Settings
  readonly storage: Storage
  readonly mailData: MailDataStore
  readonly certificates: CertificateStore
  readonly listeners: readonly ListenerOptions[]
  readonly connectionCounts?: ConnectionCounts | undefined
  readonly logins: Logins
  readonly trail: Pick<TrailWriter, 'append'>
  readonly clock: Clock
  readonly log: Log
}

export interface ComposedPop3 {
  readonly server: Pop3Server
  /** Ends the sessions, gives their maildrops back, and says what they have left to say. */
  close(graceMs: number): Promise<void>
}

const minuteMs = 60_000

export function composePop3(parts: Pop3Parts): ComposedPop3 {
  const { settings, storage, mailData, certificates, listeners, connectionCounts, clock, log } = parts
  const { pop3, threads, login, submission } = settings
  const leases = new MaildropLeases({ storage, clock, random: systemRandom, log })
  const told = createLogInTrail(parts)
  const server = createPop3Server({
    hostname: settings.hostname,
    listeners,
    services: {
      ...logInServicesOf(parts.logins),
      openMaildrop: (_client, { id }) => openMaildrop({ storage, mailData, clock, leases }, id),
      loginRefused: (client, refused) => told.noteRefused(peerFactsOf(client), refused),
      turnedAway: ({ role, remoteAddress, response, problem }) =>
        told.noteTurnedAway({ role, remoteAddress, problem: response?.text?.en ?? problem }),
    },
    limits: {
      // The system spreads connections over the fronts.
      maxConnections: Math.ceil(pop3.maxConnections / threads.front),
      maxConnectionsPerAddress: pop3.maxConnectionsPerAddress,
      idleTimeoutMs: pop3.idleTimeoutMinutes * minuteMs,
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
      await leases.close()
      told.tellRest()
    },
  }
}
