// Whoever guesses has no more guesses for writing the name of the account in another way, whatever the mechanism.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAccount } from '../../src/directory/accounts.ts'
import { Logins } from '../../src/policy/logins.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { isRefusal } from '../../src/sasl/authority.ts'
import { addDomain, address, at, keepPasswords, openDirectory } from '../directory/open-directory.ts'
import { createManualClock } from '../harness/manual-clock.ts'

test('wrong passwords of one account count as such by PLAIN and by SCRAM, however it is written', async t => {
  const storage = await openDirectory(t)
  await addDomain(storage, 'example.test')
  const anna = 'anna@example.test'
  const stored = await keepPasswords(storage)(anna, 'the right one')
  await storage.run(createAccount, {
    address: address(anna),
    name: '',
    language: 'en',
    enabled: true,
    at,
    ...stored,
  })
  const logins = new Logins({
    storage,
    protocol: 'imap',
    mechanisms: ['PLAIN', 'SCRAM-SHA-256'],
    limits: { windowMs: 60_000, maxPerNetwork: 100, maxPerAccount: 4, maxDelayMs: 0 },
    clock: createManualClock(),
    random: systemRandom,
    log: silentLog,
  })
  const from = '192.0.2.1'
  const byPlain = async (name: string): Promise<unknown> => await logins.verifyPassword(from, name, name)
  const byScram = async (name: string): Promise<unknown> =>
    await (await logins.openScram(from, 'SHA-256', name)).settle(undefined)
  for (const guess of [
    () => byPlain('"anna"@example.test'),
    () => byPlain('Anna@EXAMPLE.test.'),
    // SASLprep: these are the same name for SCRAM.
    () => byScram('ａｎｎａ@example.test'),
    () => byScram('an\u00adna@example.test'),
  ])
    assert.deepEqual(await guess(), { refused: 'wrong-password' })
  const verdict = await logins.verifyPassword(from, anna, 'the right one')
  assert.ok(isRefusal(verdict) && verdict.refused === 'blocked')
})
