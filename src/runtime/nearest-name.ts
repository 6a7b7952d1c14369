// "Did you mean …?": the known name that a mistyped one comes closest to.

/** `undefined` when none is close: more than a third of the letters would have to change. */
export function nearestName(typed: string, known: readonly string[]): string | undefined {
  // A name of a megabyte is no typing mistake, and comparing costs its length squared.
  if (typed.length > 60) return undefined
  let nearest: string | undefined
  let least = Math.max(1, Math.floor(typed.length / 3)) + 1
  for (const name of known) {
    const distance = editDistance(simplified(typed), simplified(name))
    if (distance < least) {
      least = distance
      nearest = name
    }
  }
  return nearest
}

/** max-message_bytes and maxMessageBytes are the same name. */
function simplified(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '')
}

/** Letters to add, remove, change or swap with their neighbour (Damerau and Levenshtein, restricted). */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const current = [i]
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1] ? 0 : 1
      let cost = Math.min((last[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same)
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1)
      }
      current.push(cost)
    }
    beforeLast = last
    last = current
  }
  return last[to.length] ?? 0
}
