// Who is held back after how many wrong passwords, and who is not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLoginTables, LoginLimiter } from '../../src/policy/login-limiter.ts'
import { createSharedCountTable, SharedCounts } from '../../src/policy/shared-counts.ts'
import { createManualClock } from '../harness/manual-clock.ts'

const limits = { windowMs: 1000, maxPerNetwork: 5, maxPerAccount: 2, maxDelayMs: 4000 }

test('an account is closed to the network that guesses, and to no other', () => {
  const limiter = new LoginLimiter(createManualClock(), limits)
  limiter.failed('192.0.2.1', 'anna')
  assert.equal(limiter.blockOf('192.0.2.1', 'anna'), undefined)
  limiter.failed('192.0.2.99', 'ANNA')
  assert.notEqual(limiter.blockOf('192.0.2.1', 'anna'), undefined)
  assert.notEqual(limiter.blockOf('::ffff:192.0.2.7', 'Anna'), undefined)
  assert.equal(limiter.blockOf('192.0.2.1', 'boris'), undefined)
  assert.equal(limiter.blockOf('198.51.100.1', 'anna'), undefined)
})

// Each spelling had guesses of its own, of the same account.
test('an account is one however its name is written', () => {
  const spellings = [
    'anna@bücher.test',
    'ANNA@xn--bcher-kva.test',
    '"anna"@bücher.test',
    '"a\\nna"@bücher.test',
    'anna@BÜCHER.test.',
    'anna@bu\u0308cher.test',
  ]
  for (const first of spellings)
    for (const second of spellings) {
      const limiter = new LoginLimiter(createManualClock(), { ...limits, maxPerNetwork: 3 })
      for (const name of [first, second]) limiter.failed('192.0.2.1', name)
      assert.equal(
        limiter.blockOf('192.0.2.1', 'anna@bücher.test')?.by,
        'account-from-network',
        `${first} ${second}`,
      )
      limiter.failed('198.51.100.1', second)
      assert.equal(limiter.isTriedEverywhere(first), true)
      limiter.succeeded('192.0.2.1', second)
      assert.equal(limiter.knows('192.0.2.1', first), true)
      assert.equal(limiter.blockOf('192.0.2.1', first), undefined)
    }
})

test('a network is closed after too many failures with whatever names, until time has passed', () => {
  const clock = createManualClock()
  const limiter = new LoginLimiter(clock, limits)
  for (let i = 0; i < 5; i++) limiter.failed(`2001:db8::${i}`, `name${i}`)
  assert.notEqual(limiter.blockOf('2001:db8::ffff', 'anna'), undefined)
  assert.equal(limiter.blockOf('2001:db8:0:1::1', 'anna'), undefined)
  clock.advance(1000)
  assert.equal(limiter.blockOf('2001:db8::ffff', 'anna'), undefined)
})

test('a success forgives the name, not the network', () => {
  const limiter = new LoginLimiter(createManualClock(), limits)
  limiter.failed('192.0.2.1', 'anna')
  limiter.failed('192.0.2.1', 'anna')
  limiter.succeeded('192.0.2.1', 'anna')
  assert.equal(limiter.blockOf('192.0.2.1', 'anna'), undefined)
  for (const name of ['a', 'b', 'c']) limiter.failed('192.0.2.1', name)
  assert.equal(limiter.blockOf('192.0.2.1', 'boris')?.by, 'network')
})

test('of an account that is tried from many networks each of them has two tries, and those where it logs in as many as ever', () => {
  const clock = createManualClock()
  const many = { ...limits, maxPerAccount: 4 }
  const limiter = new LoginLimiter(clock, many)
  limiter.succeeded('203.0.113.1', 'anna')
  for (let i = 0; i < 5; i++) limiter.failed(`198.51.${i}.1`, 'anna')
  assert.equal(limiter.blockOf('192.0.2.1', 'anna'), undefined)
  limiter.failed('192.0.2.1', 'anna')
  assert.equal(limiter.blockOf('192.0.2.1', 'anna'), undefined)
  limiter.failed('192.0.2.99', 'anna')
  assert.equal(limiter.blockOf('192.0.2.1', 'anna')?.by, 'account')
  for (let i = 0; i < 2; i++) limiter.failed(`2001:db8:0:${i}::1`, 'anna')
  assert.equal(limiter.blockOf('2001:db8:0:ffff::1', 'anna')?.by, 'account', 'a site of IPv6 is one')
  assert.equal(limiter.blockOf('2001:db8:1::1', 'anna'), undefined)
  assert.equal(limiter.blockOf('192.0.2.1', 'boris'), undefined)
  for (let i = 0; i < 3; i++) limiter.failed('203.0.113.1', 'anna')
  assert.equal(limiter.blockOf('203.0.113.1', 'anna'), undefined)
  clock.advance(1000)
  assert.equal(limiter.blockOf('192.0.2.1', 'anna'), undefined)
})

