// kill -9 while mail is delivered and programs of IMAP change mailboxes, twice; thirty times with `npm run mailbox-kill-test`.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runMailboxKillRounds } from '../harness/mailbox-kill-rounds.ts'

test('kill -9 under load of SMTP and IMAP, twice: what was answered holds', async t => {
  const { answered, delivered, kept, faults } = await runMailboxKillRounds({ rounds: 2, maxLoadMs: 800 })
  assert.deepEqual(faults, [])
  assert.ok(answered > 0 && delivered > 0, 'the load got through between the kills')
  t.diagnostic(`${answered} commands and ${delivered} messages answered, ${kept} messages there`)
})
