// Can these listeners be opened, all together? Asked before the threads share their ports: with SO_REUSEPORT the system
// would let a second server of the same user in, and each would get half of the connections.
import { createServer, type Server } from 'node:net'
import type { UsageFault } from '../runtime/fault.ts'
import { describeForbidden, describeListenError, isForbidden, type ListenAddress } from './listen-error.ts'

/**
 * Opens all of them at one time and closes them again; a fault for each that could not be opened, and one for all that
 * the system keeps for root.
 */
export async function probeListeners(listeners: readonly ListenAddress[]): Promise<UsageFault[]> {
  const faults: UsageFault[] = []
  const forbidden: { listener: ListenAddress; cause: unknown }[] = []
  const opened: Server[] = []
  try {
    // [::]:25 and 0.0.0.0:25 are free one after the other, not together.
    for (const listener of listeners) {
      try {
        opened.push(await open(listener))
      } catch (cause) {
        if (isForbidden(cause)) forbidden.push({ listener, cause })
        else faults.push(describeListenError(cause, listener))
      }
    }
  } finally {
    await Promise.all(opened.map(close))
  }
  const [first] = forbidden
  if (first) {
    faults.push(
      describeForbidden(
        forbidden.map(({ listener }) => listener),
        first.cause,
      ),
    )
  }
  return faults
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
