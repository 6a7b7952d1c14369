// A connection on which mail can be sent: one transaction after the other (RFC 5321 §3.3, RFC 2920, RFC 3030).
import { formatAddress, formatReversePath } from '../../address/format-address.ts'
import { needsSmtpUtf8 } from '../../address/scan-mailbox.ts'
import { formatDeliverBy, formatForwardPathParameters } from '../parameter-words.ts'
import { isPositive, type Reply } from '../reply.ts'
import { encodeXtext } from '../xtext.ts'
import { assertProbedTransaction, assertTransaction } from './assert-options.ts'
import type { ClientSocket } from './client-socket.ts'
import type {
  ClientFailureFacts,
  ClientStage,
  ConnectionTls,
  OutgoingRecipient,
  OutgoingTransaction,
  ProbedTransaction,
  RecipientResult,
  SmtpConnection,
} from './contract.ts'
import { SmtpClientFailure } from './smtp-client-failure.ts'
import { DotStuffer } from './stuff-dots.ts'

export interface ClientTimeouts {
  readonly commandMs: number
  readonly dataStartMs: number
  readonly dataBlockMs: number
  readonly dataEndMs: number
}

type Result = RecipientResult['result']

/** First digits of reply codes (RFC 5321 §4.2.1). */
const completion = 2
const intermediate = 3

/** What is known of a connection once MAIL may be said. */
export interface Introduction {
  readonly socket: ClientSocket
  readonly host: string
  readonly name: SmtpConnection['name']
  readonly extensions: ReadonlyMap<string, string>
  readonly timeouts: ClientTimeouts
  readonly tls: SmtpConnection['tls']
  readonly tlsRefusal: SmtpConnection['tlsRefusal']
  readonly authenticated: boolean
  /** LMTP: a message has a reply for each recipient (RFC 2033 §4.2). */
  readonly answersEach: boolean
}

export class OpenConnection implements SmtpConnection {
  readonly #socket: ClientSocket
  readonly #host: string
  readonly #authenticated: boolean
  readonly #answersEach: boolean
  readonly #timeouts: ClientTimeouts
  readonly name?: string
  readonly extensions: ReadonlyMap<string, string>
  readonly tls?: ConnectionTls
  readonly tlsRefusal?: Reply
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  #usable = true
  /** The server may still have a transaction open that came to nothing. */
  #needsReset = false

  constructor({ socket, host, name, extensions, timeouts, tls, tlsRefusal, ...rest }: Introduction) {
    this.#socket = socket
    this.#host = host
    if (name !== undefined) this.name = name
    this.#timeouts = timeouts
    this.#authenticated = rest.authenticated
    this.#answersEach = rest.answersEach
    this.extensions = extensions
    this.remoteAddress = socket.remoteAddress
    this.remotePort = socket.remotePort
    this.localAddress = socket.localAddress
    if (tls) this.tls = tls
    if (tlsRefusal) this.tlsRefusal = tlsRefusal
    socket.rest()
  }

  get usable(): boolean {
    // A reply that nobody asked for is a 421 before the connection closes (RFC 5321 §3.8).
    return this.#usable && !this.#socket.hasNews
  }

