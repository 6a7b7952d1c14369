import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAccount, listAccounts, removeAccount } from '../../src/directory/accounts.ts'
import { displayAddress } from '../../src/directory/display.ts'
import { createDomain, listDomains, removeDomain, setPostmaster } from '../../src/directory/domains.ts'
import {
  changeTargets,
  createRedirection,
  listRedirections,
  removeRedirection,
} from '../../src/directory/redirections.ts'
import { everybody, learnMessage, readLearned, recallWords } from '../../src/screening/learning.ts'
import type { Storage } from '../../src/storage/operation.ts'
import {
  addAccount,
  addAlias,
  addDomain,
  addGroup,
  address,
  at,
  noPassword,
  openDirectory,
} from './open-directory.ts'

function refused(code: string, message: RegExp): (cause: unknown) => boolean {
  return cause => {
    assert.ok(cause instanceof Error)
    assert.equal(Reflect.get(cause, 'code'), code)
    assert.match(cause.message, message)
    return true
  }
}

async function targetsOf(storage: Storage): Promise<Record<string, string[]>> {
  const all = await storage.run(listRedirections, {})
  return Object.fromEntries(all.map(one => [displayAddress(one.address), one.targets.map(displayAddress)]))
}

const newAccount = { name: '', passwordHash: noPassword, language: 'en', enabled: true, at } as const

test('an address is held once: by an account, an alias or a group, in any case', async context => {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  await addAccount(storage, 'anna@example.test')
  await addAlias(storage, 'info@example.test', 'anna@example.test')
  const taken = refused('DIRECTORY_ADDRESS_TAKEN', /is taken: it is an (account|alias)/)
  await assert.rejects(
    storage.run(createAccount, { ...newAccount, address: address('ANNA@example.test') }),
    taken,
  )
  await assert.rejects(
    storage.run(createAccount, { ...newAccount, address: address('Info@example.test') }),
    taken,
  )
  const group = { kind: 'group', name: '', targets: [address('a@elsewhere.test')], at } as const
  await assert.rejects(
    storage.run(createRedirection, { ...group, address: address('anna@example.test') }),
    taken,
  )
  await assert.rejects(
    storage.run(createDomain, { name: 'example.test', at }),
    refused('DIRECTORY_DOMAIN_EXISTS', /example\.test is here already/),
  )
})

test('what cannot work is refused, with what to do', async context => {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  await addAccount(storage, 'anna@example.test')
  await assert.rejects(
    storage.run(createAccount, { ...newAccount, address: address('anna@other.test') }),
    refused('DIRECTORY_NO_SUCH_DOMAIN', /postrider domain create other\.test/),
  )
  await assert.rejects(
    storage.run(createAccount, { ...newAccount, address: address('a+b@example.test') }),
    refused('DIRECTORY_NOT_AN_ADDRESS', /separates subaddresses/),
  )
  await assert.rejects(
    storage.run(createAccount, { ...newAccount, address: address('b@example.test'), name: 'x\r\nBcc: y' }),
    refused('DIRECTORY_BAD_NAME', /without control characters/),
  )
  await assert.rejects(
    storage.run(createAccount, { ...newAccount, address: address('b@example.test'), passwordHash: 'secret' }),
    refused('DIRECTORY_BAD_PASSWORD', /Argon2id/),
  )
  const alias = { kind: 'alias', name: '', at } as const
  await assert.rejects(
    storage.run(createRedirection, {
      ...alias,
      address: address('i@example.test'),
      targets: [address('nobody@example.test')],
    }),
    refused('DIRECTORY_UNKNOWN_TARGET', /nobody@example\.test does not exist/),
  )
  await assert.rejects(
    storage.run(createRedirection, { ...alias, address: address('i@example.test'), targets: [] }),
    refused('DIRECTORY_NO_TARGETS', /at least one/),
  )
  await assert.rejects(
    storage.run(createRedirection, {
      ...alias,
      kind: 'group',
      address: address('@example.test'),
      targets: [address('a@b.test')],
    }),
    refused('DIRECTORY_NOT_AN_ADDRESS', /catch-all/),
  )
  assert.deepEqual(await targetsOf(storage), {})
  assert.equal((await storage.run(listAccounts, {})).length, 1)
})

