// postrider probe: would a message to this address be taken? As far as it can be found out without sending one.
import { Argument, type Command, Option } from 'commander'
import type { Address, ReversePath } from '../../address/address.ts'
import { formatAddress, formatAddressForPeople, formatReversePath } from '../../address/format-address.ts'
import { formatDomainsForPeople, parseDomain } from '../../address/parse-domain.ts'
import { lmtpPortsOf, type Settings } from '../../config/settings.ts'
import { gateOf } from '../../delivery/pacing/outbound.ts'
import { namesDomain } from '../../delivery/pacing/shaping.ts'
import { poolFor, type Source, sourcesTo } from '../../delivery/pacing/source-pools.ts'
import { findProvider } from '../../delivery/replies/providers.ts'
import { connectionTerms, ownServerTo } from '../../delivery/transfer/connection-terms.ts'
import { type ProbeFindings, type ProbeParts, probeAddress } from '../../delivery/transfer/probe.ts'
import { isDomain } from '../../directory/domains.ts'
import { findPostmaster } from '../../directory/find-postmaster.ts'
import { createSettingsResolver } from '../../main/compose-resolver.ts'
import { domainOf, smartHostDestination } from '../../routing/destination.ts'
import { createServerFinder } from '../../routing/find-servers.ts'
import { createLmtpStores } from '../../routing/lmtp-stores.ts'
import { createOwnEndpoints } from '../../routing/own-endpoints.ts'
import { createReturnPaths } from '../../routing/return-paths.ts'
import { createRouter } from '../../routing/route.ts'
import { createSiteFinder } from '../../routing/site.ts'
import { UsageFault } from '../../runtime/fault.ts'
import { silentLog } from '../../runtime/log.ts'
import { createStsFetcher } from '../../tls-policy/fetch-sts-policy.ts'
import { createTlsPolicyFinder } from '../../tls-policy/find-policy.ts'
import { addressArgument, type GivenReversePath, reversePathArgument } from '../arguments.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { describeProbe } from '../describe-probe.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { describeObstacle, keepsMail, obstacleJson, readObstacles } from '../obstacles.ts'
import type { CommandStorage } from '../open-storage.ts'
import { formatDuration } from '../quantities.ts'

interface ProbeOptions {
  readonly from?: GivenReversePath
  readonly source?: string
  readonly dialogue?: true
}

export function addProbeCommand(program: Command, run: CommandRun): void {
  addCommand(program, {
    usage: 'probe',
    summary: 'Try whether a message to an address would be taken, without sending one',
    description:
      'Try whether a message to an address would be taken, without sending one: looks up its mail hosts, connects, ' +
      'encrypts, and asks for the recipient, as delivery does it. For an address of this server: says where its mail goes. ' +
      'Says, too, what at this server would keep a message from leaving: a hold, the suppression list, a limit that is used up, a receiver to which nothing goes for a while, mailboxes that are full. ' +
      'It ends with 0 when the message would be taken and nothing keeps it, else with 1.',
    examples: ['probe boris@example.org', 'probe boris@example.org --from anna@example.test --dialogue'],
  })
    .addArgument(new Argument('<address>', 'the recipient').argParser(addressArgument))
    .addOption(
      new Option(
        '--from <address>',
        'the sender, <> for none; default: the postmaster of a domain of this server',
      ).argParser(reversePathArgument),
    )
    .option(
      '--source <address>',
      'connect from this address of delivery.sourcePools; default: one of those from which such mail leaves',
    )
    .option('--dialogue', 'with what the servers said to each other')
    .action(
      perform(run, async (invocation, options: ProbeOptions, address: Address) => {
        await probe(invocation, options, address)
      }),
    )
}

async function probe(invocation: Invocation, options: ProbeOptions, forwardPath: Address): Promise<void> {
  const now = invocation.clock.now()
  const { findings, reversePath, obstacles } = await invocation.withStorage(async (storage, settings) => {
    const reversePath = options.from ? options.from.reversePath : await postmasterOf(storage, settings)
    const parts = composeProbe(invocation, settings, storage, options.source)
    const findings = await whileTelling(invocation, onDialogue =>
      probeAddress({ ...parts, onDialogue }, { forwardPath, reversePath }),
    )
    const { gate, lookup, routes } = findings
    const host = lookup?.kind === 'servers' ? lookup.servers[0]?.host : undefined
    const accounts = routes.flatMap(({ route }) => (route.kind === 'mailbox' ? [route.address] : []))
    const probed = { forwardPath, reversePath, gate, host, accounts }
    return { findings, reversePath, obstacles: await readObstacles(storage, settings, probed, now) }
  })
  const from = reversePath === null ? '<>' : formatAddressForPeople(reversePath)
  const lines = [
    ...describeProbe(findings, from),
    ...obstacles.map(obstacle => `At this server: ${describeObstacle(obstacle, now)}`),
  ].map(formatDomainsForPeople)
  const dialogue = options.dialogue ? ['', ...findings.dialogue] : []
  invocation.output.result(
    { ...probeJson(findings, forwardPath, reversePath), obstacles: obstacles.map(obstacleJson) },
    [...lines, ...dialogue].join('\n'),
  )
  const isTaken = findings.verdict.kind === 'accepted' || findings.verdict.kind === 'own'
  if (!isTaken || obstacles.some(keepsMail)) invocation.exitCode = exitCodes.failed
}

