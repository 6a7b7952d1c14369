// The delivery agent: claims due recipients under a lease, delivers them, settles what became of them.
// It holds no more than it can work on, and everything it holds comes back when it dies (ADR 2).
import type { ReversePath } from '../address/address.ts'
import type { Alerts } from '../alert/alerts.ts'
import type { QueueSettings } from '../config/settings.ts'
import { blameForDeath, setAsideReason } from '../queue/blame-for-death.ts'
import { claimDueWork } from '../queue/claim-due-work.ts'
import { claimSuspects } from '../queue/claim-suspects.ts'
import { extendLease } from '../queue/extend-lease.ts'
import { type GateKey, isSenderGate, listGates, shareOf, takeFromGate } from '../queue/gates.ts'
import { showQueuedMessage } from '../queue/list-queue.ts'
import { nextDueAt } from '../queue/next-due-at.ts'
import { formatQueueId, type QueueId } from '../queue/queue-id.ts'
import type { ClaimedWork, QueuedMessage, QueuedRecipient } from '../queue/records.ts'
import { giveBack, releaseLeases } from '../queue/release-leases.ts'
import { shardOfDomain } from '../queue/shards.ts'
import { type Destination, isRelayed } from '../routing/destination.ts'
import type { ReturnPaths } from '../routing/return-paths.ts'
import type { Route, Router } from '../routing/route.ts'
import { isSrsAddress } from '../routing/srs.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import type { Random } from '../runtime/random.ts'
import type { MessageSigner } from '../signing/message-signer.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import { expandRecipient, traceOfExpansion } from './expand-recipient.ts'
import { FailuresTogether } from './failures-together.ts'
import type { LocalDelivery, LocalRecipient } from './local-delivery.ts'
import { leaseLost, localError, logLocalError } from './local-error.ts'
import type { Diagnosis } from './outcome.ts'
import type { OwnerLife } from './owner-life.ts'
import { Gatekeeper, type Taken, type Taking } from './pacing/gatekeeper.ts'
import type { HealthRecords } from './pacing/health-records.ts'
import type { Outbound } from './pacing/outbound.ts'
import type { SenderRules } from './pacing/sender-limits.ts'
import { Senders } from './pacing/senders.ts'
import {
  type Attempted,
  isAttempted,
  isFailureToTell,
  type NotAttempted,
  newsOfAddress,
} from './plan-settlement.ts'
import { RecipientsInHand } from './recipients-in-hand.ts'
import { keptFor, withRelayLifetime } from './relayed-mail.ts'
import type { ComposeReports } from './reports.ts'
import { createRetrySchedule } from './retry-schedule.ts'
import { RulesOfClaim } from './sending-rules.ts'
import { Settler } from './settler.ts'
import { isTooLate, tooLate } from './transfer/deliver-by.ts'
import { putBefore } from './transfer/put-before.ts'
import { RemoteAttempt } from './transfer/remote-attempt.ts'
import type { VerpSenders } from './transfer/verp-senders.ts'
import type { UnwrittenOutcomes } from './unwritten-outcomes.ts'

export interface DeliveryAgent {
  /** Takes over what a former agent left, and begins. */
  start(): Promise<void>
  /** Looks at the queue now. The storage's topic 'queue' does the same. */
  wake(): void
  /** Claims nothing more, lets attempts finish until `graceMs` is over, gives everything else back. */
  stop(graceMs: number): Promise<void>
  /** Resolves when nothing is due and nothing is under way. */
  idle(): Promise<void>
  /** Resolves when others have taken what it held; then it is of no more use. */
  readonly buried: Promise<void>
}

/** Whose leases are nobody's when an agent starts. */
export type TakeOver =
  /** It is the only one: those of all who were before it. */
  | { readonly from: 'everybody' }
  /** It is one of several, and new. */
  | { readonly from: 'nobody' }
  /** The one before it died at its work; those of this owner, or, when it was the only one, of everybody. */
  | { readonly from: 'dead'; readonly owner?: string | undefined }

