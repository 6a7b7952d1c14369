// A client for one test: the servers that it talks to, what it sends, and what it has seen.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { parseAddress } from '../../src/address/parse-address.ts'
import { connectSmtp } from '../../src/smtp/client/connect.ts'
import type {
  ClientFailureFacts,
  OutgoingMailData,
  OutgoingRecipient,
  OutgoingTransaction,
  RecipientResult,
  SmtpClientOptions,
  SmtpConnection,
} from '../../src/smtp/client/contract.ts'
import { SmtpClientFailure } from '../../src/smtp/client/smtp-client-failure.ts'
import { type PeerOptions, type RemotePeer, startPeer } from '../delivery/remote-peer.ts'

export async function peerFor(t: TestContext, options: PeerOptions = {}): Promise<RemotePeer> {
  const peer = await startPeer(options)
  t.after(() => peer.close())
  return peer
}

/** A server of which the test writes every byte; `serve` gets each connection. */
export async function listen(t: TestContext, serve: (socket: Socket) => void): Promise<{ port: number }> {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port }
}

export const openly = { tls: 'never' } as const

export async function connect(
  t: TestContext,
  server: { readonly port: number },
  options: Partial<SmtpClientOptions> = openly,
): Promise<SmtpConnection> {
  const connection = await connectSmtp({
    host: 'mail.example.test',
    address: '127.0.0.1',
    port: server.port,
    helloName: 'client.example.org',
    tls: 'opportunistic',
    verifyCertificate: false,
    ...options,
  })
  t.after(() => connection.close())
  return connection
}

/** The facts of the failure with which it rejects. */
export async function failureOf(rejecting: Promise<unknown>): Promise<ClientFailureFacts> {
  const cause: unknown = await rejecting.then(
    () => assert.fail('it did not reject'),
    (thrown: unknown) => thrown,
  )
  if (!(cause instanceof SmtpClientFailure)) throw cause
  return cause.facts
}

/** Keeps the dialogue; `line` resolves as soon as a line that starts so has come. */
export class DialogueWatch {
  readonly lines: string[] = []
  readonly #waiting = new Map<string, () => void>()

  readonly onDialogue = (line: string): void => {
    this.lines.push(line)
    for (const [start, resolve] of this.#waiting) if (line.startsWith(start)) resolve()
  }

  line(start: string): Promise<void> {
    if (this.lines.some(line => line.startsWith(start))) return Promise.resolve()
    return new Promise(resolve => this.#waiting.set(start, resolve))
  }

  /** 'C: MAIL', 'S: 250' …: who spoke in which order, from the first line that starts so. */
  order(from: string): string[] {
    const start = this.lines.findIndex(line => line.startsWith(from))
    return this.lines.slice(start).map(line => line.split(' ').slice(0, 2).join(' '))
  }
}

export function mailDataOf(...chunks: readonly (string | Uint8Array)[]): OutgoingMailData {
  const pieces = chunks.map(chunk => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk))
  return {
    size: pieces.reduce((sum, piece) => sum + piece.length, 0),
    async *open() {
      yield* pieces
    },
  }
}

export const text = 'Subject: Test\r\n\r\nText\r\n'

/** From anna@example.test to `to`: boris@example.org unless it is said. */
export function transactionTo(
  to: readonly (string | OutgoingRecipient)[] = ['boris@example.org'],
  overrides: Partial<OutgoingTransaction> = {},
): OutgoingTransaction {
  return {
    reversePath: { localPart: 'anna', domain: 'example.test' },
    body: '7BIT',
    smtpUtf8: false,
    recipients: to.map(one => (typeof one === 'string' ? recipient(one) : one)),
    mailData: mailDataOf(text),
    ...overrides,
  }
}

export function recipient(
  address: string,
  rest: Omit<OutgoingRecipient, 'forwardPath'> = {},
): OutgoingRecipient {
  const forwardPath = parseAddress(address)
  assert.ok(forwardPath, address)
  return { forwardPath, ...rest }
}

/** What became of each recipient, in few words: 'accepted 250', 'refused 550 at rcpt', 'failed closed at mail'. */
export function inWords(results: readonly RecipientResult[]): string[] {
  return results.map(({ result }) => {
    switch (result.kind) {
      case 'accepted':
        return `accepted ${result.reply.code}`
      case 'refused':
        return `refused ${result.reply.code} at ${result.stage}`
      case 'failed':
        return `failed ${result.failure.kind} at ${result.failure.stage}`
      default:
        return result satisfies never
    }
  })
}
