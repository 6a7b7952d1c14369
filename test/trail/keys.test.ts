// What an event is found by, and how it stands in the database.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { TrailEvent } from '../../src/trail/events.ts'
import { makeFilter, mayHave } from '../../src/trail/filter.ts'
import {
  collectMarks,
  formatMark,
  formatMarks,
  keysOf,
  markOf,
  marksOf,
  trailKeys,
  wordsOf,
} from '../../src/trail/keys.ts'
import { findPlaces, makePlaces } from '../../src/trail/places.ts'

test('what is written of a key never changes: databases have it', () => {
  assert.equal(formatMarks(['t:anna@example.org', 'n:example.org'].map(markOf)), ' urj8b dpki9 ')
  assert.deepEqual(makeFilter(new Set([1, 2, 3])), Uint8Array.from(storedFilter))
})

const storedFilter = [136, 37, 41, 12, 4, 80, 34, 0]

test('marks come back as they were written', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), keys => {
      const marks = new Set<number>()
      const text = formatMarks(keys.map(markOf))
      collectMarks(text + text, marks)
      assert.deepEqual(marks, new Set(keys.map(markOf)))
      for (const key of keys) assert.ok(text.includes(` ${formatMark(markOf(key))} `))
    }),
  )
})

test('an event has the marks of its keys', () => {
  const event: TrailEvent = {
    kind: 'refused',
    sessionId: 'S-1',
    remoteAddress: '2001:DB8::1',
    heloName: 'Client.example.net',
    command: 'RCPT',
    reversePath: 'Anna@example.test',
    forwardPath: 'борис@example.org',
    reply: { code: 550, enhanced: '5.1.1', lines: [] },
  }
  const keys = keysOf(event)
  assert.ok(keys.has(trailKeys.sender('anna@example.test')) && keys.has(trailKeys.ip('2001:db8::1')))
  assert.equal(marksOf(event), formatMarks([...keys].map(markOf)))
})

test('a filter has every mark of which it was made, and few others', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(2 ** 25 - 1), { maxLength: 2000 }), marks => {
      const filter = makeFilter(new Set(marks))
      for (const mark of marks) assert.ok(mayHave(filter, mark))
    }),
  )
  const marks = new Set(Array.from({ length: 5000 }, (_, n) => markOf(`t:r${n}@example.org`)))
  const filter = makeFilter(marks)
  const others = Array.from({ length: 5000 }, (_, n) => markOf(`t:other${n}@example.org`)).filter(
    mark => !marks.has(mark),
  )
  assert.ok(others.filter(mark => mayHave(filter, mark)).length < 100)
})

test('the words of a subject, in any script, without what parts them', () => {
  assert.deepEqual(wordsOf('Re: Invoice #42, März-Ausgabe'), ['re', 'invoice', '42', 'märz', 'ausgabe'])
  assert.deepEqual(wordsOf('Привет, МИР!'), ['привет', 'мир'])
  assert.deepEqual(wordsOf(' — '), [])
})

test('the places of a mark are those where it is, and seldom another', () => {
  const place = fc.record({ mark: fc.nat(2 ** 25 - 1), offset: fc.nat(1023) })
  fc.assert(
    fc.property(fc.array(place, { maxLength: 500 }), place, (places, other) => {
      const bytes = makePlaces(places)
      for (const { mark } of places) {
        const expected = places
          .filter(one => one.mark % 2 ** 22 === mark % 2 ** 22)
          .map(({ offset }) => offset)
        assert.deepEqual(
          findPlaces(bytes, mark),
          expected.toSorted((a, b) => a - b),
        )
      }
      if (!places.some(({ mark }) => mark % 2 ** 22 === other.mark % 2 ** 22))
        assert.deepEqual(findPlaces(bytes, other.mark), [])
    }),
  )
})
