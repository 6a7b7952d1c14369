// Of those who are turned away again and again one in a minute is told, and how many there were.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RepeatMemory } from '../../src/runtime/repeat-memory.ts'
import { createManualClock } from '../harness/manual-clock.ts'

const minute = 60_000

function open() {
  const clock = createManualClock()
  const memory = new RepeatMemory(minute, clock)
  const told: string[] = []
  return {
    clock,
    memory,
    /** What was told since the last time: 'word, how many before it'. */
    told: () => told.splice(0),
    note: (word: string) => memory.note(word, repeated => void told.push(`${word}, ${repeated}`)),
  }
}

test('the first is told; the same within a minute is counted, and the last of them told when the minute is over', () => {
  const { clock, note, told } = open()
  note('192.0.2.1 421')
  assert.deepEqual(told(), ['192.0.2.1 421, 0'])
  clock.advance(1)
  for (let n = 0; n < 39; n++) note('192.0.2.1 421')
  note('192.0.2.1 554')
  note('192.0.2.2 421')
  assert.deepEqual(told(), ['192.0.2.1 554, 0', '192.0.2.2 421, 0'])
  clock.advance(minute - 2)
  assert.deepEqual(told(), [])
  clock.advance(1)
  // One, and 38 before it: nobody else has to come for that.
  assert.deepEqual(told(), ['192.0.2.1 421, 38'])
  clock.advance(10 * minute)
  assert.deepEqual(told(), [])
  note('192.0.2.1 421')
  assert.deepEqual(told(), ['192.0.2.1 421, 0'])
})

test('whoever goes on is told of once a minute, and each word in its own time', () => {
  const { clock, note, told } = open()
  note('a')
  clock.advance(minute / 2)
  note('b')
  note('a')
  note('b')
  told()
  clock.advance(minute / 2)
  assert.deepEqual(told(), ['a, 0'])
  note('a')
  clock.advance(minute / 2)
  assert.deepEqual(told(), ['b, 0'])
  clock.advance(minute / 2)
  assert.deepEqual(told(), ['a, 0'])
})

test('at the end the rest is told', () => {
  const { clock, memory, note, told } = open()
  for (let n = 0; n < 3; n++) note('a')
  told()
  memory.tellRest()
  assert.deepEqual(told(), ['a, 1'])
  clock.advance(10 * minute)
  assert.deepEqual(told(), [])
})

test('it remembers ten thousand, and forgets the one told longest ago, whose rest is told', () => {
  const { clock, note, told } = open()
  note('peer 0')
  note('peer 0')
  for (let n = 1; n <= 9999; n++) note(`peer ${n}`)
  told()
  clock.advance(1)
  note('peer 10000')
  assert.deepEqual(told(), ['peer 0, 0', 'peer 10000, 0'])
  note('peer 10000')
  assert.deepEqual(told(), [])
  note('peer 0')
  assert.deepEqual(told(), ['peer 0, 0'])
})
