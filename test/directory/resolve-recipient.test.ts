import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { changeAccount } from '../../src/directory/accounts.ts'
import { displayAddress } from '../../src/directory/display.ts'
import { setPostmaster } from '../../src/directory/domains.ts'
import { resolveRecipient } from '../../src/directory/resolve-recipient.ts'
import type { Storage } from '../../src/storage/operation.ts'
import { addAccount, addAlias, addDomain, addGroup, address, openDirectory } from './open-directory.ts'

const hostname = 'mail.example.test'

/** The resolution in one line: 'account anna@example.test +detail', 'alias info@example.test → a, b', 'unknown-address …'. */
async function resolve(storage: Storage, text: string): Promise<string> {
  const resolved = await storage.run(resolveRecipient, { address: address(text), hostname })
  switch (resolved.kind) {
    case 'account':
      return `account ${displayAddress(resolved.address)}${resolved.detail === undefined ? '' : ` +${resolved.detail}`}`
    case 'redirection':
      return `${resolved.redirection} ${displayAddress(resolved.address)} → ${resolved.targets.map(displayAddress).join(', ')}`
    case 'unknown-address':
      return `unknown-address ${resolved.reason}`
    case 'foreign-domain':
      return 'foreign-domain'
    case 'relay-domain':
      return `relay-domain ${resolved.keepsUntilFetched ? 'kept' : 'delivered'}`
    default:
      return resolved satisfies never
  }
}

async function openExample(context: TestContext): Promise<Storage> {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  await addAccount(storage, 'Anna@example.test')
  await addAccount(storage, 'boris@example.test')
  await addAlias(storage, 'info@example.test', 'anna@example.test', 'someone@elsewhere.test')
  await addGroup(storage, 'team@example.test', 'anna@example.test', 'boris@example.test')
  return storage
}

test('an address is found without regard to case, with its subaddress', async context => {
  const storage = await openExample(context)
  assert.equal(await resolve(storage, 'anna@example.test'), 'account Anna@example.test')
  assert.equal(await resolve(storage, 'ANNA@EXAMPLE.test'), 'account Anna@example.test')
  assert.equal(await resolve(storage, 'anna+Shop@example.test'), 'account Anna@example.test +Shop')
  assert.equal(await resolve(storage, 'anna+a+b@example.test'), 'account Anna@example.test +a+b')
  assert.equal(await resolve(storage, 'anna+@example.test'), 'account Anna@example.test +')
  assert.equal(await resolve(storage, '+anna@example.test'), 'unknown-address no-such-address')
  assert.equal(await resolve(storage, 'nobody@example.test'), 'unknown-address no-such-address')
  assert.equal(await resolve(storage, 'anna@elsewhere.test'), 'foreign-domain')
  assert.equal(await resolve(storage, 'anna@sub.example.test'), 'foreign-domain')
  assert.equal(await resolve(storage, 'anna@[127.0.0.1]'), 'foreign-domain')
})

test('aliases and groups lead to their targets, with a subaddress too', async context => {
  const storage = await openExample(context)
  const info = 'alias info@example.test → anna@example.test, someone@elsewhere.test'
  assert.equal(await resolve(storage, 'INFO@example.test'), info)
  assert.equal(await resolve(storage, 'info+x@example.test'), info)
  assert.equal(
    await resolve(storage, 'team@example.test'),
    'group team@example.test → anna@example.test, boris@example.test',
  )
})

test('an alias with a plus is stronger than the subaddress of an account', async context => {
  const storage = await openExample(context)
  await addAlias(storage, 'anna+shop@example.test', 'boris@example.test')
  assert.equal(
    await resolve(storage, 'anna+shop@example.test'),
    'alias anna+shop@example.test → boris@example.test',
  )
  assert.equal(await resolve(storage, 'anna+other@example.test'), 'account Anna@example.test +other')
})

test('a catch-all takes what nobody has, and nothing else', async context => {
  const storage = await openExample(context)
  await addAlias(storage, '@example.test', 'boris@example.test')
  assert.equal(await resolve(storage, 'nobody@example.test'), 'catch-all @example.test → boris@example.test')
  assert.equal(await resolve(storage, 'anna@example.test'), 'account Anna@example.test')
  assert.equal(
    await resolve(storage, 'team@example.test'),
    'group team@example.test → anna@example.test, boris@example.test',
  )
  assert.equal(await resolve(storage, 'postmaster@example.test'), 'account Anna@example.test')
  assert.equal(await resolve(storage, 'nobody@elsewhere.test'), 'foreign-domain')
})

