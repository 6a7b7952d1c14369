// Mail programs that we did not write read, sort and synchronise mailboxes over TLS, with a certificate that they check.
import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { issueCertificate, makeAuthority } from '../harness/certificates.ts'
import { eventually } from '../harness/eventually.ts'
import { createAccount } from '../harness/mailboxes.ts'
import { missing, type ProgramResult, runProgram } from '../harness/programs.ts'
import {
  createServerFolder,
  type ServerFolder,
  type ServerProcess,
  startServer,
} from '../harness/server-process.ts'

const password = 'correct horse battery staple'
const host = 'localhost'

let at: ServerFolder
let server: ServerProcess
let authorityFile: string
let ca: string

before(async () => {
  at = await createServerFolder({
    settings: 'tls.certificateFile = "chain.pem"\ntls.keyFile = "key.pem"',
    listeners: ['relay', 'submission', 'submissions', 'imap', 'imaps'].map(role => ({
      role,
      address: '127.0.0.1',
      port: 0,
    })),
  })
  const authority = await makeAuthority('an authority')
  ca = authority.certificate
  authorityFile = join(at.folder, 'authority.pem')
  await writeFile(authorityFile, ca)
  const { certificate, key } = await issueCertificate(authority, [host, 'mail.example.test'])
  await writeFile(join(at.folder, 'chain.pem'), certificate)
  await writeFile(join(at.folder, 'key.pem'), key)
  server = await startServer(at)
})

after(async () => {
  await server?.stop()
  await at.remove()
})

const messageWith = (subject: string): string =>
  [
    'From: boris@example.test',
    'To: anna@example.test',
    `Subject: ${subject}`,
    'Date: Mon, 02 Nov 2026 10:00:00 +0000',
    `Message-ID: <${subject.replaceAll(' ', '-')}@example.test>`,
    '',
    `The text of ${subject}.`,
    '',
  ].join('\r\n')

async function withClient<Result>(
  user: string,
  work: (client: ImapFlow) => Promise<Result>,
): Promise<Result> {
  const client = new ImapFlow({
    host,
    port: server.port('imaps'),
    secure: true,
    tls: { ca },
    auth: { user, pass: password },
    logger: false,
  })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.logout()
  }
}

/** An account with messages "number 1" … in INBOX, of which the first is read and the second flagged. */
async function createReader(name: string, count: number): Promise<string> {
  const user = `${name}@example.test`
  await createAccount(at, user, password)
  await withClient(user, async client => {
    const flags = [['\\Seen'], ['\\Flagged']]
    for (let number = 1; number <= count; number++)
      await client.append('INBOX', messageWith(`number ${number}`), flags[number - 1] ?? [])
  })
  return user
}

interface MailboxState {
  readonly path: string
  readonly messages: number | undefined
  readonly uidNext: number | undefined
  /** Changes with whatever changes in the mailbox (RFC 7162). */
  readonly modSeq: string
}

async function statesOf(user: string): Promise<readonly MailboxState[]> {
  return await withClient(user, async client => {
    const found = await client.list({ statusQuery: { messages: true, uidNext: true, highestModseq: true } })
    return found.map(({ path, status }) => ({
      path,
      messages: status?.messages,
      uidNext: status?.uidNext,
      modSeq: String(status?.highestModseq),
    }))
  })
}

const countIn = (states: readonly MailboxState[], mailbox: string): number | undefined =>
  states.find(({ path }) => path === mailbox)?.messages

interface Read {
  readonly subject: string | undefined
  readonly flags: readonly string[]
}

async function readAll(user: string, mailbox: string): Promise<readonly Read[]> {
  return await withClient(user, async client => {
    await client.mailboxOpen(mailbox, { readOnly: true })
    const messages = await client.fetchAll('1:*', { envelope: true, flags: true })
    return messages.map(({ envelope, flags }) => ({
      subject: envelope?.subject,
      flags: [...(flags ?? [])].filter(flag => flag !== '\\Recent').sort(),
    }))
  })
}

