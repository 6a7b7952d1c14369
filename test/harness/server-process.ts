// The composed server as an administrator runs it: a child process with a settings file and a data folder of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ListenerRole } from '../../src/config/listener-roles.ts'
import { connectControl } from '../../src/main/control-client.ts'
import type { ServerStatus } from '../../src/main/control-protocol.ts'
import { runHere } from '../cli/run-postrider.ts'
import { endTree } from './end-tree.ts'
import { compileCache, type ProgramResult, runProgram } from './programs.ts'

export const command = join(import.meta.dirname, '..', '..', 'bin', 'postrider.js')

export interface ServerFolder {
  readonly folder: string
  readonly settingsFile: string
  readonly dataFolder: string
  readonly clockShiftMs: number
  /**
   * Runs `postrider …` on these settings, with a server running or without. Throws when it fails. In the test's process,
   * for the time that another takes to start, unless it is a server.
   */
  postrider(...args: readonly string[]): Promise<string>
  /** The same, and the exit code is the caller's to judge. */
  tryPostrider(...args: readonly string[]): Promise<ProgramResult>
  remove(): Promise<void>
}

export interface ServerFolderOptions {
  /** TOML: keys of the top level. */
  readonly settings?: string
  /** TOML: tables, after the listeners. */
  readonly tables?: string
  /** Default: the three roles on 127.0.0.1, the ports chosen by the system. */
  readonly listeners?: readonly ListenerLines[]
  readonly dataFolder?: string
  /** Default: where temporary files go. */
  readonly parentFolder?: string
  /** How far the clock of the server is ahead of the others'. */
  readonly clockShiftMs?: number
}

interface ListenerLines {
  readonly role: string
  readonly address: string
  readonly port: number
  readonly proxyFrom?: readonly string[]
}

const environment = { ...process.env, NODE_COMPILE_CACHE: compileCache }

/** Runs `postrider …` to its end. */
export function runPostrider(...args: readonly string[]): Promise<ProgramResult> {
  return runProgram([process.execPath, command, ...args], { env: environment })
}

