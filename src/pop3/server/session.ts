// The POP3 session: takes lines, returns steps (RFC 1939 §3). It touches no socket, timer or log.
import { Fault } from '../../runtime/fault.ts'
import type { MaybePromise } from '../../runtime/maybe-promise.ts'
import type { Random } from '../../runtime/random.ts'
import type { LoginProblem } from '../../sasl/authority.ts'
import { mayLogIn, mechanismsFor, saslConnectionOf } from '../../sasl/log-in-terms.ts'
import type { SaslConnection, SaslMechanism } from '../../sasl/mechanism.ts'
import { type PasswordMechanism, shownMechanisms } from '../../sasl/mechanisms.ts'
import { type CommandProblem, isProblem, parseCommand, syntaxOf } from '../grammar/command.ts'
import type { Language } from '../grammar/language.ts'
import { answers } from '../responses/answers.ts'
import { formatResponse, type Response } from '../responses/response.ts'
import { commandTable } from './command-table.ts'
import { continueAuthentication } from './commands/auth.ts'
import type { Maildrop, MessageForm } from './maildrop-services.ts'
import { MessageMarks } from './message-marks.ts'
import type { Pop3ServerLimits } from './options.ts'
import type { Client, SessionServices } from './services.ts'
import type { OpenExchange, SessionState, Step, Telling, Transaction } from './session-state.ts'

/** What all sessions of a server share. */
export interface SessionContext {
  readonly hostname: string
  readonly services: SessionServices
  readonly limits: Pop3ServerLimits
  readonly hasTls: boolean
  /** On which TLS comes first. */
  readonly tlsPorts: () => readonly number[]
  readonly allowPlaintextAuthOnLoopback: boolean
  readonly authMechanisms: readonly PasswordMechanism[]
  readonly implementation: string
  readonly random: Random
  /** A service threw: a fault of ours, for the log. */
  readonly fault: (cause: unknown, client: Client) => void
}

const initial: SessionState = { phase: 'authorization' }
const over: SessionState = { phase: 'update' }

export class Session {
  readonly context: SessionContext
  client: Client
  state: SessionState = initial
  /** AUTH has begun, and what comes next belongs to it. */
  open: OpenExchange | undefined
  language: Language = 'en'
  /** RFC 6856 §2.1 */
  form: MessageForm = 'ascii'
  readonly #logInEnded: () => void
  #unwatch: (() => void) | undefined
  #errors = 0
  #isAbandoned = false

  /** `logInEnded` is called when the client may not be here any more. */
  constructor(context: SessionContext, client: Client, logInEnded: () => void) {
    this.context = context
    this.client = client
    this.#logInEnded = logInEnded
  }

  // What the connection asks

  get isLoggedIn(): boolean {
    return this.state.phase !== 'authorization'
  }

  /** Something would be lost by an end without QUIT. */
  get hasMarks(): boolean {
    return this.state.phase === 'transaction' && this.state.deleted.size > 0
  }

