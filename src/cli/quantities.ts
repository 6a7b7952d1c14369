// Ages, times and numbers as people read them.

const minute = 60
const hour = 60 * minute
const day = 24 * hour

/** '12 s', '5 min', '3 h 20 min', '2 d 4 h' */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < minute) return `${seconds} s`
  if (seconds < hour) return `${Math.floor(seconds / minute)} min`
  if (seconds < day)
    return twoUnits(Math.floor(seconds / hour), 'h', Math.floor((seconds % hour) / minute), 'min')
  return twoUnits(Math.floor(seconds / day), 'd', Math.floor((seconds % day) / hour), 'h')
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`
}

/** Local time, as logs write it: '2026-01-31 14:05:09'. */
export function formatTime(ms: number): string {
  const date = new Date(ms)
  const two = (value: number): string => String(value).padStart(2, '0')
  const days = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${days} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** 'now', 'in 5 min', '3 h ago' */
export function formatRelative(at: number, now: number): string {
  if (Math.abs(at - now) < 1000) return 'now'
  return at > now ? `in ${formatDuration(at - now)}` : `${formatDuration(now - at)} ago`
}

/** '1 message', '3 messages', '0 aliases' */
export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
