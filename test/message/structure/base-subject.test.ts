// What is left of a subject without what answers and forwards put around it (RFC 5256 §2.1).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBaseSubject } from '../../../src/message/structure/base-subject.ts'

void test('what is taken away', () => {
  for (const [subject, base, isAnswer] of [
    ['Ponies', 'Ponies', false],
    ['  Re:  [list] fw [x]: [a][b]  Ponies (fwd) (FWD)', 'Ponies', true],
    ['[list] Ponies', 'Ponies', false],
    ['[list]', '[list]', false],
    ['[a] [b]', '[b]', false],
    ['[a] Re: [b]', '[b]', true],
    ['[Fwd: Re: [fwd: Ponies] (fwd)]', 'Ponies', true],
    ['[fwd: ]', '', true],
    ['Re:', '', true],
    ['[fwd: Ponies', '[fwd: Ponies', false],
    ['', '', false],
  ] as const)
    assert.deepEqual(readBaseSubject(subject), { base, isAnswer }, subject)
})

void test('one that fills a header section takes no time', () => {
  const many = 80_000
  for (const [subject, base] of [
    ['[a]'.repeat(many), '[a]'],
    ['Re:'.repeat(many), ''],
    [`x${'(fwd)'.repeat(many)}`, 'x'],
    [`${'[fwd:'.repeat(many)}x${']'.repeat(many)}`, 'x'],
    [`x${' '.repeat(many)}y`, 'x y'],
  ] as const)
    assert.equal(readBaseSubject(subject).base, base)
})
