// A server's place among those that share its database: entered before its first thread, since these make queue ids.
import { hostname as machineName } from 'node:os'
import { takeIdSpaces } from '../cluster/id-spaces.ts'
import { NodePresence } from '../cluster/node-presence.ts'
import type { NodeLoad } from '../cluster/nodes.ts'
import { packageVersion } from '../config/package-version.ts'
import type { Settings } from '../config/settings.ts'
import { steadyClock, systemClock } from '../runtime/clock.ts'
import { type Log, silentLog } from '../runtime/log.ts'
import { schemaVersion } from '../storage/migrate.ts'
import { awaitServer } from '../storage/postgres/await-server.ts'
import { openPostgresStorage, type PostgresStorage } from '../storage/postgres/postgres-storage.ts'
import type { ServerAddress } from '../storage/postgres/server-address.ts'
import { createServerClock } from '../storage/postgres/server-clock.ts'

export interface Membership {
  readonly storage: PostgresStorage
  /** One for each thread that makes queue ids. */
  readonly idSpaces: readonly number[]
  /** Rejects when it was out of touch for so long that others may make queue ids in its spaces. */
  readonly lost: Promise<never>
  leave(): Promise<void>
}

export interface Newcomer {
  readonly nodeId: string
  readonly startedAt: number
  /** Open connections. */
  readonly readSessions: () => number
}

export async function enterCluster(
  database: ServerAddress,
  settings: Settings,
  newcomer: Newcomer,
  log: Log,
): Promise<Membership> {
  return await awaitServer(
    () => openPostgresStorage(database, systemClock, log),
    storage => enter(storage, settings, newcomer, log),
    log,
  )
}

async function enter(
  storage: PostgresStorage,
  { hostname, roles, threads }: Settings,
  { nodeId, startedAt, readSessions }: Newcomer,
  log: Log,
): Promise<Membership> {
  // The store thread tells how far the clocks are apart.
  const clock = await createServerClock(storage, steadyClock, silentLog)
  const idSpaces = await storage.run(takeIdSpaces, { nodeId, count: threads.front + 1, now: clock.now() })
  const node = {
    id: nodeId,
    hostname,
    machine: machineName(),
    version: packageVersion(),
    schemaVersion,
    pid: process.pid,
    startedAt,
    roles,
  }
  const presence = new NodePresence({
    storage,
    clock,
    log,
    node,
    idSpaces: idSpaces.length,
    readLoad: createLoadReader(readSessions),
  })
  await presence.start()
  return {
    storage,
    idSpaces,
    lost: presence.lost,
    async leave() {
      await presence.stop()
      await storage.close()
    },
  }
}

function createLoadReader(readSessions: () => number): () => NodeLoad {
  let last = { at: steadyClock.now(), cpu: process.cpuUsage() }
  return () => {
    const now = { at: steadyClock.now(), cpu: process.cpuUsage() }
    const usedUs = now.cpu.user + now.cpu.system - last.cpu.user - last.cpu.system
    const passedMs = now.at - last.at
    last = now
    return {
      sessions: readSessions(),
      cpuPercent: passedMs > 0 ? Math.round(usedUs / 10 / passedMs) : 0,
      memoryBytes: process.memoryUsage.rss(),
    }
  }
}
