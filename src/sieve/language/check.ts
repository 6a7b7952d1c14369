// Holds a script against the definitions of the language: names, arguments, extensions, and what else can be seen without a message.
import { nearestName } from '../../runtime/nearest-name.ts'
import type { SieveLimits } from '../limits.ts'
import { comparators, ownComparators } from '../match/comparators.ts'
import { type Position, Problems, type SourceText } from '../problem.ts'
import type { SieveScript } from '../script.ts'
import type { ArgumentNode, CommandNode, StringNode, TestNode } from '../syntax/tree.ts'
import type {
  Argument,
  ArgumentKind,
  Call,
  CallChecker,
  CallDefinition,
  CommandCall,
  CommandDefinition,
  ParameterDefinition,
  ScriptNeed,
  TagDefinition,
  TestCall,
  Vocabulary,
} from './definitions.ts'
import { decodeEncodedCharacters, readTemplate } from './template.ts'

export function checkScript(
  nodes: readonly CommandNode[],
  source: SourceText,
  vocabulary: Vocabulary,
  limits: SieveLimits,
  problems: Problems,
): SieveScript {
  return new Checker(source, vocabulary, limits, problems).check(nodes)
}

/** RFC 5463 §4: these change how the script itself is read, and are found by no `ihave`. */
const grammarExtensions = ['variables', 'encoded-character', 'ihave']

class Checker implements CallChecker {
  readonly variables = { set: new Set<string>(), global: new Set<string>() }
  readonly #source: SourceText
  readonly #vocabulary: Vocabulary
  readonly #problems: Problems
  readonly #limits: SieveLimits
  readonly #required = new Set<string>()
  /** What `ihave` tests of the script ask for, and is there. */
  readonly #conditional = new Set<string>()
  /** What they ask for and is not there: their commands are in parts that do not run. */
  #asksForUnknown = false
  /** A command with a mistake in it is not among the others: what stands before another is not known then. */
  readonly #isWhole: boolean
  readonly #needs: ScriptNeed[] = []

  constructor(source: SourceText, vocabulary: Vocabulary, limits: SieveLimits, problems: Problems) {
    this.#source = source
    this.#vocabulary = vocabulary
    this.#limits = limits
    this.#problems = problems
    this.#isWhole = problems.count === 0
  }

  check(nodes: readonly CommandNode[]): SieveScript {
    for (const node of nodes) if (node.name === 'require') this.#noteRequired(node)
    if (this.#required.has('ihave')) this.#noteConditional(nodes)
    const commands = this.#checkCommands(nodes, true)
    return { commands, extensions: this.#required, conditional: this.#conditional, needs: this.#needs }
  }

  #noteRequired(node: CommandNode): void {
    const [argument, ...more] = node.arguments
    if (argument?.kind !== 'strings' || more.length > 0 || node.tests.length > 0 || node.block)
      return this.#problems.add(node.at, 'require is written like this: require ["fileinto", "vacation"];')
    for (const { value, at } of argument.strings) {
      if (this.#knows(value)) this.#required.add(value)
      else this.#problems.add(at, this.#noSuchExtension(value))
    }
  }

  #knows(extension: string): boolean {
    const { extensions } = this.#vocabulary
    if (!extension.startsWith('comparator-')) return extensions.has(extension)
    return comparators.has(extension.slice('comparator-'.length))
  }

  #noSuchExtension(name: string): string {
    const own =
      this.#vocabulary.commands.get(name.toLowerCase()) ?? this.#vocabulary.tests.get(name.toLowerCase())
    if (own && !own.extensions)
      return `${name} is part of the language, and needs no require. Take it away here.`
    const nearest = nearestName(name, [
      ...this.#vocabulary.extensions,
      ...[...comparators.keys()].map(each => `comparator-${each}`),
    ])
    const hint =
      nearest === undefined
        ? 'Take it away, or look at what this server has.'
        : `Did you mean ${JSON.stringify(nearest)}?`
    return `There is no extension ${JSON.stringify(name.slice(0, 60))} on this server. ${hint}`
  }

