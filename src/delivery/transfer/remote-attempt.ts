// One attempt to hand one message to one destination: which recipients are still to do, and what each reply means
// (RFC 5321 §4.2.1, §4.5.3.1.10, §5.1).

import type { Address, ReversePath } from '../../address/address.ts'
import { formatAddress } from '../../address/format-address.ts'
import { isLoopback } from '../../address/networks.ts'
import type { ConversionProblem, FormChange } from '../../message/mime/plan-conversion.ts'
import { type GateKey, shareOf } from '../../queue/gates.ts'
import type { ClaimedWork, QueuedMessage, QueuedRecipient } from '../../queue/records.ts'
import type { Destination } from '../../routing/destination.ts'
import type { RemoteServer } from '../../routing/remote-server.ts'
import type { MessageSigner, Signing } from '../../signing/message-signer.ts'
import type { ClientFailureFacts, OutgoingMailData, RecipientResult } from '../../smtp/client/contract.ts'
import type { Reply } from '../../smtp/reply.ts'
import type { TlsEvidence } from '../../tls-policy/server-policy.ts'
import type { FetchedOn, Lookup, PassedServer, SentForm } from '../../trail/events.ts'
import { localError } from '../local-error.ts'
import type { DeliveryOutcome, Diagnosis, NegativeOutcome } from '../outcome.ts'
import type { Closure } from '../pacing/destination-health.ts'
import type { Attempted, NotAttempted } from '../plan-settlement.ts'
import { deferredFrom, judgeFailure, remoteAddress, whereMet } from '../replies/diagnose.ts'
import { classOf, closesDestination } from '../replies/reply-class.ts'
import { reasonToKeep, remainingTime, tooLate } from './deliver-by.ts'
import { Dialogue } from './dialogue.ts'
import { lacksSmtpUtf8 } from './lacks-smtp-utf8.ts'
import { judgeRefusal, type OpenConnection, tlsTrouble } from './open-connection.ts'
import { FormFinder, type OutgoingForm } from './outgoing-form.ts'
import { putBefore } from './put-before.ts'

/** undefined: that of the message will do. */
export type ReversePathFor = (forwardPath: Address) => Address | undefined

/** What holds for all transactions of an attempt. */
export interface AttemptTerms {
  /** That of the message, or what stands for it on the way to other servers (routing/return-paths.ts). */
  readonly reversePath: ReversePath
  /** The reverse-path for one recipient, where each has its own (VERP). */
  readonly reversePathFor?: ReversePathFor | undefined
  readonly signer?: MessageSigner | undefined
  /** On a connection that was opened to fetch it. */
  readonly fetched?: FetchedOn | undefined
  readonly now: () => number
}

/** What the replies to a transaction said, for whoever watches over the destination. */
export interface Replies {
  readonly taken: number
  readonly refused: readonly Diagnosis[]
}

/** Where it was let in, and stands again when it cannot go. */
export interface PassedGate {
  readonly key: GateKey
  readonly closure: Closure | undefined
  /** Another address of ours than `source` may do there. */
  readonly takesFromOther: (source: string | undefined) => boolean
}

export interface RemoteAttemptParts {
  readonly work: ClaimedWork
  readonly recipients: readonly QueuedRecipient[]
  readonly destination: Destination
  readonly mailData: OutgoingMailData
  readonly terms: AttemptTerms
  /** After a death it is tried apart from the rest: it stands in no line. */
  readonly isSuspect?: boolean
  /** It is to go now, before those who stand in line. */
  readonly isAskedFor?: boolean
  readonly report: (ended: Attempted | NotAttempted) => void
}

export interface Transacted {
  readonly verdict: 'served' | 'stale'
  /** Recipients of whom the server was told. */
  readonly asked: number
}

const nobodyAsked: Transacted = { verdict: 'served', asked: 0 }

export class RemoteAttempt {
  readonly work: ClaimedWork
  readonly destination: Destination
  readonly isSuspect: boolean
  readonly isAskedFor: boolean
  /** undefined: none has let it in. */
  gate: PassedGate | undefined
  /** The address of ours from which it goes, where the settings say one. */
  source: string | undefined
  readonly dialogue = new Dialogue()
  /** Recipients without an outcome, for whom this server, or a new connection to it, is right. */
  pending: QueuedRecipient[]
  /** Recipients for whom another server is to be asked, and what becomes of them when there is none. */
  #elsewhere: { recipient: QueuedRecipient; outcome: NegativeOutcome }[] = []
  readonly #triedHosts: string[] = []
  readonly #tls = new Set<TlsEvidence>()
  /** Until they stand in the trail. */
  #passed: PassedServer[] = []
  readonly #triedAddresses = new Set<string>()
  readonly #forms: FormFinder
  readonly #terms: AttemptTerms
  readonly #report: (ended: Attempted | NotAttempted) => void
  /** That of the last transaction. */
  #changes: readonly FormChange[] | undefined
  #taken = 0
  #refusals: Diagnosis[] = []
  /** Of the connection that was opened for it; until it stands in the trail. */
  #lookup: Lookup | undefined
  /** Of the transaction that is under way. */
  #signing: Signing | undefined

