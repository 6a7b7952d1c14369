// SELECT and EXAMINE (RFC 9051 §6.3.2, §6.3.3), CLOSE and UNSELECT (§6.4.1, §6.4.2), NAMESPACE (§6.3.10).
import { answers } from '../../responses/answers.ts'
import { codes } from '../../responses/codes.ts'
import { formatCount, formatFlags, formatListed, formatNamespaces } from '../../responses/mailbox-data.ts'
import { formatStatusResponse } from '../../responses/status-response.ts'
import { afterLogin, type Command, usual, withMailbox } from '../command.ts'
import { isRefusal, type SelectedFacts } from '../mailbox-services.ts'
import type { Session } from '../session.ts'
import type { SessionState, Step } from '../session-state.ts'

function selecting(verb: 'SELECT' | 'EXAMINE'): Command<'SELECT' | 'EXAMINE'> {
  return {
    ...usual,
    verb,
    phases: afterLogin,
    // RFC 9051 §5.5: what numbers mean afterwards depends on it, and on nothing that a client could not know.
    async run(session, { mailbox: name }, tag) {
      const before = session.state
      if (!('mailboxes' in before)) return session.answer(tag, answers.localError)
      // §6.3.2: also when the new one cannot be had, the old one is not selected any more.
      const left = leave(before)
      const closed = before.phase === 'selected' ? closedNotice : ''
      const access = verb === 'SELECT' ? 'read-write' : 'read-only'
      const mailbox = await before.mailboxes.select(name, { access, quickResync: undefined })
      if (isRefusal(mailbox))
        return {
          untagged: closed,
          answer: { tag, response: { status: 'NO', code: mailbox.code, text: mailbox.refused } },
          next: left,
        }
      session.watch(mailbox)
      const { facts } = mailbox
      const code = facts.access === 'read-only' ? codes.readOnly : codes.readWrite
      return {
        untagged: closed + describe(session, name, facts),
        answer: { tag, response: { ...answers.completed(verb), code } },
        next: { phase: 'selected', mailboxes: before.mailboxes, mailbox, name },
      }
    },
  }
}

const closedNotice = formatStatusResponse('*', {
  status: 'OK',
  code: codes.closed,
  text: 'The mailbox before it is closed',
})

function leave(state: Extract<SessionState, { phase: 'authenticated' | 'selected' }>): SessionState {
  if (state.phase === 'selected') state.mailbox.release()
  return { phase: 'authenticated', mailboxes: state.mailboxes }
}

function describe(session: Session, name: string, facts: SelectedFacts): string {
  const note = (code: Parameters<typeof formatStatusResponse>[1]['code'], text: string): string =>
    formatStatusResponse('*', { status: 'OK', code, text })
  const isRev2 = session.enabled.has('IMAP4REV2')
  return [
    formatFlags(facts.flags),
    formatCount(facts.exists, 'EXISTS'),
    // RFC 3501 §6.3.1 wants these two; no message is \Recent here, and IMAP4rev2 has done away with both.
    ...(isRev2 ? [] : [formatCount(0, 'RECENT')]),
    ...(isRev2 || facts.firstUnseen === undefined
      ? []
      : [note(codes.unseen(facts.firstUnseen), 'The first message that was not seen')]),
    note(codes.uidValidity(facts.uidValidity), 'UIDs are valid'),
    note(codes.uidNext(facts.uidNext), 'The next UID'),
    note(codes.permanentFlags(facts.permanentFlags), 'Flags that are kept'),
    note(codes.highestModSeq(facts.highestModSeq), 'The highest mod-sequence'),
    note(codes.mailboxId(facts.mailboxId), 'The mailbox'),
    // RFC 9051 §6.3.2
    ...(isRev2 ? [formatListed({ name, attributes: [] }, session.responseTerms)] : []),
  ].join('')
}

export const select = selecting('SELECT')
export const examine = selecting('EXAMINE')

export const unselect: Command<'UNSELECT'> = {
  ...usual,
  verb: 'UNSELECT',
  phases: withMailbox,
  run: (session, _command, tag) => unselected(session, tag, 'UNSELECT'),
}

export const close: Command<'CLOSE'> = {
  ...usual,
  verb: 'CLOSE',
  phases: withMailbox,
  async run(session, _command, tag) {
    const { state } = session
    // §6.4.1: what is \Deleted goes without a word, unless the mailbox is only looked at.
    if (state.phase === 'selected' && state.mailbox.facts.access === 'read-write')
      await state.mailbox.expunge(undefined)
    return unselected(session, tag, 'CLOSE')
  },
}

function unselected(session: Session, tag: string, verb: string): Step {
  const { state } = session
  const next = 'mailboxes' in state ? leave(state) : state
  return { answer: { tag, response: answers.completed(verb) }, next }
}

export const namespace: Command<'NAMESPACE'> = {
  ...usual,
  verb: 'NAMESPACE',
  phases: afterLogin,
  run(session, _command, tag) {
    const { state } = session
    return {
      ...session.answer(tag, answers.completed('NAMESPACE')),
      untagged:
        'mailboxes' in state ? formatNamespaces(state.mailboxes.namespaces, session.responseTerms) : '',
    }
  },
}
