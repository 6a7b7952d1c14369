// To whom the mail of a claim is not sent, and whose mail is held: asked once for all that the claim has taken, so that the
// cost of a message does not depend on how long the lists are (docs/adr/0024).
import { addressKey } from '../address/address-key.ts'
import { formatQueueId } from '../queue/queue-id.ts'
import type { ClaimedWork, QueuedMessage, QueuedRecipient } from '../queue/records.ts'
import { type Destination, isRelayed } from '../routing/destination.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Storage } from '../storage/operation.ts'
import { findSendingRules, type SendingAccount, type SendingRules } from '../suppression/operations.ts'
import { findBinding, type Suppression } from '../suppression/suppression.ts'
import type { Diagnosis, OnHold } from './outcome.ts'
import { sendsBulk } from './pacing/sender-limits.ts'

export interface SendingRulesParts {
  readonly storage: Pick<Storage, 'run'>
  readonly clock: Clock
  /** `submission.bulkSenders` */
  readonly bulkSenders: readonly string[]
}

export interface Suppressed {
  /** Why it is not sent; undefined: it is. */
  readonly diagnosis?: Diagnosis | undefined
  /** The list has the address as one that does not exist. */
  readonly isListedDead: boolean
}

export class RulesOfClaim {
  readonly #parts: SendingRulesParts
  readonly #works: readonly ClaimedWork[]
  #asked: Promise<SendingRules> | undefined

  constructor(parts: SendingRulesParts, works: readonly ClaimedWork[]) {
    this.#parts = parts
    this.#works = works
    // At once, beside the routes: nobody waits for one after the other. Whoever asks for it hears of a failure.
    this.#ask().catch(() => {})
  }

  /** Of all its recipients; undefined: it goes. What an administrator wants tried goes all the same. */
  async holdOf(message: QueuedMessage): Promise<OnHold | undefined> {
    if (message.accountId === undefined) return undefined
    const account = (await this.#ask()).accounts.get(message.accountId)
    if (account?.heldBecause === undefined) return undefined
    return { kind: 'on-hold', account: account.address, because: account.heldBecause }
  }

  /** Of mail that leaves for elsewhere. */
  async suppressionOf(
    message: QueuedMessage,
    recipient: QueuedRecipient,
    destination: Destination,
  ): Promise<Suppressed> {
    const { suppressions, accounts } = await this.#ask()
    const found = suppressions.get(addressKey(recipient.forwardPath)) ?? []
    const isListedDead = found.some(({ reason }) => reason === 'unknown-user' || reason === 'unknown-domain')
    if (found.length === 0 || !isOwn(message, recipient, destination)) return { isListedDead }
    const account = message.accountId === undefined ? undefined : accounts.get(message.accountId)
    const binding = findBinding(found, { ...message, isBulk: this.#isBulk(message, account) })
    return { isListedDead, diagnosis: binding && diagnoseSuppression(binding) }
  }

  #isBulk(message: QueuedMessage, account: SendingAccount | undefined): boolean {
    return message.isBulk === true || sendsBulk(this.#parts.bulkSenders, message, account?.address)
  }

  #ask(): Promise<SendingRules> {
    this.#asked ??= this.#parts.storage.run(findSendingRules, {
      addressKeys: distinct(
        this.#works.flatMap(({ recipients }) => recipients.map(({ forwardPath }) => addressKey(forwardPath))),
      ),
      accountIds: distinct(this.#works.flatMap(({ message: { accountId } }) => accountId ?? [])),
      now: this.#parts.clock.now(),
    })
    return this.#asked
  }
}

/**
 * Sent by one of ours. What strangers send to an alias, or to a domain that this server relays, is not: to stop it here would
 * be to write to strangers about it.
 */
function isOwn(
  { accountId }: QueuedMessage,
  { expandedFrom }: QueuedRecipient,
  destination: Destination,
): boolean {
  if (accountId !== undefined) return true
  return expandedFrom === undefined && !isRelayed(destination)
}

export function diagnoseSuppression({
  address,
  sender,
  reason,
  since,
  queueId,
  detail,
}: Suppression): Diagnosis {
  const isDead = reason === 'unknown-user' || reason === 'unknown-domain'
  const by = queueId === undefined ? '' : `, by message ${formatQueueId(queueId)}`
  const whose = sender === undefined ? '' : ` for mail of ${sender}`
  return {
    stage: 'routing',
    cause: isDead ? 'known-dead' : 'not-wanted',
    // RFC 3463 §3.2, §3.8
    status: reason === 'unknown-user' ? '5.1.1' : reason === 'unknown-domain' ? '5.1.2' : '5.7.1',
    detail: `not sent: ${address} is on the suppression list${whose} since ${new Date(since).toISOString().slice(0, 10)} (${reason}${by}): ${detail}`,
  }
}

function distinct<Value>(values: readonly Value[]): readonly Value[] {
  return [...new Set(values)]
}
