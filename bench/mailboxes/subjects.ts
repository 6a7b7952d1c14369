// The servers whose mailboxes are measured, each with accounts user0, user1 … and LMTP on a UNIX socket.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { databaseFileName } from '../../src/storage/sqlite-connection.ts'
import { dovecotPassword, startDovecot } from '../../test/harness/dovecot.ts'
import { createServerFolder, startServer } from '../../test/harness/server-process.ts'

export interface MailboxServer {
  readonly name: 'Dovecot' | 'Postrider'
  /** The root of its process tree. */
  readonly pid: number
  readonly imapPort: number
  readonly lmtpSocket: string
  readonly password: string
  /** It has done what it puts off: indexes and the like. */
  settle(): Promise<void>
  stop(): Promise<void>
}

export function userName(number: number): string {
  return `user${number}@example.test`
}

export async function startDovecotSubject(users: number, folder: string): Promise<MailboxServer> {
  const accounts = Array.from({ length: users }, (_, number) => ({ address: userName(number) }))
  const dovecot = await startDovecot(accounts, { parentFolder: folder, settings: dovecotSettings })
  return {
    name: 'Dovecot',
    pid: dovecot.pid(),
    imapPort: dovecot.imapPort,
    lmtpSocket: dovecot.lmtpSocket,
    password: dovecotPassword,
    settle: () => Promise.resolve(),
    stop: () => dovecot.remove(),
  }
}

/** As whoever knows it sets it up for many sessions: all from one address here, each with a process of its own. */
const dovecotSettings = `mail_max_userip_connections = 0
maildir_very_dirty_syncs = yes
auth_cache_size = 10 M
service imap-login {
  service_count = 0
  client_limit = 10000
  process_min_avail = 2
}
service imap {
  process_limit = 10000
}
service lmtp {
  process_min_avail = 8
}
default_vsz_limit = 1 G
`

export async function startPostriderSubject(
  users: number,
  folder: string,
  fill?: (dataFolder: string) => Promise<void>,
): Promise<MailboxServer> {
  const lmtpSocket = join(folder, `lmtp-${process.pid}`)
  const at = await createServerFolder({
    parentFolder: folder,
    listeners: [
      { role: 'relay', address: '127.0.0.1', port: 0 },
      { role: 'imap', address: '127.0.0.1', port: 0 },
    ],
    tables: [
      '[[lmtp]]',
      `path = ${JSON.stringify(lmtpSocket)}`,
      '[limits]',
      'maxTransactionsPerSession = 1000000',
      '[imap]',
      'maxConnections = 20000',
      'maxConnectionsPerAddress = 20000',
      '[submission]',
      'allowPlaintextAuthOnLoopback = true',
    ].join('\n'),
  })
  await at.postrider('domain', 'create', 'example.test')
  for (let number = 0; number < users; number++)
    await at.postrider('account', 'create', userName(number), '--password', password)
  // Before it runs.
  await fill?.(at.dataFolder)
  const server = await startServer(at)
  return {
    name: 'Postrider',
    pid: server.pid,
    imapPort: server.port('imap'),
    lmtpSocket,
    password,
    settle: () => awaitIndex(at.dataFolder),
    async stop() {
      await server.stop()
      await at.remove()
    },
  }
}

/** Searches are to be answered by the index: it is written behind what comes in (docs/adr/0035). */
async function awaitIndex(dataFolder: string): Promise<void> {
  const database = new DatabaseSync(join(dataFolder, databaseFileName), { readOnly: true })
  const countWanted = database.prepare('SELECT count(*) AS wanted FROM words_wanted')
  while (countWanted.get()?.['wanted'] !== 0) await sleep(100)
  database.close()
}

const password = 'secret of the bench'
