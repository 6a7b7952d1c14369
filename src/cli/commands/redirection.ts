// postrider alias, postrider group: addresses whose mail goes to other addresses.
import { Argument, type Command } from 'commander'
import type { Address } from '../../address/address.ts'
import { displayAddress, displayDomain } from '../../directory/display.ts'
import { findDomain } from '../../directory/domains.ts'
import type { Redirection, RedirectionKind } from '../../directory/records.ts'
import {
  changeGroup,
  changeTargets,
  createRedirection,
  listRedirections,
  removeRedirection,
} from '../../directory/redirections.ts'
import { WrongUsage } from '../../runtime/fault.ts'
import { addressArgument, addressesArgument, aliasArgument, domainArgument } from '../arguments.ts'
import { addCommand, type CommandRun, createAliases, perform, removeAliases } from '../command.ts'

interface Words {
  readonly kind: RedirectionKind
  /** What it leads to. */
  readonly target: 'target' | 'member'
  readonly summary: string
  readonly create: string
  /** Of the address in examples. */
  readonly localPart: string
  readonly moreExamples: readonly string[]
  readonly addressHelp: string
  readonly parseAddress: (text: string) => Address
}

const alias: Words = {
  kind: 'alias',
  target: 'target',
  summary: 'Aliases: other names of accounts, here or elsewhere; @domain is a catch-all',
  create: 'Create an alias; its targets receive its mail, and those of this server may send as it',
  localPart: 'info',
  moreExamples: ['alias create @example.test anna@example.test'],
  addressHelp: 'its name; @example.test is the catch-all of a domain',
  parseAddress: aliasArgument,
}

const group: Words = {
  kind: 'group',
  target: 'member',
  summary: 'Groups: addresses whose mail goes to each member',
  create: 'Create a group',
  localPart: 'team',
  moreExamples: [],
  addressHelp: 'its name',
  parseAddress: addressArgument,
}

export function addAliasCommand(program: Command, run: CommandRun): void {
  addRedirectionCommand(program, run, alias)
}

export function addGroupCommand(program: Command, run: CommandRun): void {
  addGroupChangeCommand(addRedirectionCommand(program, run, group), run)
}

interface GroupOptions {
  readonly name?: string
  readonly membersSend?: boolean
}

function addGroupChangeCommand(parent: Command, run: CommandRun): void {
  addCommand(parent, {
    usage: 'change',
    summary: 'Change the name of a group, or whether its members may send as it',
    description:
      'Change the name of a group, or whether its members may send as it: with the address of the group as the sender, beside ' +
      'their own. That is for accounts of this server that the group itself names, by their own addresses.',
    examples: [
      'group change team@example.test --members-send',
      'group change team@example.test --name "The team"',
    ],
  })
    .addArgument(new Argument('<address>').argParser(addressArgument))
    .option('--name <name>', 'a name to show beside the address')
    .option('--members-send', 'its members may send as the group')
    .option('--no-members-send', 'its members send as themselves')
    .action(
      perform(run, async (invocation, options: GroupOptions, address: Address) => {
        const { name, membersSend } = options
        if (name === undefined && membersSend === undefined)
          throw new WrongUsage('Say what to change: --name <name>, --members-send or --no-members-send.')
        await invocation.withStorage(storage => storage.run(changeGroup, { address, name, membersSend }))
        invocation.output.result(
          { changed: displayAddress(address), ...options },
          `Changed ${displayAddress(address)}.`,
        )
      }),
    )
}

function redirectionJson(redirection: Redirection): unknown {
  const targets = redirection.targets.map(displayAddress)
  const address = displayAddress(redirection.address)
  const createdAt = new Date(redirection.createdAt).toISOString()
  return redirection.kind === 'alias'
    ? { address, targets, createdAt }
    : {
        address,
        name: redirection.name,
        members: targets,
        membersSend: redirection.membersSend,
        createdAt,
      }
}

