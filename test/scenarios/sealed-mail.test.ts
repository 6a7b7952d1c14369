// Mail of strangers that an alias sends on, as its receiver sees it: with a seal over what this server had found (ARC, RFC 8617).
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { authenticate as authenticateByMailauth } from 'mailauth'
import { createTransport } from 'nodemailer'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { type ArcSet, readChain, sealedText } from '../../src/mail-authentication/arc/chain.ts'
import { KeyRing } from '../../src/mail-authentication/dkim/key.ts'
import { SignedHeader } from '../../src/mail-authentication/dkim/signed-header.ts'
import { verifyText } from '../../src/mail-authentication/dkim/verify.ts'
import { formatKeyRecord, keyRecordName } from '../../src/signing/key-record.ts'
import { listDkimKeys } from '../../src/signing/operations.ts'
import type { TrailEvent } from '../../src/trail/events.ts'
import { type RemotePeer, startPeer } from '../delivery/remote-peer.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { startDnsServer } from '../harness/dns-server.ts'
import { openConnectionOf } from '../harness/raw-connection.ts'
import { authenticate } from '../mail-authentication/authenticate.ts'
import { createSigner } from '../mail-authentication/signer.ts'
import { createZone, type TestZone } from '../mail-authentication/zone.ts'

const bank = createSigner('bank.test')
const list = createSigner('lists.test')

interface Scene {
  readonly server: ComposedServer
  readonly peer: RemotePeer
  /** What the receiver finds in the DNS. */
  zone(): TestZone
  records(): ReadonlyMap<string, string>
  /** The message as it came to the peer, and how it went. */
  forward(message: string): Promise<{ readonly mail: string; readonly attempt: Attempted }>
}

type Attempted = Extract<TrailEvent, { kind: 'attempted' }>

interface Start {
  readonly settings?: Readonly<Record<string, unknown>>
  readonly publishes?: boolean
  readonly extensions?: string[]
}

async function start(
  t: TestContext,
  { settings = {}, publishes = true, extensions }: Start = {},
): Promise<Scene> {
  const peer = await startPeer({ address: '127.0.0.3', ...(extensions ? { extensions } : {}) })
  t.after(() => peer.close())
  const records = new Map([
    [bank.keyName, bank.keyRecord],
    [list.keyName, list.keyRecord],
    ['bank.test', 'v=spf1 ip4:192.0.2.10 -all'],
    ['_dmarc.bank.test', 'v=DMARC1; p=reject'],
  ])
  const world = ['there.test MX 10 mx.there.test', `mx.there.test A ${peer.address}`]
  const lines = (): string[] => [...world, ...[...records].map(([name, text]) => `${name} TXT ${text}`)]
  const dns = await startDnsServer(lines())
  t.after(() => dns.close())
  const server = await startComposedServer(t, {
    hostname: 'mail.here.test',
    domains: ['here.test'],
    accounts: [{ address: 'anna@here.test' }],
    aliases: [{ address: 'forward@here.test', targets: ['boris@there.test', 'anna@here.test'] }],
    isBehindProxy: true,
    settings: {
      delivery: { port: peer.port, dnsServers: [dns.text] },
      mailAuthentication: { iprev: 'off' },
      forwarding: { sealArc: true },
      ...settings,
    },
  })
  await server.lookAfterKeys()
  if (publishes) {
    for (const key of await server.storage.run(listDkimKeys, { domain: 'here.test' }))
      records.set(keyRecordName(key.domain, key.selector), formatKeyRecord(key))
    dns.setZone(lines())
    await server.pass(3_600_000)
    await server.lookAfterKeys()
  }
  return {
    server,
    peer,
    records: () => records,
    zone: () => createZone(Object.fromEntries([...records].map(([name, text]) => [name, { txt: [text] }]))),
    async forward(message) {
      peer.messages.length = 0
      const connection = await openConnectionOf('203.0.113.9', server.port('relay'))
      await connection.reply()
      for (const command of [
        'EHLO mx.bank.test',
        'MAIL FROM:<ceo@bank.test>',
        'RCPT TO:<forward@here.test>',
        'DATA',
      ])
        await connection.command(command)
      await connection.write(Buffer.from(`${message}.\r\n`, 'latin1'))
      const reply = await connection.reply()
      connection.destroy()
      const { code, text } = reply ?? assert.fail('no reply')
      assert.equal(code, 250, text)
      await server.settled()
      const id = /queued as ([0-9A-Z]{11})/.exec(text)?.[1] ?? assert.fail(text)
      const attempt = (await server.trail(id)).find(
        (event): event is Attempted => event.kind === 'attempted' && event.outcome.kind === 'relayed',
      )
      const [first] = peer.messages
      return {
        mail: first?.mailData ?? assert.fail('nothing came'),
        attempt: attempt ?? assert.fail('no attempt'),
      }
    },
  }
}

