// A message through both passes, in pieces of a size.
import { MessageConverter } from '../../../src/message/mime/message-converter.ts'
import {
  type ConversionPlan,
  ConversionPlanner,
  type ConversionTarget,
} from '../../../src/message/mime/plan-conversion.ts'

export const sevenBit: ConversionTarget = { content: 'seven-bit', headers: 'ascii' }
export const shortLines: ConversionTarget = { content: 'eight-bit', headers: 'utf-8' }

export function piecesOf(message: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = []
  for (let start = 0; start < message.length; start += size)
    pieces.push(message.subarray(start, start + size))
  return pieces
}

export function plan(message: Buffer, target: ConversionTarget, pieceSize = 4096): ConversionPlan {
  const planner = new ConversionPlanner(target)
  for (const piece of piecesOf(message, pieceSize)) planner.take(piece)
  return planner.finish()
}

/** The message in its new form; the problem when there is one. */
export function convert(
  message: Buffer | string,
  target: ConversionTarget = sevenBit,
  pieceSize = 4096,
): Buffer | string {
  const bytes = Buffer.from(message)
  const planned = plan(bytes, target, pieceSize)
  if (planned.problem) return planned.problem
  const converter = new MessageConverter(planned)
  const out: Uint8Array[] = []
  for (const piece of piecesOf(bytes, pieceSize))
    out.push(...converter.take(piece).map(one => Buffer.from(one)))
  return Buffer.concat([...out, ...converter.finish()])
}

export function convertText(message: string, target?: ConversionTarget): string {
  return convert(message, target).toString('latin1')
}
