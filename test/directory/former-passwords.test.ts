// Passwords of before, by which programs that still have them are known: how many, how long, and nothing of whoever is removed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changeAccount, removeAccount } from '../../src/directory/accounts.ts'
import {
  findFormerKeys,
  formerPasswordKeptForMs,
  maxFormerPasswords,
} from '../../src/directory/former-passwords.ts'
import { addAccount, addDomain, address, keepPasswords, openDirectory } from './open-directory.ts'

const start = Date.UTC(2026, 0, 1)
const anna = address('anna@example.test')

test('the last few passwords of an account are known for a while after they have ended', async context => {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  const accountId = await addAccount(storage, 'anna@example.test')
  const keep = keepPasswords(storage)
  const find = (now: number) => storage.run(findFormerKeys, { accountId, now })
  const kept: string[] = []
  for (let n = 0; n < maxFormerPasswords + 2; n++) {
    const stored = await keep('anna@example.test', `password number ${n}`)
    kept.push(...stored.scramKeys)
    await storage.run(changeAccount, { address: anna, ...stored, at: start + n })
    // The same once more ends nothing.
    await storage.run(changeAccount, { address: anna, ...stored, at: start + n })
  }
  const now = start + maxFormerPasswords + 2
  // Not that which it has, and not the first.
  assert.deepEqual((await find(now)).toSorted(), kept.slice(1, -1).toSorted())
  assert.deepEqual(await find(now + formerPasswordKeptForMs), [])
  await storage.run(removeAccount, { address: anna, withContents: true })
  assert.deepEqual(await find(now), [])
})
