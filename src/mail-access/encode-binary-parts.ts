// Mail data in which parts with octets that are no text are written in base64 (RFC 3516 §4.4), so that every program can read it.
import { MessageConverter } from '../message/mime/message-converter.ts'
import { ConversionPlanner } from '../message/mime/plan-conversion.ts'
import type { MailDataStore, StoredMailData } from '../storage/mail-data.ts'

/** undefined: it cannot be done: they are signed, or NUL stands in a header section. */
export async function encodeBinaryParts(
  store: MailDataStore,
  original: StoredMailData,
): Promise<StoredMailData | undefined> {
  const planner = new ConversionPlanner({ content: 'eight-bit', headers: 'utf-8' })
  for await (const piece of store.readStored(original)) planner.take(piece)
  const plan = planner.finish()
  if (plan.problem) return undefined
  const converter = new MessageConverter(plan)
  const writer = store.create()
  let hasNul = false
  const write = async (pieces: readonly Uint8Array[]): Promise<void> => {
    for (const piece of pieces) {
      hasNul ||= piece.includes(0)
      await writer.write(piece)
    }
  }
  try {
    for await (const piece of store.readStored(original)) await write(converter.take(piece))
    await write(converter.finish())
    if (!hasNul) return await writer.finish()
    await writer.abort()
    return undefined
  } catch (cause) {
    await writer.abort()
    throw cause
  }
}
