// Mail hosts as a large queue meets them: one that accepts the connection and never says a word, one that takes its time
// for each reply.
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

export interface DifficultReceiver {
  /** Connections that it has seen. */
  readonly connections: () => number
  close(): Promise<void>
}

export function startSilentReceiver(address: string, port: number): Promise<DifficultReceiver> {
  return listen(address, port, () => {})
}

export function startSlowReceiver(
  address: string,
  port: number,
  replyMs: number,
): Promise<DifficultReceiver> {
  return listen(address, port, socket => {
    const reply = (text: string): void => {
      setTimeout(() => {
        if (socket.writable) socket.write(text)
      }, replyMs)
    }
    let pending = ''
    let inMailData = false
    socket.setEncoding('latin1')
    reply('220 slow.example.test\r\n')
    socket.on('data', (chunk: string) => {
      pending += chunk
      for (;;) {
        const terminator = inMailData ? '\r\n.\r\n' : '\r\n'
        const end = pending.indexOf(terminator)
        if (end < 0) return
        const line = pending.slice(0, end)
        pending = pending.slice(end + terminator.length)
        inMailData = !inMailData && /^DATA$/i.test(line)
        reply(inMailData ? '354 go on\r\n' : '250 slow.example.test\r\n')
      }
    })
  })
}

async function listen(
  address: string,
  port: number,
  serve: (socket: Socket) => void,
): Promise<DifficultReceiver> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer(socket => {
    connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    serve(socket)
  })
  server.listen({ port, host: address, backlog: 4096 })
  await once(server, 'listening')
  return {
    connections: () => connections,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
