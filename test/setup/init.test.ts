// `postrider init`: what it writes and what it says, by flags and by questions.
import assert from 'node:assert/strict'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { listenerRoles } from '../../src/config/listener-roles.ts'
import { loadSettings } from '../../src/config/load-settings.ts'
import { authenticate } from '../../src/directory/authenticate.ts'
import { listDomains } from '../../src/directory/domains.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { type InitOptions, type InitResult, runInit } from '../../src/setup/init.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import { temporaryFolder } from '../config/temporary-folder.ts'
import { createManualClock } from '../harness/manual-clock.ts'

/** Runs init with a person at the keyboard who answers each question (several times: a list), or with nobody there. */
async function init(
  options: InitOptions,
  answers?: Readonly<Record<string, string | readonly string[]>>,
): Promise<InitResult & { asked: string[] }> {
  const input = Object.assign(new PassThrough(), { isTTY: answers !== undefined })
  const output = new PassThrough()
  const asked: string[] = []
  output.setEncoding('utf8').on('data', (text: string) => {
    if (!text.endsWith(': ')) return
    const question = Object.keys(answers ?? {}).find(start => text.startsWith(start))
    const before = asked.filter(other => other === text).length
    asked.push(text)
    const answer = question === undefined ? undefined : [answers?.[question] ?? ''].flat()[before]
    if (answer === undefined) input.end()
    else input.write(`${answer}\n`)
  })
  const result = await runInit(options, {
    input,
    output,
    clock: createManualClock(),
    random: systemRandom,
    openStorage: ({ dataFolder }) => openLocalStorage(dataFolder),
  })
  return { ...result, asked }
}

const flags = {
  domains: ['example.com'],
  hostname: 'mail.example.com',
  account: 'anna@example.com',
  publicAddresses: ['192.0.2.1'],
}

function files(context: TestContext): { file: string; dataFolder: string; folder: string } {
  const folder = temporaryFolder(context)
  return { folder, file: join(folder, 'postrider.toml'), dataFolder: join(folder, 'store') }
}

test('by flags: settings that load, DNS records, the domain, an account that can log in', async context => {
  const { file, dataFolder, folder } = files(context)
  const result = await init({ ...flags, file, dataFolder })
  const settings = await loadSettings(file)
  assert.equal(settings.hostname, 'mail.example.com')
  assert.equal(settings.dataFolder, dataFolder)
  assert.deepEqual(
    settings.listeners.map(({ role, address, port }) => `${role} ${address} ${port}`),
    [
      'relay :: 25',
      'submission :: 587',
      'submissions :: 465',
      'imap :: 143',
      'imaps :: 993',
      'pop3 :: 110',
      'pop3s :: 995',
      'sieve :: 4190',
    ],
  )
  assert.equal(result.dnsFile, join(folder, 'dns-records.zone'))
  const zone = readFileSync(result.dnsFile, 'utf8')
  assert.match(zone, /^example\.com\. 3600 IN MX 10 mail\.example\.com\.$/m)
  assert.match(zone, /^mail\.example\.com\. 3600 IN A 192\.0\.2\.1$/m)
  const storage = await openLocalStorage(dataFolder)
  context.after(() => storage.close())
  assert.deepEqual(
    (await storage.run(listDomains, undefined)).map(({ name }) => name),
    ['example.com'],
  )
  assert.ok(
    result.password !== undefined && (await authenticate(storage, 'anna@example.com', result.password)),
  )
  assert.ok(result.text.includes(result.password))
  assert.deepEqual(result.asked, [])
})

test('never writes over a settings file, unless told to, and then keeps the old one', async context => {
  const { file, dataFolder } = files(context)
  writeFileSync(file, 'precious')
  await assert.rejects(init({ ...flags, file, dataFolder }), {
    name: 'UsageFault',
    code: 'INIT_FILE_EXISTS',
    message: /--force/,
  })
  assert.equal(readFileSync(file, 'utf8'), 'precious')
  assert.ok(!existsSync(dataFolder))
  await init({ ...flags, file, dataFolder, force: true })
  assert.equal(readFileSync(`${file}.old`, 'utf8'), 'precious')
  assert.equal((await loadSettings(file)).hostname, 'mail.example.com')
})

test('a second run with --force keeps the account and its password', async context => {
  const { file, dataFolder } = files(context)
  const first = await init({ ...flags, file, dataFolder })
  const second = await init({ ...flags, file, dataFolder, force: true })
  assert.notEqual(first.password, undefined)
  assert.equal(second.password, undefined)
  assert.match(second.text, /its password stays/)
})

