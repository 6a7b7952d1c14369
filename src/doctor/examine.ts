// Looks at the world as others see it, check by check: observations first, then the verdict on each, so that one mistake is told
// once.

import type { InspectedAnswer } from '../dns/inspector.ts'
import type { AddressList } from '../screening/block-lists.ts'
import { keyRecordName } from '../signing/key-record.ts'
import { askTime, type TimeServer } from './ask-time.ts'
import { judgeLists, observeAddressLists, observeDomainLists } from './checks/block-lists.ts'
import { type ClockOffset, type ClockView, judgeClock } from './checks/clock.ts'
import { judgeDane, observeDane } from './checks/dane.ts'
import { judgeKeys, observeKeys } from './checks/dkim.ts'
import { judgeDmarc, observeDmarc } from './checks/dmarc.ts'
import {
  type Door,
  type DoorView,
  doorsAt,
  judgeCertificates,
  judgeDoor,
  observeDoor,
} from './checks/doors.ts'
import { judgeMailHosts, type MailHostsView, observeMailHosts } from './checks/mail-hosts.ts'
import { judgeServices, observeServices } from './checks/mail-programs.ts'
import { demandsCertificates, judgeMtaSts, type MtaStsView, observeMtaSts } from './checks/mta-sts.ts'
import { judgeHelloName, judgeHostname, type NameView, observeName } from './checks/names.ts'
import { judgeOutward, type OutwardView, observeOutward } from './checks/outward.ts'
import { judgeRelaying, observeRelaying } from './checks/relaying.ts'
import { judgeReverse, observeReverse } from './checks/reverse.ts'
import { judgeSignatures } from './checks/signatures.ts'
import { judgeSpf, observeSpf } from './checks/spf.ts'
import { judgeTlsReports, observeTlsReports } from './checks/tls-reports.ts'
import { findApexes, observeZone, type ZoneQuestion } from './checks/zone-view.ts'
import { judgeZone } from './checks/zones.ts'
import { type Circumstances, misled as misledBy, othersSend, unknownSource } from './circumstances.ts'
import { fewAtATime } from './few-at-a-time.ts'
import { allWell, error, found, notChecked, type Verdict } from './finding.ts'
import { isSameAddress, type OwnDomain, type OwnServer, ownNames, type SendingAddress } from './own-server.ts'
import { isPublicAddress } from './public-address.ts'
import type { World } from './world.ts'

export const checkNames = [
  'server',
  'resolver',
  'names',
  'zones',
  'DNSSEC',
  'MX',
  'SPF',
  'DKIM',
  'DMARC',
  'MTA-STS',
  'TLS reports',
  'DANE',
  'mail programs',
  'ports',
  'certificates',
  'relaying',
  'reverse DNS',
  'way out',
  'block lists',
  'clock',
] as const

export type CheckName = (typeof checkNames)[number]

