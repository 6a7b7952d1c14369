// The header section: where it ends, in whatever pieces it comes, which fields stand in it, and how many servers it has seen.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { countReceivedFields } from '../../src/message/count-received.ts'
import {
  countFields,
  findFieldValue,
  HeaderSplitter,
  parseHeaderFields,
} from '../../src/message/header-section.ts'
import { cutAt, nastyBytes } from '../smtp-server/nasty-bytes.ts'

type Split = 'too-long' | { readonly section: string; readonly rest: string }

const noLimit = 1_000_000

/** The whole message through the splitter: what it takes for the header section, and all that comes after. */
function split(chunks: readonly Uint8Array[], maxBytes = noLimit): Split {
  const splitter = new HeaderSplitter(maxBytes)
  for (const [index, chunk] of chunks.entries()) {
    const found = splitter.take(chunk)
    if (found === 'too-long') return found
    if (found === 'incomplete') continue
    return asText(found.section, Buffer.concat([found.rest, ...chunks.slice(index + 1)]))
  }
  const { section, rest } = splitter.finish()
  return asText(section, rest)
}

function asText(section: Uint8Array, rest: Uint8Array): Split {
  return {
    section: Buffer.from(section).toString('latin1'),
    rest: Buffer.from(rest).toString('latin1'),
  }
}

const cuts = fc.array(fc.nat(200), { maxLength: 8 })

/** Line by line, as the rule says it. */
function splitByLines(text: string): Split {
  const lines = text.match(/[^]*?\r\n|[^]+$/g) ?? []
  const isField = (line = ''): boolean => /^[!-9;-~]+[ \t]*:/.test(line)
  const [first = '', second] = lines
  const hasSeparator =
    /^>{0,6}From[ \t][^]*\r\n$/.test(first) && !isField(first) && first.length <= 1000 && isField(second)
  const start = hasSeparator ? first.length : 0
  let end = start
  for (const line of lines.slice(hasSeparator ? 1 : 0)) {
    if (!isField(line) && !(end > start && /^[ \t]/.test(line))) break
    end += line.length
  }
  return { section: text.slice(start, end), rest: text.slice(end) }
}

const fieldLike = fc.constantFrom(
  'From a Mon\r\n',
  '>From b\r\n',
  '>>>>>>From c\r\n',
  '>>>>>>>From d\r\n',
  'From : a@b\r\n',
  'From \r\n',
  'A: x\r\n',
  'B :\r\n',
  ' more\r\n',
  '\r\n',
  'No field\r\n',
  'C',
  ':',
  '\r',
  '\n',
  'я: x\r\n',
)

test('it ends before the first line that is no field, however the message is cut', () => {
  const message = fc.oneof(
    nastyBytes,
    fc.array(fieldLike, { maxLength: 8 }).map(pieces => Buffer.from(pieces.join(''))),
  )
  fc.assert(
    fc.property(message, cuts, (bytes, places) => {
      assert.deepEqual(split(cutAt(bytes, places)), splitByLines(bytes.toString('latin1')))
    }),
    { numRuns: 5000 },
  )
})

test('the limit is on the header section, however the message is cut', () => {
  fc.assert(
    fc.property(
      fc.nat(20),
      fc.string({ maxLength: 60 }),
      cuts,
      fc.boolean(),
      (length, body, places, hasEnd) => {
        const section = length === 0 ? '' : `X:${'x'.repeat(length)}\r\n`
        const message = Buffer.from(`${section}${hasEnd ? `\r\n${body}` : ''}`)
        for (const limit of [section.length, section.length + 1, noLimit])
          assert.notEqual(split(cutAt(message, places), limit), 'too-long')
        if (hasEnd && section !== '')
          assert.equal(split(cutAt(message, places), section.length - 1), 'too-long')
      },
    ),
    { numRuns: 1000 },
  )
})

for (const { what, message, section, rest = message.slice(section.length) } of [
  { what: 'a body alone', message: '\r\nText\r\n', section: '' },
  { what: 'no empty line', message: 'Subject: x\r\n', section: 'Subject: x\r\n' },
  {
    what: 'a line of blanks is not empty',
    message: 'A: x\r\n \r\nB: y\r\n\r\n',
    section: 'A: x\r\n \r\nB: y\r\n',
  },
  { what: 'a lone LF ends nothing', message: 'A: x\n\nB: y\r\n\r\n', section: 'A: x\n\nB: y\r\n' },
  { what: 'text without an empty line', message: 'A: x\r\nText\r\nB: y\r\n', section: 'A: x\r\n' },
  {
    what: 'the separator of an mbox file',
    message: 'From a@b Mon Jan  1 09:00:00 2026\r\nA: x\r\n\r\nText',
    section: 'A: x\r\n',
    rest: '\r\nText',
  },
  { what: 'no separator without a field', message: 'From now on at ten.\r\nRegards\r\n', section: '' },
  { what: 'no separator before an empty line', message: 'From now on.\r\n\r\nRegards\r\n', section: '' },
  { what: 'no separator alone', message: 'From now on we meet at ten.\r\n', section: '' },
  { what: 'a separator is not continued', message: 'From a@b\r\n folded\r\nA: x\r\n\r\n', section: '' },
  {
    what: 'a blank before the colon',
    message: 'From : a@b\r\n more\r\n\r\n',
    section: 'From : a@b\r\n more\r\n',
  },
  { what: 'a separator further down', message: 'A: x\r\nFrom a@b\r\n\r\n', section: 'A: x\r\n' },
  { what: 'text alone', message: 'Hello Anna\r\n\r\nText\r\n', section: '' },
  { what: 'a blank at the very beginning', message: ' folded\r\nA: x\r\n\r\n', section: '' },
  { what: 'a name without end', message: `${'x'.repeat(2000)}: y\r\n`, section: '' },
  { what: 'CR CR LF CR LF', message: 'A: x\r\r\n\r\nText', section: 'A: x\r\r\n' },
]) {
  test(`where it ends: ${what}`, () => {
    assert.deepEqual(split([Buffer.from(message)]), { section, rest })
  })
}

