// Mail comes from mbox files of several programs once, as it was before it was put there, and goes back into one.
import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { openMbox } from '../../src/message-stores/mbox/read-mbox.ts'
import { parseSeparator } from '../../src/message-stores/mbox/separator.ts'
import { createMboxFiles } from '../../src/message-stores/mbox/write-mbox.ts'
import { openTestStorage } from '../harness/test-storage.ts'
import { counts, openImports, writeMessage } from './open-imports.ts'

const date = 'Mon Jan  1 00:00:01 2024'
const at = '2024-01-01T00:00:01.000Z'

test('flags, quoting and dates; fields of the file are no part of a message', async t => {
  const imports = openImports(await openTestStorage(t))
  writeMessage(
    imports.at('mbox'),
    [
      `From anna@example.test ${date}\nStatus: RO\nX-Status: AF\nX-Keywords: work\n $Label1  \nX-UID: 17\nSubject: one\n\n` +
        `Text\n>From me\n>>From you\n> From nobody\n\nFrom here on it is text\n\n`,
      `From MAILER-DAEMON Mon Jan 01 02:00:01 +0200 2024\nSubject: two\n\n\n`,
      // Lines of CRLF, the last one without an end.
      `From - ${date}\r\nSubject: three\r\n\r\nText`,
    ].join(''),
  )
  const first = await imports.bring(await openMbox(imports.at('mbox')))
  assert.deepEqual(counts(first), ['mbox → INBOX: 3 brought, 0 there, 0 refused'])
  assert.deepEqual(await imports.lines('INBOX'), [
    `${at} \\Seen \\Answered \\Flagged $Label1 work | Subject: one\r\n\r\n` +
      'Text\r\nFrom me\r\n>From you\r\n> From nobody\r\n\r\nFrom here on it is text\r\n',
    `${at}  | Subject: two\r\n\r\n`,
    `${at}  | Subject: three\r\n\r\nText`,
  ])
})

test('keywords that IMAP has no words for stay behind, and too long ones', async t => {
  const imports = openImports(await openTestStorage(t))
  const words = `work (work a"b a\\b \\Seen a{b a*b a%b a]b wörk ${'x'.repeat(201)} [x $Label1`
  writeMessage(
    imports.at('mbox'),
    `From a@b.test ${date}\nStatus: RO\nX-Keywords: ${words}\nSubject: one\n\nText\n`,
  )
  await imports.bring(await openMbox(imports.at('mbox')))
  assert.deepEqual(await imports.lines('INBOX'), [
    `${at} \\Seen $Label1 [x work | Subject: one\r\n\r\nText\r\n`,
  ])
})

test('a second time only what is new comes, though the file was compacted and flags have changed', async t => {
  const imports = openImports(await openTestStorage(t))
  const message = (subject: string, status: string): string =>
    `From anna@example.test ${date}\nSubject: ${subject}\nStatus: ${status}\n\nText\n\n`
  const write = (...subjects: readonly (readonly [string, string])[]): void =>
    writeMessage(imports.at('Work'), subjects.map(([subject, status]) => message(subject, status)).join(''))
  // Two that are the same are two.
  write(['one', 'O'], ['two', 'O'], ['two', 'O'], ['three', 'O'])
  await imports.bring(await openMbox(imports.at('Work')))
  write(['two', 'RO'], ['two', 'RO'], ['three', 'RO'], ['four', 'O'])
  assert.deepEqual(counts(await imports.bring(await openMbox(imports.at('Work')))), [
    'Work → Work: 1 brought, 3 there, 0 refused',
  ])
  assert.deepEqual(
    (await imports.lines('Work')).map(line => /Subject: (.*)/.exec(line)?.[1]),
    ['one', 'two', 'two', 'three', 'four'],
  )
})

