// The ManageSieve server of a front, with the scripts of the accounts behind it.
import { packageVersion } from '../config/package-version.ts'
import { mechanismsOf, type Settings } from '../config/settings.ts'
import type { ConnectionCounts } from '../connection/connection-counts.ts'
import {
  activateScript,
  deleteScript,
  judgeScriptSpace,
  listScripts,
  maxScripts,
  readScript,
  renameScript,
  storeScript,
} from '../filtering/scripts.ts'
import { createManageSieveServer } from '../manage-sieve/create-manage-sieve-server.ts'
import type { ListenerOptions, ManageSieveServer } from '../manage-sieve/options.ts'
import type { SessionServices } from '../manage-sieve/services.ts'
import type { Logins } from '../policy/logins.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Storage } from '../storage/operation.ts'
import type { CertificateStore } from '../tls/certificate-store.ts'
import { logInServicesOf } from './compose-log-ins.ts'
import { createLogInTrail } from './log-in-trail.ts'
import { peerFactsOf } from './peer-facts.ts'
import { serverTlsOf } from './server-tls.ts'
import type { TrailWriter } from './trail-writer.ts'

export interface ManageSieveParts {
  readonly settings: Settings
  readonly storage: Pick<Storage, 'run'>
  readonly certificates: CertificateStore
  readonly listeners: readonly ListenerOptions[]
  readonly connectionCounts?: ConnectionCounts | undefined
  readonly logins: Logins
  readonly trail: Pick<TrailWriter, 'append'>
  readonly clock: Clock
  readonly log: Log
}

export interface ComposedManageSieve {
  readonly server: ManageSieveServer
  /** Ends the sessions, and says what they have left to say. */
  close(graceMs: number): Promise<void>
}

const minuteMs = 60_000

export function composeManageSieve(parts: ManageSieveParts): ComposedManageSieve {
  const { settings, certificates, listeners, connectionCounts, clock, log } = parts
  const { manageSieve, threads, login, submission } = settings
  const { tellRest, ...services } = createServices(parts)
  const server = createManageSieveServer({
    hostname: settings.hostname,
    version: packageVersion(),
    listeners,
    services,
    limits: {
      // The system spreads connections over the fronts.
      maxConnections: Math.ceil(manageSieve.maxConnections / threads.front),
      maxConnectionsPerAddress: manageSieve.maxConnectionsPerAddress,
      idleTimeoutMs: manageSieve.idleTimeoutMinutes * minuteMs,
      maxScripts,
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

function createServices(parts: ManageSieveParts): SessionServices & { readonly tellRest: () => void } {
  const { storage, clock } = parts
  const told = createLogInTrail(parts)
  return {
    ...logInServicesOf(parts.logins),
    listScripts: ({ id }) => storage.run(listScripts, { ownerId: id }),
    readScript: async ({ id }, name) => (await storage.run(readScript, { ownerId: id, name }))?.body,
    judgeSpace: ({ id }, name, bytes) => storage.run(judgeScriptSpace, { ownerId: id, name, bytes }),
    storeScript: ({ id }, name, body) =>
      storage.run(storeScript, { ownerId: id, name, body, at: clock.now() }),
    activateScript: ({ id }, name) => storage.run(activateScript, { accountId: id, name }),
    deleteScript: ({ id }, name) => storage.run(deleteScript, { ownerId: id, name }),
    renameScript: ({ id }, from, to) => storage.run(renameScript, { ownerId: id, name: from, to }),
    loginRefused: (client, refused) => told.noteRefused(peerFactsOf(client), refused),
    turnedAway: ({ role, remoteAddress, response, problem }) =>
      told.noteTurnedAway({ role, remoteAddress, problem: response?.text ?? problem }),
    tellRest: () => told.tellRest(),
  }
}
