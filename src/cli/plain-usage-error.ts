// What commander says of a wrong value, in plain words: which value, which argument or option, and what it has to be.

const rewritings: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:error: )?command-argument value '(.*)' is invalid for argument '([^']*)'\. /s,
    '"$1" will not do for <$2>. ',
  ],
  [
    /^(?:error: )?option '(?:-\w, )?(--[a-z-]+)[^']*' argument '(.*)' is invalid\. /s,
    '"$2" will not do for $1. ',
  ],
  [/^(?:error: )?option '(?:-\w, )?((--[a-z-]+)[^']*)' argument missing/, '$2 needs a value: $1'],
]

export function plainUsageError(text: string): string {
  for (const [pattern, plain] of rewritings) if (pattern.test(text)) return text.replace(pattern, plain)
  return text
}
