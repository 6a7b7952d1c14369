// The counters, blocks, mod-sequences and changes of a mailbox, against a model of it that knows each message: whatever is
// done to it in whatever order, and whenever a session looks (RFC 7162, RFC 9051 §2.3).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { changeFlags } from '../../src/mailbox/change-flags.ts'
import { copyMessages, moveMessages } from '../../src/mailbox/copy-messages.ts'
import { expungeMessages } from '../../src/mailbox/expunge.ts'
import { findMailboxDamage } from '../../src/mailbox/mailbox-damage.ts'
import type { OpenMailbox } from '../../src/mailbox/mailbox-row.ts'
import { MessageNumbers } from '../../src/mailbox/message-numbers.ts'
import { flags, flagsOf, hasKeywords, live } from '../../src/mailbox/message-state.ts'
import { createMailbox, removeMailbox } from '../../src/mailbox/name-operations.ts'
import {
  type ChangesPlace,
  readChanges,
  readKeywords,
  readMailboxState,
  readMessages,
  readSizes,
} from '../../src/mailbox/read-mailbox.ts'
import { countRecent } from '../../src/mailbox/recent.ts'
import { readStructuredMessages } from '../../src/mailbox/structures.ts'
import { rangesOf, uidsOf } from '../../src/mailbox/uid-ranges.ts'
import { defineWrite } from '../../src/storage/operation.ts'
import { at, openMailboxes, type TestMailboxes } from './open-mailboxes.ts'

interface Message {
  flags: number
  keywords: Set<string>
}

type Model = Map<number, Message>

interface Side {
  readonly name: string
  readonly model: Model
  uidNext: number
  open: OpenMailbox
  /** What a session has been told of it. */
  seen: Model
  since: number
}

type Step =
  | { readonly kind: 'file'; readonly count: number }
  | {
      readonly kind: 'flags'
      readonly mode: 'set' | 'add' | 'remove'
      readonly flags: number
      readonly keywords: readonly string[]
      readonly picks: readonly number[]
    }
  | { readonly kind: 'expunge' }
  | { readonly kind: 'copy' | 'move'; readonly picks: readonly number[] }
  | { readonly kind: 'look' }
  | { readonly kind: 'turn' }

