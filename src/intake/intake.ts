// Takes responsibility for messages: trace field, loop check, what a submission lacks, and the durable write before 250
// (RFC 5321 §4.2.5, §6.1).
import type { Address, ReversePath } from '../address/address.ts'
import { formatAddress, formatReversePath } from '../address/format-address.ts'
import type { AtOnce, DeliverAtOnce, Fate } from '../delivery/at-once.ts'
import type { Diagnosis } from '../delivery/outcome.ts'
import { findLoop } from '../directory/find-loop.ts'
import { removeForgedResults } from '../mail-authentication/remove-forged.ts'
import { findAuthors } from '../message/authors.ts'
import { BlindFieldWatch } from '../message/blind-field-watch.ts'
import { countReceivedFields } from '../message/count-received.ts'
import { findDeliveredTo } from '../message/delivered-to.ts'
import { looksLikeDmarcReport } from '../message/dmarc-report-subject.ts'
import { HeaderSplitter, type SplitMessage } from '../message/header-section.ts'
import { identifyMessage, type MessageIdentity } from '../message/identify-message.ts'
import { saysItIsBulk } from '../message/says-it-is-bulk.ts'
import { saysItReports } from '../message/says-it-reports.ts'
import { fixSubmission } from '../message/submission-fix-ups.ts'
import { findTlsFields, type TlsFields } from '../message/tls-fields.ts'
import { composeReceived } from '../message/trace-fields.ts'
import { verdictField } from '../message/verdict-field.ts'
import {
  type CheckedMessage,
  isStranger,
  type MessageCheck,
  type StrangerChecks,
} from '../policy/check-strangers.ts'
import type { MessageHooks, SessionHooks } from '../policy/session-hooks.ts'
import { describeClient, endAttendance, type SessionScanners } from '../policy/session-scanners.ts'
import { acceptMessage } from '../queue/accept-message.ts'
import type { NewMessage, NewRecipient } from '../queue/new-message.ts'
import { formatQueueId, type QueueId } from '../queue/queue-id.ts'
import type { DeliverBy, Language, QueuedMessage } from '../queue/records.ts'
import type { Clock } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log, LogFields } from '../runtime/log.ts'
import { isAscii, replaceControls } from '../runtime/text.ts'
import type { HeaderFieldToAdd, MessageChanges, Specimen } from '../scanner/contract.ts'
import type { Attending } from '../screening/run-scanners.ts'
import { replies } from '../smtp/replies.ts'
import type { Reply } from '../smtp/reply.ts'
import { isForUsers } from '../smtp/server/roles.ts'
import type {
  Client,
  EndReply,
  MailDataFacts,
  MailDataSink,
  MailTransaction,
  ReversePathParameters,
} from '../smtp/server/services.ts'
import type { MailDataStore, MailDataWriter, StoredMailData } from '../storage/mail-data.ts'
import { maxInlineBytes } from '../storage/mail-data-store.ts'
import type { Storage } from '../storage/operation.ts'
import { isOutcomeUnknown, isPassing, StorageFault } from '../storage/storage-fault.ts'
import type { Reception } from '../trail/events.ts'
import {
  type ChangedEnvelope,
  changeEnvelope,
  changesText,
  type Rewritten,
  rewriteMessage,
} from './change-message.ts'
import { type InspectionParts, inspectMessage, type RefusalEvidence } from './inspect-message.ts'
import type { JudgedRecipient } from './judge-message.ts'

