// The threads of a server that is alone, in the test's process.

import type { Settings } from '../../src/config/settings.ts'
import { createConnectionCountTable } from '../../src/main/shared-connection-counts.ts'
import { startThreads, type Threads, type ThreadsParts } from '../../src/main/threads.ts'
import { createLoginTables } from '../../src/policy/login-limiter.ts'
import { createStrangerTables } from '../../src/policy/stranger-limits.ts'

export function startOwnThreads(
  settings: Settings,
  { clock, log, sockets = [] }: Pick<ThreadsParts, 'clock' | 'log'> & Partial<Pick<ThreadsParts, 'sockets'>>,
): Promise<Threads> {
  const fronts = settings.threads.front
  return startThreads({
    settings,
    nodeId: 'node',
    idSpaces: Array.from({ length: fronts + 1 }, (_, number) => number),
    connectionCounts: createConnectionCountTable(fronts),
    loginTables: createLoginTables(),
    strangerTables: createStrangerTables(),
    sockets,
    clock,
    log,
  })
}
