// THREAD (RFC 5256 §4): '(2)(3 6 (4 23)(44 7 96))'.

export interface Thread {
  /** undefined: a message that is not there holds its answers together. */
  readonly number: number | undefined
  readonly answers: readonly Thread[]
}

type Word = { readonly text: string } | { readonly thread: Thread }

/** Of one piece. */
const maxWords = 5000

/** In pieces, with a stack of its own: thousands of answers to one another are nothing unusual, and must not be too deep. */
export function* formatThreads(threads: readonly Thread[]): Generator<string> {
  let written = [threads.length > 0 ? '* THREAD ' : '* THREAD']
  const waiting: Word[] = threads.map(thread => ({ thread })).toReversed()
  while (waiting.length > 0) {
    const word = waiting.pop()
    if (!word) break
    if ('thread' in word) {
      waiting.push({ text: ')' })
      for (const part of branch(word.thread)) waiting.push(part)
      continue
    }
    written.push(word.text)
    if (written.length < maxWords) continue
    yield written.join('')
    written = []
  }
  yield `${written.join('')}\r\n`
}

/** What is written of it, last first: messages with one answer stand in a row, several answers in parentheses each. */
function branch(thread: Thread): Word[] {
  const row: number[] = []
  let current = thread
  for (;;) {
    if (current.number !== undefined) row.push(current.number)
    const [only, ...others] = current.answers
    if (!only || others.length > 0) break
    current = only
  }
  const gap = row.length > 0 && current.answers.length > 0 ? ' ' : ''
  const answers: Word[] = current.answers.map(answer => ({ thread: answer })).toReversed()
  return [...answers, { text: `(${row.join(' ')}${gap}` }]
}
