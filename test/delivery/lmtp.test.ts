// Mailboxes behind LMTP (Dovecot, Cyrus): whose mail goes there, and what each answer there means.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { createRelayDomain } from '../../src/directory/relay-domains.ts'
import { listSuppressions } from '../../src/suppression/operations.ts'
import { onPort, socketPath, startLmtpStore } from '../harness/lmtp-store.ts'
import { startPeer } from './remote-peer.ts'
import { createWorld, minute } from './world.ts'

const from = 'sender@elsewhere.test'
const anna = 'anna@example.test'

test('mail for accounts goes to the store, by their own addresses, and nothing of it into mailboxes here', async t => {
  const path = await socketPath(t)
  const store = await startLmtpStore(t, { role: 'lmtp', path })
  const world = await createWorld(t, { delivery: { lmtp: [{ domains: [], to: `unix:${path}` }] } })
  await world.account(anna)
  await world.redirect('alias', 'info@example.test', anna)
  const id = await world.post({
    from,
    to: ['anna+news@example.test'],
    text: 'Subject: Test\r\n\r\n.\r\nText\r\n',
  })
  assert.deepEqual(store.taken, [
    // The sender as he is: nobody checks there where it is from.
    {
      reversePath: from,
      forwardPaths: ['anna+news@example.test'],
      mailData: 'Subject: Test\r\n\r\n.\r\nText\r\n',
    },
  ])
  await world.post({ from, to: ['postmaster@example.test'] })
  await world.post({ from, to: ['info@example.test'] })
  assert.deepEqual(
    store.taken.slice(1).map(({ reversePath, forwardPaths }) => [reversePath, ...forwardPaths]),
    [
      [from, anna],
      [from, anna],
    ],
  )
  assert.match(store.taken[2]?.mailData ?? '', /^Delivered-To: info@example\.test\r\n/)
  assert.deepEqual(await world.mailbox(anna), [])
  assert.equal(store.connections(), 1)
  const [attempt] = await world.attempts(id)
  assert.ok(attempt)
  assert.match(
    describeEvent(attempt).text,
    new RegExp(
      `^Delivered over LMTP to localhost at unix:${path} for anna\\+news@example\\.test: 250 2\\.0\\.0 Delivered \\(servers tried: localhost\\)$`,
    ),
  )
  assert.match(attempt.dialogue?.join('\n') ?? '', /^C: LHLO mail\.example\.test$/m)
  assert.equal(await world.waiting(), 0)
})

test('REQUIRETLS: to a store on this machine nobody is on the way, by a port as by a socket', async t => {
  const path = await socketPath(t)
  for (const where of [onPort, { role: 'lmtp', path } as const]) {
    const store = await startLmtpStore(t, where)
    const to = 'path' in where ? `unix:${path}` : `127.0.0.1:${store.port}`
    const world = await createWorld(t, { delivery: { lmtp: [{ domains: [], to }] } })
    await world.account(anna)
    await world.post({ from, to: [anna], message: { tls: 'required' } })
    assert.equal(store.taken.length, 1, to)
  }
})

test('each recipient of one message has the outcome that it was told', async t => {
  const store = await startLmtpStore(t, onPort, {
    rcpt: name => (name === 'boris' ? { code: 550, enhanced: '5.1.1', lines: ['User unknown'] } : undefined),
    end(name) {
      if (name === 'clara') return { code: 552, enhanced: '5.2.2', lines: ['Quota exceeded'] }
      return name === 'dora' ? { code: 451, enhanced: '4.2.0', lines: ['Locked'] } : undefined
    },
  })
  const world = await createWorld(t, { delivery: { lmtp: [{ domains: [], to: `127.0.0.1:${store.port}` }] } })
  const names = ['anna', 'boris', 'clara', 'dora']
  for (const name of names) await world.account(`${name}@example.test`)
  const id = await world.post({ from: null, to: names.map(name => `${name}@example.test`) })
  assert.deepEqual(
    (await world.attempts(id)).map(({ recipient, outcome }) => [recipient, outcome.kind]).sort(),
    [
      ['anna@example.test', 'relayed'],
      ['boris@example.test', 'failed'],
      ['clara@example.test', 'failed'],
      ['dora@example.test', 'deferred'],
    ],
  )
  assert.equal(store.taken.length, 1)
  assert.equal(await world.waiting(), 1)
  await world.pass(6 * minute)
  assert.deepEqual(store.taken[1]?.forwardPaths, ['dora@example.test'])
  // That the store does not know one of ours is a matter for us, and no news of the address for senders.
  const { suppressions } = await world.storage.run(listSuppressions, {
    evenOver: true,
    now: world.clock.now(),
    limit: 10,
  })
  assert.deepEqual(suppressions, [])
})