export interface IntakeOptions extends InspectionParts {
  readonly storage: Storage
  readonly mailData: MailDataStore
  readonly clock: Clock
  readonly log: Log
  readonly nextQueueId: () => QueueId
  readonly hostname: string
  /** Of reports to a sender who has none of their own. */
  readonly language: Language
  readonly lifetimeMs: number
  /** More Received fields than this: a loop. */
  readonly maxReceivedFields: number
  /** New mail waits until it is released. */
  readonly held: boolean
  /** Files what comes over LMTP before it is answered. Without it that goes by the queue, as all mail does. */
  readonly deliverAtOnce?: DeliverAtOnce | undefined
  /** How long a message is kept aside. */
  readonly quarantineMs?: number | undefined
  /** Without them all mail is taken as it comes. */
  readonly strangerChecks?: StrangerChecks | undefined
  /** What the checks of a stranger's message came to, once it is accepted or refused for good. */
  readonly noteChecked?: ((checked: FinallyChecked) => void) | undefined
  /** Whether an account may write in the names that its message has; undefined: it may. Default: it may in any. */
  readonly checkWriters?:
    | ((client: Client, transaction: MailTransaction, section: Uint8Array) => Promise<Reply | undefined>)
    | undefined
  /** What came of a message of a stranger: whether it is wanted, once it is taken or refused for good. */
  readonly noteStranger?: ((client: Client, isWanted: boolean) => void) | undefined
  /** The hook file of the administrator's. */
  readonly hooks?: Pick<SessionHooks, 'begin'> | undefined
  /** Scanners that have followed the transaction. */
  readonly sessionScanners?: Pick<SessionScanners, 'take'> | undefined
  /** Why a message is refused: for the trail, which gets the reply from the session. Gives the reply as it goes out. */
  readonly noteEvidence?: ((reply: Reply, evidence: RefusalEvidence) => Reply) | undefined
}

export interface FinallyChecked extends Pick<CheckedMessage, 'evidence' | 'verdict'> {
  readonly clientAddress: string
  readonly reversePath: ReversePath
  /** It is a report on DMARC itself, to all appearances. */
  readonly isDmarcReport: boolean
}

export interface Intake {
  /** `language`: of the sender, when known. */
  open(client: Client, transaction: MailTransaction, language?: Language): MailDataSink
}

const emptyLine = Buffer.from('\r\n')
/** No mail program writes more. */
const maxHeaderBytes = 256 * 1024

/** What keeps messages from being taken in, whichever they are. */
interface Troubles {
  readonly noSpace: LastingTrouble
  readonly fault: LastingTrouble
}

export function createIntake(options: IntakeOptions): Intake {
  const ends = 'messages are taken again'
  const troubles: Troubles = {
    noSpace: new LastingTrouble(options.log, {
      begins: 'a message was refused for now: no space left',
      ends,
    }),
    fault: new LastingTrouble(options.log, { begins: 'a message was refused for now', ends }),
  }
  return {
    open: (client, transaction, language = options.language) =>
      new IncomingMessage(options, troubles, client, transaction, language),
  }
}

class IncomingMessage implements MailDataSink {
  readonly #options: IntakeOptions
  readonly #troubles: Troubles
  readonly #client: Client
  readonly #transaction: MailTransaction
  readonly #language: Language
  readonly #acceptedAt: number
  readonly #queueId: QueueId
  readonly #writer: MailDataWriter
  /** Of what filters have made of it. */
  #rewriter: MailDataWriter | undefined
  #splitter: HeaderSplitter | undefined = new HeaderSplitter(maxHeaderBytes)
  #blindFieldWatch: BlindFieldWatch | undefined
  #tlsFields: TlsFields = { isOptional: false, isReport: false }
  #refusal: Reply | undefined
  #identity: MessageIdentity = {}
  /** To all appearances. */
  #isDmarcReport = false
  #authors: readonly Address[] = []
  #saysItReports = false
  #isBulk = false
  /** It was put away or aside, for one of its recipients at least. */
  #isUnwanted = false
  /** Where the mail is from is being found out; not kept any longer, since what it holds is several times the message. */
  #check: MessageCheck | undefined
  readonly #hooks: MessageHooks | undefined
  readonly #attending: Promise<Attending | undefined> | undefined

  constructor(
    options: IntakeOptions,
    troubles: Troubles,
    client: Client,
    transaction: MailTransaction,
    language: Language,
  ) {
    this.#options = options
    this.#troubles = troubles
    this.#client = client
    this.#transaction = transaction
    this.#language = language
    this.#acceptedAt = options.clock.now()
    this.#queueId = options.nextQueueId()
    this.#writer = options.mailData.create()
    this.#check = options.strangerChecks?.begin(client, transaction)
    this.#hooks = options.hooks?.begin(client, transaction)
    this.#attending = options.sessionScanners?.take(client)
  }

