// Questions and answers on the wire: silence, refusal, garbage, guesses, several servers, TCP (RFC 1035 §4.2, RFC 5452).
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { type Answer, encode } from 'dns-packet'
import type { DnsServer } from '../../src/dns/answer.ts'
import { createResolver } from '../../src/dns/resolver.ts'
import { startDnsServer } from '../harness/dns-server.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { type Question, resolverOf, resolverOver, startManualDnsServer, timeoutMs } from './ask-dns.ts'

const truth: Answer[] = [{ type: 'A', name: 'example.org', ttl: 60, data: '192.0.2.1' }]
const lie: Answer[] = [{ type: 'A', name: 'example.org', ttl: 60, data: '192.0.2.66' }]
const found = { kind: 'found', records: ['192.0.2.1'], ttlMs: 60_000 }
const zone = ['example.org A 192.0.2.1']
const truncated = 0x0200

/** A port on which nobody listens. */
async function deafServer(): Promise<DnsServer> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { address, port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return { address, port }
}

test('a question asks for recursion, says how much fits, and is about one name', async t => {
  const server = await startManualDnsServer(t)
  const { resolver } = resolverOf(t, server)
  const answer = resolver.a('example.org')
  const question = await server.next()
  const { query } = question
  assert.equal(query.flag_rd, true)
  assert.deepEqual(
    query.questions?.map(({ name, type }) => [name, type]),
    [['example.org', 'A']],
  )
  const [option] = query.additionals ?? []
  assert.equal(option?.type === 'OPT' ? option.udpPayloadSize : undefined, 1232)
  await question.answer({ answers: truth })
  assert.deepEqual(await answer, found)
})

test('ids and ports change from question to question', async t => {
  const server = await startManualDnsServer(t)
  const { resolver } = resolverOf(t, server)
  const ids = new Set<number | undefined>()
  const ports = new Set<number>()
  for (let n = 0; n < 20; n++) {
    const answer = resolver.a(`n${n}.example.org`)
    const question = await server.next()
    ids.add(question.query.id)
    ports.add(question.port)
    await question.answer({ flags: 3 })
    assert.equal((await answer).kind, 'no-such-domain')
  }
  // Twenty of 65,536: two may be the same by chance, half of them not.
  assert.ok(ids.size > 10, `${ids.size} ids`)
  assert.ok(ports.size > 1, `${ports.size} ports`)
})

const guesses: readonly (readonly [what: string, send: (question: Question) => Promise<void>])[] = [
  ['nothing', q => q.send(Buffer.alloc(0))],
  ['bytes that are no message', q => q.send(Buffer.alloc(600, 0xff))],
  ['half a message', q => q.send(encodeAnswer(q).subarray(0, 20))],
  ['another id', q => q.answer({ id: ((q.query.id ?? 0) + 1) % 65_536, answers: lie })],
  ['another name', q => q.answer({ questions: [{ type: 'A', name: 'example.net' }], answers: lie })],
  ['another type', q => q.answer({ questions: [{ type: 'AAAA', name: 'example.org' }], answers: lie })],
  ['no question', q => q.answer({ questions: [], answers: lie })],
  ['the question itself', q => q.answer({ type: 'query', answers: lie })],
]

function encodeAnswer({ query }: Question): Buffer {
  return encode({ type: 'response', id: query.id ?? 0, questions: query.questions ?? [], answers: lie })
}

for (const [what, send] of guesses) {
  test(`what is no answer to the question is passed over: ${what}`, async t => {
    const server = await startManualDnsServer(t)
    const { resolver } = resolverOf(t, server)
    const answer = resolver.a('example.org')
    const question = await server.next()
    await send(question)
    await question.answer({ answers: truth })
    assert.deepEqual(await answer, found)
  })
}

