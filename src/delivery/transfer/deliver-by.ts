// DELIVERBY on the way out (RFC 2852 §4): what is left of the time, and whether the next server may be given the message.
import type { QueuedMessage } from '../../queue/records.ts'
import type { RemoteServer } from '../../routing/remote-server.ts'
import type { DeliverByRequest } from '../../smtp/parameters.ts'
import type { Diagnosis } from '../outcome.ts'
import { whereMet } from '../replies/diagnose.ts'

type TimedMessage = Pick<QueuedMessage, 'deliverBy'>

/** It was to be returned rather than delivered after its time, which is over. */
export function isTooLate({ deliverBy }: TimedMessage, now: number): boolean {
  return deliverBy?.mode === 'return' && now >= deliverBy.at
}

/** RFC 2852 §4.1: what is to be returned when it is late is not tried after that. */
export function endOf({ deliverBy, expiresAt }: TimedMessage & Pick<QueuedMessage, 'expiresAt'>): number {
  return deliverBy?.mode === 'return' ? Math.min(deliverBy.at, expiresAt) : expiresAt
}

export const tooLate: Diagnosis = {
  stage: 'routing',
  cause: 'too-late',
  status: '5.4.7',
  detail: 'the time by which the sender wanted the message delivered (BY= with R) is over',
}

/** What the next server is told: the rest of the time, in whole seconds. */
export function remainingTime({ deliverBy }: TimedMessage, now: number): DeliverByRequest | undefined {
  if (!deliverBy) return undefined
  const { at, mode, trace } = deliverBy
  return { seconds: Math.floor((at - now) / 1000), mode, trace }
}

/** §4.1.4: why a message that is to be returned when it is late must not be handed to this server; undefined: it may be. */
export function reasonToKeep(
  message: TimedMessage,
  extensions: ReadonlyMap<string, string>,
  server: RemoteServer,
  now: number,
): Diagnosis | undefined {
  if (message.deliverBy?.mode !== 'return') return undefined
  const seconds = remainingTime(message, now)?.seconds ?? 0
  if (seconds <= 0) return tooLate
  const parameters = extensions.get('DELIVERBY')
  if (parameters === undefined)
    return cannotKeep(
      server,
      `${server.host} does not offer DELIVERBY, so nobody knows when it would deliver`,
    )
  // §2: the parameters are parted by commas, and the least time is the first.
  const least = Number.parseInt(parameters, 10)
  return least > seconds
    ? cannotKeep(server, `${server.host} wants at least ${least} seconds to deliver, and ${seconds} are left`)
    : undefined
}

function cannotKeep(server: RemoteServer, detail: string): Diagnosis {
  return { stage: 'mail', cause: 'no-deliver-by', status: '5.4.7', ...whereMet(server), detail }
}