test('the pieces may be overwritten after they were taken', () => {
  const splitter = new HeaderSplitter(noLimit)
  const buffer = Buffer.from('Subject: x\r\n')
  splitter.take(buffer)
  buffer.fill('!')
  const found = splitter.take(Buffer.from('\r\nText'))
  assert.ok(typeof found === 'object')
  assert.equal(Buffer.from(found.section).toString(), 'Subject: x\r\n')
})

const section = Buffer.from(
  [
    'Received: from a',
    '\tby b;',
    ' Mon, 1 Jan 2026 00:00:00 +0000',
    'SUBJECT : Привет,',
    '  мир  ',
    'no field',
    'not a field: really',
    'X-Empty:',
    'subject:second',
    '',
  ].join('\r\n'),
)

test('fields are unfolded, and keep the place at which they stand', () => {
  const fields = parseHeaderFields(section)
  assert.deepEqual(
    fields.map(({ name, value }) => [name, value]),
    [
      ['Received', 'from a\tby b; Mon, 1 Jan 2026 00:00:00 +0000'],
      ['SUBJECT', 'Привет,  мир'],
      ['X-Empty', ''],
      ['subject', 'second'],
    ],
  )
  for (const { name, start, end } of fields) {
    const text = section.toString('utf8', start, end)
    assert.ok(text.startsWith(name) && text.endsWith('\r\n'), text)
  }
})

test('names are found whatever their letter case; the first one counts', () => {
  const fields = parseHeaderFields(section)
  assert.equal(findFieldValue(fields, 'Subject'), 'Привет,  мир')
  assert.equal(findFieldValue(fields, 'Bcc'), undefined)
  assert.equal(countFields(fields, 'SuBjEcT'), 2)
})

test('any bytes: fields do not overlap, and stand in order', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(nastyBytes, fc.constant(Buffer.from('Name: ')))), pieces => {
      const bytes = Buffer.concat(pieces)
      let end = 0
      for (const field of parseHeaderFields(bytes)) {
        assert.ok(field.start >= end && field.end > field.start && field.end <= bytes.length)
        assert.match(field.name, /^[!-9;-~]+$/)
        assert.doesNotMatch(field.value, /\n/)
        end = field.end
      }
    }),
    { numRuns: 1000 },
  )
})

test('any fields that are written are read back', () => {
  const name = fc.string({ unit: fc.constantFrom('A', 'b', '-', '9', '_'), minLength: 1, maxLength: 10 })
  const value = fc
    .string({ unit: fc.constantFrom('a', 'я', ':', ';', '<', '"', ' '), maxLength: 20 })
    .map(text => text.trim())
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), pairs => {
      const text = pairs.map(([each, words]) => `${each}: ${words.replaceAll(' ', '\r\n ')}\r\n`).join('')
      assert.deepEqual(
        parseHeaderFields(Buffer.from(text)).map(field => [field.name, field.value]),
        pairs,
      )
    }),
  )
})

test('Received fields are counted, and nothing that looks like one', () => {
  const lines = [
    'Received: from a',
    'X-Received: from b',
    'RECEIVED: from c',
    'Subject: x',
    ' Received: within a folded field',
    'received:d',
    'Received',
    'ReceivedX: e',
  ]
  assert.equal(countReceivedFields(Buffer.from(lines.join('\r\n'))), 3)
  assert.equal(countReceivedFields(Buffer.alloc(0)), 0)
  assert.equal(countReceivedFields(Buffer.from('Received:')), 1)
  assert.equal(countReceivedFields(Buffer.from('Received')), 0)
})

test('Received fields are counted as the parser of fields would', () => {
  const line = fc.constantFrom(
    'Received: x\r\n',
    'received:\r\n',
    ' Received: y\r\n',
    'A: b\r\n',
    '\tz\r\n',
    'Received\r\n',
  )
  fc.assert(
    fc.property(fc.array(line, { maxLength: 20 }), lines => {
      const bytes = Buffer.from(lines.join(''))
      assert.equal(countReceivedFields(bytes), countFields(parseHeaderFields(bytes), 'received'))
    }),
  )
})
