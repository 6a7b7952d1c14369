// What can be wrong with a certificate. The message names the file and says what to do.
import { type FaultOptions, UsageFault } from '../runtime/fault.ts'

export type TlsFaultCode =
  | 'TLS_FILE_UNREADABLE'
  | 'TLS_NOT_A_CERTIFICATE'
  | 'TLS_NOT_A_KEY'
  | 'TLS_KEY_MISMATCH'
  | 'TLS_CERTIFICATE_EXPIRED'
  | 'TLS_CERTIFICATE_NOT_YET_VALID'
  | 'TLS_KEY_TOO_WEAK'
  | 'TLS_CHAIN_BROKEN'
  | 'TLS_CHAIN_EXPIRED'
  | 'TLS_CHAIN_INCOMPLETE'

export function tlsFault(code: TlsFaultCode, what: string, options: FaultOptions): UsageFault {
  return new UsageFault(code, what, options)
}
