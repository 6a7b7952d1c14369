// What came to many recipients of one message in the same way, at the same time, is told of the first of them, with the names
// of the others.
import type { TrailRecord } from '../trail/events.ts'
import { describeEvent } from './format-trail.ts'
import { formatTime } from './quantities.ts'

export interface JoinedRecords {
  /** Without those that another one stands for. */
  readonly records: readonly TrailRecord[]
  /** For whom else a record stands. */
  readonly others: ReadonlyMap<TrailRecord, readonly string[]>
}

/** Of fewer each is told. */
const fewest = 4

/**
 * In the order of `records`. Any step that is no attempt for a recipient parts what is before it from what comes after.
 * `asked`: who is asked about, and told alone.
 */
export function joinRecipients(records: readonly TrailRecord[], asked?: string): JoinedRecords {
  const kept: TrailRecord[] = []
  const others = new Map<TrailRecord, readonly string[]>()
  let run: { readonly record: TrailRecord; readonly recipient: string }[] = []
  const endRun = (): void => {
    const alike = Map.groupBy(run, ({ record, recipient }) =>
      recipient === asked ? recipient : likenessOf(record, recipient),
    )
    const dropped = new Set<TrailRecord>()
    for (const [first, ...rest] of alike.values()) {
      if (!first || rest.length + 1 < fewest) continue
      others.set(
        first.record,
        rest.map(({ recipient }) => recipient),
      )
      for (const { record } of rest) dropped.add(record)
    }
    kept.push(...run.flatMap(({ record }) => (dropped.has(record) ? [] : [record])))
    run = []
  }
  for (const record of records) {
    const { event } = record
    if (event.kind === 'attempted' || event.kind === 'postponed') {
      run.push({ record, recipient: event.recipient })
      continue
    }
    endRun()
    kept.push(record)
  }
  endRun()
  return { records: kept, others }
}

/** The same for records that say the same but for the recipient, whom servers name in their replies too. */
function likenessOf({ at, event }: TrailRecord, recipient: string): string {
  const { text, notes = [] } = describeEvent(event)
  return [formatTime(at), text, ...notes].join('\n').replaceAll(recipient, '')
}
