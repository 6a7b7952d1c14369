// What clients read: examples of the RFCs, and text that would break a line if it were not a literal.
import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import * as fc from 'fast-check'
import type { StatusItem } from '../../src/imap/grammar/commands/status.ts'
import { Cursor } from '../../src/imap/grammar/cursor.ts'
import {
  formatAcl,
  formatFetchedUrl,
  formatId,
  formatListRights,
  formatMetadata,
  formatQuota,
} from '../../src/imap/responses/account-data.ts'
import { codes } from '../../src/imap/responses/codes.ts'
import { writeFetch } from '../../src/imap/responses/fetch.ts'
import {
  formatExpunged,
  formatListed,
  formatMailboxStatus,
  formatNamespaces,
  formatVanished,
  type StatusValue,
} from '../../src/imap/responses/mailbox-data.ts'
import { formatNumberSet, toRanges } from '../../src/imap/responses/number-set.ts'
import { type Octets, type Piece, PieceWriter } from '../../src/imap/responses/octets.ts'
import { formatExtendedSearch, formatSearched } from '../../src/imap/responses/search.ts'
import { formatStatusResponse } from '../../src/imap/responses/status-response.ts'
import { formatAstring, formatString } from '../../src/imap/responses/strings.ts'
import { formatThreads, type Thread } from '../../src/imap/responses/thread.ts'
import type { Envelope, Part } from '../../src/message/structure/structure.ts'
import { usualTerms } from './parse.ts'

const old = { utf8: false }
const utf8 = { utf8: true }

const octets = (text: string): Octets => ({ size: Buffer.byteLength(text), content: Buffer.from(text) })

function together(pieces: readonly Piece[]): string {
  return pieces
    .map(piece => (typeof piece === 'string' ? piece : Buffer.from(piece.content as Uint8Array).toString()))
    .join('')
}

function formatFetch(...words: WithoutFirst<Parameters<typeof writeFetch>>): readonly Piece[] {
  const writer = new PieceWriter()
  writeFetch(writer, ...words)
  return writer.pieces
}

type WithoutFirst<Words extends readonly unknown[]> = Words extends [unknown, ...infer Rest] ? Rest : never

const terry = { name: 'Terry Gray', localPart: 'gray', domain: 'cac.example' }
const imap = { localPart: 'imap', domain: 'cac.example' }

// RFC 9051 §8
const envelope: Envelope = {
  date: 'Wed, 17 Jul 1996 02:23:25 -0700 (PDT)',
  subject: 'IMAP4rev2 WG mtg summary and minutes',
  from: [terry],
  sender: [terry],
  replyTo: [terry],
  to: [imap],
  cc: [
    { localPart: 'minutes', domain: 'CNRI.example' },
    { name: 'John Klensin', localPart: 'KLENSIN', domain: 'MIT.example' },
  ],
  bcc: [],
  messageId: '<B27397-0100000@cac.example>',
}

const text: Part = {
  kind: 'leaf',
  type: 'text',
  subtype: 'plain',
  parameters: [['charset', 'US-ASCII']],
  encoding: '7bit',
  header: { start: 0, end: 342 },
  body: { start: 342, end: 3370 },
  lines: 92,
}

