// The network of the simulation: receivers that take mail, or do not, and count what they get.
import { formatAddress } from '../src/address/format-address.ts'
import type { Random } from '../src/runtime/random.ts'
import type {
  ClientFailureFacts,
  ClientStage,
  ConnectSmtp,
  OutgoingTransaction,
  RecipientResult,
  SmtpConnection,
} from '../src/smtp/client/contract.ts'
import { SmtpClientFailure } from '../src/smtp/client/smtp-client-failure.ts'
import type { Reply } from '../src/smtp/reply.ts'
import type { Ledger } from './ledger.ts'
import { Refusals } from './refusals.ts'
import { domainOf, hostOf, hourMs, isWithin, type ReceiverClass, type Scenario } from './scenario.ts'
import type { SimulatedClock } from './simulated-clock.ts'
import { Window } from './window.ts'

const minuteMs = 60_000
const dayMs = 24 * hourMs
/** Of one who is new. */
const greylistedMs = 4 * minuteMs
const connectMs = 60
/** A server that is down answers nothing; one in three machines says that nobody listens. */
const silentMs = 30_000

const extensions = new Map([
  ['PIPELINING', ''],
  ['8BITMIME', ''],
  ['ENHANCEDSTATUSCODES', ''],
])

const ok: Reply = { code: 250, enhanced: '2.0.0', lines: ['Ok'] }
const unknownUser: Reply = { code: 550, enhanced: '5.1.1', lines: ['No such user here'] }
const mailboxFull: Reply = { code: 452, enhanced: '4.2.2', lines: ['The mailbox is full'] }
const greylisted: Reply = { code: 451, enhanced: '4.7.1', lines: ['Greylisted, please try again later'] }
const tooFast: Reply = { code: 451, enhanced: '4.7.28', lines: ['Rate limit exceeded, too many messages'] }
const tooManyConnections: Reply = {
  code: 421,
  enhanced: '4.7.0',
  lines: ['Too many concurrent connections from your IP'],
}
const badName: Reply = {
  code: 451,
  enhanced: '4.7.1',
  lines: ['Temporarily deferred due to the poor reputation of your IP address'],
}

/** As it is seen from one address of the server: a receiver counts each for itself. */
interface Host {
  readonly name: string
  readonly receiver: ReceiverClass
  open: number
  readonly limits: readonly { readonly window: Window; readonly most: number; readonly span: string }[]
  readonly ofDay: Window
  readonly secret: Window | undefined
  readonly refusesConnections: boolean
  readonly refusals: Refusals
}

/** What a new address has promised to every receiver for each of its days, from the first on which it sends. */
interface WarmUp {
  readonly curve: readonly number[]
  firstSentAt: number | undefined
}

/** Of connections for which the server lets the system choose. */
const usualAddress = '192.0.2.25'

export interface Network {
  readonly connect: ConnectSmtp
}

