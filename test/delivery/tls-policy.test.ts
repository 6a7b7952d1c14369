// What receivers demand of TLS, as it goes with real servers: MTA-STS (RFC 8461), DANE (RFC 7672), REQUIRETLS (RFC 8689).
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { SecureContext } from 'node:tls'
import { describeEvent } from '../../src/cli/format-trail.ts'
import type { QueueId } from '../../src/queue/queue-id.ts'
import { replies } from '../../src/smtp/replies.ts'
import { StorageFault } from '../../src/storage/storage-fault.ts'
import type { TrailEvent } from '../../src/trail/events.ts'
import { contextOf, issueCertificate, makeAuthority, type TestCertificate } from '../harness/certificates.ts'
import { type Overrides, type StartedServer, startServer } from '../smtp-server/start-server.ts'
import {
  type PolicyAnswer,
  type PolicyServer,
  policyText,
  startPolicyServer,
  trustedAuthority,
} from '../tls-policy/policy-server.ts'
import { createWorld, hour, minute, type Posting, type World, type WorldOptions } from './world.ts'

const mx = 'mx.example.org'
const stranger = await makeAuthority('stranger')
const right = await issueCertificate(trustedAuthority, [mx])
const wrongName = await issueCertificate(trustedAuthority, ['www.example.org'])
const unknown = await issueCertificate(stranger, [mx])
const onlyCommonName = await issueCertificate(trustedAuthority, [], { commonName: mx })

const posting: Posting = { from: 'anna@example.test', to: ['boris@example.org'] }

interface Receiver {
  readonly world: World
  readonly server: StartedServer
}

/** example.org, whose mail host shows `context`; undefined: it has no TLS. */
async function receiverFor(
  t: TestContext,
  context: SecureContext | undefined,
  { overrides, world: options }: { readonly overrides?: Overrides; readonly world?: WorldOptions } = {},
): Promise<Receiver> {
  const server = await startServer({
    hostname: mx,
    listeners: [{ role: 'relay', address: '127.0.0.2', port: 0 }],
    ...(context ? { tls: { secureContext: () => context } } : {}),
    ...overrides,
  })
  t.after(() => server.server.close())
  const world = await createWorld(t, {
    ...options,
    delivery: { port: server.port, ipv6: false, ...options?.delivery },
  })
  world.dns.mx('example.org', 10, mx)
  world.dns.host(mx, '127.0.0.2')
  return { world, server }
}

interface StsReceiver extends Receiver {
  readonly policies: PolicyServer
}

/** The same, with a policy; `certificate` is that of its HTTPS server. */
async function withPolicy(
  t: TestContext,
  context: SecureContext | undefined,
  answer: PolicyAnswer,
  certificate?: TestCertificate,
  options?: WorldOptions,
): Promise<StsReceiver> {
  const policies = await startPolicyServer(t, answer, certificate)
  const receiver = await receiverFor(t, context, { world: { ...options, httpsPort: policies.port } })
  receiver.world.dns.line('_mta-sts.example.org TXT v=STSv1; id=1;')
  receiver.world.dns.host('mta-sts.example.org', policies.address)
  return { ...receiver, policies }
}

type Attempt = Extract<TrailEvent, { kind: 'attempted' }>

async function lastAttempt(world: World, id: QueueId): Promise<Attempt> {
  const attempt = (await world.attempts(id)).at(-1)
  assert.ok(attempt, 'no attempt was made')
  return attempt
}

function negative({ outcome }: Attempt): { kind: string; cause: string; status: string; detail: string } {
  assert.ok('diagnosis' in outcome, `the outcome was ${outcome.kind}`)
  const { cause, status, detail } = outcome.diagnosis
  return { kind: outcome.kind, cause, status, detail }
}

function evidence(attempt: Attempt): string[] {
  return (attempt.tls ?? []).map(
    ({ policy, result, failure }) => `${policy} ${result}${failure ? ` ${failure.type}` : ''}`,
  )
}

const enforce = { body: policyText('enforce', [mx]) }
const testing = { body: policyText('testing', [mx]) }

