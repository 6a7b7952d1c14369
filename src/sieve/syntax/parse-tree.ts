// The grammar of a script (RFC 5228 §8.2). After a mistake it goes on with the next command, so that several are told at once.
import type { SieveLimits } from '../limits.ts'
import type { Problems } from '../problem.ts'
import type { Sign, Token } from './tokens.ts'
import type { ArgumentNode, CommandNode, StringNode, TestNode } from './tree.ts'

export function parseTree(tokens: readonly Token[], limits: SieveLimits, problems: Problems): CommandNode[] {
  return new TreeParser(tokens, limits, problems).parse()
}

/** Thrown to the command that a mistake stands in, which has been told. */
class Mistake extends Error {}

/** Thrown to the top: what follows cannot be understood. */
class GivenUp extends Error {}

class TreeParser {
  readonly #tokens: readonly Token[]
  readonly #limits: SieveLimits
  readonly #problems: Problems
  #index = 0

  constructor(tokens: readonly Token[], limits: SieveLimits, problems: Problems) {
    this.#tokens = tokens
    this.#limits = limits
    this.#problems = problems
  }

  parse(): CommandNode[] {
    const commands: CommandNode[] = []
    try {
      while (this.#token.kind !== 'end') {
        this.#readCommands(commands, 0)
        if (this.#isSign('}')) {
          this.#problems.add(
            this.#token.start,
            'This } closes no block: take it away, or add the { that it belongs to.',
          )
          this.#index++
        }
      }
    } catch (error) {
      if (!(error instanceof GivenUp)) throw error
    }
    return commands
  }

  /** Up to the end of a block, or of the script. */
  #readCommands(commands: CommandNode[], depth: number): void {
    while (this.#token.kind !== 'end' && !this.#isSign('}')) {
      if (this.#problems.isFull) throw new GivenUp()
      try {
        commands.push(this.#readCommand(depth))
      } catch (error) {
        if (!(error instanceof Mistake)) throw error
        this.#skipCommand()
      }
    }
  }

  #readCommand(depth: number): CommandNode {
    const token = this.#token
    if (token.kind !== 'identifier') {
      const isStray = token.kind === 'sign' && token.sign === ';'
      throw this.#mistake(
        token.start,
        isStray
          ? 'There is a ; too many here.'
          : `A command is expected here (keep, fileinto, if …), not ${describe(token)}.`,
      )
    }
    this.#index++
    const { arguments: given, tests, isTestList } = this.#readArguments(token.name, depth)
    const head = { name: token.name.toLowerCase(), at: token.start, arguments: given, tests, isTestList }
    if (this.#isSign('{')) return { ...head, block: this.#readBlock(depth + 1) }
    if (!this.#isSign(';')) throw this.#missingEnd(token.name)
    this.#index++
    return { ...head, block: undefined }
  }

  #missingEnd(name: string): Mistake {
    const end = this.#tokens[this.#index - 1]?.end ?? 0
    const found = this.#token
    return found.kind === 'end' || found.kind === 'identifier' || this.#isSign('}')
      ? this.#mistake(end, `A ; is missing here, at the end of the command ${name}.`)
      : this.#mistake(
          found.start,
          `${describe(found)} does not belong here: ${name} goes on with a ; or with a block in { }.`,
        )
  }

  #readBlock(depth: number): CommandNode[] {
    const open = this.#token.start
    if (depth > this.#limits.maxNesting) throw this.#tooDeep(open)
    this.#index++
    const commands: CommandNode[] = []
    this.#readCommands(commands, depth)
    if (this.#isSign('}')) this.#index++
    else this.#problems.add(open, 'This { has no }: write } where the block ends.')
    return commands
  }

  #tooDeep(at: number): GivenUp {
    const { maxNesting } = this.#limits
    this.#problems.add(
      at,
      `Blocks and tests may stand in one another ${maxNesting} deep: make the script flatter from here.`,
    )
    return new GivenUp()
  }

  /** arguments = *argument [ test / test-list ] */
  #readArguments(
    owner: string,
    depth: number,
  ): { arguments: ArgumentNode[]; tests: TestNode[]; isTestList: boolean } {
    const given: ArgumentNode[] = []
    for (;;) {
      const argument = this.#readArgument()
      if (!argument) break
      given.push(argument)
    }
    if (this.#token.kind === 'identifier')
      return { arguments: given, tests: [this.#readTest(depth + 1)], isTestList: false }
    if (this.#isSign('('))
      return { arguments: given, tests: this.#readTestList(owner, depth + 1), isTestList: true }
    return { arguments: given, tests: [], isTestList: false }
  }

  #readTest(depth: number): TestNode {
    const token = this.#token
    if (token.kind !== 'identifier')
      throw this.#mistake(
        token.start,
        `A test is expected here (header, address, size …), not ${describe(token)}.`,
      )
    if (depth > this.#limits.maxNesting) throw this.#tooDeep(token.start)
    this.#index++
    return { name: token.name.toLowerCase(), at: token.start, ...this.#readArguments(token.name, depth) }
  }

  #readTestList(owner: string, depth: number): TestNode[] {
    this.#index++
    const tests = [this.#readTest(depth)]
    while (this.#isSign(',')) {
      this.#index++
      tests.push(this.#readTest(depth))
    }
    if (!this.#isSign(')'))
      throw this.#mistake(
        this.#token.start,
        `The tests of ${owner} go on with a comma or end with ), not with ${describe(this.#token)}.`,
      )
    this.#index++
    return tests
  }

  #readArgument(): ArgumentNode | undefined {
    const token = this.#token
    if (token.kind === 'sign' && token.sign === '[') return this.#readStringList()
    if (token.kind === 'string') {
      this.#index++
      return {
        kind: 'strings',
        strings: [{ value: token.value, at: token.start }],
        isList: false,
        at: token.start,
      }
    }
    if (token.kind === 'number') {
      this.#index++
      return { kind: 'number', value: token.value, at: token.start }
    }
    if (token.kind !== 'tag') return undefined
    this.#index++
    return { kind: 'tag', name: token.name, at: token.start }
  }

  #readStringList(): ArgumentNode {
    const at = this.#token.start
    const strings: StringNode[] = []
    do {
      this.#index++
      const token = this.#token
      if (token.kind !== 'string')
        throw this.#mistake(
          token.start,
          `A list has strings in "quotes", with commas between them; here is ${describe(token)}.`,
        )
      strings.push({ value: token.value, at: token.start })
      this.#index++
    } while (this.#isSign(','))
    if (!this.#isSign(']'))
      throw this.#mistake(
        this.#token.start,
        `A list goes on with a comma or ends with ], not with ${describe(this.#token)}.`,
      )
    this.#index++
    return { kind: 'strings', strings, isList: true, at }
  }

  get #token(): Token {
    const token = this.#tokens[this.#index] ?? this.#tokens.at(-1)
    if (!token) throw new GivenUp()
    return token
  }

  #isSign(sign: Sign): boolean {
    return this.#token.kind === 'sign' && this.#token.sign === sign
  }

  #mistake(at: number, text: string): Mistake {
    this.#problems.add(at, text)
    return new Mistake()
  }

  /** Behind the semicolon, or the block, that the command with the mistake ends with; before the } of the block around it. */
  #skipCommand(): void {
    let depth = 0
    while (this.#token.kind !== 'end') {
      if (this.#isSign('{')) depth++
      else if (this.#isSign('}')) {
        if (depth === 0) return
        depth--
        if (depth === 0) {
          this.#index++
          return
        }
      } else if (this.#isSign(';') && depth === 0) {
        this.#index++
        return
      }
      this.#index++
    }
  }
}

function describe(token: Token): string {
  switch (token.kind) {
    case 'identifier':
      return `the word ${token.name.slice(0, 40)}`
    case 'tag':
      return `:${token.name.slice(0, 40)}`
    case 'number':
      return `the number ${token.value}`
    case 'string':
      return `the string ${JSON.stringify(token.value.slice(0, 40))}`
    case 'sign':
      return token.sign
    case 'end':
      return 'the end of the script'
    default:
      return token satisfies never
  }
}