export interface DeliveryAgentParts {
  readonly storage: Storage
  readonly mailData: MailDataStore
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Names this run of the agent as the owner of its leases. */
  readonly owner: string
  readonly takesOver: TakeOver
  readonly life: OwnerLife
  readonly queue: QueueSettings
  readonly router: Router
  readonly returnPaths: ReturnPaths
  readonly local: LocalDelivery
  readonly outbound: Outbound
  readonly healthRecords: HealthRecords
  readonly alerts: Pick<Alerts, 'raise'>
  readonly senderRules: SenderRules
  /** Takes what came of the mail of an account elsewhere. */
  readonly noteEnded?: ((ended: EndedSending) => void) | undefined
  readonly composeReports: ComposeReports
  readonly unwritten: UnwrittenOutcomes
  /** Whose mail has a reverse-path for each recipient. */
  readonly verp?: VerpSenders | undefined
  /** Of what leaves in the name of our domains; without it nothing is signed. */
  readonly signer?: MessageSigner | undefined
}

/**
 * Recipients that may be held at a time. One that waits for its turn costs about a kilobyte; the more there is room for,
 * the longer a destination that is slow can be before mail for others waits behind it.
 */
const maxInFlight = 10_000
/** So many leases are extended, or given back, in one write: others want to write between. */
const maxWrite = 1000
const maxClaim = 500
/** A claim is a transaction: not for one recipient when there is room for few. */
const minClaim = 100
const leaseMs = 5 * 60_000
/** However long the queue sleeps, it is looked at this often: for whoever writes to it without a wake-up. */
const pollMs = 20_000
const afterFaultMs = 1000
/** So often what is known of receivers is read anew: what is forgotten takes no room in memory either. */
const recordsMs = 24 * 3_600_000

export class QueueAgent implements DeliveryAgent {
  readonly #parts: DeliveryAgentParts
  readonly #settler: Settler
  readonly #trouble: LastingTrouble
  readonly #leaseTrouble: LastingTrouble
  readonly #inFlight = new RecipientsInHand()
  readonly #failures: FailuresTogether
  readonly #senders: Senders
  readonly #gatekeeper: Gatekeeper
  /** Recipients, among those in flight, that the suppression list has as addresses that do not exist. */
  readonly #listedDead = new Set<number>()
  /** Recipients that were let in at a gate before it was known that they stand there. */
  readonly #returning = new Map<number, { readonly work: ClaimedWork; readonly way: Way }>()
  /** Recipients, among those in flight, that are tried apart from the others after a death. */
  readonly #suspects = new Set<number>()
  /** With so few of them left under way the next suspects are claimed: in groups, not one for each that ends. */
  #fewSuspects = 0
  #claimingSuspects = false
  /** Suspects have ended while others were being claimed. */
  #mayHaveMoreSuspects = false
  #running = false
  /** What comes to its end now is given back as if it had not been begun, unless it may have arrived. */
  #over = false
  #claiming = false
  #mayHaveMore = false
  #timer: Timer | undefined
  #leaseTimer: Timer | undefined
  #linesTimer: Timer | undefined
  #recordsTimer: Timer | undefined
  #whenIdle: (() => void)[] = []

