// One attempt to hand one message to one destination: which recipients are still to do, and what each reply means
// (RFC 5321 §4.2.1, §4.5.3.1.10, §5.1).

import type { ClaimedWork, QueuedRecipient } from '../queue/records.ts'
import type { RemoteServer } from '../routing/remote-server.ts'
import type { ClientFailureFacts, OutgoingMailData, RecipientResult } from '../smtp/client/contract.ts'
import type { Reply } from '../smtp/reply.ts'
import type { TlsEvidence } from '../tls-policy/server-policy.ts'
import { judgeFailure, judgeReply, remoteAddress, whereMet } from './diagnose.ts'
import { Dialogue } from './dialogue.ts'
import { localError } from './local-error.ts'
import { findMessageNeeds, type MessageNeeds } from './message-needs.ts'
import type { OpenConnection } from './open-connection.ts'
import type { DeliveryOutcome, Diagnosis, NegativeOutcome, Postponed } from './outcome.ts'
import type { Attempted, NotAttempted } from './plan-settlement.ts'

export class RemoteAttempt {
  readonly work: ClaimedWork
  readonly dialogue = new Dialogue()
  /** Recipients without an outcome, for whom this server, or a new connection to it, is right. */
  pending: QueuedRecipient[]
  /** Recipients for whom another server is to be asked, and what becomes of them when there is none. */
  #elsewhere: { recipient: QueuedRecipient; outcome: NegativeOutcome }[] = []
  readonly #triedHosts: string[] = []
  readonly #tls = new Set<TlsEvidence>()
  readonly #triedAddresses = new Set<string>()
  readonly #mailData: OutgoingMailData
  readonly #report: (ended: Attempted | NotAttempted) => void
  #needs: MessageNeeds
  #needsAreFound = false

  constructor(
    work: ClaimedWork,
    recipients: readonly QueuedRecipient[],
    mailData: OutgoingMailData,
    report: (ended: Attempted | NotAttempted) => void,
  ) {
    this.work = work
    this.pending = [...recipients]
    this.#mailData = mailData
    this.#needs = work.message
    this.#report = report
  }

  get wantsElsewhere(): boolean {
    return this.#elsewhere.length > 0
  }

