// The size of a quota as it is written: '5 GB'. As IMAP counts (RFC 9208 §5.1), in powers of 1024.

const units = { MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 } as const

export const noLimitWord = 'none'

/** In bytes; 'none' is 0, which is no limit. undefined: it is none. */
export function parseSize(text: string): number | undefined {
  if (text === noLimitWord) return 0
  const [, digits = '', unit = ''] = /^([0-9]{1,6}) ?(MB|GB|TB)$/i.exec(text) ?? []
  const factor = Object.entries(units).find(([name]) => name === unit.toUpperCase())?.[1]
  return factor === undefined || Number(digits) === 0 ? undefined : Number(digits) * factor
}

/** Of what `parseSize` has given, which reads it back. */
export function formatExactSize(bytes: number): string {
  if (bytes === 0) return noLimitWord
  const unit = Object.entries(units).findLast(([, factor]) => bytes % factor === 0)
  return unit ? `${bytes / unit[1]} ${unit[0]}` : `${Math.ceil(bytes / units.MB)} MB`
}
