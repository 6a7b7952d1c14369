// What destinations that are dead or slow cost the others: mail for a thousand domains is due at one moment, and the time
// counts until all of it for the healthy ones has arrived; once with them alone, once with the others among them.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { startDnsServer, type TestDnsServer } from '../test/harness/dns-server.ts'
import { findFreePort } from '../test/harness/free-port.ts'
import { readCpuMs } from '../test/harness/process-tree.ts'
import { startSilentReceiver, startSlowReceiver } from './difficult-receivers.ts'
import { type Sink, startSink } from './load.ts'
import { composeSettings, databasePath, launchPostrider } from './postrider-subject.ts'
import { stockQueue } from './stock-queue.ts'

export interface DestinationsPlan {
  readonly healthy: number
  readonly dead: number
  readonly slow: number
  readonly messagesForEach: number
  readonly rounds: number
}

export interface DestinationsRound {
  /** Until the last message for a healthy destination has arrived. */
  readonly lastMs: number
  /** Until half of them have. */
  readonly halfMs: number
  /** Of the server, for each message that arrived. */
  readonly cpuMsPerMessage: number
  readonly loadAverage: number
  /** What the dead and the slow ones saw; 0 where they had no mail. */
  readonly deadConnections: number
  readonly slowConnections: number
}

export interface DestinationsFigures {
  readonly plan: DestinationsPlan
  readonly alone: readonly DestinationsRound[]
  readonly mixed: readonly DestinationsRound[]
}

const replyMs = 5000
const messageBytes = 2000
/** Addresses of one machine, and one port: a destination is the set of its mail hosts' names. */
const addresses = { healthy: '127.0.0.1', slow: '127.0.0.2', dead: '127.0.0.3' } as const
type Kind = keyof typeof addresses

/** Sent before, to other domains: code is compiled and the process has its memory. */
const warmUp = { domains: 50, messagesForEach: 20 }
/** From the start of the server to the moment when the mail is due: enough for the warm-up. */
const leadMs = 15_000
const patienceMs = 60_000
/** More than the server opens. */
const sinkConnections = 1000

/** In turns: alone, mixed, alone, mixed. */
export async function measureDestinations(
  plan: DestinationsPlan,
  parentFolder: string,
): Promise<DestinationsFigures> {
  const alone: DestinationsRound[] = []
  const mixed: DestinationsRound[] = []
  for (let round = 0; round < plan.rounds; round++) {
    alone.push(await measureRound({ ...plan, dead: 0, slow: 0 }, parentFolder))
    mixed.push(await measureRound(plan, parentFolder))
  }
  return { plan, alone, mixed }
}

async function measureRound(plan: DestinationsPlan, parentFolder: string): Promise<DestinationsRound> {
  const sink = await startSink(parentFolder, sinkConnections)
  const slow = await startSlowReceiver(addresses.slow, sink.port, replyMs)
  const dead = await startSilentReceiver(addresses.dead, sink.port)
  const domains = mixDomains(plan)
  const warmUpDomains = Array.from({ length: warmUp.domains }, (_, n) => `warm-up${n}.test`)
  const dns = await startDnsServer([
    ...warmUpDomains.flatMap(domain => zoneOf(domain, 'healthy')),
    ...domains.flatMap(({ domain, kind }) => zoneOf(domain, kind)),
  ])
  try {
    const times = await deliver(plan, { sink, dns, warmUpDomains, domains, parentFolder })
    return {
      ...times,
      loadAverage: loadavg()[0] ?? 0,
      deadConnections: dead.connections(),
      slowConnections: slow.connections(),
    }
  } finally {
    await Promise.all([dns.close(), slow.close(), dead.close(), sink.stop()])
  }
}

interface Scene {
  readonly sink: Sink
  readonly dns: TestDnsServer
  readonly warmUpDomains: readonly string[]
  readonly domains: readonly { readonly domain: string }[]
  readonly parentFolder: string
}

async function deliver(
  { healthy, messagesForEach }: DestinationsPlan,
  { sink, dns, warmUpDomains, domains, parentFolder }: Scene,
): Promise<Pick<DestinationsRound, 'lastMs' | 'halfMs' | 'cpuMsPerMessage'>> {
  const folder = await mkdtemp(join(parentFolder, 'destinations-'))
  try {
    const port = await findFreePort()
    await writeFile(
      join(folder, 'postrider.toml'),
      composeSettings(port, { mailHostPort: sink.port, dnsServer: dns.text }),
    )
    const warmUpMessages = warmUpDomains.length * warmUp.messagesForEach
    await stockQueue(join(folder, 'data'), {
      messages: warmUpMessages + domains.length * messagesForEach,
      messageBytes,
      isDeferred: false,
      // Each domain has a message before one has its second.
      messageAt: n => ({
        sender: `sender${n % 50}@example.org`,
        recipient: `r${n}@${
          n < warmUpMessages
            ? warmUpDomains[n % warmUpDomains.length]
            : domains[(n - warmUpMessages) % domains.length]?.domain
        }`,
      }),
    })
    const dueAt = Date.now() + leadMs
    setDue(folder, dueAt)
    const server = await launchPostrider(folder, port)
    try {
      await sink.reach(warmUpMessages, patienceMs)
      if (Date.now() >= dueAt) throw new Error('the warm-up took longer than there was time for it')
      const cpuBefore = readCpuMs(server.pid)
      const all = healthy * messagesForEach
      await sink.reach(warmUpMessages + all / 2, patienceMs)
      const halfMs = Date.now() - dueAt
      await sink.reach(warmUpMessages + all, patienceMs)
      const lastMs = Date.now() - dueAt
      return { halfMs, lastMs, cpuMsPerMessage: (readCpuMs(server.pid) - cpuBefore) / all }
    } finally {
      await server.stop()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The dead and the slow ones evenly among the others. */
function mixDomains({
  healthy,
  dead,
  slow,
}: DestinationsPlan): { readonly domain: string; readonly kind: Kind }[] {
  const listed = (
    [
      ['healthy', healthy],
      ['dead', dead],
      ['slow', slow],
    ] as const
  ).flatMap(([kind, count]) =>
    Array.from({ length: count }, (_, n) => ({
      kind,
      domain: `${kind}${n}.test`,
      place: (n + 0.5) / count,
    })),
  )
  return listed.sort((a, b) => a.place - b.place)
}

function zoneOf(domain: string, kind: Kind): string[] {
  return [`${domain} MX 10 mx.${domain}`, `mx.${domain} A ${addresses[kind]}`]
}

function setDue(folder: string, at: number): void {
  const database = new DatabaseSync(databasePath(folder))
  try {
    database.prepare("UPDATE queue_recipient SET due_at = ? WHERE domain NOT LIKE 'warm-up%'").run(at)
  } finally {
    database.close()
  }
}
