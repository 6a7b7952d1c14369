// What a command or a test of the language is: its arguments, the extension that brings it, and what it does.
// And what a script becomes once it has been held against these definitions: calls.
import type { Position } from '../problem.ts'
import type { Run } from '../run.ts'
import type { Template } from './template.ts'

export type ArgumentKind = 'string' | 'string-list' | 'number'

export interface TagDefinition {
  /** What has to follow the tag. */
  readonly value?: ArgumentKind
  /** Of tags with the same group only one may stand: :is, :contains. */
  readonly group?: string
  /** The extension that brings the tag, where it is another than that of the command. */
  readonly extension?: string
  /** Another tag, without which this one means nothing. */
  readonly needs?: string
}

export interface ParameterDefinition {
  /** For whoever has forgotten it: 'the name of a mailbox'. */
  readonly name: string
  readonly kind: ArgumentKind
  readonly isOptional?: boolean
}

export interface CallDefinition {
  readonly name: string
  /** Undefined: the base language. Several: any of them brings it. */
  readonly extensions?: readonly string[]
  /** All have to be required at once (`global`: include and variables). */
  readonly needsAll?: boolean
  readonly tags?: Readonly<Record<string, TagDefinition>>
  readonly parameters?: readonly ParameterDefinition[]
  /** How many tests it has; 'none' without. */
  readonly tests?: 'none' | 'one' | 'list'
  /** What else has to be right, and can be seen without a message. */
  check?(call: Call, checker: CallChecker): void
}

/** How a script goes on behind a command. */
export type Flow = 'next' | 'stop' | 'return'

export interface CommandDefinition extends CallDefinition {
  readonly block?: 'none' | 'required'
  /** Only behind one of these may it stand: `else` behind `if`, `elsif`. */
  readonly follows?: readonly string[]
  run(call: CommandCall, run: Run): Flow | Promise<Flow>
}

export interface TestDefinition extends CallDefinition {
  evaluate(call: TestCall, run: Run): boolean | Promise<boolean>
}

export type Argument = Position &
  (
    | { readonly kind: 'number'; readonly value: number; readonly offset: number }
    | { readonly kind: 'strings'; readonly values: readonly Template[]; readonly offset: number }
  )

export interface Call extends Position {
  readonly offset: number
  readonly name: string
  /** By name without colon; `true`: it has no value. */
  readonly tags: ReadonlyMap<string, Argument | true>
  /** In the order of the definition's parameters; undefined: an optional one that is not there. */
  readonly arguments: readonly (Argument | undefined)[]
  readonly tests: readonly TestCall[]
  /** The extension has to have been found by `ihave` before: RFC 5463 §4. */
  readonly needsAtRunTime: string | undefined
}

export interface TestCall extends Call {
  readonly definition: TestDefinition
}

export interface CommandCall extends Call {
  readonly definition: CommandDefinition
  readonly block: readonly CommandCall[]
}

/** What a definition may ask, and say, about a call while the script is checked. */
export interface CallChecker {
  isRequired(extension: string): boolean
  /** `where`: an argument, a string in it, or the call itself. */
  problem(where: { readonly offset: number }, text: string): void
  /** For the caller of the script: what it will ask for. */
  note(need: ScriptNeed): void
  /** RFC 6609 §3.4.1: of the script that is checked. */
  readonly variables: { readonly set: Set<string>; readonly global: Set<string> }
}

export type ScriptNeed =
  | { readonly kind: 'body' }
  | { readonly kind: 'include'; readonly location: IncludeLocation; readonly name: string }

export type IncludeLocation = 'personal' | 'global'

/** Everything that scripts may be written with. */
export interface Vocabulary {
  readonly commands: ReadonlyMap<string, CommandDefinition>
  readonly tests: ReadonlyMap<string, TestDefinition>
  /** What `require` takes: 'fileinto', 'comparator-i;octet'. */
  readonly extensions: ReadonlySet<string>
  /** RFC 5229 §3: 'global.' by the extension that brings it. */
  readonly namespaces: ReadonlyMap<string, string>
}
