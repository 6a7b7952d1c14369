// DMARC (RFC 9989): what receivers are to do with mail that is not ours, and where they report it (RFC 9990).
import type { Address } from '../../address/address.ts'
import { parseAddress } from '../../address/parse-address.ts'
import type { Answer } from '../../dns/answer.ts'
import {
  isPolicyRecord,
  type ParsedPolicy,
  parsePolicyRecord,
} from '../../mail-authentication/dmarc/policy-record.ts'
import {
  applyingPolicy,
  organizationalDomain,
  TreeWalker,
} from '../../mail-authentication/dmarc/tree-walk.ts'
import { isWithin } from '../../mail-authentication/domain-names.ts'
import { parseTagList } from '../../mail-authentication/tag-list.ts'
import { advice, allWell, error, found, joinVerdicts, notChecked, type Verdict, warning } from '../finding.ts'
import type { OwnServer } from '../own-server.ts'
import type { World } from '../world.ts'

export interface DmarcView {
  readonly domain: string
  readonly answer: Answer<string>
  /** The policy that applies: its own, or that of its organisation. */
  readonly policy: { readonly domain: string; readonly record: ParsedPolicy } | undefined
  readonly walkFailure: string | undefined
  readonly reports: readonly ReportView[]
}

export interface ReportView {
  /** As it stands in the record. */
  readonly uri: string
  /** undefined: no address of mail. */
  readonly address: Address | undefined
  /** Whether the domain of the address agrees to get reports about ours (RFC 9990 §4); 'own': it need not. */
  readonly consent: 'own' | 'given' | 'missing' | 'unknown'
  /** Of a domain of ours: whether it finds anybody. */
  readonly isTaken: boolean | undefined
}

export async function observeDmarc(
  { resolver }: Pick<World, 'resolver'>,
  { takesMailFor }: Pick<OwnServer, 'takesMailFor'>,
  domain: string,
): Promise<DmarcView> {
  const walker = new TreeWalker(resolver)
  const [answer, walk] = await Promise.all([resolver.txt(`_dmarc.${domain}`), walker.walk(domain)])
  const policy = applyingPolicy(domain, walk)
  const uris = policy && policy.domain === domain ? reportUris(policy.record.text) : []
  const reports = await Promise.all(
    uris.map(async uri => {
      const address = parseMailto(uri)
      if (!address) return { uri, address, consent: 'own' as const, isTaken: undefined }
      const [target, isTaken] = await Promise.all([walker.walk(address.domain), takesMailFor(address)])
      const isSameOrganization =
        isWithin(address.domain, domain) ||
        isWithin(domain, address.domain) ||
        organizationalDomain(address.domain, target.found) === organizationalDomain(domain, walk.found)
      const consent = isSameOrganization ? 'own' : await observeConsent(resolver, domain, address.domain)
      return { uri, address, consent, isTaken }
    }),
  )
  return { domain, answer, policy, walkFailure: walk.failure, reports }
}

/** RFC 9990 §4: '<ours>._report._dmarc.<theirs>' */
async function observeConsent(
  resolver: World['resolver'],
  domain: string,
  target: string,
): Promise<ReportView['consent']> {
  const answer = await resolver.txt(consentName(domain, target))
  if (answer.kind === 'temporary-failure') return 'unknown'
  return answer.kind === 'found' && answer.records.some(isPolicyRecord) ? 'given' : 'missing'
}

function consentName(domain: string, target: string): string {
  return `${domain}._report._dmarc.${target}`
}

function reportUris(record: string): string[] {
  const list = parseTagList(record)?.get('rua')?.value ?? ''
  return list
    .split(',')
    .map(uri => uri.trim())
    .filter(uri => uri !== '')
}

/** 'mailto:postmaster@example.test', with '!10m' at its end perhaps. */
function parseMailto(uri: string): Address | undefined {
  const [, text] = /^mailto:([^!?]+)/i.exec(uri) ?? []
  if (text === undefined) return undefined
  try {
    return parseAddress(decodeURIComponent(text))
  } catch {
    return undefined // a percent sign that begins nothing
  }
}

