import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasAddressIn, listOwnAddresses, ownsAddress } from '../../src/directory/owns-address.ts'
import { changeGroup, changeTargets } from '../../src/directory/redirections.ts'
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

test('the members of a group may send as it where it says so, while they are members', async context => {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  await addDomain(storage, 'shop.test')
  const anna = await addAccount(storage, 'anna@example.test')
  const boris = await addAccount(storage, 'boris@example.test')
  await addGroup(storage, 'inner@example.test', 'boris@example.test')
  await addGroup(storage, 'sales@shop.test', 'anna@example.test', 'inner@example.test')
  const group = address('sales@shop.test')
  const may = async (accountId: number): Promise<readonly unknown[]> => [
    await storage.run(ownsAddress, { accountId, address: group, hostname: 'mail.example.test' }),
    await storage.run(hasAddressIn, { accountId, domain: 'shop.test' }),
    (await storage.run(listOwnAddresses, { accountId })).includes('sales@shop.test'),
  ]
  const yes = [true, true, true]
  const no = [false, false, false]
  assert.deepEqual(await may(anna), no)
  await storage.run(changeGroup, { address: group, membersSend: true })
  assert.deepEqual(await may(anna), yes)
  assert.deepEqual(await may(boris), no, 'a member of a group in it')
  await storage.run(changeGroup, { address: group, name: 'Sales' })
  assert.deepEqual(await may(anna), yes, 'what is not said stays')
  await storage.run(changeTargets, {
    kind: 'group',
    address: group,
    add: [],
    remove: [address('anna@example.test')],
  })
  assert.deepEqual(await may(anna), no, 'no member any more')
})
