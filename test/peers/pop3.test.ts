// Programs that we did not write fetch mail by POP3: Python's poplib, curl, fetchmail and getmail.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { flags } from '../../src/mailbox/message-state.ts'
import { missing, type ProgramResult, runProgram } from '../harness/programs.ts'
import { testSecureContext } from '../harness/secure-context.ts'
import { names, password, serveMaildrops } from '../mail-access/serve-maildrops.ts'
import { openMailboxes, type TestMailboxes } from '../mailbox/open-mailboxes.ts'

const [user = ''] = names
const head = 'From: boris@example.org\r\nTo: anna@example.test\r\nMessage-ID: '
/** One with dots at its line starts, a large one, and one in 8 bits without a line end at its end. */
const texts = [
  `${head}<1@example.org>\r\nSubject: one\r\n\r\n.\r\n..two\r\n.three\r\n`,
  `${head}<2@example.org>\r\nSubject: two\r\n\r\n${`${'line '.repeat(14)}\r\n`.repeat(20_000)}`,
  `${head}<3@example.org>\r\nSubject: three\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nПривет`,
]

interface Fetched {
  readonly mailboxes: TestMailboxes
  readonly folder: string
  readonly port: number
}

async function serve(t: TestContext, role: 'pop3' | 'pop3s'): Promise<Fetched> {
  const folder = await mkdtemp(join(tmpdir(), 'postrider-pop3-'))
  t.after(() => rm(folder, { recursive: true }))
  const mailboxes = await openMailboxes(t)
  for (const [index, text] of texts.entries()) await mailboxes.store(index + 1, text)
  await mailboxes.file(...texts.map((_, index) => ({ queueId: index + 1 })))
  const { port } = await serveMaildrops(t, mailboxes, {
    listeners: [{ role, address: '127.0.0.1', port: 0 }],
    tls: { secureContext: testSecureContext },
    allowPlaintextAuthOnLoopback: false,
  })
  return { mailboxes, folder, port }
}

function said({ stdout, stderr }: ProgramResult): string {
  return stdout + stderr
}

const withLf = (text: string): string => text.replaceAll('\r\n', '\n')

async function readFiles(folder: string): Promise<string[]> {
  const files = await readdir(folder)
  return await Promise.all(files.map(file => readFile(join(folder, file), 'utf8')))
}

/** Each message as a program has written it down, that is with its own line ends and fields of its own above. */
function assertFetched(fetched: readonly string[]): void {
  const sorted = fetched.map(withLf).sort((a, b) => idOf(a).localeCompare(idOf(b)))
  assert.equal(sorted.length, texts.length)
  for (const [index, text] of texts.entries()) {
    const body = withLf(text.slice(text.indexOf('\r\n\r\n')))
    assert.ok(sorted[index]?.trimEnd().endsWith(body.trimEnd()), `the body of message ${index + 1}`)
    assert.match(sorted[index] ?? '', new RegExp(`^Subject: ${['one', 'two', 'three'][index]}$`, 'm'))
  }
}

function idOf(text: string): string {
  return /^Message-ID: (.*)$/im.exec(text)?.[1] ?? ''
}

const pythonScript = `
import poplib, ssl, sys, json, hashlib
role, port, user, password = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
context = ssl._create_unverified_context()
if role == 'pop3s':
    drop = poplib.POP3_SSL('127.0.0.1', port, context=context)
else:
    drop = poplib.POP3('127.0.0.1', port)
    drop.stls(context)
capabilities = drop.capa()
drop.utf8()
drop.user(user)
drop.pass_(password)
said = {
    'capabilities': sorted(capabilities),
    'stat': drop.stat(),
    'list': [line.decode() for line in drop.list()[1]],
    'ids': [line.decode() for line in drop.uidl()[1]],
    'top': [line.decode() for line in drop.top(2, 1)[1]],
    'messages': [hashlib.sha256(b''.join(line + b'\\r\\n' for line in drop.retr(n)[1])).hexdigest() for n in (1, 2, 3)],
}
try:
    drop.retr(4)
except poplib.error_proto as problem:
    said['problem'] = str(problem)
drop.dele(1)
drop.rset()
drop.dele(2)
said['quit'] = drop.quit().decode()
print(json.dumps(said))
`

for (const role of ['pop3', 'pop3s'] as const)
  test(`poplib over ${role}`, { skip: missing('python3') }, async t => {
    const { mailboxes, port } = await serve(t, role)
    const result = await runProgram(['python3', '-c', pythonScript, role, String(port), user, password])
    assert.equal(result.exitCode, 0, said(result))
    const seen = JSON.parse(result.stdout) as Record<string, unknown>
    const sizes = texts.map(text => Buffer.byteLength(text))
    assert.deepEqual(seen['stat'], [3, sizes.reduce((sum, size) => sum + size, 0)])
    assert.deepEqual(
      seen['list'],
      sizes.map((size, index) => `${index + 1} ${size}`),
    )
    assert.deepEqual(
      seen['messages'],
      // What has no line end at its end gets one.
      texts.map(text =>
        createHash('sha256')
          .update(text.endsWith('\r\n') ? text : `${text}\r\n`)
          .digest('hex'),
      ),
    )
    assert.equal(String(seen['problem']), "b'-ERR There is no such message; there are 3'")
    assert.equal(seen['quit'], '+OK Until next time; messages deleted: 1')
    assert.deepEqual(
      (await mailboxes.list(1)).map(message => [message.uid, message.flags]),
      [
        [1, flags.seen],
        [3, flags.seen],
      ],
    )
  })

