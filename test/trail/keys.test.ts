// What an event is found by, and how it stands in the database.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { makeFilter, mayHave } from '../../src/trail/filter.ts'
import { formatMark, formatMarks, markOf, parseMarks, wordsOf } from '../../src/trail/keys.ts'

test('what is written of a key never changes: databases have it', () => {
  assert.equal(formatMarks(['t:anna@example.org', 'n:example.org']), ' urj8b dpki9 ')
  assert.deepEqual(makeFilter(new Set([1, 2, 3])), Uint8Array.from(storedFilter))
})

const storedFilter = [136, 37, 41, 12, 4, 80, 34, 0]

test('marks come back as they were written', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), keys => {
      assert.deepEqual(parseMarks(formatMarks(keys)), keys.map(markOf))
      for (const key of keys) assert.ok(formatMarks(keys).includes(` ${formatMark(markOf(key))} `))
    }),
  )
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
