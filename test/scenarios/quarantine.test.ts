// Mail that is kept aside: what its sender is told, who has it when, and what becomes of it.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { findAccount } from '../../src/directory/accounts.ts'
import { listMailboxMessages } from '../../src/mailbox/operations.ts'
import { createHouseKeeper } from '../../src/main/house-keeper.ts'
import { listQuarantine, releaseQuarantined } from '../../src/queue/quarantine.ts'
import { formatQueueId, parseQueueId } from '../../src/queue/queue-id.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { type ComposedServer, startComposedServer, unauthenticated } from '../harness/composed-server.ts'
import { openConnectionOf } from '../harness/raw-connection.ts'
import { openTestStorage } from '../harness/test-storage.ts'
import { pointsIn, startFakeRspamd } from '../scanner/fake-rspamd.ts'

const dayMs = 86_400_000
const anna = 'anna@here.test'
const carl = 'carl@here.test'

async function start(t: TestContext, options: Partial<Parameters<typeof startComposedServer>[1]> = {}) {
  const { at } = await startFakeRspamd(t, told => ({
    score: pointsIn(told),
    ...(told.includes('Look first') ? { action: 'quarantine' } : {}),
  }))
  return await startComposedServer(t, {
    hostname: 'mx.here.test',
    domains: ['here.test'],
    accounts: [{ address: anna }, { address: carl }],
    isBehindProxy: true,
    settings: {
      mailAuthentication: unauthenticated,
      spam: { filter: false, clientNames: false, quarantineScore: 8, quarantineDays: 10 },
      scanners: [{ kind: 'rspamd', at }],
    },
    ...options,
  })
}

/** The queue id. */
async function send(
  server: ComposedServer,
  subject: string,
  { to = [anna], body = 'Text' }: { readonly to?: readonly string[]; readonly body?: string } = {},
): Promise<string> {
  const connection = await openConnectionOf('203.0.113.9', server.port('relay'))
  await connection.reply()
  await connection.command('EHLO client.test')
  await connection.command('MAIL FROM:<boris@friend.test> RET=HDRS')
  for (const recipient of to)
    assert.equal((await connection.command(`RCPT TO:<${recipient}> NOTIFY=SUCCESS,FAILURE,DELAY`))?.code, 250)
  await connection.command('DATA')
  await connection.write(
    `From: Boris <boris@friend.test>\r\nSubject: ${subject}\r\n\r\n${body}\r\nThe end\r\n.\r\n`,
  )
  const reply = await connection.reply()
  connection.destroy()
  await server.settled()
  return /queued as (\w+)/.exec(reply?.lines.join() ?? '')?.[1] ?? assert.fail(reply?.lines.join())
}

async function told(server: ComposedServer, queueId: string): Promise<string[]> {
  return (await server.trail(queueId)).map(event => describeEvent(event).text)
}

async function kept(server: ComposedServer): Promise<string[]> {
  const { messages } = await server.storage.run(listQuarantine, { selection: {}, afterId: 0, limit: 100 })
  return messages.map(({ message }) => formatQueueId(message.id))
}

const idOf = (text: string): number => parseQueueId(text) ?? assert.fail(text)
const lifetimeMs = 2 * dayMs

test('above the second threshold nobody has it, nobody is told anything, and a release delivers it', async t => {
  const server = await start(t)
  const id = await send(server, 'Points 9')
  assert.deepEqual(await server.mailbox(anna), [])
  assert.deepEqual(await kept(server), [id])
  // Longer than any message is tried: it does not wait in the queue.
  await server.pass(7 * dayMs)
  assert.deepEqual(await server.mailbox(anna), [])
  const before = await told(server, id)
  assert.equal(before.length, 3)
  assert.match(
    before[1] ?? '',
    /^Looked at whether it is spam \(9 points\), and kept aside: it has 9 points, and 8 are kept/,
  )
  assert.match(
    before[2] ?? '',
    /^Kept aside for anna@here\.test until an administrator has looked, at most until /,
  )

  const at = server.clock.now()
  assert.ok(await server.storage.run(releaseQuarantined, { queueId: idOf(id), at, lifetimeMs }))
  await server.settled()
  assert.match((await server.mailbox(anna))[0] ?? '', /^Subject: Points 9\r$/m)
  assert.doesNotMatch((await server.mailbox(anna))[0] ?? '', /Postrider-Verdict/)
  assert.deepEqual(await kept(server), [])
  const after = (await told(server, id)).slice(3)
  assert.equal(after[0], 'An administrator released it from the quarantine for anna@here.test')
  assert.equal(after[1], 'Delivered to anna@here.test: it is in the mailbox INBOX')
  // Now that it is there, whoever asked for it is told so (NOTIFY=SUCCESS).
  assert.match(after[2] ?? '', /^Told the sender \(it was delivered\) about anna@here\.test/)
  assert.equal(await server.storage.run(releaseQuarantined, { queueId: idOf(id), at, lifetimeMs }), undefined)
})

