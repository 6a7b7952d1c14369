// Mailboxes of an account by name: made, renamed, removed, subscribed to (RFC 9051 §6.3.4 to §6.3.8).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findMailboxNamed, makeUsualMailboxes } from '../../src/mailbox/mailbox-names.ts'
import {
  createMailbox,
  findMailbox,
  listMailboxes,
  listSubscriptions,
  removeMailbox,
  renameMailbox,
  subscribe,
  unsubscribe,
} from '../../src/mailbox/name-operations.ts'
import { defineWrite } from '../../src/storage/operation.ts'
import { at, fillMailbox, openMailboxes, type TestMailboxes } from './open-mailboxes.ts'

const makeUsual = defineWrite('test.make-usual', async tx => await makeUsualMailboxes(tx, 1, at))

const create = (mailboxes: TestMailboxes, name: string, now = at) =>
  mailboxes.storage.run(createMailbox, { accountId: 1, name, now })

const rename = (mailboxes: TestMailboxes, name: string, to: string) =>
  mailboxes.storage.run(renameMailbox, { accountId: 1, name, to, now: at })

const names = async (mailboxes: TestMailboxes): Promise<string[]> =>
  (await mailboxes.storage.run(listMailboxes, { accountId: 1 })).map(({ name }) => name)

test('an account begins with the usual mailboxes, subscribed to, each with its use', async t => {
  const mailboxes = await openMailboxes(t)
  await mailboxes.storage.run(makeUsual, undefined)
  const all = await mailboxes.storage.run(listMailboxes, { accountId: 1 })
  assert.deepEqual(
    all.map(({ name, specialUse }) => `${name} ${specialUse ?? '-'}`),
    ['Archive Archive', 'Drafts Drafts', 'INBOX -', 'Junk Junk', 'Sent Sent', 'Trash Trash'],
  )
  assert.deepEqual(
    await mailboxes.storage.run(listSubscriptions, { accountId: 1 }),
    all.map(({ name }) => name),
  )
})

test('a mailbox is made with the levels above it, once', async t => {
  const mailboxes = await openMailboxes(t)
  assert.equal((await create(mailboxes, 'Work/2026/Angebote für Müller')).kind, 'created')
  assert.equal((await create(mailboxes, 'Work')).kind, 'exists')
  assert.deepEqual(await names(mailboxes), ['Work', 'Work/2026', 'Work/2026/Angebote für Müller'])
})

test('one mailbox of an account has a use', async t => {
  const mailboxes = await openMailboxes(t)
  const make = (name: string) =>
    mailboxes.storage.run(createMailbox, { accountId: 1, name, specialUse: 'Sent', now: at })
  assert.equal((await make('Sent')).kind, 'created')
  assert.equal((await make('Gesendet')).kind, 'special-use-taken')
})

test('what is made anew under its usual name is for what it was for, unless another is by now', async t => {
  const mailboxes = await openMailboxes(t)
  const useOf = async (name: string) => {
    const made = await create(mailboxes, name)
    return made.kind === 'created' ? made.mailbox.specialUse : made.kind
  }
  assert.equal(await useOf('Trash'), 'Trash')
  const { storage } = mailboxes
  await storage.run(renameMailbox, { accountId: 1, name: 'Trash', to: 'Bin', now: at })
  assert.equal(await useOf('Trash'), undefined)
  assert.equal(await useOf('Work/Sent'), undefined)
})

test('a mailbox that is made anew within the second has another UIDVALIDITY, and a greater one', async t => {
  const mailboxes = await openMailboxes(t)
  const validities: number[] = []
  for (let i = 0; i < 3; i++) {
    const made = await create(mailboxes, 'Work')
    assert.ok(made.kind === 'created')
    validities.push(made.mailbox.uidValidity)
    await mailboxes.storage.run(removeMailbox, { accountId: 1, name: 'Work', now: at })
  }
  assert.deepEqual(validities, [at / 1000, at / 1000 + 1, at / 1000 + 2])
})

test('the id of a mailbox that is gone never comes back, to whomever the next one belongs', async t => {
  const mailboxes = await openMailboxes(t)
  const gone = await create(mailboxes, 'Work')
  assert.ok(gone.kind === 'created')
  await mailboxes.storage.run(removeMailbox, { accountId: 1, name: 'Work', now: at })
  const made = await mailboxes.storage.run(createMailbox, { accountId: 2, name: 'Work', now: at })
  assert.ok(made.kind === 'created' && made.mailbox.id > gone.mailbox.id)
})

