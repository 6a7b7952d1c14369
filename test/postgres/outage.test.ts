// A database that goes away and comes back: senders are put off with 451 while it lasts and taken again after it, by the
// same process; nothing that was answered with 250 is lost; the log has a line for its begin and one for its end.
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { Client } from 'pg'
import { defineRead } from '../../src/storage/operation.ts'
import { eventually } from '../harness/eventually.ts'
import { queryPostgres } from '../harness/postgres-server.ts'
import { startTcpProxy, type TcpProxy } from '../harness/tcp-proxy.ts'
import { collectLog, databasePerTest, type Node, openSession, openStorage, send, startNode } from './node.ts'

const own = databasePerTest(['fsync = off', 'max_connections = 25'])

async function proxyFor(t: TestContext): Promise<TcpProxy> {
  const proxy = await startTcpProxy(own.server.port)
  t.after(() => proxy.close())
  return proxy
}

const begins = 'the database does not answer: mail is put off until it does'
const ends = 'the database answers again'

/** Sends until it is taken again; each answer before says 451 and no more than that. */
async function takenAgain(node: Node, subject: string): Promise<void> {
  await eventually('mail is taken again', async () => {
    const reply = await node.send(subject)
    if (reply?.code === 250) return true
    assertPutOff(reply)
    return undefined
  })
}

function assertPutOff(reply: Awaited<ReturnType<Node['send']>>): void {
  assert.equal(reply?.code, 451)
  // Nothing internal is told to the peer.
  assert.deepEqual(reply.lines, ['4.3.0 A problem of ours; please try again later'])
}

async function assertToldOnce({ logged }: Node, reason: RegExp): Promise<void> {
  await eventually('the end is told', async () => logged.some(line => line.includes(ends)) || undefined)
  const lines = logged.filter(line => line.includes(begins))
  assert.ok(lines.length >= 1 && lines.length <= 5, logged.join('\n'))
  assert.ok(
    lines.some(line => reason.test(line)),
    lines.join('\n'),
  )
  assert.equal(logged.filter(line => line.includes(ends)).length, 1, logged.join('\n'))
  assert.ok(logged.length <= 20, logged.join('\n'))
  assert.doesNotMatch(logged.join('\n'), /unexpected error|\.ts:\d+/)
}

describe('a server that ends and starts again', () => {
  for (const [how, end] of [
    ['shut down', () => own.server.halt()],
    ['killed', () => own.server.kill()],
  ] as const) {
    test(how, async t => {
      const node = await startNode(t, own.uri)
      assert.equal((await node.send('before'))?.code, 250)
      await end()
      for (let n = 0; n < 10; n++) assertPutOff(await node.send('during'))
      await own.server.startAgain()
      await takenAgain(node, 'after')
      assert.deepEqual(await node.subjects(), ['after', 'before'])
      await assertToldOnce(node, /ECONNREFUSED|was cut|terminating connection/)
    })
  }
})

describe('a network that is cut', () => {
  test('for a moment: nobody is put off', async t => {
    const proxy = await proxyFor(t)
    const node = await startNode(t, proxy.uri(own.uri))
    proxy.cut()
    const sent = node.send('during')
    proxy.mend()
    assert.equal((await sent)?.code, 250)
    assert.deepEqual(await node.subjects(), ['during'])
    assert.deepEqual(node.logged, [])
  })

  test('without a word, until senders are put off', async t => {
    const proxy = await proxyFor(t)
    const node = await startNode(t, proxy.uri(own.uri))
    assert.equal((await node.send('before'))?.code, 250)
    proxy.cut()
    for (let n = 0; n < 3; n++) assertPutOff(await node.send('during'))
    proxy.mend()
    await takenAgain(node, 'after')
    assert.deepEqual(await node.subjects(), ['after', 'before'])
    await assertToldOnce(node, /no answer within/)
  })

  test('in the middle of a large message', async t => {
    const proxy = await proxyFor(t)
    const node = await startNode(t, proxy.uri(own.uri))
    proxy.fromClient = bytes => {
      if (bytes.includes('Subject: large')) proxy.cut()
      return bytes
    }
    assertPutOff(await node.send('large', 3_000_000))
    proxy.fromClient = bytes => bytes
    proxy.mend()
    await takenAgain(node, 'after')
    assert.equal((await node.send('large after', 3_000_000))?.code, 250)
    assert.deepEqual(await node.subjects(), ['after', 'large after'])
    const names = await eventually('the pieces of what was given up are gone', async () => {
      const found = await node.storage.run(chunkedNames, undefined)
      return found.length === 1 ? found : undefined
    })
    assert.equal(names.length, 1)
  })

  test('with a reset', async t => {
    const proxy = await proxyFor(t)
    const node = await startNode(t, proxy.uri(own.uri))
    assert.equal((await node.send('before'))?.code, 250)
    proxy.reset()
    assert.equal((await node.send('right after'))?.code, 250)
    assert.deepEqual(await node.subjects(), ['before', 'right after'])
  })

  test('and connections that the way has forgotten: new ones are made', async t => {
    const proxy = await proxyFor(t)
    const node = await startNode(t, proxy.uri(own.uri))
    assert.equal((await node.send('before'))?.code, 250)
    proxy.forget()
    await takenAgain(node, 'after')
    assert.deepEqual(await node.subjects(), ['after', 'before'])
  })

  test('all who wait are told together, not one after the other', async t => {
    const proxy = await proxyFor(t)
    const storage = await openStorage(t, proxy.uri(own.uri), collectLog().log)
    proxy.cut()
    const connections = proxy.connections
    const asked = Array.from({ length: 200 }, () => storage.run(chunkedNames, undefined))
    for (const { status } of await Promise.allSettled(asked)) assert.equal(status, 'rejected')
    assert.ok(proxy.connections - connections < 30, `${proxy.connections - connections} connections`)
    proxy.mend()
    await eventually('it answers again', () => storage.run(chunkedNames, undefined).catch(() => undefined))
  })
})

