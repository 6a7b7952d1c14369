import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoginLimiter } from '../../src/policy/login-limiter.ts'
import { createManualClock } from '../harness/manual-clock.ts'

const limits = { windowMs: 1000, maxPerNetwork: 5, maxPerAccount: 2 }

test('an account is closed to the network that guesses, and to no other', () => {
  const limiter = new LoginLimiter(createManualClock(), limits)
  limiter.failed('192.0.2.1', 'anna')
  assert.equal(limiter.blockedUntil('192.0.2.1', 'anna'), undefined)
  limiter.failed('192.0.2.99', 'ANNA')
  assert.notEqual(limiter.blockedUntil('192.0.2.1', 'anna'), undefined)
  assert.notEqual(limiter.blockedUntil('::ffff:192.0.2.7', 'Anna'), undefined)
  assert.equal(limiter.blockedUntil('192.0.2.1', 'boris'), undefined)
  assert.equal(limiter.blockedUntil('198.51.100.1', 'anna'), undefined)
})

test('a network is closed after too many failures with whatever names, until time has passed', () => {
  const clock = createManualClock()
  const limiter = new LoginLimiter(clock, limits)
  for (let i = 0; i < 5; i++) limiter.failed(`2001:db8::${i}`, `name${i}`)
  assert.notEqual(limiter.blockedUntil('2001:db8::ffff', 'anna'), undefined)
  assert.equal(limiter.blockedUntil('2001:db8:0:1::1', 'anna'), undefined)
  clock.advance(1000)
  assert.equal(limiter.blockedUntil('2001:db8::ffff', 'anna'), undefined)
})

test('a success forgives the name, not the network', () => {
  const limiter = new LoginLimiter(createManualClock(), limits)
  limiter.failed('192.0.2.1', 'anna')
  limiter.failed('192.0.2.1', 'anna')
  limiter.succeeded('192.0.2.1', 'anna')
  assert.equal(limiter.blockedUntil('192.0.2.1', 'anna'), undefined)
  for (const name of ['a', 'b', 'c']) limiter.failed('192.0.2.1', name)
  assert.notEqual(limiter.blockedUntil('192.0.2.1', 'anna'), undefined)
})

test('what strangers make it remember is bounded', () => {
  const limiter = new LoginLimiter(createManualClock(), {
    ...limits,
    maxPerNetwork: Number.POSITIVE_INFINITY,
  })
  for (let i = 0; i < 2; i++) limiter.failed('192.0.2.1', 'first')
  for (let i = 0; i < 30_000; i++) limiter.failed('198.51.100.1', `name${i}`)
  assert.equal(limiter.blockedUntil('192.0.2.1', 'first'), undefined, 'forgotten')
})
