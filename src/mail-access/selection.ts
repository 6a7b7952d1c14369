// Which messages a command names, in the numbers that the session knows.
import {
  type NamedBy,
  type NumberRange,
  resolveRanges,
  type SequenceSet,
} from '../imap/grammar/sequence-set.ts'
import type { MessageNumbers } from '../mailbox/message-numbers.ts'
import { rangesOf, subtractRanges, type UidRange } from '../mailbox/uid-ranges.ts'

/** Ascending UIDs of messages that the session sees. */
export function selectUids(
  numbers: MessageNumbers,
  set: SequenceSet,
  by: NamedBy,
  saved: readonly NumberRange[],
): Iterable<number> {
  return numbers.uidsIn(selectRanges(numbers, set, by, saved))
}

/** The same as ranges: of what is in them, the session may see some. */
export function selectRanges(
  numbers: MessageNumbers,
  set: SequenceSet,
  by: NamedBy,
  saved: readonly NumberRange[],
): readonly UidRange[] {
  if (set.kind === 'saved') return saved
  if (by === 'uid') return resolveRanges(set.ranges, numbers.lastUid)
  const ranges = resolveRanges(set.ranges, numbers.count)
  // Neighbours by number are neighbours in the mailbox: the ends of a range say all of it.
  return ranges.flatMap(({ first, last }) => {
    const start = numbers.uidAt(first)
    const end = numbers.uidAt(Math.min(last, numbers.count))
    return start === undefined || end === undefined ? [] : [{ first: start, last: end }]
  })
}

/** UIDs as ranges in which there is no other message: few, where UIDs have left gaps. */
export function spanUids(numbers: MessageNumbers, uids: readonly number[]): UidRange[] {
  const spans: { first: number; last: number }[] = []
  let lastNumber = 0
  for (const uid of uids) {
    const number = numbers.numberOf(uid) ?? 0
    const open = spans.at(-1)
    if (open && number === lastNumber + 1) open.last = uid
    else spans.push({ first: uid, last: uid })
    lastNumber = number
  }
  return subtractRanges(spans, numbers.unnumbered)
}

/** As the command names them. */
export function numbersOf(numbers: MessageNumbers, uids: Iterable<number>, by: NamedBy): NumberRange[] {
  if (by === 'uid') return rangesOf(uids)
  return rangesOf([...uids].flatMap(uid => numbers.numberOf(uid) ?? []))
}

/** In pieces of at most `size`. */
export function* inPieces<Value>(values: Iterable<Value>, size: number): Generator<Value[]> {
  let piece: Value[] = []
  for (const value of values) {
    piece.push(value)
    if (piece.length === size) {
      yield piece
      piece = []
    }
  }
  if (piece.length > 0) yield piece
}
