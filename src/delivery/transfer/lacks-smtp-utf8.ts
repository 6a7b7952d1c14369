// Which addresses keep a message from a server without SMTPUTF8 (RFC 6531 §3.2).
import type { Address, ReversePath } from '../../address/address.ts'
import { formatAddress } from '../../address/format-address.ts'
import { needsSmtpUtf8 } from '../../address/scan-mailbox.ts'
import type { Diagnosis } from '../outcome.ts'
import { whereMet } from '../replies/diagnose.ts'
import type { OpenConnection } from './open-connection.ts'

/** undefined: the server has it, or neither address needs it. */
export function lacksSmtpUtf8(
  { connection, server }: Pick<OpenConnection, 'connection' | 'server'>,
  reversePath: ReversePath,
  forwardPath: Address,
): Diagnosis | undefined {
  if (connection.extensions.has('SMTPUTF8')) return undefined
  const address = [reversePath, forwardPath].find(one => one !== null && needsSmtpUtf8(one))
  if (!address) return undefined
  return {
    stage: 'mail',
    cause: 'utf8-address',
    status: '5.6.7',
    ...whereMet(server),
    detail: `${server.host} does not offer SMTPUTF8, without which the address ${formatAddress(address)} cannot be sent`,
  }
}
