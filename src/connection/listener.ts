// One listener, and what it takes a peer for: a client, or a balancer that speaks for one.
import { createServer, type Server, type Socket } from 'node:net'
import { isInNetworks } from '../address/networks.ts'
import { assertNetworks } from './assert-networks.ts'
import type { Door } from './door.ts'
import type { BoundListener, ListenerOptions, PortOptions, UnixSocketOptions } from './listener-options.ts'

/** Connections that wait for accept(): a burst should not be refused by the system. */
const backlog = 4096

export interface Listener<Role extends string> {
  readonly bound: BoundListener<Role>
  /** Its sockets stay open elsewhere, where newcomers wait for the next server. */
  readonly isInherited: boolean
  /** Stops listening; resolves when the last connection that it took has gone. */
  close(): Promise<void>
}

export interface ListenerEvents<Role extends string> {
  /** `speaksForOthers`: the peer has to begin with a PROXY header. */
  connected(socket: Socket, door: Door<Role>, speaksForOthers: boolean): void
  /** accept() failed (EMFILE and the like); the next connection is a new try. */
  failed(cause: Error): void
}

/** Rejects with the system's error (EADDRINUSE, EACCES …). */
export async function openListener<Role extends string>(
  options: ListenerOptions<Role>,
  events: ListenerEvents<Role>,
): Promise<Listener<Role>> {
  return 'path' in options ? await openUnixSocket(options, events) : await openPort(options, events)
}

async function openUnixSocket<Role extends string>(
  { role, path }: UnixSocketOptions<Role>,
  events: ListenerEvents<Role>,
): Promise<Listener<Role>> {
  const door: Door<Role> = { role, path }
  const server = await listenOn({ path }, socket => events.connected(socket, door, false), events)
  return {
    bound: { role, address: '', port: 0, path },
    isInherited: false,
    close: () => closeServer(server),
  }
}

async function openPort<Role extends string>(
  options: PortOptions<Role>,
  events: ListenerEvents<Role>,
): Promise<Listener<Role>> {
  const { role, address, port, clients, proxyFrom = [], reusePort = false, sockets } = options
  const balancers = assertNetworks(proxyFrom)
  const door: Door<Role> = { role, clients: clients && assertNetworks(clients) }
  const connected = (socket: Socket): void => {
    // Undefined when nobody is there any more.
    const { remoteAddress } = socket
    if (remoteAddress === undefined) socket.destroy()
    else events.connected(socket, door, balancers.length > 0 && isInNetworks(remoteAddress, balancers))
  }
  const places: readonly Place[] = sockets?.map(fd => ({ fd })) ?? [{ host: address, port, reusePort }]
  const servers = await listenOnAll(places, connected, events)
  const [first] = servers
  return {
    bound: { role, address, port: (first && portOf(first)) ?? port },
    isInherited: sockets !== undefined,
    async close() {
      await Promise.all(servers.map(closeServer))
    },
  }
}

type Place =
  | { readonly path: string }
  | { readonly fd: number }
  | { readonly host: string; readonly port: number; readonly reusePort: boolean }

/** On all of them or on none. */
async function listenOnAll(
  places: readonly Place[],
  connected: (socket: Socket) => void,
  events: Pick<ListenerEvents<string>, 'failed'>,
): Promise<readonly Server[]> {
  const tried = await Promise.allSettled(places.map(place => listenOn(place, connected, events)))
  const servers = tried.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
  const refused = tried.find(({ status }) => status === 'rejected')
  if (refused?.status !== 'rejected') return servers
  await Promise.all(servers.map(closeServer))
  throw refused.reason
}

async function listenOn(
  place: Place,
  connected: (socket: Socket) => void,
  events: Pick<ListenerEvents<string>, 'failed'>,
): Promise<Server> {
  // Half-open: a peer that closes its side after its last command still gets its replies.
  const server = createServer({ noDelay: true, allowHalfOpen: true }, connected)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    // With a descriptor, Node.js looks for the backlog here only.
    server.listen({ ...place, backlog }, backlog, () => {
      server.off('error', reject)
      resolve()
    })
  })
  server.on('error', cause => events.failed(cause))
  return server
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
