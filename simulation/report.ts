// What a simulation came to, for people.
import { formatSeconds, type Waits, waitsOf } from './audit.ts'
import type { Played } from './play.ts'

const header = [
  '',
  'recipients',
  'delivered',
  'failed',
  'queued',
  'put off',
  'by reply',
  'median',
  '99th',
  'longest',
]

export function formatPlayed(played: Played): string {
  const { scenario, ledger, audit, hash, seconds, processorSeconds } = played
  const rows = (kind: 'receiver' | 'sender'): string[][] =>
    (kind === 'receiver' ? scenario.receivers : scenario.senders).map(({ name }, index) =>
      describe(played, name, number => ledger[kind][number] === index),
    )
  const isKept = audit.invariants.every(invariant => invariant.isKept)
  return [
    `${ledger.accepted} recipients in ${scenario.days} days, seed ${scenario.seed}`,
    '',
    formatTable([
      ['receivers', ...header.slice(1)],
      ...rows('receiver').filter(([, count]) => count !== '0'),
    ]),
    '',
    formatTable([['senders', ...header.slice(1)], ...rows('sender')]),
    '',
    `${ledger.transactions} transactions on ${ledger.connections} connections; ${ledger.reportsDelivered} reports to senders, which told of ${ledger.delayNotices} delays`,
    '',
    ...audit.invariants.map(
      ({ name, isKept: is, detail }) => `${is ? 'ok    ' : 'BROKEN'} ${name}: ${detail}`,
    ),
    '',
    `hash of the log: ${hash}`,
    `${seconds.toFixed(1)} s, ${processorSeconds.toFixed(1)} s of processor time: ${Math.round(ledger.accepted / processorSeconds)} recipients in a second of it`,
    isKept ? 'all is as it has to be' : 'BROKEN',
    '',
  ].join('\n')
}

function describe({ ledger, audit }: Played, name: string, isOne: (number: number) => boolean): string[] {
  let [count, delivered, failed, queued, putOffs, deferrals] = [0, 0, 0, 0, 0, 0]
  for (let number = 0; number < ledger.accepted; number++) {
    if (!isOne(number)) continue
    count++
    if ((ledger.deliveries[number] ?? 0) > 0) delivered++
    else if (ledger.toldAt[number] !== 0) failed++
    if (audit.isQueued[number] === 1) queued++
    putOffs += ledger.putOffs[number] ?? 0
    deferrals += ledger.deferrals[number] ?? 0
  }
  const waits = waitsOf(ledger, number => isOne(number) && (ledger.deliveries[number] ?? 0) > 0)
  return [name, ...[count, delivered, failed, queued, putOffs, deferrals].map(String), ...formatWaits(waits)]
}

function formatWaits({ median, ninetyNinth, longest }: Waits): string[] {
  return [median, ninetyNinth, longest].map(formatSeconds)
}

function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0))) ?? []
  return rows
    .map(row =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
