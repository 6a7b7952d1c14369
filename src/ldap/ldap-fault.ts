// An LDAP server that cannot be asked, or says what cannot be. It proves nobody, and refuses nobody either.
import { Fault, type FaultOptions } from '../runtime/fault.ts'

export type LdapFaultCode =
  /** It does not answer: that may pass. */
  | 'LDAP_UNAVAILABLE'
  /** It does not let this server in, as the settings have it. */
  | 'LDAP_REFUSED'
  /** It answers what it should not. */
  | 'LDAP_CONFUSED'

export class LdapFault extends Fault {
  override readonly name = 'LdapFault'
  declare readonly code: LdapFaultCode

  constructor(code: LdapFaultCode, what: string, options?: FaultOptions) {
    super(code, what, options)
  }
}
