// CLOSE (RFC 9051 §6.4.1).
import { answers } from '../../responses/answers.ts'
import { type Command, usual, withMailbox } from '../command.ts'
import { leaveMailbox } from '../session-state.ts'

export const close: Command<'CLOSE'> = {
  ...usual,
  verb: 'CLOSE',
  phases: withMailbox,
  async run(session, _command, tag) {
    const { selected } = session
    // What is \Deleted goes without a word, unless the mailbox is only looked at.
    if (selected.facts.access === 'read-write') await selected.expunge(undefined)
    return { ...session.answer(tag, answers.completed('CLOSE')), next: leaveMailbox(session.state) }
  },
}
