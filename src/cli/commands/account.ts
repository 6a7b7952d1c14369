// postrider account: who logs in, sends and receives here.
import { Argument, type Command, Option } from 'commander'
import type { Address } from '../../address/address.ts'
import { addressKey } from '../../address/address-key.ts'
import { formatAddress } from '../../address/format-address.ts'
import { mechanismsOf, type Settings, usualQuotaOf } from '../../config/settings.ts'
import {
  changeAccount,
  createAccount,
  forgiveLogIns,
  listAccounts,
  removeAccount,
} from '../../directory/accounts.ts'
import { problemOfPassword } from '../../directory/credentials.ts'
import { displayAddress, displayDomain } from '../../directory/display.ts'
import { findDomain } from '../../directory/domains.ts'
import { generatePassword } from '../../directory/generate-password.ts'
import { type StoredPassword, storedPassword } from '../../directory/new-password.ts'
import type { Account } from '../../directory/records.ts'
import { noLimit, type Quota } from '../../mailbox/quota.ts'
import { type AccountQuota, listQuotas } from '../../mailbox/quota-operations.ts'
import { type AccountHold, endAccountHold, holdAccount, listAccountHolds } from '../../queue/account-holds.ts'
import {
  type Administered,
  type Administration,
  holdRecipients,
  releaseRecipients,
} from '../../queue/administer.ts'
import { findRecipients } from '../../queue/find-recipients.ts'
import type { Language, RecipientState } from '../../queue/records.ts'
import { WrongUsage } from '../../runtime/fault.ts'
import { formatSize } from '../../runtime/format-size.ts'
import { scramHashesOf } from '../../sasl/mechanisms.ts'
import type { Operation } from '../../storage/operation.ts'
import { accountIdOf } from '../account-id.ts'
import { addressArgument, domainArgument } from '../arguments.ts'
import { addCommand, type CommandRun, createAliases, perform, removeAliases } from '../command.ts'
import type { Invocation } from '../invocation.ts'
import type { CommandStorage } from '../open-storage.ts'
import { askPassword } from '../prompt.ts'
import { formatCount } from '../quantities.ts'
import { addAppPasswordCommands } from './app-password.ts'
import { addAccountQuotaCommands, quotaJson } from './quota.ts'

interface ListedAccount extends Account {
  readonly hold: AccountHold | undefined
  readonly quota: Pick<Quota, 'used' | 'limit'>
}

function accountJson({ hold, quota, ...account }: ListedAccount): unknown {
  return {
    id: account.id,
    address: displayAddress(account.address),
    name: account.name,
    language: account.language,
    enabled: account.enabled,
    ldap: account.outside,
    createdAt: new Date(account.createdAt).toISOString(),
    ...quotaJson(quota),
    onHold: hold ? { since: new Date(hold.since).toISOString(), reason: hold.reason } : null,
  }
}

/** Recipients of one write: few enough that nobody waits for it. */
const recipientsPerPage = 500
const accountsPerPage = 1000

/** All that the account has in the queue in this state; returns how many it was done to. */
async function administerAll(
  invocation: Invocation,
  storage: CommandStorage,
  address: Address,
  operation: Operation<Administration, Administered>,
  state: RecipientState,
): Promise<number> {
  const selection = { account: addressKey(address), state }
  let done = 0
  for (let afterId: number | undefined = 0; afterId !== undefined; ) {
    const recipientIds: number[] = await storage.run(findRecipients, {
      selection,
      afterId,
      limit: recipientsPerPage,
    })
    afterId = recipientIds.length < recipientsPerPage ? undefined : recipientIds.at(-1)
    if (recipientIds.length === 0) break
    done += (await storage.run(operation, { recipientIds, at: invocation.clock.now() })).recipients
  }
  return done
}

/** Of all accounts, by their ids. */
async function quotasOf(storage: CommandStorage, settings: Settings): Promise<ReadonlyMap<number, Quota>> {
  const usual = usualQuotaOf(settings.mailboxes)
  const quotas = new Map<number, Quota>()
  for (let after: number | undefined = 0; after !== undefined; ) {
    const page: readonly AccountQuota[] = await storage.run(listQuotas, {
      usual,
      after,
      limit: accountsPerPage,
    })
    for (const quota of page) quotas.set(quota.accountId, quota)
    after = page.at(-1)?.accountId
  }
  return quotas
}

