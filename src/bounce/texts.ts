// The texts of reports, one set a language; every set has the same parts.
import type { NextStep, RefusedStep, ReportAction, ReportCause } from './report.ts'

export interface CauseText {
  /** One or two sentences, for somebody who does not know SMTP. */
  readonly happened: string
  /** What the sender does now. */
  readonly next: string
}

/** What causes may speak of. */
export interface CauseFacts {
  /** Of the first, where several recipients share the text. */
  readonly address: string
  readonly several?: boolean | undefined
  readonly domain: string
  /** The server that reports. */
  readonly hostname: string
  /** Whom the report is for: the reverse-path of the message. */
  readonly sender: string
  /** The server that was asked last, and whether it is the one through which our mail leaves. */
  readonly remoteMta?: string | undefined
  readonly viaSmartHost?: boolean | undefined
  /** The report quotes an answer of the other server. */
  readonly answered: boolean
}

/** `at`: of the last attempt, unless the message waited at the end. */
export interface EndOfLifetime {
  readonly attempts: number
  readonly at: string
  readonly isUntried?: boolean | undefined
}

export interface ReportTexts {
  readonly senderName: string
  subject(action: ReportAction, subject: string): string
  /** The first sentence; `count` recipients share it. */
  opening(action: ReportAction, count: number): string
  cause(cause: ReportCause, facts: CauseFacts): CauseText
  /** In place of a cause's next step while the server is still trying. */
  delayNext(until: string): string
  /** The same when nothing is tried: the domain's own server has to come for the message. */
  keptNext(until: string): string
  delivered(action: ReportAction): string
  expired(end: EndOfLifetime): string
  readonly nextLabel: string
  readonly happenedLabel: string
  serverSaid(server: string | undefined): string
  /** What it said of the others differs by no more than what it calls them. */
  serverSaidOfFirst(server: string | undefined): string
  readonly administratorLabel: string
  /** What an administrator does; `provider` is its name. A link may follow. */
  step(step: NextStep, provider: string | undefined): string
  /** Before the link to the page of the provider. */
  postmasterPage(provider: string): string
  readonly yourMessage: string
  readonly subjectLabel: string
  readonly sentLabel: string
  readonly idLabel: string
  readonly idHint: string
  readonly technical: string
  /** `server`: 'mx1.example.org (192.0.2.1:25)'. */
  refused(server: string, step: RefusedStep): string
  closing(hostname: string): string
  /** 'Monday, 23 November 2026, 07:47 UTC' */
  date(ms: number): string
}
