// From an outcome to the queue and to the sender: every rule about who is told what (RFC 3461 §4.1, §5.2; RFC 5321 §4.5.5).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { formatTime } from '../../src/cli/quantities.ts'
import type { DeliveryOutcome, Diagnosis, Waiting } from '../../src/delivery/outcome.ts'
import type { Closure } from '../../src/delivery/pacing/destination-health.ts'
import { type Attempted, planSettlement, type SettlementPlan } from '../../src/delivery/plan-settlement.ts'
import { createRetrySchedule } from '../../src/delivery/retry-schedule.ts'
import type { QueuedMessage, QueuedRecipient } from '../../src/queue/records.ts'
import type { TrailEvent } from '../../src/trail/events.ts'

const minute = 60_000
const hour = 60 * minute
const acceptedAt = Date.UTC(2026, 0, 1)
const schedule = createRetrySchedule({
  retryMinutes: [5, 15, 60],
  relayLifetimeHours: 720,
  lifetimeHours: 48,
  delayNoticeHours: 4,
  hold: false,
})

const diagnosis: Diagnosis = { stage: 'rcpt', cause: 'server-busy', status: '4.3.2', detail: 'busy' }
const deferred: DeliveryOutcome = { kind: 'deferred', diagnosis }
const failed: DeliveryOutcome = { kind: 'failed', diagnosis: { ...diagnosis, status: '5.1.1' } }
const delivered: DeliveryOutcome = { kind: 'delivered', mailbox: 'INBOX' }
const relayed = (dsnAware: boolean): DeliveryOutcome => ({
  kind: 'relayed',
  dsnAware,
  remoteMta: 'mx.example.test',
  remoteAddress: '192.0.2.1:25',
  reply: { code: 250, lines: ['Ok'] },
})

function attempted(
  outcome: DeliveryOutcome,
  recipient: Partial<QueuedRecipient> = {},
  message: Partial<QueuedMessage> = {},
): Attempted {
  const whole: QueuedMessage = {
    id: 1,
    reversePath: { localPart: 'anna', domain: 'example.test' },
    size: 100,
    body: '7BIT',
    smtpUtf8: false,
    disposition: 'mail',
    acceptedAt,
    expiresAt: acceptedAt + 48 * hour,
    language: 'en',
    isReport: false,
    ...message,
  }
  const one: QueuedRecipient = {
    id: 7,
    messageId: 1,
    forwardPath: { localPart: 'boris', domain: 'example.org' },
    state: 'ready',
    attempts: 0,
    dueAt: acceptedAt,
    ...recipient,
  }
  return { work: { message: whole, mailDataId: 1, recipients: [one] }, recipient: one, outcome }
}

function actionOf(one: Attempted, now = acceptedAt + minute): string | undefined {
  return planSettlement(one, now, schedule, 0.5).report?.action
}

function dueAfter(attempts: number, now: number, spread = 0.5): number {
  const { result } = planSettlement(attempted(deferred, { attempts }), now, schedule, spread).settlement
  assert.equal(result.kind, 'retry')
  return result.dueAt - now
}

test('the waits grow along the schedule, and the last one repeats', () => {
  assert.equal(dueAfter(0, acceptedAt), 5 * minute)
  assert.equal(dueAfter(1, acceptedAt), 15 * minute)
  assert.equal(dueAfter(2, acceptedAt), 60 * minute)
  assert.equal(dueAfter(30, acceptedAt), 60 * minute)
})

test('waits are spread by a tenth at most', () => {
  assert.equal(dueAfter(2, acceptedAt, 0), 54 * minute)
  assert.ok(dueAfter(2, acceptedAt, 0.999_999) <= 66 * minute)
})

test('the last attempt is at the end of the lifetime; after it the recipient has expired', () => {
  assert.equal(dueAfter(9, acceptedAt + 47.5 * hour), 0.5 * hour)
  const plan = planSettlement(attempted(deferred, { attempts: 10 }), acceptedAt + 48 * hour, schedule, 0.5)
  assert.equal(plan.settlement.result.kind, 'done')
  assert.equal(plan.report?.action, 'failed')
  assert.equal(plan.report?.outcome.kind, 'expired')
})

const place = { gate: 'destination example.org', share: '09 account 1' }
const closure: Closure = { reason: 'unreachable', until: acceptedAt + 10 * hour, diagnosis }

