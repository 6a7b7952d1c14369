// What it takes to find a message in a trail of a million events: by its queue id, by address, and by what else is known of it.
// As the command does it: a connection of its own to the database, opened for each question.
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { QueueId } from '../src/queue/queue-id.ts'
import { openLocalStorage } from '../src/storage/local-storage.ts'
import type { Storage } from '../src/storage/operation.ts'
import { databaseFileName } from '../src/storage/sqlite-connection.ts'
import { SqliteReader } from '../src/storage/sqlite-reader.ts'
import type { TrailRecord } from '../src/trail/events.ts'
import { findMessages } from '../src/trail/find-messages.ts'
import { type TrailKey, trailKeys } from '../src/trail/keys.ts'
import { appendTrail, trailOfMessage } from '../src/trail/operations.ts'
import { indexTrail, wantsIndex } from '../src/trail/segments.ts'
import { findDiskFolder } from './environment.ts'

export interface TrailFigures {
  readonly events: number
  readonly databaseBytes: number
  /** µs for each event, in the writer. */
  readonly appendUs: number
  readonly indexUs: number
  readonly searches: readonly TrailSearchFigures[]
}

export interface TrailSearchFigures {
  readonly what: string
  /** Of each question the messages found. */
  readonly found: number
  readonly medianMs: number
  readonly longestMs: number
}

const questions = 20
const recordsPerWrite = 2000
const limit = 50
const start = Date.UTC(2026, 0, 1)

