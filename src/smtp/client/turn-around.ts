// The customer of On-Demand Mail Relay (RFC 2645): connects to the server that keeps its mail, logs in, and asks it to become
// the client on the same connection.
import type { Socket } from 'node:net'
import type { Reply } from '../reply.ts'
import { assertDomains } from './assert-options.ts'
import { connectAndIntroduce } from './connect.ts'
import type { SmtpClientOptions } from './contract.ts'

export type TurnedAround =
  /** The other end waits for a greeting; nobody listens to the socket, which is paused. */
  | { readonly kind: 'turned'; readonly socket: Socket }
  /** 453: nothing waits. */
  | { readonly kind: 'no-mail' }
  | { readonly kind: 'refused'; readonly reply: Reply }

/** §5.2.1: the provider may have to look through a long queue. */
const answerTimeoutMs = 10 * 60_000

/** `domains`: in their canonical spelling; none: all that the account may have. Rejects as connectSmtp. */
export async function requestTurnAround(
  options: SmtpClientOptions,
  domains: readonly string[],
): Promise<TurnedAround> {
  assertDomains(domains)
  const { connection, socket } = await connectAndIntroduce(options)
  try {
    socket.sendLine(domains.length === 0 ? 'ATRN' : `ATRN ${domains.join(',')}`)
    const reply = await socket.readReply('data', answerTimeoutMs)
    if (reply.code === 250) return { kind: 'turned', socket: socket.release() }
    await connection.quit()
    return reply.code === 453 ? { kind: 'no-mail' } : { kind: 'refused', reply }
  } catch (cause) {
    connection.close()
    throw cause
  }
}
