// LIST: patterns, levels that are no mailboxes, attributes and subscriptions (RFC 9051 §6.3.9, RFC 5258).
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ListCommand } from '../../src/imap/grammar/commands/list.ts'
import { isRefusal } from '../../src/imap/server/mailbox-services.ts'
import { compilePattern, listNames } from '../../src/mail-access/list-mailboxes.ts'
import { openAccount, type TestAccount } from './open-account.ts'

async function openTree(t: TestContext): Promise<TestAccount> {
  const account = await openAccount(t)
  for (const mailbox of ['a/b/c', 'Work', 'Workshop', 'Почта/Входящие'])
    assert.ok(!isRefusal(await account.mailboxes.create({ mailbox, specialUse: [] })))
  await account.mailboxes.create({ mailbox: 'Gesendet', specialUse: ['\\Sent'] })
  // Its level stays as one that is no mailbox.
  await account.mailboxes.delete('a')
  for (const name of ['Gesendet', 'Work', 'a/b', 'a/b/c', 'Почта/Входящие', 'gone', 'far/away'])
    await account.mailboxes.setSubscribed(name, 'subscribed')
  return account
}

const returns = { subscribed: false, children: false, specialUse: false, myRights: false, status: undefined }

async function list(account: TestAccount, query: Partial<Omit<ListCommand, 'verb'>>): Promise<string[]> {
  const lines: string[] = []
  const usual = { selection: [], reference: '', patterns: ['*'], returns: undefined }
  for await (const batch of account.mailboxes.list({ ...usual, ...query }))
    for (const { mailbox, status } of batch) {
      const info = mailbox.childInfo ? ` childinfo ${mailbox.childInfo.join()}` : ''
      const values = status ? ` ${[...status].join(' ')}` : ''
      lines.push(`${mailbox.name} ${mailbox.attributes.map(word => word.slice(1)).join(' ')}${info}${values}`)
    }
  return lines
}

test('all, with what each is', async t => {
  const account = await openTree(t)
  assert.deepEqual(await list(account, {}), [
    'Gesendet HasNoChildren Sent',
    'INBOX HasNoChildren',
    'Work HasNoChildren',
    'Workshop HasNoChildren',
    'a NonExistent Noselect HasChildren',
    'a/b HasChildren',
    'a/b/c HasNoChildren',
    'Почта HasChildren',
    'Почта/Входящие HasNoChildren',
  ])
})

test('% stays within a level, the reference stands before the pattern, and several patterns name each once', async t => {
  const account = await openTree(t)
  const names = async (query: Partial<Omit<ListCommand, 'verb'>>) =>
    (await list(account, query)).map(line => line.split(' ')[0])
  assert.deepEqual(await names({ patterns: ['%'] }), ['Gesendet', 'INBOX', 'Work', 'Workshop', 'a', 'Почта'])
  assert.deepEqual(await names({ patterns: ['a/%'] }), ['a/b'])
  assert.deepEqual(await names({ reference: 'a/', patterns: ['*'] }), ['a/b', 'a/b/c'])
  assert.deepEqual(await names({ patterns: ['Work*', 'W%'] }), ['Work', 'Workshop'])
  assert.deepEqual(await names({ patterns: ['Поч*щие'] }), ['Почта/Входящие'])
})

test('by subscription, with names that have no mailbox, and levels for the sake of what is below', async t => {
  const account = await openTree(t)
  assert.deepEqual(await list(account, { selection: ['SUBSCRIBED'] }), [
    'Gesendet HasNoChildren Subscribed Sent',
    'Work HasNoChildren Subscribed',
    'a/b HasChildren Subscribed',
    'a/b/c HasNoChildren Subscribed',
    'far/away NonExistent HasNoChildren Subscribed',
    'gone NonExistent HasNoChildren Subscribed',
    'Почта/Входящие HasNoChildren Subscribed',
  ])
  assert.deepEqual(await list(account, { selection: ['SUBSCRIBED', 'RECURSIVEMATCH'], patterns: ['a%'] }), [
    'a NonExistent HasChildren childinfo SUBSCRIBED',
  ])
  // What is named itself is not told of with the level above it.
  const below = { selection: ['SUBSCRIBED', 'RECURSIVEMATCH'] as const, patterns: ['f%', 'far/away'] }
  assert.deepEqual(await list(account, below), ['far/away NonExistent HasNoChildren Subscribed'])
  assert.deepEqual(await list(account, { selection: ['SPECIAL-USE'] }), ['Gesendet HasNoChildren Sent'])
  assert.deepEqual(await list(account, { patterns: ['W%'], returns: { ...returns, subscribed: true } }), [
    'Work HasNoChildren Subscribed',
    'Workshop HasNoChildren',
  ])
})

