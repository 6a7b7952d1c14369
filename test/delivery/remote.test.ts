// Delivery to other servers, as those servers see it: which is asked, in which order, and what each answer leads to.
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import * as fc from 'fast-check'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { createRelayDomain } from '../../src/directory/relay-domains.ts'
import { retryRecipients } from '../../src/queue/administer.ts'
import { listQueue, type ShownRecipient } from '../../src/queue/list-queue.ts'
import type { QueueId } from '../../src/queue/queue-id.ts'
import { engine } from '../harness/test-storage.ts'
import { administer } from '../queue/open-queue.ts'
import { type PeerOptions, type RemotePeer, type Script, startPeer } from './remote-peer.ts'
import { createWorld, minute, type World, type WorldOptions } from './world.ts'

async function peerFor(t: TestContext, options: PeerOptions = {}): Promise<RemotePeer> {
  const peer = await startPeer({ address: '127.0.0.2', ...options })
  t.after(() => peer.close())
  return peer
}

/** A world in which mx1.example.org is `peer`, and the only mail host of example.org. */
async function worldWith(t: TestContext, peer: RemotePeer, options: WorldOptions = {}): Promise<World> {
  const world = await createWorld(t, { ...options, delivery: { port: peer.port, ...options.delivery } })
  world.dns.mx('example.org', 10, 'mx1.example.org')
  world.dns.host('mx1.example.org', peer.address)
  return world
}

const from = 'anna@example.test'
const to = ['boris@example.org']

test('a message goes to the mail host of its domain, unchanged but for dots', async t => {
  const peer = await peerFor(t)
  const world = await worldWith(t, peer)
  const text = 'Subject: Test\r\n\r\n.\r\n..two\r\nText\r\n'
  const id = await world.post({ from, to, text })
  assert.deepEqual(peer.messages, [{ reversePath: from, forwardPaths: to, mailData: text }])
  assert.equal(await world.waiting(), 0)
  const [attempt] = await world.attempts(id)
  assert.equal(attempt?.outcome.kind, 'relayed')
  assert.equal(attempt.outcome.remoteMta, 'mx1.example.org')
  assert.equal(attempt.outcome.remoteAddress, `127.0.0.2:${peer.port}`)
  assert.deepEqual(attempt.mxHosts, ['mx1.example.org'])
  assert.ok(attempt.dialogue?.some(line => line.startsWith('C: MAIL FROM:<anna@example.test>')))
  assert.ok(attempt.dialogue?.some(line => line.startsWith('S: 250 2.0.0 Ok: queued as PEER')))
})

test('mail hosts are tried in the order of their preference; a dead one and a busy one are passed over', async t => {
  const second = await peerFor(t, {
    script: command => (command === '(connect)' ? '421 4.3.2 Busy' : undefined),
  })
  const third = await peerFor(t, { address: '127.0.0.3', port: second.port })
  const never = await peerFor(t, { address: '127.0.0.4', port: second.port })
  const world = await createWorld(t, { delivery: { port: second.port } })
  world.dns.mx('example.org', 30, 'mx3.example.org')
  world.dns.mx('example.org', 40, 'mx4.example.org')
  world.dns.mx('example.org', 10, 'mx1.example.org')
  world.dns.mx('example.org', 20, 'mx2.example.org')
  world.dns.host('mx1.example.org', '127.0.0.9') // nobody listens
  world.dns.host('mx2.example.org', second.address)
  world.dns.host('mx3.example.org', third.address)
  world.dns.host('mx4.example.org', never.address)
  const id = await world.post({ from, to })
  assert.equal(third.messages.length, 1)
  assert.equal(second.connections, 1)
  assert.equal(never.connections, 0)
  const [attempt] = await world.attempts(id)
  assert.ok(attempt)
  assert.deepEqual(attempt.mxHosts, ['mx1.example.org', 'mx2.example.org', 'mx3.example.org'])
  assert.deepEqual(
    attempt.passed?.map(({ host, reply }) => [host, reply?.code]),
    [
      ['mx1.example.org', undefined],
      ['mx2.example.org', 421],
    ],
  )
  const notes = describeEvent(attempt).notes?.join('\n') ?? ''
  assert.match(notes, /^Not by mx1\.example\.org: .*127\.0\.0\.9.*refused/m)
  assert.match(notes, /^Not by mx2\.example\.org: .*refused the connection \[421 4\.3\.2 Busy\]$/m)
  // What is sent over the connection that is open says so too.
  const [next] = await world.attempts(await world.post({ from, to }))
  assert.equal(third.connections, 1)
  assert.deepEqual(next?.passed, attempt.passed)
})

test('every address of a mail host is tried', async t => {
  const peer = await peerFor(t)
  const world = await createWorld(t, { delivery: { port: peer.port } })
  world.dns.mx('example.org', 10, 'mx1.example.org')
  world.dns.host('mx1.example.org', '127.0.0.8', '127.0.0.9', peer.address)
  await world.post({ from, to })
  assert.equal(peer.messages.length, 1)
})

test('without MX the domain itself is the mail host', async t => {
  const peer = await peerFor(t)
  const world = await createWorld(t, { delivery: { port: peer.port } })
  world.dns.host('example.org', peer.address)
  await world.post({ from, to })
  assert.equal(peer.messages.length, 1)
})

test('an address literal needs no DNS', async t => {
  const peer = await peerFor(t)
  const world = await createWorld(t, { delivery: { port: peer.port } })
  await world.post({ from, to: ['boris@[127.0.0.2]'] })
  assert.deepEqual(peer.messages[0]?.forwardPaths, ['boris@[127.0.0.2]'])
})