test('while the store is away, or does not speak LMTP, mail waits, and goes when it is back', async t => {
  const path = await socketPath(t)
  const world = await createWorld(t, {
    delivery: { lmtp: [{ domains: ['example.test'], to: `unix:${path}` }] },
  })
  await world.account(anna)
  const id = await world.post({ from, to: [anna] })
  const [attempt] = await world.attempts(id)
  assert.equal(attempt?.outcome.kind, 'deferred')
  assert.equal(attempt.outcome.diagnosis.cause, 'refused-connection')
  assert.ok(attempt.outcome.diagnosis.detail.includes(path))
  const store = await startLmtpStore(t, { role: 'lmtp', path })
  await world.pass(6 * minute)
  assert.equal(store.taken.length, 1)
  assert.equal(await world.waiting(), 0)
})

test('a server that refuses LHLO keeps the mail waiting: nobody is told that it failed', async t => {
  const peer = await startPeer({
    script: command => (command.startsWith('LHLO') ? '500 5.5.1 What?' : undefined),
  })
  t.after(() => peer.close())
  const world = await createWorld(t, { delivery: { lmtp: [{ domains: [], to: `127.0.0.1:${peer.port}` }] } })
  await world.account(anna)
  const id = await world.post({ from, to: [anna] })
  const [attempt] = await world.attempts(id)
  assert.equal(attempt?.outcome.kind, 'deferred')
  assert.equal(attempt.outcome.diagnosis.stage, 'hello')
  assert.deepEqual(peer.messages, [])
})

test('a domain that is relayed goes to its store when that names it, and else where the DNS says', async t => {
  const store = await startLmtpStore(t, onPort)
  const peer = await startPeer({ address: '127.0.0.2' })
  t.after(() => peer.close())
  const world = await createWorld(t, {
    delivery: {
      port: peer.port,
      lmtp: [
        { domains: ['kept.test'], to: `127.0.0.1:${store.port}` },
        { domains: [], to: 'unix:/nowhere/lmtp' },
      ],
    },
  })
  for (const name of ['kept.test', 'other.test']) {
    await world.storage.run(createRelayDomain, {
      name,
      keepsUntilFetched: false,
      anyoneStarts: false,
      at: world.clock.now(),
    })
    world.dns.mx(name, 10, 'mx.other.test')
  }
  world.dns.host('mx.other.test', '127.0.0.2')
  await world.post({ from, to: ['boris@kept.test', 'clara@other.test'] })
  assert.deepEqual(
    store.taken.map(({ forwardPaths }) => forwardPaths),
    [['boris@kept.test']],
  )
  assert.deepEqual(
    peer.messages.map(({ forwardPaths }) => forwardPaths),
    [['clara@other.test']],
  )
})

test('one store of accounts and of a domain that is relayed: what waits for each waits as long as mail of its kind', async t => {
  const world = await createWorld(t, {
    delivery: { lmtp: [{ domains: ['example.test', 'kept.test'], to: 'unix:/nowhere/lmtp' }] },
  })
  await world.account(anna)
  await world.storage.run(createRelayDomain, {
    name: 'kept.test',
    keepsUntilFetched: false,
    anyoneStarts: false,
    at: world.clock.now(),
  })
  const boris = 'boris@kept.test'
  const ids = [await world.post({ from, to: [anna, boris] }), await world.post({ from, to: [boris, anna] })]
  assert.equal(await world.waiting(), 4)
  // Longer than other mail waits, and shorter than that of domains that are relayed.
  await world.pass(6 * 24 * 60 * minute)
  for (const id of ids) {
    const expired = (await world.attempts(id)).filter(({ outcome }) => outcome.kind === 'expired')
    assert.deepEqual(
      expired.map(({ recipient }) => recipient),
      [anna],
    )
  }
  assert.equal(await world.waiting(), 2)
})

test('a success that is asked for is a delivery (RFC 3464 §2.3.3), and a store that offers DSN reports it itself', async t => {
  const peer = await startPeer({
    extensions: ['PIPELINING'],
    script(command) {
      return command.startsWith('LHLO') ? '250-store\r\n250 PIPELINING' : undefined
    },
  })
  t.after(() => peer.close())
  const world = await createWorld(t, { delivery: { lmtp: [{ domains: [], to: `127.0.0.1:${peer.port}` }] } })
  await world.account(anna)
  const id = await world.post({ from: anna, to: [{ address: anna, notify: ['SUCCESS'] }] })
  const reported = (await world.events(id)).find(event => event.kind === 'reported')
  assert.equal(reported?.kind === 'reported' && reported.action, 'delivered')
})

test('an LMTP server that is this server itself gets nothing: its mail would go in a circle', async t => {
  const world = await createWorld(t, {
    listeners: [{ address: '127.0.0.1', port: 2424 }],
    delivery: { lmtp: [{ domains: [], to: '127.0.0.1:2424' }] },
  })
  await world.account(anna)
  const id = await world.post({ from, to: [anna] })
  const [attempt] = await world.attempts(id)
  assert.equal(attempt?.outcome.kind, 'deferred')
  assert.equal(attempt.outcome.diagnosis.cause, 'loop')
})
