// A queue over real storage in a folder of its own, and messages for it.
import type { TestContext } from 'node:test'
import type { Address } from '../../src/address/address.ts'
import { formatAddress } from '../../src/address/format-address.ts'
import { parseAddress } from '../../src/address/parse-address.ts'
import { createDomain } from '../../src/directory/domains.ts'
import { acceptMessage } from '../../src/queue/accept-message.ts'
import type { Administered, Administration } from '../../src/queue/administer.ts'
import { type Claim, claimDueWork } from '../../src/queue/claim-due-work.ts'
import { findRecipients } from '../../src/queue/find-recipients.ts'
import { listQueue } from '../../src/queue/list-queue.ts'
import type { NewMessage, NewRecipient } from '../../src/queue/new-message.ts'
import type { QueueId } from '../../src/queue/queue-id.ts'
import type { ClaimedWork, QueuedMessage } from '../../src/queue/records.ts'
import type { QueueSelection } from '../../src/queue/select-recipients.ts'
import { type Settlement, settle } from '../../src/queue/settle.ts'
import { defineWrite, type Operation, type Storage } from '../../src/storage/operation.ts'
import type { TrailEvent } from '../../src/trail/events.ts'
import { trailOfMessage } from '../../src/trail/operations.ts'
import { openTestStorage, type TestStorage } from '../harness/test-storage.ts'

/** When messages are accepted, unless they say otherwise. */
export const at = Date.UTC(2026, 0, 1)
export const minute = 60_000
export const leaseMs = 5 * minute

export interface Posting {
  readonly from?: string | null
  readonly to: readonly (string | (Partial<NewRecipient> & { readonly address: string }))[]
  readonly at?: number
  readonly text?: string
  readonly held?: boolean
  readonly message?: Partial<QueuedMessage>
}

export interface TestQueue extends TestStorage {
  /** A message under the next of the ids 1, 2, 3, its mail data stored. */
  compose(posting: Posting): Promise<NewMessage>
  accept(posting: Posting): Promise<QueueId>
  /** To every recipient that the selection means, in one page. */
  administer(
    operation: Operation<Administration, Administered>,
    selection: QueueSelection,
    now?: number,
  ): Promise<Administered>
  /** Under a lease of five minutes. */
  claim(owner: string, now: number, maxRecipients?: number): Promise<ClaimedWork[]>
  /** All that is due comes to this, as if it had been tried. */
  settleDue(result: Settlement['result']): Promise<void>
  /** The queue in short: '1 anna@example.org held', a line for each recipient. */
  lines(selection?: QueueSelection): Promise<string[]>
  events(id: QueueId): Promise<TrailEvent[]>
  /** The text of a message; rejects when it is gone. */
  read(id: QueueId): Promise<string>
}

/** Too large to stand in a row: it becomes a file. */
export const largeText = `Subject: large\r\n\r\n${'x'.repeat(78)}\r\n`.padEnd(100_000, 'x')

