import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listOwnAddresses, ownsAddress } from '../../src/directory/owns-address.ts'
import { addAccount, addAlias, addDomain, addGroup, address, openDirectory } from './open-directory.ts'

test('an account may send as what comes to it directly, and as nothing else', async context => {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  await addDomain(storage, 'other.test')
  const anna = await addAccount(storage, 'anna@example.test')
  const boris = await addAccount(storage, 'boris@example.test')
  await addAlias(storage, 'info@example.test', 'anna@example.test')
  await addAlias(storage, 'news@example.test', 'anna+news@example.test', 'x@elsewhere.test')
  await addAlias(storage, 'indirect@example.test', 'info@example.test')
  await addGroup(storage, 'team@example.test', 'anna@example.test', 'boris@example.test')
  await addAlias(storage, '@other.test', 'boris@example.test')
  const owns = (accountId: number, text: string): Promise<boolean> =>
    storage.run(ownsAddress, { accountId, address: address(text), hostname: 'mail.example.test' })
  const expected: readonly (readonly [text: string, owner: 'anna' | 'boris' | 'nobody'])[] = [
    ['anna@example.test', 'anna'],
    ['ANNA+anything@example.test', 'anna'],
    ['info@example.test', 'anna'],
    ['info+x@example.test', 'anna'],
    ['news@example.test', 'anna'],
    ['postmaster@example.test', 'anna'],
    ['indirect@example.test', 'nobody'],
    ['team@example.test', 'nobody'],
    ['nobody@example.test', 'nobody'],
    ['anna@elsewhere.test', 'nobody'],
    ['x@elsewhere.test', 'nobody'],
    ['boris@example.test', 'boris'],
    ['whatever@other.test', 'boris'],
  ]
  for (const [text, owner] of expected) {
    assert.equal(await owns(anna, text), owner === 'anna', `anna owns ${text}`)
    assert.equal(await owns(boris, text), owner === 'boris', `boris owns ${text}`)
  }
  assert.deepEqual(await storage.run(listOwnAddresses, { accountId: anna }), [
    'anna@example.test',
    'info@example.test',
  ])
})
