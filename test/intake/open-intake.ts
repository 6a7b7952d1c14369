// An intake over real storage in a folder of its own, with a clock that stands still.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { parseAddress } from '../../src/address/parse-address.ts'
import { createIntake, type Intake, type IntakeOptions } from '../../src/intake/intake.ts'
import { countQueue, listQueue, type ShownMessage } from '../../src/queue/list-queue.ts'
import { createQueueIdMaker, parseQueueId, type QueueId } from '../../src/queue/queue-id.ts'
import type { Log, LogFields } from '../../src/runtime/log.ts'
import type { Reply } from '../../src/smtp/reply.ts'
import type {
  Client,
  EndReply,
  MailDataSink,
  MailTransaction,
  Recipient,
} from '../../src/smtp/server/services.ts'
import { createManualClock, type ManualClock } from '../harness/manual-clock.ts'
import { openTestStorage, type TestStorage } from '../harness/test-storage.ts'

/** 2026-01-01, when the clock stands still. */
export const at = Date.UTC(2026, 0, 1)

export const relayClient: Client = {
  sessionId: 'session-1',
  role: 'relay',
  remoteAddress: '192.0.2.7',
  remotePort: 40_000,
  localAddress: '192.0.2.25',
  localPort: 25,
  connectedAt: at - 500,
  heloName: 'client.example.net',
  extended: true,
  local: false,
  loopback: false,
}

export const submissionClient: Client = {
  ...relayClient,
  role: 'submission',
  tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
  account: { id: 7, address: 'anna@example.test' },
}

export interface Incoming {
  readonly client?: Client
  readonly transaction?: Partial<MailTransaction>
}

export interface TestIntake extends TestStorage {
  readonly clock: ManualClock
  /** What the administrator was told: 'error: a message was refused for now …'. */
  readonly logged: readonly string[]
  /** What else the errors said. */
  readonly loggedFields: readonly LogFields[]
  readonly intake: Intake
  open(incoming?: Incoming): MailDataSink
  /** Piece by piece, as a connection does it: waits when it is asked to, and only then. */
  receive(pieces: string | readonly Uint8Array[], incoming?: Incoming): Promise<Reply>
  /** The text of the message that the reply says is queued. */
  textOf(reply: Reply): Promise<string>
  queued(): Promise<readonly ShownMessage[]>
  messages(): Promise<number>
}

export function recipient(text: string, parameters: Recipient['parameters'] = {}): Recipient {
  const forwardPath = parseAddress(text)
  if (!forwardPath) throw new Error(`not an address: ${text}`)
  return { forwardPath, parameters }
}

const usual: MailTransaction = {
  reversePath: { localPart: 'sender', domain: 'example.net' },
  parameters: { body: '7BIT', smtpUtf8: false },
  disposition: 'mail',
  recipients: [recipient('boris@example.org')],
}

export function queuedAs({ code, lines }: Reply): QueueId {
  const id = parseQueueId(/^Ok: queued as (\w+)$/.exec(lines[0] ?? '')?.[1] ?? '')
  if (code !== 250 || id === undefined) throw new Error(`not queued: ${code} ${lines.join(' ')}`)
  return id
}

export async function openIntake(t: TestContext, options: Partial<IntakeOptions> = {}): Promise<TestIntake> {
  const clock = createManualClock(at)
  const opened = await openTestStorage(t, { clock })
  const { storage, mailData } = opened
  const logged: string[] = []
  const loggedFields: LogFields[] = []
  const log: Log = {
    isDebugEnabled: false,
    debug() {},
    info() {},
    warn: message => void logged.push(`warn: ${message}`),
    error(message, fields) {
      logged.push(`error: ${message}`)
      loggedFields.push(fields ?? {})
    },
  }
  const intake = createIntake({
    storage,
    mailData,
    clock,
    log,
    nextQueueId: createQueueIdMaker(clock, 0),
    hostname: 'mail.example.test',
    language: 'en',
    lifetimeMs: 48 * 3_600_000,
    maxReceivedFields: 3,
    held: false,
    ...options,
  })
  const open: TestIntake['open'] = ({ client = relayClient, transaction } = {}) =>
    intake.open(client, { ...usual, ...transaction })

  return {
    ...opened,
    clock,
    logged,
    loggedFields,
    intake,
    open,
    async receive(pieces, incoming) {
      const sink = open(incoming)
      for (const piece of typeof pieces === 'string' ? [Buffer.from(pieces)] : pieces) {
        const written = sink.write(piece)
        if (written) await written
      }
      return single(await sink.finish())
    },
    async textOf(reply) {
      const chunks: Uint8Array[] = []
      for await (const chunk of mailData.read(queuedAs(reply))) chunks.push(chunk)
      return Buffer.concat(chunks).toString('latin1')
    },
    queued: async () => (await storage.run(listQueue, { selection: {}, afterId: 0, limit: 1000 })).messages,
    messages: async () => (await storage.run(countQueue, undefined)).messages,
  }
}

/** The same bytes in pieces of a size, as they come from a connection. */
export function inPieces(text: string, size: number): Buffer[] {
  const bytes = Buffer.from(text, 'latin1')
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
    bytes.subarray(n * size, (n + 1) * size),
  )
}

/** What everybody is answered who does not talk LMTP. */
export function single(reply: EndReply): Reply {
  assert.ok('code' in reply)
  return reply
}