export function createNetwork(
  scenario: Scenario,
  clock: SimulatedClock,
  random: Random,
  ledger: Ledger,
): Network {
  const hosts = new Map<string, (address: string) => Host>()
  for (const receiver of scenario.receivers)
    for (let number = 0; number < receiver.domains; number++) {
      const name = hostOf(receiver, number)
      const from = new Map<string, Host>()
      hosts.set(name, address => {
        const known = from.get(address)
        if (known) return known
        const host = createHost(name, receiver, number)
        from.set(address, host)
        ledger.refusals.set(`${name} to ${address}`, host.refusals)
        return host
      })
    }
  const warmUps = warmUpsOf(scenario)
  const senderWindows = scenario.senders.map(({ promisedPerHour }) =>
    promisedPerHour === undefined ? undefined : { window: new Window(hourMs), most: promisedPerHour },
  )

  const countAtReceiver = (host: Host, transaction: OutgoingTransaction): void => {
    const { receiver } = host
    const recipients = transaction.recipients.length
    for (const { window, most, span } of host.limits) {
      const sum = window.add(ledger.now, recipients)
      ledger.useLimit(`${receiver.name} in ${span}`, sum / most)
      if (sum >= most) ledger.close(host.name)
      if (sum > most) ledger.violate(`${host.name} got ${sum} recipients in ${span}, its limit is ${most}`)
    }
    for (const { forwardPath } of transaction.recipients) {
      const number = numberOf(forwardPath.localPart)
      if (number === undefined || !ledger.tried(number)) continue
      const limit = senderWindows[ledger.sender[number] ?? 0]
      if (!limit) continue
      const name = scenario.senders[ledger.sender[number] ?? 0]?.name ?? ''
      const sum = limit.window.add(ledger.now, 1)
      ledger.useLimit(`${name} in an hour`, sum / limit.most)
      if (sum >= limit.most) ledger.close(name)
      if (sum > limit.most)
        ledger.violate(`${name} sent ${sum} in an hour, its limit is ${limit.most} (to ${receiver.name})`)
    }
  }

  const countWarmUp = (host: Host, address: string, recipients: number): void => {
    const warmUp = warmUps.get(address)
    if (!warmUp) return
    warmUp.firstSentAt ??= ledger.now
    const most = warmUp.curve[Math.floor((ledger.now - warmUp.firstSentAt) / dayMs)]
    const sum = host.ofDay.add(ledger.now, recipients)
    if (most !== undefined && sum > most)
      ledger.violate(
        `${host.name} got ${sum} recipients in a day from ${address}, which may send ${most} that day`,
      )
  }

  return {
    async connect({ host: name, localAddress = usualAddress }) {
      const host = hosts.get(name)?.(localAddress)
      if (!host) throw new SmtpClientFailure(failed('connect', 'unreachable', `no such host: ${name}`))
      const { receiver } = host
      host.open++
      ledger.connections++
      if (host.open > receiver.promised.connections)
        ledger.violate(`${name} has ${host.open} connections, its limit is ${receiver.promised.connections}`)
      const state = { isOpen: true, isUsable: true, messages: 0 }
      const close = (): void => {
        if (state.isOpen) host.open--
        state.isOpen = false
        state.isUsable = false
      }
      if (isWithin(receiver.down, ledger.now)) {
        turnAway(host)
        await clock.wait(host.refusesConnections ? connectMs : silentMs)
        close()
        throw new SmtpClientFailure(
          host.refusesConnections
            ? failed('connect', 'refused-connection', `no connection to ${name}`)
            : failed('connect', 'timeout', `connecting to ${name} took longer than 30 s`),
        )
      }
      await clock.wait(connectMs)
      if (host.open > (receiver.secretConnections ?? Infinity)) {
        turnAway(host)
        close()
        throw new SmtpClientFailure({
          ...failed('greeting', 'reply', `${name} refused the connection`),
          reply: tooManyConnections,
        })
      }
      const connection: SmtpConnection = {
        extensions,
        remoteAddress: '192.0.2.1',
        remotePort: 25,
        localAddress,
        get usable() {
          return state.isUsable
        },
        async send(transaction) {
          ledger.transactions++
          state.messages++
          const most = receiver.promised.messagesPerConnection ?? 100
          if (state.messages > most)
            ledger.violate(`${name} got ${state.messages} messages on one connection, its limit is ${most}`)
          countAtReceiver(host, transaction)
          checkWay(scenario, ledger, transaction, localAddress)
          countWarmUp(host, localAddress, transaction.recipients.length)
          const [least, longest] = receiver.replyMs
          await clock.wait(least + random.fraction() * (longest - least))
          if (!state.isOpen || isWithin(receiver.down, ledger.now)) {
            close()
            return all(transaction, { kind: 'failed', failure: closedBy(name, 'mail') })
          }
          const results = answer(host, transaction)
          const accepted = results.filter(({ result }) => result.kind === 'accepted')
          const isCut = accepted.length > 0 && random.fraction() < (receiver.cut ?? 0)
          await readReports(accepted.length, transaction)
          for (const { recipient, result } of results) {
            const number = numberOf(recipient.forwardPath.localPart)
            if (number === undefined) continue
            if (result.kind === 'accepted') ledger.delivered(number, isCut)
            else if (result.kind === 'refused' && result.reply.code >= 500) ledger.refuse(number)
            else ledger.defer(number, result.kind === 'refused' && isAboutOne(result))
          }
          if (!isCut) return results
          close()
          return results.map(one =>
            one.result.kind === 'accepted'
              ? { ...one, result: { kind: 'failed', failure: closedBy(name, 'end-of-data') } }
              : one,
          )
        },
        probe: () => Promise.reject(new Error('nobody probes in a simulation')),
        quit() {
          close()
          return Promise.resolve()
        },
        close,
      }
      return connection
    },
  }

  function answer(host: Host, transaction: OutgoingTransaction): RecipientResult[] {
    const { receiver } = host
    if (isWithin(receiver.blocked, ledger.now)) return refuse(host, transaction, badName)
    const { secret } = host
    if (isUsedUp(host)) return refuse(host, transaction, tooFast)
    const results = transaction.recipients.map((recipient): RecipientResult => {
      const reply = replyTo(host, numberOf(recipient.forwardPath.localPart))
      if (reply === ok) secret?.add(ledger.now, 1)
      return {
        recipient,
        result: reply === ok ? { kind: 'accepted', reply } : { kind: 'refused', stage: 'rcpt', reply },
      }
    })
    if (results.some(({ result }) => result.kind === 'refused' && result.reply === tooFast)) turnAway(host)
    return results
  }

  function turnAway(host: Host): void {
    ledger.close(host.name)
    host.refusals.add(ledger.now)
  }

  function refuse(host: Host, transaction: OutgoingTransaction, reply: Reply): RecipientResult[] {
    turnAway(host)
    return all(transaction, { kind: 'refused', stage: 'mail', reply })
  }

  function isUsedUp({ receiver, secret }: Host): boolean {
    return secret !== undefined && secret.sum(ledger.now) >= (receiver.secretPerMinute ?? Infinity)
  }

  function replyTo(host: Host, number: number | undefined): Reply {
    const { receiver } = host
    // The rest of a transaction for more than there is room for.
    if (isUsedUp(host)) return tooFast
    if (number === undefined) return ok
    const lot = lotOf(number)
    const { unknown = 0, full = 0 } = receiver
    if (lot < unknown) return unknownUser
    if (lot < unknown + full) return mailboxFull
    const firstTried = (ledger.firstTriedAt[number] ?? 1) - 1
    return receiver.greylists && ledger.now < firstTried + greylistedMs ? greylisted : ok
  }

  /** Those to our senders are read as they read them. */
  async function readReports(accepted: number, { recipients, mailData }: OutgoingTransaction): Promise<void> {
    if (accepted === 0 || recipients.some(({ forwardPath }) => numberOf(forwardPath.localPart) !== undefined))
      return
    const pieces: Uint8Array[] = []
    for await (const piece of mailData.open()) pieces.push(piece)
    ledger.readReport(Buffer.concat(pieces).toString('latin1'), true)
  }
}

