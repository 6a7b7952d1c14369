// FETCH and UID FETCH (RFC 9051 §6.4.5): told while the client reads it, a batch of messages at a time.
import { answers } from '../../responses/answers.ts'
import { formatFetch } from '../../responses/fetch.ts'
import { joinPieces, type Piece } from '../../responses/octets.ts'
import { type Command, usual, withMailbox } from '../command.ts'
import type { MessageBatch } from '../mailbox-services.ts'
import type { Session } from '../session.ts'
import type { Telling } from '../session-state.ts'

export const fetch: Command<'FETCH'> = {
  ...usual,
  verb: 'FETCH',
  phases: withMailbox,
  uidVariant: 'also',
  // RFC 9051 §7.5.1
  tellsExpunges: 'by-uid',
  run: (session, { verb: _verb, ...request }, tag) => tell(session, request, tag),
}

async function* tell(
  session: Session,
  request: Parameters<Extract<Session['state'], { phase: 'selected' }>['mailbox']['fetch']>[0],
  tag: string,
): Telling {
  const { state } = session
  if (state.phase !== 'selected') return session.answer(tag, answers.localError)
  for await (const batch of state.mailbox.fetch(request)) yield* formatBatch(session, batch)
  return session.answer(tag, answers.completed('FETCH'))
}

/** Texts of neighbours go out as one. */
function formatBatch(session: Session, batch: MessageBatch): readonly Piece[] {
  return joinPieces(
    batch.flatMap(({ sequence, items }) => formatFetch(sequence, items, session.responseTerms)),
  )
}
