// kill -9 under load, three times; fifty times with `npm run kill-test`. What 250 answered for is there afterwards.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runKillRounds } from '../harness/kill-rounds.ts'

test('kill -9 under load, three times: nothing that was answered 250 is lost or damaged', async t => {
  const report = await runKillRounds({ rounds: 3, maxLoadMs: 800 })
  assert.deepEqual(report.lost, [])
  assert.deepEqual(report.damaged, [])
  // Filing in a mailbox is the transaction that settles: there is no moment for a second copy.
  assert.deepEqual(report.doubledHere, [])
  assert.ok(report.promised > 0, 'the load got through between the kills')
  t.diagnostic(
    `${report.promised} answered 250, none lost or damaged; ${report.doubledRemotely.length} delivered twice to the remote server; ` +
      `${report.unansweredKept} of ${report.unanswered} unanswered ones kept`,
  )
})