test('MTA-STS enforce: a valid certificate of a named host is enough, and the trail says so', async t => {
  const { world, server, policies } = await withPolicy(t, contextOf(right), enforce)
  const id = await world.post(posting)
  assert.equal(server.taken.length, 1)
  const attempt = await lastAttempt(world, id)
  assert.deepEqual(evidence(attempt), ['sts verified'])
  assert.deepEqual(attempt.tls?.[0]?.terms, ['enforce 1 86400'])
  assert.ok(attempt.dialogue?.includes(`-- ${mx}: TLS policy: MTA-STS, mode enforce, id 1`))
  assert.match(describeEvent(attempt).text, /as its MTA-STS policy demands/)
  assert.deepEqual(policies.asked, [`mta-sts.example.org:${policies.port} /.well-known/mta-sts.txt`])
})

for (const [what, certificate] of [
  ['for another name', wrongName],
  ['whose common name alone is right (RFC 8461 §4.2)', onlyCommonName],
  ['of an authority that nobody knows', unknown],
] as const) {
  test(`MTA-STS enforce: with a certificate ${what} the mail waits`, async t => {
    const { world, server } = await withPolicy(t, contextOf(certificate), enforce)
    const id = await world.post(posting)
    assert.equal(server.taken.length, 0)
    assert.equal(await world.waiting(), 1)
    const attempt = await lastAttempt(world, id)
    const { kind, cause, status, detail } = negative(attempt)
    assert.deepEqual([kind, cause, status], ['deferred', 'tls-certificate', '4.7.5'])
    assert.match(detail, /the MTA-STS policy of its domain demands another one$/)
  })

  test(`MTA-STS testing: with a certificate ${what} the mail goes, and the evidence is kept`, async t => {
    const { world, server } = await withPolicy(t, contextOf(certificate), testing)
    const id = await world.post(posting)
    assert.equal(server.taken.length, 1)
    const expected = certificate === unknown ? 'certificate-not-trusted' : 'certificate-host-mismatch'
    assert.deepEqual(evidence(await lastAttempt(world, id)), [`sts encrypted ${expected}`])
  })
}

test('MTA-STS enforce: a server without STARTTLS gets nothing; in testing it gets the mail', async t => {
  const strict = await withPolicy(t, undefined, enforce)
  const id = await strict.world.post(posting)
  assert.equal(strict.server.taken.length, 0)
  const attempt = await lastAttempt(strict.world, id)
  assert.equal(negative(attempt).cause, 'tls-required')
  assert.deepEqual(evidence(attempt), ['sts failed starttls-not-supported'])
  const lax = await withPolicy(t, undefined, testing)
  await lax.world.post(posting)
  assert.equal(lax.server.taken.length, 1)
})

test('MTA-STS enforce: a host that the policy does not name is not even asked; another that it names is', async t => {
  const { world, server } = await withPolicy(t, contextOf(right), {
    body: policyText('enforce', ['*.mail.example.org']),
  })
  const id = await world.post(posting)
  assert.equal(server.taken.length, 0)
  assert.equal(negative(await lastAttempt(world, id)).cause, 'sts-mismatch')
  const second = await withPolicy(t, contextOf(right), enforce)
  second.world.dns.mx('example.org', 5, 'other.example.net')
  second.world.dns.host('other.example.net', '127.0.0.9')
  await second.world.post(posting)
  assert.equal(second.server.taken.length, 1)
})

test('MTA-STS: a policy holds for its time, though record and file are gone; then no more', async t => {
  const { world, server, policies } = await withPolicy(t, contextOf(wrongName), {
    body: policyText('enforce', [mx], 3600),
  })
  await world.post(posting)
  world.dns.line('_mta-sts.example.org TXT v=STSv1; id=2;') // two records are none
  policies.answer = { status: 404, body: '' }
  await world.pass(40 * minute)
  assert.equal(server.taken.length, 0)
  await world.pass(hour)
  assert.equal(server.taken.length, 1)
})

