// What became of each recipient, as the receivers and the senders saw it: the server under test is not asked.
import { createHash } from 'node:crypto'
import type { Refusals } from './refusals.ts'
import { domainOf, type ReceiverClass, type Scenario } from './scenario.ts'
import type { SimulatedClock } from './simulated-clock.ts'
import { Throughput } from './throughput.ts'

/** Of reports. */
const date = /^Date: ([^\r\n]+)/im
const finalRecipient = /^Final-Recipient: rfc822; ?r(\d+)@[^\r\n]*\r?\nAction: (\w+)/gim

export class Ledger {
  readonly #clock: SimulatedClock
  readonly #start: number
  readonly #receivers: readonly ReceiverClass[]
  /** Of each recipient, by its number; times in ms from the start, plus one, so that 0 is never. */
  readonly acceptedAt: Uint32Array
  readonly firstTriedAt: Uint32Array
  readonly deliveredAt: Uint32Array
  readonly receiver: Uint8Array
  /** The number of its domain, among those of its receivers. */
  readonly domain: Uint16Array
  readonly sender: Uint8Array
  readonly deliveries: Uint8Array
  /** How often the receiver took it and did not say so. */
  readonly cuts: Uint8Array
  readonly refused: Uint8Array
  /** How often its receiver refused it for now. */
  readonly deferrals: Uint16Array
  /** How often the server wrote that it is to come again: after a refusal, or without one. */
  readonly putOffs: Uint16Array
  /** Deferrals for reasons of its own: new there, or its mailbox full. */
  readonly ownDeferrals: Uint8Array
  /** Of receivers with a limit of their own, by domain. */
  readonly throughputs = new Map<string, Throughput>()
  /** By the name of the host, and the address of ours that it saw. */
  readonly refusals = new Map<string, Refusals>()
  /** When the report was made that it failed, which its sender has, or which is in the queue. */
  readonly toldAt: Uint32Array
  /** When it was last so that nobody was let in, by the name of the host or of the sender. */
  readonly #closedAt = new Map<string, number>()
  accepted = 0
  /** The most of each promised limit that was used, 1 for all: by receivers and span. */
  readonly limitsUsed = new Map<string, number>()
  readonly violations: string[] = []
  violationCount = 0
  readonly strays: string[] = []
  strayCount = 0
  delayNotices = 0
  reportsDelivered = 0
  transactions = 0
  connections = 0
  #hash = createHash('sha256')
  #lines: string[] = []

  constructor({ recipients, receivers }: Scenario, clock: SimulatedClock) {
    this.#clock = clock
    this.#start = clock.now()
    for (const receiver of receivers)
      for (let number = 0; number < receiver.domains; number++)
        if (receiver.secretPerMinute !== undefined)
          this.throughputs.set(domainOf(receiver, number), new Throughput(receiver.secretPerMinute))
    this.#receivers = receivers
    this.acceptedAt = new Uint32Array(recipients)
    this.firstTriedAt = new Uint32Array(recipients)
    this.deliveredAt = new Uint32Array(recipients)
    this.receiver = new Uint8Array(recipients)
    this.domain = new Uint16Array(recipients)
    this.sender = new Uint8Array(recipients)
    this.deliveries = new Uint8Array(recipients)
    this.cuts = new Uint8Array(recipients)
    this.refused = new Uint8Array(recipients)
    this.deferrals = new Uint16Array(recipients)
    this.putOffs = new Uint16Array(recipients)
    this.ownDeferrals = new Uint8Array(recipients)
    this.toldAt = new Uint32Array(recipients)
  }

  /** In ms from the start. */
  get now(): number {
    return this.#clock.now() - this.#start
  }

  /** A recipient's number, when it is about to be put into the queue. */
  accept(sender: number, receiver: number, domain: number): number {
    const number = this.accepted++
    this.acceptedAt[number] = this.now + 1
    this.sender[number] = sender
    this.receiver[number] = receiver
    this.domain[number] = domain
    return number
  }

  tried(number: number): boolean {
    if (this.firstTriedAt[number] !== 0) return false
    this.#reach(number)
    this.firstTriedAt[number] = this.now + 1
    return true
  }

