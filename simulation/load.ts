// Puts the senders' mail into the queue, as the server's own reception does, when its time has come.
import { createHash } from 'node:crypto'
import { acceptMessage } from '../src/queue/accept-message.ts'
import type { NewRecipient } from '../src/queue/new-message.ts'
import { createQueueIdMaker } from '../src/queue/queue-id.ts'
import type { Random } from '../src/runtime/random.ts'
import type { StoredMailData } from '../src/storage/mail-data.ts'
import type { Storage } from '../src/storage/operation.ts'
import type { Ledger } from './ledger.ts'
import { domainOf, hourMs, type ReceiverClass, type Scenario, type SimulatedSender } from './scenario.ts'
import type { SimulatedClock } from './simulated-clock.ts'

const bytes = Buffer.from('Subject: News\r\n\r\nRead this.\r\n')
const mailData: StoredMailData = {
  size: bytes.length,
  checksum: new Uint8Array(createHash('sha256').update(bytes).digest()),
  location: { kind: 'inline', bytes },
}

export interface LoadParts {
  readonly scenario: Scenario
  readonly clock: SimulatedClock
  readonly storage: Storage
  readonly random: Random
  readonly ledger: Ledger
}

export function startLoad(parts: LoadParts): void {
  const { scenario, clock } = parts
  const nextQueueId = createQueueIdMaker(clock, 1)
  const shares = scenario.senders.reduce((sum, { share }) => sum + share, 0)
  let left = scenario.recipients
  for (const [index, sender] of scenario.senders.entries()) {
    const isLast = index === scenario.senders.length - 1
    const recipients = isLast ? left : Math.round((scenario.recipients * sender.share) / shares)
    left -= recipients
    sendAll({ ...parts, nextQueueId, sender, index, recipients })
  }
}

interface Sending extends LoadParts {
  readonly nextQueueId: () => number
  readonly sender: SimulatedSender
  readonly index: number
  readonly recipients: number
}

function sendAll(sending: Sending): void {
  const { scenario, clock, sender, recipients } = sending
  const messages = Math.ceil(recipients / sender.recipientsOfMessage)
  const total = sender.when.reduce((sum, { from, to }) => sum + to - from, 0) * hourMs
  const choose = createChooser(scenario.receivers, sender)
  const start = clock.now()
  let sent = 0
  const next = (): void => {
    if (sent === messages) return
    const at = start + timeWithin(sender, (sent / messages) * total)
    clock.after(at - clock.now(), () => {
      const count = Math.min(sender.recipientsOfMessage, recipients - sent * sender.recipientsOfMessage)
      sent++
      send(sending, choose, count)
      next()
    })
  }
  next()
}

/** The time, from the start, at which a part of all the time in which it sends is over. */
function timeWithin({ when }: SimulatedSender, partMs: number): number {
  let left = partMs
  for (const { from, to } of when) {
    const lengthMs = (to - from) * hourMs
    if (left < lengthMs) return from * hourMs + left
    left -= lengthMs
  }
  return (when.at(-1)?.to ?? 0) * hourMs
}

function send(
  { scenario, clock, storage, random, ledger, nextQueueId, sender, index }: Sending,
  choose: Chooser,
  count: number,
): void {
  const recipients: NewRecipient[] = []
  for (let left = count; left > 0; left--) {
    const receiver = choose(random.fraction())
    const one = scenario.receivers[receiver] ?? raise()
    const domain = Math.floor(random.fraction() * one.domains)
    const localPart = `r${ledger.accept(index, receiver, domain)}`
    recipients.push({ forwardPath: { localPart, domain: domainOf(one, domain) } })
  }
  const now = clock.now()
  const at = sender.address.lastIndexOf('@')
  const message = {
    id: nextQueueId(),
    reversePath: { localPart: sender.address.slice(0, at), domain: sender.address.slice(at + 1) },
    size: mailData.size,
    body: '7BIT',
    smtpUtf8: false,
    disposition: 'mail',
    acceptedAt: now,
    expiresAt: now + scenario.queue.lifetimeHours * hourMs,
    language: 'en',
    isReport: false,
  } as const
  storage.run(acceptMessage, { message, mailData, recipients, held: false }).catch((cause: unknown) => {
    ledger.violate(`a message was not accepted: ${String(cause)}`)
  })
}

type Chooser = (lot: number) => number

/** The index of a class for a number in [0, 1). */
function createChooser(receivers: readonly ReceiverClass[], sender: SimulatedSender): Chooser {
  const shares = receivers.map(({ share, isHealthy }) => (sender.toHealthyOnly && !isHealthy ? 0 : share))
  const total = shares.reduce((sum, share) => sum + share, 0)
  return lot => {
    let left = lot * total
    let last = 0
    for (const [index, share] of shares.entries()) {
      if (share === 0) continue
      last = index
      left -= share
      if (left < 0) return index
    }
    return last
  }
}

function raise(): never {
  throw new RangeError('there is no such receiver')
}
