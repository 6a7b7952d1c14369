import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { changeAccount } from '../../src/directory/accounts.ts'
import { createRelayDomain } from '../../src/directory/relay-domains.ts'
import { checkForwardPath } from '../../src/policy/check-forward-path.ts'
import { checkReversePath } from '../../src/policy/check-reverse-path.ts'
import type { SenderPolicy } from '../../src/policy/sender-policy.ts'
import type { Disposition } from '../../src/smtp/parameters.ts'
import type { Reply } from '../../src/smtp/reply.ts'
import type { Client } from '../../src/smtp/server/services.ts'
import type { Storage } from '../../src/storage/operation.ts'
import {
  addAccount,
  addAlias,
  addDomain,
  addGroup,
  address,
  openDirectory,
} from '../directory/open-directory.ts'

const hostname = 'mail.example.test'

const stranger: Client = {
  sessionId: 's1',
  role: 'relay',
  remoteAddress: '192.0.2.1',
  remotePort: 40000,
  localAddress: '127.0.0.1',
  localPort: 25,
  connectedAt: 0,
  extended: true,
  local: false,
  loopback: false,
}

interface Example {
  readonly storage: Storage
  readonly anna: Client
}

async function openExample(context: TestContext): Promise<Example> {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  const id = await addAccount(storage, 'anna@example.test')
  await addAccount(storage, 'boris@example.test')
  await addAlias(storage, 'info@example.test', 'anna@example.test')
  await addAlias(storage, 'анна@example.test', 'anna@example.test')
  await addGroup(storage, 'team@example.test', 'anna@example.test', 'boris@example.test')
  return { storage, anna: { ...stranger, role: 'submission', account: { id, address: 'anna@example.test' } } }
}

function shown(reply: Reply | undefined): string {
  return reply ? `${reply.code} ${reply.enhanced} ${reply.lines.join(' | ')}` : 'ok'
}

test('a submission server takes nothing from strangers; a relay takes mail from everybody', async context => {
  const { storage } = await openExample(context)
  const policy: SenderPolicy = { hostname, senderAddress: 'own' }
  const check = async (client: Client): Promise<string> =>
    shown(await checkReversePath(storage, policy, client, address('x@elsewhere.test'), { smtpUtf8: false }))
  const demanded = '530 5.7.0 Log in first (AUTH)'
  assert.equal(await check({ ...stranger, role: 'submission' }), demanded)
  assert.equal(await check({ ...stranger, role: 'submissions' }), demanded)
  assert.equal(await check(stranger), 'ok')
  assert.equal(await check({ ...stranger, role: 'submission', local: true }), 'ok')
})

test('who logged in sends as itself, unless the settings widen that', async context => {
  const { storage, anna } = await openExample(context)
  const check = async (
    text: string | null,
    senderAddress: SenderPolicy['senderAddress'],
    smtpUtf8 = false,
  ): Promise<string> => {
    const reversePath = text === null ? null : address(text)
    return shown(
      await checkReversePath(storage, { hostname, senderAddress }, anna, reversePath, { smtpUtf8 }),
    )
  }
  for (const own of ['Anna@example.test', 'anna+shop@example.test', 'info@example.test', null])
    assert.equal(await check(own, 'own'), 'ok')
  assert.equal(
    await check('boris@example.test', 'own'),
    '553 5.7.1 <boris@example.test> is not an address of anna@example.test, who may also send as info@example.test',
  )
  assert.match(
    await check('x@elsewhere.test', 'own', true),
    / send as info@example\.test, анна@example\.test$/,
  )
  assert.match(await check('team@example.test', 'own'), /^553 5\.7\.1/)
  assert.equal(await check('team@example.test', 'own-domain'), 'ok')
  assert.match(await check('x@elsewhere.test', 'own-domain'), /^553 5\.7\.1/)
  assert.equal(await check('x@elsewhere.test', 'any'), 'ok')
})

test('an account that was disabled after it logged in sends nothing any more', async context => {
  const { storage, anna } = await openExample(context)
  await storage.run(changeAccount, { address: address('anna@example.test'), enabled: false })
  const reply = await checkReversePath(storage, { hostname, senderAddress: 'any' }, anna, null, {
    smtpUtf8: false,
  })
  assert.match(shown(reply), /^550 5\.7\.1 Your account is disabled/)
})

