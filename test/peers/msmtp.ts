// msmtp, a client that we did not write, with a settings file of its own for each message.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ProgramResult, runProgram } from '../harness/programs.ts'
import type { ServerFolder, ServerProcess } from '../harness/server-process.ts'

export interface MsmtpMessage {
  /** Default: 'submissions'. */
  readonly role?: 'submission' | 'submissions'
  readonly from: string
  readonly to: string
  readonly subject: string
  /** How it logs in, as lines of its settings file: 'auth plain', 'password "secret"'. */
  readonly logIn: readonly string[]
}

/** Sends a message over TLS, logged in as its sender. */
export async function sendWithMsmtp(
  at: Pick<ServerFolder, 'folder'>,
  server: Pick<ServerProcess, 'port'>,
  { role = 'submissions', from, to, subject, logIn }: MsmtpMessage,
): Promise<ProgramResult> {
  const file = join(at.folder, 'msmtprc')
  const lines = [
    'account default',
    'host 127.0.0.1',
    `port ${server.port(role)}`,
    'tls on',
    `tls_starttls ${role === 'submission' ? 'on' : 'off'}`,
    'tls_certcheck off',
    `user ${from}`,
    `from ${from}`,
    ...logIn,
  ]
  // It refuses a file with a password that others may read.
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 })
  return await runProgram(['msmtp', `--file=${file}`, to], {
    input: `From: ${from}\nTo: ${to}\nSubject: ${subject}\n\nGood day.\n`,
    // For names in other scripts.
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  })
}
