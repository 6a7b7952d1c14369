// Mail of our domains as its receivers see it: signed with keys that are in the DNS, whatever it becomes on its way; and keys from
// when they are made until nobody needs them.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createTransport } from 'nodemailer'
import type { Alert } from '../../src/alert/alert.ts'
import { listAlerts } from '../../src/alert/operations.ts'
import { exportDirectory } from '../../src/directory/document.ts'
import { removeDomain } from '../../src/directory/domains.ts'
import { createRedirection, removeRedirection } from '../../src/directory/redirections.ts'
import type { DkimKey } from '../../src/signing/dkim-key.ts'
import { formatKeyRecord, keyRecordName } from '../../src/signing/key-record.ts'
import { findKeysThatSign, listDkimKeys } from '../../src/signing/operations.ts'
import type { TrailEvent } from '../../src/trail/events.ts'
import { type RemotePeer, startPeer } from '../delivery/remote-peer.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { startDnsServer, type TestDnsServer } from '../harness/dns-server.ts'
import { verifyWithMailauth } from '../signing/verify-with-mailauth.ts'

const hour = 3_600_000
const day = 24 * hour

interface Scene {
  readonly server: ComposedServer
  readonly peer: RemotePeer
  readonly dns: TestDnsServer
  /** The records of these keys are what the DNS has of keys. */
  publish(keys: readonly DkimKey[]): void
  keys(): Promise<readonly DkimKey[]>
  /** Moves the clock, and has the keys looked after. */
  later(ms: number): Promise<void>
  submit(message: Mail): Promise<string>
  /** 'rsa-sha256 pr202601r pass' for each signature of each message that has come to the peer, and empties it. */
  verified(): Promise<string[][]>
}

interface Mail {
  readonly from?: string
  readonly to?: string | string[]
  readonly text?: string
  readonly encoding?: '8bit'
}

async function start(t: TestContext, settings: Readonly<Record<string, unknown>> = {}): Promise<Scene> {
  const peer = await startPeer({ address: '127.0.0.3' })
  t.after(() => peer.close())
  const world = ['there', 'elsewhere', 'nowhere'].flatMap(name => [
    `${name}.test MX 10 mx.${name}.test`,
    `mx.${name}.test A ${peer.address}`,
  ])
  const dns = await startDnsServer(world)
  t.after(() => dns.close())
  const server = await startComposedServer(t, {
    hostname: 'mail.here.test',
    domains: ['here.test', 'second.test'],
    accounts: [{ address: 'anna@here.test' }, { address: 'eva@second.test' }],
    aliases: [{ address: 'forward@here.test', targets: ['boris@there.test'] }],
    settings: { ...settings, delivery: { port: peer.port, dnsServers: [dns.text] } },
  })
  const records = new Map<string, string>()
  const keys = async (): Promise<readonly DkimKey[]> =>
    await server.storage.run(listDkimKeys, { domain: 'here.test' })
  return {
    server,
    peer,
    dns,
    keys,
    publish(published) {
      records.clear()
      for (const key of published) records.set(keyRecordName(key.domain, key.selector), formatKeyRecord(key))
      dns.setZone([...world, ...[...records].map(([name, record]) => `${name} TXT ${record}`)])
    },
    async later(ms) {
      await server.pass(ms)
      await server.lookAfterKeys()
    },
    async submit({ from = 'anna@here.test', to = 'boris@there.test', text = 'Hello', encoding }) {
      const user = from.includes('second') ? 'eva@second.test' : 'anna@here.test'
      const transport = createTransport({
        host: '127.0.0.1',
        port: server.port('submission'),
        requireTLS: true,
        tls: { rejectUnauthorized: false },
        auth: { user, pass: 'secret' },
      })
      const head = `From: ${from}\r\nTo: ${[to].flat().join(', ')}\r\nSubject: Hello  there\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding ?? '7bit'}\r\n`
      try {
        const { response } = await transport.sendMail({
          envelope: { from: user, to },
          raw: `${head}\r\n${text}\r\n`,
        })
        await server.settled()
        return /queued as ([0-9A-Z]{11})/.exec(response)?.[1] ?? assert.fail(response)
      } finally {
        transport.close()
      }
    },
    async verified() {
      const found = await Promise.all(
        peer.messages.map(async ({ mailData }) => {
          const results = await verifyWithMailauth(mailData, records)
          return results.map(
            ({ algorithm, selector, domain, result }) => `${algorithm} ${selector} ${domain} ${result}`,
          )
        }),
      )
      peer.messages.length = 0
      return found
    },
  }
}

