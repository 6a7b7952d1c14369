// postrider doctor: what is wrong with this server as others see it, what that costs, and how to mend it.
import { isIP } from 'node:net'
import { Argument, type Command, InvalidArgumentError, Option } from 'commander'
import { parseDomain } from '../../address/parse-domain.ts'
import { parseDnsServer } from '../../config/setting-text.ts'
import { ownStsPolicy, type Settings } from '../../config/settings.ts'
import { findDomain, listDomains } from '../../directory/domains.ts'
import { resolveRecipient } from '../../directory/resolve-recipient.ts'
import { createInspector } from '../../dns/inspector.ts'
import { createResolver, systemServers } from '../../dns/resolver.ts'
import type { TimeServer } from '../../doctor/ask-time.ts'
import { asList, usualAddressLists, usualDomainLists } from '../../doctor/checks/block-lists.ts'
import { usualPeers } from '../../doctor/checks/outward.ts'
import { findDefaultSources } from '../../doctor/default-source.ts'
import { examine } from '../../doctor/examine.ts'
import { kindOf, type OwnServer, type SendingAddress } from '../../doctor/own-server.ts'
import { isPublicAddress } from '../../doctor/public-address.ts'
import { composeReport, formatReport, isAnythingWrong } from '../../doctor/report.ts'
import type { World } from '../../doctor/world.ts'
import { publicAddressesOf } from '../../setup/public-addresses.ts'
import { listDkimKeys } from '../../signing/operations.ts'
import { connectSmtp } from '../../smtp/client/connect.ts'
import { createStsFetcher } from '../../tls-policy/fetch-sts-policy.ts'
import { publicAddressArgument } from '../arguments.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { isForOthers } from '../for-others.ts'
import type { Invocation } from '../invocation.ts'
import type { CommandStorage } from '../open-storage.ts'
import { askRunningServer } from '../running-server.ts'

interface DoctorOptions {
  readonly publicAddress?: readonly string[]
  readonly peer?: readonly string[]
  readonly blockList?: readonly string[]
  readonly domainBlockList?: readonly string[]
  readonly timeServer?: TimeServer
  readonly otherPort?: OtherPorts
}

type OtherPorts = Readonly<Partial<Record<'dns' | 'https', number>>>

export function addDoctorCommand(program: Command, run: CommandRun): void {
  addCommand(program, {
    usage: 'doctor',
    summary: 'Look at this server as others see it: what is wrong, what it costs and how to mend it',
    description:
      'Look at this server as others see it: the DNS records of its domains, on each of their name servers and in the public ' +
      'view, PTR, its ports and certificates at its public addresses, whether it relays for strangers, whether the provider lets it send, ' +
      'block lists, DNSSEC, the clock. Says what is wrong, what that costs and how to mend it; and what could not be checked, ' +
      'and why. It asks servers on the internet, and sends no mail. It ends with 0 when nothing is wrong, else with 1. ' +
      'Of the domains of this server it looks at all, or at those named. "postrider check" looks at the settings and this machine.',
    examples: [
      'doctor',
      'doctor example.test',
      'doctor --public-address 192.0.2.1',
      'doctor --time-server 192.0.2.123 --json',
    ],
  })
    .addArgument(new Argument('[domains...]', 'of this server; default: all').argParser(domainsArgument))
    .addOption(
      new Option(
        '--public-address <address>',
        'an address by which others reach this server; may be repeated. Default: the public ones of this machine',
      ).argParser(publicAddressArgument),
    )
    .addOption(
      new Option(
        '--peer <domain>',
        `a domain to whose mail host to connect, to see whether the way out is open; may be repeated. Default: ${usualPeers.join(', ')}`,
      ).argParser(domainsArgument),
    )
    .addOption(
      new Option(
        '--block-list <zone>',
        `a list of addresses to ask; may be repeated. Default: ${usualAddressLists.join(', ')}, and those of spam.lists in the settings`,
      ).argParser(domainsArgument),
    )
    .addOption(
      new Option(
        '--domain-block-list <zone>',
        `a list of domains to ask; may be repeated. Default: ${usualDomainLists.join(', ')}`,
      ).argParser(domainsArgument),
    )
    .addOption(
      new Option(
        '--time-server <address>',
        'a time server (SNTP), with its port if that is not 123, to compare the clock with. Default: what other servers say in their greetings, if they do',
      ).argParser(timeServerArgument),
    )
    .addOption(
      new Option(
        '--other-port <service=port>',
        'where others answer elsewhere than usual, dns=… (53) or https=… (443); may be repeated. For tests and closed networks',
      ).argParser(otherPortArgument),
    )
    .action(
      perform(run, async (invocation, options: DoctorOptions, given: readonly string[] | undefined) => {
        const progress = invocation.output.progress()
        const report = await invocation.withStorage(async (storage, settings) => {
          const { world, close } = openWorld(invocation, settings, options.otherPort ?? {})
          try {
            const own = await describeServer(storage, settings, options, given ?? [])
            const terms = termsOf(settings, options)
            return composeReport(await examine(world, own, terms, what => progress.update(`${what} …`)))
          } finally {
            progress.end()
            close()
          }
        })
        invocation.output.result(report, formatReport(report))
        if (isAnythingWrong(report)) invocation.exitCode = exitCodes.failed
      }),
    )
}

function domainsArgument(text: string, previous: readonly string[] | undefined): string[] {
  const domain = parseDomain(text)
  if (domain === undefined) throw new InvalidArgumentError('It has to be a domain: example.com')
  return [...(previous ?? []), domain]
}

const timePort = 123