test('who was greylisted waits five minutes at least, and who is full for hours', () => {
  const waitAfter = (cause: Diagnosis['cause'], text: string, attempts = 0): number => {
    const reply = { code: 450, lines: [text] }
    const outcome: DeliveryOutcome = { kind: 'deferred', diagnosis: { ...diagnosis, cause, reply } }
    const quick = createRetrySchedule({
      retryMinutes: [1],
      lifetimeHours: 48,
      relayLifetimeHours: 720,
      delayNoticeHours: 0,
      hold: false,
    })
    const { result } = planSettlement(attempted(outcome, { attempts }), acceptedAt, quick, 0.5).settlement
    assert.ok(result.kind === 'retry')
    return (result.dueAt - acceptedAt) / minute
  }
  assert.equal(waitAfter('greylisted', 'greylisted, come back later'), 5.5)
  assert.equal(waitAfter('greylisted', 'greylisted, come back later', 3), 1)
  assert.equal(waitAfter('mailbox-full', 'mailbox full'), 264)
  assert.equal(waitAfter('server-busy', 'busy'), 1)
  // Who names a time is asked again then, however often.
  assert.equal(waitAfter('greylisted', 'Greylisted for 600 seconds', 3), 11)
  assert.equal(waitAfter('server-busy', 'busy, please try again in 1 hour'), 66)
  assert.equal(waitAfter('mailbox-full', 'mailbox full, try again in 5 minutes'), 264)
})

/** It stands in line at a time. */
function waitingAt(
  now: number,
  more: Partial<Waiting> = {},
  recipient: Partial<QueuedRecipient> = {},
): SettlementPlan {
  const { work, recipient: one } = attempted(deferred, recipient)
  return planSettlement(
    { work, recipient: one, outcome: { kind: 'waiting', place, ...more } },
    now,
    schedule,
    0.5,
  )
}

test('who stands in line is looked at every two hours, when a delay is to be told, and at the end', () => {
  const lookAt = (age: number, recipient: Partial<QueuedRecipient> = {}): number => {
    const { result } = waitingAt(acceptedAt + age, {}, recipient).settlement
    assert.ok(result.kind === 'wait')
    assert.deepEqual(result.place, place)
    return result.dueAt - acceptedAt
  }
  assert.equal(lookAt(0), 2 * hour)
  assert.equal(lookAt(3 * hour), 4 * hour)
  assert.equal(lookAt(3 * hour, { notify: ['FAILURE'] }), 5 * hour)
  assert.equal(lookAt(47 * hour, { delayReportedAt: acceptedAt }), 48 * hour)
})

test('it is told of a delay once, and of the end of its time, with the reason', () => {
  const late = waitingAt(acceptedAt + 4 * hour, { closure })
  assert.equal(late.report?.action, 'delayed')
  assert.equal(late.report.nextAttemptAt, closure.until)
  assert.ok(late.settlement.result.kind === 'retry')
  assert.deepEqual(late.settlement.result.place, place)
  assert.ok(late.settlement.result.delayReported && !late.settlement.result.tried)
  assert.equal(
    waitingAt(acceptedAt + 5 * hour, { closure }, { delayReportedAt: acceptedAt }).report,
    undefined,
  )
  const over = waitingAt(acceptedAt + 48 * hour, { closure }, { attempts: 3, delayReportedAt: acceptedAt })
  assert.equal(over.settlement.result.kind, 'done')
  assert.deepEqual(over.report?.outcome, { kind: 'expired', diagnosis })
  assert.deepEqual(
    over.settlement.events.map(event => event.kind === 'attempted' && event.attempt),
    [3],
  )
})

test('what it was answered itself stays the reason while nothing goes there; what others were answered is not said of it', () => {
  const reply = { code: 421, enhanced: '4.7.28', lines: ['Too much mail'] }
  const met: Diagnosis = { ...diagnosis, stage: 'rcpt', cause: 'rate', remoteMta: 'mx.example.org', reply }
  const reasonFor = (told: string): Diagnosis | undefined => {
    const lastReason = { diagnosis: told, cause: 'rate', host: 'mx.example.org' }
    const { report } = waitingAt(
      acceptedAt + 4 * hour,
      { closure: { ...closure, diagnosis: met } },
      { lastReason },
    )
    return report && 'diagnosis' in report.outcome ? report.outcome.diagnosis : undefined
  }
  assert.deepEqual(reasonFor(`${diagnosis.detail}: 421 4.7.28 Too much mail`), met)
  const ofOther = reasonFor(`${diagnosis.detail}: 450 4.2.0 Greylisted`)
  assert.equal(ofOther?.reply, undefined)
  assert.match(ofOther?.detail ?? '', /answered 421 4\.7\.28 to other mail/)
})

