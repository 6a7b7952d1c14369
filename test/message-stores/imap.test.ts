// Mail comes from an IMAP server, here our own: once, also over a connection that breaks, and marks nothing as read there.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { ListCommand } from '../../src/imap/grammar/commands/list.ts'
import { createImapServer } from '../../src/imap/server/create-imap-server.ts'
import { isRefusal, type ListedWithStatus } from '../../src/imap/server/mailbox-services.ts'
import { AccountMailboxes } from '../../src/mail-access/account-mailboxes.ts'
import { createMailboxChanges } from '../../src/mail-access/mailbox-changes.ts'
import type { AccessParts } from '../../src/mail-access/parts.ts'
import { copyMessages } from '../../src/mailbox/copy-messages.ts'
import { findMailbox } from '../../src/mailbox/name-operations.ts'
import { noLimit } from '../../src/mailbox/quota.ts'
import type { ImapServerAddress } from '../../src/message-stores/imap/imap-connection.ts'
import { openImap } from '../../src/message-stores/imap/read-imap.ts'
import type { MessageStore } from '../../src/message-stores/message-store.ts'
import { firstQueueIdAt } from '../../src/queue/queue-id.ts'
import { OneByOne } from '../../src/runtime/one-by-one.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { testSecureContext } from '../harness/secure-context.ts'
import { startTcpProxy } from '../harness/tcp-proxy.ts'
import { openTestStorage } from '../harness/test-storage.ts'
import { appendTo } from '../mail-access/open-account.ts'
import { counts, type Imports, openImports } from './open-imports.ts'

const sourceId = 7
const received = Date.UTC(2024, 0, 1)

interface Source extends Imports {
  readonly port: number
  append(mailbox: string, text: string, flags?: readonly string[]): Promise<void>
  store(own?: Partial<ImapServerAddress>, wait?: (ms: number) => Promise<void>): MessageStore
}

/** Attributes that LIST adds to a mailbox. */
type Attributes = Readonly<Record<string, readonly string[]>>

class MarkedMailboxes extends AccountMailboxes {
  readonly #attributes: Attributes

  constructor(parts: AccessParts, attributes: Attributes) {
    super(parts, sourceId)
    this.#attributes = attributes
  }

