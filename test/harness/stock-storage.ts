// Fills a storage with accounts, mail and a queue, with something of everything that a server leaves there.
import type { Address } from '../../src/address/address.ts'
import { parseAddress } from '../../src/address/parse-address.ts'
import { createAccount, removeAccount } from '../../src/directory/accounts.ts'
import { createDomain } from '../../src/directory/domains.ts'
import { createRedirection } from '../../src/directory/redirections.ts'
import { fileMessage } from '../../src/mailbox/file-message.ts'
import { insertMessage } from '../../src/queue/insert-message.ts'
import type { NewMessage, NewRecipient } from '../../src/queue/new-message.ts'
import { createQueueIdMaker } from '../../src/queue/queue-id.ts'
import type { QueuedMessage } from '../../src/queue/records.ts'
import type { MailDataStore, StoredMailData } from '../../src/storage/mail-data.ts'
import { insertMailData } from '../../src/storage/mail-data-rows.ts'
import { defineWrite, type Storage, type Tx } from '../../src/storage/operation.ts'
import { appendEvent } from '../../src/trail/append-event.ts'
import { createManualClock } from './manual-clock.ts'
import { createSeededRandom } from './seeded-random.ts'

export interface Stock {
  /** Messages in mailboxes. */
  readonly messages: number
  readonly mailboxes: number
  /** Messages in the queue. */
  readonly queued: number
}

const start = Date.UTC(2026, 0, 1)
const domain = 'example.test'
const internationalDomain = 'пример.рф'
/** A hash of the right form that no password has. */
const noPassword = `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`
const perTransaction = 500
/** Every so many messages one is too large for its row, one is in two mailboxes, and one of the queue in a mailbox too. */
const largeEvery = 250
const sharedEvery = 10

const ownAddress = (n: number): Address => address(`user${n}@${domain}`)

export async function stockStorage(storage: Storage, mailData: MailDataStore, stock: Stock): Promise<void> {
  const accounts = await stockDirectory(storage, stock.mailboxes)
  const makeId = createQueueIdMaker(createManualClock(start), 0)
  const compose = createComposer(mailData)
  for (let first = 0; first < stock.messages; first += perTransaction) {
    const mails: Mail[] = []
    for (let n = first; n < Math.min(first + perTransaction, stock.messages); n++)
      mails.push({ n, id: makeId(), mailData: await compose(n, n % largeEvery === 7) })
    await storage.run(fileMails, { mails, accounts, last: stock.messages })
  }
  for (let first = 0; first < stock.queued; first += perTransaction) {
    const mails: Mail[] = []
    for (let n = first; n < Math.min(first + perTransaction, stock.queued); n++)
      mails.push({ n, id: makeId(), mailData: await compose(n, n % largeEvery === 3) })
    await storage.run(queueMails, { mails, accounts, last: stock.queued })
  }
}

/** The ids of the accounts. The last one to get an id has gone, so the next id is not the one after the greatest. */
async function stockDirectory(storage: Storage, mailboxes: number): Promise<readonly number[]> {
  await storage.run(createDomain, { name: domain, postmaster: undefined, at: start })
  await storage.run(createDomain, { name: 'xn--e1afmkfd.xn--p1ai', postmaster: undefined, at: start })
  const create = async (at: Address, name: string): Promise<number> =>
    (
      await storage.run(createAccount, {
        address: at,
        name,
        passwordHash: noPassword,
        language: name === '' ? 'en' : 'ru',
        enabled: name !== 'Выключена',
        at: start,
      })
    ).id
  const ids: number[] = []
  for (let n = 0; n < mailboxes; n++)
    ids.push(await create(ownAddress(n), n % 3 === 0 ? 'Анна Ивановна' : ''))
  await create(address(`анна@${internationalDomain}`), 'Выключена')
  await create(address(`gone@${domain}`), '')
  await storage.run(removeAccount, { address: address(`gone@${domain}`), withContents: true })
  const redirection = { name: 'Все', at: start } as const
  await storage.run(createRedirection, {
    ...redirection,
    kind: 'group',
    address: address(`all@${domain}`),
    targets: [ownAddress(0), address(`анна@${internationalDomain}`)],
  })
  await storage.run(createRedirection, {
    ...redirection,
    kind: 'alias',
    address: address(`info@${domain}`),
    targets: [address('somebody@elsewhere.example')],
  })
  return ids
}

interface Mail {
  readonly n: number
  readonly id: number
  readonly mailData: StoredMailData
}

interface Mails {
  readonly mails: readonly Mail[]
  readonly accounts: readonly number[]
  readonly last: number
}

const fileMails = defineWrite('test.file-mails', async (tx, { mails, accounts }: Mails) => {
  for (const { n, id, mailData } of mails) {
    // In two mailboxes: the second stands for the message after it.
    const isSecond = n % sharedEvery === 1
    const queueId = isSecond ? (mails.find(one => one.n === n - 1)?.id ?? id) : id
    if (!isSecond) {
      await insertMailData(tx, id, mailData)
      await appendEvent(tx, start + n, id, { kind: 'received', reception: receptionOf(n, mailData.size) })
    }
    await fileInto(tx, accounts, n, queueId)
  }
})