export async function openQueue(t: TestContext): Promise<TestQueue> {
  const opened = await openTestStorage(t)
  const { storage, mailData } = opened
  let lastId = 0
  await storage.run(createAccounts, undefined)

  const compose: TestQueue['compose'] = async posting => {
    const writer = mailData.create()
    await writer.write(Buffer.from(posting.text ?? 'Subject: Test\r\n\r\nText\r\n'))
    const stored = await writer.finish()
    const acceptedAt = posting.at ?? at
    const { from = 'sender@example.net' } = posting
    return {
      message: {
        id: ++lastId,
        reversePath: from === null ? null : address(from),
        size: stored.size,
        body: '7BIT',
        smtpUtf8: false,
        disposition: 'mail',
        acceptedAt,
        expiresAt: acceptedAt + 48 * 60 * minute,
        language: 'en',
        isReport: false,
        ...posting.message,
      },
      mailData: stored,
      recipients: posting.to.map(one => {
        if (typeof one === 'string') return recipient(one)
        const { address: text, ...rest } = one
        return { ...recipient(text), ...rest }
      }),
      held: posting.held ?? false,
    }
  }

  return {
    ...opened,
    compose,
    async accept(posting) {
      const message = await compose(posting)
      const accepted = await storage.run(acceptMessage, message)
      if (accepted !== 'accepted') throw new Error(accepted)
      return message.message.id
    },
    administer: (operation, selection, now = at) => administer(storage, operation, selection, now),
    claim: (owner, now, maxRecipients = 100) =>
      storage.run(claimDueWork, { owner, now, leaseUntil: now + leaseMs, maxRecipients } satisfies Claim),
    async settleDue(result) {
      const claim: Claim = { owner: 'settling', now: at, leaseUntil: at + leaseMs, maxRecipients: 100 }
      const works = await storage.run(claimDueWork, claim)
      const settlements = works.flatMap(({ message, recipients }) =>
        recipients.map(
          ({ id }): Settlement => ({ messageId: message.id, recipientId: id, events: [], result }),
        ),
      )
      await storage.run(settle, { owner: claim.owner, at, settlements, reports: [] })
    },
    async lines(selection = {}) {
      const { messages } = await storage.run(listQueue, { selection, afterId: 0, limit: 1000 })
      return messages.flatMap(({ message, recipients }) =>
        recipients.map(one => `${message.id} ${formatAddress(one.forwardPath)} ${one.state}`),
      )
    },
    events: async id => (await storage.run(trailOfMessage, { queueId: id })).map(record => record.event),
    async read(id) {
      const chunks: Uint8Array[] = []
      for await (const chunk of mailData.read(id)) chunks.push(chunk)
      return Buffer.concat(chunks).toString('utf8')
    },
  }
}

/** Makes a domain one of ours. */
export async function openOwnDomain({ storage }: Pick<TestQueue, 'storage'>, name: string): Promise<void> {
  await storage.run(createDomain, { name, at })
}

/** Accounts 1 to 9, into which mail is filed. */
const createAccounts = defineWrite('test.create-accounts', async tx => {
  for (let id = 1; id <= 9; id++)
    await tx.run(
      "INSERT INTO account (id, address, address_key, domain, name, password_hash, language, enabled, created_at) VALUES (?, ?, ?, 'example.org', '', '', 'en', 1, 0)",
      id,
      `account${id}@example.org`,
      `account${id}@example.org`,
    )
})

/** Claimed work in short: '1: anna@example.org boris@example.org', an entry for each group. */
export function describeWork(work: readonly ClaimedWork[]): string[] {
  return work.map(
    ({ message, recipients }) =>
      `${message.id}: ${recipients.map(one => formatAddress(one.forwardPath)).join(' ')}`,
  )
}

/** The id of the only recipient of the only message that was claimed. */
export function onlyRecipient(work: readonly ClaimedWork[]): number {
  const recipients = work.flatMap(one => one.recipients)
  const [only] = recipients
  if (!only || recipients.length > 1) throw new Error(`not one recipient: ${describeWork(work).join('; ')}`)
  return only.id
}

export function recipient(text: string, ...expandedFrom: readonly string[]): NewRecipient {
  return {
    forwardPath: address(text),
    expandedFrom: expandedFrom.length > 0 ? expandedFrom.map(address) : undefined,
  }
}

export function address(text: string): Address {
  const parsed = parseAddress(text)
  if (!parsed) throw new Error(`not an address: ${text}`)
  return parsed
}

/** As the command does it, for a queue of one page. */
export async function administer(
  storage: Storage,
  operation: Operation<Administration, Administered>,
  selection: QueueSelection,
  at: number,
): Promise<Administered> {
  const recipientIds = await storage.run(findRecipients, { selection, afterId: 0, limit: 1000 })
  return await storage.run(operation, { recipientIds, at })
}
