// What the grammar makes of commands: examples of the RFCs, and what is none.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findLiteralMark } from '../../src/imap/grammar/literal-mark.ts'
import { resolveRanges } from '../../src/imap/grammar/sequence-set.ts'
import { problemOf, readAppend, readCommand, utf8Terms } from './parse.ts'

const day = Date.UTC(1994, 1, 1)

describe('commands', () => {
  it('LOGIN: names and passwords in any of the three forms', () => {
    for (const line of [
      'a LOGIN anna@example.test sec]ret',
      'a login "anna@example.test" "sec]ret"',
      'a Login {17+}\r\nanna@example.test {7}\r\nsec]ret',
    ])
      assert.deepEqual(readCommand(line), {
        verb: 'LOGIN',
        name: 'anna@example.test',
        password: 'sec]ret',
      })
    assert.deepEqual(readCommand('a LOGIN "a\\"b\\\\c" "пароль"'), {
      verb: 'LOGIN',
      name: 'a"b\\c',
      password: 'пароль',
    })
  })

  it('AUTHENTICATE with and without an initial response', () => {
    const command = { verb: 'AUTHENTICATE', mechanism: 'PLAIN' }
    assert.deepEqual(readCommand('a AUTHENTICATE plain'), { ...command, initialResponse: undefined })
    assert.deepEqual(readCommand('a AUTHENTICATE PLAIN ='), { ...command, initialResponse: '=' })
    assert.deepEqual(readCommand('a AUTHENTICATE PLAIN AGE='), { ...command, initialResponse: 'AGE=' })
  })

  it('SELECT with QRESYNC (RFC 7162 §3.2.5)', () => {
    assert.deepEqual(
      readCommand('A03 SELECT INBOX (QRESYNC (67890007 90060115194045000 41:211,214:541 (1:3 41,43,45)))'),
      {
        verb: 'SELECT',
        mailbox: 'INBOX',
        condstore: false,
        quickResync: {
          uidValidity: 67_890_007,
          modSeq: Number.MAX_SAFE_INTEGER,
          knownUids: [
            { first: 41, last: 211 },
            { first: 214, last: 541 },
          ],
          match: {
            sequences: [{ first: 1, last: 3 }],
            uids: [
              { first: 41, last: 41 },
              { first: 43, last: 43 },
              { first: 45, last: 45 },
            ],
          },
        },
      },
    )
    assert.equal(problemOf('a SELECT x (QRESYNC (1 2 3 (1:2 5)))').startsWith('syntax: QRESYNC needs'), true)
  })

  it('mailbox names: INBOX in any case, modified UTF-7, UTF-8', () => {
    const name = (text: string, terms = utf8Terms): unknown => {
      const command = readCommand(`a DELETE ${text}`, terms)
      return 'mailbox' in command ? command.mailbox : undefined
    }
    assert.equal(name('inBox'), 'INBOX')
    assert.equal(name('inbox/Work'), 'INBOX/Work')
    assert.equal(name('inboxes'), 'inboxes')
    assert.equal(name('"Входящие"'), 'Входящие')
    assert.equal(name('"R&D"'), 'R&D')
    const sevenBit = { ...utf8Terms, utf8Names: false }
    assert.equal(name('&BBIERQQ+BDQETwRJBDgENQ-', sevenBit), 'Входящие')
    assert.equal(name('~peter/mail/&U,BTFw-/&ZeVnLIqe-', sevenBit), '~peter/mail/台北/日本語')
    assert.equal(name('R&-D', sevenBit), 'R&D')
    for (const wrong of ['R&D', '&AGE-', '&Jjo', '&2AA-', '&Jjo-&Jjo-', '"Входящие"'])
      assert.match(problemOf(`a DELETE ${wrong}`, sevenBit), /^mailbox-name: .*modified UTF-7/)
    assert.match(problemOf('a DELETE "a\tb"'), /^mailbox-name/)
  })

  it('LIST with all that RFC 5258 and its kin add', () => {
    assert.deepEqual(
      readCommand(
        'a LIST (SUBSCRIBED RECURSIVEMATCH) "" ("INBOX" Drafts% "Sent/%") RETURN (CHILDREN STATUS (MESSAGES SIZE))',
      ),
      {
        verb: 'LIST',
        selection: ['SUBSCRIBED', 'RECURSIVEMATCH'],
        reference: '',
        patterns: ['INBOX', 'Drafts%', 'Sent/%'],
        returns: {
          subscribed: false,
          children: true,
          specialUse: false,
          myRights: false,
          status: ['MESSAGES', 'SIZE'],
        },
      },
    )
    assert.match(problemOf('a LIST (RECURSIVEMATCH) "" *'), /needs SUBSCRIBED/)
    assert.match(problemOf(`a LIST "" (${'a '.repeat(100)}b)`), /100 patterns at most/)
    assert.deepEqual(readCommand('a LSUB "#news." "comp.mail.*"'), {
      verb: 'LSUB',
      reference: '#news.',
      pattern: 'comp.mail.*',
    })
  })

  it('FETCH: attributes, sections, partials, modifiers', () => {
    assert.deepEqual(
      readCommand(
        'a UID FETCH 1:* (FLAGS BODY BODY.PEEK[1.2.HEADER.FIELDS (To "Cc")]<5.100> BINARY[3] BINARY.SIZE[] PREVIEW (LAZY) BODY[TEXT]) (CHANGEDSINCE 12 VANISHED)',
      ),
      {
        verb: 'FETCH',
        by: 'uid',
        set: { kind: 'ranges', ranges: [{ first: 1, last: '*' }] },
        attributes: [
          { kind: 'FLAGS' },
          { kind: 'BODY' },
          {
            kind: 'BODY[]',
            section: { part: [1, 2], text: { kind: 'HEADER.FIELDS', fields: ['To', 'Cc'] } },
            partial: { offset: 5, length: 100 },
            peek: true,
          },
          { kind: 'BINARY[]', part: [3], partial: undefined, peek: false },
          { kind: 'BINARY.SIZE[]', part: [] },
          { kind: 'PREVIEW', lazy: true },
          {
            kind: 'BODY[]',
            section: { part: [], text: { kind: 'TEXT' } },
            partial: undefined,
            peek: false,
          },
        ],
        changedSince: 12,
        vanished: true,
        page: undefined,
      },
    )
    const fast = readCommand('a FETCH 2,4:7,9,12:* fast')
    assert.ok(fast.verb === 'FETCH')
    assert.deepEqual(
      fast.attributes.map(({ kind }) => kind),
      ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'],
    )
    const page = readCommand('a UID FETCH 1:* (UID PREVIEW FLAGS) (PARTIAL -1:-30)')
    assert.ok(page.verb === 'FETCH')
    assert.deepEqual(page.page, { from: 'end', first: 1, last: 30 })
    for (const wrong of [
      'a FETCH 1 (VANISHED)',
      'a FETCH 1 BODY[MIME]',
      'a FETCH 1 BODY[1.]',
      'a FETCH 1 BODY[]<1.0>',
      'a FETCH 1 BODY[]<1>',
      'a FETCH 1 (FLAGS ALL)',
      'a FETCH 1 ()',
      'a FETCH 0 FLAGS',
      'a FETCH 1:2:3 FLAGS',
      'a FETCH 4294967296 FLAGS',
      'a FETCH FLAGS',
      'a FETCH 1  FLAGS',
      'a FETCH 1 FLAGS ',
      'a FETCH 1 BODY.PEEK',
      'a FETCH 1 FLAGS (PARTIAL 1:2)',
    ])
      assert.match(problemOf(wrong), /^syntax: /, wrong)
  })

  it('STORE with UNCHANGEDSINCE', () => {
    assert.deepEqual(
      readCommand('d105 STORE 7,5,9 (UNCHANGEDSINCE 320162338) +FLAGS.SILENT (\\deleted $X $X)'),
      {
        verb: 'STORE',
        by: 'sequence',
        set: {
          kind: 'ranges',
          ranges: [
            { first: 7, last: 7 },
            { first: 5, last: 5 },
            { first: 9, last: 9 },
          ],
        },
        unchangedSince: 320_162_338,
        action: 'add',
        silent: true,
        flags: ['\\Deleted', '$X'],
      },
    )
    const bare = readCommand('a STORE 1 -FLAGS \\Seen a b')
    assert.deepEqual('flags' in bare && bare.flags, ['\\Seen', 'a', 'b'])
    assert.match(problemOf('a STORE 1 FLAGS (\\Recent)'), /no flag \\Recent/)
  })

  it('SEARCH: keys within keys, dates, charsets, results', () => {
    assert.deepEqual(
      readCommand('A282 SEARCH RETURN (MIN COUNT SAVE) FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"'),
      {
        verb: 'SEARCH',
        by: 'sequence',
        returns: { min: true, max: false, all: false, count: true, save: true, page: undefined },
        key: {
          kind: 'and',
          keys: [
            { kind: 'flag', flag: '\\Flagged' },
            { kind: 'date', of: 'internal', relation: 'since', day },
            { kind: 'not', key: { kind: 'header', field: 'from', text: 'Smith' } },
          ],
        },
      },
    )
    const koi8 = Buffer.from('a UID SEARCH CHARSET KOI8-R OR TEXT {3}\r\n\xcd\xc9\xd2 (UNSEEN $)', 'latin1')
    assert.deepEqual(readCommand(koi8), {
      verb: 'SEARCH',
      by: 'uid',
      returns: undefined,
      key: {
        kind: 'or',
        left: { kind: 'text', text: 'мир' },
        right: {
          kind: 'and',
          keys: [
            { kind: 'not', key: { kind: 'flag', flag: '\\Seen' } },
            { kind: 'messages', by: 'sequence', set: { kind: 'saved' } },
          ],
        },
      },
    })
    const modSeq = readCommand('a SEARCH MODSEQ "/flags/\\\\draft" all 620162338')
    assert.deepEqual('key' in modSeq && modSeq.key, { kind: 'mod-seq', modSeq: 620_162_338 })
    assert.match(problemOf('a SEARCH CHARSET x-none TEXT a'), /^charset: /)
    assert.match(problemOf('a SEARCH RETURN (ALL PARTIAL 1:2) ALL'), /exclude/)
    for (const wrong of [
      'a SEARCH',
      'a SEARCH ',
      'a SEARCH OR ALL',
      'a SEARCH (ALL',
      'a SEARCH BEFORE 31-Feb-2026',
    ])
      assert.match(problemOf(wrong), /^syntax: /, wrong)
  })

  it('SORT and THREAD (RFC 5256)', () => {
    assert.deepEqual(readCommand('A283 UID SORT (SUBJECT REVERSE DATE) UTF-8 ALL'), {
      verb: 'SORT',
      by: 'uid',
      returns: undefined,
      criteria: [
        { key: 'SUBJECT', reverse: false },
        { key: 'DATE', reverse: true },
      ],
      key: { kind: 'all' },
    })
    assert.deepEqual(readCommand('A THREAD references UTF-8 SEEN'), {
      verb: 'THREAD',
      by: 'sequence',
      algorithm: 'REFERENCES',
      key: { kind: 'flag', flag: '\\Seen' },
    })
  })

  it('NOTIFY (RFC 5465)', () => {
    assert.deepEqual(
      readCommand(
        'a NOTIFY SET STATUS (selected (MessageNew (UID BODY.PEEK[]) MessageExpunge)) (subtree Lists NONE)',
      ),
      {
        verb: 'NOTIFY',
        status: true,
        groups: [
          {
            filter: { kind: 'selected' },
            events: ['MessageNew', 'MessageExpunge'],
            attributes: [
              { kind: 'UID' },
              {
                kind: 'BODY[]',
                section: { part: [], text: { kind: 'all' } },
                partial: undefined,
                peek: true,
              },
            ],
          },
          { filter: { kind: 'subtree', mailboxes: ['Lists'] }, events: [], attributes: [] },
        ],
      },
    )
    assert.match(problemOf('a NOTIFY SET (inboxes (MessageNew))'), /go together/)
  })

  it('METADATA, ACL, QUOTA, URLAUTH, ID, CREATE with USE', () => {
    assert.deepEqual(
      readCommand('a GETMETADATA (MAXSIZE 1024 DEPTH 1) "INBOX" (/Shared/Comment /private/x)'),
      {
        verb: 'GETMETADATA',
        mailbox: 'INBOX',
        entries: ['/shared/comment', '/private/x'],
        maxSize: 1024,
        depth: '1',
      },
    )
    assert.deepEqual(readCommand('a SETMETADATA INBOX (/private/c ~{2}\r\n\0! /private/d NIL)'), {
      verb: 'SETMETADATA',
      mailbox: 'INBOX',
      entries: new Map([
        ['/private/c', Buffer.from('\0!')],
        ['/private/d', null],
      ]),
    })
    assert.match(problemOf('a GETMETADATA "" /private//c'), /An entry has a name/)
    assert.deepEqual(readCommand('a SETACL INBOX boris +lrsl'), {
      verb: 'SETACL',
      mailbox: 'INBOX',
      identifier: 'boris',
      action: 'add',
      rights: 'lrs',
    })
    assert.deepEqual(readCommand('a SETQUOTA "" (STORAGE 512)'), {
      verb: 'SETQUOTA',
      root: '',
      limits: new Map([['STORAGE', 512]]),
    })
    assert.deepEqual(readCommand('a ID ("Name" "x" "version" NIL)'), {
      verb: 'ID',
      fields: new Map([
        ['name', 'x'],
        ['version', null],
      ]),
    })
    assert.deepEqual(readCommand('a CREATE Sent (USE (\\sent \\New))'), {
      verb: 'CREATE',
      mailbox: 'Sent',
      specialUse: ['\\Sent', '\\New'],
    })
    assert.deepEqual(readCommand('a GENURLAUTH "imap://h/INBOX;uid=2;urlauth=submit+anna" INTERNAL'), {
      verb: 'GENURLAUTH',
      urls: [{ url: 'imap://h/INBOX;uid=2;urlauth=submit+anna', mechanism: 'INTERNAL' }],
    })
    assert.deepEqual(readCommand('a URLFETCH imap://x ("imap://y" BODYPARTSTRUCTURE binary)'), {
      verb: 'URLFETCH',
      urls: [
        { url: 'imap://x', wants: undefined },
        { url: 'imap://y', wants: { content: 'BINARY', structure: true } },
      ],
    })
    assert.match(problemOf('a URLFETCH (imap://x BODY BINARY)'), /one of BODY and BINARY/)
    assert.match(problemOf('a URLFETCH (imap://x FLAGS)'), /URLFETCH knows BODY/)
    assert.deepEqual(readCommand('a RESETKEY INBOX internal'), {
      verb: 'RESETKEY',
      mailbox: 'INBOX',
      mechanisms: ['INTERNAL'],
    })
  })

  it('have a tag, a blank and a name, or a problem that knows its tag', () => {
    assert.match(problemOf(''), /Expected a tag/)
    assert.match(problemOf('+ NOOP'), /Expected a tag/)
    assert.match(problemOf('a'), /Expected a blank/)
    assert.match(problemOf('a UID NOOP'), /goes with UID/)
    assert.match(problemOf('a NOOP x'), /the end of the command at character 7/)
    assert.match(problemOf(`${'t'.repeat(201)} NOOP`), /A tag has 200/)
  })
})

