// Why a message is where it is, in one paragraph: where it is, why it waits, when it goes, what would speed it up. Text only:
// whoever has the records may ask.
import { formatAddress, formatAddressForPeople } from '../address/format-address.ts'
import { formatDomainsForPeople } from '../address/parse-domain.ts'
import { isImportedId } from '../message-stores/imported-mail.ts'
import type { ShownRecipient } from '../queue/list-queue.ts'
import { formatQueueId, type QueueId, timeOfQueueId } from '../queue/queue-id.ts'
import { withoutEnd } from '../runtime/text.ts'
import type { NextAttemptReason, TrailEvent, TrailRecord } from '../trail/events.ts'
import { describeCause, describeCauseOf } from './causes.ts'
import { capitalize, describeFilter } from './describe-filter.ts'
import {
  describeLastWays,
  describeOpening,
  describePlace,
  describeSpeedUp,
  opensTooLate,
  patience,
} from './describe-gate.ts'
import { describeReturn, describeReturnsOfNobody, type ReturnKind } from './describe-return.ts'
import { describePlain } from './describe-tls.ts'
import { isOlderThan, isRefused, type TracedMessage } from './describe-trace.ts'
import {
  describeDiagnosis,
  describeEvent,
  formatReply,
  listRecipients,
  signaturesMattered,
} from './format-trail.ts'
import { patternOf, type Saying, tellGroup } from './group-standings.ts'
import type { GateState, Prospects } from './prospects.ts'
import { formatCount, formatRelative, formatTime } from './quantities.ts'
import { describeRelease, type Standing, standingOf } from './standing.ts'

export interface WhyStyle {
  readonly now: number
  readonly retentionDays: number
  readonly prospects: Prospects
  /** Only this recipient; default: all. */
  readonly recipient?: string | undefined
}

/** What became of one recipient, or how it stands. */
export interface RecipientStanding {
  readonly recipient: string
  readonly kind:
    | Standing['kind']
    | 'delivered'
    | 'relayed'
    | ReturnKind
    | 'discarded'
    | 'shown'
    | 'expanded'
    | 'failed'
    | 'expired'
    | 'cancelled'
    | 'quarantined'
    | 'removed'
    | 'unknown'
  readonly cause?: string | undefined
  /** When the next attempt is, ms since 1970. */
  readonly nextAttemptAt?: number | undefined
  readonly nextAttemptBecause?: NextAttemptReason | undefined
  readonly attempts?: number | undefined
  /** What was met last, or what ended it: as the text has it. */
  readonly detail?: string | undefined
  /** Of one that waits: when it is given up. Of one that is gone: when that was. ms since 1970. */
  readonly endsAt?: number | undefined
  readonly endedAt?: number | undefined
  /** To where an administrator sends it. */
  readonly via?: string | undefined
  /** Where it stands in line. */
  readonly gate?: GateState | undefined
  readonly hold?: Hold | undefined
  /** Sentences. */
  readonly text: string
  /** The same in its parts; undefined: it stands for itself. */
  readonly saying?: Saying | undefined
}

/** Why it is held; `at`: since when, where that is known. */
export type Hold =
  | { readonly by: 'death'; readonly at: number }
  | { readonly by: 'account'; readonly at: number; readonly account: string; readonly because: string }
  | { readonly by: 'administrator'; readonly at: number }
  /** It came when new mail was held. */
  | { readonly by: 'settings' }
  | { readonly by: 'forgotten' }

/** More different things than this are counted. */
const maxTold = 5

export function describeWhy(message: TracedMessage, style: WhyStyle): string {
  const { queueId, records, queued } = message
  const id = formatQueueId(queueId)
  if (records.length === 0 && !queued) return describeUnknown(queueId, style)
  if (isRefused(records)) return describeRefused(id, records)
  const standings = standingsOf(message, style)
  const groups = groupStandings(standings)
  const told = groups.slice(0, maxTold).map(({ text }) => text)
  const others = groups.slice(maxTold).reduce((sum, { count }) => sum + count, 0)
  const more =
    others > 0 ? [`${formatCount(others, 'more recipient')}: "postrider trace ${id}" tells of each.`] : []
  const said = [describeMessage(message, style.now), ...told, ...more].join(' ')
  return formatDomainsForPeople(said + describeUnsigned(records) + describeReturnsOfNobody(records))
}

