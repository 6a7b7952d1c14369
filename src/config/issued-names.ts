// For which names an authority issues certificates to this server, by its settings and its domains.
import { listDomainNames } from '../directory/domains.ts'
import type { Storage } from '../storage/operation.ts'
import { stsHostOf } from '../tls-policy/sts-policy.ts'
import { autoconfigHostsOf } from './autoconfig-hosts.ts'
import { issuedNamesOf, type Settings } from './settings.ts'

/** Authorities bound how many certificates one may ask for in a week: with more domains a certificate of one's own is better. */
export const maxIssuedDomains = 100
const allDomains = 1_000_000

type NameSettings = Pick<Settings, 'hostname' | 'tls' | 'mtaSts' | 'autoconfig'>

/** Those of the settings, and the hosts of our domains that are asked for their MTA-STS policy and by mail programs. */
export async function listIssuedNames(
  storage: Pick<Storage, 'run'>,
  settings: NameSettings,
): Promise<readonly string[]> {
  const named = issuedNamesOf(settings)
  if (named.length === 0 || (!settings.mtaSts && !settings.autoconfig)) return named
  const domains = await storage.run(listDomainNames, { limit: maxIssuedDomains })
  return [...new Set([...named, ...domains.flatMap(domain => askedHostsOf(settings, domain))])]
}

/** Domains that have such hosts, for which the authority is asked for nothing: they came after the first hundred. */
export async function listDomainsBeyond(
  storage: Pick<Storage, 'run'>,
  settings: NameSettings,
): Promise<readonly string[]> {
  if (issuedNamesOf(settings).length === 0 || (!settings.mtaSts && !settings.autoconfig)) return []
  return (await storage.run(listDomainNames, { limit: allDomains })).slice(maxIssuedDomains)
}

/** Those of a domain that others ask over HTTPS. */
export function askedHostsOf(
  { mtaSts, autoconfig }: Pick<Settings, 'mtaSts' | 'autoconfig'>,
  domain: string,
): readonly string[] {
  return [...(mtaSts ? [stsHostOf(domain)] : []), ...(autoconfig ? autoconfigHostsOf(domain) : [])]
}