for (const { what, arrange, status, cause } of [
  {
    what: 'a domain with a null MX takes no mail',
    arrange: (world: World) => world.dns.mx('example.org', 0, '.'),
    status: '5.1.10',
    cause: 'null-mx',
  },
  {
    what: 'a domain that does not exist takes none either',
    arrange: () => {},
    status: '5.1.2',
    cause: 'unknown-domain',
  },
  {
    what: 'mail hosts without an address: their administrator has to mend it',
    arrange: (world: World) => world.dns.mx('example.org', 10, 'mx1.example.org'),
    status: '5.4.4',
    cause: 'broken-mx',
  },
  {
    what: 'a best mail host that is this server by name: the domain is missing here, or its MX is wrong',
    arrange: (world: World) => {
      world.dns.mx('example.org', 10, 'mail.example.test')
      world.dns.mx('example.org', 20, 'mx2.example.org')
      world.dns.host('mail.example.test', '127.0.0.7')
      world.dns.host('mx2.example.org', '127.0.0.2')
    },
    status: '5.3.5',
    cause: 'own-mx',
  },
  {
    what: 'a best mail host that is this server by address: likewise',
    arrange: (world: World) => {
      world.dns.mx('example.org', 10, 'mx1.example.org')
      world.dns.host('mx1.example.org', '127.0.0.7')
    },
    status: '5.3.5',
    cause: 'own-mx',
  },
]) {
  test(what, async t => {
    const peer = await peerFor(t)
    const listeners = [{ address: '127.0.0.7', port: peer.port }]
    const world = await createWorld(t, { delivery: { port: peer.port }, listeners })
    arrange(world)
    const id = await world.post({ from: null, to })
    const [attempt] = await world.attempts(id)
    assert.equal(attempt?.outcome.kind, 'failed')
    assert.equal(attempt.outcome.diagnosis.status, status)
    assert.equal(attempt.outcome.diagnosis.cause, cause)
    assert.equal(peer.connections, 0)
    assert.equal(await world.waiting(), 0)
  })
}

test('of the mail hosts only those before this server are tried', async t => {
  const peer = await peerFor(t)
  const world = await worldWith(t, peer)
  world.dns.mx('example.org', 20, 'mail.example.test')
  world.dns.mx('example.org', 20, 'equal.example.org')
  world.dns.host('mail.example.test', '127.0.0.7')
  world.dns.host('equal.example.org', '127.0.0.8')
  peer.script = command => (command === '(connect)' ? '421 4.3.2 Busy' : undefined)
  const id = await world.post({ from, to })
  const [attempt] = await world.attempts(id)
  assert.equal(attempt?.outcome.kind, 'deferred')
  assert.deepEqual(attempt.mxHosts, ['mx1.example.org'])
})

test('DNS that does not answer defers', async t => {
  const peer = await peerFor(t)
  const world = await worldWith(t, peer)
  world.dns.fail('example.org')
  const id = await world.post({ from, to })
  const [attempt] = await world.attempts(id)
  assert.equal(attempt?.outcome.kind, 'deferred')
  assert.equal(attempt.outcome.diagnosis.cause, 'dns-failure')
  assert.equal(await world.waiting(), 1)
})

test('a temporary refusal is tried again on the schedule, not before', async t => {
  const peer = await peerFor(t, {
    script: command => (command.startsWith('RCPT') ? '450 4.2.0 Greylisted' : undefined),
  })
  const world = await worldWith(t, peer)
  const id = await world.post({ from, to })
  const asked = (): number => peer.commands.filter(command => command.startsWith('RCPT')).length
  assert.equal(asked(), 1)
  await world.pass(4 * minute)
  assert.equal(asked(), 1)
  await world.pass(2 * minute)
  assert.equal(asked(), 2)
  await world.pass(13 * minute)
  assert.equal(asked(), 2)
  peer.script = () => undefined
  await world.pass(4 * minute)
  assert.equal(peer.messages.length, 1)
  const outcomes = (await world.attempts(id)).map(({ attempt, outcome }) => [attempt, outcome.kind])
  assert.deepEqual(outcomes, [
    [1, 'deferred'],
    [2, 'deferred'],
    [3, 'relayed'],
  ])
})

test('a server that is down is tried again, and gets the message when it is up', async t => {
  const peer = await peerFor(t)
  await peer.close()
  const world = await worldWith(t, peer)
  const id = await world.post({ from, to })
  const [attempt] = await world.attempts(id)
  assert.equal(attempt?.outcome.kind, 'deferred')
  assert.equal(attempt.outcome.diagnosis.cause, 'refused-connection')
  assert.match(
    attempt.outcome.diagnosis.detail,
    /: refused; nothing listens on this port there \(ECONNREFUSED\)$/,
  )
  const again = await peerFor(t, { port: peer.port })
  await world.pass(6 * minute)
  assert.equal(again.messages.length, 1)
})

test('when every server refuses for good in its greeting, that is a failure', async t => {
  const script = (command: string): string | undefined =>
    command === '(connect)' ? '554 5.7.1 No' : undefined
  const peer = await peerFor(t, { script })
  const second = await peerFor(t, { address: '127.0.0.3', port: peer.port, script })
  const world = await worldWith(t, peer)
  world.dns.mx('example.org', 20, 'mx2.example.org')
  world.dns.host('mx2.example.org', second.address)
  const id = await world.post({ from: null, to })
  const [attempt] = await world.attempts(id)
  assert.equal(attempt?.outcome.kind, 'failed')
  assert.equal(second.connections, 1)
})

test('when one refuses for good and another is down, it is tried again', async t => {
  const peer = await peerFor(t, {
    script: command => (command === '(connect)' ? '521 No mail here' : undefined),
  })
  const world = await worldWith(t, peer)
  world.dns.mx('example.org', 20, 'mx2.example.org')
  world.dns.host('mx2.example.org', '127.0.0.9')
  const id = await world.post({ from, to })
  const [attempt] = await world.attempts(id)
  assert.equal(attempt?.outcome.kind, 'deferred')
  // The one of which the outcome speaks stands there alone.
  assert.deepEqual(
    attempt.passed?.map(({ host }) => host),
    ['mx1.example.org'],
  )
})

