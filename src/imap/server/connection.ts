// One connection: what is read from its bytes, and how answers and news become bytes; the session owns the protocol.
import type { Socket } from 'node:net'
import type { ConnectionAnswers, ConnectionHost, TurnedAway } from '../../connection/connection-host.ts'
import type { Door } from '../../connection/door.ts'
import { guard } from '../../connection/owned-socket.ts'
import { ServerConnection } from '../../connection/server-connection.ts'
import type { TlsFacts } from '../../connection/tls-facts.ts'
import { Fault } from '../../runtime/fault.ts'
import type { MaybePromise } from '../../runtime/maybe-promise.ts'
import type { LiteralMark } from '../grammar/literal-mark.ts'
import { answers } from '../responses/answers.ts'
import type { Piece, Pieces } from '../responses/octets.ts'
import { formatStatusResponse, type StatusResponse } from '../responses/status-response.ts'
import { CommandReader, type ReaderEvent } from './command-reader.ts'
import { Compression } from './compression.ts'
import type { ListenerRole } from './services.ts'
import { type LiteralTurn, Session, type SessionContext } from './session.ts'
import type { Step } from './session-state.ts'

/** What is read away of a command that is refused. */
const maxSkippedBytes = 1024 * 1024
/** How long nothing is said in an IDLE: what translates addresses on the way of a telephone forgets a connection soon after. */
const stillHereMs = 2 * 60_000

export class Connection extends ServerConnection<ListenerRole, StatusResponse> {
  readonly #context: SessionContext
  session: Session | undefined
  readonly #reader: CommandReader
  /** Of a command that is refused, while the rest of it goes by. */
  #refusal: Step | undefined
  #hasNews = false
  /** When the client will have said nothing for too long. */
  #silentUntil = 0

