// How much an account may send in a time: recipients on this very server count as those elsewhere do.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { createRedirection } from '../../src/directory/redirections.ts'
import { address } from '../directory/open-directory.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { openConnection } from '../harness/raw-connection.ts'
import { queueIdOf, sendMail } from '../harness/send-message.ts'

const colleagues = ['boris', 'olga', 'ivan', 'vera'].map(name => `${name}@here.test`)
const hour = 3_600_000

async function start(t: TestContext, submission: Readonly<Record<string, unknown>>): Promise<ComposedServer> {
  return await startComposedServer(t, {
    hostname: 'mx.here.test',
    domains: ['here.test'],
    accounts: ['anna@here.test', ...colleagues].map(each => ({ address: each })),
    settings: { submission },
  })
}

/** As the account; returns the queue id. */
async function send(
  server: ComposedServer,
  to: readonly string[],
  account = 'anna@here.test',
): Promise<string> {
  const [sent] = await sendMail(server.port('submission'), {
    account,
    reversePath: account,
    forwardPaths: to,
    mailData: `From: <${account}>\r\nSubject: Hello\r\n\r\nText\r\n`,
  })
  await server.settled()
  return queueIdOf(sent)
}

/** How many messages each colleague has. */
async function counts(server: ComposedServer): Promise<number[]> {
  return await Promise.all(colleagues.map(async each => (await server.mailbox(each)).length))
}

test('beyond the limit recipients here wait for their turn, the trail says why, and they get it when there is more', async t => {
  const server = await start(t, { accountLimits: { perHour: 3 } })
  const id = await send(server, colleagues)
  assert.deepEqual((await counts(server)).toSorted(), [0, 1, 1, 1])
  const told = (await server.trail(id)).map(event => describeEvent(event).text)
  assert.match(told.join('\n'), /Not tried for \w+@here\.test: .*anna@here\.test.*; there is more at /)
  await send(server, ['boris@here.test'])
  assert.deepEqual((await server.mailbox('boris@here.test')).length, 1)
  await send(server, ['anna@here.test'], 'boris@here.test')
  assert.equal((await server.mailbox('anna@here.test')).length, 1, 'others are not concerned')
  await server.pass(hour + 60_000)
  assert.deepEqual(await counts(server), [2, 1, 1, 1])
})

test('a group of ours counts once, whoever is in it', async t => {
  const server = await start(t, { limits: [{ match: ['anna@here.test'], perHour: 2 }] })
  await server.storage.run(createRedirection, {
    kind: 'group',
    address: address('all@here.test'),
    name: '',
    targets: colleagues.map(address),
    at: server.clock.now(),
  })
  await send(server, ['all@here.test'])
  assert.deepEqual(await counts(server), [1, 1, 1, 1])
  await send(server, ['all@here.test'])
  assert.deepEqual(await counts(server), [2, 2, 2, 2])
  await send(server, ['all@here.test'])
  assert.deepEqual(await counts(server), [2, 2, 2, 2])
  await server.pass(hour + 60_000)
  assert.deepEqual(await counts(server), [3, 3, 3, 3])
})

test('what strangers send to us is limited by none of that', async t => {
  const server = await start(t, { limits: [{ match: ['*'], perHour: 1 }] })
  const connection = await openConnection(server.port('relay'))
  await connection.reply()
  await connection.command('EHLO client.example.net')
  for (let n = 0; n < 3; n++) {
    for (const line of ['MAIL FROM:<pavel@example.net>', 'RCPT TO:<boris@here.test>', 'DATA'])
      assert.ok(((await connection.command(line))?.code ?? 999) < 400)
    assert.equal((await connection.command('Subject: x\r\n\r\nText\r\n.'))?.code, 250)
  }
  connection.destroy()
  await server.settled()
  assert.equal((await server.mailbox('boris@here.test')).length, 3)
})
