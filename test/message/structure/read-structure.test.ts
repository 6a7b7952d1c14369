// The MIME structure of messages: kinds, extents and lines of each part, in whatever pieces the message comes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { StructureReader } from '../../../src/message/structure/read-structure.ts'
import type { MessageStructure, Part } from '../../../src/message/structure/structure.ts'

function read(message: string, pieceSize = message.length): MessageStructure {
  const bytes = Buffer.from(message, 'latin1')
  const reader = new StructureReader()
  for (let at = 0; at < bytes.length; at += Math.max(pieceSize, 1))
    reader.take(Buffer.from(bytes.subarray(at, at + Math.max(pieceSize, 1))))
  return reader.finish()
}

const lines = (...all: readonly string[]): string => all.map(line => `${line}\r\n`).join('')

/** '1 text/plain 2 lines "text"', one for each part, with the body of each leaf. */
function outline(message: string, part: Part, name = ''): string[] {
  const body = message.slice(part.body.start, part.body.end)
  const own = `${name || '-'} ${part.type}/${part.subtype} ${part.lines} ${JSON.stringify(body)}`
  const below = (parts: readonly Part[]): string[] =>
    parts.flatMap((one, at) => outline(message, one, name === '' ? `${at + 1}` : `${name}.${at + 1}`))
  if (part.kind === 'multipart') return [own.split(' ').slice(0, 3).join(' '), ...below(part.parts)]
  if (part.kind === 'message')
    return [own.split(' ').slice(0, 3).join(' '), ...outline(message, part.message, `${name}>`)]
  return [own]
}

const plain = lines('From: a@example.test', 'Subject: s', '', 'one', 'two')

const mixed = lines(
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary="b"',
  '',
  'preamble',
  '--b',
  'Content-Type: multipart/alternative; boundary=c',
  '',
  '--c',
  '',
  'plain',
  '--c',
  'Content-Type: text/html; charset=utf-8',
  'Content-Transfer-Encoding: BASE64',
  '',
  'PGI+',
  '',
  '--c--',
  'inner epilogue',
  '--b',
  'Content-Type: message/rfc822',
  'Content-Description: forwarded',
  '',
  'From: Boris <boris@example.org>',
  'Subject: inner',
  'Content-Type: multipart/mixed; boundary=d',
  '',
  '--d',
  'Content-Type: image/png; name="a b.png"',
  'Content-Disposition: attachment; filename="a b.png"',
  'Content-ID: <x@y>',
  '',
  'png',
  '--d--',
  '--b--',
  'epilogue',
)

test('a message without MIME is one part of text', () => {
  const { root, envelope, isTruncated } = read(plain)
  assert.deepEqual(outline(plain, root), ['- text/plain 2 "one\\r\\ntwo\\r\\n"'])
  assert.deepEqual(root.parameters, [['charset', 'us-ascii']])
  assert.deepEqual(root.header, { start: 0, end: plain.indexOf('one') })
  assert.equal(envelope.subject, 's')
  assert.equal(isTruncated, false)
})

test('parts in parts: what belongs to each, without the delimiters around it', () => {
  const { root } = read(mixed)
  assert.deepEqual(outline(mixed, root), [
    '- multipart/mixed 32',
    '1 multipart/alternative 11',
    '1.1 text/plain 1 "plain"',
    '1.2 text/html 1 "PGI+\\r\\n"',
    '2 message/rfc822 11',
    '2> multipart/mixed 7',
    '2>.1 image/png 1 "png"',
  ])
  assert.ok(root.kind === 'multipart')
  const [alternative, forwarded] = root.parts
  assert.ok(alternative && forwarded?.kind === 'message' && forwarded.message.kind === 'multipart')
  assert.equal(
    mixed.slice(alternative.body.start, alternative.body.end),
    mixed.slice(mixed.indexOf('--c\r\n'), mixed.indexOf('\r\n--b\r\nContent-Type: message')),
  )
  assert.equal(forwarded.envelope.subject, 'inner')
  assert.deepEqual(forwarded.envelope.from, [{ name: 'Boris', localPart: 'boris', domain: 'example.org' }])
  assert.equal(forwarded.description, 'forwarded')
  const [image] = forwarded.message.parts
  assert.deepEqual(image?.disposition, { type: 'attachment', parameters: [['filename', 'a b.png']] })
  assert.deepEqual([image?.id, image?.parameters], ['<x@y>', [['name', 'a b.png']]])
  const [, html] = alternative.kind === 'multipart' ? alternative.parts : []
  assert.equal(html?.encoding, 'base64')
})

