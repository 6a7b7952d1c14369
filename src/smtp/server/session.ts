// The SMTP session: takes command lines, returns steps (RFC 5321 §4.1.4). It touches no socket, timer or log.
import type { Network } from '../../address/networks.ts'
import { isInNetworks, isLoopback } from '../../address/networks.ts'
import type { Ending } from '../../connection/connection-host.ts'
import { isAtUnixSocket } from '../../connection/door.ts'
import type { Random } from '../../runtime/random.ts'
import type { AuthenticatedAccount } from '../../sasl/log-in-services.ts'
import { mayLogIn, mechanismsFor, saslConnectionOf } from '../../sasl/log-in-terms.ts'
import type { SaslConnection, SaslMechanism } from '../../sasl/mechanism.ts'
import type { PasswordMechanism } from '../../sasl/mechanisms.ts'
import { replies } from '../replies.ts'
import { isPositive, type Reply } from '../reply.ts'
import { parseCommandLine } from './command-line.ts'
import { type Dialect, dialectOf } from './command-table.ts'
import { continueAuthentication } from './commands/auth.ts'
import { finishChunk } from './commands/bdat.ts'
import { noTransferExtensions, type SmtpServerLimits, type TransferExtensions } from './options.ts'
import { isForUsers } from './roles.ts'
import type {
  Client,
  EndReply,
  MaybePromise,
  Recipient,
  Refusal,
  SessionServices,
  TlsFacts,
} from './services.ts'
import {
  type Chunk,
  greeted,
  type OpenTransaction,
  ready,
  type SessionPhase,
  type SessionState,
  type Step,
} from './session-state.ts'

/** What all sessions of a server share. */
export interface SessionContext {
  readonly hostname: string
  /** The host name as a domain in canonical spelling: that of `<Postmaster>`. */
  readonly ownDomain: string
  readonly services: SessionServices
  readonly limits: SmtpServerLimits
  readonly localNetworks: readonly Network[]
  readonly hasTls: boolean
  /** Where this server takes AUTH. */
  readonly submissionPorts: () => readonly number[]
  /** Those of them on which TLS comes first. */
  readonly tlsPorts: () => readonly number[]
  readonly allowPlaintextAuthOnLoopback: boolean
  readonly authMechanisms: readonly PasswordMechanism[]
  readonly random: Random
  readonly verifyForEveryone: boolean
  readonly allowMissingAngleBrackets: boolean
  readonly transferExtensions: TransferExtensions
  readonly now: () => number
  readonly offersRequireTls: boolean
  /** A service threw: a fault of ours, for the log. */
  readonly fault: (cause: unknown, client: Client) => void
}

const outOfOrder: Readonly<Record<SessionPhase, Parameters<typeof replies.wrongOrder>[0]>> = {
  greeted: 'helloFirst',
  ready: 'mailFirst',
  authenticating: 'finishAuth',
  transaction: 'finishTransaction',
  chunks: 'finishChunks',
  data: 'finishMessage',
}

export class Session {
  readonly context: SessionContext
  readonly dialect: Dialect
  client: Client
  state: SessionState = greeted
  transactions = 0
  /** Messages that were taken. */
  accepted = 0
  /** DATA commands, and lines that may have been one, which were refused. */
  #refusedData = 0
  #errors = 0
  #abandoned = false
  readonly #logInEnded: () => void
  #unwatch: (() => void) | undefined

  /** `logInEnded` is called when what the client has logged in with is not good any more. */
  constructor(context: SessionContext, client: Client, logInEnded: () => void = () => {}) {
    this.context = context
    this.client = client
    this.#logInEnded = logInEnded
    this.dialect = dialectOf(client.role)
  }

