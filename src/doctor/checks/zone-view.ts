// The zones of our names as others see them: by the zone above, on each of their name servers, and through the resolver.
import type { RecordType } from '../../dns/exchange.ts'
import type { DnsRecord, InspectedAnswer } from '../../dns/inspector.ts'
import { isWithin } from '../../mail-authentication/domain-names.ts'
import { fewAtATime } from '../few-at-a-time.ts'
import type { World } from '../world.ts'
import { type Addresses, lookUpAddresses } from './names.ts'

export interface ZoneQuestion {
  readonly name: string
  readonly type: RecordType
}

export interface ZoneView {
  readonly apex: string
  readonly servers: readonly NameServerView[]
  /** The name servers by the zone above, which is what others go by; undefined: it was not heard. */
  readonly delegation: readonly string[] | undefined
  /** What is asked, and what the resolver says to it. */
  readonly questions: readonly (ZoneQuestion & { readonly seen: InspectedAnswer })[]
  /** What the resolver refuses, and would answer if it did not check signatures: 'example.test MX'. */
  readonly bogus: readonly string[]
  /** The resolver says that it has checked them. */
  readonly isAuthentic: boolean
  /** Its parent says that it is signed (DS); undefined: nobody says. */
  readonly isSigned: boolean | undefined
}

export interface NameServerView {
  readonly name: string
  /** Who names it: the zone above, the zone itself, or both. */
  readonly namedBy: 'parent' | 'zone' | 'both'
  readonly addresses: Addresses
  readonly sightings: readonly Sighting[]
}

/** What one name server at one address says. */
export interface Sighting {
  readonly address: string
  readonly soa: InspectedAnswer
  /** In the order of the questions; empty when it has not the zone. */
  readonly answers: readonly InspectedAnswer[]
}

/** Zones have fewer; of each two addresses. */
const maxServers = 13
const maxAddresses = 2

/** Where names of ours are: each zone once. `unknown`: names whose zone could not be found, and why. */
export interface Apexes {
  readonly zones: ReadonlyMap<string, readonly ZoneQuestion[]>
  readonly unknown: readonly { readonly name: string; readonly detail: string }[]
}

export async function findApexes(
  { inspector }: Pick<World, 'inspector'>,
  questions: readonly ZoneQuestion[],
): Promise<Apexes> {
  const names = [...new Set(questions.map(({ name }) => name))]
  const apexes = await fewAtATime(names, 20, async name => ({
    name,
    apex: await findApex(inspector, name),
  }))
  const zones = new Map<string, ZoneQuestion[]>()
  const unknown: { name: string; detail: string }[] = []
  for (const { name, apex } of apexes) {
    if ('detail' in apex) unknown.push({ name, detail: apex.detail })
    // The zone that says so is that of a registry, or of somebody else.
    else if (apex.isMissing && isHostOrDomain(name))
      unknown.push({ name, detail: `${name} is not in the DNS` })
  }
  for (const { name, apex } of apexes) {
    if ('name' in apex && !unknown.some(one => isWithin(name, one.name)))
      zones.set(apex.name, [...(zones.get(apex.name) ?? []), ...questions.filter(one => one.name === name)])
  }
  return { zones, unknown }
}

/** And no record of one, which may be missing where its domain is not. */
function isHostOrDomain(name: string): boolean {
  return !name.split('.').some(label => label.startsWith('_'))
}

/** The owner of the SOA that comes with the answer or in place of it (RFC 2308 §3). */
async function findApex(
  inspector: World['inspector'],
  name: string,
): Promise<{ readonly name: string; readonly isMissing: boolean } | { readonly detail: string }> {
  let answer = await inspector.askResolver(name, 'SOA')
  if (answer.kind === 'answer' && answer.rcode === 'SERVFAIL')
    answer = await inspector.askResolver(name, 'SOA', 'unchecked')
  if (answer.kind !== 'answer') return { detail: answer.detail }
  const soas = [...answer.records, ...answer.authorities].filter(({ type }) => type === 'SOA')
  const own = soas.map(soa => soa.name.toLowerCase()).find(apex => isWithin(name, apex))
  if (own !== undefined) return { name: own, isMissing: answer.rcode === 'NXDOMAIN' }
  // An alias: what was found is where it leads, and its own zone is that of the name above.
  if (soas.length > 0 && name.includes('.'))
    return await findApex(inspector, name.slice(name.indexOf('.') + 1))
  return {
    detail: `the zone of ${name} is not known: the resolver answered ${answer.rcode} without a SOA record`,
  }
}