test('in whatever pieces a message comes, its structure is the same', () => {
  for (const message of [plain, mixed]) {
    const whole = read(message)
    for (let size = 1; size < 40; size++) assert.deepEqual(read(message, size), whole, `pieces of ${size}`)
  }
})

test('messages that end too early, or lack what they announce', () => {
  for (const [message, expected] of [
    ['', ['- text/plain 0 ""']],
    ['Subject: only', ['- text/plain 0 ""']],
    ['Subject: s\r\n\r\nno end', ['- text/plain 1 "no end"']],
    [
      'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nopen',
      ['- multipart/mixed 3', '1 text/plain 1 "open"'],
    ],
    ['Content-Type: multipart/mixed; boundary=b\r\n\r\nnothing', ['- multipart/mixed 1 "nothing"']],
    ['Content-Type: multipart/mixed\r\n\r\nno boundary', ['- multipart/mixed 1 "no boundary"']],
    ['Content-Type: message/rfc822\r\n\r\n', ['- message/rfc822 0', '> text/plain 0 ""']],
    [
      'Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: in\r\n\r\ntext\r\n--b--\r\n',
      ['- multipart/digest 6', '1 message/rfc822 3', '1> text/plain 1 "text"'],
    ],
  ] as const)
    assert.deepEqual(outline(message, read(message).root), expected, JSON.stringify(message))
})

test('what is too deep, too much or too long is one part, told to be so', () => {
  const deep = 'Content-Type: message/rfc822\r\n\r\n'.repeat(10_000)
  const many = `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\n'.repeat(20_000)}`
  const long = `X: ${'x'.repeat(900_000)}\r\n\r\ntext`
  const heavy = `Content-Type: multipart/mixed; boundary=b\r\n\r\n${`--b\r\nContent-Description: ${'x'.repeat(100_000)}\r\n\r\n`.repeat(12)}`
  for (const message of [deep, many, long, heavy]) {
    const { root, isTruncated } = read(message, 8192)
    assert.equal(isTruncated, true)
    assert.deepEqual([root.kind, root.type, root.body.end], ['leaf', 'application', message.length])
  }
})

test('no bytes make it throw, and extents stay inside of each other', () => {
  const word = fc.constantFrom(
    'Content-Type: multipart/mixed; boundary=b',
    'Content-Type: multipart/digest; boundary=bb',
    'Content-Type: message/rfc822',
    'Content-Type: text/plain; charset=x',
    '--b',
    '--b--',
    '--bb',
    '--bb--',
    '',
    'text',
    '\r',
    'a: b\nc',
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 40 }), fc.constantFrom('\r\n', '\n', ''), (words, end) => {
      const message = words.join(end === '' ? '\r\n' : end)
      const { root } = read(message, 7)
      const inside = (part: Part, start: number, stop: number): void => {
        assert.ok(start <= part.header.start && part.header.start <= part.header.end)
        assert.ok(
          part.header.end === part.body.start && part.body.start <= part.body.end && part.body.end <= stop,
        )
        let from = part.body.start
        const below = part.kind === 'multipart' ? part.parts : part.kind === 'message' ? [part.message] : []
        for (const one of below) {
          inside(one, from, part.body.end)
          from = one.body.end
        }
      }
      inside(root, 0, message.length)
      assert.equal(root.body.end, message.length)
    }),
  )
})
