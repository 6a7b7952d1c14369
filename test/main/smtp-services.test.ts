// What the sessions of this server ask for, where it is more than handing on.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Address, ReversePath } from '../../src/address/address.ts'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { settingsSchema } from '../../src/config/schema.ts'
import { createAccount } from '../../src/directory/accounts.ts'
import { hashPassword } from '../../src/directory/credentials.ts'
import { createSmtpServices, type SmtpServicesOptions } from '../../src/main/smtp-services.ts'
import { Logins } from '../../src/policy/logins.ts'
import { Patience } from '../../src/policy/patience.ts'
import { StrangerLimits } from '../../src/policy/stranger-limits.ts'
import { createReturnPaths } from '../../src/routing/return-paths.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { type Log, silentLog } from '../../src/runtime/log.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { replies } from '../../src/smtp/replies.ts'
import type { Client, SessionServices } from '../../src/smtp/server/services.ts'
import type { Storage } from '../../src/storage/operation.ts'
import { StorageFault } from '../../src/storage/storage-fault.ts'
import type { TrailRecord } from '../../src/trail/events.ts'
import { addAccount, addDomain, address, openDirectory } from '../directory/open-directory.ts'
import { createManualClock } from '../harness/manual-clock.ts'

function clientAt(remoteAddress: string): Client {
  return {
    sessionId: '1',
    role: 'submission',
    remoteAddress,
    remotePort: 1,
    localAddress: '192.0.2.1',
    localPort: 587,
    connectedAt: 0,
    extended: true,
    local: false,
    loopback: false,
  }
}

const limits = { windowMs: 15 * 60_000, maxPerNetwork: 100, maxPerAccount: 10, maxDelayMs: 0 }

function askForRecipients(services: Pick<SessionServices, 'acceptForwardPath'>) {
  return async (forwardPath: Address, reversePath: ReversePath = null): Promise<string> => {
    const reply = await services.acceptForwardPath?.(
      clientAt('198.51.100.7'),
      { reversePath, parameters: { body: '7BIT', smtpUtf8: false }, disposition: 'mail', recipients: [] },
      { forwardPath, parameters: {} },
    )
    return reply ? `${reply.code} ${reply.enhanced} ${reply.lines.join(' ')}` : 'taken'
  }
}

function createLogins(storage: Storage, clock: Clock, log: Log): Logins {
  return new Logins({
    storage,
    protocol: 'smtp',
    mechanisms: ['PLAIN'],
    limits,
    clock,
    random: systemRandom,
    log,
  })
}

/** For sessions in which no message comes. */
const withoutMail = {
  settings: { ...settingsSchema.parse({ hostname: 'mail.example.test' }), dataFolder: '' },
  intake: { open: () => assert.fail('no message is expected') },
  deliverTurned: async () => ({ taken: 0, deferred: 0, failed: 0 }),
  terminals: { isOpen: () => false },
  patience: new Patience({ greetingDelaySeconds: 0, refusalDelaySeconds: 0 }, createManualClock()),
  strangerLimits: new StrangerLimits(
    settingsSchema.parse({ hostname: 'mail.example.test' }).limits.strangers,
    createManualClock(),
  ),
}

function createServices({
  storage,
  clock = createManualClock(),
  log = silentLog,
  ...given
}: Pick<SmtpServicesOptions, 'storage'> &
  Partial<Pick<SmtpServicesOptions, 'clock' | 'log' | 'appendTrail' | 'deliverTurned'>>) {
  return createSmtpServices({
    ...withoutMail,
    watch: { note() {} },
    storage,
    logins: createLogins(storage, clock, log),
    clock,
    log,
    appendTrail: () => {},
    ...given,
  })
}

