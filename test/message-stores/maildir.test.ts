// Mail comes from a Maildir once, as it is there, and goes back into one.
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openMaildir } from '../../src/message-stores/maildir/read-maildir.ts'
import { createMaildir } from '../../src/message-stores/maildir/write-maildir.ts'
import { openTestStorage } from '../harness/test-storage.ts'
import { counts, type Imports, openImports, writeMessage } from './open-imports.ts'

const second = (seconds: number): number => Date.UTC(2024, 0, 1) + 1000 * seconds
const named = (seconds: number): string => String(second(seconds) / 1000)

/** As Dovecot keeps one. */
function writeMaildir(root: string): void {
  for (const folder of ['', '.Sent Items', '.Work', '.Work.2025', '.&BB8EPgRHBEIEMA-', '.Empty'])
    for (const sub of ['cur', 'new', 'tmp']) mkdirSync(join(root, folder, sub), { recursive: true })
  const put = (path: string, text: string | Buffer, at: number): void =>
    writeMessage(join(root, path), text, at)
  put(`cur/${named(3)}.M1P1.host,S=10:2,FS`, 'Subject: third\n\nText\n', second(3))
  put(`cur/${named(1)}.M1P1.host:2,RSab`, 'Subject: first\n\n', second(1))
  // Appended later than received: the file's time is the earlier one. And copied without the times: its name's is.
  put(`cur/${named(9)}.M1P1.host:2,DPT`, 'Subject: fourth\n\n', second(2))
  put(`new/${named(2)}.M1P1.host`, 'Subject: second\n\n', second(500_000))
  put('tmp/1.unfinished', 'Subject: never\n', second(1))
  put(`.Sent Items/cur/${named(1)}.M2.host:2,S`, 'Subject: sent\n\n', second(1))
  put(`.Work/cur/${named(1)}.M3.host:2,S`, 'Subject: \xe4\xf6\n\nNUL \0 and CR \r here\nno end', second(1))
  put(`.Work.2025/cur/${named(1)}.M4.host:2,`, 'no header at all', second(1))
  put(
    `.&BB8EPgRHBEIEMA-/cur/${named(1)}.M5.host:2,`,
    `Subject: big\n\n${'0123456789\n'.repeat(20_000)}`,
    second(1),
  )
  put(`.&BB8EPgRHBEIEMA-/cur/${named(2)}.M5.host:2,`, '', second(2))
  writeFileSync(join(root, 'dovecot-keywords'), '0 $Label1\n1 work\n')
  writeFileSync(join(root, 'subscriptions'), 'V\t2\n\nWork\t2025\n')
}

const inbox = [
  '2024-01-01T00:00:01.000Z \\Seen \\Answered $Label1 work | Subject: first\r\n\r\n',
  '2024-01-01T00:00:02.999Z  | Subject: second\r\n\r\n',
  '2024-01-01T00:00:03.000Z \\Seen \\Flagged | Subject: third\r\n\r\nText\r\n',
  '2024-01-01T00:00:02.000Z \\Deleted \\Draft $Forwarded | Subject: fourth\r\n\r\n',
]

async function openWithMaildir(t: Parameters<typeof openTestStorage>[0]): Promise<Imports> {
  const imports = openImports(await openTestStorage(t))
  writeMaildir(imports.at('Maildir'))
  return imports
}

test('folders, flags, keywords, times and texts come as they are, and a second time nothing comes', async t => {
  const imports = await openWithMaildir(t)
  const first = await imports.bring(await openMaildir(imports.at('Maildir')))
  assert.deepEqual(counts(first), [
    'INBOX → INBOX: 4 brought, 0 there, 0 refused',
    '&BB8EPgRHBEIEMA- → Почта: 1 brought, 0 there, 1 refused',
    'Empty → Empty: 0 brought, 0 there, 0 refused',
    'Sent Items → Sent Items: 1 brought, 0 there, 0 refused',
    'Work → Work: 1 brought, 0 there, 0 refused',
    'Work.2025 → Work/2025: 1 brought, 0 there, 0 refused',
  ])
  assert.deepEqual(first.refused, [
    { folder: '&BB8EPgRHBEIEMA-', place: `cur/${named(2)}.M5.host:2,`, why: 'it is empty' },
  ])
  assert.deepEqual(await imports.lines('INBOX'), inbox)
  assert.deepEqual(await imports.lines('Work'), [
    '2024-01-01T00:00:01.000Z \\Seen | Subject: \xe4\xf6\r\n\r\nNUL \0 and CR \r here\r\nno end',
  ])
  assert.deepEqual(await imports.lines('Work/2025'), ['2024-01-01T00:00:01.000Z  | no header at all'])
  assert.equal(
    (await imports.lines('Почта'))[0],
    `2024-01-01T00:00:01.000Z  | Subject: big\r\n\r\n${'0123456789\r\n'.repeat(20_000)}`,
  )
  assert.deepEqual(await imports.subscriptions(), ['Work/2025'])

  // Flags have changed, and with them the names; and one is new.
  renameSync(
    imports.at(`Maildir/new/${named(2)}.M1P1.host`),
    imports.at(`Maildir/cur/${named(2)}.M1P1.host:2,S`),
  )
  writeMessage(imports.at(`Maildir/new/${named(20)}.M1P1.host`), 'Subject: new\n\n')
  const again = await imports.bring(await openMaildir(imports.at('Maildir')))
  assert.deepEqual(
    counts(again).filter(line => !line.includes(' 0 brought')),
    ['INBOX → INBOX: 1 brought, 4 there, 0 refused'],
  )
  assert.equal((await imports.lines('INBOX')).length, 5)
})

