// A script as its grammar has it (RFC 5228 §8.2): commands and tests with arguments, whatever their names.

export interface StringNode {
  readonly value: string
  readonly at: number
}

export type ArgumentNode =
  | { readonly kind: 'tag'; readonly name: string; readonly at: number }
  | { readonly kind: 'number'; readonly value: number; readonly at: number }
  | {
      readonly kind: 'strings'
      readonly strings: readonly StringNode[]
      /** It stands in brackets, were it one alone. */
      readonly isList: boolean
      readonly at: number
    }

export interface TestNode {
  readonly name: string
  readonly at: number
  readonly arguments: readonly ArgumentNode[]
  readonly tests: readonly TestNode[]
  /** In parentheses, were it one alone. */
  readonly isTestList: boolean
}

export interface CommandNode extends TestNode {
  /** undefined: it ends with a semicolon. */
  readonly block: readonly CommandNode[] | undefined
}
