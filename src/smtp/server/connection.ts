// One connection: it owns the bytes, the deadlines and the handshake; the session owns the protocol.
//
// Ten thousand of these may idle at once, so an idle one holds no buffer, no timer and no closure: one watch for all looks at
// the deadlines.
import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import { plainAddress } from '../../address/networks.ts'
import { beginHandshake, type Handshake, hasSpoken } from '../../connection/begin-handshake.ts'
import type { KeptConnection } from '../../connection/connection-keeper.ts'
import type { Door } from '../../connection/door.ts'
import { disown, guard, own, type SocketOwner, tellWhenSecured } from '../../connection/owned-socket.ts'
import { Peer } from '../../connection/peer.ts'
import { describeTlsFailure, peerHasGone, type TlsFailure } from '../../connection/tls-failure.ts'
import { isTlsHandshake } from '../../connection/tls-handshake.ts'
import type { LogFields } from '../../runtime/log.ts'
import { replies } from '../replies.ts'
import type { Reply } from '../reply.ts'
import { findLine, findLineEnd } from './command-input.ts'
import { describeLine } from './describe-line.ts'
import { DataReader } from './mail-data.ts'
import type { MailFlow } from './mail-flow.ts'
import { ReplyOutput } from './reply-output.ts'
import type { CutOff, ListenerRole, MaybePromise, TlsFacts, Turn, TurnedAway } from './services.ts'
import { createClient, Session, type SessionContext } from './session.ts'
import type { Chunk, Effect, Step } from './session-state.ts'

/** What the server gives its connections. */
export interface ConnectionHost {
  readonly context: SessionContext
  readonly greeting: string
  now(): number
  /** A connection's deadline has been set. */
  expectDeadline(at: number): void
  nextSessionId(): string
  /** Throws when the certificate cannot be used. */
  secureContext(): SecureContext
  /** Wraps the server's end of a socket in TLS. */
  secure(socket: Socket, secureContext: SecureContext, role: ListenerRole): TLSSocket
  /** Of such a socket, after the handshake. */
  tlsFacts(secure: TLSSocket, role: ListenerRole): TlsFacts
  /** Counts the peer's connections; a Reply refuses this one. */
  admit(remoteAddress: string, door: Door<ListenerRole>): Reply | undefined
  /** `admitted`: it was counted. */
  released(connection: Connection, admitted: boolean): void
  note(message: string, connection: Connection, fields?: LogFields): void
  /** What is said, for the log; absent when it is not wanted. */
  readonly noteDialogue?:
    | ((speaker: 'client' | 'server', text: string, connection: Connection) => void)
    | undefined
  /** An error of ours, without a session that it could be told to. */
  fault(cause: unknown, connection: Connection): void
}

type Mode =
  | { readonly kind: 'proxy-header' }
  /** A service is asked, or the greeting has not gone out. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'commands' }
  /** The rest of a line that is too long is read away. */
  | { readonly kind: 'long-line'; readonly reply: Reply; skipped: number }
  | { readonly kind: 'data'; readonly reader: DataReader; readonly flow: MailFlow }
  | { readonly kind: 'chunk'; readonly chunk: Chunk; left: number }
  | Handshake
  /** This end is the client now; whoever was asked to turn the connection around has the socket. */
  | { readonly kind: 'turned'; readonly stopping: AbortController }
  | { readonly kind: 'closed' }

const proxyHeader: Mode = { kind: 'proxy-header' }
const waiting: Mode = { kind: 'waiting' }
const commands: Mode = { kind: 'commands' }
const closed: Mode = { kind: 'closed' }

const maxSkippedBytes = 1024 * 1024
/** Beyond this a peer that does not wait for replies is made to wait. */
const maxBufferedBytes = 16 * 1024
/** How long a peer has for closing its half after we closed ours. */
const closeWaitMs = 10_000
/** The same when the whole server waits for it. */
const drainedCloseWaitMs = 1000

