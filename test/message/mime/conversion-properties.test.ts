// Whatever is converted: it goes through every server, and who decodes it finds what was sent.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { nastyBytes } from '../../smtp-server/nasty-bytes.ts'
import { convert, sevenBit, shortLines } from './convert.ts'

interface Leaf {
  readonly kind: 'leaf'
  readonly type: string | undefined
  readonly content: Buffer
}
interface Multipart {
  readonly kind: 'multipart'
  readonly parts: readonly Part[]
}
interface Contained {
  readonly kind: 'message'
  readonly part: Part
}
type Part = Leaf | Multipart | Contained

const line = fc
  .array(
    fc.constantFrom(
      'a',
      'привет',
      ' ',
      '\t',
      '=',
      '--',
      '--b0',
      '.',
      'From ',
      '=3D',
      'é',
      '🙂',
      'x'.repeat(400),
    ),
    { maxLength: 6 },
  )
  .map(words => words.join(''))
const text = fc.array(line, { maxLength: 5 }).map(lines => Buffer.from(lines.join('\r\n')))
const binary = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)),
  fc
    .array(fc.constantFrom('\r', '\n', '\r\n', '-', '--b0', '\0', 'é', ' '), { maxLength: 20 })
    .map(parts => Buffer.from(parts.join(''))),
)

const leaf: fc.Arbitrary<Part> = fc.oneof(
  fc.record({
    kind: fc.constant('leaf' as const),
    type: fc.constantFrom('text/plain; charset=utf-8', 'text/html', undefined),
    content: text,
  }),
  fc.record({
    kind: fc.constant('leaf' as const),
    type: fc.constantFrom('application/pdf', 'image/png; name="b.png"'),
    content: fc.oneof(binary, text),
  }),
)

const parts = fc.letrec<{ part: Part }>(tie => ({
  part: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.record({
      kind: fc.constant('multipart' as const),
      parts: fc.array(tie('part'), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant('message' as const), part: tie('part') }),
  ),
})).part

/** No content may have its boundary at the beginning of a line: as RFC 2046 §5.1.1 demands of whoever writes it. */
function render(part: Part, level: number): { readonly fields: string; readonly body: Buffer } {
  switch (part.kind) {
    case 'leaf': {
      const type = part.type === undefined ? '' : `Content-Type: ${part.type}\r\n`
      return { fields: `${type}Content-Transfer-Encoding: binary\r\n`, body: part.content }
    }
    case 'message': {
      const inner = render(part.part, level)
      return {
        fields: 'Content-Type: message/rfc822\r\nContent-Transfer-Encoding: BINARY (as it is)\r\n',
        body: Buffer.concat([
          Buffer.from(`Subject: Inner\r\nMIME-Version: 1.0\r\n${inner.fields}\r\n`),
          inner.body,
        ]),
      }
    }
    case 'multipart': {
      const boundary = `=_boundary ${level} of the test`
      const pieces = part.parts.flatMap((one, index) => {
        // Boundaries that begin alike.
        const { fields, body } = render(one, level * 10 + index)
        return [Buffer.from(`\r\n--${boundary}\r\n${fields}\r\n`), body]
      })
      return {
        fields: `Content-Type: multipart/mixed;\r\n\tboundary="${boundary}"\r\nContent-Transfer-Encoding: 8bit\r\n`,
        body: Buffer.concat([
          Buffer.from('Préambule'),
          ...pieces,
          Buffer.from(`\r\n--${boundary}--\r\nÉpilogue`),
        ]),
      }
    }
    default:
      return part satisfies never
  }
}

/** A reader of its own, which knows nothing of pieces. */
function decode(message: Buffer, original: Part): void {
  const end = message.indexOf('\r\n\r\n')
  // A part may have no fields at all.
  const headerText = message.subarray(0, 2).toString() === '\r\n' ? '' : message.toString('latin1', 0, end)
  const body = message.subarray(headerText === '' ? 2 : end + 4)
  const header = headerText.replaceAll(/\r\n[ \t]+/g, ' ')
  const field = (name: string): string =>
    new RegExp(`^${name}: (.*)$`, 'im').exec(header.replaceAll('\r', ''))?.[1] ?? ''
  const encoding = field('content-transfer-encoding').toLowerCase()
  switch (original.kind) {
    case 'leaf': {
      if (encoding === 'quoted-printable') assert.deepEqual(decodeQuotedPrintable(body), original.content)
      else if (encoding === 'base64')
        assert.deepEqual(Buffer.from(body.toString('latin1'), 'base64'), original.content)
      else {
        assert.equal(encoding, '7bit')
        assert.deepEqual(body, original.content)
      }
      break
    }
    case 'message':
      assert.equal(encoding, '7bit')
      decode(body, original.part)
      break
    case 'multipart': {
      assert.equal(encoding, '7bit')
      const boundary = /boundary="([^"]*)"/.exec(header)?.[1] ?? ''
      const between = body
        .toString('latin1')
        .split(`\r\n--${boundary}--`)[0]
        ?.split(`\r\n--${boundary}\r\n`)
        .slice(1)
      assert.equal(between?.length, original.parts.length)
      for (const [index, part] of original.parts.entries())
        decode(Buffer.from(between[index] ?? '', 'latin1'), part)
      break
    }
    default:
      original satisfies never
  }
}

