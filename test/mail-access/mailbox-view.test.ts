// A selected mailbox: what a session fetches, changes and is told, alone and beside another session (RFC 9051 §6.4, §7.5).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FetchAttribute } from '../../src/imap/grammar/commands/fetch.ts'
import type { Section } from '../../src/imap/grammar/section.ts'
import { codes } from '../../src/imap/responses/codes.ts'
import { isRefusal, type SelectedMailbox } from '../../src/imap/server/mailbox-services.ts'
import { AccountMailboxes } from '../../src/mail-access/account-mailboxes.ts'
import type { AccessParts } from '../../src/mail-access/parts.ts'
import type { Appending } from '../../src/mailbox/append-messages.ts'
import { mendMailbox } from '../../src/mailbox/mailbox-damage.ts'
import { findMailbox } from '../../src/mailbox/name-operations.ts'
import { readChanges } from '../../src/mailbox/read-mailbox.ts'
import { defineRead, defineWrite, type Storage } from '../../src/storage/operation.ts'
import { StorageFault } from '../../src/storage/storage-fault.ts'
import { fillMailbox } from '../mailbox/open-mailboxes.ts'
import { all, appendTo, fetch, openAccount, ranges, type TestAccount, told } from './open-account.ts'

const lines = (...text: readonly string[]): string => text.map(line => `${line}\r\n`).join('')

const message = lines(
  'From: Anna <anna@example.test>',
  'To: boris@example.org',
  'Subject: =?utf-8?B?0J/RgNC40LLQtdGC?=',
  'Message-ID: <1@example.test>',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  '',
  'first',
  '--b',
  'Content-Type: message/rfc822',
  '',
  'Subject: inner',
  '',
  'inside',
  '--b',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: base64',
  '',
  '0J/RgNC4',
  '0LLQtdGC',
  '--b--',
)

const body = (
  text: Section['text'],
  part: readonly number[] = [],
  partial?: { offset: number; length: number },
): FetchAttribute => ({ kind: 'BODY[]', section: { part, text }, partial, peek: true })

const set = (action: 'add' | 'remove' | 'replace', flags: readonly string[], first = 1, last = first) =>
  ({
    by: 'sequence',
    set: ranges({ first, last }),
    unchangedSince: undefined,
    action,
    silent: false,
    flags,
  }) as const

const flags: readonly FetchAttribute[] = [{ kind: 'FLAGS' }]

const changes = async (mailbox: SelectedMailbox, scope: 'all' | 'without-expunges' = 'all') =>
  told(await mailbox.takeChanges(scope))

test('the parts of a message, each where it stands', async t => {
  const account = await openAccount(t)
  await account.append(message)
  const mailbox = await account.select()
  for (const [attribute, expected] of [
    [body({ kind: 'all' }), message],
    [body({ kind: 'TEXT' }), message.slice(message.indexOf('--b'))],
    [body({ kind: 'HEADER' }), message.slice(0, message.indexOf('--b'))],
    [
      body({ kind: 'HEADER.FIELDS', fields: ['to', 'SUBJECT', 'cc'] }),
      lines('To: boris@example.org', 'Subject: =?utf-8?B?0J/RgNC40LLQtdGC?=', ''),
    ],
    [body({ kind: 'all' }, [1]), 'first'],
    [
      body({ kind: 'MIME' }, [3]),
      lines('Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64', ''),
    ],
    [body({ kind: 'all' }, [2]), lines('Subject: inner', '') + 'inside'],
    [body({ kind: 'HEADER' }, [2]), lines('Subject: inner', '')],
    [body({ kind: 'TEXT' }, [2]), 'inside'],
    [body({ kind: 'all' }, [2, 1]), 'inside'],
    [body({ kind: 'all' }, [1], { offset: 1, length: 3 }), 'irs'],
    [body({ kind: 'all' }, [1], { offset: 9, length: 3 }), ''],
    [{ kind: 'BINARY[]', part: [3], partial: undefined, peek: true }, 'Привет'],
    [{ kind: 'RFC822.HEADER' }, message.slice(0, message.indexOf('--b'))],
  ] as const) {
    const [line = ''] = await fetch(mailbox, [attribute])
    assert.ok(line.endsWith(`}\r\n${expected})`), `${JSON.stringify(attribute)}: ${line}`)
  }
  for (const path of [[4], [1, 1], [2, 2], [2, 1, 1]])
    assert.match((await fetch(mailbox, [body({ kind: 'all' }, path)]))[0] ?? '', / NIL\)$/)
  const size: FetchAttribute = { kind: 'BINARY.SIZE[]', part: [3] }
  assert.deepEqual(await fetch(mailbox, [size]), ['* 1 FETCH (BINARY.SIZE[3] 12)'])
})