export class Connection implements SocketOwner, KeptConnection {
  readonly #host: ConnectionHost
  readonly #door: Door<ListenerRole>
  #socket: Socket
  session: Session | undefined
  #mode: Mode = waiting
  /** Bytes that came and have not been looked at. */
  #pending: Buffer | undefined
  /** While it is blocked, nothing of what the peer sends is looked at. */
  readonly #output: ReplyOutput
  #paused = false
  #fetched = false
  /** The peer has closed its half; what came before is still served. */
  #inputEnded = false
  #draining = false
  #logInOver = false
  #admitted = false
  readonly #peer: Peer
  /** When the peer will have been silent for too long; ms since 1970. */
  deadlineAt = 0
  readonly openedAt: number

  constructor(host: ConnectionHost, door: Door<ListenerRole>, socket: Socket) {
    this.#host = host
    this.#door = door
    this.#socket = socket
    this.#output = new ReplyOutput(socket)
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

  /** Takes the socket over; then `greet`, `expectProxy` or `refuseNewcomer` says how it goes on. */
  adopt(): void {
    this.#adopt(this.#socket)
    this.#extendDeadline()
  }

  #adopt(socket: Socket): void {
    this.#socket = socket
    this.#output.socket = socket
    own(socket, this)
  }

  /** The peer is a balancer, and says first whom it speaks for. */
  expectProxy(): void {
    this.#mode = proxyHeader
  }

