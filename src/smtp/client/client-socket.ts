// The client's end of a connection: commands out, replies in, each with its deadline.
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import {
  type CertificateProblem,
  describeCertificateError,
  judgeCertificate,
  tlsOptions,
} from '../../connection/server-certificate.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import { UsageFault } from '../../runtime/fault.ts'
import { describeNetworkError } from '../../runtime/network-error.ts'
import type { Reply } from '../reply.ts'
import type { ClientFailureFacts, ClientStage, SmtpClientOptions } from './contract.ts'
import { ReplyReader } from './reply-reader.ts'
import { SmtpClientFailure } from './smtp-client-failure.ts'

interface Waiting {
  readonly stage: ClientStage
  readonly timer: Timer
  readonly resolve: (reply: Reply) => void
  readonly reject: (failure: SmtpClientFailure) => void
}

export class ClientSocket {
  #socket: Socket
  readonly #host: string
  readonly #clock: Clock
  readonly #onDialogue: ((line: string) => void) | undefined
  #reader = new ReplyReader()
  #arrived: Reply[] = []
  #waiting: Waiting | undefined
  #failure: SmtpClientFailure | undefined
  #stage: ClientStage = 'connect'
  #replyListener: (() => void) | undefined
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string

  private constructor(socket: Socket, options: SmtpClientOptions, clock: Clock) {
    this.#host = options.host
    this.#clock = clock
    this.#onDialogue = options.onDialogue
    this.remoteAddress = socket.remoteAddress ?? (options.path === undefined ? '' : `unix:${options.path}`)
    this.remotePort = socket.remotePort ?? options.port ?? 0
    this.localAddress = socket.localAddress ?? ''
    this.#socket = socket
    this.#listen(socket)
  }

  static async open(options: SmtpClientOptions, clock: Clock, timeoutMs: number): Promise<ClientSocket> {
    return new ClientSocket(await openSocket(options, clock, timeoutMs), options, clock)
  }

  /** Takes a socket over that is connected, and that nobody else listens to. */
  static over(socket: Socket, options: SmtpClientOptions, clock: Clock): ClientSocket {
    const over = new ClientSocket(socket, options, clock)
    // A server's end stays half open when the peer has closed its own: there is nothing left to wait for.
    socket.on('end', () => socket.destroy())
    socket.resume()
    return over
  }

  get failure(): SmtpClientFailure | undefined {
    return this.#failure
  }

  /** A reply, or the end of the connection, has come before anybody asked. */
  get hasNews(): boolean {
    return this.#arrived.length > 0 || this.#failure !== undefined
  }

  /** Nothing is under way: what happens from now on happens to the next MAIL. */
  rest(): void {
    this.#stage = 'mail'
  }

  /** Sends a line; `shown` stands in the dialogue instead of it. Throws a UsageFault when it would be more than one. */
  sendLine(line: string, shown = line): void {
    assertOneLine(line, shown)
    this.#onDialogue?.(`C: ${shown}`)
    this.#socket.write(`${line}\r\n`)
  }

