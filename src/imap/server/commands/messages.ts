// What is done to messages: STORE (RFC 9051 §6.4.6), COPY, MOVE (§6.4.7, §6.4.8), EXPUNGE (§6.4.3).
import { answers } from '../../responses/answers.ts'
import { codes } from '../../responses/codes.ts'
import { formatNote, type StatusResponse } from '../../responses/status-response.ts'
import { type Command, deniedWhereReadOnly, usual, withMailbox } from '../command.ts'
import { type Copied, isRefusal } from '../mailbox-services.ts'

export const store: Command<'STORE'> = {
  ...usual,
  verb: 'STORE',
  phases: withMailbox,
  uidVariant: 'also',
  // RFC 9051 §7.5.1
  tellsExpunges: 'by-uid',
  denied: deniedWhereReadOnly,
  async run(session, { verb: _verb, ...request }, tag) {
    const untagged = request.unchangedSince === undefined ? '' : session.enableModSeq()
    const stored = await session.selected.store(request)
    if (isRefusal(stored)) return session.decline(tag, stored)
    // RFC 7162 §3.1.3
    const code = stored.modified.length > 0 ? codes.modified(stored.modified) : undefined
    return { ...session.answer(tag, answers.completed('STORE', code)), untagged }
  },
}

export const copy: Command<'COPY'> = {
  ...usual,
  verb: 'COPY',
  phases: withMailbox,
  uidVariant: 'also',
  async run(session, command, tag) {
    const copied = await session.selected.copy(command)
    if (isRefusal(copied)) return session.decline(tag, copied)
    return session.answer(tag, answers.completed('COPY', codeOf(copied)))
  },
}

export const move: Command<'MOVE'> = {
  ...usual,
  verb: 'MOVE',
  phases: withMailbox,
  uidVariant: 'also',
  denied: deniedWhereReadOnly,
  async run(session, command, tag) {
    const moved = await session.selected.copy(command)
    if (isRefusal(moved)) return session.decline(tag, moved)
    const code = codeOf(moved)
    return {
      // RFC 6851 §4.3: where they are now is told before they go.
      untagged: code && formatNote(code, 'Moved'),
      ...session.answer(tag, answers.completed('MOVE')),
    }
  },
}

/** RFC 4315 §3: of no message there is none. */
function codeOf({ uidValidity, from, to }: Copied): StatusResponse['code'] {
  return from.length > 0 ? codes.copyUid(uidValidity, from, to) : undefined
}

export const expunge: Command<'EXPUNGE'> = {
  ...usual,
  verb: 'EXPUNGE',
  phases: withMailbox,
  uidVariant: 'also',
  denied: deniedWhereReadOnly,
  async run(session, { set }, tag) {
    const refusal = await session.selected.expunge(set)
    return refusal ? session.decline(tag, refusal) : session.answer(tag, answers.completed('EXPUNGE'))
  },
}