test('a dry run counts, and changes nothing', async t => {
  const imports = await openWithMaildir(t)
  const report = await imports.bring(await openMaildir(imports.at('Maildir')), { isDryRun: true })
  assert.equal(
    report.folders.reduce((sum, { brought }) => sum + brought, 0),
    9,
  )
  assert.deepEqual(await imports.everything(), {})
})

test('a special use has one mailbox here, with what is below it', async t => {
  const imports = openImports(await openTestStorage(t))
  for (const folder of ['.Deleted Items', '.Junk E-Mail', '.Deleted Items.Old'])
    writeMessage(imports.at(`Maildir/${folder}/cur/${named(1)}.x:2,`), `Subject: ${folder}\n\n`)
  const first = await imports.bring(await openMaildir(imports.at('Maildir')))
  assert.deepEqual(
    first.folders.map(({ mailbox }) => mailbox),
    ['Deleted Items', 'Deleted Items/Old', 'Junk E-Mail'],
  )
  // The account has them already: by its own names.
  for (const name of ['Trash', 'Junk'] as const) await makeOfUse(imports, 2, name)
  const second = await imports.bring(await openMaildir(imports.at('Maildir')), { accountId: 2 })
  assert.deepEqual(
    second.folders.map(({ mailbox }) => mailbox),
    ['Trash', 'Trash/Old', 'Junk'],
  )
  const below = await imports.bring(await openMaildir(imports.at('Maildir')), {
    accountId: 2,
    below: 'Old/2024',
  })
  assert.equal(below.folders[0]?.mailbox, 'Old/2024/Deleted Items')
})

test('a folder that is called as the mailboxes of other users here stays, unless it is brought below another one', async t => {
  const imports = openImports(await openTestStorage(t))
  for (const folder of ['.Other Users', '.Other Users.x', '.Other'])
    writeMessage(imports.at(`Maildir/${folder}/cur/${named(1)}.x:2,`), `Subject: ${folder}\n\n`)
  const first = await imports.bring(await openMaildir(imports.at('Maildir')))
  assert.deepEqual(
    first.folders.map(({ mailbox, problem }) => [mailbox, problem?.slice(0, 18)]),
    [
      ['Other', undefined],
      [undefined, 'below Other Users/'],
      [undefined, 'below Other Users/'],
    ],
  )
  assert.deepEqual(Object.keys(await imports.everything()), ['Other'])
  await imports.bring(await openMaildir(imports.at('Maildir')), { below: 'Old' })
  assert.deepEqual(Object.keys(await imports.everything()), ['Old/Other Users', 'Old/Other Users/x', 'Other'])
})

async function makeOfUse(imports: Imports, accountId: number, use: 'Trash' | 'Junk'): Promise<void> {
  const { createMailbox } = await import('../../src/mailbox/name-operations.ts')
  await imports.storage.run(createMailbox, { accountId, name: use, specialUse: use, now: second(0) })
}

test('cut off in the middle, the next run brings the rest, and no message twice', async t => {
  const imports = openImports(await openTestStorage(t))
  // Two of each: equal messages of a folder are two in the mailbox too.
  for (let number = 0; number < 500; number++)
    writeMessage(imports.at(`Maildir/cur/${named(number)}.M1.host:2,`), `Subject: ${number >> 1}\n\n`)
  let taken = 0
  const cut = await imports.bring(await openMaildir(imports.at('Maildir')), {
    isInterrupted: () => ++taken > 321,
  })
  assert.ok(cut.isInterrupted)
  const before = (await imports.messages('INBOX')).length
  assert.ok(before > 100 && before < 500, String(before))
  const rest = await imports.bring(await openMaildir(imports.at('Maildir')))
  assert.deepEqual(counts(rest), [`INBOX → INBOX: ${500 - before} brought, ${before} there, 0 refused`])
  const subjects = await Promise.all((await imports.messages('INBOX')).map(message => imports.text(message)))
  assert.deepEqual(
    subjects,
    Array.from({ length: 500 }, (_, number) => `Subject: ${number >> 1}\r\n\r\n`),
  )
})

