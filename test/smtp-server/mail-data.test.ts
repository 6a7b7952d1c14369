// The byte machine of DATA: whatever way the bytes are cut into chunks, it finds the same end and the same data.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { DataReader } from '../../src/smtp/server/mail-data.ts'
import { TextCheck } from '../../src/smtp/server/text-check.ts'
import { cutAt, nastyBytes } from './nasty-bytes.ts'

interface Reading {
  readonly data: string
  /** How many bytes there were up to the end; -1: it has not come. */
  readonly end: number
}

function read(chunks: readonly Buffer[]): Reading {
  const reader = new DataReader()
  const pieces: Buffer[] = []
  let passed = 0
  for (const chunk of chunks) {
    const end = reader.read(chunk, piece => pieces.push(Buffer.from(piece)))
    if (end >= 0) return { data: Buffer.concat(pieces).toString('latin1'), end: passed + end }
    passed += chunk.length
  }
  return { data: Buffer.concat(pieces).toString('latin1'), end: -1 }
}

// RFC 5321 §4.5.2 word for word, on the whole text.
function readSlowly(bytes: Buffer): Reading {
  const text = `\r\n${bytes.toString('latin1')}`
  const found = text.indexOf('\r\n.\r\n')
  const body = found < 0 ? text : text.slice(0, found + 2)
  return { data: body.replaceAll('\r\n.', '\r\n').slice(2), end: found < 0 ? -1 : found + 3 }
}

void test('ends at the first CRLF.CRLF and takes the stuffed dots away, however the bytes are cut', () => {
  fc.assert(
    fc.property(nastyBytes, fc.array(fc.nat(200), { maxLength: 8 }), (bytes, cuts) => {
      const expected = readSlowly(bytes)
      const found = read(cutAt(bytes, cuts))
      assert.equal(found.end, expected.end)
      // What is held back at the end of an unfinished text: a dot or a CR that may be part of the end.
      if (expected.end >= 0) assert.equal(found.data, expected.data)
      else assert.ok(expected.data.startsWith(found.data) && expected.data.length - found.data.length <= 2)
    }),
    { numRuns: 3000 },
  )
})

void test('what has been stuffed comes out as it was', () => {
  fc.assert(
    fc.property(nastyBytes, fc.array(fc.nat(200), { maxLength: 8 }), (bytes, cuts) => {
      const text = `${bytes.toString('latin1').replaceAll(/[\r\n]+/g, '\r\n')}\r\n`
      const sent = `${text.replaceAll(/^\./gm, '..')}.\r\n`
      const found = read(cutAt(Buffer.from(sent, 'latin1'), cuts))
      assert.deepEqual(found, { data: text, end: sent.length })
    }),
    { numRuns: 1000 },
  )
})

void test('text is judged the same however it is cut', () => {
  const maxLineBytes = 20
  fc.assert(
    fc.property(nastyBytes, fc.array(fc.nat(200), { maxLength: 8 }), (bytes, cuts) => {
      const check = new TextCheck(maxLineBytes)
      for (const piece of cutAt(bytes, cuts)) check.check(piece)
      check.finish()
      const text = bytes.toString('latin1')
      const isClean =
        !/\0|\r(?!\n)|(?<!\r)\n/.test(text) &&
        text.split(/(?<=\n)/).every(line => line.length <= maxLineBytes)
      assert.equal(check.problem === undefined, isClean, JSON.stringify(check.problem))
    }),
    { numRuns: 3000 },
  )
})
