// An OpenID provider that cannot be asked, or says what cannot be.
import { Fault, type FaultOptions } from '../runtime/fault.ts'

export type ProviderFaultCode =
  /** It does not answer: that may pass. */
  | 'PROVIDER_UNAVAILABLE'
  /** It answers, and not as a provider: the settings name the wrong one, most likely. */
  | 'PROVIDER_CONFUSED'

export class ProviderFault extends Fault {
  override readonly name = 'ProviderFault'
  declare readonly code: ProviderFaultCode

  constructor(code: ProviderFaultCode, what: string, options?: FaultOptions) {
    super(code, what, options)
  }
}
