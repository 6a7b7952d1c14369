// SPF (RFC 7208): may the addresses from which we send use our domains, and may strangers not?
import type { Answer } from '../../dns/answer.ts'
import { boundDns } from '../../mail-authentication/bounded-dns.ts'
import { checkHost, type SpfEvidence } from '../../mail-authentication/spf/check-host.ts'
import { isSpfRecord, parseSpfRecord } from '../../mail-authentication/spf/parse-record.ts'
import { type Circumstances, misled, misrouted, othersSend, unknownSource } from '../circumstances.ts'
import {
  allWell,
  error,
  type Finding,
  found,
  joinVerdicts,
  notChecked,
  type Verdict,
  warning,
} from '../finding.ts'
import type { OwnServer, SendingAddress } from '../own-server.ts'
import type { World } from '../world.ts'

export interface SpfView {
  readonly domain: string
  readonly answer: Answer<string>
  readonly own: readonly (SendingAddress & { readonly evidence: SpfEvidence })[]
  /** Of addresses that are certainly nobody's of ours: so every term is evaluated. */
  readonly strangers: readonly SpfEvidence[]
}

/** RFC 5737 and its like of IPv6: for documents; no record that means somebody names them. */
const strangerAddresses = ['198.51.100.77', '203.0.113.77', '2001:db8:77::77']

export interface SpfSubject {
  readonly domain: string
  /** helo: the name of the server itself, which counts for mail without a sender (§2.4). */
  readonly identity: 'helo' | 'mailfrom'
  readonly sending: readonly SendingAddress[]
}

export async function observeSpf(
  { resolver, clock }: Pick<World, 'resolver' | 'clock'>,
  { hostname }: Pick<OwnServer, 'hostname'>,
  { domain, identity, sending }: SpfSubject,
): Promise<SpfView> {
  // As of a stranger's message: whatever the record leads to, it ends.
  const dns = boundDns(resolver, clock, { timeMs: 30_000, maxQuestions: 300 })
  const check = async (clientAddress: string, heloName: string): Promise<SpfEvidence> =>
    await checkHost(dns, {
      clientAddress,
      heloName,
      identity,
      localPart: 'postmaster',
      domain,
      hostname,
      at: clock.now(),
    })
  const [answer, own, strangers] = await Promise.all([
    resolver.txt(domain),
    Promise.all(sending.map(async one => ({ ...one, evidence: await check(one.address, one.helloName) }))),
    Promise.all(strangerAddresses.map(async address => await check(address, 'stranger.invalid'))),
  ])
  return { domain, answer, own, strangers }
}

export function judgeSpf({ domain, answer, own, strangers }: SpfView, circumstances: Circumstances): Verdict {
  if (answer.kind === 'temporary-failure') return notChecked(answer.detail)
  const records = answer.kind === 'found' ? answer.records.filter(isSpfRecord) : []
  const [record] = records
  if (record === undefined) return found(missing(domain, circumstances))
  const problem = problemOfRecord(domain, records, record, [
    ...own.map(({ evidence }) => evidence),
    ...strangers,
  ])
  if (problem) return found(problem)
  if (isForEverybody(strangers))
    return found(
      error(
        'spf-everyone',
        `The SPF record of ${domain} lets everybody send: "${record}".`,
        'Whoever forges your addresses passes the check, and receivers trust your domain the less for it.',
        'End it with "~all" or "-all", and see that no network in it is the whole internet.',
      ),
    )
  if (circumstances.own.smartHost) return notChecked(othersSend(circumstances.own.smartHost.host))
  if (own.length === 0) return notChecked(unknownSource)
  return joinVerdicts(own.map(one => judgeOwn(domain, record, one, circumstances)))
}

/** Of one family is enough. */
function isForEverybody(strangers: SpfView['strangers']): boolean {
  const [one, other, ofIpv6] = strangers.map(({ result }) => result === 'pass')
  return (one && other) === true || ofIpv6 === true
}

function missing(domain: string, { own }: Circumstances): Finding {
  const isServer = domain === own.hostname
  return isServer
    ? warning(
        'spf-of-server-missing',
        `${domain}, the name of this server, has no SPF record.`,
        'Its reports (bounces) come without a sender, so this name counts; and large receivers refuse what nothing vouches for.',
        `Publish: ${domain}. IN TXT "v=spf1 a -all"`,
      )
    : error(
        'spf-missing',
        `${domain} has no SPF record.`,
        'Large receivers refuse mail from such a domain, or take it for spam.',
        `Publish: ${domain}. IN TXT "v=spf1 mx ~all" ("postrider domain dns" knows what has to be in it)`,
      )
}

const costOfError = 'To receivers it is as if it named nobody, and some refuse the mail for it.'

function problemOfRecord(
  domain: string,
  records: readonly string[],
  record: string,
  evidence: readonly SpfEvidence[],
): Finding | undefined {
  if (records.length > 1)
    return error(
      'spf-several',
      `${domain} has ${records.length} SPF records, and may have one.`,
      costOfError,
      `Make one of them, with all terms before the last: ${records.map(text => `"${text}"`).join(' ')}`,
    )
  const parsed = parseSpfRecord(record)
  if ('problem' in parsed)
    return error(
      'spf-invalid',
      `The SPF record of ${domain} cannot be read: ${parsed.problem}.`,
      costOfError,
      `Correct it; it is now: "${record}"`,
    )
  const failed = evidence.find(({ result }) => result === 'permerror')
  if (!failed) return undefined
  // RFC 7208 §4.6.4
  return failed.lookups > 10
    ? error(
        'spf-too-many-lookups',
        `The SPF record of ${domain} needs more than ten DNS lookups, with what it includes.`,
        costOfError,
        `Remove an "include:" of somebody who no longer sends for you, or write networks (ip4:, ip6:) in its place. It is now: "${record}"`,
      )
    : error(
        'spf-broken',
        `The SPF record of ${domain} leads to an error: ${failed.problem ?? 'nobody says which'}.`,
        costOfError,
        `Correct what that says. The record is now: "${record}"`,
      )
}

function judgeOwn(
  domain: string,
  record: string,
  { address, helloName, evidence }: SpfView['own'][number],
  circumstances: Circumstances,
): Verdict {
  if (evidence.result === 'pass') return allWell
  if (evidence.result === 'temperror') return notChecked(evidence.problem ?? 'the DNS did not answer')
  if (circumstances.isMisled(helloName)) return notChecked(misled(helloName))
  if (circumstances.isMisrouted(domain)) return notChecked(misrouted(domain))
  const term = evidence.term === undefined ? '' : ` ("${evidence.term}")`
  return found(
    error(
      'spf-not-covered',
      `The SPF record of ${domain} does not cover ${address}, from which this server sends: ${evidence.result}${term}.`,
      'Receivers take mail from there for forged, unless its DKIM signature proves it.',
      `Add ${address.includes(':') ? 'ip6' : 'ip4'}:${address} before the last term. The record is now: "${record}"`,
    ),
  )
}
