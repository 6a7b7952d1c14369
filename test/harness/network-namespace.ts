// A program in a network namespace of its own (unshare): a network with nobody else in it, whose addresses are the test's to
// choose. Linux; elsewhere, and where it is not allowed, tests that need it are skipped.
import { missing, runProgram } from './programs.ts'

type Command = readonly [string, ...string[]]

const ways: readonly Command[] = [
  ['unshare', '--net'],
  // Where one is not root: as the root of a namespace of users.
  ['unshare', '--user', '--map-root-user', '--net'],
]

export type NetworkNamespace =
  /** `wrapper` goes before a command. */
  { readonly wrapper: Command } | { readonly skip: string }

export async function findNetworkNamespace(): Promise<NetworkNamespace> {
  const absent = missing('unshare', 'ip')
  if (absent) return { skip: absent }
  let refusal = ''
  for (const wrapper of ways) {
    const { exitCode, stderr } = await runProgram([...wrapper, 'ip', 'link', 'set', 'lo', 'up'])
    if (exitCode === 0) return { wrapper }
    refusal = stderr.trim()
  }
  return { skip: `needs the right to make network namespaces: ${refusal}` }
}
