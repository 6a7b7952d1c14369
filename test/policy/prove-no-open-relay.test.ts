import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { checkForwardPath } from '../../src/policy/check-forward-path.ts'
import {
  describeRelayProblem,
  isReasonNotToServe,
  proveNoOpenRelay,
  type RelayProblem,
} from '../../src/policy/prove-no-open-relay.ts'
import { connectSmtp } from '../../src/smtp/client/connect.ts'
import { createSmtpServer } from '../../src/smtp/server/create-smtp-server.ts'
import type { BoundListener } from '../../src/smtp/server/options.ts'
import type { SessionServices } from '../../src/smtp/server/services.ts'
import type { Storage } from '../../src/storage/operation.ts'
import { addDomain, openDirectory } from '../directory/open-directory.ts'

const hostname = 'mail.example.test'
const noTerminals = { isOpen: () => false }

interface Served {
  readonly listeners: readonly BoundListener[]
  readonly received: () => number
}

async function serve(
  context: TestContext,
  acceptForwardPath: SessionServices['acceptForwardPath'],
  localNetworks: readonly string[] = [],
): Promise<Served> {
  let received = 0
  const server = createSmtpServer({
    hostname,
    localNetworks,
    listeners: [{ role: 'relay', address: '127.0.0.1', port: 0 }],
    services: {
      ...(acceptForwardPath ? { acceptForwardPath } : {}),
      receive: () => ({
        write() {},
        finish: async () => {
          received++
          return { code: 250, enhanced: '2.0.0', lines: ['Ok'] }
        },
        abort() {},
      }),
    },
  })
  const listeners = await server.listen()
  context.after(() => server.close(0))
  return { listeners, received: () => received }
}

async function openStorage(context: TestContext): Promise<Storage> {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  return storage
}

function prove(
  storage: Storage,
  served: Served,
  localNetworks: readonly string[] = [],
): Promise<RelayProblem[]> {
  return proveNoOpenRelay({
    hostname,
    localNetworks,
    listeners: served.listeners,
    connect: connectSmtp,
    acceptForwardPath: (client, forwardPath) =>
      checkForwardPath(storage, { hostname }, noTerminals, client, forwardPath, 'mail'),
  })
}

test('a server with our rules is no open relay', async context => {
  const storage = await openStorage(context)
  const served = await serve(context, (client, transaction, { forwardPath }) =>
    checkForwardPath(storage, { hostname }, noTerminals, client, forwardPath, transaction.disposition),
  )
  assert.deepEqual(await prove(storage, served), [])
})

test('a listener that relays for strangers is found, and no message is sent through it', async context => {
  const storage = await openStorage(context)
  const served = await serve(context, undefined)
  const problems = await prove(storage, served)
  assert.deepEqual(
    problems.map(problem => problem.kind),
    ['open-listener'],
  )
  assert.ok(problems.every(isReasonNotToServe))
  assert.match(
    problems.map(describeRelayProblem).join(),
    /The listener relay 127\.0\.0\.1:\d+ relays for strangers/,
  )
  assert.equal(served.received(), 0)
})

test('what cannot be tried is said, and is no reason not to serve', async context => {
  const storage = await openStorage(context)
  const networks = ['127.0.0.0/8']
  const served = await serve(context, undefined, networks)
  const [problem, ...others] = await prove(storage, served, networks)
  assert.ok(problem?.kind === 'untested')
  assert.equal(others.length, 0)
  assert.ok(!isReasonNotToServe(problem))
})
