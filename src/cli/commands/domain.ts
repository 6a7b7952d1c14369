// postrider domain: the domains whose mail ends here.
import { Argument, type Command, Option } from 'commander'
import type { Address } from '../../address/address.ts'
import { displayAddress, displayDomain } from '../../directory/display.ts'
import {
  createDomain,
  type DomainSummary,
  findDomain,
  listDomains,
  removeDomain,
  setPostmaster,
} from '../../directory/domains.ts'
import { type ResolvedRecipient, resolveRecipient } from '../../directory/resolve-recipient.ts'
import { WrongUsage } from '../../runtime/fault.ts'
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
    summary: 'Show or change who gets mail for postmaster@ and abuse@',
    description:
      'Show who gets mail for postmaster@ and abuse@ of a domain; with an address, give it to that one. --reset gives it to ' +
      'the first enabled account of the domain, as in the beginning.',
    examples: [
      'domain postmaster example.test',
      'domain postmaster example.test anna@example.test',
      'domain postmaster example.test --reset',
    ],
  })
    .addArgument(new Argument('<domain>').argParser(domainArgument))
    .addArgument(new Argument('[address]', 'who gets it from now on').argParser(addressArgument))
    .option('--reset', 'to the first enabled account of the domain')
    .action(
      perform(
        run,
        async (invocation, { reset }: { reset?: true }, name: string, postmaster: Address | undefined) => {
          if (reset && postmaster)
            throw new WrongUsage('Give either an address or --reset, which means the first enabled account.')
          await invocation.withStorage(async (storage, { hostname }) => {
            if (reset || postmaster) await storage.run(setPostmaster, { domain: name, postmaster })
            const domain = await storage.run(findDomain, { name })
            const [ofPostmaster, ofAbuse] = await Promise.all(
              ['postmaster', 'abuse'].map(async localPart => {
                const question = { address: { localPart, domain: name }, hostname }
                return receiversOf(await storage.run(resolveRecipient, question))
              }),
            )
            invocation.output.result(
              {
                domain: name,
                postmaster: domain.postmaster ? displayAddress(domain.postmaster) : null,
                receivers: { postmaster: ofPostmaster, abuse: ofAbuse },
              },
              describeRoles(displayDomain(name), ofPostmaster ?? [], ofAbuse ?? []),
            )
          })
        },
      ),
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

function receiversOf(resolved: ResolvedRecipient): string[] {
  if (resolved.kind === 'account') return [displayAddress(resolved.address)]
  return resolved.kind === 'redirection' ? resolved.targets.map(displayAddress) : []
}

function describeRoles(domain: string, ofPostmaster: readonly string[], ofAbuse: readonly string[]): string {
  const [first, second] = [ofPostmaster.join(', '), ofAbuse.join(', ')]
  if (first === second) return describeRole(`postmaster@${domain} and abuse@${domain}`, first, domain)
  return [
    describeRole(`postmaster@${domain}`, first, domain),
    describeRole(`abuse@${domain}`, second, domain),
  ].join('\n')
}

function describeRole(role: string, receivers: string, domain: string): string {
  return receivers === ''
    ? `Mail for ${role} is refused: there is no enabled account. Create one: postrider account create <name>@${domain}`
    : `Mail for ${role} goes to ${receivers}.`
}
