// Which time a reply asks for, in the words of the programs that do.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askedWaitMs } from '../../src/delivery/replies/asked-wait.ts'
import { parseReply } from './parse-reply.ts'
import { startPeer } from './remote-peer.ts'
import { createWorld, hour, minute } from './world.ts'

const cases: readonly (readonly [reply: string, ms: number | undefined])[] = [
  // Postgrey of old, SQLgrey, milter-greylist.
  ['450 4.2.0 <boris@example.org>: Recipient address rejected: Greylisted for 300 seconds', 5 * minute],
  ['450 4.7.1 <boris@example.org>: Recipient address rejected: Greylisted for 5 minutes', 5 * minute],
  ['451 4.7.1 Greylisting in action, please come back in 00:05:00', 5 * minute],
  ['451 Temporarily deferred, please try again in 3600 seconds', hour],
  ['451 4.7.1 Please try again in 15 minutes.', 15 * minute],
  ['451 Please retry after 90s', 90_000],
  ['421 Too many messages; wait at least 1 hour', hour],
  // Bounds.
  ['450 4.2.0 <boris@example.org>: Recipient address rejected: Greylisted for 5 seconds', minute],
  ['450 Come back in 7 days', undefined],
  ['450 Come back in 240 hours', 4 * hour],
  ['450 Try again in 99999999999 seconds', undefined],
  // No time to wait.
  ['450 4.7.1 You have sent 100 messages in 60 minutes', undefined],
  ['421 4.4.2 Timeout after 300 seconds', undefined],
  ['450 4.2.0 Greylisted, see http://example.org/try-again-in-5-minutes', undefined],
  ['450 <try-again-in-5-minutes@example.org> is busy', undefined],
  ['450 Try again later', undefined],
  ['550 5.7.1 Try again in 10 minutes', undefined],
]

for (const [reply, ms] of cases) {
  test(`${reply}: ${ms === undefined ? 'none' : `${ms / 1000} s`}`, () => {
    assert.equal(askedWaitMs(parseReply(reply)), ms)
  })
}

for (const { reply, reason } of [
  { reply: '451 4.7.1 Rate limit exceeded, please try again in 20 minutes', reason: 'destination' },
  { reply: '450 4.2.0 Greylisted, please try again in 20 minutes', reason: 'asked' },
]) {
  test(`${reply}: so it is done`, async t => {
    let refuses = true
    const peer = await startPeer({
      address: '127.0.0.2',
      script: command => (refuses && command.startsWith('RCPT') ? reply : undefined),
    })
    t.after(() => peer.close())
    const world = await createWorld(t, { delivery: { port: peer.port } })
    world.dns.host('example.org', peer.address)
    const id = await world.post({ from: 'anna@example.test', to: ['boris@example.org'] })
    const [attempt] = await world.attempts(id)
    assert.equal(attempt?.nextAttemptBecause, reason)
    refuses = false
    for (let passed = 0; passed < 18; passed += 6) await world.pass(6 * minute)
    assert.deepEqual(peer.messages, [])
    await world.pass(6 * minute)
    assert.equal(peer.messages.length, 1)
  })
}

test('a reply of any shape and length is looked through', () => {
  for (const piece of ['again ', '1:', '9', 'again 1 ', '@', 'wait in '])
    askedWaitMs({ code: 451, lines: Array.from({ length: 1000 }, () => piece.repeat(2000)) })
})