test('the trail has the reason, and no word for one that only waits for its turn', () => {
  assert.deepEqual(waitingAt(acceptedAt).settlement.events, [])
  assert.deepEqual(waitingAt(acceptedAt, { closure }).settlement.events, [
    { kind: 'postponed', recipient: 'boris@example.org', diagnosis, nextAttemptAt: closure.until },
  ])
})

test('a failure is reported unless the sender said otherwise', () => {
  assert.equal(actionOf(attempted(failed)), 'failed')
  assert.equal(actionOf(attempted(failed, { notify: ['FAILURE'] })), 'failed')
  assert.equal(actionOf(attempted(failed, { notify: [] })), undefined)
  assert.equal(actionOf(attempted(failed, { notify: ['SUCCESS', 'DELAY'] })), undefined)
})

test('never a report about a report, nor to the null reverse-path', () => {
  for (const outcome of [failed, delivered, deferred]) {
    const notify = { notify: ['SUCCESS', 'FAILURE', 'DELAY'] } as const
    assert.equal(actionOf(attempted(outcome, notify, { isReport: true }), acceptedAt + 5 * hour), undefined)
    assert.equal(
      actionOf(attempted(outcome, notify, { reversePath: null }), acceptedAt + 5 * hour),
      undefined,
    )
  }
})

test('success is reported when it was asked for: as delivered here, as relayed to a server without DSN', () => {
  const notify = { notify: ['SUCCESS'] } as const
  assert.equal(actionOf(attempted(delivered)), undefined)
  assert.equal(actionOf(attempted(delivered, notify)), 'delivered')
  assert.equal(actionOf(attempted(relayed(false), notify)), 'relayed')
  assert.equal(actionOf(attempted(relayed(true), notify)), undefined)
  assert.equal(actionOf(attempted(relayed(false))), undefined)
})

test('a delay is told once, after its time, and not to those who did not want it', () => {
  assert.equal(actionOf(attempted(deferred), acceptedAt + 3 * hour), undefined)
  assert.equal(actionOf(attempted(deferred), acceptedAt + 4 * hour), 'delayed')
  assert.equal(actionOf(attempted(deferred, { notify: ['DELAY'] }), acceptedAt + 4 * hour), 'delayed')
  assert.equal(actionOf(attempted(deferred, { notify: ['FAILURE'] }), acceptedAt + 4 * hour), undefined)
  const told = attempted(deferred, { delayReportedAt: acceptedAt + 4 * hour })
  assert.equal(actionOf(told, acceptedAt + 5 * hour), undefined)
})

test('an alias of several targets is reported as expanded, one of a single target is not', () => {
  const into = [1, 2].map(n => ({
    forwardPath: { localPart: `t${n}`, domain: 'example.org' },
  }))
  const expanded = (count: number): Attempted => ({
    ...attempted({ kind: 'expanded', into: [] }, { notify: ['SUCCESS'] }),
    into: into.slice(0, count),
  })
  assert.equal(actionOf(expanded(2)), 'expanded')
  assert.equal(actionOf(expanded(1)), undefined)
})

test('who stands in line after an attempt goes when others go there, however near the notice or the end', () => {
  const place = { gate: 'destination mx.example.org', share: '09 nobody' }
  for (const now of [acceptedAt + 3.9 * hour, acceptedAt + 47.9 * hour]) {
    const { settlement } = planSettlement({ ...attempted(deferred), place }, now, schedule, 0)
    const [event] = settlement.events
    assert.ok(event?.kind === 'attempted')
    assert.equal(event.nextAttemptBecause, 'destination')
  }
})

test('the trail of an attempt names no time before the gate opens at which it stands', () => {
  const now = acceptedAt + minute
  const planned = (closure: Closure | undefined): Extract<TrailEvent, { kind: 'attempted' }> => {
    const stands = { ...attempted(deferred), place, gate: { closure } }
    const { settlement } = planSettlement(stands, now, schedule, 0.5)
    const [event] = settlement.events
    assert.ok(event?.kind === 'attempted' && settlement.result.kind === 'retry')
    // Its own time is what it was: then it is looked at.
    assert.equal(settlement.result.dueAt, now + 5 * minute)
    return event
  }
  const until = now + 8 * minute
  const closed = planned({ ...closure, until })
  assert.deepEqual([closed.nextAttemptAt, closed.closedUntil], [until, until])
  assert.match(
    describeEvent(closed).text,
    new RegExp(`; it stands in line for its destination, where nothing goes until ${formatTime(until)}$`),
  )
  const open = planned(undefined)
  assert.deepEqual([open.nextAttemptAt, open.closedUntil], [now + 5 * minute, undefined])
  assert.match(describeEvent(open).text, / is looked at again at \S+ \S+ at the latest$/)
})
