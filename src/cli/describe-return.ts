// What came back after another server had taken a message: a report that it did not arrive, or a complaint. As sentences.
import type { ReportCause } from '../bounce/report.ts'
import { causeOfReply } from '../delivery/replies/diagnose.ts'
import type { Reply } from '../smtp/reply.ts'
import type { TrailEvent, TrailRecord } from '../trail/events.ts'
import { type CauseWords, describeCauseOf } from './causes.ts'
import { describeEvent } from './format-trail.ts'
import { formatTime } from './quantities.ts'

type Bounced = Extract<TrailEvent, { kind: 'bounced' }>
type Complained = Extract<TrailEvent, { kind: 'complained' }>

interface CameBack<Event> {
  readonly at: number
  readonly event: Event
}

/** 'came-back': by a report. 'answered': something came back that programs cannot read. */
export type ReturnKind = 'came-back' | 'answered' | 'complained'

export interface DescribedReturn {
  /** undefined: what came back is good news, or none for good. */
  readonly kind?: ReturnKind | undefined
  readonly cause?: ReportCause | undefined
  /** Sentences. */
  readonly text: string
}

/** undefined: nothing came back about this recipient, whose mail another server took. */
export function describeReturn(
  recipient: string,
  records: readonly TrailRecord[],
): DescribedReturn | undefined {
  const relayed = relayedRecipients(records)
  const own = returnsIn(records).filter(({ event }) => ownerOf(event, relayed) === recipient)
  const bounces = own.flatMap(({ at, event }) => (event.kind === 'bounced' ? [{ at, event }] : []))
  const complaints = own.flatMap(({ at, event }) => (event.kind === 'complained' ? [{ at, event }] : []))
  // That it did not arrive counts for more than what else was reported, before or after.
  const bounce = bounces.findLast(({ event }) => isBad(event)) ?? bounces.at(-1)
  const complaint = complaints.findLast(({ event }) => event.feedbackType !== notSpam) ?? complaints.at(-1)
  const parts = [bounce && describeBounce(bounce), complaint && describeComplaint(complaint)].filter(
    part => part !== undefined,
  )
  if (parts.length === 0) return undefined
  const telling = parts.find(({ kind }) => kind !== undefined)
  return { kind: telling?.kind, cause: telling?.cause, text: parts.map(({ text }) => text).join(' ') }
}

/** Sentences about what came back and names none of several recipients; none: ''. */
export function describeReturnsOfNobody(records: readonly TrailRecord[]): string {
  const relayed = relayedRecipients(records)
  return returnsIn(records)
    .filter(({ event }) => relayed.length > 0 && ownerOf(event, relayed) === undefined)
    .map(({ at, event }) => ` At ${formatTime(at)}: ${describeEvent(event).text}.`)
    .join('')
}

function returnsIn(records: readonly TrailRecord[]): readonly CameBack<Bounced | Complained>[] {
  return records.flatMap(({ at, event }) =>
    event.kind === 'bounced' || event.kind === 'complained' ? [{ at, event }] : [],
  )
}

function relayedRecipients(records: readonly TrailRecord[]): readonly string[] {
  const relayed = records.flatMap(({ event }) =>
    event.kind === 'attempted' && event.outcome.kind === 'relayed' ? [event.recipient] : [],
  )
  return [...new Set(relayed)]
}

/** A report may name an address to which the next server sent it on: of one recipient it is clear which is meant. */
function ownerOf({ recipient }: Bounced | Complained, relayed: readonly string[]): string | undefined {
  const named = recipient?.toLowerCase()
  const [only, ...others] = relayed
  return relayed.find(one => one.toLowerCase() === named) ?? (others.length === 0 ? only : undefined)
}

function isBad({ action }: Bounced): boolean {
  return action === undefined || action === 'failed'
}

function describeBounce({ at, event }: CameBack<Bounced>): DescribedReturn {
  const { action, status, diagnostic, reportingMta, reportId } = event
  const time = formatTime(at)
  if (action === undefined)
    return {
      kind: 'answered',
      text: `At ${time} something came back about it that programs cannot read: most often it says that the message did not arrive, sometimes that the recipient is away. The sender has it as message ${reportId}, and can read there which it is.`,
    }
  const who = reportingMta ?? 'another server'
  const details = [status, diagnostic && `"${diagnostic}"`].filter(Boolean).join(': ')
  const said = details === '' ? '' : ` (${details})`
  if (action !== 'failed')
    return { text: `At ${time} a report of ${who} came back: ${milderWords[action] ?? action}${said}.` }
  const judged = judge(event)
  const because = judged ? `, because ${judged.words.because}` : ''
  const remedy = judged?.words.remedy === undefined ? '' : ` ${judged.words.remedy}`
  return {
    kind: 'came-back',
    cause: judged?.cause,
    text: `It came back: at ${time} a report of ${who} said that it could not be delivered${because}${said}. The sender has that report as message ${reportId}.${remedy}`,
  }
}

const milderWords: Readonly<Record<string, string>> = {
  delayed: 'it is delayed there, and is still tried',
  delivered: 'it was delivered',
  relayed: 'it was handed on',
  expanded: 'it went to several addresses',
}

const notSpam = 'not-spam'

function describeComplaint({ at, event: { feedbackType, reportId } }: CameBack<Complained>): DescribedReturn {
  const time = formatTime(at)
  if (feedbackType === notSpam) return { text: `At ${time} its reader said that it is no spam.` }
  return {
    kind: 'complained',
    text: `At ${time} its reader complained of it (${feedbackType}), in message ${reportId}. Nothing more of the kind should go to this address unless it is asked for: to whoever goes on, receivers give a bad name.`,
  }
}

/** By the same words as a reply to us; undefined: it says nothing that is for good, as that its server has given up. */
function judge({
  status,
  diagnostic = '',
  remoteMta,
}: Bounced): { readonly cause: ReportCause; readonly words: CauseWords } | undefined {
  const [, code, enhanced, text = diagnostic] =
    /^([45]\d\d)[ -](?:([45]\.\d+\.\d+) ?)?(.*)$/s.exec(diagnostic) ?? []
  const ofStatus = status?.startsWith('5') ? 550 : 450
  const reply: Reply = {
    code: code === undefined ? ofStatus : Number(code),
    enhanced: enhanced ?? status,
    lines: [text],
  }
  if (reply.code < 500) return undefined
  const stage = 'rcpt'
  const cause = causeOfReply(remoteMta, reply, stage)
  return { cause, words: describeCauseOf({ cause, stage, reply }) }
}