export interface Examined extends Verdict {
  readonly check: CheckName
  /** What was looked at: a domain, a name, an address. */
  readonly subject: string
}

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
  const { clock } = world
  onStep('Looking up the names of this server')
  const hostname = await observeName(world.resolver, known.hostname)
  const own = withSending(known, hostname)
  const names = await Promise.all(
    ownNames(own)
      .filter(name => name !== own.hostname)
      .map(async name => await observeName(world.resolver, name)),
  )
  const nameOf = (name: string): NameView => names.find(one => one.name === name) ?? hostname
  const mailHosts = new Map<string, MailHostsView>()
  await fewAtATime(own.domains, fewDomains, async ({ name }) => {
    mailHosts.set(name, await observeMailHosts(world, name))
  })
  onStep('Connecting to the ports of this server')
  const doors =
    own.state === 'stopped' ? [] : await observeDoors(world, own, hostname, [...mailHosts.values()])

  const examined: Examined[] = []
  const add = (check: CheckName, subject: string, verdict: Verdict): Verdict => {
    examined.push({ check, subject, ...verdict })
    return verdict
  }

  add('server', own.hostname, judgeState(own))
  add('resolver', 'this machine', judgeResolver(await world.inspector.askResolver(own.hostname, 'SOA')))
  const hostVerdict = add(
    'names',
    own.hostname,
    own.state === 'stopped' && hostname.addresses.kind === 'some' && own.addresses.length === 0
      ? notChecked('the server does not run')
      : judgeHostname(own, hostname, doors),
  )
  const misled = new Set(
    hostVerdict.findings.some(({ severity }) => severity === 'error') ? [own.hostname] : [],
  )
  for (const sending of own.sending) {
    if (misled.has(sending.helloName)) continue
    const verdict = add('names', sending.address, judgeHelloName(own, sending, nameOf(sending.helloName)))
    if (verdict.findings.length > 0) misled.add(sending.helloName)
  }
  const misrouted = new Set<string>()
  const circumstances: Circumstances = {
    own,
    now: clock.now(),
    isMisled: name => misled.has(name),
    isMisrouted: domain => misrouted.has(domain),
    isOurs: address => isOurs(own, hostname, doors, address),
  }
  for (const domain of own.domains) {
    const view = mailHosts.get(domain.name)
    const verdict = view
      ? add('MX', domain.name, judgeMailHosts(domain, view, circumstances))
      : notChecked('it was not looked up')
    if (verdict.findings.length > 0) misrouted.add(domain.name)
  }

  onStep('Asking name servers, block lists and what else the DNS has')
  const stsViews = new Map<string, MtaStsView>()
  await Promise.all([
    examineZones(world, own, add),
    fewAtATime(own.domains, fewDomains, async domain => {
      const sts = await examineDomain(world, domain, circumstances, mailHosts.get(domain.name), terms, add)
      stsViews.set(domain.name, sts)
    }),
    examineServerSpf(world, circumstances, add),
    examineDane(world, circumstances, [...mailHosts.values()], doors, add),
    ...own.sending.map(async sending => {
      add('reverse DNS', sending.address, judgeReverse(await observeReverse(world, sending), circumstances))
      add(
        'block lists',
        sending.address,
        judgeLists(await observeAddressLists(world, terms.addressLists, sending.address)),
      )
    }),
  ])
  if (own.sending.length === 0)
    for (const check of ['reverse DNS', 'block lists'] as const)
      add(check, own.hostname, notChecked(own.smartHost ? othersSend(own.smartHost.host) : unknownSource))
  // Of a domain whose MX records are to be mended nobody knows yet which hosts will be checked.
  const checkedHosts = [...stsViews].flatMap(([domain, sts]) =>
    demandsCertificates(sts) && !misrouted.has(domain) ? (mailHosts.get(domain)?.hosts ?? []) : [],
  )
  examineDoors(
    circumstances,
    doors,
    checkedHosts.map(({ name }) => name),
    add,
  )
  await examineRelaying(world, own, doors, add)
  onStep('Connecting to other servers')
  const outward = await examineOutward(world, own, terms, add)
  add('clock', 'this machine', judgeClock(await observeClock(world, terms, outward)))
  return examined.sort(
    (a, b) =>
      checkNames.indexOf(a.check) - checkNames.indexOf(b.check) || a.subject.localeCompare(b.subject, 'en'),
  )
}

type Add = (check: CheckName, subject: string, verdict: Verdict) => Verdict

/** Behind a router nobody here knows from which address mail leaves: as a rule from that to which the host name leads. */
function withSending(own: OwnServer, { addresses }: NameView): OwnServer {
  if (own.smartHost) return { ...own, sending: [] }
  if (own.sending.length > 0 || addresses.kind !== 'some') return own
  const { hostname, ipv6 } = own
  return {
    ...own,
    sending: addresses.addresses
      .filter(address => isPublicAddress(address) && (ipv6 || !address.includes(':')))
      .map(address => ({ address, helloName: hostname })),
  }
}

