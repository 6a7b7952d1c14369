// Is the smart host another server than this one?
import { isIP } from 'node:net'
import { createOwnEndpoints } from '../../routing/own-endpoints.ts'
import type { Settings } from '../settings.ts'
import type { NameLookup } from './check-names.ts'
import type { Finding } from './finding.ts'

export async function checkSmartHost(
  { delivery: { smartHost }, hostname, listeners }: Settings,
  lookup: NameLookup,
): Promise<Finding[]> {
  if (!smartHost) return []
  const { host, port } = smartHost
  const own = createOwnEndpoints({ hostname, listeners })
  const addresses = await addressesOf(host, lookup)
  if (!addresses.some(address => own.isOwnAddress(address, port))) return []
  return [
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

/** A name without an answer is no error of this kind. */
async function addressesOf(host: string, lookup: NameLookup): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host]
  const answers = await Promise.allSettled([lookup.resolve4(host), lookup.resolve6(host)])
  return answers.flatMap(answer => (answer.status === 'fulfilled' ? answer.value : []))
}
