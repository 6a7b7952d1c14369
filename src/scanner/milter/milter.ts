// A milter: a filter of the administrator's that follows an SMTP session step by step and may change the message (Sendmail's
// milter protocol, version 6, as libmilter speaks it). One connection for each session.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { FieldEdit } from '../../message/edit-message.ts'
import type { Clock, Timer } from '../../runtime/clock.ts'
import type { Reply } from '../../smtp/reply.ts'
import { oneLine, ScannerFault } from '../contract.ts'
import {
  confused,
  connectOptions,
  formatScannerEndpoint,
  type ScannerEndpoint,
  unavailable,
} from '../exchange.ts'
import {
  actions,
  commands,
  formatPacket,
  milterVersion,
  type Packet,
  PacketReader,
  protocol,
  readTexts,
  texts,
  uint32,
} from './packets.ts'

export interface MilterOptions {
  readonly endpoint: ScannerEndpoint
  /** For each answer; a milter that says that it is still at work has it anew. Default: as long as `signal` allows. */
  readonly timeoutMs?: number | undefined
  /** Ends all of it. */
  readonly signal?: AbortSignal | undefined
  readonly clock: Clock
}

/** accept: it wants to hear no more of this message (or of this connection, when it said so before MAIL). */
export type MilterVerdict =
  | { readonly kind: 'continue' | 'accept' | 'discard' }
  | { readonly kind: 'refused'; readonly reply: Reply }

export type MilterChange =
  | { readonly kind: 'edit-field'; readonly edit: FieldEdit }
  | { readonly kind: 'add-recipient' | 'delete-recipient' | 'change-sender'; readonly address: string }
  /** All pieces together are the new body. */
  | { readonly kind: 'replace-body'; readonly piece: Buffer }
  | { readonly kind: 'quarantine'; readonly reason: string }

export interface MilterConclusion {
  readonly verdict: MilterVerdict
  readonly changes: readonly MilterChange[]
}

/** Values by the names that milters ask for: 'i', 'j', '{auth_authen}'. */
export type Macros = Readonly<Record<string, string | undefined>>

export interface MilterPeer {
  /** The name of the client's address, or the address in brackets. */
  readonly hostName: string
  /** '192.0.2.1', '2001:db8::1' */
  readonly address: string
  readonly port: number
}

export interface MilterMessage {
  /** With their values as they stand behind the colon: with the leading blank, and with folding. */
  readonly headerFields: readonly { readonly name: string; readonly value: string }[]
  readonly body: AsyncIterable<Uint8Array>
}

/** All that this server lets a milter do. */
const offeredActions = Object.values(actions).reduce((sum, one) => sum + one, 0) - actions.setMacros
const offeredProtocol = Object.values(protocol).reduce((sum, one) => sum + one, 0)
const maxBodyPieceBytes = 65_535
/** A filter that changes more than this has lost its way. */
const maxChanges = 10_000
/** Of all that it says at the end, a new body above all: it is held in memory. */
const maxChangedBytes = 100 * 1024 * 1024

const goOn: MilterVerdict = { kind: 'continue' }

export class Milter {
  readonly name: string
  readonly #options: MilterOptions
  readonly #socket: Socket
  readonly #reader = new PacketReader()
  #received: Packet[] = []
  #whenReceived: (() => void) | undefined
  #end: ScannerFault | undefined
  #protocol = 0