describe('FETCH', () => {
  it('of the example in RFC 9051 §8', () => {
    assert.equal(
      together(
        formatFetch(
          12,
          [
            { kind: 'FLAGS', flags: ['\\Seen'] },
            { kind: 'INTERNALDATE', at: Date.UTC(1996, 6, 17, 9, 44, 25) },
            { kind: 'RFC822.SIZE', value: 4286 },
            { kind: 'ENVELOPE', envelope },
            { kind: 'BODY', structure: text },
          ],
          old,
        ),
      ),
      '* 12 FETCH (FLAGS (\\Seen) INTERNALDATE "17-Jul-1996 09:44:25 +0000" RFC822.SIZE 4286 ENVELOPE (' +
        '"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev2 WG mtg summary and minutes" ' +
        '(("Terry Gray" NIL "gray" "cac.example")) (("Terry Gray" NIL "gray" "cac.example")) ' +
        '(("Terry Gray" NIL "gray" "cac.example")) ((NIL NIL "imap" "cac.example")) ' +
        '((NIL NIL "minutes" "CNRI.example")("John Klensin" NIL "KLENSIN" "MIT.example")) NIL NIL ' +
        '"<B27397-0100000@cac.example>") BODY ("text" "plain" ("charset" "US-ASCII") NIL NIL "7bit" 3028 92))\r\n',
    )
  })

  it('of octets: announced, origin told, NIL where there are none', () => {
    const section = { part: [1], text: { kind: 'HEADER.FIELDS' as const, fields: ['To', 'X Y'] } }
    assert.equal(
      together(
        formatFetch(
          3,
          [
            { kind: 'UID', value: 77 },
            { kind: 'BODY[]', section, partial: { offset: 5, length: 9 }, octets: octets('тест') },
            { kind: 'BINARY[]', part: [2, 1], partial: undefined, octets: octets('a\0b') },
            {
              kind: 'BODY[]',
              section: { part: [9], text: { kind: 'all' } },
              partial: undefined,
              octets: null,
            },
            { kind: 'PREVIEW', text: null },
            { kind: 'MODSEQ', value: 12 },
          ],
          old,
        ),
      ),
      '* 3 FETCH (UID 77 BODY[1.HEADER.FIELDS (To "X Y")]<5> {8}\r\nтест BINARY[2.1] ~{3}\r\na\0b BODY[9] NIL PREVIEW NIL MODSEQ (12))\r\n',
    )
    assert.equal(
      together(formatFetch(77, [{ kind: 'FLAGS', flags: [] }], old, 'UIDFETCH')),
      '* 77 UIDFETCH (FLAGS ())\r\n',
    )
  })

  it('of parts within parts, with and without extension data', () => {
    const structure: Part = {
      ...text,
      kind: 'multipart',
      type: 'multipart',
      subtype: 'mixed',
      parameters: [['boundary', 'x"y']],
      language: ['en', 'ru'],
      parts: [
        text,
        {
          ...text,
          kind: 'message',
          type: 'message',
          subtype: 'rfc822',
          parameters: [],
          envelope: { ...envelope, to: [{ group: 'team' }, imap, { group: null }] },
          message: text,
          disposition: { type: 'attachment', parameters: [['filename', 'a.eml']] },
        },
      ],
    }
    const short = together(formatFetch(1, [{ kind: 'BODY', structure }], old))
    const long = together(formatFetch(1, [{ kind: 'BODYSTRUCTURE', structure }], old))
    assert.match(short, /BODY \(\("text" .* 92\)\("message" "rfc822" NIL .* 92\) "mixed"\)\)\r\n$/)
    assert.ok(long.includes('((NIL NIL "team" NIL)(NIL NIL "imap" "cac.example")(NIL NIL NIL NIL))'))
    assert.match(
      long,
      / 92 NIL \("attachment" \("filename" "a\.eml"\)\) NIL NIL\) "mixed" \("boundary" "x\\"y"\) NIL \("en" "ru"\) NIL\)\)\r\n$/,
    )
  })
})

test('mailboxes: names in both spellings, status, namespaces, what has gone', () => {
  const sent = { name: 'Отправленные', attributes: ['\\HasNoChildren', '\\Sent'] }
  assert.equal(
    formatListed(sent, old),
    '* LIST (\\HasNoChildren \\Sent) "/" &BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-\r\n',
  )
  assert.equal(formatListed(sent, utf8), '* LIST (\\HasNoChildren \\Sent) "/" "Отправленные"\r\n')
  assert.equal(
    formatListed({ name: 'a b', attributes: [], childInfo: ['SUBSCRIBED'], oldName: 'nil' }, old),
    '* LIST () "/" "a b" ("CHILDINFO" ("SUBSCRIBED") "OLDNAME" ("nil"))\r\n',
  )
  assert.equal(
    formatMailboxStatus(
      'INBOX',
      new Map<StatusItem, StatusValue>([
        ['MESSAGES', 3],
        ['MAILBOXID', 'F1'],
        ['APPENDLIMIT', null],
      ]),
      old,
    ),
    '* STATUS INBOX (MESSAGES 3 MAILBOXID (F1) APPENDLIMIT NIL)\r\n',
  )
  assert.equal(
    formatNamespaces({ personal: [''], otherUsers: [], shared: ['Shared/', 'News/'] }, old),
    '* NAMESPACE (("" "/")) NIL (("Shared/" "/")("News/" "/"))\r\n',
  )
  assert.equal(formatExpunged([3, 3, 5]), '* 3 EXPUNGE\r\n* 3 EXPUNGE\r\n* 5 EXPUNGE\r\n')
  assert.equal(formatVanished(toRanges([41, 43, 44, 45]), 'earlier'), '* VANISHED (EARLIER) 41,43:45\r\n')
})

