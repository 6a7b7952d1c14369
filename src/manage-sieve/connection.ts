// One connection of ManageSieve: it owns the bytes, the deadlines and the handshake; the session owns the protocol.
import type { Socket } from 'node:net'
import type { SecureContext, TLSSocket } from 'node:tls'
import { isLoopback, plainAddress } from '../address/networks.ts'
import type { Admission, KeptConnection } from '../connection/connection-keeper.ts'
import type { Door } from '../connection/door.ts'
import {
  disown,
  guard,
  own,
  type SocketOwner,
  tellWhenDrained,
  tellWhenSecured,
} from '../connection/owned-socket.ts'
import { Peer } from '../connection/peer.ts'
import type { TlsFacts } from '../connection/tls-facts.ts'
import { describeTlsFailure, peerHasGone, type TlsFailure } from '../connection/tls-failure.ts'
import { defaultLimits } from '../sieve/limits.ts'
import { CommandReader } from './command-reader.ts'
import { formatResponse, type Response } from './response.ts'
import { responses } from './responses.ts'
import type { ListenerRole, TurnedAway } from './services.ts'
import { Session, type SessionContext, type Step } from './session.ts'

/** What the server gives its connections. */
export interface ConnectionHost {
  readonly context: SessionContext
  readonly timeouts: {
    /** From the beginning of the connection to the log-in. */
    readonly loginMs: number
    /** RFC 5804 §1.2: 30 minutes at least, once it has. */
    readonly idleMs: number
  }
  now(): number
  /** A connection's deadline has been set. */
  expectDeadline(at: number): void
  nextSessionId(): string
  /** Throws when the certificate cannot be used. */
  secureContext(): SecureContext
  /** The server's end of TLS on this socket. */
  secure(socket: Socket, secureContext: SecureContext): TLSSocket
  tlsFacts(secure: TLSSocket): TlsFacts
  admit(remoteAddress: string, door: Door<ListenerRole>): Admission
  released(connection: Connection, counted: 'counted' | 'not-counted'): void
  note(message: string, connection: Connection): void
  /** An error of ours, without a session that it could be told to. */
  fault(cause: unknown, connection: Connection): void
}

/** More than a script, and all that a client says around it, needs no more room. */
const maxLineBytes = 16 * 1024
const maxSkippedBytes = 1024 * 1024
const maxBufferedBytes = 64 * 1024
/** How long a client has for closing its half after we closed ours. */
const closeWaitMs = 10_000
/** So long an answer may still take to whoever may not be here any more. */
const lastAnswerMs = 10_000

export class Connection implements SocketOwner, KeptConnection {
  readonly #host: ConnectionHost
  readonly #door: Door<ListenerRole>
  readonly #peer: Peer
  readonly #openedAt: number
  #socket: Socket
  session: Session | undefined
  readonly #reader: CommandReader
  /** 'busy': an answer is being found; 'blocked': the client does not take what was said. */
  #mode: 'proxy-header' | 'commands' | 'busy' | 'blocked' | 'handshake' | 'closed' = 'busy'
  /** While a PROXY header is expected. */
  #header: Buffer = Buffer.alloc(0)
  #isCounted = false
  #waitingBytes = 0
  #isPaused = false
  /** The client has closed its half; what came before is still served. */
  #inputEnded = false
  #isDraining = false
  #isLogInOver = false
  /** ms since 1970 */
  deadlineAt = 0

