// What an idle session costs: memory of the server, memory of the kernel, CPU while nothing happens.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { endTree } from '../test/harness/end-tree.ts'
import { findFreePort } from '../test/harness/free-port.ts'
import { readCpuMs, readKernelBytes, readPssBytes } from '../test/harness/process-tree.ts'
import { waitForGreeting } from './load.ts'
import type { RunningSubject, Subject } from './subject.ts'

export interface IdleFigures {
  readonly sessions: number
  /** Growth of the server's process tree (PSS), per session. */
  readonly serverBytes: number
  /** Growth of the kernel (slab caches, thread stacks, page tables), per session, without the client's share. */
  readonly kernelBytes: number
  /** Of one core, while nothing happens. */
  readonly cpuPercent: number
}

interface Growth {
  readonly serverBytes: number
  readonly kernelBytes: number
  readonly cpuPercent: number
}

/**
 * The client is on this machine too, and the kernel does not say whose a socket is. Between a bare Node server and
 * the client both ends of a connection cost the kernel the same (a socket, a file, an epoll entry): half of the
 * growth there is the client's share, and is taken off everywhere.
 */
export async function measureClientShare(
  sessions: number,
): Promise<{ readonly bare: IdleFigures; readonly clientBytes: number }> {
  const bare = await startBareServer()
  try {
    const growth = await measureGrowth(bare, sessions, 2)
    const clientBytes = growth.kernelBytes / 2
    return { bare: { sessions, ...growth, kernelBytes: growth.kernelBytes - clientBytes }, clientBytes }
  } finally {
    await bare.stop()
  }
}

export async function measureIdle(
  subject: Subject,
  options: {
    readonly sessions: number
    readonly clientBytes: number
    readonly seconds: number
    readonly parentFolder: string
  },
): Promise<IdleFigures> {
  const server = await subject.start({ parentFolder: options.parentFolder, destination: 'hold' })
  try {
    const growth = await measureGrowth(server, options.sessions, options.seconds)
    return { sessions: options.sessions, ...growth, kernelBytes: growth.kernelBytes - options.clientBytes }
  } finally {
    await server.stop()
  }
}

const warmUpSessions = 100
// Buffers of the set-up are freed, and garbage collections that it caused are over: V8 has the last of them, of some 15 ms
// in each thread, when a thread has been idle for eight seconds.
const settleMs = 15_000

async function measureGrowth(
  server: { pid: number; port: number },
  sessions: number,
  seconds: number,
): Promise<Growth> {
  // Code that the first sessions load belongs to no session.
  const warmUp = await openSessions(server.port, warmUpSessions)
  await endSessions(warmUp)
  await sleep(1000)
  // An empty client first: its process is no part of the growth.
  const kernelBefore = readKernelBytes()
  const serverBefore = readPssBytes(server.pid)
  const client = await openSessions(server.port, sessions)
  await sleep(settleMs)
  const serverBytes = (readPssBytes(server.pid) - serverBefore) / sessions
  const kernelBytes = (readKernelBytes() - kernelBefore) / sessions
  const cpuBefore = readCpuMs(server.pid)
  const startedAt = performance.now()
  await sleep(seconds * 1000)
  const cpuPercent = ((readCpuMs(server.pid) - cpuBefore) / (performance.now() - startedAt)) * 100
  await endSessions(client)
  return { serverBytes, kernelBytes, cpuPercent }
}

async function openSessions(port: number, sessions: number): Promise<ChildProcess> {
  const client = spawn(
    process.execPath,
    [join(import.meta.dirname, 'idle-client.ts'), String(port), String(sessions)],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  const ended = once(client, 'exit').then(([code]) => {
    throw new Error(`the client with ${sessions} sessions ended with ${String(code)}`)
  })
  ended.catch(() => {})
  if (client.stdout) await Promise.race([once(client.stdout, 'data'), ended])
  return client
}

async function endSessions(client: ChildProcess): Promise<void> {
  const ended = once(client, 'exit')
  client.stdin?.end()
  await ended
}

async function startBareServer(): Promise<Pick<RunningSubject, 'pid' | 'port' | 'stop'>> {
  const port = await findFreePort()
  const child = spawn(process.execPath, [join(import.meta.dirname, 'bare-server.ts'), String(port)], {
    stdio: 'inherit',
  })
  await waitForGreeting(port, child)
  const { pid } = child
  if (pid === undefined) throw new Error('the bare server has no process')
  return { pid, port, stop: () => endTree(pid) }
}
