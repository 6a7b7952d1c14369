// What a client is told of a command that could not be read.
import type { GrammarProblem } from '../grammar/problem.ts'
import { answers } from '../responses/answers.ts'
import type { StatusResponse } from '../responses/status-response.ts'

export function answerProblem({ kind, text }: GrammarProblem): StatusResponse {
  switch (kind) {
    case 'syntax':
    case 'too-complex':
      return answers.syntax(text)
    case 'mailbox-name':
      return answers.badName(text)
    case 'charset':
      return answers.badCharset(text)
    default:
      return kind satisfies never
  }
}