  async send(transaction: OutgoingTransaction): Promise<readonly RecipientResult[]> {
    assertTransaction(transaction)
    const missing = this.#missingExtension(transaction)
    if (missing)
      return transaction.recipients.map(recipient => ({
        recipient,
        result: { kind: 'failed', failure: missing },
      }))
    const results = new Map<OutgoingRecipient, Result>()
    try {
      if (transaction.body === 'BINARYMIME') await this.#sendChunk(transaction, results)
      else await this.#sendData(transaction, results)
    } catch (cause) {
      this.close()
      // Our own trouble (mail data that cannot be read): the server must not take the half that it has got.
      if (!(cause instanceof SmtpClientFailure)) throw cause
      for (const recipient of transaction.recipients) {
        if (!results.has(recipient)) results.set(recipient, { kind: 'failed', failure: cause.facts })
      }
    }
    this.#socket.rest()
    return transaction.recipients.map(recipient => ({
      recipient,
      result: results.get(recipient) ?? lost(this.#host),
    }))
  }

  async probe(transaction: ProbedTransaction): Promise<readonly RecipientResult[]> {
    assertProbedTransaction(transaction)
    const results: RecipientResult[] = []
    try {
      await this.#askFor(transaction, results)
    } catch (cause) {
      this.close()
      if (!(cause instanceof SmtpClientFailure)) throw cause
      for (const recipient of transaction.recipients.slice(results.length))
        results.push({ recipient, result: { kind: 'failed', failure: cause.facts } })
    }
    this.#socket.rest()
    return results
  }

  /** One command after the other: whoever looks at the dialogue sees which reply is to which. */
  async #askFor(transaction: ProbedTransaction, results: RecipientResult[]): Promise<void> {
    const { commandMs } = this.#timeouts
    const { size, recipients } = transaction
    const mailData = { size, open: () => noMailData() }
    const [mailCommand = '', ...rcptCommands] = this.#envelope({ ...transaction, mailData })
    if (this.#needsReset) await this.#reset(commandMs)
    this.#socket.sendLine(mailCommand)
    const mail = await this.#readReply('mail', commandMs)
    this.#note(mail)
    for (const [index, recipient] of recipients.entries()) {
      if (!isPositive(mail)) {
        results.push({ recipient, result: { kind: 'refused', stage: 'mail', reply: mail } })
        continue
      }
      this.#socket.sendLine(rcptCommands[index] ?? '')
      const reply = await this.#readReply('rcpt', commandMs)
      this.#note(reply)
      const isAccepted = isPositive(reply)
      results.push({
        recipient,
        result: isAccepted ? { kind: 'accepted', reply } : { kind: 'refused', stage: 'rcpt', reply },
      })
    }
    if (isPositive(mail) && this.usable) await this.#reset(commandMs)
  }

  async #reset(commandMs: number): Promise<void> {
    this.#socket.sendLine('RSET')
    await this.#readReply('mail', commandMs)
    this.#needsReset = false
  }

  async quit(): Promise<void> {
    if (this.usable) {
      this.#usable = false
      this.#socket.sendLine('QUIT')
      await this.#socket.readReply('data', this.#timeouts.commandMs).catch(() => undefined) // it goes in any case
    }
    this.close()
  }

  close(): void {
    this.#usable = false
    this.#socket.close()
  }

