// A way to a server that the test can cut, slow down and look into.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { resetSocket } from './reset-socket.ts'

export interface TcpProxy {
  readonly port: number
  /** The same URI, by way of the proxy. */
  uri(direct: string): string
  /** Nothing gets through either way, and nobody is told; new connections get no answer. */
  cut(): void
  /** What was held up goes on its way, as after a short cut that TCP makes good. */
  mend(): void
  /** Connections of before are dead for good, and nobody is told: as when a router has forgotten them. */
  forget(): void
  /** Every connection is reset. */
  reset(): void
  /** What the server says is handed on as this makes it; undefined: neither this nor anything after it, either way. */
  fromServer: (bytes: Buffer, connection: number) => Buffer | undefined
  /** The same for what the client says. */
  fromClient: (bytes: Buffer, connection: number) => Buffer | undefined
  /** Connections so far. */
  readonly connections: number
  close(): Promise<void>
}

interface Pair {
  readonly client: Socket
  readonly server: Socket
}

export async function startTcpProxy(toPort: number): Promise<TcpProxy> {
  const pairs = new Set<Pair>()
  const forgotten = new Set<Pair>()
  let isCut = false
  let connections = 0
  const server = createServer({ noDelay: true }, client => {
    const pair: Pair = { client, server: connect({ port: toPort, host: '127.0.0.1', noDelay: true }) }
    const number = ++connections
    pairs.add(pair)
    if (isCut) hold(pair)
    for (const [one, other, way] of [
      [pair.client, pair.server, 'fromClient'],
      [pair.server, pair.client, 'fromServer'],
    ] as const) {
      one.on('data', (bytes: Buffer) => {
        if (forgotten.has(pair)) return
        const passed = proxy[way](bytes, number)
        if (passed) other.write(passed)
        else forgotten.add(pair)
      })
      // The other side learns of it by the end that follows.
      one.on('error', () => {})
      one.on('close', () => {
        pairs.delete(pair)
        if (!forgotten.has(pair)) other.destroy()
        forgotten.delete(pair)
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const hold = ({ client, server: behind }: Pair): void => {
    client.pause()
    behind.pause()
  }
  const reset = (): void => {
    for (const { client, server: behind } of pairs) {
      resetSocket(client)
      resetSocket(behind)
    }
  }
  const proxy: TcpProxy = {
    port,
    uri(direct) {
      const uri = new URL(direct)
      uri.port = String(port)
      return uri.href
    },
    cut() {
      isCut = true
      for (const pair of pairs) hold(pair)
    },
    mend() {
      isCut = false
      for (const { client, server: behind } of pairs) {
        client.resume()
        behind.resume()
      }
    },
    forget() {
      for (const pair of pairs) forgotten.add(pair)
    },
    reset,
    fromServer: bytes => bytes,
    fromClient: bytes => bytes,
    get connections() {
      return connections
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      reset()
      await closed
    },
  }
  return proxy
}
