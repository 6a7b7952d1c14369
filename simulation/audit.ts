// What has to be true at the end of a simulation, whatever was played.
import { parseAddress } from '../src/address/parse-address.ts'
import type { QueueSettings } from '../src/config/settings.ts'
import type { MailDataStore } from '../src/storage/mail-data.ts'
import { defineRead, type Storage } from '../src/storage/operation.ts'
import type { Ledger } from './ledger.ts'
import { numberOf } from './network.ts'
import { domainOf, hostOf, hourMs, type Scenario } from './scenario.ts'
import type { SimulatedClock } from './simulated-clock.ts'

export interface Invariant {
  readonly name: string
  readonly isKept: boolean
  readonly detail: string
}

export interface Waits {
  readonly count: number
  readonly median: number
  readonly ninetyNinth: number
  readonly longest: number
}

interface QueuedRow {
  readonly id: number
  readonly forward_path: string
  readonly expires_at: number
  readonly is_report: number
  readonly mail_data_id: number
}

const pageOfQueue = defineRead('simulation.page-of-queue', (tx, after: number) =>
  tx.all<QueuedRow>(
    `SELECT r.id, r.forward_path, m.expires_at, m.is_report, m.mail_data_id
      FROM queue_recipient r JOIN queue_message m ON m.id = r.message_id WHERE r.id > ? ORDER BY r.id LIMIT 10000`,
    after,
  ),
)

/** What is tried at the very end of its lifetime may be under way, at a receiver that is slow. */
const graceMs = 15 * 60_000

export interface Audit {
  readonly invariants: readonly Invariant[]
  readonly queued: number
  readonly overdue: number
  readonly isQueued: Uint8Array
}

export async function audit(
  scenario: Scenario,
  ledger: Ledger,
  clock: SimulatedClock,
  storage: Storage,
  mailData: MailDataStore,
): Promise<Audit> {
  const isQueued = new Uint8Array(ledger.accepted)
  let overdue = 0
  let queued = 0
  for (let after = 0; ; ) {
    const rows = await clock.hold(() => storage.run(pageOfQueue, after))
    for (const row of rows) {
      after = row.id
      if (row.is_report === 1) {
        ledger.readReport(await clock.hold(() => readAll(mailData, row.mail_data_id)), false)
        continue
      }
      const address = parseAddress(row.forward_path)
      const number = address && numberOf(address.localPart)
      if (number === undefined)
        throw new Error(`the queue has a recipient that nobody sent to: ${row.forward_path}`)
      isQueued[number] = 1
      queued++
      if (row.expires_at + graceMs < clock.now()) overdue++
    }
    if (rows.length === 0) break
  }
  return { invariants: check(scenario, ledger, isQueued, overdue), queued, overdue, isQueued }
}

async function readAll(mailData: MailDataStore, id: number): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of mailData.read(id)) pieces.push(piece)
  return Buffer.concat(pieces).toString('latin1')
}

