// By what else than its queue id a message is found, as one text each.
import type { TrailEvent } from './events.ts'

/** With or without its angle brackets. */
export function messageIdReference(messageId: string): string {
  return `message-id ${messageId.replace(/^<|>$/g, '')}`
}

export function envelopeIdReference(envelopeId: string): string {
  return `envelope-id ${envelopeId}`
}

/** `reversePath`: in lower case. */
export function reversePathReference(reversePath: string): string {
  return `reverse-path ${reversePath.toLowerCase()}`
}

export function referencesOf(event: TrailEvent): string[] {
  if (event.kind === 'received') {
    const { account, envelopeId, local, messageId } = event.reception
    // What strangers bring is nobody's here to be told of.
    const isOurs = account !== undefined || local === true
    return [
      ...(messageId === undefined || !isOurs ? [] : [messageIdReference(messageId)]),
      ...(envelopeId === undefined ? [] : [envelopeIdReference(envelopeId)]),
    ]
  }
  if (event.kind !== 'attempted' || event.outcome.kind !== 'relayed') return []
  const { reversePath, rewritten } = event.sent ?? {}
  return reversePath === undefined || rewritten !== 'verp' ? [] : [reversePathReference(reversePath)]
}