const looksMeant = /^\s*v\s*=\s*dmarc/i

export function judgeDmarc({ domain, answer, policy, walkFailure, reports }: DmarcView): Verdict {
  if (answer.kind === 'temporary-failure') return notChecked(answer.detail)
  const texts = answer.kind === 'found' ? answer.records : []
  const records = texts.filter(isPolicyRecord)
  const proposal = `_dmarc.${domain}. IN TXT "v=DMARC1; p=none; rua=mailto:postmaster@${domain}"`
  const cost =
    'Receivers do not know what you want done with forged mail; large ones refuse mail in bulk from you.'
  if (records.length > 1)
    return found(
      error(
        'dmarc-several',
        `${domain} has ${records.length} DMARC records, and may have one.`,
        `None of them counts. ${cost}`,
        `Keep one: ${records.map(text => `"${text}"`).join(' ')}`,
      ),
    )
  const [record] = records
  const parsed = record === undefined ? undefined : parsePolicyRecord(record)
  const [wrong] = texts.filter(text => looksMeant.test(text))
  if (record === undefined && wrong === undefined) {
    // That of its organisation holds for it, and is judged where it stands.
    if (policy) return allWell
    if (walkFailure !== undefined) return notChecked(walkFailure)
    return found(error('dmarc-missing', `${domain} has no DMARC record.`, cost, `Publish: ${proposal}`))
  }
  if (!parsed || parsed.policy === undefined || isHalfRead(record ?? '')) {
    return found(
      error(
        'dmarc-invalid',
        `The DMARC record of ${domain} cannot be read: "${record ?? wrong}".`,
        `It counts for nothing. ${cost}`,
        `It has to begin with "v=DMARC1;", and to have p=none, p=quarantine or p=reject: ${proposal}`,
      ),
    )
  }
  return judgeReports(domain, parsed, reports)
}

/** RFC 9989 §4.10.1: a wrong p= beside a rua= counts as p=none, which nobody meant who wrote something else. */
function isHalfRead(record: string): boolean {
  const policy = parseTagList(record)?.get('p')?.value.toLowerCase()
  return policy === undefined || !['none', 'quarantine', 'reject'].includes(policy)
}

function judgeReports(domain: string, { policy }: ParsedPolicy, reports: readonly ReportView[]): Verdict {
  return joinVerdicts(
    policy === 'none' && reports.length === 0
      ? [
          found(
            advice(
              'dmarc-idle',
              `The DMARC record of ${domain} asks for nothing: p=none, and no reports (rua=).`,
              'Nobody tells you who sends in your name, and nobody stops it.',
              `Add rua=mailto:postmaster@${domain}; when the reports show nothing but your own servers, go on to p=quarantine.`,
            ),
          ),
        ]
      : reports.map(report => judgeReport(domain, report)),
  )
}

function judgeReport(domain: string, { uri, address, consent, isTaken }: ReportView): Verdict {
  if (!address)
    return found(
      warning(
        'dmarc-reports-address',
        `rua= in the DMARC record of ${domain} has "${uri}", which is no mail address.`,
        'Reports do not come.',
        `Write it as mailto:postmaster@${domain}`,
      ),
    )
  if (isTaken === false)
    return found(
      warning(
        'dmarc-reports-nobody',
        `The DMARC reports about ${domain} go to ${address.localPart}@${address.domain}, and nobody has that address here.`,
        'The reports are refused, and you do not learn who sends in your name.',
        `postrider alias create ${address.localPart}@${address.domain}; or name another address in rua=`,
      ),
    )
  if (consent === 'unknown')
    return notChecked(`whether ${address.domain} takes reports about ${domain}: the DNS did not answer`)
  if (consent === 'missing')
    return found(
      warning(
        'dmarc-reports-unauthorised',
        `The DMARC reports about ${domain} are to go to ${address.domain}, which does not say that it takes them.`,
        'Receivers send no reports there.',
        `In the DNS of ${address.domain}: ${consentName(domain, address.domain)}. IN TXT "v=DMARC1"`,
      ),
    )
  return allWell
}
