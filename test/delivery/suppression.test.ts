// Mail that nobody wants is not sent again: whom the suppression list stops, and what comes onto it.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { formatQueueId } from '../../src/queue/queue-id.ts'
import type { NewSuppression } from '../../src/suppression/note-suppression.ts'
import { addSuppressions, findSendingRules, listSuppressions } from '../../src/suppression/operations.ts'
import type { Suppression } from '../../src/suppression/suppression.ts'
import { type RemotePeer, startPeer } from './remote-peer.ts'
import { address, createWorld, hour, type World, type WorldOptions } from './world.ts'

const anna = 'anna@example.test'
const nobody = 'nobody@example.org'
const day = 24 * hour
const bulk = { isBulk: true }

async function senderAndPeer(
  t: TestContext,
  options: WorldOptions = {},
): Promise<{ world: World; peer: RemotePeer; accountId: number }> {
  const peer = await startPeer({ address: '127.0.0.2' })
  t.after(() => peer.close())
  const world = await createWorld(t, { ...options, delivery: { port: peer.port } })
  world.dns.mx('example.org', 10, 'mx1.example.org')
  world.dns.host('mx1.example.org', peer.address)
  const accountId = await world.account(anna)
  return { world, peer, accountId }
}

const refuseNobody = (command: string): string | undefined =>
  command.startsWith('RCPT') && command.includes('nobody') ? '550 5.1.1 No such user here' : undefined

async function list({ storage, clock }: World): Promise<readonly Suppression[]> {
  const found = await storage.run(listSuppressions, { evenOver: true, now: clock.now(), limit: 100 })
  return found.suppressions
}

async function add(world: World, suppression: Partial<NewSuppression>): Promise<void> {
  await world.storage.run(addSuppressions, {
    suppressions: [
      {
        address: address(nobody),
        reason: 'complaint',
        mail: 'bulk',
        at: world.clock.now(),
        foundBy: 'administrator',
        detail: 'a test',
        ...suppression,
      },
    ],
  })
}

const wereAsked = (peer: RemotePeer): number => peer.commands.filter(each => each.startsWith('RCPT')).length

test('mass mail goes once to a mailbox that does not exist; a letter by hand gets a fresh answer', async t => {
  const { world, peer } = await senderAndPeer(t)
  peer.script = refuseNobody
  const first = await world.post({ from: anna, to: [nobody, 'boris@example.org'], message: bulk })
  const [entry, ...others] = await list(world)
  assert.deepEqual(others, [])
  assert.deepEqual(entry, {
    address: nobody,
    reason: 'unknown-user',
    mail: 'bulk',
    since: world.clock.now(),
    lastAt: world.clock.now(),
    until: world.clock.now() + 7 * day,
    times: 1,
    queueId: first,
    foundBy: 'reply',
    detail: entry?.detail,
  })
  assert.match(entry?.detail ?? '', /550 5\.1\.1 No such user here/)

  const asked = wereAsked(peer)
  const second = await world.post({ from: anna, to: [nobody, 'boris@example.org'], message: bulk })
  assert.equal(wereAsked(peer), asked + 1, 'only boris')
  const attempt = (await world.attempts(second)).find(({ recipient }) => recipient === nobody)
  assert.equal(attempt?.outcome.kind, 'failed')
  if (attempt?.outcome.kind !== 'failed') return
  const { cause, status, detail } = attempt.outcome.diagnosis
  assert.deepEqual([cause, status], ['known-dead', '5.1.1'])
  assert.ok(detail.includes(formatQueueId(first)), detail)
  const report = (await world.mailbox(anna)).at(-1) ?? ''
  assert.match(report, /^Action: failed/im)
  assert.match(report, /^Status: 5\.1\.1/im)
  assert.match(report, /Take it off your list/)

  await world.post({ from: anna, to: [nobody] })
  assert.equal(wereAsked(peer), asked + 2, 'a letter by hand is tried')
  assert.equal((await list(world))[0]?.times, 1, 'the same answer while it holds lasts no longer')
})

test('what has gone on not existing is tried again after a time that grows, and is sent to once it exists', async t => {
  const { world, peer } = await senderAndPeer(t)
  peer.script = refuseNobody
  await world.post({ from: anna, to: [nobody], message: bulk })
  await world.pass(7 * day)
  await world.post({ from: anna, to: [nobody], message: bulk })
  assert.equal(wereAsked(peer), 2, 'its time was over')
  const [again] = await list(world)
  assert.deepEqual([again?.times, again?.until], [2, world.clock.now() + 30 * day])

  // Somebody makes the mailbox, and a letter by hand arrives.
  peer.script = () => undefined
  await world.pass(day)
  await world.post({ from: anna, to: [nobody] })
  await world.post({ from: anna, to: [nobody], message: bulk })
  assert.equal(peer.messages.length, 2)
  const [over] = await list(world)
  assert.deepEqual([over?.times, over?.until], [2, world.clock.now()])

  // Gone once more: that it was so before is remembered.
  peer.script = refuseNobody
  await world.pass(day)
  await world.post({ from: anna, to: [nobody], message: bulk })
  const [third] = await list(world)
  assert.deepEqual([third?.times, third?.until], [3, world.clock.now() + 90 * day])
})

