// Of those who are turned away again and again one in a minute is told.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RepeatMemory } from '../../src/main/repeat-memory.ts'

const minute = 60_000

test('the first is told; the same within a minute is counted, and told of with the next', () => {
  const memory = new RepeatMemory(60_000)
  assert.equal(memory.note('192.0.2.1 421', 0), 0)
  assert.equal(memory.note('192.0.2.1 421', 1), undefined)
  assert.equal(memory.note('192.0.2.1 421', minute - 1), undefined)
  assert.equal(memory.note('192.0.2.1 554', 2), 0)
  assert.equal(memory.note('192.0.2.2 421', 2), 0)
  assert.equal(memory.note('192.0.2.1 421', minute), 2)
  assert.equal(memory.note('192.0.2.1 421', minute + 1), undefined)
  assert.equal(memory.note('192.0.2.1 421', 2 * minute + 1), 1)
})

test('it remembers ten thousand, and forgets the one told longest ago', () => {
  const memory = new RepeatMemory(60_000)
  for (let n = 0; n <= 10_000; n++) assert.equal(memory.note(`peer ${n}`, n), 0)
  assert.equal(memory.note('peer 10000', 10_001), undefined)
  assert.equal(memory.note('peer 0', 10_001), 0)
})
