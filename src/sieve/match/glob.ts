// :matches (RFC 5228 §2.7.1): * is any text, ? one character. Without backtracking: the time of a match is bounded by the length
// of the text times that of the longest piece between two stars, and is counted.

/** What is counted against the steps of a run; throws when they are used up. */
export type Spend = (characters: number) => void

interface Piece {
  /** Code points; undefined: ?, any one. */
  readonly points: readonly (string | undefined)[]
}

/** Pieces with a star between each two. */
export interface Glob {
  readonly pieces: readonly Piece[]
  /** What the wildcards are, in their order. */
  readonly wildcards: readonly ('?' | '*')[]
}

/** A backslash takes the meaning from what stands behind it. */
export function parseGlob(pattern: string): Glob {
  const pieces: { points: (string | undefined)[] }[] = [{ points: [] }]
  const wildcards: ('?' | '*')[] = []
  const points = Array.from(pattern)
  for (let index = 0; index < points.length; index++) {
    const point = points[index]
    if (point === '*') {
      wildcards.push('*')
      pieces.push({ points: [] })
      continue
    }
    if (point === '?') wildcards.push('?')
    if (point === '\\' && index + 1 < points.length) index++
    pieces.at(-1)?.points.push(point === '?' ? undefined : points[index])
  }
  return { pieces, wildcards }
}

/**
 * What the wildcards stand for, as positions in `text` (code points of the folded text), or undefined. Each star is as short as
 * it can be (RFC 5229 §3.2): so each piece stands at the first place where it can, and only the last one at the end.
 */
export function matchGlob(
  { pieces, wildcards }: Glob,
  text: readonly string[],
  spend: Spend,
): readonly (readonly [number, number])[] | undefined {
  const starts = placePieces(pieces, text, spend)
  if (!starts) return undefined
  const found: [number, number][] = []
  let piece = 0
  let offset = 0
  for (const wildcard of wildcards) {
    const start = starts[piece] ?? 0
    if (wildcard === '?') {
      offset = (pieces[piece]?.points ?? []).indexOf(undefined, offset)
      found.push([start + offset, start + offset + 1])
      offset++
    } else {
      const end = start + (pieces[piece]?.points.length ?? 0)
      piece++
      offset = 0
      found.push([end, starts[piece] ?? end])
    }
  }
  return found
}

/** Where each piece begins. */
function placePieces(
  pieces: readonly Piece[],
  text: readonly string[],
  spend: Spend,
): readonly number[] | undefined {
  const first = pieces[0]?.points ?? []
  const last = pieces.at(-1)?.points ?? []
  if (pieces.length === 1)
    return first.length === text.length && standsAt(first, text, 0, spend) ? [0] : undefined
  if (!standsAt(first, text, 0, spend)) return undefined
  const lastStart = text.length - last.length
  const starts = [0]
  let at = first.length
  for (const { points } of pieces.slice(1, -1)) {
    const place = findPlace(points, text, at, lastStart, spend)
    if (place === undefined) return undefined
    starts.push(place)
    at = place + points.length
  }
  if (at > lastStart || !standsAt(last, text, lastStart, spend)) return undefined
  return [...starts, lastStart]
}

function findPlace(
  points: readonly (string | undefined)[],
  text: readonly string[],
  from: number,
  end: number,
  spend: Spend,
): number | undefined {
  for (let at = from; at + points.length <= end; at++) {
    spend(1)
    if (standsAt(points, text, at, spend)) return at
  }
  return undefined
}

function standsAt(
  points: readonly (string | undefined)[],
  text: readonly string[],
  at: number,
  spend: Spend,
): boolean {
  if (at + points.length > text.length) return false
  for (let index = 0; index < points.length; index++) {
    const point = points[index]
    if (point !== undefined && point !== text[at + index]) {
      spend(index)
      return false
    }
  }
  spend(points.length)
  return true
}
