// MTA-STS (RFC 8461), where a domain has set it up: the record, the policy behind it, and the mail hosts that it names.
import type { Answer } from '../../dns/answer.ts'
import type { FetchedStsPolicy } from '../../tls-policy/fetch-sts-policy.ts'
import { isNamedBy, readStsId } from '../../tls-policy/sts-policy.ts'
import { type Circumstances, misrouted } from '../circumstances.ts'
import { allWell, error, found, notChecked, type Verdict, warning } from '../finding.ts'
import type { World } from '../world.ts'
import type { MailHostsView } from './mail-hosts.ts'

export interface MtaStsView {
  readonly domain: string
  readonly answer: Answer<string>
  /** undefined: there is no record that leads to one. */
  readonly policy: FetchedStsPolicy | undefined
}

export async function observeMtaSts(
  { resolver, fetchStsPolicy }: Pick<World, 'resolver' | 'fetchStsPolicy'>,
  domain: string,
): Promise<MtaStsView> {
  const answer = await resolver.txt(`_mta-sts.${domain}`)
  const id = answer.kind === 'found' ? readStsId(answer.records) : undefined
  return { domain, answer, policy: id === undefined ? undefined : await fetchStsPolicy(domain) }
}

/** Servers demand a certificate that is valid for the mail host. */
export function demandsCertificates({ policy }: MtaStsView): boolean {
  return policy?.kind === 'fetched' && policy.policy.mode !== 'none'
}

export function judgeMtaSts(
  { domain, answer, policy }: MtaStsView,
  { hosts }: MailHostsView,
  { isMisrouted }: Pick<Circumstances, 'isMisrouted'>,
): Verdict {
  if (answer.kind === 'temporary-failure') return notChecked(answer.detail)
  const texts = answer.kind === 'found' ? answer.records.filter(text => /^\s*v\s*=\s*sts/i.test(text)) : []
  if (texts.length === 0) return allWell
  if (!policy)
    return found(
      warning(
        'mta-sts-record',
        texts.length > 1
          ? `_mta-sts.${domain} has ${texts.length} records, and may have one.`
          : `The record at _mta-sts.${domain} cannot be read: "${texts[0]}".`,
        'Other servers take it that the domain has no policy, and mail to it may be sent without TLS.',
        `Publish one: _mta-sts.${domain}. IN TXT "v=STSv1; id=20260101"; the id is letters and digits, another one at each change.`,
      ),
    )
  if (policy.kind === 'failed')
    return found(
      error(
        'mta-sts-policy',
        `The MTA-STS policy of ${domain} is not to be had: ${policy.detail}.`,
        'Servers that do not know the policy yet do without it; those that do hold on to the old one, even if its mail hosts are gone.',
        `Serve it at https://mta-sts.${domain}/.well-known/mta-sts.txt as text/plain, with a certificate for that name; or remove the record at _mta-sts.${domain}, once a policy with "mode: none" was there for as long as max_age said.`,
      ),
    )
  const unnamed = hosts.filter(({ name }) => !isNamedBy(policy.policy, name)).map(({ name }) => name)
  if (unnamed.length === 0 || policy.policy.mode === 'none') return allWell
  if (isMisrouted(domain)) return notChecked(misrouted(domain))
  const isEnforced = policy.policy.mode === 'enforce'
  const make = isEnforced ? error : warning
  return found(
    make(
      'mta-sts-unnamed',
      `The MTA-STS policy of ${domain} does not name its mail host ${unnamed.join(', ')}.`,
      isEnforced
        ? 'Servers that check it deliver nothing there.'
        : 'Servers report it; with "mode: enforce" they would deliver nothing there.',
      `Add to the policy: ${unnamed.map(name => `mx: ${name}`).join('; ')}; then change the id in the record at _mta-sts.${domain}.`,
    ),
  )
}