const message =
  'From: The boss <ceo@bank.test>\r\nTo: forward@here.test\r\nSubject: Pay\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\nMessage-ID: <1@bank.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nPlease pay.\r\n'

function headerOf(mail: string): SignedHeader {
  return new SignedHeader(Buffer.from(mail.slice(0, mail.indexOf('\r\n\r\n') + 2), 'latin1'))
}

function arcFieldsOf(mail: string): string[] {
  return headerOf(mail).fields.flatMap(({ name, value }) => {
    const instance = /\bi[ ]?=[ ]?([0-9]+)/.exec(value)?.[1] ?? ''
    const chain = /\bcv=([a-z]+)/.exec(value)?.[1]
    if (!name.startsWith('arc-')) return []
    return [`${name} ${instance}${chain === undefined ? '' : ` ${chain}`}`]
  })
}

/** By a verifier that we did not write. */
async function verifyByMailauth(scene: Scene, mail: string): Promise<string | undefined> {
  const { arc } = await authenticateByMailauth(Buffer.from(mail, 'latin1'), {
    ip: '203.0.113.25',
    helo: 'mail.here.test',
    sender: 'x@here.test',
    mta: 'mx.there.test',
    resolver(name: string) {
      const record = scene.records().get(name)
      if (record !== undefined) return Promise.resolve([[record]])
      return Promise.reject(Object.assign(new Error(`no ${name}`), { code: 'ENOTFOUND' }))
    },
  })
  return arc ? arc.status.result : undefined
}

test('what is sent on is sealed, and who trusts us takes it though its signature is broken behind us', async t => {
  const scene = await start(t)
  const { mail, attempt } = await scene.forward(await bank.sign(message))
  assert.deepEqual(arcFieldsOf(mail), [
    'arc-seal 1 none',
    'arc-message-signature 1',
    'arc-authentication-results 1',
  ])
  assert.match(
    mail.replaceAll('\r\n\t', ' '),
    /^ARC-Authentication-Results: i=1; mail\.here\.test; +dmarc=pass header\.from=bank\.test policy\.dmarc=reject; +dkim=pass/m,
  )
  const found = await authenticate(scene.zone(), mail)
  assert.deepEqual(found.arc, { result: 'pass', sealers: ['here.test'] })
  assert.equal(await verifyByMailauth(scene, mail), 'pass')
  const { seal } = attempt
  assert.ok(seal && !('unsealed' in seal))
  assert.deepEqual([seal.domain, seal.instance, seal.chain], ['here.test', 1, 'none'])
  assert.match(
    describeEvent(attempt).notes?.join('\n') ?? '',
    /^Sealed \(ARC\): here\.test, with pr[0-9]+r, as number 1; the chain before: none$/m,
  )

  // A server behind us seals on; it has changed the signed text, so that only our word is left of the bank's.
  const changed = await list.seal(mail.replace('Please pay.', 'Please pay.\r\n-- \r\na list'), {
    chain: 'pass',
    results: 'mx.lists.test; arc=pass',
  })
  const believed = await authenticate(scene.zone(), changed, { trustedSealers: ['lists.test', 'here.test'] })
  assert.partialDeepStrictEqual(believed, {
    dmarc: { result: 'fail' },
    arc: { result: 'pass', sealers: ['here.test', 'lists.test'], trusted: 'here.test' },
  })
  // To our own account it came without.
  const [own = ''] = await scene.server.mailbox('anna@here.test')
  assert.ok(own.includes('Please pay.') && !/^ARC-/m.test(own))
})

test('a chain that holds gets one more set', async t => {
  const scene = await start(t)
  const sealed = await list.seal(await bank.sign(message), {
    chain: 'none',
    results: 'mx.lists.test; spf=pass',
  })
  const { mail } = await scene.forward(sealed)
  assert.deepEqual(arcFieldsOf(mail), [
    'arc-seal 2 pass',
    'arc-message-signature 2',
    'arc-authentication-results 2',
    'arc-seal 1 none',
    'arc-message-signature 1',
    'arc-authentication-results 1',
  ])
  assert.deepEqual((await authenticate(scene.zone(), mail)).arc, {
    result: 'pass',
    sealers: ['lists.test', 'here.test'],
  })
  assert.equal(await verifyByMailauth(scene, mail), 'pass')
})

