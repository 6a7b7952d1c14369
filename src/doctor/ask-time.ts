// One question to a time server (SNTP, RFC 4330 §5).
import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { formatEndpoint } from '../address/format-endpoint.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeNetworkError } from '../runtime/network-error.ts'

export interface TimeServer {
  readonly address: string
  readonly port: number
}

const packetBytes = 48
/** No leap indicator, version 4, client. */
const clientMode = 0x23
const serverMode = 4
/** From 1900, where NTP begins, to 1970. */
const epochSeconds = 2_208_988_800
const secondsInEra = 2 ** 32
const transmitAt = 40
const receiveAt = 32

/** Its time less ours, in ms; a text says why it is not known. Never rejects. */
export function askTime(
  { address, port }: TimeServer,
  clock: Clock,
  timeoutMs = 3000,
): Promise<number | string> {
  return new Promise(resolve => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    const finish = (result: number | string): void => {
      timer.cancel()
      socket.close()
      finished = true
      resolve(result)
    }
    let finished = false
    const fail = (why: string): void => {
      if (!finished) finish(`${formatEndpoint(address, port)}: ${why}`)
    }
    const timer = clock.after(timeoutMs, () => fail('no answer in time'))
    const question = Buffer.alloc(packetBytes)
    question[0] = clientMode
    const sentAt = clock.now()
    // §5: given back as the originate timestamp, so that an answer is known as one.
    writeTime(question, transmitAt, sentAt)
    socket.on('error', cause => fail(describeNetworkError(cause)))
    socket.on('message', message => {
      if (finished || message.length < packetBytes) return
      if (!message.subarray(24, 32).equals(question.subarray(transmitAt))) return
      const [first = 0, stratum = 0] = message
      if (first % 8 !== serverMode) return
      // §8: a server that is not synchronised itself, or wants not to be asked.
      if (first >= 0xc0 || stratum === 0 || stratum > 15) return fail('it does not know the time itself')
      const receivedAt = clock.now()
      const there = (readTime(message, receiveAt) + readTime(message, transmitAt)) / 2
      finish(there - (sentAt + receivedAt) / 2)
    })
    socket.connect(port, address, (cause?: Error) => {
      if (cause) fail(describeNetworkError(cause))
      else if (!finished) socket.send(question)
    })
  })
}

function writeTime(packet: Buffer, at: number, ms: number): void {
  const seconds = Math.floor(ms / 1000) + epochSeconds
  packet.writeUInt32BE(seconds % secondsInEra, at)
  packet.writeUInt32BE(Math.floor(((ms % 1000) / 1000) * secondsInEra), at + 4)
}

function readTime(packet: Buffer, at: number): number {
  const seconds = packet.readUInt32BE(at)
  // §3: without the highest bit it is of the era that begins in 2036.
  const era = seconds < 2 ** 31 ? secondsInEra : 0
  return (seconds + era - epochSeconds) * 1000 + (packet.readUInt32BE(at + 4) / secondsInEra) * 1000
}
