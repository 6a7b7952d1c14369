// One listening socket, and what it takes a peer for: a client, or a balancer that speaks for one.
import { createServer, type Server, type Socket } from 'node:net'
import { isInNetworks } from '../../address/networks.ts'
import { assertNetworks } from './assert-networks.ts'
import type { BoundListener, ListenerOptions } from './options.ts'

/** Connections that wait for accept(): a burst should not be refused by the system. */
const backlog = 4096

export interface Listener {
  readonly bound: BoundListener
  /** Stops listening; resolves when the last connection that it took has gone. */
  close(): Promise<void>
}

export interface ListenerEvents {
  /** `speaksForOthers`: the peer has to begin with a PROXY header. */
  connected(socket: Socket, speaksForOthers: boolean): void
  /** accept() failed (EMFILE and the like); the next connection is a new try. */
  failed(cause: Error): void
}

/** Rejects with the system's error (EADDRINUSE, EACCES …). */
export async function openListener(options: ListenerOptions, events: ListenerEvents): Promise<Listener> {
  const { role, address, port, proxyFrom = [], reusePort = false } = options
  const balancers = assertNetworks(proxyFrom)
  // Half-open: a peer that closes its side after its last command still gets its replies.
  const server = createServer({ noDelay: true, allowHalfOpen: true }, socket => {
    // Undefined when nobody is there any more.
    const { remoteAddress } = socket
    if (remoteAddress === undefined) socket.destroy()
    else events.connected(socket, balancers.length > 0 && isInNetworks(remoteAddress, balancers))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: address, port, backlog, reusePort }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  server.on('error', cause => events.failed(cause))
  return { bound: { role, address, port: portOf(server) ?? port }, close: () => closeServer(server) }
}

function portOf(server: Server): number | undefined {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : undefined
}

function closeServer(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
  })
}
