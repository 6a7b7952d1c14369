// What a report says to people, in their language, before it is laid out: what to do first, then what happened, to whom, to
// which message. Recipients who failed alike stand in one block.
import { formatAddress, formatAddressForPeople } from '../address/format-address.ts'
import { formatDomainForPeople, formatDomainsForPeople } from '../address/parse-domain.ts'
import type { Labelled, Notice, NoticeBlock } from '../notice/notice.ts'
import type {
  NextStep,
  ReportAction,
  ReportCause,
  ReportedProvider,
  ReportedRecipient,
  ReportedReply,
  ReportInput,
} from './report.ts'
import type { ReportTexts } from './texts.ts'

export function describeReport(input: ReportInput, subject: string, texts: ReportTexts): Notice {
  const shown = input.recipients.map(withDomainsForPeople)
  const byAction = Map.groupBy(shown, ({ action }) => action)
  const technical = describeDetails(shown, texts)
  return {
    groups: [...byAction].map(([action, recipients]) => ({
      opening: texts.opening(action, recipients.length),
      blocks: joinAlike(action, recipients).map(alike => describeBlock(alike, input, texts)),
    })),
    details: {
      title: texts.yourMessage,
      rows: [
        ...(subject === '' ? [] : [{ label: texts.subjectLabel, text: subject }]),
        { label: texts.sentLabel, text: texts.date(input.arrivedAt) },
        { label: texts.idLabel, text: `${input.queueId} (${texts.idHint})` },
      ],
    },
    ...(technical ? { technical } : {}),
    closing: texts.closing(formatDomainForPeople(input.hostname)),
  }
}

/** As people read them; what another server said stays as it is. */
export function withDomainsForPeople<Told extends Pick<ReportedRecipient, 'remoteMta' | 'detail'>>(
  told: Told,
): Told {
  const { remoteMta, detail } = told
  return {
    ...told,
    remoteMta: remoteMta && formatDomainForPeople(remoteMta),
    detail: detail && formatDomainsForPeople(detail),
  }
}

type Alike = readonly [ReportedRecipient, ...ReportedRecipient[]]

/** Those of whom the same is to be said. */
function joinAlike(action: ReportAction, recipients: readonly ReportedRecipient[]): Alike[] {
  const groups = Map.groupBy(recipients, recipient =>
    action === 'failed' || action === 'delayed' ? likeness(recipient) : '',
  )
  return [...groups.values()].flatMap(([first, ...others]) => (first ? [[first, ...others] as const] : []))
}

function likeness(recipient: ReportedRecipient): string {
  const { cause, expired, remoteMta, viaSmartHost, reply, provider, attempts } = recipient
  return JSON.stringify([
    recipient.finalRecipient.domain,
    cause,
    expired,
    attempts,
    recipient.willRetryUntil,
    expired ? [recipient.at, recipient.isUntried === true] : undefined,
    remoteMta,
    viaSmartHost,
    provider,
    reply && [reply.code, reply.enhanced, wordsWithout(recipient, reply)],
  ])
}

/** Many servers name the recipient in their reply. */
function wordsWithout({ finalRecipient }: ReportedRecipient, { lines }: ReportedReply): string {
  return lines.join(' ').toLowerCase().replaceAll(formatAddress(finalRecipient).toLowerCase(), '')
}

