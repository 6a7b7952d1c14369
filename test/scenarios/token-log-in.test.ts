// Logging in to the composed server with tokens of a real OpenID provider, over TLS: whose token lets in, what the client is told
// of one that does not, what happens while the provider changes its keys or is away.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { base64url, SignJWT, UnsecuredJWT } from 'jose'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { awaitEvents } from '../harness/await-events.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { logInPlain, openTlsSession } from '../harness/log-in.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { mailAudience, type OpenIdProvider, startOpenIdProvider } from '../harness/openid-provider.ts'
import { openConnection, type RawConnection } from '../harness/raw-connection.ts'

const anna = 'anna@here.test'
const minuteMs = 60_000

interface World {
  readonly provider: OpenIdProvider
  readonly server: ComposedServer
}

async function start(
  t: TestContext,
  login: Readonly<Record<string, unknown>> = {},
  openid: Readonly<Record<string, unknown>> = {},
): Promise<World> {
  const provider = await startOpenIdProvider(t)
  const server = await startComposedServer(t, {
    hostname: 'mail.here.test',
    domains: ['here.test'],
    accounts: [{ address: anna }, { address: 'boris@here.test' }],
    // The provider's tokens are of now.
    clock: createManualClock(Date.now()),
    settings: {
      login: { openid: [{ issuer: provider.issuer, audience: [mailAudience], ...openid }], ...login },
    },
  })
  return { provider, server }
}

async function connect(t: TestContext, { server }: World): Promise<RawConnection> {
  const connection = await openTlsSession(server.port('submission'))
  t.after(() => connection.destroy())
  return connection
}

interface LogIn {
  readonly code: number | undefined
  /** What the challenge said, where there was one. */
  readonly explained?: unknown
}

const encode = (text: string): string => Buffer.from(text).toString('base64')

async function send(
  connection: RawConnection,
  mechanism: string,
  message: string,
  last: string,
): Promise<LogIn> {
  const reply = await connection.command(`AUTH ${mechanism} ${encode(message)}`)
  if (reply?.code !== 334) return { code: reply?.code }
  const explained: unknown = JSON.parse(Buffer.from(reply.text, 'base64').toString())
  return { code: (await connection.command(last))?.code, explained }
}

/** On a connection of its own. */
async function logIn(t: TestContext, world: World, token: string, name = ''): Promise<LogIn> {
  const header = name === '' ? 'n,,' : `n,a=${name},`
  // RFC 7628 §3.2.3: the answer to the challenge is a single 0x01.
  return await send(
    await connect(t, world),
    'OAUTHBEARER',
    `${header}\x01auth=Bearer ${token}\x01\x01`,
    'AQ==',
  )
}

async function logInXoauth2(t: TestContext, world: World, token: string, name: string): Promise<LogIn> {
  return await send(await connect(t, world), 'XOAUTH2', `user=${name}\x01auth=Bearer ${token}\x01\x01`, '')
}

test('a token of the provider lets its account in, with either mechanism, and with no name too', async t => {
  const world = await start(t)
  const token = await world.provider.token({ email: anna })
  assert.deepEqual(await logIn(t, world, token), { code: 235 })
  assert.deepEqual(await logIn(t, world, token, anna), { code: 235 })
  assert.deepEqual(await logIn(t, world, token, 'ANNA@here.test'), { code: 235 })
  assert.deepEqual(await logInXoauth2(t, world, token, anna), { code: 235 })
  // One for the configuration, one for the keys, and one for the token: they are kept.
  assert.equal(world.provider.requests, 3)
})

