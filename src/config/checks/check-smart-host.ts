// Is the smart host another server than this one, and do the limits mean it?
import { isIP } from 'node:net'
import { matchesDestination } from '../../delivery/pacing/match-mail.ts'
import { createOwnEndpoints } from '../../routing/own-endpoints.ts'
import { nameOfHost } from '../../routing/site.ts'
import type { Settings } from '../settings.ts'
import type { NameLookup } from './check-names.ts'
import type { Finding } from './finding.ts'

export async function checkSmartHost(
  { delivery: { limits, smartHost }, hostname, listeners }: Settings,
  lookup: NameLookup,
): Promise<Finding[]> {
  if (!smartHost) return []
  const findings = checkLimitsBehind(smartHost.host, limits)
  const { host, port } = smartHost
  const own = createOwnEndpoints({ hostname, listeners })
  const addresses = await addressesOf(host, lookup)
  if (!addresses.some(address => own.isOwnAddress(address, port))) return findings
  return [
    ...findings,
    {
      severity: 'error',
      subject: 'smart host',
      what: `delivery.smartHost is ${host} port ${port}, and that is this server itself.`,
      cost: 'No mail leaves for other servers: it waits until this is mended, and comes back to its senders in the end.',
      remedy:
        'Name the server that is to send the mail on, or remove [delivery.smartHost]: then this one sends it itself.',
    },
  ]
}

/** All mail goes to one receiver then, and rules for others mean only domains that this server relays for. */
function checkLimitsBehind(host: string, limits: Settings['delivery']['limits']): Finding[] {
  const site = { key: '', hosts: [nameOfHost(host)] }
  const idle = limits.filter(({ match }) => !match.some(text => matchesDestination(text, site, '')))
  return idle.map(({ match }) => ({
    severity: 'warning',
    subject: 'smart host',
    what: `delivery.limits for ${match.join(', ')} does not mean the smart host ${host}.`,
    cost: 'What goes through the smart host is not limited by it; only mail for domains that this server relays for can be.',
    remedy: `Write match = ["${nameOfHost(host)}"] to limit what goes to the smart host, or remove the rule.`,
  }))
}

/** A name without an answer is no error of this kind. */
async function addressesOf(host: string, lookup: NameLookup): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host]
  const answers = await Promise.allSettled([lookup.resolve4(host), lookup.resolve6(host)])
  return answers.flatMap(answer => (answer.status === 'fulfilled' ? answer.value : []))
}
