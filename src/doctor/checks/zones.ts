// Do the name servers of a zone have it, do they agree, and does our resolver see what they have (RFC 1034 §4.2.2)?
import { formatRecordData, type InspectedAnswer } from '../../dns/inspector.ts'
import { isSpfRecord } from '../../mail-authentication/spf/parse-record.ts'
import { advice, allWell, error, found, joinVerdicts, notChecked, type Verdict, warning } from '../finding.ts'
import { hasZone, type NameServerView, type Sighting, type ZoneQuestion, type ZoneView } from './zone-view.ts'

export function judgeZone(view: ZoneView): Verdict {
  const { apex, servers } = view
  if (servers.length === 0) return notChecked(`the name servers of ${apex} were not found`)
  const isAnybodyHeard = servers.some(({ sightings }) => sightings.some(({ soa }) => soa.kind === 'answer'))
  if (!isAnybodyHeard)
    return notChecked(
      `none of the name servers of ${apex} answers this machine: ${servers.map(({ name }) => name).join(', ')}. It may be that only its own resolver may ask others (port 53)`,
    )
  // The resolver found the zone somewhere: so it is not these that answer.
  if (!servers.some(({ sightings }) => sightings.some(({ soa }) => hasZone(soa))))
    return notChecked(
      `none of the name servers of ${apex} answers this machine as one that has the zone. It may be that something on the way answers in their place`,
    )
  return joinVerdicts([
    ...servers.map(server => judgeServer(apex, server)),
    judgeDelegation(view),
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

function judgeDelegation({ apex, servers, delegation }: ZoneView): Verdict {
  if (!delegation) return notChecked(`what the zone above ${apex} says of its name servers`)
  // Of one that does not do its duty it was told already that it is named.
  const good = servers.filter(({ sightings }) => sightings.some(({ soa }) => hasZone(soa)))
  const above = good.filter(({ namedBy }) => namedBy === 'parent').map(({ name }) => name)
  const within = good.filter(({ namedBy }) => namedBy === 'zone').map(({ name }) => name)
  if (above.length + within.length === 0) return allWell
  const parts = [
    ...(above.length > 0 ? [`only the zone above names ${above.join(', ')}`] : []),
    ...(within.length > 0 ? [`only the zone itself names ${within.join(', ')}`] : []),
  ]
  return found(
    advice(
      'delegation-differs',
      `The name servers of ${apex} are not the same above it and in it: ${parts.join('; ')}.`,
      'None while all of them have the zone; but whoever switches one off that is still named takes the domain away from some.',
      'Correct the NS records of the zone, or those at the registry.',
    ),
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
