// Opens a connection to a server, up to the point where MAIL may be said: greeting, EHLO (in LMTP: LHLO), STARTTLS, AUTH.
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { judgeCertificate } from '../../connection/server-certificate.ts'
import { systemClock } from '../../runtime/clock.ts'
import { isPositive, type Reply } from '../reply.ts'
import { assertClientOptions, assertOverOptions } from './assert-options.ts'
import { ClientSocket } from './client-socket.ts'
import type {
  ClientFailureFacts,
  ClientStage,
  ConnectionTls,
  SmtpClientOptions,
  SmtpConnection,
  SmtpOverOptions,
} from './contract.ts'
import { type ClientTimeouts, OpenConnection } from './open-connection.ts'
import { SmtpClientFailure } from './smtp-client-failure.ts'

const minuteMs = 60_000
const defaultConnectTimeoutMs = 30_000
/** A server that has said 220 to STARTTLS is there. What keeps a handshake for longer is on the way, and does so each time. */
const handshakeTimeoutMs = minuteMs

/** RFC 5321 §4.5.3.2 */
const defaultTimeouts: ClientTimeouts = {
  commandMs: 5 * minuteMs,
  dataStartMs: 2 * minuteMs,
  dataBlockMs: 3 * minuteMs,
  dataEndMs: 10 * minuteMs,
}

/** Rejects with SmtpClientFailure; with a UsageFault, before a socket is open, when the options will not do. */
export async function connectSmtp(options: SmtpClientOptions): Promise<SmtpConnection> {
  return (await connectAndIntroduce(options)).connection
}

export interface Introduced {
  readonly connection: SmtpConnection
  readonly socket: ClientSocket
}

/** With the socket, for who wants it for something else than sending. Rejects as connectSmtp. */
export async function connectAndIntroduce(options: SmtpClientOptions): Promise<Introduced> {
  assertClientOptions(options)
  const clock = options.clock ?? systemClock
  const socket = await ClientSocket.open(options, clock, options.connectTimeoutMs ?? defaultConnectTimeoutMs)
  if (socket.socket instanceof TLSSocket) noteTls(describeTls(socket.socket, options), options)
  return { socket, connection: await introduceOrLeave(socket, options) }
}

/**
 * On a connection that is there already, whose other end has become the server (RFC 2645 §5.2.1, RFC 821 §3.8) and greets
 * first. What protects it has been agreed upon, so nothing of that is asked for again. Rejects with SmtpClientFailure; with a
 * UsageFault, and the socket as it was, when the options will not do.
 */
export async function connectSmtpOver(socket: Socket, options: SmtpOverOptions): Promise<SmtpConnection> {
  assertOverOptions(socket, options)
  const { remoteAddress = '', remotePort = 0 } = socket
  const client: SmtpClientOptions = {
    ...options,
    address: remoteAddress,
    port: remotePort,
    tls: socket instanceof TLSSocket ? 'implicit' : 'never',
    verifyCertificate: false,
  }
  return await introduceOrLeave(ClientSocket.over(socket, client, options.clock ?? systemClock), client)
}

async function introduceOrLeave(socket: ClientSocket, options: SmtpClientOptions): Promise<SmtpConnection> {
  const { commandTimeoutMs } = options
  // A shorter patience holds for every reply; the end of data has as long as the RFC wants, for it decides on duplicates.
  const timeouts =
    commandTimeoutMs === undefined
      ? defaultTimeouts
      : {
          commandMs: commandTimeoutMs,
          dataStartMs: Math.min(commandTimeoutMs, defaultTimeouts.dataStartMs),
          dataBlockMs: Math.min(commandTimeoutMs, defaultTimeouts.dataBlockMs),
          dataEndMs: Math.max(commandTimeoutMs, defaultTimeouts.dataEndMs),
        }
  try {
    return await introduce(socket, options, timeouts)
  } catch (cause) {
    // RFC 5321 §4.1.1.10: whoever was answered takes its leave; after 421 the server closes by itself (§3.8).
    if (cause instanceof SmtpClientFailure && cause.facts.reply && cause.facts.reply.code !== 421)
      await takeLeave(socket)
    socket.close()
    if (!(cause instanceof SmtpClientFailure)) throw cause
    throw new SmtpClientFailure({ ...cause.facts, localAddress: socket.localAddress }, { cause: cause.cause })
  }
}