  write(piece: Uint8Array): void | Promise<void> {
    if (this.#refusal) return undefined
    if (!this.#splitter) return this.#storeText(piece)
    const split = this.#splitter.take(piece)
    if (split === 'incomplete') return undefined
    if (split === 'too-long') {
      this.#refusal = replies.headerTooLong(maxHeaderBytes)
      return undefined
    }
    return this.#storeHead(split)
  }

  async finish(facts?: MailDataFacts): Promise<EndReply> {
    try {
      if (this.#splitter && !this.#refusal) await this.#storeHead(this.#splitter.finish())
      const checked = this.#refusal ? undefined : await this.#check?.finish()
      this.#check = undefined
      if (checked?.verdict.kind === 'refuse') {
        this.#refusal = this.#refuse(checked.verdict.reply, { authentication: checked.evidence })
      }
      if (this.#refusal) await this.#writer.abort()
      const reply = this.#refusal ?? (await this.#accept(facts, checked))
      // Those who bring mail over LMTP are no strangers.
      if ('code' in reply) this.#note(reply, checked)
      return reply
    } catch (cause) {
      // The store may have gone away after its commit: then a row names the file. When none does, the sweep takes it.
      if (!isOutcomeUnknown(cause)) await this.#giveUp()
      return this.#refuseFor(cause)
    } finally {
      endAttendance(this.#attending)
    }
  }

  #refuse(reply: Reply, evidence: RefusalEvidence): Reply {
    return this.#options.noteEvidence?.(reply, { ...evidence, id: this.#queueId }) ?? reply
  }

  async #giveUp(): Promise<void> {
    await this.#writer.abort()
    await this.#rewriter?.abort()
  }

  /** What is refused for now comes again, and counts then. */
  #note({ code }: Reply, checked: CheckedMessage | undefined): void {
    if (code >= 400 && code < 500) return
    if (checked) this.#noteChecked(checked)
    if (isStranger(this.#client)) this.#options.noteStranger?.(this.#client, code < 400 && !this.#isUnwanted)
  }

  #noteChecked({ evidence, verdict }: CheckedMessage): void {
    const { remoteAddress: clientAddress } = this.#client
    const { reversePath } = this.#transaction
    const isDmarcReport = this.#isDmarcReport
    this.#options.noteChecked?.({ clientAddress, reversePath, evidence, verdict, isDmarcReport })
  }

  abort(): void {
    this.#refusal ??= replies.localError
    endAttendance(this.#attending)
    this.#giveUp().catch((cause: unknown) => {
      this.#options.log.warn('mail data that was given up could not be removed', { reason: String(cause) })
    })
  }

  #storeText(piece: Uint8Array): void | Promise<void> {
    this.#lookForBlindField(piece)
    if (this.#refusal) return undefined
    this.#check?.takeBody(piece)
    return this.#store(piece)
  }

  #lookForBlindField(text: Uint8Array): void {
    const seen = this.#blindFieldWatch?.take(text)
    if (seen === 'found') this.#refusal = replies.badHeader('hidden-bcc')
    if (seen !== 'more') this.#blindFieldWatch = undefined
  }

  /** A write that fails is answered at the end of the data: until then the peer does not listen. */
  #store(bytes: Uint8Array): void | Promise<void> {
    const written = this.#writer.write(bytes)
    return written?.catch((cause: unknown) => {
      this.#refusal = this.#refuseFor(cause)
    })
  }

