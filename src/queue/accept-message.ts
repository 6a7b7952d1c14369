// Intake's operation: after it a message is ours.
import { defineWrite } from '../storage/operation.ts'
import { insertMessage } from './insert-message.ts'
import type { NewMessage } from './new-message.ts'
import { newMessageWire } from './new-message-wire.ts'

/** 'duplicate': the queue id is taken (by another node); nothing was written, take another id. */
export const acceptMessage = defineWrite(
  'queue.accept-message',
  async (tx, input: NewMessage): Promise<'accepted' | 'duplicate'> => {
    const taken = await tx.get('SELECT 1 AS found FROM mail_data WHERE id = ?', input.message.id)
    if (taken) return 'duplicate'
    await insertMessage(tx, input)
    return 'accepted'
  },
  { wakes: 'queue', wire: newMessageWire, isIndependent: true },
)
