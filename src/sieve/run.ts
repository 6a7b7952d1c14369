// One run of a script: its variables, the message as it is by now, what has been decided, and how much it may still do.
import type { Circumstances } from './circumstances.ts'
import { type GivenArgument, templateOf, templatesOf } from './language/arguments.ts'
import type { Call, CommandCall, Flow, TestCall } from './language/definitions.ts'
import type { Template } from './language/template.ts'
import type { SieveLimits } from './limits.ts'
import type { Pattern } from './match/regular-expression.ts'
import { MessageView } from './message/message-view.ts'
import type { FileInto, Keep, Origin, Remembered, ScriptName, SieveAction, TraceLine } from './outcome.ts'
import type { Position } from './problem.ts'
import type { SieveScript } from './script.ts'
import { ScriptError } from './script-error.ts'

/** Of the script that runs now; those that have included it wait. */
export interface Frame {
  readonly script: SieveScript
  readonly name: ScriptName
  readonly variables: Map<string, string>
  /** RFC 6609 §3.4: those of its names that are shared. */
  readonly globals: Set<string>
  /** ${0}, ${1} …: RFC 5229 §3.2 */
  matches: readonly string[]
  /** By `ihave`, beside those that it requires. */
  readonly enabled: Set<string>
}

/** Characters that cost one step. */
const charactersPerStep = 64
/** The trail shows what decided, not everything that ran. */
const maxTraceLines = 100

export class Run {
  circumstances: Circumstances
  readonly limits: SieveLimits
  message: MessageView
  frame: Frame
  /** Names of scripts that are run, the outermost first, and of all that have been. */
  readonly includeStack: string[] = []
  readonly included = new Set<string>()
  includeCount = 0
  readonly globals = new Map<string, string>()
  /** RFC 5232 §3: the internal variable. */
  flags: readonly string[] = []
  actions: SieveAction[] = []
  /** RFC 5228 §2.10.2 */
  keepsImplicitly = true
  /** RFC 5230 §4.7: whether it answered or not. */
  hasVacation = false
  /** RFC 5436 §2.7: whom a notification has gone to. */
  readonly notified = new Set<string>()
  /** Regular expressions, or what is wrong with them. */
  readonly patterns = new Map<string, Pattern | string>()
  readonly remembered = new Map<string, Remembered>()
  readonly trace: TraceLine[] = []
  /** Where the run is: for a mistake that no argument stands for. */
  at: Position = { line: 1, column: 1 }
  #steps = 0
  #turnEndsAt: number
  #characters = 0
  #expanded = 0

  constructor(script: SieveScript, circumstances: Circumstances, limits: SieveLimits) {
    this.circumstances = circumstances
    this.limits = limits
    this.#turnEndsAt = limits.stepsPerTurn
    this.message = new MessageView(circumstances.message, limits)
    this.frame = newFrame(script, undefined)
  }

  async runBlock(commands: readonly CommandCall[]): Promise<Flow> {
    // An if, its elsif and its else stand next to each other: once one block has run, the others don't.
    for (let index = 0; index < commands.length; index++) {
      const call = commands[index]
      if (!call) break
      if (this.#steps >= this.#turnEndsAt) await this.#yieldTurn()
      this.#begin(call)
      if (call.name === 'if') {
        const chain = endOfChain(commands, index)
        const flow = await this.#runChain(commands.slice(index, chain))
        if (flow !== 'next') return flow
        index = chain - 1
        continue
      }
      const done = call.definition.run(call, this)
      const flow = typeof done === 'string' ? done : await done
      if (flow !== 'next') return flow
    }
    return 'next'
  }

  async #runChain(chain: readonly CommandCall[]): Promise<Flow> {
    for (const call of chain) {
      this.#begin(call)
      const [test] = call.tests
      if (test && !(await this.evaluate(test))) continue
      if (test) this.tell('test', call, `${call.name} ${describeTest(test)}: true`)
      else this.tell('test', call, call.name)
      return this.runBlock(call.block)
    }
    return 'next'
  }

  async evaluate(call: TestCall): Promise<boolean> {
    if (this.#steps >= this.#turnEndsAt) await this.#yieldTurn()
    this.#begin(call)
    return call.definition.evaluate(call, this)
  }

  async #yieldTurn(): Promise<void> {
    this.#turnEndsAt = this.#steps + this.limits.stepsPerTurn
    await this.circumstances.yieldTurn?.()
  }