  #refuseFor(cause: unknown): Reply {
    const { noSpace, fault } = this.#troubles
    if (cause instanceof StorageFault && cause.code === 'STORAGE_DISK_FULL') {
      noSpace.hit(cause, this.#sort, this.#logFields)
      return replies.insufficientStorage
    }
    if (isPassing(cause)) fault.hit(cause, this.#sort, this.#logFields)
    else this.#options.log.error('a message was refused for now', this.#logFields, cause)
    return replies.localError
  }

  /** Whose message it is: while the storage is away the trail cannot say it. */
  get #logFields(): LogFields {
    const { sessionId, remoteAddress } = this.#client
    const { reversePath, recipients } = this.#transaction
    return {
      session: sessionId,
      peer: remoteAddress,
      sender: reversePath === null ? '<>' : formatAddress(reversePath),
      recipients: recipients.length,
    }
  }

  #storeHead(head: SplitMessage): void | Promise<void> {
    this.#splitter = undefined
    const passed = findDeliveredTo(head.section)
    if (passed.length === 0) return this.#storeUnlessRefused(head)
    return this.#lookForLoop(passed).then(() => this.#storeUnlessRefused(head))
  }

  /** It has been sent on by one of our aliases or groups, and would be again. Whoever brings it is told. */
  async #lookForLoop(passed: readonly Address[]): Promise<void> {
    const { storage, hostname } = this.#options
    const recipients = this.#transaction.recipients.map(({ forwardPath }) => forwardPath)
    try {
      const loop = await storage.run(findLoop, { recipients, passed, hostname })
      if (loop) this.#refusal = replies.comesBack(formatAddress(loop))
    } catch (cause) {
      this.#refusal = this.#refuseFor(cause)
    }
  }

  #storeUnlessRefused(head: SplitMessage): void | Promise<void> {
    if (this.#refusal) return undefined
    const { section, rest, lacksEmptyLine } = head
    const hops = countReceivedFields(section)
    if (hops > this.#options.maxReceivedFields) {
      this.#refusal = replies.loop(hops)
      return undefined
    }
    this.#tlsFields = findTlsFields(section)
    if (isStranger(this.#client)) this.#authors = findAuthors(section)
    this.#check?.takeHeader(section, this.#authors)
    this.#check?.takeBody(lacksEmptyLine ? rest : rest.subarray(emptyLine.length))
    const shown = this.#client.local ? section : removeForgedResults(section, this.#options.hostname)
    const fixed = isForUsers(this.#client.role) ? this.#fixSubmission({ ...head, section: shown }) : shown
    if (!fixed) return undefined
    this.#saysItReports = saysItReports(section)
    this.#isBulk = saysItIsBulk(section)
    this.#identity = identifyMessage(fixed)
    this.#isDmarcReport = looksLikeDmarcReport(this.#identity)
    const received = Buffer.from(this.#composeReceived(), 'utf8')
    const pieces = [received, fixed, ...(lacksEmptyLine ? [emptyLine] : []), rest]
    const { checkWriters } = this.#options
    if (!checkWriters || !this.#client.account) return this.#storeEach(pieces)
    return this.#lookAtWriters(checkWriters, fixed).then(() => this.#storeEach(pieces))
  }

  async #lookAtWriters(
    checkWriters: NonNullable<IntakeOptions['checkWriters']>,
    section: Uint8Array,
  ): Promise<void> {
    try {
      this.#refusal = await checkWriters(this.#client, this.#transaction, section)
    } catch (cause) {
      this.#refusal = this.#refuseFor(cause)
    }
  }

  /** In their order, each after the one before is written: a header section may be too large for memory. */
  #storeEach(pieces: readonly Uint8Array[]): void | Promise<void> {
    for (const [index, piece] of pieces.entries()) {
      if (this.#refusal) return undefined
      const written = this.#store(piece)
      if (written) return written.then(() => this.#storeEach(pieces.slice(index + 1)))
    }
    return undefined
  }

  /** undefined: it is refused. */
  #fixSubmission({ section, rest, lacksEmptyLine }: SplitMessage): Uint8Array | undefined {
    const fixed = fixSubmission(section, {
      at: this.#acceptedAt,
      queueId: formatQueueId(this.#queueId),
      hostname: this.#options.hostname,
      author: this.#client.account?.address,
    })
    if (fixed.kind === 'refused') {
      this.#refusal = replies.badHeader(fixed.problem, fixed.field)
      return undefined
    }
    if (lacksEmptyLine) this.#blindFieldWatch = new BlindFieldWatch()
    this.#lookForBlindField(rest)
    return this.#refusal ? undefined : fixed.section
  }

  #composeReceived(): string {
    const { recipients, parameters } = this.#transaction
    const [first] = recipients
    return composeReceived({
      heloName: this.#client.heloName,
      remoteAddress: this.#client.remoteAddress,
      protocol: this.#client.role === 'lmtp' ? 'LMTP' : 'SMTP',
      hostname: this.#options.hostname,
      extended: this.#client.extended,
      tls: this.#client.tls,
      authenticated: this.#client.account !== undefined,
      smtpUtf8: parameters.smtpUtf8,
      queueId: formatQueueId(this.#queueId),
      onlyRecipient: recipients.length === 1 ? first?.forwardPath : undefined,
      priority: parameters.priority,
      at: this.#acceptedAt,
    })
  }

  async #accept(facts: MailDataFacts | undefined, checked: CheckedMessage | undefined): Promise<EndReply> {
    const { lifetimeMs, held } = this.#options
    const { parameters, disposition } = this.#transaction
    const mailData = await this.#writer.finish()
    const inspected = await inspectMessage(this.#options, {
      client: this.#client,
      transaction: this.#transaction,
      specimen: this.#describeSpecimen(mailData, checked),
      checked,
      authors: this.#authors,
      hooks: this.#hooks,
      attending: await this.#attending,
    })
    const { judged } = inspected
    if (judged.kind === 'refuse') {
      const reply = this.#refuse(judged.reply, inspected.evidence)
      await this.#writer.abort()
      return reply
    }
    const isSuspicious = checked?.verdict.kind === 'quarantine'
    const changed = await this.#change(mailData, facts, inspected.changes, judged.recipients)
    const taken = changed.recipients.filter(({ fate }) => fate !== 'quarantine')
    const aside = changed.recipients.filter(({ fate }) => fate === 'quarantine')
    const isQuarantined = taken.some(({ fate }) => fate === 'junk')
    this.#isUnwanted = isQuarantined || aside.length > 0
    const traceFields = [
      checked?.fields ?? '',
      isQuarantined && !isSuspicious ? verdictField : '',
      ...inspected.headerFields.map(formatField),
    ].join('')
    const releaseAt = laterThan(this.#acceptedAt, parameters.releaseAt)
    const kept = await this.#take({
      message: {
        id: this.#queueId,
        reversePath: changed.reversePath,
        size: changed.mailData.size,
        // Many a program sends 8-bit text without a word about it.
        body: parameters.body === '7BIT' && changed.facts?.isEightBit ? '8BITMIME' : parameters.body,
        smtpUtf8: parameters.smtpUtf8,
        disposition,
        ret: parameters.ret,
        envelopeId: parameters.envelopeId,
        priority: parameters.priority,
        deliverBy: deliverByOf(parameters, this.#acceptedAt),
        releaseAt,
        hasLongLines: changed.facts?.hasLongLines,
        ...this.#describeTls(),
        acceptedAt: this.#acceptedAt,
        // RFC 4865: it has all its time once it is released.
        expiresAt: (releaseAt ?? this.#acceptedAt) + lifetimeMs,
        language: this.#language,
        accountId: this.#client.account?.id,
        isReport: false,
        ...(!this.#client.account && this.#isDmarcReport ? { isDmarcReport: true } : {}),
        ...(this.#saysItReports ? { saysItReports: true } : {}),
        ...(this.#isBulk ? { isBulk: true } : {}),
        ...(this.#client.local && !this.#client.account ? { isLocal: true } : {}),
        ...(traceFields === '' ? {} : { traceFields }),
        ...(isQuarantined ? { isQuarantined: true } : {}),
      },
      mailData: changed.mailData,
      recipients: withoutRepetitions(taken).map(one => describeRecipient(one, isQuarantined)),
      ...(aside.length > 0
        ? {
            aside: {
              recipients: withoutRepetitions(aside).map(one => describeRecipient(one, false)),
              identity: this.#identity,
              author: this.#authors.map(formatAddress).join(', '),
              endsAt: this.#acceptedAt + (this.#options.quarantineMs ?? usualQuarantineMs),
              because: changed.because ?? inspected.because,
            },
          }
        : {}),
      reception: this.#describeReception(mailData.size),
      checks: inspected.checks,
      held,
    })
    // Another node made the same id in the same millisecond. It stands in the Received field already, so the peer sends
    // the message once more, under another id (ADR 3); so it does when an account has just gone away.
    if (kept.kind === 'outdated') {
      await this.#giveUp()
      return replies.localError
    }
    if (!kept.isKept) await this.#giveUp()
    else if (this.#rewriter) await this.#writer.abort()
    this.#troubles.noSpace.over(this.#sort)
    this.#troubles.fault.over(this.#sort)
    return this.#answer(kept.fates)
  }

  /** Who has no fate is in the queue. */
  async #take(message: NewMessage): Promise<AtOnce> {
    const { storage, held, deliverAtOnce } = this.#options
    if (deliverAtOnce && this.#client.role === 'lmtp' && !held) {
      return await deliverAtOnce(message)
    }
    const accepted = await storage.run(acceptMessage, message)
    return accepted === 'duplicate' ? { kind: 'outdated' } : { kind: 'decided', fates: noFates, isKept: true }
  }

  /** RFC 2033 §4.2: over LMTP each recipient has an answer of its own. */
  #answer(fates: ReadonlyMap<string, Fate>): EndReply {
    const id = formatQueueId(this.#queueId)
    if (fates.size === 0) return replies.queued(id)
    return this.#transaction.recipients.map(({ forwardPath }) => {
      const address = formatAddress(forwardPath)
      return answerTo(address, fates.get(address), id)
    })
  }

  /** As filters of the administrator's want it, which may do with it what they like. */
  async #change(
    mailData: StoredMailData,
    facts: MailDataFacts | undefined,
    changes: MessageChanges | undefined,
    recipients: readonly JudgedRecipient[],
  ): Promise<ChangedMessage> {
    const { reversePath } = this.#transaction
    if (!changes) return { mailData, facts, reversePath, recipients }
    const envelope = changeEnvelope({ reversePath, recipients }, changes)
    const isForNobody = envelope.recipients.length === 0
    return {
      mailData,
      facts,
      ...(changesText(changes) ? await this.#rewrite(mailData, changes) : {}),
      reversePath: envelope.reversePath,
      // To throw it away unseen is nobody's right.
      ...(isForNobody
        ? {
            recipients: recipients.map(({ recipient }) => ({ recipient, fate: 'quarantine' })),
            because: 'a scanner has left it no recipient',
          }
        : { recipients: envelope.recipients }),
    }
  }

  async #rewrite(mailData: StoredMailData, changes: MessageChanges): Promise<Partial<Rewritten>> {
    // Its lines are none that could be looked at.
    if (this.#transaction.parameters.body === 'BINARYMIME') return {}
    try {
      const rewritten = await rewriteMessage(this.#options.mailData, mailData, changes, 2 * maxHeaderBytes)
      this.#rewriter = rewritten.writer
      return rewritten
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause
      this.#options.log.warn('what a scanner makes of a message is no mail: it is taken as it came', {
        ...this.#logFields,
        reason: cause.message,
      })
      return {}
    }
  }

  #describeSpecimen(mailData: StoredMailData, checked: CheckedMessage | undefined): Specimen {
    const { reversePath, recipients } = this.#transaction
    return {
      queueId: formatQueueId(this.#queueId),
      client: describeClient(this.#client, checked?.evidence.iprev),
      reversePath: reversePath === null ? '' : formatAddress(reversePath),
      recipients: recipients.map(({ forwardPath }) => formatAddress(forwardPath)),
      size: mailData.size,
      open: () => this.#options.mailData.readStored(mailData),
    }
  }

  /** RFC 8689 §4.1: who says REQUIRETLS means it, whatever the header section says. */
  #describeTls(): Pick<QueuedMessage, 'tls' | 'isTlsReport'> {
    const { isOptional, isReport } = this.#tlsFields
    const tls = this.#transaction.parameters.requireTls ? 'required' : isOptional ? 'optional' : undefined
    return { ...(tls ? { tls } : {}), ...(isReport ? { isTlsReport: true } : {}) }
  }

  /** Small messages may be taken while large ones are not. */
  get #sort(): string {
    return this.#writer.size > maxInlineBytes ? 'large' : 'small'
  }

  #describeReception(size: number): Reception {
    const { sessionId, role, remoteAddress, heloName, tls, account, connectedAt, local } = this.#client
    const { reversePath, recipients, parameters } = this.#transaction
    return {
      sessionId,
      role,
      remoteAddress,
      heloName,
      tls: tls && `${tls.protocol} ${tls.cipher}`,
      account: account?.address,
      reversePath: formatReversePath(reversePath),
      recipients: recipients.map(recipient => formatAddress(recipient.forwardPath)),
      size,
      connectedAt,
      ...(local ? { local } : {}),
      ...this.#identity,
      envelopeId: parameters.envelopeId,
    }
  }
}

interface ChangedMessage extends ChangedEnvelope {
  readonly mailData: StoredMailData
  readonly facts: MailDataFacts | undefined
  /** Why all of it is put aside. */
  readonly because?: string
}

const noFates: ReadonlyMap<string, Fate> = new Map()

function answerTo(address: string, fate: Fate | undefined, id: string): Reply {
  switch (fate?.kind) {
    case 'delivered':
      return replies.delivered(address, id)
    case 'failed':
      return refusalOf(fate.diagnosis, address)
    case 'queued':
    case undefined:
      return replies.queued(id)
    default:
      return fate satisfies never
  }
}

function refusalOf({ status }: Diagnosis, address: string): Reply {
  switch (status) {
    case '4.2.2':
      return replies.mailboxFull(address)
    case '5.2.1':
      return replies.mailboxDisabled(address)
    case '5.2.2':
      return replies.mailboxFullForLong(address)
    case '5.2.3':
      return replies.tooLargeForMailbox(address)
    default:
      return replies.noSuchMailbox(address)
  }
}

const usualQuarantineMs = 30 * 86_400_000

const fieldName = /^[!-9;-~]{1,60}$/
const maxFieldLength = 900

/** A scanner's; what is no field is left out. RFC 5322 §2.1.1 */
function formatField({ name, value }: HeaderFieldToAdd): string {
  const text = replaceControls(value, ' ').trim()
  return fieldName.test(name) && isAscii(text) ? `${name}: ${text.slice(0, maxFieldLength)}\r\n` : ''
}

/** A time that has passed holds nothing. */
function laterThan(now: number, at: number | undefined): number | undefined {
  return at !== undefined && at > now ? at : undefined
}

function deliverByOf({ deliverBy }: ReversePathParameters, now: number): DeliverBy | undefined {
  if (!deliverBy) return undefined
  const { seconds, mode, trace } = deliverBy
  return { at: now + seconds * 1000, mode, trace }
}

/** `isQuarantined`: those of whom nothing else is said get it in Junk. */
function describeRecipient(
  { recipient: { forwardPath, parameters }, fate }: JudgedRecipient,
  isQuarantined: boolean,
): NewRecipient {
  return {
    forwardPath,
    notify: parameters.notify,
    originalRecipient: parameters.originalRecipient,
    ...(isQuarantined && fate === 'inbox' ? { isWanted: true } : {}),
  }
}

/** Who is named twice gets the message once, as the first RCPT wanted it. */
function withoutRepetitions(recipients: readonly JudgedRecipient[]): readonly JudgedRecipient[] {
  if (recipients.length <= 1) return recipients
  const byAddress = new Map<string, JudgedRecipient>()
  for (const one of recipients) {
    const address = formatAddress(one.recipient.forwardPath)
    if (!byAddress.has(address)) byAddress.set(address, one)
  }
  return [...byAddress.values()]
}
