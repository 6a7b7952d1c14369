// A server in the test's process over a PostgreSQL that the test troubles: short limits, and what an administrator reads.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, type TestContext } from 'node:test'
import { systemClock } from '../../src/runtime/clock.ts'
import type { Log } from '../../src/runtime/log.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { createMailDataStore } from '../../src/storage/mail-data-store.ts'
import { defineRead } from '../../src/storage/operation.ts'
import type { PostgresLimits } from '../../src/storage/postgres/limits.ts'
import { openMailDataChunks } from '../../src/storage/postgres/mail-data-chunks.ts'
import { openPostgresStorage, type PostgresStorage } from '../../src/storage/postgres/postgres-storage.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { eventually } from '../harness/eventually.ts'
import { addressOf, type PostgresServer, startPostgres } from '../harness/postgres-server.ts'
import { openConnection, type RawConnection, type RawReply } from '../harness/raw-connection.ts'

/** Far below the usual ones, so that a test of what lasts minutes takes seconds. */
export const shortLimits: PostgresLimits = {
  connectMs: 1000,
  statementMs: 1500,
  answerMs: 2000,
  idleInTransactionMs: 700,
  patienceMs: 300,
  lookPatienceMs: 3000,
}

export const receiver = 'anna@example.test'

export interface Node extends ComposedServer {
  /** What the administrator reads: 'error: the database does not answer …', from info on. */
  readonly logged: string[]
  readonly session: RawConnection
  /** The reply that ended the transaction, wherever that was. */
  send(subject: string, bodyBytes?: number): Promise<RawReply | undefined>
  /** The subjects in the mailbox of the receiver, sorted, when nothing is in the queue any more. */
  subjects(): Promise<string[]>
}

export interface DatabaseOfTest {
  readonly server: PostgresServer
  readonly name: string
  readonly uri: string
}

/** One server for all tests of a file, and on it a database for each. */
export function databasePerTest(settings: readonly string[]): DatabaseOfTest {
  let server: PostgresServer | undefined
  let count = 0
  let uri = ''
  const running = (): PostgresServer => server ?? assert.fail('before the first test there is no database')
  before(async () => {
    server = await startPostgres({ settings })
  })
  after(() => server?.stop())
  const own = {
    get server() {
      return running()
    },
    get name() {
      return `test_${count}`
    },
    get uri() {
      return uri
    },
  }
  beforeEach(async () => {
    count++
    uri = await running().createDatabase(own.name)
  })
  return own
}

export function collectLog(): { readonly log: Log; readonly logged: string[] } {
  const logged: string[] = []
  const write =
    (level: string) =>
    (message: string, fields: object = {}): void => {
      logged.push(`${level}: ${message} ${JSON.stringify(fields)}`)
    }
  return {
    logged,
    log: {
      isDebugEnabled: false,
      debug() {},
      info: write('info'),
      warn: write('warn'),
      error: (message, fields, cause) =>
        write('error')(message, cause instanceof Error ? { ...fields, thrown: cause.message } : fields),
    },
  }
}

export async function openStorage(
  t: TestContext,
  uri: string,
  log: Log,
  limits = shortLimits,
): Promise<PostgresStorage> {
  const storage = await openPostgresStorage(addressOf(uri), systemClock, log, limits)
  t.after(() => storage.close())
  return storage
}

export async function startNode(t: TestContext, uri: string, limits = shortLimits): Promise<Node> {
  const { log, logged } = collectLog()
  const folder = await mkdtemp(join(tmpdir(), 'postrider-node-'))
  const storage = await openPostgresStorage(addressOf(uri), systemClock, log, limits)
  const ends: (() => Promise<void>)[] = []
  t.after(async () => {
    for (const end of ends) await end()
    await storage.close()
    await rm(folder, { recursive: true, force: true })
  })
  const mailData = createMailDataStore(openMailDataChunks(storage, systemClock, systemRandom), storage)
  const server = await startComposedServer(t, {
    hostname: 'mail.example.test',
    domains: ['example.test'],
    accounts: [{ address: receiver }],
    storage: { storage, mailData, folder, beforeClose: end => void ends.push(end) },
    log,
  })
  const session = await openSession(t, server)
  return {
    ...server,
    logged,
    session,
    send: (subject, bodyBytes) => send(session, subject, bodyBytes),
    async subjects() {
      // Outcomes that could not be written during an outage, and leases whose claim got no answer, wait by the clock of the test.
      await eventually('nothing is in the queue', async () => {
        server.clock.advance(30_000)
        return (await storage.run(countQueued, undefined)) === 0 || undefined
      })
      const messages = await server.mailbox(receiver)
      return messages.map(message => /^Subject: (.*)$/m.exec(message)?.[1]?.trim() ?? '').toSorted()
    },
  }
}

const countQueued = defineRead('test.count-queued', async tx => {
  const row = await tx.get<{ count: number }>('SELECT count(*) AS count FROM queue_recipient')
  return row?.count
})

export async function openSession(t: TestContext, server: ComposedServer): Promise<RawConnection> {
  const session = await openConnection(server.port('relay'))
  t.after(() => session.destroy())
  await session.reply()
  await session.command('EHLO client.example.org')
  return session
}

const lineBytes = 76
const maxLines = 1000

export async function send(
  session: RawConnection,
  subject: string,
  bodyBytes = 100,
): Promise<RawReply | undefined> {
  for (const line of ['RSET', 'MAIL FROM:<a@example.org>', `RCPT TO:<${receiver}>`, 'DATA']) {
    const reply = await session.command(line)
    if (reply === undefined || reply.code >= 400) return reply
  }
  await session.write(`Subject: ${subject}\r\n\r\n`)
  // Nothing that the database could make smaller.
  const text = randomBytes(Math.ceil((bodyBytes * 3) / 4)).toString('base64')
  for (let from = 0; from < text.length; from += lineBytes * maxLines)
    await session.write(text.slice(from, from + lineBytes * maxLines).replaceAll(/.{1,76}/g, '$&\r\n'))
  return await session.command('.')
}
