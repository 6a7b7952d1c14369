// Intake's operation: after it a message is ours.
import { hasMailData } from '../storage/mail-data-rows.ts'
import { defineWrite } from '../storage/operation.ts'
import { insertMessage } from './insert-message.ts'
import type { NewMessage } from './new-message.ts'
import { newMessageWire } from './new-message-wire.ts'

/** 'duplicate': the queue id is taken (by another node); nothing was written, take another id. */
export const acceptMessage = defineWrite(
  'queue.accept-message',
  async (tx, input: NewMessage): Promise<'accepted' | 'duplicate'> => {
    if (await hasMailData(tx, input.message.id)) return 'duplicate'
    await insertMessage(tx, input)
    return 'accepted'
  },
  { wakes: 'queue', wire: newMessageWire, isIndependent: true },
)