/** A server may take minutes for each answer: a person sees for what it is waited. */
async function whileTelling<Result>(
  { output, clock }: Invocation,
  work: (onDialogue: (line: string) => void) => Promise<Result>,
): Promise<Result> {
  const progress = output.progress()
  const beganAt = clock.now()
  let last = 'looking up where its mail goes'
  const timer = clock.every(1000, () =>
    progress.update(`${formatDuration(clock.now() - beganAt)}: waiting for an answer; last: ${last}`),
  )
  try {
    return await work(line => {
      last = line
    })
  } finally {
    timer.cancel()
    progress.end()
  }
}

/** Receivers look at the domain of the sender, and the host name is none where no mail has it. */
async function postmasterOf(storage: CommandStorage, { hostname }: Settings): Promise<Address> {
  const domain = parseDomain(hostname) ?? hostname
  const ofHost: Address = { localPart: 'postmaster', domain }
  return (await storage.run(isDomain, { name: domain }))
    ? ofHost
    : ((await findPostmaster(storage)) ?? ofHost)
}

function sourceNamed(address: string, { delivery }: Settings): Source {
  const sources = delivery.sourcePools.flatMap(pool => pool.sources)
  const named = sources.find(source => source.address === address)
  if (named) return named
  const known = sources.map(source => source.address).join(', ')
  throw new UsageFault(
    'NO_SUCH_SOURCE',
    `No pool of delivery.sourcePools has the address ${address}. ${known === '' ? 'There are no pools.' : `They have: ${known}.`}`,
  )
}

function composeProbe(
  invocation: Invocation,
  settings: Settings,
  storage: CommandStorage,
  sourceAddress: string | undefined,
): ProbeParts {
  const { clock, random } = invocation
  const { hostname, delivery, listeners } = settings
  const resolver = createSettingsResolver(settings, clock, random)
  const named = sourceAddress === undefined ? undefined : sourceNamed(sourceAddress, settings)
  const findSite = createSiteFinder({
    resolver,
    random,
    providerOf: host => findProvider(host)?.key,
    isNamed: domain => namesDomain(delivery, domain),
  })
  const policies = createTlsPolicyFinder({
    storage,
    resolver,
    clock,
    log: silentLog,
    fetchPolicy: createStsFetcher({ resolver, clock, ipv6: delivery.ipv6 }),
  })
  return {
    router: createRouter({
      storage,
      hostname,
      clock,
      returnPaths: createReturnPaths({ storage, clock, random, hostname, forwarding: settings.forwarding }),
      smartHost: delivery.smartHost && smartHostDestination(delivery.smartHost),
      stores: createLmtpStores(delivery.lmtp),
    }),
    findServers: createServerFinder({
      resolver,
      own: createOwnEndpoints({ hostname, listeners: [...listeners, ...lmtpPortsOf(settings.lmtp)] }),
      random,
      port: delivery.port,
      ipv6: delivery.ipv6,
    }),
    async findWay(destination, lookup, { reversePath }) {
      const message = { reversePath, isReport: false }
      const site = await findSite(destination)
      const pools = destination.kind === 'lmtp' ? [] : delivery.sourcePools
      const pool = poolFor(pools, message, site, domainOf(destination))
      const sources = sourcesTo(pool, lookup)
      return { source: named ?? sources[0], gate: gateOf(site, pool, sources) }
    },
    terms: (destination, source) => ({
      ...connectionTerms({ clock, hostname, settings: delivery }, destination, source),
      ...ownServerTo(destination, hostname),
      ...(destination.kind === 'domain' ? { findPolicy: () => policies.find(destination.domain) } : {}),
    }),
  }
}

function probeJson(
  {
    routes,
    lookup,
    source,
    triedHosts,
    passed,
    server,
    tls,
    tlsEvidence,
    extensions,
    verdict,
    dialogue,
  }: ProbeFindings,
  forwardPath: Address,
  reversePath: ReversePath,
): object {
  return {
    recipient: formatAddress(forwardPath),
    sender: formatReversePath(reversePath),
    accepted: verdict.kind === 'accepted' || verdict.kind === 'own',
    routes: routes.map(({ address, depth, route }) => ({
      address: formatAddress(address),
      depth,
      kind: route.kind,
      ...(route.kind === 'unroutable' ? { diagnosis: route.diagnosis } : {}),
      ...(route.kind === 'mailbox' ? { account: formatAddress(route.address), mailbox: route.mailbox } : {}),
      ...(route.kind === 'expansion'
        ? { redirection: route.redirection, targets: route.targets.map(formatAddress) }
        : {}),
    })),
    lookup: lookup?.lookup ?? null,
    source: source ?? null,
    triedHosts: triedHosts ?? [],
    passed: passed ?? [],
    server: server ? { host: server.host, address: server.address, port: server.port } : null,
    tls: tls ?? null,
    tlsEvidence: tlsEvidence ?? null,
    extensions: extensions ?? [],
    verdict,
    dialogue,
  }
}