test('ten wrong passwords from a network: the right one is answered as a wrong one for a quarter of an hour', async context => {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  await storage.run(createAccount, {
    address: address('anna@example.test'),
    name: '',
    passwordHash: await hashPassword('secret', systemRandom),
    language: 'en',
    enabled: true,
    at: 0,
  })
  const clock = createManualClock()
  const warned: string[] = []
  const trail: TrailRecord[] = []
  const log: Log = {
    ...silentLog,
    warn: (message, fields) => void warned.push(`${message} ${JSON.stringify(fields)}`),
  }
  const services = createServices({ storage, clock, log, appendTrail: record => void trail.push(record) })
  const logIn = async (remoteAddress: string, password: string): Promise<boolean> => {
    return (
      'id' in ((await services.authenticate?.(clientAt(remoteAddress), 'anna@example.test', password)) ?? {})
    )
  }
  for (let n = 0; n < 9; n++) assert.equal(await logIn('198.51.100.7', `guess ${n}`), false)
  assert.equal(await logIn('198.51.100.7', 'secret'), true)
  for (let n = 0; n < 10; n++) assert.equal(await logIn('192.0.2.8', `guess ${n}`), false)
  const until = clock.now() + 15 * 60_000
  assert.deepEqual(warned.length, 1)
  assert.match(warned[0] ?? '', /too many wrong passwords.*192\.0\.2\.8.*anna@example\.test/)
  assert.equal(await logIn('192.0.2.9', 'secret'), false)
  assert.equal(await logIn('203.0.113.1', 'secret'), true)
  services.refused?.(clientAt('192.0.2.9'), {
    command: 'AUTH',
    loginName: 'anna@example.test',
    reply: replies.authFailed,
  })
  const event = trail[0]?.event
  assert.ok(event?.kind === 'refused')
  assert.deepEqual([event.loginName, event.blockedUntil], ['anna@example.test', until])
  assert.match(
    describeEvent(event).text,
    /^Refused AUTH of 192\.0\.2\.9 as anna@example\.test: too many wrong passwords from there: refused until .*\(535 /,
  )
  clock.advance(15 * 60_000)
  assert.equal(await logIn('192.0.2.9', 'secret'), true)
})

test('what the server refuses to itself at start is not in the trail; the same from elsewhere is', async context => {
  const storage = await openDirectory(context)
  const trail: TrailRecord[] = []
  const services = createServices({ storage, appendTrail: record => void trail.push(record) })
  const refusal = {
    command: 'RCPT',
    reversePath: address('relay-test@postrider-self-test.invalid'),
    forwardPath: address('relay-test@postrider-relay-test.invalid'),
    reply: replies.relayDenied('relay-test@postrider-relay-test.invalid'),
  }
  services.refused?.({ ...clientAt('127.0.0.1'), loopback: true }, refusal)
  services.refused?.(clientAt('192.0.2.1'), refusal)
  assert.equal(trail.length, 0)
  services.refused?.(clientAt('198.51.100.7'), refusal)
  assert.equal(trail.length, 1)
})

test('a report to a return address of forwarded mail is taken from strangers; other mail, and an address that was made up or is old, are not', async context => {
  const storage = await openDirectory(context)
  await addDomain(storage, 'example.test')
  const clock = createManualClock()
  const { settings } = withoutMail
  const services = createServices({
    storage,
    clock,
    deliverTurned: () => assert.fail('nothing is fetched'),
  })
  const paths = createReturnPaths({
    storage,
    clock,
    random: systemRandom,
    hostname: settings.hostname,
    forwarding: settings.forwarding,
  })
  const given = await paths.reversePathFor(address('sender@example.net'), [address('info@example.test')])
  assert.ok(given)
  const rcpt = askForRecipients(services)
  assert.equal(await rcpt(given), 'taken')
  assert.match(
    await rcpt(given, address('stranger@example.org')),
    /^550 5\.7\.1 .* takes only reports on forwarded mail/,
  )
  assert.equal(await rcpt({ ...given, localPart: given.localPart.toLowerCase() }), 'taken')
  assert.match(
    await rcpt({ ...given, localPart: given.localPart.replace('sender', 'victim') }),
    /^550 5\.1\.1 .* is no return address that this server has given out$/,
  )
  assert.match(await rcpt({ ...given, domain: 'example.org' }), /^550 5\.7\.1 /)
  clock.advance(22 * 86_400_000)
  assert.match(await rcpt(given), /^550 5\.1\.1 .* too old/)
})

test('a directory that cannot be asked is told of once, until it answers; what is known by heart is no answer of it', async context => {
  const directory = await openDirectory(context)
  await addDomain(directory, 'example.test')
  await addAccount(directory, 'anna@example.test')
  let isAway = false
  const storage: Storage = {
    run: (operation, input) =>
      isAway
        ? Promise.reject(new StorageFault('STORAGE_UNAVAILABLE', 'away'))
        : directory.run(operation, input),
    onWake: (topic, listener) => directory.onWake(topic, listener),
    close: () => directory.close(),
  }
  const told: string[] = []
  const tell = (message: string): void => void told.push(message)
  const log: Log = { ...silentLog, error: tell, info: tell }
  const clock = createManualClock()
  const services = createServices({ storage, clock, log })
  const rcpt = askForRecipients(services)
  const elsewhere = address('boris@example.org')
  assert.match(await rcpt(elsewhere), /^550 5\.7\.1 /)
  isAway = true
  for (let n = 0; n < 3; n++) {
    assert.match(await rcpt(address('anna@example.test')), /^451 4\.3\.0 /)
    assert.match(await rcpt(elsewhere), /^550 5\.7\.1 /)
  }
  assert.deepEqual(told, ['the directory cannot be asked: senders are put off'])
  isAway = false
  assert.equal(await rcpt(address('anna@example.test')), 'taken')
  assert.deepEqual(told.slice(1), ['the directory is asked again'])
})
