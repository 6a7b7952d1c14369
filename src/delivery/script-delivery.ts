// Runs the script of an account for a message that is to be filed there, and makes of what it wants what the settlement does: where
// it is filed, to whom it goes on, what is sent because of it, what is remembered. Until the settlement nothing is done.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { formatAddress } from '../address/format-address.ts'
import { splitSubaddress } from '../directory/keys.ts'
import { maxExpansions } from '../directory/redirection-chains.ts'
import {
  type AccountScripts,
  mailboxNameOf,
  problemOfScriptName,
  type ScriptAnswer,
} from '../filtering/account-scripts.ts'
import { composeMistake } from '../filtering/compose-mistake.ts'
import { findRemembered, type Memory, type MemoryKey, messageKey } from '../filtering/memory.ts'
import type { ScriptDeed, ScriptPlace, ScriptTrace } from '../filtering/script-trace.ts'
import { readSieveFlags } from '../filtering/sieve-flags.ts'
import { findOwnResults } from '../mail-authentication/own-results.ts'
import type { FilingPlace } from '../mailbox/file-message.ts'
import type { Mailbox, SpecialUse } from '../mailbox/mailbox-row.ts'
import { findDeliveredTo } from '../message/delivered-to.ts'
import { decodeEncodedWords } from '../message/encoded-words.ts'
import { findFieldValue, parseHeaderFields } from '../message/header-section.ts'
import { identifyMessage } from '../message/identify-message.ts'
import type { NewMessage } from '../queue/new-message.ts'
import { formatQueueId, type QueueId } from '../queue/queue-id.ts'
import type { ClaimedWork } from '../queue/records.ts'
import type { OwnerNotice, OwnMailData, ScriptResult } from '../queue/settle-script.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { replaceControls } from '../runtime/text.ts'
import { composeNotification } from '../sieve/compose/compose-notification.ts'
import { composeRejection } from '../sieve/compose/compose-rejection.ts'
import { composeReply } from '../sieve/compose/compose-reply.ts'
import type { ComposedMail } from '../sieve/compose/composed-mail.ts'
import { readAddressList } from '../sieve/message/one-address.ts'
import type {
  FileInto,
  Keep,
  Notification,
  Origin,
  Redirect,
  Reject,
  SieveOutcome,
  VacationReply,
} from '../sieve/outcome.ts'
import type { MailDataStore, StoredMailData } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import { isPassing } from '../storage/storage-fault.ts'
import type { WrittenByScript } from '../trail/events.ts'
import { expandRecipient, withoutSuccess } from './expand-recipient.ts'
import type { LocalRecipient } from './local-delivery.ts'
import { findNoRoom, type RoomRules } from './mailbox-room.ts'
import type { Diagnosis } from './outcome.ts'
import type { Attempted } from './plan-settlement.ts'
import { type OpenedMessage, openMessage, withoutDeliveryFields } from './script-message.ts'

export interface ScriptDeliveryParts {
  readonly scripts: Pick<AccountScripts, 'run'>
  readonly storage: Pick<Storage, 'run'>
  readonly mailData: MailDataStore
  readonly clock: Clock
  readonly log: Log
  readonly hostname: string
  readonly nextQueueId: () => QueueId
  readonly lifetimeMs: number
  /** The queue is on hold: what scripts send waits like any message. */
  readonly held: boolean
  /** Without it, what comes is filed whether or not there is room. */
  readonly room?: RoomRules | undefined
  /** Why the account may not send to this address now: a sentence without its stop. undefined: it may, and it is counted. */
  readonly limitSending?: LimitSending | undefined
}

export type LimitSending = (accountId: number, to: Address) => Promise<string | undefined>

type Filed = Attempted & { readonly filing: NonNullable<Attempted['filing']> }

const dayMs = 86_400_000
const junk: SpecialUse = 'Junk'

export class ScriptDelivery {
  readonly #parts: ScriptDeliveryParts

  constructor(parts: ScriptDeliveryParts) {
    this.#parts = parts
  }

