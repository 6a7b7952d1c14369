// The words of an HTML document as a reader sees them, near enough for statistics: one pass, no tree.

export interface HtmlText {
  readonly text: string
  /** Hosts of links and images. */
  readonly links: readonly string[]
}

/** Their content is no text. */
const hidden = new Set(['script', 'style', 'head', 'title', 'template'])
/** Words go on across these. */
const inline = new Set([
  'a',
  'abbr',
  'b',
  'bdi',
  'big',
  'em',
  'font',
  'i',
  'ins',
  'mark',
  's',
  'small',
  'span',
  'strong',
  'sub',
  'sup',
  'u',
  'wbr',
])
const maxLinks = 200
const tagName = /^\/?\s*(?<name>[a-z][a-z0-9]*)/i
const link = /(?:href|src|action)\s*=\s*["']?(?:https?:)?\/\/(?<host>[^/"'?#\s>:@]+)/gi

export function textOfHtml(html: string): HtmlText {
  const links: string[] = []
  let text = ''
  let hiddenIn: string | undefined
  for (let at = 0; at < html.length; ) {
    const open = html.indexOf('<', at)
    if (hiddenIn === undefined) text += html.slice(at, open < 0 ? html.length : open)
    if (open < 0) break
    if (html.startsWith('<!--', open)) {
      const end = html.indexOf('-->', open + 4)
      at = end < 0 ? html.length : end + 3
      continue
    }
    const close = html.indexOf('>', open)
    const tag = html.slice(open + 1, close < 0 ? html.length : close)
    at = close < 0 ? html.length : close + 1
    const name = tagName.exec(tag)?.groups?.name?.toLowerCase()
    if (name === undefined) continue
    if (hiddenIn !== undefined) {
      if (tag.startsWith('/') && name === hiddenIn) hiddenIn = undefined
      continue
    }
    if (hidden.has(name) && !tag.startsWith('/') && !tag.endsWith('/')) hiddenIn = name
    if (!inline.has(name)) text += ' '
    if (links.length < maxLinks) for (const found of tag.matchAll(link)) links.push(found.groups?.host ?? '')
  }
  return { text: decodeEntities(text), links }
}

const named: Readonly<Record<string, string>> = {
  amp: '&',
  apos: "'",
  gt: '>',
  lt: '<',
  nbsp: ' ',
  quot: '"',
  shy: '',
  zwj: '',
  zwnj: '',
}

function decodeEntities(text: string): string {
  return text.replaceAll(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));?/gi,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return named[name.toLowerCase()] ?? whole
      const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : ' '
    },
  )
}
