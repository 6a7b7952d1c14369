// Can these listeners be opened, all together? Asked before the threads share their ports: with SO_REUSEPORT the system
// would let a second server of the same user in, and each would get half of the connections.
import { createServer, type Server } from 'node:net'
import type { UsageFault } from '../runtime/fault.ts'
import {
  describeForbidden,
  describeListenError,
  describePortsInUse,
  kindOfListenError,
  type ListenAddress,
  portsInSettings,
} from './listen-error.ts'

interface Failure {
  readonly listener: ListenAddress
  readonly cause: unknown
}

/** Opens all of them at one time and closes them again; a fault for each problem, however many listeners have it. */
export async function probeListeners(
  listeners: readonly ListenAddress[],
  howToMove = portsInSettings,
): Promise<UsageFault[]> {
  const failures: Failure[] = []
  const opened: Server[] = []
  try {
    // [::]:25 and 0.0.0.0:25 are free one after the other, not together.
    for (const listener of listeners) {
      try {
        opened.push(await open(listener))
      } catch (cause) {
        failures.push({ listener, cause })
      }
    }
  } finally {
    await Promise.all(opened.map(close))
  }
  const ofKind = (kind: ReturnType<typeof kindOfListenError>): Failure[] =>
    failures.filter(({ cause }) => kindOfListenError(cause) === kind)
  return [
    ...describeTogether(ofKind('in-use'), (inUse, cause) => describePortsInUse(inUse, cause, howToMove)),
    ...describeTogether(ofKind('forbidden'), describeForbidden),
    ...ofKind('other').map(({ cause, listener }) => describeListenError(cause, listener)),
  ]
}

function describeTogether(
  failures: readonly Failure[],
  describe: (listeners: readonly ListenAddress[], cause: unknown) => UsageFault,
): UsageFault[] {
  const [first] = failures
  if (!first) return []
  return [
    describe(
      failures.map(({ listener }) => listener),
      first.cause,
    ),
  ]
}

function open({ address, port }: ListenAddress): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(socket => socket.destroy())
    server.once('error', reject)
    server.listen({ host: address, port, exclusive: true }, () => resolve(server))
  })
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
  })
}
