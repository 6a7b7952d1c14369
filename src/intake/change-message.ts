// What trusted filters change of a message before it is taken: its fields and body, its sender and its recipients.

import type { ReversePath } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { parseAddress } from '../address/parse-address.ts'
import { editMessage } from '../message/edit-message.ts'
import type { MessageChanges } from '../scanner/contract.ts'
import type { MailDataFacts } from '../smtp/server/services.ts'
import { TextCheck } from '../smtp/server/text-check.ts'
import type { MailDataStore, MailDataWriter, StoredMailData } from '../storage/mail-data.ts'
import type { JudgedRecipient } from './judge-message.ts'

export interface Rewritten {
  readonly writer: MailDataWriter
  readonly mailData: StoredMailData
  readonly facts: MailDataFacts
}

export function changesText({ fields, body }: Pick<MessageChanges, 'fields' | 'body'>): boolean {
  return fields.length > 0 || body !== undefined
}

/** Rejects with a StorageFault, and with a RangeError when what comes out is no mail: the header section is too long, a NUL. */
export async function rewriteMessage(
  store: MailDataStore,
  before: StoredMailData,
  changes: Pick<MessageChanges, 'fields' | 'body'>,
  maxHeaderBytes: number,
): Promise<Rewritten> {
  const writer = store.create()
  const check = new TextCheck(Number.MAX_SAFE_INTEGER)
  const edits = { ...changes, body: changes.body && withLineEnds(changes.body) }
  try {
    for await (const piece of editMessage(store.readStored(before), edits, maxHeaderBytes)) {
      check.check(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength))
      await writer.write(piece)
    }
    check.finish()
    if (check.problem) throw new RangeError(check.problem.lines.join(' '))
    return { writer, mailData: await writer.finish(), facts: check }
  } catch (cause) {
    await writer.abort()
    throw cause
  }
}

function withLineEnds(body: Uint8Array): Uint8Array {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1')
  return Buffer.from(text.replaceAll(/\r\n|\r|\n/g, '\r\n'), 'latin1')
}

export interface ChangedEnvelope {
  readonly reversePath: ReversePath
  readonly recipients: readonly JudgedRecipient[]
}

/** An address that is none is passed over. Of what is sent to somebody whom the sender has not named, the sender hears nothing. */
export function changeEnvelope(
  { reversePath, recipients }: ChangedEnvelope,
  changes: Pick<MessageChanges, 'addedRecipients' | 'removedRecipients' | 'reversePath'>,
): ChangedEnvelope {
  const keysOf = (texts: readonly string[]): ReadonlySet<string> =>
    new Set(texts.flatMap(text => keyOf(text) ?? []))
  const removed = keysOf(changes.removedRecipients)
  const left = recipients.filter(({ recipient }) => !removed.has(addressKey(recipient.forwardPath)))
  const added = changes.addedRecipients.flatMap((text): JudgedRecipient[] => {
    const forwardPath = parseAddress(text)
    return forwardPath ? [{ recipient: { forwardPath, parameters: { notify: [] } }, fate: 'inbox' }] : []
  })
  return {
    reversePath: changedReversePath(changes.reversePath, reversePath),
    recipients: [...left, ...added],
  }
}

function keyOf(text: string): string | undefined {
  const address = parseAddress(text)
  return address && addressKey(address)
}

function changedReversePath(text: string | undefined, before: ReversePath): ReversePath {
  if (text === undefined) return before
  return text === '' ? null : (parseAddress(text) ?? before)
}
