// The session of ManageSieve (RFC 5804): takes commands, returns steps. It touches no socket, timer or log.
import type { TlsFacts } from '../connection/tls-facts.ts'
import type { MaybePromise } from '../runtime/maybe-promise.ts'
import { nearestName } from '../runtime/nearest-name.ts'
import type { Random } from '../runtime/random.ts'
import { isTemporary, type LoginProblem } from '../sasl/authority.ts'
import { type ExchangeStep, startExchange } from '../sasl/exchange.ts'
import { type AuthenticatedAccount, authorityFor } from '../sasl/log-in-services.ts'
import { mayLogIn, mechanismsFor, saslConnectionOf, whyNotOffered } from '../sasl/log-in-terms.ts'
import { decodeBase64, type SaslMechanism } from '../sasl/mechanism.ts'
import type { PasswordMechanism } from '../sasl/mechanisms.ts'
import { extensions } from '../sieve/language/vocabulary.ts'
import type { SieveLimits } from '../sieve/limits.ts'
import type { CommandToken, ReadCommand, RefusedCommand } from './command-reader.ts'
import { commands } from './commands.ts'
import type { ManageSieveLimits } from './options.ts'
import { formatLine, formatResponse, formatString, type Response } from './response.ts'
import { responses } from './responses.ts'
import type { Client, SessionServices } from './services.ts'
import { close, type Step, say } from './step.ts'

/** What all sessions of a server share. */
export interface SessionContext {
  readonly hostname: string
  /** '0.1.0', for IMPLEMENTATION. */
  readonly version: string
  readonly services: SessionServices
  readonly hasTls: boolean
  readonly allowPlaintextAuthOnLoopback: boolean
  readonly authMechanisms: readonly PasswordMechanism[]
  readonly random: Random
  readonly limits: ManageSieveLimits
  /** Of scripts. */
  readonly sieve: SieveLimits
  /** A service threw: a fault of ours, for the log. */
  readonly fault: (cause: unknown, client: Client) => void
}

export type SessionPhase = State['phase']

type State =
  | { readonly phase: 'not-authenticated' }
  | {
      readonly phase: 'authenticating'
      readonly mechanism: string
      readonly next: (answer: Buffer) => MaybePromise<LoginStep>
    }
  | { readonly phase: 'authenticated'; readonly account: AuthenticatedAccount }
  | { readonly phase: 'logout' }

type LoginStep = ExchangeStep<AuthenticatedAccount> | { readonly kind: 'told'; readonly response: Response }

const notAuthenticated: State = { phase: 'not-authenticated' }
export class Session {
  readonly context: SessionContext
  client: Client
  #state: State = notAuthenticated
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

  get isLoggedIn(): boolean {
    return this.#state.phase === 'authenticated'
  }

  greet(): Step {
    return {
      output: Buffer.concat([
        this.capabilities(),
        formatResponse(responses.capabilities(this.context.hostname)),
      ]),
    }
  }

  /** RFC 5804 §2.2: nothing that was said before counts, and the capabilities come anew. */
  enterTls(tls: TlsFacts): Step {
    this.client = { ...this.client, tls }
    this.#state = notAuthenticated
    return this.greet()
  }