test('members come and go; the last one stays, and nobody is their own member', async context => {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  await addAccount(storage, 'anna@example.test')
  await addAccount(storage, 'boris@example.test')
  await addGroup(storage, 'team@example.test', 'anna@example.test')
  const team = { kind: 'group', address: address('team@example.test'), add: [], remove: [] } as const
  await storage.run(changeTargets, {
    ...team,
    add: [address('boris@example.test'), address('ANNA@example.test')],
  })
  assert.deepEqual(await targetsOf(storage), {
    'team@example.test': ['ANNA@example.test', 'boris@example.test'],
  })
  await storage.run(changeTargets, { ...team, remove: [address('anna@example.test')] })
  await assert.rejects(
    storage.run(changeTargets, { ...team, remove: [address('boris@example.test')] }),
    refused('DIRECTORY_NO_TARGETS', /at least one/),
  )
  await assert.rejects(
    storage.run(changeTargets, { ...team, remove: [address('anna@example.test')] }),
    refused('DIRECTORY_NO_SUCH_ADDRESS', /is not in the group/),
  )
  await assert.rejects(
    storage.run(changeTargets, { ...team, add: [address('Team@example.test')] }),
    refused('DIRECTORY_LOOP', /loop .*: team@example\.test → team@example\.test\./),
  )
  assert.deepEqual(await targetsOf(storage), { 'team@example.test': ['boris@example.test'] })
  await assert.rejects(
    storage.run(removeRedirection, { kind: 'alias', address: team.address }),
    refused('DIRECTORY_NO_SUCH_ADDRESS', /no alias team@example\.test/),
  )
  await storage.run(removeRedirection, { kind: 'group', address: team.address })
  assert.deepEqual(await targetsOf(storage), {})
})

test('removing an account says what points to it; forced, it is taken out everywhere', async context => {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  const id = await addAccount(storage, 'anna@example.test')
  await addAccount(storage, 'boris@example.test')
  await addAlias(storage, 'info@example.test', 'anna@example.test')
  await addGroup(storage, 'team@example.test', 'anna@example.test', 'boris@example.test')
  await storage.run(setPostmaster, { domain: 'example.test', postmaster: address('anna@example.test') })
  const anna = address('Anna@example.test')
  await assert.rejects(
    storage.run(removeAccount, { address: anna, withContents: false }),
    refused(
      'DIRECTORY_ACCOUNT_IN_USE',
      /target of info@example\.test, team@example\.test, postmaster@example\.test.*--force/,
    ),
  )
  const { unlinkedFrom } = await storage.run(removeAccount, { address: anna, withContents: true })
  assert.deepEqual(unlinkedFrom, ['info@example.test', 'team@example.test', 'postmaster@example.test'])
  assert.deepEqual(await targetsOf(storage), { 'team@example.test': ['boris@example.test'] })
  assert.equal((await storage.run(listDomains, undefined))[0]?.postmaster, undefined)
  // Whoever comes next must not inherit what is still on its way to the one before.
  await storage.run(removeAccount, { address: address('boris@example.test'), withContents: true })
  assert.ok((await addAccount(storage, 'anna@example.test')) > id + 1)
})

test('what the filter of spam had learned from an account goes with it', async context => {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  const accountId = await addAccount(storage, 'anna@example.test')
  const lesson = { messageId: 7, words: [1, 2], now: at }
  await storage.run(learnMessage, { ...lesson, accountId, kind: 'spam' })
  await storage.run(learnMessage, { ...lesson, accountId, messageId: 8, kind: 'ham' })
  await storage.run(removeAccount, { address: address('anna@example.test'), withContents: true })
  assert.deepEqual(await storage.run(readLearned, { accountId }), { spam: 0, ham: 0 })
  const recall = (id: number) => storage.run(recallWords, { accountId: id, words: lesson.words })
  assert.deepEqual(await recall(accountId), await recall(everybody))
  assert.equal((await recall(accountId)).words.length, 2)
  assert.equal(await storage.run(learnMessage, { ...lesson, accountId, kind: 'spam' }), 'learned')
})

