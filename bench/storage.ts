// npx node bench/storage.ts: what the storage alone takes and costs. The store runs in a thread of its own, as it does in the
// server; this thread is a front that keeps many messages in flight over one port. docs/benchmark.md has the whole server.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { isMainThread, MessageChannel, parentPort, Worker, workerData } from 'node:worker_threads'
import { acceptMessage } from '../src/queue/accept-message.ts'
import { claimDueWork } from '../src/queue/claim-due-work.ts'
import type { NewMessage } from '../src/queue/new-message.ts'
import { queueOperations } from '../src/queue/operations.ts'
import { createQueueIdMaker } from '../src/queue/queue-id.ts'
import { type Settlement, settle } from '../src/queue/settle.ts'
import { systemClock } from '../src/runtime/clock.ts'
import { systemRandom } from '../src/runtime/random.ts'
import { connectStorage } from '../src/storage/connect-storage.ts'
import { openLocalStorage } from '../src/storage/local-storage.ts'
import type { MailDataStore } from '../src/storage/mail-data.ts'
import { openMailDataFiles } from '../src/storage/mail-data-files.ts'
import { createMailDataStore } from '../src/storage/mail-data-store.ts'
import { createOperationRegistry, type Storage } from '../src/storage/operation.ts'
import { serveStorage } from '../src/storage/serve-storage.ts'
import { databaseFileName } from '../src/storage/sqlite-connection.ts'
import { findDiskFolder } from './environment.ts'

const owner = 'bench'
const claimSize = 500

if (isMainThread) await measure()
else await serve()

async function serve(): Promise<void> {
  const { folder, port } = workerData
  const storage = await openLocalStorage(folder)
  serveStorage(port, storage, createOperationRegistry(queueOperations))
  parentPort?.on('message', (message: 'cpu' | 'close') => {
    if (message === 'cpu') parentPort?.postMessage(process.threadCpuUsage())
    else
      void storage.close().then(() => {
        parentPort?.close()
      })
  })
  parentPort?.postMessage('ready')
}

interface Bench {
  readonly storage: Storage
  readonly mailData: MailDataStore
  readonly storeCpu: () => Promise<number>
}

async function measure(): Promise<void> {
  const { values } = parseArgs({
    options: {
      messages: { type: 'string', default: '20000' },
      bytes: { type: 'string', default: '2048' },
      'in-flight': { type: 'string', default: '100' },
      queued: { type: 'string', default: '0' },
      'accept-only': { type: 'boolean', default: false },
      folder: { type: 'string' },
    },
  })
  const messages = Number(values.messages)
  const inFlight = Number(values['in-flight'])
  const text = randomBytes(Math.ceil(Number(values.bytes) / 2))
    .toString('hex')
    .slice(0, Number(values.bytes))
  const folder = await mkdtemp(join(values.folder ?? findDiskFolder(), 'postrider-storage-'))
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
  const bench: Bench = {
    storage,
    mailData: createMailDataStore(openMailDataFiles(folder, systemRandom), storage),
    async storeCpu() {
      store.postMessage('cpu')
      const { user, system } = await answer<NodeJS.CpuUsage>()
      return user + system
    },
  }
  const nextQueueId = createQueueIdMaker(systemClock, 0)
  const compose = async (dueAt: number): Promise<NewMessage> =>
    composeMessage(bench.mailData, nextQueueId(), Buffer.from(text, 'latin1'), dueAt)

  if (Number(values.queued) > 0) {
    const later = systemClock.now() + 3_600_000
    await row(bench, 'fill the queue', Number(values.queued), inFlight, async () => {
      await storage.run(acceptMessage, await compose(later))
    })
  }
  await row(bench, 'warm up', 2000, inFlight, async () => {
    await storage.run(acceptMessage, await compose(systemClock.now()))
  })
  await row(bench, 'accept', messages, inFlight, async () => {
    await storage.run(acceptMessage, await compose(systemClock.now()))
  })
  if (!values['accept-only']) {
    await deliverRow(bench, 'claim, relayed', messages / 2, () => ({ kind: 'done' }))
    await deliverRow(bench, 'claim, filed', messages / 2, () => ({
      kind: 'file',
      accountId: 1,
      mailbox: 'INBOX',
      traceFields: 'Return-Path: <sender@elsewhere.test>\r\nDelivered-To: anna@example.test\r\n',
    }))
  }
  const { size } = await stat(join(folder, databaseFileName))
  const log = await stat(join(folder, `${databaseFileName}-wal`))
  process.stdout.write(
    `database ${(size / 1e6).toFixed(0)} MB, log ${(log.size / 1e6).toFixed(0)} MB; memory ${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB\n`,
  )
  await storage.close()
  store.postMessage('close')
  await new Promise(resolve => {
    store.once('exit', resolve)
  })
  await rm(folder, { recursive: true })
}

