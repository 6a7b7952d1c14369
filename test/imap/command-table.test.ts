// The table of commands says the same as the grammar.
import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { basename, resolve } from 'node:path'
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

void test('each command is in the file of its name, and no other file is among them', () => {
  const folder = resolve(import.meta.dirname, '../../src/imap/server/commands')
  const files = globSync('*.ts', { cwd: folder }).map(file => basename(file, '.ts').toUpperCase())
  // One and the same but for a word.
  const withAnother = new Set(['EXAMINE', 'REPLACE'])
  const verbs = [...commandTable.keys(), ...appendTable.keys()].filter(verb => !withAnother.has(verb))
  assert.deepEqual(files.toSorted(), verbs.toSorted())
})
