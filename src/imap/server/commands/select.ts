// SELECT (RFC 9051 §6.3.2), and EXAMINE (§6.3.3), which is the same for looking only.
import type { CommandOf } from '../../grammar/command.ts'
import { answers } from '../../responses/answers.ts'
import { codes } from '../../responses/codes.ts'
import { formatCount, formatFlags, formatListed, formatVanished } from '../../responses/mailbox-data.ts'
import type { Pieces } from '../../responses/octets.ts'
import { formatNote } from '../../responses/status-response.ts'
import { afterLogin, type Command, usual } from '../command.ts'
import { isRefusal, type SelectedFacts, type SelectedMailbox } from '../mailbox-services.ts'
import type { Session } from '../session.ts'
import { leaveMailbox, type Telling } from '../session-state.ts'
import { formatBatch } from '../tell-messages.ts'

export const select = selecting('SELECT')
export const examine = selecting('EXAMINE')

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
  session.state = leaveMailbox(session.state)
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
