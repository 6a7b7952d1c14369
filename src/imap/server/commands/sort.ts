// SORT (RFC 5256 §3; with result options, RFC 5267 §3).
import { answers } from '../../responses/answers.ts'
import { formatSearched } from '../../responses/search.ts'
import { type Command, keepsNumbers } from '../command.ts'
import { isRefusal } from '../mailbox-services.ts'
import { namesModSeq, namesUnknown } from '../search-keys.ts'
import { formatResult, modSeqOf, savesOf } from '../search-result.ts'

export const sort: Command<'SORT'> = {
  ...keepsNumbers,
  verb: 'SORT',
  async run(session, { by, key, criteria, returns }, tag) {
    if (namesUnknown(session, key)) return session.answer(tag, answers.uidRequired)
    const note = namesModSeq(key) ? session.enableModSeq() : ''
    const found = await session.selected.sort({ by, key, criteria, saves: savesOf(returns) })
    if (isRefusal(found)) return session.decline(tag, found)
    const modSeq = namesModSeq(key) ? modSeqOf(found, returns) : undefined
    return {
      ...session.answer(tag, answers.completed('SORT')),
      untagged:
        note +
        (returns
          ? formatResult({ tag, by, wanted: returns, modSeq }, found)
          : formatSearched('SORT', found.numbers, modSeq)),
    }
  },
}
