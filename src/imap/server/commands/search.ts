// SEARCH (RFC 9051 §6.4.4).
import type { SearchReturnOptions } from '../../grammar/commands/search.ts'
import { answers } from '../../responses/answers.ts'
import { formatSearched } from '../../responses/search.ts'
import { type Command, keepsNumbers } from '../command.ts'
import { isRefusal } from '../mailbox-services.ts'
import { namesModSeq, namesUnknown } from '../search-keys.ts'
import { formatResult, modSeqOf, savesOf } from '../search-result.ts'

/** RFC 9051 §7.3.4: IMAP4rev2 knows ESEARCH only. */
const usualOfRev2: SearchReturnOptions = {
  min: false,
  max: false,
  all: true,
  count: false,
  save: false,
  page: undefined,
}

export const search: Command<'SEARCH'> = {
  ...keepsNumbers,
  verb: 'SEARCH',
  async run(session, { by, key, returns }, tag) {
    if (namesUnknown(session, key)) return session.answer(tag, answers.uidRequired)
    const note = namesModSeq(key) ? session.enableModSeq() : ''
    const found = await session.selected.search({ by, key, saves: savesOf(returns) })
    if (isRefusal(found)) return session.decline(tag, found)
    const wanted = returns ?? (session.enabled.has('IMAP4REV2') ? usualOfRev2 : undefined)
    const modSeq = namesModSeq(key) ? modSeqOf(found, wanted) : undefined
    return {
      ...session.answer(tag, answers.completed('SEARCH')),
      untagged:
        note +
        (wanted
          ? formatResult({ tag, by, wanted, modSeq }, found)
          : formatSearched('SEARCH', found.numbers, modSeq)),
    }
  },
}
