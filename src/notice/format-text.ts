// A notice as plain text.
import type { Labelled, Notice, NoticeBlock } from './notice.ts'

const width = 76
const indent = '    '

/** Lines end with LF; the encoder turns them into CRLF. */
export function formatAsText({ groups, details, technical, closing }: Notice): string {
  const parts = [
    ...groups.flatMap(({ opening, blocks }) => [wrap(opening, ''), ...blocks.map(formatBlock)]),
    [`${details.title}:`, ...details.rows.map(row => formatLabelled(row, '  '))].join('\n'),
    ...(technical
      ? [[`${technical.title}:`, ...technical.lines.map(line => wrap(line, '  '))].join('\n')]
      : []),
    `--\n${wrap(closing, '')}`,
  ]
  return `${parts.join('\n\n')}\n`
}

export function formatBlock({ about, sentences, quote, forAdministrator, steps }: NoticeBlock): string {
  return [
    ...about.map(subject => `  ${subject}`),
    ...sentences.map(sentence => formatLabelled(sentence, indent)),
    ...(quote
      ? [wrap(`${quote.title}:`, indent), ...quote.lines.map(line => wrap(line, `${indent}  > `))]
      : []),
    ...(forAdministrator ? [formatLabelled(forAdministrator, indent)] : []),
    ...(steps
      ? [wrap(`${steps.title}:`, indent), ...steps.items.map((item, index) => formatStep(item, index + 1))]
      : []),
  ].join('\n')
}

function formatStep(step: Labelled, number: number): string {
  const prefix = `${indent}${number}. `
  return formatLabelled(step, prefix, ' '.repeat(prefix.length))
}

function formatLabelled(
  { label, text, page, command }: Labelled,
  prefix: string,
  hanging: string = prefix,
): string {
  const sentence = label === undefined ? text : `${label}: ${text}`
  const lines = wrap(page === undefined ? sentence : `${sentence} ${page}`, prefix, hanging)
  return command === undefined ? lines : `${lines}\n${hanging}  ${command}`
}

/** Words that are longer than a line (addresses, links) stay whole. `hanging`: before all lines but the first. */
function wrap(text: string, prefix: string, hanging: string = prefix): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && prefix.length + line.length + 1 + word.length > width) {
      lines.push(line)
      line = ''
    }
    line = line === '' ? word : `${line} ${word}`
  }
  lines.push(line)
  return lines.map((each, index) => (index === 0 ? prefix : hanging) + each).join('\n')
}