test('a refusal of the recipient is final: no other server is asked', async t => {
  const peer = await peerFor(t, {
    script: command => (command.startsWith('RCPT') ? '550 5.1.1 No such user' : undefined),
  })
  const second = await peerFor(t, { address: '127.0.0.3', port: peer.port })
  const world = await worldWith(t, peer)
  world.dns.mx('example.org', 20, 'mx2.example.org')
  world.dns.host('mx2.example.org', second.address)
  const id = await world.post({ from: null, to })
  const [attempt] = await world.attempts(id)
  assert.equal(attempt?.outcome.kind, 'failed')
  assert.equal(attempt.outcome.diagnosis.cause, 'unknown-user')
  assert.equal(attempt.outcome.diagnosis.reply?.code, 550)
  assert.equal(second.connections, 0)
})

test('421 in the middle sends to the next server', async t => {
  const peer = await peerFor(t, {
    script: command => (command.startsWith('MAIL') ? '421 4.3.2 Shutting down' : undefined),
  })
  const second = await peerFor(t, { address: '127.0.0.3', port: peer.port })
  const world = await worldWith(t, peer)
  world.dns.mx('example.org', 20, 'mx2.example.org')
  world.dns.host('mx2.example.org', second.address)
  const [attempt] = await world.attempts(await world.post({ from, to }))
  assert.equal(second.messages.length, 1)
  assert.deepEqual(
    attempt?.passed?.map(({ host, reply }) => [host, reply?.lines]),
    [['mx1.example.org', ['Shutting down']]],
  )
})

test('the connection to the first server is given up before the next server is asked: there is room for one', async t => {
  const first = await peerFor(t, { extensions: ['PIPELINING'] })
  const second = await peerFor(t, { address: '127.0.0.3', port: first.port })
  const world = await worldWith(t, first)
  world.dns.mx('example.org', 20, 'mx2.example.org')
  world.dns.host('mx2.example.org', second.address)
  await world.post({ from, to: ['борис@example.org'], message: { smtpUtf8: true } })
  assert.equal(second.messages.length, 1)
  // No time has passed, so that it is not for being idle.
  await first.seen('QUIT')
})

test('a connection cut before the end of the data sends to the next server; after it, to nobody', async t => {
  const cutAt = (verb: string) => (command: string) => (command.startsWith(verb) ? 'close' : undefined)
  const peer = await peerFor(t, { script: cutAt('RCPT') })
  const second = await peerFor(t, { address: '127.0.0.3', port: peer.port })
  const world = await worldWith(t, peer)
  world.dns.mx('example.org', 20, 'mx2.example.org')
  world.dns.host('mx2.example.org', second.address)
  await world.post({ from, to })
  assert.equal(second.messages.length, 1)
  peer.script = cutAt('(end of data)')
  const id = await world.post({ from, to })
  assert.equal(second.messages.length, 1)
  const outcome = (await world.attempts(id))[0]?.outcome
  // RFC 1047: the recipient may have it.
  assert.equal(outcome?.kind === 'deferred' && outcome.diagnosis.cause, 'unconfirmed')
})

test('several recipients of a domain go in one transaction, each with its own answer', async t => {
  const peer = await peerFor(t, {
    script: command => {
      if (command.includes('full@')) return '452 4.2.2 Mailbox full'
      return command.includes('nobody@') ? '550 5.1.1 No such user' : undefined
    },
  })
  const world = await worldWith(t, peer)
  const id = await world.post({
    from: null,
    to: ['boris@example.org', 'full@example.org', 'nobody@example.org', 'clara@example.org'],
  })
  assert.deepEqual(
    peer.messages.map(message => message.forwardPaths),
    [['boris@example.org', 'clara@example.org']],
  )
  // 452 is asked again at once where it may mean too many recipients (RFC 5321 §4.5.3.1.10), and not for a full mailbox.
  assert.equal(peer.commands.filter(command => command.includes('full@')).length, 1)
  const outcomes = new Map(
    (await world.attempts(id)).map(({ recipient, outcome }) => [recipient, outcome.kind]),
  )
  assert.deepEqual([...outcomes].sort(), [
    ['boris@example.org', 'relayed'],
    ['clara@example.org', 'relayed'],
    ['full@example.org', 'deferred'],
    ['nobody@example.org', 'failed'],
  ])
  assert.equal(await world.waiting(), 1)
})

test('what leaves by an alias or a group says by which, to those alone whom it led to', async t => {
  const peer = await peerFor(t)
  const world = await worldWith(t, peer)
  await world.redirect('group', 'team@example.test', 'clara@example.org', 'dora@example.org')
  await world.redirect('alias', 'почта@example.test', 'team@example.test')
  const text = 'Subject: Test\r\n\r\nText\r\n'
  await world.post({ from, to: [...to, 'почта@example.test'], text, message: { smtpUtf8: true } })
  // In whichever order they leave.
  const byRecipients = peer.messages.toSorted((one, two) => one.forwardPaths.length - two.forwardPaths.length)
  assert.deepEqual(byRecipients, [
    { reversePath: from, forwardPaths: to, mailData: text },
    {
      reversePath: from,
      forwardPaths: ['clara@example.org', 'dora@example.org'],
      // In ASCII, though the sender declared SMTPUTF8: the peer does not offer it.
      mailData:
        'Delivered-To: team@example.test\r\n' +
        'Delivered-To: \\x{43F}\\x{43E}\\x{447}\\x{442}\\x{430}@example.test\r\n' +
        text,
    },
  ])
})

for (const extensions of [['SIZE 1000000'], ['SIZE 1000000', 'CHUNKING']]) {
  test(`what goes before the mail data counts where its size is told: ${extensions.join(', ')}`, async t => {
    const peer = await peerFor(t, { extensions })
    const world = await worldWith(t, peer)
    await world.redirect('alias', 'info@example.test', 'clara@example.org')
    await world.post({ from, to: ['info@example.test'], text: 'Subject: Test\r\n\r\nText\r\n' })
    const mailData = 'Delivered-To: info@example.test\r\nSubject: Test\r\n\r\nText\r\n'
    assert.deepEqual(peer.messages, [{ reversePath: from, forwardPaths: ['clara@example.org'], mailData }])
    assert.ok(
      peer.commands.some(line => line.startsWith('MAIL') && line.includes(` SIZE=${mailData.length}`)),
    )
  })
}

