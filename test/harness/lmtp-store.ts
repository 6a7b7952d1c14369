// A server that has mailboxes behind LMTP, and tells each recipient what the test wants.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { formatAddress, formatReversePath } from '../../src/address/format-address.ts'
import type { Reply } from '../../src/smtp/reply.ts'
import { createSmtpServer } from '../../src/smtp/server/create-smtp-server.ts'
import type { ListenerOptions } from '../../src/smtp/server/options.ts'

export interface LmtpStore {
  readonly port: number
  readonly taken: readonly StoredMessage[]
  /** Connections so far. */
  readonly connections: () => number
  close(): Promise<void>
}

export interface StoredMessage {
  readonly reversePath: string
  readonly forwardPaths: readonly string[]
  readonly mailData: string
}

export interface Answers {
  /** To RCPT; undefined: it is taken. */
  readonly rcpt?: (localPart: string) => Reply | undefined
  /** Of the message; undefined: it is delivered. */
  readonly end?: (localPart: string) => Reply | undefined
}

export const onPort: ListenerOptions = {
  role: 'lmtp',
  address: '127.0.0.1',
  port: 0,
  clients: ['127.0.0.0/8'],
}

const delivered: Reply = { code: 250, enhanced: '2.0.0', lines: ['Delivered'] }

export async function startLmtpStore(
  t: TestContext,
  listener: ListenerOptions,
  { rcpt = () => undefined, end = () => undefined }: Answers = {},
): Promise<LmtpStore> {
  const taken: StoredMessage[] = []
  let connections = 0
  const server = createSmtpServer({
    hostname: 'store.example.test',
    listeners: [listener],
    services: {
      connect: () => void connections++,
      acceptForwardPath: (_client, _transaction, { forwardPath }) => rcpt(forwardPath.localPart),
      receive(_client, { reversePath, recipients }) {
        const pieces: Buffer[] = []
        return {
          write: piece => void pieces.push(Buffer.from(piece)),
          async finish() {
            taken.push({
              reversePath: formatReversePath(reversePath),
              forwardPaths: recipients.map(({ forwardPath }) => formatAddress(forwardPath)),
              mailData: Buffer.concat(pieces).toString('latin1'),
            })
            return recipients.map(({ forwardPath }) => end(forwardPath.localPart) ?? delivered)
          },
          abort() {},
        }
      },
    },
  })
  const [bound] = await server.listen()
  const close = (): Promise<void> => server.close()
  t.after(close)
  return { port: bound?.port ?? 0, taken, connections: () => connections, close }
}

/** Where a socket may be made. */
export async function socketPath(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'postrider-lmtp-'))
  t.after(() => rm(folder, { recursive: true }))
  return join(folder, 'lmtp')
}