/** Begins with a blank, or is empty. */
function describeUnsigned(records: readonly TrailRecord[]): string {
  const last = records.map(({ event }) => event).findLast(event => event.kind === 'attempted')
  return last?.unsigned === undefined || !signaturesMattered(last.outcome)
    ? ''
    : ` It was not signed (DKIM): ${last.unsigned}.`
}

interface StandingGroup {
  readonly text: string
  readonly count: number
}

/** Of what is the same, but for details, one text. */
function groupStandings(standings: readonly RecipientStanding[]): readonly StandingGroup[] {
  const groups = Map.groupBy(standings, ({ saying, text }) => (saying ? patternOf(saying) : text))
  return [...groups.values()].map(group => {
    const sayings = group.flatMap(({ saying }) => saying ?? [])
    const [alone] = group
    return { text: sayings.length > 0 ? tellGroup(sayings) : (alone?.text ?? ''), count: group.length }
  })
}

function say(
  name: string,
  body: string,
  parts: Pick<Saying, 'detail' | 'time'> = {},
): Pick<RecipientStanding, 'text' | 'saying'> {
  return { text: `To ${name}: ${body}`, saying: { name, body, ...parts } }
}

/** Those that wait first. */
export function standingsOf(
  { queueId, records, isBeginningForgotten, queued, lostReports }: TracedMessage,
  style: Omit<WhyStyle, 'retentionDays'>,
): readonly RecipientStanding[] {
  const { recipient: only } = style
  const waiting = (queued?.recipients ?? []).map(recipient =>
    describeWaiting({ queueId, queued, recipient, records, isBeginningForgotten }, style),
  )
  const present = new Set(waiting.map(({ recipient }) => recipient))
  const gone = recipientsOf(records)
    .filter(recipient => !present.has(recipient))
    .map(recipient => describeGone(queueId, recipient, records, lostReports))
  const all = [...waiting, ...gone]
  if (only === undefined) return all
  return [...meantBy(only, records)].flatMap(meant =>
    all.filter(({ recipient }) => recipient.toLowerCase() === meant),
  )
}

/** Who asks about an alias or a group asks about those to whom it has led. In small letters. */
function meantBy(address: string, records: readonly TrailRecord[]): ReadonlySet<string> {
  const meant = new Set([address.toLowerCase()])
  for (const { event } of records) {
    if (event.kind === 'attempted' && meant.has(event.recipient.toLowerCase()))
      for (const into of ledTo(event)) meant.add(into.toLowerCase())
  }
  return meant
}

/** Recipients of the same message. */
function ledTo({ outcome, filter }: Attempted): readonly string[] {
  const redirected = (filter?.did ?? []).flatMap(({ what, where, queueId, notBecause }) =>
    what === 'redirected' && where !== undefined && queueId === undefined && notBecause === undefined
      ? [where]
      : [],
  )
  return [...(outcome.kind === 'expanded' ? outcome.into : []), ...redirected]
}

/** What the reply said is all that there was to it; what was found stands in the trail. */
function describeRefused(id: string, records: readonly TrailRecord[]): string {
  const told = records.map(({ at, event }) => `${formatTime(at)}: ${describeEvent(event).text}.`)
  return formatDomainsForPeople(
    `${id} is no message: it was not taken. ${told.join(' ')} "postrider trace ${id}" has what was found.`,
  )
}

/** Neither in the queue nor in the trail. */
export function describeUnknown(
  queueId: QueueId,
  { now, retentionDays }: Pick<WhyStyle, 'now' | 'retentionDays'>,
): string {
  const id = formatQueueId(queueId)
  if (isImportedId(queueId))
    return `Nothing is known of ${id}: what an import has brought has such ids, and was in no queue here, so it has no trail.`
  const at = timeOfQueueId(queueId)
  if (isOlderThan(queueId, now, retentionDays))
    return `Nothing is known of ${id} any more. By its queue id it came on ${formatTime(at)}, and what happened longer than ${formatCount(retentionDays, 'day')} ago is forgotten (trail.retentionDays). It is not in the queue, so it was delivered, or its sender was told that it could not be.`
  return `Nothing is known of ${id}: no message with this queue id was ever here, or its trail was forgotten to make room (trail.maxMegabytes). Look whether every letter is right; "postrider trace <address>" finds a message by its sender or recipient.`
}

