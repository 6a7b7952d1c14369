// One connection: it owns the bytes, the deadlines, the handshake and the compression; the session owns the protocol.
//
// Thousands of these idle at once, so an idle one holds no buffer and no timer: one watch for all looks at the deadlines.
import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import { isLoopback, plainAddress } from '../../address/networks.ts'
import { beginHandshake, type Handshake, hasSpoken } from '../../connection/begin-handshake.ts'
import type { Admission, KeptConnection } from '../../connection/connection-keeper.ts'
import type { Door } from '../../connection/door.ts'
import { Output } from '../../connection/output.ts'
import { guard, own, type SocketOwner, tellWhenSecured } from '../../connection/owned-socket.ts'
import { Peer } from '../../connection/peer.ts'
import type { TlsFacts } from '../../connection/tls-facts.ts'
import { describeTlsFailure, peerHasGone, type TlsFailure } from '../../connection/tls-failure.ts'
import { isTlsHandshake } from '../../connection/tls-handshake.ts'
import { Fault } from '../../runtime/fault.ts'
import type { LogFields } from '../../runtime/log.ts'
import type { MaybePromise } from '../../runtime/maybe-promise.ts'
import type { LiteralMark } from '../grammar/literal-mark.ts'
import { answers } from '../responses/answers.ts'
import type { Octets, Piece } from '../responses/octets.ts'
import { formatStatusResponse, type StatusResponse } from '../responses/status-response.ts'
import { CommandReader, type ReaderEvent } from './command-reader.ts'
import { Compression } from './compression.ts'
import type { ListenerRole, TurnedAway } from './services.ts'
import { type LiteralTurn, Session, type SessionContext } from './session.ts'
import type { Step, Telling } from './session-state.ts'

/** What the server gives its connections. */
export interface ConnectionHost {
  readonly context: SessionContext
  now(): number
  /** A connection's deadline has been set. */
  expectDeadline(at: number): void
  nextSessionId(): string
  /** Throws when the certificate cannot be used. */
  secureContext(): SecureContext
  /** Wraps the server's end of a socket in TLS. */
  secure(socket: Socket, secureContext: SecureContext): TLSSocket
  /** Of such a socket, after the handshake. */
  tlsFacts(secure: TLSSocket): TlsFacts
  admit(remoteAddress: string, door: Door<ListenerRole>): Admission
  released(connection: Connection, counted: 'counted' | 'not-counted'): void
  note(message: string, connection: Connection, fields?: LogFields): void
  /** An error of ours, without a session that it could be told to. */
  fault(cause: unknown, connection: Connection): void
}

type Mode =
  | { readonly kind: 'proxy-header' }
  /** A service is asked, an answer is on its way out, or the greeting is. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'commands' }
  | Handshake
  | { readonly kind: 'closed' }

const proxyHeader: Mode = { kind: 'proxy-header' }
const waiting: Mode = { kind: 'waiting' }
const commands: Mode = { kind: 'commands' }
const closed: Mode = { kind: 'closed' }

/** What is read away of a command that is refused. */
const maxSkippedBytes = 1024 * 1024
/** Beyond this a client that does not wait for answers is made to wait. */
const maxBufferedBytes = 16 * 1024
/** How long a client has for closing its half after we closed ours. */
const closeWaitMs = 10_000
/** The same when the whole server waits for it. */
const drainedCloseWaitMs = 1000
/** So long an answer may still take to whoever may not be here any more. */
const lastAnswerMs = 10_000

