// postrider domain: the domains whose mail ends here, and those that this server relays for others.
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
import type { RelayDomain } from '../../directory/records.ts'
import {
  changeRelayDomain,
  createRelayDomain,
  findRelayDomain,
  listRelayDomains,
  removeRelayDomain,
  showRelayDomain,
} from '../../directory/relay-domains.ts'
import { type ResolvedRecipient, resolveRecipient } from '../../directory/resolve-recipient.ts'
import { WrongUsage } from '../../runtime/fault.ts'
import { ensureFirstKeys } from '../../signing/ensure-keys.ts'
import { addressArgument, domainArgument } from '../arguments.ts'
import { addCommand, type CommandRun, createAliases, perform, removeAliases } from '../command.ts'
import { formatCount } from '../quantities.ts'
import { addDomainDkimCommand } from './domain-dkim.ts'
import { addDomainDnsCommand } from './domain-dns.ts'
import { addDomainQuotaCommand } from './quota.ts'

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

function relayJson(domain: RelayDomain): unknown {
  return {
    name: domain.name,
    displayName: displayDomain(domain.name),
    relay: {
      keepsUntilFetched: domain.keepsUntilFetched,
      etrn: domain.anyoneStarts ? 'anyone' : 'owner',
      owner: domain.owner ? displayAddress(domain.owner) : null,
    },
    createdAt: new Date(domain.createdAt).toISOString(),
  }
}

type ListedDomain = { readonly own: DomainSummary } | { readonly relay: RelayDomain }

const counted =
  (count: (own: DomainSummary) => number) =>
  (row: ListedDomain): string =>
    'own' in row ? String(count(row.own)) : '-'

/** What becomes of its mail. */
function wayOf(row: ListedDomain): string {
  if ('own' in row) return 'delivered here'
  return row.relay.keepsUntilFetched ? 'kept until fetched' : 'relayed'
}

function ownerOf(row: ListedDomain): string {
  if ('own' in row) return row.own.postmaster ? displayAddress(row.own.postmaster) : '(first account)'
  return row.relay.owner ? `fetched by ${displayAddress(row.relay.owner)}` : '-'
}

interface CreateOptions {
  readonly postmaster?: Address
  readonly relay?: true
  readonly keepUntilFetched?: true
  readonly owner?: Address
  readonly etrn?: 'owner' | 'anyone'
}

interface RelayOptions {
  readonly keepUntilFetched?: true
  readonly deliver?: true
  readonly owner?: Address | false
  readonly etrn?: 'owner' | 'anyone'
}

function etrnOption(): Option {
  return new Option('--etrn <who>', 'who may ask for attempts now (ETRN); default: its owner').choices([
    'owner',
    'anyone',
  ])
}

/** What comes of it, in sentences. */
function describeRelay({
  name,
  keepsUntilFetched,
  anyoneStarts,
  owner,
}: Omit<RelayDomain, 'id' | 'createdAt'>): string {
  const domain = displayDomain(name)
  const way = keepsUntilFetched
    ? `Mail for ${domain} is kept here until its own server fetches it.`
    : `Mail for ${domain} is kept here until the mail hosts that the DNS names before this server take it.`
  const fetching = owner
    ? `Its server logs in as ${displayAddress(owner)} (ATRN, TURN, ETRN).`
    : keepsUntilFetched
      ? `Nobody can fetch it yet: name the account of its server, postrider domain relay ${domain} --owner <account>`
      : ''
  const asking = anyoneStarts ? 'Whoever connects may ask for attempts (ETRN).' : ''
  return [way, fetching, asking].filter(sentence => sentence !== '').join('\n')
}