function judgeState({ state, domains }: OwnServer): Verdict {
  if (state === 'stopped')
    return found(
      error(
        'server-stopped',
        'The server does not run.',
        'No mail arrives, and none leaves.',
        'Start it (systemctl start postrider, or "postrider serve"). "postrider check" says what keeps it from starting.',
      ),
    )
  return domains.length === 0
    ? notChecked('there is no domain yet: postrider domain create example.com')
    : allWell
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

async function observeDoors(
  world: World,
  own: OwnServer,
  hostname: NameView,
  mailHosts: readonly MailHostsView[],
): Promise<readonly DoorView[]> {
  const wanted: Door[] = []
  const want = (door: Door): void => {
    if (!wanted.some(one => isSameDoor(one, door) && one.name === door.name)) wanted.push(door)
  }
  const addressesOf = ({ addresses }: NameView): readonly string[] =>
    addresses.kind === 'some' ? addresses.addresses.filter(one => own.ipv6 || !one.includes(':')) : []
  for (const address of addressesOf(hostname)) {
    want({ name: own.hostname, address, port: own.mailPort, role: 'relay' })
    for (const { role, port } of own.listeners)
      if (role !== 'relay') want({ name: own.hostname, address, port, role })
  }
  for (const { hosts } of mailHosts)
    for (const host of hosts)
      for (const address of addressesOf(host))
        want({ name: host.name, address, port: own.mailPort, role: 'relay' })
  const views: DoorView[] = []
  // One after the other: a server counts the connections of one address.
  for (const door of wanted) views.push(await observeDoor(world, own, door))
  return views
}

function isOurs(own: OwnServer, hostname: NameView, doors: readonly DoorView[], address: string): boolean {
  if (own.addresses.some(one => isSameAddress(one, address))) return true
  const door = doors.find(one => isSameAddress(one.address, address) && one.role === 'relay')
  if (door?.outcome.kind === 'open') return door.outcome.greets === own.hostname
  // Not known to be another's, and the host name says that it is ours.
  const { addresses } = hostname
  return (
    own.addresses.length === 0 &&
    addresses.kind === 'some' &&
    addresses.addresses.some(one => isSameAddress(one, address))
  )
}

async function examineZones(world: World, own: OwnServer, add: Add): Promise<void> {
  const { zones, unknown } = await findApexes(world, questionsOf(own))
  // What is below a name that is not known is not known either, and need not be told.
  const isBelow = (name: string): boolean => unknown.some(other => name.endsWith(`.${other.name}`))
  for (const { name, detail } of unknown) if (!isBelow(name)) add('zones', name, notChecked(detail))
  await fewAtATime([...zones], fewDomains, async ([apex, questions]) => {
    const view = await observeZone(world, apex, questions)
    add('zones', apex, judgeZone(view))
    add('DNSSEC', apex, judgeSignatures(view, world.clock.now()))
  })
}

function questionsOf({ hostname, domains }: OwnServer): readonly ZoneQuestion[] {
  return [
    { name: hostname, type: 'A' },
    { name: hostname, type: 'AAAA' },
    ...domains.flatMap(({ name, keys }): ZoneQuestion[] => [
      { name, type: 'MX' },
      { name, type: 'TXT' },
      { name: `_dmarc.${name}`, type: 'TXT' },
      ...keys
        .filter(({ state }) => state === 'active' || state === 'next')
        .map(
          ({ domain, selector }): ZoneQuestion => ({ name: keyRecordName(domain, selector), type: 'TXT' }),
        ),
    ]),
  ]
}

async function examineDomain(
  world: World,
  domain: OwnDomain,
  circumstances: Circumstances,
  mailHosts: MailHostsView | undefined,
  { domainLists }: ExaminationTerms,
  add: Add,
): Promise<MtaStsView> {
  const { own } = circumstances
  const { name } = domain
  const [spf, keys, dmarc, sts, tlsReports, services] = await Promise.all([
    observeSpf(world, own, { domain: name, identity: 'mailfrom', sending: own.sending }),
    observeKeys(world, domain),
    observeDmarc(world, own, name),
    observeMtaSts(world, name),
    observeTlsReports(world, own, name),
    observeServices(world, own, name),
  ])
  // Of a domain that is not there every record is missing: that was told.
  if (mailHosts?.answer.kind === 'no-such-domain') return sts
  add('SPF', name, judgeSpf(spf, circumstances))
  add('DKIM', name, judgeKeys(name, keys, own.signs))
  add('DMARC', name, judgeDmarc(dmarc))
  add(
    'MTA-STS',
    name,
    mailHosts ? judgeMtaSts(sts, mailHosts, circumstances) : notChecked('its MX records are not known'),
  )
  add('TLS reports', name, judgeTlsReports(tlsReports))
  add('mail programs', name, judgeServices(services, circumstances))
  add('block lists', name, judgeLists(await observeDomainLists(world, domainLists, name)))
  return sts
}

/** Of the names that the server gives itself, which count for mail without a sender. */
async function examineServerSpf(world: World, circumstances: Circumstances, add: Add): Promise<void> {
  const { own, isMisled } = circumstances
  const bySenders = Map.groupBy(own.sending, ({ helloName }) => helloName)
  await Promise.all(
    [...bySenders].map(async ([domain, sending]) => {
      if (own.domains.some(({ name }) => name === domain) || isMisled(domain)) return
      const view = await observeSpf(world, own, { domain, identity: 'helo', sending })
      add('SPF', domain, judgeSpf(view, circumstances))
    }),
  )
}

async function examineDane(
  world: World,
  circumstances: Circumstances,
  mailHosts: readonly MailHostsView[],
  doors: readonly DoorView[],
  add: Add,
): Promise<void> {
  const { own, isOurs: isOurAddress } = circumstances
  const hosts = mailHosts.flatMap(view => view.hosts)
  const ours = hosts.filter(
    ({ name, addresses }) =>
      name === own.hostname || (addresses.kind === 'some' && addresses.addresses.some(isOurAddress)),
  )
  for (const name of new Set(ours.map(host => host.name))) {
    const host = ours.find(one => one.name === name)
    const addresses = host?.addresses.kind === 'some' ? host.addresses.addresses : []
    const shown = addresses
      .filter(isOurAddress)
      .flatMap(address => doorsAt(doors, address).filter(door => door.name === name))
    add('DANE', name, judgeDane(await observeDane(world, name, own.mailPort), shown, circumstances))
  }
}

function isSameDoor(one: Pick<Door, 'address' | 'port'>, other: Pick<Door, 'address' | 'port'>): boolean {
  return isSameAddress(one.address, other.address) && one.port === other.port
}

function examineDoors(
  { own, now, isMisled, isOurs: isOurAddress }: Circumstances,
  doors: readonly DoorView[],
  checkedHosts: readonly string[],
  add: Add,
): void {
  const { hostname, state } = own
  // What another one answers at was told of the name.
  const ours = doors.filter(({ address }) => isOurAddress(address))
  const reason = state === 'stopped' ? 'the server does not run' : misledBy(hostname)
  if (state === 'stopped' || (isMisled(hostname) && ours.length === 0)) {
    add('ports', hostname, notChecked(reason))
    add('certificates', hostname, notChecked(reason))
    return
  }
  for (const door of ours.filter((one, index) => ours.findIndex(other => isSameDoor(one, other)) === index))
    add('ports', `${door.address} ${door.port}`, judgeDoor(own, door))
  add(
    'certificates',
    hostname,
    ours.some(({ outcome }) => outcome.kind === 'open')
      ? judgeCertificates(ours, checkedHosts, now)
      : notChecked('none of its ports was reached'),
  )
}

async function examineRelaying(
  world: World,
  own: OwnServer,
  doors: readonly DoorView[],
  add: Add,
): Promise<void> {
  // Whoever answers there under another name is not ours to test.
  const ours = doors.filter(
    ({ role, outcome }) => role === 'relay' && outcome.kind === 'open' && outcome.greets === own.hostname,
  )
  if (ours.length === 0)
    add('relaying', own.hostname, notChecked('its port for other servers was not reached'))
  for (const [index, door] of ours.entries()) {
    if (ours.findIndex(other => isSameDoor(door, other)) !== index) continue
    add('relaying', `${door.address} ${door.port}`, judgeRelaying(await observeRelaying(world, own, door)))
  }
}

async function examineOutward(
  world: World,
  own: OwnServer,
  { peers }: ExaminationTerms,
  add: Add,
): Promise<readonly OutwardView[]> {
  const views: OutwardView[] = []
  for (const source of sourcesOf(own)) {
    const view = await observeOutward(world, own, source, peers)
    add('way out', source?.address ?? own.smartHost?.host ?? 'this machine', judgeOutward(view, own))
    views.push(view)
  }
  return views
}

/** Each address that is chosen by the settings; else the system's choice. */
function sourcesOf({ sources }: OwnServer): readonly (SendingAddress | undefined)[] {
  return sources.length > 0 ? sources : [undefined]
}

async function observeClock(
  { clock }: Pick<World, 'clock'>,
  { timeServer }: ExaminationTerms,
  outward: readonly OutwardView[],
): Promise<ClockView> {
  if (timeServer) {
    const told = await askTime(timeServer, clock)
    // Who was named is believed before those who happen to say the time.
    return typeof told === 'string'
      ? { offsets: [], failures: [told] }
      : { offsets: [{ source: timeServer.address, offsetMs: told }], failures: [] }
  }
  const offsets = outward.flatMap(({ attempts }) =>
    attempts.flatMap(({ outcome }): ClockOffset[] =>
      outcome.kind === 'open' && outcome.time ? [outcome.time] : [],
    ),
  )
  return { offsets, failures: [] }
}
