// Figures as tables for people.
import { availableParallelism } from 'node:os'
import type { DestinationsFigures } from './destinations.ts'
import type { Environment } from './environment.ts'
import type { IdleFigures } from './idle.ts'
import type { LargeMessageFigures } from './large-message.ts'
import type { LongQueueFigures } from './long-queue.ts'
import type { Figures, Row } from './round.ts'
import type { StartUpFigures } from './start-up.ts'
import type { TrailFigures } from './trail.ts'

export interface RowResult {
  readonly row: Row
  readonly baseline?: number | undefined
  readonly rounds: Readonly<Record<string, readonly Figures[]>>
  readonly problems: readonly string[]
}

export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  const lines = rows.map(row => row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '))
  lines.splice(1, 0, widths.map(width => '-'.repeat(width)).join('  '))
  return `${lines.join('\n')}\n`
}

export const rowHeader = [
  'work',
  'bytes',
  'sessions',
  'connections',
  'no server/s',
  'Postfix/s',
  'Postrider/s',
  'ratio',
  'Postfix CPU ms',
  'Postrider CPU ms',
  'ratio',
  'Postfix MB',
  'Postrider MB',
] as const

export function formatRow({ row, baseline, rounds }: RowResult): string[] {
  const postfix = medianOf(rounds.Postfix)
  const postrider = medianOf(rounds.Postrider)
  return [
    row.work,
    String(row.messageBytes),
    String(row.sessions),
    row.connections,
    show(baseline, 0),
    show(postfix?.messagesPerSecond, 0),
    show(postrider?.messagesPerSecond, 0),
    showRatio(postrider?.messagesPerSecond, postfix?.messagesPerSecond),
    show(postfix?.cpuMsPerMessage, 2),
    show(postrider?.cpuMsPerMessage, 2),
    showRatio(postrider?.cpuMsPerMessage, postfix?.cpuMsPerMessage),
    // Postfix's pages are shared by many processes: PSS. Postrider is one process: its highest resident set.
    show(postfix && postfix.pssBytes / 1e6, 0),
    show(postrider && postrider.peakRssBytes / 1e6, 0),
  ]
}

/** Each subject of each row in a line, with what it used up. */
export function formatSubjects(results: readonly RowResult[]): string {
  return formatTable([
    [
      'connections',
      'server',
      'messages/s',
      'to Postfix',
      'CPU ms',
      'of it the database',
      'machine busy %',
      'bottleneck',
    ],
    ...results.flatMap(({ row, rounds }) => {
      const postfix = medianOf(rounds['Postfix'])
      return Object.entries(rounds).map(([name, figures]) => {
        const median = medianOf(figures)
        return [
          row.connections,
          name,
          show(median?.messagesPerSecond, 0),
          showRatio(median?.messagesPerSecond, postfix?.messagesPerSecond),
          show(median?.cpuMsPerMessage, 2),
          show(median?.databaseCpuMsPerMessage, 2),
          show(median?.machineBusyPercent, 0),
          median ? nameBottleneck(median) : '-',
        ]
      })
    }),
  ])
}

/** With processors to spare everybody waits for commits; without, whoever uses most of them. */
function nameBottleneck({
  cpuMsPerMessage,
  databaseCpuMsPerMessage,
  machineBusyPercent,
  messagesPerSecond,
}: Figures): string {
  if (machineBusyPercent < 85) return 'commits'
  const busyMs = (10 * machineBusyPercent * availableParallelism()) / messagesPerSecond
  const shares = [
    ['database', databaseCpuMsPerMessage],
    ['server', cpuMsPerMessage - databaseCpuMsPerMessage],
    ['load and the rest', busyMs - cpuMsPerMessage],
  ] as const
  const [most] = shares.toSorted(([, one], [, other]) => other - one)
  return `processors, most by: ${most?.[0] ?? ''}`
}

export function formatIdle(figures: Readonly<Record<string, IdleFigures>>): string {
  return formatTable([
    ['server', 'sessions', 'server KB each', 'kernel KB each', 'sum KB each', 'CPU % while idle'],
    ...Object.entries(figures).map(([name, { sessions, serverBytes, kernelBytes, cpuPercent }]) => [
      name,
      String(sessions),
      show(serverBytes / 1024, 1),
      show(kernelBytes / 1024, 1),
      show((serverBytes + kernelBytes) / 1024, 1),
      show(cpuPercent, 2),
    ]),
  ])
}

export function formatLargeMessages(figures: Readonly<Record<string, LargeMessageFigures>>): string {
  return formatTable([
    ['one message by', 'MB', 'memory growth MB', 'seconds'],
    ...Object.entries(figures).map(([verb, { messageBytes, growthBytes, seconds }]) => [
      verb,
      show(messageBytes / 1e6, 0),
      show(growthBytes / 1e6, 1),
      show(seconds, 2),
    ]),
  ])
}

