// DMARC (RFC 9989): what receivers are to do with mail that is not ours, and where they report it (RFC 9990).
import type { Address } from '../../address/address.ts'
import { confirmTargets, type ReportTarget, readTargets } from '../../dmarc-report/report-targets.ts'
import type { Answer } from '../../dns/answer.ts'
import {
  isPolicyRecord,
  type ParsedPolicy,
  parsePolicyRecord,
} from '../../mail-authentication/dmarc/policy-record.ts'
import { applyingPolicy, TreeWalker } from '../../mail-authentication/dmarc/tree-walk.ts'
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
  /** Whether the domain of the address takes reports about ours (RFC 9990 §4). */
  readonly consent: Consent
  /** Of a domain of ours: whether it finds anybody. */
  readonly isTaken: boolean | undefined
}

export type Consent =
  | { readonly kind: 'given' | 'missing' }
  | { readonly kind: 'unknown'; readonly detail: string }

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
    uris.map(async (uri): Promise<ReportView> => {
      const [target] = readTargets(`v=DMARC1; rua=${uri}`)
      if (!target) return { uri, address: undefined, consent: { kind: 'missing' }, isTaken: undefined }
      const [consent, isTaken] = await Promise.all([
        observeConsent(resolver, domain, target),
        takesMailFor(target.address),
      ])
      return { uri, address: target.address, consent, isTaken }
    }),
  )
  return { domain, answer, policy, walkFailure: walk.failure, reports }
}

async function observeConsent(
  resolver: World['resolver'],
  domain: string,
  target: ReportTarget,
): Promise<Consent> {
  const { targets, problem } = await confirmTargets(resolver, domain, [target])
  if (problem !== undefined) return { kind: 'unknown', detail: problem }
  return { kind: targets.length > 0 ? 'given' : 'missing' }
}

function reportUris(record: string): string[] {
  const list = parseTagList(record)?.get('rua') ?? ''
  return list
    .split(',')
    .map(uri => uri.trim())
    .filter(uri => uri !== '')
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
  const policy = parseTagList(record)?.get('p')?.toLowerCase()
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
  if (consent.kind === 'unknown') return notChecked(consent.detail)
  if (consent.kind === 'missing')
    return found(
      warning(
        'dmarc-reports-unauthorised',
        `The DMARC reports about ${domain} are to go to ${address.domain}, which does not say that it takes them.`,
        'Receivers send no reports there.',
        `In the DNS of ${address.domain}: ${domain}._report._dmarc.${address.domain}. IN TXT "v=DMARC1"`,
      ),
    )
  return allWell
}