test('a chain that is broken is sealed as such, once: the seal covers its own set, and whoever comes next adds none', async t => {
  const scene = await start(t)
  const sealed = await list.seal(message, { chain: 'none', results: 'mx.lists.test; spf=pass' })
  const broken = await bank.sign(sealed.replace('Please pay.', 'Please pay now.'))
  const { mail } = await scene.forward(broken)
  assert.deepEqual(arcFieldsOf(mail).slice(0, 3), [
    'arc-seal 2 fail',
    'arc-message-signature 2',
    'arc-authentication-results 2',
  ])
  assert.equal((await authenticate(scene.zone(), mail)).arc?.result, 'fail')
  // RFC 8617 §5.1.2: as if it were the only set.
  const named = (name: string) => headerOf(mail).named(name)[0] ?? assert.fail(name)
  const sealField = named('arc-seal')
  const tags = new Map(
    sealField.value.split(';').map(tag => [tag.split('=')[0]?.trim(), tag.slice(tag.indexOf('=') + 1)]),
  )
  const set = {
    instance: 2,
    sealField,
    messageSignatureField: named('arc-message-signature'),
    resultsField: named('arc-authentication-results'),
  } as unknown as ArcSet
  const found = await new KeyRing(scene.zone()).find({
    domain: 'here.test',
    selector: (tags.get('s') ?? '').trim(),
  })
  assert.equal(found.kind, 'key')
  assert.ok(
    found.kind === 'key' &&
      verifyText(found.key, sealedText([set], 2), Buffer.from(tags.get('b') ?? '', 'base64')),
  )

  // It comes back to another alias, as it were.
  const again = await scene.forward(mail.replace(/^Delivered-To: .*\r\n/m, ''))
  assert.equal(arcFieldsOf(again.mail).length, 6)
  assert.deepEqual(again.attempt.seal, { unsealed: 'a server before has found its chain broken (cv=fail)' })
  assert.match(
    describeEvent(again.attempt).notes?.join('\n') ?? '',
    /^Not sealed \(ARC\): a server before has found/m,
  )
})

test('there are fifty sets at most', async t => {
  const scene = await start(t)
  const sets = Array.from({ length: 50 }, (_, n) => {
    const i = 50 - n
    return `ARC-Seal: i=${i}; a=rsa-sha256; cv=${i === 1 ? 'none' : 'pass'}; d=lists.test; s=s1; b=AAAA\r\nARC-Message-Signature: i=${i}; a=rsa-sha256; c=relaxed/relaxed; d=lists.test; s=s1; h=from; bh=AAAA; b=AAAA\r\nARC-Authentication-Results: i=${i}; mx.lists.test; none\r\n`
  })
  assert.equal(readChain(headerOf(sets.join('') + message)).kind, 'chain')
  const { mail, attempt } = await scene.forward(await bank.sign(sets.join('') + message))
  assert.equal(arcFieldsOf(mail).length, 150)
  assert.deepEqual(attempt.seal, { unsealed: 'its chain has 50 sets, and may have no more' })
})

test('what is converted on its way is sealed as it leaves', async t => {
  const scene = await start(t, { extensions: ['PIPELINING'] })
  const signed = await bank.sign(message.replace('Please pay.', 'Grüße an alle.'))
  const { mail } = await scene.forward(Buffer.from(signed).toString('latin1'))
  assert.match(mail, /Gr=C3=BC=C3=9Fe/)
  assert.equal((await authenticate(scene.zone(), mail)).arc?.result, 'pass')
  assert.equal(await verifyByMailauth(scene, mail), 'pass')
})

test('without a key in the DNS nothing is sealed, and the trail says why; without the setting nothing is said of it', async t => {
  const without = await start(t, { publishes: false })
  const first = await without.forward(await bank.sign(message))
  assert.deepEqual(arcFieldsOf(first.mail), [])
  assert.ok(first.attempt.seal && 'unsealed' in first.attempt.seal)
  assert.match(first.attempt.seal.unsealed, /^no RSA key of here\.test is in the DNS/)
  const off = await start(t, { settings: { forwarding: {} } })
  const second = await off.forward(await bank.sign(message))
  assert.deepEqual(arcFieldsOf(second.mail), [])
  assert.equal(second.attempt.seal, undefined)
})

test('what our own users send to an alias is signed, and not sealed', async t => {
  const scene = await start(t)
  const transport = createTransport({
    host: '127.0.0.1',
    port: scene.server.port('submission'),
    requireTLS: true,
    tls: { rejectUnauthorized: false },
    auth: { user: 'anna@here.test', pass: 'secret' },
  })
  t.after(() => transport.close())
  await transport.sendMail({
    from: 'anna@here.test',
    to: 'forward@here.test',
    subject: 'Hello',
    text: 'Hello',
  })
  await scene.server.settled()
  const mail = scene.peer.messages[0]?.mailData ?? ''
  assert.deepEqual(arcFieldsOf(mail), [])
  assert.equal(headerOf(mail).named('dkim-signature').length, 2)
})
