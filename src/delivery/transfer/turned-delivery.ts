// A piece of delivery on one connection that the server of a domain has opened and turned around (RFC 2645, RFC 821 §3.8): the
// queue of its domains, through the same attempts and settlements as any other (docs/adr/0015).
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { DeliverySettings, QueueSettings } from '../../config/settings.ts'
import { extendLease } from '../../queue/extend-lease.ts'
import type { QueueId } from '../../queue/queue-id.ts'
import type { ClaimedWork, QueuedRecipient } from '../../queue/records.ts'
import { claimRelayQueue, fetchOwnerPrefix } from '../../queue/relay-queue.ts'
import { giveBack } from '../../queue/release-leases.ts'
import { relayedDestination } from '../../routing/destination.ts'
import type { RemoteServer } from '../../routing/remote-server.ts'
import { createReturnPaths, type ReturnPaths, type ReturnPathsOptions } from '../../routing/return-paths.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Log } from '../../runtime/log.ts'
import type { Random } from '../../runtime/random.ts'
import type { MessageSigner } from '../../signing/message-signer.ts'
import { connectSmtpOver } from '../../smtp/client/connect.ts'
import type { SmtpConnection } from '../../smtp/client/contract.ts'
import { SmtpClientFailure } from '../../smtp/client/smtp-client-failure.ts'
import type { MailDataStore } from '../../storage/mail-data.ts'
import type { Storage } from '../../storage/operation.ts'
import type { FetchedMail, FetchedOn } from '../../trail/events.ts'
import { whileAlive } from '../delivery-agent.ts'
import { traceOfExpansion } from '../expand-recipient.ts'
import { localError, logLocalError } from '../local-error.ts'
import type { NegativeOutcome } from '../outcome.ts'
import type { Attempted, NotAttempted } from '../plan-settlement.ts'
import { withRelayLifetime } from '../relayed-mail.ts'
import { judgeFailure, whereMet } from '../replies/diagnose.ts'
import { createReportComposer } from '../reports.ts'
import { createRetrySchedule } from '../retry-schedule.ts'
import { Settler } from '../settler.ts'
import { UnwrittenOutcomes } from '../unwritten-outcomes.ts'
import { Dialogue } from './dialogue.ts'
import type { OpenConnection } from './open-connection.ts'
import { putBefore } from './put-before.ts'
import { RemoteAttempt } from './remote-attempt.ts'

export interface TurnedDeliveryParts {
  readonly storage: Storage
  readonly mailData: MailDataStore
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly hostname: string
  readonly queue: QueueSettings
  readonly delivery: DeliverySettings
  readonly forwarding: ReturnPathsOptions['forwarding']
  /** Of what leaves in the name of our domains; without it nothing is signed. */
  readonly signer?: MessageSigner | undefined
  /** Of reports. */
  readonly nextQueueId: () => QueueId
}

/** Who has turned the connection around, and what it may have. */
export interface TurnedPeer {
  readonly socket: Socket
  /** Nothing more is to be begun. */
  readonly signal: AbortSignal
  readonly verb: FetchedOn['verb']
  readonly account: string
  /** The name that it gave itself in EHLO. */
  readonly name: string
  readonly address: string
  readonly port: number
  readonly domains: readonly string[]
}

/** Resolves when the connection is over, and what became of each message is written. Never rejects. */
export type DeliverTurned = (peer: TurnedPeer) => Promise<FetchedMail>

export function createTurnedDelivery(parts: TurnedDeliveryParts): DeliverTurned {
  const returnPaths = createReturnPaths(parts)
  return async peer => {
    const { socket, name } = peer
    const dialogue = new Dialogue()
    const record: OpenConnection['record'] = { dialogue }
    let connection: SmtpConnection
    try {
      connection = await connectSmtpOver(socket, {
        host: name,
        helloName: parts.hostname,
        commandTimeoutMs: parts.delivery.commandTimeoutSeconds * 1000,
        clock: parts.clock,
        onDialogue: line => record.dialogue?.add(line),
      })
    } catch (cause) {
      const reason = cause instanceof SmtpClientFailure ? cause.facts.detail : String(cause)
      parts.log.warn('mail was to be fetched, and its server did not go on', {
        account: peer.account,
        reason,
      })
      return { taken: 0, deferred: 0, failed: 0, problem: reason }
    }
    return await new TurnedDelivery({ ...parts, returnPaths }, peer, connection, record).run()
  }
}

