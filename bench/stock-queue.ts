// Puts a long queue straight into the data folder of a server that does not run: in the tables that it would have filled
// itself, in large transactions.
import { createHash } from 'node:crypto'
import { parseAddress } from '../src/address/parse-address.ts'
import { insertMessage } from '../src/queue/insert-message.ts'
import type { NewMessage } from '../src/queue/new-message.ts'
import { createQueueIdMaker } from '../src/queue/queue-id.ts'
import { openLocalStorage } from '../src/storage/local-storage.ts'
import { defineWrite } from '../src/storage/operation.ts'
import { createManualClock } from '../test/harness/manual-clock.ts'

export interface StockMessage {
  readonly sender: string
  readonly recipient: string
}

export interface Stock {
  /** Each with one recipient. */
  readonly messages: number
  readonly messageBytes: number
  readonly messageAt: (n: number) => StockMessage
  /** As a first attempt leaves it that was made an hour ago; else it is new. */
  readonly isDeferred: boolean
  /** So often each of them is there, which takes a fraction of the time that others would. */
  readonly times?: number
}

const perTransaction = 5000
const hourMs = 3_600_000
const dayMs = 24 * hourMs

export async function stockQueue(dataFolder: string, stock: Stock): Promise<void> {
  const storage = await openLocalStorage(dataFolder)
  try {
    const acceptedAt = Date.now() - hourMs
    const makeId = createQueueIdMaker(createManualClock(acceptedAt), 0)
    for (let first = 0; first < stock.messages; first += perTransaction) {
      const messages = Array.from({ length: Math.min(perTransaction, stock.messages - first) }, (_, index) =>
        composeMessage(makeId(), acceptedAt, first + index, stock),
      )
      await storage.run(insertMessages, messages)
      if (stock.isDeferred) await storage.run(deferNew, { dueFrom: Date.now() + hourMs })
    }
    for (let copy = 1; copy < (stock.times ?? 1); copy++)
      await storage.run(copyMessages, { copy, ofFirst: stock.messages })
  } finally {
    await storage.close()
  }
}

const insertMessages = defineWrite('bench.insert-messages', async (tx, messages: readonly NewMessage[]) => {
  for (const message of messages) await insertMessage(tx, message)
})

/** Due over four hours, the first of them in an hour: none of them while a figure is taken. */
const deferNew = defineWrite('bench.defer-new', async (tx, { dueFrom }: { readonly dueFrom: number }) => {
  await tx.run(
    `UPDATE queue_recipient SET attempts = 1, due_at = ? + (id * 7919) % ${4 * hourMs},
      last_diagnosis = 'mx.' || domain || ': 451 4.3.0 Try again later', last_host = 'mx.' || domain, last_cause = 'refused-for-now'
      WHERE id > (SELECT COALESCE(max(id), 0) - ${perTransaction} FROM queue_recipient) AND attempts = 0`,
    dueFrom,
  )
})

/** Of the first messages, each under a queue id of its own behind all that are there. */
const copyMessages = defineWrite(
  'bench.copy-messages',
  async (tx, { copy, ofFirst }: { readonly copy: number; readonly ofFirst: number }) => {
    const first = `(SELECT id FROM queue_message ORDER BY id LIMIT ${ofFirst})`
    const range = await tx.get<{ least: number; most: number }>(
      `SELECT min(id) AS least, max(id) AS most FROM ${first}`,
    )
    if (!range) throw new Error('nothing to copy')
    const shift = copy * (range.most - range.least + 1)
    for (const [table, shifted] of Object.entries<readonly string[]>(shiftedColumns)) {
      const columns = await tx.all<{ name: string }>(`SELECT name FROM pragma_table_info('${table}')`)
      // A recipient's own id is the database's to give.
      const names = columns
        .map(({ name }) => name)
        .filter(name => table !== 'queue_recipient' || name !== 'id')
      const values = names.map(name => (shifted.includes(name) ? `${name} + ${shift}` : name))
      await tx.run(
        `INSERT INTO ${table} (${names.join(', ')}) SELECT ${values.join(', ')} FROM ${table}
          WHERE ${shifted[0]} BETWEEN ? AND ?`,
        range.least,
        range.most,
      )
    }
  },
)

/** Queue ids; the first one of each tells which rows are meant. */
const shiftedColumns = {
  mail_data: ['id'],
  queue_message: ['id', 'mail_data_id'],
  queue_recipient: ['message_id'],
} as const satisfies Record<string, readonly string[]>

function composeMessage(
  id: number,
  acceptedAt: number,
  n: number,
  { messageBytes, messageAt }: Stock,
): NewMessage {
  const { sender, recipient } = messageAt(n)
  const header = `From: <${sender}>\r\nTo: <${recipient}>\r\nSubject: Number ${n}\r\nMessage-ID: <${n}@example.org>\r\n\r\n`
  const line = `${'x'.repeat(70)}\r\n`
  const bytes = Buffer.from(header + line.repeat(Math.max(1, Math.ceil((messageBytes - header.length) / 72))))
  return {
    message: {
      id,
      reversePath: addressOf(sender),
      size: bytes.length,
      body: '7BIT',
      smtpUtf8: false,
      disposition: 'mail',
      acceptedAt,
      expiresAt: acceptedAt + 5 * dayMs,
      language: 'en',
      isReport: false,
    },
    mailData: {
      size: bytes.length,
      checksum: createHash('sha256').update(bytes).digest(),
      location: { kind: 'inline', bytes },
    },
    recipients: [{ forwardPath: addressOf(recipient) }],
    held: false,
  }
}

function addressOf(text: string) {
  const address = parseAddress(text)
  if (!address) throw new Error(`not an address: ${text}`)
  return address
}