test('a message that grows beyond the SIZE of the server by its trace is not sent there', async t => {
  const text = 'Subject: Test\r\n\r\nText\r\n'
  const peer = await peerFor(t, { extensions: [`SIZE ${text.length + 10}`] })
  const world = await worldWith(t, peer)
  await world.redirect('alias', 'info@example.test', 'clara@example.org')
  const id = await world.post({ from: null, to: ['info@example.test'], text })
  const last = (await world.attempts(id)).at(-1)
  assert.equal(last?.outcome.kind, 'failed')
  assert.equal(last.outcome.diagnosis.status, '5.3.4')
  assert.ok(!peer.commands.some(line => line.startsWith('MAIL')))
})

test('who is refused for good in a greeting is alone with that: the next hears it, or something else, for itself', async t => {
  let greetings = 0
  const peer = await peerFor(t, {
    script: command => (command === '(connect)' && ++greetings === 1 ? '554 5.7.1 No' : undefined),
  })
  const world = await worldWith(t, peer, { delivery: { maxConnectionsPerDestination: 1 } })
  const first = await world.accept({ from: null, to })
  const second = await world.accept({ from: null, to: ['clara@example.org'] })
  world.agent.wake()
  await world.agent.idle()
  const outcomes = [...(await world.attempts(first)), ...(await world.attempts(second))]
  // Whichever came first.
  assert.deepEqual(outcomes.map(({ outcome }) => outcome.kind).toSorted(), ['failed', 'relayed'])
})

test('too many recipients: the rest in further transactions of the same attempt', async t => {
  const peer = await peerFor(t, {
    script: (command, session) =>
      command.startsWith('RCPT') && session.forwardPaths.length >= 2
        ? '452 4.5.3 Too many recipients'
        : undefined,
  })
  const world = await worldWith(t, peer)
  const many = Array.from({ length: 5 }, (_, n) => `user${n}@example.org`)
  await world.post({ from, to: many })
  assert.deepEqual(
    peer.messages.map(message => message.forwardPaths.length),
    [2, 2, 1],
  )
  assert.equal(peer.connections, 1)
  assert.equal(await world.waiting(), 0)
})

test('the setting bounds the recipients of a transaction', async t => {
  const peer = await peerFor(t)
  const world = await worldWith(t, peer, { delivery: { maxRecipientsPerTransaction: 3 } })
  const many = Array.from({ length: 7 }, (_, n) => `user${n}@example.org`)
  await world.post({ from, to: many })
  assert.deepEqual(
    peer.messages.map(message => message.forwardPaths.length),
    [3, 3, 1],
  )
})

test('one connection serves one message after the other, and is closed when it has been idle', async t => {
  const peer = await peerFor(t)
  const world = await worldWith(t, peer)
  for (let n = 0; n < 5; n++) await world.post({ from, to })
  assert.equal(peer.messages.length, 5)
  assert.equal(peer.connections, 1)
  world.clock.advance(10_000)
  await peer.seen('QUIT')
  await world.post({ from, to })
  assert.equal(peer.connections, 2)
})

test('a connection serves a hundred messages at most', async t => {
  const peer = await peerFor(t)
  const world = await worldWith(t, peer, { delivery: { maxConnectionsPerDestination: 1 } })
  for (let n = 0; n < 150; n++) await world.accept({ from, to })
  await world.pass(0)
  assert.equal(peer.messages.length, 150)
  assert.equal(peer.connections, 2)
})

test('never more connections than the settings allow', async t => {
  const peer = await peerFor(t)
  const world = await worldWith(t, peer, { delivery: { maxConnections: 4, maxConnectionsPerDestination: 3 } })
  world.dns.mx('example.net', 10, 'mx1.example.org')
  for (let n = 0; n < 60; n++) {
    await world.accept({ from, to: [`user${n}@${n % 2 === 0 ? 'example.org' : 'example.net'}`] })
  }
  await world.pass(0)
  assert.equal(peer.messages.length, 60)
  assert.ok(peer.mostOpen <= 4, `${peer.mostOpen} connections were open`)
})

test('a kept connection that the server has closed costs nothing', async t => {
  const peer = await peerFor(t)
  const world = await worldWith(t, peer)
  await world.post({ from, to })
  peer.script = (command, session) =>
    session.connection === 1 && command.startsWith('MAIL') ? 'close' : undefined
  const id = await world.post({ from, to })
  assert.equal(peer.messages.length, 2)
  const [attempt] = await world.attempts(id)
  assert.equal(attempt?.outcome.kind, 'relayed')
})

test('a kept connection that says 421 costs nothing either', async t => {
  const peer = await peerFor(t)
  const world = await worldWith(t, peer)
  await world.post({ from, to })
  peer.script = (command, session) =>
    session.connection === 1 && command.startsWith('MAIL') ? '421 4.4.2 Idle for too long' : undefined
  await world.post({ from, to })
  assert.equal(peer.messages.length, 2)
  assert.equal(await world.waiting(), 0)
})

test('a server whose STARTTLS is broken gets its mail without', async t => {
  const peer = await peerFor(t, {
    extensions: ['PIPELINING', 'STARTTLS'],
    script: command => (command === 'STARTTLS' ? '220 2.0.0 Ready\r\nthis is no TLS' : undefined),
  })
  const world = await worldWith(t, peer)
  const id = await world.post({ from, to })
  assert.equal(peer.messages.length, 1)
  assert.equal(peer.connections, 2)
  const [attempt] = await world.attempts(id)
  assert.ok(attempt)
  assert.match(
    describeEvent(attempt).text,
    /: 250 2\.0\.0 Ok: queued as PEER; not encrypted: TLS was tried, and failed: mx1\.example\.org does not speak SMTP/,
  )
})

