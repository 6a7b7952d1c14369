// What many at once, and an outage, cost an LDAP server and those who wait for it.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { LdapProof } from '../../src/ldap/ldap-directory.ts'
import { LdapFault } from '../../src/ldap/ldap-fault.ts'
import { OutsideAccounts } from '../../src/policy/outside-accounts.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { openDirectory } from '../directory/open-directory.ts'
import { createManualClock, type ManualClock } from '../harness/manual-clock.ts'

interface World {
  readonly accounts: OutsideAccounts
  readonly clock: ManualClock
  readonly warnings: string[]
  /** Questions that have no answer yet. */
  readonly open: { resolve(proof: LdapProof): void; reject(cause: Error): void }[]
  /** The most at one time, and all. */
  readonly counts: { most: number; all: number }
}

async function start(t: TestContext): Promise<World> {
  const storage = await openDirectory(t)
  const clock = createManualClock()
  const open: World['open'] = []
  const counts = { most: 0, all: 0 }
  const warnings: string[] = []
  const ask = <T>(): Promise<T> =>
    new Promise((resolve, reject) => {
      open.push({ resolve: proof => resolve(proof as T), reject })
      counts.all++
      counts.most = Math.max(counts.most, open.length)
    })
  const accounts = new OutsideAccounts({
    directory: { find: () => ask(), prove: () => ask() },
    domains: [],
    language: 'en',
    storage,
    clock,
    log: { ...silentLog, warn: message => void warnings.push(message) },
  })
  return { accounts, clock, warnings, open, counts }
}

const refused: LdapProof = { kind: 'refused', problem: 'wrong-password' }
const down = (): LdapFault =>
  new LdapFault('LDAP_UNAVAILABLE', 'The LDAP server gave no answer: as the test wants it.')

/** Whoever waits has had his turn. */
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

test('at most twenty questions at one time; the others wait for their turn', async t => {
  const { accounts, open, counts } = await start(t)
  const answers = Array.from({ length: 100 }, (_, n) => accounts.verifyPassword(`u${n}@here.test`, 'x'))
  for (let answered = 0; answered < 100; ) {
    await turn()
    for (const question of open.splice(0)) {
      question.resolve(refused)
      answered++
    }
  }
  assert.ok(
    (await Promise.all(answers)).every(
      verdict => 'refused' in verdict && verdict.refused === 'wrong-password',
    ),
  )
  assert.deepEqual(counts, { most: 20, all: 100 })
})

test('it does not answer: those in line need not wait for the same, and after five seconds it is asked again', async t => {
  const { accounts, clock, open, counts } = await start(t)
  const answers = Array.from({ length: 50 }, (_, n) => accounts.verifyPassword(`u${n}@here.test`, 'x'))
  await turn()
  for (const question of open.splice(0)) question.reject(down())
  for (const answer of answers) assert.deepEqual(await answer, { refused: 'directory-down' })
  assert.equal(counts.all, 20)
  assert.deepEqual(await accounts.verifyPassword('a@here.test', 'x'), { refused: 'directory-down' })
  assert.equal(counts.all, 20)
  for (const round of [1, 2]) {
    clock.advance(5000)
    const again = accounts.verifyPassword('a@here.test', 'x')
    await turn()
    assert.equal(counts.all, 20 + round)
    for (const question of open.splice(0)) question.reject(down())
    assert.deepEqual(await again, { refused: 'directory-down' })
    // Each time the pause is a whole one.
    assert.deepEqual(await accounts.verifyPassword('b@here.test', 'x'), { refused: 'directory-down' })
    assert.equal(counts.all, 20 + round)
  }
})

test('what it says of one entry that cannot be is one line a minute, and keeps nobody else out', async t => {
  const { accounts, clock, open, warnings } = await start(t)
  const ask = async (name: string, settle: (question: World['open'][number]) => void) => {
    const answer = accounts.verifyPassword(name, 'x')
    await turn()
    for (const question of open.splice(0)) settle(question)
    return await answer
  }
  const confused = (question: World['open'][number]): void =>
    question.reject(new LdapFault('LDAP_CONFUSED', 'Several entries for one address.'))
  for (let times = 0; times < 5; times++)
    assert.deepEqual(await ask('twins@here.test', confused), { refused: 'directory-down' })
  assert.deepEqual(await ask('lena@here.test', question => question.resolve(refused)), {
    refused: 'wrong-password',
  })
  assert.equal(warnings.length, 1)
  clock.advance(60_000)
  await ask('twins@here.test', confused)
  assert.equal(warnings.length, 2)
})

test('an address that it does not know is asked for once a minute', async t => {
  const { accounts, clock, open, counts } = await start(t)
  const nobody = { localPart: 'nobody', domain: 'here.test' }
  const ask = async () => {
    const answers = [accounts.find(nobody), accounts.find(nobody)]
    await turn()
    for (const question of open.splice(0)) question.resolve(undefined as never)
    return await Promise.all(answers)
  }
  assert.deepEqual(await ask(), [undefined, undefined])
  assert.deepEqual(await ask(), [undefined, undefined])
  assert.equal(counts.all, 1)
  clock.advance(60_000)
  await ask()
  assert.equal(counts.all, 2)
})
