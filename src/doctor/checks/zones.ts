// The zones of our names, as each of their name servers has them and as the resolver sees them: do they agree, and are their
// signatures good for a while yet (RFC 1034 §4.2.2, RFC 4034 §3.1.5)?
import type { RecordType } from '../../dns/exchange.ts'
import { type DnsRecord, formatRecordData, type InspectedAnswer } from '../../dns/inspector.ts'
import { isSpfRecord } from '../../mail-authentication/spf/parse-record.ts'
import { advice, allWell, error, found, joinVerdicts, notChecked, type Verdict, warning } from '../finding.ts'
import type { World } from '../world.ts'
import { observeSigned } from './dane.ts'
import { type Addresses, lookUpAddresses } from './names.ts'

export interface ZoneQuestion {
  readonly name: string
  readonly type: RecordType
}

export interface ZoneView {
  readonly apex: string
  readonly servers: readonly NameServerView[]
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
  const apexes = await Promise.all(names.map(async name => ({ name, apex: await findApex(inspector, name) })))
  const zones = new Map<string, ZoneQuestion[]>()
  const unknown: { name: string; detail: string }[] = []
  for (const { name, apex } of apexes) {
    if ('detail' in apex) unknown.push({ name, detail: apex.detail })
    else
      zones.set(apex.name, [...(zones.get(apex.name) ?? []), ...questions.filter(one => one.name === name)])
  }
  return { zones, unknown }
}

