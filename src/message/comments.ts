// Comments in header fields (RFC 5322 §3.2.2): what is left without them.

/** Each comment becomes a blank; in quoted strings there are none. One pass, however deep they nest. */
export function removeComments(text: string): string {
  if (!text.includes('(')) return text
  let kept = ''
  let depth = 0
  let isQuoted = false
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? ''
    if (character === '\\') {
      if (depth === 0) kept += text.slice(index, index + 2)
      index++
    } else if (depth > 0) {
      if (character === '(') depth++
      else if (character === ')') {
        depth--
        if (depth === 0) kept += ' '
      }
    } else if (character === '"') {
      isQuoted = !isQuoted
      kept += character
    } else if (character === '(' && !isQuoted) depth++
    else kept += character
  }
  return kept
}