function check(scenario: Scenario, ledger: Ledger, isQueued: Uint8Array, overdue: number): Invariant[] {
  let lost = 0
  let twice = 0
  let byCut = 0
  let toldWrongly = 0
  let withoutCause = 0
  let askedTooOften = 0
  for (let number = 0; number < ledger.accepted; number++) {
    const deliveries = ledger.deliveries[number] ?? 0
    const cuts = ledger.cuts[number] ?? 0
    const isTold = ledger.toldAt[number] !== 0
    if (deliveries === 0 && !isTold && isQueued[number] !== 1) lost++
    if (deliveries > 1) {
      if (deliveries > cuts + 1) twice++
      else byCut++
    }
    if (deliveries > cuts && isTold) toldWrongly++
    if (isTold && !hasCauseToFail(scenario, ledger, number)) withoutCause++
    const ownDeferrals = ledger.ownDeferrals[number] ?? 0
    if (ownDeferrals > 0 && ownDeferrals > mostOwnDeferrals(scenario.queue, waited(ledger, number)))
      askedTooOften++
  }
  const { fairness } = scenario
  const little = waitsOf(
    ledger,
    n => scenario.senders[ledger.sender[n] ?? 0]?.isLittle === true && isPlain(scenario, ledger, n),
  )
  const healthy = waitsOf(ledger, n => {
    const sender = scenario.senders[ledger.sender[n] ?? 0]
    return sender?.floods !== true && sender?.promisedPerHour === undefined && isPlain(scenario, ledger, n)
  })
  return [
    {
      name: 'nobody is lost',
      isKept: lost === 0 && overdue === 0,
      detail: `${lost} recipients neither delivered, nor reported, nor queued; ${overdue} queued beyond their lifetime`,
    },
    {
      name: 'nobody is served twice',
      isKept: twice === 0 && toldWrongly === 0,
      detail: `${twice} more often than the cuts after the final dot explain (${byCut} are explained by them); ${toldWrongly} delivered and reported as failed`,
    },
    {
      name: 'nobody fails without cause',
      isKept: withoutCause === 0,
      detail: `${withoutCause} reported as failed whom nobody had refused for good, before their lifetime was over or without an attempt`,
    },
    {
      name: 'limits are kept',
      isKept: ledger.violationCount === 0,
      detail: `${ledger.violationCount} times broken; used: ${formatLimitsUsed(ledger)}${ledger.violations.map(text => `\n    ${text}`).join('')}`,
    },
    {
      name: 'mail leaves as its sender is to be known',
      isKept: ledger.strayCount === 0,
      detail: `${ledger.strayCount} recipients with another reverse-path (VERP), or from another of our addresses, than was promised${ledger.strays.map(text => `\n    ${text}`).join('')}`,
    },
    judgeRefusals(ledger, askedTooOften),
    judgeThroughput(scenario, ledger),
    {
      name: 'who sends little does not wait',
      isKept:
        little.count === 0 ||
        (little.median <= fairness.littleMedian && little.ninetyNinth <= fairness.little99th),
      detail: `median ${formatSeconds(little.median)} of at most ${fairness.littleMedian} s, 99th percentile ${formatSeconds(little.ninetyNinth)} of at most ${fairness.little99th} s (${little.count} recipients)`,
    },
    {
      name: 'healthy receivers do not wait for others',
      isKept: healthy.count === 0 || healthy.ninetyNinth <= fairness.healthy99th,
      detail: `99th percentile ${formatSeconds(healthy.ninetyNinth)} of at most ${fairness.healthy99th} s (${healthy.count} recipients of senders who send at a steady pace)`,
    },
  ]
}

function judgeRefusals({ refusals }: Ledger, askedTooOften: number): Invariant {
  const hosts = [...refusals].map(([name, { worst, most }]) => ({ name, worst, most }))
  const tooMany = hosts.filter(({ worst, most }) => worst > most)
  const worst = hosts.toSorted((a, b) => b.worst / b.most - a.worst / a.most)[0]
  return {
    name: 'who refuses is left alone',
    isKept: tooMany.length === 0 && askedTooOften === 0,
    detail: `${tooMany.length} receivers had to refuse more in an hour than the waits after a refusal allow (most of it ${worst?.name}: ${worst?.worst} of at most ${worst?.most}); ${askedTooOften} recipients were tried more often than their schedule says`,
  }
}

/** In a shorter time it cannot be found out how much a receiver takes. */
const leastBusyMinutes = 30

function judgeThroughput({ receivers }: Scenario, ledger: Ledger): Invariant {
  const { now, throughputs } = ledger
  const judged = receivers.flatMap((receiver, index) => {
    const { leastUsed, domains } = receiver
    if (leastUsed === undefined) return []
    const failed = countFailed(ledger, index)
    return Array.from({ length: domains }, (_, number) => domainOf(receiver, number)).flatMap(name => {
      const throughput = throughputs.get(name)
      if (!throughput || throughput.busyMinutes(now) < leastBusyMinutes) return []
      return [{ name, leastUsed, failed, used: throughput.partTaken(now) }]
    })
  })
  return {
    name: 'a small limit of a receiver is used',
    isKept: judged.every(({ used, leastUsed, failed }) => used >= leastUsed && failed === 0),
    detail:
      judged
        .map(
          ({ name, used, leastUsed, failed }) =>
            `${name} got ${formatPart(used)} of what it would have taken, of at least ${formatPart(leastUsed)}; ${failed} failed there`,
        )
        .join(', ') || 'nobody had to wait',
  }
}

