// A report as plain text, for people.
import type { Labelled, RecipientBlock, ReportContent } from './report-content.ts'

const width = 76
const indent = '    '

/** Lines end with LF; the encoder turns them into CRLF. */
export function formatAsText({ groups, message, technical, closing }: ReportContent): string {
  const blocks = [
    ...groups.flatMap(({ opening, blocks: recipients }) => [
      wrap(opening, ''),
      ...recipients.map(formatRecipients),
    ]),
    [`${message.title}:`, ...message.rows.map(row => formatLabelled(row, '  '))].join('\n'),
    ...(technical
      ? [[`${technical.title}:`, ...technical.lines.map(line => wrap(line, '  '))].join('\n')]
      : []),
    `--\n${wrap(closing, '')}`,
  ]
  return `${blocks.join('\n\n')}\n`
}

function formatRecipients({ addresses, sentences, quote, forAdministrator }: RecipientBlock): string {
  return [
    ...addresses.map(address => `  ${address}`),
    ...sentences.map(sentence => formatLabelled(sentence, indent)),
    ...(quote
      ? [wrap(`${quote.title}:`, indent), ...quote.lines.map(line => wrap(line, `${indent}  > `))]
      : []),
    ...(forAdministrator ? [formatLabelled(forAdministrator, indent)] : []),
  ].join('\n')
}

function formatLabelled({ label, text, page }: Labelled, prefix: string): string {
  const sentence = label === undefined ? text : `${label}: ${text}`
  return wrap(page === undefined ? sentence : `${sentence} ${page}`, prefix)
}

/** Words that are longer than a line (addresses, links) stay whole. */
function wrap(text: string, prefix: string): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && prefix.length + line.length + 1 + word.length > width) {
      lines.push(prefix + line)
      line = ''
    }
    line = line === '' ? word : `${line} ${word}`
  }
  lines.push(prefix + line)
  return lines.join('\n')
}
