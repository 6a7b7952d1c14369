// Which mailing list a message names: what lists write, and what strangers write.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { formatAddress } from '../../src/address/format-address.ts'
import { findListAddresses } from '../../src/message/list-addresses.ts'

const find = (text: string): string[] => findListAddresses(Buffer.from(text)).map(formatAddress)

for (const [text, addresses] of [
  ['List-Id: The talk <talk.lists.example.org>\r\n', ['talk@lists.example.org']],
  ['LIST-ID: talk.lists.example.org\r\n', ['talk@lists.example.org']],
  ['List-Id: "Talk. Of us"\r\n\t<talk.lists.example.org>\r\n', ['talk@lists.example.org']],
  ['List-Id: <talk@lists.example.org>\r\n', ['talk@lists.example.org']],
  ['List-Post: <mailto:talk@lists.example.org>\r\n', ['talk@lists.example.org']],
  [
    'List-Post: <https://x.example/>, <MAILTO:talk%2Bx@lists.example.org?subject=a>\r\n',
    ['talk+x@lists.example.org'],
  ],
  ['List-Post: NO (it is for reading)\r\n', []],
  ['List-Post: <mailto:100%@lists.example.org>\r\n', ['100%@lists.example.org']],
  [
    'List-Id: <talk.lists.example.org>\r\nList-Post: <mailto:Talk@lists.example.org>\r\n',
    ['Talk@lists.example.org'],
  ],
  ['List-Id: <talk>\r\n', []],
  ['List-Id: <.lists.example.org>\r\n', []],
  ['List-Id:', []],
  ['Subject: List-Id: <talk.lists.example.org>\r\n', []],
] as const)
  test(`${JSON.stringify(text)} names ${addresses.join() || 'none'}`, () => {
    assert.deepEqual(find(text), addresses)
  })

test('no more than four are looked at, however many there are', () => {
  const fields = Array.from({ length: 50 }, (_, n) => `List-Id: <list${n}.example.org>\r\n`)
  assert.equal(find(fields.join('')).length, 4)
  const many = Array.from({ length: 50 }, (_, n) => `<mailto:list${n}@example.org>`)
  assert.equal(find(`List-Post: ${many.join(', ')}\r\n`).length, 4)
})

test('whatever stands there, it is read', () => {
  fc.assert(
    fc.property(fc.constantFrom('List-Id:', 'List-Post:'), fc.string({ unit: 'binary' }), (name, value) => {
      assert.ok(find(`${name}${value}\r\n`).length <= 4)
    }),
  )
})
