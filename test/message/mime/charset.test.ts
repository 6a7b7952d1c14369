// The value of a parameter, however it is written (RFC 2045 §5.1, RFC 2231 §3 and §4).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parameterOf } from '../../../src/message/mime/charset.ts'

const cases: readonly (readonly [string, string | undefined])[] = [
  ['attachment', undefined],
  ['attachment; filename="a b.pdf"', 'a b.pdf'],
  ["attachment; filename*=utf-8''%D0%94%D0%BE%D0%B3.pdf", 'Дог.pdf'],
  ["attachment; FileName*=KOI8-R'ru'%E4%CF%C7.pdf", 'Дог.pdf'],
  // §4.1: a program that knows no pieces reads the plain one.
  ["attachment; filename=dog.pdf; filename*=utf-8''%D0%94.pdf", 'Д.pdf'],
  ['attachment; filename*0="annual "; filename*1=report.pdf', 'annual report.pdf'],
  ["attachment; filename*1*=%B3.pdf; filename*0*=utf-8''%D0%94%D0%BE%D0", 'Дог.pdf'],
  ["attachment; filename*0*=utf-8''%D0%94; filename*1=%20.pdf", 'Д%20.pdf'],
  // What is wrong tells as much as it can.
  ['attachment; filename*=%D0%94.pdf', 'Д.pdf'],
  ["attachment; filename*=x-nobody''100%.pdf", '100%.pdf'],
  ['attachment; filename*1=b.pdf', undefined],
  ["attachment; filename*=utf-8''", ''],
]

test('a parameter comes as its text', () => {
  for (const [value, expected] of cases)
    assert.equal(
      parameterOf(
        [{ name: 'Content-Disposition', value, start: 0, end: 0 }],
        'content-disposition',
        'filename',
      ),
      expected,
      value,
    )
})
