// The words of a page in HTML, for `body :text` (RFC 5173 §5.3): a best effort in one pass, not a browser.

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
}
const entity = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,6}));/gi
/** What stands in these is not shown. */
const hidden = ['script', 'style', 'head', 'title']
/** These stand in the middle of a word, or of a line. */
const inline = ['a', 'abbr', 'b', 'em', 'font', 'i', 'small', 'span', 'strong', 'sub', 'sup', 'tt', 'u']

export function readHtmlText(html: string): string {
  const lower = html.toLowerCase()
  let text = ''
  let at = 0
  while (at < html.length) {
    const open = html.indexOf('<', at)
    if (open < 0) break
    text += html.slice(at, open)
    const comment = html.startsWith('<!--', open)
    const close = comment ? html.indexOf('-->', open) : html.indexOf('>', open)
    if (close < 0) return decodeEntities(text)
    at = close + (comment ? 3 : 1)
    const name = comment ? '' : nameOf(lower, open)
    if (!inline.includes(name.replace('/', '')) && !comment) text += ' '
    if (!hidden.includes(name)) continue
    const end = lower.indexOf(`</${name}`, at)
    // Without its end, all that follows is hidden.
    at = end < 0 ? html.length : end
  }
  return decodeEntities(text + html.slice(at))
}

function nameOf(lower: string, open: number): string {
  let end = open + 1
  while (end < open + 12 && /[a-z0-9/]/.test(lower[end] ?? '')) end++
  return lower.slice(open + 1, end)
}

function decodeEntities(text: string): string {
  return text.replaceAll(entity, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return entities[name.toLowerCase()] ?? whole
    const point = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
    return point > 0 && point <= 0x10_ffff ? String.fromCodePoint(point) : whole
  })
}