async function attemptOf(server: ComposedServer, id: string) {
  const attempts = (await server.trail(id)).flatMap((event: TrailEvent) =>
    event.kind === 'attempted' ? [event] : [],
  )
  return attempts[0] ?? assert.fail('no attempt')
}

async function openAlerts({ server }: Scene): Promise<string[]> {
  const alerts = await server.storage.run(listAlerts, { which: 'open' })
  return alerts.map(({ kind, subject }: Alert) => `${kind} ${subject}`)
}

const both = ['rsa-sha256 pr202601r here.test pass', 'ed25519-sha256 pr202601e here.test pass']

test('mail is signed from when its keys are seen in the DNS, and the trail tells of it', async t => {
  const scene = await start(t)
  const { server } = scene
  await server.lookAfterKeys()
  const keys = await scene.keys()
  assert.deepEqual(keys.map(({ selector, state, finding }) => `${selector} ${state} ${finding}`).toSorted(), [
    'pr202601e next missing',
    'pr202601r next missing',
  ])
  const before = await attemptOf(server, await scene.submit({}))
  assert.match(before.unsigned ?? '', /no DKIM key of here\.test is in the DNS/)
  assert.equal(before.signatures, undefined)
  assert.deepEqual(await scene.verified(), [[]])

  scene.publish(keys)
  await scene.later(hour)
  const after = await attemptOf(server, await scene.submit({}))
  assert.deepEqual(after.signatures, [
    { domain: 'here.test', selector: 'pr202601r' },
    { domain: 'here.test', selector: 'pr202601e' },
  ])
  assert.equal(after.unsigned, undefined)
  assert.deepEqual(await scene.verified(), [both])
  assert.deepEqual(await openAlerts(scene), [])
})

async function startSigning(t: TestContext, settings?: Readonly<Record<string, unknown>>): Promise<Scene> {
  const scene = await start(t, settings)
  await scene.server.lookAfterKeys()
  scene.publish(await scene.keys())
  await scene.later(hour)
  return scene
}

test('what is converted for a server that takes seven bits only is signed as it goes', async t => {
  const scene = await startSigning(t)
  const eight = { encoding: '8bit', text: `Grüße, ${'ä'.repeat(100)} \t\r\n\r\n.\r\n\r\n` } as const
  scene.peer.extensions = ['PIPELINING']
  await scene.submit(eight)
  await scene.submit({ text: `A line too long for anybody: ${'x '.repeat(800)}` })
  const encodings = scene.peer.messages.map(
    ({ mailData }) => /^Content-Transfer-Encoding: (.+)\r$/m.exec(mailData)?.[1],
  )
  assert.deepEqual(encodings, ['quoted-printable', 'quoted-printable'])
  assert.deepEqual(await scene.verified(), [both, both])
})

test('what needs eight bits is signed as it is for a server that takes them', async t => {
  const scene = await startSigning(t)
  await scene.submit({ encoding: '8bit', text: `Grüße \t\r\n\r\n.\r\n\r\n` })
  assert.match(scene.peer.messages[0]?.mailData ?? '', /^Content-Transfer-Encoding: 8bit\r$/m)
  assert.deepEqual(await scene.verified(), [both])
})

