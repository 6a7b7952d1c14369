// Looks at the world as others see it, check by check: observations first, then the verdict on each, so that one mistake is told
// once.
import type { InspectedAnswer } from '../dns/inspector.ts'
import type { AddressList } from '../screening/block-lists.ts'
import type { TimeServer } from './ask-time.ts'
import { judgeLists, observeAddressLists } from './checks/block-lists.ts'
import type { DoorView } from './checks/doors.ts'
import { judgeMailHosts, type MailHostsView, observeMailHosts } from './checks/mail-hosts.ts'
import { demandsCertificates } from './checks/mta-sts.ts'
import { judgeHelloName, judgeHostname, type NameView, observeName } from './checks/names.ts'
import { judgeReverse, observeReverse } from './checks/reverse.ts'
import { type Circumstances, othersSend, unknownSource } from './circumstances.ts'
import { examineDomain, examineServerSpf } from './examine-domain.ts'
import { examineDane, examineDoors, examineRelaying, observeDoors } from './examine-doors.ts'
import { examineClock, examineOutward } from './examine-outward.ts'
import { examineZones } from './examine-zones.ts'
import { fewAtATime } from './few-at-a-time.ts'
import { allWell, error, found, notChecked, type Verdict } from './finding.ts'
import { type Examined, Ledger } from './ledger.ts'
import { isSameAddress, isUnknownKind, kindOf, type OwnServer, ownNames } from './own-server.ts'
import { isPublicAddress } from './public-address.ts'
import type { World } from './world.ts'

export interface ExaminationTerms {
  /** Domains whose mail hosts are tried, to see whether the way out is open. */
  readonly peers: readonly string[]
  readonly addressLists: readonly AddressList[]
  readonly domainLists: readonly string[]
  readonly timeServer: TimeServer | undefined
}

/** At a time; each has dozens of questions. */
const fewDomains = 5

/** In the order of `checkNames`. */
export async function examine(
  world: World,
  known: OwnServer,
  terms: ExaminationTerms,
  /** Is told what is looked at now. */
  onStep: (what: string) => void = () => {},
): Promise<readonly Examined[]> {
  const ledger = new Ledger()
  ledger.add('server', known.hostname, judgeState(known))
  onStep('Looking up the names of this server')
  const heard = judgeResolver(await world.inspector.askResolver(known.hostname, 'SOA'))
  ledger.add('resolver', 'this machine', heard)
  if (heard.findings.length > 0) {
    await examineClock(world, terms.timeServer, [], ledger)
    ledger.fillIn(known.hostname, 'no DNS server answers')
    return ledger.entries()
  }
  const names = await observeNames(world, known)
  const own = names.own
  const mailHosts = await observeAllMailHosts(world, own)
  onStep('Connecting to the ports of this server')
  const doors =
    own.state === 'stopped' ? [] : await observeDoors(world, own, names.hostname, [...mailHosts.values()])
  const circumstances = judgeNames(names, doors, mailHosts, world.clock.now(), ledger)

  onStep('Asking name servers, block lists and what else the DNS has')
  await examineZones(world, own, ledger)
  const checkedHosts = await examineDomains(world, circumstances, mailHosts, terms, ledger)
  await examineServerSpf(world, circumstances, ledger)
  await examineDane(world, circumstances, [...mailHosts.values()], doors, ledger)
  await examineSending(world, circumstances, terms, ledger)
  examineDoors(circumstances, doors, checkedHosts, ledger)
  await examineRelaying(world, own, doors, ledger)
  onStep('Connecting to other servers')
  const outward = await examineOutward(world, own, terms.peers, ledger)
  await examineClock(world, terms.timeServer, outward, ledger)
  ledger.fillIn(
    own.hostname,
    own.domains.length === 0 ? 'there is no domain yet' : 'there is nothing to look at',
  )
  return ledger.entries()
}

function judgeState({ state }: OwnServer): Verdict {
  if (state === 'stopped')
    return found(
      error(
        'server-stopped',
        'The server does not run.',
        'No mail arrives, and none leaves.',
        'Start it (systemctl start postrider, or "postrider serve"). "postrider check" says what keeps it from starting.',
      ),
    )
  return allWell
}

/** Whatever it says: that it answers. */
function judgeResolver(answer: InspectedAnswer): Verdict {
  if (answer.kind === 'answer') return allWell
  return found(
    error(
      'resolver-silent',
      `No DNS server answers this one: ${answer.detail}.`,
      'No mail leaves for other domains, and nothing is known of senders.',
      'See /etc/resolv.conf, or name servers in delivery.dnsServers.',
    ),
  )
}

interface Names {
  readonly own: OwnServer
  readonly hostname: NameView
  /** The others that the server gives itself. */
  readonly others: readonly NameView[]
}

async function observeNames(world: World, known: OwnServer): Promise<Names> {
  const hostname = await observeName(world.resolver, known.hostname)
  const own = withSending(known, hostname)
  const others = ownNames(own).filter(name => name !== own.hostname)
  return {
    own,
    hostname,
    others: await Promise.all(others.map(async name => await observeName(world.resolver, name))),
  }
}

