// Texts that a script puts into mail: what they are made of may have been written by a stranger.

/** Lines end with CRLF, and there is no NUL, wherever the text comes from. */
export function cleanText(text: string): string {
  return text.replaceAll('\0', '').replaceAll(/\r\n|\r|\n/g, '\r\n')
}

/** No line end and no other control character: for a field. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\0-\x1f\x7f]+/g, ' ').trim()
}
