// npx node bench/search.ts: what the index of words costs (docs/adr/0035), and what searches take with it. The store runs in a thread of
// its own, as in the server; this thread reads the messages as the delivery thread does, and searches as a session does.
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { isMainThread, MessageChannel, parentPort, Worker, workerData } from 'node:worker_threads'
import type { SearchKey } from '../src/imap/grammar/commands/search.ts'
import { isRefusal, type SelectedMailbox } from '../src/imap/server/mailbox-services.ts'
import { AccountMailboxes } from '../src/mail-access/account-mailboxes.ts'
import { createMailboxChanges } from '../src/mail-access/mailbox-changes.ts'
import { fileMessage } from '../src/mailbox/file-message.ts'
import { flags } from '../src/mailbox/message-state.ts'
import { mailboxOperations } from '../src/mailbox/operations.ts'
import { noLimit } from '../src/mailbox/quota.ts'
import { createMessageReader } from '../src/main/message-reader.ts'
import { createQueueIdMaker } from '../src/queue/queue-id.ts'
import { systemClock } from '../src/runtime/clock.ts'
import { silentLog } from '../src/runtime/log.ts'
import { OneByOne } from '../src/runtime/one-by-one.ts'
import { systemRandom } from '../src/runtime/random.ts'
import { connectStorage } from '../src/storage/connect-storage.ts'
import { openLocalStorage } from '../src/storage/local-storage.ts'
import type { MailDataStore, StoredMailData } from '../src/storage/mail-data.ts'
import { openMailDataFiles } from '../src/storage/mail-data-files.ts'
import { insertMailData } from '../src/storage/mail-data-rows.ts'
import { createMailDataStore } from '../src/storage/mail-data-store.ts'
import { createOperationRegistry, defineRead, defineWrite, type Storage } from '../src/storage/operation.ts'
import { serveStorage } from '../src/storage/serve-storage.ts'
import { ComposedMail, planted } from './composed-mail.ts'
import { findDiskFolder } from './environment.ts'

const accountId = 1
const perTransaction = 1000
const everyMs = 5

interface Stocked {
  readonly id: number
  readonly mailData: StoredMailData
}

const stock = defineWrite('bench.stock', async (tx, messages: readonly Stocked[]) => {
  for (const { id, mailData } of messages) {
    await insertMailData(tx, id, mailData)
    // Every tenth has not been seen.
    const state = id % 10 === 0 ? 0 : flags.seen
    await fileMessage(tx, {
      accountId,
      mailbox: 'INBOX',
      traceFields: '',
      queueId: id,
      receivedAt: systemClock.now(),
      flags: state,
    })
  }
})

/** A write that does nothing: how long others wait for their turn. */
const knock = defineWrite('bench.knock', async tx => {
  await tx.run('DELETE FROM structure_wanted WHERE mail_data_id = -1')
})

const readPages = defineRead(
  'bench.read-pages',
  async tx => (await tx.get<{ page_count: number }>('PRAGMA page_count'))?.page_count ?? 0,
)

if (isMainThread) await measure()
else await serve()

async function serve(): Promise<void> {
  const { folder, port } = workerData
  const storage = await openLocalStorage(folder)
  serveStorage(port, storage, createOperationRegistry([...mailboxOperations, stock, knock]))
  parentPort?.on('message', (message: 'cpu' | 'close') => {
    if (message === 'cpu') parentPort?.postMessage(process.threadCpuUsage())
    else void storage.close().then(() => parentPort?.close())
  })
  parentPort?.postMessage('ready')
}

async function measure(): Promise<void> {
  const { values } = parseArgs({
    options: {
      messages: { type: 'string', default: '100000' },
      bytes: { type: 'string', default: '4096' },
      folder: { type: 'string' },
      without: { type: 'boolean', default: false },
    },
  })
  const messages = Number(values.messages)
  const bytes = Number(values.bytes)
  const folder = await mkdtemp(join(values.folder ?? findDiskFolder(), 'postrider-search-'))
  const { port1, port2 } = new MessageChannel()
  const store = new Worker(new URL(import.meta.url), {
    workerData: { folder, port: port2 },
    transferList: [port2],
  })
  const answer = <Output>(): Promise<Output> =>
    new Promise((resolve, reject) => {
      store.once('message', resolve)
      store.once('error', reject)
    })
  await answer()
  const storage = connectStorage(port1, folder)
  const mailData = createMailDataStore(openMailDataFiles(folder, systemRandom), storage)
  const storeCpu = async (): Promise<number> => {
    store.postMessage('cpu')
    const { user, system } = await answer<NodeJS.CpuUsage>()
    return user + system
  }
  tell(`${messages} messages of about ${bytes} bytes`)
  await fill(storage, mailData, messages, bytes)
  const before = await storage.run(readPages, undefined)
  tell(`mailbox filled: ${megabytes(before)} MB`)
  if (!values.without) {
    await index({ storage, mailData, storeCpu, messages })
    const after = await storage.run(readPages, undefined)
    tell(`index, structures among it: ${megabytes(after - before)} MB beside ${megabytes(before)} MB`)
  }
  await search(storage, mailData)
  await storage.close()
  store.postMessage('close')
  await new Promise(resolve => {
    store.once('exit', resolve)
  })
  await rm(folder, { recursive: true })
}

