// One connection of a server, whatever it speaks: it owns the socket, the bytes that wait, the deadline, the handshake and the
// end. What is read from the bytes and said to the client is the protocol's matter: it extends this class.
//
// Ten thousand of these may idle at once, so an idle one holds no buffer, no timer and no closure of its own.
import type { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { type SecureContext, TLSSocket } from 'node:tls'
import { isLoopback, plainAddress } from '../address/networks.ts'
import type { MaybePromise } from '../runtime/maybe-promise.ts'
import { beginHandshake, type Handshake, hasSpoken } from './begin-handshake.ts'
import type { ConnectionHost, Ending, TurnedAway } from './connection-host.ts'
import type { Admission, KeptConnection } from './connection-keeper.ts'
import type { Door } from './door.ts'
import type { Layer, LayerEvents } from './layer.ts'
import { Output, type OutputOwner } from './output.ts'
import { disown, guard, own, type SocketOwner, tellWhenSecured } from './owned-socket.ts'
import { Peer } from './peer.ts'
import type { SessionPeer } from './session-peer.ts'
import type { TlsFacts } from './tls-facts.ts'
import { describeTlsFailure, peerHasGone, type TlsFailure } from './tls-failure.ts'
import { isTlsHandshake } from './tls-handshake.ts'

type Mode =
  | { readonly kind: 'proxy-header' }
  /** A service is asked, an answer is on its way out, or the greeting is: nothing is read. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'reading' }
  | Handshake
  /** Somebody else has the socket. */
  | { readonly kind: 'given-away' }
  | { readonly kind: 'closed' }

const proxyHeader: Mode = { kind: 'proxy-header' }
const waiting: Mode = { kind: 'waiting' }
const reading: Mode = { kind: 'reading' }
const givenAway: Mode = { kind: 'given-away' }
const closed: Mode = { kind: 'closed' }

/** Beyond this a client that does not wait for answers is made to wait. */
const maxBufferedBytes = 16 * 1024
/** Of commands that came together: what answers them may do so without a turn of the event loop, which others have then. */
const outcomesOfTurn = 16
/** How long a client has for closing its half after we closed ours. */
const closeWaitMs = 10_000
/** The same when the whole server waits for it. */
const drainedCloseWaitMs = 1000
/** So long an answer may still take to whoever may not be here any more. */
const lastAnswerMs = 10_000

export abstract class ServerConnection<Role extends string, Answer>
  implements SocketOwner, KeptConnection, OutputOwner
{
  readonly #host: ConnectionHost<Role, Answer>
  readonly #door: Door<Role>
  readonly #peer: Peer
  #socket: Socket
  #layer: Layer | undefined
  #mode: Mode = waiting
  /** Bytes that came and have not been looked at: they wait nowhere else, so that STARTTLS can see that there are none. */
  #pending: Buffer | undefined
  /** While it is blocked, nothing of what the client sends is looked at. */
  protected readonly output: Output
  #isPaused = false
  /** The client has closed its half; what came before is still served. */
  #inputEnded = false
  #isDraining = false
  #isLogInOver = false
  #isCounted = false
  #outcomes = 0
  /** When the client will have been silent for too long; ms since 1970. */
  deadlineAt = 0
  readonly openedAt: number

  protected constructor(host: ConnectionHost<Role, Answer>, door: Door<Role>, socket: Socket) {
    this.#host = host
    this.#door = door
    this.#socket = socket
    this.#peer = new Peer(door, socket)
    this.output = new Output(socket, this)
    this.openedAt = host.now()
  }

  // What the protocol says

  abstract readonly session: { readonly client: SessionPeer<Role> } | undefined
  /** Makes the session; an answer refuses the client. */
  protected abstract openSession(tls: TlsFacts | undefined): MaybePromise<Answer | undefined>
  /** The first words to a client that is not refused. */
  protected abstract sayGreeting(): void
  /** The handshake of STARTTLS is done: nothing that was said before it counts. */
  protected abstract enterTls(tls: TlsFacts): void
  protected abstract say(answer: Answer): void
  /**
   * Reads some of the bytes that wait, which are not none: first `keep` takes what is left, then follows what was read. False when
   * nothing can be done with them now.
   */
  protected abstract read(bytes: Buffer): boolean
  /** Nothing has been said that counts: bytes of TLS here are a client's that takes the port for another one. */
  protected abstract get isAtBeginning(): boolean
  /** Nothing is lost by closing now. */
  protected abstract get isAtRest(): boolean
  /** What comes moves the deadline; the bytes of a command do not, or a client that sends one a minute could hold its place for ever. */
  protected abstract get isInBulk(): boolean
  /** When a client that begins to be silent now has been silent for too long. */
  protected abstract nextDeadline(now: number): number
  /** That time has come, in the middle of a session. */
  protected abstract expired(now: number): void
  /** The session is over; the first call counts. */
  protected abstract abandon(ending: Ending<Answer>): void
  /** For the trail. */
  protected abstract noteTurnedAway(peer: TurnedAway<Role, Answer>): void
  /** The socket is closed: the last that is called. */
  protected released(): void {}

  /** Something else than an answer can be said now; true: it has begun. */
  protected tellNews(): boolean {
    return false
  }

  /** Whoever may not be here any more is told at once, or once the message that he sends is whole. */
  protected get mayFinishMessage(): boolean {
    return false
  }

  /** There is room for a farewell: in the middle of an answer there is none. */
  protected get canBeTold(): boolean {
    return this.isReading
  }

  // What the protocol may know

  get remoteAddress(): string {
    return this.#peer.address
  }

  protected get role(): Role {
    return this.#door.role
  }

  /** The balancer does not say whom it speaks for. */
  protected get isPeerUnknown(): boolean {
    return this.#peer.isUnknown
  }

  /** On this very machine, and no balancer that does not say whom it speaks for. */
  protected get isPeerHere(): boolean {
    return !this.isPeerUnknown && isLoopback(this.remoteAddress)
  }

  protected get isReading(): boolean {
    return this.#mode === reading
  }

  protected get isWaiting(): boolean {
    return this.#mode === waiting
  }

  protected get isOver(): boolean {
    return this.#mode === closed
  }

  protected get isDraining(): boolean {
    return this.#isDraining
  }

  /** What is said would not be heard, or is not for the client any more. */
  protected get isDeaf(): boolean {
    return this.output.isBlocked || this.#isLogInOver
  }

  protected get pending(): Buffer | undefined {
    return this.#pending
  }

  protected noteFault(cause: unknown): void {
    this.#host.fault(cause, this)
  }

  protected peerFacts(tls: TlsFacts | undefined): SessionPeer<Role> {
    return {
      sessionId: this.#host.nextSessionId(),
      role: this.role,
      remoteAddress: this.remoteAddress,
      remotePort: this.#peer.port,
      localAddress: plainAddress(this.#socket.localAddress ?? ''),
      localPort: this.#socket.localPort ?? 0,
      connectedAt: this.openedAt,
      tls,
    }
  }

  // Beginning

  adopt(): void {
    own(this.#socket, this)
    this.extendDeadline()
  }

  expectProxy(): void {
    this.#mode = proxyHeader
  }

  greet(): void {
    this.#isCounted = true
    const admission = this.#host.admit(this.remoteAddress, this.#door)
    if (admission.kind !== 'admitted') this.turnAway(this.#refusalOf(admission))
    else if (this.#beginsWithTls) this.#startTls(this.#host.secureContext())
    else this.#beginSession(undefined)
  }

  /** On a socket that this side opened, to a server that has become the client. */
  protected greetOpened(): void {
    const socket = this.#socket
    this.#beginSession(socket instanceof TLSSocket ? this.#host.tlsFacts(socket, this.role) : undefined)
    socket.resume()
  }

  get #beginsWithTls(): boolean {
    return this.role === this.#host.tlsRole
  }

  #refusalOf(admission: Exclude<Admission, { kind: 'admitted' }>): Answer {
    const { answers } = this.#host
    switch (admission.kind) {
      case 'not-your-door':
        return answers.notYourDoor(this.remoteAddress)
      case 'too-many':
        return answers.tooManyConnections
      case 'too-many-of-yours':
        return answers.tooManyConnectionsFromYou(admission.host)
      default:
        return admission satisfies never
    }
  }

  #beginSession(tls: TlsFacts | undefined): void {
    this.when(this.openSession(tls), refusal => {
      if (this.isOver) return
      if (refusal === undefined) this.welcome()
      else this.turnAway(refusal)
    })
  }

  /** Greets, and reads from now on. */
  protected welcome(): void {
    if (this.#isDraining) this.bid(this.#host.answers.shuttingDown)
    else {
      this.#mode = reading
      this.sayGreeting()
      this.#flush()
    }
  }

  refuseNewcomer(): void {
    this.bid(this.#host.answers.shuttingDown)
  }

  /** Refuses whoever has not got as far as a session. */
  protected turnAway(answer: Answer): void {
    this.#tellTurnedAway({ response: answer })
    this.bid(answer)
  }

  #tellTurnedAway(why: Pick<TurnedAway<Role, Answer>, 'response' | 'problem'>): void {
    try {
      this.noteTurnedAway({ role: this.role, remoteAddress: this.remoteAddress, ...why })
    } catch (cause) {
      this.#host.fault(cause, this)
    }
  }

  // End

  /** Says why, and closes. */
  protected bid(farewell: Answer): void {
    if (this.isOver) return
    // Before the end of a handshake nobody could read it.
    if (this.#mode.kind === 'handshake' || (this.#beginsWithTls && !this.session)) this.#socket.destroy()
    else {
      this.say(farewell)
      this.end({ how: 'closed', answer: farewell })
    }
  }

  protected end(ending: Ending<Answer>): void {
    if (this.isOver) return
    this.#mode = closed
    this.#pending = undefined
    this.abandon(ending)
    this.#flush()
    this.#stream.end()
    this.#limitCloseWait()
    // What it still sends is read and thrown away, or a reset could overtake the farewell.
    this.#resume()
  }

  /** Nothing of what the client may still send or read is of interest. */
  protected destroy(): void {
    this.#socket.destroy()
  }

  /**
   * The client takes its leave, so nothing of what it may still send is of interest. Once the system has the answer the socket is
   * closed: to wait for the other half costs a tenth of a short connection, and many clients reset it.
   */
  protected leave(): void {
    const isLast = this.#pending === undefined && !this.output.isEmpty
    this.#flush()
    // TLS has a farewell of its own, and what is not written yet would be thrown away.
    if (
      isLast &&
      !this.output.isBlocked &&
      this.#socket.writableLength === 0 &&
      !(this.#socket instanceof TLSSocket)
    ) {
      this.#mode = closed
      this.abandon({ how: 'quit' })
      this.#socket.destroy()
    } else this.end({ how: 'quit' })
  }

  drain(): void {
    this.#isDraining = true
    if (this.isOver) this.#limitCloseWait()
    else if (this.#mode.kind === 'handshake' || this.#mode === proxyHeader) this.#socket.destroy()
    else if (this.isReading && this.isAtRest) this.bid(this.#host.answers.shuttingDown)
  }

  cut(): void {
    if (this.canBeTold) this.bid(this.#host.answers.shuttingDown)
    // Now, and not when the socket tells of its end: by then the storage may be closed.
    this.abandon({ how: 'closed', answer: this.#host.answers.shuttingDown })
    this.#socket.destroy()
  }

  cutFor(cause: unknown): void {
    this.#mode = closed
    this.deadlineAt = Number.POSITIVE_INFINITY
    this.#socket.destroy()
    this.#host.fault(cause, this)
  }

  /** An error of ours that no session caught: the log has it, the client is told and the others notice nothing. */
  fail(cause: unknown): void {
    this.#host.fault(cause, this)
    this.bid(this.#host.answers.fault)
  }

  /** The account, or what it came with, is not good any more. */
  protected endLogIn(): void {
    if (this.isOver) return
    this.#host.note('a session was ended: its log-in is not good any more', this, {
      session: this.session?.client.sessionId,
      account: this.session?.client.account?.address,
    })
    if (!this.mayFinishMessage) this.#setDeadline(this.#host.now() + lastAnswerMs)
    this.#isLogInOver = true
    guard(this, () => this.run())
  }

  /** The client may never close its half: the deadline does it then. */
  #limitCloseWait(): void {
    const wait = this.#isDraining ? drainedCloseWaitMs : closeWaitMs
    this.#setDeadline(Math.min(this.deadlineAt, this.#host.now() + wait))
  }

  gone(): void {
    this.#mode = closed
    this.#pending = undefined
    this.abandon({ how: 'lost' })
    this.#layer?.destroy()
    // Whoever waits for the client to read looks whether it is still there.
    this.output.release()
    if (!this.#host.release(this, this.#isCounted ? 'counted' : 'not-counted')) return
    try {
      this.released()
    } catch (cause) {
      this.#host.fault(cause, this)
    }
  }

  failed(cause: TlsFailure): void {
    const { code, message } = cause
    if (this.#mode.kind === 'handshake') this.#noteTlsFailure(cause)
    // After its end a connection may break as it likes.
    else if (!this.isOver) this.#host.note('connection failed', this, { code, detail: message })
    this.#socket.destroy()
  }

  #noteTlsFailure(cause: TlsFailure): void {
    const problem = describeTlsFailure(cause, this.#beginsWithTls ? 'at-once' : 'after-starttls')
    this.#host.note(problem, this, cause === peerHasGone ? {} : { code: cause.code })
    this.#tellTurnedAway({ problem })
  }

  // Deadlines

  protected extendDeadline(): void {
    // Whoever has the socket now has deadlines of his own.
    if (this.#mode === givenAway) this.deadlineAt = Number.POSITIVE_INFINITY
    else if (!this.#isLogInOver || this.mayFinishMessage)
      this.#setDeadline(this.nextDeadline(this.#host.now()))
  }

  /** It is us who are slow. */
  protected waitOn(waitMs: number): void {
    this.#setDeadline(this.#host.now() + waitMs)
  }

  #setDeadline(at: number): void {
    this.deadlineAt = at
    this.#host.expectDeadline(at)
  }

  expire(): void {
    if (this.isOver || this.#mode.kind === 'handshake' || this.#mode === proxyHeader) this.#socket.destroy()
    else this.expired(this.#host.now())
  }

  // Bytes

  take(bytes: Buffer): void {
    if (this.isOver) return
    if (this.#layer) this.#layer.take(bytes)
    else this.#takePlain(bytes)
  }

  #takePlain(bytes: Buffer): void {
    if (this.isOver) return
    if (this.isInBulk) this.extendDeadline()
    this.#pending = this.#pending ? Buffer.concat([this.#pending, bytes]) : bytes
    this.run()
  }

  ended(): void {
    if (this.#layer) this.#layer.endInput()
    else this.#endInput()
  }

  #endInput(): void {
    this.#inputEnded = true
    if (this.#mode.kind === 'handshake') {
      if (hasSpoken(this.#mode)) this.#noteTlsFailure(peerHasGone)
      this.#socket.destroy()
    } else this.run()
  }

  /** Goes on until the bytes are used up or something has to be waited for. */
  protected run(): void {
    while (this.#pending && !this.output.isBlocked && !this.#isLogInEnd && this.#readSome(this.#pending));
    if (this.#isLogInEnd) {
      this.bid(this.#host.answers.logInEnded)
      return
    }
    const mode = this.#mode
    if (mode === closed || mode === givenAway || mode.kind === 'handshake') return
    if (mode === waiting || this.output.isBlocked) {
      if (this.#pending && this.#pending.length > maxBufferedBytes) this.#pause()
      return
    }
    if (this.tellNews()) return
    this.#flush()
    if (this.output.isBlocked) return
    this.#resume()
    // What is left is nothing whole, and never will be.
    if (this.#inputEnded) this.end({ how: 'lost' })
    else if (this.#isDraining && this.isAtRest) this.bid(this.#host.answers.shuttingDown)
  }

  get #isLogInEnd(): boolean {
    return (
      this.#isLogInOver &&
      this.isReading &&
      !this.output.isBlocked &&
      !(this.mayFinishMessage && this.isInBulk)
    )
  }

  #readSome(bytes: Buffer): boolean {
    if (this.#mode === proxyHeader) return this.#readProxyHeader(bytes)
    if (!this.isReading) return false
    if (isTlsHandshake(bytes) && this.isAtBeginning) {
      this.turnAway(this.#host.answers.tlsOnPlainPort())
      return false
    }
    return this.read(bytes)
  }

  protected keep(rest: Buffer | undefined): void {
    this.#pending = rest
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

  /** Goes on with an outcome that may have to be waited for; meanwhile nothing is read. */
  protected when<Outcome>(outcome: MaybePromise<Outcome>, goOn: (outcome: Outcome) => void): void {
    if (outcome instanceof Promise) this.#resumeAfter(outcome, goOn)
    else goOn(outcome)
  }

  #resumeAfter<Outcome>(promise: Promise<Outcome>, goOn: (outcome: Outcome) => void): void {
    const before = this.#mode
    this.#mode = waiting
    // Nothing else to answer meanwhile: what is ready need not wait.
    if (!this.#pending) this.#flush()
    const isOthersTurn = this.#pending !== undefined && ++this.#outcomes % outcomesOfTurn === 0
    const settled = isOthersTurn ? promise.then(outcome => turn(outcome)) : promise
    settled
      .then(outcome => {
        if (this.isOver) return
        this.#mode = before
        goOn(outcome)
        if (this.isOver) return
        this.extendDeadline()
        this.run()
      })
      .catch((cause: unknown) => {
        this.fail(cause)
      })
  }

  /** Writes an answer as fast as the client takes it; `over` stands for its end when the client has gone. */
  protected async tell<Piece, End>(
    telling: AsyncGenerator<Piece, End, undefined>,
    write: (piece: Piece) => MaybePromise<void>,
    over: End,
  ): Promise<End> {
    try {
      for (;;) {
        const { done, value } = await telling.next()
        if (done) return value
        if (this.isOver) return over
        await write(value)
        if (this.output.isBlocked) await this.output.whenDrained()
      }
    } finally {
      // Whatever it holds is given back, also where the client has gone.
      await telling.return(over)
    }
  }

  // TLS, and what else may change under a session

  /** A command asks for TLS: `ready` is said, or `unavailable` where there is no certificate. */
  protected answerStartTls(ready: () => void, unavailable: () => void): void {
    // RFC 3207 §4.2, CVE-2011-0411 and its kin: what was sent in the clear must not be taken for what comes encrypted.
    if (this.refusesTextBehind(this.#host.answers.textBehindStartTls)) return
    let secureContext: SecureContext
    try {
      secureContext = this.#host.secureContext()
    } catch (cause) {
      this.#host.fault(cause, this)
      unavailable()
      return
    }
    ready()
    this.#startTls(secureContext)
    this.extendDeadline()
  }

  /** The client should have waited for the answer to what it said last: true, and it is told so. */
  protected refusesTextBehind(farewell: Answer): boolean {
    if (!this.#pending) return false
    this.bid(farewell)
    return true
  }

  #startTls(secureContext: SecureContext): void {
    this.output.flush()
    const plain = this.#socket
    this.#mode = beginHandshake(plain, this.#pending)
    this.#pending = undefined
    const secure = this.#host.secure(plain, secureContext, this.role)
    this.#socket = secure
    own(secure, this)
    this.output.redirect(secure)
    tellWhenSecured(secure)
  }

  secured(secure: TLSSocket): void {
    const tls = this.#host.tlsFacts(secure, this.role)
    if (this.session) {
      this.#mode = reading
      this.enterTls(tls)
    } else {
      this.#mode = waiting
      this.#beginSession(tls)
    }
    this.extendDeadline()
    this.run()
  }

  /** From now on everything goes through it, both ways. */
  protected insert(create: (socket: Socket, events: LayerEvents) => Layer): void {
    this.output.flush()
    this.#layer = create(this.#socket, {
      took: bytes => guard(this, () => this.#takePlain(bytes)),
      ended: () => guard(this, () => this.#endInput()),
      failed: cause => this.failed(cause),
    })
    this.output.redirect(this.#layer.target)
  }

  /** Whoever gets it does with it as he likes, and calls `gone` when it is over. */
  protected giveAway(): Socket {
    this.#flush()
    disown(this.#socket)
    this.#mode = givenAway
    return this.#socket
  }

  // Output

  protected flush(): void {
    this.#flush()
  }

  #flush(): void {
    this.output.flush()
    this.#layer?.flush()
  }

  outputBlocked(): void {
    this.extendDeadline()
  }

  outputDrained(): void {
    if (this.isOver) return
    guard(this, () => {
      this.extendDeadline()
      this.run()
    })
  }

  /** What the client's bytes come through. */
  get #stream(): Pick<Layer, 'end' | 'pause' | 'resume'> {
    return this.#layer ?? this.#socket
  }

  #pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#stream.pause()
  }

  #resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#stream.resume()
  }
}
