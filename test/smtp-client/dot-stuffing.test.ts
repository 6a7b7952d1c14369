// Mail data on its way out: what a server reads back is the message, with clean line ends, and it ends in one place only.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { DotStuffer } from '../../src/smtp/client/stuff-dots.ts'
import { DataReader } from '../../src/smtp/server/mail-data.ts'
import { cutAt, nastyBytes } from '../smtp-server/nasty-bytes.ts'

function stuff(chunks: readonly Buffer[]): Buffer {
  const stuffer = new DotStuffer()
  const pieces = chunks.flatMap(chunk => stuffer.take(chunk))
  return Buffer.concat([...pieces, Buffer.from(stuffer.finish())])
}

/** What the server takes for the message, and for what comes after it. */
function readBack(sent: Buffer): { message: string; rest: string } {
  const pieces: Buffer[] = []
  const end = new DataReader().read(sent, piece => pieces.push(Buffer.from(piece)))
  assert.ok(end >= 0, 'the end has come')
  return { message: Buffer.concat(pieces).toString('latin1'), rest: sent.toString('latin1', end) }
}

/** Every line end a CRLF, also the last. */
function clean(bytes: Buffer): string {
  const text = bytes.toString('latin1').replaceAll(/\r\n|\r|\n/g, '\r\n')
  return text === '' || text.endsWith('\r\n') ? text : `${text}\r\n`
}

const cuts = fc.array(fc.nat(200), { maxLength: 8 })

test('whatever the bytes and the chunks, the server reads the message back', () => {
  fc.assert(
    fc.property(nastyBytes, cuts, (bytes, places) => {
      assert.deepEqual(readBack(stuff(cutAt(bytes, places))), { message: clean(bytes), rest: '' })
    }),
    { numRuns: 3000 },
  )
})

test('no server finds another end, whatever its idea of a line end', () => {
  fc.assert(
    fc.property(nastyBytes, cuts, (bytes, places) => {
      const sent = stuff(cutAt(bytes, places)).toString('latin1')
      assert.ok(sent === '.\r\n' || sent.endsWith('\r\n.\r\n'))
      assert.doesNotMatch(sent.slice(0, -'.\r\n'.length), /(?:^|[\r\n])\.(?:[\r\n]|$)/)
      assert.doesNotMatch(sent, /\r(?!\n)|(?<!\r)\n/)
    }),
    { numRuns: 3000 },
  )
})

for (const { what, message, sent } of [
  { what: 'nothing at all', message: '', sent: '.\r\n' },
  { what: 'a dot alone', message: '.', sent: '..\r\n.\r\n' },
  { what: 'a dot on its line', message: 'a\r\n.\r\nb\r\n', sent: 'a\r\n..\r\nb\r\n.\r\n' },
  { what: 'a dot within a line', message: 'a.b\r\n', sent: 'a.b\r\n.\r\n' },
  { what: 'no line end at the end', message: 'a', sent: 'a\r\n.\r\n' },
  { what: 'a lone CR at the end', message: 'a\r', sent: 'a\r\n.\r\n' },
  { what: 'LF only', message: 'a\n.\nb\n', sent: 'a\r\n..\r\nb\r\n.\r\n' },
  { what: 'CR only', message: 'a\r.\rb', sent: 'a\r\n..\r\nb\r\n.\r\n' },
]) {
  test(`as it goes out: ${what}`, () => {
    assert.equal(stuff([Buffer.from(message)]).toString(), sent)
    assert.equal(stuff(message.split('').map(byte => Buffer.from(byte))).toString(), sent)
  })
}