  take(read: ReadCommand): MaybePromise<Step> {
    const step = this.#answer(read)
    return step instanceof Promise
      ? step.catch((cause: unknown) => {
          this.context.fault(cause, this.client)
          if (this.#state.phase === 'authenticating') this.#state = notAuthenticated
          return say(responses.tryLater)
        })
      : step
  }

  #answer(read: ReadCommand): MaybePromise<Step> {
    switch (read.kind) {
      case 'command':
        return this.#state.phase === 'authenticating'
          ? this.#continueLogin(this.#state, read.tokens)
          : this.#dispatch(read.tokens)
      case 'refused':
        if (this.#state.phase === 'authenticating') this.#state = notAuthenticated
        return this.mistake(this.#refusal(read.why))
      case 'lost':
        return close(read.why === 'too-much' ? responses.tooMuch : responses.literalWithoutPlus)
      default:
        return read satisfies never
    }
  }

  #refusal(why: RefusedCommand): Response {
    switch (why) {
      case 'line-too-long':
        return responses.lineTooLong
      case 'literal-too-large':
        return responses.literalTooLarge(this.sieveLimits.maxScriptBytes)
      case 'syntax':
      case 'too-many-arguments':
        return responses.syntax
      default:
        return why satisfies never
    }
  }

  #dispatch([first, ...values]: readonly CommandToken[]): MaybePromise<Step> {
    if (first?.kind !== 'atom') return this.mistake(responses.syntax)
    const verb = first.text.toUpperCase()
    const command = Object.hasOwn(commands, verb) ? commands[verb] : undefined
    if (!command) return this.mistake(responses.unknownCommand(nearestName(verb, Object.keys(commands))))
    if (!command.phases.includes(this.#state.phase)) return this.mistake(this.#wrongPhase())
    const { parameters, optional = 0 } = command
    const fits =
      values.length <= parameters.length &&
      values.length >= parameters.length - optional &&
      values.every(({ kind }, index) => kind === parameters[index])
    return fits ? command.run(this, values) : this.mistake(responses.usage(command.syntax))
  }

  #wrongPhase(): Response {
    if (this.#state.phase === 'authenticated') return responses.notLoggedOut
    return this.mayAuthenticate ? responses.logInFirst : responses.startTlsFirst
  }

  /** One mistake more: a client that makes nothing else is a program that guesses. */
  mistake(response: Response): Step {
    this.#errors++
    if (this.#errors < this.context.limits.maxErrorsPerSession) return say(response)
    return {
      output: Buffer.concat([formatResponse(response), formatResponse(responses.tooManyErrors)]),
      effect: 'close',
    }
  }

  /** The connection has gone, or is about to. */
  abandon(): void {
    this.#isAbandoned = true
    this.#unwatch?.()
  }

  logOut(): Step {
    this.#state = { phase: 'logout' }
    return close(responses.loggedOut)
  }

  get account(): AuthenticatedAccount {
    if (this.#state.phase !== 'authenticated') throw new Error('a command ran without an account')
    return this.#state.account
  }

  get sieveLimits(): SieveLimits {
    return this.context.sieve
  }

  // Capabilities

  /** RFC 5804 §1.7 */
  capabilities(): Buffer {
    const { version, hasTls } = this.context
    const lines: (readonly [string, string?])[] = [
      ['IMPLEMENTATION', `Postrider ${version}`],
      ['VERSION', '1.0'],
      ['SASL', this.#mechanisms.map(({ name }) => name).join(' ')],
      ['SIEVE', extensions.join(' ')],
      ['NOTIFY', 'mailto'],
      ['MAXREDIRECTS', String(this.sieveLimits.maxRedirects)],
      ...(hasTls && !this.client.tls && !this.isLoggedIn ? [['STARTTLS'] as const] : []),
      ...(this.#state.phase === 'authenticated' ? [['OWNER', this.#state.account.address] as const] : []),
    ]
    return Buffer.concat(
      lines.map(([name, value]) =>
        formatLine(formatString(name), ...(value === undefined ? [] : [formatString(value)])),
      ),
    )
  }

  get mayAuthenticate(): boolean {
    return mayLogIn(this.context, this.client)
  }

  get #mechanisms(): readonly SaslMechanism[] {
    return this.mayAuthenticate ? mechanismsFor(this.context, this.client) : []
  }

  // AUTHENTICATE (RFC 5804 §2.1)

  authenticate(name: string, initial: Buffer | undefined): MaybePromise<Step> {
    if (!this.mayAuthenticate) return this.mistake(responses.startTlsFirst)
    const offered = this.#mechanisms
    const mechanism = offered.find(each => each.name === name.toUpperCase())
    if (!mechanism) {
      const problem = whyNotOffered(name.toUpperCase(), this.client)
      if (problem) this.#noteRefused(name.toUpperCase(), problem, undefined)
      return this.mistake(responses.mechanismUnknown(offered.map(each => each.name).join(' ')))
    }
    const decoded = initial && decodeBase64(initial.toString('latin1'))
    if (initial && !decoded) return this.mistake(responses.authNotBase64)
    return this.#takeLogin(mechanism.name, () =>
      startExchange(
        mechanism,
        decoded,
        saslConnectionOf(this.context, this.client),
        authorityFor(this.client, this.context.services),
      ),
    )
  }

  #continueLogin(
    { mechanism, next }: Extract<State, { phase: 'authenticating' }>,
    tokens: readonly CommandToken[],
  ): MaybePromise<Step> {
    this.#state = notAuthenticated
    const [answer, ...more] = tokens
    if (answer?.kind !== 'string' || more.length > 0) return this.mistake(responses.authMalformed)
    const text = answer.bytes.toString('latin1')
    if (text === '*') return say(responses.authCancelled)
    const decoded = decodeBase64(text)
    return decoded ? this.#takeLogin(mechanism, () => next(decoded)) : this.mistake(responses.authNotBase64)
  }

  #takeLogin(mechanism: string, go: () => MaybePromise<LoginStep>): MaybePromise<Step> {
    const step = go()
    if (!(step instanceof Promise)) return this.#concludeLogin(mechanism, step)
    return step.then(
      outcome => this.#concludeLogin(mechanism, outcome),
      (cause: unknown) => {
        this.context.fault(cause, this.client)
        return say(responses.authUnavailable)
      },
    )
  }

  #concludeLogin(mechanism: string, step: LoginStep): Step {
    switch (step.kind) {
      case 'challenge':
        return this.#challenge(mechanism, step.data, step.next)
      case 'malformed':
        return this.mistake(responses.authMalformed)
      case 'told':
        return this.mistake(step.response)
      case 'refused': {
        this.#noteRefused(mechanism, step.problem, step.name === '' ? undefined : step.name)
        const response = isTemporary(step.problem) ? responses.authUnavailable : responses.authFailed
        // RFC 7628 §3.2.3: what helps the client comes first, and whatever it answers is of no matter.
        return step.data
          ? this.#challenge(mechanism, step.data, () => ({ kind: 'told', response }))
          : this.mistake(response)
      }
      case 'proven': {
        this.#state = { phase: 'authenticated', account: step.account }
        this.client = { ...this.client, account: step.account }
        this.#errors = 0
        this.#watch(step.account)
        return say(
          step.data
            ? { ...responses.loggedIn, data: { code: 'SASL', value: step.data.toString('base64') } }
            : responses.loggedIn,
        )
      }
      default:
        return step satisfies never
    }
  }

  #noteRefused(mechanism: string, problem: LoginProblem, loginName: string | undefined): void {
    try {
      this.context.services.loginRefused?.(this.client, { mechanism, loginName, problem })
    } catch (cause) {
      // What the trail cannot keep must not change what the client is told.
      this.context.fault(cause, this.client)
    }
  }

  #watch(account: AuthenticatedAccount): void {
    const { services } = this.context
    if (!this.#isAbandoned) this.#unwatch = services.watchLogIn?.(this.client, account, this.#logInEnded)
  }

  #challenge(mechanism: string, data: Buffer, next: (answer: Buffer) => MaybePromise<LoginStep>): Step {
    this.#state = { phase: 'authenticating', mechanism, next }
    return { output: formatLine(formatString(data.toString('base64'))) }
  }
}
