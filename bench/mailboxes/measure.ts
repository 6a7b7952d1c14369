// What is measured of mailboxes, one after the other, each on accounts of its own where it would change what others see. The servers
// take turns: a machine is not as fast in one minute as in the next, least of all one that others share.
import { setTimeout as sleep } from 'node:timers/promises'
import { readPssBytes } from '../../test/harness/process-tree.ts'
import { ImapConnection } from './imap-connection.ts'
import { LmtpConnection } from './lmtp-connection.ts'
import { composeMessage, rareWord } from './messages.ts'
import { type MailboxServer, userName } from './subjects.ts'

export interface Plan {
  /** Of the large mailbox. */
  readonly messages: number
  /** Of the one that is appended to and fetched whole. */
  readonly fetched: number
  /** Sessions in IDLE; Dovecot, which has a process for each, gets a tenth. */
  readonly idle: number
}

export interface Figures {
  readonly server: MailboxServer['name']
  /** Rates in messages per second, times in ms, memory in bytes. */
  readonly rows: ReadonlyMap<RowName, number>
}

export type RowName =
  | 'deliver, 8 sessions'
  | 'append, 1 session'
  | 'append, 8 sessions'
  | 'select'
  | 'fetch flags'
  | 'fetch envelope'
  | 'fetch body'
  | 'search text, rare word'
  | 'search text, no such word'
  | 'qresync'
  | 'memory per idle session'
  | 'delivery to EXISTS'

const accounts = { large: 0, appended: 1, spread: 2, delivered: 10, idle: 20 } as const
const users = 30
const idleUsers = 10
const deliveries = 8000
/** Node compiles code meanwhile, and Dovecot starts processes. */
const warmUpDeliveries = 4000
const newsRounds = 50
const appendedBySpread = 8000
/** Of what is a rate: in so many parts, each server one after the other. */
const turns = 8
const perMultiAppend = 500

export type StartServer = (users: number, folder: string) => Promise<MailboxServer>

export async function measureMailboxes(
  starts: readonly StartServer[],
  plan: Plan,
  folder: string,
): Promise<readonly Figures[]> {
  const figures = new Map<MailboxServer['name'], Map<RowName, number>>()
  const onFresh = async (...measures: readonly Measure[]): Promise<void> => {
    const servers: MailboxServer[] = []
    try {
      for (const start of starts) servers.push(await start(users, folder))
      for (const measure of measures)
        await inTurns(servers, server => {
          const rows = figures.get(server.name) ?? new Map<RowName, number>()
          figures.set(server.name, rows)
          return measure(server, plan, (name, value) => {
            rows.set(name, value)
            console.error(`${server.name}  ${name}: ${value.toFixed(2)}`)
          })
        })
    } finally {
      for (const server of servers) await server.stop()
    }
  }
  await onFresh(measureDelivery, measureAppend, measureFetch, measureLarge)
  // What the sessions before them have left in memory, and what is given back of that, is no session's.
  await onFresh(measureIdle)
  return [...figures].map(([server, rows]) => ({ server, rows }))
}

/** Each goes on to its next `yield` when the others have come to theirs, and have done what they put off. */
async function inTurns(
  servers: readonly MailboxServer[],
  begin: (server: MailboxServer) => AsyncGenerator<void>,
): Promise<void> {
  const all = servers.map(server => ({ server, work: begin(server), putOffMs: 0 }))
  let running = all
  while (running.length > 0) {
    const left: typeof running = []
    for (const one of running) {
      const { done } = await one.work.next()
      one.putOffMs += await timed(() => one.server.settle())
      if (!done) left.push(one)
    }
    running = left
  }
  for (const { server, putOffMs } of all)
    if (putOffMs > 1000)
      console.error(`${server.name}  did for ${(putOffMs / 1000).toFixed(1)} s what it had put off`)
}

/** It yields where another server may take its turn. */
type Measure = (server: MailboxServer, plan: Plan, note: Note) => AsyncGenerator<void>

type Note = (name: RowName, value: number) => void

