// The structures of messages, as sessions ask for them: kept ones, and where one is not yet, read now.
import type { MailboxMessage } from '../mailbox/message-row.ts'
import { type KeptStructure, keepStructures, readStructures, structureToKeep } from '../mailbox/structures.ts'
import { StructureReader } from '../message/structure/read-structure.ts'
import type { MessageStructure } from '../message/structure/structure.ts'
import { isDamage } from '../storage/storage-fault.ts'
import { MessageText } from './message-text.ts'
import type { AccessParts } from './parts.ts'
import { whereKept } from './where-kept.ts'

/** undefined: it is damaged. */
async function readIfWhole(pieces: AsyncIterable<Uint8Array>): Promise<MessageStructure | undefined> {
  try {
    return await readStructure(pieces)
  } catch (cause) {
    if (isDamage(cause)) return undefined
    throw cause
  }
}

async function readStructure(pieces: AsyncIterable<Uint8Array>): Promise<MessageStructure> {
  const reader = new StructureReader()
  for await (const piece of pieces) reader.take(piece)
  return reader.finish()
}

/** By the ids of their mail data; without those that cannot be read. */
export async function structuresOf(
  parts: Pick<AccessParts, 'storage' | 'mailData'>,
  messages: readonly MailboxMessage[],
): Promise<ReadonlyMap<number, MessageStructure>> {
  const mailDataIds = [...new Set(messages.map(message => message.mailDataId))]
  return await withMissing(parts, messages, await parts.storage.run(readStructures, { mailDataIds }))
}

/** Those of which nothing is kept yet are read, and kept; without those that cannot be read. */
export async function withMissing<Kept>(
  { storage, mailData }: Pick<AccessParts, 'storage' | 'mailData'>,
  messages: readonly MailboxMessage[],
  kept: ReadonlyMap<number, Kept>,
): Promise<ReadonlyMap<number, Kept | MessageStructure>> {
  if (messages.every(({ mailDataId }) => kept.has(mailDataId))) return kept
  const structures = new Map<number, Kept | MessageStructure>(kept)
  const found: KeptStructure[] = []
  for (const message of messages) {
    const { mailDataId } = message
    if (structures.has(mailDataId)) continue
    const structure = await readIfWhole(new MessageText(mailData, message).pieces())
    if (!structure) continue
    structures.set(mailDataId, structure)
    found.push(structureToKeep(mailDataId, structure))
  }
  if (found.length > 0) await whereKept(() => storage.run(keepStructures, { structures: found }), undefined)
  return structures
}
