// The SRV records by which mail programs find the server of their user (RFC 6186, RFC 8314 §5.1; Autodiscover).

import { autodiscoverRecordOf, httpsPort } from '../../config/autoconfig-hosts.ts'
import { srvPriorityOf } from '../../config/listener-roles.ts'
import type { DnsRecord, InspectedAnswer } from '../../dns/inspector.ts'
import { type Circumstances, misled } from '../circumstances.ts'
import { advice, allWell, found, joinVerdicts, notChecked, type Verdict, warning } from '../finding.ts'
import { type OwnServer, ownNames } from '../own-server.ts'
import type { World } from '../world.ts'
import { type NameView, observeName } from './names.ts'

export interface ServiceView {
  /** '_submissions._tcp.example.test' */
  readonly name: string
  /** On which the service is there. */
  readonly ports: readonly number[]
  /** That its record is to have. */
  readonly priority: number
  readonly answer: InspectedAnswer
  /** A single dot says that there is no such service, which somebody may want. */
  readonly isDenied: boolean
  readonly services: readonly { readonly target: NameView; readonly port: number }[]
}

export async function observeServices(
  { resolver, inspector }: Pick<World, 'resolver' | 'inspector'>,
  { listeners, autoconfig }: Pick<OwnServer, 'listeners' | 'autoconfig'>,
  domain: string,
): Promise<readonly ServiceView[]> {
  const byRole = Map.groupBy(
    listeners.filter(({ role }) => role !== 'relay'),
    ({ role }) => role,
  )
  const expected = [
    ...[...byRole].map(([role, own]) => ({
      name: `_${role}._tcp.${domain}`,
      ports: own.map(({ port }) => port),
      priority: srvPriorityOf(role),
    })),
    ...(autoconfig === 'on' ? [{ name: autodiscoverRecordOf(domain), ports: [httpsPort], priority: 0 }] : []),
  ]
  return await Promise.all(
    expected.map(async ({ name, ports, priority }) => {
      const answer = await inspector.askResolver(name, 'SRV')
      const records = answer.kind === 'answer' ? answer.records.flatMap(readService) : []
      // RFC 6186 §3.4
      const isDenied = records.some(({ target }) => target === '' || target === '.')
      const services = isDenied
        ? []
        : await Promise.all(
            records.map(async service => ({
              port: service.port,
              target: await observeName(resolver, service.target),
            })),
          )
      return { name, ports, priority, answer, isDenied, services }
    }),
  )
}

function readService(record: DnsRecord): { readonly target: string; readonly port: number }[] {
  return record.type === 'SRV' ? [{ target: record.data.target.toLowerCase(), port: record.data.port }] : []
}

export function judgeServices(views: readonly ServiceView[], circumstances: Circumstances): Verdict {
  return joinVerdicts(views.map(view => judgeService(view, circumstances)))
}

function judgeService(
  { name, ports, priority, answer, isDenied, services }: ServiceView,
  circumstances: Circumstances,
): Verdict {
  const { own, isMisled, isOurs } = circumstances
  if (answer.kind !== 'answer') return notChecked(answer.detail)
  if (answer.rcode !== 'NOERROR' && answer.rcode !== 'NXDOMAIN')
    return notChecked(`the SRV records of ${name} could not be looked up: ${answer.rcode}`)
  const publish = `Publish: ${name}. IN SRV ${priority} 1 ${ports[0]} ${own.hostname}.`
  if (isDenied) return allWell
  if (services.length === 0)
    return found(
      advice(
        'service-missing',
        `${name} has no SRV record.`,
        'Users have to enter the server in their mail programs themselves.',
        publish,
      ),
    )
  const names = ownNames(own)
  for (const { target, port: said } of services) {
    if (names.includes(target.name) && isMisled(target.name)) return notChecked(misled(target.name))
    const leadsHere =
      names.includes(target.name) ||
      (target.addresses.kind === 'some' && target.addresses.addresses.some(isOurs))
    // A router in front may have another port; here nobody knows of it.
    if (leadsHere && ports.includes(said)) return allWell
  }
  if (services.some(({ target }) => target.addresses.kind === 'unknown'))
    return notChecked(`where ${name} leads: the DNS did not tell`)
  return found(
    warning(
      'service-elsewhere',
      `${name} leads mail programs to ${services.map(({ target, port: said }) => `${target.name} port ${said}`).join(', ')}, and not to ${own.hostname} port ${ports.join(' or ')}.`,
      'Mail programs that set themselves up do not find this server.',
      publish,
    ),
  )
}