/** '1.2 GB of 5.0 GB, 300 of 1000 messages' */
function describeUsed({ used, limit }: Pick<Quota, 'used' | 'limit'>): string {
  const messages = limit.messages > 0 ? `, ${used.messages} of ${limit.messages} messages` : ''
  return `${formatSize(used.bytes)}${limit.bytes > 0 ? ` of ${formatSize(limit.bytes)}` : ''}${messages}`
}

interface PasswordOptions {
  readonly password?: string
  readonly passwordStdin?: true
  readonly generate?: true
}

/** The password, and whether this server made it up: then it is shown, once. */
async function choosePassword(
  invocation: Invocation,
  options: PasswordOptions,
  otherwise: 'generate' | 'ask',
): Promise<{ readonly password: string; readonly generated: boolean }> {
  const { keyboard, stderr } = invocation.surroundings
  const ask = async (label: string): Promise<string> => await askPassword(label, keyboard, stderr)
  const chosen = (password: string): { readonly password: string; readonly generated: boolean } => {
    const problem = problemOfPassword(password)
    if (problem === undefined) return { password, generated: false }
    const generate = otherwise === 'generate' ? 'Without one, a password' : 'With --generate, one'
    throw new WrongUsage(`${problem} ${generate} is made up and shown.`)
  }
  if (options.password !== undefined) return chosen(options.password)
  if (options.passwordStdin) return chosen(await ask('Password: '))
  if (options.generate || otherwise === 'generate')
    return { password: generatePassword(invocation.random), generated: true }
  return chosen(await ask('New password: '))
}

/** What is kept of a password. */
async function keep(
  { random, clock }: Invocation,
  storage: CommandStorage,
  settings: Settings,
  address: Address,
  password: string,
): Promise<StoredPassword> {
  const scramHashes = scramHashesOf(mechanismsOf(settings.login))
  return await storedPassword(storage, formatAddress(address), password, {
    random,
    at: clock.now(),
    scramHashes,
  })
}

const languageOption = (): Option =>
  new Option('--language <language>', 'of the reports it gets').choices(['en', 'ru'])

function addPasswordOptions(command: Command): Command {
  return command
    .option(
      '--password <password>',
      'the password; others on this machine may see it in the list of processes',
    )
    .option('--password-stdin', 'read the password from stdin')
}