  /**
   * `without`: where it would be without a script, whether or not there is room. What the script wants filed, and has no room, is
   * tried again as a whole. Rejects when the storage is away: then it comes again.
   */
  async apply(work: ClaimedWork, local: LocalRecipient, without: Attempted): Promise<Attempted> {
    const attempted = await this.#decide(work, local, without)
    const { filing, script } = attempted
    const bytes = (filing ?? script)?.room?.bytes ?? 0
    const messages = filing ? 1 : (script?.filings.length ?? 0)
    if (!this.#parts.room || messages === 0) return attempted
    const refused = await findNoRoom(this.#parts.room, work, local, { bytes, messages })
    if (!refused) return attempted
    if (script) await discardFiles(this.#parts.mailData, storedBy(script))
    return { work, recipient: local.recipient, outcome: refused }
  }

  async #decide(work: ClaimedWork, local: LocalRecipient, without: Attempted): Promise<Attempted> {
    const { filing } = without
    const { scriptId } = local.route
    if (scriptId === undefined || !filing || comesBack(local)) return without
    const filed: Filed = { ...without, filing }
    try {
      return (await this.#run(work, { ...local, scriptId }, filed)) ?? without
    } catch (cause) {
      if (isPassing(cause)) throw cause
      // A fault of ours must not keep the message from its owner.
      const { address } = local.route
      this.#parts.log.error(
        'the script of an account could not be run; the message is filed without it',
        { account: formatAddress(address), queueId: formatQueueId(work.message.id) },
        cause,
      )
      return without
    }
  }

  async #run(
    work: ClaimedWork,
    local: LocalRecipient & { readonly scriptId: number },
    without: Filed,
  ): Promise<Attempted | undefined> {
    const { clock, mailData, scripts } = this.#parts
    const { message, mailDataId } = work
    const { recipient, route, scriptId } = local
    const { traceFields } = without.filing
    const opened = await openMessage(mailData, { id: mailDataId, size: message.size, traceFields })
    if (!opened) return undefined
    const now = clock.now()
    const answer = await scripts.run({
      accountId: route.accountId,
      scriptId,
      address: route.address,
      envelope: {
        reversePath: message.reversePath,
        recipient: recipient.forwardPath,
        originalRecipient: recipient.expandedFrom?.[0],
      },
      senderId: message.accountId,
      message: opened.seen,
      isJunk: without.filing.specialUse === junk,
      now,
    })
    if (!answer) return undefined
    const doing = new Doing(this.#parts, { work, local, without, opened, answer, now })
    try {
      return await doing.settle()
    } catch (cause) {
      await doing.discard()
      throw cause
    }
  }
}

/** A redirect, or an alias behind one, has led it back to the account: what the script says has been done, and does no good. */
function comesBack({ recipient: { expandedFrom = [] }, route: { address } }: LocalRecipient): boolean {
  const own = addressKey(address)
  return expandedFrom.some(passed => baseKeyOf(passed) === own)
}

function baseKeyOf(address: Address): string {
  return addressKey(splitSubaddress(address)?.base ?? address)
}

interface Ran {
  readonly work: ClaimedWork
  readonly local: LocalRecipient
  readonly without: Filed
  readonly opened: OpenedMessage
  readonly answer: ScriptAnswer
  readonly now: number
}

type ScriptFiling = ScriptResult['filings'][number]

interface Mistake extends ScriptPlace {
  readonly text: string
}

/** One message for one account: what the actions of its script come to. */
class Doing {
  readonly #parts: ScriptDeliveryParts
  readonly #ran: Ran
  readonly #deeds: ScriptDeed[] = []
  readonly #filings: { readonly filing: ScriptFiling; readonly name: string }[] = []
  readonly #edited: (OwnMailData & { readonly section: Uint8Array })[] = []
  readonly #targets: Address[] = []
  readonly #mails: NewMessage[] = []
  /** Those of mails among them: what has been made, to be discarded when it comes to nothing. */
  readonly #stored: StoredMailData[] = []
  readonly #sentOn: string[] = []
  #remember: readonly Memory[]
  #rejected: Pick<Attempted, 'outcome' | 'isTold'> | undefined
  #mistake: Mistake | undefined
  #isKept = false

  constructor(parts: ScriptDeliveryParts, ran: Ran) {
    this.#parts = parts
    this.#ran = ran
    this.#remember = ran.answer.remember
    const { error } = ran.answer.outcome
    if (error) this.#mistake = { ...placeOf(error), text: error.text }
  }

  async settle(): Promise<Attempted> {
    const { actions } = this.#ran.answer.outcome
    for (const action of actions) {
      switch (action.kind) {
        case 'keep':
          await this.#keep(action)
          break
        case 'fileinto':
          await this.#fileInto(action)
          break
        case 'discard':
          this.#deeds.push({ what: 'discarded', at: placeOf(action.origin) })
          break
        case 'redirect':
          await this.#redirect(action)
          break
        case 'reject':
          await this.#reject(action)
          break
        case 'vacation':
          await this.#answer(action)
          break
        case 'notify':
          await this.#notify(action)
          break
        default:
          action satisfies never
      }
    }
    // What could not be sent on stays.
    if (this.#isKept && this.#filings.length === 0)
      this.#file(this.#implicit, this.#implicit.mailbox, undefined)
    const notice = await this.#composeNotice()
    return this.#conclude(notice)
  }

  async discard(): Promise<void> {
    await discardFiles(this.#parts.mailData, this.#stored)
  }

  get #implicit(): FilingPlace {
    const { accountId, mailbox, specialUse, traceFields } = this.#ran.without.filing
    return { accountId, mailbox, traceFields, ...(specialUse ? { specialUse } : {}) }
  }

  // Filing

  /** RFC 5228 §4.3: where it would be without a script, Junk too. */
  async #keep({ flags, headerSection, origin }: Keep): Promise<void> {
    await this.#fileEdited(this.#implicit, this.#implicit.mailbox, { flags, headerSection, origin })
  }

  async #fileInto(action: FileInto): Promise<void> {
    const { mailboxes } = this.#ran.answer
    const name = mailboxNameOf(action.mailbox)
    const use = specialUseOf(action.specialUse)
    const ofUse = use && (await mailboxes.list()).find(({ specialUse }) => specialUse === use)
    const { mailboxId } = action
    const chosen = ofUse ?? (mailboxId === undefined ? undefined : await mailboxes.withId(mailboxId))
    const found = chosen ?? (await mailboxes.named(name))
    const { accountId, traceFields } = this.#implicit
    const problem = chosen || name === 'INBOX' ? undefined : await this.#problemOf(name, found, action)
    if (problem !== undefined) {
      this.#mistake ??= { ...placeOf(action.origin), text: problem }
      this.#file({ accountId, mailbox: 'INBOX', traceFields }, 'INBOX', action.origin)
      return
    }
    const place: FilingPlace = {
      accountId,
      mailbox: found?.name ?? name,
      traceFields,
      ...(use && !found ? { specialUse: use } : {}),
    }
    await this.#fileEdited(place, place.mailbox, action)
  }

  /** Why nothing can be filed into it. */
  async #problemOf(
    name: string,
    found: Mailbox | undefined,
    { create }: FileInto,
  ): Promise<string | undefined> {
    const isIn = `${JSON.stringify(name)}: the message is in INBOX.`
    const problem = problemOfScriptName(name)
    if (problem !== undefined) return `There can be no mailbox ${isIn} ${problem}.`
    if (found) return undefined
    if (!create)
      return `There is no mailbox ${isIn} Make the mailbox, or let the script make it: require "mailbox", and fileinto :create.`
    // Whoever writes to the account may choose the name, where a script takes it from the message.
    if (await this.#ran.answer.mailboxes.isFull())
      return `No mailbox can be made for ${isIn} The account has as many mailboxes as it can have.`
    return undefined
  }

  async #fileEdited(
    place: FilingPlace,
    name: string,
    { flags: words, headerSection, origin }: Pick<FileInto, 'flags' | 'headerSection'> & Pick<Keep, 'origin'>,
  ): Promise<void> {
    const { flags, keywords } = readSieveFlags(words)
    const edited = headerSection && (await this.#edit(headerSection))
    this.#file(
      {
        ...place,
        flags,
        keywords,
        ...(edited ? { mailDataId: edited.id, traceFields: '' } : {}),
      },
      name,
      origin,
    )
  }

