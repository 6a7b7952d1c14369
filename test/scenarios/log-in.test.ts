// Logging in to the composed server: what comes of each mechanism, what nobody may learn from it, what the trail knows.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseAddress } from '../../src/address/parse-address.ts'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { changeAccount, createAccount } from '../../src/directory/accounts.ts'
import {
  type AppPasswordScope,
  listAppPasswords,
  removeAppPassword,
} from '../../src/directory/app-passwords.ts'
import { hashPassword } from '../../src/directory/credentials.ts'
import { storedPassword } from '../../src/directory/new-password.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { deriveScramCredential, formatScramCredential } from '../../src/sasl/scram-keys.ts'
import { defineWrite } from '../../src/storage/operation.ts'
import { addAppPassword } from '../harness/app-passwords.ts'
import { awaitEvents } from '../harness/await-events.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { eventually } from '../harness/eventually.ts'
import { logInPlain, logInScram, openSession, type ScramLogIn } from '../harness/log-in.ts'
import type { RawConnection } from '../harness/raw-connection.ts'

const anna = 'anna@here.test'
/** Whose password was set by a version that kept nothing for SCRAM. */
const olga = 'olga@here.test'

async function start(t: TestContext, login: Readonly<Record<string, unknown>> = {}): Promise<ComposedServer> {
  const server = await startComposedServer(t, {
    hostname: 'mail.here.test',
    domains: ['here.test'],
    accounts: [{ address: anna }],
    settings: { submission: { allowPlaintextAuthOnLoopback: true }, login },
    keepPassword: storedPassword,
  })
  const address = parseAddress(olga)
  assert.ok(address)
  const passwordHash = await hashPassword('secret', systemRandom)
  await server.storage.run(createAccount, {
    address,
    name: '',
    passwordHash,
    language: 'en',
    enabled: true,
    at: server.clock.now(),
  })
  return server
}

async function connect(t: TestContext, server: ComposedServer, from?: string): Promise<RawConnection> {
  const connection = await openSession(server.port('submission'), from)
  t.after(() => connection.destroy())
  return connection
}

/** On a connection of its own. */
async function scram(
  t: TestContext,
  server: ComposedServer,
  name: string,
  password = 'secret',
): Promise<ScramLogIn> {
  return await logInScram(await connect(t, server), { name, password })
}

test('SCRAM: the account of its keys, and the server proves itself', async t => {
  const server = await start(t)
  const { code, provesItself } = await scram(t, server, anna)
  assert.deepEqual([code, provesItself], [235, true])
  assert.equal((await scram(t, server, 'ANNA@here.test')).code, 235)
  assert.equal((await scram(t, server, anna, 'wrong')).code, 535)
  const [refused] = await awaitEvents(server, 'refused', 1)
  assert.ok(refused)
  assert.match(
    describeEvent(refused).text,
    /^Refused AUTH SCRAM-SHA-256 of client\.example\.org \(127\.0\.0\.1\) as anna@here\.test: the password is wrong \(535 .*\)$/,
  )
})

test('a password from before there were keys: SCRAM fails as a wrong one, until PLAIN has shown it once', async t => {
  const server = await start(t)
  const before = await scram(t, server, olga)
  assert.equal(before.code, 535)
  const [refused] = await awaitEvents(server, 'refused', 1)
  assert.equal(refused?.loginProblem, 'no-scram-keys')
  assert.equal(await logInPlain(await connect(t, server), olga, 'secret'), 235)
  const after = await eventually('keys of the password', async () => {
    const logIn = await scram(t, server, olga)
    return logIn.code === 235 ? logIn : undefined
  })
  assert.equal(saltOf(after), saltOf(before), 'nobody sees that there are keys now')
})

test('nobody learns from SCRAM which names exist: each has a salt that stays, and as much to compute', async t => {
  const server = await start(t)
  const answers = new Map<string, ScramLogIn>()
  for (const name of [anna, olga, 'nobody@here.test', 'nobody@elsewhere.test', 'no address', 'с@x']) {
    const first = await scram(t, server, name, 'wrong')
    const second = await scram(t, server, name, 'wrong')
    assert.equal(first.code, 535)
    assert.equal(parametersOf(first), parametersOf(second), name)
    assert.match(parametersOf(first), /^s=[A-Za-z0-9+/]{22}==,i=65536$/)
    answers.set(name, first)
  }
  assert.equal(new Set([...answers.values()].map(saltOf)).size, answers.size)
})

// An older version over the same database (docs/adr/0010) knows nothing of the keys.
const changeHashOnly = defineWrite(
  'test.change-hash',
  async (tx, { address, passwordHash }: { readonly address: string; readonly passwordHash: string }) => {
    await tx.run('UPDATE account SET password_hash = ? WHERE address = ?', passwordHash, address)
  },
)

