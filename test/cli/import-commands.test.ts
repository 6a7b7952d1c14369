// postrider import and export: beside a server and without one, cut off by a kill, and what they tell.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { z } from 'zod'
import { eventually } from '../harness/eventually.ts'
import { createAccount, listMailbox } from '../harness/mailboxes.ts'
import { missing, runProgram } from '../harness/programs.ts'
import { command, createServerFolder, type ServerFolder, startServer } from '../harness/server-process.ts'
import { writeMessage } from '../message-stores/open-imports.ts'

const anna = 'anna@example.test'

async function open(t: TestContext): Promise<ServerFolder> {
  const at = await createServerFolder()
  t.after(() => at.remove())
  await createAccount(at, anna, 'a password of some length')
  return at
}

function writeMaildir(at: ServerFolder, count: number): string {
  const root = join(at.folder, 'Maildir')
  for (let number = 0; number < count; number++)
    writeMessage(join(root, 'cur', `${1_700_000_000 + number}.M1.host:2,S`), `Subject: ${number}\n\nText\n`)
  return root
}

test('the result is a table for people and JSON for programs; nothing comes twice', async t => {
  const at = await open(t)
  const root = writeMaildir(at, 3)
  writeMessage(join(root, '.Sent Items/cur/1700000000.M1.host:2,S'), 'Subject: sent\n\n')
  writeMessage(join(root, '.Sent Items/cur/1700000001.M1.host:2,S'), '')
  const dry = await at.tryPostrider('import', 'maildir', anna, root, '--dry-run')
  assert.equal(
    dry.stdout,
    'FOLDER      MAILBOX  NEW  ALREADY THERE  NOT BROUGHT\n' +
      'INBOX       INBOX      3              0            0\n' +
      'Sent Items  Sent       2              0            0\n\n' +
      `5 messages would come into the mailboxes of ${anna}; nothing was changed.\n`,
  )
  assert.deepEqual(await listMailbox(at, anna), [])
  const first = await at.tryPostrider('import', 'maildir', anna, root)
  assert.equal(first.exitCode, 1)
  assert.equal(
    first.stdout,
    'FOLDER      MAILBOX  BROUGHT  ALREADY THERE  NOT BROUGHT\n' +
      'INBOX       INBOX          3              0            0\n' +
      'Sent Items  Sent           1              0            1\n\n' +
      'Not brought: Sent Items: cur/1700000001.M1.host:2,S: it is empty.\n' +
      `4 messages brought into the mailboxes of ${anna} (77 B), 0 there already.\n`,
  )
  const again = await at.tryPostrider('import', 'maildir', anna, root, '--folder', 'INBOX', '--json')
  assert.equal(again.exitCode, 0)
  assert.deepEqual(JSON.parse(again.stdout), {
    folders: [{ folder: 'INBOX', brought: 0, alreadyThere: 3, refused: 0, mailbox: 'INBOX', problem: null }],
    brought: 0,
    alreadyThere: 3,
    refused: 0,
    refusedMessages: [],
    remarks: [],
    bytes: 0,
    dryRun: false,
    interrupted: false,
  })
  const wrong = await at.tryPostrider('import', 'maildir', anna, root, '--folder', 'Work')
  assert.match(wrong.stderr, /There is no folder Work\. There are: INBOX, Sent Items\./)

  const scripts = [join(root, 'sieve/main.sieve'), join(at.folder, '.dovecot.sieve')]
  for (const script of scripts) writeMessage(script, 'keep;\n')
  const { remarks } = z
    .object({ remarks: z.array(z.string()) })
    .parse(JSON.parse(await at.postrider('import', 'maildir', anna, root, '--folder', 'INBOX', '--json')))
  assert.deepEqual(
    remarks.map(
      remark => /^Not brought: the Sieve script (\S+); ".*sieve put" brings it\.$/.exec(remark)?.[1],
    ),
    scripts,
  )
})

test('beside a running server; an account that is made anew gets its mail anew', async t => {
  const at = await open(t)
  const root = writeMaildir(at, 250)
  const large = `Subject: large\n\n${'0123456789\n'.repeat(100_000)}`
  writeMessage(join(root, 'cur/1800000000.M1.host:2,S'), large)
  const server = await startServer(at)
  t.after(() => server.kill())
  assert.match(await at.postrider('import', 'maildir', anna, root), /^251 messages brought/m)
  assert.equal((await listMailbox(at, anna)).length, 251)
  assert.equal(await at.postrider('mail', 'read', anna, '251', '--raw'), large.replaceAll('\n', '\r\n'))
  await at.postrider('account', 'remove', anna, '--force')
  await createAccount(at, anna, 'a password of some length')
  assert.match(await at.postrider('import', 'maildir', anna, root), /^251 messages brought/m)
  assert.match(await at.postrider('import', 'maildir', anna, root), /^0 messages brought/m)
  assert.equal(await server.stop(), 0)
  assert.match(await at.postrider('verify'), /is in order/)
})

