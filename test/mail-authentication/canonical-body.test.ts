// The canonical body is the one of RFC 6376 §3.4, in whatever pieces it comes.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { array, assert as check, constantFrom, property } from 'fast-check'
import { CanonicalBody, type Canonicalization } from '../../src/mail-authentication/dkim/canonical-body.ts'

/** As the RFC says it, of the whole body at once. */
function asTheRfcSays(canonicalization: Canonicalization, body: string): string {
  const reduced =
    canonicalization === 'simple'
      ? body
      : body
          .split('\r\n')
          .map(line => line.replaceAll(/[ \t]+/g, ' ').replace(/ $/, ''))
          .join('\r\n')
  const content = reduced.replace(/(?:\r\n)+$/, '')
  return content === '' && canonicalization === 'relaxed' ? '' : `${content}\r\n`
}

function canonical(canonicalization: Canonicalization, pieces: readonly string[]): string {
  let text = ''
  const body = new CanonicalBody(canonicalization, piece => {
    text += Buffer.from(piece).toString('latin1')
  })
  for (const piece of pieces) body.write(Buffer.from(piece, 'latin1'))
  body.finish()
  return text
}

const word = constantFrom(
  ' ',
  '\t',
  '\r\n',
  '\r\n\r\n',
  '\r',
  '\n',
  'a',
  'bc',
  'd e',
  '  ',
  '.',
  '\xe9',
  'x '.repeat(5),
)
const pieces = array(
  array(word, { maxLength: 6 }).map(words => words.join('')),
  { maxLength: 8 },
)

for (const canonicalization of ['simple', 'relaxed'] as const) {
  describe(`the ${canonicalization} body`, () => {
    it('is that of the RFC, whatever the pieces', () => {
      check(
        property(pieces, parts =>
          assert.equal(canonical(canonicalization, parts), asTheRfcSays(canonicalization, parts.join(''))),
        ),
        { numRuns: 2000 },
      )
    })

    it('is the same octet by octet', () => {
      const body = ' C \r\nD \t E\r\n\r\n\r\n'
      assert.equal(canonical(canonicalization, body.split('')), canonical(canonicalization, [body]))
    })
  })
}

describe('the examples of RFC 6376 §3.4.5', () => {
  const body = ' C \r\nD \t E\r\n\r\n\r\n'
  it('relaxed', () => assert.equal(canonical('relaxed', [body]), ' C\r\nD E\r\n'))
  it('simple', () => assert.equal(canonical('simple', [body]), ' C \r\nD \t E\r\n'))
  it('empty', () => {
    assert.equal(canonical('simple', []), '\r\n')
    assert.equal(canonical('relaxed', []), '')
  })
})

describe('a body of empty lines only, or of white space', () => {
  it('is held in no memory', () => {
    let passed = 0
    const body = new CanonicalBody('relaxed', piece => {
      passed += piece.length
    })
    const lines = Buffer.from('\r\n \t'.repeat(10_000))
    for (let count = 0; count < 100; count++) body.write(lines)
    assert.equal(passed, 0)
    body.write(Buffer.from('x'))
    assert.equal(passed, 100 * 2 * 10_000 + 2)
  })
})
