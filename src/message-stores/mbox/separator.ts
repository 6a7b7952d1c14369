// The line that begins a message in an mbox file (RFC 4155): 'From anna@example.test Thu Jan  1 00:00:00 2026'.

export interface Separator {
  /** undefined: it does not say. */
  readonly receivedAt: number | undefined
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const month = `(${months.join('|')})`
const zone = String.raw`(?: ([A-Z]{1,5}|[+-]\d{4}))?`
const time = String.raw`(\d{1,2}):(\d{2})(?::(\d{2}))?`
/** As ctime writes it, with a zone before or behind the year where there is one. */
const ofCtime = new RegExp(String.raw` ${month} (\d{1,2}) ${time}${zone} (\d{4})${zone}`)
/** As a Date field has it. */
const ofField = new RegExp(String.raw` (\d{1,2}) ${month} (\d{4}) ${time}${zone}`)
const longest = 300

/** undefined: a line of text that begins like one. */
export function parseSeparator(line: string): Separator | undefined {
  if (!line.startsWith('From ')) return undefined
  const text = line
    .slice(0, longest)
    .trimEnd()
    .replaceAll(/[ \t]+/g, ' ')
  // Thunderbird writes no more than that.
  if (text === 'From' || text === 'From -') return { receivedAt: undefined }
  const ctime = ofCtime.exec(text)
  if (ctime) {
    const [, named, day, hour, minute, second, before, year, behind] = ctime
    return { receivedAt: timeOf({ year, month: named, day, hour, minute, second, zone: behind ?? before }) }
  }
  const field = ofField.exec(text)
  if (!field) return undefined
  const [, day, named, year, hour, minute, second, zoned] = field
  return { receivedAt: timeOf({ year, month: named, day, hour, minute, second, zone: zoned }) }
}

interface Parts {
  readonly year: string | undefined
  readonly month: string | undefined
  readonly day: string | undefined
  readonly hour: string | undefined
  readonly minute: string | undefined
  readonly second: string | undefined
  readonly zone: string | undefined
}

/** RFC 4155: UTC, where it says nothing else. */
function timeOf(parts: Parts): number {
  const { year, month: named = '', day, hour, minute, second = '0', zone: zoned = '' } = parts
  const at = Date.UTC(
    Number(year),
    months.indexOf(named),
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  )
  const [, sign, hours, minutes] = /^([+-])(\d{2})(\d{2})$/.exec(zoned) ?? []
  if (sign === undefined) return at
  return at - Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes)) * 60_000
}

/** `sender`: an address, or 'MAILER-DAEMON' where there is none. Without the line end. */
export function formatSeparator(sender: string, receivedAt: number): string {
  const at = new Date(receivedAt)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${days[at.getUTCDay()]} ${months[at.getUTCMonth()]} ${String(at.getUTCDate()).padStart(2)}`
  const clock = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`
  return `From ${sender} ${day} ${clock} ${at.getUTCFullYear()}`
}
