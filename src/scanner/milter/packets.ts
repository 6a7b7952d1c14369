// The packets of the milter protocol, version 6 (libmilter's mfdef.h): a length in four bytes, a command in one, its data.

export const milterVersion = 6

/** What a milter may do to the message (SMFIF_…). */
export const actions = {
  addHeaders: 0x1,
  changeBody: 0x2,
  addRecipients: 0x4,
  deleteRecipients: 0x8,
  changeHeaders: 0x10,
  quarantine: 0x20,
  changeSender: 0x40,
  addRecipientsWithParameters: 0x80,
  setMacros: 0x100,
} as const

/** What a milter does not want to be told, or does not answer (SMFIP_…). */
export const protocol = {
  noConnect: 0x1,
  noHello: 0x2,
  noMail: 0x4,
  noRecipient: 0x8,
  noBody: 0x10,
  noHeaders: 0x20,
  noEndOfHeaders: 0x40,
  noReplyToHeader: 0x80,
  noUnknown: 0x100,
  noData: 0x200,
  mayStopBody: 0x400,
  wantsRefusedRecipients: 0x800,
  noReplyToConnect: 0x1000,
  noReplyToHello: 0x2000,
  noReplyToMail: 0x4000,
  noReplyToRecipient: 0x8000,
  noReplyToData: 0x10000,
  noReplyToUnknown: 0x20000,
  noReplyToEndOfHeaders: 0x40000,
  noReplyToBody: 0x80000,
  keepsLeadingBlank: 0x100000,
} as const

/** What the server says. */
export const commands = {
  abort: 'A',
  body: 'B',
  connect: 'C',
  macros: 'D',
  endOfBody: 'E',
  hello: 'H',
  quitButKeepConnection: 'K',
  header: 'L',
  mail: 'M',
  endOfHeaders: 'N',
  negotiate: 'O',
  quit: 'Q',
  recipient: 'R',
  data: 'T',
} as const

export interface Packet {
  /** One character: what the milter answers, in `commands` what it is told. */
  readonly kind: string
  readonly data: Buffer
}

/** Of one packet: libmilter sends bodies in pieces of 64 KB. */
const maxPacketBytes = 1024 * 1024

export function formatPacket(kind: string, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const data = parts.map(part => (typeof part === 'string' ? Buffer.from(part, 'utf8') : part))
  const length = data.reduce((sum, part) => sum + part.length, 1)
  const head = Buffer.alloc(5)
  head.writeUInt32BE(length)
  head.write(kind, 4, 'latin1')
  return Buffer.concat([head, ...data])
}

/** Texts with a NUL behind each. None may hold one itself. */
export function texts(...values: readonly string[]): string {
  return values.map(value => `${value.replaceAll('\0', '')}\0`).join('')
}

export function readTexts(data: Buffer): string[] {
  const text = data.toString('utf8')
  return text.endsWith('\0') ? text.slice(0, -1).split('\0') : text.split('\0')
}

export function uint32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, 4 * index)
  return bytes
}

/** Takes bytes as they come, gives packets when they are whole. */
export class PacketReader {
  #pending = Buffer.alloc(0)

  /** 'too-long': no milter says so much at once. */
  take(bytes: Uint8Array): readonly Packet[] | 'too-long' {
    this.#pending = this.#pending.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#pending, bytes])
    const packets: Packet[] = []
    let from = 0
    while (this.#pending.length - from >= 5) {
      const length = this.#pending.readUInt32BE(from)
      if (length === 0 || length > maxPacketBytes) return 'too-long'
      const end = from + 4 + length
      if (this.#pending.length < end) break
      packets.push({
        kind: this.#pending.toString('latin1', from + 4, from + 5),
        data: this.#pending.subarray(from + 5, end),
      })
      from = end
    }
    this.#pending = this.#pending.subarray(from)
    return packets
  }
}
