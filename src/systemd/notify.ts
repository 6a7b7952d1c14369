// What systemd is told of this process (sd_notify(3)). Node.js has no sockets of that kind (AF_UNIX, datagrams), so that
// systemd's own program speaks for it; the unit allows that with NotifyAccess=all.
import { execFile } from 'node:child_process'
import type { Log } from '../runtime/log.ts'

export interface ServiceManager {
  ready(status: string): Promise<void>
  /** `withinMs`: so long it may take from now on. */
  stopping(withinMs: number): Promise<void>
  alive(): Promise<void>
}

const program = 'systemd-notify'
const programTimeoutMs = 10_000

/** Undefined where nobody wants to be told. */
export function findServiceManager(
  environment: Readonly<Record<string, string | undefined>>,
  log: Log,
): ServiceManager | undefined {
  const { NOTIFY_SOCKET: socket, PATH: path } = environment
  if (socket === undefined || socket === '') return undefined
  const tell = (...assignments: string[]): Promise<void> =>
    new Promise(resolve => {
      const env = { NOTIFY_SOCKET: socket, ...(path !== undefined && { PATH: path }) }
      execFile(program, assignments, { env, timeout: programTimeoutMs }, (cause, _, stderr) => {
        if (cause) {
          const reason = stderr.trim() || cause.message
          log.warn('systemd could not be told', { what: assignments.join(' '), reason })
        }
        resolve()
      })
    })
  return {
    ready: status => tell('READY=1', `STATUS=${status}`),
    stopping: withinMs =>
      tell('STOPPING=1', 'STATUS=stopping', `EXTEND_TIMEOUT_USEC=${Math.ceil(withinMs) * 1000}`),
    alive: () => tell('WATCHDOG=1'),
  }
}
