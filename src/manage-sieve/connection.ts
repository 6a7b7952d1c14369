// One connection of ManageSieve (RFC 5804): what is read from its bytes, and when it is late; the session owns the protocol.
import type { Socket } from 'node:net'
import type { ConnectionAnswers, ConnectionHost, TurnedAway } from '../connection/connection-host.ts'
import type { Door } from '../connection/door.ts'
import { ServerConnection } from '../connection/server-connection.ts'
import type { TlsFacts } from '../connection/tls-facts.ts'
import { CommandReader } from './command-reader.ts'
import { formatResponse, type Response } from './response.ts'
import { responses } from './responses.ts'
import type { ListenerRole } from './services.ts'
import { Session, type SessionContext } from './session.ts'
import type { Step } from './step.ts'

/** More than a script, and all that a client says around it, needs no more room. */
const maxLineBytes = 16 * 1024
const maxSkippedBytes = 1024 * 1024
/** The name beside a script. */
const maxNameBytes = 1024

export class Connection extends ServerConnection<ListenerRole, Response> {
  readonly #context: SessionContext
  session: Session | undefined
  readonly #reader: CommandReader

  constructor(
    context: SessionContext,
    host: ConnectionHost<ListenerRole, Response>,
    door: Door<ListenerRole>,
    socket: Socket,
  ) {
    super(host, door, socket)
    this.#context = context
    this.#reader = new CommandReader({
      maxLineBytes,
      maxLiteralBytes: context.sieve.maxScriptBytes + maxNameBytes,
      maxSkippedBytes,
    })
  }

  // Beginning and end

  protected openSession(tls: TlsFacts | undefined): undefined {
    const client = { ...this.peerFacts(tls), loopback: this.isPeerHere }
    this.session = new Session(this.#context, client, () => this.endLogIn())
  }

  protected sayGreeting(): void {
    if (this.session) this.#apply(this.session.greet())
  }

  protected enterTls(tls: TlsFacts): void {
    if (this.session) this.#apply(this.session.enterTls(tls))
  }

  protected say(response: Response): void {
    this.output.addOctets(formatResponse(response))
  }

  protected noteTurnedAway(peer: TurnedAway<ListenerRole, Response>): void {
    this.#context.services.turnedAway?.(peer)
  }

  protected abandon(): void {
    this.session?.abandon()
  }

  protected get isAtBeginning(): boolean {
    return !this.session?.isLoggedIn && this.#reader.isBetweenCommands
  }

  protected get isAtRest(): boolean {
    return this.#reader.isBetweenCommands
  }

  protected get isInBulk(): boolean {
    return false
  }

  /** An answer goes out whole. */
  protected override get canBeTold(): boolean {
    return this.isReading || this.isWaiting
  }

  // Deadlines

  protected nextDeadline(now: number): number {
    const { loginTimeoutMs, idleTimeoutMs } = this.#context.limits
    return this.session?.isLoggedIn ? now + idleTimeoutMs : this.openedAt + loginTimeoutMs
  }

  protected expired(): void {
    if (this.isDeaf) this.destroy()
    else if (this.isWaiting) this.waitOn(this.#context.limits.loginTimeoutMs)
    else this.bid(this.session?.isLoggedIn ? responses.timedOut : responses.loginTooLate)
  }

  // Bytes

  protected read(bytes: Buffer): boolean {
    const { command, rest } = this.#reader.read(bytes)
    this.keep(rest)
    if (command && this.session) this.when(this.session.take(command), step => this.#apply(step))
    return true
  }

  #apply({ output, effect }: Step): void {
    if (effect === 'start-tls') {
      this.answerStartTls(
        () => this.output.addOctets(output),
        () => this.say(responses.tlsUnavailable),
      )
      return
    }
    this.output.addOctets(output)
    if (effect === 'close') this.end({ how: 'quit' })
    else this.extendDeadline()
  }
}

export const connectionAnswers: ConnectionAnswers<Response> = {
  notYourDoor: () => responses.notYourDoor,
  tooManyConnections: responses.tooManyConnections,
  tooManyConnectionsFromYou: responses.tooManyConnectionsFromYou,
  shuttingDown: responses.shuttingDown,
  fault: responses.fault,
  logInEnded: responses.logInEnded,
  tlsOnPlainPort: () => responses.tlsOnPlainPort,
  textBehindStartTls: responses.textAfterStartTls,
}
