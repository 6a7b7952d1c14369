// A dead host is tried for days: of steps of a trail that are alike, one after the other, the first and the last are told, and
// how many lie between.
import type { TrailEvent, TrailRecord } from '../trail/events.ts'

/** Steps like the one before that are left out. */
export interface More {
  readonly count: number
  readonly since: number
  readonly until: number
}

/** Of fewer each is told. */
const fewest = 4

/** In the order of `records`. What happens between two steps that are alike ends a run, but for such steps of other recipients. */
export function collapseRuns(records: readonly TrailRecord[]): readonly (TrailRecord | More)[] {
  const steps: (TrailRecord | More)[] = []
  let run: { readonly record: TrailRecord; readonly likeness: string }[] = []
  for (const record of records) {
    const likeness = likenessOf(record.event)
    if (likeness !== undefined) run.push({ record, likeness })
    else {
      steps.push(...collapse(run), record)
      run = []
    }
  }
  return [...steps, ...collapse(run)]
}

function collapse(
  run: readonly { readonly record: TrailRecord; readonly likeness: string }[],
): (TrailRecord | More)[] {
  const alike = Map.groupBy(run, ({ likeness }) => likeness)
  return run.flatMap(one => {
    const { record, likeness } = one
    const all = alike.get(likeness) ?? []
    const [first, second] = all
    const last = all.at(-1)
    if (all.length < fewest || one === first) return [record]
    if (one !== last || !second) return []
    const until = all.at(-2)?.record.at ?? record.at
    return [{ count: all.length - 2, since: second.record.at, until }, record]
  })
}

/** The same for steps that say the same; undefined: it stands for itself. */
function likenessOf(event: TrailEvent): string | undefined {
  if (event.kind === 'postponed') return `${event.kind} ${event.recipient} ${event.diagnosis.cause}`
  if (event.kind !== 'attempted' || event.outcome.kind !== 'deferred') return undefined
  const { cause, reply, remoteMta } = event.outcome.diagnosis
  return [event.kind, event.recipient, cause, reply?.code, reply?.enhanced, reply && remoteMta].join(' ')
}
