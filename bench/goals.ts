// What Postrider promises of its speed, held against the figures of a run. Rows with 2 KB messages, and 100 sessions where no other
// number is named.
import type { DestinationsFigures } from './destinations.ts'
import type { IdleFigures } from './idle.ts'
import type { LargeMessageFigures } from './large-message.ts'
import type { LongQueueFigures } from './long-queue.ts'
import { formatTable, median, medianOf, type RowResult } from './report.ts'
import type { Row } from './round.ts'
import type { StartUpFigures } from './start-up.ts'
import type { TrailFigures } from './trail.ts'

export interface Results {
  readonly rows: readonly RowResult[]
  readonly destinations?: DestinationsFigures | undefined
  readonly idle?: Readonly<Record<string, IdleFigures>> | undefined
  readonly largeMessages?: Readonly<Record<string, LargeMessageFigures>> | undefined
  readonly startUp?: readonly StartUpFigures[] | undefined
  readonly longQueue?: LongQueueFigures | undefined
  readonly trail?: TrailFigures | undefined
  readonly cluster?: readonly RowResult[] | undefined
}

export interface Goal {
  readonly goal: string
  /** undefined: this run did not measure it. */
  readonly measured: string | undefined
  readonly met: boolean
}

/** Goals that the run did not measure are left out. */
export function judgeGoals(results: Results): readonly Goal[] {
  return [
    ...rowGoals(results),
    ...destinationGoals(results),
    ...clusterGoals(results),
    ...otherGoals(results),
    ...longQueueGoals(results),
  ].filter(({ measured }) => measured !== undefined)
}

export function formatGoals(goals: readonly Goal[]): string {
  if (goals.length === 0) return ''
  return formatTable([
    ['goal', 'measured', 'met'],
    ...goals.map(({ goal, measured, met }) => [goal, measured ?? '', met ? 'yes' : 'NO']),
  ])
}

function rowGoals({ rows }: Results): Goal[] {
  const figuresOf = (work: Row['work'], connections: Row['connections'], sessions = 100) => {
    const result = rows.find(
      ({ row }) =>
        row.work === work &&
        row.connections === connections &&
        row.messageBytes === 2000 &&
        row.sessions === sessions,
    )
    return {
      baseline: result?.baseline,
      postfix: medianOf(result?.rounds.Postfix),
      postrider: medianOf(result?.rounds.Postrider),
    }
  }
  const perMessage = figuresOf('accept', 'per-message')
  const kept = figuresOf('accept', 'kept')
  const speedRatio = ratio(perMessage.postrider?.messagesPerSecond, perMessage.postfix?.messagesPerSecond)
  const cpuRatio = ratio(perMessage.postfix?.cpuMsPerMessage, perMessage.postrider?.cpuMsPerMessage)
  const keptGoal = kept.baseline === undefined ? 5000 : Math.min(5000, kept.baseline / 2)
  const relayGoals = [20, 100].flatMap(sessions =>
    (['per-message', 'kept'] as const).map(connections => {
      const { postfix, postrider } = figuresOf('relay', connections, sessions)
      const speed = ratio(postrider?.messagesPerSecond, postfix?.messagesPerSecond)
      return atLeast(`relay, ${connections}, ${sessions} sessions: 5 times Postfix's messages/s`, speed, 5)
    }),
  )
  return [
    atLeast("accept, per-message: 3 times Postfix's messages/s", speedRatio, 3),
    atLeast("accept, per-message: a fifth of Postfix's CPU (5 times less)", cpuRatio, 5),
    atLeast(
      `accept, kept: ${keptGoal.toFixed(0)} messages/s (5,000, or half of the way without a server)`,
      kept.postrider?.messagesPerSecond,
      keptGoal,
    ),
    ...relayGoals,
  ]
}