/** Of `count` in all, in messages per second of this server's turns. */
async function* rateInTurns(
  count: number,
  work: (count: number) => Promise<unknown>,
): AsyncGenerator<void, number> {
  const perTurn = Math.ceil(count / turns)
  let took = 0
  for (let turn = 0; turn < turns; turn++) {
    yield
    took += await seconds(() => work(perTurn))
  }
  return (perTurn * turns) / took
}

const open = ({ imapPort, password }: MailboxServer, user: number): Promise<ImapConnection> =>
  ImapConnection.open(imapPort, userName(user), password)

async function* measureDelivery(server: MailboxServer, _plan: Plan, note: Note): AsyncGenerator<void> {
  const sessions = await Promise.all(Array.from({ length: 8 }, () => LmtpConnection.open(server.lmtpSocket)))
  const deliver = async (count: number): Promise<void> => {
    let next = 0
    await Promise.all(
      sessions.map(async (session, index) => {
        for (let number = next++; number < count; number = next++)
          await session.deliver(userName(accounts.delivered + index), composeMessage(number))
      }),
    )
  }
  await deliver(warmUpDeliveries)
  note('deliver, 8 sessions', yield* rateInTurns(deliveries, deliver))
  for (const session of sessions) session.close()
}

async function* measureAppend(server: MailboxServer, { fetched }: Plan, note: Note): AsyncGenerator<void> {
  const one = await open(server, accounts.appended)
  note('append, 1 session', yield* rateInTurns(fetched, count => appendAll(one, count)))
  one.close()
  const several = await Promise.all(Array.from({ length: 8 }, (_, n) => open(server, accounts.spread + n)))
  const appendEach = (count: number): Promise<unknown> =>
    Promise.all(several.map(session => appendAll(session, count / several.length)))
  note('append, 8 sessions', yield* rateInTurns(appendedBySpread, appendEach))
  for (const session of several) session.close()
}

async function appendAll(session: ImapConnection, count: number): Promise<void> {
  for (let number = 0; number < count; number++) {
    const message = composeMessage(number)
    await session.command(`APPEND INBOX {${message.length}+}\r\n`, message)
  }
}

async function* measureFetch(server: MailboxServer, { fetched }: Plan, note: Note): AsyncGenerator<void> {
  const session = await open(server, accounts.appended)
  await session.command('SELECT INBOX')
  // What is put off until it is first asked for is made then, and is not in the figure of either.
  await session.command('FETCH 1:* (ENVELOPE)')
  yield
  note('fetch envelope', await fastest(3, () => session.command('FETCH 1:* (ENVELOPE)')))
  yield
  note('fetch body', await fastest(3, () => session.command('FETCH 1:* (BODY.PEEK[])')))
  const { bytes } = await session.command('FETCH 1:* (BODY.PEEK[])')
  if (bytes < fetched * 1500) throw new Error(`${server.name} sent ${bytes} bytes of ${fetched} messages`)
  session.close()
}

async function* measureLarge(server: MailboxServer, { messages }: Plan, note: Note): AsyncGenerator<void> {
  const filler = await open(server, accounts.large)
  for (let first = 0; first < messages; first += perMultiAppend) {
    const parts: (string | Uint8Array)[] = ['APPEND INBOX']
    for (let number = first; number < Math.min(first + perMultiAppend, messages); number++) {
      const message = composeMessage(number)
      parts.push(` (\\Seen) {${message.length}+}\r\n`, message)
    }
    await filler.command(...parts)
  }
  yield
  await filler.command('SELECT INBOX')
  const first = await filler.command('SEARCH RETURN (COUNT) ALL')
  if (!first.tail.includes(`COUNT ${messages}`)) throw new Error(`${server.name} has not all: ${first.tail}`)
  filler.close()
  yield

  note(
    'select',
    await fastest(20, async () => {
      const session = await open(server, accounts.large)
      const took = await timed(() => session.command('SELECT INBOX'))
      session.close()
      return took
    }),
  )
  yield
  const session = await open(server, accounts.large)
  await session.command('SELECT INBOX')
  note('fetch flags', await fastest(5, () => session.command('FETCH 1:* (FLAGS)')))
  yield
  await measureSearch(session, messages, note)
  session.close()
  yield
  await measureResync(server, messages, note)
}

