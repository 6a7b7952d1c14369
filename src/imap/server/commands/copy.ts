// COPY (RFC 9051 §6.4.7).
import { answers } from '../../responses/answers.ts'
import { type Command, usual, withMailbox } from '../command.ts'
import { copyUidOf } from '../copy-uid.ts'
import { isRefusal } from '../mailbox-services.ts'

export const copy: Command<'COPY'> = {
  ...usual,
  verb: 'COPY',
  phases: withMailbox,
  uidVariant: 'also',
  async run(session, command, tag) {
    const copied = await session.selected.copy(command)
    if (isRefusal(copied)) return session.decline(tag, copied)
    return session.answer(tag, answers.completed('COPY', copyUidOf(copied)))
  },
}