  constructor(
    context: SessionContext,
    host: ConnectionHost<ListenerRole, StatusResponse>,
    door: Door<ListenerRole>,
    socket: Socket,
  ) {
    super(host, door, socket)
    this.#context = context
    this.#reader = new CommandReader({
      maxLineBytes: () => this.#maxLineBytes,
      // A message that nobody wants is read away as far as one may have been meant.
      maxSkippedBytes: () =>
        maxSkippedBytes + (this.session?.isLoggedIn ? 2 * context.limits.maxMessageBytes : 0),
    })
  }

  // Beginning and end

  protected openSession(tls: TlsFacts | undefined): MaybePromise<StatusResponse | undefined> {
    const client = { ...this.peerFacts(tls), loopback: this.isPeerHere }
    this.session = new Session(
      this.#context,
      client,
      () => this.#wake(),
      () => this.endLogIn(),
    )
    return this.#context.services.connect?.(client)
  }

  protected sayGreeting(): void {
    if (this.session) this.say(this.session.greeting)
  }

  protected enterTls(tls: TlsFacts): void {
    this.session?.enterTls(tls)
  }

  protected say(response: StatusResponse): void {
    this.output.addText(formatStatusResponse('*', response))
  }

  protected noteTurnedAway(peer: TurnedAway<ListenerRole, StatusResponse>): void {
    this.#context.services.turnedAway?.(peer)
  }

  protected abandon(): void {
    this.session?.abandon()
  }

  protected override released(): void {
    if (this.session) this.#context.services.disconnected?.(this.session.client)
  }

  protected get isAtBeginning(): boolean {
    return !this.session?.isLoggedIn && this.#reader.isBetweenCommands
  }

  protected get isAtRest(): boolean {
    return this.#reader.isBetweenCommands && this.session?.open?.kind !== 'appending'
  }

  protected get isInBulk(): boolean {
    return this.#reader.isInLiteral
  }

  // Deadlines

  protected nextDeadline(now: number): number {
    const { transferTimeoutMs, idleTimeoutMs, loginTimeoutMs } = this.#context.limits
    const isTransfer = this.output.isBlocked || this.#reader.isInLiteral
    const end = this.session?.isLoggedIn ? Number.POSITIVE_INFINITY : this.openedAt + loginTimeoutMs
    this.#silentUntil = Math.min(now + (isTransfer ? transferTimeoutMs : idleTimeoutMs), end)
    return this.#isIdling ? Math.min(now + stillHereMs, this.#silentUntil) : this.#silentUntil
  }

  get #isIdling(): boolean {
    return this.session?.open?.kind === 'idling'
  }

  protected expired(now: number): void {
    if (this.isDeaf) this.destroy()
    else if (this.isWaiting) this.waitOn(this.#context.limits.transferTimeoutMs)
    else if (this.#isIdling && now < this.#silentUntil) this.#sayStillHere(now)
    else if (!this.session?.isLoggedIn) this.bid(answers.loginTooLate)
    else this.bid(this.#reader.isInLiteral ? answers.transferStalled : answers.idleTooLong)
  }

  #sayStillHere(now: number): void {
    this.say(answers.stillHere)
    this.flush()
    this.waitOn(Math.min(stillHereMs, this.#silentUntil - now))
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
      case 'command':
        this.#take(session, event.bytes)
        break
      case 'literal':
        this.#announce(session, event.bytes, event.mark)
        break
      case 'octets':
        this.when(session.write(event.bytes), () => {})
        break
      case 'bare-line-feed':
        this.#apply(session.refuseLine(event.beginning, answers.bareLineFeed))
        break
      case 'line-too-long':
        this.#refusal = session.refuseLine(event.beginning, answers.lineTooLong(this.#maxLineBytes))
        break
      case 'skipped':
        this.#answerRefusal()
        break
      case 'endless':
        this.#answerRefusal()
        this.bid(answers.endlessCommand)
        break
      default:
        event satisfies never
    }
  }

  /** A stranger's line is no longer than his command may be. */
  get #maxLineBytes(): number {
    const { maxLineBytes, maxCommandBytesBeforeLogin } = this.#context.limits
    return this.session?.isLoggedIn ? maxLineBytes : Math.min(maxLineBytes, maxCommandBytesBeforeLogin)
  }

  #take(session: Session, bytes: Buffer): void {
    const result = session.take(bytes)
    const step: MaybePromise<Step> =
      Symbol.asyncIterator in result
        ? this.tell(result, pieces => this.#write(pieces), { next: { phase: 'logout' } })
        : result
    this.when(step, outcome => this.#apply(outcome))
  }

  #announce(session: Session, bytes: Buffer, mark: LiteralMark): void {
    if (session.readsLine) {
      this.#reader.reset()
      this.#take(session, bytes)
      return
    }
    const turn = session.announce(bytes, mark, this.#reader.collected)
    this.when(turn, decided => this.#decide(decided, mark))
  }

  #decide(turn: LiteralTurn, mark: LiteralMark): void {
    if (turn.kind === 'refuse') {
      this.#refusal = turn.step
      const course = this.#reader.skip(mark)
      if (course !== 'skipping') this.#answerRefusal()
      if (course === 'endless') this.bid(answers.endlessCommand)
      return
    }
    if (turn.kind === 'collect') this.#reader.collect(mark)
    else this.#reader.stream(mark)
    this.extendDeadline()
    // RFC 9051 §7.6
    if (mark.waits) this.output.addText('+ Ready\r\n')
  }

  #answerRefusal(): void {
    const step = this.#refusal
    this.#refusal = undefined
    if (step) this.#apply(step)
  }

  // Steps

  #apply(step: Step): void {
    if (this.isOver) return
    if (step.effect === 'start-tls')
      this.answerStartTls(
        () => this.#answer(step),
        () => this.#answer(step, answers.tlsUnavailable),
      )
    else if (step.effect === 'compress') this.#compress(step)
    else this.#tellStep(step)
  }

  #tellStep(step: Step): void {
    if (step.untagged !== undefined) this.output.addText(step.untagged)
    this.#answer(step)
    if (step.continuation !== undefined) this.output.addText(`+ ${step.continuation}\r\n`)
    if (step.farewell) this.bid(step.farewell)
    else if (step.effect === 'close') this.end({ how: 'quit' })
    else this.extendDeadline()
  }

  #answer({ answer }: Step, response = answer?.response): void {
    if (answer && response) this.output.addText(formatStatusResponse(answer.tag, response))
  }

  async #write(pieces: Pieces): Promise<void> {
    if (typeof pieces === 'string' || 'content' in pieces) await this.#writePiece(pieces)
    else
      for (const piece of pieces) {
        if (this.isOver) return
        const written = this.#writePiece(piece)
        if (written) await written
      }
  }

  #writePiece(piece: Piece): MaybePromise<void> {
    if (typeof piece === 'string') this.output.addText(piece)
    else if (piece.content instanceof Uint8Array) this.#writeOctets(piece.size, piece.content)
    else return this.#streamOctets(piece.size, piece.content)
    return this.output.isBlocked ? this.output.whenDrained() : undefined
  }

  #writeOctets(size: number, content: Uint8Array): void {
    if (content.length !== size) {
      this.#giveUp()
      throw cutLiteral(size, content.length)
    }
    this.output.addOctets(content)
  }

  async #streamOctets(size: number, content: AsyncIterable<Uint8Array>): Promise<void> {
    let written = 0
    try {
      for await (const bytes of content) {
        written += bytes.length
        if (written > size) break
        this.output.addOctets(bytes)
        if (this.output.isBlocked) await this.output.whenDrained()
        if (this.isOver) return
      }
      if (written !== size) throw cutLiteral(size, written)
    } catch (cause) {
      this.#giveUp()
      throw cause
    }
  }

  /** The client counts on more octets: whatever else were said would be taken for a part of the message. */
  #giveUp(): void {
    this.output.flush()
    this.destroy()
  }

  // News for a client that hears them

  #wake(): void {
    this.#hasNews = true
    guard(this, () => {
      if (this.isReading && !this.output.isBlocked) this.tellNews()
    })
  }

  protected override tellNews(): boolean {
    const { session } = this
    const isHeard = this.#hasNews && session?.hearsNews === true
    // Whoever hears none is told with the answer to a command.
    this.#hasNews = false
    if (!isHeard) return false
    this.when(this.#writeNews(session), () => {})
    return true
  }

  async #writeNews(session: Session): Promise<void> {
    for await (const pieces of session.news()) {
      if (this.isOver) return
      await this.#write(pieces)
    }
  }

  // Compression

  #compress(step: Step): void {
    if (this.refusesTextBehind(answers.textBehind('COMPRESS'))) return
    this.#answer(step)
    this.insert((socket, events) => new Compression(socket, events))
    if (this.session) this.session.isCompressed = true
    this.extendDeadline()
  }
}

function cutLiteral(size: number, written: number): Fault {
  return new Fault('IMAP_OCTETS', `A literal of ${size} octets had ${written}: the message is damaged.`)
}

export function connectionAnswers({ hasTls, tlsPorts }: SessionContext): ConnectionAnswers<StatusResponse> {
  return {
    notYourDoor: () => answers.notYourDoor,
    tooManyConnections: answers.tooManyConnections,
    tooManyConnectionsFromYou: answers.tooManyConnectionsFromYou,
    shuttingDown: answers.shuttingDown,
    fault: answers.fault,
    logInEnded: answers.logInEnded,
    tlsOnPlainPort: () => (hasTls ? answers.tlsOnPlainPort(tlsPorts()) : answers.noTlsOnThisPort),
    textBehindStartTls: answers.textBehind('STARTTLS'),
  }
}
