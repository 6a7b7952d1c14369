// The address of a database in the setting `storage`.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseServerAddress } from '../../src/storage/postgres/server-address.ts'

test('one host, or several of which one is the primary; the name has no password', () => {
  assert.deepEqual(parseServerAddress('postgres://u:secret@db1:5433,db2/mail?sslmode=require'), {
    uris: [
      'postgres://u:secret@db1:5433/mail?sslmode=require',
      'postgres://u:secret@db2/mail?sslmode=require',
    ],
    name: 'db1:5433,db2/mail',
  })
  assert.equal(parseServerAddress('postgresql://[::1]:5432/mail')?.name, '[::1]:5432/mail')
})

for (const text of [
  'sqlite',
  'mysql://db/mail',
  'postgres://',
  'postgres://u:p@/mail',
  'postgres://db1,,db2/mail',
  // A password that is not escaped.
  'postgres://u:pa@ss@db/mail',
  'postgres://u:pa/ss@db/mail',
]) {
  test(`no address: ${text}`, () => {
    assert.equal(parseServerAddress(text), undefined)
  })
}
