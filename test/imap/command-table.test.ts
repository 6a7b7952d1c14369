// The table of commands says the same as the grammar.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { uidVerbs } from '../../src/imap/grammar/command.ts'
import { appendTable, commandTable } from '../../src/imap/server/command-table.ts'

void test('commands that UID may stand before are the grammar’s', () => {
  const also = [...commandTable.values(), ...appendTable.values()].filter(
    ({ uidVariant }) => uidVariant === 'also',
  )
  assert.deepEqual(also.map(({ verb }) => verb).toSorted(), [...uidVerbs].toSorted())
})

void test('messages that have gone are not told while a client names them by numbers (RFC 9051 §7.5.1)', () => {
  const silent = [...commandTable.values()].filter(({ tellsExpunges }) => tellsExpunges !== 'yes')
  assert.deepEqual(silent.map(({ verb }) => verb).toSorted(), ['FETCH', 'SEARCH', 'SORT', 'STORE', 'THREAD'])
})
