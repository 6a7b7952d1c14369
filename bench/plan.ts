// Which rows a run has.
import type { DestinationsPlan } from './destinations.ts'
import type { LongQueuePlan } from './long-queue.ts'
import type { Row, Work } from './round.ts'

export const sections = [
  'accept',
  'relay',
  'destinations',
  'idle',
  'memory',
  'start-up',
  'long-queue',
  'cluster',
  'trail',
] as const
export type Section = (typeof sections)[number]

/** Minutes each: not in a quick run, unless it is asked for them. */
const long: readonly Section[] = ['destinations', 'long-queue']

export interface Plan {
  readonly sections: readonly Section[]
  readonly rows: readonly Row[]
  /** Rounds of each subject in each row, in turns: A B A B. */
  readonly rounds: number
  /** How long the load of one round should last; the count of messages follows from it. */
  readonly secondsPerRound: number
  readonly idle: { readonly sessions: number; readonly postfixSessions: number; readonly seconds: number }
  readonly deferredMessages: number
  readonly destinations: DestinationsPlan
  readonly longQueue: LongQueuePlan
  /** In the trail that is searched. */
  readonly trailEvents: number
}

/** Postfix, SQLite, and one, two and three servers over PostgreSQL. */
export const clusterRows: readonly Row[] = (['per-message', 'kept'] as const).map(connections => ({
  work: 'accept',
  messageBytes: 2000,
  sessions: 100,
  connections,
}))

const destinations: Omit<DestinationsPlan, 'rounds'> = {
  healthy: 900,
  dead: 50,
  slow: 50,
  messagesForEach: 20,
}

export function composePlan(options: {
  readonly quick: boolean
  readonly only?: readonly Section[] | undefined
}): Plan {
  const wanted = options.only ?? sections.filter(section => !options.quick || !long.includes(section))
  const works: Work[] = (['accept', 'relay'] as const).filter(work => wanted.includes(work))
  const sizes = options.quick ? [2_000] : [2_000, 10_000, 200_000]
  const sessionCounts = options.quick ? [100] : [1, 20, 100, 500]
  const rows = works.flatMap(work =>
    sizes.flatMap(messageBytes =>
      sessionCounts.flatMap(sessions =>
        (['per-message', 'kept'] as const).map(connections => ({
          work,
          messageBytes,
          sessions,
          connections,
        })),
      ),
    ),
  )
  return options.quick
    ? {
        sections: wanted,
        rows,
        rounds: 3,
        secondsPerRound: 3,
        idle: { sessions: 10_000, postfixSessions: 500, seconds: 10 },
        deferredMessages: 100_000,
        destinations: { ...destinations, rounds: 3 },
        longQueue: { deferred: 1_000_000, rounds: 3, secondsPerRound: 1.5 },
        trailEvents: 1_000_000,
      }
    : {
        sections: wanted,
        rows,
        rounds: 2,
        secondsPerRound: 1.2,
        idle: { sessions: 10_000, postfixSessions: 1_000, seconds: 20 },
        deferredMessages: 100_000,
        destinations: { ...destinations, rounds: 3 },
        longQueue: { deferred: 1_000_000, rounds: 3, secondsPerRound: 1.5 },
        trailEvents: 1_000_000,
      }
}