/** A settings file in a temporary folder. */
export async function createServerFolder(options: ServerFolderOptions = {}): Promise<ServerFolder> {
  const folder = await mkdtemp(join(options.parentFolder ?? tmpdir(), 'postrider-server-'))
  const settingsFile = join(folder, 'postrider.toml')
  const dataFolder = options.dataFolder ?? join(folder, 'data')
  await mkdir(dataFolder, { recursive: true })
  const listeners: readonly ListenerLines[] =
    options.listeners ??
    ['relay', 'submission', 'submissions'].map(role => ({ role, address: '127.0.0.1', port: 0 }))
  await writeFile(
    settingsFile,
    [
      'hostname = "mail.example.test"',
      `dataFolder = ${JSON.stringify(dataFolder)}`,
      options.settings ?? '',
      ...listeners.map(
        ({ role, address, port, proxyFrom = [] }) =>
          `[[listeners]]\nrole = "${role}"\naddress = "${address}"\nport = ${port}\nproxyFrom = ${JSON.stringify(proxyFrom)}`,
      ),
      options.tables ?? '',
      '',
    ].join('\n'),
  )
  const tryPostrider = (...args: readonly string[]): Promise<ProgramResult> => {
    const parameters = [...args, '--settings', settingsFile]
    return args[0] === 'serve' ? runPostrider(...parameters) : runHere(process.cwd(), parameters)
  }
  return {
    folder,
    settingsFile,
    dataFolder,
    clockShiftMs: options.clockShiftMs ?? 0,
    tryPostrider,
    async postrider(...args) {
      const { exitCode, stdout, stderr } = await tryPostrider(...args)
      if (exitCode !== 0)
        throw new Error(`postrider ${args.join(' ')} ended with ${exitCode}:\n${stderr}${stdout}`)
      return stdout
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

export interface LaunchedServer {
  readonly pid: number
  /** Everything that it has written so far, to standard output and standard error. */
  output(): string
  /** kill -9 of the whole process group, at once; resolves when it is gone. */
  kill(): Promise<void>
  /** SIGTERM, as systemd would; resolves with the exit code. Rejects when it had to be killed. */
  stop(): Promise<number | null>
  readonly exited: Promise<number | null>
  /** Rejects with the server's output when it ends instead. */
  readonly listening: Promise<ServerProcess>
}

export interface ServerProcess extends Omit<LaunchedServer, 'listening'> {
  /** The port of the first listener with a role. */
  port(role: ListenerRole): number
}

/** Starts `postrider serve` and waits until it listens. */
export function startServer(at: ServerFolder): Promise<ServerProcess> {
  return launchServer(at).listening
}

/** Starts `postrider serve` and waits for nothing: for tests that end it while it starts. */
export function launchServer(at: ServerFolder): LaunchedServer {
  const shift = at.clockShiftMs === 0 ? [] : ['--import', join(import.meta.dirname, 'shift-clock.ts')]
  const child = spawn(process.execPath, [...shift, command, 'serve', '--settings', at.settingsFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own, so that a kill takes all of it.
    detached: true,
    env: { ...environment, POSTRIDER_TEST_CLOCK_SHIFT_MS: String(at.clockShiftMs) },
  })
  const { pid } = child
  if (pid === undefined) throw new Error('the server could not be started')
  const exited = new Promise<number | null>(resolve => {
    child.once('close', code => resolve(code))
  })
  const output = collectOutput(child)
  const handle = {
    pid,
    exited,
    output,
    async kill() {
      if (child.exitCode === null && child.signalCode === null) process.kill(-pid, 'SIGKILL')
      await exited
    },
    async stop() {
      const wasRunning = child.exitCode === null && child.signalCode === null
      await endTree(pid, 20_000)
      const code = await exited
      if (wasRunning && code === null)
        throw new Error(`the server did not stop within 20 seconds and was killed:\n${output()}`)
      return code
    },
  }
  const listening = untilListening(at.dataFolder, handle)
  // Whoever launches it to kill it does not wait for this.
  listening.catch(() => {})
  return { ...handle, listening }
}

async function untilListening(
  dataFolder: string,
  server: Omit<LaunchedServer, 'listening'>,
): Promise<ServerProcess> {
  const state = { ended: false }
  const failed = server.exited.then(code => {
    state.ended = true
    throw new Error(`the server ended with ${code} before it listened:\n${server.output()}`)
  })
  const listeners = await Promise.race([waitForListeners(dataFolder, server, state), failed])
  failed.catch(() => {})
  return {
    ...server,
    port(role) {
      const listener = listeners.find(candidate => candidate.role === role)
      if (!listener) throw new Error(`the server has no listener for ${role}`)
      return listener.port
    },
  }
}

function collectOutput(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  }
  return () => text
}

interface Listening {
  readonly role: string
  readonly port: number
}

// The server says itself what listens where, over the control socket in its data folder.
async function waitForListeners(
  dataFolder: string,
  { pid, output }: Pick<LaunchedServer, 'pid' | 'output'>,
  state: { readonly ended: boolean },
): Promise<readonly Listening[]> {
  while (!state.ended) {
    // A server that goes away between connecting and answering rejects; `exited` tells.
    const status = await askStatus(dataFolder).catch(() => undefined)
    // The socket of a server that was killed answers nobody; one that answers with another pid is not ours.
    // It logs that it listens when its last check at start is over, and from then on takes SIGTERM.
    if (status?.pid === pid && output().includes('"msg":"listening"')) return status.listeners
    await sleep(10)
  }
  return []
}

async function askStatus(dataFolder: string): Promise<ServerStatus | undefined> {
  const control = await connectControl(dataFolder)
  try {
    return await control?.status()
  } finally {
    control?.close()
  }
}