  private constructor(name: string, options: MilterOptions, socket: Socket) {
    this.name = name
    this.#options = options
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => this.#take(bytes))
    socket.on('error', cause => this.#fail(unavailable(name, cause)))
    socket.on('close', () => this.#fail(unavailable(name, new Error('it closed the connection'))))
  }

  /** Rejects with a ScannerFault, as all that it does. */
  static async open(options: MilterOptions): Promise<Milter> {
    const name = `milter at ${formatScannerEndpoint(options.endpoint)}`
    const socket = connect(connectOptions(options.endpoint))
    const { clock, signal, timeoutMs } = options
    const giveUp = (): void => void socket.destroy(new Error('it did not answer in time'))
    const timer = timeoutMs === undefined ? undefined : clock.after(timeoutMs, giveUp)
    signal?.addEventListener('abort', giveUp)
    if (signal?.aborted) giveUp()
    try {
      await once(socket, 'connect')
    } catch (cause) {
      throw unavailable(name, cause)
    } finally {
      timer?.cancel()
    }
    socket.once('close', () => signal?.removeEventListener('abort', giveUp))
    const milter = new Milter(name, options, socket)
    await milter.#negotiate()
    return milter
  }

  async connect(peer: MilterPeer, macros: Macros = {}): Promise<MilterVerdict> {
    const family = peer.address.includes(':') ? '6' : '4'
    const port = Buffer.alloc(2)
    port.writeUInt16BE(peer.port)
    return await this.#step(
      commands.connect,
      [texts(peer.hostName), family, port, texts(peer.address)],
      macros,
      { skip: protocol.noConnect, noReply: protocol.noReplyToConnect },
    )
  }

  async hello(heloName: string, macros: Macros = {}): Promise<MilterVerdict> {
    return await this.#step(commands.hello, [texts(heloName)], macros, {
      skip: protocol.noHello,
      noReply: protocol.noReplyToHello,
    })
  }

  /** `parameters`: as sent, 'BODY=8BITMIME'. */
  async mail(
    reversePath: string,
    parameters: readonly string[],
    macros: Macros = {},
  ): Promise<MilterVerdict> {
    const words = texts(`<${reversePath}>`, ...parameters)
    return await this.#step(commands.mail, [words], macros, {
      skip: protocol.noMail,
      noReply: protocol.noReplyToMail,
    })
  }

  async recipient(
    forwardPath: string,
    parameters: readonly string[],
    macros: Macros = {},
  ): Promise<MilterVerdict> {
    const words = texts(`<${forwardPath}>`, ...parameters)
    return await this.#step(commands.recipient, [words], macros, {
      skip: protocol.noRecipient,
      noReply: protocol.noReplyToRecipient,
    })
  }

  async data(macros: Macros = {}): Promise<MilterVerdict> {
    return await this.#step(commands.data, [], macros, {
      skip: protocol.noData,
      noReply: protocol.noReplyToData,
    })
  }

  /** From the first field to the end of the body: what becomes of the message. */
  async message({ headerFields, body }: MilterMessage, macros: Macros = {}): Promise<MilterConclusion> {
    const ofHeader = { skip: protocol.noHeaders, noReply: protocol.noReplyToHeader }
    for (const { name, value } of headerFields) {
      const shown = this.#protocol & protocol.keepsLeadingBlank ? value : value.replace(/^[ \t]/, '')
      const packet = [texts(name, shown.replaceAll('\r\n', '\n'))]
      const verdict = await this.#step(commands.header, packet, {}, ofHeader)
      if (verdict.kind !== 'continue') return { verdict, changes: [] }
    }
    const atEndOfHeaders = await this.#step(commands.endOfHeaders, [], macros, {
      skip: protocol.noEndOfHeaders,
      noReply: protocol.noReplyToEndOfHeaders,
    })
    if (atEndOfHeaders.kind !== 'continue') return { verdict: atEndOfHeaders, changes: [] }
    if ((this.#protocol & protocol.noBody) === 0) {
      const verdict = await this.#sendBody(body)
      if (verdict.kind !== 'continue') return { verdict, changes: [] }
    }
    await this.#tellMacros(commands.endOfBody, macros)
    await this.#send(formatPacket(commands.endOfBody))
    return await this.#conclude()
  }

  /** The message is over before its end; the session may begin another. */
  async abort(): Promise<void> {
    await this.#send(formatPacket(commands.abort))
  }

  close(): void {
    if (this.#socket.writable) this.#socket.end(formatPacket(commands.quit))
    else this.#socket.destroy()
  }

  async #negotiate(): Promise<void> {
    await this.#send(formatPacket(commands.negotiate, uint32(milterVersion, offeredActions, offeredProtocol)))
    const answer = await this.#receive()
    if (answer.kind !== commands.negotiate || answer.data.length < 12) throw this.#confused(answer)
    const [version, wanted, without] = [0, 4, 8].map(at => answer.data.readUInt32BE(at))
    if (version === undefined || version < 2 || version > milterVersion || wanted === undefined)
      throw this.#confused(answer)
    if ((wanted & ~offeredActions) !== 0) throw this.#confused(answer)
    this.#protocol = without ?? 0
  }

  async #sendBody(body: AsyncIterable<Uint8Array>): Promise<MilterVerdict> {
    for await (const chunk of body)
      for (let from = 0; from < chunk.length; from += maxBodyPieceBytes) {
        const piece = chunk.subarray(from, from + maxBodyPieceBytes)
        await this.#send(formatPacket(commands.body, piece))
        if (this.#protocol & protocol.noReplyToBody) continue
        const answer = await this.#answer()
        // SMFIR_SKIP: it has seen enough of the body.
        if (answer.kind === 's') return goOn
        const verdict = this.#judge(answer)
        if (verdict.kind !== 'continue') return verdict
      }
    return goOn
  }

  async #step(
    command: string,
    parts: readonly (Uint8Array | string)[],
    macros: Macros,
    { skip, noReply }: { readonly skip: number; readonly noReply: number },
  ): Promise<MilterVerdict> {
    // Also to whom the step itself is not told, as Sendmail and Postfix do: a filter looks for them later.
    await this.#tellMacros(command, macros)
    if (this.#protocol & skip) return goOn
    await this.#send(formatPacket(command, ...parts))
    return this.#protocol & noReply ? goOn : this.#judge(await this.#answer())
  }

  async #tellMacros(command: string, macros: Macros): Promise<void> {
    const told = Object.entries(macros).flatMap(([name, value]) => (value === undefined ? [] : [name, value]))
    if (told.length > 0) await this.#send(formatPacket(commands.macros, command, texts(...told)))
  }

  /** What it says at the end of the body: changes, then a verdict. */
  async #conclude(): Promise<MilterConclusion> {
    const changes: MilterChange[] = []
    let bytes = 0
    for (;;) {
      const answer = await this.#answer()
      const change = readChange(answer)
      if (!change) return { verdict: this.#judge(answer), changes }
      bytes += answer.data.length
      if (changes.push(change) > maxChanges || bytes > maxChangedBytes) throw this.#confused(answer)
    }
  }

  #judge(answer: Packet): MilterVerdict {
    switch (answer.kind) {
      case 'c':
        return goOn
      case 'a':
        return { kind: 'accept' }
      case 'd':
        return { kind: 'discard' }
      case 'r':
        return { kind: 'refused', reply: { code: 550, enhanced: '5.7.1', lines: ['Command rejected'] } }
      case 't':
        return {
          kind: 'refused',
          reply: { code: 451, enhanced: '4.7.1', lines: ['Service unavailable - try again later'] },
        }
      case 'y': {
        const reply = readReply(answer.data.toString('utf8').replace(/\0.*$/s, ''))
        if (!reply) throw this.#confused(answer)
        return { kind: 'refused', reply }
      }
      // SMFIR_SHUTDOWN, SMFIR_CONN_FAIL: the connection is to be closed.
      case '4':
      case 'f':
        return { kind: 'refused', reply: { code: 421, enhanced: '4.7.0', lines: ['Closing the connection'] } }
      default:
        throw this.#confused(answer)
    }
  }

  /** The next that is more than a sign of life. */
  async #answer(): Promise<Packet> {
    for (;;) {
      const packet = await this.#receive()
      if (packet.kind !== 'p') return packet
    }
  }

  async #receive(): Promise<Packet> {
    let timer: Timer | undefined
    while (this.#received.length === 0) {
      if (this.#end) throw this.#end
      const { clock, timeoutMs } = this.#options
      if (timeoutMs !== undefined)
        timer ??= clock.after(timeoutMs, () => {
          this.#fail(unavailable(this.name, new Error('it did not answer in time')))
          this.#socket.destroy()
        })
      await new Promise<void>(resolve => {
        this.#whenReceived = resolve
      })
    }
    timer?.cancel()
    const [first, ...rest] = this.#received
    this.#received = rest
    if (!first) throw this.#end ?? unavailable(this.name, new Error('it said nothing'))
    return first
  }

  async #send(packet: Buffer): Promise<void> {
    if (this.#end) throw this.#end
    if (this.#socket.write(packet)) return
    await Promise.race([once(this.#socket, 'drain'), once(this.#socket, 'close')]).catch(() => {})
  }

  #take(bytes: Buffer): void {
    const packets = this.#reader.take(bytes)
    if (packets === 'too-long') {
      this.#fail(confused(this.name, bytes.toString('latin1')))
      this.#socket.destroy()
    } else this.#received.push(...packets)
    this.#wake()
  }

  #fail(fault: ScannerFault): void {
    this.#end ??= fault
    this.#wake()
  }

  #wake(): void {
    this.#whenReceived?.()
    this.#whenReceived = undefined
  }

  #confused({ kind, data }: Packet): ScannerFault {
    return confused(this.name, `${kind}${data.toString('latin1')}`)
  }
}