  /** Those of `servers` that this attempt has not talked to. */
  untried(servers: readonly RemoteServer[]): RemoteServer[] {
    return servers.filter(server => !this.#triedAddresses.has(remoteAddress(server)))
  }

  tryElsewhere(): void {
    for (const { recipient } of this.#elsewhere) this.pending.push(recipient)
    this.#elsewhere = []
  }

  noteTried(hosts: readonly string[], tls: readonly TlsEvidence[] = []): void {
    for (const host of hosts) if (!this.#triedHosts.includes(host)) this.#triedHosts.push(host)
    for (const evidence of tls) this.#tls.add(evidence)
  }

  /** No server could be reached: every recipient without an outcome gets this one. */
  endPending(outcome: NegativeOutcome): void {
    for (const recipient of this.pending) this.#end(recipient, outcome)
    this.pending = []
  }

  /** Nothing is tried now. */
  postpone(outcome: Postponed): void {
    for (const recipient of this.pending) this.#report({ work: this.work, recipient, outcome })
    this.pending = []
  }

  /** No other server is left, or `unreachable` says that none of them could be reached. */
  endElsewhere(unreachable?: NegativeOutcome): void {
    for (const { recipient, outcome } of this.#elsewhere) {
      // A server that is down today may have what this one will never have.
      this.#end(
        recipient,
        outcome.kind === 'failed' && unreachable?.kind === 'deferred' ? unreachable : outcome,
      )
    }
    this.#elsewhere = []
  }

  /** A recipient without an outcome would be held for ever: nobody else works on it. */
  assertEnded(): void {
    if (this.pending.length + this.#elsewhere.length > 0)
      throw new Error('an attempt has ended without an outcome for each of its recipients')
  }

  /**
   * One transaction with up to `maxRecipients` of the pending recipients. Each of them has an outcome afterwards, is to
   * be tried elsewhere, or is pending again: the server wanted fewer at a time, or the `reused` connection was 'stale'.
   * Rejects on a fault of ours, with all of them pending.
   */
  async transact(open: OpenConnection, reused: boolean, maxRecipients: number): Promise<'served' | 'stale'> {
    const { connection, server } = open
    open.record.dialogue = this.dialogue
    this.noteTried(open.triedHosts, open.tls)
    this.#triedAddresses.add(remoteAddress(server))
    const { size } = this.#mailData
    const sizeLimit = Number(connection.extensions.get('SIZE') ?? 0)
    if (sizeLimit > 0 && size > sizeLimit) {
      this.endPending({ kind: 'failed', diagnosis: tooLarge(server, size, sizeLimit) })
      return 'served'
    }
    const lacking = this.work.message.tls === 'required' ? lacksProtection(open) : undefined
    if (lacking) {
      this.dialogue.note(lacking.diagnosis.detail)
      for (const recipient of this.pending) this.#elsewhere.push({ recipient, outcome: lacking })
      this.pending = []
      return 'served'
    }
    const batch = this.pending.slice(0, maxRecipients)
    let results = await this.#send(open, batch)
    if (results.every(lacksExtension) && (await this.#findNeeds())) results = await this.#send(open, batch)
    open.record.dialogue = undefined
    if (reused && results.every(wasStale)) return 'stale'
    this.pending.splice(0, batch.length)
    this.#read(open, batch, results)
    return 'served'
  }

  async #send(
    { connection }: OpenConnection,
    batch: readonly QueuedRecipient[],
  ): Promise<readonly RecipientResult[]> {
    const { message } = this.work
    return await connection.send({
      reversePath: message.reversePath,
      body: this.#needs.body,
      smtpUtf8: this.#needs.smtpUtf8,
      ret: message.ret,
      envelopeId: message.envelopeId,
      requireTls: message.tls === 'required',
      recipients: batch,
      mailData: this.#mailData,
    })
  }

  /** True when the message needs less than its sender declared, so that it is worth another transaction. */
  async #findNeeds(): Promise<boolean> {
    if (this.#needsAreFound) return false
    this.#needsAreFound = true
    const declared = this.#needs
    const { message, recipients } = this.work
    const addresses = [message.reversePath, ...recipients.map(recipient => recipient.forwardPath)]
    this.#needs = await findMessageNeeds(declared, addresses, this.#mailData.open())
    return this.#needs.body !== declared.body || this.#needs.smtpUtf8 !== declared.smtpUtf8
  }

  #read(
    { connection, server }: OpenConnection,
    batch: readonly QueuedRecipient[],
    results: readonly RecipientResult[],
  ): void {
    const anyAccepted = results.some(({ result }) => result.kind === 'accepted')
    for (const [index, recipient] of batch.entries()) {
      const result = results[index]?.result
      if (!result) {
        this.#end(recipient, localError(new RangeError('the SMTP client gave fewer results than recipients')))
        continue
      }
      switch (result.kind) {
        case 'accepted':
          this.#end(recipient, {
            kind: 'relayed',
            dsnAware: connection.extensions.has('DSN'),
            remoteMta: server.host,
            remoteAddress: remoteAddress(server),
            reply: result.reply,
            ...(connection.tls ? { tls: `${connection.tls.protocol} ${connection.tls.cipher}` } : {}),
          })
          break
        case 'refused':
          // RFC 5321 §4.5.3.1.10: the rest of the recipients in another transaction, at once.
          if (anyAccepted && result.stage === 'rcpt' && isTooManyRecipients(result.reply))
            this.pending.push(recipient)
          else this.#refused(recipient, server, result.stage, result.reply)
          break
        case 'failed':
          this.#failed(recipient, server, result.failure)
          break
        default:
          result satisfies never
      }
    }
  }

  #refused(
    recipient: QueuedRecipient,
    server: RemoteServer,
    stage: ClientFailureFacts['stage'],
    reply: Reply,
  ): void {
    const outcome = judgeReply(server, stage, reply)
    // RFC 5321 §3.8: 421 is about the server, not about this mail; after the end of data it is an answer all the same.
    if (isShuttingDown(reply) && stage !== 'end-of-data') {
      this.#elsewhere.push({ recipient, outcome })
    } else this.#end(recipient, outcome)
  }