function describeMessage({ queueId, records, queued }: TracedMessage, now: number): string {
  const reception = records.find(({ event }) => event.kind === 'received')
  const id = formatQueueId(queueId)
  if (reception?.event.kind !== 'received') {
    const ago = formatPast(queued?.message.acceptedAt ?? timeOfQueueId(queueId), now)
    for (const { event } of records) {
      if (event.kind === 'reports')
        return `Message ${id} is a report of this server about message ${event.aboutId}, made ${ago}.`
      if (event.kind === 'written' && !records.some(one => one.event.kind === 'reports')) {
        const what = `Message ${id}${event.subject ? ` ("${event.subject}")` : ''}`
        return event.script
          ? `${what} went out ${ago}, because a script of ${event.script.account} says so of message ${event.script.aboutId}.`
          : `${what} was written by this server ${ago}.`
      }
    }
    return `Message ${id} came ${ago}.`
  }
  const { reversePath, subject } = reception.event.reception
  const from = reversePath === '' ? 'the null sender <>' : reversePath
  return `Message ${id} from ${from}${subject ? ` ("${subject}")` : ''} came ${formatPast(reception.at, now)}.`
}

/** 'just now', '3 h ago' */
function formatPast(at: number, now: number): string {
  const relative = formatRelative(at, now)
  return relative === 'now' ? 'just now' : relative
}

interface WaitingOne extends TracedMessage {
  readonly recipient: ShownRecipient
}

function describeWaiting(
  { queueId, queued, recipient, records, isBeginningForgotten = false }: WaitingOne,
  { now, prospects }: Pick<WhyStyle, 'now' | 'prospects'>,
): RecipientStanding {
  const address = formatAddress(recipient.forwardPath)
  const shown = formatAddressForPeople(recipient.forwardPath)
  const standing = standingOf(recipient, now, queued?.message.releaseAt)
  const id = formatQueueId(queueId)
  const last = lastAttempt(records, address)?.event
  const tried = describeLast(recipient, last)
  const detail = reasonOf(recipient, last)
  const endAt = queued && prospects.endFor(queued.message, recipient)
  const end = endAt === undefined ? '' : describeEnd(endAt, now)
  const way = recipient.routeTo === undefined ? '' : ` An administrator sends it to ${recipient.routeTo}.`
  const base = {
    recipient: address,
    kind: standing.kind,
    cause: recipient.lastCause,
    attempts: recipient.attempts,
    detail: detail === '' ? undefined : detail,
    endsAt: endAt,
    via: recipient.routeTo,
  }
  switch (standing.kind) {
    case 'underway':
      return {
        ...base,
        ...say(
          shown,
          `it is being delivered at this moment.${recipient.state === 'held' ? ' An administrator put it on hold: if this attempt does not deliver it, it stays.' : ''}${way} ${tried}"postrider trace ${id} --follow" shows how it goes.`,
          { detail },
        ),
      }
    case 'held': {
      const hold = findHold(records, address, isBeginningForgotten)
      return {
        ...base,
        hold,
        ...say(
          shown,
          `it is held, and stays so until somebody releases it. ${describeHold(hold)}${tried}${describeRelease({ id: queueId, deliverBy: queued?.message.deliverBy }, now)}`,
          { detail },
        ),
      }
    }
    case 'suspect':
      return {
        ...base,
        nextAttemptAt: recipient.dueAt,
        ...say(
          shown,
          `it was under way when the delivery thread died, so it is tried apart from other mail, in small groups, to find out which message it was. It is its turn soon; nothing needs to be done.`,
        ),
      }
    case 'scheduled':
      return {
        ...base,
        nextAttemptAt: standing.until,
        ...say(
          shown,
          `its sender wants it delivered ${formatRelative(standing.until, now)} (${formatTime(standing.until)}), and so long it waits. "postrider queue retry ${id}" delivers it at once.`,
        ),
      }
    case 'kept':
      return {
        ...base,
        ...say(
          shown,
          `it is kept for the server of its domain, which fetches it; nothing is tried before.${describeLastFetch(records, address)}${end}`,
        ),
      }
    case 'in-line': {
      const gate = prospects.gateOf(recipient) ?? { of: 'destination', name: standing.gate }
      const isSaid = recipient.lastCause === 'own-limit' && gate.closure?.reason === 'limit'
      const place = `it stands in line ${describePlace(gate, isTold(gate, recipient))}. ${isSaid ? '' : tried}${describeOpening(gate, now)}${way}`
      if (endAt !== undefined && opensTooLate(gate, endAt))
        return {
          ...base,
          gate,
          ...say(shown, `${place}${describeTooLate(endAt, now)} ${describeLastWays(gate, id)}`, { detail }),
        }
      return {
        ...base,
        gate,
        nextAttemptAt: gate.closure?.until,
        ...say(shown, `${place}${end} ${describeSpeedUp(gate, id)}`, { detail }),
      }
    }
    case 'due':
      return {
        ...base,
        nextAttemptAt: recipient.dueAt,
        ...say(
          shown,
          `it is due, and waits for its turn. ${tried}${way}If it stays so: other mail for the same server is before it, or no server delivers; "postrider queue summary" shows how much waits.`,
          { detail },
        ),
      }
    case 'waiting': {
      const next = `${formatRelative(standing.until, now)} (${formatTime(standing.until)})`
      return {
        ...base,
        nextAttemptAt: standing.until,
        nextAttemptBecause: last?.nextAttemptBecause,
        ...say(
          shown,
          `it waits in the queue of this server. ${tried}The next attempt is ${next}${whyThen(last)}.${way}${end} ${speedUp(recipient, id)}`,
          { detail, time: { at: standing.until, text: next } },
        ),
      }
    }
    default:
      return standing satisfies never
  }
}