test('a password that was changed elsewhere, without its keys: those of the old one are of no use', async t => {
  const server = await start(t)
  assert.equal((await scram(t, server, anna)).code, 235)
  const passwordHash = await hashPassword('new', systemRandom)
  await server.storage.run(changeHashOnly, { address: anna, passwordHash })
  assert.equal((await scram(t, server, anna)).code, 535)
  assert.equal((await scram(t, server, anna, 'new')).code, 535)
  assert.equal(await logInPlain(await connect(t, server), anna, 'new'), 235)
  await eventually('keys of the new password', async () => (await scram(t, server, anna, 'new')).code === 235)
})

test('what is offered is what login.mechanisms says', async t => {
  const server = await start(t, { mechanisms: ['PLAIN'] })
  const connection = await connect(t, server)
  const hello = await connection.command('EHLO client.example.org')
  assert.ok(hello?.lines.includes('AUTH PLAIN'))
  assert.equal((await connection.command('AUTH SCRAM-SHA-256 biwsbj1hLHI9Yg=='))?.code, 504)
  assert.equal((await connection.command('AUTH LOGIN'))?.code, 504)
  assert.equal(await logInPlain(connection, anna, 'secret'), 235)
})

const addApp = (
  server: ComposedServer,
  name: string,
  password: string,
  more: { readonly scopes?: readonly AppPasswordScope[]; readonly expiresAt?: number } = {},
): Promise<void> => addAppPassword(server, anna, { name, password, scopes: ['smtp'], ...more })

