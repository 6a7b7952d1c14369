// A load that remembers what it was promised: each message has a token of its own, and each 250 is written down.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { openConnection, type RawConnection, type RawReply } from './raw-connection.ts'

export interface SentMessage {
  readonly token: string
  readonly recipient: string
  readonly bodyBytes: number
}

export interface Promised extends SentMessage {
  readonly queueId: string
}

export interface Ledger {
  /** Answered with 250: the server is responsible. */
  readonly promised: Promised[]
  /** Sent whole, and cut off before the answer: may be there or not (RFC 5321 §4.5.4.1: the client sends again). */
  readonly unanswered: SentMessage[]
}

export interface LedgerLoadOptions {
  readonly port: number
  readonly connections: number
  /** Default EHLO; LHLO for LMTP, where each message has one recipient, and so one reply. */
  readonly hello?: 'EHLO' | 'LHLO'
  readonly ledger: Ledger
  /** What the n-th message of a connection is. */
  readonly compose: (n: number) => { readonly recipient: string; readonly bodyBytes: number }
}

export interface LedgerLoad {
  /** Ends after the messages under way. */
  stop(): Promise<void>
  /** Resolves when every connection has ended: after `stop`, or because the server is gone. */
  readonly ended: Promise<void>
}

export const tokenField = 'Subject: token '

export function startLedgerLoad(options: LedgerLoadOptions): LedgerLoad {
  let stopping = false
  const ended = sendOverAll(options, () => stopping)
  return {
    ended,
    async stop() {
      stopping = true
      await ended
    },
  }
}

export interface LastingLoadOptions extends Omit<LedgerLoadOptions, 'port'> {
  /** Where to, asked before each connection: one of several servers, of which any may be away. */
  readonly choosePort: () => number
  /** Told of each reply that puts a connection or a message off. */
  readonly putOff?: (reply: RawReply) => void
}

class PutOff extends Error {
  readonly reply: RawReply

  constructor(what: string, reply: RawReply) {
    super(`${what}: ${reply.code} ${reply.text}`)
    this.reply = reply
  }
}

/** A load that goes on whatever happens: a connection that ends, or is told to come later, is followed by another. */
export function startLastingLoad({ choosePort, putOff, ...options }: LastingLoadOptions): LedgerLoad {
  let stopping = false
  const isStopping = (): boolean => stopping
  const sendOn = async (): Promise<void> => {
    while (!isStopping()) {
      // Refused, put off or cut: the ledger knows what was promised.
      await sendMany({ ...options, port: choosePort() }, isStopping).catch((cause: unknown) => {
        if (cause instanceof PutOff) putOff?.(cause.reply)
      })
      await sleep(pauseMs)
    }
  }
  const ended = Promise.all(Array.from({ length: options.connections }, sendOn)).then(() => {})
  return {
    ended,
    async stop() {
      stopping = true
      await ended
    },
  }
}

const pauseMs = 50

async function sendOverAll(options: LedgerLoadOptions, isStopping: () => boolean): Promise<void> {
  await Promise.all(Array.from({ length: options.connections }, () => sendMany(options, isStopping)))
}

async function sendMany(
  { port, hello = 'EHLO', ledger, compose }: LedgerLoadOptions,
  isStopping: () => boolean,
): Promise<void> {
  const connection = await openConnection(port).catch(() => undefined)
  // The server was killed before this connection was there.
  if (!connection) return
  try {
    const greeting = await connection.reply()
    if (!greeting) return
    if (greeting.code !== 220) throw new PutOff('the server did not greet', greeting)
    if ((await connection.command(`${hello} load.example.org`))?.code !== 250) return
    let next = composeMessage(compose(0))
    await connection.write(envelope(next))
    for (let n = 1; await isReadyForData(connection); n++) {
      const message = next
      ledger.unanswered.push(message)
      const last = isStopping()
      next = composeMessage(compose(n))
      // RFC 2920: the next envelope follows the end of the data at once, so a kill finds a full pipeline.
      await connection.write(mailData(message) + (last ? 'QUIT\r\n' : envelope(next)))
      const reply = await connection.reply()
      if (!reply) return
      ledger.unanswered.splice(ledger.unanswered.indexOf(message), 1)
      if (reply.code !== 250) throw new PutOff('the server refused a message', reply)
      ledger.promised.push({ ...message, queueId: reply.text.split(' ').at(-1) ?? '' })
      if (last) return
    }
  } finally {
    connection.destroy()
  }
}

// MAIL and RCPT were pipelined with DATA: three replies.
async function isReadyForData(connection: RawConnection): Promise<boolean> {
  for (const wanted of [250, 250, 354]) {
    const reply = await connection.reply()
    if (!reply) return false
    if (reply.code !== wanted) throw new PutOff(`the server did not answer ${wanted}`, reply)
  }
  return true
}

function composeMessage(wanted: { readonly recipient: string; readonly bodyBytes: number }): SentMessage {
  return { ...wanted, token: randomBytes(9).toString('base64url') }
}

function envelope({ recipient }: SentMessage): string {
  return `MAIL FROM:<load@example.org>\r\nRCPT TO:<${recipient}>\r\nDATA\r\n`
}

// Each second one begins with a dot, which is doubled on every way (RFC 5321 §4.5.2).
const lines = `${'x'.repeat(76)}\r\n.${'x'.repeat(75)}\r\n`

/** As it has to arrive. */
export function textOf({ token, recipient, bodyBytes }: SentMessage): string {
  const body = lines.repeat(Math.ceil(bodyBytes / lines.length))
  return `From: load@example.org\r\nTo: ${recipient}\r\n${tokenField}${token}\r\n\r\n${body}end ${token}\r\n`
}

function mailData(message: SentMessage): string {
  return `${textOf(message).replaceAll('\r\n.', '\r\n..')}.\r\n`
}
