// The lines of a header section as bytes: for what is asked of every message that comes in, so that no field is parsed for it.

const lf = 0x0a
const caseBit = 0x20

/** Behind its line feed, or the end of the section. */
export function endOfLine(section: Uint8Array, start: number): number {
  const newline = section.indexOf(lf, start)
  return newline < 0 ? section.length : newline + 1
}

/** The beginning of what stands between, for fields whose values are short. */
export function shortValue(section: Uint8Array, start: number, end: number): string {
  return Buffer.from(section.subarray(start, Math.min(end, start + 100)))
    .toString('latin1')
    .trim()
}

/** `name`: in small letters, with its colon: 'message-id:'. */
export function startsWithName(section: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let index = 0; index < name.length; index++) {
    // oxlint-disable-next-line no-bitwise -- letter case is one bit; ':' and '-' have it set
    if (((section[start + index] ?? 0) | caseBit) !== name[index]) return false
  }
  return true
}
