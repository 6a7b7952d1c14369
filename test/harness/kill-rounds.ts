// kill -9 under load, again and again on one data folder, and a count of what became of every message.
//
// Three kinds of kill: while the server starts, while mail comes in and goes out, and while it is quiet enough to
// settle. Half of the mail is for mailboxes here, half for a remote server that keeps what it takes.
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseAddress } from '../../src/address/parse-address.ts'
import { findAccount } from '../../src/directory/accounts.ts'
import { listMailboxMessages, type MailboxMessage } from '../../src/mailbox/operations.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { openMailDataFiles } from '../../src/storage/mail-data-files.ts'
import { createMailDataStore } from '../../src/storage/mail-data-store.ts'
import { SqliteReader } from '../../src/storage/sqlite-reader.ts'
import { startCollectingSink } from './collecting-sink.ts'
import { eventually } from './eventually.ts'
import {
  type Ledger,
  type Promised,
  type SentMessage,
  startLedgerLoad,
  textOf,
  tokenField,
} from './ledger-load.ts'
import { countQueue, createAccount } from './mailboxes.ts'
import { createServerFolder, launchServer, type ServerFolder, startServer } from './server-process.ts'

export interface KillReport {
  readonly rounds: number
  /** Messages answered with 250. */
  readonly promised: number
  /** Of these, those that are nowhere: must be none. */
  readonly lost: readonly Promised[]
  /** Answered with 250, and somewhere otherwise than it was sent: must be none. */
  readonly damaged: readonly Promised[]
  /** Answered with 250, and in a mailbox of ours more than once: must be none. */
  readonly doubledHere: readonly Promised[]
  /** Delivered to the remote server more than once: a kill between its 250 and our commit. */
  readonly doubledRemotely: readonly Promised[]
  /** Of one message at the remote server: one more for each kill that met it there. */
  readonly mostCopies: number
  /** Cut off before the answer, and there all the same: the sender would send these again. */
  readonly unansweredKept: number
  readonly unanswered: number
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
    const remotely = new Arrivals(ledger)
    for (const stuffed of sink.messages) remotely.add(`${stuffed.replaceAll('\r\n..', '\r\n.')}\r\n`)
    const here = new Arrivals(ledger)
    for await (const text of readMailboxes(at)) here.add(text)
    return compareWithLedger(rounds, ledger, here, remotely)
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
    await eventually('an empty queue', async () => ((await countQueue(at)) === 0 ? true : undefined), {
      forMs: 180_000,
      everyMs: 500,
    })
  } finally {
    await server.stop()
  }
}

/** Every message in every mailbox, from the data folder itself. */
async function* readMailboxes({ dataFolder }: ServerFolder): AsyncIterable<string> {
  const reader = new SqliteReader(dataFolder)
  const mailData = createMailDataStore(openMailDataFiles(dataFolder, systemRandom), reader)
  try {
    for (const address of localReceivers) {
      const account = await reader.run(findAccount, {
        address: parseAddress(address) ?? assert.fail(address),
      })
      for (let beforeUid: number | undefined; ; ) {
        const page: readonly MailboxMessage[] = await reader.run(listMailboxMessages, {
          accountId: account?.id ?? 0,
          mailbox: 'INBOX',
          beforeUid,
          limit: 500,
        })
        for (const { mailDataId } of page) yield await text(mailData.read(mailDataId))
        beforeUid = page.at(-1)?.uid
        if (beforeUid === undefined) break
      }
    }
  } finally {
    reader.close()
  }
}

/** What has arrived in one place, by its tokens. */
class Arrivals {
  readonly #sent: ReadonlyMap<string, SentMessage>
  readonly #counts = new Map<string, number>()
  readonly damaged = new Set<string>()

  constructor({ promised, unanswered }: Ledger) {
    this.#sent = new Map([...promised, ...unanswered].map(message => [message.token, message]))
  }

  /** Before what was sent there are trace fields. */
  add(arrived: string): void {
    const start = arrived.indexOf(tokenField) + tokenField.length
    const token = arrived.slice(start, arrived.indexOf('\r\n', start))
    this.#counts.set(token, (this.#counts.get(token) ?? 0) + 1)
    const sent = this.#sent.get(token)
    if (!sent || !arrived.endsWith(textOf(sent))) this.damaged.add(token)
  }

  count(token: string): number {
    return this.#counts.get(token) ?? 0
  }
}

function compareWithLedger(rounds: number, ledger: Ledger, here: Arrivals, remotely: Arrivals): KillReport {
  const placeOf = ({ recipient }: SentMessage): Arrivals => (recipient === remoteReceiver ? remotely : here)
  const countOf = (message: SentMessage): number => placeOf(message).count(message.token)
  const doubled = ledger.promised.filter(message => countOf(message) > 1)
  return {
    rounds,
    promised: ledger.promised.length,
    lost: ledger.promised.filter(message => countOf(message) === 0),
    damaged: ledger.promised.filter(message => placeOf(message).damaged.has(message.token)),
    doubledHere: doubled.filter(({ recipient }) => recipient !== remoteReceiver),
    doubledRemotely: doubled.filter(({ recipient }) => recipient === remoteReceiver),
    mostCopies: Math.max(0, ...ledger.promised.map(countOf)),
    unanswered: ledger.unanswered.length,
    unansweredKept: ledger.unanswered.filter(message => countOf(message) > 0).length,
  }
}
