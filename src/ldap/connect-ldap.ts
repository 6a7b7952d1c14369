// A connection to an LDAP server, protected before anything is said on it (RFC 4511, RFC 4513 §3), and bounded: no answer is
// longer than any that is wanted, and it comes in small pieces.
import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { describeNoAnswer } from '../runtime/network-error.ts'
import { contextTrusting } from '../tls/authorities.ts'
import { LdapFault } from './ldap-fault.ts'

export interface LdapEndpoint {
  readonly host: string
  readonly port: number
  readonly tls: 'implicit' | 'starttls' | 'never'
  /** PEM, of who vouches for its certificate, beside those that everybody knows. */
  readonly caPem?: string | undefined
}

/** Rejects with an LdapFault; `signal` ends it, now and later. */
export async function connectLdap(endpoint: LdapEndpoint, signal: AbortSignal): Promise<LdapStream> {
  const socket = connect({ host: endpoint.host, port: endpoint.port, noDelay: true, signal })
  socket.on('error', () => {})
  try {
    await once(socket, 'connect')
    if (endpoint.tls === 'starttls') await askForTls(socket, endpoint)
    return new LdapStream(endpoint.tls === 'never' ? socket : await secure(socket, endpoint))
  } catch (cause) {
    socket.destroy()
    throw toLdapFault(cause, endpoint, signal)
  }
}

/** Any error of a connection. */
export function toLdapFault(cause: unknown, { host, port }: LdapEndpoint, signal: AbortSignal): LdapFault {
  if (cause instanceof LdapFault) return cause
  const why = describeNoAnswer(cause, signal)
  return new LdapFault('LDAP_UNAVAILABLE', `The LDAP server ${host}:${port} gave no answer: ${why}.`, {
    cause,
  })
}

// RFC 4511 §4.14.1: message 1, an extended request with the name 1.3.6.1.4.1.1466.20037.
const startTlsRequest = Buffer.from(
  `301d02010177188016${Buffer.from('1.3.6.1.4.1.1466.20037').toString('hex')}`,
  'hex',
)
const maxStartTlsAnswer = 1024

async function askForTls(socket: Socket, endpoint: LdapEndpoint): Promise<void> {
  socket.once('end', () => socket.destroy(new Error('closed by the other side')))
  socket.write(startTlsRequest)
  let answer = Buffer.alloc(0)
  for (;;) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    answer = Buffer.concat([answer, chunk])
    const length = lengthOf(answer)
    if (length === undefined || length > maxStartTlsAnswer) throw noTls(endpoint)
    if (answer.length < length) continue
    socket.pause()
    // What follows in the clear would be taken for what comes encrypted.
    if (answer.length > length || !isSuccess(answer)) throw noTls(endpoint)
    return
  }
}

/** Of a message in BER, with its head; undefined: it is none. Until it can be told, more than there is. */
function lengthOf(bytes: Buffer): number | undefined {
  const [tag, first] = bytes
  if (tag !== 0x30) return undefined
  if (first === undefined) return 2
  if (first < 0x80) return 2 + first
  const more = first & 0x7f
  if (more === 0 || more > 4) return undefined
  return bytes.length < 2 + more ? 2 + more : 2 + more + bytes.readUIntBE(2, more)
}

/** Message 1, an extended response, the result 0 (RFC 4511 §4.1.9): 30 … 02 01 01 78 … 0a 01 00. */
function isSuccess(answer: Buffer): boolean {
  return (
    answer.includes(Buffer.from([0x02, 0x01, 0x01, 0x78])) && answer.includes(Buffer.from([0x0a, 0x01, 0x00]))
  )
}

function noTls({ host, port }: LdapEndpoint): LdapFault {
  return new LdapFault('LDAP_REFUSED', `The LDAP server ${host}:${port} does not take StartTLS.`, {
    remedy: 'Name it as ldaps:// in login.ldap, if it has TLS on a port of its own.',
  })
}

async function secure(socket: Socket, { host, caPem }: LdapEndpoint): Promise<TLSSocket> {
  const options: ConnectionOptions = {
    socket,
    // RFC 6066 §3: an address is no server name.
    ...(isIP(host) === 0 ? { servername: host } : { host }),
    ...(caPem !== undefined && { secureContext: contextTrusting(caPem) }),
    minVersion: 'TLSv1.2',
  }
  const tls = connectTls(options)
  tls.on('error', () => {})
  await once(tls, 'secureConnect')
  return tls
}

/** An entry with its addresses has some hundred bytes. */
const maxBytes = 64 * 1024
const pieceBytes = 2048

/**
 * A socket as the library takes one. It calls itself for each message that is in a piece, so a large piece of small messages would
 * end in a full stack, and that in the end of the thread.
 */
export class LdapStream extends Duplex {
  readonly connecting = false
  readonly readyState = 'open'
  readonly #socket: Socket
  #bytes = 0
  /** Why it is over, where nobody wanted it to be. */
  problem: Error | undefined

  constructor(socket: Socket) {
    super()
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('end', () => this.push(null))
    socket.on('error', cause => this.destroy(cause))
    socket.on('close', () => this.destroy())
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > maxBytes) {
      this.destroy(new LdapFault('LDAP_CONFUSED', `The LDAP server answers more than ${maxBytes} bytes.`))
      return
    }
    for (let at = 0; at < chunk.length; at += pieceBytes) this.push(chunk.subarray(at, at + pieceBytes))
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#socket.write(chunk, callback)
  }

  override _final(callback: () => void): void {
    this.#socket.end(callback)
  }

  override _destroy(cause: Error | null, callback: (error: Error | null) => void): void {
    this.problem ??= cause ?? undefined
    this.#socket.destroy()
    callback(cause)
  }
}
