// From where accounts log in: as many networks as are told, as long as is told, and nothing of whoever is removed.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { removeAccount } from '../../src/directory/accounts.ts'
import {
  findLogInHistory,
  maxKnownNetworks,
  networkKnownForMs,
  noteKnownNetwork,
} from '../../src/directory/known-networks.ts'
import { defineRead } from '../../src/storage/operation.ts'
import { addAccount, addDomain, address, openDirectory } from './open-directory.ts'

const start = Date.UTC(2026, 0, 1)
const anna = 'anna@example.test'

const countKnown = defineRead(
  'test.count-known',
  async tx => (await tx.get<{ count: number }>('SELECT count(*) AS count FROM known_network'))?.count ?? 0,
)

async function open(t: TestContext) {
  const storage = await openDirectory(t)
  await addDomain(storage, 'example.test')
  const accountId = await addAccount(storage, anna)
  return {
    storage,
    accountId,
    note: (network: string, at: number) => storage.run(noteKnownNetwork, { accountId, network, at }),
    find: async (network: string, now: number, key = anna) =>
      (await storage.run(findLogInHistory, { key, network, now })).lastAt,
    count: () => storage.run(countKnown, undefined),
  }
}

test('a network is known to the account that logged in from it, until it has not for long', async t => {
  const { note, find } = await open(t)
  await note('192.0.2.0/24', start)
  assert.equal(await find('192.0.2.0/24', start + 1), start)
  assert.equal(await find('192.0.2.0/24', start + 1, 'boris@example.test'), undefined)
  assert.equal(await find('198.51.100.0/24', start + 1), undefined)
  await note('192.0.2.0/24', start + 1000)
  await note('192.0.2.0/24', start + 500)
  assert.equal(await find('192.0.2.0/24', start + networkKnownForMs), start + 1000)
  assert.equal(await find('192.0.2.0/24', start + 1000 + networkKnownForMs), undefined)
})

test('of an account the networks seen last are kept, so many and no more, and those of long ago are removed', async t => {
  const { note, find, count } = await open(t)
  for (let n = 0; n <= maxKnownNetworks; n++) await note(`192.0.${n}.0/24`, start + n)
  assert.equal(await count(), maxKnownNetworks)
  assert.equal(await find('192.0.0.0/24', start + 100), undefined)
  assert.equal(await find('192.0.1.0/24', start + 100), start + 1)
  await note('2001:db8::/64', start + networkKnownForMs + 10)
  assert.equal(await count(), maxKnownNetworks - 9)
})

test('two that log in at once make room once', async t => {
  const { note, count } = await open(t)
  await Promise.all(Array.from({ length: 30 }, (_, n) => note(`192.0.${n}.0/24`, start + n)))
  assert.equal(await count(), maxKnownNetworks)
})

test('nothing is left of an account that is removed, and nothing comes after it', async t => {
  const { storage, note, count } = await open(t)
  await note('192.0.2.0/24', start)
  await storage.run(removeAccount, { address: address(anna), withContents: true })
  assert.equal(await count(), 0)
  await note('192.0.2.0/24', start)
  assert.equal(await count(), 0)
})