function addRedirectionCommand(program: Command, run: CommandRun, words: Words): Command {
  const { kind, target, localPart } = words
  const example = `${localPart}@example.test`
  const parent = addCommand(program, {
    usage: kind,
    summary: words.summary,
    examples: [`${kind} create ${example} anna@example.test boris@example.test`, `${kind} list`],
  })

  const create = addCommand(parent, {
    usage: 'create',
    aliases: createAliases,
    summary: words.create,
    examples: [`${kind} create ${example} anna@example.test`, ...words.moreExamples],
  })
    .addArgument(new Argument('<address>', words.addressHelp).argParser(words.parseAddress))
    .addArgument(new Argument(`<${target}s...>`, 'who gets its mail').argParser(addressesArgument))
  if (kind === 'group') {
    create.option('--name <name>', 'a name to show beside the address')
    create.option('--members-send', 'its members may send as the group')
  }
  create.action(
    perform(run, async (invocation, options: GroupOptions, address: Address, targets: Address[]) => {
      const { name = '', membersSend } = options
      const input = { kind, address, name, targets, membersSend, at: invocation.clock.now() }
      await invocation.withStorage(storage => storage.run(createRedirection, input))
      invocation.output.result(
        { created: displayAddress(address), [`${target}s`]: targets.map(displayAddress) },
        `Created the ${kind} ${displayAddress(address)} → ${targets.map(displayAddress).join(', ')}.`,
      )
    }),
  )

  for (const verb of ['add', 'remove'] as const) {
    addCommand(parent, {
      usage: `${verb}-${target}`,
      summary: verb === 'add' ? `Add ${target}s` : `Take ${target}s out; the last one stays`,
      examples: [`${kind} ${verb}-${target} ${example} boris@example.test`],
    })
      .addArgument(new Argument('<address>').argParser(words.parseAddress))
      .addArgument(new Argument(`<${target}s...>`).argParser(addressesArgument))
      .action(
        perform(run, async (invocation, _options: object, address: Address, changed: Address[]) => {
          const input = {
            kind,
            address,
            add: verb === 'add' ? changed : [],
            remove: verb === 'remove' ? changed : [],
          }
          const { targets } = await invocation.withStorage(storage => storage.run(changeTargets, input))
          invocation.output.result(
            { changed: displayAddress(address), [`${target}s`]: targets.map(displayAddress) },
            `${displayAddress(address)} → ${targets.map(displayAddress).join(', ')}`,
          )
        }),
      )
  }

  addCommand(parent, {
    usage: 'list',
    summary: `Show each ${kind} with its ${target}s, all or those of one domain`,
    examples: [`${kind} list`, `${kind} list example.test --json`],
  })
    .addArgument(new Argument('[domain]').argParser(domainArgument))
    .action(
      perform(run, async (invocation, _options: object, domain?: string) => {
        const rows = await invocation.withStorage(async storage => {
          if (domain !== undefined) await storage.run(findDomain, { name: domain })
          return await storage.run(listRedirections, { kind, domain })
        })
        invocation.output.rows(
          rows,
          [
            { title: kind.toUpperCase(), cell: row => displayAddress(row.address) },
            ...(kind === 'group'
              ? [
                  { title: 'NAME', cell: (row: Redirection) => row.name },
                  { title: 'MEMBERS SEND', cell: (row: Redirection) => (row.membersSend ? 'yes' : 'no') },
                ]
              : []),
            { title: `${target.toUpperCase()}S`, cell: row => row.targets.map(displayAddress).join(', ') },
          ],
          redirectionJson,
          domain === undefined
            ? `There is no ${kind} yet. Create one: postrider ${kind} create ${example} anna@example.test`
            : `${displayDomain(domain)} has no ${kind} yet. Create one: postrider ${kind} create ${localPart}@${displayDomain(domain)} anna@example.test`,
        )
      }),
    )

  addCommand(parent, {
    usage: 'remove',
    aliases: removeAliases,
    summary: `Remove the ${kind}; its ${target}s stay`,
    examples: [`${kind} remove ${example}`],
  })
    .addArgument(new Argument('<address>').argParser(words.parseAddress))
    .action(
      perform(run, async (invocation, _options: object, address: Address) => {
        await invocation.withStorage(storage => storage.run(removeRedirection, { kind, address }))
        invocation.output.result(
          { removed: displayAddress(address) },
          `Removed the ${kind} ${displayAddress(address)}.`,
        )
      }),
    )
  return parent
}
