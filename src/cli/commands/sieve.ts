// postrider sieve: the Sieve scripts of an account, and those of the administrator that all may include.
import { Argument, type Command, InvalidArgumentError } from 'commander'
import type { Address } from '../../address/address.ts'
import { displayAddress } from '../../directory/display.ts'
import {
  activateScript,
  administrators,
  deleteScript,
  type ListedScript,
  listScripts,
  maxScriptBytesOfAccount,
  maxScripts,
  readActiveScript,
  readScript,
  renameScript,
  type StoreProblem,
  storeScript,
} from '../../filtering/scripts.ts'
import { UsageFault } from '../../runtime/fault.ts'
import { formatSize } from '../../runtime/format-size.ts'
import { isScriptName } from '../../sieve/commands/include.ts'
import { parseScript } from '../../sieve/parse-script.ts'
import { accountIdOf } from '../account-id.ts'
import { addressArgument } from '../arguments.ts'
import { addCommand, type CommandRun, perform, removeAliases } from '../command.ts'
import type { CommandStorage } from '../open-storage.ts'
import { formatCount, formatTime } from '../quantities.ts'
import { inputName, readInput } from '../read-input.ts'

/** Whose script it is: an account's, or the administrator's. */
type Owner = Address | 'global'

function ownerArgument(text: string): Owner {
  return text === 'global' ? 'global' : addressArgument(text)
}

function nameArgument(text: string): string {
  const name = text.normalize('NFC')
  if (isScriptName(name)) return name
  throw new InvalidArgumentError(
    'A script has a name of 1 to 128 characters, without / and control characters.',
  )
}

const account = (): Argument => new Argument('<account>').argParser(addressArgument)
const owner = (): Argument =>
  new Argument('<account>', 'an account, or global: scripts that all may include').argParser(ownerArgument)
const named = (form = '<name>'): Argument => new Argument(form, 'of the script').argParser(nameArgument)

