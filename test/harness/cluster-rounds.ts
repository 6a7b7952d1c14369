// Servers over one PostgreSQL that has a synchronous standby, under load in and out, while one server is killed, one is
// stopped for longer than the others believe in it, and the primary is killed and the standby promoted: a count of what
// became of every message, and of how long nothing arrived.
import { randomInt } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Reckoning, tokenOf } from './arrivals.ts'
import { type CollectingSink, startCollectingSink } from './collecting-sink.ts'
import { startDnsServer } from './dns-server.ts'
import { type Ledger, startLastingLoad } from './ledger-load.ts'
import { awaitEmptyQueue, createAccount } from './mailboxes.ts'
import { type PostgresServer, queryPostgres, startPostgres } from './postgres-server.ts'
import { reckonWithDatabase } from './reckon-with-database.ts'
import { createServerFolder, type ServerFolder, type ServerProcess, startServer } from './server-process.ts'
import { startTimeline, type Timeline } from './timeline.ts'

export interface ClusterOptions {
  readonly connections: number
  /** Of load before, between and after the faults. */
  readonly calmMs: number
  /** How long the server that is stopped is stopped. */
  readonly pauseMs: number
  /** From the death of the primary to the promotion of its standby: what a watcher such as Patroni needs. */
  readonly promoteAfterMs: number
  readonly progress: (line: string) => void
  /** Where the logs of the servers are put at the end. */
  readonly logFolder?: string | undefined
}

export interface FaultReport {
  readonly fault: string
  /** Without a 250, from the fault to the next one: the longest time. */
  readonly acceptSilenceMs: number
  /** Without an arrival at one of the destinations, each of which has mail all the time: the longest of theirs. */
  readonly arrivalSilenceMs: number
  /** Copies of messages that had arrived elsewhere before, until the next fault. */
  readonly repeats: number
}

export interface ClusterReport extends Reckoning {
  readonly faults: readonly FaultReport[]
  /** From the promotion of the standby. */
  readonly firstAcceptedMs: number
  readonly firstArrivalMs: number
}

const localReceivers = ['anna@example.test', 'boris@example.test']
const remoteDomains = Array.from({ length: 12 }, (_, n) => `d${n}.example.net`)
const sinkAddress = '127.0.0.2'
const queueIsEmptyWithinMs = 300_000
const nodes = 3

interface Cluster {
  readonly primary: PostgresServer
  readonly standby: PostgresServer
  readonly uri: string
  readonly folders: readonly ServerFolder[]
  readonly servers: ServerProcess[]
  readonly sink: CollectingSink
  readonly ledger: Ledger
}

type Ends = (() => Promise<unknown> | void)[]

export async function runClusterRounds(options: ClusterOptions): Promise<ClusterReport> {
  const ends: Ends = []
  try {
    return await run(options, ends)
  } finally {
    for (const end of ends.toReversed()) await end()
  }
}

async function run(options: ClusterOptions, ends: Ends): Promise<ClusterReport> {
  const { calmMs, connections, progress } = options
  const cluster = await startCluster(ends)
  const { ledger, servers, sink } = cluster
  const accepted = startTimeline(() => ledger.promised.length)
  const arrived = startTimeline(() => sink.messages.length)
  const arrivedAt = new DomainCounts(sink)
  const ofDomains = remoteDomains.map(domain => startTimeline(() => arrivedAt.count(domain)))
  ends.push(() => {
    for (const timeline of [accepted, arrived, ...ofDomains]) timeline.stop()
  })
  const load = startLastingLoad({
    choosePort: () => servers[randomInt(servers.length)]?.port('relay') ?? 0,
    connections,
    ledger,
    compose: composeMixed,
  })
  ends.push(() => load.stop())
  const { logFolder } = options
  const logs: (() => string)[] = servers.map(server => server.output)
  if (logFolder !== undefined)
    ends.push(() =>
      Promise.all(logs.map((log, index) => writeFile(join(logFolder, `server-${index + 1}.log`), log()))),
    )
  await sleep(calmMs)

  const faults: Omit<FaultReport, 'repeats'>[] = []
  /** How many had arrived when each fault began. */
  const arrivedBefore: number[] = []
  const suffer = async <Outcome>(fault: string, happen: () => Promise<Outcome>): Promise<Outcome> => {
    progress(
      `${ledger.promised.length} answered 250, ${sink.messages.length} arrived elsewhere; now: ${fault}`,
    )
    const from = performance.now()
    arrivedBefore.push(sink.messages.length)
    const outcome = await happen()
    await sleep(calmMs)
    const silence = (timeline: Timeline): number => timeline.longestSilence(from, performance.now())
    faults.push({
      fault,
      acceptSilenceMs: silence(accepted),
      arrivalSilenceMs: Math.max(...ofDomains.map(silence)),
    })
    return outcome
  }

  await suffer('one server is killed', () => killOne(cluster))
  await suffer(`one is stopped for ${options.pauseMs / 1000} s, and goes on`, () =>
    pauseOne(cluster, options.pauseMs),
  )
  const promotedAt = await suffer('the primary is killed, the standby promoted', () =>
    failOver(cluster, options.promoteAfterMs),
  )
  await load.stop()
  progress(`${ledger.promised.length} answered 250; waiting until the queue is empty`)
  const [anyFolder] = cluster.folders
  if (anyFolder) await awaitEmptyQueue(anyFolder, queueIsEmptyWithinMs)
  const repeats = findRepeats(sink.messages)
  return {
    faults: faults.map((fault, index) => {
      const [from = 0, to = Infinity] = arrivedBefore.slice(index, index + 2)
      return { ...fault, repeats: repeats.filter(place => place >= from && place < to).length }
    }),
    firstAcceptedMs: accepted.nextAfter(promotedAt) ?? Infinity,
    firstArrivalMs: arrived.nextAfter(promotedAt) ?? Infinity,
    ...(await reckonWithDatabase({ ...cluster, localReceivers })),
  }
}

