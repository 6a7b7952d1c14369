// Who may log in, and who says so: from the settings, with what is asked outside.
import { getCACertificates } from 'node:tls'
import type { LdapSettings, OpenIdSettings, Settings } from '../config/settings.ts'
import type { LdapEndpoint } from '../ldap/connect-ldap.ts'
import { LdapDirectory } from '../ldap/ldap-directory.ts'
import { ProviderKeys } from '../openid/provider-keys.ts'
import type { Provider } from '../openid/verify-token.ts'
import type { LoginLimits } from '../policy/login-limiter.ts'
import { OutsideAccounts } from '../policy/outside-accounts.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Storage } from '../storage/operation.ts'

const secondMs = 1000
const minuteMs = 60 * secondMs

export function loginLimitsOf(login: Settings['login']): LoginLimits {
  return {
    windowMs: login.blockMinutes * minuteMs,
    maxPerNetwork: login.maxFailuresPerNetwork,
    maxPerAccount: login.maxFailuresPerAccount,
    maxDelayMs: login.maxDelaySeconds * secondMs,
  }
}

/** Those that everybody knows, and one's own. */
function authorities(caPem: string | undefined): readonly string[] | undefined {
  return caPem === undefined ? undefined : [...getCACertificates('default'), caPem]
}

export function composeProviders(
  providers: readonly OpenIdSettings[],
  clock: Clock,
  log: Log,
): readonly Provider[] {
  return providers.map(({ caPem, ...provider }) => ({
    ...provider,
    keys: new ProviderKeys({ issuer: provider.issuer, ca: authorities(caPem), clock, log }),
  }))
}

export function composeOutsideAccounts(
  { login: { ldap }, language }: Pick<Settings, 'login' | 'language'>,
  storage: Pick<Storage, 'run'>,
  clock: Clock,
  log: Log,
): OutsideAccounts | undefined {
  if (!ldap) return undefined
  const directory = new LdapDirectory(
    {
      ...ldap,
      endpoint: endpointOf(ldap),
      place: ldap.userDn === undefined ? { base: ldap.base ?? '' } : { userDn: ldap.userDn },
      searcher: ldap.bindDn === undefined ? undefined : { dn: ldap.bindDn, password: ldap.password ?? '' },
      timeoutMs: ldap.timeoutSeconds * secondMs,
    },
    clock,
  )
  return new OutsideAccounts({ directory, domains: ldap.domains, language, storage, clock, log })
}

const ldapPort = 389
const ldapsPort = 636

function endpointOf({ url, tls, caPem }: LdapSettings): LdapEndpoint {
  const { protocol, hostname, port } = new URL(url)
  const isImplicit = protocol === 'ldaps:'
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (isImplicit ? ldapsPort : ldapPort) : Number(port),
    tls: isImplicit ? 'implicit' : tls,
    ca: authorities(caPem),
  }
}
