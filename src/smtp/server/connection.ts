// One connection: it owns the bytes, the line limits, the deadlines and the handshake; the session owns the protocol.
//
// Ten thousand of these may idle at once, so an idle one holds no buffer, no timer and no closure: the handlers are
// functions of the module that find the connection on its socket, and one sweep for all looks at the deadlines.
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { plainAddress } from '../../address/networks.ts'
import { replies } from '../replies.ts'
import { formatReply, type Reply } from '../reply.ts'
import { maxAuthLineBytes } from './commands/auth.ts'
import type { MailFlow } from './mail-flow.ts'
import { type ProxiedPeer, parseProxyHeader } from './proxy-protocol.ts'
import type { ListenerRole, MaybePromise, TlsFacts } from './services.ts'
import { createClient, Session, type SessionContext } from './session.ts'
import type { Effect, Step } from './session-state.ts'
import { DataReader } from './text-machine.ts'

/** What the server gives its connections. */
export interface ConnectionHost {
  readonly context: SessionContext
  readonly greeting: string
  now(): number
  nextSessionId(): string
  /** Wraps the server's end of a socket in TLS. */
  secure(socket: Socket): TLSSocket
  /** Counts the peer's connections; a Reply refuses this one. */
  admit(remoteAddress: string): Reply | undefined
  /** `admitted`: it was counted. */
  released(connection: Connection, admitted: boolean): void
  debug(message: string, connection: Connection, detail: string): void
}

type Mode =
  | { readonly kind: 'proxy-header' }
  /** A service is asked, or the greeting has not gone out. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'commands' }
  /** The rest of a line that is too long is read away. */
  | { readonly kind: 'long-line'; skipped: number }
  | { readonly kind: 'data'; readonly reader: DataReader; readonly flow: MailFlow }
  | {
      readonly kind: 'chunk'
      left: number
      readonly size: number
      readonly last: boolean
      readonly flow: MailFlow | undefined
      readonly refusal: Reply | undefined
    }
  | { readonly kind: 'handshake' }
  | { readonly kind: 'closed' }

const proxyHeader: Mode = { kind: 'proxy-header' }
const waiting: Mode = { kind: 'waiting' }
const commands: Mode = { kind: 'commands' }
const handshake: Mode = { kind: 'handshake' }
const closed: Mode = { kind: 'closed' }

const lf = 0x0a
const cr = 0x0d
/** The first byte of a TLS record with a handshake in it (RFC 8446 §5.1). */
const tlsHandshakeRecord = 0x16
const maxSkippedBytes = 1024 * 1024
/** Beyond this a peer that does not wait for replies is made to wait. */
const maxBufferedBytes = 64 * 1024
/** A peer that sends but does not read its replies. */
const maxUnreadReplyBytes = 256 * 1024

const connectionOf: unique symbol = Symbol('connection')
type OwnedSocket = Socket & { [connectionOf]?: Connection }

export class Connection {
  readonly #host: ConnectionHost
  readonly #role: ListenerRole
  #socket: OwnedSocket
  session: Session | undefined
  #mode: Mode = waiting
  /** Bytes that came and have not been looked at. */
  #pending: Buffer | undefined
  #output = ''
  #flushing = false
  #paused = false
  #draining = false
  #admitted = false
  remoteAddress: string
  #remotePort: number
  /** When the peer will have been silent for too long; ms since 1970. */
  deadlineAt = 0
  readonly openedAt: number

  constructor(host: ConnectionHost, role: ListenerRole, socket: Socket) {
    this.#host = host
    this.#role = role
    this.#socket = socket
    this.openedAt = host.now()
    this.remoteAddress = plainAddress(socket.remoteAddress ?? '')
    this.#remotePort = socket.remotePort ?? 0
  }

  /** Takes the socket over; then `greet`, `expectProxy` or `refuse` says how it goes on. */
  adopt(): void {
    this.#adopt(this.#socket)
    this.#extendDeadline()
  }

  /** The peer is a balancer, and says first whom it speaks for. */
  expectProxy(): void {
    this.#mode = proxyHeader
  }

  /** Between transactions nothing is lost by closing. */
  get isBetweenTransactions(): boolean {
    const phase = this.session?.state.phase
    return phase === undefined || phase === 'greeted' || phase === 'ready' || phase === 'authenticating'
  }

