// The recipients that an agent holds, and how many of each message.

import type { QueueId } from '../queue/queue-id.ts'

export class RecipientsInHand {
  readonly #messages = new Map<number, QueueId>()
  readonly #counts = new Map<QueueId, number>()

  get size(): number {
    return this.#messages.size
  }

  has(recipientId: number): boolean {
    return this.#messages.has(recipientId)
  }

  ids(): number[] {
    return [...this.#messages.keys()]
  }

  countOf(messageId: QueueId): number {
    return this.#counts.get(messageId) ?? 0
  }

  add(recipientId: number, messageId: QueueId): void {
    if (this.#messages.has(recipientId)) return
    this.#messages.set(recipientId, messageId)
    this.#counts.set(messageId, this.countOf(messageId) + 1)
  }

  /** Of which message it was; undefined: of none. */
  remove(recipientId: number): QueueId | undefined {
    const messageId = this.#messages.get(recipientId)
    if (messageId === undefined) return undefined
    this.#messages.delete(recipientId)
    const left = this.countOf(messageId) - 1
    if (left > 0) this.#counts.set(messageId, left)
    else this.#counts.delete(messageId)
    return messageId
  }
}