/** Reports are the server's own, and leave as it likes. */
function checkWay(
  { senders, receivers }: Scenario,
  ledger: Ledger,
  { reversePath, recipients }: OutgoingTransaction,
  localAddress: string,
): void {
  const from = reversePath === null ? '<>' : formatAddress(reversePath)
  for (const { forwardPath } of recipients) {
    const number = numberOf(forwardPath.localPart)
    const sender = number === undefined ? undefined : senders[ledger.sender[number] ?? 0]
    const receiver = number === undefined ? undefined : receivers[ledger.receiver[number] ?? 0]
    if (number === undefined || !sender || !receiver) continue
    const [localPart, domain] = sender.address.split('@')
    const expected = sender.promisedVerp
      ? `${localPart}+r${number}=${domainOf(receiver, ledger.domain[number] ?? 0)}@${domain}`
      : sender.address
    if (from !== expected) ledger.stray(`to r${number} it came from ${from}, not from ${expected}`)
    const owners = senders.filter(({ promisedSources }) => promisedSources?.includes(localAddress))
    const isRight = sender.promisedSources ? owners.includes(sender) : owners.length === 0
    if (!isRight) ledger.stray(`mail of ${sender.name} came from our address ${localAddress}`)
  }
}

function warmUpsOf({ delivery }: Scenario): ReadonlyMap<string, WarmUp> {
  const sources = delivery.sourcePools.flatMap(pool => pool.sources)
  return new Map(
    sources.flatMap(({ address, warmUp }) =>
      typeof warmUp === 'boolean' ? [] : [[address, { curve: warmUp, firstSentAt: undefined }]],
    ),
  )
}

function createHost(name: string, receiver: ReceiverClass, number: number): Host {
  const { perMinute, perHour, perDay } = receiver.promised
  const limits = (
    [
      [perMinute, minuteMs, 'a minute'],
      [perHour, hourMs, 'an hour'],
      [perDay, dayMs, 'a day'],
    ] as const
  ).flatMap(([most, spanMs, span]) =>
    most === undefined ? [] : [{ window: new Window(spanMs), most, span }],
  )
  return {
    name,
    receiver,
    open: 0,
    limits,
    ofDay: new Window(dayMs),
    secret: receiver.secretPerMinute === undefined ? undefined : new Window(minuteMs),
    refusesConnections: number % 3 === 0,
    refusals: new Refusals(receiver.promised.connections),
  }
}

/** 'r17' → 17; undefined: a sender, to whom a report goes. */
export function numberOf(localPart: string): number | undefined {
  return localPart.startsWith('r') ? Number(localPart.slice(1)) : undefined
}

/** It says nothing of other mail to that receiver. */
function isAboutOne({ reply }: { readonly reply: Reply }): boolean {
  return reply === mailboxFull || reply === greylisted
}

/** In [0, 1), the same for a recipient each time. */
function lotOf(number: number): number {
  return (Math.imul(number + 1, 0x9e3779b1) >>> 0) / 2 ** 32
}

function all(transaction: OutgoingTransaction, result: RecipientResult['result']): RecipientResult[] {
  return transaction.recipients.map(recipient => ({ recipient, result }))
}

function closedBy(host: string, stage: ClientStage): ClientFailureFacts {
  return failed(stage, 'closed', `${host} closed the connection`)
}

function failed(stage: ClientStage, kind: ClientFailureFacts['kind'], detail: string): ClientFailureFacts {
  return { stage, kind, detail }
}
