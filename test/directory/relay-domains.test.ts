// Domains of other servers, which this one relays.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAccount, removeAccount } from '../../src/directory/accounts.ts'
import { applyDocument, hashPasswords } from '../../src/directory/apply-document.ts'
import { compareDocuments, formatChange } from '../../src/directory/compare-documents.ts'
import { exportDirectory } from '../../src/directory/document.ts'
import { createDomain, findDomainAbove } from '../../src/directory/domains.ts'
import { formatDocument } from '../../src/directory/format-document.ts'
import { parseDocument } from '../../src/directory/parse-document.ts'
import {
  changeRelayDomain,
  createRelayDomain,
  listRelayDomains,
  removeRelayDomain,
  showRelayDomain,
} from '../../src/directory/relay-domains.ts'
import { resolveRecipient } from '../../src/directory/resolve-recipient.ts'
import type { Storage } from '../../src/storage/operation.ts'
import {
  addAccount,
  addDomain,
  address,
  at,
  keepPasswords,
  noPassword,
  openDirectory,
} from './open-directory.ts'

const customer = address('customer@example.test')

async function addRelay(storage: Storage, name: string, keepsUntilFetched = true): Promise<void> {
  await storage.run(createRelayDomain, { name, keepsUntilFetched, anyoneStarts: false, owner: customer, at })
}

async function openExample(t: Parameters<typeof openDirectory>[0]): Promise<Storage> {
  const storage = await openDirectory(t)
  await addDomain(storage, 'example.test')
  await addAccount(storage, 'customer@example.test')
  await addRelay(storage, 'home.test')
  return storage
}

test('each address of a domain that is relayed is found, and none can be made in it', async t => {
  const storage = await openExample(t)
  const resolve = (text: string) =>
    storage.run(resolveRecipient, { address: address(text), hostname: 'mail.example.test' })
  assert.deepEqual(await resolve('anybody@home.test'), {
    kind: 'relay-domain',
    keepsUntilFetched: true,
    startsUntil: 0,
  })
  assert.equal((await resolve('anybody@sub.home.test')).kind, 'foreign-domain')
  await storage.run(changeRelayDomain, { name: 'home.test', keepsUntilFetched: false, at })
  assert.deepEqual(await resolve('postmaster@home.test'), {
    kind: 'relay-domain',
    keepsUntilFetched: false,
    startsUntil: 0,
  })
  await assert.rejects(
    storage.run(createAccount, {
      address: address('anna@home.test'),
      name: '',
      passwordHash: noPassword,
      language: 'en',
      enabled: true,
      at,
    }),
    /belongs on another server; this one only relays it/,
  )
  await storage.run(removeRelayDomain, { name: 'home.test', at })
  assert.equal((await resolve('anybody@home.test')).kind, 'foreign-domain')
})

test('a domain is ours or relayed, once; its owner is an account', async t => {
  const storage = await openExample(t)
  await assert.rejects(addRelay(storage, 'home.test'), /is here already, as one that is relayed/)
  await assert.rejects(addRelay(storage, 'example.test'), /The domain example\.test is here already\./)
  await assert.rejects(storage.run(createDomain, { name: 'home.test', at }), /as one that is relayed/)
  await assert.rejects(
    storage.run(createRelayDomain, {
      name: 'other.test',
      keepsUntilFetched: true,
      anyoneStarts: false,
      owner: address('nobody@example.test'),
      at,
    }),
    /There is no account nobody@example\.test/,
  )
  await assert.rejects(
    storage.run(showRelayDomain, { name: 'other.test' }),
    /no domain that this server relays\. "postrider domain create other\.test --relay" makes it one/,
  )
})

test('an account that fetches mail is not removed by mistake; afterwards nobody owns the domain', async t => {
  const storage = await openExample(t)
  await assert.rejects(
    storage.run(removeAccount, { address: customer, withContents: false }),
    /customer@example\.test fetches the mail of home\.test\. Repeat this with --force/,
  )
  await storage.run(removeAccount, { address: customer, withContents: true })
  const [domain] = await storage.run(listRelayDomains, undefined)
  assert.equal(domain?.name, 'home.test')
  assert.equal(domain.owner, undefined)
  const again = await addAccount(storage, 'customer@example.test')
  assert.ok(again > 0)
  assert.equal((await storage.run(showRelayDomain, { name: 'home.test' })).owner, undefined)
})

