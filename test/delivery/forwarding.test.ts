// Mail that an alias or a group sends on: whom the receiver takes for its sender, and who hears of what becomes of it.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { obtainSecret } from '../../src/directory/secrets.ts'
import type { ReturnPathsOptions } from '../../src/routing/return-paths.ts'
import { findMessages } from '../../src/trail/find-messages.ts'
import { trailKeys } from '../../src/trail/keys.ts'
import { createSeededRandom } from '../harness/seeded-random.ts'
import { type RemotePeer, startPeer } from './remote-peer.ts'
import { createWorld, hour, type World } from './world.ts'

const srs = /^SRS0=[A-Z2-7]{6}=[A-Z2-7]{2}=example\.net=sender@example\.test$/

async function worldAndPeer(
  t: TestContext,
  forwarding?: ReturnPathsOptions['forwarding'],
): Promise<{ world: World; peer: RemotePeer }> {
  const peer = await startPeer({ address: '127.0.0.2' })
  t.after(() => peer.close())
  const world = await createWorld(t, { delivery: { port: peer.port }, ...(forwarding ? { forwarding } : {}) })
  for (const domain of ['example.org', 'example.net']) world.dns.mx(domain, 10, 'mx1.example.org')
  world.dns.host('mx1.example.org', peer.address)
  await world.redirect('alias', 'info@example.test', 'clara@example.org')
  return { world, peer }
}

const senders = (peer: RemotePeer): string[] => peer.messages.map(({ reversePath }) => reversePath)

test('what a stranger sends leaves by an alias with a sender of ours; those who are named themselves get it as it is', async t => {
  const { world, peer } = await worldAndPeer(t)
  await world.post({ from: 'sender@example.net', to: ['info@example.test', 'boris@example.org'] })
  const byRecipient = new Map(peer.messages.map(one => [one.forwardPaths.join(), one.reversePath]))
  assert.match(byRecipient.get('clara@example.org') ?? '', srs)
  assert.equal(byRecipient.get('boris@example.org'), 'sender@example.net')
})

test('the trail says under which sender it went on, and why', async t => {
  const { world, peer } = await worldAndPeer(t)
  const id = await world.post({
    from: 'sender@example.net',
    to: ['info@example.test', 'boris@example.org'],
  })
  const attempts = await world.attempts(id)
  const sentTo = (recipient: string) => attempts.find(one => one.recipient === recipient)
  const reversePath = senders(peer).find(sender => srs.test(sender))
  const forwarded = sentTo('clara@example.org')
  assert.ok(forwarded && reversePath !== undefined)
  assert.deepEqual(forwarded.sent, { reversePath, rewritten: 'srs' })
  assert.match(
    describeEvent(forwarded).notes?.join('\n') ?? '',
    /^Sender on this way: SRS0=\S+@example\.test, made because the message is forwarded \(SRS\): /m,
  )
  assert.equal(sentTo('boris@example.org')?.sent, undefined)
  // By what the next server has of it.
  const times = { since: 0, until: Number.MAX_SAFE_INTEGER, limit: 9 }
  const { found } = await findMessages(world.storage, { groups: [[trailKeys.sender(reversePath)]], ...times })
  assert.deepEqual(
    found.map(({ queueId }) => queueId),
    [id],
  )
})

test('senders of ours and the null reverse-path stay, and a setting keeps all of them', async t => {
  const { world, peer } = await worldAndPeer(t)
  await world.post({ from: 'anna@example.test', to: ['info@example.test'] })
  await world.post({ from: null, to: ['info@example.test'] })
  assert.deepEqual(senders(peer), ['anna@example.test', ''])
  const plain = await worldAndPeer(t, { rewriteSender: false })
  await plain.world.post({ from: 'sender@example.net', to: ['info@example.test'] })
  assert.deepEqual(senders(plain.peer), ['sender@example.net'])
})

test('the domain of the sender can be set', async t => {
  const { world, peer } = await worldAndPeer(t, { rewriteSender: true, domain: 'srs.example.com' })
  await world.post({ from: 'sender@example.net', to: ['info@example.test'] })
  const [given = ''] = senders(peer)
  assert.match(given, /=example\.net=sender@srs\.example\.com$/)
  // It need not be a domain of the directory.
  await world.post({ from: null, to: [given] })
  assert.deepEqual(peer.messages[1]?.forwardPaths, ['sender@example.net'])
})

test('a report to the rewritten sender goes on to the real one', async t => {
  const { world, peer } = await worldAndPeer(t)
  await world.post({ from: 'sender@example.net', to: ['info@example.test'] })
  const [given = ''] = senders(peer)
  await world.post({ from: null, to: [given], text: 'Subject: Not delivered\r\n\r\nText\r\n' })
  const { reversePath, forwardPaths, mailData = '' } = peer.messages[1] ?? {}
  assert.deepEqual([reversePath, forwardPaths], ['', ['sender@example.net']])
  assert.match(mailData, /^Delivered-To: SRS0=.*\r\nSubject: Not delivered\r\n/)
})

test('an address that looks like one of ours and is not leads nowhere', async t => {
  const { world, peer } = await worldAndPeer(t)
  await world.redirect('alias', '@example.test', 'clara@example.org')
  const id = await world.post({ from: null, to: ['SRS0=ABCDEF=AA=example.net=sender@example.test'] })
  assert.deepEqual(peer.messages, [])
  const [attempt] = await world.attempts(id)
  assert.equal(attempt?.outcome.kind, 'failed')
  assert.equal(attempt.outcome.diagnosis.status, '5.1.1')
})

test('our own report about forwarded mail goes to the real sender', async t => {
  const { world, peer } = await worldAndPeer(t)
  peer.script = command => (command.includes('clara@') ? '550 5.1.1 No such user' : undefined)
  await world.post({ from: 'sender@example.net', to: ['info@example.test'] })
  assert.deepEqual(
    peer.messages.map(one => [one.reversePath, one.forwardPaths]),
    [['', ['sender@example.net']]],
  )
})

test('the secret is made once: what was sent before a start leads back after it', async t => {
  const { world, peer } = await worldAndPeer(t)
  await world.post({ from: 'sender@example.net', to: ['info@example.test'] })
  const [given = ''] = senders(peer)
  const another = { random: createSeededRandom(99), at: world.clock.now() }
  const once = await obtainSecret(world.storage, 'srs', another)
  assert.equal(once.length, 32)
  assert.deepEqual(await obtainSecret(world.storage, 'srs', another), once)
  await world.agent.stop(0)
  const next = world.createAgent()
  await next.start()
  await world.accept({ from: null, to: [given] })
  world.clock.advance(hour)
  next.wake()
  await next.idle()
  assert.deepEqual(peer.messages[1]?.forwardPaths, ['sender@example.net'])
})
