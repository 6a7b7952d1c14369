// How every command is declared: a name, what it does, an example, and an action that gets an Invocation.
import type { Command } from 'commander'
import { settingsToName } from './find-settings.ts'
import { type GlobalOptions, Invocation, type Surroundings } from './invocation.ts'
import { createCommandSpeller } from './program-name.ts'

export interface CommandText {
  /** With its arguments: 'show <queue-id>'. */
  readonly usage: string
  /** Other words for it; help shows the first. */
  readonly aliases?: readonly string[]
  readonly summary: string
  /** More than the summary, where it needs more. */
  readonly description?: string
  /** Command lines without the leading 'postrider'; every command has at least one. */
  readonly examples: readonly string[]
}

/** What the root of the tree carries for all commands. */
export interface CommandRun {
  readonly surroundings: Surroundings
  /** Set by the action that ran. */
  invocation?: Invocation
}

/** What people try who know other programs. */
export const createAliases = ['add']
export const removeAliases = ['delete', 'rm']

export function addCommand(
  parent: Command,
  { usage, aliases = [], summary, description, examples }: CommandText,
): Command {
  return parent
    .command(usage)
    .aliases(aliases)
    .summary(summary)
    .description(description ?? `${summary}.`)
    .addHelpText(
      'after',
      `\n${examples.length > 1 ? 'Examples' : 'Example'}:\n${examples.map(line => `  postrider ${line}`).join('\n')}`,
    )
}

/**
 * Wraps an action: `run` gets the invocation, the command's options and its arguments in order. The types are the
 * declaration's, which stands right above each use.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- commander has no types for them; each use states its own
export function perform<Options, Arguments extends readonly unknown[]>(
  run: CommandRun,
  action: (invocation: Invocation, options: Options, ...parameters: Arguments) => Promise<void>,
): (this: Command, ...values: unknown[]) => Promise<void> {
  return async function (this: Command): Promise<void> {
    const options = this.optsWithGlobals<GlobalOptions>()
    const spellCommands = createCommandSpeller(
      rootOf(this),
      run.surroundings.programName,
      settingsToName(options.settings, run.surroundings.workingFolder),
    )
    const invocation = new Invocation(run.surroundings, options, spellCommands)
    run.invocation = invocation
    await action(invocation, this.opts() as Options, ...(this.processedArgs as unknown as Arguments))
  }
}

function rootOf(command: Command): Command {
  return command.parent ? rootOf(command.parent) : command
}