test('killed in the middle, repeated, and every message is there once', {
  skip: missing('mkfifo'),
}, async t => {
  const at = await open(t)
  const root = writeMaildir(at, 450)
  // The import waits at a message that nobody writes, and is killed there.
  const stop = join(root, 'cur', '1700000450.M1.host:2,S')
  assert.equal((await runProgram(['mkfifo', stop])).exitCode, 0)
  const child = spawn(
    process.execPath,
    [command, 'import', 'maildir', anna, root, '--settings', at.settingsFile],
    { stdio: 'ignore' },
  )
  await eventually('the first batches', async () =>
    (await listMailbox(at, anna)).length >= 400 ? true : undefined,
  )
  child.kill('SIGKILL')
  await once(child, 'exit')
  rmSync(stop)
  writeFileSync(stop, 'Subject: 450\n\n')
  const before = (await listMailbox(at, anna)).length
  assert.match(
    await at.postrider('import', 'maildir', anna, root),
    new RegExp(`^${451 - before} messages brought .* ${before} there already`, 'm'),
  )
  const subjects = (await listMailbox(at, anna)).map(({ subject }) => Number(subject))
  assert.deepEqual(
    subjects,
    Array.from({ length: 451 }, (_, number) => 450 - number),
  )
  assert.match(await at.postrider('verify'), /is in order/)
})

test('as another user than the owner of the data folder nothing comes', {
  skip: process.getuid?.() === 0 ? false : 'needs root: a folder is given to somebody else',
}, async t => {
  const at = await open(t)
  const root = writeMaildir(at, 1)
  chownSync(at.dataFolder, 12_345, 12_345)
  const { exitCode, stderr } = await at.tryPostrider('import', 'maildir', anna, root)
  assert.equal(exitCode, 1)
  assert.match(stderr, /belongs to another user.* Run this as him: sudo -u '#12345'/)
})

test('what came so has no trail, and is said so', async t => {
  const at = await open(t)
  await at.postrider('import', 'maildir', anna, writeMaildir(at, 1))
  const [message] = z
    .array(z.object({ queueId: z.string() }))
    .parse(JSON.parse(await at.postrider('mail', 'list', anna, '--json')))
  const { stderr } = await at.tryPostrider('trace', message?.queueId ?? '')
  assert.match(stderr, /what an import has brought has such ids/)
})

test('out again, and again only what is new', async t => {
  const at = await open(t)
  const root = writeMaildir(at, 3)
  await at.postrider('import', 'maildir', anna, root)
  const out = join(at.folder, 'out')
  const written = z.object({ written: z.int(), alreadyThere: z.int() })
  const run = async (format: string): Promise<unknown> =>
    written.parse(JSON.parse(await at.postrider('export', format, anna, join(out, format), '--json')))
  for (const format of ['maildir', 'mbox']) {
    assert.deepEqual(await run(format), { written: 3, alreadyThere: 0 })
    assert.deepEqual(await run(format), { written: 0, alreadyThere: 3 })
  }
  assert.ok(existsSync(join(out, 'mbox', 'INBOX.mbox')))
  const foreign = await at.tryPostrider('export', 'maildir', anna, root)
  assert.equal(foreign.exitCode, 1)
  assert.match(foreign.stderr, /has something in it that is no export of Postrider, and is left as it is\./)
  const nowhere = join(out, 'nowhere')
  const refused = await at.tryPostrider('export', 'mbox', anna, nowhere, '--mailbox', 'Архив/2023')
  assert.equal(refused.exitCode, 1)
  assert.match(refused.stderr, /^There is no mailbox Архив\/2023\. There are: INBOX, Archive, Drafts, /)
  assert.ok(!existsSync(nowhere))
  const script = join(at.folder, 'mine.sieve')
  writeFileSync(script, 'keep;')
  await at.postrider('sieve', 'put', anna, 'mine', script)
  await at.postrider('mailbox', 'share', anna, 'anyone')
  assert.match(
    await at.postrider('export', 'maildir', anna, join(out, 'maildir')),
    /\nNot written: 1 Sieve script; .*\nNot written: who else may use 1 mailbox; /,
  )
  // The directory is written as ever.
  assert.match(await at.postrider('export', '--json'), /"domain"/)
})