test('app passwords: with PLAIN, LOGIN and SCRAM, beside the password of the account, and their use is kept', async t => {
  const server = await start(t, { mechanisms: ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN', 'LOGIN'] })
  await addApp(server, 'phone', 'kq7m-x3wp-9fht-n4rd')
  await addApp(server, 'printer', 'aaaa-bbbb-cccc-dddd')
  for (const password of ['secret', 'kq7m-x3wp-9fht-n4rd', 'aaaa-bbbb-cccc-dddd']) {
    assert.equal(await logInPlain(await connect(t, server), anna, password), 235, password)
    for (const hash of ['SHA-256', 'SHA-1'] as const) {
      const logIn = await logInScram(await connect(t, server), { name: anna, password, hash })
      assert.deepEqual([logIn.code, logIn.provesItself], [235, true], `${password} ${hash}`)
    }
  }
  const connection = await connect(t, server)
  await connection.command('AUTH LOGIN')
  await connection.command(Buffer.from(anna).toString('base64'))
  assert.equal((await connection.command(Buffer.from('kq7m-x3wp-9fht-n4rd').toString('base64')))?.code, 235)
  assert.equal(await logInPlain(await connect(t, server), olga, 'kq7m-x3wp-9fht-n4rd'), 535, 'of another')
  const used = await eventually('when they were used', async () => {
    const list = await server.storage.run(listAppPasswords, {})
    return list.every(({ lastUsedAt }) => lastUsedAt !== undefined) ? list : undefined
  })
  assert.deepEqual(
    used.map(({ name, lastUsedAt }) => [name, lastUsedAt]),
    [
      ['phone', server.clock.now()],
      ['printer', server.clock.now()],
    ],
  )
  await server.storage.run(removeAppPassword, {
    account: parseAddress(anna) ?? assert.fail(),
    name: 'phone',
    at: server.clock.now(),
  })
  assert.equal(await logInPlain(await connect(t, server), anna, 'kq7m-x3wp-9fht-n4rd'), 535)
  assert.equal((await scram(t, server, anna, 'kq7m-x3wp-9fht-n4rd')).code, 535)
  assert.equal((await scram(t, server, anna, 'aaaa-bbbb-cccc-dddd')).code, 235)
})

test('an app password for another protocol, or past its day, is a wrong one, and the trail says which', async t => {
  const server = await start(t)
  await addApp(server, 'reader', 'for-imap', { scopes: ['imap'] })
  await addApp(server, 'guest', 'for-a-day', { expiresAt: server.clock.now() + 86_400_000 })
  const expected: string[] = []
  for (const password of ['for-imap', 'for-a-day']) {
    if (password === 'for-a-day') {
      assert.equal(await logInPlain(await connect(t, server), anna, password), 235)
      server.clock.advance(86_400_000)
    }
    assert.equal(await logInPlain(await connect(t, server), anna, password), 535)
    assert.equal((await scram(t, server, anna, password)).code, 535)
    const problem = password === 'for-imap' ? 'app-password-elsewhere' : 'app-password-expired'
    expected.push(problem, problem)
  }
  const refused = await awaitEvents(server, 'refused', 4)
  assert.deepEqual(
    refused.map(({ loginProblem }) => loginProblem),
    expected,
  )
})

test('a program that still has a password of before does not lock out its owner, and the trail says what it has', async t => {
  const server = await start(t, { maxDelaySeconds: 0 })
  const setPassword = async (password: string): Promise<void> => {
    const at = server.clock.now()
    const kept = { random: systemRandom, at, scramHashes: ['SHA-256'] } as const
    await server.storage.run(changeAccount, {
      address: parseAddress(anna) ?? assert.fail(),
      ...(await storedPassword(server.storage, anna, password, kept)),
      at,
    })
  }
  await setPassword('the new one')
  // More than lock out who guesses.
  for (let n = 0; n < 12; n++) assert.equal((await scram(t, server, anna)).code, 535)
  assert.equal((await scram(t, server, anna, 'the new one')).code, 235)
  const refused = await awaitEvents(server, 'refused', 12)
  assert.deepEqual(new Set(refused.map(({ loginProblem }) => loginProblem)), new Set(['former-password']))
  await addApp(server, 'phone', 'kq7m-x3wp-9fht-n4rd')
  await server.storage.run(removeAppPassword, {
    account: parseAddress(anna) ?? assert.fail(),
    name: 'phone',
    at: server.clock.now(),
  })
  for (let n = 0; n < 12; n++) assert.equal((await scram(t, server, anna, 'kq7m-x3wp-9fht-n4rd')).code, 535)
  assert.equal((await scram(t, server, anna, 'the new one')).code, 235)
  await setPassword('secret')
  assert.equal((await scram(t, server, anna)).code, 235, 'a password that has come back')
  for (let n = 0; n < 10; n++) assert.equal((await scram(t, server, anna, `guess ${n}`)).code, 535)
  assert.equal((await scram(t, server, anna)).code, 535, 'somebody has guessed')
})

test('an account with keys from another system, with a salt of that: its app passwords share it', async t => {
  const server = await start(t)
  const address = parseAddress(anna)
  assert.ok(address)
  const foreign = await deriveScramCredential('SHA-256', 'secret', {
    salt: Buffer.alloc(16, 7),
    iterations: 4096,
  })
  await server.storage.run(changeAccount, {
    address,
    passwordHash: await hashPassword('secret', systemRandom),
    scramKeys: [formatScramCredential(foreign)],
  })
  await addApp(server, 'phone', 'kq7m-x3wp-9fht-n4rd')
  for (const password of ['secret', 'kq7m-x3wp-9fht-n4rd']) {
    const logIn = await scram(t, server, anna, password)
    assert.equal(logIn.code, 235, password)
    assert.match(logIn.serverFirst, /,i=4096$/)
  }
})

// They had the salt and the rounds of the password before for ever: too few, or too many for some mail programs.
test('a new password has rounds of its own, unless app passwords share those of the one before', async t => {
  const server = await start(t)
  const address = parseAddress(anna)
  assert.ok(address)
  const setPassword = async (password: string): Promise<void> => {
    const kept = { random: systemRandom, at: server.clock.now(), scramHashes: ['SHA-256'] } as const
    const stored = await storedPassword(server.storage, anna, password, kept)
    await server.storage.run(changeAccount, { address, ...stored, at: server.clock.now() })
  }
  const foreign = await deriveScramCredential('SHA-256', 'secret', {
    salt: Buffer.alloc(16, 7),
    iterations: 100_000,
  })
  await server.storage.run(changeAccount, {
    address,
    passwordHash: await hashPassword('secret', systemRandom),
    scramKeys: [formatScramCredential(foreign)],
  })
  await addApp(server, 'phone', 'kq7m-x3wp-9fht-n4rd')
  await setPassword('second')
  const shared = await scram(t, server, anna, 'second')
  assert.equal(shared.code, 235)
  assert.match(shared.serverFirst, /,i=100000$/)
  assert.equal((await scram(t, server, anna, 'kq7m-x3wp-9fht-n4rd')).code, 235)
  await server.storage.run(removeAppPassword, { account: address, name: 'phone', at: server.clock.now() })
  await setPassword('third')
  const own = await scram(t, server, anna, 'third')
  assert.equal(own.code, 235)
  assert.match(own.serverFirst, /,i=65536$/)
})

/** Without the nonce, which is new each time. */
function parametersOf({ serverFirst }: ScramLogIn): string {
  return serverFirst.slice(serverFirst.indexOf(',') + 1)
}

function saltOf(logIn: ScramLogIn): string | undefined {
  return parametersOf(logIn).split(',')[0]
}