test('a piece of a large message costs nothing of what stands before it, and the beginning of a part nothing of what stands behind', async t => {
  const account = await openAccount(t)
  const numbered = Array.from({ length: 120_000 }, (_, number) => `${number}`.padStart(14)).join('\r\n')
  const large = `Content-Transfer-Encoding: quoted-printable\r\n\r\n${numbered}`
  await account.append(large)
  const { mailData } = account.parts
  let octets = 0
  const counted = {
    ...mailData,
    async *read(...from: Parameters<typeof mailData.read>) {
      for await (const piece of mailData.read(...from)) {
        octets += piece.length
        yield piece
      }
    },
  }
  const mailbox = await account.select(
    'INBOX',
    new AccountMailboxes({ ...account.parts, mailData: counted }, 1),
  )
  const kib = 1024
  for (const offset of [0, 1, 64 * kib - 1, 64 * kib, 256 * kib - 1, 256 * kib, 1_500_000]) {
    octets = 0
    const [line = ''] = await fetch(mailbox, [body({ kind: 'all' }, [], { offset, length: 100_000 })])
    assert.ok(line.endsWith(`}\r\n${large.slice(offset, offset + 100_000)})`), `from ${offset}`)
    assert.ok(octets <= 512 * kib, `from ${offset}: ${octets} octets read`)
  }
  // Now its structure is known.
  await fetch(mailbox, [{ kind: 'BODY' }])
  octets = 0
  const partial = { offset: 10, length: 1000 }
  const [decoded = ''] = await fetch(mailbox, [{ kind: 'BINARY[]', part: [1], partial, peek: true }])
  assert.ok(decoded.endsWith(`}\r\n${numbered.slice(10, 1010)})`), decoded)
  assert.ok(octets <= 512 * kib, `${octets} octets read`)
  // Behind its end the whole has been held against its checksum.
  octets = 0
  const [line = ''] = await fetch(mailbox, [body({ kind: 'TEXT' })])
  assert.ok(line.endsWith(`}\r\n${numbered})`))
  assert.ok(octets >= large.length)
})

