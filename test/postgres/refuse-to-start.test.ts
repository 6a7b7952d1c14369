// What an administrator reads when the database of the settings cannot be used, at the start and from `postrider check`. What
// waiting does not mend ends the server at once; what may pass is waited for.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, describe, type TestContext, test } from 'node:test'
import { Client } from 'pg'
import { eventually } from '../harness/eventually.ts'
import { findFreePort } from '../harness/free-port.ts'
import { type PostgresServer, queryPostgres, startPostgres } from '../harness/postgres-server.ts'
import {
  createServerFolder,
  launchServer,
  type ServerFolder,
  startServer,
} from '../harness/server-process.ts'
import { startTcpProxy } from '../harness/tcp-proxy.ts'

let database: PostgresServer

before(async () => {
  database = await startPostgres({ settings: ['fsync = off', 'max_connections = 20'] })
})
after(() => database.stop())

async function folderFor(t: TestContext, uri: string): Promise<ServerFolder> {
  const at = await createServerFolder({ settings: `storage = "${uri}"` })
  t.after(() => at.remove())
  return at
}

/** The database's finding, without the line breaks of the page. */
async function checkDatabase(at: ServerFolder): Promise<string> {
  const { stdout } = await at.tryPostrider('check', '--json')
  const { findings } = JSON.parse(stdout) as {
    findings: { subject: string; severity: string; what: string; cost: string; remedy: string }[]
  }
  const found = findings.filter(({ subject }) => subject === 'database')
  return found.map(({ severity, what, remedy, cost }) => `${severity}: ${what} ${remedy} ${cost}`).join('\n')
}

function noSecret(text: string): void {
  assert.doesNotMatch(text, /secret|wrong-password/)
  assert.doesNotMatch(text, /\bat .*:\d+:\d+/)
}

/** It ends by itself, says why, and makes nothing; `check` says the same. */
async function assertRefuses(at: ServerFolder, says: RegExp): Promise<void> {
  const before = readdirSync(at.dataFolder)
  const { exitCode, stdout, stderr } = await at.tryPostrider('serve')
  assert.deepEqual(readdirSync(at.dataFolder), before)
  const output = stdout + stderr
  assert.equal(exitCode, 1, output)
  assert.equal(output.match(new RegExp(says, 'g'))?.length, 1, output)
  noSecret(output)
  const checked = await checkDatabase(at)
  assert.match(checked, says)
  assert.match(checked, /^error: /)
  noSecret(checked)
}

test('told to stop while it waits, it does', async t => {
  const at = await folderFor(t, `postgres://postgres:secret@127.0.0.1:${await findFreePort()}/postrider`)
  const server = launchServer(at)
  await eventually(
    'it says that it waits',
    async () => /waiting for the database/.test(server.output()) || undefined,
  )
  assert.equal(await server.stop(), 0)
  assert.match(server.output(), /stopped while it was starting/)
})

/** It waits, and says for what; `check` says the same. When `mend` has mended it, it listens, having said so. */
async function assertWaits(at: ServerFolder, says: RegExp, mend: () => Promise<unknown>): Promise<void> {
  const server = launchServer(at)
  try {
    await eventually('it says that it waits', async () => says.test(server.output()) || undefined)
    const checked = await checkDatabase(at)
    assert.match(checked, says)
    assert.match(
      checked,
      /^error: .* A server that starts waits for it; one that runs puts mail off with 451\./,
    )
    assert.doesNotMatch(server.output(), /listening/)
    await mend()
    await server.listening
    const output = server.output()
    assert.equal(output.match(/waiting for the database/g)?.length, 1, output)
    assert.match(output, /the database is there/)
    noSecret(output)
  } finally {
    await server.stop()
  }
}

