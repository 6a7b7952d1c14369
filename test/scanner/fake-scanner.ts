// A scanner that says what a test wants it to say.
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { ScannerEndpoint } from '../../src/scanner/exchange.ts'

export interface FakeScanner {
  readonly endpoint: ScannerEndpoint
  /** All that has come, of all connections. */
  readonly received: () => Buffer
}

/** `answer` is called with each piece that comes, and all of the connection so far. */
export async function startFakeScanner(
  t: TestContext,
  answer: (socket: Socket, all: Buffer) => void,
): Promise<FakeScanner> {
  let received = Buffer.alloc(0)
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, socket => {
    sockets.add(socket)
    let all = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (piece: Buffer) => {
      all = Buffer.concat([all, piece])
      received = Buffer.concat([received, piece])
      answer(socket, all)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { endpoint: { kind: 'tcp', host: '127.0.0.1', port }, received: () => received }
}

/** Says it once, when `isEnough` has come, and closes. */
export function startOneAnswer(
  t: TestContext,
  text: string | Uint8Array,
  isEnough: (all: Buffer) => boolean = () => true,
): Promise<FakeScanner> {
  return startFakeScanner(t, (socket, all) => {
    if (isEnough(all) && !socket.writableEnded) socket.end(text)
  })
}
