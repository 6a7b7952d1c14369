// Servers over one PostgreSQL, as an administrator runs them: processes with settings that differ in one line.
import assert from 'node:assert/strict'
import { hostname as machineName } from 'node:os'
import { after, before, describe, it } from 'node:test'
import { serverSilentMs } from '../../src/storage/server-silence.ts'
import { eventually } from '../harness/eventually.ts'
import { awaitMessage, countQueue, createAccount, readMessage } from '../harness/mailboxes.ts'
import { type PostgresServer, startPostgres } from '../harness/postgres-server.ts'
import { sendMessage } from '../harness/send-message.ts'
import { createServerFolder, type ServerFolder, startServer } from '../harness/server-process.ts'

let database: PostgresServer
let uri: string

async function createNode(): Promise<ServerFolder> {
  return await createServerFolder({ settings: `storage = "${uri}"` })
}

describe('servers over one PostgreSQL', { timeout: 180_000 }, () => {
  const folders: ServerFolder[] = []
  before(async () => {
    database = await startPostgres({ settings: ['fsync = off'] })
    uri = await database.createDatabase('postrider')
  })
  after(async () => {
    await Promise.all(folders.map(folder => folder.remove()))
    await database.stop()
  })

  it('what one takes in, any other shows; accounts of one are known to all', async () => {
    const [first, second] = [await createNode(), await createNode()]
    folders.push(first, second)
    await createAccount(first, 'anna@example.test', 'a password of some length')
    const servers = [await startServer(first), await startServer(second)]
    const [one, two] = servers
    assert.ok(one && two)
    try {
      assert.match(one.output(), /a 250 means that the message is in the memory of the database server/)
      await sendMessage(one.port('relay'), 'anna@example.test', 'by the first')
      await sendMessage(two.port('relay'), 'anna@example.test', 'by the second')
      await awaitMessage(second, 'anna@example.test', 'by the first')
      assert.match(await readMessage(first, 'anna@example.test', 'by the second'), /Text of by the second/)
      // An account that is made through one is known to the other at once.
      await createAccount(second, 'boris@example.test', 'a password of some length')
      await eventually('the other node takes mail for it', async () => {
        try {
          await sendMessage(one.port('relay'), 'boris@example.test', 'for the new one')
          return true
        } catch {
          return undefined
        }
      })
      assert.match(await first.postrider('verify'), /is in order/)
      const own = await first.postrider('verify', 'anna@example.test')
      assert.match(own, /^The mail of anna@example\.test is in order: 2 messages read/)
      assert.match(await second.postrider('repair', 'anna@example.test'), /is in order: nothing to repair/)
    } finally {
      await Promise.all(servers.map(server => server.stop()))
    }
  })

  it('one that is killed loses nothing, and the other goes on with its work', async () => {
    const [first, second] = [await createNode(), await createNode()]
    folders.push(first, second)
    const one = await startServer(first)
    const two = await startServer(second)
    try {
      for (let n = 0; n < 20; n++) await sendMessage(one.port('relay'), 'anna@example.test', `number ${n}`)
      await one.kill()
      for (let n = 0; n < 20; n++) await awaitMessage(second, 'anna@example.test', `number ${n}`)
      await eventually('the queue is empty', async () =>
        (await countQueue(second)) === 0 ? true : undefined,
      )
    } finally {
      await two.stop()
    }
  })

  it('one that only talks to senders and one that only delivers are a whole server together', async () => {
    const [front, delivery] = await Promise.all(
      ['front', 'delivery'].map(role =>
        createServerFolder({ settings: `storage = "${uri}"\nroles = ["${role}"]` }),
      ),
    )
    assert.ok(front && delivery)
    folders.push(front, delivery)
    const talking = await startServer(front)
    try {
      await sendMessage(talking.port('relay'), 'anna@example.test', 'for whoever delivers')
      // The one that was killed counts until it has been silent for long enough.
      await eventually(
        'no server that runs has the role delivery',
        async () => {
          const { stderr } = await front.tryPostrider('cluster')
          return stderr.includes('No server that runs has the role delivery') || undefined
        },
        { forMs: 2 * serverSilentMs },
      )
      assert.match((await front.tryPostrider('cluster')).stdout, new RegExp(` ${machineName()} `))
      assert.match((await front.tryPostrider('queue', 'list')).stderr, /^No server that delivers is running/)
      assert.equal(await countQueue(front), 1)
      const delivering = await startServer(delivery)
      try {
        assert.match(delivering.output(), /none: this server only delivers/)
        await awaitMessage(front, 'anna@example.test', 'for whoever delivers')
        assert.doesNotMatch((await front.tryPostrider('cluster')).stderr, /No server that runs/)
        assert.doesNotMatch((await front.tryPostrider('queue', 'list')).stderr, /No server that delivers/)
        assert.match(await delivery.postrider('check', '--json'), /"findings"/)
      } finally {
        await delivering.stop()
      }
    } finally {
      await talking.stop()
    }
  })
})