const picks = fc.array(fc.nat(20), { maxLength: 8 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('file' as const), count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({
    kind: fc.constant('flags' as const),
    mode: fc.constantFrom('set', 'add', 'remove'),
    flags: fc.nat(31),
    keywords: fc.subarray(['$Forwarded', 'work', 'later']),
    picks,
  }),
  fc.record({ kind: fc.constant('expunge' as const) }),
  fc.record({ kind: fc.constantFrom('copy', 'move'), picks }),
  fc.record({ kind: fc.constantFrom('look', 'turn') }),
)

/** Of what has changed, told to a session. */
const pageSizes = [1, 3, 40]

class World {
  readonly #mailboxes: TestMailboxes
  #sides: [Side, Side]
  #queueId: number

  constructor(mailboxes: TestMailboxes, sides: [Side, Side], queueId: number) {
    this.#mailboxes = mailboxes
    this.#sides = sides
    this.#queueId = queueId
  }

  async take(one: Step): Promise<void> {
    const [here] = this.#sides
    switch (one.kind) {
      case 'file':
        await this.#file(here, one.count)
        return
      case 'flags':
        await this.#changeFlags(here, one)
        return
      case 'expunge':
        await this.#expunge(here)
        return
      case 'copy':
      case 'move':
        await this.#bring(one.kind, one.picks)
        return
      case 'look':
        await this.#look(here)
        return
      case 'turn':
        this.#sides.reverse()
    }
  }

  async end(): Promise<void> {
    for (const side of this.#sides) {
      await this.#look(side)
      await this.#compareState(side)
    }
    assert.deepEqual(await findMailboxDamage(this.#mailboxes.storage), [])
  }

  /** Some that are there, and some that are not. */
  #pick({ uidNext }: Side, numbers: readonly number[]): number[] {
    return [...new Set(numbers.map(number => 1 + (number % uidNext)))].sort((a, b) => a - b)
  }

  async #file(side: Side, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const queueId = ++this.#queueId
      await this.#mailboxes.store(queueId)
      await this.#mailboxes.file({ queueId, mailbox: side.name })
      side.model.set(side.uidNext++, { flags: 0, keywords: new Set() })
    }
  }

  async #changeFlags(side: Side, change: Extract<Step, { kind: 'flags' }>): Promise<void> {
    const uids = this.#pick(side, change.picks)
    const { mode, keywords } = change
    const outcome = await this.#mailboxes.storage.run(changeFlags, {
      ...side.open,
      ranges: rangesOf(uids),
      mode,
      flags: change.flags,
      keywords,
    })
    const changed: number[] = []
    for (const uid of uids) {
      const message = side.model.get(uid)
      if (!message) continue
      const before = { ...message }
      if (mode === 'set') Object.assign(message, { flags: change.flags, keywords: new Set(keywords) })
      else if (mode === 'add') {
        message.flags |= change.flags
        message.keywords = new Set([...message.keywords, ...keywords])
      } else {
        message.flags &= ~change.flags
        message.keywords = new Set([...message.keywords].filter(keyword => !keywords.includes(keyword)))
      }
      if (
        before.flags !== message.flags ||
        [...before.keywords].sort().join() !== [...message.keywords].sort().join()
      )
        changed.push(uid)
    }
    assert.ok(outcome.kind === 'changed')
    assert.deepEqual(
      outcome.changed.map(({ uid }) => uid),
      changed,
    )
  }

  async #expunge(side: Side): Promise<void> {
    const gone = [...side.model].filter(([, message]) => message.flags & flags.deleted).map(([uid]) => uid)
    const outcome = await this.#mailboxes.storage.run(expungeMessages, { ...side.open, limit: 1000, now: at })
    assert.deepEqual(outcome, { uids: gone, more: false })
    for (const uid of gone) side.model.delete(uid)
  }

  async #bring(kind: 'copy' | 'move', numbers: readonly number[]): Promise<void> {
    const [from, to] = this.#sides
    const uids = this.#pick(from, numbers)
    const there = uids.filter(uid => from.model.has(uid))
    const outcome = await this.#mailboxes.storage.run(kind === 'copy' ? copyMessages : moveMessages, {
      from: from.open,
      ranges: rangesOf(uids),
      to: { accountId: 1, name: to.name },
      now: at,
    })
    if (there.length === 0) {
      assert.equal(outcome.kind, 'nothing')
      return
    }
    assert.ok(outcome.kind === 'copied')
    assert.deepEqual([...uidsOf(outcome.source)], there)
    assert.equal(outcome.firstUid, to.uidNext)
    for (const uid of there) {
      const message = from.model.get(uid) ?? assert.fail()
      to.model.set(to.uidNext++, { ...message })
      if (kind === 'move') from.model.delete(uid)
    }
  }

  /** A session that catches up knows what is there, from what it is told has changed. */
  async #look(side: Side): Promise<void> {
    const { storage } = this.#mailboxes
    const limit = pageSizes[side.since % pageSizes.length] ?? 1
    for (let after: ChangesPlace | undefined; ; ) {
      const changes = await storage.run(readChanges, { ...side.open, since: side.since, after, limit })
      assert.ok(changes && changes.changed.length <= limit)
      assert.ok(changes && changes.vanished !== 'forgotten')
      for (const uid of uidsOf(changes.vanished)) side.seen.delete(uid)
      for (const { uid, keywords, flags: bits } of changes.changed)
        side.seen.set(uid, { flags: bits, keywords: new Set(keywords) })
      if (!changes.next) {
        side.since = changes.mailbox.modSeq
        break
      }
      after = changes.next
    }
    assert.deepEqual(sorted(side.seen), sorted(side.model))
  }

  /** A session that opens it now sees the same, without looking at messages. */
  async #compareState(side: Side): Promise<void> {
    const { storage } = this.#mailboxes
    const state = await storage.run(readMailboxState, side.open)
    assert.ok(state)
    const { mailbox, blocks } = state
    const all = [...side.model.values()]
    assert.deepEqual(
      [mailbox.messages, mailbox.unseen, mailbox.deleted, mailbox.uidNext, mailbox.bytes],
      [
        all.length,
        all.filter(message => !(message.flags & flags.seen)).length,
        all.filter(message => message.flags & flags.deleted).length,
        side.uidNext,
        all.length * 23,
      ],
    )
    const numbers = new MessageNumbers(blocks)
    const uids = [...side.model.keys()].sort((a, b) => a - b)
    assert.equal(numbers.count, uids.length)
    assert.deepEqual(
      uids.map((_, index) => numbers.uidAt(index + 1)),
      uids,
    )
    const some = { first: 2, last: side.uidNext - 2 }
    assert.deepEqual(
      [...numbers.uidsIn([some])],
      uids.filter(uid => uid >= some.first && uid <= some.last),
    )
    assert.equal(numbers.countIn(some), [...numbers.uidsIn([some])].length)
    for (let uid = 0; uid <= side.uidNext; uid++)
      assert.equal(numbers.numberOf(uid), uids.indexOf(uid) + 1 || undefined)
    const everything = { ...side.open, range: { first: 1, last: side.uidNext }, limit: 1000 }
    const withKeywords = await storage.run(readKeywords, everything)
    assert.deepEqual(
      withKeywords.map(({ uid }) => uid),
      uids.filter(uid => side.model.get(uid)?.keywords.size),
    )
    for (const { number, states } of blocks)
      for (const [offset, state] of states.entries()) {
        const message = side.model.get(number * 1024 + offset)
        assert.equal(flagsOf(state), message?.flags ?? 0)
        assert.equal((state & live) !== 0, message !== undefined)
        assert.equal((state & hasKeywords) !== 0, (message?.keywords.size ?? 0) > 0)
      }
  }
}

function sorted(model: Model): unknown {
  return [...model].sort(([a], [b]) => a - b).map(([uid, one]) => [uid, one.flags, [...one.keywords].sort()])
}

