// Whether the time of a refused log-in tells that there is such an account: known and unknown names in turn, each with a wrong
// password, as the server looks at them. For each way the medians, and how often one known attempt took longer than one unknown
// (0.5: nothing can be told), with how many standard errors that is away from chance. In the process itself, and as a client on this
// machine sees it.
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
import { Logins } from '../src/policy/logins.ts'
import { systemClock } from '../src/runtime/clock.ts'
import { silentLog } from '../src/runtime/log.ts'
import { systemRandom } from '../src/runtime/random.ts'
import { usualMechanisms } from '../src/sasl/mechanisms.ts'
import { replies } from '../src/smtp/replies.ts'
import { createSmtpServer } from '../src/smtp/server/create-smtp-server.ts'
import type { SmtpServer } from '../src/smtp/server/options.ts'
import { openLocalStorage } from '../src/storage/local-storage.ts'
import type { Storage } from '../src/storage/operation.ts'
import { logInPlain, logInScram, openSession } from '../test/harness/log-in.ts'
import type { RawConnection } from '../test/harness/raw-connection.ts'

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
  /** Resolves with how long it took, in ms. */
  attempt: (name: string) => Promise<number>,
): Promise<Comparison> {
  const times = { known: [] as number[], unknown: [] as number[] }
  for (let n = 0; n < attempts + accounts; n++) {
    // Which of the two comes first must not matter.
    const kinds = n % 2 === 0 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const)
    for (const kind of kinds) {
      const took = await attempt(`known${n % accounts}${kind === 'known' ? '' : '-not'}@example.test`)
      // The first of each account fill caches.
      if (n >= accounts) times[kind].push(took)
    }
  }
  return { way, ...times }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const since = performance.now()
  await work()
  return performance.now() - since
}

/** Nobody is held back, or only the first attempts would be looked at. */
const unlimited = { windowMs: 60_000, maxPerNetwork: 1e9, maxPerAccount: 1e9, maxDelayMs: 0 }

function startServer(logins: Logins): SmtpServer {
  return createSmtpServer({
    hostname: 'mail.example.test',
    listeners: [{ role: 'submission', address: '127.0.0.1', port: 0 }],
    services: {
      authenticate: (client, name, password) => logins.verifyPassword(client.remoteAddress, name, password),
      openScram: (client, hash, name) => logins.openScram(client.remoteAddress, hash, name),
      receive: () => replies.localError,
    },
    allowPlaintextAuthOnLoopback: true,
  })
}

/** From the first line of AUTH to the refusal, on a connection of its own. */
async function attemptOver(
  port: number,
  logIn: (connection: RawConnection) => Promise<number | undefined>,
): Promise<number> {
  const connection = await openSession(port)
  const took = await timed(async () => {
    const code = await logIn(connection)
    if (code !== 535) throw new Error(`not refused: ${code ?? 'closed'}`)
  })
  connection.destroy()
  return took
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
const logins = new Logins({
  storage,
  protocol: 'smtp',
  mechanisms: usualMechanisms,
  limits: unlimited,
  clock: systemClock,
  random: systemRandom,
  log: silentLog,
})
const server = startServer(logins)
try {
  await fill(storage)
  const policy = await obtainScramPolicy(storage, { random: systemRandom, at: 0 })
  const [listener] = await server.listen()
  const port = listener?.port ?? 0
  const comparisons = [
    await compare('PLAIN', attempts, name => timed(() => verifyLogin(storage, name, 'wrong', terms))),
    await compare('SCRAM-SHA-256', attempts, name =>
      timed(async () => (await openScram(storage, policy, 'SHA-256', name, terms)).settle(undefined)),
    ),
    await compare('PLAIN, as a client sees it', attempts, name =>
      attemptOver(port, connection => logInPlain(connection, name, 'wrong')),
    ),
    await compare('SCRAM-SHA-256, as a client sees it', attempts, name =>
      attemptOver(port, async connection => (await logInScram(connection, { name, password: 'wrong' })).code),
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
  await server.close()
  await logins.settled()
  await storage.close()
  await rm(folder, { recursive: true })
}
