// The structures of messages (RFC 9051 §7.5.2), kept beside the mail data: read once, when a message has come, and not by each session.
import { formatPlainEnvelope } from '../imap/responses/envelope.ts'
import type { Envelope, EnvelopeAddress, MessageStructure } from '../message/structure/structure.ts'
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'
import { type MailboxMessage, type MessageRow, messageColumns, readMessage } from './message-row.ts'
import { inOpenMailbox, type MessagesWanted, openMailboxValues } from './read-mailbox.ts'

/** Inside the transaction that files it: somebody reads it soon. */
export async function wantStructure(tx: Tx, mailDataId: number): Promise<void> {
  await tx.run(
    `INSERT INTO structure_wanted (mail_data_id)
       SELECT ? WHERE NOT EXISTS (SELECT 1 FROM message_structure WHERE mail_data_id = ?)
     ON CONFLICT (mail_data_id) DO NOTHING`,
    mailDataId,
    mailDataId,
  )
}

/** In the words of the table: whoever has read a message finds them, not the write, which others wait for. */
export interface KeptStructure {
  readonly mailDataId: number
  /** undefined: it cannot be read, so nobody need try again. */
  readonly kept: { readonly structure: string; readonly plainEnvelope: string | null } | undefined
}

export function structureToKeep(mailDataId: number, structure: MessageStructure | undefined): KeptStructure {
  const kept = structure && {
    structure: formatStructure(structure),
    plainEnvelope: formatPlainEnvelope(structure.envelope) ?? null,
  }
  return { mailDataId, kept }
}

export const keepStructures = defineWrite(
  'mailbox.keep-structures',
  async (tx, { structures }: { readonly structures: readonly KeptStructure[] }): Promise<void> => {
    await putStructures(tx, structures)
  },
)

export async function putStructures(tx: Tx, structures: readonly KeptStructure[]): Promise<void> {
  for (const { mailDataId, kept } of structures) {
    // It may have gone meanwhile, and two may have read it.
    if (kept)
      await tx.run(
        `INSERT INTO message_structure (mail_data_id, structure, plain_envelope)
           SELECT id, ?, ? FROM mail_data WHERE id = ? ON CONFLICT (mail_data_id) DO NOTHING`,
        kept.structure,
        kept.plainEnvelope,
        mailDataId,
      )
    await tx.run('DELETE FROM structure_wanted WHERE mail_data_id = ?', mailDataId)
  }
}

type KeptEnvelope = Partial<Envelope> & Pick<Envelope, 'from'>

/** Reading it is most of what an ENVELOPE takes: what mostly stands there twice, or empty, is left out. */
function formatStructure({ envelope, ...structure }: MessageStructure): string {
  const { sender, replyTo, to, cc, bcc, ...rest } = envelope
  const author = JSON.stringify(rest.from)
  const kept: KeptEnvelope = {
    ...rest,
    ...(JSON.stringify(sender) === author ? {} : { sender }),
    ...(JSON.stringify(replyTo) === author ? {} : { replyTo }),
    ...(to.length === 0 ? {} : { to }),
    ...(cc.length === 0 ? {} : { cc }),
    ...(bcc.length === 0 ? {} : { bcc }),
  }
  return JSON.stringify({ envelope: kept, ...structure })
}

const nobody: readonly EnvelopeAddress[] = []

function parseStructure(text: string): MessageStructure {
  const { envelope, ...structure } = JSON.parse(text) as Omit<MessageStructure, 'envelope'> & {
    readonly envelope: KeptEnvelope
  }
  const { from, sender = from, replyTo = from, to = nobody, cc = nobody, bcc = nobody } = envelope
  return { ...structure, envelope: { ...envelope, from, sender, replyTo, to, cc, bcc } }
}

/** Whether this is in a row, as `structureToKeep` has written it, of mail data of this size. */
export function isStructureOf(text: string, mailDataSize: number): boolean {
  try {
    return parseStructure(text).root.body.end === mailDataSize
  } catch {
    // Not JSON, or of another form.
    return false
  }
}

export interface StructuredMessages {
  readonly messages: readonly MailboxMessage[]
  /** By the ids of their mail data; of those that have been read. */
  readonly structures: ReadonlyMap<number, MessageStructure>
}

/** As `readMessages`, with their structures: a question for each would take longer than all the rest. */
export const readStructuredMessages = defineRead(
  'mailbox.read-structured-messages',
  async (tx, { range, limit, ...open }: MessagesWanted): Promise<StructuredMessages> => {
    const rows = await tx.all<MessageRow & { readonly structure: string | null }>(
      `SELECT ${messageColumns}, structure FROM mailbox_message
         LEFT JOIN message_structure ON message_structure.mail_data_id = mailbox_message.mail_data_id
        WHERE ${inOpenMailbox} AND uid BETWEEN ? AND ? ORDER BY uid LIMIT ?`,
      ...openMailboxValues(open),
      range.first,
      range.last,
      limit,
    )
    const structures = new Map<number, MessageStructure>()
    for (const { mail_data_id: id, structure } of rows)
      if (structure !== null) structures.set(id, parseStructure(structure))
    return { messages: rows.map(readMessage), structures }
  },
)

/** An envelope in the words of FETCH (`formatPlainEnvelope`). */
export interface PlainEnvelope {
  readonly plainEnvelope: string
}

export interface EnvelopedMessages {
  readonly messages: readonly MailboxMessage[]
  /** By the ids of their mail data; the whole structure where the envelope is not plain. */
  readonly envelopes: ReadonlyMap<number, PlainEnvelope | MessageStructure>
}

/** As `readMessages`, with their envelopes ready to be told: what a list of a mailbox asks for first. */
export const readEnvelopedMessages = defineRead(
  'mailbox.read-enveloped-messages',
  async (tx, { range, limit, ...open }: MessagesWanted): Promise<EnvelopedMessages> => {
    const rows = await tx.all<
      MessageRow & { readonly plain_envelope: string | null; readonly structure: string | null }
    >(
      `SELECT ${messageColumns}, plain_envelope, CASE WHEN plain_envelope IS NULL THEN structure END AS structure
         FROM mailbox_message
         LEFT JOIN message_structure ON message_structure.mail_data_id = mailbox_message.mail_data_id
        WHERE ${inOpenMailbox} AND uid BETWEEN ? AND ? ORDER BY uid LIMIT ?`,
      ...openMailboxValues(open),
      range.first,
      range.last,
      limit,
    )
    const envelopes = new Map<number, PlainEnvelope | MessageStructure>()
    for (const { mail_data_id: id, plain_envelope: plainEnvelope, structure } of rows)
      if (plainEnvelope !== null) envelopes.set(id, { plainEnvelope })
      else if (structure !== null) envelopes.set(id, parseStructure(structure))
    return { messages: rows.map(readMessage), envelopes }
  },
)

/** Of those that have been read. */
export const readStructures = defineRead(
  'mailbox.read-structures',
  async (
    tx,
    { mailDataIds }: { readonly mailDataIds: readonly number[] },
  ): Promise<ReadonlyMap<number, MessageStructure>> => {
    const found = await tx.forAll(mailDataIds, id =>
      tx.get<{ structure: string }>('SELECT structure FROM message_structure WHERE mail_data_id = ?', id),
    )
    const structures = new Map<number, MessageStructure>()
    for (const [at, row] of found.entries()) {
      const id = mailDataIds[at]
      if (row && id !== undefined) structures.set(id, parseStructure(row.structure))
    }
    return structures
  },
)