export function addDomainCommand(program: Command, run: CommandRun): void {
  const domain = addCommand(program, {
    usage: 'domain',
    summary: 'Domains of this server: create, list, remove',
    examples: ['domain create example.test', 'domain list'],
  })

  addCommand(domain, {
    usage: 'create',
    aliases: createAliases,
    summary: 'Make a domain one of this server, or one that it relays',
    description:
      'Make a domain one of this server. With --relay its mail belongs on another server: this one takes it from anywhere and ' +
      'keeps it until that server is back (backup MX) or, with --keep-until-fetched, until that server fetches it.',
    examples: [
      'domain create example.test',
      'domain create почта.рф --postmaster anna@example.test',
      'domain create example.org --relay',
      'domain create example.org --relay --keep-until-fetched --owner customer@example.test',
    ],
  })
    .addArgument(new Argument('<domain>', 'its name, in any script').argParser(domainArgument))
    .addOption(
      new Option('--postmaster <address>', 'where mail for postmaster@ and abuse@ goes').argParser(
        addressArgument,
      ),
    )
    .option('--relay', 'its mail belongs on another server, for which it is kept')
    .option('--keep-until-fetched', 'without attempts to deliver it (with --relay)')
    .addOption(
      new Option('--owner <account>', 'with which its server logs in to fetch it (with --relay)').argParser(
        addressArgument,
      ),
    )
    .addOption(etrnOption())
    .action(
      perform(run, async (invocation, options: CreateOptions, name: string) => {
        const at = invocation.clock.now()
        if (options.relay) {
          if (options.postmaster)
            throw new WrongUsage(
              'A domain that is relayed has its postmaster on its own server: leave --postmaster out.',
            )
          const relay = {
            name,
            keepsUntilFetched: options.keepUntilFetched === true,
            anyoneStarts: options.etrn === 'anyone',
            owner: options.owner,
          }
          await invocation.withStorageToBegin(storage => storage.run(createRelayDomain, { ...relay, at }))
          invocation.output.result({ created: name }, describeRelay(relay))
          return
        }
        if (options.keepUntilFetched || options.owner || options.etrn)
          throw new WrongUsage(
            '--keep-until-fetched, --owner and --etrn are about domains that are relayed: add --relay.',
          )
        const input = { name, postmaster: options.postmaster, at }
        await invocation.withStorageToBegin(async (storage, { dkim }) => {
          await storage.run(createDomain, input)
          if (dkim.sign) await ensureFirstKeys(storage, name, at)
        })
        invocation.output.result(
          { created: name },
          `Created the domain ${displayDomain(name)}.\nThe DNS records that it needs: postrider domain dns ${displayDomain(name)}`,
        )
      }),
    )

  addCommand(domain, {
    usage: 'list',
    summary: 'Show the domains with what they contain',
    examples: ['domain list'],
  }).action(
    perform(run, async invocation => {
      const rows = await invocation.withStorage(async storage => [
        ...(await storage.run(listDomains, undefined)).map((own): ListedDomain => ({ own })),
        ...(await storage.run(listRelayDomains, undefined)).map((relay): ListedDomain => ({ relay })),
      ])
      invocation.output.rows(
        rows,
        [
          { title: 'DOMAIN', cell: row => displayDomain('own' in row ? row.own.name : row.relay.name) },
          { title: 'MAIL', cell: wayOf },
          { title: 'ACCOUNTS', align: 'right', cell: counted(own => own.accounts) },
          { title: 'ALIASES', align: 'right', cell: counted(own => own.aliases) },
          { title: 'GROUPS', align: 'right', cell: counted(own => own.groups) },
          { title: 'POSTMASTER', cell: ownerOf },
        ],
        row => ('own' in row ? domainJson(row.own) : relayJson(row.relay)),
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
    usage: 'relay',
    summary: 'Show or change how a domain of another server is relayed',
    description:
      'Show how mail for a domain of another server is kept for it; with options, change that. Mail that waits goes the new way ' +
      'at once.',
    examples: [
      'domain relay example.org',
      'domain relay example.org --keep-until-fetched --owner customer@example.test',
      'domain relay example.org --deliver --no-owner',
    ],
  })
    .addArgument(new Argument('<domain>').argParser(domainArgument))
    .option('--keep-until-fetched', 'its server fetches its mail: no attempts to deliver it')
    .option('--deliver', 'attempts to deliver it to its mail hosts')
    .addOption(new Option('--owner <account>', 'with which its server logs in').argParser(addressArgument))
    .option('--no-owner', 'nobody may fetch it')
    .addOption(etrnOption())
    .action(
      perform(run, async (invocation, options: RelayOptions, name: string) => {
        if (options.keepUntilFetched && options.deliver)
          throw new WrongUsage('Give either --keep-until-fetched or --deliver.')
        const { owner } = options
        const change = {
          name,
          keepsUntilFetched: options.keepUntilFetched ?? (options.deliver ? false : undefined),
          anyoneStarts: options.etrn && options.etrn === 'anyone',
          owner: owner === false ? null : owner,
        }
        const changes = Object.keys(options).length > 0
        const relay = await invocation.withStorage(async storage =>
          changes
            ? await storage.run(changeRelayDomain, { ...change, at: invocation.clock.now() })
            : await storage.run(showRelayDomain, { name }),
        )
        invocation.output.result(relayJson(relay), describeRelay(relay))
      }),
    )

  addDomainDkimCommand(domain, run)
  addDomainQuotaCommand(domain, run)
  addDomainDnsCommand(domain, run)

  addCommand(domain, {
    usage: 'remove',
    aliases: removeAliases,
    summary: 'Remove a domain; refused while there is anything in it, unless forced',
    examples: ['domain remove example.test', 'domain remove example.test --force'],
  })
    .addArgument(new Argument('<domain>').argParser(domainArgument))
    .option('--force', 'remove its accounts with all their mail, its aliases and groups too')
    .action(
      perform(run, async (invocation, options: { force?: true }, name: string) => {
        const input = { name, withContents: options.force === true }
        const relay = await invocation.withStorage(async storage => {
          const found = await storage.run(findRelayDomain, { name })
          if (found) await storage.run(removeRelayDomain, { name, at: invocation.clock.now() })
          return found
        })
        if (relay) {
          invocation.output.result(
            { removed: relayJson(relay) },
            `Mail for ${displayDomain(name)} is relayed no longer. What waits goes where the DNS says.`,
          )
          return
        }
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
    ? `Mail for ${role} is put off (450): there is no enabled account. Create one: postrider account create <name>@${domain}`
    : `Mail for ${role} goes to ${receivers}.`
}