  /** A command, or whatever comes next of one that is open; without its CRLF. */
  take(line: Buffer): MaybePromise<Step> | Telling {
    const { open } = this
    this.open = undefined
    if (open) return this.#settle(() => continueAuthentication(this, open, line))
    const command = parseCommand(line)
    if (isProblem(command)) return this.#enter(this.mistake(answerTo(command)))
    const row = commandTable.get(command.verb)
    if (!row) throw new Fault('POP3_COMMAND', `${command.verb} is read, and nobody does it.`)
    if (!row.phases.includes(this.state.phase))
      return this.#enter(
        this.mistake(
          answers.wrongState(this.state.phase === 'authorization' ? 'authorization' : 'transaction'),
        ),
      )
    const denied = row.denied?.(this)
    if (denied) return this.#enter(this.mistake(denied))
    return this.#settle(() => row.run(this, command))
  }

  /** What came is no line: too long, or not ended by CRLF. */
  refuseLine(response: Response): Step {
    this.open = undefined
    return this.#enter(this.mistake(response))
  }

  /** The TLS handshake is done: everything that was said before it is forgotten (RFC 2595 §4). */
  enterTls(tls: Client['tls']): void {
    this.client = { ...this.client, tls }
    this.state = initial
    this.language = 'en'
  }

  /** The connection has gone, or is about to: nothing is deleted (RFC 1939 §6). */
  abandon(): void {
    if (this.#isAbandoned) return
    this.#isAbandoned = true
    this.#unwatch?.()
    this.open = undefined
    if (this.state.phase === 'transaction') this.state.maildrop.close()
    this.state = over
  }

  // For the commands

  /** Of who has logged in; the table lets nobody else get there. */
  get transaction(): Transaction {
    if (this.state.phase !== 'transaction') throw new Fault('POP3_STATE', 'Nobody has logged in.')
    return this.state
  }

  /** Why there is no message of this number to be had; undefined: there is one. */
  refuseNumber(message: number): Response | undefined {
    const { maildrop, deleted } = this.transaction
    if (message < 1 || message > maildrop.count) return answers.noSuchMessage(maildrop.count)
    return deleted.has(message) ? answers.isDeleted : undefined
  }

  say(response: Response): string {
    return formatResponse(response, this.language)
  }

  answer(response: Response): Step {
    return { response, next: this.state }
  }

  /** Too many of these end the session. */
  mistake(response: Response): Step {
    this.#errors++
    return this.answer(response)
  }

  logIn(client: Client, maildrop: Maildrop): SessionState {
    if (this.#isAbandoned) {
      // The connection has gone while it was opened.
      maildrop.close()
      return over
    }
    this.client = client
    if (client.account)
      this.#unwatch = this.context.services.watchLogIn?.(client, client.account, this.#logInEnded)
    this.#errors = 0
    const { count } = maildrop
    return {
      phase: 'transaction',
      maildrop,
      deleted: new MessageMarks(count),
      deletedOctets: 0,
      retrieved: new MessageMarks(count),
    }
  }

  /** UPDATE: from now on whoever abandons the session does not close the maildrop. */
  beginUpdate(): Transaction {
    const { transaction } = this
    this.state = over
    return transaction
  }

  get mayAuthenticate(): boolean {
    return this.context.services.authenticate !== undefined && mayLogIn(this.context, this.client)
  }

  /** USER and PASS show a password, as PLAIN and LOGIN do: where these are forbidden, so are they. */
  get takesPasswords(): boolean {
    return this.context.authMechanisms.some(mechanism => shownMechanisms.includes(mechanism))
  }

  /** Why nobody can log in here and now. */
  get whyNoLogin(): Response | undefined {
    if (!this.context.services.authenticate) return answers.nobodyLogsIn
    return this.mayAuthenticate ? undefined : answers.loginNeedsTls
  }

  get authMechanisms(): readonly SaslMechanism[] {
    return mechanismsFor(this.context, this.client)
  }

  get saslConnection(): SaslConnection {
    return saslConnectionOf(this.context, this.client)
  }

  noteLoginRefused(mechanism: string, problem: LoginProblem, loginName: string | undefined): void {
    try {
      this.context.services.loginRefused?.(this.client, { mechanism, loginName, problem })
    } catch (cause) {
      // What the trail cannot keep must not change what the client is told.
      this.context.fault(cause, this.client)
    }
  }

  // Steps

  #settle(run: () => MaybePromise<Step> | Telling): MaybePromise<Step> | Telling {
    try {
      const result = run()
      if (Symbol.asyncIterator in result) return this.#follow(result)
      if (!(result instanceof Promise)) return this.#enter(result)
      return result.then(
        step => this.#enter(step),
        (cause: unknown) => this.#failed(cause),
      )
    } catch (cause) {
      return this.#failed(cause)
    }
  }

  async *#follow(telling: Telling): Telling {
    let hasBegun = false
    try {
      for (;;) {
        const { done, value } = await telling.next()
        if (done) return this.#enter(value)
        hasBegun = true
        yield value
      }
    } catch (cause) {
      if (!hasBegun) return this.#failed(cause)
      // In the middle of an answer there is no place for another one: the client would take it for a part of a message.
      this.context.fault(cause, this.client)
      return this.#enter({ next: this.state, effect: 'cut' })
    } finally {
      // Whatever it holds is given back, also where the client has gone.
      await telling.return({ next: this.state })
    }
  }

  #failed(cause: unknown): Step {
    this.context.fault(cause, this.client)
    return this.#enter(this.answer(answers.unavailable))
  }

  #enter(step: Step): Step {
    if (this.#isAbandoned) return { next: this.state }
    this.state = step.next
    this.open = step.open
    if (this.#errors > this.context.limits.maxErrorsPerSession && step.response && !step.effect)
      return { ...step, open: undefined, effect: 'close', farewell: answers.tooManyErrors }
    return step
  }
}

function answerTo(problem: CommandProblem): Response {
  switch (problem.problem) {
    case 'unknown':
      return answers.unknownCommand(problem.verb)
    case 'syntax':
      return answers.syntax(syntaxOf[problem.verb])
    case 'not-utf8':
      return answers.notUtf8
    default:
      return problem satisfies never
  }
}