test('an envelope is told alike when it is first read, when it is kept, and beside a structure', async t => {
  const account = await openAccount(t)
  for (const subject of ['plain "words" \\ here', 'Привет', 'long '.repeat(250)])
    await account.append(lines(`Subject: ${subject}`, 'From: Anna <anna@example.test>', '', 'text'))
  const mailbox = await account.select()
  const envelopes = async (...also: readonly FetchAttribute[]): Promise<readonly string[]> => {
    const told = await fetch(mailbox, [{ kind: 'ENVELOPE' }, ...also])
    return told.map(line => line.replace(/ BODY \(.*\)\)$/, ')'))
  }
  const first = await envelopes()
  assert.match(first[0] ?? '', /ENVELOPE \(NIL "plain \\"words\\" \\\\ here" \(\("Anna" /)
  assert.match(first[1] ?? '', /ENVELOPE \(NIL "Привет" \(\("Anna" /)
  assert.match(first[2] ?? '', /ENVELOPE \(NIL \{1249\}\r\nlong /)
  assert.deepEqual(await envelopes(), first)
  assert.deepEqual(await envelopes({ kind: 'BODY' }), first)
})

test('envelope, structure, dates and sizes', async t => {
  const account = await openAccount(t)
  const at = Date.UTC(2026, 4, 6, 7, 8, 9)
  await account.append(message, { at })
  const mailbox = await account.select()
  const [line = ''] = await fetch(mailbox, [
    { kind: 'UID' },
    { kind: 'INTERNALDATE' },
    { kind: 'RFC822.SIZE' },
    { kind: 'ENVELOPE' },
  ])
  assert.equal(
    line,
    `* 1 FETCH (UID 1 INTERNALDATE "06-May-2026 07:08:09 +0000" RFC822.SIZE ${message.length} ENVELOPE (NIL "=?utf-8?B?0J/RgNC40LLQtdGC?=" ` +
      '(("Anna" NIL "anna" "example.test")) (("Anna" NIL "anna" "example.test")) (("Anna" NIL "anna" "example.test")) ' +
      '((NIL NIL "boris" "example.org")) NIL NIL NIL "<1@example.test>"))',
  )
  const [structure = ''] = await fetch(mailbox, [{ kind: 'BODY' }])
  assert.match(
    structure,
    /BODY \(\("text" "plain" \("charset" "us-ascii"\) NIL NIL "7bit" 5 1\)\("message" "rfc822" NIL NIL NIL "7bit" \d+ \(.*"inner".*\) \("text" "plain" .* 6 1\) 3\)\("text" "plain" \("charset" "utf-8"\) NIL NIL "base64" 18 2\) "mixed"\)/i,
  )
})

test('the beginning of the text, from the part that is shown', async t => {
  const account = await openAccount(t)
  await account.append(message)
  await account.append(lines('Content-Type: text/html', '', '<style>p {}</style><p>Ein &amp; alles', '</p>'))
  await account.append(lines('Content-Type: image/png', '', 'png'))
  await account.append(lines('Subject: long', '', 'я'.repeat(500)))
  const mailbox = await account.select()
  const shown = async (lazy: boolean) =>
    (await fetch(mailbox, [{ kind: 'PREVIEW', lazy }])).map(line =>
      line.slice(line.indexOf('PREVIEW') + 8, -1),
    )
  assert.deepEqual(await shown(false), ['"first"', '"Ein & alles"', '""', `"${'я'.repeat(200)}"`])
  assert.deepEqual(await shown(true), ['NIL', 'NIL', 'NIL', 'NIL'])
  assert.deepEqual(
    await fetch(mailbox, flags),
    [1, 2, 3, 4].map(number => `* ${number} FETCH (FLAGS ())`),
  )
})

test('who reads a message sets \\Seen, and is told so in the same answer; who peeks does not', async t => {
  const account = await openAccount(t)
  await account.append(message)
  await account.append(message)
  const mailbox = await account.select()
  assert.equal(mailbox.facts.firstUnseen, 1)
  await fetch(mailbox, [body({ kind: 'all' })])
  assert.deepEqual(await fetch(mailbox, flags), ['* 1 FETCH (FLAGS ())', '* 2 FETCH (FLAGS ())'])
  const read: FetchAttribute = {
    kind: 'BODY[]',
    section: { part: [1], text: { kind: 'all' } },
    partial: undefined,
    peek: false,
  }
  const answer = await fetch(mailbox, [read], { set: ranges({ first: 1, last: 1 }) })
  assert.deepEqual(answer, ['* 1 FETCH (BODY[1] {5}\r\nfirst FLAGS (\\Seen))'])
  assert.deepEqual(await changes(mailbox), ['mod-seq 1'])
  assert.deepEqual(await fetch(mailbox, [read], { set: ranges({ first: 1, last: 1 }) }), [
    '* 1 FETCH (BODY[1] {5}\r\nfirst)',
  ])
})

test('a session opened for reading changes nothing', async t => {
  const account = await openAccount(t)
  await account.append(message)
  const mailbox = await account.mailboxes.select('INBOX', {
    access: 'read-only',
    quickResync: undefined,
    tellsRecent: false,
  })
  assert.ok(!isRefusal(mailbox))
  await fetch(mailbox, [{ kind: 'RFC822' }])
  assert.deepEqual(await fetch(mailbox, flags), ['* 1 FETCH (FLAGS ())'])
  assert.ok(isRefusal(await mailbox.store(set('add', ['\\Seen']))))
  assert.ok(isRefusal(await mailbox.expunge(undefined)))
})

test('flags and keywords are set, added and removed; .SILENT says nothing to this session, and all to the other', async t => {
  const account = await openAccount(t)
  await account.append(message, { flags: ['\\Draft', '$Work'] })
  const mine = await account.select()
  const other = await account.select('INBOX', account.openAgain())
  assert.deepEqual(await fetch(mine, flags), ['* 1 FETCH (FLAGS (\\Draft $Work))'])
  await mine.store(set('add', ['\\seen', 'later']))
  const known = 'known (\\Seen \\Answered \\Flagged \\Deleted \\Draft $Work later)'
  assert.deepEqual(await changes(mine), [known, 'flags 1 (\\Seen \\Draft $Work later)'])
  await mine.store({ ...set('remove', ['$WORK', '\\Draft']), silent: true })
  assert.deepEqual(await changes(mine), ['mod-seq 1'])
  assert.deepEqual(await changes(other), [known, 'flags 1 (\\Seen later)'])
  await mine.store(set('replace', []))
  assert.deepEqual(await changes(mine), ['flags 1 ()'])
})

test('a keyword as long as a command is refused: each would be told at every SELECT', async t => {
  const account = await openAccount(t)
  await account.append(message, { flags: ['x'.repeat(201), 'later'] })
  const mine = await account.select()
  assert.deepEqual(await mine.store(set('add', ['y'.repeat(201)])), {
    refused: 'This mailbox has too many different keywords, or one is too long',
    code: codes.limit,
  })
  await mine.store(set('add', ['y'.repeat(200)]))
  assert.deepEqual(await fetch(mine, flags), [`* 1 FETCH (FLAGS (later ${'y'.repeat(200)}))`])
})

test('UNCHANGEDSINCE leaves what has changed meanwhile', async t => {
  const account = await openAccount(t)
  for (let i = 0; i < 3; i++) await account.append(message)
  const mine = await account.select()
  const since = mine.facts.highestModSeq
  const other = await account.select('INBOX', account.openAgain())
  await other.store(set('add', ['\\Flagged'], 2))
  const stored = await mine.store({ ...set('add', ['\\Seen'], 1, 3), unchangedSince: since })
  assert.deepEqual(stored, { modified: [{ first: 2, last: 2 }] })
  assert.deepEqual(await fetch(mine, flags), [
    '* 1 FETCH (FLAGS (\\Seen))',
    '* 2 FETCH (FLAGS (\\Flagged))',
    '* 3 FETCH (FLAGS (\\Seen))',
  ])
})

test('what another session removes keeps its number here until it can be told', async t => {
  const account = await openAccount(t)
  for (let i = 0; i < 4; i++) await account.append(message)
  const mine = await account.select()
  const other = await account.select('INBOX', account.openAgain())
  await other.store(set('add', ['\\Deleted'], 2, 3))
  await other.expunge(undefined)
  await account.append(message)
  assert.deepEqual(await changes(mine, 'without-expunges'), ['exists 5'])
  assert.deepEqual(await fetch(mine, [{ kind: 'UID' }]), [
    '* 1 FETCH (UID 1)',
    '* 4 FETCH (UID 4)',
    '* 5 FETCH (UID 5)',
  ])
  assert.deepEqual(await changes(mine), ['expunged 2 2'])
  assert.deepEqual(await fetch(mine, [{ kind: 'UID' }]), [
    '* 1 FETCH (UID 1)',
    '* 2 FETCH (UID 4)',
    '* 3 FETCH (UID 5)',
  ])
  assert.deepEqual(await changes(mine), [])
})

test('a session that waits is woken by a change of its mailbox, and of no other', async t => {
  const account = await openAccount(t)
  await account.mailboxes.create({ mailbox: 'Other', specialUse: [] })
  const mine = await account.select()
  let calls = 0
  const called = new Promise<void>(resolve => {
    mine.onChange(() => {
      calls++
      resolve()
    })
  })
  await account.append(message, { mailbox: 'Other' })
  await account.append(message)
  await called
  assert.deepEqual(await changes(mine), ['exists 1'])
  assert.equal(calls, 1)
  mine.release()
})

test('copies and moves: the other UIDs, and what is told here', async t => {
  const account = await openAccount(t)
  for (let i = 0; i < 3; i++) await account.append(message, { flags: i === 1 ? ['\\Flagged', 'k'] : [] })
  await account.mailboxes.create({ mailbox: 'Archive/2026', specialUse: [] })
  const mine = await account.select()
  const copy = { by: 'uid', set: ranges({ first: 2, last: '*' }), mailbox: 'Archive/2026' } as const
  const copied = await mine.copy({ verb: 'COPY', ...copy })
  assert.ok(!isRefusal(copied))
  assert.deepEqual([copied.from, copied.to], [[{ first: 2, last: 3 }], [{ first: 1, last: 2 }]])
  const moved = await mine.copy({ verb: 'MOVE', ...copy })
  assert.ok(!isRefusal(moved))
  assert.deepEqual(moved.to, [{ first: 3, last: 4 }])
  assert.deepEqual(await changes(mine), ['expunged 2 2'])
  const archive = await account.select('Archive/2026', account.openAgain())
  assert.deepEqual(
    await fetch(archive, flags),
    ['(\\Flagged k)', '()', '(\\Flagged k)', '()'].map((words, at) => `* ${at + 1} FETCH (FLAGS ${words})`),
  )
  assert.deepEqual(await mine.copy({ verb: 'COPY', ...copy, mailbox: 'Nowhere' }), {
    refused: 'There is no mailbox Nowhere',
    code: { name: 'TRYCREATE' },
  })
})

test('a mailbox that is removed has lost its messages, for a session that has it open', async t => {
  const account = await openAccount(t)
  await account.mailboxes.create({ mailbox: 'Work', specialUse: [] })
  await account.append(message, { mailbox: 'Work' })
  const mine = await account.select('Work')
  assert.equal(await account.openAgain().delete('Work'), undefined)
  assert.ok(isRefusal(await mine.store(set('add', ['\\Seen']))))
  assert.deepEqual(await fetch(mine, flags), [])
})

test('several messages are appended together or not at all, with line ends as mail has them', async t => {
  const account = await openAccount(t)
  const target = await account.mailboxes.append('INBOX', undefined)
  assert.ok(!isRefusal(target))
  await appendTo(target, 'Subject: one\n\nlf\n', ['\\Seen'])
  await appendTo(target, message)
  const mailbox = await account.select()
  assert.equal(mailbox.facts.exists, 0)
  const appended = await target.commit()
  assert.ok(!isRefusal(appended))
  assert.deepEqual(appended.uids, [{ first: 1, last: 2 }])
  const again = await account.select()
  assert.deepEqual(
    (await fetch(again, [body({ kind: 'all' })], { set: ranges({ first: 1, last: 1 }) }))[0],
    '* 1 FETCH (BODY[] {20}\r\nSubject: one\r\n\r\nlf\r\n)',
  )

  const given = await account.mailboxes.append('INBOX', undefined)
  assert.ok(!isRefusal(given))
  await appendTo(given, message)
  given.abort()
  assert.equal((await account.select()).facts.exists, 2)
})

test('of small messages that come together some megabytes are in memory, the others in files', async t => {
  const account = await openAccount(t)
  let inMemory = 0
  const storage: AccessParts['storage'] = {
    run(operation, input) {
      if (operation.name === 'mailbox.append')
        for (const { mailData } of (input as Appending).messages)
          if (mailData.location.kind === 'inline') inMemory += mailData.size
      return account.storage.run(operation, input)
    },
  }
  const mailboxes = new AccountMailboxes({ ...account.parts, storage }, 1)
  const target = await mailboxes.append('INBOX', undefined)
  assert.ok(!isRefusal(target))
  const text = `Subject: small\r\n\r\n${'x'.repeat(60_000)}\r\n`
  for (let n = 0; n < 100; n++) await appendTo(target, text)
  assert.ok(!isRefusal(await target.commit()))
  assert.ok(inMemory > 0 && inMemory < 5_000_000, `${inMemory} octets`)
  const mailbox = await account.select()
  assert.equal(mailbox.facts.exists, 100)
  const whole = await fetch(mailbox, [body({ kind: 'all' })], { set: ranges({ first: 100, last: 100 }) })
  assert.equal(whole[0], `* 100 FETCH (BODY[] {${text.length}}\r\n${text})`)
})

test('CHANGEDSINCE and pages', async t => {
  const account = await openAccount(t)
  for (let i = 0; i < 5; i++) await account.append(message)
  const mine = await account.select()
  const since = mine.facts.highestModSeq
  await mine.store(set('add', ['\\Seen'], 4))
  await mine.store(set('add', ['\\Seen'], 2))
  assert.deepEqual(await fetch(mine, [{ kind: 'UID' }, { kind: 'FLAGS' }], { changedSince: since }), [
    '* 2 FETCH (UID 2 FLAGS (\\Seen))',
    '* 4 FETCH (UID 4 FLAGS (\\Seen))',
  ])
  const page = async (from: 'start' | 'end', first: number, last: number) =>
    (await fetch(mine, [{ kind: 'UID' }], { page: { from, first, last } }))
      .map(line => line.slice(2, 3))
      .join('')
  assert.deepEqual(
    [await page('start', 2, 3), await page('end', 1, 2), await page('start', 6, 9)],
    ['23', '45', ''],
  )
})

test('of a message one session is told that it is new: the first that may write', async t => {
  const account = await openAccount(t)
  const tellsRecent = true
  await account.append(message)
  const looking = await account.select('INBOX', account.openAgain(), { access: 'read-only', tellsRecent })
  assert.equal(looking.facts.recent, 1)
  const first = await account.select('INBOX', account.openAgain(), { tellsRecent })
  const second = await account.select('INBOX', account.openAgain(), { tellsRecent })
  assert.deepEqual([first.facts.recent, second.facts.recent], [1, 0])
  assert.deepEqual(await fetch(first, flags), ['* 1 FETCH (FLAGS (\\Recent))'])
  assert.deepEqual(await fetch(second, flags), ['* 1 FETCH (FLAGS ())'])

  await account.append(message)
  const status = await account.mailboxes.status('INBOX', ['RECENT'])
  assert.deepEqual(status, new Map([['RECENT', 1]]))
  assert.deepEqual(await changes(second), ['exists 2, recent 1'])
  assert.deepEqual(await changes(first), ['exists 2'])
  const found = await second.search({ by: 'sequence', key: { kind: 'recent' }, saves: undefined })
  assert.ok(!isRefusal(found))
  assert.deepEqual(found.numbers, [2])
})

test('keywords that are new in the mailbox are told before a message that has them', async t => {
  const account = await openAccount(t)
  await account.append(message)
  const mine = await account.select('INBOX', account.openAgain())
  await (await account.select()).store(set('add', ['$Work']))
  const known = 'known (\\Seen \\Answered \\Flagged \\Deleted \\Draft $Work)'
  assert.deepEqual(await changes(mine), [known, 'flags 1 ($Work)'])
})

const damage = defineWrite('test.damage', async (tx, id: number) => {
  await tx.run('UPDATE mail_data SET checksum = ? WHERE id = ?', new Uint8Array(32), id)
})

test('of messages one of which is damaged the others are told, and then that one is not', async t => {
  const account = await openAccount(t)
  for (const text of ['one', 'two', 'three']) await account.append(`Subject: ${text}\n\n${text}\n`)
  const mailbox = await account.select()
  await account.storage.run(damage, 2)
  const sequencesOf = async (attribute: FetchAttribute): Promise<readonly number[]> => {
    const told: number[] = []
    const request = { by: 'sequence', set: ranges({ first: 1, last: '*' }), changedSince: undefined } as const
    await assert.rejects(
      async () => {
        for await (const batch of mailbox.fetch({
          ...request,
          vanished: false,
          page: undefined,
          attributes: [attribute],
        }))
          told.push(...batch.map(({ sequence }) => sequence))
      },
      { code: 'STORAGE_DAMAGED', message: /^Mail data 2 / },
    )
    return told
  }
  for (const attribute of [
    { kind: 'ENVELOPE' },
    { kind: 'PREVIEW', lazy: false },
    body({ kind: 'all' }),
    body({ kind: 'HEADER.FIELDS', fields: ['Subject'] }),
  ] satisfies FetchAttribute[])
    assert.deepEqual(await sequencesOf(attribute), [1, 3], attribute.kind)
  assert.deepEqual(await fetch(mailbox, flags), [
    '* 1 FETCH (FLAGS ())',
    '* 2 FETCH (FLAGS ())',
    '* 3 FETCH (FLAGS ())',
  ])
})

test('a message whose file is not there, and one beyond what is read at once, are found damaged before a literal begins', async t => {
  const account = await openAccount(t)
  const ofSize = (bytes: number): string => `Subject: large\n\n${'x'.repeat(bytes)}\n`
  await account.append(ofSize(100_000))
  for (let count = 0; count < 18; count++) await account.append(ofSize(60_000))
  const mailbox = await account.select()
  const fileOf = defineRead('test.file-of', async tx => {
    return await tx.get<{ file_name: string }>('SELECT file_name FROM mail_data WHERE file_name IS NOT NULL')
  })
  const file = await account.storage.run(fileOf, undefined)
  await account.parts.mailData.discard([file?.file_name ?? ''])
  await account.storage.run(damage, 19)
  const told: number[] = []
  await assert.rejects(
    async () => {
      for await (const batch of mailbox.fetch({
        by: 'sequence',
        set: ranges({ first: 1, last: '*' }),
        changedSince: undefined,
        vanished: false,
        page: undefined,
        attributes: [body({ kind: 'all' })],
      }))
        told.push(...batch.map(({ sequence }) => sequence))
    },
    { code: 'STORAGE_DAMAGED', message: /^Mail data 1, 19 / },
  )
  assert.deepEqual(
    told,
    Array.from({ length: 17 }, (_, index) => index + 2),
  )
})

test('a large mailbox is removed in several writes, each of which others wait for', async t => {
  const { parts, mailboxes, storage } = await openAccount(t)
  await mailboxes.create({ mailbox: 'Lists', specialUse: [] })
  const lists = await storage.run(findMailbox, { accountId: 1, name: 'Lists' })
  await storage.run(fillMailbox, { mailboxId: lists?.id ?? 0, count: 4500 })
  const left: number[] = []
  const counting: typeof storage = {
    ...storage,
    async run(operation, input) {
      const outcome = await storage.run(operation, input)
      left.push((await storage.run(findMailbox, { accountId: 1, name: 'Lists' }))?.messages ?? 0)
      return outcome
    },
  }
  const session = new AccountMailboxes({ ...parts, storage: counting }, 1)
  assert.equal(await session.delete('Lists'), undefined)
  assert.deepEqual([...new Set(left)], [4500, 2500, 500, 0])
})

/** A session whose storage is asked by `run`. */
function openThrough(account: TestAccount, run: Storage['run']): AccountMailboxes {
  return new AccountMailboxes({ ...account.parts, storage: { run } }, 1)
}

test('what cannot be read of changes, or taken in, is told the next time', async t => {
  const account = await openAccount(t)
  await account.append(message)
  let failing = ''
  const mailboxes = openThrough(account, async (operation, input) => {
    if (operation.name === failing) throw new Error('broken')
    return await account.storage.run(operation, input)
  })
  const mailbox = await account.select('INBOX', mailboxes, { tellsRecent: true })
  assert.deepEqual(await changes(mailbox), [])
  let count = 1
  for (const name of ['mailbox.read-changes', 'mailbox.claim-recent']) {
    await account.append(message)
    failing = name
    await assert.rejects(changes(mailbox), /broken/)
    failing = ''
    assert.deepEqual(await changes(mailbox), [`exists ${++count}, recent ${count}`])
  }
})

test('a message that a repair brings back between others is there in the next session, and numbers stay right in those before', async t => {
  const account = await openAccount(t)
  for (let count = 0; count < 3; count++) await account.append(message)
  const { storage } = account
  const inbox = await storage.run(findMailbox, { accountId: 1, name: 'INBOX' })
  assert.ok(inbox)
  const lose = defineWrite('test.lose-from-block', async (tx, states: Uint8Array) => {
    await tx.run('UPDATE mailbox_block SET states = ?', states)
  })
  await storage.run(lose, new Uint8Array([0, 128, 0, 128]))
  const before = await account.select()
  assert.equal(before.facts.exists, 2)
  await changes(before)
  await storage.run(mendMailbox, { accountId: 1, mailboxId: inbox.id })
  assert.deepEqual(await changes(before), [])
  await account.append(message)
  assert.deepEqual(await changes(before), ['exists 3'])
  const uids = async (mailbox: SelectedMailbox) => await fetch(mailbox, [{ kind: 'UID' }])
  assert.deepEqual(await uids(before), ['* 1 FETCH (UID 1)', '* 2 FETCH (UID 3)', '* 3 FETCH (UID 4)'])
  // What is done with those beside it is not done with it.
  const whole = { kind: 'size', relation: 'larger', bytes: 0 } as const
  const found = await before.search({ by: 'sequence', key: whole, saves: undefined })
  assert.ok(!isRefusal(found))
  assert.deepEqual(found.numbers, [1, 2, 3])
  await before.store(set('add', ['\\Deleted'], 1, 3))
  await before.expunge(ranges(...all))
  assert.equal((await changes(before))[0], 'expunged 1 1 1')
  const after = await account.select()
  assert.deepEqual(await fetch(after, [{ kind: 'UID' }, ...flags]), ['* 1 FETCH (UID 2 FLAGS ())'])
})

test('a message that is \\Seen by a FETCH that fails behind that is told to be', async t => {
  const account = await openAccount(t)
  for (let count = 0; count < 2; count++) await account.append(message)
  let failing = ''
  const mailboxes = openThrough(account, async (operation, input) => {
    if (operation.name === failing) throw new Error('broken')
    return await account.storage.run(operation, input)
  })
  const mailbox = await account.select('INBOX', mailboxes)
  assert.deepEqual(await changes(mailbox), [])
  const whole = [{ ...body({ kind: 'all' }), peek: false }]
  const [first] = await fetch(mailbox, whole, { set: ranges({ first: 1, last: 1 }) })
  assert.match(first ?? '', /FLAGS \(\\Seen\)/)
  failing = 'mailbox.read-messages'
  await assert.rejects(fetch(mailbox, whole, { set: ranges({ first: 2, last: 2 }) }), /broken/)
  assert.deepEqual(await changes(mailbox), ['flags 2 (\\Seen)', 'mod-seq 1'])
})

test('CHANGEDSINCE tells a message once that changes between two pages', async t => {
  const account = await openAccount(t)
  for (let count = 0; count < 3; count++) await account.append(message)
  const other = await account.select()
  const { highestModSeq } = other
  for (const number of [1, 2]) await other.store(set('add', ['\\Flagged'], number))
  let pages = 0
  const run: Storage['run'] = async (operation, input) => {
    if (operation.name !== readChanges.name) return await account.storage.run(operation, input)
    if (pages++ === 1) await other.store(set('add', ['\\Seen']))
    return await account.storage.run(operation, { ...input, limit: 1 })
  }
  const mailbox = await account.select('INBOX', openThrough(account, run))
  assert.deepEqual(await fetch(mailbox, flags, { changedSince: highestModSeq }), [
    '* 1 FETCH (FLAGS (\\Seen \\Flagged))',
    '* 2 FETCH (FLAGS (\\Flagged))',
  ])
  assert.ok(pages > 2)
})

test('mail is read while the disk is full', async t => {
  const account = await openAccount(t)
  await account.append(message)
  const full: Storage['run'] = async (operation, input) => {
    if (operation.access === 'write') throw new StorageFault('STORAGE_DISK_FULL', 'full')
    return await account.storage.run(operation, input)
  }
  const mailbox = await account.select('INBOX', openThrough(account, full), { tellsRecent: true })
  assert.equal(mailbox.facts.recent, 1)
  await account.append(message)
  assert.deepEqual(await changes(mailbox), ['exists 2, recent 2'])
  const whole = {
    kind: 'BODY[]',
    section: { part: [], text: { kind: 'all' } },
    partial: undefined,
    peek: false,
  } as const
  const told = await fetch(mailbox, [whole, { kind: 'ENVELOPE' }, { kind: 'FLAGS' }])
  assert.equal(told.length, 2)
  for (const line of told) {
    assert.ok(line.includes(message))
    assert.match(line, /FLAGS \(\\Recent\)/)
  }
})

test('a FETCH of many messages leaves other sessions their turns, however fast its client reads', async t => {
  const account = await openAccount(t)
  for (let count = 0; count < 250; count++) await account.append('Subject: many\n\ntext\n')
  const mailbox = await account.select()
  for (const [attribute, atLeast] of [
    [{ kind: 'FLAGS' }, 1],
    [{ kind: 'ENVELOPE' }, 3],
    [body({ kind: 'all' }), 3],
  ] satisfies (readonly [FetchAttribute, number])[]) {
    let [turns, isOver] = [0, false]
    const count = (): void => {
      turns++
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    assert.equal((await fetch(mailbox, [attribute])).length, 250)
    isOver = true
    assert.ok(turns >= atLeast, `${turns} turns while ${attribute.kind} was told`)
  }
})

test('what cannot be read of other mailboxes and names is told the next time', async t => {
  const account = await openAccount(t)
  await account.mailboxes.create({ mailbox: 'Other', specialUse: [] })
  let failing = ''
  const mailboxes = openThrough(account, async (operation, input) => {
    if (operation.name === failing) throw new Error('broken')
    return await account.storage.run(operation, input)
  })
  const watch = await mailboxes.watch({
    groups: [
      {
        filter: { kind: 'personal' },
        events: ['MessageNew', 'MessageExpunge', 'MailboxName'],
        attributes: [],
      },
    ],
    status: false,
    knowsModSeq: () => false,
    onNews() {},
  })
  assert.ok(!isRefusal(watch))
  for (const name of ['mailbox.list-subscriptions', 'mailbox.read-mailboxes']) {
    await account.append(message, { mailbox: 'Other' })
    await account.openAgain().create({ mailbox: `New ${name}`, specialUse: [] })
    failing = name
    await assert.rejects(watch.take(), /broken/)
    failing = ''
    assert.deepEqual((await watch.take()).map(({ kind }) => kind).toSorted(), ['listed', 'status'])
    assert.deepEqual(await watch.take(), [])
  }
})