  async #sendData(transaction: OutgoingTransaction, results: Map<OutgoingRecipient, Result>): Promise<void> {
    const pipelining = this.extensions.has('PIPELINING')
    const { commandMs, dataStartMs } = this.#timeouts
    let dataSaid = false
    if (pipelining) {
      this.#socket.sendLines([...this.#resetLine(), ...this.#envelope(transaction), 'DATA'])
      dataSaid = true
    }
    const accepted = await this.#readEnvelope(transaction, results, pipelining)
    if (!dataSaid) {
      if (accepted.length === 0) return
      this.#socket.sendLine('DATA')
    }
    const start = await this.#readReply('data', pipelining ? commandMs : dataStartMs, intermediate)
    if (isPositive(start)) {
      // RFC 2920 §3.1: a server that wants data although nobody is to get it gets an empty message.
      if (accepted.length === 0) {
        // RFC 2033 §4.2: it should have refused, and has a reply for nobody.
        if (this.#answersEach) {
          this.close()
          return
        }
        this.#socket.sendLine('.')
        await this.#readReply('data', commandMs)
        return
      }
      const complete = await this.#streamData(transaction)
      await this.#readEnd(accepted, complete, results)
    } else {
      this.#needsReset = true
      this.#settle(accepted, start, 'data', results)
    }
  }

  async #sendChunk(transaction: OutgoingTransaction, results: Map<OutgoingRecipient, Result>): Promise<void> {
    const pipelining = this.extensions.has('PIPELINING')
    if (pipelining) this.#socket.sendLines([...this.#resetLine(), ...this.#envelope(transaction)])
    const accepted = await this.#readEnvelope(transaction, results, pipelining)
    if (accepted.length === 0) return
    const { size } = transaction.mailData
    this.#socket.sendLine(`BDAT ${size} LAST`)
    this.#socket.note(describeBytes(size))
    let sent = 0
    // With the last octet it is the peer's: not before the source has come to its end and finds nothing wrong.
    for await (const chunk of withholdLast(transaction.mailData.open())) {
      sent += chunk.length
      // An octet too many would be the beginning of a command.
      if (sent > size) break
      if (!this.#socket.sendBytes(chunk)) await this.#socket.drained(this.#timeouts.dataBlockMs)
      if (this.#socket.hasNews) break
    }
    if (sent !== size && !this.#socket.hasNews)
      throw new RangeError(
        `the mail data was said to have ${size} bytes, and has ${sent > size ? 'more' : sent}`,
      )
    await this.#readEnd(accepted, sent === size, results)
  }

  /** MAIL and RCPT: their replies, in turn or at once; returns who was accepted. */
  async #readEnvelope(
    transaction: OutgoingTransaction,
    results: Map<OutgoingRecipient, Result>,
    pipelined: boolean,
  ): Promise<OutgoingRecipient[]> {
    const { commandMs } = this.#timeouts
    const commands = pipelined ? [] : this.#envelope(transaction)
    if (this.#needsReset) {
      if (!pipelined) this.#socket.sendLine('RSET')
      await this.#readReply('mail', commandMs)
      this.#needsReset = false
    }
    if (!pipelined) this.#socket.sendLine(commands[0] ?? '')
    const mail = await this.#readReply('mail', commandMs)
    this.#note(mail)
    if (!isPositive(mail)) {
      this.#settle(transaction.recipients, mail, 'mail', results)
      if (pipelined) for (const _ of transaction.recipients) await this.#readReply('rcpt', commandMs)
      return []
    }
    const accepted: OutgoingRecipient[] = []
    for (const [index, recipient] of transaction.recipients.entries()) {
      if (!pipelined) this.#socket.sendLine(commands[index + 1] ?? '')
      const reply = await this.#readReply('rcpt', commandMs)
      this.#note(reply)
      if (isPositive(reply)) accepted.push(recipient)
      else results.set(recipient, { kind: 'refused', stage: 'rcpt', reply })
    }
    if (accepted.length === 0) this.#needsReset = true
    return accepted
  }

  #settle(
    recipients: readonly OutgoingRecipient[],
    reply: Reply,
    stage: ClientStage,
    results: Map<OutgoingRecipient, Result>,
  ): void {
    this.#note(reply)
    const result: Result =
      isPositive(reply) && stage === 'end-of-data'
        ? { kind: 'accepted', reply }
        : { kind: 'refused', stage, reply }
    for (const recipient of recipients) results.set(recipient, result)
  }

  /** What is said of the whole message: once, or in LMTP of each recipient in turn. */
  async #readEnd(
    accepted: readonly OutgoingRecipient[],
    complete: boolean,
    results: Map<OutgoingRecipient, Result>,
  ): Promise<void> {
    for (const recipients of this.#answersEach ? accepted.map(one => [one]) : [accepted]) {
      const end = await this.#readReply(complete ? 'end-of-data' : 'data', this.#timeouts.dataEndMs)
      this.#settleEnd(recipients, end, complete, results)
      // Who answers before the end answers for all, and is not listened to any longer.
      if (!complete) {
        for (const rest of accepted) if (!results.has(rest)) this.#settleEnd([rest], end, complete, results)
        return
      }
    }
  }

  /** `complete`: everything was sent before the reply came. */
  #settleEnd(
    recipients: readonly OutgoingRecipient[],
    reply: Reply,
    complete: boolean,
    results: Map<OutgoingRecipient, Result>,
  ): void {
    // What it would make of the next bytes nobody knows.
    if (!complete) this.close()
    if (complete || !isPositive(reply)) {
      this.#settle(recipients, reply, 'end-of-data', results)
      return
    }
    const detail = `${this.#host} answered ${reply.code} before it had the whole message`
    for (const recipient of recipients) {
      results.set(recipient, {
        kind: 'failed',
        failure: { stage: 'end-of-data', kind: 'protocol', reply, detail },
      })
    }
  }

  /**
   * The positive reply that has its place here, or a negative one. Another one makes no sense (RFC 5321 §4.2.1, §4.3.2):
   * it is no consent, and nobody knows what the server would make of the next line.
   */
  async #readReply(stage: ClientStage, timeoutMs: number, positive = completion): Promise<Reply> {
    const reply = await this.#socket.readReply(stage, timeoutMs)
    if (isPositive(reply) && Math.floor(reply.code / 100) !== positive) {
      const detail = `${this.#host} answered ${reply.code} where that makes no sense`
      throw new SmtpClientFailure({ stage, kind: 'protocol', reply, detail })
    }
    return reply
  }

  #note(reply: Reply): void {
    if (reply.code === 421) this.#usable = false
  }

  /** False: the server has answered, or gone, before the end. */
  async #streamData({ mailData }: OutgoingTransaction): Promise<boolean> {
    this.#socket.note(describeBytes(mailData.size))
    const stuffer = new DotStuffer()
    // Small mail data leaves with its dot in one piece.
    this.#socket.cork()
    try {
      for await (const chunk of mailData.open()) {
        let more = true
        for (const piece of stuffer.take(chunk)) more = this.#socket.sendBytes(piece)
        if (!more) {
          this.#socket.uncork()
          await this.#socket.drained(this.#timeouts.dataBlockMs)
        }
        // It answers before the end: it has refused (or gone), and what follows would be commands to it.
        if (this.#socket.hasNews) return false
      }
      this.#socket.sendBytes(stuffer.finish())
      return true
    } finally {
      this.#socket.uncork()
    }
  }

  #resetLine(): string[] {
    return this.#needsReset ? ['RSET'] : []
  }

  #envelope(transaction: OutgoingTransaction): string[] {
    const dsn = this.extensions.has('DSN')
    const mail = [`MAIL FROM:<${formatReversePath(transaction.reversePath)}>`]
    if (this.extensions.has('SIZE')) mail.push(`SIZE=${transaction.mailData.size}`)
    if (transaction.body !== '7BIT') mail.push(`BODY=${transaction.body}`)
    if (wantsSmtpUtf8(transaction)) mail.push('SMTPUTF8')
    if (transaction.requireTls) mail.push('REQUIRETLS')
    if (dsn && transaction.ret !== undefined) mail.push(`RET=${transaction.ret}`)
    if (dsn && transaction.envelopeId !== undefined) mail.push(`ENVID=${encodeXtext(transaction.envelopeId)}`)
    const { priority, deliverBy } = transaction
    if (priority !== undefined && this.extensions.has('MT-PRIORITY')) mail.push(`MT-PRIORITY=${priority}`)
    if (deliverBy && this.extensions.has('DELIVERBY')) mail.push(`BY=${formatDeliverBy(deliverBy)}`)
    // RFC 4954 §5: who has logged in to relay says who submitted the message; <>: we do not say.
    if (this.#authenticated && this.extensions.has('AUTH')) mail.push('AUTH=<>')
    return [mail.join(' '), ...transaction.recipients.map(recipient => formatRecipient(recipient, dsn))]
  }

  #missingExtension(transaction: OutgoingTransaction): ClientFailureFacts | undefined {
    const needed: string[] = []
    if (transaction.body === '8BITMIME') needed.push('8BITMIME')
    if (transaction.body === 'BINARYMIME') needed.push('BINARYMIME', 'CHUNKING')
    if (wantsSmtpUtf8(transaction)) needed.push('SMTPUTF8')
    if (transaction.requireTls) needed.push('REQUIRETLS')
    const missing = needed.filter(keyword => !this.extensions.has(keyword))
    if (missing.length > 0) {
      return {
        stage: 'mail',
        kind: 'extension-missing',
        detail: `${this.#host} does not offer ${missing.join(' and ')}, which this message needs`,
      }
    }
    return undefined
  }
}