  constructor(parts: DeliveryAgentParts) {
    this.#parts = parts
    this.#trouble = new LastingTrouble(parts.log, {
      begins: 'the queue cannot be read; waiting',
      ends: 'the queue is read again',
    })
    this.#leaseTrouble = new LastingTrouble(parts.log, {
      begins: 'leases cannot be extended',
      ends: 'leases are extended again',
    })
    this.#settler = new Settler({
      ...parts,
      schedule: createRetrySchedule(parts.queue),
      settled: recipientIds => this.#letGo(recipientIds),
      stands: gate => this.#gatekeeper.stands(gate),
    })
    this.#failures = new FailuresTogether({
      clock: parts.clock,
      underWay: messageId => this.#inFlight.countOf(messageId),
      settle: failed => this.#settler.add(failed),
    })
    this.#gatekeeper = new Gatekeeper({
      room: () => (this.#running ? maxInFlight - this.#inFlight.size : 0),
      roomBehind: gate =>
        isSenderGate(gate) ? this.#senders.roomBehind(gate) : parts.outbound.roomBehind(gate),
      take: taking => this.#takeFromGate(taking),
      failed: cause => {
        this.#trouble.hit(cause, 'gates')
        this.#wakeAfter(afterFaultMs)
      },
      ended: () => this.#checkIdle(),
    })
    this.#senders = new Senders({
      ...parts,
      rules: parts.senderRules,
      hasLine: gate => this.#gatekeeper.hasLine(gate),
      roomAgain: () => this.#gatekeeper.roomAgain(),
    })
    parts.outbound.start({
      hasLine: gate => this.#gatekeeper.hasLine(gate),
      roomLeft: () => 1 - this.#inFlight.size / maxInFlight,
      roomAgain: () => this.#gatekeeper.roomAgain(),
    })
  }

  async start(): Promise<void> {
    const { clock, life, log, storage } = this.#parts
    const released = await this.#takeOver()
    await this.#parts.healthRecords.start()
    await life.start(() => {
      void this.#parts.healthRecords.catchUp()
      this.wake()
      void this.#findLines()
    })
    if (released > 0)
      log.info('recipients that a former run had claimed are due again', { recipients: released })
    this.#running = true
    this.#leaseTimer = clock.every(leaseMs / 3, () => void this.#extendLeases())
    this.#linesTimer = clock.every(pollMs, () => void this.#findLines())
    this.#recordsTimer = clock.every(recordsMs, () => void this.#parts.healthRecords.catchUp())
    storage.onWake('queue', () => this.wake())
    await this.#findLines()
    this.wake()
  }

  /**
   * The part of the queue that mail for it belongs to, where that is another server's: a provider behind many domains is one
   * server's too, so that its limits hold for all of them. Never rejects.
   */
  async #shardElsewhere(
    destination: Destination,
    shards: NonNullable<OwnerLife['shards']>,
  ): Promise<number | undefined> {
    const { key, provider } = await this.#parts.outbound.findSite(destination)
    if (provider === undefined) return undefined
    const shard = shardOfDomain(key)
    return shards.includes(shard) ? undefined : shard
  }

  /** Lines in which somebody stands since another time, or whoever kept them has ended. Never rejects. */
  async #findLines(): Promise<void> {
    const { storage } = this.#parts
    try {
      for (const gate of await storage.run(listGates, undefined)) this.#gatekeeper.stands(gate)
      this.#trouble.over('gates')
    } catch (cause) {
      this.#trouble.hit(cause, 'gates')
    }
  }

  async #takeFromGate(taking: Taking): Promise<Taken> {
    const { clock, life, owner, storage } = this.#parts
    if (!life.isAlive) throw leaseLost('This server has been out of touch with the database.')
    const now = clock.now()
    const taken = await storage.run(takeFromGate, {
      ...taking,
      owner,
      now,
      leaseUntil: now + leaseMs,
      shards: life.shards,
    })
    this.#trouble.over('gates')
    this.#dispatch(taken.work)
    return taken
  }

  /** Recipients that are due again. */
  async #takeOver(): Promise<number> {
    const { takesOver, clock, storage } = this.#parts
    if (takesOver.from === 'nobody') return 0
    if (takesOver.from === 'everybody') return await storage.run(releaseLeases, { now: clock.now() })
    const { owner } = takesOver
    const { released, setAside } = await storage.run(blameForDeath, { owner, now: clock.now() })
    if (setAside !== undefined) await this.#tellSetAside(setAside)
    return released
  }

  async #tellSetAside(messageId: QueueId): Promise<void> {
    const { alerts, clock, log, storage } = this.#parts
    const queueId = formatQueueId(messageId)
    log.error('a message was set aside: the delivery thread died each time it had it', {
      queueId,
      releaseWith: `postrider queue release ${queueId}`,
    })
    const shown = await storage.run(showQueuedMessage, { queueId: messageId })
    // Of what this server wrote itself nobody is told: it may be the mail about an alert.
    if (!shown || shown.message.isReport) return
    await alerts.raise({
      kind: 'message-set-aside',
      subject: queueId,
      at: clock.now(),
      evidence: { detail: setAsideReason },
    })
  }

  get buried(): Promise<void> {
    return this.#parts.life.buried
  }

  wake(): void {
    if (!this.#running) return
    this.#mayHaveMore = true
    this.#pump()
  }

  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve()
    return new Promise(resolve => this.#whenIdle.push(resolve))
  }

  async stop(graceMs: number): Promise<void> {
    const { clock, life, log, outbound, owner, storage } = this.#parts
    this.#running = false
    this.#mayHaveMore = false
    this.#timer?.cancel()
    this.#linesTimer?.cancel()
    this.#recordsTimer?.cancel()
    this.#gatekeeper.stop()
    this.#failures.stop()
    // At once: nothing more is begun.
    const unbegun = outbound.drain().flatMap(({ pending }) => pending.map(({ id }) => id))
    if (graceMs > 0) await Promise.race([this.#windUp(unbegun), elapsed(clock, graceMs)])
    this.#over = true
    await outbound.close()
    this.#settler.stop()
    await this.#settler.finished()
    await this.#senders.giveBack(this.#inFlight.ids())
    await this.#senders.close()
    this.#leaseTimer?.cancel()
    try {
      await storage.run(releaseLeases, { owner, now: clock.now() })
    } catch (cause) {
      log.warn('claimed recipients could not be given back; their leases run out', { reason: String(cause) })
    }
    await life.stop()
  }

  /** Resolves when all has ended that was begun. Never rejects. */
  async #windUp(unbegun: readonly number[]): Promise<void> {
    // Before it is given back, so that it goes to the others.
    await this.#parts.life.retire()
    await this.#giveBack(unbegun)
    await this.idle()
  }

  /** What no connection has begun on goes back at once. Never rejects. */
  async #giveBack(recipientIds: readonly number[]): Promise<void> {
    const { clock, log, owner, storage } = this.#parts
    await this.#senders.giveBack(recipientIds)
    try {
      for (let from = 0; from < recipientIds.length; from += maxWrite)
        await storage.run(giveBack, {
          owner,
          recipientIds: recipientIds.slice(from, from + maxWrite),
          now: clock.now(),
        })
    } catch (cause) {
      log.debug('what was not begun goes back at the end', { reason: String(cause) })
    }
    this.#letGo(recipientIds)
  }

  #isIdle(): boolean {
    return (
      !this.#claiming &&
      !this.#claimingSuspects &&
      !this.#mayHaveMore &&
      !this.#gatekeeper.isBusy &&
      this.#inFlight.size === 0
    )
  }

  #checkIdle(): void {
    if (!this.#isIdle()) return
    const waiting = this.#whenIdle
    this.#whenIdle = []
    for (const resolve of waiting) resolve()
  }

  #letGo(recipientIds: readonly number[]): void {
    const hadSuspects = this.#suspects.size > 0
    const messages = new Set<QueueId>()
    for (const id of recipientIds) {
      const messageId = this.#inFlight.remove(id)
      if (messageId !== undefined) messages.add(messageId)
      this.#suspects.delete(id)
      this.#listedDead.delete(id)
    }
    this.#senders.ended(recipientIds)
    for (const id of recipientIds) {
      const returning = this.#returning.get(id)
      this.#returning.delete(id)
      if (returning) this.#dispatch([returning.work], returning.way)
    }
    for (const messageId of messages) this.#failures.ended(messageId)
    this.#gatekeeper.roomAgain()
    if (hadSuspects) this.#claimMoreSuspects()
    this.#pump()
    this.#checkIdle()
  }

  #pump(): void {
    if (!this.#running || this.#claiming || !this.#mayHaveMore) return
    const room = maxInFlight - this.#inFlight.size
    if (room < minClaim) return
    this.#claiming = true
    this.#mayHaveMore = false
    this.#timer?.cancel()
    this.#timer = undefined
    void this.#claim(Math.min(room, maxClaim))
  }

  /** Never rejects. */
  async #claim(maxRecipients: number): Promise<void> {
    const { clock, life, owner, storage } = this.#parts
    const { shards } = life
    try {
      // Others may have buried it; it is told when it says next that it lives.
      if (!life.isAlive) {
        this.#wakeAfter(afterFaultMs)
        return
      }
      // Asked first: a read here costs the store nothing, and many a wake-up is about what this agent did itself.
      const dueAt = await storage.run(nextDueAt, shards)
      const now = clock.now()
      if (isDue(dueAt.suspects, now)) this.#claimMoreSuspects()
      else this.#trouble.over('suspects')
      // Stopped while it asked: the leases have gone back already, perhaps.
      if (!this.#running) return
      if (isDue(dueAt.work, now)) {
        this.#senders.lateBy = now - (dueAt.work ?? now)
        this.#dispatch(
          await storage.run(claimDueWork, { now, leaseUntil: now + leaseMs, owner, maxRecipients, shards }),
        )
        // Stopped meanwhile: nobody asks for more, or it would never be idle.
        this.#mayHaveMore = this.#running
      } else {
        const waits = Object.values(dueAt).flatMap(at => (at === undefined || at <= now ? [] : [at - now]))
        this.#wakeAfter(Math.min(...waits, pollMs))
      }
      this.#trouble.over('queue')
    } catch (cause) {
      this.#trouble.hit(cause, 'queue')
      this.#wakeAfter(afterFaultMs)
    } finally {
      this.#claiming = false
      this.#pump()
      this.#checkIdle()
    }
  }

  #claimMoreSuspects(): void {
    this.#mayHaveMoreSuspects = true
    if (!this.#running || this.#claimingSuspects || this.#suspects.size > this.#fewSuspects) return
    this.#mayHaveMoreSuspects = false
    this.#claimingSuspects = true
    void this.#claimSuspects()
  }

  /** Never rejects. */
  async #claimSuspects(): Promise<void> {
    const { clock, owner, storage } = this.#parts
    try {
      const now = clock.now()
      const works = await storage.run(claimSuspects, { now, leaseUntil: now + leaseMs, owner })
      for (const { recipients } of works) for (const { id } of recipients) this.#suspects.add(id)
      this.#fewSuspects = Math.floor(this.#suspects.size / 2)
      this.#dispatch(works, { isSuspect: true })
      this.#trouble.over('suspects')
    } catch (cause) {
      this.#trouble.hit(cause, 'suspects')
      this.#wakeAfter(afterFaultMs)
    }
    this.#claimingSuspects = false
    if (this.#mayHaveMoreSuspects) this.#claimMoreSuspects()
    this.#checkIdle()
  }

  #wakeAfter(ms: number): void {
    if (!this.#running) return
    this.#timer?.cancel()
    this.#timer = this.#parts.clock.after(ms, () => this.wake())
  }

  async #extendLeases(): Promise<void> {
    if (this.#inFlight.size === 0) return
    const { clock, owner, storage } = this.#parts
    try {
      const held = this.#inFlight.ids()
      for (let from = 0; from < held.length; from += maxWrite) {
        const recipientIds = held.slice(from, from + maxWrite)
        await storage.run(extendLease, { owner, recipientIds, leaseUntil: clock.now() + leaseMs })
      }
      this.#leaseTrouble.over()
    } catch (cause) {
      this.#leaseTrouble.hit(cause)
    }
  }

  #dispatch(works: readonly ClaimedWork[], way: Way = {}): void {
    if (this.#over || works.length === 0) return
    const routes = new RouteMemory(this.#parts.router)
    const { storage, clock, senderRules } = this.#parts
    const rules = new RulesOfClaim({ storage, clock, bulkSenders: senderRules.bulkSenders }, works)
    for (const work of works) {
      // A lease of ours that ran out (the machine slept): the attempt is under way all the same.
      const [known, recipients] = partition(work.recipients, ({ id }) => this.#inFlight.has(id))
      // Or it stands in line since a moment ago, and we have yet to hear that this is written.
      for (const one of known)
        if (one.gate !== undefined) this.#returning.set(one.id, { work: { ...work, recipients: [one] }, way })
      if (recipients.length === 0) continue
      for (const { id } of recipients) this.#inFlight.add(id, work.message.id)
      void this.#deliver({ ...work, recipients }, { routes, rules }, way)
    }
  }

  /** Every recipient of the work gets an outcome. Never rejects. */
  async #deliver(work: ClaimedWork, { routes, rules }: Knowledge, way: Way): Promise<void> {
    const locals: LocalRecipient[] = []
    const remotes = new Map<string, Departure & { readonly recipients: QueuedRecipient[] }>()
    for (const recipient of work.recipients) {
      if (isTooLate(work.message, this.#parts.clock.now())) {
        this.#ended({ work, recipient, outcome: { kind: 'expired', diagnosis: tooLate }, isUntried: true })
        continue
      }
      let route: Route
      let { reversePath } = work.message
      let suppressed: Diagnosis | undefined
      try {
        const hold = recipient.isAskedFor ? undefined : await rules.holdOf(work.message)
        if (hold) {
          this.#ended({ work, recipient, outcome: hold })
          continue
        }
        route = await routes.route(recipient)
        // Who has a mailbox there wants its mail, and nobody checks there again where it is from.
        if (route.kind === 'remote' && route.destination.kind !== 'lmtp') {
          suppressed = await this.#findSuppression(rules, work.message, recipient, route.destination)
          reversePath = await this.#parts.returnPaths.reversePathFor(reversePath, recipient.expandedFrom)
        }
      } catch (cause) {
        this.#failedHere(work, [recipient], cause)
        continue
      }
      if (suppressed) {
        this.#ended({
          work,
          recipient,
          outcome: { kind: 'failed', diagnosis: suppressed },
          isUntried: true,
        })
        continue
      }
      switch (route.kind) {
        case 'mailbox':
          locals.push({ recipient, route })
          break
        case 'remote': {
          const { destination } = route
          const trace = traceOfExpansion(recipient)
          const { gate } = recipient
          const key = `${destination.key} ${trace} ${gate ?? ''}`
          const group = remotes.get(key)
          if (group) group.recipients.push(recipient)
          else remotes.set(key, { destination, trace, reversePath, gate, recipients: [recipient] })
          break
        }
        case 'kept':
          this.#ended({
            work: withRelayLifetime(work, this.#parts.queue),
            recipient,
            outcome: keptFor(route.domain),
          })
          break
        case 'expansion':
          this.#ended(expandRecipient(work, recipient, route.targets))
          break
        case 'unroutable':
          this.#ended({ work, recipient, outcome: { kind: 'failed', diagnosis: route.diagnosis } })
          break
        default:
          route satisfies never
      }
    }
    // Given back while their routes were looked up.
    if (this.#over) return
    for (const departure of remotes.values()) void this.#depart(work, departure, way)
    const admitted = await this.#admitLocally(work, locals, way)
    if (admitted.length > 0 && !this.#over) await this.#deliverLocally(work, admitted)
  }

  async #findSuppression(
    rules: RulesOfClaim,
    message: QueuedMessage,
    recipient: QueuedRecipient,
    destination: Destination,
  ): Promise<Diagnosis | undefined> {
    const { diagnosis, isListedDead } = await rules.suppressionOf(message, recipient, destination)
    if (isListedDead) this.#listedDead.add(recipient.id)
    return diagnosis
  }

  /** Never rejects. */
  async #depart(work: ClaimedWork, departure: Departure, way: Way): Promise<void> {
    const { shards } = this.#parts.life
    try {
      // Before it is counted for the limit of its sender: whose it is counts it.
      const elsewhere = shards && (await this.#shardElsewhere(departure.destination, shards))
      if (elsewhere !== undefined) {
        this.#attempt(work, departure, way).moveTo(elsewhere)
        return
      }
      // How much an account may send elsewhere is no matter of mailboxes here.
      if (way.isSuspect || departure.destination.kind === 'lmtp') await this.#relay(work, departure, way)
      else {
        const { admitted, standing, gate, closure } = await this.#senders.admit(
          work.message,
          departure.recipients,
          departure.gate,
        )
        if (standing.length > 0)
          this.#attempt(work, { ...departure, recipients: standing }, way).stand(gate, closure)
        if (admitted.length > 0) await this.#relay(work, { ...departure, recipients: admitted }, way)
      }
    } catch (cause) {
      this.#failedHere(work, departure.recipients, cause)
    }
  }

  async #relay(work: ClaimedWork, departure: Departure, way: Way): Promise<void> {
    const isBegun = await this.#parts.outbound.admit(this.#attempt(work, departure, way), departure.gate)
    // Given back with all that is held.
    if (!isBegun) await this.#giveBack(departure.recipients.map(({ id }) => id))
  }

  #attempt(
    work: ClaimedWork,
    { destination, trace, reversePath, recipients }: Departure,
    way: Way,
  ): RemoteAttempt {
    const { clock, life, mailData, queue, signer, verp } = this.#parts
    const leaves = destination.kind !== 'lmtp'
    return new RemoteAttempt({
      work: isRelayed(destination) ? withRelayLifetime(work, queue) : work,
      recipients,
      destination,
      terms: {
        reversePath,
        ...(leaves ? { reversePathFor: verp?.(work.message.reversePath), signer } : {}),
        now: () => clock.now(),
      },
      mailData: putBefore(Buffer.from(trace + (work.message.traceFields ?? '')), {
        size: work.message.size,
        open: () => whileAlive(life, mailData.read(work.mailDataId)),
      }),
      isSuspect: way.isSuspect === true,
      isAskedFor: recipients.some(({ isAskedFor }) => isAskedFor),
      report: ended => this.#ended(ended),
    })
  }

  /** Those for whom the limit of the sender leaves room; the others stand in line. Never rejects. */
  async #admitLocally(
    work: ClaimedWork,
    locals: readonly LocalRecipient[],
    way: Way,
  ): Promise<readonly LocalRecipient[]> {
    const { message } = work
    if (way.isSuspect || locals.length === 0) return locals
    const recipients = locals.map(({ recipient }) => recipient)
    try {
      const { admitted, standing, gate, closure } = await this.#senders.admitLocal(message, recipients)
      if (standing.length === 0) return locals
      const place = { gate, share: shareOf(message) }
      for (const recipient of standing)
        this.#ended({ work, recipient, outcome: { kind: 'waiting', place, closure } })
      const rest = new Set(admitted)
      return locals.filter(({ recipient }) => rest.has(recipient))
    } catch (cause) {
      this.#failedHere(work, recipients, cause)
      return []
    }
  }

  async #deliverLocally(work: ClaimedWork, locals: readonly LocalRecipient[]): Promise<void> {
    try {
      await this.#parts.local.deliver(work, locals, {
        ended: attempted => this.#ended(attempted),
        failed: (recipient, cause) => this.#failedHere(work, [recipient], cause),
      })
    } catch (cause) {
      this.#failedHere(
        work,
        locals.map(({ recipient }) => recipient),
        cause,
      )
    }
  }

  /** Something of ours is wrong: each of them gets an outcome all the same. */
  #failedHere(work: ClaimedWork, recipients: readonly QueuedRecipient[], cause: unknown): void {
    logLocalError(this.#parts.log, cause)
    for (const recipient of recipients) this.#ended({ work, recipient, outcome: localError(cause) })
  }

  /** What another server has decided. */
  #count(ended: Attempted): void {
    const { accountId, isReport } = ended.work.message
    const { outcome } = ended
    // What a script answers goes to whoever has written, and says nothing of whom its owner writes to.
    if (accountId === undefined || isReport || !this.#parts.noteEnded) return
    const isDead = newsOfAddress(ended)?.kind === 'dead'
    const isElsewhere =
      (outcome.kind === 'relayed' && !outcome.isFinal) ||
      (outcome.kind === 'failed' && !outcome.diagnosis.isAtStore && (isDead || outcome.diagnosis.reply))
    if (isElsewhere) this.#parts.noteEnded({ accountId, ended: 1, failed: isDead ? 1 : 0 })
  }

  #ended(ended: Attempted | NotAttempted): void {
    if (this.#over && !mayHaveArrived(ended)) return
    if (isAttempted(ended)) this.#count(ended)
    const isListedDead = isAttempted(ended) && this.#listedDead.has(ended.recipient.id)
    const news = isListedDead ? { ...ended, isListedDead } : ended
    if (isFailureToTell(news, this.#parts.clock.now())) this.#failures.add(news)
    else this.#settler.add(news)
  }
}

/** Of one recipient elsewhere. */
export interface EndedSending {
  readonly accountId: number
  readonly ended: 1
  /** 1: there is no such address. */
  readonly failed: 0 | 1
}

/** By which way work came here. */
interface Way {
  readonly isSuspect?: boolean
}

/** What was found out for one claim. */
interface Knowledge {
  readonly routes: RouteMemory
  readonly rules: RulesOfClaim
}

function partition<Item>(items: readonly Item[], is: (item: Item) => boolean): [Item[], Item[]] {
  const [yes, no]: [Item[], Item[]] = [[], []]
  for (const item of items) (is(item) ? yes : no).push(item)
  return [yes, no]
}

/** Recipients of one message who can be served in one transaction. */
interface Departure {
  readonly destination: Destination
  /** Goes before the mail data. */
  readonly trace: string
  /** The same for all whom the same expansion led there. */
  readonly reversePath: ReversePath
  /** The gate at which they stood. */
  readonly gate: GateKey | undefined
  readonly recipients: readonly QueuedRecipient[]
}

/** Without its end when others may have taken the message meanwhile: the server that gets it must not keep it. */
export async function* whileAlive(
  life: Pick<OwnerLife, 'isAlive'>,
  mailData: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  yield* mailData
  if (!life.isAlive) throw leaseLost('The lease has run out; another server may have the message.')
}

function mayHaveArrived({ outcome }: Attempted | NotAttempted): boolean {
  if (outcome.kind === 'relayed' || outcome.kind === 'shown') return true
  // RFC 1047: cut off after the end of the data, before the answer.
  return outcome.kind === 'deferred' && outcome.diagnosis.stage === 'end-of-data'
}

/** Routes of one claim: mail for one mailbox, and for one foreign domain, asks the directory once. */
class RouteMemory {
  readonly #router: Router
  readonly #byAddress = new Map<string, Promise<Route>>()
  readonly #foreignDomains = new Map<string, Route>()

  constructor(router: Router) {
    this.#router = router
  }

  async route(recipient: QueuedRecipient): Promise<Route> {
    const { localPart, domain } = recipient.forwardPath
    if (recipient.routeTo !== undefined) return await this.#router.route(recipient)
    // One of ours may stand in a domain that is nobody else's.
    const foreign = isSrsAddress(recipient.forwardPath) ? undefined : this.#foreignDomains.get(domain)
    if (foreign) return foreign
    const key = `${recipient.expandedFrom?.length ?? 0} ${localPart}@${domain}`
    let asked = this.#byAddress.get(key)
    if (!asked) {
      asked = this.#router.route(recipient)
      this.#byAddress.set(key, asked)
    }
    const route = await asked
    // There each address is a mailbox, or none.
    if (route.kind === 'remote' && route.destination.kind !== 'lmtp') this.#foreignDomains.set(domain, route)
    return route
  }
}

function isDue(at: number | undefined, now: number): boolean {
  return at !== undefined && at <= now
}

function elapsed(clock: Clock, ms: number): Promise<void> {
  return new Promise(resolve => {
    clock.after(ms, resolve)
  })
}