test('a file into which another program writes meanwhile is not read on', async t => {
  const imports = openImports(await openTestStorage(t))
  const message = (subject: string): string => `From a@b.test ${date}\nSubject: ${subject}\n\nText\n\n`
  writeMessage(imports.at('Work'), ['one', 'two', 'three'].map(message).join(''))
  let asked = 0
  const bring = async (): Promise<unknown> =>
    await imports.bring(await openMbox(imports.at('Work')), {
      isInterrupted: () => {
        if (++asked === 1) appendFileSync(imports.at('Work'), message('four'))
        return false
      },
    })
  await assert.rejects(bring, { code: 'IMPORT_FILE_CHANGED' })
  assert.equal((await imports.lines('Work')).length, 1)
  await bring()
  assert.deepEqual(
    (await imports.lines('Work')).map(line => /Subject: (.*)/.exec(line)?.[1]),
    ['one', 'two', 'three', 'four'],
  )
})

test('Content-Length is believed where a message begins exactly behind it, and nowhere else', async t => {
  const imports = openImports(await openTestStorage(t))
  const body = `Text\n\nFrom anna@example.test ${date}\n>From as it was\n`
  writeMessage(
    imports.at('counted'),
    `From a@b.test ${date}\nSubject: one\nContent-Length: ${body.length}\n\n${body}\n` +
      `From a@b.test ${date}\nSubject: two\nContent-Length: 7\n\nText\n>From quoted\n\n` +
      `From a@b.test ${date}\nSubject: three\nContent-Length: 5\n\nText\n`,
  )
  await imports.bring(await openMbox(imports.at('counted')))
  assert.deepEqual(await imports.lines('counted'), [
    `${at}  | Subject: one\r\nContent-Length: ${body.length}\r\n\r\n${body.replaceAll('\n', '\r\n')}`,
    `${at}  | Subject: two\r\nContent-Length: 7\r\n\r\nText\r\nFrom quoted\r\n`,
    `${at}  | Subject: three\r\nContent-Length: 5\r\n\r\nText\r\n`,
  ])
})

test('a folder of files as Thunderbird keeps it, and Apple Mail', async t => {
  const imports = openImports(await openTestStorage(t))
  const message = (subject: string, status: string): string =>
    `From - ${date}\nX-Mozilla-Status: ${status}\nX-Mozilla-Status2: 00000000\nX-Mozilla-Keys: $label1             \nSubject: ${subject}\n\nText\n\n`
  // Read; deleted, and the folder not compacted since; forwarded.
  writeMessage(
    imports.at('mail/Inbox'),
    message('one', '0001') + message('two', '0009') + message('three', '1004'),
  )
  writeMessage(imports.at('mail/Inbox.msf'), '// <!-- <mdb:mork:z v="1.4"/> -->')
  writeMessage(imports.at('mail/notes'), 'Buy milk\n')
  writeMessage(imports.at('mail/Trash'), '')
  writeMessage(imports.at('mail/Work.sbd/2025'), message('four', '0000'))
  writeMessage(imports.at('mail/Apple.mbox/mbox'), `From a@b.test ${date}\nSubject: five\n\n\n`)
  const store = await openMbox(imports.at('mail'))
  const report = await imports.bring(store)
  assert.deepEqual(counts(report), [
    'Apple.mbox/mbox → Apple: 1 brought, 0 there, 0 refused',
    'Inbox → INBOX: 2 brought, 0 there, 0 refused',
    'Work.sbd/2025 → Work/2025: 1 brought, 0 there, 0 refused',
  ])
  assert.deepEqual(store.remarks, ['notes is no mbox file, and was passed over.'])
  assert.deepEqual(await imports.lines('INBOX'), [
    `${at} \\Seen $label1 | Subject: one\r\n\r\nText\r\n`,
    `${at} \\Flagged $Forwarded $label1 | Subject: three\r\n\r\nText\r\n`,
  ])
  await assert.rejects(openMbox(imports.at('mail/notes')), { code: 'IMPORT_NO_MBOX' })
})