  /** No new transactions: 421 at once between them, else after the one that is open (RFC 5321 §3.8). */
  drain(): void {
    this.#draining = true
    if (this.isBetweenTransactions && this.#mode !== waiting)
      this.refuse(replies.shuttingDown(this.#host.context.hostname))
  }

  /** Says why, and closes. */
  refuse(reply: Reply): void {
    this.#say(reply)
    this.#end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  // Life

  #adopt(socket: OwnedSocket): void {
    this.#socket = socket
    socket[connectionOf] = this
    socket.on('data', onData)
    socket.on('error', onError)
    socket.on('close', onClose)
    socket.on('end', onEnd)
  }

  #disown(socket: OwnedSocket): void {
    socket.off('data', onData)
    socket.off('error', onError)
    socket.off('close', onClose)
    socket.off('end', onEnd)
  }

  greet(): void {
    this.#admitted = true
    const refusal = this.#host.admit(this.remoteAddress)
    if (refusal) {
      this.refuse(refusal)
      return
    }
    if (this.#role === 'submissions') this.#startTls()
    else this.#greet(undefined)
  }

  #greet(tls: TlsFacts | undefined): void {
    const { context } = this.#host
    const socket = this.#socket
    this.session = new Session(
      context,
      createClient(context, {
        sessionId: this.#host.nextSessionId(),
        role: this.#role,
        remoteAddress: this.remoteAddress,
        remotePort: this.#remotePort,
        localAddress: plainAddress(socket.localAddress ?? ''),
        localPort: socket.localPort ?? 0,
        connectedAt: this.openedAt,
        ...(tls ? { tls } : {}),
      }),
    )
    const decide = (refusal: Reply | undefined): void => {
      if (this.#mode === closed) return
      if (refusal) {
        this.refuse(refusal)
        return
      }
      // RFC 5321 §3.1, §4.3.1: the client waits for the greeting.
      if (this.#pending) {
        this.refuse(replies.talksTooEarly)
        return
      }
      this.#say(replies.greeting(context.hostname, this.#host.greeting))
      this.#mode = commands
      this.#flush()
    }
    const { client } = this.session
    try {
      const refusal = context.services.connect?.(client)
      if (refusal instanceof Promise) refusal.then(decide, (cause: unknown) => this.#fail(cause))
      else decide(refusal)
    } catch (cause) {
      this.#fail(cause)
    }
  }

  #fail(cause: unknown): void {
    if (this.session) this.#host.context.fault(cause, this.session.client)
    this.refuse(replies.fault(this.#host.context.hostname))
  }

  #end(): void {
    this.#mode = closed
    this.#pending = undefined
    this.#flush()
    this.#socket.end()
    // The peer may never close its half: the deadline does it then.
    this.deadlineAt = Math.min(this.deadlineAt, this.#host.now() + closeWaitMs)
    // What it still sends is read and thrown away, or a reset could overtake the reply.
    this.#resume()
  }

  gone(): void {
    this.#mode = closed
    this.#pending = undefined
    this.session?.abandon()
    this.#host.released(this, this.#admitted)
  }

  /** The peer has sent everything it will send. */
  ended(): void {
    if (this.#mode !== closed) this.#end()
  }

  failed(cause: Error): void {
    this.#host.debug('connection failed', this, cause.message)
    this.#socket.destroy()
  }

  // Deadlines

  #extendDeadline(): void {
    const { limits } = this.#host.context
    const now = this.#host.now()
    const wait =
      this.#mode.kind === 'data' || this.#mode.kind === 'chunk'
        ? limits.dataBlockTimeoutMs
        : limits.commandTimeoutMs
    this.deadlineAt = Math.min(now + wait, this.openedAt + limits.sessionTimeoutMs)
  }

  /** Called by the server's sweep when `deadlineAt` has passed. */
  expire(): void {
    if (this.#mode === closed || this.#mode === handshake) {
      this.#socket.destroy()
      return
    }
    // It is us who are slow.
    if (this.#mode === waiting) {
      this.#extendDeadline()
      return
    }
    this.refuse(replies.timedOut(this.#host.context.hostname))
  }

  // Bytes

  take(chunk: Buffer): void {
    if (this.#mode === closed) return
    this.#extendDeadline()
    this.#pending = this.#pending ? Buffer.concat([this.#pending, chunk]) : chunk
    this.#run()
  }

  /** Goes on until the bytes are used up or something has to be waited for. */
  #run(): void {
    while (this.#pending && this.#readSome(this.#pending));
    if (this.#mode === waiting) {
      if ((this.#pending?.length ?? 0) > maxBufferedBytes) this.#pause()
    } else {
      this.#resume()
      this.#flush()
    }
  }

  /** False when nothing can be done with the bytes now. */
  #readSome(bytes: Buffer): boolean {
    const mode = this.#mode
    switch (mode.kind) {
      case 'commands':
        return this.#readLine(bytes)
      case 'data':
        return this.#readData(bytes, mode)
      case 'chunk':
        return this.#readChunk(bytes, mode)
      case 'long-line':
        return this.#skipLine(bytes, mode)
      case 'proxy-header':
        return this.#readProxyHeader(bytes)
      case 'waiting':
      case 'handshake':
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
    const { context } = this.#host
    const authenticating = session.state.phase === 'authenticating'
    const end = bytes.indexOf(lf)
    const length = end < 0 ? bytes.length : end + 1
    const isFirst = bytes[0] === tlsHandshakeRecord && session.state.phase === 'greeted' && bytes[1] === 0x03
    if (isFirst) {
      this.refuse(replies.tlsOnPlainPort)
      return false
    }
    if (length > context.limits.maxCommandLineBytes) {
      const limit = authenticating || isAuth(bytes) ? maxAuthLineBytes : context.limits.maxCommandLineBytes
      if (length > limit) {
        this.#say(replies.lineTooLong(limit))
        this.#mode = { kind: 'long-line', skipped: 0 }
        return true
      }
    }
    if (end < 0) return false
    this.#keep(bytes, end + 1)
    if (end === 0 || bytes[end - 1] !== cr) {
      this.#apply({ reply: replies.bareLineFeed, next: session.state })
      return true
    }
    this.#follow(session.step(bytes.subarray(0, end - 1)))
    return true
  }

  #skipLine(bytes: Buffer, mode: Extract<Mode, { kind: 'long-line' }>): boolean {
    const end = bytes.indexOf(lf)
    mode.skipped += bytes.length
    this.#keep(bytes, end < 0 ? bytes.length : end + 1)
    if (end >= 0) this.#mode = commands
    else if (mode.skipped > maxSkippedBytes) this.refuse(replies.tooManyErrors)
    return end >= 0
  }

  #readData(bytes: Buffer, mode: Extract<Mode, { kind: 'data' }>): boolean {
    let written: Promise<void> | undefined
    const end = mode.reader.read(bytes, piece => {
      const now = mode.flow.write(piece)
      if (now) written = written ? both(written, now) : now
    })
    this.#keep(bytes, end < 0 ? bytes.length : end)
    const goOn = (): void => {
      if (end >= 0) this.#finishData()
      else if (mode.flow.isHopeless) this.refuse(mode.flow.problem ?? replies.localError)
      else this.#mode = mode
    }
    if (written) this.#wait(written, goOn)
    else goOn()
    return true
  }

  #finishData(): void {
    if (this.session) this.#follow(this.session.endOfData())
  }

  #readChunk(bytes: Buffer, mode: Extract<Mode, { kind: 'chunk' }>): boolean {
    const piece = bytes.subarray(0, mode.left)
    mode.left -= piece.length
    this.#keep(bytes, piece.length)
    const written = mode.flow?.write(piece)
    const goOn = (): void => {
      if (mode.left > 0) {
        this.#mode = mode
        if (mode.flow?.isHopeless) this.refuse(mode.flow.problem ?? replies.localError)
      } else this.#finishChunk(mode)
    }
    if (written) this.#wait(written, goOn)
    else goOn()
    return true
  }

  #finishChunk({ refusal, size, last }: Extract<Mode, { kind: 'chunk' }>): void {
    const { session } = this
    if (!session) return
    if (refusal) this.#apply({ reply: refusal, next: session.state })
    else this.#follow(session.endOfChunk(size, last))
  }

  #readProxyHeader(bytes: Buffer): boolean {
    const header = parseProxyHeader(bytes)
    if (header.kind === 'incomplete') return false
    if (header.kind === 'malformed') {
      this.#host.debug('no PROXY header where one has to be', this, '')
      this.#socket.destroy()
      return false
    }
    this.#keep(bytes, header.length)
    this.#mode = waiting
    if (header.peer) this.#speakFor(header.peer)
    this.greet()
    return true
  }

  #speakFor(peer: ProxiedPeer): void {
    this.remoteAddress = plainAddress(peer.address)
    this.#remotePort = peer.port
  }

  // Steps

  #follow(step: MaybePromise<Step>): void {
    if (!(step instanceof Promise)) {
      this.#apply(step)
      return
    }
    this.#mode = waiting
    void step.then(outcome => {
      if (this.#mode === closed) return
      this.#mode = commands
      this.#extendDeadline()
      this.#apply(outcome)
      this.#run()
    })
  }

  #wait(written: Promise<void>, goOn: () => void): void {
    this.#mode = waiting
    // Not a byte more until these are where they belong: that is what keeps memory flat.
    this.#pause()
    void written.then(() => {
      if (this.#mode === closed) return
      this.#extendDeadline()
      goOn()
      this.#run()
    })
  }

  #apply(step: Step): void {
    if (step.reply) this.#say(step.reply)
    this.#mode = commands
    if (step.effect) this.#perform(step.effect)
    else if (this.#draining && this.isBetweenTransactions)
      this.refuse(replies.shuttingDown(this.#host.context.hostname))
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case 'close':
        this.#end()
        break
      case 'start-tls':
        // RFC 3207 §4.2, CVE-2011-0411: what was sent in the clear must not be taken for what comes encrypted.
        if (this.#pending) {
          this.#output = ''
          this.refuse(replies.talksTooEarly)
        } else this.#startTls()
        break
      case 'read-data':
        this.#mode = { kind: 'data', reader: new DataReader(), flow: effect.flow }
        break
      case 'read-chunk': {
        const { size, last, flow, refusal } = effect
        const mode: Mode = { kind: 'chunk', left: size, size, last, flow, refusal }
        this.#mode = mode
        if (size === 0) this.#finishChunk(mode)
        // So many octets to be thrown away are not worth the time.
        else if (!flow && size > 2 * this.#host.context.limits.maxMessageBytes)
          this.refuse(refusal ?? replies.localError)
        break
      }
      default:
        effect satisfies never
    }
  }

  #startTls(): void {
    this.#flush()
    const plain = this.#socket
    this.#disown(plain)
    plain.on('error', ignoreError)
    // What came along with a PROXY header is the start of the handshake.
    if (this.#pending) {
      plain.pause()
      plain.unshift(this.#pending)
      this.#pending = undefined
    }
    this.#mode = handshake
    const secure = this.#host.secure(plain)
    this.#adopt(secure)
    secure.once('secure', () => this.#secured(secure))
  }

  #secured(secure: TLSSocket): void {
    const serverName =
      typeof secure.servername === 'string' && secure.servername !== '' ? secure.servername : undefined
    const tls: TlsFacts = {
      protocol: secure.getProtocol() ?? '',
      cipher: secure.getCipher().standardName,
      ...(serverName === undefined ? {} : { serverName }),
    }
    this.#extendDeadline()
    if (!this.session) {
      this.#mode = waiting
      this.#greet(tls)
    } else {
      this.session.enterTls(tls)
      this.#mode = commands
    }
  }

  // Output

  #say(reply: Reply): void {
    this.#output += formatReply(reply)
    // Replies to pipelined commands go out together; at the latest in this turn of the event loop.
    if (!this.#flushing) {
      this.#flushing = true
      setImmediate(flushLater, this)
    }
  }

  flushNow(): void {
    this.#flushing = false
    this.#flush()
  }

  #flush(): void {
    if (this.#output === '') return
    const output = this.#output
    this.#output = ''
    this.#socket.write(output)
    if (this.#socket.writableLength > maxUnreadReplyBytes) this.#socket.destroy()
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

const closeWaitMs = 10_000

async function both(first: Promise<void>, second: Promise<void>): Promise<void> {
  await first
  await second
}

function isAuth(bytes: Buffer): boolean {
  return bytes.toString('latin1', 0, 5).toUpperCase() === 'AUTH '
}

function flushLater(connection: Connection): void {
  connection.flushNow()
}

function onData(this: OwnedSocket, chunk: Buffer): void {
  this[connectionOf]?.take(chunk)
}

function onError(this: OwnedSocket, cause: Error): void {
  this[connectionOf]?.failed(cause)
}

function onClose(this: OwnedSocket): void {
  this[connectionOf]?.gone()
}

function onEnd(this: OwnedSocket): void {
  this[connectionOf]?.ended()
}

function ignoreError(): void {
  // The TLS socket on top of it reports it.
}