  constructor({
    work,
    recipients,
    destination,
    mailData,
    terms,
    isSuspect = false,
    isAskedFor = false,
    report,
  }: RemoteAttemptParts) {
    this.work = work
    this.destination = destination
    this.isSuspect = isSuspect
    this.isAskedFor = isAskedFor
    this.pending = [...recipients]
    this.#terms = terms
    this.#forms = new FormFinder(
      {
        message: work.message,
        reversePath: terms.reversePath,
        forwardPaths: recipients.map(({ forwardPath }) => forwardPath),
      },
      mailData,
    )
    this.#report = report
  }

  /** Of the transactions since this was asked last. */
  takeReplies(): Replies {
    const replies = { taken: this.#taken, refused: this.#refusals }
    this.#taken = 0
    this.#refusals = []
    return replies
  }

  get wantsElsewhere(): boolean {
    return this.#elsewhere.length > 0
  }

  /** Those of `servers` that this attempt has not talked to. */
  untried(servers: readonly RemoteServer[]): RemoteServer[] {
    return servers.filter(server => !this.#triedAddresses.has(remoteAddress(server)))
  }

  tryElsewhere(): void {
    for (const { outcome } of this.#elsewhere) {
      const { remoteMta, detail, reply } = outcome.diagnosis
      if (remoteMta !== undefined) this.notePassed([{ host: remoteMta, detail, ...(reply ? { reply } : {}) }])
    }
    for (const { recipient } of this.#elsewhere) this.pending.push(recipient)
    this.#elsewhere = []
  }

  noteTried(hosts: readonly string[], tls: readonly TlsEvidence[] = []): void {
    for (const host of hosts) if (!this.#triedHosts.includes(host)) this.#triedHosts.push(host)
    for (const evidence of tls) this.#tls.add(evidence)
  }

  notePassed(servers: readonly PassedServer[]): void {
    for (const server of servers)
      if (!this.#passed.some(one => one.host === server.host && one.detail === server.detail))
        this.#passed.push(server)
  }

  noteLookup(lookup: Lookup | undefined): void {
    this.#lookup = lookup
  }

  /**
   * No server could be reached: every recipient without an outcome gets this one. `gate`: where it may be tried again
   * before its own time, as soon as one can be.
   */
  endPending(outcome: NegativeOutcome, gate?: GateKey): void {
    for (const recipient of this.pending) this.#end(recipient, outcome, gate)
    this.pending = []
  }

  /** It is another server's. */
  moveTo(shard: number): void {
    const { work } = this
    for (const recipient of this.pending) this.#report({ work, recipient, outcome: { kind: 'moved', shard } })
    this.pending = []
  }

  /** Nothing is tried now: it stands in line, and why it cannot go at once. */
  stand(gate: GateKey, closure: Closure | undefined): void {
    const { work } = this
    const place = this.isSuspect ? undefined : { gate, share: shareOf(work.message) }
    for (const recipient of this.pending)
      this.#report({ work, recipient, outcome: { kind: 'waiting', place, closure } })
    this.pending = []
  }

  /** What let it in lets it through no more. */
  standAtGate(): void {
    if (!this.gate) throw new Error('an attempt came into a lane through no gate')
    this.stand(this.gate.key, this.gate.closure)
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

  /** So many recipients a transaction of it may have: with a reverse-path of its own each has one to himself. */
  get mostAtOnce(): number {
    return this.#terms.reversePathFor ? 1 : Number.POSITIVE_INFINITY
  }

  /**
   * One transaction with up to `maxRecipients` of the pending recipients. Each of them has an outcome afterwards, is to
   * be tried elsewhere, or is pending again: the server wanted fewer at a time, or the `reused` connection was 'stale'.
   * Rejects on a fault of ours, with all of them pending.
   */
  async transact(open: OpenConnection, reused: boolean, maxRecipients: number): Promise<Transacted> {
    const { connection, server } = open
    this.#signing = undefined
    open.record.dialogue = this.dialogue
    this.noteTried(open.triedHosts, open.tls)
    this.#triedAddresses.add(remoteAddress(server))
    // What is handed over there is delivered: nobody has to promise anything of what comes after that.
    const kept = server.isStore
      ? undefined
      : reasonToKeep(this.work.message, connection.extensions, server, this.#terms.now())
    if (kept) {
      this.#keep({ kind: 'failed', diagnosis: kept })
      return nobodyAsked
    }
    const lacking =
      this.work.message.tls === 'required' && !isStoreHere(server)
        ? lacksProtection(open, this.work.message)
        : undefined
    if (lacking) {
      this.dialogue.note(lacking.diagnosis.detail)
      this.#keep(lacking)
      return nobodyAsked
    }
    this.#keepUtf8Addresses(open)
    if (this.pending.length === 0) return nobodyAsked
    const form = await this.#sign(await this.#forms.find(connection.extensions))
    const { size } = form.mailData
    const sizeLimit = Number(connection.extensions.get('SIZE') ?? 0)
    if (sizeLimit > 0 && size > sizeLimit) {
      this.endPending({ kind: 'failed', diagnosis: tooLarge(server, size, sizeLimit) })
      return nobodyAsked
    }
    const batch = this.pending.slice(0, Math.min(maxRecipients, this.mostAtOnce))
    this.#changes = form.changes
    const results = await this.#send(open, batch, form)
    open.record.dialogue = undefined
    if (reused && results.every(wasStale)) return { verdict: 'stale', asked: 0 }
    this.pending.splice(0, batch.length)
    this.#read(open, batch, results, form)
    this.#signing = undefined
    return { verdict: 'served', asked: batch.length }
  }

  /** After everything that changes the message: what comes later breaks the signature (RFC 6376 §5.3). */
  async #sign(form: OutgoingForm): Promise<OutgoingForm> {
    // It does not go there.
    if (form.problem) return form
    const { message } = this.work
    const { name, mailData } = form
    // All of them have come the same way.
    const forwardedBy = this.pending[0]?.expandedFrom?.at(-1)
    this.#signing = await this.#terms.signer?.sign({ message, form: name, mailData, forwardedBy })
    return this.#signing ? { ...form, mailData: putBefore(this.#signing.fields, mailData) } : form
  }

  /** None of the pending recipients is given to this server; when it is not too late, another may have what it lacks. */
  #keep(outcome: NegativeOutcome): void {
    if (outcome.diagnosis === tooLate) {
      this.endPending(outcome)
      return
    }
    for (const recipient of this.pending) this.#elsewhere.push({ recipient, outcome })
    this.pending = []
  }

  async #send(
    { connection }: OpenConnection,
    batch: readonly QueuedRecipient[],
    { needs, mailData }: OutgoingForm,
  ): Promise<readonly RecipientResult[]> {
    const { message } = this.work
    return await connection.send({
      reversePath: this.#ownReversePath(batch[0]) ?? this.#terms.reversePath,
      body: needs.body,
      smtpUtf8: needs.smtpUtf8,
      ret: message.ret,
      envelopeId: message.envelopeId,
      priority: message.priority,
      deliverBy: remainingTime(message, this.#terms.now()),
      requireTls: message.tls === 'required' && connection.extensions.has('REQUIRETLS'),
      recipients: batch,
      mailData,
    })
  }

  #ownReversePath(recipient: QueuedRecipient | undefined): Address | undefined {
    return recipient && this.#terms.reversePathFor?.(recipient.forwardPath)
  }

  /** RFC 6531 §3.2: an address that needs SMTPUTF8 keeps those from the server, and no others, whom it concerns. */
  #keepUtf8Addresses(open: OpenConnection): void {
    const others: QueuedRecipient[] = []
    for (const recipient of this.pending) {
      const diagnosis = lacksSmtpUtf8(open, this.#terms.reversePath, recipient.forwardPath)
      if (diagnosis) this.#elsewhere.push({ recipient, outcome: { kind: 'failed', diagnosis } })
      else others.push(recipient)
    }
    this.pending = others
  }

  #read(
    open: OpenConnection,
    batch: readonly QueuedRecipient[],
    results: readonly RecipientResult[],
    form: OutgoingForm,
  ): void {
    const { connection, server } = open
    const anyAccepted = results.some(({ result }) => result.kind === 'accepted')
    for (const [index, recipient] of batch.entries()) {
      const result = results[index]?.result
      if (!result) {
        this.#end(recipient, localError(new RangeError('the SMTP client gave fewer results than recipients')))
        continue
      }
      switch (result.kind) {
        case 'accepted': {
          this.#taken++
          this.#end(recipient, {
            kind: 'relayed',
            dsnAware: connection.extensions.has('DSN'),
            remoteMta: server.host,
            remoteAddress: remoteAddress(server),
            reply: result.reply,
            ...(server.isStore ? { isFinal: true as const } : {}),
            ...(this.work.message.deliverBy && !server.isStore
              ? { keepsTime: connection.extensions.has('DELIVERBY') }
              : {}),
            ...(connection.tls ? { tls: `${connection.tls.protocol} ${connection.tls.cipher}` } : {}),
          })
          break
        }
        case 'refused':
          // RFC 5321 §4.5.3.1.10: the rest of the recipients in another transaction, at once.
          if (anyAccepted && result.stage === 'rcpt' && isTooManyRecipients(result.reply))
            this.pending.push(recipient)
          else this.#refused(recipient, open, result.stage, result.reply)
          break
        case 'failed':
          this.#failed(recipient, server, result.failure, form)
          break
        default:
          result satisfies never
      }
    }
  }

  #refused(
    recipient: QueuedRecipient,
    open: OpenConnection,
    stage: ClientFailureFacts['stage'],
    reply: Reply,
  ): void {
    const outcome = judgeRefusal(open, stage, reply)
    this.#refusals.push(outcome.diagnosis)
    // RFC 5321 §3.8: 421 is about the server, not about this mail; after the end of data it is an answer all the same.
    if (isShuttingDown(reply) && stage !== 'end-of-data') {
      this.#elsewhere.push({ recipient, outcome })
      return
    }
    this.#end(recipient, outcome)
  }

  #failed(
    recipient: QueuedRecipient,
    server: RemoteServer,
    facts: ClientFailureFacts,
    form: OutgoingForm,
  ): void {
    const judged = judgeFailure(server, facts)
    const outcome = { ...judged, diagnosis: withConversionProblem(judged.diagnosis, form) }
    // RFC 5321 §4.5.3.2.6, RFC 1047: silence after the end of data may be a message accepted; asking the next server at
    // once would make duplicates the rule.
    if (facts.stage === 'end-of-data') this.#end(recipient, outcome)
    else this.#elsewhere.push({ recipient, outcome })
  }

  /**
   * That one address of ours has a bad name there is not the receiver's word about the recipient: another of its pool is tried,
   * until all are refused (docs/adr/0019).
   */
  #isForOtherAddress(outcome: DeliveryOutcome): outcome is NegativeOutcome {
    return (
      outcome.kind === 'failed' &&
      classOf(outcome.diagnosis) === 'reputation-block' &&
      this.gate?.takesFromOther(this.source) === true
    )
  }

  /** The dialogue of a transaction, and the way to its server, stand with the first of its recipients. */
  #end(recipient: QueuedRecipient, judged: DeliveryOutcome, closedGate?: GateKey): void {
    const outcome = this.#isForOtherAddress(judged) ? deferredFrom(judged) : judged
    // It comes again when the destination takes mail again, and not on its own schedule.
    const gate = closedGate ?? (isAboutDestination(outcome) ? this.gate?.key : undefined)
    const dialogue = this.dialogue.take()
    const lookup = this.#lookup
    this.#lookup = undefined
    const passed = this.#takePassed(outcome)
    this.#report({
      work: this.work,
      recipient,
      outcome,
      ...(this.#triedHosts.length > 0 ? { mxHosts: [...this.#triedHosts] } : {}),
      ...(dialogue.length > 0 ? { dialogue } : {}),
      ...(this.#tls.size > 0 ? { tls: [...this.#tls] } : {}),
      ...(gate === undefined ? {} : { place: { gate, share: shareOf(this.work.message) }, gate: this.gate }),
      ...(lookup ? { lookup } : {}),
      ...(passed.length > 0 ? { passed } : {}),
      ...(this.#terms.fetched ? { fetched: this.#terms.fetched } : {}),
      ...(this.source === undefined ? {} : { source: this.source }),
      ...this.#describeSent(recipient),
      ...describeSigning(this.#signing),
    })
  }

  /** Without the one that the outcome speaks of. */
  #takePassed(outcome: DeliveryOutcome): readonly PassedServer[] {
    const passed = this.#passed
    this.#passed = []
    if (!('diagnosis' in outcome)) return passed
    const { remoteMta, detail } = outcome.diagnosis
    return passed.filter(one => one.host !== remoteMta || one.detail !== detail)
  }

  /** In what the message that was sent differs from the one that came. */
  #describeSent(recipient: QueuedRecipient): { readonly sent?: SentForm } {
    if (!this.#changes) return {}
    const changed = this.#changes.length > 0 ? { changes: this.#changes } : undefined
    const rewritten = this.#describeSender(recipient)
    return changed || rewritten ? { sent: { ...rewritten, ...changed } } : {}
  }

  #describeSender(recipient: QueuedRecipient): Pick<SentForm, 'reversePath' | 'rewritten'> | undefined {
    const own = this.#ownReversePath(recipient)
    if (own) return { reversePath: formatAddress(own), rewritten: 'verp' }
    const { reversePath } = this.#terms
    return reversePath === null || reversePath === this.work.message.reversePath
      ? undefined
      : { reversePath: formatAddress(reversePath), rewritten: 'srs' }
  }
}

