// Transfer encodings taken off, in whatever pieces the content comes (RFC 2045 §6.7, §6.8).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { decodeTransfer, TransferDecoder } from '../../../src/message/mime/transfer-decoder.ts'

test('quoted-printable and base64, valid and not', () => {
  for (const [encoding, content, expected] of [
    ['quoted-printable', 'a=3Db=\r\nc  \r\n=D0=90', 'a=bc\r\nА'],
    ['quoted-printable', 'soft at the end=', 'soft at the end'],
    ['quoted-printable', 'not hex: =zz and =4', 'not hex: =zz and =4'],
    ['quoted-printable', 'lf =\nand\t\nend', 'lf and\nend'],
    ['base64', '0J/R\r\ngNC40LLQtdGC\r\n', 'Привет'],
    ['base64', 'YQ==', 'a'],
    ['base64', 'Y*W!I=', 'ab'],
    ['base64', 'YWI=\r\n-- \r\nlist footer\r\n', 'ab'],
    ['7bit', 'as =3D it is', 'as =3D it is'],
    ['x-unknown', 'as it is', 'as it is'],
  ] as const)
    assert.equal(Buffer.from(decodeTransfer(Buffer.from(content), encoding)).toString(), expected, content)
})

test('in any pieces it is the same, and what was encoded comes back', () => {
  const pieces = fc.array(fc.nat(40), { maxLength: 20 })
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      pieces,
      fc.constantFrom('base64', 'quoted-printable'),
      (bytes, cuts, encoding) => {
        const content = encoding === 'base64' ? encodeBase64(bytes) : encodeQuotedPrintable(bytes)
        const decoder = new TransferDecoder(encoding)
        const decoded: Uint8Array[] = []
        let rest = Buffer.from(content)
        for (const cut of cuts) {
          decoded.push(Buffer.from(decoder.take(rest.subarray(0, cut))))
          rest = rest.subarray(cut)
        }
        decoded.push(Buffer.from(decoder.take(rest)), Buffer.from(decoder.finish()))
        assert.deepEqual(Buffer.concat(decoded), Buffer.from(bytes))
      },
    ),
  )
})

function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('base64')
    .replaceAll(/.{1,76}/g, '$&\r\n')
}

function encodeQuotedPrintable(bytes: Uint8Array): string {
  const text = [...bytes].map(byte => `=${byte.toString(16).padStart(2, '0').toUpperCase()}`)
  return text.join('').replaceAll(/(?:=..){1,25}/g, '$&=\r\n')
}
