// Reports to senders (RFC 3461 §6, RFC 3464): one for all recipients of a message that met the same kind of end together,
// itself a message for the queue, from the null reverse-path.

import { formatAddress } from '../address/format-address.ts'
import { composeReport } from '../bounce/compose-report.ts'
import type { NewMessage } from '../queue/new-message.ts'
import { formatQueueId, type QueueId } from '../queue/queue-id.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { TrailEvent } from '../trail/events.ts'
import type { ReportableOutcome } from './plan-settlement.ts'

export interface Report {
  /** The first of the outcomes that it tells of. */
  readonly about: ReportableOutcome
  readonly queued: NewMessage
  readonly event: TrailEvent
}

export interface ReportComposerOptions {
  readonly mailData: MailDataStore
  readonly log: Log
  readonly hostname: string
  readonly nextQueueId: () => QueueId
  readonly lifetimeMs: number
  /** The queue is on hold: reports wait like any message. */
  readonly held: boolean
}

export type ComposeReports = (
  outcomes: readonly ReportableOutcome[],
  now: number,
) => Promise<readonly Report[]>

export function createReportComposer(options: ReportComposerOptions): ComposeReports {
  return async (outcomes, now) => {
    const reports: Report[] = []
    for (const group of groupOutcomes(outcomes)) reports.push(await composeOne(options, group, now))
    return reports
  }
}

type Group = readonly [ReportableOutcome, ...ReportableOutcome[]]

/** Failures, delays and successes of one message each make a report: they tell the sender different things. */
function groupOutcomes(outcomes: readonly ReportableOutcome[]): Group[] {
  const groups = new Map<string, [ReportableOutcome, ...ReportableOutcome[]]>()
  for (const outcome of outcomes) {
    const kind = outcome.action === 'failed' || outcome.action === 'delayed' ? outcome.action : 'success'
    const key = `${outcome.attempted.work.message.id} ${kind}`
    const group = groups.get(key)
    if (group) group.push(outcome)
    else groups.set(key, [outcome])
  }
  return [...groups.values()]
}

async function composeOne(options: ReportComposerOptions, group: Group, now: number): Promise<Report> {
  throw new Error('to come')
}
