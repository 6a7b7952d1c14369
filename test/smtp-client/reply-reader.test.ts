// Replies as servers send them: in any pieces, with and without enhanced status codes, and what is no reply at all.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ReplyReader } from '../../src/smtp/client/reply-reader.ts'
import { formatReply, type Reply } from '../../src/smtp/reply.ts'
import { cutAt, nastyBytes } from '../smtp-server/nasty-bytes.ts'

type Read = Reply | 'malformed'

/** Reads until something is malformed, as a connection does. */
function read(chunks: readonly (Buffer | string)[]): Read[] {
  const reader = new ReplyReader()
  const found: Read[] = []
  for (const chunk of chunks) {
    found.push(...reader.take(Buffer.from(chunk)))
    if (found.at(-1) === 'malformed') break
  }
  return found
}

const cuts = fc.array(fc.nat(300), { maxLength: 8 })

const word = fc.string({
  unit: fc.constantFrom('a', 'Z', '4', '.', '-', 'я', ' '),
  minLength: 1,
  maxLength: 12,
})
const line = word.map(text => `x${text}`)
const reply: fc.Arbitrary<Reply> = fc
  .record({
    code: fc.integer({ min: 200, max: 599 }),
    detail: fc.option(fc.constantFrom('1.1', '7.26', '0.0'), { nil: undefined }),
    lines: fc.array(line, { minLength: 1, maxLength: 4 }),
  })
  .map(({ code, detail, lines }) => {
    const first = String(code).charAt(0)
    return detail === undefined || first === '3'
      ? { code, lines }
      : { code, enhanced: `${first}.${detail}`, lines }
  })

test('what a server formats is read back, however it is cut', () => {
  fc.assert(
    fc.property(fc.array(reply, { minLength: 1, maxLength: 4 }), cuts, (replies, places) => {
      assert.deepEqual(read(cutAt(Buffer.from(replies.map(formatReply).join('')), places)), replies)
    }),
  )
})

test('any bytes give the same replies, however they are cut', () => {
  const starts = fc.constantFrom(
    '',
    '250 ',
    '250-2.0.0 a\r\n',
    '220 hello\r\n550-5.1.1 b\r\n550 5.1.1 ',
    '354\r\n',
  )
  fc.assert(
    fc.property(starts, nastyBytes, cuts, (start, rest, places) => {
      const bytes = Buffer.concat([Buffer.from(start), rest])
      assert.deepEqual(read(cutAt(bytes, places)), read([bytes]))
    }),
    { numRuns: 1000 },
  )
})

test('the last line is the one with a space, or with nothing, after the code', () => {
  assert.deepEqual(read(['250-one\r\n250-two\r\n250 three\r\n250\r\n']), [
    { code: 250, lines: ['one', 'two', 'three'] },
    { code: 250, lines: [''] },
  ])
})

test('a line end may be a lone LF, and a CR too many is no harm', () => {
  assert.deepEqual(read(['250-one\n250 two\n250 three\r\r\n']), [
    { code: 250, lines: ['one', 'two'] },
    { code: 250, lines: ['three?'] },
  ])
})

test('the enhanced status code stands apart from the text of every line', () => {
  assert.deepEqual(read(['550-5.1.1 No such\r\n550-5.1.1  user\r\n550 here\r\n250 2.1.0\r\n']), [
    { code: 550, enhanced: '5.1.1', lines: ['No such', 'user', 'here'] },
    { code: 250, enhanced: '2.1.0', lines: [''] },
  ])
})

for (const { what, line, lines } of [
  { what: 'whose class contradicts the code', line: '550 2.1.1 Strange', lines: ['2.1.1 Strange'] },
  { what: 'of an intermediate reply', line: '354 3.0.0 Go on', lines: ['3.0.0 Go on'] },
  { what: 'of four digits', line: '550 5.1.1000 No', lines: ['5.1.1000 No'] },
  { what: 'that goes on like an IP address', line: '554 5.0.0.1 is blocked', lines: ['5.0.0.1 is blocked'] },
]) {
  test(`a number ${what} is text`, () => {
    assert.deepEqual(read([`${line}\r\n`]), [{ code: Number(line.slice(0, 3)), lines }])
  })
}

test('a longer number at the start of a further line stays whole', () => {
  assert.deepEqual(read(['550-5.1.1 No such user\r\n550 5.1.10 is another code\r\n']), [
    { code: 550, enhanced: '5.1.1', lines: ['No such user', '5.1.10 is another code'] },
  ])
})

test('text beyond ASCII is read as UTF-8, also in the middle of a character', () => {
  const bytes = Buffer.from('550 5.1.1 Нет такого ящика\u2028совсем\r\n')
  const expected = [{ code: 550, enhanced: '5.1.1', lines: ['Нет такого ящика\u2028совсем'] }]
  for (let place = 1; place < bytes.length; place++)
    assert.deepEqual(read([bytes.subarray(0, place), bytes.subarray(place)]), expected)
})

test('controls never leave the reader', () => {
  assert.deepEqual(read(['250 a\0b\x1b[31mc\x7fd\u009be\rf\r\n']), [
    { code: 250, lines: ['a?b?[31mc?d?e?f'] },
  ])
})

for (const bytes of [
  'HTTP/1.1 400 Bad Request\r\n',
  'SSH-2.0-OpenSSH_9.9\r\n',
  '\r\n',
  ' 250 Ok\r\n',
  '25 Ok\r\n',
  '2500 Ok\r\n',
  '250Ok\r\n',
  '250\tOk\r\n',
  '199 Too low\r\n',
  '600 Too high\r\n',
  '250-One code\r\n251 and another\r\n',
  '250-Ok\r\nwithout a code\r\n',
]) {
  test(`no reply: ${JSON.stringify(bytes)}`, () => {
    assert.deepEqual(read([bytes]), ['malformed'])
  })
}

test('replies before what is none still count', () => {
  assert.deepEqual(read(['250 2.0.0 Queued\r\nGARBAGE\r\n']), [
    { code: 250, enhanced: '2.0.0', lines: ['Queued'] },
    'malformed',
  ])
})

test('a line has its limit, ended or not', () => {
  const longest = `250 ${'x'.repeat(8192 - 5)}`
  assert.equal(read([`${longest}\r\n`]).length, 1)
  assert.notEqual(read([`${longest}\r\n`])[0], 'malformed')
  assert.deepEqual(read([`${longest}xx\r\n`]), ['malformed'])
  assert.deepEqual(read([`${longest}xx`]), ['malformed'])
})

test('a reply has a limit of lines', () => {
  const lines = (count: number): string => `${'250-x\r\n'.repeat(count - 1)}250 x\r\n`
  assert.notEqual(read([lines(500)])[0], 'malformed')
  assert.deepEqual(read([lines(501)]), ['malformed'])
})

test('what is not a whole reply yet is in the middle', () => {
  const reader = new ReplyReader()
  const seen: boolean[] = []
  for (const chunk of ['220-a\r\n', '220', ' b\r\n', '2']) {
    reader.take(Buffer.from(chunk))
    seen.push(reader.isInTheMiddle)
  }
  assert.deepEqual(seen, [true, true, false, true])
})