test('where it logs in an account is closed to the address that guesses, and to no neighbour', () => {
  const limiter = new LoginLimiter(createManualClock(), limits)
  limiter.succeeded('203.0.113.1', 'anna')
  for (let i = 0; i < 9; i++) limiter.failed('203.0.113.66', 'anna')
  assert.equal(limiter.blockOf('203.0.113.66', 'anna')?.by, 'account-from-network')
  assert.equal(limiter.blockOf('203.0.113.1', 'Anna'), undefined)
})

test('the same wrong password again is no other guess, so many times; elsewhere, or of somebody else, it is one', () => {
  const limiter = new LoginLimiter(createManualClock(), { ...limits, maxPerAccount: 3 })
  for (let i = 0; i < 6; i++) limiter.failed('192.0.2.1', 'anna', 'old')
  limiter.failed('192.0.2.1', 'boris', 'old')
  limiter.failed('192.0.2.2', 'anna', 'old')
  assert.equal(limiter.blockOf('192.0.2.1', 'anna'), undefined)
  limiter.failed('192.0.2.1', 'anna', 'old')
  assert.notEqual(limiter.blockOf('192.0.2.1', 'anna'), undefined)
})

test('that an account logs in from somewhere is news once a day', () => {
  const clock = createManualClock()
  const limiter = new LoginLimiter(clock, limits)
  const news = (address: string): boolean => limiter.succeeded(address, 'anna')
  assert.deepEqual([news('203.0.113.1'), news('203.0.113.2'), news('192.0.2.1')], [true, false, true])
  clock.advance(86_400_000)
  assert.equal(news('203.0.113.1'), true)
})

test('who shares a network with a guesser still logs in, if that is where it did before', () => {
  const limiter = new LoginLimiter(createManualClock(), limits)
  limiter.succeeded('192.0.2.1', 'anna')
  for (const name of ['a', 'b', 'c', 'd', 'e']) limiter.failed('192.0.2.66', name)
  assert.equal(limiter.blockOf('192.0.2.1', 'boris')?.by, 'network')
  assert.equal(limiter.blockOf('192.0.2.1', 'anna'), undefined)
})

test('refusals are held back for longer each time, up to a limit; two typing errors are not', () => {
  const limiter = new LoginLimiter(createManualClock(), { ...limits, maxPerNetwork: 100, maxPerAccount: 100 })
  const delays = Array.from({ length: 9 }, () => {
    limiter.failed('192.0.2.1', 'anna')
    return limiter.delayOf('192.0.2.1', 'anna')
  })
  assert.deepEqual(delays, [0, 0, 250, 500, 1000, 2000, 4000, 4000, 4000])
  assert.equal(limiter.delayOf('198.51.100.1', 'boris'), 0)
})

test('fronts count together', () => {
  const tables = createLoginTables()
  const clock = createManualClock()
  const [one, other] = [new LoginLimiter(clock, limits, tables), new LoginLimiter(clock, limits, tables)]
  one.failed('192.0.2.1', 'anna')
  other.failed('192.0.2.1', 'anna')
  for (const limiter of [one, other])
    assert.equal(limiter.blockOf('192.0.2.1', 'anna')?.by, 'account-from-network')
})

test('what strangers make it remember is bounded, and takes the place of what is older', () => {
  const table = createSharedCountTable()
  const bytes = table.slots.byteLength
  const counts = new SharedCounts(table, 1_000_000_000)
  counts.add('first', 0)
  for (let i = 0; i < 300_000; i++) counts.add(`name ${i}`, 1_000_000 + i)
  assert.equal(table.slots.byteLength, bytes)
  assert.equal(counts.read('first', 2_000_000), undefined, 'forgotten')
  assert.equal(counts.read('name 299999', 2_000_000)?.count, 1)
  const latest = Array.from({ length: 10_000 }, (_, i) => counts.read(`name ${299_999 - i}`, 2_000_000))
  assert.ok(latest.filter(count => count?.count === 1).length > 9_900)
})

test('what was counted often stays, however many others come', () => {
  const counts = new SharedCounts(createSharedCountTable(), 1_000_000_000)
  counts.add('guesser', 0)
  assert.equal(counts.add('guesser', 0), 2)
  for (let i = 0; i < 300_000; i++) counts.add(`name ${i}`, 1000 + i)
  assert.equal(counts.read('guesser', 400_000)?.count, 2)
})
