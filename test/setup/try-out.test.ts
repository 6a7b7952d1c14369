// The server of `npm start`: its settings, its accounts over several starts, and what it prints.
import assert from 'node:assert/strict'
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseSettings } from '../../src/config/load-settings.ts'
import { changeAccount } from '../../src/directory/accounts.ts'
import { authenticate } from '../../src/directory/authenticate.ts'
import { hashPassword } from '../../src/directory/credentials.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { startBanner } from '../../src/setup/start-banner.ts'
import { ensureTryOut, tryOutSettings } from '../../src/setup/try-out.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import { temporaryFolder } from '../config/temporary-folder.ts'
import { createManualClock } from '../harness/manual-clock.ts'

const values = { clock: createManualClock(), random: systemRandom }

test('it listens on loopback only, on the ports of the README', () => {
  const settings = tryOutSettings('/home/anna/postrider')
  assert.equal(settings.dataFolder, '/home/anna/postrider/data')
  for (const { address } of settings.listeners) assert.ok(['127.0.0.1', '::1'].includes(address), address)
  const ipv4 = settings.listeners.filter(({ address }) => address === '127.0.0.1')
  assert.deepEqual(
    ipv4.map(({ role, port }) => `${role} ${port}`),
    [
      'relay 2525',
      'submission 2587',
      'submissions 2465',
      'imap 2143',
      'imaps 2993',
      'pop3 2110',
      'pop3s 2995',
      'sieve 6190',
    ],
  )
  assert.deepEqual(
    Object.keys(settings).sort(),
    Object.keys(parseSettings('hostname = "a.example"', 'x')).sort(),
  )
})

test('its ports can be the system’s choice', () => {
  const { listeners } = tryOutSettings('/x', {
    dataFolder: '/y',
    ports: { relay: 0, submission: 0, submissions: 0 },
  })
  assert.ok(listeners.every(({ port }) => port === 0))
})

test('the first start makes two accounts; a second one finds them, with the same passwords', async context => {
  const folder = temporaryFolder(context)
  const storage = await openLocalStorage(folder)
  context.after(() => storage.close())
  const first = await ensureTryOut(storage, folder, values)
  assert.deepEqual(
    first.map(({ address, changed }) => ({ address, changed })),
    [
      { address: 'anna@example.test', changed: false },
      { address: 'boris@example.test', changed: false },
    ],
  )
  assert.notEqual(first[0]?.password, first[1]?.password)
  assert.equal(statSync(join(folder, 'try-out.json')).mode & 0o777, 0o600)
  assert.deepEqual(await ensureTryOut(storage, folder, values), first)
  for (const { address, password } of first) assert.ok(await authenticate(storage, address, password))
})

test('a start after a crash between the passwords and the accounts mends both', async context => {
  const folder = temporaryFolder(context)
  const other = temporaryFolder(context)
  const before = await openLocalStorage(other)
  const first = await ensureTryOut(before, folder, values)
  await before.close()
  // The passwords are in `folder`, the accounts are not: that is what such a crash leaves.
  const storage = await openLocalStorage(folder)
  context.after(() => storage.close())
  assert.deepEqual(await ensureTryOut(storage, folder, values), first)
})

test('a password that was changed is not printed as if it still opened the account', async context => {
  const folder = temporaryFolder(context)
  const storage = await openLocalStorage(folder)
  context.after(() => storage.close())
  await ensureTryOut(storage, folder, values)
  await storage.run(changeAccount, {
    address: { localPart: 'anna', domain: 'example.test' },
    passwordHash: await hashPassword('another one', systemRandom),
  })
  const accounts = await ensureTryOut(storage, folder, values)
  assert.deepEqual(
    accounts.map(({ changed }) => changed),
    [true, false],
  )
  const text = startBanner({ hostname: 'mail.example.test', dataFolder: folder, listeners: [], accounts })
  assert.ok(!text.includes(accounts[0]?.password ?? ''))
  assert.ok(text.includes(accounts[1]?.password ?? ''))
})

test('a lost or damaged file of passwords never takes an account away', async context => {
  const folder = temporaryFolder(context)
  const storage = await openLocalStorage(folder)
  context.after(() => storage.close())
  const [anna] = await ensureTryOut(storage, folder, values)
  const file = join(folder, 'try-out.json')
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, 20))
  await assert.rejects(ensureTryOut(storage, folder, values), {
    code: 'TRY_OUT_UNREADABLE',
    message: /Remove it/,
  })
  rmSync(file)
  const accounts = await ensureTryOut(storage, folder, values)
  assert.ok(accounts.every(({ changed }) => changed))
  assert.ok(anna && (await authenticate(storage, anna.address, anna.password)))
})

test('what it prints says where it listens, who may log in, and a dialogue that starts in the first column', () => {
  const text = startBanner({
    hostname: 'mail.example.test',
    dataFolder: '/data',
    listeners: [
      { role: 'relay', address: '127.0.0.1', port: 4001 },
      { role: 'relay', address: '::1', port: 4002 },
      { role: 'submission', address: '127.0.0.1', port: 4003 },
    ],
    accounts: [{ address: 'anna@example.test', password: 'pass-word', changed: false }],
  })
  assert.match(text, /^ {2}127\.0\.0\.1:4001 {2}relay: /m)
  assert.match(text, /^ {2}\[::1\]:4002 +relay: /m)
  assert.match(text, /^ {2}anna@example\.test {2}password pass-word$/m)
  assert.match(text, /nc -C 127\.0\.0\.1 4001/)
  const dialogue = [
    'HELO testmail.com',
    'MAIL FROM: <test@testmail.com>',
    'RCPT TO: <anna@example.test>',
    'DATA',
  ]
  assert.ok(text.includes(`\n${dialogue.join('\n')}\n`))
  assert.ok(text.includes('\n.\nQUIT\n'))
  assert.match(text, / {2}postrider mail read anna@example\.test 1/)
})