/** The owner of the SOA that comes with the answer or in place of it (RFC 2308 §3). */
async function findApex(
  inspector: World['inspector'],
  name: string,
): Promise<{ readonly name: string } | { readonly detail: string }> {
  let answer = await inspector.askResolver(name, 'SOA')
  if (answer.kind === 'answer' && answer.rcode === 'SERVFAIL')
    answer = await inspector.askResolver(name, 'SOA', 'unchecked')
  if (answer.kind !== 'answer') return { detail: answer.detail }
  const soa = [...answer.records, ...answer.authorities].find(({ type }) => type === 'SOA')
  return soa
    ? { name: soa.name.toLowerCase() }
    : {
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
  const [list, isSigned] = await Promise.all([
    inspector.askResolver(apex, 'NS', isRefused ? 'unchecked' : undefined),
    observeSigned(inspector, apex),
  ])
  const names = list.kind === 'answer' ? list.records.flatMap(nameOfServer) : []
  const servers = await Promise.all(
    [...new Set(names)].slice(0, maxServers).map(async (name): Promise<NameServerView> => {
      const addresses = isRefused
        ? await lookUpUnchecked(inspector, name)
        : await lookUpAddresses(resolver, name)
      const chosen = addresses.kind === 'some' ? chooseAddresses(addresses.addresses) : []
      return {
        name,
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
    questions: questions.map((question, index) => ({
      ...question,
      seen: seen[index]?.answer ?? { kind: 'silent', detail: 'it was not asked' },
    })),
    bogus: [soa, ...seen].flatMap(one => (one?.isBogus ? [`${one.name} ${one.type}`] : [])),
    isAuthentic: soa?.answer.kind === 'answer' && soa.answer.isAuthentic,
    isSigned,
  }
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

function hasZone(soa: InspectedAnswer): boolean {
  return soa.kind === 'answer' && soa.isAuthoritative && soa.records.some(({ type }) => type === 'SOA')
}

export function judgeZone(view: ZoneView): Verdict {
  const { apex, servers } = view
  if (servers.length === 0) return notChecked(`the name servers of ${apex} were not found`)
  const isAnybodyHeard = servers.some(({ sightings }) => sightings.some(({ soa }) => soa.kind === 'answer'))
  if (!isAnybodyHeard)
    return notChecked(
      `none of the name servers of ${apex} answers this machine: ${servers.map(({ name }) => name).join(', ')}. It may be that only its own resolver may ask others (port 53)`,
    )
  return joinVerdicts([
    ...servers.map(server => judgeServer(apex, server)),
    judgeAgreement(view),
    judgePublicView(view),
  ])
}

function judgeServer(apex: string, { name, addresses, sightings }: NameServerView): Verdict {
  if (addresses.kind === 'unknown') return notChecked(addresses.detail)
  if (addresses.kind === 'none')
    return found(
      error(
        'name-server-missing',
        `${name}, a name server of ${apex}, has no address in the DNS.`,
        'Whoever asks it waits in vain; with the next one gone, nobody finds your domain.',
        `Publish its address, or remove it from the NS records, at the registry too.`,
      ),
    )
  const isSeen = sightings.some(({ soa }) => soa.kind === 'answer')
  return joinVerdicts(
    sightings.map(({ address, soa }) => {
      if (hasZone(soa)) return allWell
      if (soa.kind === 'unreachable') return isSeen ? allWell : notChecked(`${name}: ${soa.detail}`)
      if (soa.kind === 'silent')
        return found(
          warning(
            'name-server-silent',
            `${name} (${address}), a name server of ${apex}, does not answer.`,
            'Whoever asks it waits for seconds, and some give up; with the next one gone, nobody finds your domain.',
            'See whether it runs and may be asked (port 53, UDP and TCP); or remove it from the NS records, at the registry too.',
          ),
        )
      return found(
        error(
          'name-server-lame',
          `${name} (${address}), a name server of ${apex}, does not have that zone: it answers ${soa.rcode}${soa.isAuthoritative ? '' : ', and not as an authority'}.`,
          'Whoever asks it gets no answer, and some give up: mail is late or is returned.',
          'Have it serve the zone, or remove it from the NS records, at the registry too.',
        ),
      )
    }),
  )
}

interface Serial {
  readonly server: string
  readonly source: string
  readonly serial: number
  readonly sighting: Sighting
}

function serialsOf({ servers }: ZoneView): readonly Serial[] {
  return servers.flatMap(({ name, sightings }) =>
    sightings.flatMap(sighting => {
      const { soa, address } = sighting
      const record = soa.kind === 'answer' ? soa.records.find(({ type }) => type === 'SOA') : undefined
      return record?.type === 'SOA' && hasZone(soa)
        ? [
            {
              server: `${name} (${address})`,
              source: record.data.mname.toLowerCase(),
              serial: record.data.serial ?? 0,
              sighting,
            },
          ]
        : []
    }),
  )
}

/** RFC 1982 §3.2 */
function isOlder(one: number, other: number): boolean {
  return one !== other && (other - one + 2 ** 32) % 2 ** 32 < 2 ** 31
}

function judgeAgreement(view: ZoneView): Verdict {
  const { apex, questions } = view
  const serials = serialsOf(view)
  const [first] = serials
  if (!first) return allWell
  const newest = serials.reduce((best, one) => (isOlder(best.serial, one.serial) ? one : best), first)
  const differing = questions.filter((question, index) => {
    const answers = serials.map(({ sighting }) => dataOf(sighting.answers[index], question))
    return new Set(answers.filter(data => data !== undefined)).size > 1
  })
  // Two operators of one zone count as they like; then only what they answer has to be the same.
  const isOneOperator = serials.every(({ source }) => source === first.source)
  const behind = isOneOperator ? serials.filter(({ serial }) => isOlder(serial, newest.serial)) : []
  const of = differing.map(({ name, type }) => `${name} ${type}`).join(', ')
  if (behind.length > 0) {
    const what = `${behind.map(({ server, serial }) => `${server} (serial ${serial})`).join(', ')} of ${apex} ${behind.length > 1 ? 'are' : 'is'} behind ${newest.server} (serial ${newest.serial})`
    const remedy =
      'After a change that takes minutes. If it lasts: see whether the secondary may transfer the zone (AXFR), and is notified of changes.'
    return found(
      differing.length > 0
        ? warning(
            'name-server-behind',
            `${what}, and answers otherwise to: ${of}.`,
            'Some of the world sees the old records, and mail goes by them.',
            remedy,
          )
        : advice('name-server-behind', `${what}.`, 'None as yet: the records for mail are the same.', remedy),
    )
  }
  if (differing.length === 0) return allWell
  return found(
    warning(
      'name-servers-differ',
      `The name servers of ${apex} answer differently to: ${of}.`,
      'Some of the world sees other records than the rest, and mail goes by them.',
      'Have all of them serve the same zone; if two providers do, change it with both.',
    ),
  )
}

/** What others see who ask the name servers, against what our own resolver says. */
function judgePublicView(view: ZoneView): Verdict {
  const serials = serialsOf(view)
  const verdicts = view.questions.map((question, index): Verdict => {
    const { name, type, seen } = question
    const answers = serials.map(({ sighting }) => dataOf(sighting.answers[index], question))
    const known = answers.filter(data => data !== undefined)
    if (known.length === 0) return allWell
    // Told of the signatures.
    if (view.bogus.includes(`${name} ${type}`)) return allWell
    if (seen.kind !== 'answer' || (seen.rcode !== 'NOERROR' && seen.rcode !== 'NXDOMAIN'))
      return notChecked(
        `what the resolver has of ${name} ${type}: ${seen.kind === 'answer' ? seen.rcode : seen.detail}`,
      )
    const data = dataOf(seen, question)
    if (data === undefined || known.includes(data)) return allWell
    const ttl = Math.max(0, ...seen.records.map(record => ('ttl' in record ? (record.ttl ?? 0) : 0)))
    return found(
      warning(
        'views-differ',
        `The resolver of this server has for ${name} ${type}: ${data === '' ? 'nothing' : data}; the name servers of ${view.apex} have: ${known[0] === '' ? 'nothing' : known[0]}.`,
        'Others see something else than this server does, and what is checked here is not what they see.',
        `If it was changed lately: in ${ttl > 0 ? `${ttl} seconds at most` : 'a while'} the old answer is forgotten. If the resolver has a zone of its own for your network, name one in delivery.dnsServers that asks the world.`,
      ),
    )
  })
  return joinVerdicts(verdicts)
}

/** The records that were asked for, in one text; undefined: nothing that can be compared (an alias, a referral, a failure). */
function dataOf(answer: InspectedAnswer | undefined, { name, type }: ZoneQuestion): string | undefined {
  if (answer?.kind !== 'answer' || (answer.rcode !== 'NOERROR' && answer.rcode !== 'NXDOMAIN'))
    return undefined
  if (answer.records.some(record => record.type === 'CNAME' || record.type === 'DNAME')) return undefined
  if (answer.records.length === 0 && answer.authorities.some(record => record.type === 'NS')) return undefined
  const data = answer.records.flatMap(record =>
    record.type === type && record.name.toLowerCase() === name ? [formatRecordData(record) ?? ''] : [],
  )
  // What else stands there is not about mail.
  const counted = type === 'TXT' && data.some(isSpfRecord) ? data.filter(isSpfRecord) : data
  return counted.sort().join(' | ')
}

const dayMs = 86_400_000
const soonMs = 3 * dayMs

export function judgeSignatures(view: ZoneView, now: number): Verdict {
  const { apex, servers, bogus, isAuthentic, isSigned } = view
  const isBogus = bogus.length > 0
  const signatures = servers.flatMap(({ sightings }) =>
    sightings.flatMap(({ soa, answers }) => [soa, ...answers].flatMap(signaturesOf)),
  )
  const first = signatures.reduce<Signature | undefined>(
    (soonest, one) => (soonest && soonest.expiresAt <= one.expiresAt ? soonest : one),
    undefined,
  )
  const cost =
    'To who checks DNSSEC, and large receivers do, your domain does not exist: they take no mail from it and send none.'
  // An island of signatures, to which no parent leads, is of no use and of no harm.
  const counts = isBogus || isAuthentic || isSigned !== false
  if (first && first.expiresAt <= now && counts)
    return found(
      error(
        'dnssec-expired',
        `The DNSSEC signatures of ${apex} are over: that of ${first.name} ${first.type} since ${timeOf(first.expiresAt)}.`,
        cost,
        'Have the zone signed anew, and see why it was not done by itself (the keys, the clock of the signer).',
      ),
    )
  if (isBogus)
    return found(
      error(
        'dnssec-bogus',
        `The DNSSEC signatures of ${apex} are wrong: the resolver refuses ${bogus.join(', ')}.`,
        cost,
        'See whether the DS record at the registry is that of the key with which the zone is signed. If it cannot be mended soon, have the registry remove the DS record.',
      ),
    )
  if (!first || !counts) return allWell
  const left = first.expiresAt - now
  // Some signers renew each signature every day, and none waits for the last sixth of its life.
  if (left < soonMs && left < first.lifetimeMs / 6)
    return found(
      warning(
        'dnssec-expires',
        `The DNSSEC signatures of ${apex} end soon: that of ${first.name} ${first.type} on ${timeOf(first.expiresAt)}.`,
        `When they are over: ${cost.charAt(0).toLowerCase()}${cost.slice(1)}`,
        'Have the zone signed anew, and see why it was not done by itself.',
      ),
    )
  return isAuthentic
    ? allWell
    : notChecked(
        `whether the signatures of ${apex} are right: the resolver does not say that it has checked them. Name one that does, on this machine, in delivery.dnsServers`,
      )
}

interface Signature {
  readonly name: string
  readonly type: string
  readonly expiresAt: number
  readonly lifetimeMs: number
}

function signaturesOf(answer: InspectedAnswer): Signature[] {
  if (answer.kind !== 'answer') return []
  return answer.records.flatMap(record => {
    if (record.type !== 'RRSIG') return []
    const { typeCovered, expiration, inception } = record.data
    return [
      {
        name: record.name.toLowerCase(),
        type: typeCovered,
        expiresAt: expiration * 1000,
        lifetimeMs: (expiration - inception) * 1000,
      },
    ]
  })
}

function timeOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
