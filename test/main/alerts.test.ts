// A server that starts while something has to be acted on says so in its log, over HTTP and by mail.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { raiseAlert } from '../../src/alert/operations.ts'
import { noteDestinationHealth } from '../../src/queue/destination-health.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import { findFreePort } from '../harness/free-port.ts'
import { awaitMessage, createAccount } from '../harness/mailboxes.ts'
import { createServerFolder, startServer } from '../harness/server-process.ts'

test('an open alert is in the log at the start, on the pages of health, and in the mailbox of the postmaster', async t => {
  const port = await findFreePort()
  const at = await createServerFolder({ settings: `[health]\nport = ${port}` })
  t.after(() => at.remove())
  const postmaster = 'anna@example.test'
  await createAccount(at, postmaster, 'a password of some length')
  const storage = await openLocalStorage(at.dataFolder)
  const now = Date.now()
  const evidence = { detail: 'gmail-smtp-in.l.google.com refused MAIL' }
  await storage.run(raiseAlert, { kind: 'reputation-block', subject: 'gmail', at: now, evidence })
  await storage.run(noteDestinationHealth, {
    destination: 'gmail',
    health: JSON.stringify({ refusal: { at: now, diagnosis: evidence }, times: {} }),
    now,
  })
  await storage.close()
  const server = await startServer(at)
  try {
    assert.match(server.output(), /1 alert is open: \\"postrider alerts\\" says what to do/)
    await awaitMessage(at, postmaster, 'Alert: Gmail refuses mail from this server because of its reputation')
    for (const [page, state] of [
      ['health', 'alive'],
      ['ready', 'ready'],
    ]) {
      const response = await fetch(`http://127.0.0.1:${port}/${page}`)
      assert.equal(response.status, 200)
      assert.equal(await response.text(), `${state}\n1 alert is open: "postrider alerts" says what to do\n`)
    }
  } finally {
    await server.stop()
  }
})
