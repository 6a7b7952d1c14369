// Do those who vouch for users answer, as the settings have them?
import { composeLdapDirectory } from '../../ldap/compose-directory.ts'
import { LdapFault } from '../../ldap/ldap-fault.ts'
import { composeProviders } from '../../openid/compose-providers.ts'
import { ProviderFault } from '../../openid/provider-fault.ts'
import type { Clock } from '../../runtime/clock.ts'
import { silentLog } from '../../runtime/log.ts'
import { shownMechanisms } from '../../sasl/mechanisms.ts'
import { mechanismsOf, type Settings } from '../settings.ts'
import { type Finding, ok } from './finding.ts'

const subject = 'log-ins'

export async function checkLogIns(settings: Settings, clock: Clock): Promise<Finding[]> {
  const { openid } = settings.login
  const findings = await Promise.all([
    ...composeProviders(openid, clock, silentLog).map(({ issuer, keys }) =>
      checkProvider(issuer, () => keys.look()),
    ),
    checkLdap(settings, clock),
  ])
  return findings.flat()
}

async function checkProvider(issuer: string, look: () => Promise<void>): Promise<Finding[]> {
  try {
    await look()
    return [ok(subject, `the OpenID provider ${issuer} gives its keys`)]
  } catch (cause) {
    if (!(cause instanceof ProviderFault)) throw cause
    return [
      {
        severity: 'warning',
        subject,
        what: cause.what,
        cost: 'Nobody logs in with tokens of this provider (454).',
        remedy: cause.remedy ?? 'Start the provider, or correct login.openid.',
      },
    ]
  }
}

async function checkLdap({ hostname, login }: Settings, clock: Clock): Promise<Finding[]> {
  const { ldap } = login
  if (!ldap) return []
  const findings: Finding[] = []
  const kept = mechanismsOf(login).filter(name => !shownMechanisms.includes(name))
  if (kept.length > 0)
    findings.push({
      severity: 'warning',
      subject,
      what: `login.mechanisms has ${kept.join(', ')}, which cannot be used with passwords of LDAP.`,
      cost: 'Mail programs that take it first do not get in to accounts of LDAP.',
      remedy: `Remove it, if most of your users are in LDAP: mechanisms = ${JSON.stringify(shownMechanisms)}`,
    })
  try {
    // Whoever that is: that it can be asked is what counts.
    await composeLdapDirectory(ldap, clock).find({
      localPart: 'postmaster',
      domain: ldap.domains[0] ?? hostname,
    })
    return [...findings, ok(subject, `the LDAP server ${ldap.url} can be asked`)]
  } catch (cause) {
    if (!(cause instanceof LdapFault)) throw cause
    return [
      ...findings,
      {
        severity: 'warning',
        subject,
        what: cause.what,
        cost: 'Accounts of LDAP cannot log in (454), and mail for those that are not made yet waits at its senders (451).',
        remedy: cause.remedy ?? 'Start the LDAP server, or correct [login.ldap].',
      },
    ]
  }
}