test('without flags and without a terminal: says which flags are needed', async context => {
  const { file } = files(context)
  await assert.rejects(init({ file }), {
    code: 'INIT_INCOMPLETE',
    message: /--domain example\.com --hostname mail\.example\.com --account anna@example\.com/,
  })
  await assert.rejects(
    init({ ...flags, hostname: undefined, file }),
    /needed too: --hostname mail\.example\.com$/,
  )
  // What is given and wrong is told in the same run.
  await assert.rejects(init({ hostname: 'mail', language: 'de', file }), (fault: Error) => {
    assert.match(
      fault.message,
      /"mail" is not a full host name.*\n"de" is not a language.*\n.*needed too: --domain/,
    )
    return true
  })
})

test('mistakes in flags are told all at once, and nothing is written', async context => {
  const { file, dataFolder } = files(context)
  const wrong = {
    hostname: 'mail',
    domains: ['exa mple'],
    account: 'anna',
    listen: ['localhost'],
    publicAddresses: ['x'],
    language: 'de',
  }
  await assert.rejects(init({ ...wrong, file, dataFolder: '/dev/null/data' }), (fault: Error) => {
    assert.equal(fault.message.split('\n').length, 7, fault.message)
    return true
  })
  await assert.rejects(
    init({ ...flags, domains: ['a.example,b.example'], file, dataFolder }),
    /Repeat --domain/,
  )
  await assert.rejects(
    init({ ...flags, account: 'anna@elsewhere.example', file, dataFolder }),
    /not in your domain.*@example\.com/,
  )
  assert.ok(!existsSync(file))
  assert.ok(!existsSync(dataFolder))
})

test('by questions: suggestions are taken with Enter, wrong answers asked again', async context => {
  const { file, dataFolder } = files(context)
  const result = await init(
    { file },
    {
      'Your domain': 'пример.рф',
      'The name of this server [mail.пример.рф]': '',
      'Your own address [postmaster@пример.рф]': 'анна@пример.рф',
      'Address to listen on': '127.0.0.1, ::1',
      'Public addresses': 'unknown',
      Folder: dataFolder,
    },
  )
  const settings = await loadSettings(file)
  assert.equal(settings.hostname, 'mail.xn--e1afmkfd.xn--p1ai')
  assert.equal(settings.listeners.length, 2 * listenerRoles.length)
  assert.equal(result.account, 'анна@пример.рф')
  assert.match(readFileSync(result.dnsFile, 'utf8'), /пример\.рф \(in the DNS xn--e1afmkfd\.xn--p1ai\)/)
  assert.equal(result.asked.length, 6)
})

test('an end of input in the middle leaves nothing behind', async context => {
  const { file } = files(context)
  await assert.rejects(init({ file }, { 'Your domain': 'example.com' }), { code: 'INIT_INTERRUPTED' })
  assert.ok(!existsSync(file))
})

test('the data folder of the server to try out is not taken', async context => {
  const { file, folder } = files(context)
  writeFileSync(join(folder, 'try-out.json'), '{}')
  await assert.rejects(init({ ...flags, file, dataFolder: folder }), {
    code: 'INIT_BAD_ANSWER',
    message: /server to try out/,
  })
})

test('a folder that cannot be written is told before an account is made', async context => {
  const { folder, dataFolder } = files(context)
  writeFileSync(join(folder, 'file'), '')
  const file = join(folder, 'file', 'postrider.toml')
  await assert.rejects(init({ ...flags, file, dataFolder }), { code: 'INIT_FOLDER_UNWRITABLE' })
  assert.equal(existsSync(dataFolder), false)
})

test('a folder that will not do is asked for again at once, and the other answers are kept', async context => {
  const { file, folder, dataFolder } = files(context)
  writeFileSync(join(folder, 'file'), '')
  mkdirSync(join(folder, 'tried'))
  writeFileSync(join(folder, 'tried', 'try-out.json'), '{}')
  const result = await init(
    { file },
    {
      'Your domain': 'example.com',
      'The name of this server': '',
      'Your own address': '',
      'Address to listen on': '',
      'Public addresses': 'unknown',
      // Relative ones count from the settings file.
      Folder: ['file', 'file/data', '/proc/postrider', 'tried', dataFolder],
    },
  )
  assert.equal(result.asked.length, 10)
  assert.equal((await loadSettings(file)).dataFolder, dataFolder)
})

test('others of this machine do not read the settings, which get passwords; also not the old ones', async context => {
  const { file, dataFolder, folder } = files(context)
  const isRoot = process.getuid?.() === 0
  const someGroup = 4321
  if (isRoot) chownSync(folder, 0, someGroup)
  writeFileSync(file, 'hostname = "old.example.com"\n')
  chmodSync(file, 0o644)
  await init({ ...flags, file, dataFolder, force: true })
  for (const written of [file, `${file}.old`]) {
    const { mode, gid } = statSync(written)
    assert.equal((mode & 0o777).toString(8), isRoot ? '640' : '600', written)
    // Of the folder, so that the server's user reads it.
    if (isRoot) assert.equal(gid, someGroup)
  }
})