  delivered(number: number, wasCut: boolean): void {
    this.#leave(number, true)
    if (this.deliveredAt[number] === 0) this.deliveredAt[number] = this.now + 1
    increase(this.deliveries, number)
    if (wasCut) increase(this.cuts, number)
    this.note(wasCut ? 'cut' : 'took', number)
  }

  refuse(number: number): void {
    this.#leave(number, false)
    this.refused[number] = 1
    this.note('refused', number)
  }

  defer(number: number, isForItself: boolean): void {
    this.deferrals[number] = (this.deferrals[number] ?? 0) + 1
    if (isForItself) increase(this.ownDeferrals, number)
    this.note('deferred', number)
  }

  useLimit(name: string, part: number): void {
    this.limitsUsed.set(name, Math.max(part, this.limitsUsed.get(name) ?? 0))
  }

  putOff(number: number): void {
    this.#reach(number)
    this.putOffs[number] = (this.putOffs[number] ?? 0) + 1
  }

  /** A host turns away whoever comes; or a limit, of mail there or of a sender, is used up. */
  close(name: string): void {
    this.#closedAt.set(name, this.now)
  }

  /** Since a time in ms from the start. */
  wasClosedSince(name: string, time: number): boolean {
    return (this.#closedAt.get(name) ?? -1) >= time
  }

  readReport(text: string, isDelivered: boolean): void {
    if (isDelivered) this.reportsDelivered++
    const madeAt = Math.min(Date.parse(date.exec(text)?.[1] ?? '') - this.#start, this.now)
    for (const [, number, action] of text.matchAll(finalRecipient)) {
      if (action?.toLowerCase() === 'failed') {
        this.#leave(Number(number), false)
        this.toldAt[Number(number)] ||= madeAt + 1
      } else if (isDelivered) this.delayNotices++
      this.note(`told-${action}`, Number(number))
    }
  }

  #throughputOf(number: number): Throughput | undefined {
    const receiver = this.#receivers[this.receiver[number] ?? 0]
    if (receiver?.secretPerMinute === undefined) return undefined
    return this.throughputs.get(domainOf(receiver, this.domain[number] ?? 0))
  }

  /** It waits no longer, the first time that this is said. */
  #leave(number: number, isTaken: boolean): void {
    const hasLeft = this.deliveredAt[number] !== 0 || this.refused[number] !== 0 || this.toldAt[number] !== 0
    if (!hasLeft && this.#isReached(number)) this.#throughputOf(number)?.goes(this.now, isTaken)
  }

  /** Before it is noted how. */
  #reach(number: number): void {
    if (!this.#isReached(number)) this.#throughputOf(number)?.comes(this.now)
  }

  /** The server has come to it: until then it waits for the server, not for its receiver. */
  #isReached(number: number): boolean {
    return this.firstTriedAt[number] !== 0 || this.putOffs[number] !== 0
  }

  violate(text: string): void {
    this.violationCount++
    if (this.violations.length < 20) this.violations.push(`${formatTime(this.now)}: ${text}`)
  }

  /** A transaction with another sender, or from another address, than it was to have. */
  stray(text: string): void {
    this.strayCount++
    if (this.strays.length < 20) this.strays.push(`${formatTime(this.now)}: ${text}`)
  }

  /** A line of the log, of which the hash is taken. */
  note(what: string, about: number | string): void {
    this.#lines.push(`${this.now} ${what} ${about}`)
    if (this.#lines.length >= 1000) this.#write()
  }

  hash(): string {
    this.#write()
    return this.#hash.copy().digest('hex').slice(0, 16)
  }

  #write(): void {
    this.#hash.update(this.#lines.join('\n'))
    this.#lines = []
  }
}

function increase(counts: Uint8Array, number: number): void {
  counts[number] = Math.min(255, (counts[number] ?? 0) + 1)
}

/** 'day 2 09:30:00' */
export function formatTime(ms: number): string {
  const day = Math.floor(ms / 86_400_000)
  return `day ${day + 1} ${new Date(ms).toISOString().slice(11, 19)}`
}
