// For which names an authority issues certificates to this server, by its settings and its domains.
import { listDomainNames } from '../directory/domains.ts'
import type { Storage } from '../storage/operation.ts'
import { stsHostOf } from '../tls-policy/sts-policy.ts'
import { autoconfigHostsOf } from './autoconfig-hosts.ts'
import { issuedNamesOf, type Settings } from './settings.ts'

/** Authorities bound how many certificates one may ask for in a week: with more domains a certificate of one's own is better. */
const maxDomains = 100

/** Those of the settings, and the hosts of our domains that are asked for their MTA-STS policy and by mail programs. */
export async function listIssuedNames(
  storage: Pick<Storage, 'run'>,
  settings: Pick<Settings, 'hostname' | 'tls' | 'mtaSts' | 'autoconfig'>,
): Promise<readonly string[]> {
  const named = issuedNamesOf(settings)
  const hostsOf = (domain: string): string[] => [
    ...(settings.mtaSts ? [stsHostOf(domain)] : []),
    ...(settings.autoconfig ? autoconfigHostsOf(domain) : []),
  ]
  if (named.length === 0 || (!settings.mtaSts && !settings.autoconfig)) return named
  const domains = await storage.run(listDomainNames, { limit: maxDomains })
  return [...new Set([...named, ...domains.flatMap(hostsOf)])]
}
