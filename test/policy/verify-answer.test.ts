import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { changeAccount } from '../../src/directory/accounts.ts'
import { expandAnswer, verifyAnswer } from '../../src/policy/verify-answer.ts'
import type { Reply } from '../../src/smtp/reply.ts'
import type { Storage } from '../../src/storage/operation.ts'
import {
  addAccount,
  addAlias,
  addDomain,
  addGroup,
  address,
  openDirectory,
} from '../directory/open-directory.ts'

const hostname = 'mail.example.test'

async function openExample(context: TestContext): Promise<Storage> {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  await addDomain(storage, 'other.test')
  await addAccount(storage, 'anna@example.test')
  await addAccount(storage, 'boris@example.test')
  await addAccount(storage, 'boris@other.test')
  await addAccount(storage, 'вера@example.test')
  await addAlias(storage, 'info@example.test', 'anna@example.test', 'x@elsewhere.test')
  await addAlias(storage, '@other.test', 'anna@example.test')
  await addGroup(storage, 'team@example.test', 'anna@example.test', 'boris@example.test')
  await addGroup(storage, 'all@example.test', 'вера@example.test')
  await storage.run(changeAccount, { address: address('anna@example.test'), name: 'Front "desk"' })
  return storage
}

function shown({ code, enhanced, lines }: Reply): string[] {
  return [`${code} ${enhanced}`, ...lines]
}

test('VRFY: an address, with or without name and brackets, or a user name', async context => {
  const storage = await openExample(context)
  const verify = async (text: string): Promise<string[]> =>
    shown(await verifyAnswer(storage, hostname, { text, smtpUtf8: false }))
  const anna = ['250 2.1.5', '"Front \\"desk\\"" <anna@example.test>']
  for (const text of ['anna', 'ANNA@example.test', '<anna@example.test>', 'Some One <anna@example.test>']) {
    assert.deepEqual(await verify(text), anna, text)
  }
  assert.deepEqual(await verify('info@example.test'), ['250 2.1.5', '<info@example.test>'])
  assert.deepEqual(await verify('boris'), [
    '553 5.1.4',
    'More than one address matches; which one?',
    '<boris@example.test>',
    '<boris@other.test>',
  ])
  assert.equal((await verify('nobody'))[0], '550 5.1.1')
  assert.equal((await verify('nobody@example.test'))[0], '550 5.1.1')
  assert.equal((await verify('x@elsewhere.test'))[0], '252 2.1.5')
  for (const text of ['', '<>', 'a b', 'a@', '@example.test'])
    assert.equal((await verify(text))[0], '501 5.1.3', text)
})

test('EXPN: the members of a group or an alias', async context => {
  const storage = await openExample(context)
  const expand = async (text: string): Promise<string[]> =>
    shown(await expandAnswer(storage, hostname, { text, smtpUtf8: false }))
  const members = ['250 2.1.5', '"Front \\"desk\\"" <anna@example.test>', '<boris@example.test>']
  assert.deepEqual(await expand('team'), members)
  assert.deepEqual(await expand('Team@Example.test'), members)
  assert.deepEqual(await expand('info'), [
    '250 2.1.5',
    '"Front \\"desk\\"" <anna@example.test>',
    '<x@elsewhere.test>',
  ])
  assert.equal((await expand('anna'))[1], 'anna is not a list here')
  assert.equal((await expand('nobody'))[0], '550 5.1.1')
})

test('a domain is in one form with its local-part: U-labels for who uses SMTPUTF8', async context => {
  const storage = await openExample(context)
  await addDomain(storage, 'xn--80a1acny.xn--p1ai')
  await addAccount(storage, 'анна@xn--80a1acny.xn--p1ai')
  await addAccount(storage, 'olga@xn--80a1acny.xn--p1ai')
  await addGroup(storage, 'both@example.test', 'olga@xn--80a1acny.xn--p1ai')
  const ask = async (answer: typeof verifyAnswer, text: string, smtpUtf8: boolean): Promise<string[]> =>
    shown(await answer(storage, hostname, { text, smtpUtf8 }))
  assert.deepEqual(await ask(verifyAnswer, 'анна', true), ['250 2.1.5', '<анна@почта.рф>'])
  assert.deepEqual(await ask(verifyAnswer, 'olga', true), ['250 2.1.5', '<olga@почта.рф>'])
  assert.deepEqual(await ask(expandAnswer, 'both', true), ['250 2.1.5', '<olga@почта.рф>'])
  const inAscii = ['250 2.1.5', '<olga@xn--80a1acny.xn--p1ai>']
  assert.deepEqual(await ask(verifyAnswer, 'olga', false), inAscii)
  assert.deepEqual(await ask(expandAnswer, 'both', false), inAscii)
})

test('names that need SMTPUTF8 are shown to who uses it, and to nobody else', async context => {
  const storage = await openExample(context)
  for (const [smtpUtf8, verified, expanded] of [
    [true, ['250 2.1.5', '<вера@example.test>'], ['250 2.1.5', '<вера@example.test>']],
    [
      false,
      ['252 2.6.8', 'There is such a mailbox; its name needs SMTPUTF8'],
      ['550 5.6.8', 'Names in this group need SMTPUTF8'],
    ],
  ] as const) {
    const verify = { text: 'вера@example.test', smtpUtf8 }
    assert.deepEqual(shown(await verifyAnswer(storage, hostname, verify)), verified)
    const expand = { text: 'all@example.test', smtpUtf8 }
    assert.deepEqual(shown(await expandAnswer(storage, hostname, expand)), expanded)
  }
})