/** Begins with a blank, or is empty. */
function describeLastFetch(records: readonly TrailRecord[], address: string): string {
  const last = lastAttempt(records, address)
  if (!last?.event.fetched || !('diagnosis' in last.event.outcome)) return ''
  const detail = withoutEnd(describeDiagnosis(last.event.outcome.diagnosis))
  return ` When that came for it last, ${formatTime(last.at)}, it did not take it: ${detail}.`
}

function whyThen(last: Attempted | undefined): string {
  switch (last?.nextAttemptBecause) {
    case 'delay-notice':
      return ', when the sender is to be told of the delay'
    case 'lifetime':
      return ', which is the last one'
    case 'greylisted':
      return ', because a server that does not know the sender yet wants to see it come again after some minutes'
    case 'mailbox-full':
      return ', because somebody has to make room first'
    case 'asked':
      return ', because that server said for how long it wants to be left alone'
    case 'destination':
      return ' at the latest: as soon as mail goes there again, it goes'
    case 'other-address':
      return ' at the latest: as soon as there is room it goes from another of our addresses'
    case 'schedule':
      return `, as the settings say after ${formatCount(last.attempt, 'attempt')} (queue.retryMinutes)`
    default:
      return ''
  }
}

function describeEnd(at: number, now: number): string {
  return ` It is given up ${formatRelative(at, now)} (${formatTime(at)}) if it has not been delivered by then, and the sender is told.`
}

function describeTooLate(at: number, now: number): string {
  return ` That is too late: as it stands it will not arrive. It is given up before, ${formatRelative(at, now)} (${formatTime(at)}), and the sender is told.`
}

/** What closes the gate is what this recipient itself has met. */
function isTold({ closure }: GateState, { lastDiagnosis = '' }: ShownRecipient): boolean {
  return (
    closure !== undefined && closure.reason !== 'limit' && lastDiagnosis.startsWith(closure.diagnosis.detail)
  )
}

/** Ends with a blank, or is empty. */
function describeLast(recipient: ShownRecipient, last: Attempted | undefined): string {
  if (recipient.attempts === 0 && recipient.lastDiagnosis === undefined) return 'It has not been tried yet. '
  const { lastCause } = recipient
  const met = last && 'diagnosis' in last.outcome ? last.outcome.diagnosis : undefined
  const words = met && met.cause === lastCause ? describeCauseOf(met) : describeCause(lastCause)
  const because = lastCause === undefined ? '' : `, because ${words.because}`
  return `${describeTries(recipient, last)}${because}: ${reasonOf(recipient, last)}. `
}

function reasonOf({ lastDiagnosis }: ShownRecipient, last: Attempted | undefined): string {
  const met = last && 'diagnosis' in last.outcome ? last.outcome.diagnosis : undefined
  return withoutEnd(lastDiagnosis ?? (met ? describeDiagnosis(met) : ''))
}

function describeTries({ attempts, lastCause }: ShownRecipient, last: Attempted | undefined): string {
  // That is found out without an attempt.
  if (lastCause === 'own-limit') return 'It cannot go at the moment'
  if (attempts === 0) return 'It has not been tried yet'
  const from = last?.source === undefined ? '' : ` (from our address ${last.source})`
  return attempts === 1
    ? `The only attempt so far${from} did not succeed`
    : `The last of ${attempts} attempts${from} did not succeed`
}

