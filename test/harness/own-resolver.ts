// A program that asks the system's resolver, run with a resolv.conf of its own: in a mount namespace (unshare) where
// the test's file lies over the system's. Linux, and root; elsewhere tests that need it are skipped.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { missing, runProgram } from './programs.ts'

export interface OwnResolver {
  /** Goes before a command: `[...wrapper, 'postfix', 'start']`. */
  readonly wrapper: readonly string[]
  remove(): Promise<void>
}

/** A reason to skip a test, or false. */
export async function missingOwnResolver(): Promise<string | false> {
  const absent = missing('unshare', 'mount')
  if (absent) return absent
  const { exitCode, stderr } = await runProgram([
    'unshare',
    '--mount',
    'mount',
    '--bind',
    '/dev/null',
    '/etc/resolv.conf',
  ])
  return exitCode !== 0 && `needs the right to make mount namespaces (CAP_SYS_ADMIN): ${stderr.trim()}`
}

/** The resolver library knows no ports: the DNS server has to listen on port 53 of this address. */
export async function createOwnResolver(dnsAddress: string): Promise<OwnResolver> {
  const folder = await mkdtemp(join(tmpdir(), 'resolver-'))
  const file = join(folder, 'resolv.conf')
  await writeFile(file, `nameserver ${dnsAddress}\noptions timeout:1 attempts:2\n`)
  // The path goes in as an argument of the script, not into its text.
  const script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
  return {
    wrapper: ['unshare', '--mount', 'sh', '-c', script, file],
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
