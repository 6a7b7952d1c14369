// Guessing passwords over real sockets, from a hundred addresses of this machine: who is stopped, after how many, and who is
// not hindered meanwhile. Ten thousand, from a network namespace, stand in guessing.test.ts.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { TrailEvent } from '../../src/trail/events.ts'
import { trailAfter } from '../../src/trail/operations.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { logInPlain, openSession } from '../harness/log-in.ts'

const anna = 'anna@here.test'
const boris = 'boris@here.test'
const addresses = 100
const attemptsPerConnection = 20

async function start(t: TestContext): Promise<ComposedServer> {
  return await startComposedServer(t, {
    hostname: 'mail.here.test',
    domains: ['here.test'],
    accounts: [{ address: anna }, { address: boris }],
    settings: { submission: { allowPlaintextAuthOnLoopback: true } },
  })
}

async function logIn(server: ComposedServer, from: string, name: string): Promise<number | undefined> {
  const connection = await openSession(server.port('submission'), from)
  const code = await logInPlain(connection, name, 'secret')
  connection.destroy()
  return code
}

/** So many wrong passwords from one address. */
async function guess(
  server: ComposedServer,
  from: string,
  attempts: number,
  nameOf: (attempt: number) => string,
): Promise<void> {
  for (let done = 0; done < attempts; done += attemptsPerConnection) {
    const connection = await openSession(server.port('submission'), from)
    for (let n = 0; n < attemptsPerConnection; n++)
      assert.equal(await logInPlain(connection, nameOf(done + n), `guess ${done + n}`), 535)
    connection.destroy()
  }
}

/** How often each reason is in the trail. The server takes nobody any more after that. */
async function problemsOf(server: ComposedServer): Promise<ReadonlyMap<string, number>> {
  await server.stopListening()
  const counts = new Map<string, number>()
  for (let afterId = 0; ; ) {
    const records = await server.storage.run(trailAfter, { afterId, limit: 1000 })
    const last = records.at(-1)
    if (!last) return counts
    afterId = last.id
    for (const { event } of records) {
      if (!isRefusedLogIn(event)) continue
      const problem = event.loginProblem ?? 'none'
      counts.set(problem, (counts.get(problem) ?? 0) + 1)
    }
  }
}

function isRefusedLogIn(event: TrailEvent): event is Extract<TrailEvent, { kind: 'refused' }> {
  return event.kind === 'refused' && event.command === 'AUTH'
}

/** A hundred is the limit, or then two of each network; those that were under way when it was reached are looked at, too. */
function assertFewCompared(problems: ReadonlyMap<string, number>): void {
  const compared = [...problems].reduce(
    (sum, [problem, count]) => (problem === 'blocked' ? sum : sum + count),
    0,
  )
  assert.ok(compared >= 100 && compared < 400, JSON.stringify([...problems]))
  assert.ok((problems.get('blocked') ?? 0) > 0)
}

const everyAddress = Array.from({ length: addresses }, (_, n) => n + 1)

test('2000 wrong passwords of one account from 100 networks: about 200 are looked at; others, and the account where it was before and where it was never, log in', async t => {
  const server = await start(t)
  assert.equal(await logIn(server, '127.1.0.1', anna), 235)
  const attack = Promise.all(
    everyAddress.map(n => guess(server, `127.0.${n}.1`, attemptsPerConnection, () => anna)),
  )
  for (let n = 0; n < 8; n++) {
    assert.equal(await logIn(server, '127.2.0.1', boris), 235)
    assert.equal(await logIn(server, '127.1.0.1', anna), 235)
  }
  await attack
  assert.equal(await logIn(server, '127.3.0.1', anna), 235, 'from a network that nobody knows')
  assert.equal(await logIn(server, '127.0.7.9', anna), 535, 'from one of those that guess')
  server.clock.advance(15 * 60_000)
  assert.equal(await logIn(server, '127.0.7.9', anna), 235)
  assertFewCompared(await problemsOf(server))
})

test('2000 wrong passwords of any names from 100 addresses of one network: about 100 are looked at; other networks are not hindered', async t => {
  const server = await start(t)
  const attack = Promise.all(
    everyAddress.map(n => guess(server, `127.0.1.${n}`, 20, attempt => `name${n}-${attempt}@here.test`)),
  )
  for (let n = 0; n < 8; n++) assert.equal(await logIn(server, '127.2.0.1', boris), 235)
  await attack
  assert.equal(await logIn(server, '127.0.1.200', boris), 535, 'from the network of the guessers')
  assert.equal(await logIn(server, '127.0.2.1', boris), 235)
  assertFewCompared(await problemsOf(server))
})