describe('APPEND, in steps', () => {
  const plain = { flags: [], internalDate: undefined, utf8: false }

  it('one message, with the mailbox as a literal', () => {
    assert.deepEqual(
      readAppend('a APPEND {5}\r\ninbox (\\Seen x) "01-Feb-1994 03:00:00 +0300" {4+}\r\nbody'),
      [
        { kind: 'mailbox', mailbox: 'INBOX', replaces: undefined },
        { kind: 'message', message: { flags: ['\\Seen', 'x'], internalDate: day, utf8: false } },
        { kind: 'octets', text: 'body' },
        { kind: 'message-end' },
      ],
    )
  })

  it('several messages, UTF8 and CATENATE', () => {
    assert.deepEqual(
      readAppend(
        'a APPEND Drafts UTF8 (~{3}\r\nа!) CATENATE (URL "/INBOX/;UID=1" TEXT {2+}\r\nhi URL {8}\r\n/x;UID=2 TEXT {0}\r\n) {1}\r\nz',
      ),
      [
        { kind: 'mailbox', mailbox: 'Drafts', replaces: undefined },
        { kind: 'message', message: { ...plain, utf8: true } },
        { kind: 'octets', text: 'а!' },
        { kind: 'message-end' },
        { kind: 'message', message: plain },
        { kind: 'url', url: '/INBOX/;UID=1' },
        { kind: 'octets', text: 'hi' },
        { kind: 'url', url: '/x;UID=2' },
        { kind: 'octets', text: '' },
        { kind: 'message-end' },
        { kind: 'message', message: plain },
        { kind: 'octets', text: 'z' },
        { kind: 'message-end' },
      ],
    )
  })

  it('REPLACE takes one message', () => {
    const replaced = readAppend('a UID REPLACE 7 Drafts {1}\r\nz')
    assert.deepEqual(Array.isArray(replaced) && replaced[0], {
      kind: 'mailbox',
      mailbox: 'Drafts',
      replaces: { by: 'uid', number: 7 },
    })
    assert.match(JSON.stringify(readAppend('a REPLACE 7 Drafts {1}\r\nz {1}\r\ny')), /the end of the command/)
  })

  it('says what is missing', () => {
    for (const wrong of [
      'a APPEND INBOX',
      'a APPEND INBOX (\\Seen)',
      'a APPEND INBOX "x"',
      'a APPEND INBOX CATENATE ()',
      'a APPEND INBOX UTF8 (~{1}\r\nz',
      'a APPEND ~{5}\r\nINBOX {1}\r\nz',
      'a APPEND {5}\r\nINBOX',
      'a APPEND INBOX {1}\r\nzz',
    ])
      assert.match(JSON.stringify(readAppend(wrong)), /^"Expected /, wrong)
  })
})

describe('literals and sets', () => {
  it('a line announces a literal at its end', () => {
    const mark = (line: string) => findLiteralMark(Buffer.from(line))
    assert.deepEqual(mark('a {5}'), { size: 5, waits: true, binary: false, at: 2 })
    assert.deepEqual(mark('a {5+}'), { size: 5, waits: false, binary: false, at: 2 })
    assert.deepEqual(mark('a ~{5+}'), { size: 5, waits: false, binary: true, at: 2 })
    assert.equal(mark(`a {${'9'.repeat(60)}}`)?.size, Number.POSITIVE_INFINITY)
    assert.equal(mark('a {4294967296}')?.size, 4_294_967_296)
    for (const line of ['', '{}', '{+}', '{5-}', 'a 5}', '{5} ', '{5 }']) assert.equal(mark(line), undefined)
  })

  it('a set is ascending, merged, and * is the largest', () => {
    assert.deepEqual(
      resolveRanges(
        [
          { first: 9, last: '*' },
          { first: 3, last: 1 },
          { first: 4, last: 4 },
        ],
        7,
      ),
      [
        { first: 1, last: 4 },
        { first: 7, last: 9 },
      ],
    )
    assert.deepEqual(resolveRanges([{ first: '*', last: '*' }], 0), [])
  })
})