describe('ends at once', () => {
  for (const { what, change, says } of [
    {
      what: 'a wrong password',
      change: (uri: URL) => {
        uri.password = 'wrong-password'
      },
      says: /does not let Postrider in: password authentication failed for user "postgres"\. Check user, password and database in the address of the database/,
    },
    {
      what: 'no password',
      change: (uri: URL) => {
        uri.password = ''
      },
      says: /does not let Postrider in: it wants a password\. Put one in the address of the database/,
    },
    {
      what: 'a user that does not exist',
      change: (uri: URL) => {
        uri.username = 'nobody'
      },
      says: /does not let Postrider in: password authentication failed for user "nobody"/,
    },
    {
      what: 'a database that does not exist',
      change: (uri: URL) => {
        uri.pathname = '/nowhere'
      },
      says: /does not let Postrider in: database "nowhere" does not exist\. Check user/,
    },
    {
      what: 'TLS wanted of a server that has none',
      change: (uri: URL) => {
        uri.search = '?sslmode=require'
      },
      says: /does not let Postrider in: The server does not support SSL connections\. Check sslmode/,
    },
  ]) {
    test(what, async t => {
      const uri = new URL(database.uri())
      change(uri)
      await assertRefuses(await folderFor(t, uri.href), says)
    })
  }

  test('a server that is too old', async t => {
    // What a real one says of its version, changed on the way.
    const proxy = await startTcpProxy(database.port)
    t.after(() => proxy.close())
    const version = await readSetting('server_version_num')
    proxy.fromServer = bytes => Buffer.from(bytes.toString('latin1').replaceAll(version, '090624'), 'latin1')
    await assertRefuses(
      await folderFor(t, proxy.uri(database.uri())),
      /is version 9\.6; Postrider needs 14 or newer/,
    )
  })

  test('a database whose encoding is not UTF8', async t => {
    await queryPostgres(
      database.uri(),
      "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0",
    )
    await assertRefuses(
      await folderFor(t, database.uri('latin')),
      /has the encoding LATIN1; Postrider needs UTF8\. Create it with ENCODING 'UTF8' TEMPLATE template0/,
    )
  })

  test('a user who may not make tables', async t => {
    await queryPostgres(database.uri(), "CREATE ROLE guest LOGIN PASSWORD 'secret'")
    await database.createDatabase('not_for_guests')
    const uri = new URL(database.uri('not_for_guests'))
    uri.username = 'guest'
    const { exitCode, stderr } = await (await folderFor(t, uri.href)).tryPostrider('serve')
    assert.equal(exitCode, 1)
    assert.match(stderr, /does not let Postrider in: permission denied for schema public/)
  })

  test('a schema of a newer version', async t => {
    const uri = await database.createDatabase('newer')
    const at = await folderFor(t, uri)
    await (await startServer(at)).stop()
    await queryPostgres(
      uri,
      'UPDATE schema_version SET version = version + 1000, works_from = version + 1000',
    )
    await assertRefuses(at, /was written by a newer version of Postrider \(schema 10\d\d; this version knows/)
  })
})

async function readSetting(name: string): Promise<string> {
  const [row] = await queryPostgres<{ value: string }>(
    database.uri(),
    'SELECT current_setting($1) AS value',
    name,
  )
  return row?.value ?? ''
}

describe('waits', () => {
  test('for a server that is not there yet', async t => {
    const own = await startPostgres({ settings: ['fsync = off'] })
    t.after(() => own.stop())
    await own.halt()
    await assertWaits(
      await folderFor(t, own.uri()),
      /does not answer: refused; nothing listens on this port there \(ECONNREFUSED\)/,
      () => own.startAgain(),
    )
  })

  test('for a standby to be promoted', async t => {
    const own = await startPostgres({ settings: ['fsync = off'] })
    t.after(() => own.stop())
    await own.halt()
    await own.startAgain(['standby.signal'])
    await assertWaits(
      await folderFor(t, own.uri()),
      /takes no writes: it is a standby, or set to read only\. Name its primary as well in the address of the database .*, or wait until it has been promoted/,
      () => queryPostgres(own.uri(), 'SELECT pg_promote()'),
    )
  })

  test('for a connection that others have', async t => {
    const uri = await database.createDatabase('full')
    const others: Client[] = []
    const release = async (): Promise<void> => {
      await Promise.all(others.splice(0).map(other => other.end()))
    }
    t.after(release)
    for (let taken = true; taken; ) {
      const other = new Client({ connectionString: uri })
      other.on('error', () => {})
      taken = await other.connect().then(
        () => true,
        () => false,
      )
      if (taken) others.push(other)
    }
    await assertWaits(
      await folderFor(t, uri),
      /it has no connection left .*Raise its max_connections/,
      release,
    )
  })

  test('for a host whose name nobody knows, until it is told to stop', async t => {
    const at = await folderFor(t, 'postgres://postrider:secret@database.invalid/postrider')
    const server = launchServer(at)
    const says =
      /database\.invalid\/postrider does not answer: .*(ENOTFOUND|EAI_AGAIN).* Correct the host in the address .*waiting for the database/
    await eventually('it says that it waits', async () => says.test(server.output()) || undefined)
    process.kill(server.pid, 'SIGTERM')
    await server.exited
    noSecret(server.output())
  })

  test('for one of several hosts, and says of each what is wrong with it', async t => {
    const [one, two] = [await findFreePort(), await findFreePort()]
    const at = await folderFor(t, `postgres://postrider:secret@127.0.0.1:${one},127.0.0.1:${two}/postrider`)
    const checked = await checkDatabase(at)
    assert.match(checked, new RegExp(`127\\.0\\.0\\.1:${one}/postrider does not answer`))
    assert.match(checked, new RegExp(`127\\.0\\.0\\.1:${two}/postrider does not answer`))
  })
})

test('check says what a 250 promises, that the connections are few, and which domains there are', async t => {
  const uri = await database.createDatabase('sound')
  const at = await folderFor(t, uri)
  assert.match((await at.tryPostrider('check')).stdout, /there is no domain yet/)
  await at.postrider('domain', 'create', 'example.test')
  await at.postrider('account', 'create', 'anna@example.test', '--password-stdin').catch(() => {})
  const { stdout } = await at.tryPostrider('check')
  assert.match(stdout, /database: a 250 means that the message is in the memory of the database server/)
  assert.match(stdout, /has fsync = off\.\n.*Set it to on/)
  assert.match(stdout, /connections for all its users; this server takes up to \d+/)
  assert.match(stdout, /example\.test/)
  assert.doesNotMatch(stdout, /there is no domain yet/)
})

test('commands say at once that the database is not there, and do not wait', async t => {
  const port = await findFreePort()
  const at = await folderFor(t, `postgres://postrider:secret@127.0.0.1:${port}/postrider`)
  const { exitCode, stdout, stderr } = await at.tryPostrider('queue', 'list')
  assert.equal(exitCode, 1)
  assert.match(
    stdout + stderr,
    /does not answer: refused; nothing listens on this port there .*\. Start it there, or correct host and port in the address/,
  )
  noSecret(stdout + stderr)
})

test('an address that was an argument is not looked for in the settings', async t => {
  const at = await createServerFolder()
  t.after(() => at.remove())
  await at.postrider('domain', 'create', 'example.test')
  const uri = new URL(database.uri())
  uri.pathname = '/nowhere'
  const { exitCode, stderr } = await at.tryPostrider('migrate', uri.href)
  assert.equal(exitCode, 1)
  assert.match(stderr, /database "nowhere" does not exist\. Check user, password and database in the address/)
  assert.doesNotMatch(stderr, /setting/)
})