test('offered behind the others, over TLS only, and not where nobody gives out tokens', async t => {
  const world = await start(t)
  const connection = await connect(t, world)
  const hello = await connection.command('EHLO client.example.org')
  assert.match(hello?.text ?? '', /^AUTH .*PLAIN LOGIN OAUTHBEARER XOAUTH2$/m)
  const clear = await openConnection(world.server.port('submission'))
  t.after(() => clear.destroy())
  await clear.reply()
  assert.doesNotMatch((await clear.command('EHLO client.example.org'))?.text ?? '', /AUTH/)
  const token = await world.provider.token({ email: anna })
  const refused = await clear.command(`AUTH OAUTHBEARER ${encode(`n,,\x01auth=Bearer ${token}\x01\x01`)}`)
  assert.equal(refused?.code, 538)
  const none = await startComposedServer(t, { hostname: 'mail.none.test', domains: ['none.test'] })
  const other = await connect(t, { ...world, server: none })
  assert.equal((await other.command('AUTH OAUTHBEARER'))?.code, 504)
  assert.equal((await other.command('AUTH XOAUTH2'))?.code, 504)
})

test('tokens that let nobody in: the same for the client, and the trail says why', async t => {
  const world = await start(
    t,
    { maxFailuresPerAccount: 1000, maxFailuresPerNetwork: 1000 },
    { scope: 'mail' },
  )
  const { provider, server } = world
  const now = Math.floor(server.clock.now() / 1000)
  const good = { email: anna, exp: now + 600 }
  const genuine = await provider.token({ email: anna })
  const [head = '', body = '', signature = ''] = genuine.split('.')
  const otherProvider = await startOpenIdProvider(t)
  const secret = new TextEncoder().encode('a secret that everybody knows, of 32')
  const tokens: readonly (readonly [problem: string, token: string])[] = [
    ['token-forged', new UnsecuredJWT({ iss: provider.issuer, aud: mailAudience, ...good }).encode()],
    [
      'token-forged',
      await new SignJWT({ iss: provider.issuer, aud: mailAudience, ...good })
        .setProtectedHeader({ alg: 'HS256', kid: 'key-1' })
        .sign(secret),
    ],
    ['token-forged', await provider.sign(good, { kid: '../../etc/passwd' })],
    [
      'token-forged',
      `${head}.${base64url.encode(JSON.stringify({ iss: provider.issuer, ...good }))}.${signature}`,
    ],
    ['token-forged', `${head}.${body}.${'A'.repeat(signature.length)}`],
    ['token-foreign-audience', await provider.token({ email: anna, audience: 'https://other.test' })],
    ['token-foreign-issuer', await otherProvider.token({ email: anna })],
    ['token-forged', await otherProvider.sign({ ...good, iss: provider.issuer })],
    ['token-foreign-issuer', await provider.sign({ ...good, iss: `${provider.issuer}/` })],
    ['token-expired', await provider.sign({ ...good, exp: now - 31 })],
    ['token-not-yet-valid', await provider.sign({ ...good, nbf: now + 31 })],
    ['token-malformed', await provider.sign({ email: anna })],
    ['token-malformed', await provider.sign(good, { typ: 'logout+jwt' })],
    ['token-malformed', 'opaque-as-that-of-some-providers'],
    ['token-malformed', `${'A'.repeat(4000)}.${'B'.repeat(3000)}.C`],
    ['token-nobody', await provider.token({ email: anna, isVerified: false })],
    ['token-nobody', await provider.token({})],
    ['token-nobody', await provider.token({ email: 'no address' })],
    ['no-such-account', await provider.token({ email: 'nobody@here.test' })],
    ['no-such-account', await provider.token({ email: 'anna@elsewhere.test' })],
  ]
  const expected = {
    status: 'invalid_token',
    scope: 'mail',
    'openid-configuration': `${provider.issuer}/.well-known/openid-configuration`,
  }
  for (const [problem, token] of tokens)
    assert.deepEqual(await logIn(t, world, token), { code: 535, explained: expected }, `${problem} ${token}`)
  assert.deepEqual(
    (await awaitEvents(world.server, 'refused', tokens.length)).map(({ loginProblem }) => loginProblem),
    tokens.map(([problem]) => problem),
  )
  // What is only just out of time still counts: clocks differ.
  assert.equal((await logIn(t, world, await provider.sign({ ...good, exp: now - 29 }))).code, 235)
  assert.equal((await logIn(t, world, await provider.sign({ ...good, nbf: now + 29 }))).code, 235)
})

