// While strangers guess the password of an account: its owner logs in where he did before, also after the server was started
// anew and at another server over the same storage, and where nobody has seen him yet.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { changeAccount, forgiveLogIns } from '../../src/directory/accounts.ts'
import { address, keepPasswords } from '../directory/open-directory.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { logInPlain, openSession } from '../harness/log-in.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { openTestStorage } from '../harness/test-storage.ts'

const anna = 'anna@here.test'
const login = { maxFailuresPerNetwork: 5, maxFailuresPerAccount: 3 }

/** One server after the other, or beside it, that remember nothing but what is in the storage. */
async function prepare(t: TestContext) {
  const clock = createManualClock()
  const storage = await openTestStorage(t, { clock })
  let isFirst = true
  const start = async (): Promise<ComposedServer> => {
    const server = await startComposedServer(t, {
      hostname: 'mail.here.test',
      domains: isFirst ? ['here.test'] : [],
      accounts: isFirst ? [{ address: anna }] : [],
      clock,
      storage,
      settings: { submission: { allowPlaintextAuthOnLoopback: true }, login },
    })
    isFirst = false
    return server
  }
  return { start, storage: storage.storage, clock }
}

async function logIn(
  server: ComposedServer,
  from: string,
  password = 'secret',
  name = anna,
): Promise<number | undefined> {
  const connection = await openSession(server.port('submission'), from)
  const code = await logInPlain(connection, name, password)
  connection.destroy()
  return code
}

/** From so many networks, once each. */
async function guessFrom(server: ComposedServer, networks: number): Promise<void> {
  for (let n = 1; n <= networks; n++) assert.equal(await logIn(server, `127.0.${n}.1`, 'guess'), 535)
}

async function blocked(server: ComposedServer): Promise<(string | undefined)[]> {
  await server.stopListening()
  return (await server.events()).flatMap(event =>
    event.kind === 'refused' && event.loginProblem === 'blocked' ? [event.blockedBy] : [],
  )
}

test('where an account has logged in its owner still does, after a start and at another server, though his neighbours guess too', async t => {
  const { start } = await prepare(t)
  const first = await start()
  assert.equal(await logIn(first, '127.1.0.1'), 235)
  // What it has left to write is written.
  await first.stopListening()
  const server = await start()
  await guessFrom(server, 6)
  for (let n = 0; n < 4; n++) assert.equal(await logIn(server, '127.1.0.66', `guess ${n}`), 535)
  for (let n = 0; n < 5; n++)
    assert.equal(await logIn(server, '127.1.0.67', 'guess', `name${n}@here.test`), 535)
  assert.equal(await logIn(server, '127.1.0.68', 'secret', 'nobody@here.test'), 535)
  assert.equal(await logIn(server, '127.1.0.1'), 235)
  assert.equal(await logIn(server, '127.1.0.2'), 235)
})

test('from the very address from which too many wrong passwords came nobody logs in for a while', async t => {
  const server = await (await prepare(t)).start()
  assert.equal(await logIn(server, '127.1.0.1'), 235)
  for (let n = 0; n < 3; n++) assert.equal(await logIn(server, '127.1.0.1', `guess ${n}`), 535)
  assert.equal(await logIn(server, '127.1.0.1'), 535)
  assert.equal(await logIn(server, '127.1.0.2'), 235)
  server.clock.advance(15 * 60_000)
  assert.equal(await logIn(server, '127.1.0.1'), 235)
})

test('whoever is held back logs in at once when an administrator says so, or with a new password; then wrong ones count again', async t => {
  const { start, storage, clock } = await prepare(t)
  const server = await start()
  const lockOut = async (): Promise<void> => {
    for (let n = 0; n < 3; n++)
      assert.equal(await logIn(server, '127.1.0.1', `guess ${n} ${clock.now()}`), 535)
    assert.equal(await logIn(server, '127.1.0.1'), 535)
  }
  await lockOut()
  // What fails within the second of the pardon counts.
  await storage.run(forgiveLogIns, { address: address(anna), at: clock.now() })
  assert.equal(await logIn(server, '127.1.0.1'), 535)
  clock.advance(1000)
  await storage.run(forgiveLogIns, { address: address(anna), at: clock.now() })
  assert.equal(await logIn(server, '127.1.0.1'), 235)
  await lockOut()
  clock.advance(1000)
  const stored = await keepPasswords(storage)(anna, 'another')
  await storage.run(changeAccount, { address: address(anna), ...stored, at: clock.now() })
  assert.equal(await logIn(server, '127.1.0.1', 'another'), 235)
  assert.equal((await blocked(server)).length, 3)
})

test('while an account is tried from everywhere its owner logs in from a network that nobody knows; whoever mistypes twice there does not', async t => {
  const server = await (await prepare(t)).start()
  await guessFrom(server, 6)
  assert.equal(await logIn(server, '127.9.0.1'), 235)
  assert.equal(await logIn(server, '127.8.0.1', 'guess'), 535)
  assert.equal(await logIn(server, '127.8.0.9'), 235, 'the second try is the right one')
  for (let n = 0; n < 2; n++) assert.equal(await logIn(server, '127.7.0.1', `guess ${n}`), 535)
  assert.equal(await logIn(server, '127.7.0.9'), 535)
  server.clock.advance(15 * 60_000)
  assert.equal(await logIn(server, '127.7.0.9'), 235)
  assert.deepEqual(await blocked(server), ['account'])
})

test('a program with an old password keeps nobody out, however often it comes in vain, up to a point', async t => {
  const server = await (await prepare(t)).start()
  for (let n = 0; n < 6; n++) assert.equal(await logIn(server, '127.1.0.1', 'old'), 535)
  assert.equal(await logIn(server, '127.1.0.1'), 235)
  // Those of the name are forgiven with that; from here on each one counts.
  for (let n = 0; n < 3; n++) assert.equal(await logIn(server, '127.1.0.1', 'old'), 535)
  assert.equal(await logIn(server, '127.1.0.1'), 535)
})

test('after long enough a network is one like any other', async t => {
  const server = await (await prepare(t)).start()
  assert.equal(await logIn(server, '127.1.0.1'), 235)
  server.clock.advance(91 * 86_400_000)
  for (let n = 0; n < 3; n++) assert.equal(await logIn(server, '127.1.0.66', `guess ${n}`), 535)
  assert.equal(await logIn(server, '127.1.0.1'), 535)
})