  /** One line without its CRLF: a command, or an answer within AUTH. */
  step(line: Buffer): MaybePromise<Step> {
    return this.#guard(() => {
      if (this.state.phase === 'authenticating') return continueAuthentication(this, this.state, line)
      const command = parseCommandLine(line)
      if ('code' in command) return this.stay(command)
      const row = this.dialect.commands.get(command.verb)
      if (!row) return this.#refuseVerb(command.verb)
      // Until it is accepted.
      if (row.verb === 'DATA') this.#refusedData++
      const denied = row.denied?.(this) ?? (row.needsLogin ? this.loginDemand : undefined)
      if (denied) return this.refuse({ command: row.verb, reply: denied })
      if (!row.phases.includes(this.state.phase))
        return this.stay(replies.wrongOrder(outOfOrder[this.state.phase], this.dialect.hello))
      return row.run(this, command.argument)
    })
  }

  #refuseVerb(verb: string): Step {
    if (isHttp(verb)) return this.hangUp(replies.notHttp(this.context.hostname))
    // RFC 2033 §4.1: neither dialect takes the greeting of the other.
    return this.stay(
      greetings.has(verb)
        ? replies.otherDialect(this.dialect.hello)
        : replies.unknownCommand(verb.slice(0, 32)),
    )
  }

  /** The line is none that could be read: too long, or not ended by CRLF. */
  refuseLine(reply: Reply): Step {
    this.#refusedData++
    // RFC 4954 §4: an answer that cannot be read ends the exchange.
    return this.#enter(this.state.phase === 'authenticating' ? { reply, next: ready } : this.stay(reply))
  }

  /** The final dot has come. */
  endOfData(): MaybePromise<Step> {
    return this.#guard(async () => {
      if (this.state.phase !== 'data') return this.stay(replies.localError)
      const { flow, transaction } = this.state
      return this.endTransaction('DATA', transaction, await flow.finish())
    })
  }

  /** The last octet of a BDAT chunk has come. */
  endOfChunk(chunk: Chunk): MaybePromise<Step> {
    return this.#guard(() => finishChunk(this, chunk))
  }

  /** What comes next may be mail data, from a client that has not noticed that DATA was refused. */
  get mailDataMayFollow(): boolean {
    return this.#refusedData > 0
  }

  /** The sink has a whole message, and has not said what becomes of it. */
  get isStoring(): boolean {
    return (this.state.phase === 'data' || this.state.phase === 'chunks') && this.state.flow.isStoring
  }

  /** The TLS handshake is done: everything that was said before it is forgotten (RFC 3207 §4.2). */
  enterTls(tls: TlsFacts): void {
    const { heloName: _heloName, account: _account, mechanism: _mechanism, ...client } = this.client
    this.client = { ...client, extended: false, tls }
    this.#unwatch?.()
    this.#refusedData = 0
    this.state = greeted
  }

  /** The connection has gone, or is about to. */
  abandon(ending: Ending<Reply>): void {
    if (!this.#abandoned) this.#noteCutOff(ending)
    this.#abandoned = true
    this.#unwatch?.()
    this.dropTransaction()
    this.state = greeted
  }

  // For the commands.

  logIn(account: AuthenticatedAccount, mechanism: string): void {
    this.client = { ...this.client, account, mechanism }
    const { services } = this.context
    if (!this.#abandoned) this.#unwatch = services.watchLogIn?.(this.client, account, this.#logInEnded)
  }

  stay(reply: Reply): Step {
    return { reply, next: this.state }
  }

  /** A refusal that the trail should know of: it tells why a message did not come. */
  refuse(refusal: Refusal): Step {
    this.noteRefusal(refusal)
    return this.stay(refusal.reply)
  }

  /** The message has come whole, and is taken or refused; either way the transaction is over. */
  endTransaction(command: string, transaction: OpenTransaction, end: EndReply): Step {
    const answers = this.#answersTo(transaction, end)
    // Who brings good messages is no pest, whatever else went wrong before.
    if (answers.some(isPositive)) {
      this.#errors = 0
      this.accepted++
    }
    const told = Map.groupBy(transaction.recipients, (_, index) => answers[index] ?? answers[0])
    for (const [reply, recipients] of told) {
      if (reply) this.#noteRefused(command, transaction, reply, recipients)
    }
    const [reply, ...further] = answers
    return { reply, further, next: ready }
  }

  /** It is given up before it has come whole: one reply, whoever is to get it. */
  giveUpTransaction(command: string, transaction: OpenTransaction, reply: Reply): Step {
    this.#noteRefused(command, transaction, reply, transaction.recipients)
    return { reply, next: this.givenUp() }
  }

  /** Between the chunks of a message. */
  givenUp(): SessionState {
    return this.dialect.answersEach ? { phase: 'ready', owedAtEnd: this.repliesToEnd() } : ready
  }

  #noteRefused(
    command: string,
    { reversePath }: OpenTransaction,
    reply: Reply,
    refused: readonly Recipient[],
  ): void {
    const recipients = refused.map(({ forwardPath }) => forwardPath)
    this.noteRefusal({ command, reversePath, recipients, reply })
  }

  /** RFC 2033 §4.2: in LMTP as many as there are recipients. */
  #answersTo({ recipients }: Pick<OpenTransaction, 'recipients'>, end: EndReply): readonly Reply[] {
    const isOne = 'code' in end
    if (isOne) return this.dialect.answersEach ? recipients.map(() => end) : [end]
    if (this.dialect.answersEach && end.length === recipients.length) return end
    const cause = new RangeError(`a sink gave ${end.length} replies to ${recipients.length} recipients`)
    this.context.fault(cause, this.client)
    return this.#answersTo({ recipients }, replies.localError)
  }

  /** How many replies the end of a message has now, that is refused. RFC 2033 §4.3: as many as RCPT commands were taken, or none. */
  repliesToEnd(): number {
    const { state } = this
    if (!this.dialect.answersEach) return 1
    if (state.phase === 'ready') return state.owedAtEnd ?? 0
    return 'transaction' in state ? state.transaction.recipients.length : 1
  }

  hangUp(reply: Reply): Step {
    return { reply, next: this.state, effect: { kind: 'close' } }
  }

  /** Gives up what is under way, as RSET does (RFC 5321 §4.1.1.5). */
  dropTransaction(): void {
    if (this.state.phase === 'chunks' || this.state.phase === 'data') this.state.flow.abort()
  }

  noteRefusal(refusal: Refusal): void {
    if (isPositive(refusal.reply)) return
    try {
      this.context.services.refused?.(this.client, refusal)
    } catch (cause) {
      // What the trail cannot keep must not change what the peer is told.
      this.context.fault(cause, this.client)
    }
  }

  /** What the sink has whole is none: it may have been taken. */
  #noteCutOff(ending: Ending<Reply>): void {
    const { state } = this
    if (state.phase !== 'transaction' && state.phase !== 'data' && state.phase !== 'chunks') return
    if (state.transaction.recipients.length === 0 || this.isStoring) return
    const during = state.phase === 'transaction' ? 'commands' : 'mail-data'
    try {
      this.context.services.cutOff?.(this.client, {
        transaction: state.transaction,
        during,
        how: ending.how,
        ...(ending.how === 'closed' && { reply: ending.answer }),
      })
    } catch (cause) {
      this.context.fault(cause, this.client)
    }
  }

  get mayAuthenticate(): boolean {
    const { context, client } = this
    if (!context.services.authenticate || !isForUsers(client.role)) return false
    return mayLogIn(context, client)
  }

  /** What EHLO names, where AUTH may be offered. */
  get authMechanisms(): readonly SaslMechanism[] {
    return mechanismsFor(this.context, this.client)
  }

  get saslConnection(): SaslConnection {
    return saslConnectionOf(this.context, this.client)
  }

  /** On a submission port: what has to come before mail (RFC 6409 §4.3). */
  get loginDemand(): Reply | undefined {
    if (!isForUsers(this.client.role) || !this.context.services.authenticate || this.isTrusted)
      return undefined
    return this.mayAuthenticate || !this.context.hasTls ? replies.authRequired : replies.startTlsFirst
  }

  /** Where users log in: 'port 587 or 465'. */
  get loginPlace(): string {
    const ports = this.context.submissionPorts()
    return ports.length > 0 ? `port ${ports.join(' or ')}` : 'the submission port'
  }

  /** Whether VRFY and EXPN tell this client anything (RFC 5321 §7.3). */
  get mayVerify(): boolean {
    return this.isTrusted || this.context.verifyForEveryone
  }

  /** What this client is offered: before it has logged in too, because it need not ask again afterwards. */
  get transferExtensions(): TransferExtensions {
    const offered = this.context.transferExtensions
    if (isForUsers(this.client.role)) return offered
    // RFC 4865: FUTURERELEASE is for submission servers only.
    return this.isTrusted ? { ...offered, maxHoldSeconds: 0 } : noTransferExtensions
  }

  /** On a UNIX socket there is nobody in between. */
  get mayStartTls(): boolean {
    const { remoteAddress, tls } = this.client
    return this.context.hasTls && !tls && !isAtUnixSocket(remoteAddress)
  }

  /** RFC 8689 §4.1: never without TLS. */
  get offersRequireTls(): boolean {
    return this.context.offersRequireTls && this.client.tls !== undefined
  }

  get isTrusted(): boolean {
    return this.client.account !== undefined || this.client.local
  }

  #guard(run: () => MaybePromise<Step>): MaybePromise<Step> {
    try {
      const step = run()
      if (!(step instanceof Promise)) return this.#enter(step)
      return step.then(
        outcome => this.#enter(outcome),
        (cause: unknown) => this.#failed(cause),
      )
    } catch (cause) {
      return this.#failed(cause)
    }
  }

  #failed(cause: unknown): Step {
    this.context.fault(cause, this.client)
    return this.#enter(this.stay(replies.localError))
  }

  #enter(step: Step): Step {
    this.state = step.next
    if (step.effect?.kind === 'read-data') this.#refusedData--
    // A service may have opened a sink while the connection went away: nobody will write to it.
    if (this.#abandoned) this.dropTransaction()
    if (step.reply && step.reply.code >= 500 && ++this.#errors > this.context.limits.maxErrorsPerSession) {
      return this.hangUp(replies.tooManyErrors(this.context.hostname))
    }
    // RFC 5321 §3.8: who says 421 closes, whichever service wanted it.
    return step.reply?.code === 421 && !step.effect ? this.hangUp(step.reply) : step
  }
}

/**
 * `isBehindProxy`: the address is that of a load balancer, which did not say whom it speaks for; its rights are not theirs.
 * No more are those of a server from which mail is fetched: anybody may have sent that. Over LMTP an address has no rights but to
 * hand over mail for what is here.
 */
export function createClient(
  context: SessionContext,
  facts: Omit<Client, 'extended' | 'local' | 'loopback'>,
  isBehindProxy = false,
): Client {
  const hasOwnRights = !isBehindProxy && !facts.fetched && facts.role !== 'lmtp'
  return {
    ...facts,
    extended: false,
    local: hasOwnRights && isInNetworks(facts.remoteAddress, context.localNetworks),
    loopback: hasOwnRights && isLoopback(facts.remoteAddress),
  }
}

const greetings = new Set(['EHLO', 'HELO', 'LHLO'])

// What web browsers and HTTP clients say first; the rest of it would only be errors.
const httpVerbs = new Set(['GET', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'CONNECT', 'DELETE', 'PATCH', 'PRI'])

function isHttp(verb: string): boolean {
  return httpVerbs.has(verb)
}
