// Queue ids: 53-bit numbers, 11 characters for people, made without asking anyone (ADR 3).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createQueueIdMaker, formatQueueId, parseQueueId } from '../../src/queue/queue-id.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { createManualClock } from '../harness/manual-clock.ts'

const written = /^[0-9A-HJKMNP-TV-Z]{11}$/
const epoch = Date.UTC(2024, 0, 1)

test('an id is eleven characters that give it back', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), id => {
      const text = formatQueueId(id)
      assert.match(text, written)
      assert.equal(parseQueueId(text), id)
    }),
  )
})

test('texts sort as the ids do', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (one, other) => {
      assert.equal(formatQueueId(one) < formatQueueId(other), one < other)
    }),
  )
})

test('lower case is read too, and the letters that Crockford leaves out', () => {
  assert.equal(parseQueueId('1CCD5D74AAE'), parseQueueId('1ccd5d74aae'))
  assert.equal(parseQueueId('oOiIlL00000'), parseQueueId('00111100000'))
  assert.equal(parseQueueId('0000000000Z'), 31)
})

test('what is no id is undefined', () => {
  for (const text of [
    '',
    '0000000000',
    '000000000000',
    '0000000000U',
    '0000000000-',
    ' 0000000000',
    // More than 53 bits.
    'ZZZZZZZZZZZ',
    '80000000000',
    // Letters that upper case makes longer, or makes into others.
    '0000000000ß',
    '0000000000ı',
    '0000000000ſ',
    '0000000000١',
  ]) {
    assert.equal(parseQueueId(text), undefined, JSON.stringify(text))
  }
})

test('whatever is read as an id is what the id is written as', () => {
  const character = fc.oneof(
    fc.stringMatching(/^[0-9A-Za-z]$/),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
  )
  fc.assert(
    fc.property(fc.array(character, { minLength: 10, maxLength: 11 }), characters => {
      const text = characters.join('')
      const id = parseQueueId(text)
      if (id === undefined) return
      assert.equal(formatQueueId(id), text.toUpperCase().replaceAll('O', '0').replaceAll(/[IL]/g, '1'))
    }),
  )
})

test('makers of all spaces never collide, while the clock runs, stands still or goes back', () => {
  const step = fc.record({
    idSpace: fc.nat(255),
    ids: fc.integer({ min: 1, max: 600 }),
    clockMs: fc.integer({ min: -3, max: 3 }),
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), steps => {
      let now = epoch + 1000
      const clock: Clock = { ...createManualClock(), now: () => now }
      const makers = Array.from({ length: 256 }, (_, idSpace) => createQueueIdMaker(clock, idSpace))
      const made = new Set<number>()
      const lastOfSpace = new Map<number, number>()
      let count = 0
      for (const { idSpace, ids, clockMs } of steps) {
        now += clockMs
        for (let n = 0; n < ids; n++) {
          const id = makers[idSpace]?.() ?? 0
          assert.ok(id > (lastOfSpace.get(idSpace) ?? -1), 'ids of one maker grow')
          lastOfSpace.set(idSpace, id)
          made.add(id)
          count++
        }
      }
      assert.equal(made.size, count)
    }),
  )
})

test('an id tells when it was made: later ones are greater, whatever the space', () => {
  const clock = createManualClock()
  const high = createQueueIdMaker(clock, 255)
  const low = createQueueIdMaker(clock, 0)
  const first = high()
  clock.advance(1)
  assert.ok(low() > first)
})

test('ids stay safe integers, and eleven characters, until 2090', () => {
  const nextId = createQueueIdMaker(createManualClock(Date.UTC(2090, 0, 1)), 255)
  const id = nextId()
  assert.ok(Number.isSafeInteger(id))
  assert.equal(parseQueueId(formatQueueId(id)), id)
})
