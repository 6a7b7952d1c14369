// Delivery to accounts of ours: into the mailbox, on the terminal, or both (RFC 5321 §4.4, RFC 821 §3.4).
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { formatAddress } from '../address/format-address.ts'
import { findDeliveredTo } from '../message/delivered-to.ts'
import { composeDeliveredTo, composeReturnPath } from '../message/trace-fields.ts'
import type { ClaimedWork, QueuedRecipient } from '../queue/records.ts'
import type { Route } from '../routing/route.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Diagnosis } from './outcome.ts'
import type { Attempted } from './plan-settlement.ts'
import { formatForTerminal } from './terminal-text.ts'

/** Live sessions that users have opened: true when at least one of this address has shown the text. */
export interface TerminalDisplay {
  /** `key` as `addressKey` gives it. */
  show(key: string, text: string): Promise<boolean>
}

export interface LocalRecipient {
  readonly recipient: QueuedRecipient
  readonly route: Extract<Route, { kind: 'mailbox' }>
}

export interface LocalDeliveryOptions {
  readonly mailData: MailDataStore
  /** Without it nobody ever has a terminal open. */
  readonly terminals?: TerminalDisplay | undefined
}

/** More than this of a message is neither searched for Delivered-To nor shown on a terminal. */
const maxHeadBytes = 64 * 1024

export class LocalDelivery {
  readonly #options: LocalDeliveryOptions

  constructor(options: LocalDeliveryOptions) {
    this.#options = options
  }

  /** The mail data is read once, however many recipients the message has here. */
  async deliver(work: ClaimedWork, locals: readonly LocalRecipient[]): Promise<readonly Attempted[]> {
    const head = await readHead(this.#options.mailData.read(work.mailDataId))
    const deliveredBefore = findDeliveredTo(head)
    const { disposition, reversePath } = work.message
    const returnPath = composeReturnPath(reversePath)
    const attempts: Attempted[] = []
    for (const { recipient, route } of locals) {
      const attempt = { work, recipient }
      if (deliveredBefore.size > 0 && deliveredBefore.has(addressKey(recipient.forwardPath))) {
        attempts.push({
          ...attempt,
          outcome: { kind: 'failed', diagnosis: comesRound(recipient.forwardPath) },
        })
        continue
      }
      const shown = disposition !== 'mail' && (await this.#show(route.address, head))
      // SEND: the terminal only; SOML: the mailbox when there is no terminal; SAML: both (RFC 821 §3.4).
      if (disposition === 'send' && !shown) attempts.push({ ...attempt, outcome: noTerminal })
      else if (shown && disposition !== 'saml') attempts.push({ ...attempt, outcome: { kind: 'shown' } })
      else {
        const { accountId, mailbox } = route
        const traceFields = returnPath + composeDeliveredTo(recipient.forwardPath)
        attempts.push({
          ...attempt,
          outcome: { kind: 'delivered', mailbox },
          filing: { accountId, mailbox, traceFields },
        })
      }
    }
    return attempts
  }

  async #show(address: Address, head: Buffer): Promise<boolean> {
    return (await this.#options.terminals?.show(addressKey(address), formatForTerminal(head))) ?? false
  }
}

const noTerminal: Attempted['outcome'] = {
  kind: 'deferred',
  diagnosis: {
    stage: 'mailbox',
    cause: 'other',
    status: '4.2.1',
    detail: 'SEND shows a message on an open terminal, and none is open',
  },
}

/** The beginning of the mail data, at most `maxHeadBytes`. */
async function readHead(mailData: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of mailData) {
    chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    length += chunk.byteLength
    if (length >= maxHeadBytes) break
  }
  const whole = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
  return whole.subarray(0, maxHeadBytes)
}

function comesRound(address: Address): Diagnosis {
  return {
    stage: 'mailbox',
    cause: 'loop',
    status: '5.4.6',
    detail: `the message has been delivered to ${formatAddress(address)} before and has come back`,
  }
}
