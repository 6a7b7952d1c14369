// kill -9 under load, again and again on one data folder, and a count of what became of every message.
//
// Three kinds of kill: while the server starts, while mail comes in and goes out, and while it is quiet enough to
// settle. Half of the mail is for mailboxes here, half for a remote server that keeps what it takes.
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Reckoning, reckonArrivals } from './arrivals.ts'
import { startCollectingSink } from './collecting-sink.ts'
import { eventually } from './eventually.ts'
import { type Ledger, startLedgerLoad } from './ledger-load.ts'
import { awaitEmptyQueue, createAccount } from './mailboxes.ts'
import { readFolderMailboxes } from './read-mailboxes.ts'
import { createServerFolder, launchServer, type ServerFolder, startServer } from './server-process.ts'

export interface KillReport extends Reckoning {
  readonly rounds: number
}

export interface KillOptions {
  readonly rounds: number
  /** The longest time of load before a kill. */
  readonly maxLoadMs: number
  /** Called after each round. */
  readonly progress?: (round: number, promised: number) => void
}

const connections = 8
const localReceivers = ['anna@example.test', 'boris@example.test']
const remoteReceiver = 'clara@example.net'

export async function runKillRounds({ rounds, maxLoadMs, progress }: KillOptions): Promise<KillReport> {
  const sink = await startCollectingSink()
  const at = await createServerFolder({
    settings: 'localNetworks = ["127.0.0.0/8"]',
    tables: `[delivery.smartHost]\nhost = "127.0.0.1"\nport = ${sink.port}\ntls = "never"\nverifyCertificate = false`,
  })
  try {
    for (const address of localReceivers) await createAccount(at, address, 'a password of some length')
    const ledger: Ledger = { promised: [], unanswered: [] }
    for (let round = 1; round <= rounds; round++) {
      if (round % 5 === 0) await killDuringStart(at)
      await killUnderLoad(at, ledger, maxLoadMs)
      progress?.(round, ledger.promised.length)
    }
    await settle(at)
    const here = readFolderMailboxes(at.dataFolder, localReceivers)
    return { rounds, ...(await reckonArrivals(ledger, { here, taken: sink.messages, localReceivers })) }
  } finally {
    await at.remove()
    await sink.close()
  }
}

async function killDuringStart(at: ServerFolder): Promise<void> {
  const server = launchServer(at)
  await sleep(randomInt(1000))
  await server.kill()
}

async function killUnderLoad(at: ServerFolder, ledger: Ledger, maxLoadMs: number): Promise<void> {
  const server = await startServer(at)
  const load = startLedgerLoad({ port: server.port('relay'), connections, ledger, compose: composeMixed })
  // Kills before the first 250 of all would prove nothing; before that of a round, they do.
  await eventually('a first 250', async () => ledger.promised.length > 0 || undefined)
  await sleep(randomInt(20, maxLoadMs))
  await server.kill()
  await load.ended
}

// Small ones lie in a row, large ones in a file of their own: both ways of storing are under way at each kill.
function composeMixed(n: number): { readonly recipient: string; readonly bodyBytes: number } {
  const recipient = n % 2 === 0 ? remoteReceiver : (localReceivers[n % 4 === 1 ? 0 : 1] ?? remoteReceiver)
  return { recipient, bodyBytes: n % 7 === 0 ? 300_000 : randomInt(10, 4000) }
}

/** A last start: everything that is left in the queue goes where it belongs; then the server ends in peace. */
async function settle(at: ServerFolder): Promise<void> {
  const server = await startServer(at)
  try {
    await awaitEmptyQueue(at, 180_000)
  } finally {
    await server.stop()
  }
}
