// A remote server of the tests, in few lines and not ours: takes every message and keeps it, or answers as it is told.
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

export interface CollectingSink {
  readonly port: number
  /** Every message taken, whole. */
  readonly messages: readonly string[]
  close(): Promise<void>
}

export async function startCollectingSink(address = '127.0.0.1', port = 0): Promise<CollectingSink> {
  const messages: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // The peer may be killed at any moment; what it sent half is dropped.
    socket.on('error', () => socket.destroy())
    serve(socket, message => messages.push(message))
  })
  server.listen(port, address)
  await once(server, 'listening')
  const bound = server.address()
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : 0,
    messages,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function serve(socket: Socket, keep: (message: string) => void): void {
  let pending = ''
  let inMailData = false
  socket.setEncoding('latin1')
  socket.write('220 sink.example.test\r\n')
  socket.on('data', (chunk: string) => {
    pending += chunk
    for (;;) {
      const terminator = inMailData ? '\r\n.\r\n' : '\r\n'
      const end = pending.indexOf(terminator)
      if (end < 0) return
      const piece = pending.slice(0, end)
      pending = pending.slice(end + terminator.length)
      if (inMailData) {
        inMailData = false
        keep(piece)
        socket.write('250 2.0.0 Ok: taken\r\n')
      } else {
        const verb = piece.slice(0, 4).toUpperCase()
        inMailData = verb === 'DATA'
        socket.write(answer(verb))
        if (verb === 'QUIT') socket.end()
      }
    }
  })
}

function answer(verb: string): string {
  switch (verb) {
    case 'EHLO':
      return '250-sink.example.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n'
    case 'DATA':
      return '354 go on\r\n'
    case 'QUIT':
      return '221 2.0.0 Bye\r\n'
    default:
      return '250 2.0.0 Ok\r\n'
  }
}