export async function measureTrail(events: number, parentFolder: string): Promise<TrailFigures> {
  const folder = await mkdtemp(join(parentFolder, 'trail-'))
  try {
    const messages = Math.floor(events / 2)
    const storage = await openLocalStorage(folder)
    const appendUs = await measure(events, () => fill(storage, messages))
    const indexUs = await measure(events, () => index(storage))
    await storage.close()
    const searches = await measureSearches(folder, messages)
    const { size } = await stat(join(folder, databaseFileName))
    return { events, databaseBytes: size, appendUs, indexUs, searches }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function measure(events: number, work: () => Promise<void>): Promise<number> {
  const begun = performance.now()
  await work()
  return ((performance.now() - begun) * 1000) / events
}

/** Every hundredth recipient is one of few: there is somebody whom everybody writes to. */
function recipientOf(n: number, messages: number): string {
  return n % 100 === 0
    ? `popular${n % 10}@example.org`
    : `r${(n * 7919) % Math.ceil(messages / 20)}@d${n % 5000}.test`
}

async function fill(storage: Storage, messages: number): Promise<void> {
  let records: TrailRecord[] = []
  for (let n = 0; n < messages; n++) {
    const recipient = recipientOf(n, messages)
    records.push(...composeRecords(n, recipient))
    if (records.length < recordsPerWrite) continue
    await storage.run(appendTrail, records)
    records = []
  }
  await storage.run(appendTrail, records)
}

function queueIdOf(n: number): QueueId {
  return n * 4096 + 1
}

function composeRecords(n: number, recipient: string): TrailRecord[] {
  const at = start + n * 100
  const queueId = queueIdOf(n)
  const server = { remoteMta: `mx${n % 3}.d${n % 5000}.test`, remoteAddress: `198.51.100.${n % 250}:25` }
  const isRefused = n % 50 === 0
  return [
    {
      at,
      queueId,
      event: {
        kind: 'received',
        reception: {
          sessionId: `mdk2x-a1b2c3-${n}`,
          role: 'submission',
          remoteAddress: `192.0.2.${n % 250}`,
          heloName: `client${n % 1000}.example.test`,
          tls: 'TLSv1.3 TLS_AES_256_GCM_SHA384',
          account: `user${n % 2000}@example.test`,
          reversePath: `user${n % 2000}@example.test`,
          recipients: [recipient],
          size: 2000 + n,
          connectedAt: at,
          messageId: `${n}.abcdef@example.test`,
          subject: `Message number ${n} about the ${words[n % words.length] ?? ''}`,
        },
      },
    },
    {
      at: at + 50,
      queueId,
      event: {
        kind: 'attempted',
        recipient,
        attempt: 1,
        outcome: isRefused
          ? {
              kind: 'failed',
              diagnosis: {
                stage: 'rcpt',
                cause: 'unknown-user',
                status: '5.1.1',
                ...server,
                reply: { code: 550, enhanced: '5.1.1', lines: ['No such user'] },
                detail: 'refused RCPT',
              },
            }
          : {
              kind: 'relayed',
              dsnAware: true,
              ...server,
              tls: 'TLSv1.3 TLS_AES_256_GCM_SHA384',
              reply: { code: 250, enhanced: '2.0.0', lines: [`Ok: queued as ${n}`] },
            },
        mxHosts: [server.remoteMta],
        dialogue: [
          `C: MAIL FROM:<user${n % 2000}@example.test> SIZE=2000`,
          'S: 250 2.1.0 Ok',
          `C: RCPT TO:<${recipient}>`,
          'S: 250 2.1.5 Ok',
          'C: DATA',
          'S: 354 End data with <CR><LF>.<CR><LF>',
          `S: 250 2.0.0 Ok: queued as ${n}`,
        ],
      },
    },
  ]
}

const words = ['invoice', 'meeting', 'holiday', 'contract', 'newsletter', 'weather', 'delivery']

async function index(storage: Storage): Promise<void> {
  while ((await storage.run(wantsIndex, undefined)) && (await storage.run(indexTrail, { now: start })));
}

async function measureSearches(folder: string, messages: number): Promise<TrailSearchFigures[]> {
  const anywhere = (n: number): number => (n * 104_729) % messages
  const by = (
    what: string,
    groupsOf: (n: number) => readonly (readonly TrailKey[])[],
  ): Promise<TrailSearchFigures> =>
    ask(folder, what, async (reader, n) => {
      const { found } = await findMessages(reader, {
        groups: groupsOf(n),
        since: 0,
        until: Number.MAX_SAFE_INTEGER,
        limit,
      })
      return found.length
    })
  const address = (text: string): readonly TrailKey[] => [trailKeys.recipient(text), trailKeys.sender(text)]
  return [
    await ask(folder, 'queue id', async (reader, n) => {
      const records = await reader.run(trailOfMessage, { queueId: queueIdOf(anywhere(n)) })
      return records.length / 2
    }),
    await by('address', n => [address(recipientOf(anywhere(n) + 1, messages))]),
    await by('address that is not there', n => [address(`nobody${n}@example.net`)]),
    await by('address of many messages', n => [address(`popular${n % 10}@example.org`)]),
    await by('sender of many messages', n => [address(`user${anywhere(n) % 2000}@example.test`)]),
    await by('Message-ID', n => [[trailKeys.messageId(`${anywhere(n)}.abcdef@example.test`)]]),
    await by('two words of the subject', n => [
      [trailKeys.word(`${anywhere(n)}`)],
      [trailKeys.word(words[anywhere(n) % words.length] ?? '')],
    ]),
    await by('reply code', () => [[trailKeys.reply('550')]]),
    await by('remote host', n => [[trailKeys.name(`mx${n % 3}.d${anywhere(n) % 5000}.test`)]]),
  ]
}

async function ask(
  folder: string,
  what: string,
  question: (reader: SqliteReader, n: number) => Promise<number>,
): Promise<TrailSearchFigures> {
  const times: number[] = []
  let found = 0
  for (let n = 1; n <= questions; n++) {
    const begun = performance.now()
    const reader = new SqliteReader(folder)
    found += await question(reader, n)
    reader.close()
    times.push(performance.now() - begun)
  }
  times.sort((a, b) => a - b)
  return {
    what,
    found: found / questions,
    medianMs: times[questions / 2] ?? Number.NaN,
    longestMs: times.at(-1) ?? Number.NaN,
  }
}

// npx node bench/trail.ts [--events 1000000]: this section alone.
if (import.meta.main) {
  const { values } = parseArgs({ options: { events: { type: 'string', default: '1000000' } } })
  process.stdout.write(
    `${JSON.stringify(await measureTrail(Number(values.events), findDiskFolder()), null, 2)}\n`,
  )
}
