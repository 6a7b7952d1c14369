// A server for one test: takes every message, keeps it, and says what became of its sinks.
import { createSmtpServer } from '../../src/smtp/server/create-smtp-server.ts'
import type { BoundListener, SmtpServer, SmtpServerOptions } from '../../src/smtp/server/options.ts'
import type { MailDataSink, MailTransaction, SessionServices } from '../../src/smtp/server/services.ts'
import { openConnection, type RawConnection } from '../harness/raw-connection.ts'

export interface StartedServer {
  readonly server: SmtpServer
  /** Of the first listener. */
  readonly port: number
  readonly listeners: readonly BoundListener[]
  readonly taken: readonly TakenMessage[]
  /** Sinks that were opened and neither finished nor aborted. */
  readonly openSinks: () => number
  readonly abortedSinks: () => number
  /** A new connection; `greeted` has read the greeting. */
  readonly connect: () => Promise<RawConnection>
  readonly greeted: () => Promise<RawConnection>
}

export interface TakenMessage {
  readonly transaction: MailTransaction
  readonly mailData: string
}

export interface Overrides extends Partial<Omit<SmtpServerOptions, 'services'>> {
  readonly services?: Partial<SessionServices>
  /** Waited for in each `write` and `finish`. */
  readonly whenWriting?: () => Promise<void>
  readonly whenFinishing?: () => Promise<void>
}

export async function startServer(overrides: Overrides = {}): Promise<StartedServer> {
  const { services, whenWriting, whenFinishing, ...options } = overrides
  const taken: TakenMessage[] = []
  let open = 0
  let aborted = 0
  const receive = (_client: unknown, transaction: MailTransaction): MailDataSink => {
    const pieces: Buffer[] = []
    open++
    return {
      write(piece) {
        pieces.push(Buffer.from(piece))
        return whenWriting?.()
      },
      async finish() {
        await whenFinishing?.()
        open--
        taken.push({ transaction, mailData: Buffer.concat(pieces).toString('latin1') })
        return { code: 250, enhanced: '2.0.0', lines: [`Ok: queued as ${taken.length}`] }
      },
      abort() {
        open--
        aborted++
      },
    }
  }
  const server = createSmtpServer({
    hostname: 'mail.example.test',
    listeners: [{ role: 'relay', address: '127.0.0.1', port: 0 }],
    ...options,
    services: { receive, ...services },
  })
  const listeners = await server.listen()
  const port = listeners[0]?.port ?? 0
  const connect = (): Promise<RawConnection> => openConnection(port)
  return {
    server,
    port,
    listeners,
    taken,
    openSinks: () => open,
    abortedSinks: () => aborted,
    connect,
    async greeted() {
      const connection = await connect()
      const greeting = await connection.reply()
      if (greeting?.code !== 220) throw new Error(`not greeted: ${JSON.stringify(greeting)}`)
      return connection
    },
  }
}

/** Replies until the server closes. */
export async function remainingCodes(connection: RawConnection): Promise<number[]> {
  const codes: number[] = []
  for (let reply = await connection.reply(); reply; reply = await connection.reply()) codes.push(reply.code)
  return codes
}

/** Opens a transaction with one recipient. */
export async function beginTransaction(connection: RawConnection): Promise<void> {
  for (const line of ['EHLO client.example.org', 'MAIL FROM:<a@example.org>', 'RCPT TO:<b@example.test>']) {
    const reply = await connection.command(line)
    if (reply?.code !== 250) throw new Error(`${line}: ${JSON.stringify(reply)}`)
  }
}
