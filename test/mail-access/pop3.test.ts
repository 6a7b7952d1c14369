// POP3 over a real socket and real storage: what the client of one session, and of several, finds.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { flags } from '../../src/mailbox/message-state.ts'
import { resetSocket } from '../harness/reset-socket.ts'
import { openMailboxes } from '../mailbox/open-mailboxes.ts'
import { names, password, serveMaildrops } from './serve-maildrops.ts'

const [anna = '', boris = ''] = names

test('a client reads, deletes and leaves; the next one finds the rest', async t => {
  const mailboxes = await openMailboxes(t)
  const { connect } = await serveMaildrops(t, mailboxes)
  const large = `Subject: large\r\n\r\n${'.dot\r\nline\r\n'.repeat(20_000)}`
  const texts = ['Subject: one\r\n\r\n.\r\n', large, 'Subject: three\r\n\r\n3\r\n']
  for (const [index, text] of texts.entries()) await mailboxes.store(index + 1, text)
  await mailboxes.file(...texts.map((_, index) => ({ queueId: index + 1 })))

  const first = await connect()
  assert.match((await first.logIn(anna, password)) ?? '', /^\+OK Messages: 3,/)
  assert.deepEqual(
    await first.list('LIST'),
    texts.map((text, index) => `${index + 1} ${text.length}`),
  )
  const ids = await first.list('UIDL')
  for (const [index, text] of texts.entries()) {
    const read = (await first.list(`RETR ${index + 1}`)).map(line => `${line}\r\n`).join('')
    assert.ok(read === text, `message ${index + 1} is what was delivered`)
  }
  assert.deepEqual(await first.list('TOP 2 1'), ['Subject: large', '', '.dot'])
  assert.equal(await first.command('DELE 2'), '+OK Deleted when you QUIT')
  // Something comes meanwhile, and has no number yet.
  await mailboxes.store(4, 'Subject: four\r\n\r\n')
  await mailboxes.file({ queueId: 4 })
  assert.equal((await first.list('UIDL')).length, 2)
  assert.equal(await first.command('QUIT'), '+OK Until next time; messages deleted: 1')
  assert.deepEqual(
    (await mailboxes.list(1)).map(message => [message.uid, message.flags]),
    [
      [1, flags.seen],
      [3, flags.seen],
      [4, 0],
    ],
  )

  const second = await connect()
  assert.match((await second.logIn(anna, password)) ?? '', /^\+OK Messages: 3,/)
  const later = await second.list('UIDL')
  const idOf = (line: string | undefined): string => line?.split(' ')[1] ?? ''
  assert.deepEqual(later.slice(0, 2).map(idOf), [ids[0], ids[2]].map(idOf))
  assert.ok(!ids.map(idOf).includes(idOf(later[2])))
})

test('two servers over one storage: one client of an account at a time', async t => {
  const mailboxes = await openMailboxes(t)
  const [here, there] = [await serveMaildrops(t, mailboxes), await serveMaildrops(t, mailboxes)]
  await mailboxes.store(1)
  await mailboxes.file({ queueId: 1 }, { queueId: 1, accountId: 2 })
  const [first, second] = [await here.connect(), await there.connect()]
  assert.match((await first.logIn(anna, password)) ?? '', /^\+OK/)
  assert.match((await second.logIn(anna, password)) ?? '', /^-ERR \[IN-USE\]/)
  assert.match((await second.logIn(boris, password)) ?? '', /^\+OK/)
  // The connection breaks: nothing is deleted, and the maildrop is free as soon as that is known.
  await first.command('DELE 1')
  resetSocket(first.socket)
  const third = await there.connect()
  while (!(await third.logIn(anna, password))?.startsWith('+OK')) await nextTurn()
  assert.equal(await third.command('STAT'), '+OK 1 23')
  assert.equal((await mailboxes.list(1)).length, 1)
})

test('what IMAP has removed meanwhile is told, and deleting it is no mistake', async t => {
  const mailboxes = await openMailboxes(t)
  const { connect } = await serveMaildrops(t, mailboxes)
  for (const id of [1, 2, 3]) await mailboxes.store(id)
  await mailboxes.file(...[1, 2, 3].map(queueId => ({ queueId })))
  const client = await connect()
  await client.logIn(anna, password)
  await mailboxes.expunge([2])
  assert.equal(await client.command('RETR 2'), '-ERR Another program has removed this message meanwhile')
  assert.deepEqual(await client.list('LIST'), ['1 23', '3 23'])
  for (const number of [2, 3]) await client.command(`DELE ${number}`)
  assert.equal(await client.command('QUIT'), '+OK Until next time; messages deleted: 2')
  assert.deepEqual(
    (await mailboxes.list(1)).map(({ uid }) => uid),
    [1],
  )
})

test('everything at once: a whole session in one piece', async t => {
  const mailboxes = await openMailboxes(t)
  const { connect } = await serveMaildrops(t, mailboxes)
  for (let id = 1; id <= 20; id++) await mailboxes.store(id, `Subject: ${id}\r\n\r\n${id}\r\n`)
  await mailboxes.file(...Array.from({ length: 20 }, (_, index) => ({ queueId: index + 1 })))
  const client = await connect()
  const each = Array.from({ length: 20 }, (_, index) => `RETR ${index + 1}\r\nDELE ${index + 1}\r\n`)
  client.write(`USER ${anna}\r\nPASS ${password}\r\n${each.join('')}QUIT\r\n`)
  const said = await client.rest()
  assert.equal(said.filter(line => line.startsWith('Subject: ')).length, 20)
  assert.equal(said.at(-1), '+OK Until next time; messages deleted: 20')
  assert.deepEqual(await mailboxes.list(1), [])
})