test('a message for several receivers has the same signature for each', async t => {
  const scene = await startSigning(t)
  await scene.submit({ to: ['a@there.test', 'b@elsewhere.test', 'c@nowhere.test'] })
  const fields = scene.peer.messages.map(({ mailData }) => mailData.slice(0, mailData.indexOf('Received:')))
  assert.equal(fields.length, 3)
  assert.equal(new Set(fields).size, 1)
  assert.deepEqual(await scene.verified(), [both, both, both])
})

test('what an alias sends on for a stranger is not signed, whoever he says he is; the report of the server about it is', async t => {
  const scene = await startSigning(t)
  const { server, peer } = scene
  const stranger = createTransport({ host: '127.0.0.1', port: server.port('relay'), ignoreTLS: true })
  t.after(() => stranger.close())
  const forge = async (): Promise<void> => {
    await stranger.sendMail({
      envelope: { from: 'eve@elsewhere.test', to: 'forward@here.test' },
      raw: 'From: Anna <anna@here.test>\r\nSubject: Money\r\n\r\nSend it to me.\r\n',
    })
    await server.settled()
  }
  await forge()
  assert.match(peer.messages[0]?.mailData ?? '', /^Delivered-To: forward@here\.test/)
  assert.deepEqual(await scene.verified(), [[]])

  peer.script = command => (command.startsWith('RCPT TO:<boris') ? '550 5.1.1 No such user' : undefined)
  await forge()
  assert.deepEqual(
    peer.messages.map(({ reversePath, forwardPaths }) => [reversePath, ...forwardPaths]),
    [['', 'eve@elsewhere.test']],
  )
  assert.deepEqual(await scene.verified(), [both])
})

test('nobody is signed in the name of a domain in which he has no address any more', async t => {
  const scene = await startSigning(t)
  const { storage } = scene.server
  const alias = { localPart: 'shop', domain: 'here.test' }
  const target = { localPart: 'eva', domain: 'second.test' }
  await storage.run(createRedirection, {
    kind: 'alias',
    address: alias,
    name: '',
    targets: [target],
    at: 0,
  })
  scene.peer.script = command => (command === 'DATA' ? '451 4.3.0 Later' : undefined)
  const id = await scene.submit({ from: '"second" <shop@here.test>' })
  await storage.run(removeRedirection, { kind: 'alias', address: alias })
  scene.peer.script = () => undefined
  await scene.later(hour)
  await scene.server.settled()
  const attempts = (await scene.server.trail(id)).filter(event => event.kind === 'attempted')
  assert.deepEqual(
    attempts.map(({ signatures, unsigned }) => [signatures?.length, unsigned]),
    [
      [2, undefined],
      [undefined, 'the account that sent it has no address in here.test'],
    ],
  )
})

test('a key whose record is gone signs no more, and somebody is told; and it signs again when the record is back', async t => {
  const scene = await startSigning(t)
  const keys = await scene.keys()
  scene.publish(keys.filter(({ algorithm }) => algorithm === 'ed25519'))
  await scene.later(2 * hour)
  await scene.submit({})
  assert.deepEqual(await scene.verified(), [both.slice(1)])
  assert.deepEqual(await openAlerts(scene), [])
  await scene.later(hour)
  assert.deepEqual(await openAlerts(scene), ['dkim-record here.test'])

  // A question that nobody answers is no news.
  scene.dns.setBehaviour('pr202601e._domainkey.here.test', 'SERVFAIL')
  await scene.later(2 * hour)
  await scene.submit({})
  assert.deepEqual(await scene.verified(), [both.slice(1)])
  scene.dns.setBehaviour('pr202601e._domainkey.here.test', undefined)

  scene.publish(keys)
  await scene.later(2 * hour)
  await scene.submit({})
  assert.deepEqual(await scene.verified(), [both])
})