test('MTA-STS: while a new policy cannot be had the one before is kept, and told to be; with DANE nothing is amiss', async t => {
  const { world, policies } = await withPolicy(t, contextOf(right), enforce)
  await world.post(posting)
  policies.answer = { status: 404, body: '' }
  world.dns.drop('_mta-sts.example.org TXT v=STSv1; id=1;')
  world.dns.line('_mta-sts.example.org TXT v=STSv1; id=2;')
  await world.pass(2 * minute)
  const attempt = await lastAttempt(world, await world.post(posting))
  assert.deepEqual(evidence(attempt), ['sts verified sts-policy-fetch-error'])
  assert.match(
    describeEvent(attempt).text,
    /; the certificate of mx\.example\.org is as its MTA-STS policy demands; the MTA-STS policy that its domain announces cannot be had: mta-sts\.example\.org answered 404 \(servers/,
  )
  const dialogue = attempt.dialogue?.join('\n') ?? ''
  assert.match(dialogue, /^-- the MTA-STS policy cannot be had: .* answered 404$/m)
  assert.doesNotMatch(dialogue, /is not kept/)

  const dane = await withPolicy(t, contextOf(unknown), { status: 404, body: '' })
  dane.world.dns.sign('example.org')
  dane.world.dns.line(`_${dane.server.port}._tcp.${mx} TLSA ${tlsaOf(unknown)}`)
  assert.deepEqual(evidence(await lastAttempt(dane.world, await dane.world.post(posting))), ['dane verified'])
})

test('MTA-STS: a policy that is in use is fetched anew before its time is over', async t => {
  const { world, server, policies } = await withPolicy(t, contextOf(right), {
    body: policyText('testing', [mx], 2 * 86_400),
  })
  await world.post(posting)
  await world.pass(23 * hour)
  await world.tls.keepHouse()
  assert.equal(policies.asked.length, 1, 'it is fresh')
  policies.answer = { body: policyText('enforce', ['other.example.org']) }
  await world.pass(2 * hour)
  await world.tls.keepHouse()
  assert.equal(policies.asked.length, 2)
  const id = await world.post(posting)
  assert.equal(server.taken.length, 1)
  assert.equal(negative(await lastAttempt(world, id)).cause, 'sts-mismatch')
})

test('MTA-STS: a policy to whose domain nobody writes any more is let go', async t => {
  const { world, policies } = await withPolicy(t, contextOf(right), {
    body: policyText('enforce', [mx], 90 * 86_400),
  })
  await world.post(posting)
  await world.pass(31 * 24 * hour)
  await world.tls.keepHouse()
  assert.equal(policies.asked.length, 1)
})

test('MTA-STS: while the storage is away, what it said before holds; of whom it said nothing yet, nobody knows', async t => {
  const policies = await startPolicyServer(t, enforce)
  let isAway = false
  const { world, server } = await receiverFor(t, contextOf(wrongName), {
    world: {
      httpsPort: policies.port,
      faultyStorage: real => ({
        ...real,
        run: (operation, input) =>
          isAway && operation.name === 'tls-policy.find'
            ? Promise.reject(new StorageFault('STORAGE_UNAVAILABLE', 'The storage is away.'))
            : real.run(operation, input),
        onWake: (topic, listener) => real.onWake(topic, listener),
        close: () => real.close(),
      }),
    },
  })
  world.dns.line('_mta-sts.example.org TXT v=STSv1; id=1;')
  world.dns.host('mta-sts.example.org', policies.address)
  world.dns.mx('example.com', 10, mx)
  const id = await world.post(posting)
  await world.pass(10 * minute)
  assert.equal((await world.attempts(id)).length, 2)
  isAway = true
  await world.pass(30 * minute)
  assert.equal((await world.attempts(id)).length, 3)
  assert.equal(negative(await lastAttempt(world, id)).cause, 'tls-certificate')
  const other = await world.post({ ...posting, to: ['boris@example.com'] })
  assert.equal(negative(await lastAttempt(world, other)).cause, 'local-error')
  assert.equal(server.taken.length, 0)
})

test('MTA-STS: name servers that do not answer are not asked at each connection', async t => {
  const { world, server } = await receiverFor(t, contextOf(unknown))
  world.dns.fail('_mta-sts.example.org')
  const questions = (): number =>
    world.questions.filter(question => question === 'TXT _mta-sts.example.org').length
  await world.post(posting)
  const asked = questions()
  assert.ok(asked > 0)
  await world.pass(10_000)
  await world.post(posting)
  assert.equal(questions(), asked)
  await world.pass(minute)
  await world.post(posting)
  assert.ok(questions() > asked)
  assert.equal(server.taken.length, 3)
})

const notPolicies: readonly (readonly [what: string, answer: PolicyAnswer, type: string])[] = [
  ['a redirect', { status: 302, headers: { location: '/other' }, body: '' }, 'sts-policy-fetch-error'],
  [
    'a page of HTML',
    { headers: { 'content-type': 'text/html' }, body: enforce.body },
    'sts-policy-fetch-error',
  ],
  ['something else', { body: 'mode: enforce' }, 'sts-policy-invalid'],
  ['too much', { body: `${enforce.body}${'x: y\n'.repeat(20_000)}` }, 'sts-policy-invalid'],
]

for (const [what, answer, type] of notPolicies) {
  test(`MTA-STS: ${what} in the place of the policy is none; it is not asked for again at once`, async t => {
    const { world, server, policies } = await withPolicy(t, contextOf(unknown), answer)
    const id = await world.post(posting)
    assert.equal(server.taken.length, 1)
    assert.deepEqual(evidence(await lastAttempt(world, id)), [`none encrypted ${type}`])
    await world.pass(4 * minute)
    await world.post(posting)
    assert.equal(policies.asked.length, 1)
    await world.pass(6 * minute)
    await world.post(posting)
    assert.equal(policies.asked.length, 2)
  })
}

test('MTA-STS: a policy from a server that is not proven to be mta-sts.<domain> is none', async t => {
  for (const certificate of [
    await issueCertificate(stranger, ['mta-sts.example.org']),
    await issueCertificate(trustedAuthority, ['www.example.org']),
  ]) {
    const { world, policies } = await withPolicy(t, contextOf(unknown), enforce, certificate)
    const id = await world.post(posting)
    assert.deepEqual(evidence(await lastAttempt(world, id)), ['none encrypted sts-webpki-invalid'])
    assert.deepEqual(policies.asked, [])
  }
})

/** 3 1 1, of the certificate's key. */
function tlsaOf({ x509 }: TestCertificate): string {
  const key = x509.publicKey.export({ type: 'spki', format: 'der' })
  return `3 1 1 ${createHash('sha256').update(key).digest('hex')}`
}

async function withTlsa(
  t: TestContext,
  context: SecureContext | undefined,
  ...tlsa: readonly string[]
): Promise<Receiver> {
  const receiver = await receiverFor(t, context)
  const { dns } = receiver.world
  dns.sign('example.org')
  for (const record of tlsa) dns.line(`_${receiver.server.port}._tcp.${mx} TLSA ${record}`)
  return receiver
}

test('DANE: the key of the TLSA record is enough, whoever issued the certificate', async t => {
  const { world, server } = await withTlsa(t, contextOf(unknown), tlsaOf(unknown))
  const id = await world.post(posting)
  assert.equal(server.taken.length, 1)
  const attempt = await lastAttempt(world, id)
  assert.deepEqual(evidence(attempt), ['dane verified'])
  assert.match(describeEvent(attempt).text, /as its DNS demands \(DANE\)/)
})

test('DANE: another key gets nothing, though an authority that everybody knows issued it', async t => {
  const { world, server } = await withTlsa(t, contextOf(right), tlsaOf(unknown))
  const id = await world.post(posting)
  assert.equal(server.taken.length, 0)
  const attempt = await lastAttempt(world, id)
  const { kind, cause, detail } = negative(attempt)
  assert.deepEqual([kind, cause], ['deferred', 'tls-certificate'])
  assert.match(detail, /fits none of its TLSA records; its DNS \(DANE\) demands another one$/)
  assert.deepEqual(evidence(attempt), ['dane failed certificate-not-trusted'])
})

test('DANE: TLSA records that cannot be looked up, as forged ones cannot, keep the mail here', async t => {
  const { world, server } = await withTlsa(t, contextOf(unknown), tlsaOf(unknown))
  world.dns.fail(`_${server.port}._tcp.${mx}`)
  const id = await world.post(posting)
  assert.equal(server.taken.length, 0)
  const attempt = await lastAttempt(world, id)
  assert.equal(negative(attempt).cause, 'tlsa-bogus')
  assert.deepEqual(evidence(attempt), ['dane failed dnssec-invalid'])
})

test('DANE: without STARTTLS nothing goes, even if no record can be used', async t => {
  for (const record of [tlsaOf(unknown), '0 1 1 00']) {
    const { world, server } = await withTlsa(t, undefined, record)
    const id = await world.post(posting)
    assert.equal(server.taken.length, 0)
    assert.equal(negative(await lastAttempt(world, id)).cause, 'tls-required')
  }
})

test('DANE: records none of which can be used demand TLS, with any certificate', async t => {
  const { world, server } = await withTlsa(t, contextOf(unknown), '1 1 1 00', '3 1 1 00')
  const id = await world.post(posting)
  assert.equal(server.taken.length, 1)
  assert.deepEqual(evidence(await lastAttempt(world, id)), ['dane encrypted'])
})

test('DANE: TLSA records that the DNS does not prove are none', async t => {
  const { world, server } = await receiverFor(t, contextOf(unknown))
  world.dns.line(`_${server.port}._tcp.${mx} TLSA ${tlsaOf(right)}`)
  const id = await world.post(posting)
  assert.equal(server.taken.length, 1)
  assert.deepEqual(evidence(await lastAttempt(world, id)), ['none encrypted'])
})

test('a recipient who is refused over TLS: the trail has the handshake, and says what it was', async t => {
  const { world } = await receiverFor(t, contextOf(unknown), {
    overrides: { services: { acceptForwardPath: () => replies.noSuchMailbox('boris') } },
  })
  const attempt = await lastAttempt(world, await world.post(posting))
  assert.equal(negative(attempt).kind, 'failed')
  const [{ connection } = {}] = attempt.tls ?? []
  assert.partialDeepStrictEqual(connection, {
    protocol: 'TLSv1.3',
    authorized: false,
    problem: { detail: 'who issued the certificate is not known' },
  })
  const outcome = 'certificate is not verified: who issued the certificate is not known'
  assert.match(
    describeEvent(attempt).notes?.join('\n') ?? '',
    new RegExp(`^Encrypted with TLSv1\\.3 TLS_\\S+; its ${outcome}$`, 'm'),
  )
  assert.match(
    attempt.dialogue?.join('\n') ?? '',
    /\nS: 220 .*\n-- TLS: TLSv1\.3 with TLS_\S+; certificate not verified: who issued the certificate is not known\nC: EHLO /,
  )
})

test('DANE: an alias of a mail host is followed, and its own TLSA records count first', async t => {
  const { world, server } = await receiverFor(t, contextOf(unknown))
  world.dns.mx('example.com', 10, 'alias.example.com')
  world.dns.line(`alias.example.com CNAME ${mx}`)
  world.dns.sign('example.com')
  world.dns.sign('example.org')
  world.dns.line(`_${server.port}._tcp.${mx} TLSA ${tlsaOf(unknown)}`)
  world.dns.line(`_${server.port}._tcp.alias.example.com TLSA ${tlsaOf(right)}`)
  const id = await world.post({ ...posting, to: ['boris@example.com'] })
  assert.deepEqual((await lastAttempt(world, id)).tls?.[0]?.hosts, [mx])
  assert.equal(server.taken.length, 1)
})

test('DANE goes before MTA-STS', async t => {
  const { world, server } = await withPolicy(t, contextOf(right), enforce)
  world.dns.sign('example.org')
  world.dns.line(`_${server.port}._tcp.${mx} TLSA ${tlsaOf(unknown)}`)
  const id = await world.post(posting)
  assert.equal(server.taken.length, 0)
  assert.deepEqual(evidence(await lastAttempt(world, id)), ['dane failed certificate-not-trusted'])
})

test('a policy of MTA-STS in force holds where no TLSA record can be used; one in testing changes nothing', async t => {
  for (const [policy, certificate, isTaken, expected] of [
    [enforce, unknown, false, 'sts failed certificate-not-trusted'],
    [enforce, right, true, 'sts verified'],
    [testing, unknown, true, 'dane encrypted'],
  ] as const) {
    const { world, server } = await withPolicy(t, contextOf(certificate), policy)
    world.dns.sign('example.org')
    world.dns.line(`_${server.port}._tcp.${mx} TLSA 1 1 1 00`)
    const id = await world.post(posting)
    assert.equal(server.taken.length, isTaken ? 1 : 0)
    assert.deepEqual(evidence(await lastAttempt(world, id)), [expected])
  }
})

test('TLS-Required: No goes against a policy; over TLS where there is some', async t => {
  const { world, server } = await withTlsa(t, contextOf(right), tlsaOf(unknown))
  const id = await world.post({ ...posting, message: { tls: 'optional' } })
  assert.equal(server.taken.length, 1)
  assert.match((await lastAttempt(world, id)).outcome.kind, /relayed/)
  assert.deepEqual(evidence(await lastAttempt(world, id)), ['none encrypted'])
})

const required: Posting = { ...posting, message: { tls: 'required' } }
const offers: Overrides = { offersRequireTls: true }

test('REQUIRETLS goes on to a server that offers it and is proven, by DANE or by MTA-STS', async t => {
  const dane = await receiverFor(t, contextOf(unknown), { overrides: offers })
  dane.world.dns.sign('example.org')
  dane.world.dns.line(`_${dane.server.port}._tcp.${mx} TLSA ${tlsaOf(unknown)}`)
  await dane.world.post(required)
  assert.equal(dane.server.taken[0]?.transaction.parameters.requireTls, true)

  const policies = await startPolicyServer(t, testing)
  const sts = await receiverFor(t, contextOf(right), {
    overrides: offers,
    world: { httpsPort: policies.port },
  })
  sts.world.dns.line('_mta-sts.example.org TXT v=STSv1; id=1;')
  sts.world.dns.host('mta-sts.example.org', policies.address)
  await sts.world.post(required)
  assert.equal(sts.server.taken[0]?.transaction.parameters.requireTls, true)
})

test('REQUIRETLS: DNSSEC and a certificate that everybody believes are enough', async t => {
  const { world, server } = await receiverFor(t, contextOf(right), { overrides: offers })
  world.dns.sign('example.org')
  await world.post(required)
  assert.equal(server.taken.length, 1)
})

test('REQUIRETLS waits for a policy that the domain announces, and that cannot be fetched now', async t => {
  const policies = await startPolicyServer(t, { status: 503, body: '' })
  const { world, server } = await receiverFor(t, contextOf(right), {
    overrides: offers,
    world: { httpsPort: policies.port },
  })
  world.dns.line('_mta-sts.example.org TXT v=STSv1; id=1;')
  world.dns.host('mta-sts.example.org', policies.address)
  const id = await world.post(required)
  const { kind, cause, detail } = negative(await lastAttempt(world, id))
  assert.deepEqual([kind, cause], ['deferred', 'requiretls'])
  assert.match(detail, /nothing proves mx\.example\.org: mta-sts\.example\.org answered 503$/)
  policies.answer = enforce
  await world.pass(10 * minute)
  assert.equal(server.taken[0]?.transaction.parameters.requireTls, true)
})

const unprotected: readonly (readonly [
  what: string,
  context: SecureContext | undefined,
  overrides: Overrides,
  isSigned: boolean,
  status: string,
])[] = [
  ['a server that does not offer it', contextOf(right), {}, true, '5.7.30'],
  ['a server whose certificate nobody knows', contextOf(unknown), offers, true, '5.7.10'],
  ['a server that the DNS does not prove', contextOf(right), offers, false, '5.7.10'],
  ['a server without TLS', undefined, offers, true, '5.7.10'],
]

for (const [what, context, overrides, isSigned, status] of unprotected) {
  test(`REQUIRETLS does not go to ${what}: ${status}, and the sender is told without the text`, async t => {
    const { world, server } = await receiverFor(t, context, { overrides })
    if (isSigned) world.dns.sign('example.org')
    await world.account('anna@example.test')
    const id = await world.post({
      ...required,
      text: 'Subject: Test\r\n\r\nSecret\r\n',
      message: { tls: 'required', ret: 'FULL' },
    })
    assert.equal(server.taken.length, 0)
    const attempt = await lastAttempt(world, id)
    const { kind, cause, ...rest } = negative(attempt)
    assert.deepEqual([kind, cause, rest.status], ['failed', 'requiretls', status])
    const [report = ''] = await world.mailbox('anna@example.test')
    assert.match(report, /REQUIRETLS/)
    assert.doesNotMatch(report, /Secret/)
  })
}

test('REQUIRETLS: a report goes to a proven server that does not offer it, and to no other', async t => {
  const report: Posting = { from: null, to: posting.to, message: { tls: 'required', isReport: true } }
  const proven = await receiverFor(t, contextOf(right))
  proven.world.dns.sign('example.org')
  await proven.world.post(report)
  assert.equal(proven.server.taken.length, 1)
  assert.equal(proven.server.taken[0]?.transaction.parameters.requireTls ?? false, false)
  const unproven = await receiverFor(t, contextOf(right))
  const id = await unproven.world.post(report)
  assert.equal(negative(await lastAttempt(unproven.world, id)).status, '5.7.10')
})

test('a report about a message with TLS-Required: No says so too, and goes against a policy as it did', async t => {
  const { world, server } = await withTlsa(t, contextOf(right), tlsaOf(unknown))
  await world.post({
    from: 'boris@example.org',
    to: ['nobody@example.test'],
    message: { tls: 'optional' },
  })
  assert.match(server.taken[0]?.mailData ?? '', /^TLS-Required: No\r$/m)
})

/** What was sent went over a connection that was opened for it, and not over one that was there. */
async function isFirstOnConnection(world: World, id: QueueId): Promise<boolean> {
  const { dialogue = [] } = await lastAttempt(world, id)
  return dialogue.some(line => line.startsWith('-- connecting to'))
}

const takenFor = ({ taken }: StartedServer): string[] =>
  taken.flatMap(({ transaction }) => transaction.recipients.map(({ forwardPath }) => forwardPath.domain))

const oneConnection: WorldOptions = { delivery: { maxConnectionsPerDestination: 1 } }

/** example.org demands a certificate that its mail host does not show; example.com has the same host and demands nothing. */
const policedBeside: readonly (readonly [what: string, make: (t: TestContext) => Promise<Receiver>])[] = [
  ['MTA-STS', t => withPolicy(t, contextOf(unknown), enforce, undefined, oneConnection)],
  ['DANE', t => withTlsa(t, contextOf(unknown), tlsaOf(right))],
]

for (const [what, make] of policedBeside) {
  test(`${what}: a connection for another domain with the same mail host is none for one with a policy, which stops no other`, async t => {
    const { world, server } = await make(t)
    world.dns.mx('example.com', 10, mx)
    await world.post({ ...posting, to: ['boris@example.com'] })
    const policed: QueueId[] = [await world.post(posting)]
    for (let n = 0; n < 4; n++) {
      await world.accept({ ...posting, to: ['boris@example.com'] })
      policed.push(await world.accept(posting))
    }
    await world.pass(0)
    assert.deepEqual(takenFor(server), Array<string>(5).fill('example.com'))
    for (const id of policed) assert.equal(negative(await lastAttempt(world, id)).cause, 'tls-certificate')
  })
}

test('domains that demand nothing share connections, those that were checked for a policy too; one with a policy has its own', async t => {
  const { world, server } = await withPolicy(t, contextOf(right), enforce, undefined, oneConnection)
  world.dns.mx('example.com', 10, mx)
  world.dns.mx('example.net', 10, mx)
  const expected = [
    ['example.com', true],
    ['example.net', false],
    ['example.org', true],
    ['example.org', false],
    ['example.com', false],
  ] as const
  for (const [domain, isFirst] of expected) {
    const id = await world.post({ ...posting, to: [`boris@${domain}`] })
    assert.equal(await isFirstOnConnection(world, id), isFirst, domain)
    if (domain === 'example.org') assert.deepEqual(evidence(await lastAttempt(world, id)), ['sts verified'])
  }
  const lax = await world.post({ ...posting, message: { tls: 'optional' } })
  assert.equal(await isFirstOnConnection(world, lax), false)
  assert.equal(server.taken.length, 6)
})

test('REQUIRETLS: a connection on which the server was proven for another domain proves nothing', async t => {
  const policies = await startPolicyServer(t, enforce)
  const { world, server } = await receiverFor(t, contextOf(right), {
    overrides: offers,
    world: { ...oneConnection, httpsPort: policies.port },
  })
  world.dns.line('_mta-sts.example.org TXT v=STSv1; id=1;')
  world.dns.host('mta-sts.example.org', policies.address)
  world.dns.mx('example.com', 10, mx)
  await world.post(required)
  const id = await world.post({ ...required, to: ['boris@example.com'] })
  assert.equal(negative(await lastAttempt(world, id)).status, '5.7.10')
  assert.deepEqual(takenFor(server), ['example.org'])
})
