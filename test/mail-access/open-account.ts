// The mailboxes of an account over real storage, and what sessions see of them, as lines.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { FetchAttribute, FetchCommand } from '../../src/imap/grammar/commands/fetch.ts'
import type { SequenceRange } from '../../src/imap/grammar/sequence-set.ts'
import { writeFetch } from '../../src/imap/responses/fetch.ts'
import { type Octets, PieceWriter } from '../../src/imap/responses/octets.ts'
import {
  type AppendTarget,
  isRefusal,
  type MailboxChange,
  type Refusal,
  type SelectedMailbox,
  type SelectTerms,
} from '../../src/imap/server/mailbox-services.ts'
import { AccountMailboxes } from '../../src/mail-access/account-mailboxes.ts'
import { createMailboxChanges } from '../../src/mail-access/mailbox-changes.ts'
import type { AccessParts } from '../../src/mail-access/parts.ts'
import { noLimit } from '../../src/mailbox/quota.ts'
import { OneByOne } from '../../src/runtime/one-by-one.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import type { Storage } from '../../src/storage/operation.ts'
import { createManualClock, type ManualClock } from '../harness/manual-clock.ts'
import { openTestStorage } from '../harness/test-storage.ts'

export interface TestAccount {
  readonly clock: ManualClock
  readonly storage: Storage
  readonly mailboxes: AccountMailboxes
  /** Another session of the same account. */
  openAgain(): AccountMailboxes
  /** A session of another account. */
  openOf(accountId: number): AccountMailboxes
  /** What mail-access is made of here. */
  readonly parts: AccessParts
  /** Into INBOX, unless it says otherwise. */
  append(text: string, options?: { flags?: readonly string[]; mailbox?: string; at?: number }): Promise<void>
  /** As IMAP4rev2 does, unless the terms say otherwise. */
  select(mailbox?: string, from?: AccountMailboxes, terms?: Partial<SelectTerms>): Promise<SelectedMailbox>
}

export async function openAccount(t: TestContext, usualQuota = noLimit): Promise<TestAccount> {
  const { storage, mailData } = await openTestStorage(t)
  const clock = createManualClock()
  let lastId = 0
  const parts = {
    hostname: 'mail.example.test',
    storage,
    mailData,
    clock,
    random: systemRandom,
    changes: createMailboxChanges(storage),
    nextQueueId: () => ++lastId,
    usualQuota,
    sorting: new OneByOne<number>(),
  }
  const open = (accountId: number): AccountMailboxes => new AccountMailboxes(parts, accountId)
  const mailboxes = open(1)
  return {
    clock,
    storage,
    mailboxes,
    parts,
    openAgain: () => open(1),
    openOf: open,
    async append(text, { flags = [], mailbox = 'INBOX', at } = {}) {
      const target = await mailboxes.append(mailbox, undefined)
      assert.ok(!isRefusal(target))
      await appendTo(target, text, flags, at)
      assert.ok(!isRefusal(await target.commit()))
    },
    async select(mailbox = 'INBOX', from = mailboxes, terms = {}) {
      const usual = { access: 'read-write', quickResync: undefined, tellsRecent: false } as const
      const selected = await from.select(mailbox, { ...usual, ...terms })
      assert.ok(!isRefusal(selected))
      return selected
    },
  }
}

/** Octets of a literal or of a literal8, or what a URL names. */
export type AppendedPart = string | { readonly octets: string } | { readonly url: string }

/** Each list is a message, of these parts (RFC 4469, RFC 3502). Octets are in latin1. */
export async function appendParts(
  mailboxes: AccountMailboxes,
  ...messages: readonly (readonly AppendedPart[])[]
): Promise<Refusal | undefined> {
  const target = await mailboxes.append('INBOX', undefined)
  assert.ok(!isRefusal(target))
  const append = async (): Promise<Refusal | undefined> => {
    for (const parts of messages) {
      await target.begin({ flags: [], internalDate: undefined, utf8: false }, 0)
      for (const part of parts) {
        if (typeof part !== 'string' && 'url' in part) {
          const appended = await target.appendUrl(part.url, 10_000)
          if (isRefusal(appended)) return appended
        } else {
          target.expect(typeof part === 'string' ? 'literal' : 'literal8')
          await target.write(Buffer.from(typeof part === 'string' ? part : part.octets, 'latin1'))
        }
      }
      const refusal = await target.end()
      if (refusal) return refusal
    }
    const appended = await target.commit()
    return isRefusal(appended) ? appended : undefined
  }
  const refusal = await append()
  if (refusal) target.abort()
  return refusal
}

export async function appendTo(
  target: AppendTarget,
  text: string,
  flags: readonly string[] = [],
  internalDate?: number,
): Promise<void> {
  const bytes = Buffer.from(text)
  assert.equal(await target.begin({ flags, internalDate, utf8: false }, bytes.length), undefined)
  await target.write(bytes)
  assert.equal(await target.end(), undefined)
}

export const all: readonly SequenceRange[] = [{ first: 1, last: '*' }]

export const ranges = (...of: readonly SequenceRange[]) => ({ kind: 'ranges', ranges: of }) as const

/** As the client reads them, a line for each message. */
export async function fetch(
  mailbox: SelectedMailbox,
  attributes: readonly FetchAttribute[],
  options: Partial<FetchCommand> = {},
): Promise<string[]> {
  const lines: string[] = []
  const request = {
    by: 'sequence',
    set: ranges(...all),
    changedSince: undefined,
    vanished: false,
    page: undefined,
    ...options,
  } as const
  for await (const batch of mailbox.fetch({ ...request, attributes }))
    for (const { sequence, items } of batch) {
      let line = ''
      const writer = new PieceWriter()
      writeFetch(writer, sequence, items, { utf8: true })
      for (const piece of writer.pieces) {
        line += typeof piece === 'string' ? piece : (await readOctets(piece)).toString('utf8')
      }
      lines.push(line.slice(0, -2))
    }
  return lines
}

export async function readOctets({ size, content }: Octets): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  if (content instanceof Uint8Array) pieces.push(content)
  else for await (const piece of content) pieces.push(piece)
  const bytes = Buffer.concat(pieces)
  assert.equal(bytes.length, size, 'the literal is as long as was announced')
  return bytes
}

/** 'expunged 2 3', 'exists 4, recent 1', 'known (\Seen \Deleted)', 'flags 1 (\Seen)'. */
export function told(changes: readonly MailboxChange[]): string[] {
  return changes.map(change => {
    if (change.kind === 'expunged') return `expunged ${change.sequences.join(' ')}`
    if (change.kind === 'exists')
      return `exists ${change.count}${change.recent === undefined ? '' : `, recent ${change.recent}`}`
    if (change.kind === 'mod-seq') return `mod-seq ${change.sequence}`
    if (change.kind === 'known-flags') return `known (${change.flags.join(' ')})`
    return `flags ${change.sequence} (${change.flags.join(' ')})`
  })
}