for (const answer of ['454 4.7.0 TLS is not to be had now', '220 2.0.0 Ready\r\nthis is no TLS'])
  test(`a server that demands TLS gets its mail when its TLS works again: STARTTLS was answered ${answer.slice(0, 3)}`, async t => {
    const peer = await peerFor(t, {
      extensions: ['PIPELINING', 'STARTTLS'],
      script: command => {
        if (command === 'STARTTLS') return answer
        return command.startsWith('MAIL') ? '530 5.7.0 Must issue a STARTTLS command first' : undefined
      },
    })
    const world = await worldWith(t, peer)
    const id = await world.post({ from, to })
    const [attempt] = await world.attempts(id)
    assert.equal(attempt?.outcome.kind, 'deferred')
    assert.equal(attempt.outcome.diagnosis.cause, 'tls-failure')
    assert.match(attempt.outcome.diagnosis.detail, /refused MAIL, for there was no TLS: mx1\.example\.org/)
    assert.equal(await world.waiting(), 1)
    // So does what may not go without (REQUIRETLS).
    const [demanding] = await world.attempts(await world.post({ from, to, message: { tls: 'required' } }))
    assert.equal(demanding?.outcome.kind, 'deferred')
    assert.equal(demanding.outcome.diagnosis.cause, 'requiretls')
    assert.match(
      demanding.outcome.diagnosis.detail,
      /there was no TLS with mx1\.example\.org: mx1\.example\.org/,
    )
    // Where our own settings want none, the next attempt would be the same.
    const without = await worldWith(t, peer, { delivery: { tls: 'never' } })
    const [last] = await without.attempts(await without.post({ from, to }))
    assert.equal(last?.outcome.kind, 'failed')
  })

test('a server that gets its mail in the clear, by its own will or by ours: the trail says which', async t => {
  const peer = await peerFor(t)
  const told = async (tls: 'opportunistic' | 'never'): Promise<string> => {
    const world = await worldWith(t, peer, { delivery: { tls } })
    const [attempt] = await world.attempts(await world.post({ from, to }))
    return attempt ? describeEvent(attempt).text : ''
  }
  assert.match(await told('opportunistic'), /; not encrypted: mx1\.example\.org offers no STARTTLS/)
  assert.match(await told('never'), /; not encrypted: the settings want no TLS there/)
})

test('an MX that is this server, at an address that is none of its own: nothing goes to it, nor to those after it', async t => {
  // As behind a router, or a balancer before several servers.
  const itself = await peerFor(t, {
    script(command) {
      if (command === '(connect)') return '220 Mail.Example.test ESMTP'
      return command.startsWith('EHLO') ? '250 Mail.Example.test at your service' : undefined
    },
  })
  const after = await peerFor(t, { address: '127.0.0.3', port: itself.port })
  const world = await createWorld(t, { delivery: { port: itself.port } })
  world.dns.host('dead.example.org', '127.0.0.9') // nobody listens
  world.dns.host('itself.example.org', itself.address)
  world.dns.host('after.example.org', after.address)
  for (const [domain, ...hosts] of [
    ['example.org', 'dead', 'itself', 'after'],
    ['example.com', 'itself', 'after'],
    ['relayed.test', 'itself'],
  ] as const)
    for (const [place, host] of hosts.entries()) world.dns.mx(domain, place, `${host}.example.org`)
  await world.storage.run(createRelayDomain, {
    name: 'relayed.test',
    keepsUntilFetched: false,
    anyoneStarts: false,
    at: world.clock.now(),
  })
  const last = async (domain: string): Promise<string> => {
    const [attempt] = await world.attempts(await world.post({ from, to: [`boris@${domain}`] }))
    assert.ok(attempt && 'diagnosis' in attempt.outcome)
    if (domain === 'example.org')
      assert.match(
        describeEvent(attempt).notes?.join('\n') ?? '',
        /^Not by itself\.example\.org: itself\.example\.org is taken for this server itself: it calls itself mail\.example\.test$/m,
      )
    return `${attempt.outcome.kind} ${attempt.outcome.diagnosis.cause}`
  }
  assert.equal(await last('example.org'), 'deferred refused-connection')
  assert.equal(await last('example.com'), 'failed own-mx')
  // It is to be passed on, and waits for somebody to whom it can be.
  assert.equal(await last('relayed.test'), 'deferred relay-dns')
  assert.deepEqual([itself.messages.length, after.connections], [0, 0])
})

test('a server that answers EHLO with the name that it was given is not taken for this one', async t => {
  const peer = await peerFor(t, {
    script: command => (command.startsWith('EHLO') ? `250 ${command.slice(5)}` : undefined),
  })
  const world = await worldWith(t, peer)
  await world.post({ from, to })
  assert.equal(peer.messages.length, 1)
})

test('a message over the declared SIZE fails without being sent', async t => {
  const peer = await peerFor(t, { extensions: ['SIZE 100'] })
  const world = await worldWith(t, peer)
  const id = await world.post({ from: null, to, text: `Subject: x\r\n\r\n${'x'.repeat(200)}\r\n` })
  const [attempt] = await world.attempts(id)
  assert.equal(attempt?.outcome.kind, 'failed')
  assert.equal(attempt.outcome.diagnosis.cause, 'message-too-large')
  assert.ok(!peer.commands.some(command => command.startsWith('MAIL')))
})

test('mail that only says that it is 8-bit goes to any server', async t => {
  const old = await peerFor(t, { extensions: [] })
  const world = await worldWith(t, old)
  await world.post({ from, to, message: { body: '8BITMIME', smtpUtf8: true } })
  assert.equal(old.messages.length, 1)
})

test('a mail host in IPv6 only, where the settings rule that out, is not a domain that does not exist', async t => {
  const world = await createWorld(t, { delivery: { ipv6: false } })
  world.dns.mx('example.org', 10, 'mx1.example.org')
  world.dns.host('mx1.example.org', '2001:db8::25')
  const [attempt] = await world.attempts(await world.post({ from, to }))
  assert.equal(attempt?.outcome.kind, 'deferred')
  assert.equal(attempt.outcome.diagnosis.cause, 'no-ipv6')
})