test('a token without the scope, one for somebody else, and none: said each in its way', async t => {
  const world = await start(t, {}, { scope: 'mail' })
  const noScope = await logIn(t, world, await world.provider.token({ email: anna, scope: 'other' }))
  assert.equal(noScope.code, 535)
  assert.match(JSON.stringify(noScope.explained), /"status":"insufficient_scope","scope":"mail"/)
  const token = await world.provider.token({ email: anna })
  assert.equal((await logIn(t, world, token, 'boris@here.test')).code, 535)
  assert.deepEqual(await logInXoauth2(t, world, token, 'boris@here.test'), {
    code: 535,
    explained: { status: '401', schemes: 'bearer', scope: 'mail' },
  })
  const question = await send(await connect(t, world), 'OAUTHBEARER', 'n,,\x01auth=\x01\x01', 'AQ==')
  assert.equal(question.code, 535)
  assert.match(JSON.stringify(question.explained), /openid-configuration/)
  const found = await awaitEvents(world.server, 'refused', 4)
  assert.deepEqual(
    found.map(({ loginProblem, loginName }) => [loginProblem, loginName]),
    [
      ['token-scope', undefined],
      ['other-identity', 'boris@here.test'],
      ['other-identity', 'boris@here.test'],
      ['token-missing', undefined],
    ],
  )
  const [, other] = found
  assert.ok(other)
  assert.match(describeEvent(other).text, /as boris@here\.test: it wanted to act for somebody else \(535/)
})

test('the claim, its domain, and an address that nobody has verified are settings', async t => {
  const world = await start(
    t,
    {},
    { claim: 'preferred_username', domain: 'here.test', verifiedEmailOnly: false },
  )
  const exp = Math.floor(world.server.clock.now() / 1000) + 600
  const { provider } = world
  assert.equal((await logIn(t, world, await provider.sign({ preferred_username: 'anna', exp }))).code, 235)
  assert.equal((await logIn(t, world, await provider.sign({ preferred_username: anna, exp }))).code, 235)
  assert.equal((await logIn(t, world, await provider.sign({ email: anna, exp }))).code, 535)
  const lax = await start(t, {}, { verifiedEmailOnly: false })
  const token = await lax.provider.token({ email: anna, isVerified: false })
  assert.equal((await logIn(t, lax, token)).code, 235)
})

test('the provider changes its key: the new one is asked for, and the old one lets nobody in any more', async t => {
  const world = await start(t)
  const { provider, server } = world
  const before = await provider.token({ email: anna })
  assert.equal((await logIn(t, world, before)).code, 235)
  await provider.rotateKeys()
  // So soon after the last time nobody is asked.
  server.clock.advance(10_000)
  const after = await provider.token({ email: anna })
  assert.equal((await logIn(t, world, after)).code, 235)
  assert.equal((await logIn(t, world, before)).code, 535)
})

test('a stranger who names keys that there are not does not have the provider asked each time', async t => {
  const world = await start(t, { maxFailuresPerNetwork: 1000 })
  const { provider, server } = world
  const exp = Math.floor(server.clock.now() / 1000) + 600
  assert.equal((await logIn(t, world, await provider.token({ email: anna }))).code, 235)
  const asked = provider.requests
  for (let number = 0; number < 5; number++)
    assert.equal(
      (await logIn(t, world, await provider.sign({ email: anna, exp }, { kid: `made-up-${number}` }))).code,
      535,
    )
  assert.equal(provider.requests, asked)
})

test('while the provider is away its last keys are used; without any, tokens have to wait and passwords do not', async t => {
  const world = await start(t)
  const { provider, server } = world
  const { issuer } = provider
  const early = await provider.token({ email: anna })
  const exp = Math.floor(server.clock.now() / 1000) + 7 * 24 * 3600
  const long = await provider.sign({ email: anna, exp })
  await provider.stop()
  assert.deepEqual(await logIn(t, world, early), { code: 454 })
  assert.equal(await logInPlain(await connect(t, world), anna, 'secret'), 235)
  const [refused] = await awaitEvents(world.server, 'refused', 1)
  assert.ok(refused)
  assert.match(
    describeEvent(refused).text,
    /the OpenID provider does not answer, so nobody could say.*\(454 4\.7\.0/,
  )
  await provider.startAgain()
  server.clock.advance(10_000)
  assert.equal((await logIn(t, world, early)).code, 235)
  await provider.stop()
  server.clock.advance(60 * minuteMs)
  assert.equal((await logIn(t, world, long)).code, 235)
  // A key that it may have by now, and that nobody can ask for.
  assert.deepEqual(
    await logIn(t, world, await provider.sign({ email: anna, exp, iss: issuer }, { kid: 'new' })),
    {
      code: 454,
    },
  )
  // After a day the provider may have taken the key back.
  server.clock.advance(24 * 60 * minuteMs)
  assert.deepEqual(await logIn(t, world, long), { code: 454 })
  await provider.startAgain()
  server.clock.advance(10_000)
  assert.equal((await logIn(t, world, long)).code, 235)
})

test('an outage is no guess, nor is a token that was right before; a wrong one is, and counts with passwords', async t => {
  const world = await start(t, { maxFailuresPerAccount: 3 })
  const { provider, server } = world
  const exp = Math.floor(server.clock.now() / 1000) + 600
  await provider.stop()
  const good = await provider.sign({ email: anna, exp })
  for (let times = 0; times < 4; times++) assert.equal((await logIn(t, world, good, anna)).code, 454)
  await provider.startAgain()
  server.clock.advance(10_000)
  const expired = await provider.sign({ email: anna, exp: exp - 1200 })
  for (let times = 0; times < 4; times++) assert.equal((await logIn(t, world, expired, anna)).code, 535)
  assert.equal((await logIn(t, world, good, anna)).code, 235)
  const forged = `${good.slice(0, -4)}AAAA`
  for (let times = 0; times < 3; times++) assert.equal((await logIn(t, world, forged, anna)).code, 535)
  assert.equal((await logIn(t, world, good, anna)).code, 535)
  assert.equal(await logInPlain(await connect(t, world), anna, 'secret'), 535)
  const found = await awaitEvents(world.server, 'refused', 13)
  assert.deepEqual(
    found.slice(-2).map(({ loginProblem, blockedBy }) => [loginProblem, blockedBy]),
    [
      ['blocked', 'account-from-network'],
      ['blocked', 'account-from-network'],
    ],
  )
})

test('a token larger than a line of AUTH is refused, and the session goes on', async t => {
  const world = await start(t)
  const connection = await connect(t, world)
  const huge = encode(`n,,\x01auth=Bearer ${'A'.repeat(20_000)}.B.C\x01\x01`)
  assert.equal((await connection.command(`AUTH OAUTHBEARER ${huge}`))?.code, 500)
  assert.equal((await connection.command('AUTH OAUTHBEARER'))?.code, 334)
  assert.equal((await connection.command(huge))?.code, 500)
  assert.equal(await logInPlain(connection, anna, 'secret'), 235)
})

test('a client that gives up after the challenge, or says nonsense, is not let in', async t => {
  const world = await start(t)
  for (const [last, code] of [
    ['*', 501],
    ['not base64!', 501],
    [encode('n,,\x01auth=Bearer whatever\x01\x01'), 535],
  ] as const) {
    const connection = await connect(t, world)
    const reply = await connection.command(`AUTH OAUTHBEARER ${encode('n,,\x01auth=Bearer a.b.c\x01\x01')}`)
    assert.equal(reply?.code, 334)
    assert.equal((await connection.command(last))?.code, code)
    assert.equal((await connection.command('MAIL FROM:<anna@here.test>'))?.code, 530)
  }
  // Each is in the trail once.
  assert.equal(
    (await awaitEvents(world.server, 'refused', 6)).filter(({ command }) => command === 'AUTH').length,
    3,
  )
})
