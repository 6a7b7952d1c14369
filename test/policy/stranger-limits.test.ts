// Which strangers are counted, against what, and who is never limited.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StrangerLimitSettings } from '../../src/config/settings.ts'
import {
  createStrangerTables,
  StrangerLimits,
  type StrangersBring,
} from '../../src/policy/stranger-limits.ts'
import type { Client } from '../../src/smtp/server/services.ts'
import { createManualClock, type ManualClock } from '../harness/manual-clock.ts'

const none: StrangerLimitSettings = {
  connectionsPerMinute: 0,
  connectionsPerHour: 0,
  messagesPerMinute: 0,
  messagesPerHour: 0,
  recipientsPerMinute: 0,
  recipientsPerHour: 0,
  refusedRecipientsPerMinute: 0,
  refusedRecipientsPerHour: 0,
  exempt: [],
}

function clientAt(remoteAddress: string, more: Partial<Client> = {}): Client {
  return {
    sessionId: '1',
    role: 'relay',
    remoteAddress,
    remotePort: 1,
    localAddress: '203.0.113.1',
    localPort: 25,
    connectedAt: 0,
    extended: true,
    local: false,
    loopback: false,
    ...more,
  }
}

const stranger = clientAt('192.0.2.1')

function open(settings: Partial<StrangerLimitSettings>, clock: ManualClock = createManualClock()) {
  const tables = createStrangerTables()
  const limits = new StrangerLimits({ ...none, ...settings }, clock, tables)
  return {
    clock,
    tables,
    limits,
    count: (what: StrangersBring, times: number, client = stranger): void => {
      for (let n = 0; n < times; n++) limits.count(client, what)
    },
    isFull: (what: StrangersBring, client = stranger) => limits.find(client, what) !== undefined,
  }
}

for (const [what, setting] of [
  ['connections', 'connections'],
  ['messages', 'messages'],
  ['recipients', 'recipients'],
  ['refusedRecipients', 'refusedRecipients'],
] as const)
  for (const [per, ms] of [
    ['Minute', 60_000],
    ['Hour', 3_600_000],
  ] as const)
    test(`${setting}Per${per}: so many of a whole network, until the time is over`, () => {
      const { clock, limits, count, isFull } = open({ [`${setting}Per${per}`]: 3 })
      const begun = clock.now()
      count(what, 2)
      assert.equal(isFull(what), false)
      count(what, 1, clientAt('192.0.2.99'))
      assert.deepEqual(limits.find(stranger, what), {
        what,
        network: '192.0.2.0/24',
        most: 3,
        per: per.toLowerCase(),
        until: begun + ms,
      })
      assert.equal(isFull(what, clientAt('192.0.3.1')), false)
      clock.advance(ms)
      assert.equal(isFull(what), false)
    })

test('whose mail is wanted may bring ten times as much, and after a day what it likes, until too much of it is not', () => {
  const { clock, limits, count, isFull } = open({ messagesPerHour: 10 })
  count('messages', 10)
  for (let n = 0; n < 19; n++) limits.note(stranger, true)
  assert.equal(isFull('messages'), true)
  limits.note(stranger, true)
  assert.equal(isFull('messages'), false)
  count('messages', 89)
  assert.equal(isFull('messages'), false)
  count('messages', 1)
  assert.equal(limits.find(stranger, 'messages')?.most, 100)
  clock.advance(24 * 3_600_000)
  count('messages', 1000)
  assert.equal(isFull('messages'), false)
  for (let n = 0; n < 5; n++) limits.note(stranger, false)
  assert.equal(isFull('messages'), false)
  limits.note(stranger, false)
  assert.equal(isFull('messages'), true)
})

