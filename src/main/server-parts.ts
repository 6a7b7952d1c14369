// What every server of a front is composed of, whatever it speaks.
import { mechanismsOf, type Settings } from '../config/settings.ts'
import type { ConnectionCounts } from '../connection/connection-counts.ts'
import type { ListenerOptions } from '../connection/listener-options.ts'
import type { ServerOptions } from '../connection/server-options.ts'
import type { Logins } from '../policy/logins.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Storage } from '../storage/operation.ts'
import type { CertificateStore } from '../tls/certificate-store.ts'
import type { TrailWriter } from './trail-writer.ts'

export interface ServerParts<Listener extends ListenerOptions> {
  readonly settings: Settings
  readonly storage: Storage
  readonly certificates: CertificateStore
  readonly listeners: readonly Listener[]
  readonly connectionCounts?: ConnectionCounts | undefined
  readonly logins: Logins
  readonly trail: Pick<TrailWriter, 'append'>
  readonly clock: Clock
  readonly log: Log
}

export interface ComposedServer<Server> {
  readonly server: Server
  /** Ends the sessions, gives back what they have, and says what they have left to say. */
  close(graceMs: number): Promise<void>
}

export function serverOptionsOf<Listener extends ListenerOptions>({
  settings,
  certificates,
  listeners,
  connectionCounts,
  clock,
  log,
}: ServerParts<Listener>): ServerOptions<Listener> {
  const { hostname, login, submission } = settings
  return {
    hostname,
    listeners,
    tls: {
      secureContext: serverName => certificates.secureContext(serverName),
      // Without authorities all that everybody knows would be trusted.
      asksForClientCertificate: login.certificates?.caPem !== undefined,
    },
    authMechanisms: mechanismsOf(login),
    allowPlaintextAuthOnLoopback: submission.allowPlaintextAuthOnLoopback,
    ...(connectionCounts && { connectionCounts }),
    clock,
    log,
  }
}

/** Of one front: the system spreads connections over them. */
export function connectionLimitsOf(
  {
    maxConnections,
    maxConnectionsPerAddress,
  }: { readonly maxConnections: number; readonly maxConnectionsPerAddress: number },
  { threads }: Pick<Settings, 'threads'>,
) {
  return { maxConnections: Math.ceil(maxConnections / threads.front), maxConnectionsPerAddress }
}
