// What is the same of several recipients is said once: in what they differ is put in.
import { formatCount } from './quantities.ts'

/** What is said of one recipient: 'To <name>: <text>'. */
export interface Saying {
  readonly name: string
  /** Behind the name and its colon. */
  readonly body: string
  /** Parts of `body` that may differ where the rest is the same: what the other server said, and a time. */
  readonly detail?: string | undefined
  readonly time?: { readonly at: number; readonly text: string } | undefined
}

/** More names, or details, than this are counted. */
const maxNamed = 5

/** Of a group: sentences. */
export function tellGroup(group: readonly Saying[]): string {
  const [first] = group
  if (!first) return ''
  return `To ${listNames(group.map(({ name }) => name))}: ${patternOf(first)
    .replace(detailMark, () => tellDetails(group))
    .replace(timeMark, () => tellTimes(group))}`
}

export function listNames(names: readonly string[]): string {
  if (names.length <= maxNamed) {
    const last = names.at(-1) ?? ''
    return names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${last}` : last
  }
  return `${names.slice(0, maxNamed).join(', ')} and ${names.length - maxNamed} more`
}

// Nothing that is said has control characters.
const detailMark = '\u0001'
const timeMark = '\u0002'

/** The same for those of whom the same is to be said. */
export function patternOf({ body, detail = '', time }: Saying): string {
  const withoutDetail = detail === '' ? body : body.replace(detail, detailMark)
  return time ? withoutDetail.replace(time.text, timeMark) : withoutDetail
}

function tellDetails(group: readonly Saying[]): string {
  // Servers say the address of the recipient again.
  const byDetail = Map.groupBy(group, ({ detail = '', name }) => detail.replaceAll(name, ''))
  const told = [...byDetail.values()]
  const [first] = group
  if (told.length === 1) return first?.detail ?? ''
  const more =
    told.length > maxNamed ? [`${formatCount(told.length - maxNamed, 'more answer')} of this kind`] : []
  const answers = told
    .slice(0, maxNamed)
    .map(alike => `${listNames(alike.map(({ name }) => name))}: ${alike[0]?.detail ?? ''}`)
  return [...answers, ...more].join('; ')
}

function tellTimes(group: readonly Saying[]): string {
  const times = group.flatMap(({ time }) => time ?? [])
  const first = times.toSorted((a, b) => a.at - b.at)[0]?.text ?? ''
  return times.every(({ text }) => text === first) ? first : `${first} for the first of them`
}