test('removing a domain is refused while something is in it; forced, everything in it goes', async context => {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  await addDomain(storage, 'other.test')
  await addAccount(storage, 'anna@example.test')
  await addAccount(storage, 'anna@other.test')
  await addAlias(storage, 'info@example.test', 'anna@example.test')
  await addAlias(storage, 'info@other.test', 'anna@other.test')
  await assert.rejects(
    storage.run(removeDomain, { name: 'example.test', withContents: false }),
    refused('DIRECTORY_DOMAIN_NOT_EMPTY', /1 account, 1 alias and 0 groups/),
  )
  await storage.run(removeDomain, { name: 'example.test', withContents: true })
  assert.deepEqual(
    (await storage.run(listDomains, undefined)).map(domain => domain.name),
    ['other.test'],
  )
  assert.deepEqual(
    (await storage.run(listAccounts, {})).map(one => displayAddress(one.address)),
    ['anna@other.test'],
  )
  assert.deepEqual(await targetsOf(storage), { 'info@other.test': ['anna@other.test'] })
})

test('whatever would close a loop of aliases and groups is refused, and names it', async context => {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  await addDomain(storage, 'xn--e1afmkfd.xn--p1ai')
  await addAccount(storage, 'anna@example.test')
  await addAlias(storage, 'Info@example.test', 'anna@example.test')
  await addAlias(storage, 'sales@xn--e1afmkfd.xn--p1ai', 'info@example.test')
  await addGroup(storage, 'team@example.test', 'anna@example.test', 'sales@xn--e1afmkfd.xn--p1ai')
  const before = await targetsOf(storage)
  const info = { kind: 'alias', address: address('info@example.test'), remove: [] } as const
  await assert.rejects(
    storage.run(changeTargets, { ...info, add: [address('team@example.test')] }),
    refused(
      'DIRECTORY_LOOP',
      /loop .*: Info@example\.test → team@example\.test → sales@пример\.рф → Info@example\.test\. Leave/,
    ),
  )
  // With a subaddress it is the same mailbox.
  await assert.rejects(
    storage.run(changeTargets, { ...info, add: [address('info+x@example.test')] }),
    refused('DIRECTORY_LOOP', /: Info@example\.test → Info@example\.test\./),
  )
  assert.deepEqual(await targetsOf(storage), before)
})

test('a loop that only a missing address closes is refused too: the catch-all, a postmaster, a new domain', async context => {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  await addAccount(storage, 'anna@example.test')
  await addAlias(storage, 'old@example.test', 'anna@example.test')
  await addAlias(storage, '@example.test', 'old@example.test')
  await addAlias(storage, 'postmaster@example.test', 'anna@example.test')
  await addAlias(storage, 'info@example.test', 'postmaster@example.test')
  await addAlias(storage, 'new@example.test', 'postmaster@other.test')
  const alias = { kind: 'alias' } as const
  await storage.run(changeTargets, {
    ...alias,
    address: address('@example.test'),
    add: [address('info@example.test')],
    remove: [address('old@example.test')],
  })
  await storage.run(setPostmaster, { domain: 'example.test', postmaster: address('info@example.test') })
  await assert.rejects(
    storage.run(removeRedirection, { ...alias, address: address('postmaster@example.test') }),
    refused('DIRECTORY_LOOP', /@example\.test → info@example\.test → .*@example\.test\./),
  )
  await assert.rejects(
    storage.run(createDomain, { name: 'other.test', postmaster: address('new@example.test'), at }),
    refused('DIRECTORY_LOOP', /: postmaster@other\.test → new@example\.test → postmaster@other\.test\./),
  )
  await storage.run(removeRedirection, { ...alias, address: address('old@example.test') })
})

test('a chain is as long as delivery follows, and no longer, whichever end it grows at', async context => {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  await addAccount(storage, 'anna@example.test')
  await addAlias(storage, 'a1@example.test', 'anna@example.test')
  for (let step = 2; step <= 10; step++)
    await addAlias(storage, `a${step}@example.test`, `a${step - 1}@example.test`)
  await assert.rejects(
    addAlias(storage, 'a11@example.test', 'a10@example.test'),
    refused('DIRECTORY_LOOP', /More than 10 .*: a11@example\.test → a10@example\.test → .*Let the first/),
  )
  await addAlias(storage, 'end@example.test', 'anna@example.test')
  await assert.rejects(
    storage.run(changeTargets, {
      kind: 'alias',
      address: address('a1@example.test'),
      add: [address('end@example.test')],
      remove: [],
    }),
    refused('DIRECTORY_LOOP', /More than 10 .*: a10@example\.test → .* → end@example\.test\./),
  )
  await storage.run(changeTargets, {
    kind: 'alias',
    address: address('a10@example.test'),
    add: [address('end@example.test')],
    remove: [],
  })
})