  override async *list(query: Omit<ListCommand, 'verb'>): AsyncGenerator<readonly ListedWithStatus[]> {
    for await (const batch of super.list(query))
      yield batch.map(one => ({
        ...one,
        mailbox: {
          ...one.mailbox,
          attributes: [...one.mailbox.attributes, ...(this.#attributes[one.mailbox.name] ?? [])],
        },
      }))
  }
}

async function openSource(
  t: Parameters<typeof openTestStorage>[0],
  attributes: Attributes = {},
): Promise<Source> {
  const imports = openImports(await openTestStorage(t))
  const { storage, mailData } = imports
  let lastId = firstQueueIdAt(Date.UTC(2026, 0, 1))
  const parts: AccessParts = {
    hostname: 'mail.example.test',
    random: systemRandom,
    storage,
    mailData,
    clock: createManualClock(),
    changes: createMailboxChanges(storage),
    nextQueueId: () => ++lastId,
    usualQuota: noLimit,
    sorting: new OneByOne(),
  }
  const server = createImapServer({
    hostname: 'mail.example.test',
    listeners: [{ role: 'imap', address: '127.0.0.1', port: 0 }],
    allowPlaintextAuthOnLoopback: true,
    tls: { secureContext: testSecureContext },
    services: {
      authenticate: (_, name, password) =>
        Promise.resolve(password === 'secret' ? { id: sourceId, address: name } : undefined),
      verifyToken: (_, name, token) =>
        Promise.resolve(
          token === 'good' ? { id: sourceId, address: name } : { refused: 'token-expired' as const },
        ),
      openMailboxes: () => new MarkedMailboxes(parts, attributes),
    },
  })
  imports.beforeClose(() => server.close())
  const [listener] = await server.listen()
  const port = listener?.port ?? 0
  const mailboxes = new AccountMailboxes(parts, sourceId)
  return {
    ...imports,
    port,
    async append(mailbox, text, flags = []) {
      if (mailbox !== 'INBOX') await mailboxes.create({ mailbox, specialUse: [] })
      const target = await mailboxes.append(mailbox, undefined)
      assert.ok(!isRefusal(target))
      await appendTo(target, text, flags, received)
      assert.ok(!isRefusal(await target.commit()))
    },
    store: (own = {}, wait = () => Promise.resolve()) =>
      openImap(
        {
          host: '127.0.0.1',
          port,
          tls: 'never',
          verifyCertificate: true,
          user: 'boris@example.test',
          credential: { kind: 'password', value: 'secret' },
          ...own,
        },
        { wait },
      ),
  }
}

/** Lines that compression makes little of: so much goes over the wire. */
function lines(count: number, seed: string): string {
  const line = (number: number): string => createHash('sha256').update(`${seed} ${number}`).digest('base64')
  return Array.from({ length: count }, (_, number) => `${line(number)}\r\n`).join('')
}

const large = `Subject: large\r\n\r\n${lines(40_000, 'large')}`

test('folders, flags, times and texts come, and a second time nothing', async t => {
  const source = await openSource(t)
  await source.append('INBOX', 'Subject: one\r\n\r\n', ['\\Seen', '\\Flagged', 'work'])
  await source.append('INBOX', 'Subject: two\r\n\r\n')
  await source.append('Почта/R&D', large, ['\\Draft'])
  const before = await source.everything(sourceId)
  const report = await source.bring(source.store())
  assert.deepEqual(counts(report), [
    'INBOX → INBOX: 2 brought, 0 there, 0 refused',
    'Почта → Почта: 0 brought, 0 there, 0 refused',
    'Почта/R&D → Почта/R&D: 1 brought, 0 there, 0 refused',
  ])
  assert.deepEqual(await source.everything(), before)
  assert.deepEqual(await source.everything(sourceId), before)
  await source.append('INBOX', 'Subject: three\r\n\r\n')
  assert.deepEqual(counts(await source.bring(source.store())), [
    'INBOX → INBOX: 1 brought, 2 there, 0 refused',
    'Почта → Почта: 0 brought, 0 there, 0 refused',
    'Почта/R&D → Почта/R&D: 0 brought, 1 there, 0 refused',
  ])
})

test('a connection that breaks is made again, and no message comes twice or not at all', async t => {
  const source = await openSource(t)
  for (let number = 0; number < 120; number++)
    await source.append('INBOX', `Subject: ${number}\r\n\r\n${lines(100, String(number))}`)
  await source.append('INBOX', large)
  const proxy = await startTcpProxy(source.port)
  t.after(() => proxy.close())
  // Four times in the middle of what the server says: of small messages, and of the large one.
  const ofConnection = new Map<number, number>()
  proxy.fromServer = (bytes, connection) => {
    const sum = (ofConnection.get(connection) ?? 0) + bytes.length
    ofConnection.set(connection, sum)
    if (connection > 4 || sum < 100_000 * connection) return bytes
    proxy.reset()
    return undefined
  }
  const waits: number[] = []
  const store = source.store({ port: proxy.port }, ms => {
    waits.push(ms)
    return Promise.resolve()
  })
  assert.deepEqual(counts(await source.bring(store)), ['INBOX → INBOX: 121 brought, 0 there, 0 refused'])
  assert.equal(proxy.connections, 5)
  assert.equal(waits.length, 4)
  assert.deepEqual(await source.lines('INBOX'), await source.lines('INBOX', sourceId))
})

test('what is told of folders that show the messages of others', async t => {
  const source = await openSource(t, {
    'All Mail': ['\\All'],
    Starred: ['\\Flagged'],
    Work: ['\\Sent'],
  })
  await source.append('INBOX', 'Subject: one\r\n\r\n')
  await source.append('Work', 'Subject: two\r\n\r\n')
  await source.append('All Mail', 'Subject: archived\r\n\r\n')
  await source.append('Starred', 'Subject: seen elsewhere\r\n\r\n')
  for (const name of ['INBOX', 'Work']) {
    const mailbox = await source.storage.run(findMailbox, { accountId: sourceId, name })
    assert.ok(mailbox)
    const copied = await source.storage.run(copyMessages, {
      from: { accountId: sourceId, mailboxId: mailbox.id, uidValidity: mailbox.uidValidity },
      ranges: [{ first: 1, last: 1 }],
      to: { accountId: sourceId, name: 'All Mail' },
      now: received,
    })
    assert.equal(copied.kind, 'copied')
  }
  const store = source.store()
  assert.deepEqual(counts(await source.bring(store)), [
    'INBOX → INBOX: 1 brought, 0 there, 0 refused',
    'Work → Work: 1 brought, 0 there, 0 refused',
    'All Mail → All Mail: 1 brought, 0 there, 0 refused',
  ])
  assert.deepEqual(store.remarks, ['Starred shows messages of other folders, and was passed over.'])
  assert.match((await source.lines('All Mail')).join(), /^\S+ {2}\| Subject: archived\r\n\r\n$/)
})

test('a wrong password, a certificate that is not good, no server: each is said, with what to do', async t => {
  const source = await openSource(t)
  const fails = async (own: Partial<ImapServerAddress>): Promise<string> => {
    try {
      await source.bring(source.store(own))
    } catch (cause) {
      return (cause as Error).message
    }
    return assert.fail('it has to fail')
  }
  assert.match(
    await fails({ credential: { kind: 'password', value: 'wrong' } }),
    /refuses the log-in of boris@example\.test\..* Look at name and password/,
  )
  assert.match(
    await fails({ credential: { kind: 'token', value: 'worn' } }),
    /refuses the log-in of boris@example\.test/,
  )
  assert.match(
    await fails({ tls: 'starttls' }),
    /The certificate of 127\.0\.0\.1, port \d+ is not good .*--insecure/,
  )
  assert.match(await fails({ tls: 'implicit' }), /No IMAP at 127\.0\.0\.1, port \d+ with TLS implicit/)
  assert.match(await fails({ host: 'imap.example.test' }), /could be read on its way/)
  await source.append('INBOX', 'Subject: one\r\n\r\n')
  const report = await source.bring(
    source.store({ tls: 'starttls', verifyCertificate: false, credential: { kind: 'token', value: 'good' } }),
  )
  assert.deepEqual(counts(report), ['INBOX → INBOX: 1 brought, 0 there, 0 refused'])
})
