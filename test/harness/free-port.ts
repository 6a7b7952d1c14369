// Ports for programs that cannot take port 0 and say which one they got (Postfix, smtp-sink).
import { createServer } from 'node:net'

/** Below the range that the system hands out for port 0, so that no outgoing connection takes one in between. */
const lowest = 10_000
const highest = 32_000

/** A TCP port that nobody listens on at this moment. */
export async function findFreePort(address = '127.0.0.1'): Promise<number> {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if (await isFree(port, address)) return port
  }
}

function isFree(port: number, address: string): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: address, exclusive: true }, () => probe.close(() => resolve(true)))
  })
}
