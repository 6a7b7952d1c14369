// :contains (RFC 5228 §2.7.1), in time that both lengths bound.

/** The engine's own search is linear for what is short; of what is longer it may look at each place to the end. */
const maxOwnLength = 200

/** In characters of the run's budget. */
export function costOfSearch(text: string, sought: string): number {
  const length = text.length + sought.length
  return sought.length <= maxOwnLength ? Math.ceil(length / 4) : length
}

export function containsText(text: string, sought: string): boolean {
  if (sought.length <= maxOwnLength) return text.includes(sought)
  return search(text, sought)
}

/** Knuth, Morris and Pratt: `fallbacks[n]` is the longest beginning of `sought` that its first n characters end with. */
function search(text: string, sought: string): boolean {
  const fallbacks = new Int32Array(sought.length + 1)
  fallbacks[0] = -1
  for (let index = 0, border = -1; index < sought.length; ) {
    while (border >= 0 && sought.charCodeAt(index) !== sought.charCodeAt(border))
      border = fallbacks[border] ?? -1
    index++
    border++
    fallbacks[index] = border
  }
  for (let index = 0, found = 0; index < text.length; index++) {
    while (found >= 0 && text.charCodeAt(index) !== sought.charCodeAt(found)) found = fallbacks[found] ?? -1
    found++
    if (found === sought.length) return true
  }
  return false
}
