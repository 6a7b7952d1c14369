// A program of the administrator that puts a TXT record into the DNS and takes it away. No shell: arguments are a list.
import { spawn } from 'node:child_process'
import type { Clock } from '../runtime/clock.ts'
import { replaceControls } from '../runtime/text.ts'
import { IssuingFault } from './issuing-fault.ts'

export interface DnsRecord {
  /** '_acme-challenge.mail.example.com' */
  readonly name: string
  readonly value: string
  /** 'mail.example.com' */
  readonly domain: string
}

export interface DnsHook {
  /** Resolves when the program has ended well; rejects with an IssuingFault. */
  run(action: 'add' | 'remove', record: DnsRecord): Promise<void>
}

/** It may wait until all servers of the zone have the record. */
const deadlineMs = 5 * 60_000
const maxOutputBytes = 4096
/** Nothing else of ours: the environment of a server may hold passwords. */
const inherited = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'TZ']

export function createDnsHook([program, ...args]: readonly [string, ...string[]], clock: Clock): DnsHook {
  return {
    run: (action, record) =>
      new Promise((resolve, reject) => {
        const refuse = (what: string): void =>
          reject(new IssuingFault('hook', `${program} ${action}: ${what}`))
        const child = spawn(program, [...args, action, record.name, record.value], {
          shell: false,
          // A group of its own, so that what it waits for ends with it.
          detached: true,
          stdio: ['ignore', 'ignore', 'pipe'],
          env: {
            ...Object.fromEntries(inherited.map(name => [name, process.env[name]])),
            POSTRIDER_ACTION: action,
            POSTRIDER_NAME: record.name,
            POSTRIDER_VALUE: record.value,
            POSTRIDER_DOMAIN: record.domain,
          },
        })
        let said = ''
        child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
          said = (said + chunk).slice(-maxOutputBytes)
        })
        const tooLate = clock.after(deadlineMs, () => {
          endGroup(child.pid)
          refuse(`it had not ended after ${deadlineMs / 60_000} minutes`)
        })
        child.once('error', cause => {
          tooLate.cancel()
          refuse(`it cannot be started: ${cause.message}`)
        })
        // What it has left in the background may hold its output open for as long as it likes.
        child.once('exit', code => {
          if (code !== 0) return
          tooLate.cancel()
          resolve()
        })
        child.once('close', (code, signal) => {
          tooLate.cancel()
          const last = replaceControls(said.trim().split('\n').at(-1) ?? '', ' ')
          refuse(`it ended with ${signal ?? code}${last === '' ? '' : `: ${last}`}`)
        })
      }),
  }
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // ESRCH: nobody is left in it.
  }
}