export function addAccountCommand(program: Command, run: CommandRun): void {
  const account = addCommand(program, {
    usage: 'account',
    summary: 'Accounts: create, change, unlock, hold, release, list, remove',
    examples: ['account create anna@example.test', 'account list'],
  })

  addPasswordOptions(
    addCommand(account, {
      usage: 'create',
      aliases: createAliases,
      summary: 'Create an account; without a password, one is made up and shown',
      examples: [
        'account create anna@example.test',
        'account create anna@example.test --language ru --password-stdin < file',
      ],
    }).addArgument(new Argument('<address>', 'also its name at log-in').argParser(addressArgument)),
  )
    .option('--name <name>', 'a name to show beside the address')
    .addOption(languageOption())
    .option('--disabled', 'neither logs in nor receives until it is enabled')
    .action(
      perform(
        run,
        async (
          invocation,
          options: PasswordOptions & { name?: string; language?: Language; disabled?: true },
          address: Address,
        ) => {
          const { password, generated } = await choosePassword(invocation, options, 'generate')
          await invocation.withStorage(async (storage, settings) =>
            storage.run(createAccount, {
              address,
              name: options.name ?? '',
              ...(await keep(invocation, storage, settings, address, password)),
              language: options.language ?? settings.language,
              enabled: options.disabled !== true,
              at: invocation.clock.now(),
            }),
          )
          invocation.output.result(
            { created: displayAddress(address), ...(generated ? { password } : {}) },
            `Created the account ${displayAddress(address)}.${generated ? `\nPassword: ${password}` : ''}`,
          )
        },
      ),
    )

  addPasswordOptions(
    addCommand(account, {
      usage: 'password',
      summary: 'Set a new password',
      description:
        'Set a new password: typed, from stdin, or made up and shown (--generate). An account of LDAP is one of this server from ' +
        'then on, and LDAP is not asked about it any more.',
      examples: ['account password anna@example.test', 'account password anna@example.test --generate'],
    }).addArgument(new Argument('<address>').argParser(addressArgument)),
  )
    .option('--generate', 'make up a password and show it')
    .action(
      perform(run, async (invocation, options: PasswordOptions, address: Address) => {
        const { password, generated } = await choosePassword(invocation, options, 'ask')
        await invocation.withStorage(async (storage, settings) =>
          storage.run(changeAccount, {
            at: invocation.clock.now(),
            address,
            ...(await keep(invocation, storage, settings, address, password)),
          }),
        )
        invocation.output.result(
          { changed: displayAddress(address), ...(generated ? { password } : {}) },
          `${displayAddress(address)} has a new password.${generated ? `\nPassword: ${password}` : ''}`,
        )
      }),
    )

  for (const [usage, enabled] of [
    ['enable', true],
    ['disable', false],
  ] as const) {
    addCommand(account, {
      usage,
      summary: enabled
        ? 'Let a disabled account log in and receive again'
        : 'Let an account neither log in nor receive; its mail stays',
      examples: [`account ${usage} anna@example.test`],
    })
      .addArgument(new Argument('<address>').argParser(addressArgument))
      .action(
        perform(run, async (invocation, _options: object, address: Address) => {
          await invocation.withStorage(storage => storage.run(changeAccount, { address, enabled }))
          invocation.output.result(
            { changed: displayAddress(address), enabled },
            `${displayAddress(address)} is ${enabled ? 'enabled' : 'disabled'}.`,
          )
        }),
      )
  }

  addCommand(account, {
    usage: 'hold',
    summary: 'Hold the mail that an account sends',
    description:
      'Hold the mail that an account sends: what waits in the queue, and what it still sends, when its turn comes. It can log ' +
      'in and gets mail as before. The server does so by itself when an account suddenly sends as a stranger with its password ' +
      'would (submission.holdSuspects).',
    examples: ['account hold anna@example.test', 'account hold anna@example.test --reason "asked her"'],
  })
    .addArgument(new Argument('<address>').argParser(addressArgument))
    .option('--reason <text>', 'for whoever looks at it later')
    .action(
      perform(run, async (invocation, { reason }: { reason?: string }, address: Address) => {
        const { isNew, recipients } = await invocation.withStorage(async storage => {
          const accountId = await accountIdOf(storage, address)
          const hold = {
            accountId,
            since: invocation.clock.now(),
            reason: reason ?? 'an administrator wants it',
          }
          return {
            isNew: await storage.run(holdAccount, hold),
            recipients: await administerAll(invocation, storage, address, holdRecipients, 'ready'),
          }
        })
        const shown = displayAddress(address)
        invocation.output.result(
          { held: shown, isNew, recipients },
          `The mail of ${shown} ${isNew ? 'is' : 'was already'} on hold (${formatCount(recipients, 'recipient')} in the queue). "postrider queue list --account ${shown}" shows it; "postrider account release ${shown}" lets it go.`,
        )
      }),
    )

  addCommand(account, {
    usage: 'release',
    summary: 'Let the mail go that an account sends',
    description:
      'Let the mail go that an account sends, and all of it that is held. For a day it is not held again by itself. If a ' +
      'stranger had its password: set a new one first, and take out of the queue what the stranger sent.',
    examples: ['account release anna@example.test'],
  })
    .addArgument(new Argument('<address>').argParser(addressArgument))
    .action(
      perform(run, async (invocation, _options: object, address: Address) => {
        const { wasHeld, recipients } = await invocation.withStorage(async storage => {
          const accountId = await accountIdOf(storage, address)
          return {
            wasHeld: await storage.run(endAccountHold, { accountId, at: invocation.clock.now() }),
            recipients: await administerAll(invocation, storage, address, releaseRecipients, 'held'),
          }
        })
        const shown = displayAddress(address)
        invocation.output.result(
          { released: shown, wasHeld, recipients },
          wasHeld
            ? `The mail of ${shown} goes again (${formatCount(recipients, 'recipient')} released).`
            : `${shown} was not on hold (${formatCount(recipients, 'recipient')} released).`,
        )
      }),
    )

  addCommand(account, {
    usage: 'unlock',
    summary: 'Let somebody log in again at once who was held back for wrong passwords',
    description:
      'Let somebody log in again at once who was held back for wrong passwords (login.blockMinutes): those with the name of this ' +
      'account count from now on. A new password does the same, and a new app password.',
    examples: ['account unlock anna@example.test'],
  })
    .addArgument(new Argument('<address>').argParser(addressArgument))
    .action(
      perform(run, async (invocation, _options: object, address: Address) => {
        await invocation.withStorage(storage =>
          storage.run(forgiveLogIns, { address, at: invocation.clock.now() }),
        )
        const shown = displayAddress(address)
        invocation.output.result(
          { unlocked: shown },
          `Wrong passwords for ${shown} count from now on. "postrider trace ${shown}" shows those there were.`,
        )
      }),
    )

  addCommand(account, {
    usage: 'change',
    summary: 'Change the name or the language of an account',
    examples: [
      'account change anna@example.test --language ru',
      'account change anna@example.test --name "Front desk"',
    ],
  })
    .addArgument(new Argument('<address>').argParser(addressArgument))
    .option('--name <name>', 'a name to show beside the address')
    .addOption(languageOption())
    .action(
      perform(run, async (invocation, options: { name?: string; language?: Language }, address: Address) => {
        if (options.name === undefined && options.language === undefined)
          throw new WrongUsage('Say what to change: --name <name> or --language <language>.')
        await invocation.withStorage(storage => storage.run(changeAccount, { address, ...options }))
        invocation.output.result(
          { changed: displayAddress(address), ...options },
          `Changed ${displayAddress(address)}.`,
        )
      }),
    )

  addAppPasswordCommands(account, run)
  addAccountQuotaCommands(account, run)

  addCommand(account, {
    usage: 'list',
    summary: 'Show the accounts, all or those of one domain',
    examples: ['account list', 'account list example.test --json'],
  })
    .addArgument(new Argument('[domain]').argParser(domainArgument))
    .action(
      perform(run, async (invocation, _options: object, domain?: string) => {
        const accounts = await invocation.withStorage(async (storage, settings): Promise<ListedAccount[]> => {
          if (domain !== undefined) await storage.run(findDomain, { name: domain })
          const holds = await storage.run(listAccountHolds, undefined)
          const held = new Map(holds.map(hold => [hold.accountId, hold]))
          const quotas = await quotasOf(storage, settings)
          const listed = await storage.run(listAccounts, { domain })
          return listed.map(account => ({
            ...account,
            hold: held.get(account.id),
            quota: quotas.get(account.id) ?? { used: noLimit, limit: noLimit },
          }))
        })
        invocation.output.rows(
          accounts,
          [
            { title: 'ADDRESS', cell: row => displayAddress(row.address) },
            { title: 'NAME', cell: row => row.name },
            { title: 'LANGUAGE', cell: row => row.language },
            { title: 'USED', cell: row => describeUsed(row.quota) },
            {
              title: 'STATE',
              cell: row =>
                `${row.enabled ? 'enabled' : 'disabled'}${row.outside ? ', of LDAP' : ''}${row.hold ? ', its mail on hold' : ''}`,
            },
          ],
          accountJson,
          domain === undefined
            ? 'There are no accounts yet. Create one: postrider account create anna@example.test'
            : `${displayDomain(domain)} has no accounts yet. Create one: postrider account create anna@${displayDomain(domain)}`,
        )
      }),
    )

  addCommand(account, {
    usage: 'remove',
    aliases: removeAliases,
    summary: 'Remove an account; refused while it has mail or is a target, unless forced',
    examples: ['account remove anna@example.test', 'account remove anna@example.test --force'],
  })
    .addArgument(new Argument('<address>').argParser(addressArgument))
    .option('--force', 'remove it with its mail, and from the aliases and groups that name it')
    .action(
      perform(run, async (invocation, options: { force?: true }, address: Address) => {
        const input = { address, withContents: options.force === true }
        const { unlinkedFrom, orphanedFiles } = await invocation.withStorage(storage =>
          storage.run(removeAccount, input),
        )
        await invocation.discardMailData(orphanedFiles)
        const also = unlinkedFrom.length > 0 ? ` It was also taken out of ${unlinkedFrom.join(', ')}.` : ''
        invocation.output.result(
          { removed: displayAddress(address), unlinkedFrom },
          `Removed the account ${displayAddress(address)}.${also}`,
        )
      }),
    )
}
