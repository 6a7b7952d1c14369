// Who may log in, and who says so, from the settings.
import type { Settings } from '../config/settings.ts'
import { composeLdapDirectory } from '../ldap/compose-directory.ts'
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

export function composeOutsideAccounts(
  { login: { ldap }, language }: Pick<Settings, 'login' | 'language'>,
  storage: Pick<Storage, 'run'>,
  clock: Clock,
  log: Log,
): OutsideAccounts | undefined {
  if (!ldap) return undefined
  const directory = composeLdapDirectory(ldap, clock)
  return new OutsideAccounts({ directory, domains: ldap.domains, language, storage, clock, log })
}
