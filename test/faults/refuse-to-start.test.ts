// What keeps a server from starting: one clear message that says what to do, no stack, and an exit code that is not 0.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { open, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { databaseFileName } from '../../src/storage/sqlite-connection.ts'
import { createAccount } from '../harness/mailboxes.ts'
import type { ProgramResult } from '../harness/programs.ts'
import {
  createServerFolder,
  runPostrider,
  type ServerFolder,
  startServer,
} from '../harness/server-process.ts'

// Of the database; the first page holds its header and the schema.
const pageBytes = 8192

/** Starts it and expects it to end by itself, saying why. */
async function assertRefuses(at: ServerFolder, says: RegExp): Promise<void> {
  assertRefusal(await at.tryPostrider('serve'), says)
}

function assertRefusal({ exitCode, stdout, stderr }: ProgramResult, says: RegExp): void {
  const output = stdout + stderr
  assert.ok(exitCode !== 0 && exitCode !== null, `exit code ${exitCode}:\n${output}`)
  assert.match(output, says)
  // A stack trace is for a bug; these are not.
  assert.doesNotMatch(output, /\bat .*:\d+:\d+/)
  assert.equal(output.match(new RegExp(says, 'g'))?.length, 1, `the message stands once:\n${output}`)
}

async function withFolder(run: (at: ServerFolder) => Promise<void>, settings?: string): Promise<void> {
  const at = await createServerFolder(settings === undefined ? {} : { settings })
  try {
    await run(at)
  } finally {
    await at.remove()
  }
}

/** The database's file in a data folder that a server has used and left. */
async function makeDatabase(at: ServerFolder): Promise<string> {
  await createAccount(at, 'anna@example.test', 'a password of some length')
  const server = await startServer(at)
  await server.stop()
  return join(at.dataFolder, databaseFileName)
}

test('a settings file that is broken: line and column', () =>
  withFolder(at => assertRefuses(at, /postrider\.toml:3:\d+/), 'langauge = "en"'))

test('a settings file that is not TOML', () =>
  withFolder(at => assertRefuses(at, /postrider\.toml:3:\d+/), 'language = '))

test('a settings file that is not there', async () => {
  assertRefusal(
    await runPostrider('serve', '--settings', '/nowhere/postrider.toml'),
    /\/nowhere\/postrider\.toml: There is no such file\. Write one with /,
  )
})

test('a network that takes in everybody', () =>
  withFolder(at => assertRefuses(at, /localNetworks has 0\.0\.0\.0\/0/), 'localNetworks = ["0.0.0.0/0"]'))

test('a port that is in use', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const address = other.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const at = await createServerFolder({ listeners: [{ role: 'relay', address: '127.0.0.1', port }] })
  try {
    await assertRefuses(at, new RegExp(`listens on 127\\.0\\.0\\.1:${port} already`))
  } finally {
    await at.remove()
    other.close()
  }
})

test('two servers on one data folder: the second is refused, the first goes on', () =>
  withFolder(async at => {
    const first = await startServer(at)
    try {
      await assertRefuses(at, /another|already/i)
      assert.match(await at.postrider('queue', 'list', '--json'), /\[\s*\]/)
    } finally {
      assert.equal(await first.stop(), 0)
    }
  }))

test('a data folder from a newer version', () =>
  withFolder(async at => {
    const database = new DatabaseSync(await makeDatabase(at))
    const version = Number(database.prepare('PRAGMA user_version').get()?.user_version)
    database.exec(`PRAGMA user_version = ${version + 1000}`)
    database.close()
    await assertRefuses(at, /newer/i)
  }))

test('a database file whose header is overwritten', () =>
  withFolder(async at => {
    const path = await makeDatabase(at)
    const file = await open(path, 'r+')
    await file.write(Buffer.alloc(100, 0x2a), 0, 100, 0)
    await file.close()
    await assertRefuses(at, /damaged .*\. Run "[^"]*verify[^"]*" while no server runs/)
  }))

test('a database file whose pages are overwritten', () =>
  withFolder(async at => {
    const path = await makeDatabase(at)
    const bytes = await readFile(path)
    await writeFile(path, bytes.fill(0x2a, pageBytes))
    await assertRefuses(at, /damaged/i)
  }))

test('a database file that was cut', () =>
  withFolder(async at => {
    const path = await makeDatabase(at)
    const file = await open(path, 'r+')
    const { size } = await file.stat()
    await file.truncate(Math.floor(size / 2))
    await file.close()
    await assertRefuses(at, /damaged/i)
  }))