test('an answer from anywhere else is passed over', async t => {
  const server = await startManualDnsServer(t)
  const { resolver } = resolverOf(t, server)
  const answer = resolver.a('example.org')
  const question = await server.next()
  const stranger = createSocket('udp4')
  await new Promise(resolve => stranger.send(encodeAnswer(question), question.port, '127.0.0.1', resolve))
  stranger.close()
  await question.answer({ answers: truth })
  assert.deepEqual(await answer, found)
})

test('garbage alone is silence', async t => {
  const server = await startManualDnsServer(t)
  const { resolver, clock } = resolverOf(t, server)
  const answer = resolver.a('example.org')
  for (let round = 0; round < 2; round++) {
    await (await server.next()).send(Buffer.from('no DNS message at all'))
    clock.advance(timeoutMs)
  }
  assert.equal((await answer).kind, 'temporary-failure')
})

test('a silent server is asked twice, and then it is a temporary failure that says so', async t => {
  const server = await startManualDnsServer(t)
  const { resolver, clock } = resolverOf(t, server)
  let settled = false
  const answer = resolver.mx('example.org').finally(() => {
    settled = true
  })
  assert.equal((await server.next()).text, 'MX example.org')
  clock.advance(timeoutMs)
  assert.equal((await server.next()).text, 'MX example.org')
  clock.advance(timeoutMs - 1)
  await new Promise(setImmediate)
  assert.equal(settled, false)
  clock.advance(1)
  assert.deepEqual(await answer, {
    kind: 'temporary-failure',
    detail: `the MX records of example.org could not be looked up: 127.0.0.1:${server.port} did not answer in time`,
  })
})

test('an answer that comes late is not taken for the answer to the next question', async t => {
  const server = await startManualDnsServer(t)
  const { resolver, clock } = resolverOf(t, server)
  const answer = resolver.a('example.org')
  const first = await server.next()
  clock.advance(timeoutMs)
  const second = await server.next()
  await first.answer({ answers: lie })
  await second.answer({ answers: truth })
  assert.deepEqual(await answer, found)
})

test('when the first server is silent the second is asked', async t => {
  const silent = await startManualDnsServer(t)
  const server = await startDnsServer(zone)
  t.after(() => server.close())
  const { resolver, clock } = resolverOf(t, silent, server)
  const answer = resolver.a('example.org')
  await silent.next()
  assert.deepEqual(server.questions, [])
  clock.advance(timeoutMs)
  assert.deepEqual(await answer, found)
  assert.deepEqual(server.questions, ['A example.org'])
})

test('as long as the first server answers, the second is not asked', async t => {
  const second = await startDnsServer(zone)
  t.after(() => second.close())
  const first = await startDnsServer(['www.example.org A 192.0.2.1'])
  t.after(() => first.close())
  const { resolver } = resolverOf(t, first, second)
  assert.equal((await resolver.a('www.example.org')).kind, 'found')
  // That a name does not exist is an answer like others.
  assert.equal((await resolver.a('nowhere.test')).kind, 'no-such-domain')
  assert.equal((await resolver.a('example.org')).kind, 'no-data')
  assert.deepEqual(second.questions, [])
})

test('a server that is not there costs no waiting: the next one is asked at once', async t => {
  const server = await startDnsServer(zone)
  t.after(() => server.close())
  const { resolver } = resolverOf(t, await deafServer(), server)
  // The clock stands still.
  assert.deepEqual(await resolver.a('example.org'), found)
})

test('servers that refuse are named, in words', async t => {
  const deaf = await deafServer()
  const answer = await resolverOf(t, deaf).resolver.a('example.org')
  assert.equal(answer.kind, 'temporary-failure')
  assert.equal(
    answer.detail,
    `the A records of example.org could not be looked up: 127.0.0.1:${deaf.port}: refused; nothing listens on this port there (ECONNREFUSED)`,
  )
})