for (const role of ['pop3', 'pop3s'] as const)
  test(`curl over ${role}`, { skip: missing('curl') }, async t => {
    const { mailboxes, port } = await serve(t, role)
    const curl = async (path: string, ...options: readonly string[]): Promise<string> => {
      const url = `${role}://127.0.0.1:${port}/${path}`
      const account = ['--user', `${user}:${password}`] as const
      const result = await runProgram([
        'curl',
        '-sS',
        '--insecure',
        '--ssl-reqd',
        ...account,
        ...options,
        url,
      ])
      assert.equal(result.exitCode, 0, said(result))
      return result.stdout
    }
    assert.match(await curl(''), /^1 \d+\r\n2 \d+\r\n3 \d+\r\n$/)
    for (const mechanism of ['PLAIN', 'LOGIN'])
      assert.equal(await curl('1', '--login-options', `AUTH=${mechanism}`), texts[0])
    assert.ok((await curl('2')) === texts[1])
    assert.match(await curl('', '--request', 'UIDL'), /^1 \d+\.1\r\n2 \d+\.2\r\n3 \d+\.3\r\n$/)
    await curl('2', '--request', 'DELE', '--list-only')
    assert.deepEqual(
      (await mailboxes.list(1)).map(({ uid }) => uid),
      [1, 3],
    )
  })

for (const role of ['pop3', 'pop3s'] as const)
  test(`fetchmail over ${role}`, { skip: missing('fetchmail') }, async t => {
    const { mailboxes, folder, port } = await serve(t, role)
    const settings = join(folder, 'fetchmailrc')
    const inbox = join(folder, 'inbox')
    await mkdir(inbox)
    const poll = `poll 127.0.0.1 protocol pop3 port ${port} uidl user "${user}" password "${password}" no sslcertck`
    const fetch = async (more: string): Promise<ProgramResult> => {
      // One file for each message.
      const deliver = `mda "cat > $(mktemp ${inbox}/XXXXXX)"`
      await writeFile(
        settings,
        `${poll} ${role === 'pop3s' ? 'ssl' : "sslproto 'TLS1.2+'"} ${more} ${deliver}\n`,
        {
          mode: 0o600,
        },
      )
      return await runProgram(
        ['fetchmail', '--nodetach', '--nosyslog', '--fetchmailrc', settings, '--idfile', join(folder, 'ids')],
        { env: { ...process.env, HOME: folder, FETCHMAILHOME: folder, LC_ALL: 'C.UTF-8' } },
      )
    }
    const first = await fetch('keep')
    assert.equal(first.exitCode, 0, said(first))
    assertFetched(await readFiles(inbox))
    // What it has fetched it knows again.
    const second = await fetch('keep')
    assert.equal(second.exitCode, 1, said(second))
    assert.equal((await readdir(inbox)).length, 3)
    // It asks for what it leaves there by TOP, so that nobody else finds it read.
    assert.ok((await mailboxes.list(1)).every(message => message.flags === 0))
    const third = await fetch('fetchall no keep')
    assert.equal(third.exitCode, 0, said(third))
    assert.deepEqual(await mailboxes.list(1), [])
  })

// It knows no STLS.
test('getmail over pop3s', { skip: missing('getmail') }, async t => {
  const { mailboxes, folder, port } = await serve(t, 'pop3s')
  const inbox = join(folder, 'inbox')
  await mkdir(inbox)
  const fetch = async (options: string): Promise<ProgramResult> => {
    const settings = `[retriever]
type = SimplePOP3SSLRetriever
server = 127.0.0.1
port = ${port}
username = ${user}
password = ${password}
[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat > $(mktemp ${inbox}/XXXXXX)")
allow_root_commands = true
[options]
verbose = 2
${options}
`
    await writeFile(join(folder, 'getmailrc'), settings, { mode: 0o600 })
    return await runProgram(['getmail', '--getmaildir', folder, '--rcfile', 'getmailrc'], {
      env: { ...process.env, HOME: folder, LC_ALL: 'C.UTF-8' },
    })
  }
  const first = await fetch('read_all = false')
  assert.equal(first.exitCode, 0, said(first))
  assertFetched(await readFiles(inbox))
  const second = await fetch('read_all = false')
  assert.match(said(second), /0 messages .* retrieved, 3 skipped/)
  assert.ok((await mailboxes.list(1)).every(message => message.flags === flags.seen))
  const third = await fetch('read_all = true\ndelete = true')
  assert.equal(third.exitCode, 0, said(third))
  assert.deepEqual(await mailboxes.list(1), [])
})
