// What is known by heart is never older than the directory.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createDomain, hasDomains, isNobodyHere, removeDomain } from '../../src/directory/domains.ts'
import { rememberRecipients } from '../../src/directory/recipient-cache.ts'
import { resolveRecipient } from '../../src/directory/resolve-recipient.ts'
import type { Operation, Storage } from '../../src/storage/operation.ts'
import { addAccount, addDomain, address, openDirectory } from './open-directory.ts'

const hostname = 'mail.example.test'

interface Example {
  readonly storage: Storage
  /** Questions that reached the storage. */
  readonly asked: () => number
  readonly ask: (text: string) => Promise<string>
  readonly askForDomains: () => Promise<boolean>
  readonly askForNobody: () => Promise<boolean>
}

async function openExample(context: TestContext): Promise<Example> {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  await addAccount(storage, 'anna@example.test')
  let asked = 0
  const counting: Storage = {
    run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> {
      asked++
      return storage.run(operation, input)
    },
    onWake: (topic, listener) => storage.onWake(topic, listener),
    close: () => storage.close(),
  }
  const remembering = rememberRecipients(counting)
  return {
    storage,
    asked: () => asked,
    ask: async text => (await remembering.run(resolveRecipient, { address: address(text), hostname })).kind,
    askForDomains: () => remembering.run(hasDomains, undefined),
    askForNobody: () => remembering.run(isNobodyHere, undefined),
  }
}

test('a recipient, and a foreign domain whatever the address, are asked for once', async context => {
  const { ask, asked } = await openExample(context)
  for (const text of ['anna@example.test', 'anna@example.test']) assert.equal(await ask(text), 'account')
  for (const text of ['x@elsewhere.test', 'y@elsewhere.test']) assert.equal(await ask(text), 'foreign-domain')
  assert.equal(asked(), 2)
})

test('who does not exist is asked for each time', async context => {
  const { ask, asked } = await openExample(context)
  for (let n = 0; n < 3; n++) assert.equal(await ask('nobody@example.test'), 'unknown-address')
  assert.equal(asked(), 3)
})

test('a change of the directory is seen at once', async context => {
  const { storage, ask } = await openExample(context)
  assert.equal(await ask('boris@example.test'), 'unknown-address')
  await addAccount(storage, 'boris@example.test')
  assert.equal(await ask('boris@example.test'), 'account')
  assert.equal(await ask('x@elsewhere.test'), 'foreign-domain')
  await storage.run(createDomain, { name: 'elsewhere.test', at: 0 })
  assert.equal(await ask('x@elsewhere.test'), 'unknown-address')
  await storage.run(removeDomain, { name: 'elsewhere.test', withContents: false })
  assert.equal(await ask('x@elsewhere.test'), 'foreign-domain')
})

test('that there is a domain is asked for once; that there is none, each time', async context => {
  const { storage, askForDomains, asked } = await openExample(context)
  for (let n = 0; n < 2; n++) assert.equal(await askForDomains(), true)
  assert.equal(asked(), 1)
  await storage.run(removeDomain, { name: 'example.test', withContents: true })
  for (let n = 0; n < 2; n++) assert.equal(await askForDomains(), false)
  assert.equal(asked(), 3)
})

test('that somebody is here is asked for once; that nobody is, each time', async context => {
  const { storage, askForNobody, asked } = await openExample(context)
  for (let n = 0; n < 2; n++) assert.equal(await askForNobody(), false)
  assert.equal(asked(), 1)
  await storage.run(removeDomain, { name: 'example.test', withContents: true })
  await addDomain(storage, 'example.test')
  for (let n = 0; n < 2; n++) assert.equal(await askForNobody(), true)
  assert.equal(asked(), 3)
})