test('a server that fails is passed over for one that does not', async t => {
  const failing = await startDnsServer(zone)
  t.after(() => failing.close())
  failing.setBehaviour('example.org', 'SERVFAIL')
  const server = await startDnsServer(zone)
  t.after(() => server.close())
  const { resolver } = resolverOf(t, failing, server)
  assert.deepEqual(await resolver.a('example.org'), found)
  assert.deepEqual([failing.questions.length, server.questions.length], [1, 1])
})

test('when every server fails, it is a temporary failure with what each said', async t => {
  const { resolver, server } = await resolverOver(t, zone)
  server.setBehaviour('example.org', 'SERVFAIL')
  assert.deepEqual(await resolver.a('example.org'), {
    kind: 'temporary-failure',
    detail: `the A records of example.org could not be looked up: 127.0.0.1:${server.port} answered SERVFAIL`,
  })
  assert.deepEqual(server.questions, ['A example.org', 'A example.org'])
})

test('a server that refuses to answer is no answer', async t => {
  const server = await startManualDnsServer(t)
  const { resolver } = resolverOf(t, server)
  const answer = resolver.a('example.org')
  await (await server.next()).answer({ flags: 5 })
  await (await server.next()).answer({ flags: 5 })
  const { kind, detail } = (await answer) as { kind: string; detail?: string }
  assert.equal(kind, 'temporary-failure')
  assert.match(detail ?? '', /answered REFUSED/)
})

test('a resolver that is closed waits for no answer, over UDP nor over TCP, and asks nothing more', async t => {
  const server = await startManualDnsServer(t)
  const silent = createServer().listen(server.port, server.address)
  t.after(() => silent.close())
  const connected = once(silent, 'connection')
  const { resolver } = resolverOf(t, server)
  const overTcp = resolver.a('example.org')
  await (await server.next()).answer({ flags: truncated })
  const [socket] = (await connected) as [Socket]
  const overUdp = resolver.a('example.net')
  await server.next()
  resolver.close()
  for (const answer of [await overUdp, await overTcp, await resolver.a('example.com')])
    assert.match(answer.kind === 'temporary-failure' ? answer.detail : '', /is not waited for any longer/)
  await once(socket.resume(), 'close')
})

test('without any server it is a temporary failure', async () => {
  const resolver = createResolver({ servers: [], clock: createManualClock() })
  assert.deepEqual(await resolver.a('example.org'), {
    kind: 'temporary-failure',
    detail: 'the A records of example.org could not be looked up: there is no DNS server to ask',
  })
})

test('what does not fit into a datagram is asked for over TCP', async t => {
  const hosts = Array.from({ length: 200 }, (_, n) => `example.org MX ${n} mail-host-number-${n}.example.org`)
  const { resolver, server } = await resolverOver(t, hosts)
  server.truncateUdp(true)
  const answer = await resolver.mx('example.org')
  assert.equal(answer.kind === 'found' ? answer.records.length : answer.kind, 200)
  assert.deepEqual(server.questions, ['MX example.org', 'MX example.org'])
})

test('what is cut in a datagram is not taken for the whole', async t => {
  const server = await startManualDnsServer(t)
  const { resolver } = resolverOf(t, server)
  const answer = resolver.a('example.org')
  // No TCP there: the question comes again over UDP, and then it is given up.
  for (let round = 0; round < 2; round++)
    await (await server.next()).answer({ flags: truncated, answers: lie })
  const { kind } = await answer
  assert.equal(kind, 'temporary-failure')
})

test('an IPv6 server is asked like any other', async t => {
  const server = await startDnsServer(zone, { address: '::1' }).catch(() => undefined)
  if (!server) return t.skip('no IPv6 on this machine')
  t.after(() => server.close())
  const { resolver } = resolverOf(t, server)
  assert.deepEqual(await resolver.a('example.org'), found)
  server.setBehaviour('other.test', 'SERVFAIL')
  const failure = await resolver.a('other.test')
  assert.equal(failure.kind, 'temporary-failure')
  assert.ok(failure.detail.includes(`[::1]:${server.port} answered SERVFAIL`), failure.detail)
})