export class Connection implements SocketOwner, KeptConnection {
  readonly #host: ConnectionHost
  readonly #door: Door<ListenerRole>
  #socket: Socket
  session: Session | undefined
  #mode: Mode = waiting
  readonly #reader: CommandReader
  /** Bytes that came and have not been looked at. */
  #pending: Buffer | undefined
  /** While it is blocked, nothing of what the client sends is looked at. */
  readonly #output: Output
  #compression: Compression | undefined
  /** Of a command that is refused, while the rest of it goes by. */
  #refusal: Step | undefined
  #isPaused = false
  /** The client has closed its half; what came before is still served. */
  #inputEnded = false
  #isDraining = false
  #isLogInOver = false
  #isCounted = false
  #hasNews = false
  readonly #peer: Peer
  /** When the client will have been silent for too long; ms since 1970. */
  deadlineAt = 0
  readonly openedAt: number

  constructor(host: ConnectionHost, door: Door<ListenerRole>, socket: Socket) {
    this.#host = host
    this.#door = door
    this.#socket = socket
    const { maxMessageBytes } = host.context.limits
    this.#reader = new CommandReader({
      maxLineBytes: () => this.#maxLineBytes,
      // A message that nobody wants is read away as far as one may have been meant.
      maxSkippedBytes: () => maxSkippedBytes + (this.session?.isLoggedIn ? 2 * maxMessageBytes : 0),
    })
    this.#output = new Output(socket, {
      outputBlocked: () => this.#extendDeadline(),
      outputDrained: () => this.#readOn(),
    })
    this.openedAt = host.now()
    this.#peer = new Peer(door, socket)
  }

  get remoteAddress(): string {
    return this.#peer.address
  }

  get #role(): ListenerRole {
    return this.#door.role
  }

  // Beginning and end

  adopt(): void {
    own(this.#socket, this)
    this.#extendDeadline()
  }

  expectProxy(): void {
    this.#mode = proxyHeader
  }

  greet(): void {
    this.#isCounted = true
    const admission = this.#host.admit(this.remoteAddress, this.#door)
    if (admission.kind === 'not-your-door') this.#turnAway(answers.notYourDoor)
    else if (admission.kind === 'too-many') this.#turnAway(answers.tooManyConnections)
    else if (admission.kind === 'too-many-of-yours')
      this.#turnAway(answers.tooManyConnectionsFromYou(admission.host))
    else if (this.#role === 'imaps') this.#startTls(this.#host.secureContext())
    else this.#openSession(undefined)
  }

  refuseNewcomer(): void {
    this.#bid(answers.shuttingDown)
  }

  /** Says why, and closes. */
  #bid(farewell: StatusResponse): void {
    // Before the handshake of an implicit TLS port nobody could read it.
    if (this.#role === 'imaps' && !this.session) this.#socket.destroy()
    else {
      this.#output.addText(formatStatusResponse('*', farewell))
      this.#end()
    }
  }

  /** Refuses whoever has not got as far as a session. */
  #turnAway(response: StatusResponse): void {
    this.#noteTurnedAway({ response })
    this.#bid(response)
  }

  #noteTurnedAway(why: Pick<TurnedAway, 'response' | 'problem'>): void {
    try {
      const peer = { role: this.#role, remoteAddress: this.remoteAddress, ...why }
      this.#host.context.services.turnedAway?.(peer)
    } catch (cause) {
      this.#host.fault(cause, this)
    }
  }

  drain(): void {
    this.#isDraining = true
    if (this.#mode === closed) this.#limitCloseWait()
    else if (this.#mode.kind === 'handshake' || this.#mode === proxyHeader) this.#socket.destroy()
    else if (this.#mode === commands && this.#isAtRest) this.#bid(answers.shuttingDown)
  }

  /** Nothing is lost by closing. */
  get #isAtRest(): boolean {
    return this.#reader.isBetweenCommands && this.session?.open?.kind !== 'appending'
  }

  cut(): void {
    // In the middle of an answer there is no place for another one.
    if (this.#mode === commands) this.#bid(answers.shuttingDown)
    this.#socket.destroy()
  }

  /** The account, or what it came with, is not good any more. */
  #endLogIn(): void {
    if (this.#mode === closed) return
    this.#host.note('a session was ended: its log-in is not good any more', this, {
      session: this.session?.client.sessionId,
      account: this.session?.client.account?.address,
    })
    this.#setDeadline(this.#host.now() + lastAnswerMs)
    this.#isLogInOver = true
    guard(this, () => this.#run())
  }

  #end(): void {
    if (this.#mode === closed) return
    this.#mode = closed
    this.#pending = undefined
    this.session?.abandon()
    this.#flush()
    if (this.#compression) this.#compression.end()
    else this.#socket.end()
    this.#limitCloseWait()
    // What it still sends is read and thrown away, or a reset could overtake the farewell.
    this.#resume()
  }

  /** The client may never close its half: the deadline does it then. */
  #limitCloseWait(): void {
    const wait = this.#isDraining ? drainedCloseWaitMs : closeWaitMs
    this.#setDeadline(Math.min(this.deadlineAt, this.#host.now() + wait))
  }

  gone(): void {
    this.#mode = closed
    this.#pending = undefined
    this.session?.abandon()
    this.#compression?.destroy()
    // Whoever waits for the client to read looks whether it is still there.
    this.#output.release()
    this.#host.released(this, this.#isCounted ? 'counted' : 'not-counted')
  }

  ended(): void {
    if (this.#compression) this.#compression.endInput()
    else this.#endInput()
  }

  #endInput(): void {
    this.#inputEnded = true
    if (this.#mode.kind === 'handshake') {
      if (hasSpoken(this.#mode)) this.#noteTlsFailure(peerHasGone)
      this.#socket.destroy()
    } else this.#run()
  }

  failed(cause: TlsFailure): void {
    const { code, message } = cause
    if (this.#mode.kind === 'handshake') this.#noteTlsFailure(cause)
    // After its end a connection may break as it likes.
    else if (this.#mode !== closed) this.#host.note('connection failed', this, { code, detail: message })
    this.#socket.destroy()
  }

  #noteTlsFailure(cause: TlsFailure): void {
    const problem = describeTlsFailure(cause, this.#role === 'imaps' ? 'at-once' : 'after-starttls')
    this.#host.note(problem, this, cause === peerHasGone ? {} : { code: cause.code })
    this.#noteTurnedAway({ problem })
  }

  /** An error of ours that no session caught: the log has it, the client gets BYE and the others notice nothing. */
  fail(cause: unknown): void {
    this.#host.fault(cause, this)
    this.#bid(answers.fault)
  }

  // Greeting

  #openSession(tls: TlsFacts | undefined): void {
    const { context } = this.#host
    const socket = this.#socket
    const client = {
      sessionId: this.#host.nextSessionId(),
      role: this.#role,
      remoteAddress: this.remoteAddress,
      remotePort: this.#peer.port,
      localAddress: plainAddress(socket.localAddress ?? ''),
      localPort: socket.localPort ?? 0,
      connectedAt: this.openedAt,
      tls,
      loopback: !this.#peer.isUnknown && isLoopback(this.remoteAddress),
    }
    this.session = new Session(
      context,
      client,
      () => this.#wake(),
      () => this.#endLogIn(),
    )
    const refusal = context.services.connect?.(client)
    this.#when(refusal, response => this.#welcome(response))
  }

  #welcome(refusal: StatusResponse | undefined): void {
    if (this.#mode === closed || !this.session) return
    if (refusal) this.#turnAway(refusal)
    else if (this.#isDraining) this.#bid(answers.shuttingDown)
    else {
      this.#output.addText(formatStatusResponse('*', this.session.greeting))
      this.#mode = commands
      this.#flush()
    }
  }

  // Deadlines

  #extendDeadline(): void {
    if (this.#isLogInOver) return
    const { limits } = this.#host.context
    const now = this.#host.now()
    const isTransfer = this.#output.isBlocked || this.#reader.isInLiteral
    const wait = isTransfer ? limits.transferTimeoutMs : limits.idleTimeoutMs
    const end = this.session?.isLoggedIn ? Number.POSITIVE_INFINITY : this.openedAt + limits.loginTimeoutMs
    this.#setDeadline(Math.min(now + wait, end))
  }

  #setDeadline(at: number): void {
    this.deadlineAt = at
    this.#host.expectDeadline(at)
  }

  cutFor(cause: unknown): void {
    this.#mode = closed
    this.deadlineAt = Number.POSITIVE_INFINITY
    this.#socket.destroy()
    this.#host.fault(cause, this)
  }

  expire(): void {
    const { limits } = this.#host.context
    if (this.#mode === closed || this.#mode.kind === 'handshake' || this.#mode === proxyHeader)
      this.#socket.destroy()
    // The client does not read; nothing that is said would reach it.
    else if (this.#output.isBlocked || this.#isLogInOver) this.#socket.destroy()
    // It is us who are slow.
    else if (this.#mode === waiting) this.#setDeadline(this.#host.now() + limits.transferTimeoutMs)
    else if (!this.session?.isLoggedIn) this.#bid(answers.loginTooLate)
    else this.#bid(this.#reader.isInLiteral ? answers.transferStalled : answers.idleTooLong)
  }

  // Bytes

  take(bytes: Buffer): void {
    if (this.#mode === closed) return
    if (this.#compression) this.#compression.take(bytes)
    else this.#takePlain(bytes)
  }

  #takePlain(bytes: Buffer): void {
    if (this.#mode === closed) return
    // Every piece of a literal moves the deadline; the bytes of a line do not, or a client that sends one a minute could
    // hold its place for ever.
    if (this.#reader.isInLiteral) this.#extendDeadline()
    this.#pending = this.#pending ? Buffer.concat([this.#pending, bytes]) : bytes
    this.#run()
  }

  /** Goes on until the bytes are used up or something has to be waited for. */
  #run(): void {
    if (this.#isLogInOver && this.#mode === commands && !this.#output.isBlocked) {
      this.#bid(answers.logInEnded)
      return
    }
    while (this.#pending && !this.#output.isBlocked && this.#readSome(this.#pending));
    if (this.#mode === closed || this.#mode.kind === 'handshake') return
    if (this.#mode === waiting || this.#output.isBlocked) {
      if (this.#pending && this.#pending.length > maxBufferedBytes) this.#pause()
      return
    }
    if (this.#tellNews()) return
    this.#flush()
    if (this.#output.isBlocked) return
    this.#resume()
    // What is left is no whole command, and never will be.
    if (this.#inputEnded) this.#end()
    else if (this.#isDraining && this.#isAtRest) this.#bid(answers.shuttingDown)
  }

  #readOn(): void {
    if (this.#mode === closed) return
    guard(this, () => {
      this.#extendDeadline()
      this.#run()
    })
  }

  /** False when nothing can be done with the bytes now. */
  #readSome(bytes: Buffer): boolean {
    if (this.#mode === proxyHeader) return this.#readProxyHeader(bytes)
    const { session } = this
    if (this.#mode !== commands || !session) return false
    if (!session.isLoggedIn && this.#reader.isBetweenCommands && isTlsHandshake(bytes)) {
      const { hasTls, tlsPorts } = this.#host.context
      this.#turnAway(hasTls ? answers.tlsOnPlainPort(tlsPorts()) : answers.noTlsOnThisPort)
      return false
    }
    const { event, rest } = this.#reader.read(bytes)
    this.#pending = rest
    if (event) this.#follow(session, event)
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
        this.#when(session.write(event.bytes), () => {})
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
        this.#bid(answers.endlessCommand)
        break
      default:
        event satisfies never
    }
  }

  /** A stranger's line is no longer than his command may be. */
  get #maxLineBytes(): number {
    const { maxLineBytes, maxCommandBytesBeforeLogin } = this.#host.context.limits
    return this.session?.isLoggedIn ? maxLineBytes : Math.min(maxLineBytes, maxCommandBytesBeforeLogin)
  }

  #take(session: Session, bytes: Buffer): void {
    const result = session.take(bytes)
    if (Symbol.asyncIterator in result) this.#when(this.#tell(result), step => this.#apply(step))
    else this.#when(result, step => this.#apply(step))
  }

  #announce(session: Session, bytes: Buffer, mark: LiteralMark): void {
    if (session.readsLine) {
      this.#reader.reset()
      this.#take(session, bytes)
      return
    }
    const turn = session.announce(bytes, mark, this.#reader.collected)
    this.#when(turn, decided => this.#decide(decided, mark))
  }

  #decide(turn: LiteralTurn, mark: LiteralMark): void {
    if (turn.kind === 'refuse') {
      this.#refusal = turn.step
      const course = this.#reader.skip(mark)
      if (course !== 'skipping') this.#answerRefusal()
      if (course === 'endless') this.#bid(answers.endlessCommand)
      return
    }
    if (turn.kind === 'collect') this.#reader.collect(mark)
    else this.#reader.stream(mark)
    this.#extendDeadline()
    // RFC 9051 §7.6
    if (mark.waits) this.#output.addText('+ Ready\r\n')
  }

  #answerRefusal(): void {
    const step = this.#refusal
    this.#refusal = undefined
    if (step) this.#apply(step)
  }

  #readProxyHeader(bytes: Buffer): boolean {
    const length = this.#peer.readProxyHeader(bytes)
    if (length === 'incomplete') return false
    if (length === 'malformed') {
      this.#host.note('no PROXY header where one has to be', this)
      this.#socket.destroy()
      return false
    }
    this.#pending = length < bytes.length ? bytes.subarray(length) : undefined
    this.#mode = waiting
    this.greet()
    return true
  }

  // Steps

  #when<Outcome>(outcome: MaybePromise<Outcome>, goOn: (outcome: Outcome) => void): void {
    if (outcome instanceof Promise) this.#resumeAfter(outcome, goOn)
    else goOn(outcome)
  }

  #resumeAfter<Outcome>(promise: Promise<Outcome>, goOn: (outcome: Outcome) => void): void {
    this.#mode = waiting
    // Nothing else to answer meanwhile: what is ready need not wait.
    if (!this.#pending) this.#flush()
    promise
      .then(outcome => {
        if (this.#mode === closed) return
        this.#mode = commands
        goOn(outcome)
        if (this.#isOver) return
        this.#extendDeadline()
        this.#run()
      })
      .catch((cause: unknown) => {
        this.fail(cause)
      })
  }

  get #isOver(): boolean {
    return this.#mode === closed
  }

  #apply(step: Step): void {
    if (this.#mode === closed) return
    this.#mode = commands
    const { answer } = step
    if (step.effect === 'start-tls' || step.effect === 'compress') {
      this.#change(step, step.effect)
      return
    }
    if (step.untagged !== undefined) this.#output.addText(step.untagged)
    if (answer) this.#output.addText(formatStatusResponse(answer.tag, answer.response))
    if (step.continuation !== undefined) this.#output.addText(`+ ${step.continuation}\r\n`)
    if (step.farewell) this.#bid(step.farewell)
    else if (step.effect === 'close') this.#end()
    else this.#extendDeadline()
  }

  /** Writes an answer as fast as the client takes it. */
  async #tell(telling: Telling): Promise<Step> {
    const over: Step = { next: { phase: 'logout' } }
    try {
      for (;;) {
        const { done, value } = await telling.next()
        if (done) return value
        if (this.#isOver) return over
        await this.#write(value)
      }
    } finally {
      // Whatever it holds is given back, also where the client has gone.
      await telling.return(over)
    }
  }

  async #write(piece: Piece): Promise<void> {
    if (typeof piece === 'string') this.#output.addText(piece)
    else {
      try {
        await this.#writeOctets(piece)
      } catch (cause) {
        // The client counts on so many: whatever else were said would be taken for a part of the message.
        this.#output.flush()
        this.#socket.destroy()
        throw cause
      }
    }
    if (this.#output.isBlocked) await this.#output.whenDrained()
  }

  async #writeOctets({ size, content }: Octets): Promise<void> {
    let written = 0
    if (content instanceof Uint8Array) {
      written = content.length
      this.#output.addOctets(content)
    } else
      for await (const bytes of content) {
        written += bytes.length
        if (written > size) break
        this.#output.addOctets(bytes)
        if (this.#output.isBlocked) await this.#output.whenDrained()
        if (this.#isOver) return
      }
    if (written !== size)
      throw new Fault('IMAP_OCTETS', `A literal of ${size} octets had ${written}: the message is damaged.`)
  }

  // News for a client that hears them

  #wake(): void {
    this.#hasNews = true
    guard(this, () => {
      if (this.#mode === commands && !this.#output.isBlocked) this.#tellNews()
    })
  }

  /** True when it goes on once they are there. */
  #tellNews(): boolean {
    const { session } = this
    const isHeard = this.#hasNews && session?.hearsNews === true
    // Whoever hears none is told with the answer to a command.
    this.#hasNews = false
    if (!isHeard) return false
    this.#resumeAfter(this.#writeNews(session), () => {})
    return true
  }

  async #writeNews(session: Session): Promise<void> {
    for await (const piece of session.news()) {
      if (this.#isOver) return
      await this.#write(piece)
    }
  }

  // TLS and compression

  #change({ answer, next: _next }: Step, effect: 'start-tls' | 'compress'): void {
    // CVE-2011-0411 and its kin: what was sent before must not be taken for what comes after.
    if (this.#pending) {
      this.#bid(answers.textBehind(effect === 'start-tls' ? 'STARTTLS' : 'COMPRESS'))
      return
    }
    let secureContext: SecureContext | undefined
    try {
      if (effect === 'start-tls') secureContext = this.#host.secureContext()
    } catch (cause) {
      this.#host.fault(cause, this)
      if (answer) this.#output.addText(formatStatusResponse(answer.tag, answers.tlsUnavailable))
      return
    }
    if (answer) this.#output.addText(formatStatusResponse(answer.tag, answer.response))
    if (secureContext) this.#startTls(secureContext)
    else this.#compress()
    this.#extendDeadline()
  }

  #startTls(secureContext: SecureContext): void {
    this.#output.flush()
    const plain = this.#socket
    this.#mode = beginHandshake(plain, this.#pending)
    this.#pending = undefined
    const secure = this.#host.secure(plain, secureContext)
    this.#socket = secure
    own(secure, this)
    this.#output.redirect(secure)
    tellWhenSecured(secure)
  }

  secured(secure: TLSSocket): void {
    const tls = this.#host.tlsFacts(secure)
    if (this.session) {
      this.session.enterTls(tls)
      this.#mode = commands
    } else {
      this.#mode = waiting
      this.#openSession(tls)
    }
    this.#extendDeadline()
    this.#run()
  }

  #compress(): void {
    this.#output.flush()
    const compression = new Compression(this.#socket, {
      took: bytes => guard(this, () => this.#takePlain(bytes)),
      ended: () => guard(this, () => this.#endInput()),
      failed: cause => this.failed(cause),
    })
    this.#compression = compression
    this.#output.redirect(compression.target)
    if (this.session) this.session.isCompressed = true
  }

  // Output

  #flush(): void {
    this.#output.flush()
    this.#compression?.flush()
  }

  /** The output looks after itself; sockets tell whoever asked. */
  drained(): void {}

  #pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    if (this.#compression) this.#compression.pause()
    else this.#socket.pause()
  }

  #resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    if (this.#compression) this.#compression.resume()
    else this.#socket.resume()
  }
}
