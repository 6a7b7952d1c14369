// Why a connection ended without the server's consent.
import { Fault } from '../../runtime/fault.ts'
import type { ClientFailureFacts } from './contract.ts'

export class SmtpClientFailure extends Fault {
  override readonly name = 'SmtpClientFailure'
  readonly facts: ClientFailureFacts

  constructor(facts: ClientFailureFacts, options?: ErrorOptions) {
    super(`SMTP_CLIENT_${facts.kind.toUpperCase().replaceAll('-', '_')}`, facts.detail, options)
    this.facts = facts
  }
}
