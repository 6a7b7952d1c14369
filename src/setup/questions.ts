// Questions on a terminal, each asked again until the answer will do.
import { createInterface } from 'node:readline/promises'
import type { Readable, Writable } from 'node:stream'
import { UsageFault } from '../runtime/fault.ts'

export interface Question {
  readonly text: string
  /** What an empty answer stands for; undefined: an answer is needed. */
  readonly suggestion?: string | undefined
  /** What is wrong with an answer, and what to write instead. */
  readonly problemOf: (answer: string) => string | undefined
}

export interface Questions {
  ask(question: Question): Promise<string>
  close(): void
}

export function openQuestions(input: Readable, output: Writable): Questions {
  const terminal = createInterface({ input, output })
  // At the end of the input (Ctrl-D) a question would wait for ever.
  const ended = new Promise<never>((_, reject) => {
    terminal.once('close', () =>
      reject(new UsageFault('INIT_INTERRUPTED', 'Interrupted. Nothing was written.')),
    )
  })
  ended.catch(() => {})
  return {
    async ask({ text, suggestion, problemOf }) {
      const prompt = suggestion === undefined ? `${text}: ` : `${text} [${suggestion}]: `
      for (;;) {
        const typed = (await Promise.race([terminal.question(prompt), ended])).trim()
        const answer = typed === '' ? (suggestion ?? '') : typed
        const problem = problemOf(answer)
        if (problem === undefined) return answer
        output.write(`  ${problem}\n`)
      }
    },
    close: () => terminal.close(),
  }
}
