// A transaction without its message: MAIL and RCPT, then RSET.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { address } from '../directory/open-directory.ts'
import { connect, peerFor } from './open-client.ts'

const transaction = {
  reversePath: address('anna@example.test'),
  body: '7BIT',
  smtpUtf8: false,
  size: 1000,
} as const
const two = [{ forwardPath: address('boris@example.org') }, { forwardPath: address('vera@example.org') }]

test('each recipient has the reply that it got, and nothing is sent', async t => {
  const peer = await peerFor(t, {
    extensions: ['PIPELINING', 'SIZE 100000'],
    script: command => (command.includes('vera') ? '550 5.1.1 No such user' : undefined),
  })
  const connection = await connect(t, peer)
  const results = await connection.probe({ ...transaction, recipients: two })
  assert.partialDeepStrictEqual(results, [
    { recipient: two[0], result: { kind: 'accepted', reply: { code: 250 } } },
    {
      recipient: two[1],
      result: { kind: 'refused', stage: 'rcpt', reply: { code: 550, enhanced: '5.1.1' } },
    },
  ])
  await connection.quit()
  assert.deepEqual(peer.commands.slice(1), [
    'MAIL FROM:<anna@example.test> SIZE=1000',
    'RCPT TO:<boris@example.org>',
    'RCPT TO:<vera@example.org>',
    'RSET',
    'QUIT',
  ])
  assert.deepEqual(peer.messages, [])
})

test('a refused sender is the answer for all, and no recipient is asked for', async t => {
  const peer = await peerFor(t, {
    script: command => (command.startsWith('MAIL') ? '553 5.1.8 no' : undefined),
  })
  const connection = await connect(t, peer)
  const results = await connection.probe({ ...transaction, recipients: two })
  assert.deepEqual(
    results.map(({ result }) =>
      result.kind === 'refused' ? `${result.stage} ${result.reply.code}` : result.kind,
    ),
    ['mail 553', 'mail 553'],
  )
  assert.equal(connection.usable, true)
  assert.ok(!peer.commands.some(command => command.startsWith('RCPT')))
})

test('a connection that breaks is a failure of those that had no answer', async t => {
  const peer = await peerFor(t, { script: command => (command.includes('vera') ? 'close' : undefined) })
  const connection = await connect(t, peer)
  const results = await connection.probe({ ...transaction, recipients: two })
  assert.partialDeepStrictEqual(results, [
    { result: { kind: 'accepted' } },
    { result: { kind: 'failed', failure: { kind: 'closed' } } },
  ])
  assert.equal(connection.usable, false)
})
