import assert from 'node:assert/strict'
import { appendFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { findAccount } from '../../src/directory/accounts.ts'
import { changeFlags } from '../../src/mailbox/change-flags.ts'
import { expungeMessages } from '../../src/mailbox/expunge.ts'
import { flags } from '../../src/mailbox/message-state.ts'
import { findMailbox } from '../../src/mailbox/name-operations.ts'
import { acceptMessage } from '../../src/queue/accept-message.ts'
import { claimDueWork } from '../../src/queue/claim-due-work.ts'
import { formatQueueId } from '../../src/queue/queue-id.ts'
import { type Settlement, settle } from '../../src/queue/settle.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import { openMailDataFiles } from '../../src/storage/mail-data-files.ts'
import { createMailDataStore } from '../../src/storage/mail-data-store.ts'
import type { Storage } from '../../src/storage/operation.ts'
import { addAccount, addDomain, address } from '../directory/open-directory.ts'
import { makeServerFolder, runHere, runPostrider, succeed, succeedJson } from './run-postrider.ts'

const acceptedAt = Date.now() - 3 * 60 * 60 * 1000
const owner = 'test'

async function accept(
  storage: Storage,
  folder: string,
  id: number,
  text: string,
  ...to: readonly string[]
): Promise<void> {
  const writer = createMailDataStore(openMailDataFiles(folder, systemRandom), storage).create()
  await writer.write(Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1'))
  const mailData = await writer.finish()
  const reversePath = address('sender@elsewhere.test')
  await storage.run(acceptMessage, {
    message: {
      id,
      reversePath,
      size: mailData.size,
      body: '8BITMIME',
      smtpUtf8: false,
      disposition: 'mail',
      acceptedAt,
      expiresAt: acceptedAt + 5 * 24 * 60 * 60 * 1000,
      language: 'en',
      isReport: false,
    },
    mailData,
    recipients: to.map(text => ({ forwardPath: address(text) })),
    reception: {
      sessionId: 's1',
      role: 'relay',
      remoteAddress: '192.0.2.7',
      heloName: 'mail.elsewhere.test',
      tls: 'TLSv1.3',
      reversePath: 'sender@elsewhere.test',
      recipients: to,
      size: mailData.size,
      connectedAt: acceptedAt,
    },
    held: false,
  })
}

/** A data folder with one delivered message, one deferred and one large one, made through the real storage. */
async function makeMail(
  context: TestContext,
): Promise<{ folder: string; delivered: string; deferred: string; mailFolder: string }> {
  const folder = makeServerFolder(remove => context.after(remove))
  const mailFolder = join(folder, 'mail-data')
  const storage = await openLocalStorage(mailFolder)
  await addDomain(storage, 'example.test')
  const accountId = await addAccount(storage, 'anna@example.test')
  const [deliveredId, deferredId, largeId] = [4096, 8192, 12288]
  const subject = '=?utf-8?B?0J/RgNC40LLQtdGC?= =?utf-8?Q?_=D0=BC=D0=B8=D1=80?='
  await accept(
    storage,
    mailFolder,
    deliveredId,
    `From: Sender <sender@elsewhere.test>\nSubject: ${subject}\n\nSome \u001b[31mtext\n`,
    'anna@example.test',
  )
  await accept(
    storage,
    mailFolder,
    deferredId,
    'Subject: later\n\nx\n',
    'boris@silent.test',
    'vera@other.test',
  )
  await accept(
    storage,
    mailFolder,
    largeId,
    `Subject: large\n\n${`${'x'.repeat(69)}é\n`.repeat(2000)}`,
    'anna@example.test',
  )
  const work = await storage.run(claimDueWork, {
    now: Date.now(),
    leaseUntil: Date.now() + 60_000,
    owner,
    maxRecipients: 100,
  })
  const settlements = work.flatMap(({ message, recipients }) =>
    recipients.map((recipient): Settlement => {
      const base = { messageId: message.id, recipientId: recipient.id }
      const seen = { kind: 'attempted', recipient: recipient.forwardPath.localPart, attempt: 1 } as const
      if (message.id !== deferredId) {
        return {
          ...base,
          events: [{ ...seen, outcome: { kind: 'delivered', mailbox: 'INBOX' } }],
          result: {
            kind: 'file',
            accountId,
            mailbox: 'INBOX',
            traceFields: 'Return-Path: <sender@elsewhere.test>\r\n',
          },
        }
      }
      const dueAt = Date.now() + 30 * 60 * 1000
      const diagnosis = {
        stage: 'connect',
        cause: 'no-answer',
        status: '4.4.1',
        detail: 'connection to 192.0.2.1:25 timed out after 30 s',
      } as const
      return {
        ...base,
        events: [
          {
            ...seen,
            outcome: { kind: 'deferred', diagnosis },
            mxHosts: ['mx.silent.test'],
            dialogue: ['S: 220 mx.silent.test', 'C: EHLO mail.example.test'],
            nextAttemptAt: dueAt,
          },
        ],
        result: { kind: 'retry', tried: true, dueAt, diagnosis: diagnosis.detail, delayReported: false },
      }
    }),
  )
  await storage.run(settle, { owner, at: Date.now(), settlements, reports: [] })
  await storage.close()
  return { folder, mailFolder, delivered: formatQueueId(deliveredId), deferred: formatQueueId(deferredId) }
}

/** The files that hold large messages, below the folder 'mail'. */
function mailFiles(mailFolder: string): string[] {
  return readdirSync(join(mailFolder, 'mail'), { recursive: true, encoding: 'utf8' }).filter(name =>
    name.endsWith('.eml'),
  )
}

test('mail in mailboxes is listed and read', async context => {
  const { folder, delivered } = await makeMail(context)
  const listed = await succeed(folder, 'mail', 'list', 'anna@example.test')
  assert.match(listed, /^UID +RECEIVED +SIZE +QUEUE ID +FROM +SUBJECT\n/)
  assert.match(
    listed,
    new RegExp(`\\n +2 .*\\n +1 .* ${delivered} +Sender <sender@elsewhere\\.test> +Привет мир\\n`),
  )
  const page = (await succeedJson(folder, 'mail', 'list', 'anna@example.test', '--before', '2')) as Record<
    string,
    unknown
  >[]
  assert.deepEqual(
    page.map(({ uid, subject, damaged }) => ({ uid, subject, damaged })),
    [{ uid: 1, subject: 'Привет мир', damaged: false }],
  )
  const newest = await runHere(folder, ['mail', 'list', 'anna@example.test', '--limit', '1'])
  assert.match(newest.stdout, /\n +2 .* large\n$/)
  assert.equal(newest.stderr, '1 older message not shown: --before 2 goes on.\n')
  // Into a pipe: byte by byte, whatever a stranger wrote.
  const read = await succeed(folder, 'mail', 'read', 'Anna@example.test', '1')
  assert.ok(read.startsWith('Return-Path: <sender@elsewhere.test>\r\nFrom: Sender'))
  assert.ok(read.endsWith('\r\n\r\nSome \u001b[31mtext\r\n'))
  assert.equal((await succeed(folder, 'mail', 'read', 'anna@example.test', '2')).length, 38 + 18 + 72 * 2000)
  const missing = await runHere(folder, ['mail', 'read', 'anna@example.test', '3'])
  assert.equal(missing.exitCode, 1)
  assert.match(missing.stderr, /no message 3 in INBOX/)
  assert.equal((await runHere(folder, ['mail', 'list', 'nobody@example.test'])).exitCode, 1)
  assert.equal(
    (await runHere(folder, ['mail', 'list', 'anna@example.test', '--mailbox', 'Nowhere'])).exitCode,
    1,
  )
})

test('mail read --json gives the bytes as well: not every message is UTF-8', async context => {
  const { folder } = await makeMail(context)
  const ran = await runHere(folder, ['mail', 'read', 'anna@example.test', '2', '--json'])
  const { text, base64 } = JSON.parse(ran.stdout) as { text: string; base64: string }
  const bytes = Buffer.from(base64, 'base64')
  assert.match(bytes.toString('latin1'), /^Return-Path: .*\r\nSubject: large\r\n\r\nx{69}é\r\n/)
  assert.equal(text, bytes.toString('utf8'))
  assert.match(text, /x{69}\ufffd\r\n$/)
})

test('a message whose data is damaged is listed as such, the others as always', async context => {
  const { folder, mailFolder } = await makeMail(context)
  const [file = ''] = mailFiles(mailFolder)
  rmSync(join(mailFolder, 'mail', file))
  const listed = await runHere(folder, ['mail', 'list', 'anna@example.test'])
  assert.equal(listed.exitCode, 0)
  assert.match(listed.stdout, /\n +2 .* \(damaged\)\n +1 .* Привет мир\n$/)
  assert.equal(listed.stderr, '1 message damaged: "postrider verify anna@example.test" says what is wrong.\n')
  const [damaged, intact] = (await succeedJson(folder, 'mail', 'list', 'anna@example.test')) as unknown[]
  assert.partialDeepStrictEqual(damaged, { uid: 2, from: null, subject: null, damaged: true })
  assert.partialDeepStrictEqual(intact, { uid: 1, subject: 'Привет мир', damaged: false })
  const read = await runHere(folder, ['mail', 'read', 'anna@example.test', '2'])
  assert.equal(read.exitCode, 1)
  assert.match(
    read.stderr,
    /is not there\. The message is damaged: "postrider verify anna@example\.test" says/,
  )
})

test('the trail says in plain words what happened, and what is to come', async context => {
  const { folder, delivered, deferred } = await makeMail(context)
  const done = await succeed(folder, 'trace', delivered)
  assert.match(
    done,
    /Received from mail\.elsewhere\.test \(192\.0\.2\.7\), encrypted with TLSv1\.3: \d+ B from sender@elsewhere\.test to anna@example\.test/,
  )
  assert.match(done, /it is in the mailbox INBOX\n\nNow: nothing is left to do/)
  const waiting = await succeed(folder, 'trace', deferred.toLowerCase())
  assert.match(
    waiting,
    /Not delivered yet to boris: connection to 192\.0\.2\.1:25 timed out after 30 s; next attempt at .* \(servers tried: mx\.silent\.test\)/,
  )
  assert.match(waiting, /\nNow: boris@silent\.test and vera@other\.test are tried again in \d+ min, until /)
  assert.doesNotMatch(waiting, /EHLO/)
  assert.match(await succeed(folder, 'trace', deferred, '--dialogue'), /C: EHLO mail\.example\.test/)
  const json = (await succeedJson(folder, 'trace', deferred)) as {
    events: { kind: string }[]
    waiting: unknown[]
  }
  assert.deepEqual(
    json.events.map(event => event.kind),
    ['received', 'attempted', 'attempted'],
  )
  assert.equal(json.waiting.length, 2)
  assert.match(await succeed(folder, 'trace', '--search', 'silent.test'), new RegExp(deferred))
  const unknown = await runHere(folder, ['trace', '00000000001'])
  assert.equal(unknown.exitCode, 1)
  assert.match(unknown.stderr, /Nothing is known of 00000000001/)
})

test('the trails of a message and of the report about it lead to each other', async context => {
  const folder = makeServerFolder(remove => context.after(remove))
  const mailFolder = join(folder, 'mail-data')
  const storage = await openLocalStorage(mailFolder)
  await accept(storage, mailFolder, 1, 'Subject: x\n\nx\n', 'boris@silent.test')
  const [work] = await storage.run(claimDueWork, {
    now: Date.now(),
    leaseUntil: Date.now() + 60_000,
    owner,
    maxRecipients: 1,
  })
  const recipientId = work?.recipients[0]?.id ?? 0
  const writer = createMailDataStore(openMailDataFiles(mailFolder, systemRandom), storage).create()
  await writer.write(Buffer.from('Subject: Undelivered\r\n\r\n'))
  const mailData = await writer.finish()
  assert.ok(work)
  await storage.run(settle, {
    owner,
    at: Date.now(),
    settlements: [{ messageId: 1, recipientId, events: [], result: { kind: 'done' } }],
    reports: [
      {
        message: {
          message: { ...work.message, id: 2, reversePath: null, isReport: true },
          mailData,
          recipients: [{ forwardPath: address('sender@elsewhere.test') }],
          held: false,
        },
        recipientIds: [recipientId],
        about: { messageId: 1, action: 'failed', recipients: ['boris@silent.test'] },
      },
    ],
  })
  await storage.close()
  const [original, report] = [formatQueueId(1), formatQueueId(2)]
  assert.match(
    await succeed(folder, 'trace', original),
    new RegExp(
      `Told the sender \\(it could not be delivered\\) about boris@silent\\.test, in message ${report}\n`,
    ),
  )
  assert.match(
    await succeed(folder, 'trace', report),
    new RegExp(
      `A report of this server to the sender of message ${original} \\(it could not be delivered\\): boris@silent\\.test\n`,
    ),
  )
})

test('the queue: list, show, hold, release, retry, cancel', async context => {
  const { folder, deferred } = await makeMail(context)
  const listed = await succeed(folder, 'queue', 'list')
  assert.match(listed, /^QUEUE ID +AGE +SIZE +FROM +TO +STATE +TRIES +NEXT +LAST REASON\n/)
  assert.match(
    listed,
    new RegExp(
      `${deferred} +3 h +\\d+ B +sender@elsewhere\\.test +boris@silent\\.test +waiting +1 +in \\d+ min +connection to`,
    ),
  )
  const states = async (): Promise<string[]> => {
    const [message] = (await succeedJson(folder, 'queue', 'list')) as {
      recipients: { forwardPath: string; state: string }[]
    }[]
    return (message?.recipients ?? []).map(recipient => `${recipient.forwardPath} ${recipient.state}`)
  }
  assert.equal(await succeed(folder, 'queue', 'hold', '--domain', 'silent.test'), '1 recipient held.\n')
  assert.deepEqual(await states(), ['boris@silent.test held', 'vera@other.test waiting'])
  assert.match(await succeed(folder, 'queue', 'list', '--state', 'held'), /boris@silent\.test +held/)
  assert.match(
    await succeed(folder, 'queue', 'show', deferred),
    /To: +boris@silent\.test\nState: +held, 1 attempt\nReason: +connection to/,
  )
  assert.equal(await succeed(folder, 'queue', 'release', deferred), '1 recipient released.\n')
  assert.equal(await succeed(folder, 'queue', 'retry', deferred), '2 recipients due now.\n')
  for (const verb of ['release', 'retry']) {
    if (verb === 'release') await succeed(folder, 'queue', 'hold', deferred)
    const { stderr } = await runHere(folder, ['queue', verb, deferred])
    assert.match(stderr, /^No server that delivers is running, so nothing moves until one is/m)
    assert.partialDeepStrictEqual(await succeedJson(folder, 'queue', verb, '--all'), {
      noServer: verb === 'retry',
    })
  }
  assert.doesNotMatch((await runHere(folder, ['queue', 'hold', '--all'])).stderr, /No server/)
  await succeed(folder, 'queue', 'release', '--all')
  await succeed(folder, 'queue', 'retry', '--all')
  assert.match(await succeed(folder, 'queue', 'list'), /vera@other\.test +due +1 +now/)
  assert.equal(
    await succeed(folder, 'queue', 'cancel', '--to', 'boris@silent.test'),
    '1 recipient cancelled.\n',
  )
  assert.deepEqual(await states(), ['vera@other.test due'])
  assert.equal(await succeed(folder, 'queue', 'cancel', '--all'), '1 recipient cancelled.\n')
  const gone = await runHere(folder, ['queue', 'show', deferred])
  assert.equal(gone.exitCode, 1)
  assert.match(gone.stderr, /is not in the queue\. "postrider trace/)
  assert.match(
    await succeed(folder, 'trace', deferred),
    /An administrator took it out of the queue for vera@other\.test; the sender was not told\n/,
  )
})

/** Everything in it is deleted, and comes back. */
async function restoreMailbox(
  folder: string,
  mailFolder: string,
  open: { readonly accountId: number; readonly mailboxId: number; readonly uidValidity: number },
): Promise<void> {
  const anna = 'anna@example.test'
  const storage = await openLocalStorage(mailFolder)
  const deleted = { mode: 'add', flags: flags.deleted, keywords: [] } as const
  await storage.run(changeFlags, { ...open, ...deleted, ranges: [{ first: 1, last: 1000 }] })
  await storage.run(expungeMessages, { ...open, limit: 1000, now: acceptedAt })
  await storage.close()
  const count = ((await succeedJson(folder, 'mail', 'deleted', anna)) as unknown[]).length
  assert.ok(count > 1)
  for (const [problem, ...args] of [
    [/Name a message by its number, or with --mailbox the mailbox/],
    [/Name a message by its number, or with --mailbox the mailbox/, '1', '--mailbox', 'INBOX'],
    [/"soon" of --since is no time/, '--mailbox', 'INBOX', '--since', 'soon'],
    [/has no deleted message of INBOX since then/, '--mailbox', 'INBOX', '--since', '1min'],
    [/has no deleted message of INB\./, '--mailbox', 'INB'],
  ] as const)
    assert.match((await runPostrider(folder, ['mail', 'restore', anna, ...args])).stderr, problem)
  assert.equal(
    await succeed(folder, 'mail', 'restore', anna, '--mailbox', 'inbox'),
    `${count} messages restored to INBOX.\n`,
  )
}

test('what has been deleted is listed and put back; a mailbox that is not in order is found and repaired', async context => {
  const { folder, mailFolder } = await makeMail(context)
  const anna = 'anna@example.test'
  const none = await runPostrider(folder, ['mail', 'deleted', anna])
  assert.match(none.stderr, /has deleted nothing that can be had back/)
  const storage = await openLocalStorage(mailFolder)
  const accountId = (await storage.run(findAccount, { address: address(anna) }))?.id ?? 0
  const inbox = await storage.run(findMailbox, { accountId, name: 'INBOX' })
  assert.ok(inbox)
  const open = { accountId, mailboxId: inbox.id, uidValidity: inbox.uidValidity }
  const ranges = [{ first: 1, last: 1 }]
  const deleted = { mode: 'add', flags: flags.deleted, keywords: [] } as const
  await storage.run(changeFlags, { ...open, ...deleted, ranges })
  await storage.run(expungeMessages, { ...open, limit: 10, now: acceptedAt })
  await storage.close()
  assert.match(await succeed(folder, 'mail', 'deleted', anna), /^NUMBER.*\n +1 .* INBOX .*Привет мир/m)
  const listed = (await succeedJson(folder, 'mail', 'deleted', anna)) as Record<string, unknown>[]
  assert.deepEqual(
    listed.map(({ number, mailbox }) => ({ number, mailbox })),
    [{ number: 1, mailbox: 'INBOX' }],
  )
  const wrong = await runPostrider(folder, ['mail', 'restore', anna, '7'])
  assert.match(wrong.stderr, /has no deleted message 7\. ".*mail deleted anna@example\.test" shows/)
  assert.match(await succeed(folder, 'mail', 'restore', anna, '1'), /is in INBOX again, as \d+/)
  await restoreMailbox(folder, mailFolder, open)
  assert.match(await succeed(folder, 'repair'), /nothing to repair/)

  const database = new DatabaseSync(join(mailFolder, 'postrider.sqlite'))
  database.exec('UPDATE mailbox SET unseen = 7 WHERE messages > 0')
  database.close()
  const verified = await runPostrider(folder, ['verify'])
  assert.match(
    verified.stdout,
    /The mailbox INBOX of anna@example\.test is not in order: it counts wrong: unseen\.\n {2}.* repair"/,
  )
  assert.match(
    await succeed(folder, 'repair'),
    /^The mailbox INBOX of anna@example\.test: it counts wrong: unseen\.\n1 mailbox repaired/,
  )
  assert.match(await succeed(folder, 'verify'), /is in order/)

  const again = new DatabaseSync(join(mailFolder, 'postrider.sqlite'))
  again.exec('UPDATE account SET used_bytes = used_bytes + 1')
  again.close()
  const miscounted = await runPostrider(folder, ['verify'])
  assert.match(miscounted.stdout, /The account anna@example\.test counts otherwise than its mailboxes/)
  assert.match(
    await succeed(folder, 'repair'),
    /anna@example\.test: what it has .* counted anew\.\n[\s\S]*account/,
  )
  assert.match(await succeed(folder, 'verify'), /is in order/)

  const [file] = mailFiles(mailFolder)
  assert.ok(file)
  rmSync(join(mailFolder, 'mail', file))
  const lost = await runPostrider(folder, ['verify'])
  assert.match(
    lost.stdout,
    /is not there\. It is UID \d+ in INBOX of anna@example\.test\.\n {2}Restore this file/,
  )
})

test('an index of words that has lost messages, or is damaged, is found and made anew', async context => {
  const { folder, mailFolder } = await makeMail(context)
  const change = (sql: string): void => {
    const database = new DatabaseSync(join(mailFolder, 'postrider.sqlite'))
    // What stands behind the index can be written.
    database.enableDefensive(false)
    database.exec(sql)
    database.close()
  }
  change('DELETE FROM words_wanted')
  const lost = await runPostrider(folder, ['verify'])
  assert.match(
    lost.stdout,
    /^2 messages in mailboxes cannot be found by words.*\n {2}.* repair" has them indexed/,
  )
  assert.match(await succeed(folder, 'repair'), /nothing to repair\.\n2 messages will be indexed anew/)
  assert.match(await succeed(folder, 'verify'), /is in order/)
  change(
    "INSERT INTO message_words (rowid, words) VALUES (1, 'b=word'); DELETE FROM message_words_data WHERE id > 10",
  )
  const damaged = await runPostrider(folder, ['verify'])
  assert.match(damaged.stdout, /The index of words is damaged: .*\n {2}.* repair --words" makes it anew/)
  assert.match(await succeed(folder, 'repair', '--words'), /2 messages will be indexed anew/)
  assert.match(await succeed(folder, 'verify'), /is in order/)
})

test('removing an account removes its mail, and the files that held it', async context => {
  const { folder, mailFolder } = await makeMail(context)
  assert.equal(mailFiles(mailFolder).length, 1)
  const refused = await runHere(folder, ['account', 'remove', 'anna@example.test'])
  assert.match(refused.stderr, /anna@example\.test has 2 messages/)
  writeFileSync(join(folder, 'empty.toml'), '[[domain]]\nname = "example.test"\n')
  const applied = await runHere(folder, ['apply', 'empty.toml', '--yes'])
  assert.equal(applied.exitCode, 1)
  assert.match(applied.stderr, /has mail \(2\) and is not in the file/)
  await succeed(folder, 'account', 'remove', 'anna@example.test', '--force')
  assert.deepEqual(mailFiles(mailFolder), [])
  assert.match(await succeed(folder, 'verify'), /is in order: 1 message read/)
})

test('verify finds a message whose bytes changed', async context => {
  const { folder, mailFolder } = await makeMail(context)
  assert.match(await succeed(folder, 'verify'), /is in order: 3 messages read/)
  const [file] = mailFiles(mailFolder)
  assert.ok(file)
  appendFileSync(join(mailFolder, 'mail', file), 'x')
  const verified = await runPostrider(folder, ['verify', '--json'])
  assert.equal(verified.exitCode, 1)
  const result = JSON.parse(verified.stdout) as { damaged: number; findings: { kind: string }[] }
  assert.equal(result.damaged, 1)
  assert.equal(result.findings[0]?.kind, 'mail-data')
})

test('people read U-labels everywhere, programs A-labels', async context => {
  const folder = makeServerFolder(remove => context.after(remove))
  const mailFolder = join(folder, 'mail-data')
  const storage = await openLocalStorage(mailFolder)
  const domain = 'xn--e1afmkfd.xn--p1ai'
  await accept(storage, mailFolder, 1, `From: a@${domain}\n\nx\n`, `boris@${domain}`)
  const [work] = await storage.run(claimDueWork, {
    now: Date.now(),
    leaseUntil: Date.now() + 60_000,
    owner,
    maxRecipients: 1,
  })
  const dueAt = Date.now() + 30 * 60 * 1000
  const detail = `mx.${domain} (192.0.2.1:25) answered RCPT with 450`
  const reply = { code: 450, enhanced: '4.2.0', lines: [`boris@${domain}: later`] } as const
  const diagnosis = { stage: 'rcpt', cause: 'other', status: '4.2.0', detail, reply } as const
  const attempted = {
    kind: 'attempted',
    recipient: `boris@${domain}`,
    attempt: 1,
    mxHosts: [`mx.${domain}`],
    outcome: { kind: 'deferred', diagnosis },
    dialogue: [`C: RCPT TO:<boris@${domain}>`],
    nextAttemptAt: dueAt,
  } as const
  await storage.run(settle, {
    owner,
    at: Date.now(),
    settlements: [
      {
        messageId: 1,
        recipientId: work?.recipients[0]?.id ?? 0,
        events: [attempted],
        result: { kind: 'retry', tried: true, dueAt, diagnosis: detail, delayReported: false },
      },
    ],
    reports: [],
  })
  await storage.close()
  const id = formatQueueId(1)
  const run = async (...parameters: string[]): Promise<string> => (await runHere(folder, parameters)).stdout
  const traced = await run('trace', id)
  assert.match(traced, /from sender@elsewhere\.test to boris@пример\.рф\n/)
  assert.match(
    traced,
    /to boris@пример\.рф: mx\.пример\.рф .* \[450 4\.2\.0 boris@пример\.рф: later\].*\(servers tried: mx\.пример\.рф\)/,
  )
  assert.match(await run('trace', '--search', 'boris@пример.рф'), / to boris@пример\.рф:/)
  assert.match(await run('trace', '--search', 'пример.рф'), / to boris@пример\.рф:/)
  assert.match(await run('queue', 'list'), /boris@пример\.рф .* mx\.пример\.рф \(192\.0\.2\.1:25\) answered/)
  assert.match(await run('queue', 'show', id), /Reason: +mx\.пример\.рф /)
  // What goes over the wire is shown as it goes.
  assert.match(await run('trace', id, '--dialogue'), /C: RCPT TO:<boris@xn--e1afmkfd\.xn--p1ai>/)
  assert.match(await run('queue', 'list', '--json'), /"lastReason": "mx\.xn--e1afmkfd\.xn--p1ai/)
})

test('verify of what another version wrote: which, and what to do', async context => {
  const { folder, mailFolder } = await makeMail(context)
  const database = new DatabaseSync(join(mailFolder, 'postrider.sqlite'))
  for (const [version, says] of [
    [99, /by a newer version of Postrider \(schema 99; .*\)\.\n {2}Install that version again/],
    [0, /by an older version of Postrider .*\n {2}Start the server once/],
  ] as const) {
    database.exec(`PRAGMA user_version=${version}`)
    const verified = await runHere(folder, ['verify'])
    assert.equal(verified.exitCode, 1)
    assert.match(verified.stdout, says)
    assert.match(verified.stdout, /was not read: see above\.\n$/)
    assert.doesNotMatch(verified.stdout, /damaged/)
  }
  database.close()
})

test('what names nothing in the queue is told, and fails; everything may be nothing', async context => {
  const { folder, deferred } = await makeMail(context)
  for (const verb of ['retry', 'hold', 'release', 'cancel']) {
    for (const selection of [
      ['--domain', 'nowhere.example'],
      [deferred, '--to', 'nobody@silent.test'],
    ]) {
      const ran = await runHere(folder, ['queue', verb, ...selection])
      assert.equal(ran.exitCode, 1)
      assert.equal(ran.stdout, '')
      assert.match(ran.stderr, /^Nothing in the queue fits, so nothing was done\. "postrider queue list"/)
    }
  }
  assert.equal((await runHere(folder, ['queue', 'cancel', '--all'])).exitCode, 0)
  assert.equal((await runHere(folder, ['queue', 'retry', '--all'])).exitCode, 0)
})

test('on a terminal mail is decoded; --raw shows it as it came', async context => {
  const { folder } = await makeMail(context)
  const read = async (...parameters: string[]): Promise<string> => {
    const stdout = Object.assign(new PassThrough(), { isTTY: true })
    const written = text(stdout)
    const { exitCode } = await runHere(folder, ['mail', 'read', 'anna@example.test', '1', ...parameters], {
      stdout,
    })
    stdout.end()
    assert.equal(exitCode, 0)
    return await written
  }
  assert.equal(
    await read(),
    'Return-Path: <sender@elsewhere.test>\nFrom: Sender <sender@elsewhere.test>\nSubject: Привет мир\n\nSome \\x1b[31mtext\n',
  )
  assert.match(await read('--raw'), /\nSubject: =\?utf-8\?B\?/)
})
