// postrider domain: the domains whose mail ends here.
import { Argument, type Command, Option } from 'commander'
import type { Address } from '../../address/address.ts'
import { displayAddress, displayDomain } from '../../directory/display.ts'
import {
  createDomain,
  type DomainSummary,
  listDomains,
  removeDomain,
  setPostmaster,
} from '../../directory/domains.ts'
import { addressArgument, domainArgument } from '../arguments.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { formatCount } from '../quantities.ts'

function domainJson(domain: DomainSummary): unknown {
  return {
    name: domain.name,
    displayName: displayDomain(domain.name),
    postmaster: domain.postmaster ? displayAddress(domain.postmaster) : null,
    accounts: domain.accounts,
    aliases: domain.aliases,
    groups: domain.groups,
    createdAt: new Date(domain.createdAt).toISOString(),
  }
}

export function addDomainCommand(program: Command, run: CommandRun): void {
  const domain = addCommand(program, {
    usage: 'domain',
    summary: 'Domains of this server: create, list, remove',
    examples: ['domain create example.test', 'domain list'],
  })

  addCommand(domain, {
    usage: 'create',
    summary: 'Make a domain one of this server',
    examples: ['domain create example.test', 'domain create почта.рф --postmaster anna@example.test'],
  })
    .addArgument(new Argument('<domain>', 'its name, in any script').argParser(domainArgument))
    .addOption(
      new Option('--postmaster <address>', 'where mail for postmaster@ and abuse@ goes').argParser(
        addressArgument,
      ),
    )
    .action(
      perform(run, async (invocation, options: { postmaster?: Address }, name: string) => {
        const input = { name, postmaster: options.postmaster, at: invocation.clock.now() }
        await invocation.withStorage(storage => storage.run(createDomain, input))
        invocation.output.result({ created: name }, `Created the domain ${displayDomain(name)}.`)
      }),
    )

  addCommand(domain, {
    usage: 'list',
    summary: 'Show the domains with what they contain',
    examples: ['domain list'],
  }).action(
    perform(run, async invocation => {
      const domains = await invocation.withStorage(storage => storage.run(listDomains, undefined))
      invocation.output.rows(
        domains,
        [
          { title: 'DOMAIN', cell: row => displayDomain(row.name) },
          { title: 'ACCOUNTS', align: 'right', cell: row => String(row.accounts) },
          { title: 'ALIASES', align: 'right', cell: row => String(row.aliases) },
          { title: 'GROUPS', align: 'right', cell: row => String(row.groups) },
          {
            title: 'POSTMASTER',
            cell: row => (row.postmaster ? displayAddress(row.postmaster) : '(first account)'),
          },
        ],
        domainJson,
        'There are no domains yet. Create one: postrider domain create example.test',
      )
    }),
  )

  addCommand(domain, {
    usage: 'postmaster',
    summary: 'Say where mail for postmaster@ and abuse@ goes',
    description:
      'Say where mail for postmaster@ and abuse@ of a domain goes. Without an address: to its first enabled account.',
    examples: ['domain postmaster example.test anna@example.test', 'domain postmaster example.test'],
  })
    .addArgument(new Argument('<domain>').argParser(domainArgument))
    .addArgument(new Argument('[address]').argParser(addressArgument))
    .action(
      perform(run, async (invocation, _options: object, name: string, postmaster?: Address) => {
        await invocation.withStorage(storage => storage.run(setPostmaster, { domain: name, postmaster }))
        const where = postmaster ? displayAddress(postmaster) : 'the first account of the domain'
        invocation.output.result(
          { domain: name, postmaster: postmaster ? displayAddress(postmaster) : null },
          `Mail for postmaster@${displayDomain(name)} goes to ${where}.`,
        )
      }),
    )

  addCommand(domain, {
    usage: 'remove',
    summary: 'Remove a domain; refused while there is anything in it, unless forced',
    examples: ['domain remove example.test', 'domain remove example.test --force'],
  })
    .addArgument(new Argument('<domain>').argParser(domainArgument))
    .option('--force', 'remove its accounts with all their mail, its aliases and groups too')
    .action(
      perform(run, async (invocation, options: { force?: true }, name: string) => {
        const input = { name, withContents: options.force === true }
        const { domain: removed, orphanedFiles } = await invocation.withStorage(storage =>
          storage.run(removeDomain, input),
        )
        await invocation.discardMailData(orphanedFiles)
        invocation.output.result(
          { removed: domainJson(removed) },
          `Removed the domain ${displayDomain(name)} with ${formatCount(removed.accounts, 'account')}, ${formatCount(removed.aliases, 'alias', 'aliases')} and ${formatCount(removed.groups, 'group')}.`,
        )
      }),
    )
}
