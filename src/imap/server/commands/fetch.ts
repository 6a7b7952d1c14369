// FETCH (RFC 9051 §6.4.5), told while the client reads it, a batch of messages at a time.
import type { CommandOf } from '../../grammar/command.ts'
import type { FetchAttribute } from '../../grammar/commands/fetch.ts'
import { answers } from '../../responses/answers.ts'
import type { FetchItem } from '../../responses/fetch.ts'
import { formatVanished } from '../../responses/mailbox-data.ts'
import { type Command, keepsNumbers } from '../command.ts'
import type { Session } from '../session.ts'
import type { Telling } from '../session-state.ts'
import { formatBatch } from '../tell-messages.ts'

export const fetch: Command<'FETCH'> = {
  ...keepsNumbers,
  verb: 'FETCH',
  run: tell,
}

async function* tell(
  session: Session,
  { verb: _verb, ...request }: CommandOf<'FETCH'>,
  tag: string,
): Telling {
  if (request.vanished && !session.enabled.has('QRESYNC'))
    return session.answer(tag, answers.enableFirst('QRESYNC'))
  const attributes = withImplied(request, session.knowsUidsOnly)
  if (attributes.some(({ kind }) => kind === 'MODSEQ')) yield session.enableModSeq()
  const { selected } = session
  const tellsModSeq = session.enabled.has('CONDSTORE')
  if (request.vanished && request.changedSince !== undefined) {
    const vanished = await selected.vanishedSince(request.changedSince, request.set)
    if (vanished.length > 0) yield formatVanished(vanished, 'earlier')
  }
  let isDecoded = true
  for await (const batch of selected.fetch({ ...request, attributes, tellsModSeq })) {
    isDecoded &&= !batch.some(({ items }) => items.some(isUndecodable))
    yield formatBatch(session, batch)
  }
  return session.answer(tag, isDecoded ? answers.completed('FETCH') : answers.unknownEncoding)
}

function isUndecodable(item: FetchItem): boolean {
  return 'isUndecodable' in item && item.isUndecodable === true
}

/** UID FETCH has the UID (RFC 9051 §6.4.9), and CHANGEDSINCE the mod-sequence (RFC 7162 §3.1.4.1), asked for or not. */
function withImplied(
  { by, attributes, changedSince }: Omit<CommandOf<'FETCH'>, 'verb'>,
  knowsUidsOnly: boolean,
): readonly FetchAttribute[] {
  const implied: FetchAttribute[] = []
  const lacks = (name: FetchAttribute['kind']): boolean => !attributes.some(({ kind }) => kind === name)
  // A UIDFETCH has it in its place already (RFC 9586 §3.3).
  if (by === 'uid' && lacks('UID') && !knowsUidsOnly) implied.push({ kind: 'UID' })
  if (changedSince !== undefined && lacks('MODSEQ')) implied.push({ kind: 'MODSEQ' })
  return [...implied, ...attributes]
}