/** Files below a folder, by their path in it. */
async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath.slice(folder.length), entry.name))
    .sort()
}

const messageFilesIn = async (folder: string): Promise<readonly string[]> =>
  (await filesIn(folder)).filter(file => /\/(?:cur|new)\//.test(file))

function assertWell({ exitCode, stdout, stderr }: ProgramResult): void {
  assert.equal(exitCode, 0, stdout + stderr)
}

test('curl', { skip: missing('curl') }, async () => {
  const user = await createReader('curl', 3)
  const curl = async (path: string, ...args: readonly string[]): Promise<string> => {
    const result = await runProgram([
      'curl',
      '--silent',
      '--show-error',
      '--ssl-reqd',
      '--cacert',
      authorityFile,
      '--user',
      `${user}:${password}`,
      ...args,
      path,
    ])
    assertWell(result)
    return result.stdout
  }
  const [tls, startTls] = [`imaps://${host}:${server.port('imaps')}`, `imap://${host}:${server.port('imap')}`]
  for (const mailbox of ['INBOX', 'Drafts', 'Sent', 'Junk', 'Trash', 'Archive'])
    assert.match(await curl(`${tls}/`), new RegExp(`^\\* LIST \\(.*\\) "/" "?${mailbox}"?\\r$`, 'm'))
  assert.equal(await curl(`${tls}/INBOX;UID=2`), messageWith('number 2'))
  assert.equal(
    (await curl(`${startTls}/INBOX;UID=3/;SECTION=HEADER.FIELDS%20(SUBJECT)`)).trim(),
    'Subject: number 3',
  )
  assert.equal((await curl(`${tls}/INBOX?SUBJECT%20%22number%202%22`)).trim(), '* SEARCH 2')
  const file = join(at.folder, 'by-curl.eml')
  await writeFile(file, messageWith('by curl'))
  await curl(`${tls}/Archive`, '--upload-file', file)
  assert.deepEqual(await readAll(user, 'Archive'), [{ subject: 'by curl', flags: ['\\Seen'] }])
})

const imaplibProgram = `
import imaplib, json, ssl, sys
port, tls_port, user, password, authority = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
plain = imaplib.IMAP4('localhost', int(port))
plain.starttls(context)
plain.login(user, password)
plain.enable('UTF8=ACCEPT')
plain.logout()
with imaplib.IMAP4_SSL('localhost', int(tls_port), ssl_context=context) as client:
    client.authenticate('PLAIN', lambda _: ('\\0' + user + '\\0' + password).encode())
    assert client.select('INBOX') == ('OK', [b'3']), 'select'
    kind, found = client.search(None, 'UNSEEN', 'SUBJECT', '"number 3"')
    kind, data = client.fetch(found[0].decode(), '(UID BODY[])')
    assert client.create('"Work/2026 &- more"')[0] == 'OK', 'create'
    assert client.uid('COPY', '3', '"Work/2026 &- more"')[0] == 'OK', 'copy'
    assert client.store('3', '+FLAGS', '(\\\\Deleted)')[0] == 'OK', 'store'
    assert client.expunge() == ('OK', [b'3']), 'expunge'
    assert client.append('Drafts', '(\\\\Draft)', None, b'Subject: a draft\\r\\n\\r\\nText.\\r\\n')[0] == 'OK', 'append'
    kind, sorted_ = client.sort('REVERSE SUBJECT', 'UTF-8', 'ALL')
    assert sorted_ == [b'2 1'], 'sort'
    kind, quota = client.getquotaroot('INBOX')
    print(json.dumps([found[0].decode(), data[0][1].decode(), kind]))
`

test("Python's imaplib", { skip: missing('python3') }, async () => {
  const user = await createReader('imaplib', 3)
  const result = await runProgram([
    'python3',
    '-c',
    imaplibProgram,
    String(server.port('imap')),
    String(server.port('imaps')),
    user,
    password,
    authorityFile,
  ])
  assertWell(result)
  assert.deepEqual(JSON.parse(result.stdout), ['3', messageWith('number 3'), 'OK'])
  assert.deepEqual(await readAll(user, 'Drafts'), [{ subject: 'a draft', flags: ['\\Draft'] }])
  assert.deepEqual(
    (await readAll(user, 'Work/2026 & more')).map(({ subject }) => subject),
    ['number 3'],
  )
  assert.equal(countIn(await statesOf(user), 'INBOX'), 2)
})

test('imapflow hears of what nodemailer sends, reads it and files it', async () => {
  const user = await createReader('imapflow', 0)
  await withClient(user, async client => {
    await client.mailboxOpen('INBOX')
    const heard: number[] = []
    client.on('exists', ({ count }) => heard.push(count))
    const transport = createTransport({
      host,
      port: server.port('submissions'),
      secure: true,
      tls: { ca },
      auth: { user, pass: password },
    })
    const picture = Buffer.from([...Array(3000).keys()].map(number => number % 256))
    await transport.sendMail({
      from: user,
      to: user,
      subject: 'Привет, мир',
      text: 'Текст письма.',
      html: '<p>Текст письма.</p>',
      attachments: [{ filename: 'рисунок.png', content: picture }],
    })
    transport.close()
    const idle = client.idle()
    await eventually('the news of the message', async () => heard.includes(1) || undefined)
    await client.noop()
    await idle
    const [message] = await client.fetchAll('1:*', { envelope: true, bodyStructure: true, uid: true })
    assert.equal(message?.envelope?.subject, 'Привет, мир')
    assert.equal(message.bodyStructure?.type, 'multipart/mixed')
    const { content, meta } = await client.download('1', '2')
    assert.ok(content && meta)
    assert.equal(meta.filename, 'рисунок.png')
    assert.deepEqual(Buffer.concat(await content.toArray()), picture)
    assert.deepEqual(await client.search({ body: 'письма' }), [1])
    await client.mailboxCreate('Проекты/Новый')
    const moved = await client.messageMove('1', 'Проекты/Новый')
    assert.ok(moved && moved.uidMap?.get(message.uid) === 1)
    await client.mailboxOpen('Проекты/Новый')
    assert.ok(await client.messageFlagsAdd('1', ['\\Seen', '$Forwarded']))
  })
  assert.deepEqual(await readAll(user, 'Проекты/Новый'), [
    { subject: 'Привет, мир', flags: ['$Forwarded', '\\Seen'] },
  ])
})

test('mutt opens a mailbox, reads a message and moves it', { skip: missing('mutt', 'script') }, async () => {
  const user = await createReader('mutt', 3)
  const file = join(at.folder, 'muttrc')
  const read = join(at.folder, 'read-by-mutt')
  const keys = [
    '<search>~s "number 2"<enter>',
    '<display-message>',
    `<pipe-message>cat > ${read}<enter>`,
    '<exit>',
    '<save-message>=Archive<enter>',
    '<sync-mailbox>',
    '<quit>',
  ]
  await writeFile(
    file,
    [
      `set folder = "imaps://${host}:${server.port('imaps')}/"`,
      'set spoolfile = "+INBOX"',
      `set imap_user = "${user}"`,
      `set imap_pass = "${password}"`,
      `set certificate_file = "${authorityFile}"`,
      'set ssl_verify_host = yes',
      'set confirmappend = no',
      'set delete = yes',
      'set wait_key = no',
      'set pager = builtin',
      `set tmpdir = "${at.folder}"`,
      'set mark_old = no',
      `push '${keys.join('')}'`,
      '',
    ].join('\n'),
    { mode: 0o600 },
  )
  // It wants a terminal.
  const result = await runProgram(
    ['script', '--quiet', '--return', '--command', `mutt -n -F ${file}`, '/dev/null'],
    {
      env: { ...process.env, TERM: 'xterm', HOME: at.folder },
      timeoutMs: 30_000,
    },
  )
  assertWell(result)
  assert.match(await readFile(read, 'utf8'), /The text of number 2\./)
  assert.deepEqual(await readAll(user, 'INBOX'), [
    { subject: 'number 1', flags: ['\\Seen'] },
    { subject: 'number 3', flags: [] },
  ])
  assert.deepEqual(await readAll(user, 'Archive'), [{ subject: 'number 2', flags: ['\\Flagged', '\\Seen'] }])
})

test('mbsync both ways, and a second run changes nothing on either side', {
  skip: missing('mbsync'),
}, async () => {
  const user = await createReader('mbsync', 20)
  const folder = join(at.folder, 'mbsync')
  await mkdir(folder)
  const file = join(folder, 'mbsyncrc')
  await writeFile(
    file,
    [
      'IMAPAccount server',
      `Host ${host}`,
      `Port ${server.port('imaps')}`,
      `User ${user}`,
      `Pass "${password}"`,
      'SSLType IMAPS',
      `CertificateFile ${authorityFile}`,
      '',
      'IMAPStore far',
      'Account server',
      '',
      'MaildirStore near',
      `Path ${folder}/mail/`,
      `Inbox ${folder}/mail/INBOX`,
      'SubFolders Verbatim',
      '',
      'Channel both',
      'Far :far:',
      'Near :near:',
      'Patterns *',
      'Create Both',
      'Remove Both',
      'Expunge Both',
      'SyncState *',
      'Sync All',
      '',
    ].join('\n'),
    { mode: 0o600 },
  )
  const mail = join(folder, 'mail')
  for (const sub of ['cur', 'new', 'tmp']) await mkdir(join(mail, 'Local notes', sub), { recursive: true })
  await writeFile(
    join(mail, 'Local notes', 'cur', '1.local:2,S'),
    messageWith('kept here').replaceAll('\r\n', '\n'),
  )
  const run = async (): Promise<void> =>
    assertWell(await runProgram(['mbsync', '--config', file, '--all'], { env: process.env }))

  await run()
  const [states, files] = [await statesOf(user), await filesIn(mail)]
  assert.equal((await messageFilesIn(join(mail, 'INBOX'))).length, 20)
  assert.deepEqual(await readAll(user, 'Local notes'), [{ subject: 'kept here', flags: ['\\Seen'] }])
  await run()
  assert.deepEqual(await statesOf(user), states)
  assert.deepEqual(await filesIn(mail), files)

  // Both sides change, and have the same afterwards: one is read here, one deleted here, one flagged and one deleted there.
  const inbox = join(mail, 'INBOX')
  const fileOf = async (subject: string): Promise<string> => {
    for (const name of await messageFilesIn(inbox))
      if ((await readFile(join(inbox, name), 'utf8')).includes(`Subject: ${subject}\n`))
        return join(inbox, name)
    throw new Error(`no ${subject} here`)
  }
  const readHere = await fileOf('number 5')
  await rename(
    readHere,
    join(
      inbox,
      'cur',
      `${readHere
        .split('/')
        .at(-1)
        ?.replace(/:2,.*$/, '')}:2,S`,
    ),
  )
  await unlink(await fileOf('number 6'))
  await withClient(user, async client => {
    await client.mailboxOpen('INBOX')
    await client.messageFlagsAdd({ subject: 'number 7' }, ['\\Flagged'])
    await client.messageDelete({ subject: 'number 8' })
  })
  await run()
  const there = await readAll(user, 'INBOX')
  assert.equal(there.length, 18)
  assert.deepEqual(there.find(({ subject }) => subject === 'number 5')?.flags, ['\\Seen'])
  assert.ok(!there.some(({ subject }) => subject === 'number 6'))
  assert.match(await fileOf('number 7'), /:2,F$/)
  await assert.rejects(fileOf('number 8'), /no number 8 here/)
  const [later, laterFiles] = [await statesOf(user), await filesIn(mail)]
  await run()
  assert.deepEqual(await statesOf(user), later)
  assert.deepEqual(await filesIn(mail), laterFiles)
})

test('offlineimap, twice', { skip: missing('offlineimap') }, async () => {
  const user = await createReader('offlineimap', 5)
  const folder = join(at.folder, 'offlineimap')
  await mkdir(folder)
  const file = join(folder, 'offlineimaprc')
  await writeFile(
    file,
    [
      '[general]',
      'accounts = anna',
      `metadata = ${folder}/metadata`,
      'ui = quiet',
      '[Account anna]',
      'localrepository = near',
      'remoterepository = far',
      '[Repository near]',
      'type = Maildir',
      `localfolders = ${folder}/mail`,
      '[Repository far]',
      'type = IMAP',
      `remotehost = ${host}`,
      `remoteport = ${server.port('imaps')}`,
      `remoteuser = ${user}`,
      `remotepass = ${password}`,
      'ssl = yes',
      `sslcacertfile = ${authorityFile}`,
      '',
    ].join('\n'),
  )
  const run = async (): Promise<void> =>
    assertWell(await runProgram(['offlineimap', '-o', '-c', file], { timeoutMs: 60_000 }))
  await run()
  const mail = join(folder, 'mail')
  const [states, files] = [await statesOf(user), await messageFilesIn(mail)]
  assert.equal(files.length, 5)
  await run()
  assert.deepEqual(await statesOf(user), states)
  assert.deepEqual(await messageFilesIn(mail), files)
})

test('getmail', { skip: missing('getmail') }, async () => {
  const user = await createReader('getmail', 3)
  const folder = join(at.folder, 'getmail')
  await mkdir(folder)
  await writeFile(
    join(folder, 'getmailrc'),
    [
      '[retriever]',
      'type = SimpleIMAPSSLRetriever',
      `server = ${host}`,
      `port = ${server.port('imaps')}`,
      `username = ${user}`,
      `password = ${password}`,
      `ca_certs = ${authorityFile}`,
      'mailboxes = ("INBOX",)',
      'move_on_delete = Archive',
      '[destination]',
      // Into a Maildir it delivers for nobody who is root.
      'type = MDA_external',
      'path = /bin/sh',
      `arguments = ("-c", "cat >> ${folder}/fetched")`,
      'allow_root_commands = true',
      '[options]',
      'delete = true',
      'read_all = false',
      '',
    ].join('\n'),
  )
  const result = await runProgram(['getmail', '--getmaildir', folder])
  assertWell(result)
  assert.deepEqual(
    (await readFile(join(folder, 'fetched'), 'utf8')).match(/^Subject: number \d$/gm),
    ['Subject: number 1', 'Subject: number 2', 'Subject: number 3'],
    result.stdout + result.stderr,
  )
  const states = await statesOf(user)
  assert.deepEqual([countIn(states, 'INBOX'), countIn(states, 'Archive')], [0, 3])
})

test('fetchmail', { skip: missing('fetchmail') }, async () => {
  const user = await createReader('fetchmail', 3)
  const folder = join(at.folder, 'fetchmail')
  await mkdir(folder)
  const [file, fetched] = [join(folder, 'fetchmailrc'), join(folder, 'fetched')]
  await writeFile(
    file,
    [
      `poll ${host} service ${server.port('imaps')} protocol IMAP`,
      `user "${user}" password "${password}"`,
      `ssl sslcertck sslcertfile "${authorityFile}"`,
      // One is read already.
      'fetchall nokeep',
      `mda "cat >> ${fetched}"`,
      '',
    ].join('\n'),
    { mode: 0o600 },
  )
  const env = { ...process.env, FETCHMAILHOME: folder }
  assertWell(await runProgram(['fetchmail', '--fetchmailrc', file, '--nosyslog'], { env }))
  assert.deepEqual((await readFile(fetched, 'utf8')).match(/^Subject: .*$/gm), [
    'Subject: number 1',
    'Subject: number 2',
    'Subject: number 3',
  ])
  assert.equal(countIn(await statesOf(user), 'INBOX'), 0)
  // 1: there is no mail.
  assert.equal((await runProgram(['fetchmail', '--fetchmailrc', file, '--nosyslog'], { env })).exitCode, 1)
})