test('what a scanner wants in quarantine is kept aside, but never from postmaster, who gets it in Junk', async t => {
  const server = await start(t)
  const id = await send(server, 'Look first', { to: [carl, 'postmaster@here.test'] })
  assert.deepEqual(await kept(server), [id])
  assert.equal((await server.mailbox(anna, 'Junk')).length, 1)
  assert.match(
    (await told(server, id))[1] ?? '',
    /and kept aside: rspamd at .*: it wants somebody to look at the message first/,
  )
  const at = server.clock.now()
  await server.storage.run(releaseQuarantined, { queueId: idOf(id), at, lifetimeMs })
  await server.settled()
  assert.equal((await server.mailbox(carl)).length, 1)
})

test('a release moves what somebody has in Junk already, and delivers no second copy', async t => {
  const server = await start(t)
  // Postmaster is anna.
  const id = await send(server, 'Look first', { to: [anna, 'postmaster@here.test'] })
  assert.deepEqual(await kept(server), [id])
  assert.equal((await server.mailbox(anna)).length, 0)
  const [junk = ''] = await server.mailbox(anna, 'Junk')
  assert.match(junk, /^Postrider-Verdict: quarantine\r$/m)
  await server.storage.run(releaseQuarantined, { queueId: idOf(id), at: server.clock.now(), lifetimeMs })
  await server.settled()
  assert.deepEqual(await server.mailbox(anna, 'Junk'), [])
  const [mail = '', ...others] = await server.mailbox(anna)
  assert.deepEqual(others, [])
  assert.doesNotMatch(mail, /Postrider-Verdict/)
  assert.match(mail, /^Delivered-To: anna@here\.test\r$/m)
  assert.match(mail, /The end\r\n$/)
  const account = await server.storage.run(findAccount, {
    address: { localPart: 'anna', domain: 'here.test' },
  })
  const page = { accountId: account?.id ?? assert.fail(), mailbox: 'INBOX', limit: 1 }
  const [shown] = await server.storage.run(listMailboxMessages, page)
  assert.equal(shown?.size, Buffer.byteLength(mail))
  assert.ok(
    (await told(server, id)).includes(
      'Delivered to anna@here.test: it was in Junk already, and has moved to the mailbox INBOX',
    ),
  )
})

test('what nobody releases is removed when its time is over, with its file, and its sender is not told', async t => {
  const opened = await openTestStorage(t)
  const server = await start(t, { storage: opened })
  // Large enough to be a file.
  const id = await send(server, 'Points 9', { body: 'x'.repeat(70).concat('\r\n').repeat(5000) })
  const keeper = createHouseKeeper({
    ...server,
    mailData: opened.mailData,
    log: silentLog,
    keepTrashDays: 0,
    keepJunkDays: 0,
    keepExpungedDays: 1,
  })
  await keeper.look()
  assert.deepEqual(await kept(server), [id])
  assert.equal((await opened.mailDataFiles()).length, 1)
  await server.pass(10 * dayMs)
  await keeper.look()
  assert.deepEqual(await kept(server), [])
  assert.deepEqual(await opened.mailDataFiles(), [])
  assert.deepEqual((await told(server, id)).slice(3), [
    'Removed from the quarantine for anna@here.test, since its time there is over (spam.quarantineDays); its sender was not told',
  ])
})