function describeSigning(signing: Signing | undefined): Pick<Attempted, 'signatures' | 'unsigned' | 'seal'> {
  if (!signing) return {}
  const { signatures, unsigned, seal } = signing
  return {
    ...(signatures.length > 0 ? { signatures } : {}),
    ...(unsigned === undefined ? {} : { unsigned }),
    ...(seal ? { seal } : {}),
  }
}

function isAboutDestination(outcome: DeliveryOutcome): boolean {
  return outcome.kind === 'deferred' && closesDestination(classOf(outcome.diagnosis))
}

/**
 * RFC 8689 §4.2.1: the server is proven to be the right one, over TLS, and promises to go on like that. §5: a report does
 * without the promise, or it would be lost.
 */
function lacksProtection(
  open: OpenConnection,
  { reversePath }: Pick<QueuedMessage, 'reversePath'>,
): NegativeOutcome | undefined {
  const { connection, server, tls } = open
  const { host } = server
  const fail = (status: string, detail: string): NegativeOutcome => ({
    kind: 'failed',
    diagnosis: { stage: 'mail', cause: 'requiretls', status, ...whereMet(server), detail },
  })
  const trouble = tlsTrouble(open)
  if (trouble)
    return deferredFrom(
      fail('5.7.10', `the message demands REQUIRETLS, and there was no TLS with ${host}: ${trouble.detail}`),
    )
  if (!connection.tls) return fail('5.7.10', `the message demands REQUIRETLS, and ${host} offers no TLS`)
  const evidence = tls.at(-1)
  if (!evidence?.isAuthenticated) {
    // The domain announces what would prove it.
    if (connection.tls.authorized && evidence?.failure?.type === 'sts-policy-fetch-error')
      return deferredFrom(
        fail(
          '5.7.10',
          `the message demands REQUIRETLS, and nothing proves ${host}: ${evidence.failure.detail}`,
        ),
      )
    const detail = `the message demands REQUIRETLS, and ${host} is not proven to be the right server (by DANE, or by MTA-STS or DNSSEC with a valid certificate)`
    return fail('5.7.10', detail)
  }
  if (reversePath === null || connection.extensions.has('REQUIRETLS')) return undefined
  return fail('5.7.30', `the message demands REQUIRETLS, which ${host} does not offer`)
}