  #begin(call: Call): void {
    this.at = call
    this.#takeSteps(1)
    const needed = call.needsAtRunTime
    if (needed !== undefined && !this.frame.enabled.has(needed))
      throw new ScriptError(
        call,
        `${call.name} needs the extension ${needed}, which no ihave test has found before. Put it into an if with ihave ${JSON.stringify(needed)}.`,
      )
  }

  /** Work with texts counts by their length. */
  readonly spend = (characters: number): void => {
    this.#characters += characters
    if (this.#characters < charactersPerStep) return
    this.#takeSteps(Math.floor(this.#characters / charactersPerStep))
    this.#characters %= charactersPerStep
  }

  #takeSteps(steps: number): void {
    this.#steps += steps
    if (this.#steps > this.limits.maxSteps)
      throw new ScriptError(
        this.at,
        'The script takes too long for this message: it was ended here. Make lists and patterns shorter, or look at less of the message.',
      )
  }

  // Strings

  expand(template: Template): string {
    if (template.constant !== undefined) return template.constant
    const text = template.pieces
      .map(piece => {
        if (typeof piece === 'string') return piece
        if (piece.matchIndex !== undefined) return this.frame.matches[piece.matchIndex] ?? ''
        return this.readVariable(piece.name)
      })
      .join('')
    this.#expanded += text.length
    if (this.#expanded > this.limits.maxExpandedLength)
      throw new ScriptError(this.at, 'The variables of the script have become too long: it was ended here.')
    this.spend(text.length)
    return text
  }

  strings(argument: GivenArgument): readonly string[] {
    return templatesOf(argument).map(template => this.expand(template))
  }

  /** The first one, or ''. */
  string(argument: GivenArgument): string {
    const template = templateOf(argument)
    return template ? this.expand(template) : ''
  }

  readVariable(name: string): string {
    const shared = this.#sharedName(name)
    return (shared === undefined ? this.frame.variables.get(name) : this.globals.get(shared)) ?? ''
  }

  /** RFC 5229 §6: what is too long is cut, and no mistake. */
  writeVariable(name: string, value: string): void {
    const shared = this.#sharedName(name)
    const variables = shared === undefined ? this.frame.variables : this.globals
    const key = shared ?? name
    if (!variables.has(key) && variables.size >= this.limits.maxVariables)
      throw new ScriptError(
        this.at,
        `A script may have ${this.limits.maxVariables} variables, and this would be one more.`,
      )
    variables.set(key, cut(value, this.limits.maxVariableLength))
  }

  /** RFC 6609 §3.4.2: declared, or with its namespace. */
  #sharedName(name: string): string | undefined {
    if (name.startsWith('global.')) return name.slice('global.'.length)
    return this.frame.globals.has(name) ? name : undefined
  }

  // Actions

  originOf(call: Position): Origin {
    return { line: call.line, column: call.column, script: this.frame.name }
  }

  act(action: SieveAction, text: string): void {
    if (action.origin) this.tell('action', action.origin, text)
    const same = this.actions.findIndex(other => isSame(other, action))
    const before = this.actions[same]
    if (before) {
      // RFC 5228 §2.10.3, RFC 5232 §3: one copy for each mailbox, with the flags that were said last.
      if (isStored(before) && isStored(action)) {
        const { flags, headerSection } = action
        this.actions[same] = { ...before, flags, headerSection }
      }
      return
    }
    if (this.actions.length >= this.limits.maxActions)
      throw new ScriptError(
        this.at,
        `A script may do ${this.limits.maxActions} things with a message, and this would be one more.`,
      )
    this.actions.push(action)
  }

  has(...kinds: readonly SieveAction['kind'][]): boolean {
    return this.actions.some(({ kind }) => kinds.includes(kind))
  }

  count(kind: SieveAction['kind']): number {
    return this.actions.filter(action => action.kind === kind).length
  }

  remember(entry: Remembered): void {
    this.remembered.set(`${entry.kind}\0${entry.key}`, entry)
  }

  tell(kind: TraceLine['kind'], at: Position, text: string): void {
    if (this.trace.length < maxTraceLines)
      this.trace.push({ ...this.originOf(at), kind, text: text.slice(0, 500) })
  }
}

export function newFrame(script: SieveScript, name: ScriptName): Frame {
  return { script, name, variables: new Map(), globals: new Set(), matches: [], enabled: new Set() }
}

function endOfChain(commands: readonly CommandCall[], start: number): number {
  let end = start + 1
  while (commands[end]?.name === 'elsif' || commands[end]?.name === 'else') end++
  return end
}

function describeTest({ name, tags, tests }: TestCall): string {
  const inner = tests.map(describeTest)
  const tagText = [...tags.keys()].map(tag => ` :${tag}`).join('')
  const text = name + tagText
  if (inner.length === 0) return text
  return name === 'not' ? `not ${inner.join('')}` : `${text} (${inner.join(', ')})`
}

/** One copy of a message goes into a mailbox, and one to an address. */
function isSame(one: SieveAction, other: SieveAction): boolean {
  if (isStored(one) && isStored(other)) return placeOf(one) === placeOf(other)
  if (one.kind === 'redirect' && other.kind === 'redirect')
    return (
      one.forwardPath.localPart === other.forwardPath.localPart &&
      one.forwardPath.domain === other.forwardPath.domain
    )
  return one.kind === 'discard' && other.kind === 'discard'
}

function isStored(action: SieveAction): action is Keep | FileInto {
  return action.kind === 'keep' || action.kind === 'fileinto'
}

function placeOf(action: Keep | FileInto): string {
  if (action.kind === 'keep') return 'INBOX\0\0'
  // RFC 9051 §5.1: INBOX is one name in any case of its letters, also at the head of a path.
  const mailbox = action.mailbox.replace(/^inbox(?=\/|$)/i, 'INBOX')
  return [mailbox, action.specialUse?.toLowerCase(), action.mailboxId].join('\0')
}

/** Never in the middle of a character. */
function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text
  const last = text.charCodeAt(maxLength - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? maxLength - 1 : maxLength)
}
