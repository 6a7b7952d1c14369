// :regex (draft-ietf-sieve-regex): extended regular expressions of POSIX, matched in linear time whatever the text is.
import { RE2JS } from 're2js'

/** Longer ones are no rules that somebody has written. */
const maxPatternLength = 1000

export type Pattern = RE2JS

/** Or what is wrong with it. */
export function parsePattern(written: string, ignoresCase: boolean): Pattern | string {
  if (written.length > maxPatternLength)
    return `A regular expression has at most ${maxPatternLength} characters.`
  // POSIX: the longest of the leftmost, and a dot is any character.
  const flags = RE2JS.LONGEST_MATCH + RE2JS.DOTALL + (ignoresCase ? RE2JS.CASE_INSENSITIVE : 0)
  try {
    return RE2JS.compile(written, flags)
  } catch (error) {
    const why = error instanceof Error ? error.message : 'it cannot be read'
    // Its flags stand before the pattern.
    return `This is no regular expression: ${why.replace(/`(?:\(\?[a-z]+\))+/, '`')}.`
  }
}

/** The whole that was found, and its groups; '' for a group that took no part. */
export function matchPattern(pattern: Pattern, text: string): readonly string[] | undefined {
  const matcher = pattern.matcher(text)
  if (!matcher.find()) return undefined
  return Array.from({ length: matcher.groupCount() + 1 }, (_, index) => matcher.group(index) ?? '')
}
