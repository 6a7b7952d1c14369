// The LDAP directory of the settings.
import type { LdapSettings } from '../config/settings.ts'
import type { Clock } from '../runtime/clock.ts'
import type { LdapEndpoint } from './connect-ldap.ts'
import { LdapDirectory } from './ldap-directory.ts'

const secondMs = 1000
const ldapPort = 389
const ldapsPort = 636

export function composeLdapDirectory(ldap: LdapSettings, clock: Clock): LdapDirectory {
  const { base = '', userDn, bindDn, password = '', timeoutSeconds } = ldap
  return new LdapDirectory(
    {
      ...ldap,
      endpoint: endpointOf(ldap),
      place: userDn === undefined ? { base } : { userDn },
      searcher: bindDn === undefined ? undefined : { dn: bindDn, password },
      timeoutMs: timeoutSeconds * secondMs,
    },
    clock,
  )
}

function endpointOf({ url, tls, caPem }: LdapSettings): LdapEndpoint {
  const { protocol, hostname, port } = new URL(url)
  const isImplicit = protocol === 'ldaps:'
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (isImplicit ? ldapsPort : ldapPort) : Number(port),
    tls: isImplicit ? 'implicit' : tls,
    caPem,
  }
}