test('what came another way is found by its content, each message once', async t => {
  const imports = openImports(await openTestStorage(t))
  const put = (root: string, number: number, subject: string): void =>
    writeMessage(imports.at(`${root}/cur/${named(number)}.${root}:2,`), `Subject: ${subject}\n\n`)
  put('old', 1, 'one')
  put('old', 2, 'two')
  put('old', 3, 'six')
  await imports.bring(await openMaildir(imports.at('old')))
  // Copied to another place, with other names: two are the same, but one of them is there twice now.
  put('new', 11, 'one')
  put('new', 12, 'two')
  put('new', 13, 'two')
  put('new', 14, 'ten')
  const report = await imports.bring(await openMaildir(imports.at('new')))
  assert.deepEqual(counts(report), ['INBOX → INBOX: 2 brought, 2 there, 0 refused'])
  const subjects = await Promise.all((await imports.messages('INBOX')).map(message => imports.text(message)))
  assert.deepEqual(
    subjects.map(text => text.slice(9).trim()),
    ['one', 'two', 'six', 'two', 'ten'],
  )
})

test('folders may be folders on disk', async t => {
  const imports = openImports(await openTestStorage(t))
  for (const folder of ['INBOX', 'Work', 'Work/2025'])
    writeMessage(imports.at(`mail/${folder}/cur/${named(1)}.x:2,S`), `Subject: ${folder}\n\n`)
  writeFileSync(imports.at('mail/subscriptions'), 'Work/2025\n')
  assert.deepEqual(counts(await imports.bring(await openMaildir(imports.at('mail')))), [
    'INBOX → INBOX: 1 brought, 0 there, 0 refused',
    'Work → Work: 1 brought, 0 there, 0 refused',
    'Work/2025 → Work/2025: 1 brought, 0 there, 0 refused',
  ])
  await assert.rejects(openMaildir(imports.at('mail/Work/cur')), { code: 'IMPORT_NO_MAILDIR' })
  await assert.rejects(openMaildir(imports.at('none')), /none: it is not there/)
})

test('what is exported and brought again is the same; a second export adds what is new', async t => {
  const imports = await openWithMaildir(t)
  await imports.bring(await openMaildir(imports.at('Maildir')))
  const written = await imports.take(await createMaildir(imports.at('out'), 'anna@example.test'))
  assert.deepEqual(
    written.mailboxes
      .filter(({ written: count }) => count > 0)
      .map(({ mailbox, file }) => `${mailbox} ${file}`),
    ['INBOX .', 'Sent Items .Sent Items', 'Work .Work', 'Work/2025 .Work.2025', 'Почта .&BB8EPgRHBEIEMA-'],
  )
  await imports.bring(await openMaildir(imports.at('out')), { accountId: 2 })
  assert.deepEqual(await imports.everything(2), await imports.everything(1))
  assert.deepEqual(await imports.subscriptions(2), ['Work/2025'])
  const files = readdirSync(imports.at('out/cur')).toSorted()
  const [first = ''] = files
  assert.match(first, /^\d+\.V\d+U0000000001\.postrider,S=16:2,RSab$/)
  assert.equal(statSync(imports.at(`out/cur/${first}`)).mtimeMs, second(1))
  assert.equal(readFileSync(imports.at('out/dovecot-keywords'), 'utf8'), '0 $Label1\n1 work\n2 $Forwarded\n')

  // A program has shown one, and given it another flag.
  renameSync(imports.at(`out/cur/${first}`), imports.at(`out/cur/${first}F`))
  writeMessage(imports.at(`Maildir/cur/${named(30)}.x:2,c`), 'Subject: later\n\n', second(30))
  writeFileSync(imports.at('Maildir/dovecot-keywords'), '2 later\n')
  await imports.bring(await openMaildir(imports.at('Maildir')))
  const again = await imports.take(await createMaildir(imports.at('out'), 'anna@example.test'))
  assert.deepEqual(
    again.mailboxes.map(({ written: count }) => count),
    [0, 1, 0, 0, 0, 0],
  )
  assert.equal(readdirSync(imports.at('out/cur')).length, files.length + 1)
  assert.deepEqual(readdirSync(imports.at('out/tmp')), [])
  assert.equal(
    readFileSync(imports.at('out/dovecot-keywords'), 'utf8'),
    '0 $Label1\n1 work\n2 $Forwarded\n3 later\n',
  )
})

test('what an export has not written is left alone', async t => {
  const imports = await openWithMaildir(t)
  await assert.rejects(createMaildir(imports.at('Maildir'), 'anna@example.test'), {
    code: 'EXPORT_FOLDER_FOREIGN',
  })
  await createMaildir(imports.at('out'), 'anna@example.test')
  await assert.rejects(
    createMaildir(imports.at('out'), 'boris@example.test'),
    /has the mail of anna@example.test/,
  )
})
