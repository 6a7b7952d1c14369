// The ManageSieve server of a front, with the scripts of the accounts behind it.
import { packageVersion } from '../config/package-version.ts'
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
import { logInServicesOf } from './compose-log-ins.ts'
import { createLogInTrail } from './log-in-trail.ts'
import { peerFactsOf } from './peer-facts.ts'
import { type ComposedServer, connectionLimitsOf, type ServerParts, serverOptionsOf } from './server-parts.ts'

const minuteMs = 60_000

export function composeManageSieve(parts: ServerParts<ListenerOptions>): ComposedServer<ManageSieveServer> {
  const { manageSieve } = parts.settings
  const { tellRest, ...services } = createServices(parts)
  const server = createManageSieveServer({
    ...serverOptionsOf(parts),
    version: packageVersion(),
    services,
    limits: {
      ...connectionLimitsOf(manageSieve, parts.settings),
      idleTimeoutMs: manageSieve.idleTimeoutMinutes * minuteMs,
      maxScripts,
    },
  })
  return {
    server,
    async close(graceMs) {
      await server.close(graceMs)
      tellRest()
    },
  }
}

function createServices(
  parts: ServerParts<ListenerOptions>,
): SessionServices & { readonly tellRest: () => void } {
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
