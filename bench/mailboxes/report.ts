// The figures side by side, with the goal that each row has.
import { formatTable } from '../report.ts'
import type { Figures, Plan, RowName } from './measure.ts'

interface Row {
  readonly name: RowName
  readonly unit: 'messages/s' | 'ms' | 'bytes'
  /** Of Postrider's figure and Dovecot's. */
  readonly goal: string
  readonly isMet: (ours: number, theirs: number) => boolean
}

const twice = { goal: 'twice the rate', isMet: (ours: number, theirs: number) => ours >= 2 * theirs }
const halfTheTime = { goal: 'half the time', isMet: (ours: number, theirs: number) => ours <= theirs / 2 }
const noSlower = { goal: 'no slower', isMet: (ours: number, theirs: number) => ours <= theirs }
const near = { goal: 'within 1.5 times', isMet: (ours: number, theirs: number) => ours <= 1.5 * theirs }

const rows: readonly Row[] = [
  { name: 'deliver, 8 sessions', unit: 'messages/s', ...twice },
  { name: 'append, 1 session', unit: 'messages/s', ...twice },
  { name: 'append, 8 sessions', unit: 'messages/s', ...twice },
  { name: 'select', unit: 'ms', ...noSlower },
  { name: 'fetch flags', unit: 'ms', ...near },
  { name: 'fetch envelope', unit: 'ms', ...near },
  { name: 'fetch body', unit: 'ms', ...near },
  { name: 'search text, rare word', unit: 'ms', ...halfTheTime },
  { name: 'search text, no such word', unit: 'ms', ...halfTheTime },
  { name: 'qresync', unit: 'ms', ...noSlower },
  { name: 'memory per idle session', unit: 'bytes', goal: 'under 40 KB', isMet: ours => ours < 40_000 },
  { name: 'delivery to EXISTS', unit: 'ms', goal: '', isMet: () => true },
]

interface JudgedRow extends Row {
  readonly ours: number | undefined
  readonly theirs: number | undefined
  /** undefined: one of the two was not measured. */
  readonly met: boolean | undefined
}

export function judgeMailboxes(measured: readonly Figures[]): readonly JudgedRow[] {
  const of = (server: Figures['server'], name: RowName): number | undefined =>
    measured.find(figures => figures.server === server)?.rows.get(name)
  return rows.map(row => {
    const [theirs, ours] = [of('Dovecot', row.name), of('Postrider', row.name)]
    const met = theirs === undefined || ours === undefined ? undefined : row.isMet(ours, theirs)
    return { ...row, ours, theirs, met }
  })
}

export function formatMailboxes(judged: readonly JudgedRow[], { messages, fetched, idle }: Plan): string {
  const lines = judged.map(({ name, unit, goal, ours, theirs, met }) => {
    const ratio = theirs === undefined || ours === undefined ? undefined : ours / theirs
    const verdict = goal === '' || met === undefined ? '' : met ? 'met' : 'not met'
    return [name, unit, show(theirs), show(ours), ratio?.toFixed(2) ?? '', goal, verdict]
  })
  return [
    `${messages} messages in the large mailbox, ${fetched} appended and fetched, ${idle} sessions in IDLE (Dovecot: a tenth)`,
    formatTable([['', 'unit', 'Dovecot', 'Postrider', 'ratio', 'goal', ''], ...lines]),
  ].join('\n')
}

function show(value: number | undefined): string {
  if (value === undefined) return ''
  return value >= 100 ? value.toFixed(0) : value.toFixed(2)
}