test('a disabled account takes no mail, and its domain’s catch-all does not take it instead', async context => {
  const storage = await openExample(context)
  await addAlias(storage, '@example.test', 'boris@example.test')
  await storage.run(changeAccount, { address: address('anna@example.test'), enabled: false })
  assert.equal(await resolve(storage, 'anna@example.test'), 'unknown-address disabled')
  assert.equal(await resolve(storage, 'anna+x@example.test'), 'unknown-address disabled')
})

test('postmaster and abuse of each domain and of the host are always deliverable', async context => {
  const storage = await openDirectory(context)
  await addDomain(storage, 'empty.test')
  await addDomain(storage, 'example.test')
  assert.equal(await resolve(storage, 'postmaster@empty.test'), 'unknown-address no-such-address')
  await addAccount(storage, 'anna@example.test')
  await addAccount(storage, 'boris@example.test')
  for (const name of ['postmaster', 'Postmaster', 'ABUSE']) {
    for (const domain of ['example.test', 'empty.test', hostname]) {
      assert.equal(await resolve(storage, `${name}@${domain}`), 'account anna@example.test')
    }
  }
  assert.equal(await resolve(storage, 'postmaster@elsewhere.test'), 'foreign-domain')
  assert.equal(await resolve(storage, `anna@${hostname}`), 'unknown-address no-such-address')
  await storage.run(changeAccount, { address: address('anna@example.test'), enabled: false })
  assert.equal(await resolve(storage, 'postmaster@example.test'), 'account boris@example.test')
})

test('the postmaster of a domain is the one that was chosen, or an address of that name', async context => {
  const storage = await openExample(context)
  await storage.run(setPostmaster, { domain: 'example.test', postmaster: address('boris@example.test') })
  assert.equal(await resolve(storage, 'abuse@example.test'), 'alias abuse@example.test → boris@example.test')
  assert.equal(
    await resolve(storage, `postmaster@${hostname}`),
    `alias postmaster@${hostname} → boris@example.test`,
  )
  await storage.run(changeAccount, { address: address('boris@example.test'), enabled: false })
  assert.equal(await resolve(storage, 'abuse@example.test'), 'account Anna@example.test')
  await addAlias(storage, 'postmaster@example.test', 'someone@elsewhere.test')
  const own = 'alias postmaster@example.test → someone@elsewhere.test'
  assert.equal(await resolve(storage, 'postmaster@example.test'), own)
  assert.equal(await resolve(storage, 'abuse@example.test'), own)
})

test('a disabled account named postmaster does not close postmaster', async context => {
  const storage = await openExample(context)
  await addAccount(storage, 'postmaster@example.test', false)
  assert.equal(await resolve(storage, 'postmaster@example.test'), 'account Anna@example.test')
})

test('Cyrillic local-parts and domains: one mailbox in every spelling', async context => {
  const storage = await openDirectory(context)
  await addDomain(storage, address('x@почта.рф').domain)
  await addAccount(storage, 'Анна@почта.рф')
  const found = 'account Анна@почта.рф'
  assert.equal(await resolve(storage, 'анна@почта.рф'), found)
  assert.equal(await resolve(storage, 'АННА@ПОЧТА.РФ'), found)
  assert.equal(await resolve(storage, 'анна@xn--80a1acny.xn--p1ai'), found)
  assert.equal(await resolve(storage, 'анна+магазин@почта.рф'), `${found} +магазин`)
  // й as one character and as и with a combining breve.
  await addAccount(storage, 'сергей@почта.рф')
  assert.equal(await resolve(storage, 'серге\u0438\u0306@почта.рф'), 'account сергей@почта.рф')
})

test('a quoted local-part is the mailbox that it stands for', async context => {
  const storage = await openExample(context)
  assert.equal(await resolve(storage, '"anna"@example.test'), 'account Anna@example.test')
  await addAccount(storage, '"front desk"@example.test')
  assert.equal(await resolve(storage, '"Front Desk"@example.test'), 'account "front desk"@example.test')
})