/** Nobody is on the way to it. */
function isStoreHere({ isStore, path, address }: RemoteServer): boolean {
  return isStore === true && (path !== undefined || isLoopback(address))
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
function isTooManyRecipients({ code, enhanced = '' }: Reply): boolean {
  if (enhanced === '5.5.3' || enhanced === '4.5.3') return true
  // RFC 3463 §3.3: X.2.X is about the mailbox, which is no more empty in a second transaction.
  return code === 452 && !/^\d\.2\./.test(enhanced)
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

/** RFC 6531 §3.5: 5.6.7 when an internationalised header section is the obstacle. */
function withConversionProblem(diagnosis: Diagnosis, { needs, problem }: OutgoingForm): Diagnosis {
  if (diagnosis.cause !== 'extension-missing') return diagnosis
  const known = {
    ...diagnosis,
    cause: (problem && causesOfProblems[problem]) ?? diagnosis.cause,
    ...(needs.smtpUtf8 ? { status: '5.6.7' } : {}),
  }
  return problem ? { ...known, detail: `${diagnosis.detail}; ${problemWords[problem]}` } : known
}

const causesOfProblems: Partial<Readonly<Record<ConversionProblem, Diagnosis['cause']>>> = {
  signed: 'signed-content',
  address: 'utf8-address',
}

const problemWords: Readonly<Record<ConversionProblem, string>> = {
  signed: 'it is signed, and to convert it would break the signature',
  address: 'an address in its header section cannot be written in ASCII',
  unreadable: 'it has a part in an encoding that cannot be converted',
  'header-too-long': 'a header section in it is too long to be converted',
  'too-many-parts': 'it has too many parts to be converted',
}