  /** What has the same header section is kept once. */
  async #edit(section: Uint8Array): Promise<OwnMailData> {
    const known = this.#edited.find(one => one.section === section)
    if (known) return known
    const edited = { section, id: this.#parts.nextQueueId(), mailData: await this.#ran.opened.store(section) }
    this.#stored.push(edited.mailData)
    this.#edited.push(edited)
    return edited
  }

  #file(filing: ScriptFiling, name: string, origin: Origin | undefined): void {
    if (this.#filings.some(one => one.filing.mailbox === filing.mailbox)) return
    this.#filings.push({ filing, name })
    this.#deeds.push({ what: 'filed', at: origin && placeOf(origin), where: name })
  }

  // Sending on

  async #redirect({ forwardPath, headerSection, origin }: Redirect): Promise<void> {
    const deed = { what: 'redirected', at: placeOf(origin), where: formatAddress(forwardPath) } as const
    const notBecause =
      this.#findLoop(forwardPath) ?? (await this.#parts.limitSending?.(this.#accountId, forwardPath))
    if (notBecause !== undefined) {
      this.#isKept = true
      this.#deeds.push({ ...deed, notBecause })
      return
    }
    this.#sentOn.push(formatAddress(forwardPath))
    if (!headerSection) {
      this.#targets.push(forwardPath)
      this.#deeds.push(deed)
      return
    }
    const queueId = await this.#sendEdited(forwardPath, headerSection)
    this.#deeds.push({ ...deed, queueId: formatQueueId(queueId) })
  }

  /** RFC 5228 §4.2, §10.2 */
  #findLoop(forwardPath: Address): string | undefined {
    const { local, opened } = this.#ran
    const { expandedFrom = [], forwardPath: here } = local.recipient
    const own = addressKey(local.route.address)
    const passed = [...expandedFrom, here, ...findDeliveredTo(opened.headerSection)]
    if (baseKeyOf(forwardPath) === own) return 'it is the address of the account itself'
    if (passed.slice(expandedFrom.length + 1).some(one => baseKeyOf(one) === own))
      return 'the message has been sent on from here before, and has come back'
    if (passed.some(one => addressKey(one) === addressKey(forwardPath)))
      return 'the message comes from there, and would go round for ever'
    return expandedFrom.length >= maxExpansions ? 'it has been sent on too often' : undefined
  }

  /** As it is now: a message of its own, from the same sender. */
  async #sendEdited(forwardPath: Address, headerSection: Uint8Array): Promise<QueueId> {
    const { work, local, opened, now } = this.#ran
    const section = withoutDeliveryFields(headerSection)
    const stored = await opened.store(section)
    this.#stored.push(stored)
    const id = this.#parts.nextQueueId()
    const [recipient] = expandRecipient(work, local.recipient, [forwardPath]).into ?? []
    this.#mails.push({
      message: {
        ...work.message,
        id,
        size: stored.size,
        // They are in it.
        traceFields: undefined,
        acceptedAt: now,
        expiresAt: now + this.#parts.lifetimeMs,
      },
      mailData: stored,
      recipients: recipient ? [{ ...recipient, isWanted: undefined }] : [],
      written: { ...identifyMessage(section), script: this.#cause('redirect') },
      held: this.#parts.held,
    })
    return id
  }

  // Answers

  async #reject(reject: Reject): Promise<void> {
    const { message } = this.#ran.work
    const at = placeOf(reject.origin)
    const notBecause = this.#whyNotAnswered()
    if (message.reversePath === null || message.isReport) {
      // Nobody is there who could be told: it is not to vanish.
      this.#isKept = true
      this.#deeds.push({ what: 'rejected', at, notBecause: 'it has no sender who could be told' })
      return
    }
    if (notBecause !== undefined) {
      this.#deeds.push({ what: 'rejected', at, notBecause })
      const { accountId, traceFields } = this.#implicit
      this.#file({ accountId, mailbox: junk, specialUse: junk, traceFields }, junk, undefined)
      return
    }
    this.#rejected = { outcome: { kind: 'failed', diagnosis: this.#diagnose(reject) } }
    if (reject.by === 'ereject') {
      this.#deeds.push({ what: 'rejected', at })
      return
    }
    const { local, opened, now } = this.#ran
    const id = this.#parts.nextQueueId()
    const mail = composeRejection(reject, {
      ...this.#composeOptions(id, now),
      hostname: this.#parts.hostname,
      language: message.language,
      to: message.reversePath,
      recipient: local.recipient.expandedFrom?.[0] ?? local.recipient.forwardPath,
      headerSection: opened.headerSection,
    })
    await this.#send(id, mail, 'reject')
    this.#rejected = { ...this.#rejected, isTold: true }
    this.#deeds.push({ what: 'rejected', at, queueId: formatQueueId(id) })
  }

  #diagnose({ text }: Reject): Diagnosis {
    const { local } = this.#ran
    const lines = text.split(/\r?\n/).map(line => replaceControls(line, ' ').trim())
    return {
      stage: 'mailbox',
      cause: 'recipient-rule',
      status: '5.7.1',
      remoteMta: this.#parts.hostname,
      // What it says of an address is the owner's words.
      isAtStore: true,
      reply: { code: 550, enhanced: '5.7.1', lines: lines.filter(line => line !== '').slice(0, 20) },
      detail: `the script of ${formatAddress(local.route.address)} refuses it`,
    }
  }

  async #answer(reply: VacationReply): Promise<void> {
    const deed = { what: 'answered', at: placeOf(reply.origin), where: formatAddress(reply.to) } as const
    const notBecause = this.#whyNotAnswered()
    if (notBecause !== undefined) {
      // Nobody has had it: the next message may get it.
      this.#remember = this.#remember.filter(({ kind }) => kind !== 'vacation')
      this.#deeds.push({ ...deed, notBecause })
      return
    }
    const id = this.#parts.nextQueueId()
    const from = this.#ownFrom(reply.from)
    await this.#send(
      id,
      composeReply({ ...reply, from }, this.#composeOptions(id, this.#ran.now)),
      'vacation',
    )
    this.#deeds.push({ ...deed, queueId: formatQueueId(id) })
  }

  async #notify(notification: Notification): Promise<void> {
    const { to, cc, bcc, origin } = notification
    const recipients = [...to, ...cc, ...bcc]
    const deed = {
      what: 'notified',
      at: placeOf(origin),
      where: recipients.map(formatAddress).join(', '),
    } as const
    for (const recipient of recipients) {
      const notBecause = await this.#parts.limitSending?.(this.#accountId, recipient)
      if (notBecause === undefined) continue
      this.#deeds.push({ ...deed, notBecause })
      return
    }
    const id = this.#parts.nextQueueId()
    const { recipient } = this.#ran.local
    const from = this.#ownFrom(notification.from)
    const reversePath =
      notification.reversePath && (this.#owns(notification.reversePath) ?? recipient.forwardPath)
    const mail = composeNotification(
      { ...notification, from, reversePath },
      { ...this.#composeOptions(id, this.#ran.now), owner: this.#ran.local.route.address },
    )
    await this.#send(id, mail, 'notify')
    this.#deeds.push({ ...deed, queueId: formatQueueId(id) })
  }

  /**
   * RFC 3834 §2, RFC 5429 §2: an answer goes to whoever has written, and to nobody whose address a stranger has put there. So not
   * where DMARC or SPF say that it is not from there, and not for what is taken for spam.
   */
  #whyNotAnswered(): string | undefined {
    const { work, without } = this.#ran
    const { accountId, isLocal, isQuarantined, traceFields = '' } = work.message
    if (accountId !== undefined || isLocal) return undefined
    if (isQuarantined && without.filing.isWanted !== true) return 'it is taken for spam'
    const results = findOwnResults(traceFields, this.#parts.hostname)?.results ?? []
    const dmarc = results.find(({ method }) => method === 'dmarc')?.result
    if (dmarc === 'fail') return 'its author is not proven (DMARC fails)'
    const spf = results.find(({ method, properties }) => method === 'spf' && properties.has('smtp.mailfrom'))
    if (dmarc !== 'pass' && (spf?.result === 'fail' || spf?.result === 'softfail'))
      return 'its sender is not proven (SPF fails)'
    return undefined
  }

  /** RFC 5230 §4.4: as the script has it, if it is an address of the owner's; else the one to which the message came. */
  #ownFrom(from: string): string {
    const addresses = readAddressList(from) ?? []
    const isOwn = addresses.length > 0 && addresses.every(address => this.#owns(address))
    return isOwn ? from : formatAddress(this.#ran.local.recipient.forwardPath)
  }

  #owns(address: Address): Address | undefined {
    const { answer, local } = this.#ran
    const own = new Set([...answer.owned, local.recipient.forwardPath].map(baseKeyOf))
    return own.has(baseKeyOf(address)) ? address : undefined
  }

  #composeOptions(id: QueueId, at: number): { readonly messageId: string; readonly at: number } {
    return { messageId: `${formatQueueId(id)}@${this.#parts.hostname}`, at }
  }

  /** Counted under the limits of the account, as what it sends itself. */
  async #send(id: QueueId, mail: ComposedMail, by: WrittenByScript['by']): Promise<void> {
    const { now, work } = this.#ran
    const stored = await this.#store(mail.mailData)
    this.#mails.push({
      message: {
        id,
        reversePath: mail.reversePath,
        size: stored.size,
        body: mail.body,
        smtpUtf8: mail.smtpUtf8,
        disposition: 'mail',
        acceptedAt: now,
        expiresAt: now + this.#parts.lifetimeMs,
        language: work.message.language,
        // RFC 8689 §5: an answer is protected as what it answers.
        ...(work.message.tls === undefined ? {} : { tls: work.message.tls }),
        accountId: this.#accountId,
        // Nobody is told what becomes of an answer to an answer.
        isReport: mail.reversePath === null,
      },
      mailData: stored,
      recipients: mail.recipients.map(forwardPath => ({ forwardPath })),
      written: { ...identifyMessage(mail.mailData), script: this.#cause(by) },
      held: this.#parts.held,
    })
  }

  async #store(bytes: Uint8Array): Promise<StoredMailData> {
    const writer = this.#parts.mailData.create()
    try {
      await writer.write(bytes)
      const stored = await writer.finish()
      this.#stored.push(stored)
      return stored
    } catch (cause) {
      await writer.abort()
      throw cause
    }
  }

  // The end

  get #accountId(): number {
    return this.#ran.local.route.accountId
  }

  #cause(by: WrittenByScript['by']): WrittenByScript {
    const { local, work } = this.#ran
    return { account: formatAddress(local.route.address), by, aboutId: formatQueueId(work.message.id) }
  }

  /** Of a mistake, once a day for each version of the script. */
  async #composeNotice(): Promise<OwnerNotice | undefined> {
    const { answer, local, now, opened, work } = this.#ran
    const mistake = this.#mistake
    if (!mistake) return undefined
    const accountId = this.#accountId
    const told = this.#mistakeKey
    if (await this.#parts.storage.run(findRemembered, { accountId, now, ...told })) return undefined
    const id = this.#parts.nextQueueId()
    const { address, language } = local.route
    const fields = parseHeaderFields(opened.headerSection)
    const show = (name: string): string =>
      replaceControls(decodeEncodedWords(findFieldValue(fields, name) ?? ''), ' ').slice(0, 200)
    const { line, column, script: included, text: problem } = mistake
    const bytes = composeMistake({
      to: address,
      hostname: this.#parts.hostname,
      language,
      at: now,
      queueId: formatQueueId(id),
      script: answer.script.name,
      account: formatAddress(address),
      line,
      column,
      included,
      problem,
      from: show('from'),
      subject: show('subject'),
    })
    const recipient = formatAddress(address)
    const mailData = await this.#store(bytes)
    this.#deeds.push({ what: 'told-owner', queueId: formatQueueId(id) })
    return {
      id,
      mailData,
      traceFields: 'Return-Path: <>\r\n',
      events: [
        {
          kind: 'written',
          recipients: [recipient],
          ...identifyMessage(bytes),
          script: { ...this.#cause('mistake'), aboutId: formatQueueId(work.message.id) },
        },
        { kind: 'attempted', recipient, attempt: 1, outcome: { kind: 'delivered', mailbox: 'INBOX' } },
      ],
    }
  }

  get #mistakeKey(): MemoryKey {
    return { kind: 'mistake', key: String(this.#ran.answer.script.id) }
  }

  #conclude(notice: OwnerNotice | undefined): Attempted {
    const { answer, local, now, without, work } = this.#ran
    const { recipient } = local
    const passesOn = expandRecipient(work, recipient, this.#targets).into ?? []
    const isAlone = this.#filings.length === 0
    const into = passesOn.map(one => ({
      ...one,
      isWanted: undefined,
      notify: isAlone ? one.notify : withoutSuccess(one.notify),
    }))
    const script: Omit<ScriptResult, 'kind'> = {
      accountId: this.#accountId,
      implicit: this.#implicit,
      isWanted: without.filing.isWanted,
      filings: this.#filings.map(({ filing }) => filing),
      room: without.filing.room && { ...without.filing.room, bytes: this.#bytes },
      edited: this.#edited.map(({ id, mailData }) => ({ id, mailData })),
      into,
      mails: this.#mails,
      notice,
      remember: [
        ...this.#remember,
        // Until the message is in no queue any more.
        { ...messageKey(work.message.id), until: Math.max(work.message.expiresAt, now) + 7 * dayMs },
        ...(notice ? [{ ...this.#mistakeKey, until: now + dayMs }] : []),
      ],
      absent: [
        ...answer.absent.filter(({ kind, key }) =>
          this.#remember.some(one => one.kind === kind && one.key === key),
        ),
        ...(notice ? [this.#mistakeKey] : []),
      ],
    }
    return {
      work,
      recipient,
      ...(this.#rejected ?? { outcome: this.#outcome() }),
      script,
      ...(this.#targets.length > 0 ? { into } : {}),
      filter: this.#trace(),
    }
  }

  /** Of all that is filed. */
  get #bytes(): number {
    const { message } = this.#ran.work
    const sizes = this.#filings.map(({ filing: { mailDataId, traceFields } }) => {
      const edited = this.#edited.find(({ id }) => id === mailDataId)
      return (edited?.mailData.size ?? message.size) + Buffer.byteLength(traceFields)
    })
    return sizes.reduce((sum, size) => sum + size, 0)
  }

  #outcome(): Attempted['outcome'] {
    const [first] = this.#filings
    if (first) return { kind: 'delivered', mailbox: first.name }
    return this.#sentOn.length > 0 ? { kind: 'expanded', into: this.#sentOn } : { kind: 'discarded' }
  }

  #trace(): ScriptTrace {
    const { answer, local } = this.#ran
    return {
      account: formatAddress(local.route.address),
      script: answer.script.name,
      did: this.#deeds,
      lines: linesOf(answer.outcome),
      ...(this.#mistake ? { mistake: this.#mistake } : {}),
    }
  }
}

function storedBy({ edited, mails, notice }: Omit<ScriptResult, 'kind'>): readonly StoredMailData[] {
  return [...edited, ...mails, ...(notice ? [notice] : [])].map(({ mailData }) => mailData)
}

/** Never rejects: what is left over the sweep takes. */
async function discardFiles(
  mailData: Pick<MailDataStore, 'discard'>,
  stored: readonly StoredMailData[],
): Promise<void> {
  const names = stored.flatMap(({ location }) => (location.kind === 'file' ? [location.name] : []))
  if (names.length > 0) await mailData.discard(names).catch(() => undefined)
}

function placeOf({ line, column, script }: Pick<Origin, 'line' | 'column' | 'script'>): ScriptPlace {
  return { line, column, ...(script ? { script: script.name } : {}) }
}

/** '\\Junk' as mailboxes have it. */
function specialUseOf(attribute: string | undefined): SpecialUse | undefined {
  const uses: readonly SpecialUse[] = ['Archive', 'Drafts', 'Junk', 'Sent', 'Trash']
  return uses.find(use => `\\${use}`.toLowerCase() === attribute?.toLowerCase())
}

/** A script may say much; the trail keeps what decided, and no more than anybody reads. */
const maxLines = 20
const maxLineLength = 160

function linesOf({ trace }: SieveOutcome): readonly string[] {
  const lines = trace.map(({ line, script, text }) => {
    const where = script ? `${script.name}, line ${line}` : `line ${line}`
    return `${where}: ${replaceControls(text, ' ')}`.slice(0, maxLineLength)
  })
  return lines.length > maxLines ? [...lines.slice(0, maxLines), '…'] : lines
}