function wantsSmtpUtf8({ smtpUtf8, reversePath, recipients }: OutgoingTransaction): boolean {
  return (
    smtpUtf8 ||
    (reversePath !== null && needsSmtpUtf8(reversePath)) ||
    recipients.some(({ forwardPath }) => needsSmtpUtf8(forwardPath))
  )
}

function formatRecipient(
  { forwardPath, notify, originalRecipient }: OutgoingRecipient,
  dsn: boolean,
): string {
  const parameters = dsn ? formatForwardPathParameters({ notify, originalRecipient }) : []
  return [`RCPT TO:<${formatAddress(forwardPath)}>`, ...parameters].join(' ')
}

async function* noMailData(): AsyncIterable<Uint8Array> {}

// An Intl.NumberFormat costs more than all else of a small message's dialogue.
const beforeThousands = /\B(?=(?:\d{3})+$)/g

function describeBytes(size: number): string {
  return `${String(size).replaceAll(beforeThousands, ',')} bytes of mail data`
}

function lost(host: string): Result {
  return {
    kind: 'failed',
    failure: { stage: 'mail', kind: 'closed', detail: `${host} closed the connection` },
  }
}

/** Each piece once the next is there, and the last once there is none. */
async function* withholdLast(pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let held: Uint8Array | undefined
  for await (const piece of pieces) {
    if (piece.length === 0) continue
    if (held) yield held
    held = piece
  }
  if (held) yield held
}