/** Sentences. */
function speedUp({ lastCause }: ShownRecipient, id: string): string {
  const again = `"postrider queue retry ${id}" tries it at once.`
  const { remedy, retry } = describeCause(lastCause)
  if (retry === 'harmful') return patience
  if (lastCause === undefined || remedy === undefined) return again
  return `What would speed it up: ${remedy}${retry === 'useless' ? '' : ` Then ${again}`}`
}

function findHold(records: readonly TrailRecord[], address: string, isBeginningForgotten: boolean): Hold {
  const last = records.findLast(
    ({ event }) =>
      ((event.kind === 'set-aside' || event.kind === 'account-held') && event.recipient === address) ||
      (event.kind === 'administered' && event.action === 'hold' && event.recipient === address),
  )
  if (!last) return { by: isBeginningForgotten ? 'forgotten' : 'settings' }
  const { at, event } = last
  if (event.kind === 'set-aside') return { by: 'death', at }
  if (event.kind === 'account-held')
    return { by: 'account', at, account: event.account, because: event.because }
  return { by: 'administrator', at }
}

/** Ends with a blank. */
function describeHold(hold: Hold): string {
  switch (hold.by) {
    case 'death':
      return `It was set aside ${formatTime(hold.at)}, because the delivery thread died each time it had this message. `
    case 'account': {
      const { account, because } = hold
      return `The account ${account} is on hold, or was ${formatTime(hold.at)}: ${withoutEnd(because)}. If a stranger has its password, "postrider account password ${account}" sets a new one; "postrider account release ${account}" lets all its mail go. `
    }
    case 'administrator':
      return `An administrator held it ${formatTime(hold.at)}. `
    case 'forgotten':
      return 'Why it is held is not known any more: the beginning of its trail was forgotten (trail.retentionDays, trail.maxMegabytes). '
    case 'settings':
      return 'New mail is held here (queue.hold), or was when it came. '
    default:
      return hold satisfies never
  }
}

/** undefined: it is not in the quarantine, and did not end there. */
function describeQuarantine(
  id: string,
  recipient: string,
  records: readonly TrailRecord[],
): RecipientStanding | undefined {
  const last = records.findLast(
    ({ event }) =>
      (event.kind === 'quarantined' || event.kind === 'quarantine-ended') &&
      event.recipients.includes(recipient),
  )
  if (last?.event.kind === 'quarantined')
    return {
      recipient,
      kind: 'quarantined',
      ...say(
        recipient,
        `it is kept aside since ${formatTime(last.at)}, ${withoutEnd(last.event.because)}. "postrider quarantine release ${id}" delivers it; ${formatTime(last.event.until)} it is removed.`,
      ),
    }
  if (last?.event.kind === 'quarantine-ended' && last.event.how !== 'released')
    return {
      recipient,
      kind: 'removed',
      ...say(
        recipient,
        `it was kept aside, and ${last.event.how === 'deleted' ? 'an administrator deleted it' : 'removed when its time there was over'} ${formatTime(last.at)}; the sender was not told.`,
      ),
    }
  return undefined
}