/** undefined: it is none, but a verdict. */
function readChange({ kind, data }: Packet): MilterChange | undefined {
  switch (kind) {
    case 'h': {
      const [name = '', value = ''] = readTexts(data)
      return { kind: 'edit-field', edit: { kind: 'add', name, value } }
    }
    case 'i': {
      const [name = '', value = ''] = readTexts(data.subarray(4))
      return { kind: 'edit-field', edit: { kind: 'insert', index: readIndex(data), name, value } }
    }
    case 'm': {
      const [name = '', value = ''] = readTexts(data.subarray(4))
      const edit = {
        kind: 'change',
        index: readIndex(data),
        name,
        value: value === '' ? undefined : value,
      } as const
      return { kind: 'edit-field', edit }
    }
    case '+':
    case '2':
      return { kind: 'add-recipient', address: addressIn(data) }
    case '-':
      return { kind: 'delete-recipient', address: addressIn(data) }
    case 'e':
      return { kind: 'change-sender', address: addressIn(data) }
    case 'b':
      return { kind: 'replace-body', piece: data }
    case 'q':
      return { kind: 'quarantine', reason: oneLine(readTexts(data)[0] ?? '') }
    default:
      return undefined
  }
}

function readIndex(data: Buffer): number {
  return data.length < 4 ? 0 : data.readUInt32BE(0)
}

/** '<anna@example.test>' or without brackets. */
function addressIn(data: Buffer): string {
  return (readTexts(data)[0] ?? '').trim().replace(/^<(.*)>$/s, '$1')
}

/** '550 5.7.1 go away'; of several lines each has the code: '550-5.7.1 go\r\n550 5.7.1 away'. undefined: it refuses nothing. */
function readReply(text: string): Reply | undefined {
  const lines = text
    .split(/\r?\n/)
    .map(line => /^([45]\d\d)(?:[ -](?:([45]\.\d{1,3}\.\d{1,3})(?: |$))?(.*))?$/.exec(line))
  const [first] = lines
  if (!first || lines.includes(null)) return undefined
  return {
    code: Number(first[1]),
    enhanced: first[2] ?? (first[1]?.startsWith('4') ? '4.7.1' : '5.7.1'),
    lines: lines.map(line => oneLine(line?.[3] ?? '') || 'Refused'),
  }
}
