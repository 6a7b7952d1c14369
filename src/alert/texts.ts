// The texts of alerts, one set a language; every set has the same parts.
import type { Labelled } from '../notice/notice.ts'
import type { AlertEvidence, AlertKind } from './alert.ts'

/** What a mail about an alert says: it is there, it is still there, it is over. */
export type AlertNews = 'raised' | 'lasting' | 'over'

/** What the texts of a kind may speak of. */
export interface AlertFacts {
  readonly subject: string
  /** As people call it: 'Gmail'. */
  readonly name: string
  /** As a command line takes it. */
  readonly argument: string
  readonly evidence: AlertEvidence
  /** Recipients that wait because of it; there are more where `isCounted` is false. */
  readonly waiting: { readonly recipients: number; readonly isCounted: boolean }
  /** What is known to help against what the other server said. */
  readonly knownStep?: Labelled | undefined
}

export interface AlertKindText {
  /** What it is about. */
  readonly about: string
  /** A sentence without its full stop: the subject line has it too. */
  readonly title: string
  readonly happened: string
  /** For mail. */
  readonly meaning: string
  readonly steps: readonly Labelled[]
  /** What is known once it is over. */
  readonly over: string
}

export interface AlertTexts {
  readonly senderName: string
  subject(news: AlertNews, title: string): string
  opening(news: AlertNews, title: string, hostname: string): string
  readonly kinds: Readonly<Record<AlertKind, (facts: AlertFacts) => AlertKindText>>
  readonly happenedLabel: string
  readonly meaningLabel: string
  readonly stepsTitle: string
  readonly detailsTitle: string
  readonly sinceLabel: string
  readonly seenLabel: string
  readonly timesLabel: string
  readonly overLabel: string
  readonly detailLabel: string
  closing(hostname: string): string
}
