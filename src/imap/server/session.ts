// The IMAP session: takes commands, returns steps (RFC 9051 §3). It touches no socket, timer or log.

import { Fault } from '../../runtime/fault.ts'
import type { MaybePromise } from '../../runtime/maybe-promise.ts'
import type { Random } from '../../runtime/random.ts'
import type { LoginProblem } from '../../sasl/authority.ts'
import { mayLogIn, mechanismsFor, saslConnectionOf } from '../../sasl/log-in-terms.ts'
import type { SaslConnection, SaslMechanism } from '../../sasl/mechanism.ts'
import type { PasswordMechanism } from '../../sasl/mechanisms.ts'
import { type CommandHead, isProblem, parseCommand, parseCommandHead } from '../grammar/command.ts'
import type { EventGroup, MailboxFilter, NotifyEvent } from '../grammar/commands/notify.ts'
import type { LiteralMark } from '../grammar/literal-mark.ts'
import type { GrammarTerms } from '../grammar/terms.ts'
import { answers } from '../responses/answers.ts'
import { codes } from '../responses/codes.ts'
import type { Pieces } from '../responses/octets.ts'
import { formatNote, type StatusResponse } from '../responses/status-response.ts'
import type { ResponseTerms } from '../responses/terms.ts'
import { answerProblem } from './answer-problem.ts'
import { capabilitiesOf } from './capabilities.ts'
import type { AppendCommand, Command, CommandTerms } from './command.ts'
import type { Collected } from './command-reader.ts'
import { appendTable, commandTable } from './command-table.ts'
import { AppendFlow } from './commands/append.ts'
import { continueAuthentication } from './commands/authenticate.ts'
import { endIdle } from './commands/idle.ts'
import {
  type AccountNews,
  isRefusal,
  type Refusal,
  type SelectedMailbox,
  type SessionMailboxes,
} from './mailbox-services.ts'
import { Notification } from './notification.ts'
import type { ImapServerLimits } from './options.ts'
import type { Client, SessionServices } from './services.ts'
import type { OpenCommand, SessionState, Step, Telling } from './session-state.ts'
import { formatChanges, formatNews } from './tell-changes.ts'
import { formatBatch } from './tell-messages.ts'

/** What all sessions of a server share. */
export interface SessionContext {
  readonly hostname: string
  readonly services: SessionServices
  readonly limits: ImapServerLimits
  readonly hasTls: boolean
  /** On which TLS comes first. */
  readonly tlsPorts: () => readonly number[]
  readonly allowPlaintextAuthOnLoopback: boolean
  readonly authMechanisms: readonly PasswordMechanism[]
  readonly offersCompression: boolean
  readonly identity: ReadonlyMap<string, string>
  readonly random: Random
  /** A service threw: a fault of ours, for the log. */
  readonly fault: (cause: unknown, client: Client) => void
}

/** What becomes of a literal that has been announced. */
export type LiteralTurn =
  /** It is a part of the command. */
  | { readonly kind: 'collect' }
  /** Its octets are wanted as they come. */
  | { readonly kind: 'stream' }
  /** The command is over; what the client sends of it all the same is read away. */
  | { readonly kind: 'refuse'; readonly step: Step }

const meantFor: Readonly<Record<string, string>> = {
  'not-authenticated': 'who has not logged in',
  authenticated: 'who has logged in and selected no mailbox',
  selected: 'who has selected a mailbox',
}

export class Session {
  readonly context: SessionContext
  client: Client
  state: SessionState = { phase: 'not-authenticated' }
  /** A command has begun, and what comes next belongs to it. */
  open: OpenCommand | undefined
  isCompressed = false
  /** In upper case (ENABLE, RFC 5161). */
  readonly enabled = new Set<string>()
  readonly #wake: () => void
  readonly #logInEnded: () => void
  #unwatch: (() => void) | undefined
  readonly #notification = new Notification()
  #errors = 0
  #isAbandoned = false

  /** `wake` is called when there is news for a client that hears them, `logInEnded` when he may not be here any more. */
  constructor(context: SessionContext, client: Client, wake: () => void, logInEnded: () => void) {
    this.context = context
    this.client = client
    this.#wake = wake
    this.#logInEnded = logInEnded
  }

  // What the connection asks

  get greeting(): StatusResponse {
    return answers.greeting(this.context.hostname, this.capabilities)
  }

  /** What comes next is a line and no command: there are no literals in it. */
  get readsLine(): boolean {
    return this.open?.kind === 'authenticating' || this.open?.kind === 'idling'
  }