function decodeQuotedPrintable(body: Buffer): Buffer {
  const joined = body
    .toString('latin1')
    .split('\r\n')
    // RFC 2045 §6.7 (3)
    .map(one => one.replace(/[ \t]+$/, ''))
    .join('\r\n')
    .replaceAll('=\r\n', '')
  return Buffer.from(
    joined.replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
}

function assertGoesAnywhere(message: Buffer): void {
  const octets = message.toString('latin1')
  assert.doesNotMatch(octets, /[\0\x80-\xff]/)
  assert.doesNotMatch(octets, /\r(?!\n)|(?<!\r)\n/)
  for (const one of octets.split('\r\n')) assert.ok(one.length <= 998, `a line of ${one.length}`)
}

function asMessage(part: Part): Buffer {
  const { fields, body } = render(part, 1)
  return Buffer.concat([Buffer.from(`From: anna@example.test\r\n${fields}\r\n`), body])
}

void test('any message becomes one that goes anywhere, and is the same when it is decoded', () => {
  fc.assert(
    fc.property(parts, fc.integer({ min: 1, max: 200 }), (part, pieceSize) => {
      const message = asMessage(part)
      const converted = convert(message, sevenBit, pieceSize)
      assert.ok(typeof converted !== 'string', String(converted))
      assertGoesAnywhere(converted)
      decode(converted, part)
    }),
    { numRuns: 500 },
  )
})

void test('how a message is cut into pieces makes no difference', () => {
  fc.assert(
    fc.property(parts, fc.integer({ min: 1, max: 50 }), (part, pieceSize) => {
      const message = asMessage(part)
      assert.deepEqual(convert(message, sevenBit, pieceSize), convert(message, sevenBit, message.length))
    }),
    { numRuns: 200 },
  )
})

void test('what is converted needs no more of it', () => {
  fc.assert(
    fc.property(parts, part => {
      const once = convert(asMessage(part))
      assert.ok(typeof once !== 'string')
      assert.deepEqual(convert(once), once)
    }),
    { numRuns: 200 },
  )
})

void test('whatever bytes there are: a problem with a name, or a message that goes anywhere', () => {
  const pieces = fc.constantFrom(
    'Content-Type: multipart/mixed; boundary=b\r\n', 'Content-Type: message/rfc822\r\n', 'Content-Type: text/plain\r\n',
    'Content-Transfer-Encoding: base64\r\n', 'Content-Transfer-Encoding: quoted-printable\r\n', '\r\n', '--b\r\n', '--b--\r\n',
    '\r\n--b', 'Subject: привет\r\n', 'From: Анна <a@b.test>, "я" <c@пример.рф>\r\n', '\n', '\r', ' é', '=E9', '=\r\n', 'x'.repeat(1200),
    'Content-Disposition: attachment; filename="é;.txt"\r\n', 'Content-Type: multipart/signed; boundary=b\r\n',
  ) // biome-ignore format: a list of pieces
  const anything = fc
    .array(
      fc.oneof(
        pieces.map(one => Buffer.from(one)),
        nastyBytes,
      ),
      { maxLength: 30 },
    )
    .map(all => Buffer.concat(all))
  fc.assert(
    fc.property(anything, fc.integer({ min: 1, max: 60 }), (message, pieceSize) => {
      const converted = convert(message, sevenBit, pieceSize)
      if (typeof converted === 'string')
        assert.match(converted, /^(?:signed|address|unreadable|header-too-long|too-many-parts)$/)
      else assert.doesNotMatch(converted.toString('latin1'), /[\x80-\xff]/)
    }),
    { numRuns: 1000 },
  )
})

void test('for a server that takes 8 bits only long lines are changed', () => {
  fc.assert(
    fc.property(text, content => {
      const message = Buffer.concat([
        Buffer.from(
          'Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n',
        ),
        content,
      ])
      const converted = convert(message, shortLines)
      assert.ok(typeof converted !== 'string')
      const isLong = content
        .toString('latin1')
        .split('\r\n')
        .some(one => one.length > 998)
      if (isLong) decode(converted, { kind: 'leaf', type: 'text/plain', content })
      else assert.deepEqual(converted, message)
      for (const one of converted.toString('latin1').split('\r\n')) assert.ok(one.length <= 998)
    }),
  )
})