export function addSieveCommand(program: Command, run: CommandRun): void {
  const sieve = addCommand(program, {
    usage: 'sieve',
    summary:
      'Scripts that sort the mail of an account: list, show, put, activate, deactivate, check, rename, remove',
    description:
      'Scripts in Sieve that sort the mail of an account, send it on, or answer it (docs/sieve.md). Of each account one is active. ' +
      'Those of "global" are nobody\'s mail to sort: the scripts of all accounts may include them (include :global).',
    examples: ['sieve put anna@example.test main filter.sieve --activate', 'sieve list anna@example.test'],
  })

  addCommand(sieve, {
    usage: 'list',
    summary: 'Show the scripts of an account, and which one is active',
    examples: ['sieve list anna@example.test', 'sieve list global --json'],
  })
    .addArgument(owner())
    .action(
      perform(run, async (invocation, _options: object, whose: Owner) => {
        const scripts = await invocation.withStorage(async storage =>
          storage.run(listScripts, { ownerId: await idOf(storage, whose) }),
        )
        invocation.output.rows(
          scripts,
          [
            { title: 'NAME', cell: row => row.name },
            { title: 'ACTIVE', cell: row => (row.isActive ? 'yes' : '') },
            { title: 'SIZE', cell: row => formatSize(row.bytes) },
            { title: 'CHANGED', cell: row => formatTime(row.changedAt) },
          ],
          scriptJson,
          `There are no scripts of ${display(whose)}. Put one there: postrider sieve put ${display(whose)} main filter.sieve`,
        )
      }),
    )

  addCommand(sieve, {
    usage: 'show',
    summary: 'Print a script: the active one, unless another is named',
    examples: ['sieve show anna@example.test', 'sieve show global rules > rules.sieve'],
  })
    .addArgument(owner())
    .addArgument(named('[name]'))
    .action(
      perform(run, async (invocation, _options: object, whose: Owner, name?: string) => {
        const script = await invocation.withStorage(async storage => {
          const ownerId = await idOf(storage, whose)
          if (name !== undefined) return await storage.run(readScript, { ownerId, name })
          return whose === 'global' ? undefined : await storage.run(readActiveScript, { accountId: ownerId })
        })
        if (!script) throw name === undefined ? noActiveScript(whose) : noSuchScript(whose, name)
        const text = Buffer.from(script.body).toString('utf8')
        if (invocation.output.json)
          invocation.output.result({ account: display(whose), name: script.name, text }, '')
        else await invocation.output.foreign(script.body)
      }),
    )

  addCommand(sieve, {
    usage: 'put',
    summary: 'Put a script on the server, in the place of one of the same name',
    description:
      'Put a script from a file ("-" is stdin) on the server, in the place of one of the same name; whether that is active stays as it ' +
      'was. A script with mistakes is not taken: each is told with its line and column.',
    examples: [
      'sieve put anna@example.test main filter.sieve --activate',
      'sieve put global rules rules.sieve',
    ],
  })
    .addArgument(owner())
    .addArgument(named())
    .argument('<file>')
    .option('--activate', 'make it the active one')
    .action(
      perform(
        run,
        async (invocation, options: { activate?: true }, whose: Owner, name: string, file: string) => {
          const text = await readInput(invocation, file)
          assertRight(text, file)
          if (options.activate && whose === 'global') throw globalIsNotActive()
          await invocation.withStorage(async storage => {
            const ownerId = await idOf(storage, whose)
            const body = Buffer.from(text)
            const problem = await storage.run(storeScript, {
              ownerId,
              name,
              body,
              at: invocation.clock.now(),
            })
            if (problem) throw notStored(whose, problem)
            if (options.activate) await storage.run(activateScript, { accountId: ownerId, name })
          })
          invocation.output.result(
            { put: name, account: display(whose), isActivated: options.activate === true },
            `The script "${name}" of ${display(whose)} is kept${options.activate ? ', and is the active one' : ''}.`,
          )
        },
      ),
    )

  addCommand(sieve, {
    usage: 'activate',
    summary: 'Make a script the one that sorts the mail of the account',
    examples: ['sieve activate anna@example.test holidays'],
  })
    .addArgument(account())
    .addArgument(named())
    .action(
      perform(run, async (invocation, _options: object, whose: Address, name: string) => {
        const isThere = await invocation.withStorage(async storage =>
          storage.run(activateScript, { accountId: await accountIdOf(storage, whose), name }),
        )
        if (!isThere) throw noSuchScript(whose, name)
        invocation.output.result(
          { activated: name, account: display(whose) },
          `The script "${name}" sorts the mail of ${display(whose)} from now on.`,
        )
      }),
    )

  addCommand(sieve, {
    usage: 'deactivate',
    summary: 'Let no script sort the mail of the account; the scripts stay',
    examples: ['sieve deactivate anna@example.test'],
  })
    .addArgument(account())
    .action(
      perform(run, async (invocation, _options: object, whose: Address) => {
        await invocation.withStorage(async storage =>
          storage.run(activateScript, { accountId: await accountIdOf(storage, whose), name: undefined }),
        )
        invocation.output.result(
          { deactivated: display(whose) },
          `No script sorts the mail of ${display(whose)} any more.`,
        )
      }),
    )

  addCommand(sieve, {
    usage: 'check <file>',
    summary: 'Say what is wrong with a script in a file, with line and column',
    examples: ['sieve check filter.sieve'],
  }).action(
    perform(run, async (invocation, _options: object, file: string) => {
      assertRight(await readInput(invocation, file), file)
      invocation.output.result({ file: inputName(file), problems: [] }, `${inputName(file)} is right.`)
    }),
  )

  addCommand(sieve, {
    usage: 'rename',
    summary: 'Give a script another name',
    examples: ['sieve rename anna@example.test main weekdays'],
  })
    .addArgument(owner())
    .addArgument(named())
    .addArgument(new Argument('<new-name>').argParser(nameArgument))
    .action(
      perform(run, async (invocation, _options: object, whose: Owner, name: string, to: string) => {
        const outcome = await invocation.withStorage(async storage =>
          storage.run(renameScript, { ownerId: await idOf(storage, whose), name, to }),
        )
        if (outcome === 'nonexistent') throw noSuchScript(whose, name)
        if (outcome === 'exists')
          throw new UsageFault(
            'CLI_SCRIPT_EXISTS',
            `There is a script "${to}" of ${display(whose)} already. "postrider sieve remove ${display(whose)} ${to}" removes it.`,
          )
        invocation.output.result(
          { renamed: name, to, account: display(whose) },
          `The script "${name}" of ${display(whose)} is named "${to}".`,
        )
      }),
    )

  addCommand(sieve, {
    usage: 'remove',
    aliases: removeAliases,
    summary: 'Remove a script that is not active',
    examples: ['sieve remove anna@example.test holidays'],
  })
    .addArgument(owner())
    .addArgument(named())
    .action(
      perform(run, async (invocation, _options: object, whose: Owner, name: string) => {
        const outcome = await invocation.withStorage(async storage =>
          storage.run(deleteScript, { ownerId: await idOf(storage, whose), name }),
        )
        if (outcome === 'nonexistent') throw noSuchScript(whose, name)
        if (outcome === 'active')
          throw new UsageFault(
            'CLI_SCRIPT_ACTIVE',
            `The script "${name}" sorts the mail of ${display(whose)}. Activate another one before, or none: "postrider sieve deactivate ${display(whose)}".`,
          )
        invocation.output.result(
          { removed: name, account: display(whose) },
          `Removed the script "${name}" of ${display(whose)}.`,
        )
      }),
    )
}

