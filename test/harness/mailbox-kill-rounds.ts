// kill -9 while mail is delivered and programs of IMAP change mailboxes, again and again on one data folder; and whether all that
// was answered holds: messages, where they are, their flags, UIDs and mod-sequences.
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Ledger, startLedgerLoad } from './ledger-load.ts'
import { createMailboxLedger, type KnownMessage, type MailboxLedger, MailboxProgram } from './mailbox-load.ts'
import { awaitEmptyQueue, createAccount } from './mailboxes.ts'
import { createServerFolder, type ServerProcess, startServer } from './server-process.ts'

export interface MailboxKillReport {
  readonly rounds: number
  /** Commands of IMAP that were answered. */
  readonly answered: number
  /** Messages that were answered 250. */
  readonly delivered: number
  /** Messages that are there in the end. */
  readonly kept: number
  /** What must not be: a sentence each. */
  readonly faults: readonly string[]
}

const account = { user: 'anna@example.test', password: 'a password of some length' }
const programs = 4
const deliveries = 4

export interface MailboxKillOptions {
  readonly rounds: number
  /** The longest time of load before a kill. */
  readonly maxLoadMs: number
  /** Called after each round. */
  readonly progress?: (round: number, ledger: MailboxLedger, mail: Ledger) => void
}

export async function runMailboxKillRounds({
  rounds,
  maxLoadMs,
  progress,
}: MailboxKillOptions): Promise<MailboxKillReport> {
  const at = await createServerFolder({
    settings: 'localNetworks = ["127.0.0.0/8"]',
    listeners: [
      { role: 'relay', address: '127.0.0.1', port: 0 },
      { role: 'imap', address: '127.0.0.1', port: 0 },
    ],
    tables: '[submission]\nallowPlaintextAuthOnLoopback = true\n[mailboxes]\nkeepExpungedDays = 0',
  })
  const ledger = createMailboxLedger()
  const mail: Ledger = { promised: [], unanswered: [] }
  let server: ServerProcess | undefined
  try {
    await createAccount(at, account.user, account.password)
    for (let round = 1; round <= rounds; round++) {
      server = await startServer(at)
      await compare(server, ledger)
      const { ended } = await startLoad(server, ledger, mail)
      await sleep(randomInt(20, maxLoadMs))
      await server.kill()
      await ended
      progress?.(round, ledger, mail)
    }
    server = await startServer(at)
    await awaitEmptyQueue(at, 180_000)
    const kept = await compare(server, ledger)
    for (const { token } of mail.promised)
      if (kept.get(token) !== 1)
        ledger.faults.push(`${token} was answered 250, and is there ${kept.get(token) ?? 0} times`)
    await server.stop()
    const verified = await at.tryPostrider('verify')
    if (verified.exitCode !== 0) ledger.faults.push(`verify: ${verified.stdout}${verified.stderr}`)
    const { faults, answered } = ledger
    return { rounds, answered, delivered: mail.promised.length, kept: kept.size, faults }
  } finally {
    await server?.kill()
    await at.remove()
  }
}

/** Resolves when all are under way. */
async function startLoad(
  server: ServerProcess,
  ledger: MailboxLedger,
  mail: Ledger,
): Promise<{ readonly ended: Promise<unknown> }> {
  const opened = await Promise.all(
    Array.from({ length: programs }, () => MailboxProgram.open(server.port('imap'), account, ledger)),
  )
  const load = startLedgerLoad({
    port: server.port('relay'),
    connections: deliveries,
    ledger: mail,
    compose: n => ({ recipient: account.user, bodyBytes: n % 7 === 0 ? 300_000 : randomInt(10, 4000) }),
  })
  return { ended: Promise.all([load.ended, ...opened.map(program => program.changeOn())]) }
}

/** What is there, held against what was answered; how often each token is there. */
async function compare(server: ServerProcess, ledger: MailboxLedger): Promise<ReadonlyMap<string, number>> {
  const program = await MailboxProgram.open(server.port('imap'), account, ledger)
  const found = await program.look()
  for (const message of ledger.messages.values()) {
    const there = found.get(message.token) ?? []
    const fault = findFault(message, there)
    if (fault !== undefined) ledger.faults.push(`${message.token} ${fault}`)
    const [only] = there
    // A fault is told once, and what was left open is known now.
    message.places = only ? [only.place] : ['gone']
    message.isFlagged = only?.isFlagged
    if (only && (await program.sizeOf(only.place)) !== message.bytes)
      ledger.faults.push(`${message.token} has not ${message.bytes} octets`)
  }
  program.close()
  return new Map([...found].map(([token, places]) => [token, places.length]))
}

function findFault(
  { places, isFlagged }: KnownMessage,
  there: readonly { readonly place: string; readonly isFlagged: boolean }[],
): string | undefined {
  const [only, ...others] = there
  if (others.length > 0)
    return `is there ${there.length} times: ${there.map(({ place }) => place).join(', ')}`
  if (!only) return places.includes('gone') ? undefined : `is gone, and was in ${places.join(' or ')}`
  const isWhereItMayBe = places.some(place => place === only.place || only.place.startsWith(`${place} `))
  if (!isWhereItMayBe) return `is in ${only.place}, and was in ${places.join(' or ')}`
  if (isFlagged !== undefined && isFlagged !== only.isFlagged)
    return `is ${only.isFlagged ? '' : 'not '}flagged, against what was answered`
  return undefined
}