test('a mailbox with more messages than a call has room for arguments is removed', async t => {
  const mailboxes = await openMailboxes(t)
  const made = await create(mailboxes, 'Lists')
  assert.ok(made.kind === 'created')
  await mailboxes.storage.run(fillMailbox, { mailboxId: made.mailbox.id, count: 150_000 })
  assert.equal(
    await mailboxes.storage.run(removeMailbox, { accountId: 1, name: 'Lists', now: at }),
    'removed',
  )
  assert.deepEqual(await names(mailboxes), [])
})

test('a rename takes along what is below, what is in it, and the subscription; nothing else', async t => {
  const mailboxes = await openMailboxes(t)
  for (const name of ['Work', 'Work/a', 'Work/a/b', 'Workshop', 'Work-old']) await create(mailboxes, name)
  await mailboxes.store(1)
  await mailboxes.file({ queueId: 1, mailbox: 'Work/a' })
  for (const name of ['Work', 'Work/a', 'Work-old', 'Workshop'])
    await mailboxes.storage.run(subscribe, { accountId: 1, name })
  const before = await mailboxes.storage.run(findMailbox, { accountId: 1, name: 'Work/a' })
  assert.equal(await rename(mailboxes, 'Work', 'Past/Work'), 'renamed')
  assert.deepEqual(await names(mailboxes), [
    'Past',
    'Past/Work',
    'Past/Work/a',
    'Past/Work/a/b',
    'Work-old',
    'Workshop',
  ])
  assert.deepEqual(await mailboxes.storage.run(listSubscriptions, { accountId: 1 }), [
    'Past/Work',
    'Past/Work/a',
    'Work-old',
    'Workshop',
  ])
  const after = await mailboxes.storage.run(findMailbox, { accountId: 1, name: 'Past/Work/a' })
  assert.deepEqual([after?.id, after?.uidValidity, after?.messages], [before?.id, before?.uidValidity, 1])
})

test('a rename that cannot be is refused, and nothing changes', async t => {
  const mailboxes = await openMailboxes(t)
  for (const name of ['a', 'a/b', 'c', 'd/e']) await create(mailboxes, name)
  assert.equal(await rename(mailboxes, 'missing', 'x'), 'missing')
  assert.equal(await rename(mailboxes, 'a', 'c'), 'exists')
  assert.equal(await rename(mailboxes, 'a', 'a/b/c'), 'below-itself')
  // What is below would have more levels than a name can, and with each further rename more.
  assert.equal(await rename(mailboxes, 'a', `c${'/d'.repeat(19)}`), 'too-long')
  assert.deepEqual(await names(mailboxes), ['a', 'a/b', 'c', 'd', 'd/e'])
})

test('INBOX stays when it is renamed, and its messages move to the new name', async t => {
  const mailboxes = await openMailboxes(t)
  for (const id of [1, 2]) await mailboxes.store(id)
  await mailboxes.file({ queueId: 1 }, { queueId: 2 })
  await create(mailboxes, 'INBOX/below')
  assert.equal(await rename(mailboxes, 'INBOX', 'Old'), 'renamed')
  assert.deepEqual(await mailboxes.summaries(1), ['INBOX 0 0', 'INBOX/below 0 0', 'Old 2 46'])
})

test('what is below a mailbox that is removed stays', async t => {
  const mailboxes = await openMailboxes(t)
  await create(mailboxes, 'a/b')
  assert.equal(await mailboxes.storage.run(removeMailbox, { accountId: 1, name: 'a', now: at }), 'removed')
  assert.equal(await mailboxes.storage.run(removeMailbox, { accountId: 1, name: 'a', now: at }), 'missing')
  assert.deepEqual(await names(mailboxes), ['a/b'])
  // It goes by its level above, too, though that is no mailbox.
  assert.equal(await rename(mailboxes, 'a', 'z'), 'renamed')
  assert.deepEqual(await names(mailboxes), ['z/b'])
})

test('a name can be subscribed to that no mailbox has; it stays when the mailbox goes', async t => {
  const mailboxes = await openMailboxes(t)
  await mailboxes.storage.run(subscribe, { accountId: 1, name: 'later' })
  await create(mailboxes, 'now')
  await mailboxes.storage.run(subscribe, { accountId: 1, name: 'now' })
  await mailboxes.storage.run(removeMailbox, { accountId: 1, name: 'now', now: at })
  assert.deepEqual(await mailboxes.storage.run(listSubscriptions, { accountId: 1 }), ['later', 'now'])
  assert.equal(await mailboxes.storage.run(unsubscribe, { accountId: 1, name: 'later' }), true)
  assert.equal(await mailboxes.storage.run(unsubscribe, { accountId: 1, name: 'later' }), false)
})

test('accounts do not see each other', async t => {
  const mailboxes = await openMailboxes(t)
  await create(mailboxes, 'mine')
  const find = defineWrite('test.find', async tx => await findMailboxNamed(tx, 2, 'mine'))
  assert.equal(await mailboxes.storage.run(find, undefined), undefined)
})