/** Behind a router others see, as a rule, the address to which the host name leads. */
function withSending(own: OwnServer, { addresses }: NameView): OwnServer {
  if (own.smartHost || addresses.kind !== 'some') return own
  const { behindRouter, hostname, sending } = own
  const assumed = addresses.addresses.filter(
    address => behindRouter.includes(kindOf(address)) && isPublicAddress(address),
  )
  return { ...own, sending: [...sending, ...assumed.map(address => ({ address, helloName: hostname }))] }
}

async function observeAllMailHosts(
  world: World,
  own: OwnServer,
): Promise<ReadonlyMap<string, MailHostsView>> {
  const views = await fewAtATime(
    own.domains,
    fewDomains,
    async ({ name }) => [name, await observeMailHosts(world, name)] as const,
  )
  return new Map(views)
}

/** Names and MX records come first: much else depends on them. */
function judgeNames(
  { own, hostname, others }: Names,
  doors: readonly DoorView[],
  mailHosts: ReadonlyMap<string, MailHostsView>,
  now: number,
  ledger: Ledger,
): Circumstances {
  const misled = new Set<string>()
  const misrouted = new Set<string>()
  const circumstances: Circumstances = {
    own,
    now,
    isMisled: name => misled.has(name),
    isMisrouted: domain => misrouted.has(domain),
    isOurs: address => isOurs(own, hostname, doors, address),
  }
  const verdict = ledger.add('names', own.hostname, judgeHostname(own, hostname, doors))
  if (verdict.findings.some(({ severity }) => severity === 'error')) misled.add(own.hostname)
  for (const sending of own.sending) {
    const { address, helloName } = sending
    if (misled.has(helloName)) continue
    const view = others.find(({ name }) => name === helloName) ?? hostname
    const { findings } = ledger.add('names', address, judgeHelloName(own, sending, view))
    if (findings.length > 0) misled.add(helloName)
  }
  for (const domain of own.domains) {
    const view = mailHosts.get(domain.name)
    if (!view) continue
    const { findings } = ledger.add('MX', domain.name, judgeMailHosts(domain, view, circumstances))
    if (findings.length > 0) misrouted.add(domain.name)
  }
  return circumstances
}

function isOurs(own: OwnServer, hostname: NameView, doors: readonly DoorView[], address: string): boolean {
  if (own.addresses.some(one => isSameAddress(one, address))) return true
  const door = doors.find(one => isSameAddress(one.address, address) && one.role === 'relay')
  if (door?.outcome.kind === 'open') return door.outcome.greets === own.hostname
  // Not known to be another's, and the host name says that it is ours.
  const { addresses } = hostname
  return (
    isUnknownKind(own, address) &&
    addresses.kind === 'some' &&
    addresses.addresses.some(one => isSameAddress(one, address))
  )
}

/** Returns the mail hosts whose certificates other servers check. */
async function examineDomains(
  world: World,
  circumstances: Circumstances,
  mailHosts: ReadonlyMap<string, MailHostsView>,
  { domainLists }: ExaminationTerms,
  ledger: Ledger,
): Promise<readonly string[]> {
  const { own, isMisrouted } = circumstances
  const checked = await fewAtATime(own.domains, fewDomains, async domain => {
    const hosts = mailHosts.get(domain.name)
    if (!hosts) return []
    const sts = await examineDomain(world, domain, circumstances, hosts, domainLists, ledger)
    // While the MX records are to be mended nobody knows which hosts will be checked.
    return demandsCertificates(sts) && !isMisrouted(domain.name) ? hosts.hosts.map(({ name }) => name) : []
  })
  return checked.flat()
}

/** The addresses from which mail leaves. */
async function examineSending(
  world: World,
  circumstances: Circumstances,
  { addressLists }: ExaminationTerms,
  ledger: Ledger,
): Promise<void> {
  const { own } = circumstances
  // Whom a router exchanges for another is known by that to others.
  for (const { address } of own.smartHost ? [] : own.sources)
    if (!own.sending.some(one => one.address === address))
      for (const check of ['reverse DNS', 'block lists'] as const)
        ledger.add(check, address, notChecked(unknownSource))
  if (own.sending.length === 0) {
    const reason = own.smartHost ? othersSend(own.smartHost.host) : unknownSource
    ledger.add('reverse DNS', own.hostname, notChecked(reason))
    ledger.add('block lists', own.hostname, notChecked(reason))
    return
  }
  await fewAtATime(own.sending, fewDomains, async sending => {
    const { address } = sending
    const [reverse, lists] = await Promise.all([
      observeReverse(world, sending),
      observeAddressLists(world, addressLists, address),
    ])
    ledger.add('reverse DNS', address, judgeReverse(reverse, circumstances))
    ledger.add('block lists', address, judgeLists(lists))
  })
}