test('a record with another key is as bad as none', async t => {
  const scene = await startSigning(t)
  const keys = await scene.keys()
  const [first, second] = keys
  assert.ok(first && second)
  scene.publish([{ ...first, publicKey: second.publicKey }, second])
  await scene.later(2 * hour)
  const changed = (await scene.keys()).find(({ selector }) => selector === first.selector)
  assert.deepEqual([changed?.finding, changed?.detail], ['different', 'the record has another key in p='])
  assert.equal((await attemptOf(scene.server, await scene.submit({}))).signatures?.length, 1)
})

test('keys are replaced with an overlap: published, seen for a day, used; the old ones stay for two weeks', async t => {
  const scene = await startSigning(t, { dkim: { rotateDays: 30 } })
  const old = await scene.keys()
  await scene.later(30 * day)
  const all = await scene.keys()
  const next = all.filter(({ state }) => state === 'next')
  assert.deepEqual(next.map(({ selector }) => selector).toSorted(), ['pr202601e2', 'pr202601r2'])
  assert.deepEqual(await openAlerts(scene), ['dkim-key-to-publish here.test'])
  await scene.submit({})
  assert.deepEqual(await scene.verified(), [both])

  scene.publish(all)
  await scene.later(2 * hour)
  await scene.submit({})
  assert.deepEqual(await scene.verified(), [both], 'the servers of the zone may not all have it yet')
  await scene.later(day)
  await scene.submit({})
  const newOnes = ['rsa-sha256 pr202601r2 here.test pass', 'ed25519-sha256 pr202601e2 here.test pass']
  assert.deepEqual(await scene.verified(), [newOnes])

  const statesOfOld = async (): Promise<(string | undefined)[]> => {
    const now = await scene.keys()
    return old.map(({ selector }) => now.find(key => key.selector === selector)?.state)
  }
  assert.deepEqual(await statesOfOld(), ['retired', 'retired'])
  await scene.later(13 * day)
  assert.deepEqual(await statesOfOld(), ['retired', 'retired'])
  await scene.later(2 * day)
  assert.deepEqual(await statesOfOld(), ['revoked', 'revoked'])
  await scene.later(31 * day)
  assert.deepEqual(await statesOfOld(), [undefined, undefined])
})

test('a server that does not see the DNS of the world signs all the same, when it is told so', async t => {
  const scene = await start(t, { dkim: { signUnseenAfterHours: 24 } })
  await scene.server.lookAfterKeys()
  await scene.submit({})
  assert.deepEqual((await scene.verified())[0], [])
  await scene.later(25 * hour)
  await scene.submit({})
  assert.match(scene.peer.messages[0]?.mailData ?? '', /s=pr202601r;[^]*s=pr202601e;/)
  await scene.later(3 * hour)
  await scene.later(3 * hour)
  assert.deepEqual(await openAlerts(scene), [])
})

test('nothing is signed, and no key is made, where the settings want none', async t => {
  const scene = await start(t, { dkim: { sign: false } })
  await scene.server.lookAfterKeys()
  assert.deepEqual(await scene.keys(), [])
  const { signatures, unsigned } = await attemptOf(scene.server, await scene.submit({}))
  assert.deepEqual([signatures, unsigned], [undefined, undefined])
})

test('private keys are in no export, go with their domain, and are gone when they are revoked', async t => {
  const scene = await startSigning(t)
  const { storage } = scene.server
  const found = await storage.run(findKeysThatSign, { domains: ['here.test'] })
  const secrets = found?.keys.map(({ privateKey }) => Buffer.from(privateKey).toString('base64')) ?? []
  assert.equal(secrets.length, 2)
  const shown = JSON.stringify([await storage.run(exportDirectory, undefined), await scene.keys()])
  for (const secret of secrets) assert.ok(!shown.includes(secret.slice(-40)))
  await storage.run(removeDomain, { name: 'here.test', withContents: true })
  assert.deepEqual(await scene.keys(), [])
})
