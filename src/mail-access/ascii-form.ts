// A message whose header section has UTF-8 in it, for a program that has not said that it can read that (RFC 6856 §2.1): the header
// sections are written in ASCII, and the bodies stay.
import { MessageConverter } from '../message/mime/message-converter.ts'
import { ConversionPlanner } from '../message/mime/plan-conversion.ts'

/** Looked at for the end of the header section; what is longer is as good as never read. */
const mostHeaderOctets = 256 * 1024
const headerEnd = Buffer.from('\r\n\r\n')

/** The beginning of a message: as much of it as may say in which form it is. */
export class HeaderWatch {
  #octets: Buffer = Buffer.alloc(0)

  /** True: this was enough. */
  take(piece: Uint8Array): boolean {
    this.#octets = Buffer.concat([this.#octets, piece])
    return this.#octets.length > mostHeaderOctets || this.#octets.includes(headerEnd)
  }

  get isAscii(): boolean {
    const end = this.#octets.indexOf(headerEnd)
    const header = end < 0 ? this.#octets : this.#octets.subarray(0, end)
    return header.every(octet => octet < 0x80)
  }
}

/** undefined: it has no form in ASCII. `read` begins anew each time. */
export async function toAsciiForm(
  read: () => AsyncIterable<Uint8Array>,
): Promise<{ readonly size: number; readonly octets: AsyncIterable<Uint8Array> } | undefined> {
  const planner = new ConversionPlanner({ content: 'eight-bit', headers: 'ascii' })
  for await (const piece of read()) planner.take(piece)
  const plan = planner.finish()
  if (plan.problem) return undefined
  const convert = async function* (): AsyncGenerator<Uint8Array> {
    const converter = new MessageConverter(plan)
    for await (const piece of read()) yield* converter.take(piece)
    yield* converter.finish()
  }
  let size = 0
  for await (const piece of convert()) size += piece.length
  return { size, octets: convert() }
}
