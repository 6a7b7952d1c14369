// An LDAP server that cannot be asked, or says what cannot be. It proves nobody, and refuses nobody either.
import { Fault, type FaultOptions } from '../runtime/fault.ts'

export type LdapFaultCode =
  /** It does not answer: that may pass. */
  | 'LDAP_UNAVAILABLE'
  /** It does not let this server in, or ask what the settings have. */
  | 'LDAP_REFUSED'
  /** It answers to one question what it should not. */
  | 'LDAP_CONFUSED'

export class LdapFault extends Fault {
  override readonly name = 'LdapFault'
  declare readonly code: LdapFaultCode

  constructor(code: LdapFaultCode, what: string, options?: FaultOptions) {
    super(code, what, options)
  }
}