function describeGone(
  queueId: QueueId,
  recipient: string,
  records: readonly TrailRecord[],
  lostReports: TracedMessage['lostReports'],
): RecipientStanding {
  const id = formatQueueId(queueId)
  const cancelled = records.findLast(
    ({ event }) =>
      event.kind === 'administered' && event.action === 'cancel' && event.recipient === recipient,
  )
  const kept = describeQuarantine(id, recipient, records)
  if (kept) return kept
  const ended = lastAttempt(records, recipient)
  if (cancelled && (!ended || isNegative(ended.event)))
    return {
      recipient,
      kind: 'cancelled',
      ...say(
        recipient,
        `an administrator took it out of the queue ${formatTime(cancelled.at)}; the sender was not told.`,
      ),
    }
  if (!ended)
    return {
      recipient,
      kind: 'unknown',
      ...say(
        recipient,
        `it is not in the queue, and nothing is written of its end; "postrider trace ${id}" shows what there is.`,
      ),
    }
  const at = formatTime(ended.at)
  const { event } = ended
  const { outcome } = event
  const time = { at: ended.at, text: at }
  const byScript = event.filter
    ? describeFilter(event.filter)
        .map(text => ` ${capitalize(text)}.`)
        .join('')
    : ''
  switch (outcome.kind) {
    case 'delivered':
      return {
        recipient,
        kind: 'delivered',
        ...say(
          recipient,
          outcome.isCopy
            ? `the account had the message already, by another of its addresses (${at}).`
            : `it has been in the mailbox ${outcome.mailbox} since ${at}.${byScript}`,
          { time },
        ),
      }
    case 'discarded':
      return {
        recipient,
        kind: 'discarded',
        ...say(recipient, `a rule of the account wants it nowhere (${at}).${byScript}`, { time }),
      }
    case 'shown':
      return { recipient, kind: 'shown', ...say(recipient, `it was shown at a terminal (${at}).`) }
    case 'relayed': {
      const taker = event.fetched
        ? `the server of the account ${event.fetched.account} (${outcome.remoteMta}) fetched it (${event.fetched.verb})`
        : `${outcome.remoteMta} took it`
      const answer = formatReply(outcome.reply)
      const taken = `${taker} at ${at}${event.source === undefined ? '' : ` from our address ${event.source}`} ("${answer}")${describePlain(event)}.`
      if (outcome.isFinal)
        return {
          recipient,
          kind: 'delivered',
          ...say(recipient, `it has been in the mailbox at ${outcome.remoteMta} since ${at} ("${answer}").`, {
            detail: answer,
            time,
          }),
        }
      const back = describeReturn(recipient, records)
      return {
        recipient,
        kind: back?.kind ?? 'relayed',
        cause: back?.cause,
        ...say(
          recipient,
          back
            ? `${taken} ${back.text}`
            : `${taken} From then on it is that server's; if it cannot be found there, its administrator can look for this answer.`,
          { detail: answer, time },
        ),
      }
    }
    case 'expanded':
      return {
        recipient,
        kind: 'expanded',
        text: event.filter
          ? `To ${recipient}: it goes on to ${listRecipients(outcome.into)}.${byScript}`
          : `${recipient} leads to ${listRecipients(outcome.into)}.`,
      }
    case 'deferred':
    case 'failed':
    case 'expired': {
      const { cause } = outcome.diagnosis
      const { because, remedy } = describeCauseOf(outcome.diagnosis)
      const kind = outcome.kind === 'deferred' ? 'unknown' : outcome.kind
      const verb =
        outcome.kind === 'expired' ? 'was given up, the time for trying was over' : 'failed for good'
      const detail = withoutEnd(describeDiagnosis(outcome.diagnosis))
      const isReport = records.some(({ event: { kind: of } }) => of === 'reports')
      const told = describeTold(reportOn(recipient, records), lostReports)
      // What its sender could do, this server does not.
      const help = isReport
        ? ' It is a report itself, so nobody is told.'
        : remedy === undefined
          ? ''
          : ` ${remedy}`
      return {
        recipient,
        kind,
        cause,
        detail,
        endedAt: ended.at,
        ...say(recipient, `it ${verb} at ${at}, because ${because}: ${detail}.${byScript}${told}${help}`, {
          detail,
          time,
        }),
      }
    }
    default:
      return outcome satisfies never
  }
}

type Attempted = Extract<TrailEvent, { kind: 'attempted' }>

function isNegative({ outcome }: Attempted): boolean {
  return outcome.kind === 'deferred'
}

function lastAttempt(
  records: readonly TrailRecord[],
  address: string,
): (TrailRecord & { readonly event: Attempted }) | undefined {
  return records.findLast(
    (record): record is TrailRecord & { readonly event: Attempted } =>
      record.event.kind === 'attempted' && record.event.recipient === address,
  )
}

/** The queue id of the report of failure that names him. */
function reportOn(recipient: string, records: readonly TrailRecord[]): string | undefined {
  for (const { event } of records)
    if (event.kind === 'reported' && event.action === 'failed' && event.recipients.includes(recipient))
      return event.reportId
  return undefined
}

/** Begins with a blank, or is empty. */
function describeTold(reportId: string | undefined, lostReports: TracedMessage['lostReports']): string {
  if (reportId === undefined) return ''
  const lost = lostReports?.get(reportId)
  return lost === undefined
    ? ' The sender has been told.'
    : ` The sender does not know: the report to him, message ${reportId}, could not be delivered: ${withoutEnd(lost)}.`
}

/** In the order in which they came up: those that the sender named, and those to whom they led. */
function recipientsOf(records: readonly TrailRecord[]): readonly string[] {
  const recipients = new Set<string>()
  for (const { event } of records) {
    if (event.kind === 'received')
      for (const recipient of event.reception.recipients) recipients.add(recipient)
    if (event.kind === 'quarantined') for (const recipient of event.recipients) recipients.add(recipient)
    if (event.kind === 'attempted') {
      recipients.add(event.recipient)
      for (const into of ledTo(event)) recipients.add(into)
    }
  }
  return [...recipients]
}