const queueMails = defineWrite('test.queue-mails', async (tx, { mails, accounts, last }: Mails) => {
  for (const { n, id, mailData } of mails) {
    await insertMessage(tx, queuedMessage(n, id, mailData))
    if (n % 4 === 1) await defer(tx, id, n)
    if (n % sharedEvery === 5) await fileInto(tx, accounts, n, id)
    // The greatest id has gone, and must not come back.
    if (n === last - 1)
      await tx.run('DELETE FROM queue_recipient WHERE id = (SELECT max(id) FROM queue_recipient)')
  }
})

async function fileInto(tx: Tx, accounts: readonly number[], n: number, queueId: number): Promise<void> {
  await fileMessage(tx, {
    accountId: accounts[n % accounts.length] ?? 0,
    mailbox: 'INBOX',
    traceFields: `Return-Path: <sender${n}@example.net>\r\nDelivered-To: user${n % accounts.length}@${domain}\r\n`,
    queueId,
    receivedAt: start + 1000 * n,
  })
}

async function defer(tx: Tx, id: number, n: number): Promise<void> {
  await tx.run(
    'UPDATE queue_recipient SET due_at = ?, attempts = ?, last_diagnosis = ?, delay_reported_at = ? WHERE message_id = ?',
    start + 3_600_000 + n,
    1 + (n % 5),
    'MX mail.пример.рф: 451 4.3.0 «позже» — try again later',
    n % 8 === 1 ? start + n : null,
    id,
  )
}

function queuedMessage(n: number, id: number, mailData: StoredMailData): NewMessage {
  return {
    message: messageOf(n, id, mailData.size),
    mailData,
    recipients: Array.from({ length: 1 + (n % 3) }, (_, index) => recipientOf(n, index)),
    reception: receptionOf(n, mailData.size),
    held: n % 50 === 9,
  }
}

function messageOf(n: number, id: number, size: number): QueuedMessage {
  const isReport = n % 20 === 11
  const isInternational = n % 6 === 2
  return {
    id,
    reversePath: isReport
      ? null
      : address(isInternational ? 'отправитель@пример.рф' : `sender${n}@example.net`),
    size,
    body: isInternational ? '8BITMIME' : '7BIT',
    smtpUtf8: isInternational,
    disposition: 'mail',
    ...(n % 7 === 3 && { ret: 'HDRS', envelopeId: `QQ+3D${n}` }),
    acceptedAt: start + n,
    expiresAt: start + n + 5 * 86_400_000,
    language: n % 9 === 0 ? 'ru' : 'en',
    ...(n % 5 === 0 && { accountId: 1 + (n % 7) }),
    isReport,
  }
}

function recipientOf(n: number, index: number): NewRecipient {
  const isInternational = n % 6 === 2
  return {
    forwardPath: address(
      isInternational ? `получатель${index}@пример.рф` : `r${n}.${index}@d${n % 97}.example`,
    ),
    ...(n % 7 === 3 && {
      notify: ['SUCCESS', 'DELAY'] as const,
      originalRecipient: `rfc822;r${n}+40d.example`,
    }),
    ...(n % 11 === 4 && { expandedFrom: [address(`all@${domain}`)] }),
  }
}

function receptionOf(n: number, size: number) {
  return {
    sessionId: `session-${n}`,
    role: 'relay',
    remoteAddress: '192.0.2.7',
    heloName: 'client.example.net',
    reversePath: `sender${n}@example.net`,
    recipients: [`user${n}@${domain}`],
    size,
    connectedAt: start + n,
  }
}

/** Texts of 0.5 to 4 KB, or of 70 KB to 600 KB, none like another. */
function createComposer(mailData: MailDataStore): (n: number, isLarge: boolean) => Promise<StoredMailData> {
  const random = createSeededRandom(1)
  const filler = Buffer.from(random.bytes(48 * 1024))
    .toString('base64')
    .replaceAll(/.{76}/g, '$&\r\n')
  return async (n, isLarge) => {
    const writer = mailData.create()
    await writer.write(Buffer.from(`Subject: Письмо ${n}\r\nMessage-ID: <${n}@example.net>\r\n\r\n`))
    const bytes = Math.floor(isLarge ? 70_000 + 530_000 * random.fraction() : 500 + 3500 * random.fraction())
    for (let left = bytes; left > 0; left -= filler.length) {
      const from = left < filler.length ? Math.floor(random.fraction() * (filler.length - left)) : 0
      await writer.write(Buffer.from(filler.slice(from, from + left)))
    }
    return await writer.finish()
  }
}

function address(text: string): Address {
  const parsed = parseAddress(text)
  if (!parsed) throw new Error(`not an address: ${text}`)
  return parsed
}
