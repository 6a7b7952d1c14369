// Whether a server is there that delivers what waits: a command that shows mail asks once, and says so when there is none.
import { findDeliveryNode } from '../cluster/nodes.ts'
import type { Settings } from '../config/settings.ts'
import type { ShownMessage } from '../queue/list-queue.ts'
import type { Clock } from '../runtime/clock.ts'
import { silentLog } from '../runtime/log.ts'
import { createServerClock } from '../storage/postgres/server-clock.ts'
import { serverSilentMs } from '../storage/server-silence.ts'
import { releaseAbandoned } from './abandoned-leases.ts'
import type { CommandStorage } from './open-storage.ts'
import { askRunningServer } from './running-server.ts'

type Reader = Pick<CommandStorage, 'run'>
type StoragePlace = Pick<Settings, 'dataFolder' | 'database'>

/** False, too, when that cannot be found out. */
export async function isServerMissing(
  storage: Reader,
  settings: StoragePlace,
  clock: Clock,
): Promise<boolean> {
  if (!settings.database) return (await askRunningServer(settings, nothing)) === 'none'
  const serverClock = await createServerClock(storage, clock, silentLog)
  return !(await storage.run(findDeliveryNode, { seenSince: serverClock.now() - serverSilentMs }))
}

const nothing = (): Promise<object> => Promise.resolve({})

export interface MessagesAsTheyAre {
  readonly messages: readonly ShownMessage[]
  /** Of a queue that is not empty. */
  readonly noServer: boolean
}

export async function checkServer(
  storage: Reader,
  settings: StoragePlace,
  messages: readonly ShownMessage[],
  { clock, now }: { readonly clock: Clock; readonly now: number },
): Promise<MessagesAsTheyAre> {
  const noServer = messages.length > 0 && (await isServerMissing(storage, settings, clock))
  // In a shared queue a server that is silent for the moment may be at it.
  return noServer && !settings.database
    ? { messages: releaseAbandoned(messages, now), noServer }
    : { messages, noServer }
}

export const noServerText =
  'No server that delivers is running, so nothing moves until one is: "postrider serve" starts one, or its service does ("systemctl start postrider.service").'
