// MOVE (RFC 9051 §6.4.8).
import { answers } from '../../responses/answers.ts'
import { formatNote } from '../../responses/status-response.ts'
import { type Command, deniedWhereReadOnly, usual, withMailbox } from '../command.ts'
import { copyUidOf } from '../copy-uid.ts'
import { isRefusal } from '../mailbox-services.ts'

export const move: Command<'MOVE'> = {
  ...usual,
  verb: 'MOVE',
  phases: withMailbox,
  uidVariant: 'also',
  denied: deniedWhereReadOnly,
  async run(session, command, tag) {
    const moved = await session.selected.copy(command)
    if (isRefusal(moved)) return session.decline(tag, moved)
    const code = copyUidOf(moved)
    return {
      // RFC 6851 §4.3: where they are now is told before they go.
      untagged: code && formatNote(code, 'Moved'),
      ...session.answer(tag, answers.completed('MOVE')),
    }
  },
}
