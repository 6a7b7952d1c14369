// docs/replies.md, from the catalogue of replies.
import { type ReplyEntry, replyEntries } from '../../src/smtp/replies.ts'
import { escapeCode, escapeText } from './markdown.ts'

const introduction = `# Replies

Generated from \`src/smtp/replies.ts\` by \`npm run generate\`.

Every reply of this server to an SMTP client, what it means and what to do. The first number is the reply code of RFC 5321
§4.2, the second the enhanced status code of RFC 3463. Names, addresses and numbers in the texts are samples.

What is refused for where it is from, by a scanner, a milter, its points, a list of senders or the hook file has one line more,
\`To ask about this, name the number 1CCD5D74AAE\`: \`postrider trace 1CCD5D74AAE\` shows what was found.`

const classes: readonly (readonly [title: string, belongs: (code: number) => boolean])[] = [
  ['Done, or go on (2xx, 3xx)', code => code < 400],
  ['Not now: the sender tries again (4xx)', code => code >= 400 && code < 500],
  ['No: the sender is told (5xx)', code => code >= 500],
]

export function composeRepliesPage(): string {
  const sections = classes.map(([title, belongs]) => {
    const entries = replyEntries
      .filter(({ reply }) => belongs(reply.code))
      .toSorted(
        (left, right) => left.reply.code - right.reply.code || left.name.localeCompare(right.name, 'en'),
      )
    return `## ${title}\n\n| Reply | Name | When, and what to do |\n|---|---|---|\n${entries.map(formatRow).join('\n')}`
  })
  return `${[introduction, ...sections].join('\n\n')}\n`
}

function formatRow({ name, reply, meaning }: ReplyEntry): string {
  const { code, enhanced, lines } = reply
  const status = enhanced === undefined ? '' : `${enhanced} `
  const shown = lines.map(
    (line, index) => `\`${code}${index < lines.length - 1 ? '-' : ' '}${status}${escapeCode(line)}\``,
  )
  return `| ${shown.join('<br>')} | \`${name}\` | ${escapeText(meaning)} |`
}
