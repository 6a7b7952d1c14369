// From which addresses this machine connects to others, when nobody chooses: as the system says, without a packet sent.
import { createSocket } from 'node:dgram'

/** Nobody's: only the route there is asked for. */
const somewhere = [
  { family: 'udp4', address: '198.51.100.1' },
  { family: 'udp6', address: '2000::1' },
] as const

/** One of each kind of which there is a way out; a private one behind a router. */
export async function findDefaultSources(): Promise<readonly string[]> {
  const found = await Promise.all(somewhere.map(sourceTowards))
  return found.filter(address => address !== undefined)
}

function sourceTowards({ family, address }: (typeof somewhere)[number]): Promise<string | undefined> {
  return new Promise(resolve => {
    const socket = createSocket(family)
    const finish = (source: string | undefined): void => {
      socket.close()
      resolve(source)
    }
    // No way leads there: an error, and then nothing leaves from an address of this kind.
    socket.on('error', () => finish(undefined))
    socket.connect(9, address, (cause?: Error) => finish(cause ? undefined : socket.address().address))
  })
}
