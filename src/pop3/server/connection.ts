// One connection: what is read from its bytes, and how answers become bytes; the session owns the protocol.
import type { Socket } from 'node:net'
import type { ConnectionAnswers, ConnectionHost, TurnedAway } from '../../connection/connection-host.ts'
import type { Door } from '../../connection/door.ts'
import { ServerConnection } from '../../connection/server-connection.ts'
import type { TlsFacts } from '../../connection/tls-facts.ts'
import type { MaybePromise } from '../../runtime/maybe-promise.ts'
import { answers } from '../responses/answers.ts'
import { formatResponse, type Response } from '../responses/response.ts'
import { LineReader, type ReaderEvent } from './line-reader.ts'
import type { ListenerRole } from './services.ts'
import { Session, type SessionContext } from './session.ts'
import type { Step } from './session-state.ts'

/** What is read away of a line that is too long. */
const maxSkippedBytes = 256 * 1024

export class Connection extends ServerConnection<ListenerRole, Response> {
  readonly #context: SessionContext
  session: Session | undefined
  readonly #reader: LineReader

  constructor(
    context: SessionContext,
    host: ConnectionHost<ListenerRole, Response>,
    door: Door<ListenerRole>,
    socket: Socket,
  ) {
    super(host, door, socket)
    this.#context = context
    const { maxLineBytes, maxAuthLineBytes } = context.limits
    this.#reader = new LineReader({
      maxLineBytes: beginning =>
        this.session?.open || isAuth(beginning) ? Math.max(maxAuthLineBytes, maxLineBytes) : maxLineBytes,
      maxSkippedBytes,
    })
  }

  // Beginning and end

  protected openSession(tls: TlsFacts | undefined): MaybePromise<Response | undefined> {
    const client = { ...this.peerFacts(tls), loopback: this.isPeerHere }
    this.session = new Session(this.#context, client, () => this.endLogIn())
    return this.#context.services.connect?.(client)
  }

  protected sayGreeting(): void {
    this.say(answers.greeting(this.#context.hostname))
  }

  protected enterTls(tls: TlsFacts): void {
    this.session?.enterTls(tls)
  }

  protected say(response: Response): void {
    this.output.addText(formatResponse(response, this.session?.language ?? 'en'))
  }

  protected noteTurnedAway(peer: TurnedAway<ListenerRole, Response>): void {
    this.#context.services.turnedAway?.(peer)
  }

  protected abandon(): void {
    this.session?.abandon()
  }

  protected override released(): void {
    if (this.session) this.#context.services.disconnected?.(this.session.client)
  }

  protected get isAtBeginning(): boolean {
    return !this.session?.isLoggedIn && this.#reader.isBetweenLines
  }

  /** Who has deleted messages would have them again. */
  protected get isAtRest(): boolean {
    return this.#reader.isBetweenLines && !this.session?.hasMarks
  }

  protected get isInBulk(): boolean {
    return false
  }

  // Deadlines

  protected nextDeadline(now: number): number {
    const { transferTimeoutMs, idleTimeoutMs, loginTimeoutMs } = this.#context.limits
    const wait = this.output.isBlocked ? transferTimeoutMs : idleTimeoutMs
    const end = this.session?.isLoggedIn ? Number.POSITIVE_INFINITY : this.openedAt + loginTimeoutMs
    return Math.min(now + wait, end)
  }

  protected expired(): void {
    if (this.isDeaf) this.destroy()
    else if (this.isWaiting) this.waitOn(this.#context.limits.transferTimeoutMs)
    // RFC 1939 §3: without a word, and nothing is deleted.
    else this.end({ how: 'closed', answer: undefined })
  }

  // Bytes

  protected read(bytes: Buffer): boolean {
    const { event, rest } = this.#reader.read(bytes)
    this.keep(rest)
    if (event && this.session) this.#follow(this.session, event)
    return true
  }

  #follow(session: Session, event: ReaderEvent): void {
    switch (event.kind) {
      case 'line':
        this.#take(session, event.line)
        break
      case 'bare-line-feed':
        this.#apply(session.refuseLine(answers.bareLineFeed))
        break
      case 'too-long':
        this.#apply(session.refuseLine(answers.lineTooLong(event.limit)))
        break
      case 'endless':
        this.bid(answers.lineTooLong(event.limit))
        break
      default:
        event satisfies never
    }
  }

  #take(session: Session, line: Buffer): void {
    const result = session.take(line)
    const step: MaybePromise<Step> =
      Symbol.asyncIterator in result
        ? this.tell(result, piece => this.#write(piece), { next: { phase: 'update' } })
        : result
    this.when(step, outcome => this.#apply(outcome))
  }

  #write(piece: string | Uint8Array): void {
    if (typeof piece === 'string') this.output.addText(piece)
    else this.output.addOctets(piece)
  }

  #apply({ response, lines, continuation, effect, farewell }: Step): void {
    if (this.isOver) return
    if (effect === 'cut') {
      this.flush()
      this.destroy()
      return
    }
    if (response && effect === 'start-tls') {
      this.answerStartTls(
        () => this.say(response),
        () => this.say(answers.tlsUnavailable),
      )
      return
    }
    if (response) this.say(response)
    if (lines !== undefined) this.output.addText(lines)
    if (continuation !== undefined) this.output.addText(`+ ${continuation}\r\n`)
    if (farewell) this.bid(farewell)
    else if (effect === 'close') this.end({ how: 'closed', answer: response })
    else this.extendDeadline()
  }
}

export function connectionAnswers({ hasTls, tlsPorts }: SessionContext): ConnectionAnswers<Response> {
  return {
    notYourDoor: () => answers.notYourDoor,
    tooManyConnections: answers.tooManyConnections,
    tooManyConnectionsFromYou: answers.tooManyConnectionsFromYou,
    shuttingDown: answers.shuttingDown,
    fault: answers.fault,
    logInEnded: answers.logInEnded,
    tlsOnPlainPort: () => (hasTls ? answers.tlsOnPlainPort(tlsPorts()) : answers.noTlsOnThisPort),
    textBehindStartTls: answers.textBehindStls,
  }
}

function isAuth(beginning: string): boolean {
  return beginning.slice(0, 5).toUpperCase() === 'AUTH '
}
