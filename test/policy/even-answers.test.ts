// Where some passwords are looked at elsewhere, the time of a refusal does not say where.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Logins } from '../../src/policy/logins.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { addAccount, addDomain, openDirectory } from '../directory/open-directory.ts'
import { createManualClock } from '../harness/manual-clock.ts'

/** How long, from its beginning, the refusal of each name was held back; asking LDAP takes `ldapMs`. */
async function heldBack(
  t: TestContext,
  { ldapMs, maxDelayMs }: { readonly ldapMs: number; readonly maxDelayMs: number },
): Promise<Record<string, number>> {
  const storage = await openDirectory(t)
  await addDomain(storage, 'example.test')
  await addAccount(storage, 'anna@example.test')
  const manual = createManualClock()
  const clock = {
    ...manual,
    after(ms: number, callback: () => void) {
      manual.advance(ms)
      callback()
      return { cancel: () => {} }
    },
  }
  const logins = new Logins({
    storage,
    protocol: 'smtp',
    mechanisms: ['PLAIN'],
    limits: { windowMs: 60_000, maxPerNetwork: 100, maxPerAccount: 10, maxDelayMs },
    outside: {
      mayKnow: () => true,
      async verifyPassword() {
        manual.advance(ldapMs)
        return { refused: 'wrong-password' }
      },
      confirm: async account => account,
      look: async () => 'no-such-account',
    },
    clock,
    random: systemRandom,
    log: silentLog,
  })
  const times: Record<string, number> = {}
  for (const name of ['anna@example.test', 'lena@example.test']) {
    const begun = clock.now()
    assert.ok('refused' in (await logins.verifyPassword('192.0.2.1', name, 'wrong')))
    times[name] = clock.now() - begun
  }
  return times
}

test('an account of this server and one of LDAP are refused after the same time', async t => {
  const times = await heldBack(t, { ldapMs: 120, maxDelayMs: 4000 })
  assert.deepEqual(times, { 'anna@example.test': 500, 'lena@example.test': 500 })
})

test('where the settings want no delay there is none', async t => {
  const times = await heldBack(t, { ldapMs: 120, maxDelayMs: 0 })
  assert.deepEqual(times, { 'anna@example.test': 0, 'lena@example.test': 120 })
})
