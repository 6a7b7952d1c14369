// postrider account app-password: passwords of single programs of an account.
import { Argument, type Command, InvalidArgumentError, Option } from 'commander'
import type { Address } from '../../address/address.ts'
import { formatAddress } from '../../address/format-address.ts'
import { findAccount } from '../../directory/accounts.ts'
import {
  type AppPassword,
  type AppPasswordScope,
  appPasswordScopes,
  createAppPassword,
  listAppPasswords,
  problemOfAppPasswordName,
  removeAppPassword,
} from '../../directory/app-passwords.ts'
import { displayAddress } from '../../directory/display.ts'
import { generatePassword } from '../../directory/generate-password.ts'
import { storedAppPassword } from '../../directory/new-password.ts'
import { WrongUsage } from '../../runtime/fault.ts'
import { addressArgument } from '../arguments.ts'
import { addCommand, type CommandRun, perform, removeAliases } from '../command.ts'
import { parseAge, parseTime } from '../parse-time.ts'
import { formatTime } from '../quantities.ts'

function nameArgument(text: string): string {
  const problem = problemOfAppPasswordName(text)
  if (problem !== undefined) throw new InvalidArgumentError(problem)
  return text
}

function scopeArgument(text: string, previous: readonly AppPasswordScope[] | undefined): AppPasswordScope[] {
  const scope = appPasswordScopes.find(each => each === text)
  if (!scope) throw new InvalidArgumentError(`It has to be one of ${appPasswordScopes.join(', ')}.`)
  return [...new Set([...(previous ?? []), scope])]
}

/** '90d': from now; '2027-01-31': at the end of that day. */
function parseExpiry(text: string, now: number): number {
  const age = parseAge(text)
  const at = age === undefined ? parseTime(text, now, 'end') : now + age
  if (at !== undefined && at > now) return at
  throw new WrongUsage(
    `--expires ${text} is no time to come: write how long it is good for ("90 days", 1w) or until when (2027-01-31).`,
  )
}

function appPasswordJson(row: AppPassword): unknown {
  const time = (at: number | undefined): string | null =>
    at === undefined ? null : new Date(at).toISOString()
  return {
    account: displayAddress(row.account),
    name: row.name,
    scopes: row.scopes,
    createdAt: time(row.createdAt),
    expiresAt: time(row.expiresAt),
    lastUsedAt: time(row.lastUsedAt),
  }
}

const accountArgument = (form: string): Argument => new Argument(form).argParser(addressArgument)

export function addAppPasswordCommands(account: Command, run: CommandRun): void {
  const appPassword = addCommand(account, {
    usage: 'app-password',
    summary: 'Passwords of single programs: add, list, remove',
    description:
      'Passwords of single programs of an account, each made by this server. Who loses a phone takes away its password and keeps all others.',
    examples: [
      'account app-password add anna@example.test phone --scope imap --scope smtp',
      'account app-password list',
    ],
  })

  addCommand(appPassword, {
    usage: 'add',
    aliases: ['create'],
    summary: 'Make a password for one program, and show it this once',
    description:
      'Make a password for one program, and show it this once. A mail program reads and sends, so it takes --scope imap and --scope ' +
      'smtp; what only sends, as a printer does, smtp alone.',
    examples: [
      'account app-password add anna@example.test phone --scope imap --scope smtp',
      'account app-password add anna@example.test "office printer" --scope smtp --expires 90d',
    ],
  })
    .addArgument(accountArgument('<address>'))
    .addArgument(new Argument('<name>', 'of the program').argParser(nameArgument))
    .addOption(
      new Option(
        '--scope <protocol>',
        `what it is good for: ${appPasswordScopes.join(', ')}; may be repeated (default: smtp)`,
      ).argParser(scopeArgument),
    )
    .option('--expires <time>', 'how long it is good for, or until when')
    .action(
      perform(
        run,
        async (
          invocation,
          options: { scope?: readonly AppPasswordScope[]; expires?: string },
          address: Address,
          name: string,
        ) => {
          const at = invocation.clock.now()
          const { scope: scopes = ['smtp'], expires } = options
          const expiresAt = expires === undefined ? undefined : parseExpiry(expires, at)
          const password = generatePassword(invocation.random)
          await invocation.withStorage(async storage => {
            const source = { random: invocation.random, at }
            const found = await storage.run(findAccount, { address })
            const secret = await storedAppPassword(
              storage,
              formatAddress(found?.address ?? address),
              password,
              source,
            )
            await storage.run(createAppPassword, { account: address, name, scopes, expiresAt, at, ...secret })
          })
          const until = expiresAt === undefined ? '' : ` until ${formatTime(expiresAt)}`
          const hint =
            options.scope === undefined
              ? '\nIt sends and does not read: a mail program needs --scope imap too.'
              : ''
          invocation.output.result(
            {
              created: name,
              account: displayAddress(address),
              scopes,
              expiresAt: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
              password,
            },
            `App password "${name}" of ${displayAddress(address)}, for ${scopes.join(', ')}${until}.\nPassword: ${password}${hint}`,
          )
        },
      ),
    )

  addCommand(appPassword, {
    usage: 'list',
    summary: 'Show app passwords, all or those of one account, and when each was used last',
    examples: ['account app-password list', 'account app-password list anna@example.test --json'],
  })
    .addArgument(accountArgument('[address]'))
    .action(
      perform(run, async (invocation, _options: object, address?: Address) => {
        const rows = await invocation.withStorage(storage =>
          storage.run(listAppPasswords, { account: address }),
        )
        const time = (at: number | undefined, otherwise: string): string =>
          at === undefined ? otherwise : formatTime(at)
        invocation.output.rows(
          rows,
          [
            { title: 'ACCOUNT', cell: row => displayAddress(row.account) },
            { title: 'NAME', cell: row => row.name },
            { title: 'FOR', cell: row => row.scopes.join(', ') },
            { title: 'EXPIRES', cell: row => time(row.expiresAt, 'never') },
            { title: 'LAST USED', cell: row => time(row.lastUsedAt, 'never') },
          ],
          appPasswordJson,
          'There are no app passwords. Make one: postrider account app-password add anna@example.test phone --scope imap --scope smtp',
        )
      }),
    )

  addCommand(appPassword, {
    usage: 'remove',
    aliases: removeAliases,
    summary: 'Take the password of one program away',
    examples: ['account app-password remove anna@example.test phone'],
  })
    .addArgument(accountArgument('<address>'))
    .addArgument(new Argument('<name>').argParser(nameArgument))
    .action(
      perform(run, async (invocation, _options: object, address: Address, name: string) => {
        await invocation.withStorage(storage =>
          storage.run(removeAppPassword, { account: address, name, at: invocation.clock.now() }),
        )
        invocation.output.result(
          { removed: name, account: displayAddress(address) },
          `Removed the app password "${name}" of ${displayAddress(address)}.`,
        )
      }),
    )
}
