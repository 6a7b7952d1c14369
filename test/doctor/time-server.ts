// A time server (SNTP) whose clock is as far off as a test wants.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

export interface TestTimeServer {
  /** For --time-server. */
  readonly text: string
  aheadMs: number
  close(): void
}

const epochSeconds = 2_208_988_800

export async function startTimeServer(address = '127.0.0.1'): Promise<TestTimeServer> {
  const socket = createSocket('udp4')
  socket.on('message', (question, peer) => {
    const answer = Buffer.alloc(48)
    answer[0] = 0x24
    answer[1] = 2
    question.copy(answer, 24, 40, 48)
    const now = Date.now() + server.aheadMs
    for (const at of [32, 40]) {
      answer.writeUInt32BE(Math.floor(now / 1000) + epochSeconds, at)
      answer.writeUInt32BE(Math.floor(((now % 1000) / 1000) * 2 ** 32), at + 4)
    }
    socket.send(answer, peer.port, peer.address)
  })
  socket.bind(0, address)
  await once(socket, 'listening')
  const server: TestTimeServer = {
    text: `${address}:${socket.address().port}`,
    aheadMs: 0,
    close: () => socket.close(),
  }
  return server
}