test('recipients: ours must exist, others only for who logged in or is local', async context => {
  const { storage, anna } = await openExample(context)
  await addAccount(storage, 'gone@example.test', false)
  const check = async (client: Client, text: string): Promise<string> =>
    shown(
      await checkForwardPath(storage, { hostname }, { isOpen: () => false }, client, address(text), 'mail'),
    )
  for (const client of [stranger, anna, { ...stranger, local: true }]) {
    for (const text of [
      'anna@example.test',
      'ANNA+x@example.test',
      'info@example.test',
      'team@example.test',
      `postmaster@${hostname}`,
    ]) {
      assert.equal(await check(client, text), 'ok')
    }
    assert.match(
      await check(client, 'nobody@example.test'),
      /^550 5\.1\.1 <nobody@example\.test> does not exist/,
    )
    assert.match(await check(client, 'gone@example.test'), /^550 5\.2\.1 /)
  }
  // The shapes in which open relays were found before: other domain, percent, quoted, bang, literal, look-alike.
  const foreign = [
    'x@elsewhere.test',
    'x@sub.example.test',
    'x@example.test.elsewhere.test',
    'anna@[192.0.2.7]',
    '"anna@example.test"@elsewhere.test',
    'x%elsewhere.test@elsewhere.test',
  ]
  for (const text of foreign) {
    // On every port: that MAIL turns strangers away on those for users is another matter.
    for (const role of ['relay', 'submission', 'submissions'] as const)
      assert.match(await check({ ...stranger, role }, text), /^550 5\.7\.1 .* relaying takes a login/, text)
    assert.equal(await check(anna, text), 'ok')
    assert.equal(await check({ ...stranger, local: true }, text), 'ok')
  }
  for (const text of [
    'x%elsewhere.test@example.test',
    'elsewhere.test!x@example.test',
    '"x@elsewhere.test"@example.test',
  ]) {
    for (const client of [stranger, anna]) assert.match(await check(client, text), /^550 5\.1\.1/, text)
  }
})

test('without any domain nobody is told for good that he is not here; who may relay may', async context => {
  const storage = await openDirectory(context)
  const check = async (client: Client, text: string): Promise<string> =>
    shown(
      await checkForwardPath(storage, { hostname }, { isOpen: () => false }, client, address(text), 'mail'),
    )
  const later = '450 4.3.0 This server has no mail domain yet; please try again later'
  for (const text of ['anna@example.test', `postmaster@${hostname}`, 'x@elsewhere.test'])
    assert.equal(await check(stranger, text), later)
  assert.equal(await check({ ...stranger, local: true }, 'x@elsewhere.test'), 'ok')
  assert.equal(await check({ ...stranger, local: true }, `postmaster@${hostname}`), later)
  await storage.run(createRelayDomain, {
    name: 'relayed.test',
    keepsUntilFetched: false,
    anyoneStarts: false,
    at: 0,
  })
  assert.match(await check(stranger, 'x@elsewhere.test'), /^550 5\.7\.1 /)
  // RFC 5321 §4.5.1: as long as nobody can read it.
  assert.match(await check(stranger, `postmaster@${hostname}`), /^450 4\.2\.1 .*nobody here yet/)
  assert.match(await check(stranger, `anna@${hostname}`), /^550 5\.1\.1 /)
})

test('until there is an account, an alias or a group no address is refused for good', async context => {
  const storage = await openDirectory(context)
  const check = async (text: string): Promise<string> =>
    shown(
      await checkForwardPath(storage, { hostname }, { isOpen: () => false }, stranger, address(text), 'mail'),
    )
  await addDomain(storage, 'example.test')
  await addAccount(storage, 'boris@example.test', false)
  assert.equal(
    await check('anna@example.test'),
    '450 4.2.1 There is nobody here yet to read mail for <anna@example.test>; please try again later',
  )
  assert.match(await check('x@elsewhere.test'), /^550 5\.7\.1 /)
  await addAccount(storage, 'clara@example.test')
  assert.match(await check('anna@example.test'), /^550 5\.1\.1 /)
  assert.equal(await check('clara@example.test'), 'ok')
})

test('SEND needs an open terminal; SOML, SAML and MAIL do not', async context => {
  const { storage, anna } = await openExample(context)
  const terminals = { isOpen: (key: string) => key === 'boris@example.test' }
  const check = async (text: string, disposition: Disposition): Promise<string> =>
    shown(await checkForwardPath(storage, { hostname }, terminals, anna, address(text), disposition))
  assert.equal(await check('Boris+x@example.test', 'send'), 'ok')
  assert.equal(await check('team@example.test', 'send'), 'ok')
  assert.match(await check('anna@example.test', 'send'), /^450 4\.2\.1/)
  assert.match(await check('info@example.test', 'send'), /^450 4\.2\.1/)
  assert.match(await check('x@elsewhere.test', 'send'), /^550 5\.3\.3/)
  for (const disposition of ['soml', 'saml', 'mail'] as const) {
    assert.equal(await check('anna@example.test', disposition), 'ok')
    assert.equal(await check('x@elsewhere.test', disposition), 'ok')
  }
})