test('the smart host gets everything, whatever the domain', async t => {
  const peer = await peerFor(t, {
    extensions: ['PIPELINING', 'AUTH PLAIN'],
    script: command => (command.startsWith('AUTH PLAIN') ? '235 2.7.0 Welcome' : undefined),
  })
  const world = await createWorld(t, {
    delivery: {
      smartHost: {
        host: '127.0.0.2',
        port: peer.port,
        tls: 'never',
        username: 'relay',
        password: 'secret',
        verifyCertificate: true,
      },
    },
  })
  await world.post({ from, to: ['boris@example.org', 'clara@example.net'] })
  // Two, when the database says where the second goes while the connection is at work for the first.
  assert.ok(peer.connections <= (engine === 'sqlite' ? 1 : 2), `${peer.connections} connections`)
  assert.deepEqual(peer.messages.flatMap(message => message.forwardPaths).sort(), [
    'boris@example.org',
    'clara@example.net',
  ])
  const credentials = Buffer.from('\0relay\0secret').toString('base64')
  assert.ok(peer.commands.includes(`AUTH PLAIN ${credentials}`))
})

for (const { what, script, tls = 'never' } of [
  { what: 'refuses the password', script: { AUTH: '535 5.7.8 Wrong' } },
  { what: 'lets nobody in', script: { '(connect)': '554 5.7.1 Your address is not allowed' } },
  { what: 'refuses our name', script: { EHLO: '550 5.7.1 No', HELO: '550 5.7.1 No' } },
  { what: 'wants another log-in', script: { MAIL: '530 5.7.0 Authentication required' } },
  { what: 'does not relay for us', script: { RCPT: '554 5.7.1 Relay access denied' } },
  {
    what: 'relays only for those who log in',
    script: { RCPT: '550 5.7.1 b@x.org... Relaying denied. Proper authentication required.' },
  },
  {
    what: 'knows other domains only',
    script: { RCPT: "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)" },
  },
  { what: 'relays for nobody', script: { RCPT: '550 we do not relay' } },
  { what: 'offers no TLS where the settings want it', script: {}, tls: 'starttls' },
] as readonly { what: string; script: Readonly<Record<string, string>>; tls?: 'never' | 'starttls' }[]) {
  test(`a smart host that ${what} keeps the mail waiting: it is no matter of the recipient's`, async t => {
    const peer = await peerFor(t, {
      extensions: ['AUTH PLAIN'],
      script: command =>
        script[Object.keys(script).find(verb => command.startsWith(verb)) ?? ''] ??
        (command.startsWith('AUTH') ? '235 2.7.0 Welcome' : undefined),
    })
    const host = { host: '127.0.0.2', port: peer.port, tls, verifyCertificate: true } as const
    const world = await createWorld(t, {
      delivery: { smartHost: { ...host, username: 'relay', password: 'secret' } },
    })
    const id = await world.post({ from, to })
    const [attempt] = await world.attempts(id)
    assert.equal(attempt?.outcome.kind, 'deferred')
    assert.equal(attempt.outcome.diagnosis.cause, 'smart-host')
    assert.equal(attempt.outcome.diagnosis.viaSmartHost, true)
    assert.match(attempt.outcome.diagnosis.status, /^4\./)
  })
}

test('what a smart host says of a recipient is about that one', async t => {
  const peer = await peerFor(t, {
    script: command =>
      command.startsWith('RCPT') ? '550 5.1.1 User unknown in relay recipient table' : undefined,
  })
  const world = await createWorld(t, {
    delivery: {
      smartHost: { host: '127.0.0.2', port: peer.port, tls: 'never', verifyCertificate: true },
    },
  })
  const [attempt] = await world.attempts(await world.post({ from, to }))
  assert.equal(attempt?.outcome.kind, 'failed')
  assert.equal(attempt.outcome.diagnosis.cause, 'unknown-user')
})

test('an attempt that is ended in the middle is made again by the next agent, at once', async t => {
  const peer = await peerFor(t, { script: command => (command.startsWith('RCPT') ? 'silence' : undefined) })
  const world = await worldWith(t, peer)
  const id = await world.accept({ from, to })
  world.agent.wake()
  await peer.seen('RCPT')
  await world.agent.stop(0)
  assert.equal(await world.waiting(), 1)
  assert.deepEqual(await world.attempts(id), [])
  peer.script = () => undefined
  const next = world.createAgent()
  await next.start()
  await next.idle()
  assert.equal(peer.messages.length, 1)
  assert.equal(await world.waiting(), 0)
})

test('a message that is in doubt when the grace is over stands in the trail as such, and is not tried at once', async t => {
  const peer = await peerFor(t, { script: command => (command === '(end of data)' ? 'silence' : undefined) })
  const world = await worldWith(t, peer)
  const id = await world.accept({ from, to })
  world.agent.wake()
  await peer.seen('(end of data)')
  await world.agent.stop(0)
  const [attempt] = await world.attempts(id)
  assert.equal(attempt?.outcome.kind, 'deferred')
  assert.equal(attempt.outcome.diagnosis.stage, 'end-of-data')
  peer.script = () => undefined
  const next = world.createAgent()
  await next.start()
  await next.idle()
  assert.equal(peer.messages.length, 0)
  world.clock.advance(6 * minute)
  next.wake()
  await next.idle()
  assert.equal(peer.messages.length, 1)
})

test('while the agent stops, an attempt under way may end', async t => {
  const peer = await peerFor(t, { script: command => (command.startsWith('RCPT') ? 'silence' : undefined) })
  const world = await worldWith(t, peer)
  await world.accept({ from, to })
  world.agent.wake()
  await peer.seen('RCPT')
  const stopped = world.agent.stop(30_000)
  peer.answer('250 2.1.5 Ok')
  await stopped
  assert.equal(peer.messages.length, 1)
  assert.equal(await world.waiting(), 0)
})

