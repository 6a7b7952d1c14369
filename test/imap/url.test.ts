// URLs of messages (RFC 5092 §11), and what authorizes them (RFC 4467 §9): what is one, and what is none.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseImapUrl } from '../../src/imap/grammar/url.ts'

const whole = { part: [], text: { kind: 'all' } }
const token = '0'.repeat(32)

test('a URL with everything in it', () => {
  const rump =
    'imap://anna%40example.test;AUTH=*@Mail.Example.test:143/Archiv/2026;UIDVALIDITY=7/;UID=20/;SECTION=1.2.HEADER.FIELDS%20(To%20Cc)/;PARTIAL=0.1024;EXPIRE=2026-12-01T10:00:00+01:00;URLAUTH=submit+boris'
  assert.deepEqual(parseImapUrl(`${rump}:internal:${token}`), {
    server: { user: 'anna@example.test', host: 'mail.example.test' },
    mailbox: 'Archiv/2026',
    uidValidity: 7,
    uid: 20,
    section: { part: [1, 2], text: { kind: 'HEADER.FIELDS', fields: ['To', 'Cc'] } },
    partial: { offset: 0, length: 1024 },
    authorization: {
      rump,
      expiresAt: Date.UTC(2026, 11, 1, 9),
      access: { kind: 'submit', user: 'boris' },
      proof: { mechanism: 'INTERNAL', token },
    },
  })
})

test('relative ones, and names with escapes', () => {
  const of = (text: string) => {
    const url = parseImapUrl(text)
    return url && [url.mailbox, url.uid]
  }
  assert.deepEqual(of('/%D0%96%3B%2F/;uid=4294967295'), ['Ж;/', 4_294_967_295])
  assert.deepEqual(of(';UID=1'), [undefined, 1])
  assert.deepEqual(of('./;UID=1'), [undefined, 1])
  assert.deepEqual(of('/a/;UID=1/;PARTIAL=5'), ['a', 1])
  assert.deepEqual(parseImapUrl('/a/;UID=1')?.section, whole)
  assert.deepEqual(parseImapUrl('imap://[::1]:143/a/;UID=1')?.server, { user: undefined, host: '[::1]' })
})

test('what is none', () => {
  for (const text of [
    '',
    'a',
    '/',
    '/;UID=1',
    '/a',
    '/a;UID=1',
    '/a/;UID=1/',
    '/a/;UID=01',
    '/a/;UID=4294967296',
    '/a/;UIDVALIDITY=1/;UID=1',
    '/a/;UID=1/;UID=1',
    '/a/;SECTION=1/;UID=1',
    '/a/;UID=1/;SECTION=',
    '/a/;UID=1/;SECTION=0',
    '/a/;UID=1/;SECTION=1]',
    '/a/;UID=1/;PARTIAL=1.0',
    '/a/;UID=1;EXPIRE=2026-12-01T10:00:00Z',
    '/a/;UID=1;EXPIRE=2026-13-01T10:00:00Z;URLAUTH=anonymous',
    '/a/;UID=1;URLAUTH=user+',
    '/a/;UID=1;URLAUTH=anonymous:INTERNAL',
    '/a/;UID=1;URLAUTH=anonymous:INTERNAL:01',
    `/a/;UID=1;URLAUTH=anonymous:INTERNAL:${token}:`,
    '/a%/;UID=1',
    '/a%00/;UID=1',
    '/a%ff/;UID=1',
    '/a b/;UID=1',
    '/a?b/;UID=1',
    'imap://',
    'imap://host',
    'imap://@host/a/;UID=1',
    'imap://ho st/a/;UID=1',
    'imap://host//;UID=1',
    'imaps://host/a/;UID=1',
    `/${'a'.repeat(4000)}/;UID=1`,
  ])
    assert.equal(parseImapUrl(text), undefined, text)
})

const pieces = ['imap://', 'a', '@', '/', ';UID=1', '/;SECTION=', '1.', 'TEXT', ';URLAUTH=', 'user+', ':', '%41', '%', '.', ']', token] // biome-ignore format: a list of words

test('any text is a URL or none, and its rump is how it begins', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 4 }))), parts => {
      const text = parts.join('')
      const url = parseImapUrl(text)
      assert.ok(text.startsWith(url?.authorization?.rump ?? ''))
    }),
    { numRuns: 5000 },
  )
})