  sendLines(lines: readonly string[]): void {
    for (const line of lines) assertOneLine(line, line)
    if (this.#onDialogue) for (const line of lines) this.#onDialogue(`C: ${line}`)
    this.#socket.write(`${lines.join('\r\n')}\r\n`)
  }

  note(text: string): void {
    this.#onDialogue?.(`C: (${text})`)
  }

  /** False: wait for `drained` before sending more. */
  sendBytes(bytes: Uint8Array | string): boolean {
    return this.#socket.write(bytes)
  }

  cork(): void {
    this.#socket.cork()
  }

  uncork(): void {
    this.#socket.uncork()
  }

  /** Resolves when the peer has taken what was sent, or has something to say, or has gone. Never rejects. */
  drained(timeoutMs: number): Promise<void> {
    return new Promise(resolve => {
      const timer = this.#clock.after(timeoutMs, () => {
        this.#fail({
          stage: this.#stage,
          kind: 'timeout',
          detail: `${this.#host} stopped taking data for ${timeoutMs / 1000} s`,
        })
        finish()
      })
      const finish = (): void => {
        timer.cancel()
        this.#replyListener = undefined
        this.#socket.off('drain', finish)
        resolve()
      }
      this.#replyListener = finish
      this.#socket.on('drain', finish)
      if (this.hasNews) finish()
    })
  }

  /** The next reply. Rejects with SmtpClientFailure. */
  readReply(stage: ClientStage, timeoutMs: number): Promise<Reply> {
    this.#stage = stage
    const arrived = this.#arrived.shift()
    if (arrived) return Promise.resolve(arrived)
    if (this.#failure) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(timeoutMs, () => {
        this.#fail({
          stage,
          kind: 'timeout',
          detail: `${this.#host} did not answer within ${timeoutMs / 1000} s`,
        })
      })
      this.#waiting = { stage, timer, resolve, reject }
    })
  }

  /** Throws SmtpClientFailure when more has come than what was asked for: it would be taken for what is asked for next. */
  assertQuiet(after: string): void {
    if (this.#failure) throw this.#failure
    if (this.#arrived.length === 0 && !this.#reader.isInTheMiddle) return
    this.#fail({
      stage: 'tls',
      kind: 'protocol',
      detail: `${this.#host} sent plain text after ${after}`,
    })
    throw this.#failure ?? new Error('unreachable')
  }

  /** Starts TLS on the connection (RFC 3207). Rejects with SmtpClientFailure. */
  async secure(options: SmtpClientOptions, timeoutMs: number): Promise<TLSSocket> {
    this.#stage = 'tls'
    const plain = this.#socket
    // Whoever sent something along with the 220 wants it to be taken for an encrypted reply (CVE-2011-0411's other side).
    this.assertQuiet('its answer to STARTTLS')
    this.#unlisten(plain)
    plain.on('error', () => plain.destroy())
    const secure = connectTls({ socket: plain, ...tlsOptions(options) })
    try {
      await waitForHandshake(secure, options, this.#clock, timeoutMs)
    } catch (cause) {
      secure.destroy()
      this.#failure ??= cause instanceof SmtpClientFailure ? cause : undefined
      throw cause
    }
    this.#reader = new ReplyReader()
    this.#socket = secure
    this.#listen(secure)
    return secure
  }

  /** Lets go of the socket, which nobody listens to then and which is paused. Throws when something came unasked. */
  release(): Socket {
    if (this.hasNews || this.#reader.isInTheMiddle) {
      this.#fail({
        stage: this.#stage,
        kind: 'protocol',
        detail: `${this.#host} went on talking when it was to listen`,
      })
      throw this.#failure ?? new Error('unreachable')
    }
    this.#socket.pause()
    this.#unlisten(this.#socket)
    return this.#socket
  }

  get socket(): Socket {
    return this.#socket
  }

  close(): void {
    this.#socket.destroy()
  }

  #listen(socket: Socket): void {
    socket.setNoDelay(true)
    socket.on('data', this.#take)
    socket.on('error', this.#broken)
    socket.on('close', this.#closed)
  }

  #unlisten(socket: Socket): void {
    socket.off('data', this.#take)
    socket.off('error', this.#broken)
    socket.off('close', this.#closed)
  }

  readonly #take = (chunk: Buffer): void => {
    for (const reply of this.#reader.take(chunk)) {
      if (reply === 'malformed') {
        this.#fail({
          stage: this.#stage,
          kind: 'protocol',
          detail: `${this.#host} does not speak SMTP: ${printable(chunk)}`,
        })
        return
      }
      if (this.#onDialogue) showReply(reply, this.#onDialogue)
      this.#deliver(reply)
    }
  }

  #deliver(reply: Reply): void {
    const waiting = this.#waiting
    if (!waiting) {
      this.#arrived.push(reply)
      this.#replyListener?.()
      return
    }
    this.#waiting = undefined
    waiting.timer.cancel()
    waiting.resolve(reply)
  }

  readonly #broken = (cause: Error): void => {
    this.#fail({
      stage: this.#stage,
      kind: 'closed',
      detail: `the connection to ${this.#host} broke: ${describeNetworkError(cause)}`,
    })
  }

  readonly #closed = (): void => {
    this.#fail({ stage: this.#stage, kind: 'closed', detail: `${this.#host} closed the connection` })
  }

  #fail(facts: ClientFailureFacts): void {
    this.#failure ??= new SmtpClientFailure(facts)
    const failure = this.#failure
    this.#socket.destroy()
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.timer.cancel()
    waiting?.reject(failure)
    this.#replyListener?.()
  }
}

