// What SEARCH, SORT and THREAD have to know of their keys before they look.
import type { SearchKey } from '../grammar/commands/search.ts'
import type { Session } from './session.ts'

/** RFC 9586 §3: a search by UIDs may ask for numbers of messages too, of which this client knows none. */
export function namesUnknown({ knowsUidsOnly }: Session, key: SearchKey): boolean {
  return knowsUidsOnly && namesKey(key, isNumbers)
}

/** RFC 7162 §3.1.5 */
export function namesModSeq(key: SearchKey): boolean {
  return namesKey(key, one => one.kind === 'mod-seq')
}

/** `$` is what a search found, by UID or not. */
const isNumbers = (key: SearchKey): boolean =>
  key.kind === 'messages' && key.by === 'sequence' && key.set.kind !== 'saved'

/** A search has few keys, and few levels of them. */
function namesKey(key: SearchKey, isIt: (key: SearchKey) => boolean): boolean {
  switch (key.kind) {
    case 'and':
      return key.keys.some(one => namesKey(one, isIt))
    case 'or':
      return namesKey(key.left, isIt) || namesKey(key.right, isIt)
    case 'not':
      return namesKey(key.key, isIt)
    default:
      return isIt(key)
  }
}
