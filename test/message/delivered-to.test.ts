// Which addresses the Delivered-To fields of a message name, whoever wrote them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Address } from '../../src/address/address.ts'
import { formatAddress } from '../../src/address/format-address.ts'
import { findDeliveredTo } from '../../src/message/delivered-to.ts'
import { composeAsciiDeliveredTo } from '../../src/message/trace-fields.ts'

const found = (message: string): string[] => findDeliveredTo(Buffer.from(message)).map(formatAddress)

test('the fields of the header section, and nothing that only looks like one', () => {
  assert.deepEqual(
    found(
      'Delivered-To: anna@example.test\r\nX-Delivered-To: boris@example.test\r\nDelivered-To: no address\r\n' +
        'Delivered-To:почта@example.test\r\n\r\nDelivered-To: clara@example.test\r\n',
    ),
    ['anna@example.test', 'почта@example.test'],
  )
})

test('what was written in ASCII is read back', () => {
  const localPart = fc.string({
    unit: fc.constantFrom('a', 'я', '.', ' ', '"', '\\', '€', 'x', '{', '41', '}'),
    minLength: 1,
    maxLength: 20,
  })
  fc.assert(
    fc.property(localPart, local => {
      const address: Address = { localPart: local, domain: 'example.test' }
      const field = composeAsciiDeliveredTo(address)
      assert.match(field, /^[ -~]+\r\n$/)
      assert.deepEqual(findDeliveredTo(Buffer.from(field)), [address])
    }),
  )
})

test('a hundred fields are looked at, and no line of theirs to its end', () => {
  const fields = Array.from({ length: 200 }, (_, n) => `Delivered-To: a${n}@example.test\r\n`).join('')
  assert.equal(found(fields).length, 100)
  assert.deepEqual(found(`Delivered-To:${' '.repeat(1000)}anna@example.test\r\n`), ['anna@example.test'])
  assert.deepEqual(found(`Delivered-To:${' '.repeat(2000)}anna@example.test\r\n`), [])
  // A bare LF ends it too.
  assert.deepEqual(found('Delivered-To: anna@example.test\nX: y\r\n'), ['anna@example.test'])
})
