// The load and its sink: Postfix's own smtp-source and smtp-sink, the same for every server measured.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { endTree } from '../test/harness/end-tree.ts'
import { findFreePort } from '../test/harness/free-port.ts'
import { findProgram, runProgram } from '../test/harness/programs.ts'

/** One message per connection, or many. smtp-source knows no pipelining: it waits for each reply. */
export type Connections = 'per-message' | 'kept'

export interface Load {
  readonly messages: number
  readonly sessions: number
  /** Of the payload; smtp-source adds a header of some 150 bytes. */
  readonly messageBytes: number
  readonly connections: Connections
}

// Both tools take fresh buffers for each session. By default the C library gives that memory back to the kernel at each
// close and faults it in anew at each connect, which costs smtp-source more than half of its processor time, taken from the
// server that it measures. So they keep what they have, whoever the server is.
const environment = {
  ...process.env,
  MALLOC_TRIM_THRESHOLD_: '1000000000',
  MALLOC_MMAP_THRESHOLD_: '30000000',
  MALLOC_TOP_PAD_: '1000000',
}

/** Sends and resolves with the wall time in milliseconds. Rejects when the server refuses anything. */
export async function sendLoad(port: number, load: Load): Promise<number> {
  const startedAt = performance.now()
  const { exitCode, stderr } = await runProgram(
    [
      'smtp-source',
      '-4',
      ...(load.connections === 'kept' ? ['-d'] : []),
      `-s${Math.min(load.sessions, load.messages)}`,
      `-m${load.messages}`,
      `-l${load.messageBytes}`,
      '-fsender@example.org',
      '-treceiver@example.net',
      '-Mload.example.org',
      `127.0.0.1:${port}`,
    ],
    { timeoutMs: 120_000, env: environment },
  )
  if (exitCode !== 0) throw new Error(`smtp-source ended with ${exitCode ?? 'a signal'}: ${stderr.trim()}`)
  return performance.now() - startedAt
}

export interface Sink {
  readonly port: number
  /** Messages taken so far. */
  count(): Promise<number>
  /** Resolves when it has taken `messages` in all; rejects when none came for `patienceMs`. */
  reach(messages: number, patienceMs: number): Promise<void>
  stop(): Promise<void>
}

/** smtp-sink takes mail and forgets it. It writes its counters to a file, which costs it little and wakes nobody. */
export async function startSink(parentFolder: string, maxConnections?: number): Promise<Sink> {
  const port = await findFreePort()
  const folder = await mkdtemp(join(parentFolder, 'sink-'))
  const counters = await open(join(folder, 'counters'), 'w+')
  // Started by root, it demands a user to become.
  const flags = [
    '-4',
    '-c',
    ...(process.getuid?.() === 0 ? ['-u', 'nobody'] : []),
    // Its own limit of 256 would leave some waiting whom the server takes for slow.
    ...(maxConnections === undefined ? [] : ['-m', String(maxConnections)]),
  ]
  const child = spawn(findProgram('smtp-sink') ?? 'smtp-sink', [...flags, `127.0.0.1:${port}`, '4096'], {
    stdio: ['ignore', counters.fd, 'inherit'],
    env: environment,
  })
  await waitForGreeting(port, child)
  return {
    port,
    count: () => readCount(counters),
    async reach(messages, patienceMs) {
      let last = -1
      let lastProgressAt = performance.now()
      for (;;) {
        const count = await readCount(counters)
        if (count >= messages) return
        if (count > last) {
          last = count
          lastProgressAt = performance.now()
        } else if (performance.now() - lastProgressAt > patienceMs) {
          throw new Error(`the sink has ${count} of ${messages} messages, and no more come`)
        }
        await sleep(10)
      }
    },
    async stop() {
      if (child.pid !== undefined) await endTree(child.pid)
      await counters.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const counterTailBytes = 200

// 'sess=12 quit=12 mesg=12\r', over and over.
async function readCount(counters: FileHandle): Promise<number> {
  const { size } = await counters.stat()
  const tail = Buffer.alloc(Math.min(size, counterTailBytes))
  await counters.read(tail, 0, tail.length, size - tail.length)
  const complete = tail.toString('latin1').split('\r').slice(0, -1)
  const [, count] = complete.at(-1)?.split('mesg=') ?? []
  return Number(count ?? 0)
}

/** Resolves when a server greets on a port; rejects when its process ends before. Returns the milliseconds it took. */
export async function waitForGreeting(
  port: number,
  server: ChildProcess,
  timeoutMs = 60_000,
): Promise<number> {
  const startedAt = performance.now()
  const exited = once(server, 'exit').then(([code]) => {
    throw new Error(`the server ended with ${String(code)} before it listened`)
  })
  exited.catch(() => {})
  while (performance.now() - startedAt < timeoutMs) {
    if (await Promise.race([isGreeted(port), exited])) return performance.now() - startedAt
    await Promise.race([sleep(5), exited])
  }
  throw new Error(`no greeting on port ${port} after ${timeoutMs} ms`)
}

function isGreeted(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('data', data => {
      resolve(data.toString('latin1').startsWith('220'))
      socket.end('QUIT\r\n')
    })
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
  })
}