const leaseMs = 2 * 60_000
/** So long before its end a lease counts for nothing: clocks differ, and the last octets take their time. */
const leaseMarginMs = 10_000
const maxClaim = 100
/** After so many refusals on one connection the rest waits for the next. */
const maxDeferred = 1000

class TurnedDelivery {
  readonly #parts: TurnedDeliveryParts & { readonly returnPaths: ReturnPaths }
  readonly #peer: TurnedPeer
  readonly #open: OpenConnection
  readonly #owner = `${fetchOwnerPrefix}${randomUUID()}`
  readonly #unwritten = new UnwrittenOutcomes()
  readonly #settler: Settler
  /** Recipients under a lease of this connection. */
  readonly #held = new Set<number>()
  readonly #deferred: number[] = []
  readonly #counts = { delivered: 0, deferred: 0, failed: 0 }
  readonly #messages = { taken: new Set<QueueId>(), deferred: new Set<QueueId>(), failed: new Set<QueueId>() }
  #leasedUntil = 0

  constructor(
    parts: TurnedDeliveryParts & { readonly returnPaths: ReturnPaths },
    peer: TurnedPeer,
    connection: SmtpConnection,
    record: OpenConnection['record'],
  ) {
    this.#parts = parts
    this.#peer = peer
    const { name: host, address, port } = peer
    this.#open = {
      kind: 'connected',
      connection,
      server: { host, address, port },
      triedHosts: [host],
      passed: [],
      tls: [],
      record,
    }
    const { hostname, log, mailData, nextQueueId, queue } = parts
    this.#settler = new Settler({
      ...parts,
      owner: this.#owner,
      unwritten: this.#unwritten,
      schedule: createRetrySchedule(queue),
      composeReports: createReportComposer({
        mailData,
        log,
        hostname,
        nextQueueId,
        lifetimeMs: queue.lifetimeHours * 3_600_000,
        held: queue.hold,
      }),
      settled: ids => {
        for (const id of ids) this.#held.delete(id)
      },
      // What is fetched stands in no line.
      stands() {},
    })
  }

  /** Never rejects. */
  async run(): Promise<FetchedMail> {
    const { clock, log } = this.#parts
    const { account, domains, verb } = this.#peer
    const { connection } = this.#open
    const extending = clock.every(leaseMs / 3, () => void this.#extendLeases())
    try {
      for (const domain of domains) await this.#deliverDomain(domain)
      await connection.quit()
    } catch (cause) {
      log.error('mail could not be fetched to the end', { account }, cause)
      connection.close()
    }
    await this.#settler.finished()
    extending.cancel()
    await this.#giveBack()
    log.info('mail was fetched', { account, verb, domains: domains.join(', '), ...this.#counts })
    const { taken, deferred, failed } = this.#messages
    return { taken: taken.size, deferred: deferred.size, failed: failed.size }
  }

  get #goesOn(): boolean {
    return !this.#peer.signal.aborted && this.#open.connection.usable && this.#deferred.length < maxDeferred
  }

  async #deliverDomain(domain: string): Promise<void> {
    while (this.#goesOn) {
      const works = await this.#claim(domain)
      if (works.length === 0) return
      for (const work of works) {
        for (const [trace, recipients] of byTrace(work.recipients)) {
          if (!this.#goesOn) return
          await this.#deliver(domain, work, trace, recipients)
        }
      }
    }
  }

  async #claim(domain: string): Promise<readonly ClaimedWork[]> {
    const { clock, storage } = this.#parts
    // What is being settled is not offered once more.
    await this.#settler.finished()
    const now = clock.now()
    const leaseUntil = now + leaseMs
    const works = await storage.run(claimRelayQueue, {
      domain,
      except: this.#deferred,
      now,
      leaseUntil,
      owner: this.#owner,
      maxRecipients: maxClaim,
    })
    if (this.#held.size === 0) this.#leasedUntil = leaseUntil
    for (const { recipients } of works) for (const { id } of recipients) this.#held.add(id)
    return works
  }

  async #deliver(
    domain: string,
    work: ClaimedWork,
    trace: string,
    recipients: readonly QueuedRecipient[],
  ): Promise<void> {
    const { clock, delivery, log, mailData, queue, returnPaths, signer } = this.#parts
    const { connection, server } = this.#open
    const life = this.#life
    const outgoing = putBefore(Buffer.from(trace + (work.message.traceFields ?? '')), {
      size: work.message.size,
      open: () => whileAlive(life, mailData.read(work.mailDataId)),
    })
    const { reversePath } = work.message
    const attempt = new RemoteAttempt({
      work: withRelayLifetime(work, queue),
      recipients,
      destination: relayedDestination(domain),
      terms: {
        // All of them have come the same way.
        reversePath: await returnPaths.reversePathFor(reversePath, recipients[0]?.expandedFrom),
        signer,
        fetched: { verb: this.#peer.verb, account: this.#peer.account },
        now: () => clock.now(),
      },
      mailData: outgoing,
      report: ended => this.#ended(ended),
    })
    attempt.dialogue.note(`on a connection that ${server.host} opened to fetch its mail (${this.#peer.verb})`)
    try {
      if (work.message.tls === 'required') attempt.endPending(notProven(server))
      await assertReadable(mailData.read(work.mailDataId))
      while (attempt.pending.length > 0) {
        const room = this.#unwritten.room()
        if (room) await room
        if (connection.usable) await attempt.transact(this.#open, false, delivery.maxRecipientsPerTransaction)
        else attempt.endPending(judgeFailure(server, lostConnection(server.host)))
      }
      // There is no other server to ask: it is this one that came.
      attempt.endElsewhere()
    } catch (cause) {
      logLocalError(log, cause)
      attempt.endElsewhere()
      attempt.endPending(localError(cause))
    }
  }

  /** Others may have what was leased when this is false. */
  get #life(): { readonly isAlive: boolean } {
    const isAlive = (): boolean => this.#parts.clock.now() < this.#leasedUntil - leaseMarginMs
    return {
      get isAlive() {
        return isAlive()
      },
    }
  }

  #ended(ended: Attempted | NotAttempted): void {
    const { kind } = ended.outcome
    const { id } = ended.work.message
    if (kind === 'relayed') {
      this.#counts.delivered++
      this.#messages.taken.add(id)
    } else if (kind === 'failed') {
      this.#counts.failed++
      this.#messages.failed.add(id)
    } else {
      this.#counts.deferred++
      this.#messages.deferred.add(id)
      this.#deferred.push(ended.recipient.id)
    }
    this.#settler.add(ended)
  }

  /** Never rejects. */
  async #extendLeases(): Promise<void> {
    if (this.#held.size === 0) return
    const { clock, log, storage } = this.#parts
    const leaseUntil = clock.now() + leaseMs
    try {
      await storage.run(extendLease, { owner: this.#owner, recipientIds: [...this.#held], leaseUntil })
      this.#leasedUntil = leaseUntil
    } catch (cause) {
      log.warn('leases of mail that is being fetched cannot be extended', { reason: String(cause) })
    }
  }

  /** Never rejects: what stays leased is due when the lease has run out. */
  async #giveBack(): Promise<void> {
    if (this.#held.size === 0) return
    const { clock, log, storage } = this.#parts
    try {
      await storage.run(giveBack, { owner: this.#owner, recipientIds: [...this.#held], now: clock.now() })
    } catch (cause) {
      log.debug('what was not begun comes back when its lease is over', { reason: String(cause) })
    }
  }
}

/** Those whom an alias or group led there go apart, as in any delivery. */
function byTrace(recipients: readonly QueuedRecipient[]): ReadonlyMap<string, readonly QueuedRecipient[]> {
  return Map.groupBy(recipients, traceOfExpansion)
}

/** What is damaged must not be found in the middle of a transaction: it would cost the connection, each time. */
async function assertReadable(mailData: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of mailData);
}

/** RFC 8689 §4.2.1: a client shows no certificate. There may be another way, on which the server can be proven. */
function notProven(server: RemoteServer): NegativeOutcome {
  const detail = `the message demands REQUIRETLS, and on a connection that ${server.host} opened nothing proves that it is the right server`
  return {
    kind: 'deferred',
    diagnosis: { stage: 'mail', cause: 'requiretls', status: '4.7.10', ...whereMet(server), detail },
  }
}

function lostConnection(host: string): Parameters<typeof judgeFailure>[1] {
  return {
    stage: 'mail',
    kind: 'closed',
    detail: `${host} closed the connection before it had taken everything`,
  }
}
