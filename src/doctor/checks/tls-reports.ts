// TLS-RPT (RFC 8460): where other servers report that they could not encrypt mail to a domain of ours.
import type { Answer } from '../../dns/answer.ts'
import { type ReportTarget, readReportTargets } from '../../tls-report/report-record.ts'
import { advice, found, joinVerdicts, notChecked, type Verdict, warning } from '../finding.ts'
import type { OwnServer } from '../own-server.ts'
import type { World } from '../world.ts'

export interface TlsReportsView {
  readonly domain: string
  readonly answer: Answer<string>
  readonly targets: readonly (ReportTarget & {
    /** Of an address in a domain of ours: whether it finds anybody. */
    readonly isTaken: boolean | undefined
  })[]
}

export async function observeTlsReports(
  { resolver }: Pick<World, 'resolver'>,
  { takesMailFor }: Pick<OwnServer, 'takesMailFor'>,
  domain: string,
): Promise<TlsReportsView> {
  const answer = await resolver.txt(`_smtp._tls.${domain}`)
  const targets = answer.kind === 'found' ? readReportTargets(answer.records) : []
  return {
    domain,
    answer,
    targets: await Promise.all(
      targets.map(async target => ({
        ...target,
        isTaken: target.kind === 'mail' ? await takesMailFor(target.address) : undefined,
      })),
    ),
  }
}

export function judgeTlsReports({ domain, answer, targets }: TlsReportsView): Verdict {
  if (answer.kind === 'temporary-failure') return notChecked(answer.detail)
  const texts = answer.kind === 'found' ? answer.records.filter(text => /^\s*v\s*=\s*tlsrpt/i.test(text)) : []
  const cost = 'You do not learn that other servers cannot encrypt mail to you.'
  const publish = `Publish: _smtp._tls.${domain}. IN TXT "v=TLSRPTv1; rua=mailto:postmaster@${domain}"`
  if (texts.length === 0)
    return found(
      advice(
        'tls-reports-missing',
        `${domain} does not say where reports about TLS go (_smtp._tls).`,
        cost,
        publish,
      ),
    )
  if (targets.length === 0)
    return found(
      warning(
        'tls-reports-record',
        texts.length > 1
          ? `_smtp._tls.${domain} has ${texts.length} records, and may have one.`
          : `The record at _smtp._tls.${domain} cannot be read: "${texts[0]}".`,
        cost,
        publish,
      ),
    )
  return joinVerdicts(
    targets.flatMap(target =>
      target.kind === 'mail' && target.isTaken === false
        ? [
            found(
              warning(
                'tls-reports-nobody',
                `The reports about TLS of ${domain} go to ${target.address.localPart}@${target.address.domain}, and nobody has that address here.`,
                cost,
                `postrider alias create ${target.address.localPart}@${target.address.domain}; or name another address in rua=`,
              ),
            ),
          ]
        : [],
    ),
  )
}