function display(whose: Owner): string {
  return whose === 'global' ? 'global' : displayAddress(whose)
}

async function idOf(storage: CommandStorage, whose: Owner): Promise<number> {
  return whose === 'global' ? administrators : await accountIdOf(storage, whose)
}

function scriptJson({ name, isActive, bytes, changedAt }: ListedScript): object {
  return { name, isActive, bytes, changedAt: new Date(changedAt).toISOString() }
}

/** Each mistake on a line, as compilers tell them. */
function assertRight(text: string, file: string): void {
  const { problems } = parseScript(text)
  if (!problems) return
  const lines = problems.map(
    ({ line, column, text: what }) => `${inputName(file)}:${line}:${column}: ${what}`,
  )
  throw new UsageFault(
    'CLI_SCRIPT',
    `${formatCount(problems.length, 'mistake')} in the script:\n${lines.join('\n')}`,
  )
}

function noSuchScript(whose: Owner, name: string): UsageFault {
  return new UsageFault(
    'CLI_NO_SCRIPT',
    `There is no script "${name}" of ${display(whose)}. "postrider sieve list ${display(whose)}" shows them.`,
  )
}

function noActiveScript(whose: Owner): UsageFault {
  return new UsageFault(
    'CLI_NO_SCRIPT',
    `No script of ${display(whose)} is active. Say which one: "postrider sieve list ${display(whose)}" shows them.`,
  )
}

function globalIsNotActive(): UsageFault {
  return new UsageFault(
    'CLI_USAGE',
    'Scripts of "global" sort nobody\'s mail: a script of an account includes them (include :global). Leave --activate away.',
  )
}

function notStored(whose: Owner, problem: StoreProblem | 'gone'): UsageFault {
  switch (problem) {
    case 'too-many-scripts':
      return new UsageFault(
        'CLI_SCRIPT_SPACE',
        `There are ${maxScripts} scripts of ${display(whose)}, and there cannot be more. Remove one: "postrider sieve remove ${display(whose)} <name>".`,
      )
    case 'no-space':
      return new UsageFault(
        'CLI_SCRIPT_SPACE',
        `The scripts of ${display(whose)} may have ${formatSize(maxScriptBytesOfAccount)} together, and with this one they would have more.`,
      )
    case 'gone':
      return new UsageFault('CLI_NO_SCRIPT', `The account ${display(whose)} is not there any more.`)
    default:
      return problem satisfies never
  }
}
