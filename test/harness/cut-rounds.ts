// One server whose way to PostgreSQL is cut for a while, again and again, under load: what senders are told meanwhile, how
// soon it goes on, and what became of every message. With the limits that a server has, so it takes as long as the cuts.
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Reckoning } from './arrivals.ts'
import { startCollectingSink } from './collecting-sink.ts'
import { eventually } from './eventually.ts'
import { type Ledger, startLastingLoad } from './ledger-load.ts'
import { awaitEmptyQueue, createAccount } from './mailboxes.ts'
import { startPostgres } from './postgres-server.ts'
import { reckonWithDatabase } from './reckon-with-database.ts'
import { createServerFolder, startServer } from './server-process.ts'
import { startTcpProxy } from './tcp-proxy.ts'
import { startTimeline } from './timeline.ts'

export interface CutOptions {
  readonly connections: number
  /** How long each cut lasts. */
  readonly cutsMs: readonly number[]
  /** Of load before and after each cut. */
  readonly calmMs: number
  readonly progress: (line: string) => void
}

export interface CutReport {
  readonly cutMs: number
  /** How often each reply other than 250 was given, from the cut until mail was taken again. */
  readonly putOff: ReadonlyMap<string, number>
  /** From the end of the cut to the next 250, and to the next arrival elsewhere. */
  readonly firstAcceptedMs: number
  readonly firstArrivalMs: number
  /** Lines of the log, above debug, from the cut on. */
  readonly logLines: readonly string[]
}

export interface CutsReport extends Reckoning {
  readonly cuts: readonly CutReport[]
  readonly exitCode: number | null
}

const localReceivers = ['anna@example.test', 'boris@example.test']
const remoteReceiver = 'clara@example.net'
const goesOnWithinMs = 120_000

export async function runCutRounds(options: CutOptions): Promise<CutsReport> {
  const ends: (() => Promise<unknown> | void)[] = []
  try {
    return await run(options, ends)
  } finally {
    for (const end of ends.toReversed()) await end()
  }
}

async function run(
  { connections, cutsMs, calmMs, progress }: CutOptions,
  ends: (() => Promise<unknown> | void)[],
): Promise<CutsReport> {
  const database = await startPostgres()
  ends.push(() => database.stop())
  const uri = await database.createDatabase('postrider')
  const proxy = await startTcpProxy(database.port)
  ends.push(() => proxy.close())
  const sink = await startCollectingSink()
  ends.push(() => sink.close())
  const at = await createServerFolder({
    settings: `storage = "${proxy.uri(uri)}"\nlocalNetworks = ["127.0.0.0/8"]`,
    tables: `[delivery.smartHost]\nhost = "127.0.0.1"\nport = ${sink.port}\ntls = "never"\nverifyCertificate = false\n[queue]\nretryMinutes = [1]`,
  })
  ends.push(() => at.remove())
  for (const address of localReceivers) await createAccount(at, address, 'a password of some length')
  const server = await startServer(at)
  ends.push(() => server.kill())

  const ledger: Ledger = { promised: [], unanswered: [] }
  let putOff = new Map<string, number>()
  const load = startLastingLoad({
    choosePort: () => server.port('relay'),
    connections,
    ledger,
    compose: composeMixed,
    putOff({ code, text }) {
      const reply = `${code} ${text}`
      putOff.set(reply, (putOff.get(reply) ?? 0) + 1)
    },
  })
  ends.push(() => load.stop())
  const accepted = startTimeline(() => ledger.promised.length)
  const arrived = startTimeline(() => sink.messages.length)
  ends.push(() => {
    for (const timeline of [accepted, arrived]) timeline.stop()
  })
  await sleep(calmMs)

  const cuts: CutReport[] = []
  for (const cutMs of cutsMs) {
    progress(
      `${ledger.promised.length} answered 250; now: the way to the database is cut for ${cutMs / 1000} s`,
    )
    putOff = new Map()
    const linesBefore = server.output().split('\n').length
    proxy.cut()
    await sleep(cutMs)
    proxy.mend()
    const mendedAt = performance.now()
    await eventually(
      'mail is taken and delivered again',
      async () => (accepted.nextAfter(mendedAt) === undefined ? undefined : arrived.nextAfter(mendedAt)),
      { forMs: goesOnWithinMs },
    )
    await sleep(calmMs)
    cuts.push({
      cutMs,
      putOff,
      firstAcceptedMs: accepted.nextAfter(mendedAt) ?? Infinity,
      firstArrivalMs: arrived.nextAfter(mendedAt) ?? Infinity,
      logLines: server
        .output()
        .split('\n')
        .slice(linesBefore - 1, -1),
    })
  }
  await load.stop()
  progress(`${ledger.promised.length} answered 250; waiting until the queue is empty`)
  await awaitEmptyQueue(at, 300_000)
  const exitCode = await server.stop()
  return { cuts, exitCode, ...(await reckonWithDatabase({ ledger, sink, uri, localReceivers })) }
}

function composeMixed(n: number): { readonly recipient: string; readonly bodyBytes: number } {
  const recipient = n % 2 === 0 ? remoteReceiver : (localReceivers[n % 4 === 1 ? 0 : 1] ?? remoteReceiver)
  return { recipient, bodyBytes: n % 20 === 0 ? 300_000 : randomInt(10, 4000) }
}