function openSocket(options: SmtpClientOptions, clock: Clock, timeoutMs: number): Promise<Socket> {
  const { path, address = options.host, port = 0 } = options
  const where = path ?? `${address}:${port}`
  const target =
    path === undefined
      ? {
          host: address,
          port,
          ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
        }
      : { path }
  const implicit = options.tls === 'implicit'
  return new Promise((resolve, reject) => {
    const socket = implicit ? connectTls({ ...target, ...tlsOptions(options) }) : connectTcp(target)
    let connected = false
    const finish = (settle: () => void): void => {
      timer.cancel()
      socket.off('error', onError)
      settle()
    }
    const refuse = (facts: Omit<ClientFailureFacts, 'stage'>, cause?: Error): void => {
      finish(() => {
        socket.on('error', () => {}) // it is given up: whatever else it has to say interests nobody
        socket.destroy()
        reject(new SmtpClientFailure({ stage: connected ? 'tls' : 'connect', ...facts }, { cause }))
      })
    }
    const timer = clock.after(timeoutMs, () =>
      refuse({ kind: 'timeout', detail: `connecting to ${where} took longer than ${timeoutMs / 1000} s` }),
    )
    const onError = (cause: NodeJS.ErrnoException): void => {
      if (connected)
        refuse(
          {
            kind: 'tls',
            detail: `no TLS with ${where}: ${describeNetworkError(cause)}`,
            certificate: describeCertificateError(cause),
          },
          cause,
        )
      else
        refuse(
          {
            kind: connectFailureKind(cause),
            detail: `no connection to ${where}: ${describeNetworkError(cause)}`,
          },
          cause,
        )
    }
    socket.on('error', onError)
    socket.on('connect', () => {
      connected = true
      if (!implicit) finish(() => resolve(socket))
    })
    if (implicit) {
      socket.on('secureConnect', () => {
        const problem = problemByCaller(socket as TLSSocket, options)
        if (problem)
          refuse({ kind: 'tls', detail: `no TLS with ${where}: ${problem.detail}`, certificate: problem })
        else finish(() => resolve(socket))
      })
    }
  })
}

function connectFailureKind({ code }: NodeJS.ErrnoException): ClientFailureFacts['kind'] {
  // ENOENT: of a UNIX socket that nobody has opened.
  if (code === 'ECONNREFUSED' || code === 'ENOENT') return 'refused-connection'
  return code === 'ETIMEDOUT' ? 'timeout' : 'unreachable'
}

function waitForHandshake(
  socket: TLSSocket,
  options: SmtpClientOptions,
  clock: Clock,
  timeoutMs: number,
): Promise<void> {
  const { host } = options
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      timer.cancel()
      socket.off('error', onError)
      socket.off('close', onClose)
      settle()
    }
    const refuse = (detail: string, certificate?: CertificateProblem): void =>
      finish(() => {
        socket.on('error', () => {}) // as above
        reject(new SmtpClientFailure({ stage: 'tls', kind: 'tls', detail, certificate }))
      })
    const timer = clock.after(timeoutMs, () =>
      refuse(`the TLS handshake with ${host} took longer than ${timeoutMs / 1000} s`),
    )
    const onError = (cause: Error): void =>
      refuse(`no TLS with ${host}: ${describeNetworkError(cause)}`, describeCertificateError(cause))
    const onClose = (): void => refuse(`${host} closed the connection during the TLS handshake`)
    socket.on('error', onError)
    socket.on('close', onClose)
    socket.on('secureConnect', () => {
      const problem = problemByCaller(socket, options)
      if (problem) refuse(`no TLS with ${host}: ${problem.detail}`, problem)
      else finish(resolve)
    })
  })
}

/** The usual check is done by then; another one has nobody else who would refuse. */
function problemByCaller(socket: TLSSocket, options: SmtpClientOptions): CertificateProblem | undefined {
  return options.verifyChain && options.verifyCertificate
    ? judgeCertificate(socket, options).problem
    : undefined
}

function showReply({ code, enhanced, lines }: Reply, show: (line: string) => void): void {
  for (const [index, line] of lines.entries()) {
    const separator = index === lines.length - 1 ? ' ' : '-'
    show(`S: ${code}${separator}${enhanced === undefined ? '' : `${enhanced} `}${line}`)
  }
}

function printable(chunk: Buffer): string {
  return JSON.stringify(chunk.toString('latin1', 0, 80))
}

/** What the caller gives goes into lines as it is: none of it may be a command of its own, or a message. */
function assertOneLine(line: string, shown: string): void {
  if (!/[\r\n\0]/.test(line)) return
  throw new UsageFault(
    'SMTP_LINE_BROKEN',
    `A command has to be one line, and this one would hold CR, LF or NUL: ${JSON.stringify(shown)}. Correct helloName, the address or the parameter that has it.`,
  )
}
