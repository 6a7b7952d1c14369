// A port of IMAP or POP3 as a mail program comes to it: the greeting, and TLS from the first byte or by a command (RFC 9051 §6.2.1,
// RFC 2595 §4).
import type { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Clock } from '../runtime/clock.ts'
import { type CertificateProblem, judgeCertificate, shownChain, tlsOptions } from './server-certificate.ts'

/** How they begin. */
const dialogues = {
  imap: { greeting: '* OK', command: 'a STARTTLS', agreed: 'a OK' },
  pop3: { greeting: '+OK', command: 'STLS', agreed: '+OK' },
} as const

export interface GreetedPort {
  readonly protocol: keyof typeof dialogues
  /** By which it is known: the certificate has to be for it. */
  readonly host: string
  readonly address: string
  readonly port: number
  readonly tls: 'implicit' | 'by-command'
  readonly timeoutMs: number
  readonly clock: Clock
}

export interface ShownTls {
  /** The server's own first. */
  readonly chain: readonly X509Certificate[]
  /** As a program sees it that checks certificates as browsers do. */
  readonly problem: CertificateProblem | undefined
}

/** `isGreeted`: somebody answered, and it went wrong from there. */
export class GreetedPortFault extends Error {
  readonly isGreeted: boolean

  constructor(message: string, isGreeted: boolean, options?: ErrorOptions) {
    super(message, options)
    this.isGreeted = isGreeted
  }
}

const maxLineBytes = 4096

/** undefined: it offers no TLS. Rejects with an GreetedPortFault. */
export async function greetPort(port: GreetedPort): Promise<ShownTls | undefined> {
  const dialogue = dialogues[port.protocol]
  const socket = connect({ host: port.address, port: port.port })
  const patience = port.clock.after(port.timeoutMs, () =>
    socket.destroy(new Error('it did not answer in time')),
  )
  let isGreeted = false
  try {
    await once(socket, 'connect')
    const secure = port.tls === 'implicit' ? await startTls(socket, port) : undefined
    isGreeted = secure !== undefined
    const greeting = await readLine(secure ?? socket)
    isGreeted = true
    if (!greeting.startsWith(dialogue.greeting)) throw new Error(`it greets with: ${greeting}`)
    if (secure) return describeTls(secure, port)
    socket.write(`${dialogue.command}\r\n`)
    if (!(await readLine(socket)).startsWith(dialogue.agreed)) return undefined
    return describeTls(await startTls(socket, port), port)
  } catch (cause) {
    throw new GreetedPortFault(cause instanceof Error ? cause.message : String(cause), isGreeted, { cause })
  } finally {
    patience.cancel()
    socket.destroy()
  }
}

async function startTls(socket: Socket, { host }: GreetedPort): Promise<TLSSocket> {
  const terms = tlsOptions({ host, verifyCertificate: false })
  const secure = connectTls({ socket, ...terms })
  await once(secure, 'secureConnect')
  return secure
}

function describeTls(secure: TLSSocket, { host }: GreetedPort): ShownTls {
  return {
    chain: shownChain(secure),
    problem: judgeCertificate(secure, { host, verifyCertificate: false }).problem,
  }
}

async function readLine(socket: Socket): Promise<string> {
  let text = ''
  while (!text.includes('\n')) {
    if (text.length > maxLineBytes) throw new Error('it sends no line that ends')
    const [data] = (await once(socket, 'data')) as [Buffer]
    text += data.toString('latin1')
  }
  return text.slice(0, text.indexOf('\n')).trim()
}