test('what is exported and brought again is the same; a second export adds what is new', async t => {
  const imports = openImports(await openTestStorage(t))
  const big = `${'0123456789\n'.repeat(60_000)}From here\n`
  writeMessage(
    imports.at('Archive'),
    `From - ${date}\nStatus: RO\nX-Keywords: work\nSubject: one\n\nText\n>From me\n>>From you\n\n` +
      `From - ${date}\nX-Status: AFTD\nSubject: big\n\n${big}\n` +
      `From - ${date}\nSubject: \xe4\n\nNUL \0 and CR \r here\n\n\n`,
  )
  await imports.bring(await openMbox(imports.at('Archive'), 'Old/Work'))
  const first = await imports.take(await createMboxFiles(imports.at('out'), 'anna@example.test'))
  assert.deepEqual(
    first.mailboxes.map(({ file, written }) => `${file} ${written}`),
    ['Old.mbox 0', 'Old.sbd/Work.mbox 3'],
  )
  await imports.bring(await openMbox(imports.at('out')), { accountId: 2 })
  assert.deepEqual(await imports.everything(2), await imports.everything(1))

  const file = imports.at('out/Old.sbd/Work.mbox')
  const before = readFileSync(file)
  appendFileSync(imports.at('Archive'), `From - ${date}\nSubject: new\n\nText\n`)
  await imports.bring(await openMbox(imports.at('Archive'), 'Old/Work'))
  const again = await imports.take(await createMboxFiles(imports.at('out'), 'anna@example.test'))
  assert.deepEqual(
    again.mailboxes.map(({ written, alreadyThere }) => [written, alreadyThere]),
    [
      [0, 0],
      [1, 3],
    ],
  )
  assert.equal(
    readFileSync(file, 'latin1'),
    `${before.toString('latin1')}From MAILER-DAEMON ${date}\nStatus: O\nSubject: new\n\nText\n\n`,
  )
})

test('an export that was cut off goes on behind the last whole message; what others wrote is left alone', async t => {
  const imports = openImports(await openTestStorage(t))
  writeMessage(
    imports.at('Work'),
    `From - ${date}\nSubject: one\n\nText\n\nFrom - ${date}\nSubject: two\n\nText\n`,
  )
  await imports.bring(await openMbox(imports.at('Work')))
  const open = async () => await createMboxFiles(imports.at('out'), 'anna@example.test')
  await imports.take(await open())
  const file = imports.at('out/Work.mbox')
  const whole = readFileSync(file, 'latin1')
  const mark = imports.at('out/.postrider-export.json')
  const closed = readFileSync(mark, 'utf8')
  // As a power cut leaves it: a message is half there, and the mark says that the file was being written.
  const one = whole.slice(0, whole.indexOf('From MAILER-DAEMON', 10))
  writeFileSync(
    mark,
    closed
      .replace('"lastUid": 2', '"lastUid": 1')
      .replace(/"size": \d+/, `"size": ${one.length}`)
      .replace('"isOpen": false', '"isOpen": true'),
  )
  truncateSync(file, one.length + 30)
  await imports.take(await open())
  assert.equal(readFileSync(file, 'latin1'), whole)

  appendFileSync(file, 'Somebody else has written this.\n')
  const changed = readFileSync(file)
  await assert.rejects(async () => await imports.take(await open()), { code: 'EXPORT_FILE_FOREIGN' })
  assert.deepEqual(readFileSync(file), changed)
  assert.ok(!existsSync(`${file}.new`))
})

test('the line that begins a message', () => {
  const read = (line: string): string | undefined => {
    const found = parseSeparator(line)
    return found && (found.receivedAt === undefined ? 'no date' : new Date(found.receivedAt).toISOString())
  }
  assert.equal(read(`From anna@example.test ${date}`), at)
  assert.equal(read('From "a b"@example.test  Mon Jan  1 03:00:01 MSK 2024'), '2024-01-01T03:00:01.000Z')
  assert.equal(read('From 1790000@xxx Mon Jan 01 00:00:01 +0000 2024'), at)
  assert.equal(read('From a@b.test Mon, 1 Jan 2024 01:00:01 +0100'), at)
  assert.equal(read('From a Sun Dec 31 19:00 2023 -0500'), '2024-01-01T00:00:00.000Z')
  assert.equal(read('From '), 'no date')
  assert.equal(read('From -\r\n'), 'no date')
  assert.equal(read('From here on it is text'), undefined)
  assert.equal(read('From: anna@example.test'), undefined)
  assert.equal(read('>From a Mon Jan  1 00:00:01 2024'), undefined)
})