async function composeMessage(
  store: MailDataStore,
  id: number,
  text: Uint8Array,
  dueAt: number,
): Promise<NewMessage> {
  const writer = store.create()
  await writer.write(text)
  const mailData = await writer.finish()
  const forwardPath = { localPart: `anna.${id % 1000}`, domain: `example${id % 50}.test` }
  return {
    message: {
      id,
      reversePath: { localPart: 'sender', domain: 'elsewhere.test' },
      size: mailData.size,
      body: '8BITMIME',
      smtpUtf8: false,
      disposition: 'mail',
      acceptedAt: dueAt,
      expiresAt: dueAt + 5 * 86_400_000,
      language: 'en',
      isReport: false,
    },
    mailData,
    recipients: [{ forwardPath }],
    reception: {
      sessionId: 'ABCDEFGH',
      role: 'relay',
      remoteAddress: '192.0.2.7',
      heloName: 'mail.elsewhere.test',
      tls: 'TLSv1.3 TLS_AES_256_GCM_SHA384',
      reversePath: 'sender@elsewhere.test',
      recipients: [`${forwardPath.localPart}@${forwardPath.domain}`],
      size: mailData.size,
      connectedAt: dueAt,
    },
    held: false,
  }
}

/** Claims and settles as the delivery agent does, in batches, the next claim under way while the last is settled. */
async function deliverRow(
  bench: Bench,
  name: string,
  messages: number,
  result: () => Settlement['result'],
): Promise<void> {
  const { storage } = bench
  let left = messages
  await row(bench, name, messages, 1, async () => {
    if (left <= 0) return
    const now = systemClock.now()
    const work = await storage.run(claimDueWork, {
      now,
      leaseUntil: now + 300_000,
      owner,
      maxRecipients: Math.min(claimSize, left),
    })
    const settlements = work.flatMap(({ message, recipients }) =>
      recipients.map(
        (recipient): Settlement => ({
          messageId: message.id,
          recipientId: recipient.id,
          events: [
            {
              kind: 'attempted',
              recipient: `${recipient.forwardPath.localPart}@${recipient.forwardPath.domain}`,
              attempt: 1,
              outcome: { kind: 'delivered', mailbox: 'INBOX' },
            },
          ],
          result: result(),
        }),
      ),
    )
    if (settlements.length === 0) throw new Error('the queue is empty')
    left -= settlements.length
    await storage.run(settle, { owner, at: now, settlements, reports: [] })
  })
}

async function row(
  bench: Bench,
  name: string,
  messages: number,
  inFlight: number,
  once: () => Promise<void>,
): Promise<void> {
  let started = 0
  const storeBefore = await bench.storeCpu()
  const before = process.cpuUsage()
  const begun = performance.now()
  const latencies: number[] = []
  const one = async (): Promise<void> => {
    while (started < messages) {
      started++
      const from = performance.now()
      await once()
      latencies.push(performance.now() - from)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, one))
  const ms = performance.now() - begun
  const cpu = process.cpuUsage(before)
  const storeCpu = (await bench.storeCpu()) - storeBefore
  latencies.sort((a, b) => a - b)
  const at = (share: number): string =>
    (latencies[Math.floor(share * (latencies.length - 1))] ?? 0).toFixed(1)
  process.stdout.write(
    `${name.padEnd(16)} ${(messages / (ms / 1000)).toFixed(0).padStart(7)} messages/s` +
      `${(storeCpu / messages).toFixed(1).padStart(8)} µs CPU in the store` +
      `${((cpu.user + cpu.system) / messages).toFixed(1).padStart(8)} µs in all` +
      (inFlight > 1 ? `   latency ms: median ${at(0.5)}, 99 % ${at(0.99)}, longest ${at(1)}` : '') +
      '\n',
  )
}