  #failed(recipient: QueuedRecipient, server: RemoteServer, facts: ClientFailureFacts): void {
    const judged = judgeFailure(server, facts)
    const outcome = { ...judged, diagnosis: withExtensionStatus(judged.diagnosis, this.#needs) }
    // RFC 5321 §4.5.3.2.6, RFC 1047: silence after the end of data may be a message accepted; asking the next server at
    // once would make duplicates the rule.
    if (facts.stage === 'end-of-data') this.#end(recipient, outcome)
    else this.#elsewhere.push({ recipient, outcome })
  }

  /** The dialogue of a transaction stands with the first of its recipients. */
  #end(recipient: QueuedRecipient, outcome: DeliveryOutcome): void {
    const dialogue = this.dialogue.take()
    this.#report({
      work: this.work,
      recipient,
      outcome,
      ...(this.#triedHosts.length > 0 ? { mxHosts: [...this.#triedHosts] } : {}),
      ...(dialogue.length > 0 ? { dialogue } : {}),
      ...(this.#tls.size > 0 ? { tls: [...this.#tls] } : {}),
    })
  }
}

/** RFC 8689 §4.2.1: the server is proven to be the right one, over TLS, and promises to go on like that. */
function lacksProtection({ connection, server, tls }: OpenConnection): NegativeOutcome | undefined {
  const { host } = server
  const fail = (status: string, detail: string): NegativeOutcome => ({
    kind: 'failed',
    diagnosis: { stage: 'mail', cause: 'requiretls', status, ...whereMet(server), detail },
  })
  if (!connection.tls) return fail('5.7.10', `the message demands REQUIRETLS, and ${host} offers no TLS`)
  if (!tls.at(-1)?.isAuthenticated) {
    const detail = `the message demands REQUIRETLS, and ${host} is not proven to be the right server (by DANE, or by MTA-STS or DNSSEC with a valid certificate)`
    return fail('5.7.10', detail)
  }
  if (connection.extensions.has('REQUIRETLS')) return undefined
  return fail('5.7.30', `the message demands REQUIRETLS, which ${host} does not offer`)
}

function lacksExtension({ result }: RecipientResult): boolean {
  return result.kind === 'failed' && result.failure.kind === 'extension-missing'
}

function isShuttingDown(reply: Reply): boolean {
  return reply.code === 421
}

/** The connection was gone, or went away (421), before the server can have taken the message. */
function wasStale({ result }: RecipientResult): boolean {
  switch (result.kind) {
    case 'accepted':
      return false
    case 'refused':
      return isShuttingDown(result.reply) && result.stage !== 'end-of-data'
    case 'failed':
      return (
        result.failure.stage !== 'end-of-data' &&
        (result.failure.kind === 'closed' || result.failure.kind === 'timeout')
      )
    default:
      return result satisfies never
  }
}

// RFC 5321 §4.5.3.1.10: 452; 552 is what RFC 821 had, and some servers still say it, so it counts with 5.5.3 only.
function isTooManyRecipients(reply: Reply): boolean {
  return reply.code === 452 || reply.enhanced === '5.5.3' || reply.enhanced === '4.5.3'
}

function tooLarge(server: RemoteServer, size: number, limit: number): Diagnosis {
  return {
    stage: 'mail',
    cause: 'message-too-large',
    status: '5.3.4',
    ...whereMet(server),
    detail: `the message has ${size} bytes, ${server.host} takes at most ${limit}`,
  }
}

/** RFC 6531 §3.5: 5.6.7 when an internationalised address or header section is the obstacle. */
function withExtensionStatus(diagnosis: Diagnosis, needs: MessageNeeds): Diagnosis {
  return diagnosis.cause === 'extension-missing' && needs.smtpUtf8
    ? { ...diagnosis, status: '5.6.7' }
    : diagnosis
}