/** A server that has refused us is not waited for as long as one that serves us. */
const leaveTimeoutMs = 5000

/** Never rejects. */
async function takeLeave(socket: ClientSocket): Promise<void> {
  socket.sendLine('QUIT')
  await socket.readReply('data', leaveTimeoutMs).catch(() => undefined) // it goes in any case
}

interface Hello {
  readonly name: string
  readonly extensions: ReadonlyMap<string, string>
}

async function introduce(
  socket: ClientSocket,
  options: SmtpClientOptions,
  timeouts: ClientTimeouts,
): Promise<SmtpConnection> {
  const read = (stage: ClientStage): Promise<Reply> => socket.readReply(stage, timeouts.commandMs)
  const greeting = await socket.readReply('greeting', options.greetingTimeoutMs ?? timeouts.commandMs)
  assertPositive(greeting, 'greeting', `${options.host} refused the connection`)
  let hello = await sayHello(socket, options, read)
  let tls: ConnectionTls | undefined
  let tlsRefusal: Reply | undefined
  if (options.tls === 'implicit') tls = describeTls(socket.socket as TLSSocket, options)
  else if (options.tls !== 'never' && hello.extensions.has('STARTTLS')) {
    const started = await startTls(socket, options, read, timeouts)
    if ('code' in started) tlsRefusal = started
    else {
      tls = started
      noteTls(tls, options)
      hello = await sayHelloOverTls(socket, options, read)
    }
  } else if (options.tls === 'starttls') {
    fail({ stage: 'tls', kind: 'extension-missing', detail: `${options.host} offers no STARTTLS` })
  }
  if (options.auth) {
    // RFC 4954 §4: no password in the clear, unless the caller wants it.
    if (!tls && !(options.allowPlaintextAuth ?? options.tls === 'never')) {
      const detail = `${options.host} offers no TLS, so the password is kept back`
      fail({ stage: 'auth', kind: 'auth-unavailable', detail })
    }
    await authenticate(socket, options, options.auth, hello, read)
  }
  return new OpenConnection({
    socket,
    host: options.host,
    // Some answer EHLO with the name that they were given.
    name: readName(greeting) === hello.name ? hello.name : undefined,
    extensions: hello.extensions,
    timeouts,
    tls,
    tlsRefusal,
    authenticated: options.auth !== undefined,
    answersEach: options.protocol === 'lmtp',
  })
}

function describeTls(socket: TLSSocket, options: SmtpClientOptions): ConnectionTls {
  return {
    protocol: socket.getProtocol() ?? '',
    cipher: socket.getCipher().standardName,
    ...judgeCertificate(socket, options),
  }
}

function noteTls({ protocol, cipher, problem }: ConnectionTls, { onDialogue }: SmtpClientOptions): void {
  const certificate = problem ? `certificate not verified: ${problem.detail}` : 'certificate verified'
  onDialogue?.(`-- TLS: ${protocol} with ${cipher}; ${certificate}`)
}

async function sayHello(
  socket: ClientSocket,
  { helloName, host, protocol }: SmtpClientOptions,
  read: (stage: ClientStage) => Promise<Reply>,
): Promise<Hello> {
  const isLmtp = protocol === 'lmtp'
  socket.sendLine(`${isLmtp ? 'LHLO' : 'EHLO'} ${helloName}`)
  const reply = await read('hello')
  if (isPositive(reply)) return { name: readName(reply), extensions: readExtensions(reply) }
  // RFC 2033 §4.1: there is nothing else to say.
  if (isLmtp) fail({ stage: 'hello', kind: 'reply', reply, detail: `${host} refused LHLO` })
  // RFC 5321 §3.2: a server that does not know EHLO knows HELO. 4xx and 421 mean something else.
  if (reply.code < 500) fail({ stage: 'hello', kind: 'reply', reply, detail: `${host} refused EHLO` })
  socket.sendLine(`HELO ${helloName}`)
  const second = await read('hello')
  assertPositive(second, 'hello', `${host} refused EHLO and HELO`)
  return { name: readName(second), extensions: new Map() }
}