test('a lease is extended while an attempt takes its time', async t => {
  const peer = await peerFor(t, { script: command => (command.startsWith('RCPT') ? 'silence' : undefined) })
  const world = await worldWith(t, peer)
  const id = await world.accept({ from, to })
  world.agent.wake()
  await peer.seen('RCPT')
  const first = await world.leasedUntil(id)
  assert.equal(first, world.clock.now() + 5 * minute)
  world.clock.advance(4 * minute)
  // A write goes behind those that wait: after it the extension is there.
  await world.accept({ from, to: ['other@example.test'] })
  assert.ok(((await world.leasedUntil(id)) ?? 0) > first)
})

test('silence ends an attempt at the deadline', async t => {
  const peer = await peerFor(t, { script: command => (command.startsWith('EHLO') ? 'silence' : undefined) })
  const world = await worldWith(t, peer)
  const id = await world.accept({ from, to })
  world.agent.wake()
  await peer.seen('EHLO')
  await world.pass(301_000)
  const [attempt] = await world.attempts(id)
  assert.equal(attempt?.outcome.kind, 'deferred')
  assert.equal(attempt.outcome.diagnosis.cause, 'no-answer')
})

/** A message whose attempt has just ended in silence, and one that came after. */
async function afterSilence(
  t: TestContext,
): Promise<{ peer: RemotePeer; world: World; first: QueueId; second: QueueId }> {
  const peer = await peerFor(t, { script: command => (command.startsWith('EHLO') ? 'silence' : undefined) })
  const world = await worldWith(t, peer)
  const first = await world.accept({ from, to })
  world.agent.wake()
  await peer.seen('EHLO')
  await world.pass(301_000)
  const second = await world.post({ from, to })
  return { peer, world, first, second }
}

async function shownRecipient(world: World, queueId: QueueId): Promise<ShownRecipient | undefined> {
  const { messages } = await world.storage.run(listQueue, { selection: { queueId }, afterId: 0, limit: 1 })
  return messages[0]?.recipients[0]
}

test('what is not tried, because the server has just been silent, is told so, counts no attempt, and is tried when its time comes', async t => {
  const { peer, world, second } = await afterSilence(t)
  assert.equal(peer.connections, 1)
  assert.deepEqual(await world.attempts(second), [])
  const shown = await shownRecipient(world, second)
  assert.equal(shown?.attempts, 0)
  const told = (await world.events(second)).map(event => describeEvent(event).text)
  assert.equal(told.length, 1)
  assert.match(
    told[0] ?? '',
    /^Not tried for boris@example\.org: the destination could not be reached a moment ago \(mx1\.example\.org did not answer within 300 s\); nothing goes there until /,
  )
  peer.script = () => undefined
  await world.pass(6 * minute)
  assert.ok(peer.messages.length >= 1)
  assert.deepEqual(
    (await world.attempts(second)).map(({ attempt, outcome }) => [attempt, outcome.kind]),
    [[1, 'relayed']],
  )
})

test('a server that has just refused us for good is not out of reach: what comes a moment later is refused by itself', async t => {
  const peer = await peerFor(t, { script: command => (command.startsWith('EHLO') ? 'silence' : undefined) })
  const world = await worldWith(t, peer)
  const first = await world.accept({ from, to })
  world.agent.wake()
  await peer.seen('EHLO')
  world.clock.advance(1000)
  peer.script = command => (command.startsWith('QUIT') ? undefined : '554 5.7.1 No')
  peer.answer('554 5.7.1 No')
  await world.agent.idle()
  const second = await world.post({ from, to })
  assert.equal(peer.connections, 2)
  for (const id of [first, second]) {
    assert.deepEqual(
      (await world.attempts(id)).map(({ attempt, outcome }) => [attempt, outcome.kind]),
      [[1, 'failed']],
    )
  }
})

test('an administrator who says retry gets an attempt, however silent the server was a moment ago', async t => {
  const { peer, world } = await afterSilence(t)
  peer.script = () => undefined
  await administer(world.storage, retryRecipients, {}, world.clock.now())
  await world.agent.idle()
  assert.equal(peer.messages.length, 2)
  assert.equal(await world.waiting(), 0)
})

test('an attempt that began before an administrator said retry ends nobody else', async t => {
  const peer = await peerFor(t, {
    script: command => (command.startsWith('RCPT') ? '450 4.2.0 Later' : undefined),
  })
  const world = await worldWith(t, peer, { delivery: { maxConnectionsPerDestination: 1 } })
  const second = await world.post({ from, to })
  await world.pass(10_000) // an idle connection would take the next message
  peer.script = command => (command.startsWith('EHLO') ? 'silence' : undefined)
  const first = await world.accept({ from, to })
  world.agent.wake()
  await peer.seen('EHLO', 2)
  peer.script = () => undefined
  await administer(world.storage, retryRecipients, {}, world.clock.now())
  while (((await world.leasedUntil(second)) ?? 0) <= world.clock.now()) await nextTurn()
  await world.pass(301_000)
  assert.equal((await world.attempts(first))[0]?.outcome.kind, 'deferred')
  assert.equal((await world.attempts(second))[1]?.outcome.kind, 'relayed')
})

