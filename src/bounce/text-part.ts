// The part of a report that people read: what to do first, then what happened, to whom, to which message.
import { formatAddressForPeople } from '../address/format-address.ts'
import { formatDomainForPeople } from '../address/parse-domain.ts'
import type { ReportAction, ReportedRecipient, ReportedReply, ReportInput } from './report.ts'
import type { ReportTexts } from './texts.ts'

const width = 76

/** Lines end with LF; the encoder turns them into CRLF. */
export function composeText(input: ReportInput, subject: string, texts: ReportTexts): string {
  const blocks: string[] = []
  for (const [action, recipients] of groupByAction(input.recipients)) {
    blocks.push(wrap(texts.opening(action, recipients.length), ''))
    for (const recipient of recipients) blocks.push(describeRecipient(recipient, input, texts))
  }
  blocks.push(describeMessage(input, subject, texts))
  const technical = describeDetails(input.recipients, texts)
  if (technical !== '') blocks.push(technical)
  blocks.push(`--\n${wrap(texts.closing(input.hostname), '')}`)
  return `${blocks.join('\n\n')}\n`
}

function groupByAction(recipients: readonly ReportedRecipient[]): Map<ReportAction, ReportedRecipient[]> {
  const groups = new Map<ReportAction, ReportedRecipient[]>()
  for (const recipient of recipients) {
    const group = groups.get(recipient.action)
    if (group) group.push(recipient)
    else groups.set(recipient.action, [recipient])
  }
  return groups
}

const indent = '    '

function describeRecipient(
  recipient: ReportedRecipient,
  { hostname, to }: ReportInput,
  texts: ReportTexts,
): string {
  const address = formatAddressForPeople(recipient.finalRecipient)
  const lines = [`  ${address}`]
  if (recipient.action === 'failed' || recipient.action === 'delayed') {
    const domain = formatDomainForPeople(recipient.finalRecipient.domain)
    const answered = recipient.reply !== undefined
    const { happened, next } = texts.cause(recipient.cause ?? 'other', {
      address,
      domain,
      hostname,
      sender: formatAddressForPeople(to),
      remoteMta: recipient.remoteMta,
      viaSmartHost: recipient.viaSmartHost,
      answered,
    })
    const step = delayStep(recipient, texts) ?? next
    lines.push(
      wrap(`${texts.nextLabel}: ${step}`, indent),
      wrap(`${texts.happenedLabel}: ${happened}`, indent),
    )
    if (recipient.expired)
      lines.push(wrap(texts.expired(recipient.attempts, texts.date(recipient.lastAttemptAt)), indent))
    if (recipient.reply) {
      lines.push(wrap(`${texts.serverSaid(recipient.remoteMta)}:`, indent), ...quoteReply(recipient.reply))
    }
  } else lines.push(wrap(texts.delivered(recipient.action), indent))
  return lines.join('\n')
}

/** While the message may yet arrive there is nothing to do. */
function delayStep(
  { action, cause, willRetryUntil }: ReportedRecipient,
  texts: ReportTexts,
): string | undefined {
  if (action !== 'delayed' || willRetryUntil === undefined) return undefined
  const until = texts.date(willRetryUntil)
  return cause === 'not-fetched' ? texts.keptNext(until) : texts.delayNext(until)
}

const maxQuotedLines = 20

function quoteReply({ code, enhanced, lines }: ReportedReply): string[] {
  const status = enhanced === undefined ? `${code}` : `${code} ${enhanced}`
  const shown = lines.slice(0, maxQuotedLines)
  return (shown.length === 0 ? [''] : shown).map((line, index) =>
    wrap(index === 0 ? `${status} ${line}` : line, `${indent}  > `),
  )
}

function describeMessage(input: ReportInput, subject: string, texts: ReportTexts): string {
  return [
    `${texts.yourMessage}:`,
    ...(subject === '' ? [] : [wrap(`${texts.subjectLabel}: ${subject}`, '  ')]),
    wrap(`${texts.sentLabel}: ${texts.date(input.arrivedAt)}`, '  '),
    wrap(`${texts.idLabel}: ${input.queueId} (${texts.idHint})`, '  '),
  ].join('\n')
}

/** The sentences for the administrator, each once. */
function describeDetails(recipients: readonly ReportedRecipient[], texts: ReportTexts): string {
  const details = new Set(
    recipients.flatMap(({ detail, status }) => (detail === undefined ? [] : [`${status}: ${detail}`])),
  )
  if (details.size === 0) return ''
  return [`${texts.technical}:`, ...[...details].map(detail => wrap(detail, '  '))].join('\n')
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
