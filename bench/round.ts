// One round: a fresh server, a warm-up, a load, and what it cost. Counts are verified before a figure counts.

import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { readCpuMs, readMachineBusyMs, readPeakRssBytes, readPssBytes } from '../test/harness/process-tree.ts'
import { type Connections, type Load, type Sink, sendLoad, startSink } from './load.ts'
import type { RunningSubject, Subject } from './subject.ts'

/** accept: until the last 250. relay: accepted, queued and delivered, until the sink has the last message. */
export type Work = 'accept' | 'relay'

export interface Row {
  readonly work: Work
  readonly messageBytes: number
  readonly sessions: number
  readonly connections: Connections
}

export interface Figures {
  readonly messages: number
  readonly messagesPerSecond: number
  readonly cpuMsPerMessage: number
  /** Of these the database server's, where there is one. */
  readonly databaseCpuMsPerMessage: number
  /** Of all processors, by everything that runs, the load itself too, while the load lasted. */
  readonly machineBusyPercent: number
  /** Proportional set size of the process tree, right after the load: Postfix's processes stay for a while. */
  readonly pssBytes: number
  /** The highest resident set of the root process: the one that counts for a server that is one process. */
  readonly peakRssBytes: number
}

const maxLoadBytes = 500_000_000
const patienceMs = 20_000

export async function runRound(
  subject: Subject,
  row: Row,
  parentFolder: string,
  seconds: number,
): Promise<Figures> {
  const sink = row.work === 'relay' ? await startSink(parentFolder) : undefined
  try {
    const server = await subject.start({ parentFolder, destination: sink ? { sinkPort: sink.port } : 'hold' })
    try {
      return await measure(server, sink, row, seconds)
    } finally {
      await server.stop()
    }
  } finally {
    await sink?.stop()
  }
}

async function measure(
  server: RunningSubject,
  sink: Sink | undefined,
  row: Row,
  seconds: number,
): Promise<Figures> {
  const loadOf = (messages: number): Load => ({ ...row, messages })
  let sent = 0
  const send = async (messages: number): Promise<number> => {
    const startedAt = performance.now()
    await spreadLoad([server.port, ...(server.others?.ports ?? [])], loadOf(messages))
    sent += messages
    await sink?.reach(sent, patienceMs)
    return performance.now() - startedAt
  }
  const messages = await warmUp(send, row, seconds)
  await waitUntilSettled(server, sink)

  const cpuBefore = readCpu(server)
  const busyBefore = readMachineBusyMs()
  const wallMs = await send(messages)
  const busyMs = readMachineBusyMs() - busyBefore
  const pssBytes = readPssBytes(server.pid)
  await waitUntilSettled(server, sink)
  const cpu = readCpu(server)
  await verifyCounts(server, sink, sent)
  return {
    messages,
    messagesPerSecond: (messages / wallMs) * 1000,
    cpuMsPerMessage: (cpu.nodesMs + cpu.databaseMs - cpuBefore.nodesMs - cpuBefore.databaseMs) / messages,
    databaseCpuMsPerMessage: (cpu.databaseMs - cpuBefore.databaseMs) / messages,
    machineBusyPercent: (100 * busyMs) / wallMs / availableParallelism(),
    pssBytes,
    peakRssBytes: readPeakRssBytes(server.pid),
  }
}

/** When a piece was not faster than the one before by more than this, the server is warm. */
const stillWarming = 1.05
const maxWarmUps = 10

/**
 * In pieces, ever longer until one lasts as long as the load will, because both are slow at first: Postfix starts
 * processes, Node compiles what is used often, and of several servers each has but a part of the messages to learn from.
 * Returns how many messages the load has: the last piece tells the rate.
 */
async function warmUp(
  send: (messages: number) => Promise<number>,
  { messageBytes, sessions }: Row,
  seconds: number,
): Promise<number> {
  const most = Math.max(sessions, Math.floor(maxLoadBytes / messageBytes))
  const within = (wanted: number): number => Math.min(most, Math.max(sessions, Math.round(wanted)))
  let messages = within(Math.min(200, maxLoadBytes / 20 / messageBytes))
  let rate = 0
  for (let piece = 1; ; piece++) {
    const before = rate
    rate = messages / (await send(messages))
    const wanted = within(rate * seconds * 1000)
    const isFull = messages >= wanted / 2
    if (piece === maxWarmUps || (isFull && rate < before * stillWarming)) return wanted
    messages = Math.min(wanted, 4 * messages)
  }
}

/** As many of the sessions, and of the messages, for each port. */
async function spreadLoad(ports: readonly number[], load: Load): Promise<void> {
  const share = (whole: number, index: number): number =>
    Math.floor((whole * (index + 1)) / ports.length) - Math.floor((whole * index) / ports.length)
  await Promise.all(
    ports.map((port, index) =>
      sendLoad(port, {
        ...load,
        messages: share(load.messages, index),
        sessions: share(load.sessions, index),
      }),
    ),
  )
}

function readCpu({ pid, others }: RunningSubject): { readonly nodesMs: number; readonly databaseMs: number } {
  const nodes = [pid, ...(others?.nodePids ?? [])]
  return {
    nodesMs: nodes.reduce((sum, node) => sum + readCpuMs(node), 0),
    databaseMs: others ? readCpuMs(others.databasePid) : 0,
  }
}

/** After a relay: until the queue is empty, so that the CPU time of settling counts too. */
async function waitUntilSettled(server: RunningSubject, sink: Sink | undefined): Promise<void> {
  if (!sink) return
  for (let waited = 0; waited < patienceMs && (await server.countQueue()) > 0; waited += 20) await sleep(20)
}

async function verifyCounts(server: RunningSubject, sink: Sink | undefined, sent: number): Promise<void> {
  const queued = await server.countQueue()
  const wantedInQueue = sink ? 0 : sent
  if (queued !== wantedInQueue) throw new Error(`${queued} messages in the queue, ${wantedInQueue} expected`)
  const taken = sink ? await sink.count() : undefined
  if (taken !== undefined && taken !== sent)
    throw new Error(`${taken} messages in the sink, ${sent} expected`)
}

/** smtp-source straight into smtp-sink, with no server between: what load and sink alone can do here. */
export async function runBaselineRound(row: Row, parentFolder: string, seconds: number): Promise<number> {
  const sink = await startSink(parentFolder)
  try {
    const warmUp = Math.max(row.sessions, 500)
    const warmUpMs = await sendLoad(sink.port, { ...row, messages: warmUp })
    const wanted = Math.round((warmUp / warmUpMs) * 1000 * seconds)
    const messages = Math.max(
      row.sessions,
      Math.min(wanted, Math.floor((4 * maxLoadBytes) / row.messageBytes)),
    )
    const wallMs = await sendLoad(sink.port, { ...row, messages })
    await sink.reach(warmUp + messages, patienceMs)
    return (messages / wallMs) * 1000
  } finally {
    await sink.stop()
  }
}