function timeServerArgument(text: string): TimeServer {
  if (isIP(text) !== 0) return { address: text, port: timePort }
  const server = parseDnsServer(text)
  if (!server)
    throw new InvalidArgumentError(
      'It has to be an address, with its port if that is not 123: 192.0.2.123 or [2001:db8::1]:1123',
    )
  return server
}

function otherPortArgument(text: string, previous: OtherPorts | undefined): OtherPorts {
  const [, service, digits] = /^(dns|https)=(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (service === undefined || port < 1 || port > 65_535)
    throw new InvalidArgumentError('It has to be dns=<port> or https=<port>')
  return { ...previous, [service]: port }
}

function openWorld(
  { clock, random }: Invocation,
  { delivery }: Settings,
  { dns = 53, https = 443 }: OtherPorts,
): { readonly world: World; readonly close: () => void } {
  const named = delivery.dnsServers.flatMap(text => parseDnsServer(text) ?? [])
  const servers = named.length > 0 ? named : systemServers()
  const resolver = createResolver({ servers, clock, random, dnssec: delivery.dnssec })
  const world = {
    resolver,
    inspector: createInspector({ servers, clock, random }),
    connect: connectSmtp,
    fetchStsPolicy: createStsFetcher({
      resolver,
      clock,
      ipv6: delivery.ipv6,
      port: https,
      timeoutMs: 20_000,
    }),
    clock,
    random,
    nameServerPort: dns,
  }
  return { world, close: () => resolver.close() }
}

function termsOf(
  { spam }: Settings,
  { peer, blockList, domainBlockList, timeServer }: DoctorOptions,
): Parameters<typeof examine>[2] {
  const configured = spam.lists.filter(({ points }) => points > 0)
  const usual = usualAddressLists.filter(zone => !configured.some(list => list.zone === zone))
  return {
    peers: peer ?? usualPeers,
    addressLists: blockList?.map(asList) ?? [...usual.map(asList), ...configured],
    domainLists: domainBlockList ?? usualDomainLists,
    timeServer,
  }
}

async function describeServer(
  storage: CommandStorage,
  settings: Settings,
  { publicAddress }: DoctorOptions,
  given: readonly string[],
): Promise<OwnServer> {
  const { autoconfig, delivery, dkim, fetch, hostname, localNetworks, mtaSts } = settings
  const sources = delivery.sourcePools
    .flatMap(pool => pool.sources)
    .map(({ address, heloName = hostname }): SendingAddress => ({ address, helloName: heloName }))
  const names = given.length > 0 ? given : (await storage.run(listDomains, undefined)).map(({ name }) => name)
  for (const name of given) await storage.run(findDomain, { name })
  const addresses = publicAddress ?? publicAddressesOf(settings.listeners.map(({ address }) => address))
  const { state, listeners } = await findListeners(settings, addresses)
  return {
    hostname,
    domains: await Promise.all(
      names.map(async name => ({
        name,
        keys: await storage.run(listDkimKeys, { domain: name }),
        isFetched: fetch.some(({ domains }) => domains.length === 0 || domains.includes(name)),
      })),
    ),
    addresses: [...new Set([...addresses, ...publicAddressesOf(sources.map(({ address }) => address))])],
    ...(await findSending(settings, sources, publicAddress)),
    sources,
    listeners,
    localNetworks,
    smartHost: delivery.smartHost,
    mailPort: delivery.port,
    ipv6: delivery.ipv6,
    state,
    stsPolicy: mtaSts && ownStsPolicy(settings, mtaSts),
    autoconfig: autoconfig ? 'on' : 'off',
    signs: dkim.sign,
    async takesMailFor(address) {
      const { kind } = await storage.run(resolveRecipient, { address, hostname })
      return kind === 'foreign-domain' || kind === 'relay-domain' ? undefined : kind !== 'unknown-address'
    },
  }
}

async function findListeners(
  settings: Settings,
  addresses: readonly string[],
): Promise<Pick<OwnServer, 'state' | 'listeners'>> {
  const { roles } = settings
  const forOthers = (listeners: Settings['listeners']): Settings['listeners'] =>
    listeners.filter(({ address }) => isForOthers(address, addresses))
  if (!roles.includes('front')) return { state: 'elsewhere', listeners: forOthers(settings.listeners) }
  const status = await askRunningServer(settings, async control => await control.status())
  if (typeof status === 'string')
    return { state: status === 'none' ? 'stopped' : 'running', listeners: forOthers(settings.listeners) }
  const actual = status.listeners.flatMap(({ role, address, port }) => {
    const listener = settings.listeners.find(one => one.role === role)
    return listener ? [{ ...listener, address, port }] : []
  })
  return { state: 'running', listeners: forOthers(actual) }
}

/** Where pools take all mail, none leaves from what the system would choose. */
async function findSending(
  { delivery, hostname }: Settings,
  sources: readonly SendingAddress[],
  publicAddress: readonly string[] = [],
): Promise<Pick<OwnServer, 'sending' | 'behindRouter'>> {
  if (delivery.smartHost) return { sending: [], behindRouter: [] }
  const isSeen = (address: string): boolean => isPublicAddress(address) || publicAddress.includes(address)
  const isAllInPools = delivery.sourcePools.some(
    ({ senders, destinations, classes }) => senders.length + destinations.length + classes.length === 0,
  )
  const usual = publicAddress.length > 0 ? publicAddress : await findDefaultSources()
  const chosen = (isAllInPools ? [] : usual).filter(address => delivery.ipv6 || kindOf(address) === 'ipv4')
  const others = chosen
    .filter(address => !sources.some(source => source.address === address))
    .map(address => ({ address, helloName: hostname }))
  return {
    sending: [...sources, ...others].filter(({ address }) => isSeen(address)),
    behindRouter: [...new Set(chosen.filter(address => !isSeen(address)).map(kindOf))],
  }
}