async function measureSearch(session: ImapConnection, messages: number, note: Note): Promise<void> {
  const found = Math.ceil(messages / 1000)
  const search = async (word: string, count: number): Promise<void> => {
    const { tail } = await session.command(`SEARCH RETURN (COUNT) TEXT ${word}`)
    if (!tail.includes(`COUNT ${count}`)) throw new Error(`${word} was to be found ${count} times: ${tail}`)
  }
  note('search text, rare word', await fastest(3, () => search(rareWord, found)))
  note('search text, no such word', await fastest(3, () => search('quetzalcoatl', 0)))
}

async function measureResync(server: MailboxServer, messages: number, note: Note): Promise<void> {
  const times: number[] = []
  for (let round = 0; round < 5; round++) {
    const before = await open(server, accounts.large)
    await before.command('ENABLE QRESYNC')
    const { tail } = await before.command('STATUS INBOX (UIDVALIDITY HIGHESTMODSEQ)')
    const uidValidity = /UIDVALIDITY (\d+)/.exec(tail)?.[1]
    const modSeq = /HIGHESTMODSEQ (\d+)/.exec(tail)?.[1]
    await before.command('SELECT INBOX')
    for (let change = 1; change <= 10; change++)
      await before.command(`STORE ${change * Math.floor(messages / 11) + round} +FLAGS.SILENT (\\Flagged)`)
    before.close()
    const session = await open(server, accounts.large)
    await session.command('ENABLE QRESYNC')
    const select = (): Promise<unknown> =>
      session.command(`SELECT INBOX (QRESYNC (${uidValidity} ${modSeq}))`)
    times.push(await timed(select))
    session.close()
  }
  note('qresync', Math.min(...times))
}

// oxlint-disable-next-line require-yield -- memory is counted while nobody else makes any
async function* measureIdle(server: MailboxServer, { idle }: Plan, note: Note): AsyncGenerator<void> {
  const count = server.name === 'Dovecot' ? Math.ceil(idle / 10) : idle
  const openIdle = async (number: number): Promise<ImapConnection> => {
    const session = await open(server, accounts.idle + (number % idleUsers))
    await session.command('SELECT INBOX')
    await session.idle()
    return session
  }
  const sessions: ImapConnection[] = []
  const openUpTo = async (wanted: number): Promise<void> => {
    while (sessions.length < wanted) {
      const first = sessions.length
      sessions.push(...(await Promise.all(Array.from({ length: 20 }, (_, n) => openIdle(first + n)))))
    }
  }
  // Room that a start and the first log-ins have left is filled by sessions first, and would make them cost nothing.
  await openUpTo(count / 5)
  const few = sessions.length
  const before = await settledMemory(server)
  await openUpTo(few + count)
  const after = await settledMemory(server)
  note('memory per idle session', (after - before) / (sessions.length - few))
  const lmtp = await LmtpConnection.open(server.lmtpSocket)
  const waiting = sessions[0]
  if (!waiting) throw new Error('there is no session to be told')
  const times: number[] = []
  for (let round = 0; round < newsRounds; round++) {
    const told = waiting.told()
    const delivered = lmtp.deliver(userName(accounts.idle), composeMessage(round))
    times.push(await timed(() => told))
    await delivered
    await sleep(20)
  }
  times.sort((a, b) => a - b)
  note('delivery to EXISTS', times[Math.floor(times.length / 2)] ?? 0)
  lmtp.close()
  for (const session of sessions) session.close()
}

/** When it has not become less for a while: what is given back is no session's. */
async function settledMemory({ pid }: MailboxServer): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let unchanged = 0; unchanged < settleReadings; unchanged++) {
    await sleep(settleMs)
    const bytes = readPssBytes(pid)
    if (bytes < least * 0.99) unchanged = 0
    least = Math.min(least, bytes)
  }
  return least
}

const settleMs = 5000
const settleReadings = 4

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  return (await timed(work)) / 1000
}

/** In ms; `work` may say itself how long it took. */
async function fastest(times: number, work: () => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let time = 0; time < times; time++) {
    let said: unknown
    const took = await timed(async () => {
      said = await work()
    })
    best = Math.min(best, typeof said === 'number' ? said : took)
  }
  return best
}