const chunkedNames = defineRead(
  'test.chunked-names',
  async tx => await tx.all<{ file_name: string }>('SELECT DISTINCT file_name FROM mail_data_chunk'),
)

test('a server that is too slow: what it does not answer in time is put off', async t => {
  const node = await startNode(t, own.uri)
  assert.equal((await node.send('before'))?.code, 250)
  const other = new Client({ connectionString: own.uri })
  await other.connect()
  await other.query('BEGIN')
  await other.query('LOCK TABLE mail_data')
  assertPutOff(await node.send('during'))
  await other.query('ROLLBACK')
  await other.end()
  await takenAgain(node, 'after')
  assert.deepEqual(await node.subjects(), ['after', 'before'])
  await assertToldOnce(node, /statement timeout/)
})

test('a server without a connection left', async t => {
  const node = await startNode(t, own.uri)
  assert.equal((await node.send('before'))?.code, 250)
  const others: Client[] = []
  t.after(() => Promise.all(others.map(other => other.end())))
  const takeAll = async (): Promise<void> => {
    for (;;) {
      const other = new Client({ connectionString: own.uri })
      other.on('error', () => {})
      try {
        await other.connect()
      } catch {
        return // there is none left
      }
      others.push(other)
    }
  }
  await takeAll()
  await others[0]?.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'postrider%'",
  )
  await takeAll()
  assertPutOff(await node.send('during'))
  await Promise.all(others.splice(0).map(other => other.end()))
  await takenAgain(node, 'after')
  assert.deepEqual(await node.subjects(), ['after', 'before'])
  await assertToldOnce(node, /it has no connection left .*Raise its max_connections/)
})

test('a server that becomes read only', async t => {
  const node = await startNode(t, own.uri)
  assert.equal((await node.send('before'))?.code, 250)
  const set = async (value: string): Promise<void> => {
    await queryPostgres(
      own.server.uri(),
      `ALTER DATABASE ${own.name} SET default_transaction_read_only = ${value}`,
    )
    await queryPostgres(
      own.server.uri(),
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'postrider%'",
    )
  }
  await set('on')
  assertPutOff(await node.send('during'))
  await set('off')
  await takenAgain(node, 'after')
  assert.deepEqual(await node.subjects(), ['after', 'before'])
  await assertToldOnce(node, /takes no writes: it is a standby, or set to read only/)
})

test('a password that is changed under a server that runs, until it is right again', async t => {
  await queryPostgres(own.server.uri(), `CREATE ROLE "user_${own.name}" LOGIN PASSWORD 'old'`)
  await queryPostgres(own.server.uri(), `ALTER DATABASE ${own.name} OWNER TO "user_${own.name}"`)
  const asUser = new URL(own.uri)
  asUser.username = `user_${own.name}`
  asUser.password = 'old'
  const node = await startNode(t, asUser.href)
  const set = (password: string): Promise<unknown> =>
    queryPostgres(own.server.uri(), `ALTER ROLE "user_${own.name}" PASSWORD '${password}'`)
  await set('new')
  await queryPostgres(
    own.server.uri(),
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'postrider%'",
  )
  assertPutOff(await node.send('during'))
  await set('old')
  await takenAgain(node, 'after')
  assert.deepEqual(await node.subjects(), ['after'])
  assert.match(node.logged.join('\n'), /does not let Postrider in: password authentication failed/)
})

test('many sessions during an outage: each is put off, none is forgotten', async t => {
  const proxy = await proxyFor(t)
  const node = await startNode(t, proxy.uri(own.uri))
  const sessions = await Promise.all(Array.from({ length: 40 }, () => openSession(t, node)))
  proxy.cut()
  const replies = await Promise.all(sessions.map((session, n) => send(session, `number ${n}`)))
  for (const reply of replies) assertPutOff(reply)
  proxy.mend()
  await takenAgain(node, 'after')
  const again = await Promise.all(sessions.map((session, n) => send(session, `number ${n}`)))
  assert.ok(again.every(reply => reply?.code === 250))
  assert.equal((await node.subjects()).length, 41)
  assert.ok(node.logged.length <= 20, node.logged.join('\n'))
})