export function formatStartUp(figures: readonly StartUpFigures[]): string {
  return formatTable([
    ['start with deferred', 'greeting after ms', 'first 250 after ms'],
    ...figures.map(({ deferredMessages, greetingMs, firstAcceptMs }) => [
      String(deferredMessages),
      show(greetingMs, 0),
      show(firstAcceptMs, 0),
    ]),
  ])
}

export function formatDestinations({ plan, alone, mixed }: DestinationsFigures): string {
  const { healthy, dead, slow, messagesForEach } = plan
  return `${messagesForEach} messages for each of ${healthy} healthy destinations, due at one moment:
${formatTable([
  ['beside them', 'half arrived after s', 'all after s', 'CPU ms each', 'load average'],
  ...(
    [
      ['nobody', alone],
      [`${dead} dead, ${slow} slow`, mixed],
    ] as const
  ).flatMap(([name, rounds]) =>
    rounds.map(({ halfMs, lastMs, cpuMsPerMessage, loadAverage }) => [
      name,
      show(halfMs / 1000, 2),
      show(lastMs / 1000, 2),
      show(cpuMsPerMessage, 2),
      show(loadAverage, 1),
    ]),
  ),
])}`
}

export function formatLongQueue({
  deferred,
  fillSeconds,
  starts,
  emptyStarts,
  rows,
}: LongQueueFigures): string {
  return `a queue of ${deferred} deferred recipients, filled in ${show(fillSeconds, 0)} s:
${formatTable([
  [
    'start with',
    'greeting after ms',
    'first 250 after ms',
    'first delivery after ms',
    'CPU ms',
    'memory MB',
    'load average',
  ],
  ...(
    [
      ['an empty queue', emptyStarts],
      ['a long queue', starts],
    ] as const
  ).flatMap(([queue, figures]) =>
    figures.map(({ greetingMs, firstAcceptMs, firstDeliveryMs, cpuMs, peakRssBytes, loadAverage }) => [
      queue,
      show(greetingMs, 0),
      show(firstAcceptMs, 0),
      show(firstDeliveryMs, 0),
      show(cpuMs, 0),
      show(peakRssBytes / 1e6, 0),
      show(loadAverage, 1),
    ]),
  ),
])}
${formatTable([
  ['work', 'queue', 'messages/s', 'CPU ms', 'memory MB'],
  ...rows.flatMap(({ work, empty, long }) =>
    (
      [
        ['empty', empty],
        ['long', long],
      ] as const
    ).map(([queue, rounds]) => {
      const figures = medianOf(rounds)
      return [
        work,
        queue,
        show(figures?.messagesPerSecond, 0),
        show(figures?.cpuMsPerMessage, 2),
        show(figures && figures.peakRssBytes / 1e6, 0),
      ]
    }),
  ),
])}`
}

export function formatTrail({ events, databaseBytes, appendUs, indexUs, searches }: TrailFigures): string {
  return `trail of ${events} events, ${show(databaseBytes / 1e6, 0)} MB; µs for each: ${show(appendUs, 1)} to append, ${show(indexUs, 1)} to index
${formatTable([
  ['found by', 'messages', 'median ms', 'longest ms'],
  ...searches.map(({ what, found, medianMs, longestMs }) => [
    what,
    show(found, 1),
    show(medianMs, 1),
    show(longestMs, 1),
  ]),
])}`
}

export function formatEnvironment(environment: Environment): string {
  const { cpu, cores, memoryBytes, kernel, node, postfix, fileSystem, syncMs, loadAverage } = environment
  return [
    `${cpu}, ${cores} cores, ${Math.round(memoryBytes / 1e9)} GB, Linux ${kernel}; Node ${node}, Postfix ${postfix}`,
    `${fileSystem}; one fsync ${syncMs.toFixed(2)} ms; load average before the run ${loadAverage.toFixed(2)}`,
    '',
  ].join('\n')
}

/** Each figure's median over the rounds. */
export function medianOf(rounds: readonly Figures[] | undefined): Figures | undefined {
  if (!rounds || rounds.length === 0) return undefined
  const pick = (name: keyof Figures): number => median(rounds.map(round => round[name]))
  return {
    messages: pick('messages'),
    messagesPerSecond: pick('messagesPerSecond'),
    cpuMsPerMessage: pick('cpuMsPerMessage'),
    databaseCpuMsPerMessage: pick('databaseCpuMsPerMessage'),
    machineBusyPercent: pick('machineBusyPercent'),
    pssBytes: pick('pssBytes'),
    peakRssBytes: pick('peakRssBytes'),
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

function show(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? '-' : value.toFixed(digits)
}

function showRatio(value: number | undefined, base: number | undefined): string {
  return value === undefined || base === undefined || base === 0 ? '-' : `${(value / base).toFixed(2)}×`
}