test('with the counters of each', async t => {
  const account = await openTree(t)
  await account.append('Subject: s\n\n', { mailbox: 'Work', flags: ['\\Seen'] })
  await account.append('Subject: s\n\n', { mailbox: 'Work' })
  const status = ['MESSAGES', 'UNSEEN', 'UIDNEXT', 'SIZE'] as const
  assert.deepEqual(await list(account, { patterns: ['Work', 'a'], returns: { ...returns, status } }), [
    'Work HasNoChildren MESSAGES,2 UNSEEN,1 UIDNEXT,3 SIZE,28',
    'a NonExistent HasChildren',
  ])
})

test('names that no mailbox can have are refused, with the reason', async t => {
  const account = await openTree(t)
  for (const [mailbox, refused] of [
    ['a//b', 'A level of a mailbox name cannot be empty'],
    ['x/'.repeat(30), 'A mailbox name has 20 levels at most'],
    ['x'.repeat(600), 'A mailbox name has 500 characters at most'],
    ['INBOX', 'There is a mailbox INBOX already'],
    ['Work', 'There is a mailbox Work already'],
  ] as const) {
    if (mailbox === 'INBOX') await account.select()
    const outcome = await account.mailboxes.create({ mailbox, specialUse: [] })
    assert.ok(isRefusal(outcome))
    assert.equal(outcome.refused, refused)
  }
  const taken = await account.mailboxes.create({ mailbox: 'Sent', specialUse: ['\\Sent'] })
  assert.ok(isRefusal(taken) && taken.code?.name === 'USEATTR')
  const inbox = await account.mailboxes.delete('INBOX')
  assert.ok(inbox && isRefusal(inbox))
})

test('a pattern of stars takes no more time than another', () => {
  const matches = compilePattern(`${'*a'.repeat(200)}b`)
  assert.equal(matches('a'.repeat(500)), false)
  assert.equal(compilePattern('%%*%a%')('x/y/a'), true)
  assert.equal(compilePattern('')(''), true)
})

test('patterns of stars for many names leave other sessions their turns', async () => {
  let [turns, isOver] = [0, false]
  const take = (): void => {
    turns++
    if (!isOver) setImmediate(take)
  }
  setImmediate(take)
  const mailboxes = Array.from({ length: 30 }, (_, n) => ({ name: `${'a'.repeat(490)}${n}`, use: undefined }))
  const patterns = Array.from({ length: 5 }, (_, n) => `${'*a'.repeat(200)}b${n}`)
  const query = { selection: [], reference: '', patterns, returns: undefined }
  assert.deepEqual(await listNames(query, { mailboxes, subscriptions: [] }), [])
  isOver = true
  assert.ok(turns >= 20, `${turns} turns`)
})

test('only a name that a mailbox can have is subscribed to', async t => {
  const { mailboxes } = await openAccount(t)
  for (const name of [`a${'/a'.repeat(20)}`, 'a'.repeat(501), 'a//b', 'Other Users/nobody'])
    assert.ok(isRefusal(await mailboxes.setSubscribed(name, 'subscribed')), name)
  const longest = `a${'/a'.repeat(19)}`
  assert.equal(await mailboxes.setSubscribed(longest, 'subscribed'), undefined)
  assert.equal(await mailboxes.setSubscribed('a//b', 'unsubscribed'), undefined)
})