test('searches: as RFC 3501 and as RFC 9051 have them', () => {
  assert.equal(formatSearched('SEARCH', []), '* SEARCH\r\n')
  assert.equal(formatSearched('SORT', [5, 3, 4]), '* SORT 5 3 4\r\n')
  assert.equal(formatSearched('SEARCH', [2, 5], 917_162_500), '* SEARCH 2 5 (MODSEQ 917162500)\r\n')
  assert.equal(
    formatExtendedSearch({
      tag: 'A"1',
      by: 'uid',
      min: 2,
      max: 17,
      count: 5,
      all: [2, 10, 11, 12, 17],
      page: { page: { from: 'end', first: 1, last: 100 }, numbers: [] },
      modSeq: 9,
    }),
    '* ESEARCH (TAG "A\\"1") UID MIN 2 MAX 17 ALL 2,10:12,17 COUNT 5 PARTIAL (-1:-100 NIL) MODSEQ 9\r\n',
  )
  assert.equal(formatExtendedSearch({ tag: 'a', by: 'sequence', all: [] }), '* ESEARCH (TAG "a")\r\n')
})

test('threads: rows and branches, thousands deep', () => {
  const leaf = (number: number | undefined, ...answers: Thread[]): Thread => ({ number, answers })
  const format = (threads: readonly Thread[]): string => [...formatThreads(threads)].join('')
  assert.equal(
    format([
      leaf(2),
      leaf(3, leaf(6, leaf(4, leaf(23)), leaf(44, leaf(7, leaf(96))))),
      leaf(undefined, leaf(8), leaf(9)),
    ]),
    '* THREAD (2)(3 6 (4 23)(44 7 96))((8)(9))\r\n',
  )
  assert.equal(format([]), '* THREAD\r\n')
  let deep = leaf(1)
  for (let depth = 2; depth <= 100_000; depth++) deep = leaf(depth, deep, leaf(0))
  assert.ok(format([deep]).endsWith('(0))(0))(0))\r\n'))
})

test('accounts: quota, rights, annotations, URLs, ID', () => {
  assert.equal(
    formatQuota('', [{ name: 'STORAGE', used: 10, limit: 512 }], old),
    '* QUOTA "" (STORAGE 10 512)\r\n',
  )
  assert.equal(formatAcl('INBOX', new Map([['anna', 'lrs']]), old), '* ACL INBOX anna lrs\r\n')
  assert.equal(
    formatListRights('x', { identifier: 'anna', required: '', optional: ['l', 'rs'] }, old),
    '* LISTRIGHTS x anna "" l rs\r\n',
  )
  assert.equal(
    together(
      formatMetadata(
        '',
        new Map([
          ['/shared/a', Buffer.from('x')],
          ['/shared/b', Buffer.from('\0')],
          ['/shared/c', null],
        ]),
        old,
      ),
    ),
    '* METADATA "" (/shared/a "x" /shared/b ~{1}\r\n\0 /shared/c NIL)\r\n',
  )
  assert.equal(together(formatFetchedUrl('imap://x', octets('hi'))), '* URLFETCH imap://x {2}\r\nhi\r\n')
  assert.equal(together(formatFetchedUrl('imap://x', undefined)), '* URLFETCH imap://x NIL\r\n')
  assert.equal(formatId(new Map([['name', 'Postrider']])), '* ID ("name" "Postrider")\r\n')
})

test('status responses are one line, whatever is in their text', () => {
  assert.equal(
    formatStatusResponse('a', { status: 'NO', code: codes.tryCreate, text: 'No\r\n* BYE «x»' }),
    'a NO [TRYCREATE] No?* BYE ?x?\r\n',
  )
  assert.equal(
    formatStatusResponse('a', {
      status: 'OK',
      code: codes.copyUid(9, toRanges([1, 2]), toRanges([5, 6])),
      text: '',
    }),
    'a OK [COPYUID 9 1:2 5:6] -\r\n',
  )
})

test('strings: whatever is written is read again, and no line ends in one unannounced', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 30 }), fc.boolean(), (value, isUtf8) => {
      const clean = value.replaceAll('\0', '').toWellFormed()
      const terms = { utf8: isUtf8 }
      const read = (written: string): string => {
        const cursor = new Cursor(Buffer.from(written), usualTerms)
        const text = cursor.astring('a text')
        cursor.end()
        assert.equal(cursor.problem, undefined)
        return text
      }
      const written = formatString(value, terms)
      assert.equal(read(written), clean)
      assert.equal(read(formatAstring(clean, terms)), clean)
      if (!isUtf8 && written.startsWith('"')) assert.match(written, /^[\x01-\x7f]*$/)
    }),
    { numRuns: 1000 },
  )
})

test('sets of numbers: ranges of what ascends by one', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 60 })), numbers => {
      const read = formatNumberSet(numbers)
        .split(',')
        .filter(part => part !== '')
        .flatMap(part => {
          const [first = 0, last = first] = part.split(':').map(Number)
          return Array.from({ length: last - first + 1 }, (_, index) => first + index)
        })
      assert.deepEqual(read, numbers)
    }),
  )
})