  #noteConditional(nodes: readonly TestNode[]): void {
    for (const node of nodes) {
      if (node.name === 'ihave')
        for (const argument of node.arguments) {
          if (argument.kind !== 'strings') continue
          for (const { value } of argument.strings) {
            if (this.#knows(value) && !grammarExtensions.includes(value)) this.#conditional.add(value)
            else this.#asksForUnknown = true
          }
        }
      this.#noteConditional(node.tests)
      if ('block' in node && Array.isArray(node.block)) this.#noteConditional(node.block as CommandNode[])
    }
  }

  #checkCommands(nodes: readonly CommandNode[], isTop: boolean): CommandCall[] {
    const calls: CommandCall[] = []
    let isBehindRequires = !isTop
    for (const [index, node] of nodes.entries()) {
      if (this.#problems.isFull) break
      if (node.name === 'require') {
        // RFC 5228 §3.2
        if (isBehindRequires)
          this.#problems.add(
            node.at,
            isTop
              ? 'require has to stand before all other commands: move it to the top of the script.'
              : 'require stands outside of all blocks, at the top of the script: move it there.',
          )
        continue
      }
      isBehindRequires = true
      const call = this.#checkCommand(node, nodes[index - 1]?.name)
      if (call) calls.push(call)
    }
    return calls
  }

  #checkCommand(node: CommandNode, before: string | undefined): CommandCall | undefined {
    const definition = this.#vocabulary.commands.get(node.name)
    if (!definition) {
      // A test of an `ihave` that fails may keep it from being run.
      if (this.#asksForUnknown)
        return { ...this.#notHere(node), definition: { name: node.name, run: () => 'next' }, block: [] }
      this.#problems.add(node.at, this.#noSuchCommand(node.name))
      return undefined
    }
    this.#checkPlace(node, definition, before)
    const call = this.#checkCall(node, definition)
    const block = node.block ? this.#checkCommands(node.block, false) : []
    return { ...call, definition, block }
  }

  /** Of a command or a test that nobody here knows. */
  #notHere({ at, name }: TestNode): Call {
    return {
      ...this.#whereIs(at),
      name,
      tags: new Map(),
      arguments: [],
      tests: [],
      needsAtRunTime: `that brings ${name}`,
    }
  }

  #whereIs(offset: number): Position & { readonly offset: number } {
    return { ...this.#source.positionAt(offset), offset }
  }

  #checkPlace(node: CommandNode, definition: CommandDefinition, before: string | undefined): void {
    if (node.name === 'else' && node.tests[0]?.name === 'if')
      return this.#problems.add(
        node.at,
        'Write elsif in the place of else if: elsif header :contains "subject" "hello" { … }',
      )
    if (this.#isWhole && definition.follows && !definition.follows.includes(before ?? ''))
      this.#problems.add(
        node.at,
        `${node.name} has to stand right behind the block of an ${definition.follows.join(' or an ')}.`,
      )
    if (definition.block === 'required' && !node.block)
      this.#problems.add(node.at, `${node.name} needs a block: { … } behind it.`)
    if (definition.block !== 'required' && node.block)
      this.#problems.add(node.at, `${node.name} has no block: end it with a ; and take the { } away.`)
  }

  #noSuchCommand(name: string): string {
    if (this.#vocabulary.tests.has(name))
      return `${name} is a test: it stands behind if, elsif, not, allof or anyof.`
    const nearest = nearestName(name, [...this.#vocabulary.commands.keys(), 'require'])
    return `There is no command ${name.slice(0, 60)}.${nearest === undefined ? '' : ` Did you mean ${nearest}?`}`
  }

  #checkTest(node: TestNode): TestCall | undefined {
    const definition = this.#vocabulary.tests.get(node.name)
    if (!definition) {
      if (this.#asksForUnknown)
        return { ...this.#notHere(node), definition: { name: node.name, evaluate: () => false } }
      const nearest = nearestName(node.name, [...this.#vocabulary.tests.keys()])
      const hint = this.#vocabulary.commands.has(node.name)
        ? `${node.name} is a command: it stands inside of a block.`
        : `There is no test ${node.name.slice(0, 60)}.${nearest === undefined ? '' : ` Did you mean ${nearest}?`}`
      this.#problems.add(node.at, hint)
      return undefined
    }
    return { ...this.#checkCall(node, definition), definition }
  }

  #checkCall(node: TestNode, definition: CallDefinition): Call {
    const before = this.#problems.count
    const needsAtRunTime = this.#checkExtensions(node, definition)
    const { tags, positional } = this.#sortArguments(node, definition)
    const call: Call = {
      ...this.#whereIs(node.at),
      name: node.name,
      tags,
      arguments: this.#assign(node, positional, definition.parameters ?? []),
      tests: this.#checkTests(node, definition),
      needsAtRunTime,
    }
    // What is checked further relies on the arguments.
    if (this.#problems.count === before) definition.check?.(call, this)
    return call
  }

  /** The one that has to be found at run time. */
  #checkExtensions(node: TestNode, { extensions, needsAll }: CallDefinition): string | undefined {
    if (!extensions) return undefined
    const missing = extensions.filter(each => !this.#required.has(each))
    if (missing.length === 0 || (!needsAll && missing.length < extensions.length)) return undefined
    const conditional = missing.find(each => this.#conditional.has(each))
    if (conditional !== undefined) return conditional
    this.#problems.add(node.at, missingRequire(node.name, needsAll ? missing : missing.slice(0, 1)))
    return undefined
  }

  #sortArguments(
    node: TestNode,
    definition: CallDefinition,
  ): { tags: Map<string, Argument | true>; positional: ArgumentNode[] } {
    const tags = new Map<string, Argument | true>()
    const positional: ArgumentNode[] = []
    const groups = new Map<string, string>()
    for (let index = 0; index < node.arguments.length; index++) {
      const argument = node.arguments[index]
      if (!argument) break
      if (argument.kind !== 'tag') {
        positional.push(argument)
        continue
      }
      if (positional.length > 0)
        this.#problems.add(
          argument.at,
          `:${argument.name} has to stand before the other arguments of ${node.name}.`,
        )
      const tag = this.#findTag(node.name, argument, definition)
      if (!tag) continue
      if (tag.group !== undefined) {
        const other = groups.get(tag.group)
        if (other !== undefined && other !== argument.name)
          this.#problems.add(
            argument.at,
            `:${argument.name} and :${other} exclude each other: take one of them away.`,
          )
        groups.set(tag.group, argument.name)
      }
      if (tags.has(argument.name))
        this.#problems.add(argument.at, `:${argument.name} stands here twice: take one away.`)
      if (tag.value === undefined) {
        tags.set(argument.name, true)
        continue
      }
      const value = node.arguments[index + 1]
      if (value === undefined || value.kind === 'tag') {
        this.#problems.add(argument.at, `:${argument.name} has to be followed by ${describeKind(tag.value)}.`)
        continue
      }
      index++
      const read = this.#readArgument(value, tag.value, `:${argument.name}`)
      if (read) tags.set(argument.name, read)
    }
    for (const [name, { needs }] of Object.entries(definition.tags ?? {}))
      if (needs !== undefined && tags.has(name) && !tags.has(needs))
        this.#problems.add(node.at, `:${name} means something only together with :${needs}.`)
    return { tags, positional }
  }

  #findTag(
    owner: string,
    { name, at }: { readonly name: string; readonly at: number },
    { tags = {} }: CallDefinition,
  ): TagDefinition | undefined {
    const tag = Object.hasOwn(tags, name) ? tags[name] : undefined
    if (!tag) {
      // What follows may be its value, or not: whatever is said of that would be a guess.
      const nearest = nearestName(name, Object.keys(tags))
      this.#problems.add(
        at,
        `${owner} has no :${name.slice(0, 60)}.${nearest === undefined ? '' : ` Did you mean :${nearest}?`}`,
      )
      return undefined
    }
    const { extension } = tag
    if (extension !== undefined && !this.#required.has(extension) && !this.#conditional.has(extension))
      this.#problems.add(at, missingRequire(`:${name}`, [extension]))
    return tag
  }

  #assign(
    node: TestNode,
    positional: readonly ArgumentNode[],
    parameters: readonly ParameterDefinition[],
  ): (Argument | undefined)[] {
    const required = parameters.filter(({ isOptional }) => !isOptional).length
    const extra = positional[parameters.length]
    if (extra)
      this.#problems.add(
        extra.at,
        `${node.name} has one argument too many here: ${usage(node.name, parameters)}.`,
      )
    let spare = positional.length - required
    let next = 0
    return parameters.map(parameter => {
      if (parameter.isOptional && spare-- <= 0) return undefined
      const argument = positional[next++]
      if (argument) return this.#readArgument(argument, parameter.kind, parameter.name)
      this.#problems.add(node.at, `${node.name} lacks ${parameter.name}: ${usage(node.name, parameters)}.`)
      return undefined
    })
  }

  #readArgument(node: ArgumentNode, kind: ArgumentKind, name: string): Argument | undefined {
    const where = this.#whereIs(node.at)
    if (node.kind === 'number' && kind === 'number') return { ...where, kind: 'number', value: node.value }
    if (node.kind === 'strings' && kind !== 'number' && (kind === 'string-list' || !node.isList)) {
      const values = node.strings.map(each => this.#readString(each))
      return { ...where, kind: 'strings', values }
    }
    this.#problems.add(
      node.at,
      `Here stands ${describeNode(node)}; ${name} should stand here, as ${describeKind(kind)}.`,
    )
    return undefined
  }

  #readString({ value, at }: StringNode): ReturnType<typeof readTemplate> {
    const problem = (text: string): void => this.#problems.add(at, text)
    const decoded = this.#required.has('encoded-character') ? decodeEncodedCharacters(value, problem) : value
    const namespaces = [...this.#vocabulary.namespaces].flatMap(([extension, name]) =>
      this.#required.has(extension) ? [name] : [],
    )
    return readTemplate(decoded, at, this.#required.has('variables'), namespaces, problem)
  }

  #checkTests(node: TestNode, { tests = 'none' }: CallDefinition): TestCall[] {
    const first = node.tests[0]
    if (tests === 'none' && first)
      this.#problems.add(first.at, `${node.name} takes no test. Is there a ; missing before ${first.name}?`)
    if (tests !== 'none' && !first)
      this.#problems.add(
        node.at,
        tests === 'one'
          ? `${node.name} needs a test behind it: ${node.name} header :contains "subject" "hello" …`
          : `${node.name} needs tests in parentheses behind it: ${node.name} (header …, address …)`,
      )
    if (tests === 'one' && node.isTestList)
      this.#problems.add(
        node.at,
        `${node.name} takes one test, without parentheses. For several write allof (…) or anyof (…).`,
      )
    if (tests === 'list' && first && !node.isTestList)
      this.#problems.add(first.at, `The tests of ${node.name} stand in parentheses: ${node.name} (…, …).`)
    if (tests === 'none') return []
    return node.tests.flatMap(each => this.#checkTest(each) ?? [])
  }

  // CallChecker

  isRequired(extension: string): boolean {
    if (extension.startsWith('comparator-') && ownComparators.includes(extension.slice('comparator-'.length)))
      return true
    return this.#required.has(extension) || this.#conditional.has(extension)
  }

  problem({ offset }: { readonly offset: number }, text: string): void {
    this.#problems.add(offset, text)
  }

  note(need: ScriptNeed): void {
    if (this.#needs.length < this.#limits.maxTokens) this.#needs.push(need)
  }
}

function missingRequire(name: string, extensions: readonly string[]): string {
  const list = extensions.map(each => JSON.stringify(each)).join(', ')
  return `${name} needs an extension: write require ${extensions.length > 1 ? `[${list}]` : list}; at the top of the script.`
}

function usage(name: string, parameters: readonly ParameterDefinition[]): string {
  if (parameters.length === 0) return `it is written ${name} alone`
  const list = parameters.map(each => (each.isOptional ? `[${each.name}]` : each.name)).join(', ')
  return `it is written ${name}, then ${list}`
}

function describeKind(kind: ArgumentKind): string {
  switch (kind) {
    case 'number':
      return 'a number'
    case 'string':
      return 'one string in "quotes"'
    case 'string-list':
      return 'a string in "quotes" or a list of them in ["…", "…"]'
    default:
      return kind satisfies never
  }
}

function describeNode(node: ArgumentNode): string {
  if (node.kind === 'number') return 'a number'
  if (node.kind === 'tag') return `:${node.name}`
  return node.isList ? 'a list' : 'a string'
}
