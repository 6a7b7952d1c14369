// kill -9 under a load over LMTP, three times: what a 250 answered for is in the mailbox, before any server has started again.
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { reckonArrivals } from '../harness/arrivals.ts'
import { findFreePort } from '../harness/free-port.ts'
import { type Ledger, startLedgerLoad } from '../harness/ledger-load.ts'
import { createAccount } from '../harness/mailboxes.ts'
import { readFolderMailboxes } from '../harness/read-mailboxes.ts'
import { createServerFolder, startServer } from '../harness/server-process.ts'

const receivers = ['anna@example.test', 'boris@example.test']

test('kill -9 under a load over LMTP: no 250 without the message in its mailbox', async t => {
  const port = await findFreePort()
  const at = await createServerFolder({
    tables: `[[lmtp]]\naddress = "127.0.0.1"\nport = ${port}\nclients = ["127.0.0.1"]`,
  })
  t.after(() => at.remove())
  for (const address of receivers) await createAccount(at, address, 'a password of some length')
  const ledger: Ledger = { promised: [], unanswered: [] }
  for (let round = 1; round <= 3; round++) {
    const server = await startServer(at)
    const load = startLedgerLoad({
      port,
      hello: 'LHLO',
      connections: 8,
      ledger,
      compose: n => ({
        recipient: receivers[n % 2] ?? '',
        bodyBytes: n % 7 === 0 ? 300_000 : randomInt(10, 4000),
      }),
    })
    await sleep(randomInt(300, 1000))
    await server.kill()
    await load.ended
    const here = readFolderMailboxes(at.dataFolder, receivers)
    const report = await reckonArrivals(ledger, { here, taken: [], localReceivers: receivers })
    assert.deepEqual(report.lost, [])
    assert.deepEqual(report.damaged, [])
    assert.deepEqual(report.doubledHere, [])
    assert.ok(report.promised > 0, 'the load got through before the kill')
    t.diagnostic(
      `after kill ${round}: ${report.promised} answered 250, all in their mailboxes; ${report.unansweredKept} of ${report.unanswered} unanswered ones too`,
    )
  }
})