function clusterGoals({ cluster = [] }: Results): Goal[] {
  return cluster.map(({ row, rounds }) => {
    const [postfix, postgres] = ['Postfix', 'PostgreSQL, 1 server'].map(name => medianOf(rounds[name]))
    const speed = ratio(postgres?.messagesPerSecond, postfix?.messagesPerSecond)
    return atLeast(`accept over PostgreSQL, ${row.connections}: 1.5 times Postfix's messages/s`, speed, 1.5)
  })
}

function atLeast(goal: string, value: number | undefined, least: number): Goal {
  return {
    goal,
    measured: value === undefined ? undefined : value.toFixed(2),
    met: value !== undefined && value >= least,
  }
}

function atMost(goal: string, value: number | undefined, most: number): Goal {
  return {
    goal,
    measured: value === undefined ? undefined : value.toFixed(1),
    met: value !== undefined && value <= most,
  }
}

function destinationGoals({ destinations }: Results): Goal[] {
  if (!destinations) return []
  const { plan, alone, mixed } = destinations
  const last = (rounds: typeof alone): number => median(rounds.map(({ lastMs }) => lastMs))
  return [
    atMost(
      `${plan.healthy} healthy destinations beside ${plan.dead} dead and ${plan.slow} slow: slowed by at most 10 %`,
      100 * (last(mixed) / last(alone) - 1),
      10,
    ),
  ]
}

function longQueueGoals({ longQueue }: Results): Goal[] {
  if (!longQueue) return []
  const { deferred, starts, rows } = longQueue
  const name = `${deferred} deferred`
  const medianStart = (pick: (start: (typeof starts)[number]) => number): number => median(starts.map(pick))
  const memory = Math.max(
    ...starts.map(({ peakRssBytes }) => peakRssBytes),
    ...rows.flatMap(({ long }) => long.map(({ peakRssBytes }) => peakRssBytes)),
  )
  return [
    atMost(`${name}: first 250 under 5 s`, medianStart(start => start.firstAcceptMs) / 1000, 5),
    atMost(`${name}: first delivery under 5 s`, medianStart(start => start.firstDeliveryMs) / 1000, 5),
    atMost(`${name}: memory under 400 MB, at work too`, memory / 1e6, 400),
    ...rows.map(({ work, empty, long }) =>
      atLeast(
        `${name}: ${work} at 80 % of an empty queue's messages/s`,
        ratio(medianOf(long)?.messagesPerSecond, medianOf(empty)?.messagesPerSecond),
        0.8,
      ),
    ),
  ]
}

function otherGoals({ idle, largeMessages, startUp, trail }: Results): Goal[] {
  const searchMs = (what: string): number | undefined =>
    trail?.searches.find(search => search.what === what)?.medianMs
  const session = idle?.Postrider
  const sessionKb = session && (session.serverBytes + session.kernelBytes) / 1024
  const longest = startUp?.at(-1)
  return [
    atMost('idle session: at most 16 KB, kernel included', sessionKb, 16),
    // One tick of the kernel's accounting in ten seconds is 0.1 %.
    atMost('idle sessions: no measurable CPU (%)', session?.cpuPercent, 0.1),
    ...Object.entries(largeMessages ?? {}).map(([verb, { growthBytes }]) =>
      atMost(`50 MB by ${verb}: under 100 MB growth`, growthBytes / 1e6, 100),
    ),
    atMost(
      `start with ${longest?.deferredMessages} deferred: first 250 under 2 s`,
      longest && longest.firstAcceptMs / 1000,
      2,
    ),
    atMost(`trail of ${trail?.events} events: by queue id under 50 ms`, searchMs('queue id'), 50),
    atMost(`trail of ${trail?.events} events: by address under 200 ms`, searchMs('address'), 200),
    atMost(
      `trail of ${trail?.events} events: by the address of many messages under 200 ms`,
      searchMs('sender of many messages'),
      200,
    ),
  ]
}

function ratio(value: number | undefined, base: number | undefined): number | undefined {
  return value === undefined || base === undefined || base === 0 ? undefined : value / base
}