async function fill(
  storage: Storage,
  mailData: MailDataStore,
  messages: number,
  bytes: number,
): Promise<void> {
  const mail = new ComposedMail(1)
  const nextId = createQueueIdMaker(systemClock, 0)
  for (let first = 0; first < messages; first += perTransaction) {
    const batch: Stocked[] = []
    for (let n = first; n < Math.min(first + perTransaction, messages); n++) {
      const writer = mailData.create()
      await writer.write(mail.compose(n, bytes))
      batch.push({ id: nextId(), mailData: await writer.finish() })
    }
    await storage.run(stock, batch)
  }
}

interface Indexing {
  readonly storage: Storage
  readonly mailData: MailDataStore
  readonly storeCpu: () => Promise<number>
  readonly messages: number
}

async function index({ storage, mailData, storeCpu, messages }: Indexing): Promise<void> {
  const reader = createMessageReader({ storage, mailData, clock: systemClock, log: silentLog })
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const waits: number[] = []
  const knocking = setInterval(() => {
    const from = performance.now()
    void storage.run(knock, undefined).then(() => waits.push(performance.now() - from))
  }, everyMs)
  const storeBefore = await storeCpu()
  const cpuBefore = process.threadCpuUsage()
  const begun = performance.now()
  delay.enable()
  await reader.look()
  delay.disable()
  const ms = performance.now() - begun
  clearInterval(knocking)
  const { user, system } = process.threadCpuUsage(cpuBefore)
  const perMessage = (us: number): string => `${(us / messages).toFixed(0)} µs`
  const sorted = waits.toSorted((a, b) => a - b)
  tell(
    `indexed in ${(ms / 1000).toFixed(1)} s, ${((messages / ms) * 1000).toFixed(0)} messages a second; CPU per message ` +
      `${perMessage(user + system)} to read, ${perMessage((await storeCpu()) - storeBefore)} to write`,
  )
  tell(
    `meanwhile a write waits ${formatMs(sorted[sorted.length >> 1])} (median), ${formatMs(sorted[Math.floor(sorted.length * 0.99)])} (99 %), ` +
      `${formatMs(sorted.at(-1))} (longest); the event loop at most ${formatMs(delay.max / 1e6)}`,
  )
}

async function search(storage: Storage, mailData: MailDataStore): Promise<void> {
  const parts = {
    storage,
    mailData,
    clock: systemClock,
    changes: createMailboxChanges(storage),
    hostname: 'mail.example.test',
    random: systemRandom,
    usualQuota: noLimit,
    sorting: new OneByOne<number>(),
    nextQueueId: () => 0,
  }
  const selected = await new AccountMailboxes(parts, accountId).select('INBOX', {
    access: 'read-only',
    quickResync: undefined,
    tellsRecent: false,
  })
  if (isRefusal(selected)) throw new Error(selected.refused)
  const text = (of: string): SearchKey => ({ kind: 'text', text: of })
  const from: SearchKey = { kind: 'header', field: 'from', text: planted.author }
  const unseen: SearchKey = { kind: 'not', key: { kind: 'flag', flag: '\\Seen' } }
  const today: SearchKey = { kind: 'date', of: 'internal', relation: 'since', day: 0 }
  for (const [name, key] of [
    ['TEXT of a rare word', text(planted.rare)],
    ['TEXT of the beginning of it', text(planted.rare.slice(0, 5))],
    ['TEXT of a word in every second', text(planted.frequent)],
    ['TEXT of no word that is there', text('nosuchword')],
    ['TEXT of two words', text(planted.phrase)],
    ['two TEXT keys', { kind: 'and', keys: [text(planted.frequent), text(planted.rare)] }],
    ['FROM', from],
    ['FROM and a frequent word', { kind: 'and', keys: [from, text(planted.frequent)] }],
    ['UNSEEN and a frequent word', { kind: 'and', keys: [unseen, text(planted.frequent)] }],
    ['SINCE and a rare word', { kind: 'and', keys: [today, text(planted.rare)] }],
    ['NOT a frequent word', { kind: 'not', key: text(planted.frequent) }],
  ] as const)
    await searchRow(selected, name, key)
}

async function searchRow(mailbox: SelectedMailbox, name: string, key: SearchKey): Promise<void> {
  const times: number[] = []
  let count = 0
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  for (let round = 0; round < 3; round++) {
    const begun = performance.now()
    const found = await mailbox.search({ by: 'uid', key, saves: undefined })
    times.push(performance.now() - begun)
    if (isRefusal(found)) throw new Error(found.refused)
    count = found.numbers.length
  }
  delay.disable()
  const [first, ...others] = times
  tell(
    `${name.padEnd(32)} ${String(count).padStart(6)} found in ${formatMs(first)}, again ${formatMs(Math.min(...others))}; ` +
      `the event loop at most ${formatMs(delay.max / 1e6)}`,
  )
}

function megabytes(pages: number): string {
  return ((pages * 8192) / 1e6).toFixed(0)
}

function formatMs(ms = Number.NaN): string {
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`)
}
