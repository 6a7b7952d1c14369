// The composed server as an administrator runs it: a child process with a settings file and a data folder of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectControl } from '../../src/main/control-client.ts'
import { endTree } from './end-tree.ts'
import { type ProgramResult, runProgram } from './programs.ts'

export const command = join(import.meta.dirname, '..', '..', 'bin', 'postrider.js')

export interface ServerFolder {
  readonly folder: string
  readonly settingsFile: string
  readonly dataFolder: string
  /** Runs `postrider …` on these settings, with a server running or without. Throws when it fails. */
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
  readonly listeners?: readonly { readonly role: string; readonly address: string; readonly port: number }[]
  readonly dataFolder?: string
}

/** A settings file in a temporary folder. */
export async function createServerFolder(options: ServerFolderOptions = {}): Promise<ServerFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'postrider-server-'))
  const settingsFile = join(folder, 'postrider.toml')
  const dataFolder = options.dataFolder ?? join(folder, 'data')
  await mkdir(dataFolder, { recursive: true })
  const listeners =
    options.listeners ??
    ['relay', 'submission', 'submissions'].map(role => ({ role, address: '127.0.0.1', port: 0 }))
  await writeFile(
    settingsFile,
    [
      'hostname = "mail.example.test"',
      `dataFolder = ${JSON.stringify(dataFolder)}`,
      options.settings ?? '',
      ...listeners.map(
        ({ role, address, port }) =>
          `[[listeners]]\nrole = "${role}"\naddress = "${address}"\nport = ${port}`,
      ),
      options.tables ?? '',
      '',
    ].join('\n'),
  )
  const tryPostrider = (...args: readonly string[]): Promise<ProgramResult> =>
    runProgram([process.execPath, command, ...args, '--settings', settingsFile])
  return {
    folder,
    settingsFile,
    dataFolder,
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

export interface ServerProcess {
  readonly pid: number
  /** The port of the first listener with a role. */
  port(role: 'relay' | 'submission' | 'submissions'): number
  /** Everything that it has written so far, to standard output and standard error. */
  output(): string
  /** kill -9 of the whole process group, at once; resolves when it is gone. */
  kill(): Promise<void>
  /** SIGTERM, as systemd would; resolves with the exit code. */
  stop(): Promise<number | null>
  readonly exited: Promise<number | null>
}

/** Starts `postrider serve` and waits until it listens. Throws with its output when it ends instead. */
export async function startServer(
  at: ServerFolder,
  environment: NodeJS.ProcessEnv = {},
): Promise<ServerProcess> {
  const child = spawn(process.execPath, [command, 'serve', '--settings', at.settingsFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own, so that a kill takes all of it.
    detached: true,
    env: { ...process.env, ...environment },
  })
  const output = collectOutput(child)
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', code => resolve(code))
  })
  const { pid } = child
  if (pid === undefined) throw new Error('the server could not be started')
  const listeners = await Promise.race([
    waitForListeners(at.dataFolder, pid),
    exited.then(code => {
      throw new Error(`the server ended with ${code} before it listened:\n${output()}`)
    }),
  ])
  return {
    pid,
    exited,
    output,
    port(role) {
      const listener = listeners.find(candidate => candidate.role === role)
      if (!listener) throw new Error(`the server has no listener for ${role}`)
      return listener.port
    },
    async kill() {
      if (child.exitCode === null && child.signalCode === null) process.kill(-pid, 'SIGKILL')
      await exited
    },
    async stop() {
      await endTree(pid, 20_000)
      return exited
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
async function waitForListeners(dataFolder: string, pid: number): Promise<readonly Listening[]> {
  for (;;) {
    const control = await connectControl(dataFolder)
    if (control) {
      try {
        const status = await control.status()
        // The socket of a server that was killed answers nobody; one that answers with another pid is not ours.
        if (status.pid === pid && status.listeners.length > 0) return status.listeners
      } catch {
        // It went away between connecting and answering: `exited` tells.
      } finally {
        control.close()
      }
    }
    await sleep(10)
  }
}
