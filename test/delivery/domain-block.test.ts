// A receiver has something against the domain of one sender: mail of the others goes there as before.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startPeer } from './remote-peer.ts'
import { createWorld, minute } from './world.ts'

for (const reply of [
  '554 5.7.1 Service unavailable; Sender address [anna@example.test] blocked using dbl.spamhaus.org; https://www.spamhaus.org/query/domain/example.test',
  '421 4.7.0 This message is suspicious due to the very low reputation of the sending domain.',
  '550 5.7.1 Message contains a link that is listed at multi.surbl.org',
]) {
  test(`${reply.slice(0, 60)} … stops nobody else`, async t => {
    const peer = await startPeer({
      address: '127.0.0.2',
      script: (command, { reversePath }) =>
        command.startsWith('RCPT') && reversePath === 'anna@example.test' ? reply : undefined,
    })
    t.after(() => peer.close())
    const world = await createWorld(t, { delivery: { port: peer.port } })
    world.dns.host('example.org', peer.address)
    await world.account('anna@example.test')
    await world.post({ from: 'anna@example.test', to: ['boris@example.org'] })
    await world.post({ from: 'clara@example.net', to: ['boris@example.org'] })
    assert.deepEqual(
      peer.messages.map(({ reversePath }) => reversePath),
      ['clara@example.net'],
    )
    // The one that was put off comes again on its own schedule.
    peer.commands.length = 0
    await world.pass(6 * minute)
    const comesAgain = peer.commands.some(line => line.startsWith('MAIL FROM:<anna@example.test>'))
    assert.equal(comesAgain, reply.startsWith('4'))
  })
}
