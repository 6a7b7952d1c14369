// How far something has come: '[#######       ] 1200 of 5000'.

const width = 20

/** `of`: undefined where nobody knows. */
export function formatBar(done: number, of: number | undefined): string {
  if (of === undefined || of === 0) return String(done)
  const full = Math.min(width, Math.floor((done / of) * width))
  return `[${'#'.repeat(full)}${' '.repeat(width - full)}] ${done} of ${of}`
}
