// What came to many recipients of one message in the same way, at the same time, is told of the first of them, with the names
// of the others.
import type { TrailEvent, TrailRecord } from '../trail/events.ts'
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
 * In the order of `records`. A step of another kind, or of none of the recipients, parts what is before it from what comes after.
 * `asked`: who is asked about, and told alone.
 */
export function joinRecipients(records: readonly TrailRecord[], asked?: string): JoinedRecords {
  const kept: TrailRecord[] = []
  const others = new Map<TrailRecord, readonly string[]>()
  let run: { readonly record: TrailRecord; readonly recipient: string }[] = []
  let kindOfRun = ''
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
    const one = ofRecipient(record.event)
    if (!one || one.kind !== kindOfRun) endRun()
    kindOfRun = one?.kind ?? ''
    if (one) run.push({ record, recipient: one.recipient })
    else kept.push(record)
  }
  endRun()
  return { records: kept, others }
}

/** Of what comes to each recipient by himself: to whom, and what can stand between two of its kind. */
function ofRecipient(event: TrailEvent): { readonly kind: string; readonly recipient: string } | undefined {
  switch (event.kind) {
    case 'attempted':
    case 'postponed':
      return { kind: 'attempt', recipient: event.recipient }
    case 'account-held':
    case 'set-aside':
    case 'kept':
      return { kind: event.kind, recipient: event.recipient }
    case 'administered':
      return event.recipient === undefined ? undefined : { kind: event.action, recipient: event.recipient }
    default:
      return undefined
  }
}

/** The same for records that say the same but for the recipient, whom servers name in their replies too. */
function likenessOf({ at, event }: TrailRecord, recipient: string): string {
  const { text, notes = [] } = describeEvent(event)
  return [formatTime(at), text, ...notes].join('\n').replaceAll(recipient, '')
}
