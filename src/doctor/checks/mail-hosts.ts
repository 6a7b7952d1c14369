// The MX records of a domain of ours: do they lead here, by names as they have to be (RFC 5321 §5.1, RFC 7505, RFC 2181 §10.3)?
import { isIP } from 'node:net'
import type { Answer, MailExchange } from '../../dns/answer.ts'
import type { Circumstances } from '../circumstances.ts'
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
import { type OwnDomain, ownNames } from '../own-server.ts'
import type { World } from '../world.ts'
import { type NameView, observeName } from './names.ts'

export interface MailHostsView {
  readonly answer: Answer<MailExchange>
  /** Of each exchange, but the root. */
  readonly hosts: readonly NameView[]
}

/** What goes on for longer is not a mail host's list. */
const maxHosts = 20

export async function observeMailHosts(
  { resolver }: Pick<World, 'resolver'>,
  domain: string,
): Promise<MailHostsView> {
  const answer = await resolver.mx(domain)
  const exchanges = answer.kind === 'found' ? answer.records.map(({ exchange }) => exchange) : []
  const names = [...new Set(exchanges)].filter(name => name !== '').slice(0, maxHosts)
  return { answer, hosts: await Promise.all(names.map(async name => await observeName(resolver, name))) }
}

export function judgeMailHosts(
  { name: domain, isFetched }: Pick<OwnDomain, 'name' | 'isFetched'>,
  { answer, hosts }: MailHostsView,
  circumstances: Circumstances,
): Verdict {
  const { hostname } = circumstances.own
  const remedy = `Publish: ${domain}. IN MX 10 ${hostname}.`
  switch (answer.kind) {
    case 'temporary-failure':
      return notChecked(answer.detail)
    case 'no-such-domain':
      return found(
        error(
          'domain-missing',
          `${domain} is not in the DNS.`,
          `Nobody can write to @${domain}, and most servers refuse what comes from there.`,
          `See whether its registration has run out, and whether its registry knows its name servers. If it is gone for good: postrider domain remove ${domain}`,
        ),
      )
    case 'no-data':
      return found(
        error(
          'mx-missing',
          `${domain} has no MX record.`,
          `Mail for @${domain} goes to whatever has the address of ${domain} itself, or nowhere.`,
          remedy,
        ),
      )
    case 'found':
      break
    default:
      return answer satisfies never
  }
  if (hosts.length === 0)
    return found(
      error(
        'mx-null',
        `${domain} says in the DNS that it takes no mail (null MX).`,
        `Other servers send nothing to @${domain}.`,
        `${remedy} Remove the one with a single dot.`,
      ),
    )
  const own = ownNames(circumstances.own)
  const isHere = hosts.some(host => own.includes(host.name) || leadsHere(host, circumstances))
  const isUnknown = hosts.some(({ addresses }) => addresses.kind === 'unknown')
  const elsewhere =
    isHere || isFetched
      ? allWell
      : isUnknown
        ? notChecked('where the mail hosts lead: the DNS did not tell')
        : found(...judgeElsewhere(domain, hostname, hosts, remedy))
  return joinVerdicts([
    ...hosts.map(host => judgeHost(domain, host, circumstances, own.includes(host.name))),
    elsewhere,
  ])
}

/** A host that has no address, or is none, is told of as that. */
function judgeElsewhere(
  domain: string,
  hostname: string,
  hosts: readonly NameView[],
  remedy: string,
): Finding[] {
  if (hosts.some(({ name, addresses }) => isIP(name) !== 0 || addresses.kind === 'none')) return []
  return [
    error(
      'mx-elsewhere',
      `The MX records of ${domain} lead to ${hosts.map(({ name }) => name).join(', ')}; none leads to this server, ${hostname}.`,
      `Mail for @${domain} arrives there, and here only if it is passed on.`,
      remedy,
    ),
  ]
}

function leadsHere({ addresses }: NameView, { isOurs }: Circumstances): boolean {
  return addresses.kind === 'some' && addresses.addresses.some(isOurs)
}

function judgeHost(
  domain: string,
  { name, alias, addresses }: NameView,
  circumstances: Circumstances,
  isOwn: boolean,
): Verdict {
  const { hostname } = circumstances.own
  if (isIP(name) !== 0)
    return found(
      error(
        'mx-address',
        `An MX record of ${domain} has an address, ${name}, where a name has to be.`,
        'Other servers look that up as a name and find nothing; the most careful ones return the mail.',
        `Publish: ${domain}. IN MX 10 ${hostname}.`,
      ),
    )
  // RFC 2181 §10.3, RFC 5321 §5.1
  if (alias !== undefined)
    return found(
      warning(
        'mx-alias',
        `The mail host ${name} of ${domain} is an alias (CNAME) of ${alias}.`,
        'Some servers deliver nothing to such a host.',
        `Publish: ${domain}. IN MX 10 ${alias}. Or give ${name} A and AAAA records of its own.`,
      ),
    )
  if (isOwn && circumstances.isMisled(name)) return allWell
  if (addresses.kind === 'unknown') return notChecked(addresses.detail)
  if (addresses.kind === 'none')
    return found(
      error(
        'mx-host-missing',
        `The mail host ${name} of ${domain} has no address in the DNS (A, AAAA).`,
        'Mail that is tried there first is late, or is returned.',
        `Correct the MX record (this server is ${hostname}), or publish an address for ${name}.`,
      ),
    )
  return allWell
}