function describeBlock(alike: Alike, { hostname, to }: ReportInput, texts: ReportTexts): NoticeBlock {
  const [recipient] = alike
  const addresses = alike.map(({ finalRecipient }) => formatAddressForPeople(finalRecipient))
  if (recipient.action !== 'failed' && recipient.action !== 'delayed')
    return { about: addresses, sentences: [{ text: texts.delivered(recipient.action) }] }
  const { happened, next } = texts.cause(recipient.cause ?? 'other', {
    address: addresses[0] ?? '',
    several: alike.length > 1,
    domain: formatDomainForPeople(recipient.finalRecipient.domain),
    hostname: formatDomainForPeople(hostname),
    sender: formatAddressForPeople(to),
    remoteMta: recipient.remoteMta,
    viaSmartHost: recipient.viaSmartHost,
    answered: recipient.reply !== undefined,
  })
  const step = delayStep(recipient, texts) ?? next
  const forAdministrator = describeAdministratorsStep(recipient, texts)
  return {
    about: addresses,
    sentences: [
      { label: texts.nextLabel, text: step },
      { label: texts.happenedLabel, text: happened },
      ...(recipient.expired ? [{ text: texts.expired({ ...recipient, at: texts.date(recipient.at) }) }] : []),
    ],
    ...(recipient.reply
      ? { quote: { title: titleOfQuote(alike, texts), lines: quoteReply(recipient.reply) } }
      : {}),
    ...(forAdministrator ? { forAdministrator } : {}),
  }
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

function titleOfQuote(alike: Alike, texts: ReportTexts): string {
  const [first] = alike
  const words = (recipient: ReportedRecipient): string => recipient.reply?.lines.join('\n') ?? ''
  return alike.every(recipient => words(recipient) === words(first))
    ? texts.serverSaid(first.remoteMta)
    : texts.serverSaidOfFirst(first.remoteMta)
}

const maxQuotedLines = 20

export function quoteReply({ code, enhanced, lines }: ReportedReply): string[] {
  const status = enhanced === undefined ? `${code}` : `${code} ${enhanced}`
  const shown = lines.slice(0, maxQuotedLines)
  return (shown.length === 0 ? [''] : shown).map((line, index) => (index === 0 ? `${status} ${line}` : line))
}

/** Those that are no matter of the sender's or the recipient's. */
const administratorsSteps: ReadonlySet<NextStep> = new Set([
  'slow-down',
  'ask-delisting',
  'clear-sender-domain',
  'check-links',
  'introduce-server',
  'use-smart-host',
  'fix-authentication',
  'fix-dns-name',
  'fix-sender',
  'fix-message',
  'encrypt',
  'log-in',
  'ask-their-administrator',
])

/** About which the pages of the providers have something to say. */
const causesOfServers: ReadonlySet<ReportCause> = new Set([
  'policy',
  'blocklist',
  'sender-domain-listed',
  'link-listed',
  'authentication',
  'sender-refused',
  'server-name',
  'rate',
  'spam',
  'content',
])

function describeAdministratorsStep(
  { cause, provider }: ReportedRecipient,
  texts: ReportTexts,
): Labelled | undefined {
  if (!provider) return undefined
  const isTheirs = provider.step !== undefined && administratorsSteps.has(provider.step)
  if (!isTheirs && (cause === undefined || !causesOfServers.has(cause))) return undefined
  const step = describeStep(isTheirs ? provider : { ...provider, step: undefined }, texts)
  return step && { label: texts.administratorLabel, ...step }
}

/** The step that is known to help; else the page on which it may stand. */
export function describeStep(
  { name, step, page }: ReportedProvider,
  texts: Pick<ReportTexts, 'step' | 'postmasterPage'>,
): Labelled | undefined {
  if (step !== undefined) return { text: texts.step(step, name), ...(page === undefined ? {} : { page }) }
  return name === undefined || page === undefined ? undefined : { text: texts.postmasterPage(name), page }
}

function describeDetails(recipients: readonly ReportedRecipient[], texts: ReportTexts): Notice['technical'] {
  const details = new Set(
    recipients.flatMap(recipient => {
      const sentence = describeDetail(recipient, texts)
      return sentence === undefined ? [] : [`${recipient.status}: ${sentence}`]
    }),
  )
  return details.size === 0 ? undefined : { title: texts.technical, lines: [...details] }
}

export function describeDetail(
  {
    detail,
    refused,
    remoteMta,
    remoteAddress,
  }: Pick<ReportedRecipient, 'detail' | 'refused' | 'remoteMta' | 'remoteAddress'>,
  texts: Pick<ReportTexts, 'refused'>,
): string | undefined {
  if (refused === undefined || remoteMta === undefined) return detail
  return texts.refused(remoteAddress === undefined ? remoteMta : `${remoteMta} (${remoteAddress})`, refused)
}