  constructor(host: ConnectionHost, door: Door<ListenerRole>, socket: Socket) {
    this.#host = host
    this.#door = door
    this.#socket = socket
    this.#peer = new Peer(door, socket)
    this.#openedAt = host.now()
    this.#reader = new CommandReader({
      maxLineBytes,
      maxLiteralBytes: maxLiteralBytes(host.context),
      maxSkippedBytes,
    })
  }

  get remoteAddress(): string {
    return this.#peer.address
  }

  // Beginning and end

  adopt(): void {
    own(this.#socket, this)
    this.#extendDeadline()
  }

  expectProxy(): void {
    this.#mode = 'proxy-header'
  }

  greet(): void {
    this.#isCounted = true
    const admission = this.#host.admit(this.remoteAddress, this.#door)
    if (admission.kind !== 'admitted') {
      this.#turnAway(refusalOf(admission))
      return
    }
    const socket = this.#socket
    const client = {
      sessionId: this.#host.nextSessionId(),
      role: this.#door.role,
      remoteAddress: this.remoteAddress,
      remotePort: this.#peer.port,
      localAddress: plainAddress(socket.localAddress ?? ''),
      localPort: socket.localPort ?? 0,
      connectedAt: this.#openedAt,
      loopback: !this.#peer.isUnknown && isLoopback(this.remoteAddress),
    }
    this.session = new Session(this.#host.context, client, () => this.#endLogIn())
    this.#apply(this.session.greet())
    this.#run()
  }

  refuseNewcomer(): void {
    this.#bid(responses.shuttingDown)
  }

  /** Refuses whoever has not got as far as a session. */
  #turnAway(response: Response): void {
    this.#noteTurnedAway({ response })
    this.#bid(response)
  }

  #noteTurnedAway(why: Pick<TurnedAway, 'response' | 'problem'>): void {
    try {
      const peer = { role: this.#door.role, remoteAddress: this.remoteAddress, ...why }
      this.#host.context.services.turnedAway?.(peer)
    } catch (cause) {
      this.#host.fault(cause, this)
    }
  }

  /** Ends when nothing is lost by that: between two commands. */
  drain(): void {
    this.#isDraining = true
    if (this.#mode === 'commands' || this.#mode === 'blocked') this.#bid(responses.shuttingDown)
    else if (this.#mode === 'handshake' || this.#mode === 'proxy-header') this.#socket.destroy()
  }

  cut(): void {
    if (this.#mode === 'commands' || this.#mode === 'blocked' || this.#mode === 'busy')
      this.#bid(responses.shuttingDown)
    this.#socket.destroy()
  }

  cutFor(cause: unknown): void {
    this.#mode = 'closed'
    this.deadlineAt = Number.POSITIVE_INFINITY
    this.#socket.destroy()
    this.#host.fault(cause, this)
  }

  #bid(farewell: Response): void {
    this.#write(formatResponse(farewell))
    this.#end()
  }

  /** The account, or what it came with, is not good any more. */
  #endLogIn(): void {
    if (this.#mode === 'closed') return
    this.#host.note('a session was ended: its log-in is not good any more', this)
    this.#setDeadline(this.#host.now() + lastAnswerMs)
    this.#isLogInOver = true
    guard(this, () => this.#run())
  }

  #end(): void {
    if (this.#mode === 'closed') return
    this.#mode = 'closed'
    this.session?.abandon()
    this.#reader.forget()
    this.#socket.end()
    this.#setDeadline(this.#host.now() + closeWaitMs)
    // What it still sends is read and thrown away, or a reset could overtake the answer.
    this.#resume()
  }

  gone(): void {
    this.#mode = 'closed'
    this.session?.abandon()
    this.#host.released(this, this.#isCounted ? 'counted' : 'not-counted')
  }

  ended(): void {
    this.#inputEnded = true
    if (this.#mode === 'handshake') {
      this.#noteTlsFailure(peerHasGone)
      this.#socket.destroy()
    } else if (this.#mode === 'proxy-header') this.#socket.destroy()
    else this.#run()
  }

  failed(cause: TlsFailure): void {
    if (this.#mode === 'handshake') this.#noteTlsFailure(cause)
    else if (this.#mode !== 'closed') this.#host.note(`connection failed: ${cause.message}`, this)
    this.#socket.destroy()
  }

  #noteTlsFailure(cause: TlsFailure): void {
    const problem = describeTlsFailure(cause, 'after-starttls')
    this.#host.note(problem, this)
    this.#noteTurnedAway({ problem })
  }

  fail(cause: unknown): void {
    this.#host.fault(cause, this)
    if (this.#mode === 'handshake') this.#socket.destroy()
    else this.#bid(responses.fault)
  }

  // Deadlines

  #extendDeadline(): void {
    if (this.#isLogInOver) return
    const { loginMs, idleMs } = this.#host.timeouts
    const isLoggedIn = this.session?.isLoggedIn
    this.#setDeadline(isLoggedIn ? this.#host.now() + idleMs : this.#openedAt + loginMs)
  }

  #setDeadline(at: number): void {
    this.deadlineAt = at
    this.#host.expectDeadline(at)
  }

  /** The deadline has passed. While it is us who are slow, the client is not to blame. */
  expire(): void {
    if (this.#mode === 'busy' && !this.#isLogInOver)
      this.#setDeadline(this.#host.now() + this.#host.timeouts.loginMs)
    else if (this.#mode === 'commands')
      this.#bid(this.session?.isLoggedIn ? responses.timedOut : responses.loginTooLate)
    else this.#socket.destroy()
  }

  // Bytes

  take(bytes: Buffer): void {
    if (this.#mode === 'closed') return
    if (this.#mode === 'proxy-header') {
      this.#readProxyHeader(bytes)
      return
    }
    // The bytes of a command do not move the deadline, or a client that sends one a minute could keep its place for ever.
    this.#reader.take(bytes)
    this.#waitingBytes += bytes.length
    this.#run()
  }

  #readProxyHeader(bytes: Buffer): void {
    this.#header = Buffer.concat([this.#header, bytes])
    const length = this.#peer.readProxyHeader(this.#header)
    if (length === 'incomplete') return
    if (length === 'malformed') {
      this.#host.note('no PROXY header where one has to be', this)
      this.#socket.destroy()
      return
    }
    const rest = this.#header.subarray(length)
    this.#header = Buffer.alloc(0)
    this.#mode = 'busy'
    this.greet()
    if (rest.length > 0) this.take(rest)
  }

  /** Goes on until the bytes are used up or something has to be waited for. */
  #run(): void {
    if (this.#isLogInOver && this.#mode === 'commands') {
      this.#bid(responses.logInEnded)
      return
    }
    while (this.#mode === 'commands') {
      const read = this.#reader.read()
      if (!read) break
      const step = this.session?.take(read)
      if (step instanceof Promise) this.#wait(step)
      else if (step) this.#apply(step)
    }
    if (this.#mode === 'commands') {
      this.#waitingBytes = 0
      this.#resume()
      // What is left is no whole command, and never will be.
      if (this.#inputEnded) this.#end()
    } else if (this.#mode !== 'closed' && this.#waitingBytes > maxBufferedBytes) this.#pause()
  }

  #wait(step: Promise<Step>): void {
    this.#mode = 'busy'
    step
      .then(outcome => {
        if (this.#mode === 'closed') return
        this.#apply(outcome)
        this.#run()
      })
      .catch((cause: unknown) => this.fail(cause))
  }

  #apply({ output, effect }: Step): void {
    if (effect === 'start-tls') {
      this.#startTls(output)
      return
    }
    this.#mode = 'commands'
    this.#write(output)
    if (effect === 'close') this.#end()
    else if (this.#isDraining) this.#bid(responses.shuttingDown)
    else this.#extendDeadline()
  }

  #write(bytes: Buffer): void {
    if (this.#socket.write(bytes) || this.#mode === 'closed') return
    // A client that does not take its answers gets no more of them.
    this.#mode = 'blocked'
    tellWhenDrained(this.#socket)
  }

  drained(): void {
    if (this.#mode !== 'blocked') return
    this.#mode = 'commands'
    this.#extendDeadline()
    this.#run()
  }

  // TLS

  #startTls(ready: Buffer): void {
    // CVE-2011-0411: what was sent in the clear must not be taken for what comes encrypted.
    if (this.#reader.hasPending) {
      this.#bid(responses.textAfterStartTls)
      return
    }
    let secureContext: SecureContext
    try {
      secureContext = this.#host.secureContext()
    } catch (cause) {
      this.#host.fault(cause, this)
      this.#apply({ output: formatResponse(responses.tlsUnavailable) })
      return
    }
    const plain = this.#socket
    plain.write(ready)
    disown(plain)
    this.#mode = 'handshake'
    const secure = this.#host.secure(plain, secureContext)
    this.#socket = secure
    own(secure, this)
    tellWhenSecured(secure)
  }

  secured(secure: TLSSocket): void {
    const step = this.session?.enterTls(this.#host.tlsFacts(secure))
    if (step) this.#apply(step)
    this.#run()
  }

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

function refusalOf(admission: Exclude<Admission, { kind: 'admitted' }>): Response {
  switch (admission.kind) {
    case 'not-your-door':
      return responses.notYourDoor
    case 'too-many':
      return responses.tooManyConnections
    case 'too-many-of-yours':
      return responses.tooManyConnectionsFromYou(admission.host)
    default:
      return admission satisfies never
  }
}

/** A script, and a name beside it. */
function maxLiteralBytes({ limits }: SessionContext): number {
  return (limits.sieve ?? defaultLimits).maxScriptBytes + 1024
}