test('a mail host that is dead costs one timeout, not one for each connection; now and then one message finds out', async t => {
  const healthy = await peerFor(t)
  const dead = await peerFor(t, {
    address: '127.0.0.3',
    port: healthy.port,
    script: command => (command === '(connect)' ? 'silence' : undefined),
  })
  const world = await worldWith(t, healthy)
  world.dns.mx('example.org', 5, 'mx0.example.org')
  world.dns.host('mx0.example.org', dead.address)

  await world.accept({ from, to })
  world.agent.wake()
  while (dead.connections < 1) await nextTurn()
  await world.pass(301_000)
  assert.equal(healthy.messages.length, 1)

  await world.pass(10_000) // the idle connection is closed
  const second = await world.post({ from, to })
  assert.equal(healthy.messages.length, 2)
  assert.equal(dead.connections, 1)
  const [attempt] = await world.attempts(second)
  assert.deepEqual(attempt?.mxHosts, ['mx1.example.org'])
  assert.match(
    attempt.dialogue?.join('\n') ?? '',
    /mx0\.example\.org at 127\.0\.0\.3 did not answer lately: until .* it is asked after the others/,
  )
  assert.match(
    describeEvent(attempt).notes?.join('\n') ?? '',
    /^Not by mx0\.example\.org, which did not answer lately, and until .* is asked after the others: mx0\.example\.org did not answer within \d+ s$/m,
  )

  await world.pass(2 * minute)
  await world.accept({ from, to })
  world.agent.wake()
  while (dead.connections < 2) await nextTurn()
  await world.pass(11_000)
  assert.equal(healthy.messages.length, 3, 'it is not waited for as long as the first time')
  await world.post({ from, to })
  assert.equal(healthy.messages.length, 4)
  assert.equal(dead.connections, 2)

  dead.script = () => undefined
  await world.pass(4 * minute + 10_000)
  await world.post({ from, to })
  assert.equal(dead.messages.length, 1)
})

test('where every mail host is silent, all are asked, in their order', async t => {
  const first = await peerFor(t, {
    script: command => (command === '(connect)' ? 'silence' : undefined),
  })
  const second = await peerFor(t, { address: '127.0.0.3', port: first.port, script: first.script })
  const world = await worldWith(t, first)
  world.dns.mx('example.org', 20, 'mx2.example.org')
  world.dns.host('mx2.example.org', second.address)
  const id = await world.accept({ from, to })
  world.agent.wake()
  while (first.connections < 1) await nextTurn()
  world.clock.advance(301_000)
  while (second.connections < 1) await nextTurn()
  await world.pass(301_000)
  await administer(world.storage, retryRecipients, {}, world.clock.now())
  world.agent.wake()
  while (first.connections < 2) await nextTurn()
  first.answer('220 Here again')
  await world.agent.idle()
  assert.deepEqual(
    (await world.attempts(id)).map(({ mxHosts, outcome }) => [mxHosts, outcome.kind]),
    [
      [['mx1.example.org', 'mx2.example.org'], 'deferred'],
      [['mx1.example.org'], 'relayed'],
    ],
  )
})

test('an agent that is stopped while it claims is idle, and gives back what it claimed', async t => {
  const peer = await peerFor(t)
  const world = await worldWith(t, peer)
  for (let n = 0; n < 3; n++) {
    const agent = n === 0 ? world.agent : world.createAgent()
    if (n > 0) await agent.start()
    await world.accept({ from, to })
    agent.wake()
    // Its grace never ends by itself: the clock stands still.
    await agent.stop(30_000)
  }
  const last = world.createAgent()
  await last.start()
  await last.idle()
  assert.equal(await world.waiting(), 0)
})

test('an agent that has stopped begins nothing, whatever it was about to do', async t => {
  const peer = await peerFor(t)
  const world = await worldWith(t, peer)
  // Those that the peer sees may have been begun before.
  let begun = 0
  const count = (): void => void begun++
  subscribe('net.client.socket', count)
  t.after(() => unsubscribe('net.client.socket', count))
  for (let turns = 0; turns < 30; turns++) {
    const agent = turns === 0 ? world.agent : world.createAgent()
    if (turns > 0) await agent.start()
    await agent.idle()
    await world.accept({ from, to })
    agent.wake()
    for (let turn = 0; turn < turns; turn++) await nextTurn()
    await agent.stop(0)
    const before = begun
    for (let turn = 0; turn < 30; turn++) await nextTurn()
    assert.equal(begun, before, `stopped after ${turns} turns`)
  }
})

test('every recipient gets one outcome, whatever the servers say and whenever they cut', async t => {
  const answers = [
    undefined,
    'close',
    '421 4.3.2 Busy',
    '450 4.2.0 Later',
    '452 4.5.3 Too many',
    '550 5.1.1 No',
  ] as const
  const step = fc.constantFrom(...answers)
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 12 }),
      fc.array(step, { maxLength: 6 }),
      fc.integer({ min: 1, max: 4 }),
      async (first, second, batch) => {
        const scriptOf = (steps: readonly (string | undefined)[]): Script => {
          const left = [...steps]
          return command => (command === 'QUIT' ? undefined : left.shift())
        }
        const one = await startPeer({ address: '127.0.0.2', script: scriptOf(first) })
        const two = await startPeer({ address: '127.0.0.3', port: one.port, script: scriptOf(second) })
        const world = await createWorld(t, {
          delivery: { port: one.port, maxRecipientsPerTransaction: batch },
        })
        world.dns.mx('example.org', 10, 'mx1.example.org')
        world.dns.mx('example.org', 20, 'mx2.example.org')
        world.dns.host('mx1.example.org', one.address)
        world.dns.host('mx2.example.org', two.address)
        const recipients = ['a', 'b', 'c', 'd'].map(name => `${name}@example.org`)
        const id = await world.post({ from, to: recipients })
        const attempts = await world.attempts(id)
        assert.deepEqual(attempts.map(attempt => attempt.recipient).sort(), recipients)
        assert.deepEqual(world.errors, [])
        // What was taken was taken once.
        const taken = [...one.messages, ...two.messages].flatMap(message => message.forwardPaths)
        assert.equal(new Set(taken).size, taken.length)
        const relayed = attempts.filter(attempt => attempt.outcome.kind === 'relayed')
        assert.deepEqual(relayed.map(attempt => attempt.recipient).sort(), taken.sort())
        await world.agent.stop(0)
        await one.close()
        await two.close()
      },
    ),
    // Each run has a database of its own there, and keeps it to the end of the test.
    { numRuns: engine === 'sqlite' ? 60 : 8 },
  )
})
