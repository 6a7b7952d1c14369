// Why a change of the directory was refused. The message says what is wrong and what to do; the code is for programs.
import { UsageFault } from '../runtime/fault.ts'

export type DirectoryFaultCode =
  | 'DIRECTORY_NOT_A_DOMAIN'
  | 'DIRECTORY_NOT_AN_ADDRESS'
  | 'DIRECTORY_NO_SUCH_DOMAIN'
  | 'DIRECTORY_NO_SUCH_ADDRESS'
  | 'DIRECTORY_NO_SUCH_APP_PASSWORD'
  | 'DIRECTORY_APP_PASSWORD_EXISTS'
  | 'DIRECTORY_TOO_MANY_APP_PASSWORDS'
  | 'DIRECTORY_BAD_SCOPE'
  | 'DIRECTORY_DOMAIN_EXISTS'
  | 'DIRECTORY_DOMAIN_IS_RELAYED'
  | 'DIRECTORY_ADDRESS_TAKEN'
  | 'DIRECTORY_DOMAIN_NOT_EMPTY'
  | 'DIRECTORY_ACCOUNT_IN_USE'
  | 'DIRECTORY_UNKNOWN_TARGET'
  | 'DIRECTORY_LOOP'
  | 'DIRECTORY_NO_TARGETS'
  | 'DIRECTORY_BAD_NAME'
  | 'DIRECTORY_BAD_PASSWORD'
  | 'DIRECTORY_DOCUMENT'
  | 'DIRECTORY_CHANGED_MEANWHILE'

export function directoryFault(code: DirectoryFaultCode, message: string): UsageFault {
  return new UsageFault(code, message)
}
