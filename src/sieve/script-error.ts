// A mistake that shows only when a script runs.
import type { Position } from './problem.ts'

/** Ends the run: the message is kept, and the owner told. The text says what to do. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError'
  readonly at: Position

  constructor({ line, column }: Position, text: string) {
    super(text)
    this.at = { line, column }
  }
}
