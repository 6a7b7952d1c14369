// What an administrator does: stop the server, move, change one line of the settings, start; and the same way back.
import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { awaitMessage, createAccount, listMailbox, readMessage } from '../../harness/mailboxes.ts'
import { type PostgresServer, startPostgres } from '../../harness/postgres-server.ts'
import { createServerFolder, type ServerFolder, startServer } from '../../harness/server-process.ts'

async function setStorage({ settingsFile }: ServerFolder, storage: string): Promise<void> {
  const text = await readFile(settingsFile, 'utf8')
  await writeFile(settingsFile, text.replace(/^storage = .*$/m, `storage = "${storage}"`))
}

/** A server that is started, takes a message, and is stopped. */
async function receive(at: ServerFolder, subject: string): Promise<void> {
  const server = await startServer(at)
  try {
    const envelope = ['--from', 'sender@example.net', '--to', 'anna@example.test']
    await at.postrider('send', ...envelope, '--subject', subject, '--body', `Text of ${subject}`)
    await awaitMessage(at, 'anna@example.test', subject)
  } finally {
    await server.stop()
  }
}

describe('an administrator', { timeout: 200_000 }, () => {
  let database: PostgresServer
  let at: ServerFolder
  before(async () => {
    database = await startPostgres({ settings: ['fsync = off'] })
    at = await createServerFolder({ settings: 'storage = "sqlite"' })
  })
  after(async () => {
    await at.remove()
    await database.stop()
  })

  it('goes from SQLite to PostgreSQL and back; mail stays, and UIDs go on', async () => {
    const uri = await database.createDatabase('postrider')
    await createAccount(at, 'anna@example.test', 'a password of some length')
    await receive(at, 'first')
    const said = await at.postrider('migrate', uri)
    assert.match(said, /Compared: \d+ rows the same in both\. 1 message \(\d+ B\) read in the new storage/)
    assert.match(said, /Now write this address as storage into the settings, and start the server/)
    assert.doesNotMatch(said, /secret/, 'the password is not repeated')
    await setStorage(at, uri)
    await receive(at, 'second')
    assert.match(await readMessage(at, 'anna@example.test', 'first'), /Text of first/)

    // Where it all came from is as it was, and so in the way.
    const refused = await at.tryPostrider('migrate', 'sqlite')
    assert.equal(refused.exitCode, 1)
    assert.match(refused.stderr, /move postrider\.sqlite and the folder mail away/)
    await rm(join(at.dataFolder, 'postrider.sqlite'))
    await rm(join(at.dataFolder, 'mail'), { recursive: true })
    assert.match(await at.postrider('migrate', 'sqlite'), /Now write storage = "sqlite" into the settings/)
    await setStorage(at, 'sqlite')
    await receive(at, 'third')
    assert.deepEqual(
      (await listMailbox(at, 'anna@example.test')).map(({ uid, subject }) => `${uid} ${subject}`).toSorted(),
      ['1 first', '2 second', '3 third'],
    )
    assert.match(await at.postrider('verify'), /is in order: 3 messages read/)
  })
})
