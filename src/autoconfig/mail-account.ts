// The account that a mail program is told how to reach. Whether there is such an account, nobody is told.
import type { Address } from '../address/address.ts'
import type { MailService } from './mail-services.ts'

export interface MailAccount {
  readonly address: Address
  /** Of the server, in A-labels. */
  readonly hostname: string
  /** Of both kinds, the best first. */
  readonly services: readonly MailService[]
}
