// A provider that is not what it says, or does not answer: its keys are not taken, and nobody waits for long.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { ProviderFault } from '../../src/openid/provider-fault.ts'
import { ProviderKeys } from '../../src/openid/provider-keys.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { createManualClock, type ManualClock } from '../harness/manual-clock.ts'

interface Answers {
  /** As JSON; a text goes out as it is; undefined: there is none, ever. */
  readonly configuration: (issuer: string) => unknown
  readonly keys?: unknown
  readonly status?: number
}

interface World {
  readonly keys: ProviderKeys
  readonly clock: ManualClock
  readonly asked: string[]
  /** Resolves when the provider has been asked so often. */
  readonly untilAsked: (times: number) => Promise<void>
}

async function start(t: TestContext, { configuration, keys, status = 200 }: Answers): Promise<World> {
  const asked: string[] = []
  const server = createServer()
  let issuer = ''
  const answer: RequestListener = (request, response) => {
    asked.push(request.url ?? '')
    const body = request.url === '/keys' ? keys : configuration(issuer)
    if (body !== undefined)
      response
        .writeHead(status, { Location: `${issuer}/elsewhere` })
        .end(typeof body === 'string' ? body : JSON.stringify(body))
    server.emit('asked')
  }
  server.on('request', answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const clock = createManualClock()
  return {
    keys: new ProviderKeys({ issuer, clock, log: silentLog }),
    clock,
    asked,
    untilAsked: async times => {
      while (asked.length < times) await once(server, 'asked')
    },
  }
}

const find = (keys: ProviderKeys): Promise<unknown> =>
  keys.find({ alg: 'RS256', kid: 'key-1' }, { payload: '', signature: '' })

const right = (issuer: string): unknown => ({ issuer, jwks_uri: `${issuer}/keys` })

for (const { what, said, ...answers } of [
  {
    what: 'another issuer',
    configuration: () => right('https://sso.other.test'),
    said: /another issuer: https:\/\/sso\.other\.test/,
  },
  {
    what: 'keys in the clear',
    configuration: (issuer: string) => ({ issuer, jwks_uri: 'http://192.0.2.1/keys' }),
    said: /not under https/,
  },
  {
    what: 'keys in a file',
    configuration: (issuer: string) => ({ issuer, jwks_uri: 'file:///etc/passwd' }),
    said: /not under https/,
  },
  {
    what: 'no keys named',
    configuration: (issuer: string) => ({ issuer }),
    said: /does not say issuer and jwks_uri/,
  },
  { what: 'no JSON', configuration: () => '<html>', said: /no JSON/ },
  { what: 'the way to somebody else', configuration: right, status: 302, said: /HTTP status 302/ },
  { what: 'no such page', configuration: right, status: 404, said: /HTTP status 404/ },
  {
    what: 'more than anybody reads',
    configuration: () => 'x'.repeat(600 * 1024),
    said: /more than 524288 bytes/,
  },
  { what: 'no set of keys', configuration: right, keys: [], said: /no set of keys/ },
  {
    what: 'more keys than a provider has',
    configuration: right,
    keys: { keys: Array.from({ length: 101 }, () => ({ kty: 'RSA' })) },
    said: /no set of keys/,
  },
  {
    what: 'trouble of its own',
    configuration: right,
    status: 503,
    said: /has trouble itself \(HTTP status 503\)/,
  },
])
  test(`its answer is ${what}`, async t => {
    const { keys } = await start(t, answers)
    await assert.rejects(
      find(keys),
      (cause: unknown) => cause instanceof ProviderFault && said.test(cause.message),
    )
  })

test('it hangs: nobody waits longer than five seconds, and who comes next does not wait at all', async t => {
  const { keys, clock, asked, untilAsked } = await start(t, { configuration: () => undefined })
  const first = find(keys)
  const second = find(keys)
  await untilAsked(1)
  clock.advance(5000)
  for (const waiting of [first, second])
    await assert.rejects(waiting, { code: 'PROVIDER_UNAVAILABLE', message: /did not answer in time/ })
  await assert.rejects(find(keys), { code: 'PROVIDER_UNAVAILABLE' })
  assert.equal(asked.length, 1)
})
