// The clock of this machine, against that of others: a time server (SNTP, RFC 4330), or what mail servers say in their greeting.
import { allWell, found, notChecked, type Verdict, warning } from '../finding.ts'

export interface ClockView {
  /** Others' time less ours, and who says so. */
  readonly offsets: readonly ClockOffset[]
  /** Why a time server that was named did not tell. */
  readonly failures: readonly string[]
}

export interface ClockOffset {
  readonly source: string
  readonly offsetMs: number
}

const date = /[A-Z][a-z]{2}, +\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}/

/** '220 mx.example.org ESMTP Exim 4.98 Fri, 27 Nov 2026 10:56:19 +0000' */
export function readGreetingTime(host: string, greeting: string, at: number): ClockOffset | undefined {
  const [text] = date.exec(greeting) ?? []
  const time = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(time) ? undefined : { source: host, offsetMs: time - at }
}

/** A greeting has whole seconds, and may be under way for some. */
const tolerableMs = 60_000

export function judgeClock({ offsets, failures }: ClockView): Verdict {
  if (offsets.length === 0)
    return notChecked(
      failures.length > 0
        ? `no time server told its time: ${failures.join('; ')}`
        : 'none of the servers that were asked tells its time; name a time server: --time-server',
    )
  // One peer may be wrong itself.
  const wrong = offsets.filter(({ offsetMs }) => Math.abs(offsetMs) > tolerableMs)
  if (wrong.length * 2 <= offsets.length) return allWell
  const [{ source, offsetMs } = { source: '', offsetMs: 0 }] = wrong
  const seconds = Math.round(Math.abs(offsetMs) / 1000)
  return found(
    warning(
      'clock-wrong',
      `The clock of this machine is ${seconds} seconds ${offsetMs > 0 ? 'behind' : 'ahead'}, as ${source} sees it.`,
      'Signatures (DKIM) and certificates seem to be of the future or over, dates of messages are wrong, and log-ins with one-time codes fail.',
      'Have it set by the network: timedatectl set-ntp true',
    ),
  )
}