test('whatever is done to two mailboxes, they count, index and tell what is there', async t => {
  const mailboxes = await openMailboxes(t)
  let run = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async steps => {
      run++
      const sides: Side[] = []
      for (const name of [`a${run}`, `b${run}`]) {
        const made = await mailboxes.storage.run(createMailbox, { accountId: 1, name, now: at })
        assert.ok(made.kind === 'created')
        const { id, modSeq, uidValidity } = made.mailbox
        sides.push({
          name,
          model: new Map(),
          uidNext: 1,
          open: { accountId: 1, mailboxId: id, uidValidity },
          seen: new Map(),
          since: modSeq,
        })
      }
      const [a, b] = sides
      assert.ok(a && b)
      const world = new World(mailboxes, [a, b], run * 1000)
      for (const one of steps) await world.take(one)
      await world.end()
    }),
    { numRuns: 40 },
  )
})

const giveId = defineWrite(
  'test.give-id',
  async (tx, { from, to }: { readonly from: number; readonly to: number }) => {
    for (const table of ['mailbox_message', 'mailbox_block'])
      await tx.run(`UPDATE ${table} SET mailbox_id = ? WHERE mailbox_id = ?`, to, from)
    await tx.run('UPDATE mailbox SET id = ? WHERE id = ?', to, from)
  },
)

test('whoever has a mailbox open that is gone reads nothing of another that has its id', async t => {
  const mailboxes = await openMailboxes(t)
  const { storage } = mailboxes
  for (const id of [1, 2]) await mailboxes.store(id)
  const arrived = { mailbox: 'Work', keywords: ['$Work'] }
  await mailboxes.file({ queueId: 1, ...arrived }, { queueId: 2, accountId: 2, ...arrived })
  const open = { ...(await mailboxes.open(1, 'Work')), range: { first: 1, last: 10 }, limit: 10 }
  const counts = async (wanted = open): Promise<number[]> => [
    (await storage.run(readMessages, wanted)).length,
    (await storage.run(readSizes, wanted)).length,
    (await storage.run(readKeywords, wanted)).length,
    (await storage.run(readStructuredMessages, wanted)).messages.length,
    await storage.run(countRecent, wanted),
  ]
  assert.deepEqual(await counts(), [1, 1, 1, 1, 1])
  await storage.run(removeMailbox, { accountId: 1, name: 'Work', now: at })
  await storage.run(giveId, { from: (await mailboxes.open(2, 'Work')).mailboxId, to: open.mailboxId })
  assert.deepEqual(await counts(), [0, 0, 0, 0, 0])
  assert.deepEqual(await counts({ ...open, ...(await mailboxes.open(2, 'Work')) }), [1, 1, 1, 1, 1])
})

test('messages of a range are counted over blocks that are full, empty and not there', () => {
  const full = new Uint8Array(1024).fill(live)
  const third = new Uint8Array(40)
  third[33] = third[39] = live
  const numbers = new MessageNumbers([
    { number: 1, states: full },
    { number: 3, states: new Uint8Array(7) },
    { number: 5, states: third },
  ])
  const ends = [
    1,
    1023,
    1024,
    1025,
    1055,
    1056,
    2047,
    2048,
    4000,
    5152,
    5153,
    5154,
    5159,
    5160,
    9999,
    2 ** 32 - 1,
  ]
  for (const first of ends)
    for (const last of ends)
      assert.equal(
        numbers.countIn({ first, last }),
        [...numbers.uidsIn([{ first, last }])].length,
        `${first}:${last}`,
      )
})

/** As a server does that knows nothing of `filed_mod_seq`. */
const setSeenAsBefore = defineWrite(
  'test.set-seen-as-before',
  async (tx, { mailboxId, uid }: { readonly mailboxId: number; readonly uid: number }) => {
    await tx.run('UPDATE mailbox SET mod_seq = mod_seq + 1 WHERE id = ?', mailboxId)
    await tx.run(
      `UPDATE mailbox_message SET flags = ?, mod_seq = (SELECT mod_seq FROM mailbox WHERE id = ?)
        WHERE mailbox_id = ? AND uid = ?`,
      flags.seen,
      mailboxId,
      mailboxId,
      uid,
    )
  },
)

test('what a server of an older version changes beside this one is told (docs/adr/0010)', async t => {
  const mailboxes = await openMailboxes(t)
  for (const id of [1, 2, 3]) await mailboxes.store(id)
  await mailboxes.file({ queueId: 1 }, { queueId: 2 }, { queueId: 3 })
  const open = await mailboxes.open()
  const since = (await mailboxes.storage.run(readMailboxState, open))?.mailbox.modSeq ?? assert.fail()
  await mailboxes.storage.run(setSeenAsBefore, { mailboxId: open.mailboxId, uid: 1 })
  const changes = await mailboxes.storage.run(readChanges, { ...open, since, limit: 10 })
  assert.deepEqual(
    changes?.changed.map(({ uid, flags: bits }) => [uid, bits]),
    [[1, flags.seen]],
  )
})
