// What is said of an alert, before it is laid out: in a mail, or by the command.
import { describeDetail, describeStep, quoteReply, withDomainsForPeople } from '../bounce/report-content.ts'
import { reportTexts } from '../bounce/texts-of.ts'
import { siteOfLane } from '../delivery/pacing/lane-key.ts'
import { nameOfSite } from '../delivery/replies/providers.ts'
import type { Labelled, Notice, NoticeBlock } from '../notice/notice.ts'
import type { Language } from '../queue/records.ts'
import { replaceControls } from '../runtime/text.ts'
import type { Alert } from './alert.ts'
import { destinationOf, isUntried, maxCounted } from './kinds.ts'
import type { AlertFacts, AlertKindText, AlertNews, AlertTexts } from './texts.ts'
import { english } from './texts-en.ts'
import { russian } from './texts-ru.ts'

export const alertTexts: Readonly<Record<Language, AlertTexts>> = { en: english, ru: russian }

export interface AlertDescription {
  readonly title: string
  /** For who has to act, or knows that it is over. */
  readonly block: NoticeBlock
}

/** `waiting`: recipients that wait because of it, counted up to `maxCounted`. */
export function describeAlert(alert: Alert, waiting: number, language: Language): AlertDescription {
  const told = tell(alert, waiting, language)
  return { title: told.title, block: describeBlock(alert, told, language) }
}

function tell(alert: Alert, waiting: number, language: Language): AlertKindText {
  return alertTexts[language].kinds[alert.kind](factsOf(alert, waiting, language))
}

function describeBlock(alert: Alert, told: AlertKindText, language: Language): NoticeBlock {
  return alert.mendedAt === undefined
    ? describeOpen(alert, told, language)
    : describeEnded(told, alertTexts[language])
}

export interface NoticeOptions {
  readonly news: AlertNews
  readonly waiting: number
  readonly hostname: string
  readonly language: Language
}

export function composeNotice(
  alert: Alert,
  { news, waiting, hostname, language }: NoticeOptions,
): { readonly subject: string; readonly notice: Notice } {
  const texts = alertTexts[language]
  const told = tell(alert, waiting, language)
  return {
    subject: texts.subject(news, told.title),
    notice: {
      groups: [
        {
          opening: texts.opening(news, told.title, hostname),
          blocks: [describeBlock(alert, told, language)],
        },
      ],
      details: { title: texts.detailsTitle, rows: describeRecords(alert, told, language) },
      closing: texts.closing(hostname),
    },
  }
}

/** In English, for the command line, the log and whoever asks for health. */
export function describeOpenAlerts(count: number): string {
  return `${count === 1 ? '1 alert is' : `${count} alerts are`} open: "postrider alerts" says what to do`
}

function describeOpen({ evidence }: Alert, told: AlertKindText, language: Language): NoticeBlock {
  const texts = alertTexts[language]
  const { reply, remoteMta } = evidence
  return {
    about: [told.about],
    sentences: [
      { label: texts.happenedLabel, text: told.happened },
      { label: texts.meaningLabel, text: told.meaning },
    ],
    ...(reply
      ? { quote: { title: reportTexts[language].serverSaid(remoteMta), lines: quoteReply(reply) } }
      : {}),
    steps: { title: texts.stepsTitle, items: told.steps },
  }
}

/** For who knows that it was so. */
function describeEnded({ about, now }: AlertKindText, texts: AlertTexts): NoticeBlock {
  return { about: [about], sentences: [{ label: texts.nowLabel, text: now }] }
}

function describeRecords(alert: Alert, { detail }: AlertKindText, language: Language): Labelled[] {
  const texts = alertTexts[language]
  const date = (at: number): string => reportTexts[language].date(at)
  return [
    { label: texts.sinceLabel, text: date(alert.since) },
    { label: texts.seenLabel, text: date(alert.seenAt) },
    { label: texts.timesLabel, text: String(alert.times) },
    ...(alert.mendedAt === undefined ? [] : [{ label: texts.endedLabel, text: date(alert.mendedAt) }]),
    { label: texts.detailLabel, text: `${alert.kind} ${alert.subject}: ${detail}` },
  ]
}

function factsOf(alert: Alert, waiting: number, language: Language): AlertFacts {
  const { subject, seenAt, mendedAt } = alert
  const evidence = withDomainsForPeople(alert.evidence)
  const { validTo } = evidence
  const texts = reportTexts[language]
  return {
    subject,
    name: nameOfSite(siteOfLane(subject)),
    argument: quoteArgument(destinationOf(alert)),
    account: quoteArgument(subject),
    evidence,
    endsOn: validTo === undefined || validTo <= seenAt ? undefined : alertTexts[language].day(validTo),
    waiting: { recipients: waiting, isCounted: waiting < maxCounted },
    knownStep: evidence.provider && describeStep(evidence.provider, texts),
    detail: describeDetail(evidence, texts) ?? evidence.detail,
    ended: mendedAt === undefined ? undefined : { at: texts.date(mendedAt), isUntried: isUntried(alert) },
  }
}

/** Names of hosts come from the DNS of others, and a command line is copied into a shell. */
function quoteArgument(text: string): string {
  if (/^[\w.@+-]+$/.test(text)) return text
  return `'${replaceControls(text, ' ').replaceAll("'", String.raw`'\''`)}'`
}