test('of recipients that are refused nobody has more than of those that are taken, beyond the limit', () => {
  const { limits, count, isFull } = open({ refusedRecipientsPerHour: 4 })
  for (let n = 0; n < 100; n++) limits.note(stranger, true)
  count('recipients', 10)
  count('refusedRecipients', 12)
  assert.equal(limits.isGuessing(stranger), false)
  count('refusedRecipients', 1)
  assert.deepEqual([limits.isGuessing(stranger), isFull('refusedRecipients')], [true, false])
  count('refusedRecipients', 1)
  assert.equal(isFull('refusedRecipients'), true, 'whoever it is')
})

for (const what of ['connections', 'messages', 'recipients', 'refusedRecipients'] as const)
  test(`${what}: of IPv6 a /48 is one, however many of its 65,536 networks they come from`, () => {
    const { limits, count, isFull } = open({ [`${what}PerHour`]: 60 })
    for (let n = 0; n < 60; n++) {
      assert.equal(isFull(what, clientAt(`2a02:db8:1:${n.toString(16)}::1`)), false)
      count(what, 1, clientAt(`2a02:db8:1:${n.toString(16)}::1`))
    }
    const fresh = clientAt('2a02:db8:1:ffff::1')
    assert.equal(limits.find(fresh, what)?.network, '2a02:db8:1::/48')
    assert.equal(limits.isGuessing(fresh), what === 'refusedRecipients')
    assert.equal(isFull(what, clientAt('2a02:db8:2::1')), false)
  })

test('whose own mail is wanted is not limited for the others of its /48', () => {
  const { limits, count, isFull } = open({ messagesPerHour: 10 })
  const wanted = clientAt('2a02:db8:1:1::1')
  for (let n = 0; n < 20; n++) limits.note(wanted, true)
  const other = clientAt('2a02:db8:1:2::1')
  for (let n = 0; n < 20; n++) limits.note(other, false)
  count('messages', 10, other)
  assert.deepEqual([isFull('messages', other), isFull('messages', wanted)], [true, false])
  assert.equal(isFull('messages', clientAt('2a02:db8:1:3::1')), true)
})

for (const [who, client] of [
  ['an account', clientAt('192.0.2.1', { account: { id: 1, address: 'anna@here.test' } })],
  ['a user who has yet to log in', clientAt('192.0.2.1', { role: 'submission' })],
  ['a network of ours', clientAt('192.0.2.1', { local: true })],
  ['a program on this machine', clientAt('127.0.0.1', { loopback: true })],
  ['the server that has kept our mail', clientAt('192.0.2.1', { fetched: true })],
  ['a named network', clientAt('198.51.100.7')],
  ['a named network of IPv6', clientAt('2001:db8:1:2::3')],
  ['a neighbour, or a proxy that says for nobody', clientAt('10.1.2.3')],
  ['a neighbour in IPv6 clothes', clientAt('::ffff:192.168.1.1')],
] as const)
  test(`${who} is not counted`, () => {
    const { count, isFull } = open({ connectionsPerMinute: 1, exempt: ['198.51.100.0/24', '2001:db8::/32'] })
    count('connections', 5, client)
    assert.equal(isFull('connections', client), false)
  })

test('fronts count together', () => {
  const { clock, tables, count } = open({ connectionsPerMinute: 2 })
  count('connections', 2)
  const other = new StrangerLimits({ ...none, connectionsPerMinute: 2 }, clock, tables)
  assert.notEqual(other.find(stranger, 'connections'), undefined)
})

test('however many networks come, they take no more memory than one, and who goes through names is not forgotten for them', () => {
  const { tables, limits, count, isFull } = open({ refusedRecipientsPerHour: 50 })
  const bytes = (): number => Object.values(tables).reduce((sum, { slots }) => sum + slots.byteLength, 0)
  const before = bytes()
  count('refusedRecipients', 50)
  for (let n = 0; n < 200_000; n++) {
    const client = clientAt(`${20 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}.1`)
    limits.count(client, 'refusedRecipients')
  }
  assert.equal(bytes(), before)
  assert.equal(isFull('refusedRecipients'), true)
})
