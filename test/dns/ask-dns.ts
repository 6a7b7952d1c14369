// Resolvers over real DNS servers: the harness's with its zones, and one whose every datagram the test writes itself.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { type DecodedPacket, decode, encode, type Packet } from 'dns-packet'
import type { DnsServer } from '../../src/dns/answer.ts'
import { createResolver, type OwnedResolver } from '../../src/dns/resolver.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { startDnsServer, type TestDnsServer } from '../harness/dns-server.ts'
import { createManualClock, type ManualClock } from '../harness/manual-clock.ts'

export const timeoutMs = 3000

/** Bounds how long a test waits that has failed already: for a question or an answer that will never come. */
const patienceMs = 10_000

/** A question as it came, and the way back to whoever asked it. */
export interface Question {
  readonly query: DecodedPacket
  /** 'MX example.org' */
  readonly text: string
  readonly port: number
  /** The answer, with the id and the question of the query unless it says otherwise. */
  answer(packet: Partial<Packet>): Promise<void>
  send(bytes: Uint8Array): Promise<void>
}

export interface ManualDnsServer {
  readonly address: string
  readonly port: number
  /** The next question, when it comes; rejects when none does. */
  next(): Promise<Question>
}

export async function startManualDnsServer(t: TestContext): Promise<ManualDnsServer> {
  const socket = createSocket('udp4')
  const waiting: Question[] = []
  const asked: ((question: Question) => void)[] = []
  socket.on('message', (message, peer) => {
    const query = decode(message)
    const [first] = query.questions ?? []
    const send = (bytes: Uint8Array): Promise<void> =>
      new Promise((resolve, reject) => {
        socket.send(bytes, peer.port, peer.address, cause => (cause ? reject(cause) : resolve()))
      })
    const question: Question = {
      query,
      text: `${first?.type} ${first?.name}`,
      port: peer.port,
      send,
      answer: packet =>
        send(encode({ type: 'response', id: query.id ?? 0, questions: query.questions ?? [], ...packet })),
    }
    const resolve = asked.shift()
    if (resolve) resolve(question)
    else waiting.push(question)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.after(() => socket.close())
  const { address, port } = socket.address()
  return {
    address,
    port,
    next() {
      const question = waiting.shift()
      if (question) return Promise.resolve(question)
      return new Promise((resolve, reject) => {
        const guard = setTimeout(() => reject(new Error('no question came')), patienceMs)
        asked.push(next => {
          clearTimeout(guard)
          resolve(next)
        })
      })
    },
  }
}

export interface TestResolver {
  readonly resolver: OwnedResolver
  readonly clock: ManualClock
}

/** A resolver on a clock that stands still. */
export function resolverOf(t: TestContext, ...servers: readonly DnsServer[]): TestResolver {
  const clock = createManualClock()
  const runOut = async (): Promise<void> => {
    for (let round = 0; round < 10; round++) {
      clock.advance(timeoutMs)
      await setImmediate()
    }
  }
  const guard = setTimeout(() => void runOut(), patienceMs)
  const resolver = createResolver({ servers, clock, random: systemRandom, timeoutMs })
  t.after(() => {
    clearTimeout(guard)
    resolver.close()
  })
  return { clock, resolver }
}

/** A resolver that asks a server with this zone. */
export async function resolverOver(
  t: TestContext,
  zone: readonly string[],
): Promise<TestResolver & { readonly server: TestDnsServer }> {
  const server = await startDnsServer(zone)
  t.after(() => server.close())
  return { server, ...resolverOf(t, server) }
}
