// Whether the time of a refused log-in tells that there is such an account: known and unknown names in turn, each with a wrong
// password, as the server looks at them. For each way the medians, and how often one known attempt took longer than one unknown
// (0.5: nothing can be told), with how many standard errors that is away from chance.
//
//   npx node bench/log-in.ts [--attempts 1000]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { parseAddress } from '../src/address/parse-address.ts'
import { createAccount } from '../src/directory/accounts.ts'
import { createAppPassword } from '../src/directory/app-passwords.ts'
import { openScram, verifyLogin } from '../src/directory/authenticate.ts'
import { createDomain } from '../src/directory/domains.ts'
import { storedAppPassword, storedPassword } from '../src/directory/new-password.ts'
import { obtainScramPolicy } from '../src/directory/scram-credentials.ts'
import { systemRandom } from '../src/runtime/random.ts'
import { openLocalStorage } from '../src/storage/local-storage.ts'
import type { Storage } from '../src/storage/operation.ts'

interface Comparison {
  readonly way: string
  readonly known: readonly number[]
  readonly unknown: readonly number[]
}

const accounts = 20
const terms = { protocol: 'smtp', now: 0 } as const

async function fill(storage: Storage): Promise<void> {
  await storage.run(createDomain, { name: 'example.test', at: 0 })
  const source = { random: systemRandom, at: 0 }
  for (let n = 0; n < accounts; n++) {
    const name = `known${n}@example.test`
    const address = parseAddress(name)
    if (!address) throw new Error(name)
    // Every other one has no keys for SCRAM, and an app password.
    const scramHashes = n % 2 === 0 ? (['SHA-256'] as const) : []
    const stored = await storedPassword(storage, name, `right ${n}`, { ...source, scramHashes })
    await storage.run(createAccount, { address, name: '', ...stored, language: 'en', enabled: true, at: 0 })
    if (n % 4 !== 1) continue
    const secret = await storedAppPassword(storage, name, `app ${n}`, source)
    await storage.run(createAppPassword, {
      account: address,
      name: 'phone',
      scopes: ['smtp'],
      at: 0,
      ...secret,
    })
  }
}

async function compare(
  way: string,
  attempts: number,
  attempt: (name: string) => Promise<unknown>,
): Promise<Comparison> {
  const times = { known: [] as number[], unknown: [] as number[] }
  for (let n = 0; n < attempts + accounts; n++) {
    // Which of the two comes first must not matter.
    const kinds = n % 2 === 0 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const)
    for (const kind of kinds) {
      const since = performance.now()
      await attempt(`known${n % accounts}${kind === 'known' ? '' : '-not'}@example.test`)
      // The first of each account fill caches.
      if (n >= accounts) times[kind].push(performance.now() - since)
    }
  }
  return { way, ...times }
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/** Mann and Whitney: the share of pairs in which the first takes longer, and its distance from one half in standard errors. */
function judge({ known, unknown }: Comparison): { readonly share: number; readonly errors: number } {
  const sorted = unknown.toSorted((a, b) => a - b)
  let below = 0
  for (const time of known) {
    let [from, to] = [0, sorted.length]
    while (from < to) {
      const middle = (from + to) >> 1
      if ((sorted[middle] ?? 0) < time) from = middle + 1
      else to = middle
    }
    below += from
  }
  const [n, m] = [known.length, unknown.length]
  const share = below / (n * m)
  return { share, errors: (share - 0.5) / Math.sqrt((n + m + 1) / (12 * n * m)) }
}

const { values } = parseArgs({ options: { attempts: { type: 'string', default: '1000' } } })
const attempts = Number(values.attempts)
const folder = await mkdtemp(join(tmpdir(), 'postrider-bench-'))
const storage = await openLocalStorage(join(folder, 'data'))
try {
  await fill(storage)
  const policy = await obtainScramPolicy(storage, { random: systemRandom, at: 0 })
  const comparisons = [
    await compare('PLAIN', attempts, name => verifyLogin(storage, name, 'wrong', terms)),
    await compare('SCRAM-SHA-256', attempts, async name =>
      (await openScram(storage, policy, 'SHA-256', name, terms)).settle(undefined),
    ),
  ]
  for (const comparison of comparisons) {
    const { share, errors } = judge(comparison)
    const [known, unknown] = [median(comparison.known), median(comparison.unknown)]
    process.stdout.write(
      `${comparison.way}: ${attempts} each; median known ${known.toFixed(3)} ms, unknown ${unknown.toFixed(3)} ms; ` +
        `known longer in ${share.toFixed(3)} of pairs (${errors.toFixed(1)} standard errors from chance)\n`,
    )
  }
} finally {
  await storage.close()
  await rm(folder, { recursive: true })
}
