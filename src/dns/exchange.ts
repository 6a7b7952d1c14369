// One question to one DNS server: over UDP, and over TCP when the answer does not fit (RFC 1035 §4.2, RFC 6891, RFC 7766).
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import {
  AUTHENTIC_DATA,
  CHECKING_DISABLED,
  type DecodedPacket,
  DNSSEC_OK,
  decode,
  encode,
  type Packet,
  RECURSION_DESIRED,
  streamEncode,
} from 'dns-packet'
import { formatEndpoint } from '../address/format-endpoint.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeNetworkError } from '../runtime/network-error.ts'
import type { Random } from '../runtime/random.ts'
import type { DnsServer } from './answer.ts'

export type RecordType = 'A' | 'AAAA' | 'CNAME' | 'DS' | 'MX' | 'NS' | 'PTR' | 'SOA' | 'SRV' | 'TLSA' | 'TXT'

export interface ExchangeOptions {
  readonly clock: Clock
  readonly random: Random
  readonly timeoutMs: number
  /** Ends it: it rejects. */
  readonly signal: AbortSignal
  /** Default: as a resolver is asked. */
  readonly manner?: QuestionManner | undefined
}

export type QuestionManner =
  /** What the server itself knows, with its signatures (RFC 1035 §4.1.1, RD; RFC 4035 §3.2.1, DO). */
  | 'authority'
  /** As a resolver is asked, and what does not pass its checks of DNSSEC too (RFC 4035 §3.2.2, CD). */
  | 'unchecked'

/** RFC 6891 §6.2.5, and what fits into an Ethernet frame without fragments. */
const udpPayloadBytes = 1232
const maxTcpBytes = 65_537

/** Rejects with an Error when the server does not answer in time, answers what is no answer, or nobody waits any more. */
export async function askServer(
  server: DnsServer,
  name: string,
  type: RecordType,
  options: ExchangeOptions,
): Promise<DecodedPacket> {
  // A random id and a random source port (the system's): who guesses must guess both (RFC 5452).
  const [high = 0, low = 0] = options.random.bytes(2)
  const id = high * 256 + low
  const isAuthority = options.manner === 'authority'
  const query: Packet = {
    type: 'query',
    id,
    flags: flagsOf(options.manner),
    questions: [{ name, type }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: udpPayloadBytes,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: isAuthority ? DNSSEC_OK : 0,
        flag_do: isAuthority,
        options: [],
      },
    ],
  }
  const matches = (answer: DecodedPacket): boolean => {
    const question = answer.questions?.[0]
    return (
      answer.id === id &&
      answer.type === 'response' &&
      question?.type === type &&
      question.name.toLowerCase() === name.toLowerCase()
    )
  }
  if (options.signal.aborted) throw givenUp(server)
  const answer = await askOverUdp(server, encode(query), matches, options)
  return answer.flag_tc ? await askOverTcp(server, streamEncode(query), matches, options) : answer
}

function flagsOf(manner: QuestionManner | undefined): number {
  if (manner === 'authority') return 0
  // AD asks whether the answer was validated, without the signatures (RFC 6840 §5.7).
  return RECURSION_DESIRED + (manner === 'unchecked' ? CHECKING_DISABLED : AUTHENTIC_DATA)
}

type Matches = (answer: DecodedPacket) => boolean

function askOverUdp(
  server: DnsServer,
  query: Buffer,
  matches: Matches,
  options: ExchangeOptions,
): Promise<DecodedPacket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4')
    const patience = waitFor(server, options, cause => finish(() => reject(cause)))
    let finished = false
    const finish = (settle: () => void): void => {
      if (finished) return
      finished = true
      patience.end()
      socket.close()
      settle()
    }
    socket.on('error', cause => finish(() => reject(broken(server, cause))))
    socket.on('message', message => {
      const answer = tryDecode(message)
      // Anything else is somebody's guess, or an answer that comes too late for its question: wait on.
      if (answer && matches(answer)) finish(() => resolve(answer))
    })
    // Connected, so that only this server's datagrams come, and its refusal (ICMP) is seen.
    socket.connect(server.port, server.address, (cause?: Error) => {
      if (cause) finish(() => reject(broken(server, cause)))
      else if (!finished) socket.send(query)
    })
  })
}

function askOverTcp(
  server: DnsServer,
  query: Buffer,
  matches: Matches,
  options: ExchangeOptions,
): Promise<DecodedPacket> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, server.address)
    let received = Buffer.alloc(0)
    const patience: Patience = waitFor(server, options, cause => finish(() => reject(cause)))
    const finish = (settle: () => void): void => {
      patience.end()
      socket.destroy()
      settle()
    }
    socket.on('connect', () => socket.write(query))
    socket.on('error', cause => finish(() => reject(broken(server, cause))))
    socket.on('close', () => finish(() => reject(new Error(`${formatServer(server)} closed the connection`))))
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (received.length > maxTcpBytes)
        finish(() => reject(new Error(`${formatServer(server)} sent too much`)))
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
      const answer = tryDecode(received.subarray(2, 2 + received.readUInt16BE(0)))
      finish(() =>
        answer && matches(answer)
          ? resolve(answer)
          : reject(new Error(`${formatServer(server)} sent no answer to the question`)),
      )
    })
  })
}

interface Patience {
  end(): void
}

/** Until `giveUp` is called, with the reason: the time is over, or nobody waits any more. */
function waitFor(
  server: DnsServer,
  { clock, timeoutMs, signal }: ExchangeOptions,
  giveUp: (cause: Error) => void,
): Patience {
  const timer = clock.after(timeoutMs, () => giveUp(timedOut(server)))
  const abort = (): void => giveUp(givenUp(server))
  signal.addEventListener('abort', abort)
  return {
    end() {
      timer.cancel()
      signal.removeEventListener('abort', abort)
    },
  }
}

// The decoder throws on what is no DNS message.
function tryDecode(message: Buffer): DecodedPacket | undefined {
  try {
    return decode(message)
  } catch {
    return undefined
  }
}

export function formatServer({ address, port }: DnsServer): string {
  return formatEndpoint(address, port)
}

function broken(server: DnsServer, cause: Error): Error {
  return new Error(`${formatServer(server)}: ${describeNetworkError(cause)}`, { cause })
}

function timedOut(server: DnsServer): Error {
  return new Error(`${formatServer(server)} did not answer in time`)
}

function givenUp(server: DnsServer): Error {
  return new Error(`${formatServer(server)} is not waited for any longer`)
}
