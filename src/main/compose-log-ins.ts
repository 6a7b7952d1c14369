// Who may log in, and who says so, from the settings: the same for all that users talk.
import { mechanismsOf, type Settings } from '../config/settings.ts'
import type { SessionPeer } from '../connection/session-peer.ts'
import type { AppPasswordScope } from '../directory/app-passwords.ts'
import type { ProvenAccount } from '../directory/authenticate.ts'
import { composeLdapDirectory } from '../ldap/compose-directory.ts'
import { composeProviders } from '../openid/compose-providers.ts'
import { createLoginTables, type LoginTables } from '../policy/login-limiter.ts'
import { LoginTurns } from '../policy/login-turns.ts'
import { LoginWatch } from '../policy/login-watch.ts'
import { Logins } from '../policy/logins.ts'
import { OutsideAccounts } from '../policy/outside-accounts.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { systemRandom } from '../runtime/random.ts'
import type { LogInServices } from '../sasl/log-in-services.ts'
import type { Storage } from '../storage/operation.ts'

const secondMs = 1000
const minuteMs = 60 * secondMs

export interface LogInParts {
  readonly settings: Pick<Settings, 'login' | 'language'>
  readonly storage: Pick<Storage, 'run' | 'onWake'>
  /** Those of other fronts too; default: its own. */
  readonly tables?: LoginTables | undefined
  readonly clock: Clock
  readonly log: Log
}

export interface ComposedLogIns {
  /** Accounts that LDAP knows. */
  readonly outside: OutsideAccounts | undefined
  /** App passwords are for some protocols; who guesses is held back in all of them. */
  create(protocol: AppPasswordScope): Logins
}

export function composeLogIns({
  settings,
  storage,
  tables = createLoginTables(),
  clock,
  log,
}: LogInParts): ComposedLogIns {
  const { login } = settings
  const outside = composeOutsideAccounts(settings, storage, clock, log)
  const providers = composeProviders(login.openid, clock, log)
  const watch = new LoginWatch({ storage, clock, log })
  const turns = new LoginTurns()
  const limits = {
    windowMs: login.blockMinutes * minuteMs,
    maxPerNetwork: login.maxFailuresPerNetwork,
    maxPerAccount: login.maxFailuresPerAccount,
    maxDelayMs: login.maxDelaySeconds * secondMs,
  }
  return {
    outside,
    create: protocol =>
      new Logins({
        storage,
        protocol,
        mechanisms: mechanismsOf(login),
        outside,
        certificates: login.certificates,
        providers,
        limits,
        tables,
        turns,
        watch,
        clock,
        random: systemRandom,
        log,
      }),
  }
}

/** As sessions ask for it. */
export function logInServicesOf(logins: Logins): LogInServices<SessionPeer<string>> {
  return {
    authenticate: ({ remoteAddress }, name, password) => logins.verifyPassword(remoteAddress, name, password),
    // Whom these logins have proven.
    watchLogIn: (_client, account, ended) => logins.watch(account as ProvenAccount, ended),
    openScram: ({ remoteAddress }, hash, name) => logins.openScram(remoteAddress, hash, name),
    ...(logins.takesTokens && {
      verifyToken: ({ remoteAddress }, name, token) => logins.verifyToken(remoteAddress, name, token),
    }),
    ...(logins.takesCertificates && {
      verifyCertificate: ({ remoteAddress, tls }, name) =>
        logins.verifyCertificate(remoteAddress, name, tls?.clientCertificate),
    }),
  }
}

function composeOutsideAccounts(
  { login: { ldap }, language }: Pick<Settings, 'login' | 'language'>,
  storage: Pick<Storage, 'run'>,
  clock: Clock,
  log: Log,
): OutsideAccounts | undefined {
  if (!ldap) return undefined
  const directory = composeLdapDirectory(ldap, clock)
  return new OutsideAccounts({ directory, domains: ldap.domains, language, storage, clock, log })
}
