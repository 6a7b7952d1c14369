// SELECT and EXAMINE (RFC 9051 §6.3.2, §6.3.3), CLOSE and UNSELECT (§6.4.1, §6.4.2), NAMESPACE (§6.3.10).
import type { CommandOf } from '../../grammar/command.ts'
import { answers } from '../../responses/answers.ts'
import { codes } from '../../responses/codes.ts'
import {
  formatCount,
  formatFlags,
  formatListed,
  formatNamespaces,
  formatVanished,
} from '../../responses/mailbox-data.ts'
import type { Pieces } from '../../responses/octets.ts'
import { formatNote } from '../../responses/status-response.ts'
import { afterLogin, type Command, usual, withMailbox } from '../command.ts'
import { isRefusal, type SelectedFacts, type SelectedMailbox } from '../mailbox-services.ts'
import type { Session } from '../session.ts'
import type { SessionState, Step, Telling } from '../session-state.ts'
import { formatBatch } from '../tell-messages.ts'

function selecting(verb: 'SELECT' | 'EXAMINE'): Command<'SELECT' | 'EXAMINE'> {
  return { ...usual, verb, phases: afterLogin, run: tell }
}

async function* tell(
  session: Session,
  { verb, mailbox: name, condstore, quickResync }: CommandOf<'SELECT'>,
  tag: string,
): Telling {
  if (quickResync && !session.enabled.has('QRESYNC'))
    return session.answer(tag, answers.enableFirst('QRESYNC'))
  // RFC 9586 §3
  if (quickResync?.match && session.knowsUidsOnly) return session.answer(tag, answers.uidRequired)
  if (condstore) session.enabled.add('CONDSTORE')
  const { mailboxes } = session
  // RFC 9051 §6.3.2: also when the new one cannot be had, the old one is not selected any more.
  const wasSelected = session.state.phase === 'selected'
  session.state = leave(session.state)
  if (wasSelected) yield closedNotice
  const access = verb === 'SELECT' ? 'read-write' : 'read-only'
  const mailbox = await mailboxes.select(name, {
    access,
    quickResync,
    tellsRecent: !session.enabled.has('IMAP4REV2'),
  })
  if (isRefusal(mailbox)) return session.decline(tag, mailbox)
  const next = session.enter(mailboxes, mailbox, name)
  yield describe(session, name, mailbox.facts)
  yield* resync(session, mailbox)
  const code = mailbox.facts.access === 'read-only' ? codes.readOnly : codes.readWrite
  return { answer: { tag, response: answers.completed(verb, code) }, next }
}

/** RFC 7162 §3.2.5.1 */
async function* resync(session: Session, { resync }: SelectedMailbox): AsyncGenerator<Pieces> {
  if (!resync) return
  if (resync.vanished.length > 0) yield formatVanished(resync.vanished, 'earlier')
  for await (const batch of resync.changed()) yield formatBatch(session, batch)
}

const closedNotice = formatNote(codes.closed, 'The mailbox before it is closed')

function leave(state: SessionState): SessionState {
  if (state.phase !== 'selected') return state
  state.mailbox.release()
  return { phase: 'authenticated', mailboxes: state.mailboxes }
}

function describe(session: Session, name: string, facts: SelectedFacts): string {
  const isRev2 = session.enabled.has('IMAP4REV2')
  return [
    formatFlags(facts.flags),
    formatCount(facts.exists, 'EXISTS'),
    // RFC 3501 §6.3.1 wants these two, and IMAP4rev2 has done away with both.
    ...(isRev2 ? [] : [formatCount(facts.recent, 'RECENT')]),
    // A number of a message (RFC 9586 §3).
    ...(isRev2 || session.knowsUidsOnly || facts.firstUnseen === undefined
      ? []
      : [formatNote(codes.unseen(facts.firstUnseen), 'The first message that was not seen')]),
    formatNote(codes.uidValidity(facts.uidValidity), 'UIDs are valid'),
    formatNote(codes.uidNext(facts.uidNext), 'The next UID'),
    formatNote(codes.permanentFlags(facts.permanentFlags), 'Flags that are kept'),
    formatNote(codes.highestModSeq(facts.highestModSeq), 'The highest mod-sequence'),
    formatNote(codes.mailboxId(facts.mailboxId), 'The mailbox'),
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
    const { selected } = session
    // §6.4.1: what is \Deleted goes without a word, unless the mailbox is only looked at.
    if (selected.facts.access === 'read-write') await selected.expunge(undefined)
    return unselected(session, tag, 'CLOSE')
  },
}

function unselected(session: Session, tag: string, verb: string): Step {
  return { answer: { tag, response: answers.completed(verb) }, next: leave(session.state) }
}

export const namespace: Command<'NAMESPACE'> = {
  ...usual,
  verb: 'NAMESPACE',
  phases: afterLogin,
  run: (session, _command, tag) => ({
    ...session.answer(tag, answers.completed('NAMESPACE')),
    untagged: formatNamespaces(session.mailboxes.namespaces, session.responseTerms),
  }),
}