/** How much has arrived for each domain. */
class DomainCounts {
  readonly #sink: CollectingSink
  readonly #counts = new Map<string, number>()
  #counted = 0

  constructor(sink: CollectingSink) {
    this.#sink = sink
  }

  count(domain: string): number {
    for (; this.#counted < this.#sink.messages.length; this.#counted++) {
      const found = /^To: [^@]*@(.*?)\r?$/m.exec(this.#sink.messages[this.#counted] ?? '')?.[1] ?? ''
      this.#counts.set(found, (this.#counts.get(found) ?? 0) + 1)
    }
    return this.#counts.get(domain) ?? 0
  }
}

/** The places of those that are there already, before them. */
function findRepeats(messages: readonly string[]): number[] {
  const seen = new Set<string>()
  return messages.flatMap((message, place) => {
    const token = tokenOf(message)
    if (seen.has(token)) return [place]
    seen.add(token)
    return []
  })
}

async function startCluster(ends: Ends): Promise<Cluster> {
  const primary = await startPostgres()
  ends.push(() => primary.stop())
  await primary.createDatabase('postrider')
  const standby = await primary.startStandby()
  ends.push(() => standby.stop())
  // From now on a commit is answered when it is on both disks.
  await queryPostgres(primary.uri(), "ALTER SYSTEM SET synchronous_standby_names = 'standby'")
  await queryPostgres(primary.uri(), 'SELECT pg_reload_conf()')
  const uri = primary
    .uri('postrider')
    .replace(`:${primary.port}/`, `:${primary.port},127.0.0.1:${standby.port}/`)

  const sink = await startCollectingSink(sinkAddress)
  ends.push(() => sink.close())
  const dns = await startDnsServer([
    ...remoteDomains.map(domain => `${domain} MX 10 mx.example.net`),
    `mx.example.net A ${sinkAddress}`,
  ])
  ends.push(() => dns.close())

  const folders: ServerFolder[] = []
  ends.push(() => Promise.all(folders.map(folder => folder.remove())))
  for (let node = 0; node < nodes; node++)
    folders.push(
      await createServerFolder({
        settings: `storage = "${uri}"\nlocalNetworks = ["127.0.0.0/8"]`,
        tables: `[delivery]\nport = ${sink.port}\ntls = "never"\ndnsServers = ["${dns.text}"]\n[queue]\nretryMinutes = [1]`,
      }),
    )
  const [first] = folders
  for (const address of localReceivers)
    if (first) await createAccount(first, address, 'a password of some length')
  const servers: ServerProcess[] = []
  ends.push(() => Promise.all(servers.map(server => server.kill())))
  for (const folder of folders) servers.push(await startServer(folder))
  return { primary, standby, uri, folders, servers, sink, ledger: { promised: [], unanswered: [] } }
}

// Small ones lie in a row, large ones in chunks.
function composeMixed(n: number): { readonly recipient: string; readonly bodyBytes: number } {
  const recipient =
    n % 3 === 0
      ? (localReceivers[n % 2] ?? '')
      : `clara@${remoteDomains[randomInt(remoteDomains.length)] ?? ''}`
  return { recipient, bodyBytes: n % 20 === 0 ? 300_000 : randomInt(10, 4000) }
}

/** It is started again, as whatever watches it would do. */
async function killOne({ folders, servers }: Cluster): Promise<void> {
  await servers[0]?.kill()
  const [folder] = folders
  if (folder) servers[0] = await startServer(folder)
}

async function pauseOne({ servers }: Cluster, forMs: number): Promise<void> {
  const pid = servers[1]?.pid
  if (pid === undefined) return
  process.kill(-pid, 'SIGSTOP')
  await sleep(forMs)
  process.kill(-pid, 'SIGCONT')
}

/** Resolves with when the standby was promoted. */
async function failOver({ primary, standby }: Cluster, promoteAfterMs: number): Promise<number> {
  await primary.kill()
  await sleep(promoteAfterMs)
  await queryPostgres(standby.uri(), 'SELECT pg_promote()')
  return performance.now()
}