export async function observeZone(
  world: Pick<World, 'inspector' | 'resolver' | 'nameServerPort'>,
  apex: string,
  questions: readonly ZoneQuestion[],
): Promise<ZoneView> {
  const { inspector, resolver } = world
  const [soa, ...seen] = await Promise.all(
    [{ name: apex, type: 'SOA' } as const, ...questions].map(
      async question => await askAsOthersDo(inspector, question),
    ),
  )
  const isRefused = soa?.isBogus === true
  const [list, isSigned, delegation] = await Promise.all([
    inspector.askResolver(apex, 'NS', isRefused ? 'unchecked' : undefined),
    askWhetherSigned(inspector, apex),
    askParent(world, apex),
  ])
  const own = list.kind === 'answer' ? list.records.flatMap(nameOfServer) : []
  const names = [...new Set([...own, ...(delegation ?? [])])]
  const servers = await Promise.all(
    names.slice(0, maxServers).map(async (name): Promise<NameServerView> => {
      const namedBy = !own.includes(name) ? 'parent' : delegation?.includes(name) ? 'both' : 'zone'
      const addresses = isRefused
        ? await lookUpUnchecked(inspector, name)
        : await lookUpAddresses(resolver, name)
      const chosen = addresses.kind === 'some' ? chooseAddresses(addresses.addresses) : []
      return {
        name,
        namedBy,
        addresses,
        sightings: await Promise.all(
          chosen.map(async address => await observeServer(world, address, apex, questions)),
        ),
      }
    }),
  )
  return {
    apex,
    servers,
    delegation,
    questions: questions.map((question, index) => ({
      ...question,
      seen: seen[index]?.answer ?? { kind: 'silent', detail: 'it was not asked' },
    })),
    bogus: [soa, ...seen].flatMap(one => (one?.isBogus ? [`${one.name} ${one.type}`] : [])),
    isAuthentic: soa?.answer.kind === 'answer' && soa.answer.isAuthentic,
    isSigned,
  }
}

/** Its own DS record, and not one above: a zone below a signed one need not be signed. undefined: nobody says. */
async function askWhetherSigned(inspector: World['inspector'], apex: string): Promise<boolean | undefined> {
  const answer = await inspector.askResolver(apex, 'DS')
  if (answer.kind !== 'answer') return undefined
  if (answer.records.some(({ type }) => type === 'DS')) return true
  return answer.rcode === 'NOERROR' || answer.rcode === 'NXDOMAIN' ? false : undefined
}

/** So many of its servers are tried. */
const maxParentServers = 3

async function askParent(
  { inspector, resolver, nameServerPort }: Pick<World, 'inspector' | 'resolver' | 'nameServerPort'>,
  apex: string,
): Promise<readonly string[] | undefined> {
  const dot = apex.indexOf('.')
  const parent = dot < 0 ? undefined : await findApex(inspector, apex.slice(dot + 1))
  if (!parent || 'detail' in parent) return undefined
  const list = await inspector.askResolver(parent.name, 'NS')
  const names = list.kind === 'answer' ? list.records.flatMap(nameOfServer) : []
  for (const name of names.slice(0, maxParentServers)) {
    const addresses = await lookUpAddresses(resolver, name)
    const [address] = addresses.kind === 'some' ? addresses.addresses : []
    if (address === undefined) continue
    const answer = await inspector.askAuthority({ address, port: nameServerPort }, apex, 'NS')
    if (answer.kind !== 'answer') continue
    // A referral has them in the authority section; a server that has both zones answers.
    const named = [...answer.records, ...answer.authorities]
      .filter(record => record.name.toLowerCase() === apex)
      .flatMap(nameOfServer)
    if (named.length > 0) return named
  }
  return undefined
}

interface Asked extends ZoneQuestion {
  readonly answer: InspectedAnswer
  readonly isBogus: boolean
}

/** What is refused is asked for once more, without checks: so it is known whether that was the reason. */
async function askAsOthersDo(inspector: World['inspector'], question: ZoneQuestion): Promise<Asked> {
  const { name, type } = question
  const answer = await inspector.askResolver(name, type)
  if (answer.kind !== 'answer' || answer.rcode !== 'SERVFAIL') return { ...question, answer, isBogus: false }
  const unchecked = await inspector.askResolver(name, type, 'unchecked')
  const isBogus =
    unchecked.kind === 'answer' && (unchecked.rcode === 'NOERROR' || unchecked.rcode === 'NXDOMAIN')
  return { ...question, answer, isBogus }
}

function nameOfServer(record: DnsRecord): string[] {
  return record.type === 'NS' ? [record.data.toLowerCase()] : []
}

async function lookUpUnchecked(inspector: World['inspector'], name: string): Promise<Addresses> {
  const answers = await Promise.all([
    inspector.askResolver(name, 'A', 'unchecked'),
    inspector.askResolver(name, 'AAAA', 'unchecked'),
  ])
  const addresses = answers.flatMap(answer =>
    answer.kind === 'answer'
      ? answer.records.flatMap(record => (record.type === 'A' || record.type === 'AAAA' ? [record.data] : []))
      : [],
  )
  return addresses.length > 0
    ? { kind: 'some', addresses }
    : { kind: 'unknown', detail: `${name} was not found` }
}

/** One of each family before a second of one. */
function chooseAddresses(addresses: readonly string[]): readonly string[] {
  const [four] = addresses.filter(address => !address.includes(':'))
  const [six] = addresses.filter(address => address.includes(':'))
  const first = [four, six].filter(address => address !== undefined)
  return [...new Set([...first, ...addresses])].slice(0, maxAddresses)
}

async function observeServer(
  { inspector, nameServerPort }: Pick<World, 'inspector' | 'nameServerPort'>,
  address: string,
  apex: string,
  questions: readonly ZoneQuestion[],
): Promise<Sighting> {
  const server = { address, port: nameServerPort }
  const soa = await inspector.askAuthority(server, apex, 'SOA')
  if (!hasZone(soa)) return { address, soa, answers: [] }
  const answers = await Promise.all(
    questions.map(async ({ name, type }) => await inspector.askAuthority(server, name, type)),
  )
  return { address, soa, answers }
}

/** It answers as an authority of the zone. */
export function hasZone(soa: InspectedAnswer): boolean {
  return soa.kind === 'answer' && soa.isAuthoritative && soa.records.some(({ type }) => type === 'SOA')
}
