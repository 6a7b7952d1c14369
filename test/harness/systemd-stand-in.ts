// A server that is started by something like systemd: with sockets that stay open while it is started again.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { findProgram } from './programs.ts'
import { command, type ServerFolder } from './server-process.ts'

export interface ServiceManagerStandIn {
  /** Everything it has told so far: 'started 4711', 'notified READY=1|STATUS=…', 'ended 0'. */
  readonly told: readonly string[]
  /** Resolves with the first line that begins so, past those of an earlier call. */
  next(beginning: string): Promise<string>
  /** The output of the server. */
  output(): string
  stop(): Promise<void>
}

/** `places`: 'address:port', each as often as there shall be sockets. */
export function startAsService(
  at: ServerFolder,
  places: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): ServiceManagerStandIn {
  const script = join(import.meta.dirname, 'systemd-stand-in.py')
  const child = spawn(
    findProgram('python3') ?? 'python3',
    [
      script,
      join(at.folder, 'notify.sock'),
      places.join(','),
      process.execPath,
      command,
      'serve',
      '--settings',
      at.settingsFile,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } },
  )
  const told: string[] = []
  let output = ''
  let seen = 0
  let changed = Promise.withResolvers<void>()
  const exited = once(child, 'close')
  createInterface({ input: child.stdout }).on('line', line => {
    told.push(line)
    changed.resolve()
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  return {
    told,
    output: () => output,
    async next(beginning) {
      for (;;) {
        const line = told.slice(seen).find(one => one.startsWith(beginning))
        if (line !== undefined) {
          seen = told.indexOf(line, seen) + 1
          return line
        }
        changed = Promise.withResolvers()
        await changed.promise
      }
    },
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}
