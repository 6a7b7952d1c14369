// A queue of a million deferred recipients: how long a start takes with it, and what it costs while the server works.
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { findFreePort } from '../test/harness/free-port.ts'
import { listTree, readCpuMs, readPeakRssBytes } from '../test/harness/process-tree.ts'
import { startSink } from './load.ts'
import { composeSettings, databasePath, launchPostrider } from './postrider-subject.ts'
import { type Figures, type Row, runRound } from './round.ts'
import { sendOne } from './send-one.ts'
import { stockQueue } from './stock-queue.ts'
import type { Subject } from './subject.ts'

export interface LongQueuePlan {
  readonly deferred: number
  readonly rounds: number
  readonly secondsPerRound: number
}

export interface LongQueueStart {
  readonly greetingMs: number
  readonly firstAcceptMs: number
  /** Until the first message has arrived at its destination. */
  readonly firstDeliveryMs: number
  /** Of the process tree until then: what other processes on the machine do changes it little. */
  readonly cpuMs: number
  /** The highest resident set of the process tree so far. */
  readonly peakRssBytes: number
  readonly loadAverage: number
}

export interface LongQueueRow {
  readonly work: Row['work']
  readonly empty: readonly Figures[]
  readonly long: readonly Figures[]
}

export interface LongQueueFigures {
  readonly deferred: number
  readonly fillSeconds: number
  readonly starts: readonly LongQueueStart[]
  readonly emptyStarts: readonly LongQueueStart[]
  readonly rows: readonly LongQueueRow[]
}

/** Their mail data matters to nobody while they wait. */
const messageBytes = 1000
/** Composed is one of so many, and copied then. */
const copies = 20
const domains = 20_000
const senders = 1000
const patienceMs = 60_000

export async function measureLongQueue(
  { deferred, rounds, secondsPerRound }: LongQueuePlan,
  parentFolder: string,
): Promise<LongQueueFigures> {
  const folder = await mkdtemp(join(parentFolder, 'long-queue-'))
  const emptyFolder = await mkdtemp(join(parentFolder, 'empty-queue-'))
  try {
    const startedAt = performance.now()
    await stockQueue(join(folder, 'data'), {
      messages: Math.ceil(deferred / copies),
      times: copies,
      messageBytes,
      isDeferred: true,
      messageAt: n => ({
        sender: `sender${n % senders}@example.org`,
        recipient: `r${n}@d${(n * 7919) % domains}.test`,
      }),
    })
    const fillSeconds = (performance.now() - startedAt) / 1000
    const starts: LongQueueStart[] = []
    const emptyStarts: LongQueueStart[] = []
    for (let round = 0; round < rounds; round++) {
      emptyStarts.push(await measureStart(emptyFolder, parentFolder))
      starts.push(await measureStart(folder, parentFolder))
    }
    const rows: LongQueueRow[] = []
    for (const work of ['accept', 'relay'] as const) {
      const row: Row = { work, messageBytes: 2000, sessions: 100, connections: 'kept' }
      const run = (over: string): Promise<Figures> =>
        runRound(subjectOver(over), row, parentFolder, secondsPerRound)
      const empty: Figures[] = []
      const long: Figures[] = []
      for (let round = 0; round < rounds; round++) {
        empty.push(await run(emptyFolder))
        long.push(await run(folder))
      }
      rows.push({ work, empty, long })
    }
    return { deferred, fillSeconds, starts, emptyStarts, rows }
  } finally {
    await rm(folder, { recursive: true, force: true })
    await rm(emptyFolder, { recursive: true, force: true })
  }
}

export async function measureStart(folder: string, parentFolder: string): Promise<LongQueueStart> {
  const sink = await startSink(parentFolder)
  try {
    const port = await findFreePort()
    await writeFile(join(folder, 'postrider.toml'), composeSettings(port, { sinkPort: sink.port }))
    const startedAt = performance.now()
    const server = await launchPostrider(folder, port)
    try {
      const greetingMs = performance.now() - startedAt
      await sendOne(port)
      const firstAcceptMs = performance.now() - startedAt
      await sink.reach(1, patienceMs)
      const firstDeliveryMs = performance.now() - startedAt
      const cpuMs = readCpuMs(server.pid)
      const peakRssBytes = listTree(server.pid).reduce((sum, pid) => sum + readPeakRssBytes(pid), 0)
      return {
        greetingMs,
        firstAcceptMs,
        firstDeliveryMs,
        cpuMs,
        peakRssBytes,
        loadAverage: loadavg()[0] ?? 0,
      }
    } finally {
      await server.stop()
    }
  } finally {
    await sink.stop()
  }
}

/** Postrider over a folder that stays: what was there before does not count. */
function subjectOver(folder: string): Subject {
  return {
    name: 'Postrider',
    async start({ destination }) {
      const port = await findFreePort()
      await writeFile(join(folder, 'postrider.toml'), composeSettings(port, destination))
      const lastBefore = findLastMessage(folder)
      const server = await launchPostrider(folder, port)
      return { ...server, countQueue: () => Promise.resolve(countAfter(folder, lastBefore)) }
    },
  }
}

function findLastMessage(folder: string): number {
  return query(folder, 'SELECT max(id) AS value FROM queue_message')
}

function countAfter(folder: string, last: number): number {
  return query(folder, 'SELECT count(*) AS value FROM queue_message WHERE id > ?', last)
}

/** 0 where there is no database yet. */
function query(folder: string, sql: string, ...values: number[]): number {
  const database = openIfThere(folder)
  if (!database) return 0
  try {
    return Number(database.prepare(sql).get(...values)?.value ?? 0)
  } finally {
    database.close()
  }
}

function openIfThere(folder: string): DatabaseSync | undefined {
  const path = databasePath(folder)
  return existsSync(path) ? new DatabaseSync(path, { readOnly: true }) : undefined
}
