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
  /** The subject, as a command line takes it. */
  readonly account: string
  readonly evidence: AlertEvidence
  /** '1 January 2026': when what is in use ends; undefined: nothing is, or it is over. */
  readonly endsOn: string | undefined
  /** Recipients that wait because of it; there are more where `isCounted` is false. */
  readonly waiting: { readonly recipients: number; readonly isCounted: boolean }
  /** What is known to help against what the other server said. */
  readonly knownStep?: Labelled | undefined
  /** 'mx1.example.org (192.0.2.1:25) refused MAIL' */
  readonly detail: string
  /** It is no longer so: since when, as people read it. */
  readonly ended?: { readonly at: string; readonly isUntried: boolean } | undefined
}

export interface AlertKindText {
  /** What it is about. */
  readonly about: string
  /** A sentence without its full stop, of the present or of what is over: the subject line has it too. */
  readonly title: string
  readonly happened: string
  /** For mail. */
  readonly meaning: string
  readonly steps: readonly Labelled[]
  /** What is so now that it has ended. */
  readonly now: string
  /** In one sentence, for whoever looks it up. */
  readonly detail: string
}

export interface AlertTexts {
  readonly senderName: string
  subject(news: AlertNews, title: string): string
  opening(news: AlertNews, title: string, hostname: string): string
  readonly kinds: Readonly<Record<AlertKind, (facts: AlertFacts) => AlertKindText>>
  readonly happenedLabel: string
  readonly nowLabel: string
  readonly meaningLabel: string
  readonly stepsTitle: string
  readonly detailsTitle: string
  readonly sinceLabel: string
  readonly seenLabel: string
  readonly timesLabel: string
  readonly endedLabel: string
  readonly detailLabel: string
  closing(hostname: string): string
  /** '1 January 2026' */
  day(at: number): string
}
