// A script that has been read and found right, or what is wrong with it.
import type { CommandCall, ScriptNeed } from './language/definitions.ts'
import type { SieveProblem } from './problem.ts'

export interface SieveScript {
  readonly commands: readonly CommandCall[]
  /** Of `require`. */
  readonly extensions: ReadonlySet<string>
  /** What `ihave` may find beside them (RFC 5463). */
  readonly conditional: ReadonlySet<string>
  /** What it will ask for when it runs. */
  readonly needs: readonly ScriptNeed[]
}

export type ParsedScript =
  | { readonly script: SieveScript; readonly problems?: undefined }
  | { readonly script?: undefined; readonly problems: readonly SieveProblem[] }