  greet(): void {
    this.#admitted = true
    const refusal = this.#host.admit(this.remoteAddress, this.#door)
    if (refusal) this.#turnAway(refusal)
    else if (this.#role === 'submissions') this.#startTls(this.#host.secureContext())
    else this.#openSession(undefined)
  }

  /** On a socket that this side opened, to a server that has become the client. */
  greetFetched(): void {
    this.#fetched = true
    const socket = this.#socket
    this.#openSession(socket instanceof TLSSocket ? this.#host.tlsFacts(socket, this.#role) : undefined)
    socket.resume()
  }

  /** The server ends, and takes nobody any more. */
  refuseNewcomer(): void {
    this.refuse(replies.shuttingDown(this.#host.context.hostname))
  }

  /** Says why, and closes. */
  refuse(reply: Reply): void {
    // Before the handshake of an implicit TLS port nobody could read it.
    if (this.#role === 'submissions' && !this.session) {
      this.#socket.destroy()
      return
    }
    this.#say(reply)
    this.#end({ how: 'closed', reply })
  }

  /** Refuses whoever has not got as far as a session. */
  #turnAway(reply: Reply): void {
    this.#noteTurnedAway({ reply })
    this.refuse(reply)
  }

  #noteTurnedAway(why: Pick<TurnedAway, 'reply' | 'problem'>): void {
    const { sessionId, heloName } = this.session?.client ?? {}
    try {
      this.#host.context.services.turnedAway?.({
        sessionId,
        role: this.#role,
        remoteAddress: this.remoteAddress,
        heloName,
        ...why,
      })
    } catch (cause) {
      this.#host.fault(cause, this)
    }
  }

  /** No new transactions: 421 at once between them, else after the one that is open (RFC 5321 §3.8). */
  drain(): void {
    this.#draining = true
    if (this.#mode === closed) this.#limitCloseWait()
    else if (this.#mode.kind === 'turned') this.#mode.stopping.abort()
    else if (this.#mode.kind === 'handshake' || this.#mode === proxyHeader) this.#socket.destroy()
    else if (this.#mode !== waiting && this.#isBetweenTransactions)
      this.refuse(replies.shuttingDown(this.#host.context.hostname))
  }

  /** Between transactions nothing is lost by closing. */
  get #isBetweenTransactions(): boolean {
    const phase = this.session?.state.phase
    return phase === undefined || phase === 'greeted' || phase === 'ready' || phase === 'authenticating'
  }

  /** The server ends now, whatever is under way; the peer is told if it can be. */
  cut(): void {
    if (this.#mode !== closed && this.#mode.kind !== 'turned' && this.session)
      this.refuse(replies.shuttingDown(this.#host.context.hostname))
    this.#socket.destroy()
  }

  /** The account, or what it came with, is not good any more: a message that is on its way is the last. */
  #endLogIn(): void {
    this.#logInOver = true
    guard(this, () => this.#run())
  }

  #refuseLogIn(): void {
    this.#host.note('a session was ended: its log-in is not good any more', this, {
      session: this.session?.client.sessionId,
      account: this.session?.client.account?.address,
    })
    this.refuse(replies.logInEnded(this.#host.context.hostname))
  }

  #end(ending: Pick<CutOff, 'how' | 'reply'>): void {
    if (this.#mode === closed) return
    this.#mode = closed
    this.#pending = undefined
    this.session?.abandon(ending)
    this.#output.flush()
    this.#socket.end()
    this.#limitCloseWait()
    // What it still sends is read and thrown away, or a reset could overtake the reply.
    this.#resume()
  }

  /** The peer may never close its half: the deadline does it then. */
  #limitCloseWait(): void {
    const wait = this.#draining ? drainedCloseWaitMs : closeWaitMs
    this.#setDeadline(Math.min(this.deadlineAt, this.#host.now() + wait))
  }

  /**
   * The peer said QUIT, so nothing of what it may still send is of interest. Once the system has the reply the socket is
   * closed: to wait for the other half costs a tenth of a short connection, and many clients reset it.
   */
  #leave(): void {
    const isLast = this.#pending === undefined && !this.#output.isEmpty
    this.#output.flush()
    // TLS has a farewell of its own, and what is not written yet would be thrown away.
    if (
      isLast &&
      !this.#output.isBlocked &&
      this.#socket.writableLength === 0 &&
      !(this.#socket instanceof TLSSocket)
    ) {
      this.#mode = closed
      this.session?.abandon({ how: 'quit' })
      this.#socket.destroy()
    } else this.#end({ how: 'quit' })
  }

  gone(): void {
    this.#mode = closed
    this.#pending = undefined
    this.session?.abandon({ how: 'lost' })
    this.#host.released(this, this.#admitted)
  }

  /** The peer has sent everything it will send. */
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
    const problem = describeTlsFailure(cause, this.#role === 'submissions' ? 'at-once' : 'after-starttls')
    this.#host.note(problem, this, cause === peerHasGone ? {} : { code: cause.code })
    this.#noteTurnedAway({ problem })
  }

  /** An error of ours that no session caught: the log has it, the peer gets 421 and the others notice nothing. */
  fail(cause: unknown): void {
    this.#host.fault(cause, this)
    this.refuse(replies.fault(this.#host.context.hostname))
  }

  // Greeting

  #openSession(tls: TlsFacts | undefined): void {
    const { context } = this.#host
    const socket = this.#socket
    this.session = new Session(
      context,
      createClient(
        context,
        {
          sessionId: this.#host.nextSessionId(),
          role: this.#role,
          remoteAddress: this.remoteAddress,
          remotePort: this.#peer.port,
          localAddress: plainAddress(socket.localAddress ?? ''),
          localPort: socket.localPort ?? 0,
          connectedAt: this.openedAt,
          tls,
          ...(this.#fetched ? { fetched: true } : {}),
        },
        this.#peer.isUnknown,
      ),
      () => this.#endLogIn(),
    )
    const refusal = context.services.connect?.(this.session.client)
    if (refusal instanceof Promise) {
      refusal
        .then(reply => this.#welcome(reply))
        .catch((cause: unknown) => {
          this.fail(cause)
        })
    } else this.#welcome(refusal)
  }

  #welcome(refusal: Reply | undefined): void {
    if (this.#mode === closed) return
    if (refusal) this.#turnAway(refusal)
    // The second turn from now is the first in which a byte can show up that was there before the greeting.
    else setImmediate(setImmediate, sayGreeting, this)
  }

  // RFC 5321 §3.1, §4.3.1: the client waits for the greeting. Programs that send spam often do not.
  sayGreeting(): void {
    if (this.#mode === closed) return
    const { context, greeting } = this.#host
    if (this.#draining) this.refuse(replies.shuttingDown(context.hostname))
    else if (this.#pending)
      this.#turnAway(isTlsHandshake(this.#pending) ? tlsOnPlainPort(context) : replies.talksTooEarly)
    else {
      this.#say(replies.greeting(context.hostname, greeting))
      this.#mode = commands
      this.#extendDeadline()
      this.#run()
    }
  }

  // Deadlines

  #extendDeadline(): void {
    // Each command of a client has a deadline of its own.
    if (this.#mode.kind === 'turned') {
      this.deadlineAt = Number.POSITIVE_INFINITY
      return
    }
    const { limits } = this.#host.context
    const wait =
      this.#mode.kind === 'data' || this.#mode.kind === 'chunk'
        ? limits.dataBlockTimeoutMs
        : limits.commandTimeoutMs
    this.#setDeadline(Math.min(this.#host.now() + wait, this.#sessionEndsAt))
  }

  #setDeadline(at: number): void {
    this.deadlineAt = at
    this.#host.expectDeadline(at)
  }

  /** ms since 1970 */
  get #sessionEndsAt(): number {
    return this.openedAt + this.#host.context.limits.sessionTimeoutMs
  }

  cutFor(cause: unknown): void {
    this.#mode = closed
    this.deadlineAt = Number.POSITIVE_INFINITY
    this.#socket.destroy()
    this.#host.fault(cause, this)
  }

  expire(): void {
    const isSessionOver = this.#host.now() >= this.#sessionEndsAt
    if (this.#mode === closed || this.#mode.kind === 'handshake' || this.#mode === proxyHeader)
      this.#socket.destroy()
    // It is us who are slow. A message that may be stored by now is answered even when the session is over, or the peer
    // would send it again (RFC 1047).
    else if (this.#mode === waiting && (!isSessionOver || this.session?.isStoring)) this.#extendDeadline()
    else this.refuse(replies.timedOut(isSessionOver ? 'session' : 'silence', this.#host.context.hostname))
  }

  // Bytes

  take(bytes: Buffer): void {
    const mode = this.#mode
    if (mode === closed) return
    // Every block of data moves the deadline (RFC 5321 §4.5.3.2.5); the bytes of a command do not, or a peer that
    // sends one a minute could hold its place for ever.
    if (mode.kind === 'data' || mode.kind === 'chunk') this.#extendDeadline()
    this.#pending = this.#pending ? Buffer.concat([this.#pending, bytes]) : bytes
    this.#run()
  }

  /** Goes on until the bytes are used up or something has to be waited for. */
  #run(): void {
    while (this.#pending && !this.#output.isBlocked && this.#readSome(this.#pending));
    if (this.#logInOver && this.#mode === commands && !this.#output.isBlocked) this.#refuseLogIn()
    const mode = this.#mode
    if (mode === closed || mode.kind === 'handshake' || mode.kind === 'turned') return
    if (mode === waiting || this.#output.isBlocked) {
      if (this.#pending && this.#pending.length > maxBufferedBytes) this.#pause()
      return
    }
    this.#output.flush()
    if (this.#output.isBlocked) return
    this.#resume()
    // What is left is no whole command and no whole message, and never will be.
    if (this.#inputEnded) this.#end({ how: 'lost' })
  }

  /** False when nothing can be done with the bytes now. */
  #readSome(bytes: Buffer): boolean {
    const mode = this.#mode
    switch (mode.kind) {
      case 'commands':
        return !this.#logInOver && this.#readLine(bytes)
      case 'data':
        this.#readData(bytes, mode)
        return true
      case 'chunk':
        this.#readChunk(bytes, mode)
        return true
      case 'long-line':
        return this.#skipLine(bytes, mode)
      case 'proxy-header':
        return this.#readProxyHeader(bytes)
      case 'waiting':
      case 'handshake':
      case 'turned':
      case 'closed':
        return false
      default:
        return mode satisfies never
    }
  }

  #keep(bytes: Buffer, from: number): void {
    this.#pending = from < bytes.length ? bytes.subarray(from) : undefined
  }

  #readLine(bytes: Buffer): boolean {
    const { session } = this
    if (!session) return false
    if (session.state.phase === 'greeted' && isTlsHandshake(bytes)) {
      this.#turnAway(tlsOnPlainPort(this.#host.context))
      return false
    }
    const found = findLine(bytes, session.state.phase, this.#host.context.limits.maxCommandLineBytes)
    if (found === 'incomplete') return false
    switch (found.kind) {
      case 'too-long':
        this.#mode = { kind: 'long-line', reply: found.reply, skipped: 0 }
        break
      case 'bare-line-feed':
        this.#keep(bytes, found.end)
        // Whoever types by hand is told how to do better.
        this.#apply(session.refuseLine(replies.bareLineFeed))
        break
      case 'line':
        this.#keep(bytes, found.end)
        this.#host.noteDialogue?.('client', describeLine(found.line, session), this)
        this.#follow(session.step(found.line))
        break
      default:
        found satisfies never
    }
    return true
  }

  #skipLine(bytes: Buffer, mode: Extract<Mode, { kind: 'long-line' }>): boolean {
    const end = findLineEnd(bytes)
    this.#keep(bytes, end < 0 ? bytes.length : end)
    if (end >= 0) {
      if (this.session) this.#apply(this.session.refuseLine(mode.reply))
      return true
    }
    mode.skipped += bytes.length
    if (mode.skipped > maxSkippedBytes) this.refuse(mode.reply)
    return false
  }

  #readData(bytes: Buffer, mode: Extract<Mode, { kind: 'data' }>): void {
    let written: Promise<void> | undefined
    const end = mode.reader.read(bytes, piece => {
      // Each waits for the one before, so the last stands for all.
      const now = mode.flow.write(piece)
      if (now instanceof Promise) written = now
    })
    this.#keep(bytes, end < 0 ? bytes.length : end)
    this.#when(written, () => {
      if (end >= 0) this.#endData()
      else if (mode.flow.isHopeless) this.refuse(mode.flow.problem ?? replies.localError)
      else this.#mode = mode
    })
  }

  #endData(): void {
    if (this.session) this.#follow(this.session.endOfData())
  }

  #readChunk(bytes: Buffer, mode: Extract<Mode, { kind: 'chunk' }>): void {
    const { into } = mode.chunk
    const piece = bytes.subarray(0, mode.left)
    mode.left -= piece.length
    this.#keep(bytes, piece.length)
    this.#when(into.kind === 'flow' ? into.flow.write(piece) : undefined, () => {
      if (mode.left === 0) this.#endChunk(mode.chunk)
      else this.#mode = mode
    })
  }

  #endChunk(chunk: Chunk): void {
    if (this.session) this.#follow(this.session.endOfChunk(chunk))
  }

  #readProxyHeader(bytes: Buffer): boolean {
    const length = this.#peer.readProxyHeader(bytes)
    if (length === 'incomplete') return false
    if (length === 'malformed') {
      this.#host.note('no PROXY header where one has to be', this)
      this.#socket.destroy()
      return false
    }
    this.#keep(bytes, length)
    this.#mode = waiting
    this.greet()
    return true
  }

  // Steps

  #follow(step: MaybePromise<Step>): void {
    if (step instanceof Promise) {
      // Nothing else to answer meanwhile: what is ready need not wait.
      if (!this.#pending) this.#output.flush()
      this.#resumeAfter(step, outcome => this.#apply(outcome))
    } else this.#apply(step)
  }

  #when(written: MaybePromise<void>, goOn: () => void): void {
    if (written instanceof Promise) this.#resumeAfter(written, goOn)
    else goOn()
  }

  #resumeAfter<Outcome>(promise: Promise<Outcome>, goOn: (outcome: Outcome) => void): void {
    this.#mode = waiting
    promise
      .then(outcome => {
        if (this.#mode === closed) return
        goOn(outcome)
        if (this.#mode !== closed) this.#extendDeadline()
        this.#run()
      })
      .catch((cause: unknown) => {
        this.fail(cause)
      })
  }

  #apply(step: Step): void {
    this.#mode = commands
    if (step.effect?.kind === 'start-tls') this.#answerStartTls(step.reply)
    else if (step.effect?.kind === 'turn-around') this.#turnAround(step.effect.turn)
    else {
      if (step.reply) this.#say(step.reply)
      for (const reply of step.further ?? []) this.#say(reply)
      if (step.effect) this.#perform(step.effect, step.reply)
      else if (this.#draining && this.#isBetweenTransactions)
        this.refuse(replies.shuttingDown(this.#host.context.hostname))
    }
    if (this.#mode !== closed) this.#extendDeadline()
  }

  #perform(effect: Exclude<Effect, { kind: 'start-tls' | 'turn-around' }>, reply: Reply | undefined): void {
    switch (effect.kind) {
      case 'close':
        this.#end({ how: 'closed', reply })
        break
      case 'leave':
        this.#leave()
        break
      case 'read-data':
        this.#mode = { kind: 'data', reader: new DataReader(), flow: effect.flow }
        break
      case 'read-chunk':
        this.#expectChunk(effect.chunk)
        break
      default:
        effect satisfies never
    }
  }

  #expectChunk(chunk: Chunk): void {
    this.#mode = { kind: 'chunk', chunk, left: chunk.size }
    if (chunk.size === 0) this.#endChunk(chunk)
    // So many octets to be thrown away are not worth the time.
    else if (chunk.size > maxWastedBytes(this.#host.context))
      this.refuse(
        chunk.into.kind === 'refused'
          ? chunk.into.reply
          : replies.messageTooBig(this.#host.context.limits.maxMessageBytes),
      )
  }

  // The roles reverse

  #turnAround(turn: Turn): void {
    // It waits for our answer before it greets: what it said before would be taken for that, and was meant for the server.
    if (this.#pending) {
      this.refuse(replies.textAfterTurn)
      return
    }
    this.#say(turn.reply)
    this.#output.flush()
    const socket = this.#socket
    disown(socket)
    const stopping = new AbortController()
    if (this.#draining) stopping.abort()
    this.#mode = { kind: 'turned', stopping }
    turn
      .take({ socket, signal: stopping.signal })
      .catch((cause: unknown) => this.#host.fault(cause, this))
      .finally(() => {
        socket.destroy()
        this.gone()
      })
  }

  // TLS

  #answerStartTls(ready: Reply | undefined): void {
    // RFC 3207 §4.2, CVE-2011-0411: what was sent in the clear must not be taken for what comes encrypted.
    if (this.#pending) {
      this.refuse(replies.textAfterStartTls)
      return
    }
    let secureContext: SecureContext
    try {
      secureContext = this.#host.secureContext()
    } catch (cause) {
      this.#host.fault(cause, this)
      this.#say(replies.tlsUnavailable)
      return
    }
    if (ready) this.#say(ready)
    this.#startTls(secureContext)
  }

  #startTls(secureContext: SecureContext): void {
    this.#output.flush()
    const plain = this.#socket
    this.#mode = beginHandshake(plain, this.#pending)
    this.#pending = undefined
    const secure = this.#host.secure(plain, secureContext, this.#role)
    this.#adopt(secure)
    tellWhenSecured(secure)
  }

  secured(secure: TLSSocket): void {
    const tls = this.#host.tlsFacts(secure, this.#role)
    if (this.session) {
      this.session.enterTls(tls)
      this.#mode = commands
    } else {
      this.#mode = waiting
      this.#openSession(tls)
    }
    this.#extendDeadline()
  }

  // Output

  #say(reply: Reply): void {
    this.#host.noteDialogue?.('server', formatStatus(reply), this)
    this.#output.add(reply)
  }

  drained(): void {
    this.#output.drained()
    this.#run()
  }

  #pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#socket.pause()
  }

  #resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#socket.resume()
  }
}

/** What is read away of a message that is refused anyway; beyond it the connection is closed. */
export function maxWastedBytes({ limits }: SessionContext): number {
  return 2 * limits.maxMessageBytes + 1024 * 1024
}

function sayGreeting(connection: Connection): void {
  guard(connection, () => connection.sayGreeting())
}

/** The words of a reply may repeat what the client said, so the log has its codes only. */
function formatStatus({ code, enhanced }: Reply): string {
  return enhanced === undefined ? `${code}` : `${code} ${enhanced}`
}

function tlsOnPlainPort({ hostname, hasTls, tlsPorts }: SessionContext): Reply {
  const ports = tlsPorts().map(port => `port ${port}`)
  return replies.tlsOnPlainPort(hostname, hasTls ? ['STARTTLS', ...ports] : ports)
}
