// What a message needs of the next server is seen in its octets.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findMessageNeeds } from '../../src/delivery/transfer/message-needs.ts'

async function* octets(...chunks: string[]): AsyncIterable<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk)
}
const ascii = { localPart: 'anna', domain: 'example.test' }
const cyrillic = { localPart: 'анна', domain: 'example.test' }
const everything = { body: '8BITMIME', smtpUtf8: true } as const

test('plain ASCII needs nothing, whatever its sender declared', async () => {
  const needs = await findMessageNeeds(everything, [ascii, null], octets('Subject: x\r\n', '\r\nText\r\n'))
  assert.deepEqual(needs, { body: '7BIT', smtpUtf8: false })
})

test('8-bit text in the body needs 8BITMIME, and no SMTPUTF8', async () => {
  const needs = await findMessageNeeds(everything, [ascii], octets('Subject: x\r\n\r', '\nпривет\r\n'))
  assert.deepEqual(needs, { body: '8BITMIME', smtpUtf8: false })
})

test('8-bit text in the header section needs both', async () => {
  const needs = await findMessageNeeds(everything, [ascii], octets('Subject: привет\r\n\r\nText\r\n'))
  assert.deepEqual(needs, everything)
})

test('an internationalised address needs SMTPUTF8', async () => {
  const needs = await findMessageNeeds(everything, [ascii, cyrillic], octets('Subject: x\r\n\r\nText\r\n'))
  assert.deepEqual(needs, { body: '7BIT', smtpUtf8: true })
})

test('BINARYMIME is never made less', async () => {
  const declared = { body: 'BINARYMIME', smtpUtf8: false } as const
  assert.deepEqual(await findMessageNeeds(declared, [ascii], octets('Subject: x\r\n\r\nText\r\n')), declared)
})

test('8-bit text in the header section of a part needs SMTPUTF8 too', async () => {
  const part = 'Content-Disposition: attachment; filename=письмо.txt\r\n\r\nText\r\n'
  const message = `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n${part}--b--\r\n`
  assert.deepEqual(await findMessageNeeds(everything, [ascii], octets(message)), everything)
})
