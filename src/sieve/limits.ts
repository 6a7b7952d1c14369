// How much a script may be, and how much it may do: a script is written by an account, and run for whatever mail comes.

export interface SieveLimits {
  readonly maxScriptBytes: number
  /** Words, strings and signs of a script. */
  readonly maxTokens: number
  /** Blocks and tests in one another. */
  readonly maxNesting: number
  /** What is wrong with a script, told at most so often. */
  readonly maxProblems: number
  /** Of one run, with the scripts that it includes: a command, a test, or some characters that are compared; about 1 µs each. */
  readonly maxSteps: number
  /** After so many steps others have their turn: some milliseconds. */
  readonly stepsPerTurn: number
  /** RFC 5229 §6: a longer value is cut. */
  readonly maxVariableLength: number
  /** Of one script. */
  readonly maxVariables: number
  /** Variables, and what strings make of them: characters of one run. */
  readonly maxExpandedLength: number
  /** Keep, fileinto, redirect, notify … of one run. */
  readonly maxActions: number
  readonly maxRedirects: number
  readonly maxNotifications: number
  /** RFC 6609: scripts in one another, and in one run. */
  readonly maxIncludeDepth: number
  readonly maxIncludes: number
  /** What `body` looks at; what is longer is not looked at to its end. */
  readonly maxBodyBytes: number
  /** Of a header section that a script edits. */
  readonly maxHeaderBytes: number
  /** RFC 5230 §4.1, RFC 6131 §2 */
  readonly minVacationSeconds: number
  readonly maxVacationSeconds: number
  /** RFC 7352 §3.3 */
  readonly maxDuplicateSeconds: number
}

const day = 86_400

export const defaultLimits: SieveLimits = {
  maxScriptBytes: 256 * 1024,
  maxTokens: 100_000,
  maxNesting: 32,
  maxProblems: 20,
  maxSteps: 500_000,
  stepsPerTurn: 4000,
  maxVariableLength: 8192,
  maxVariables: 256,
  maxExpandedLength: 4 * 1024 * 1024,
  maxActions: 32,
  maxRedirects: 4,
  maxNotifications: 4,
  maxIncludeDepth: 10,
  maxIncludes: 64,
  maxBodyBytes: 2 * 1024 * 1024,
  maxHeaderBytes: 256 * 1024,
  minVacationSeconds: 600,
  maxVacationSeconds: 60 * day,
  maxDuplicateSeconds: 90 * day,
}