async function apply(storage: Storage, text: string): Promise<string[]> {
  const parsed = parseDocument(text)
  assert.ok(parsed.kind === 'document', JSON.stringify(parsed))
  const current = await storage.run(exportDirectory, undefined)
  const hashed = await hashPasswords(parsed.document, current, keepPasswords(storage))
  assert.ok(hashed.kind === 'document', JSON.stringify(hashed))
  const shown = compareDocuments(current, hashed.document)
  await storage.run(applyDocument, { document: hashed.document, shown, withContents: false, at })
  return shown.map(formatChange)
}

test('relayed domains are exported, and applied', async t => {
  const storage = await openExample(t)
  await addRelay(storage, address('x@почта.рф').domain, false)
  const exported = await storage.run(exportDirectory, undefined)
  const text = formatDocument(exported)
  assert.match(
    text,
    /\[\[relay\]\]\nname = "home\.test"\nkeepsUntilFetched = true\nowner = "customer@example\.test"\n/,
  )
  const second = await openDirectory(t)
  assert.deepEqual((await apply(second, text)).slice(-2), [
    '+ relay home.test: keepsUntilFetched yes; etrn owner; owner customer@example.test',
    '+ relay почта.рф: keepsUntilFetched no; etrn owner; owner customer@example.test',
  ])
  assert.deepEqual(await second.run(exportDirectory, undefined), exported)
  assert.deepEqual(await apply(second, text), [])
  const changed = text.replace('keepsUntilFetched = true\nowner', 'etrn = "anyone"\nowner')
  assert.deepEqual(await apply(second, changed), [
    '~ relay home.test: keepsUntilFetched yes → no; etrn owner → anyone',
  ])
  assert.deepEqual(await second.run(showRelayDomain, { name: 'home.test' }), {
    ...(await second.run(showRelayDomain, { name: 'home.test' })),
    keepsUntilFetched: false,
    anyoneStarts: true,
  })
  assert.deepEqual(await apply(second, changed.slice(0, changed.indexOf('[[relay]]'))), [
    '- relay home.test',
    '- relay почта.рф',
  ])
})

test('mistakes in [[relay]] are named', () => {
  const parsed = parseDocument(
    [
      '[[domain]]',
      'name = "example.test"',
      '[[relay]]',
      'name = "example.test"',
      '[[relay]]',
      'name = "home.test"',
      'owner = "nobody@example.test"',
      'etrn = "everybody"',
      'keepsUntilFetched = "yes"',
      '[[relay]]',
      'name = "home.test"',
    ].join('\n'),
  )
  assert.deepEqual(
    parsed.kind === 'problems' && parsed.problems.map(({ line, message }) => `${line} ${message}`),
    [
      '4 example.test is a [[domain]] of this file too: its mail ends here, or is relayed.',
      '7 The owner is no [[account]] of this file.',
      '8 "etrn" says who may ask for the mail: "owner" or "anyone".',
      '9 "keepsUntilFetched" is true or false, without quotation marks.',
      '11 The domain home.test is here twice.',
    ],
  )
})

test('a name is in the nearest domain above it that is known, if that is ours', async t => {
  const storage = await openExample(t)
  await addDomain(storage, 'own.away.example.test')
  await addRelay(storage, 'away.example.test')
  const above = (name: string) => storage.run(findDomainAbove, { name })
  assert.equal(await above('example.test'), 'example.test')
  assert.equal(await above('a.b.example.test'), 'example.test')
  assert.equal(await above('away.example.test'), undefined)
  assert.equal(await above('a.away.example.test'), undefined)
  assert.equal(await above('a.own.away.example.test'), 'own.away.example.test')
  assert.equal(await above('badexample.test'), undefined)
  // Of a long name its end counts.
  assert.equal(await above(`${'a.'.repeat(100)}example.test`), 'example.test')
})
