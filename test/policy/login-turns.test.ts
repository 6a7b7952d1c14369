// Many passwords at once: no more of them are looked at than may fail, and whoever knows his is not held up for good.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createAccount } from '../../src/directory/accounts.ts'
import { createLoginTables } from '../../src/policy/login-limiter.ts'
import { LoginTurns } from '../../src/policy/login-turns.ts'
import { Logins } from '../../src/policy/logins.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { addDomain, address, at, keepPasswords, openDirectory } from '../directory/open-directory.ts'
import { createManualClock } from '../harness/manual-clock.ts'

const name = 'anna@example.test'
const password = 'correct horse battery staple'

/** One for each protocol: they share what they count in. */
async function openLogins(t: TestContext): Promise<readonly [smtp: Logins, imap: Logins]> {
  const storage = await openDirectory(t)
  await addDomain(storage, 'example.test')
  const stored = await keepPasswords(storage)(name, password)
  await storage.run(createAccount, {
    address: address(name),
    name: '',
    ...stored,
    language: 'en',
    enabled: true,
    at,
  })
  const parts = {
    storage,
    mechanisms: ['PLAIN'],
    limits: { windowMs: 60_000, maxPerNetwork: 5, maxPerAccount: 3, maxDelayMs: 0 },
    tables: createLoginTables(),
    turns: new LoginTurns(),
    clock: createManualClock(),
    random: systemRandom,
    log: silentLog,
  } as const
  return [new Logins({ ...parts, protocol: 'smtp' }), new Logins({ ...parts, protocol: 'imap' })]
}

const outcomes = async (answers: readonly ReturnType<Logins['verifyPassword']>[]): Promise<string[]> =>
  (await Promise.all(answers)).map(verdict => ('refused' in verdict ? verdict.refused : 'proven')).sort()

const times = (outcome: string, count: number): string[] => Array.from({ length: count }, () => outcome)

// All of them had been looked at before the first was counted.
test('12 wrong passwords at once, by two protocols: three are looked at', async t => {
  const [smtp, imap] = await openLogins(t)
  const tried = Array.from({ length: 12 }, (_, i) =>
    (i % 2 === 0 ? smtp : imap).verifyPassword('192.0.2.1', name, `guess ${i}`),
  )
  assert.deepEqual(await outcomes(tried), [...times('blocked', 9), ...times('wrong-password', 3)])
})

test('12 names at once, from one network: five are looked at', async t => {
  const [smtp] = await openLogins(t)
  const tried = Array.from({ length: 12 }, (_, i) =>
    smtp.verifyPassword(`192.0.2.${i}`, `name${i}@example.test`, 'wrong'),
  )
  assert.deepEqual(await outcomes(tried), [...times('blocked', 7), ...times('no-such-account', 5)])
})

test('12 right passwords at once, from a network that nobody knows, with as many failures as there may be but one', async t => {
  const [smtp, imap] = await openLogins(t)
  for (let i = 0; i < 2; i++) await smtp.verifyPassword('192.0.2.1', name, `guess ${i}`)
  const tried = Array.from({ length: 12 }, (_, i) =>
    (i % 2 === 0 ? smtp : imap).verifyPassword('192.0.2.1', name, password),
  )
  assert.deepEqual(await outcomes(tried), times('proven', 12))
})

test('whoever waited for one thing, and now waits for another, holds nobody up', async () => {
  const turns = new LoginTurns()
  const begun: string[] = []
  const begin = (who: string, ...keys: readonly string[]): Promise<() => void> =>
    turns
      .begin(() => keys.map(key => ({ key, left: 1 })))
      .then(end => {
        begun.push(who)
        return end
      })
  const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
  const endA = await begin('holds a', 'a')
  const endB = await begin('holds b', 'b')
  const both = begin('wants both', 'a', 'b')
  const second = begin('wants a', 'a')
  endA()
  await settle()
  // It has a now, and the one before it has gone on to wait for b.
  assert.deepEqual(begun, ['holds a', 'holds b', 'wants a'])
  const endSecond = await second
  endB()
  await settle()
  endSecond()
  await settle()
  assert.deepEqual(begun, ['holds a', 'holds b', 'wants a', 'wants both'])
  const endBoth = await both
  endBoth()
})

test('where nothing more may fail, nobody waits to be refused', async () => {
  const turns = new LoginTurns()
  let left = 1
  const rooms = () => [{ key: 'a', left }]
  const end = await turns.begin(rooms)
  const waiting = [turns.begin(rooms), turns.begin(rooms)]
  left = 0
  end()
  for (const one of await Promise.all(waiting)) one()
})
