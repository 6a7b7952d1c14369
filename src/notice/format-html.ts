// A notice as HTML: nothing is loaded from anywhere, no colour is set, so that a dark screen stays dark, and it
// fits a narrow one. What strangers wrote (addresses, subject, replies) is text in it, and never a link.
import { replaceControls } from '../runtime/text.ts'
import type { Labelled, Notice, NoticeBlock } from './notice.ts'

const styles = {
  body: 'margin:0 auto; padding:16px; max-width:40em; overflow-wrap:anywhere; font-family:sans-serif; font-size:16px; line-height:1.45',
  opening: 'font-size:18px; margin:0 0 16px',
  block: 'border-left:4px solid #808080; padding:0 0 0 12px; margin:0 0 20px',
  quote:
    'margin:4px 0 8px; padding:0 0 0 12px; border-left:1px solid #808080; font-family:monospace; font-size:14px',
  small: 'font-size:13px',
} as const

/** Lines end with LF; the encoder turns them into CRLF. */
export function formatAsHtml({ groups, details, technical, closing }: Notice, titled: TitledPage): string {
  return frameHtml(titled, [
    ...groups.flatMap(({ opening, blocks }) => [
      `<h1 style="${styles.opening}">${escapeHtml(opening)}</h1>`,
      ...blocks.flatMap(formatBlock),
    ]),
    '<hr>',
    `<h2 style="${styles.opening}">${escapeHtml(details.title)}</h2>`,
    ...details.rows.map(formatLabelled),
    ...(technical
      ? [
          `<h2 style="${styles.opening}">${escapeHtml(technical.title)}</h2>`,
          ...technical.lines.map(line => `<p style="${styles.small}">${isolate(line)}</p>`),
        ]
      : []),
    '<hr>',
    `<p style="${styles.small}">${escapeHtml(closing)}</p>`,
  ])
    .map(line => `${fold(line)}\n`)
    .join('')
}

export interface TitledPage {
  readonly language: string
  readonly title: string
}

/** Lines of a whole page around those of its body. */
export function frameHtml({ language, title }: TitledPage, body: readonly string[]): readonly string[] {
  return [
    '<!DOCTYPE html>',
    `<html lang="${escapeHtml(language)}">`,
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    `<title>${escapeHtml(title)}</title>`,
    '</head>',
    `<body style="${styles.body}">`,
    ...body,
    '</body>',
    '</html>',
  ]
}

const width = 76

/** Where a blank stands, another kind of blank may. A line never begins with what a stranger wrote. */
function fold(text: string): string {
  let folded = ''
  let length = 0
  for (const word of text.split(' ')) {
    if (length > 0 && length + 1 + word.length > width) {
      folded += '\n '
      length = 1
    } else if (folded !== '') {
      folded += ' '
      length++
    }
    folded += word
    length += word.length
  }
  return folded
}

function formatBlock({ about, sentences, quote, forAdministrator, steps }: NoticeBlock): string[] {
  return [
    `<div style="${styles.block}">`,
    ...about.map(subject => `<div><strong>${isolate(subject)}</strong></div>`),
    ...sentences.map(formatLabelled),
    ...(quote
      ? [
          `<p style="margin-bottom:0">${escapeHtml(quote.title)}:</p>`,
          `<blockquote style="${styles.quote}">`,
          ...quote.lines.map((line, index) => `${index === 0 ? '' : '<br>'}${isolate(line)}`),
          '</blockquote>',
        ]
      : []),
    ...(forAdministrator ? [formatLabelled(forAdministrator)] : []),
    ...(steps
      ? [
          `<p style="margin-bottom:0">${escapeHtml(steps.title)}:</p>`,
          '<ol>',
          ...steps.items.map(step => `<li>${formatLabelled(step)}</li>`),
          '</ol>',
        ]
      : []),
    '</div>',
  ]
}

function formatLabelled({ label, text, page, command }: Labelled): string {
  const start = label === undefined ? '' : `<strong>${escapeHtml(label)}:</strong> `
  const link = page === undefined ? '' : ` <a href="${escapeHtml(page)}">${escapeHtml(page)}</a>`
  const line = command === undefined ? '' : `<br><code>${escapeHtml(command)}</code>`
  return `<p>${start}${isolate(text)}${link}${line}</p>`
}

/** In an element of its own, so that letters that are read from the right do not turn round what is beside them. */
function isolate(text: string): string {
  return `<bdi>${escapeHtml(text)}</bdi>`
}

/** For text, and for values of attributes in quotation marks. */
export function escapeHtml(text: string): string {
  return replaceControls(text, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
