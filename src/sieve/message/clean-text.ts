// Texts that a script puts into mail: what they are made of may have been written by a stranger.

/** Lines end with CRLF, and there is no NUL, wherever the text comes from. */
export function cleanText(text: string): string {
  return text.replaceAll('\0', '').replaceAll(/\r\n|\r|\n/g, '\r\n')
}

/** No line end and no other control character: for a field. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\0-\x1f\x7f]+/g, ' ').trim()
}

/** By characters, so that none is cut in two; one that is cut says so. */
export function shorten(text: string, maxLength: number): string {
  const characters = Array.from(text)
  return characters.length <= maxLength ? text : `${characters.slice(0, maxLength - 1).join('')}…`
}