test('a domain that does not exist is not looked up again for mass mail', async t => {
  const { world } = await senderAndPeer(t)
  await world.post({ from: anna, to: ['x@gone.example'], message: bulk })
  assert.deepEqual(
    (await list(world)).map(one => [one.address, one.reason]),
    [['x@gone.example', 'unknown-domain']],
  )
  const second = await world.post({ from: anna, to: ['x@gone.example'], message: bulk })
  const [attempt] = await world.attempts(second)
  assert.equal(attempt?.outcome.kind === 'failed' ? attempt.outcome.diagnosis.cause : undefined, 'known-dead')
})

test('a refusal for another reason, or an address of ours, puts nobody on the list', async t => {
  const { world, peer } = await senderAndPeer(t)
  peer.script = command => (command.startsWith('RCPT') ? '550 5.7.1 Spam is not wanted here' : undefined)
  await world.post({ from: anna, to: ['boris@example.org', 'unknown@example.test'], message: bulk })
  assert.deepEqual(await list(world), [])
})

test('a complaint stops the mass mail of that sender, whatever its subaddress, and nothing else', async t => {
  const { world, peer } = await senderAndPeer(t)
  await add(world, { sender: address('news@example.test') })
  await world.post({ from: 'news@example.test', to: [nobody], message: bulk })
  await world.post({ from: 'News+spring@example.test', to: [nobody], message: bulk })
  assert.equal(peer.messages.length, 0)
  await world.post({ from: 'news@example.test', to: [nobody] })
  await world.post({ from: anna, to: [nobody], message: bulk })
  await world.post({ from: anna, to: [nobody] })
  assert.equal(peer.messages.length, 3)
  await world.pass(1000 * day)
  await world.post({ from: 'news@example.test', to: [nobody], message: bulk })
  assert.equal(peer.messages.length, 3, 'it stays')
})

test('"all mail" of an administrator stops a letter by hand too, but no report', async t => {
  const { world, peer } = await senderAndPeer(t)
  await add(world, { mail: 'all', reason: 'by-hand' })
  const id = await world.post({ from: anna, to: [nobody] })
  assert.equal(peer.messages.length, 0)
  const [attempt] = await world.attempts(id)
  assert.deepEqual(
    attempt?.outcome.kind === 'failed' && [attempt.outcome.diagnosis.cause, attempt.outcome.diagnosis.status],
    ['not-wanted', '5.7.1'],
  )
  await world.post({ from: null, to: [nobody], message: { isReport: true } })
  assert.equal(peer.messages.length, 1)
})

test('mail of strangers that an alias sends on is not stopped: they would hear of our list', async t => {
  const { world, peer, accountId } = await senderAndPeer(t)
  await world.redirect('alias', 'friends@example.test', nobody)
  await add(world, { mail: 'all', reason: 'by-hand' })
  await world.post({ from: 'news@stranger.example', to: ['friends@example.test'], message: bulk })
  assert.equal(peer.messages.length, 1)
  await world.post({ from: anna, to: ['friends@example.test'], message: { ...bulk, accountId } })
  assert.equal(peer.messages.length, 1, 'that of our own is')
})

test('the mail of a bulk sender counts as mass mail whatever it says: by its account, or its address', async t => {
  const { world, peer, accountId } = await senderAndPeer(t, { bulkSenders: [anna, 'shop.example'] })
  await add(world, {})
  await world.post({ from: 'alias@example.test', to: [nobody], message: { accountId } })
  await world.post({ from: 'orders@shop.example', to: [nobody] })
  assert.equal(peer.messages.length, 0)
  await world.post({ from: 'alias@example.test', to: [nobody] })
  assert.equal(peer.messages.length, 1)
})

test('the list is asked once for all that one claim has taken, however many they are', async t => {
  let questions = 0
  const { world, peer } = await senderAndPeer(t, {
    faultyStorage: real => ({
      ...real,
      run: (operation, input) => {
        if (operation.name === findSendingRules.name) questions++
        return real.run(operation, input)
      },
      onWake: (topic, listener) => real.onWake(topic, listener),
    }),
  })
  // All due at one moment, so that one claim takes them.
  const releaseAt = world.clock.now() + hour
  for (let n = 0; n < 3; n++) {
    const to = Array.from({ length: 50 }, (_, number) => `user${n}-${number}@example.org`)
    await world.accept({ from: anna, to, message: { releaseAt } })
  }
  await world.pass(hour)
  assert.equal(peer.messages.length, 3)
  assert.equal(questions, 1)
})
