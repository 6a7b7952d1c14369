// MTA-STS (RFC 8461), where a domain has set it up: the record, the policy behind it, and the mail hosts that it names.
import { isDeepStrictEqual } from 'node:util'
import type { Answer } from '../../dns/answer.ts'
import type { FetchedStsPolicy } from '../../tls-policy/fetch-sts-policy.ts'
import { composeStsPolicy, type OwnStsPolicy, stsIdOf } from '../../tls-policy/own-policy.ts'
import { isNamedBy, parseStsPolicy, readStsId, type StsPolicy } from '../../tls-policy/sts-policy.ts'
import { type Circumstances, misrouted } from '../circumstances.ts'
import { allWell, error, found, notChecked, type Verdict, warning } from '../finding.ts'
import type { World } from '../world.ts'
import type { MailHostsView } from './mail-hosts.ts'

export interface MtaStsView {
  readonly domain: string
  readonly answer: Answer<string>
  readonly id: string | undefined
  /** undefined: there is no record that leads to one. */
  readonly policy: FetchedStsPolicy | undefined
}

export async function observeMtaSts(
  { resolver, fetchStsPolicy }: Pick<World, 'resolver' | 'fetchStsPolicy'>,
  domain: string,
): Promise<MtaStsView> {
  const answer = await resolver.txt(`_mta-sts.${domain}`)
  const id = answer.kind === 'found' ? readStsId(answer.records) : undefined
  return { domain, answer, id, policy: id === undefined ? undefined : await fetchStsPolicy(domain) }
}

/** Servers demand a certificate that is valid for the mail host. */
export function demandsCertificates({ policy }: MtaStsView): boolean {
  return policy?.kind === 'fetched' && policy.policy.mode !== 'none'
}

export function judgeMtaSts(
  view: MtaStsView,
  { hosts }: MailHostsView,
  { isMisrouted, own }: Pick<Circumstances, 'isMisrouted' | 'own'>,
): Verdict {
  const { domain, answer, policy } = view
  const { stsPolicy } = own
  if (answer.kind === 'temporary-failure') return notChecked(answer.detail)
  const texts = answer.kind === 'found' ? answer.records.filter(text => /^\s*v\s*=\s*sts/i.test(text)) : []
  const publish = (id: string): string => `Publish: _mta-sts.${domain}. IN TXT "v=STSv1; id=${id}"`
  if (texts.length === 0) {
    // "none" is for those who know an older policy.
    if (!stsPolicy || stsPolicy.mode === 'none') return allWell
    return found(
      warning(
        'mta-sts-missing',
        `${domain} has no record at _mta-sts, and this server serves a policy for it ([mtaSts]).`,
        'Nobody looks for the policy: mail to the domain may be sent without TLS, or to somebody who puts himself between.',
        publish(stsIdOf(stsPolicy)),
      ),
    )
  }
  if (!policy)
    return found(
      warning(
        'mta-sts-record',
        texts.length > 1
          ? `_mta-sts.${domain} has ${texts.length} records, and may have one.`
          : `The record at _mta-sts.${domain} cannot be read: "${texts[0]}".`,
        'Other servers take it that the domain has no policy, and mail to it may be sent without TLS.',
        `${publish(stsPolicy ? stsIdOf(stsPolicy) : '20260101')}. There may be one; the id is letters and digits, another one at each change of the policy.`,
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
  const other = stsPolicy && judgeAgainstOwn(view, policy.policy, stsPolicy)
  if (other) return other
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

function judgeAgainstOwn(
  { domain, id }: MtaStsView,
  seen: StsPolicy,
  own: OwnStsPolicy,
): Verdict | undefined {
  const expected = parseStsPolicy(composeStsPolicy(own))
  if (!isDeepStrictEqual(seen, expected))
    return found(
      warning(
        'mta-sts-other',
        `The MTA-STS policy at https://mta-sts.${domain} is not that of the settings ([mtaSts]): it says "mode: ${seen.mode}" and names ${seen.mx.join(', ') || 'no mail host'}.`,
        'Others go by the policy that is there.',
        `See where mta-sts.${domain} leads: this server is to be asked, not another web server. If it was changed lately, restart the server.`,
      ),
    )
  if (id === stsIdOf(own)) return undefined
  return found(
    warning(
      'mta-sts-id',
      `The record at _mta-sts.${domain} has the id ${id}, and the policy that is served now ([mtaSts]) goes with another.`,
      'Others who have fetched an older policy do not learn that there is a new one.',
      `Publish: _mta-sts.${domain}. IN TXT "v=STSv1; id=${stsIdOf(own)}"`,
    ),
  )
}
