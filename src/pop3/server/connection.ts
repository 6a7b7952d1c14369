// One connection: it owns the bytes, the deadlines and the handshake; the session owns the protocol.
//
// An idle one holds no buffer and no timer: one watch for all looks at the deadlines.
import type { Socket } from 'node:net'
import type { SecureContext, TLSSocket } from 'node:tls'
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
import type { LogFields } from '../../runtime/log.ts'
import type { MaybePromise } from '../../runtime/maybe-promise.ts'
import { answers } from '../responses/answers.ts'
import { formatResponse, type Response } from '../responses/response.ts'
import { LineReader, type ReaderEvent } from './line-reader.ts'
import type { ListenerRole, TurnedAway } from './services.ts'
import { Session, type SessionContext } from './session.ts'
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

/** What is read away of a line that is too long. */
const maxSkippedBytes = 256 * 1024
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
  readonly #reader: LineReader
  /** Bytes that came and have not been looked at. */
  #pending: Buffer | undefined
  /** While it is blocked, nothing of what the client sends is looked at. */
  readonly #output: Output
  #isPaused = false
  /** The client has closed its half; what came before is still served. */
  #inputEnded = false
  #isDraining = false
  #isLogInOver = false
  #isCounted = false
  readonly #peer: Peer
  /** When the client will have been silent for too long; ms since 1970. */
  deadlineAt = 0
  readonly openedAt: number

  constructor(host: ConnectionHost, door: Door<ListenerRole>, socket: Socket) {
    this.#host = host
    this.#door = door
    this.#socket = socket
    const { maxLineBytes, maxAuthLineBytes } = host.context.limits
    this.#reader = new LineReader({
      maxLineBytes: beginning =>
        this.session?.open || isAuth(beginning) ? Math.max(maxAuthLineBytes, maxLineBytes) : maxLineBytes,
      maxSkippedBytes,
    })
    this.#output = new Output(socket, {
      blocked: () => this.#extendDeadline(),
      drained: () => this.#readOn(),
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
    else if (this.#role === 'pop3s') this.#startTls(this.#host.secureContext())
    else this.#openSession(undefined)
  }

  refuseNewcomer(): void {
    this.#bid(answers.shuttingDown)
  }

  /** Says why, and closes. */
  #bid(farewell: Response): void {
    // Before the handshake of an implicit TLS port nobody could read it.
    if (this.#role === 'pop3s' && !this.session) this.#socket.destroy()
    else {
      this.#say(farewell)
      this.#end()
    }
  }

  #say(response: Response): void {
    this.#output.addText(formatResponse(response, this.session?.language ?? 'en'))
  }

  /** Refuses whoever has not got as far as a session. */
  #turnAway(response: Response): void {
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

  /** Nothing is lost by closing: who has deleted messages would have them again. */
  get #isAtRest(): boolean {
    return this.#reader.isBetweenLines && !this.session?.hasMarks
  }

  cut(): void {
    // In the middle of an answer there is no place for another one.
    if (this.#mode === commands) this.#bid(answers.shuttingDown)
    // Now, and not when the socket tells of its end: by then the storage may be closed.
    this.session?.abandon()
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
    this.#output.flush()
    this.#socket.end()
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
    // Whoever waits for the client to read looks whether it is still there.
    this.#output.release()
    this.#host.released(this, this.#isCounted ? 'counted' : 'not-counted')
  }

  ended(): void {
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
    const problem = describeTlsFailure(cause, this.#role === 'pop3s' ? 'at-once' : 'after-starttls')
    this.#host.note(problem, this, cause === peerHasGone ? {} : { code: cause.code })
    this.#noteTurnedAway({ problem })
  }

  /** An error of ours that no session caught: the log has it, the client is told and the others notice nothing. */
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
    this.session = new Session(context, client, () => this.#endLogIn())
    const refusal = context.services.connect?.(client)
    this.#when(refusal, response => this.#welcome(response))
  }

  #welcome(refusal: Response | undefined): void {
    if (this.#mode === closed || !this.session) return
    if (refusal) this.#turnAway(refusal)
    else if (this.#isDraining) this.#bid(answers.shuttingDown)
    else {
      this.#say(answers.greeting(this.#host.context.hostname))
      this.#mode = commands
      this.#output.flush()
    }
  }

  // Deadlines

  #extendDeadline(): void {
    if (this.#isLogInOver) return
    const { limits } = this.#host.context
    const wait = this.#output.isBlocked ? limits.transferTimeoutMs : limits.idleTimeoutMs
    const end = this.session?.isLoggedIn ? Number.POSITIVE_INFINITY : this.openedAt + limits.loginTimeoutMs
    this.#setDeadline(Math.min(this.#host.now() + wait, end))
  }

  #setDeadline(at: number): void {
    this.deadlineAt = at
    this.#host.expectDeadline(at)
  }

  cutFor(cause: unknown): void {
    this.#mode = closed
    this.deadlineAt = Number.POSITIVE_INFINITY
    this.#output.flush()
    this.#socket.destroy()
    this.#host.fault(cause, this)
  }

  expire(): void {
    // It is us who are slow.
    if (this.#mode === waiting && !this.#output.isBlocked && !this.#isLogInOver)
      this.#setDeadline(this.#host.now() + this.#host.context.limits.transferTimeoutMs)
    else if (this.#mode === commands && !this.#output.isBlocked)
      // RFC 1939 §3: without a word, and nothing is deleted.
      this.#end()
    else this.#socket.destroy()
  }

  // Bytes

  take(bytes: Buffer): void {
    if (this.#mode === closed) return
    // The bytes of a line do not move the deadline, or a client that sends one a minute could hold its place for ever.
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
    this.#output.flush()
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
    if (!session.isLoggedIn && this.#reader.isBetweenLines && isTlsHandshake(bytes)) {
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
        this.#bid(answers.lineTooLong(event.limit))
        break
      default:
        event satisfies never
    }
  }

  #take(session: Session, line: Buffer): void {
    const result = session.take(line)
    if (Symbol.asyncIterator in result) this.#when(this.#tell(result), step => this.#apply(step))
    else this.#when(result, step => this.#apply(step))
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
    if (!this.#pending) this.#output.flush()
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
    const { response, lines, continuation, effect, farewell } = step
    if (effect === 'cut') {
      this.#output.flush()
      this.#socket.destroy()
      return
    }
    if (response && effect === 'start-tls') {
      this.#change(response)
      return
    }
    if (response) this.#say(response)
    if (lines !== undefined) this.#output.addText(lines)
    if (continuation !== undefined) this.#output.addText(`+ ${continuation}\r\n`)
    if (farewell) this.#bid(farewell)
    else if (effect === 'close') this.#end()
    else this.#extendDeadline()
  }

  /** Writes an answer as fast as the client takes it. */
  async #tell(telling: Telling): Promise<Step> {
    const over: Step = { next: { phase: 'update' } }
    try {
      for (;;) {
        const { done, value } = await telling.next()
        if (done) return value
        if (this.#isOver) return over
        if (typeof value === 'string') this.#output.addText(value)
        else this.#output.addOctets(value)
        await this.#output.whenDrained()
      }
    } finally {
      // Whatever it holds is given back, also where the client has gone.
      await telling.return(over)
    }
  }

  // TLS

  #change(response: Response): void {
    // CVE-2011-0411 and its kin: what was sent before must not be taken for what comes after.
    if (this.#pending) {
      this.#bid(answers.textBehindStls)
      return
    }
    let secureContext: SecureContext
    try {
      secureContext = this.#host.secureContext()
    } catch (cause) {
      this.#host.fault(cause, this)
      this.#say(answers.tlsUnavailable)
      return
    }
    this.#say(response)
    this.#startTls(secureContext)
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

  // Output

  /** The output looks after itself; sockets tell whoever asked. */
  drained(): void {}

  #pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#socket.pause()
  }

  #resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#socket.resume()
  }
}

function isAuth(beginning: string): boolean {
  return beginning.slice(0, 5).toUpperCase() === 'AUTH '
}