/** RFC 5321 §4.2: the first word of the greeting, and of the answer to EHLO. */
function readName({ lines: [line = ''] }: Reply): string {
  return line.trim().split(' ', 1)[0] ?? ''
}

/**
 * RFC 8446 §4.4.4: the client's part of a handshake is over before the server has looked at it. What the server has against it,
 * that we show no certificate for one, comes in the place of the first reply.
 */
async function sayHelloOverTls(...hello: Parameters<typeof sayHello>): Promise<Hello> {
  try {
    return await sayHello(...hello)
  } catch (cause) {
    if (!(cause instanceof SmtpClientFailure) || cause.facts.kind !== 'closed') throw cause
    throw new SmtpClientFailure({ ...cause.facts, stage: 'tls', kind: 'tls' }, { cause: cause.cause })
  }
}

function readExtensions({ lines }: Reply): Map<string, string> {
  const extensions = new Map<string, string>()
  for (const line of lines.slice(1)) {
    const space = line.indexOf(' ')
    const keyword = (space < 0 ? line : line.slice(0, space)).toUpperCase()
    extensions.set(keyword, space < 0 ? '' : line.slice(space + 1).trim())
  }
  return extensions
}

/** A reply: the server does not want TLS now, and that is enough for opportunistic use. */
async function startTls(
  socket: ClientSocket,
  options: SmtpClientOptions,
  read: (stage: ClientStage) => Promise<Reply>,
  timeouts: ClientTimeouts,
): Promise<ConnectionTls | Reply> {
  socket.assertQuiet('its answer to EHLO')
  socket.sendLine('STARTTLS')
  const reply = await read('tls')
  if (isPositive(reply))
    return describeTls(
      await socket.secure(options, Math.min(handshakeTimeoutMs, timeouts.commandMs)),
      options,
    )
  if (options.tls === 'opportunistic' && reply.code !== 421) return reply
  return fail({ stage: 'tls', kind: 'reply', reply, detail: `${options.host} refused STARTTLS` })
}

async function authenticate(
  socket: ClientSocket,
  { host }: SmtpClientOptions,
  { username, password }: { readonly username: string; readonly password: string },
  { extensions }: Hello,
  read: (stage: ClientStage) => Promise<Reply>,
): Promise<void> {
  const offered = (extensions.get('AUTH') ?? '').toUpperCase().split(/ +/)
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  if (offered.includes('PLAIN')) {
    socket.sendLine(`AUTH PLAIN ${base64(`\0${username}\0${password}`)}`, 'AUTH PLAIN ****')
  } else if (offered.includes('LOGIN')) {
    socket.sendLine('AUTH LOGIN')
    for (const answer of [username, password]) {
      const challenge = await read('auth')
      if (challenge.code !== 334)
        fail({ stage: 'auth', kind: 'reply', reply: challenge, detail: `${host} refused the log-in` })
      socket.sendLine(base64(answer), '****')
    }
  } else {
    fail({
      stage: 'auth',
      kind: 'auth-unavailable',
      detail: `${host} offers neither AUTH PLAIN nor AUTH LOGIN`,
    })
  }
  assertPositive(await read('auth'), 'auth', `${host} refused the log-in`)
}

function assertPositive(reply: Reply, stage: ClientStage, detail: string): void {
  if (!isPositive(reply) || reply.code >= 300) fail({ stage, kind: 'reply', reply, detail })
}

function fail(facts: ClientFailureFacts): never {
  throw new SmtpClientFailure(facts)
}