  get isLoggedIn(): boolean {
    return this.state.phase === 'authenticated' || this.state.phase === 'selected'
  }

  /** A command, or whatever comes next of one that is open; without its CRLF. */
  take(bytes: Buffer): MaybePromise<Step> | Telling {
    const { open } = this
    this.open = undefined
    switch (open?.kind) {
      case 'authenticating':
        return this.#settle(() => continueAuthentication(this, open, bytes), open.tag)
      case 'idling':
        return this.#settle(() => endIdle(this, open, bytes), open.tag)
      case 'appending':
        return this.#endAppend(open.flow, bytes)
      case undefined:
        return this.#run(bytes)
      default:
        return open satisfies never
    }
  }

  #run(bytes: Buffer): MaybePromise<Step> | Telling {
    const head = parseCommandHead(bytes, this.terms)
    if (isProblem(head)) return this.#enter(this.answer(head.tag ?? '*', answerProblem(head)))
    const { tag } = head
    const appending = appendTable.get(head.verb)
    if (appending) return this.#appendNothing(appending, head, bytes)
    const row = this.#find(head)
    if ('status' in row) return this.#enter(this.answer(tag, row))
    const command = parseCommand(bytes, head, this.terms)
    if (!command || isProblem(command))
      return this.#enter(
        this.answer(tag, command ? answerProblem(command) : answers.unknownCommand(head.verb)),
      )
    const scope =
      row.tellsExpunges === 'yes' || (row.tellsExpunges === 'by-uid' && head.by === 'uid')
        ? 'all'
        : 'without-expunges'
    return this.#settle(() => row.run(this, command, tag), tag, scope)
  }

  /** Without a literal: there is something wrong with it, which the grammar knows. */
  #appendNothing(row: AppendCommand, head: CommandHead, bytes: Buffer): MaybePromise<Step> | Telling {
    const flow = this.#openAppend(row, head)
    if (!(flow instanceof AppendFlow)) return this.#enter(this.answer(head.tag, flow))
    return this.#endAppend(flow, bytes)
  }

  /** The row of a command, or why it cannot be had. */
  #find(head: CommandHead): Command | StatusResponse {
    const { verb } = head
    const row = commandTable.get(verb)
    if (!row) return answers.unknownCommand(verb.slice(0, 32))
    return this.#deny(head, row) ?? row.denied?.(this) ?? row
  }

  #deny({ verb, by }: CommandHead, { phases, uidVariant }: CommandTerms): StatusResponse | undefined {
    if (phases.includes(this.state.phase))
      // RFC 9586 §3; EXPUNGE names no messages by themselves.
      return this.knowsUidsOnly && uidVariant === 'also' && by === 'sequence' && verb !== 'EXPUNGE'
        ? answers.uidRequired
        : undefined
    return answers.wrongState(verb, phases.map(phase => meantFor[phase]).join(', or '))
  }

  /** `bytes` ends with a line that announces `mark`; `collected` is what the command has already. */
  announce(bytes: Buffer, mark: LiteralMark, collected: Collected): MaybePromise<LiteralTurn> {
    if (this.open?.kind === 'appending') return this.#advance(this.open.flow, bytes, mark, collected)
    const head = parseCommandHead(bytes, this.terms)
    if (isProblem(head)) return this.#refuse(head.tag ?? '*', answerProblem(head))
    const appending = appendTable.get(head.verb)
    if (appending) {
      const flow = this.#openAppend(appending, head)
      if (!(flow instanceof AppendFlow)) return this.#refuse(head.tag, flow)
      this.open = { kind: 'appending', flow }
      return this.#advance(flow, bytes, mark, collected)
    }
    const row = this.#find(head)
    return 'status' in row ? this.#refuse(head.tag, row) : this.#collect(head.tag, mark, collected)
  }

  #openAppend(row: AppendCommand, head: CommandHead): AppendFlow | StatusResponse {
    const { verb } = row
    const denied = this.#deny(head, row) ?? row.denied?.(this)
    if (denied) return denied
    const terms = {
      tag: head.tag,
      headLength: head.length,
      grammar: this.terms,
      maxMessageBytes: this.context.limits.maxMessageBytes,
      mailboxes: this.mailboxes,
    }
    return new AppendFlow(terms, { at: 'start', verb, by: head.by })
  }

  #collect(tag: string, mark: LiteralMark, collected: Collected): LiteralTurn {
    const { limits } = this.context
    const most = this.isLoggedIn ? limits.maxCommandBytes : limits.maxCommandBytesBeforeLogin
    if (collected.bytes + mark.size > most) return this.#refuse(tag, answers.commandTooLong(most))
    return this.#admit('collect', tag, collected)
  }

  #admit(kind: 'collect' | 'stream', tag: string, { literals }: Collected): LiteralTurn {
    const { maxLiteralsPerCommand: most } = this.context.limits
    return literals < most ? { kind } : this.#refuse(tag, answers.tooManyLiterals(most))
  }

  #refuse(tag: string, response: StatusResponse): LiteralTurn {
    this.dropOpen()
    return { kind: 'refuse', step: this.#enter(this.answer(tag, response)) }
  }

  async #advance(
    flow: AppendFlow,
    bytes: Buffer,
    mark: LiteralMark,
    collected: Collected,
  ): Promise<LiteralTurn> {
    try {
      const turn = await flow.advance(bytes)
      // The connection may have gone while a service was asked.
      if (this.#isAbandoned) flow.abort()
      switch (turn.kind) {
        case 'collect':
          return this.#collect(flow.tag, mark, collected)
        case 'stream':
          return this.#admit('stream', flow.tag, collected)
        case 'answer':
          return this.#refuse(flow.tag, turn.response)
        default:
          return turn satisfies never
      }
    } catch (cause) {
      return this.#refuse(flow.tag, this.#answerFault(cause))
    }
  }

  /** Without a literal at the end of the line there is nothing but an answer. */
  #endAppend(flow: AppendFlow, bytes: Buffer): MaybePromise<Step> | Telling {
    return this.#settle(async () => {
      const turn = await flow.advance(bytes)
      if (turn.kind === 'answer') return { ...this.answer(flow.tag, turn.response), untagged: turn.untagged }
      flow.abort()
      return this.answer(flow.tag, answers.localError)
    }, flow.tag)
  }

  /** Of a literal that is streamed. */
  write(octets: Uint8Array): MaybePromise<void> {
    if (this.open?.kind !== 'appending') return undefined
    const { flow } = this.open
    const fail = (cause: unknown): void => flow.fail(this.#answerFault(cause))
    try {
      const written = flow.write(octets)
      return written instanceof Promise ? written.catch(fail) : undefined
    } catch (cause) {
      fail(cause)
      return undefined
    }
  }

  /** What came cannot be a command: too long, or not ended by CRLF. `beginning` has its tag, if anything. */
  refuseLine(beginning: Buffer, response: StatusResponse): Step {
    const { open } = this
    this.dropOpen()
    if (open) return this.#enter(this.answer(open.kind === 'appending' ? open.flow.tag : open.tag, response))
    const head = parseCommandHead(beginning, this.terms)
    return this.#enter(this.answer(head.tag ?? '*', response))
  }

  /** It waits for news, or takes them at any time (RFC 5465 §3.1). */
  get hearsNews(): boolean {
    return this.open?.kind === 'idling' || (this.open === undefined && this.#notification.isOn)
  }

  /** What has happened, for a client that hears news. */
  async *news(): AsyncGenerator<Pieces, void, undefined> {
    if (this.state.phase === 'selected') yield* this.#newsOf(this.state.mailbox)
    yield formatNews(await this.#notification.take(), this)
  }

  async *#newsOf(mailbox: SelectedMailbox): AsyncGenerator<Pieces, void, undefined> {
    if (!this.#notification.isOn) {
      yield formatChanges(await mailbox.takeChanges('all'), this)
      return
    }
    const { selected } = this.#notification
    // Then it is told with the answers to commands alone.
    if (!selected || selected.events.length === 0) return
    // RFC 5465 §6.1.2: IDLE is a command during which numbers may change.
    const isDelayed = selected.filter.kind === 'selected-delayed' && this.open?.kind !== 'idling'
    const changes = await mailbox.takeChanges(isDelayed ? 'without-expunges' : 'all')
    yield formatChanges(this.#notification.choose(changes), this)
    const ranges = this.#notification.takeArrived()
    if (ranges.length === 0) return
    const { attributes } = selected
    const request = { attributes, changedSince: undefined, vanished: false, page: undefined }
    const set = { kind: 'ranges', ranges } as const
    for await (const batch of mailbox.fetch({ ...request, by: 'uid', set })) yield formatBatch(this, batch)
  }

  /** IDLE begins: what has happened until now, where it is not told as news anyway. */
  async idleBegins(): Promise<string> {
    if (!this.#notification.isOn) return await this.#takeChanges('all')
    this.#wake()
    return ''
  }

  /** NOTIFY; undefined: NONE. */
  async notify(
    groups: readonly EventGroup[] | undefined,
    status: boolean,
  ): Promise<readonly AccountNews[] | Refusal> {
    const { mailboxes } = this
    const news = await this.#notification.set(mailboxes, groups, this.#alwaysWatched(), {
      status,
      knowsModSeq: () => this.enabled.has('CONDSTORE'),
      onNews: () => {
        if (this.hearsNews) this.#wake()
      },
    })
    if (this.#isAbandoned) this.#notification.close()
    return news
  }

  /** ENABLE METADATA (RFC 5464 §4.1): what others note is told with the answers to commands. */
  async watchMetadata(): Promise<void> {
    const { mailboxes } = this
    if (!mailboxes.metadata || !mailboxes.watch) return
    this.enabled.add('METADATA')
    if (this.#notification.isOn) return
    const refusal = await this.notify(undefined, false)
    if (isRefusal(refusal)) this.enabled.delete('METADATA')
  }

  #alwaysWatched(): readonly EventGroup[] {
    if (!this.enabled.has('METADATA')) return []
    const { otherUsers, shared } = this.mailboxes.namespaces
    const roots = [...otherUsers, ...shared].map(prefix => prefix.replace(/\/$/, ''))
    const filters: readonly MailboxFilter[] = [
      { kind: 'personal' },
      ...(roots.length > 0 ? [{ kind: 'subtree', mailboxes: roots } as const] : []),
    ]
    const events: readonly NotifyEvent[] = ['MailboxMetadataChange', 'ServerMetadataChange']
    return filters.map(filter => ({ filter, events, attributes: [] }))
  }

  /** The TLS handshake is done: everything that was said before it is forgotten (RFC 9051 §6.2.1). */
  enterTls(tls: Client['tls']): void {
    const { identity: _identity, ...client } = this.client
    this.client = { ...client, tls }
  }

  /** The connection has gone, or is about to. */
  abandon(): void {
    if (this.#isAbandoned) return
    this.#isAbandoned = true
    this.#unwatch?.()
    this.dropOpen()
    this.#notification.close()
    if (this.state.phase === 'selected') this.state.mailbox.release()
    if ('mailboxes' in this.state) this.state.mailboxes.close()
    this.state = { phase: 'logout' }
  }

  /** Gives up what is under way. */
  dropOpen(): void {
    if (this.open?.kind === 'appending') this.open.flow.abort()
    this.open = undefined
  }

  // For the commands

  /** Of who has logged in; the table lets nobody else get there. */
  get mailboxes(): SessionMailboxes {
    if (!('mailboxes' in this.state)) throw new Fault('IMAP_STATE', 'Nobody has logged in.')
    return this.state.mailboxes
  }

  /** Of who has selected one. */
  get selected(): SelectedMailbox {
    if (this.state.phase !== 'selected') throw new Fault('IMAP_STATE', 'No mailbox is selected.')
    return this.state.mailbox
  }

  /** What cannot be, and why. */
  decline(tag: string, { refused, code }: Refusal): Step {
    return this.answer(tag, answers.refused(refused, code))
  }

  answer(tag: string, response: StatusResponse): Step {
    return { answer: { tag, response }, next: this.state }
  }

  logIn(client: Client, mailboxes: SessionMailboxes): SessionState {
    this.client = client
    if (this.#isAbandoned) mailboxes.close()
    else if (client.account)
      this.#unwatch = this.context.services.watchLogIn?.(client, client.account, this.#logInEnded)
    this.state = { phase: 'authenticated', mailboxes }
    return this.state
  }

  /** It is selected, and its news go to this session from now on. */
  enter(mailboxes: SessionMailboxes, mailbox: SelectedMailbox, name: string): SessionState {
    if (this.#isAbandoned) {
      // The connection has gone while it was opened.
      mailbox.release()
      return this.state
    }
    mailbox.onChange(() => {
      if (this.hearsNews) this.#wake()
    })
    // Of the one before nothing is to be told any more.
    this.#notification.takeArrived()
    this.state = { phase: 'selected', mailboxes, mailbox, name }
    return this.state
  }

  get terms(): GrammarTerms {
    const { maxTerms, maxNesting } = this.context.limits
    return { utf8Names: this.hasUtf8, maxTerms, maxNesting }
  }

  get responseTerms(): ResponseTerms {
    return { utf8: this.hasUtf8 }
  }

  /** Who asks for mod-sequences is told them from now on, and first of all where the mailbox is (RFC 7162 §3.1). */
  enableModSeq(): string {
    const { enabled, state } = this
    if (enabled.has('CONDSTORE')) return ''
    enabled.add('CONDSTORE')
    if (state.phase !== 'selected') return ''
    return formatNote(codes.highestModSeq(state.mailbox.highestModSeq), 'The highest mod-sequence')
  }

  get hasUtf8(): boolean {
    return this.enabled.has('UTF8=ACCEPT') || this.enabled.has('IMAP4REV2')
  }

  /** RFC 9586: it is told no numbers of messages, and names none by them. */
  get knowsUidsOnly(): boolean {
    return this.enabled.has('UIDONLY')
  }

  get capabilities(): readonly string[] {
    return capabilitiesOf(this)
  }

  get mayAuthenticate(): boolean {
    return this.context.services.authenticate !== undefined && mayLogIn(this.context, this.client)
  }

  get authMechanisms(): readonly SaslMechanism[] {
    return mechanismsFor(this.context, this.client)
  }

  get saslConnection(): SaslConnection {
    return saslConnectionOf(this.context, this.client)
  }

  noteLoginRefused(mechanism: string, problem: LoginProblem, loginName: string | undefined): void {
    this.#errors++
    try {
      this.context.services.loginRefused?.(this.client, { mechanism, loginName, problem })
    } catch (cause) {
      // What the trail cannot keep must not change what the client is told.
      this.context.fault(cause, this.client)
    }
  }

  // Steps

  #settle(
    run: () => MaybePromise<Step> | Telling,
    tag: string,
    scope: 'all' | 'without-expunges' = 'all',
  ): MaybePromise<Step> | Telling {
    try {
      const result = run()
      if (Symbol.asyncIterator in result) return this.#followTelling(result, tag, scope)
      if (!(result instanceof Promise) && this.state.phase !== 'selected' && !this.#notification.isWatching)
        return this.#enter(result)
      return this.#finish(Promise.resolve(result), tag, scope)
    } catch (cause) {
      return this.#failed(cause, tag)
    }
  }

  async #finish(step: Promise<Step>, tag: string, scope: 'all' | 'without-expunges'): Promise<Step> {
    try {
      return this.#enter(await this.#withChanges(await step, scope))
    } catch (cause) {
      return this.#failed(cause, tag)
    }
  }

  async *#followTelling(telling: Telling, tag: string, scope: 'all' | 'without-expunges'): Telling {
    try {
      return this.#enter(await this.#withChanges(yield* telling, scope))
    } catch (cause) {
      return this.#failed(cause, tag)
    }
  }

  /** RFC 9051 §7: what has happened in the mailbox stands before the answer. */
  async #withChanges(step: Step, scope: 'all' | 'without-expunges'): Promise<Step> {
    if (!step.answer || step.effect) return step
    // Taken once: it is told whatever fails behind it, or numbers were others here than there.
    let told = ''
    try {
      if (step.next.phase === 'selected') told = await this.#takeChanges(scope)
      told += formatNews(await this.#notification.take(), this)
    } catch (cause) {
      // The command is done: a client that heard NO would append the same message again. What has happened is told the next time.
      this.context.fault(cause, this.client)
    }
    return told === '' ? step : { ...step, untagged: (step.untagged ?? '') + told }
  }

  async #takeChanges(scope: 'all' | 'without-expunges'): Promise<string> {
    if (this.state.phase !== 'selected') return ''
    const changes = await this.state.mailbox.takeChanges(scope)
    // RFC 5465 §5.2: what is wanted of new messages comes right behind the answer.
    if (this.#notification.noteArrived(changes)) this.#wake()
    return formatChanges(changes, this)
  }

  #failed(cause: unknown, tag: string): Step {
    this.dropOpen()
    return this.#enter(this.answer(tag, this.#answerFault(cause)))
  }

  /** The log has it. */
  #answerFault(cause: unknown): StatusResponse {
    this.context.fault(cause, this.client)
    const told = this.context.services.explainFault?.(cause)
    return told ? answers.refused(told.refused, told.code) : answers.localError
  }

  #enter(step: Step): Step {
    this.state = step.next
    this.open = step.open
    // A service may have opened something while the connection went away: nobody will ask for it.
    if (this.#isAbandoned) this.dropOpen()
    if (step.answer?.response.status === 'BAD') this.#errors++
    if (this.#errors > this.context.limits.maxErrorsPerSession && step.answer)
      return {
        ...step,
        open: undefined,
        effect: 'close',
        farewell: answers.tooManyErrors,
      }
    return step
  }
}
