// The names of the files of a Maildir (https://cr.yp.to/proto/maildir.html): '1700000000.M20P30.host,S=512:2,FS'.
import { flags as bits } from '../../mailbox/message-state.ts'

export interface MaildirFileName {
  /** What stays the same when flags change. */
  readonly base: string
  /** As they stand: 'FS'; lower-case letters are keywords. */
  readonly letters: string
}

/** Where a file system takes no colon, programs write ; or ! for it. */
const info = /[:;!]2,([A-Za-z]*)[^/]*$/

/** undefined: it is no message. */
export function parseFileName(name: string): MaildirFileName | undefined {
  if (name === '' || name.startsWith('.')) return undefined
  const found = info.exec(name)
  return { base: found ? name.slice(0, found.index) : name, letters: found?.[1] ?? '' }
}

export function formatFileName({ base, letters }: MaildirFileName): string {
  return `${base}:2,${letters}`
}

const earliest = Date.UTC(1980, 0, 1)
const latest = Date.UTC(2200, 0, 1)

/** When the file was made, in ms since 1970: the number that it begins with. undefined: it begins with none. */
export function timeOfBase(base: string): number | undefined {
  const seconds = /^\d{9,10}(?=\.|_|$)/.exec(base)?.[0]
  const at = seconds === undefined ? Number.NaN : Number(seconds) * 1000
  return at > earliest && at < latest ? at : undefined
}

/** For sorting: as `timeOfBase`, in microseconds where the name has them ('.M20P30'). */
export function orderOfBase(base: string): number {
  const micros = /^\d{9,10}\.M(\d{1,6})(?!\d)/.exec(base)?.[1]
  return (timeOfBase(base) ?? 0) * 1000 + Number(micros ?? 0)
}

const letterOf = { seen: 'S', answered: 'R', flagged: 'F', deleted: 'T', draft: 'D' } as const

const bitOf: ReadonlyMap<string, number> = new Map(
  Object.entries(letterOf).map(([flag, letter]) => [letter, bits[flag as keyof typeof letterOf]]),
)

/** P, passed: resent, forwarded or bounced. */
const passed = { letter: 'P', keyword: '$Forwarded' } as const

/** `names`: of the letters a, b … */
export function readLetters(
  letters: string,
  names: readonly (string | undefined)[],
): { readonly flags: number; readonly keywords: readonly string[] } {
  let flags = 0
  const keywords = new Set<string>()
  for (const letter of letters) {
    flags |= bitOf.get(letter) ?? 0
    const keyword =
      letter === passed.letter ? passed.keyword : names[letter.charCodeAt(0) - 'a'.charCodeAt(0)]
    if (keyword !== undefined) keywords.add(keyword)
  }
  return { flags, keywords: [...keywords] }
}

/** In ASCII order, as the standard wants them. `letterOfKeyword`: undefined for one that has none. */
export function writeLetters(
  flags: number,
  keywords: readonly string[],
  letterOfKeyword: (keyword: string) => string | undefined,
): string {
  const letters = [...bitOf].flatMap(([letter, bit]) => (flags & bit ? [letter] : []))
  for (const keyword of keywords) {
    // Beside a letter of its own: Dovecot takes P for nothing.
    if (keyword.toLowerCase() === passed.keyword.toLowerCase()) letters.push(passed.letter)
    const letter = letterOfKeyword(keyword)
    if (letter !== undefined) letters.push(letter)
  }
  return [...new Set(letters)].sort().join('')
}