/** Though the receiver had refused none of them for good. */
function countFailed(ledger: Ledger, receiver: number): number {
  let count = 0
  for (let number = 0; number < ledger.accepted; number++)
    if (ledger.receiver[number] === receiver && ledger.toldAt[number] !== 0 && ledger.refused[number] === 0)
      count++
  return count
}

function formatLimitsUsed({ limitsUsed }: Ledger): string {
  return [...limitsUsed].map(([name, part]) => `${name} ${formatPart(part)}`).join(', ') || 'none'
}

function formatPart(part: number): string {
  return `${Math.round(part * 100)} %`
}

/** Waits are shorter than the settings say by so much at most. */
const shortestWait = 0.9

/** By the schedule, and once more when the sender is told of the delay. */
function mostOwnDeferrals({ retryMinutes }: QueueSettings, withinMs: number): number {
  let attempts = 1
  for (let at = 0; at <= withinMs; attempts++)
    at += (retryMinutes[Math.min(attempts, retryMinutes.length) - 1] ?? 60) * 60_000 * shortestWait
  return attempts + 1
}

/** In ms. */
function waited(ledger: Ledger, number: number): number {
  const end = ledger.deliveredAt[number] || ledger.toldAt[number] || ledger.now + 1
  return end - (ledger.acceptedAt[number] ?? 0)
}

/** Reports tell their time in whole seconds. */
const dateMs = 1000

/**
 * Its receiver has refused it for good, or does not exist; or its lifetime was over, and it had been tried, or had stood in a
 * line where nobody was let in.
 */
function hasCauseToFail({ receivers, senders, queue }: Scenario, ledger: Ledger, number: number): boolean {
  const receiver = receivers[ledger.receiver[number] ?? 0]
  if (!receiver || receiver.doesNotExist || ledger.refused[number] === 1) return true
  const acceptedAt = (ledger.acceptedAt[number] ?? 0) - 1
  const toldAt = (ledger.toldAt[number] ?? 0) - 1
  if (toldAt + dateMs <= acceptedAt + queue.lifetimeHours * hourMs) return false
  if (ledger.firstTriedAt[number] !== 0) return true
  const host = hostOf(receiver, ledger.domain[number] ?? 0)
  const sender = senders[ledger.sender[number] ?? 0]?.name ?? ''
  return ledger.wasClosedSince(host, acceptedAt) || ledger.wasClosedSince(sender, acceptedAt)
}

/** At a healthy receiver, and with a mailbox that takes mail. */
function isPlain(scenario: Scenario, ledger: Ledger, number: number): boolean {
  return (
    scenario.receivers[ledger.receiver[number] ?? 0]?.isHealthy === true &&
    ledger.refused[number] === 0 &&
    ledger.deferrals[number] === 0
  )
}

/** From acceptance to delivery, or until now for who has waited in vain, in seconds. */
export function waitsOf(ledger: Ledger, isCounted: (number: number) => boolean): Waits {
  const waits = new Float32Array(ledger.accepted)
  let count = 0
  for (let number = 0; number < ledger.accepted; number++) {
    if (!isCounted(number)) continue
    const delivered = ledger.deliveredAt[number] ?? 0
    const end = delivered === 0 ? ledger.now + 1 : delivered
    waits[count++] = (end - (ledger.acceptedAt[number] ?? 0)) / 1000
  }
  const sorted = waits.subarray(0, count).sort()
  const at = (part: number): number => sorted[Math.min(count - 1, Math.floor(count * part))] ?? Number.NaN
  return { count, median: at(0.5), ninetyNinth: at(0.99), longest: at(1) }
}

/** '3.2 s', '5 min', '7.5 h' */
export function formatSeconds(seconds: number): string {
  if (Number.isNaN(seconds)) return '-'
  if (seconds < 120) return `${seconds.toFixed(1)} s`
  return seconds < 7200 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`
}
