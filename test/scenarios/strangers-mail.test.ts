// Where mail of strangers is from: what a peer is told, what our user gets, and what the trail says.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { domainToASCII } from 'node:url'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { findAccount } from '../../src/directory/accounts.ts'
import { createDomain } from '../../src/directory/domains.ts'
import { putSenderEntry } from '../../src/sender-list/operations.ts'
import { awaitEvent } from '../harness/await-events.ts'
import { type ComposedServer, startComposedServer, unauthenticated } from '../harness/composed-server.ts'
import { startDnsServer, type TestDnsServer } from '../harness/dns-server.ts'
import { eventually } from '../harness/eventually.ts'
import { logInPlain, openSession } from '../harness/log-in.ts'
import { openConnectionOf, type RawConnection, type RawReply } from '../harness/raw-connection.ts'
import { withoutNumber } from '../harness/refusal-number.ts'
import { createSigner } from '../mail-authentication/signer.ts'

const bank = createSigner('bank.test')
const list = createSigner('lists.test')

const zone = [
  'bank.test TXT v=spf1 ip4:192.0.2.10 -all',
  '_dmarc.bank.test TXT v=DMARC1; p=reject',
  `${bank.keyName} TXT ${bank.keyRecord}`,
  `${list.keyName} TXT ${list.keyRecord}`,
  'lists.test TXT v=spf1 ip4:198.51.100.0/24 -all',
  'careful.test TXT v=spf1 -all',
  '_dmarc.careful.test TXT v=DMARC1; p=quarantine',
  '10.2.0.192.in-addr.arpa PTR mx.bank.test',
  'mx.bank.test A 192.0.2.10',
]

interface Scene {
  readonly server: ComposedServer
  readonly dns: TestDnsServer
}

async function start(
  t: TestContext,
  mailAuthentication: Readonly<Record<string, unknown>> = {},
  more: Readonly<Record<string, unknown>> = {},
): Promise<Scene> {
  const dns = await startDnsServer(zone)
  t.after(() => dns.close())
  const server = await startComposedServer(t, {
    hostname: 'mx.here.test',
    domains: ['here.test'],
    accounts: [{ address: 'anna@here.test' }, { address: 'boris@here.test' }],
    isBehindProxy: true,
    settings: {
      delivery: { dnsServers: [dns.text] },
      // Only where it is from.
      spam: { clientNames: false },
      mailAuthentication,
      ...more,
    },
  })
  return { server, dns }
}

interface Sent {
  readonly client?: string
  readonly from?: string
  readonly to?: readonly string[]
  readonly message: string
}

async function connect(server: ComposedServer, client: string): Promise<RawConnection> {
  const connection = await openConnectionOf(client, server.port('relay'))
  await connection.reply()
  await connection.command('EHLO mx.bank.test')
  return connection
}

/** The reply to the message. */
async function send(
  server: ComposedServer,
  { client = '203.0.113.9', from = 'ceo@bank.test', to = ['anna@here.test'], message }: Sent,
): Promise<RawReply> {
  const connection = await connect(server, client)
  assert.equal((await connection.command(`MAIL FROM:<${from}>`))?.code, 250)
  for (const recipient of to) assert.equal((await connection.command(`RCPT TO:<${recipient}>`))?.code, 250)
  assert.equal((await connection.command('DATA'))?.code, 354)
  await connection.write(`${message}${message.endsWith('\r\n') ? '' : '\r\n'}.\r\n`)
  const reply = await connection.reply()
  connection.destroy()
  return reply ?? assert.fail('no reply')
}

const message =
  'From: The boss <ceo@bank.test>\r\nTo: anna@here.test\r\nSubject: Pay\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\nMessage-ID: <1@bank.test>\r\n\r\nPlease pay.\r\n'

test('what the domain of the author wants refused is refused, with what is missing, and the trail has the evidence', async t => {
  const { server } = await start(t)
  const reply = await send(server, { message })
  assert.equal(reply.code, 550)
  assert.deepEqual(reply.lines.slice(0, -1), [
    '5.7.26 bank.test asks that mail which it has not sent be refused (DMARC), and nothing proves that it has sent this message.',
    '5.7.26 SPF: bank.test does not let 203.0.113.9 send its mail (-all)',
    '5.7.26 DKIM: the message has no signature',
    '5.7.26 More: https://www.rfc-editor.org/rfc/rfc9989',
  ])
  assert.deepEqual(await server.mailbox('anna@here.test'), [])
  const event = await awaitEvent(server, 'refused')
  assert.partialDeepStrictEqual(event, {
    command: 'DATA',
    reversePath: 'ceo@bank.test',
    authentication: {
      spf: [{ identity: 'mailfrom', result: 'fail', term: '-all', record: 'v=spf1 ip4:192.0.2.10 -all' }, {}],
      dkim: [],
      dmarc: { result: 'fail', domain: 'bank.test', policy: 'reject', record: 'v=DMARC1; p=reject' },
      iprev: { result: 'fail' },
    },
  })
  const { notes = [] } = describeEvent(event)
  assert.ok(
    notes.includes('DMARC: nothing proves that it is from bank.test; it asks to refuse such mail'),
    notes.join('\n'),
  )
  assert.ok(
    notes.includes('Address: 203.0.113.9 has no name that leads back to it: the address has no name (PTR)'),
  )
})

test('what is signed goes through wherever it comes from, and says on top what was found; nobody else says it', async t => {
  const { server } = await start(t)
  const forged =
    'Authentication-Results: mx.here.test; dmarc=pass header.from=bank.test\r\nAuthentication-Results : MX.here.test\r\n\t; spf=pass\r\nPostrider-Verdict: accept\r\nAuthentication-Results: mx.other.test; spf=pass\r\n'
  const reply = await send(server, { message: forged + (await bank.sign(message)) })
  assert.equal(reply.code, 250, reply.text)
  await server.settled()
  const [mail = ''] = await server.mailbox('anna@here.test')
  const unfolded = mail.replaceAll('\r\n\t', ' ').replaceAll(/ +/g, ' ').split('\r\n')
  assert.match(unfolded[0] ?? '', /^Return-Path: /)
  assert.match(unfolded[1] ?? '', /^Delivered-To: /)
  assert.match(
    unfolded[2] ?? '',
    /^Authentication-Results: mx\.here\.test; dmarc=pass header\.from=bank\.test policy\.dmarc=reject; dkim=pass header\.d=bank\.test header\.s=s1 header\.a=rsa-sha256 header\.b="?[^ ]{8,10}; spf=fail smtp\.mailfrom=bank\.test; spf=none smtp\.helo=mx\.bank\.test; iprev=fail reason="the address has no name \(PTR\)" policy\.iprev=203\.0\.113\.9$/,
  )
  assert.match(unfolded[3] ?? '', /^Received: /)
  assert.deepEqual(
    unfolded.slice(3).filter(line => /^(?:authentication|postrider)-/i.test(line)),
    ['Authentication-Results: mx.other.test; spf=pass'],
  )
  const trail = await server.trail(/queued as (\w+)/i.exec(reply.text)?.[1] ?? '')
  assert.deepEqual(
    trail.map(({ kind }) => kind),
    ['received', 'authenticated', 'attempted'],
  )
  assert.partialDeepStrictEqual(trail[1], {
    verdict: 'accept',
    authentication: {
      dmarc: { result: 'pass', alignedDkim: 'bank.test' },
      dkim: [{ result: 'pass', keyBits: 2048 }],
    },
  })
})

test('what comes from where the domain says goes through without a signature', async t => {
  const { server } = await start(t)
  assert.equal((await send(server, { client: '192.0.2.10', message })).code, 250)
  await server.settled()
  const [mail = ''] = await server.mailbox('anna@here.test')
  assert.match(mail, /dmarc=pass/)
  assert.match(mail, /iprev=pass policy\.iprev=192\.0\.2\.10/)
})

test('a large message is checked while it comes, and carries what was found', async t => {
  const { server } = await start(t)
  const body = 'A line of a large message.  \r\n'.repeat(20_000)
  const signed = await bank.sign(`${message}${body}`)
  assert.equal((await send(server, { message: signed })).code, 250)
  assert.equal((await send(server, { message: signed.replace('large message', 'LARGE message') })).code, 550)
  await server.settled()
  const [mail = '', ...others] = await server.mailbox('anna@here.test')
  assert.match(mail, /Authentication-Results: mx\.here\.test;\r\n\tdmarc=pass/)
  assert.ok(mail.endsWith(body))
  assert.deepEqual(others, [])
  assert.match(
    withoutNumber((await awaitEvent(server, 'refused')).reply.lines.join('\n')),
    /DKIM: the signature of bank\.test \(key s1\) does not hold: the body was changed/,
  )
})

test('a refusal points to the page of this server where there is one, or to the one that the settings name', async t => {
  const own = { mtaSts: { mode: 'testing' }, tls: { acme: { agreeToTerms: true } } }
  const named = 'https://www.here.test/refused'
  for (const [settings, more, url] of [
    [{}, own, 'https://mx.here.test/refused'],
    // Nobody could check its certificate, or reach it.
    [{}, { mtaSts: own.mtaSts }, 'https://www.rfc-editor.org/rfc/rfc9989'],
    [{}, { ...own, mtaSts: { port: 8443 } }, 'https://www.rfc-editor.org/rfc/rfc9989'],
    [{ explanationUrl: named }, own, named],
    [{ explanationUrl: named, spf: 'enforce' }, {}, named],
  ] as const) {
    const { server } = await start(t, settings, more)
    const { code, lines } = await send(server, { message })
    assert.equal(code, 550)
    assert.match(lines.at(-2) ?? '', new RegExp(`^5\\.7\\.2[36] More: ${url}$`))
  }
})

test('what the domain wants treated as suspicious is put into Junk, and says so', async t => {
  const { server } = await start(t)
  const suspicious = message.replaceAll('bank.test', 'careful.test')
  const reply = await send(server, { from: 'x@careful.test', message: suspicious })
  assert.equal(reply.code, 250, reply.text)
  await server.settled()
  assert.deepEqual(await server.mailbox('anna@here.test'), [])
  const [mail = ''] = await server.mailbox('anna@here.test', 'Junk')
  assert.match(
    mail,
    /\r\nPostrider-Verdict: quarantine\r\nAuthentication-Results: mx\.here\.test;\r\n\tdmarc=fail/,
  )
  const trail = await server.trail(/queued as (\w+)/i.exec(reply.text)?.[1] ?? '')
  assert.deepEqual(
    trail.slice(1).map(event => describeEvent(event).text),
    [
      'Checked where it is from, and put aside as suspicious: DMARC: nothing proves that it is from careful.test; it asks to treat such mail as suspicious',
      'Delivered to anna@here.test: it is in the mailbox Junk',
    ],
  )
})

/** From a mailing list that has changed what its author had signed. */
async function passOn(
  server: ComposedServer,
  {
    fields = 'List-Id: A talk <talk.lists.test>\r\n',
    client = '198.51.100.7',
    from = 'bounce@lists.test',
  } = {},
): Promise<RawReply> {
  const changed = (await bank.sign(message)).replace('Please pay.', 'Please pay.\r\n-- \r\nThe list')
  return await send(server, { from, client, message: fields + changed })
}

/** As a mail program of hers does it; of what goes no further than here no message comes. */
async function annaWritesTo(server: ComposedServer, recipient: string): Promise<void> {
  const session = await openSession(server.port('submission'))
  assert.equal(await logInPlain(session, 'anna@here.test', 'secret'), 235)
  assert.equal((await session.command('MAIL FROM:<anna@here.test>'))?.code, 250)
  assert.equal((await session.command(`RCPT TO:<${recipient}>`))?.code, 250)
  session.destroy()
}

const withLogIn = { submission: { allowPlaintextAuthOnLoopback: true } }

test('a field that says that it is of a mailing list changes nothing: anybody can write one', async t => {
  const { server } = await start(t, {}, withLogIn)
  const unknown = await passOn(server)
  assert.equal(unknown.code, 550)
  assert.match(
    unknown.text,
    /The mailing list that it names, talk@lists\.test, is not known to its recipient, who can have this server let it in/,
  )
  const { notes = [] } = describeEvent(await awaitEvent(server, 'refused'))
  assert.ok(
    notes.includes(
      'Way: it says that it is of the mailing list talk@lists.test, which has not proved itself, or to which nobody here has written',
    ),
    notes.join('\n'),
  )
  // Nor does it where she knows the list, and it is not the list that sends.
  await annaWritesTo(server, 'talk@lists.test')
  assert.equal((await passOn(server, { client: '203.0.113.9' })).code, 550)
  assert.equal((await passOn(server, { client: '203.0.113.9', from: 'x@free.test' })).code, 550)
  assert.deepEqual(await server.mailbox('anna@here.test', 'Junk').catch(() => []), [])
})

test('what a mailing list has changed that she knows is put into Junk, not refused', async t => {
  const { server } = await start(t, {}, withLogIn)
  const lists: readonly (readonly [string, string])[] = [
    ['List-Id: A talk <talk.lists.test>\r\n', 'Talk@lists.test'],
    ['List-Post: <https://lists.test/>,\r\n <mailto:chat%40lists.test?subject=x>\r\n', 'chat@lists.test'],
    // There one subscribes.
    ['List-Id: <news.lists.test>\r\n', 'news-request@lists.test'],
  ]
  const replies: RawReply[] = []
  for (const [fields, written] of lists) {
    assert.equal((await passOn(server, { fields })).code, 550)
    await annaWritesTo(server, written)
    replies.push(await passOn(server, { fields }))
  }
  assert.deepEqual(
    replies.map(({ code }) => code),
    [250, 250, 250],
  )
  await server.settled()
  assert.equal((await server.mailbox('anna@here.test', 'Junk')).length, 3)
  const [, checked] = await server.trail(/queued as (\w+)/i.exec(replies[0]?.text ?? '')?.[1] ?? '')
  assert.match(
    checked ? describeEvent(checked).text : '',
    /it asks to refuse such mail; not refused, since it came by the mailing list talk@lists\.test, which has proved itself, and to which one of ours has written$/,
  )
})

test('so is what a forwarder has changed that her list of senders lets in, where that proves itself', async t => {
  const { server } = await start(t)
  const anna = await server.storage.run(findAccount, { address: { localPart: 'anna', domain: 'here.test' } })
  const entry = {
    ownerId: anna?.id ?? assert.fail(),
    verdict: 'allow',
    sender: 'lists.test',
    note: '',
    since: 0,
  } as const
  await server.storage.run(putSenderEntry, entry)
  assert.equal((await passOn(server, { client: '203.0.113.9', fields: '' })).code, 550)
  assert.equal((await passOn(server, { fields: '' })).code, 250)
  await server.settled()
  assert.equal((await server.mailbox('anna@here.test', 'Junk')).length, 1)
  // The name of the author is proved by nothing, whoever wants his mail.
  await server.storage.run(putSenderEntry, { ...entry, sender: 'bank.test' })
  assert.equal((await send(server, { message })).code, 550)
})

for (const { trusted, mailbox } of [
  { trusted: ['lists.test'], mailbox: 'INBOX' },
  { trusted: [], mailbox: undefined },
]) {
  test(`what a server has sealed before it changed it is ${mailbox ? 'taken' : 'refused'}, with ${trusted.length} trusted sealers`, async t => {
    const { server } = await start(t, { trustedArcSealers: trusted })
    const sealed = await list.seal((await bank.sign(message)).replace('Pay\r\n', '[talk] Pay\r\n'), {
      chain: 'none',
      results: 'mx.lists.test; dmarc=pass header.from=bank.test',
    })
    const reply = await send(server, { from: 'bounce@lists.test', client: '198.51.100.7', message: sealed })
    assert.equal(reply.code, mailbox ? 250 : 550, reply.text)
    if (!mailbox) return
    await server.settled()
    const [mail = ''] = await server.mailbox('anna@here.test', mailbox)
    assert.match(mail, /\tarc=pass/)
    assert.match(mail, /\tdmarc=fail header\.from=bank\.test policy\.dmarc=reject/)
  })
}

test('a seal of a trusted server that says what it has not found, or is broken, lets nothing through', async t => {
  const { server } = await start(t, { trustedArcSealers: ['lists.test'] })
  const failed = await list.seal(message, {
    chain: 'none',
    results: 'mx.lists.test; dmarc=fail header.from=bank.test',
  })
  assert.equal((await send(server, { message: failed })).code, 550)
  const good = await list.seal(message, {
    chain: 'none',
    results: 'mx.lists.test; dmarc=pass header.from=bank.test',
  })
  assert.equal((await send(server, { message: good.replace('Please pay', 'Please PAY') })).code, 550)
})

test('two From fields, or too many authors, are refused; no From field is nobody', async t => {
  const { server } = await start(t)
  const two = await send(server, { message: `From: x@free.test\r\n${message}` })
  assert.equal(withoutNumber(two.text), '5.7.1 Message refused: it has more than one From field')
  const many = message.replace(
    '<ceo@bank.test>',
    ['a', 'b', 'c', 'd', 'e', 'f'].map(name => `x@${name}.test`).join(', '),
  )
  assert.equal((await send(server, { message: many })).code, 550)
  const mixed = message.replace('<ceo@bank.test>', '<x@free.test>, <ceo@bank.test>')
  assert.match((await send(server, { from: 'x@free.test', message: mixed })).text, /5\.7\.26 bank\.test asks/)
  assert.equal(
    (await send(server, { from: 'x@free.test', message: message.replace(/^From: .*\r\n/, '') })).code,
    250,
  )
})

test('a proof that only the DNS keeps from us is waited for; a missing policy is none', async t => {
  const { server, dns } = await start(t)
  const signed = await bank.sign(message)
  dns.setBehaviour(bank.keyName, 'SERVFAIL')
  const put = await send(server, { message: signed })
  assert.equal(put.code, 451)
  assert.match(
    put.text,
    /^4\.4\.3 Whether bank\.test has sent this message cannot be found out at this moment; please try again later/,
  )
  // Whom this server asks is nobody's business.
  assert.match(put.text, /could not be checked: the DNS gives no answer at this moment/)
  assert.doesNotMatch(put.text, /SERVFAIL|127\.0\.0\.1:/)
  dns.setBehaviour(bank.keyName, undefined)
  assert.equal((await send(server, { message: signed })).code, 250)
  // Else both are due, and either may be the first in the mailbox.
  await server.settled()
  dns.setBehaviour('_dmarc.careful.test', 'SERVFAIL')
  const unknown = message.replaceAll('bank.test', 'careful.test')
  assert.equal((await send(server, { from: 'x@careful.test', message: unknown })).code, 250)
  await server.settled()
  const [, mail = ''] = await server.mailbox('anna@here.test')
  assert.match(mail, /dmarc=temperror/)
})

test('with temporaryFailure = "accept" it is taken', async t => {
  const { server, dns } = await start(t, { temporaryFailure: 'accept' })
  dns.setBehaviour(bank.keyName, 'SERVFAIL')
  assert.equal((await send(server, { message: await bank.sign(message) })).code, 250)
})

test('a DNS that is silent holds up a message for twenty seconds, and no longer', async t => {
  const { server, dns } = await start(t, { iprev: 'off' })
  dns.setBehaviour('_dmarc.bank.test', 'silent')
  dns.setBehaviour('bank.test', 'silent')
  const reply = send(server, { message })
  await eventually('the question', async () => dns.questions.includes('TXT _dmarc.bank.test') || undefined, {
    everyMs: 5,
  })
  const done = Symbol('done')
  // The clock of the server stands still; each of its seconds is one of ours to give.
  for (let second = 0; second < 25; second++) {
    if ((await Promise.race([reply, Promise.resolve(done)])) !== done) break
    server.clock.advance(1000)
    await new Promise(setImmediate)
  }
  assert.equal((await reply).code, 250)
})

test('our users, our networks and programs on this machine are not checked', async t => {
  const { server } = await start(t, {}, { localNetworks: ['203.0.113.0/24'] })
  assert.equal((await send(server, { client: '203.0.113.9', message })).code, 250)
  assert.equal((await send(server, { client: '127.0.0.1', message })).code, 250)
  await server.settled()
  const mails = await server.mailbox('anna@here.test')
  assert.equal(mails.length, 2)
  for (const mail of mails) assert.doesNotMatch(mail, /Authentication-Results/)
})

test('with all checks off nothing is asked, and nothing added', async t => {
  const { server, dns } = await start(t, unauthenticated)
  assert.equal((await send(server, { message })).code, 250)
  await server.settled()
  const [mail = ''] = await server.mailbox('anna@here.test')
  assert.doesNotMatch(mail, /Authentication-Results/)
  assert.deepEqual(dns.questions, [])
})

test('with "note" nothing is refused, and all of it is written down, and has points', async t => {
  const { server } = await start(t, { dmarc: 'note' })
  const reply = await send(server, { message })
  assert.equal(reply.code, 250, reply.text)
  await server.settled()
  const [mail = ''] = await server.mailbox('anna@here.test', 'Junk')
  assert.match(mail, /dmarc=fail header\.from=bank\.test policy\.dmarc=reject/)
  const trail = await server.trail(/queued as (\w+)/i.exec(reply.text)?.[1] ?? '')
  const screened = trail.find(({ kind }) => kind === 'screened') ?? assert.fail('not screened')
  assert.deepEqual(describeEvent(screened), {
    text: 'Looked at whether it is spam (5.5 points), and put into Junk: it has 5.5 points, and 5 make spam',
    notes: [
      '+3.5 by origin: DMARC fail, p=reject (nothing proves that it is from bank.test; it asks to refuse such mail)',
      '+2 by origin: SPF fail (bank.test does not let 203.0.113.9 send its mail (-all))',
    ],
    dialogue: [],
  })
  const without = { unproven: { spfFail: 0, dmarcReject: 0 }, clientNames: false }
  const { server: mild } = await start(t, { dmarc: 'note' }, { spam: without })
  assert.equal((await send(mild, { message })).code, 250)
  await mild.settled()
  assert.equal((await mild.mailbox('anna@here.test')).length, 1)
})

/** As of her colleague. */
const asColleague = message.replace('The boss <ceo@bank.test>', 'Carl <carl@here.test>')

test('who writes as one of our users from outside, without a proof, is put into Junk, whatever the record says', async t => {
  const { server, dns } = await start(t)
  for (const record of [[], ['_dmarc.here.test TXT v=DMARC1; p=none']]) {
    // What a stranger proves of himself is worth nothing.
    dns.setZone([...zone, ...record, 'evil.test TXT v=spf1 +all'])
    const reply = await send(server, { from: 'x@evil.test', message: asColleague })
    assert.equal(reply.code, 250, reply.text)
    await server.settled()
    const trail = await server.trail(/queued as (\w+)/i.exec(reply.text)?.[1] ?? '')
    const told = trail.flatMap(event => describeEvent(event).notes ?? [])
    for (const note of [
      '+8 by origin: an address of ours (the From field has carl@here.test, and nothing proves that it is from there)',
      'Author: carl@here.test is of this server, and nothing proves that it is from there',
    ])
      assert.ok(told.includes(note), told.join('\n'))
    // What the DNS has said is remembered.
    server.clock.advance(86_400_000)
  }
  assert.deepEqual(await server.mailbox('anna@here.test'), [])
  const junk = await server.mailbox('anna@here.test', 'Junk')
  assert.deepEqual(
    junk.map(mail => /dmarc=\w+/.exec(mail)?.[0]),
    ['dmarc=none', 'dmarc=fail'],
  )
})

test('so is who writes as somebody below our domain, or with the address of one of us as his name', async t => {
  const { server, dns } = await start(t)
  const hr = createSigner('mail.here.test')
  dns.setZone([
    ...zone,
    'evil.test TXT v=spf1 +all',
    '_dmarc.evil.test TXT v=DMARC1; p=reject',
    `${hr.keyName} TXT ${hr.keyRecord}`,
  ])
  const write = async (author: string, sign = async (text: string) => text): Promise<void> => {
    const written = await sign(asColleague.replace('Carl <carl@here.test>', author))
    const reply = await send(server, { from: 'x@evil.test', message: written })
    assert.equal(reply.code, 250, reply.text)
    await server.settled()
  }
  for (const author of ['boss@hr.here.test', '"carl@here.test" <a@evil.test>']) await write(author)
  assert.equal((await server.mailbox('anna@here.test', 'Junk')).length, 2)
  // Another name of ours has signed it; or it is nobody of ours.
  await write('boss@hr.here.test', text => hr.sign(text))
  await write('"carl@nothere.test" <a@evil.test>')
  assert.equal((await server.mailbox('anna@here.test')).length, 2)
  assert.equal((await server.mailbox('anna@here.test', 'Junk')).length, 2)
})

test('what looks like an address of ours in letters of another script is put into Junk, proved as it is', async t => {
  const { server, dns } = await start(t)
  // With a Cyrillic е, and the same of which somebody here is the owner.
  const [twin, ownTwin] = [domainToASCII('hеre.test'), domainToASCII('hеrе.test')]
  await server.storage.run(createDomain, { name: ownTwin, at: server.clock.now() })
  dns.setZone([
    ...zone,
    'evil.test TXT v=spf1 +all',
    ...[twin, ownTwin, domainToASCII('hére.test')].map(name => `${name} TXT v=spf1 +all`),
  ])
  const write = async (from: string, author: string): Promise<string> => {
    const reply = await send(server, { from, message: asColleague.replace('Carl <carl@here.test>', author) })
    assert.equal(reply.code, 250, reply.text)
    await server.settled()
    return /queued as (\w+)/i.exec(reply.text)?.[1] ?? ''
  }
  const id = await write(`carl@${twin}`, `Carl <carl@${twin}>`)
  await write('x@evil.test', '"carl@hеre.test" <x@evil.test>')
  await write('x@evil.test', `boss@hr.${twin} <x@evil.test>`)
  assert.equal((await server.mailbox('anna@here.test', 'Junk')).length, 3)
  const told = (await server.trail(id)).flatMap(event => describeEvent(event).notes ?? [])
  assert.ok(
    told.some(note => note.startsWith('+8 by origin: it looks like one of ours')),
    told.join('\n'),
  )
  // Another word, and a name that is ours.
  await write(`carl@${domainToASCII('hére.test')}`, `Carl <carl@${domainToASCII('hére.test')}>`)
  await write(`carl@${ownTwin}`, `Carl <carl@${ownTwin}>`)
  assert.equal((await server.mailbox('anna@here.test')).length, 2)
})

test('a broken From field, which programs show as an address all the same, is put into Junk', async t => {
  const { server, dns } = await start(t)
  dns.setZone([...zone, 'evil.test TXT v=spf1 +all'])
  const fields = [
    '"ceo <ceo@bank.test>',
    '(Carl <carl@here.test>',
    '=?utf-8?q?ceo=40bank.test?=',
    'Carl =?utf-8?q?=3Ccarl=40here.test=3E?=',
    'ceo@bank.test <undisclosed>',
    '=?utf-8?q?ceo=40bank.test?= <>',
    '"ceo@bank.test"',
  ]
  for (const field of fields) {
    const broken = message.replace('The boss <ceo@bank.test>', field)
    const reply = await send(server, { from: 'x@evil.test', message: broken })
    assert.equal(reply.code, 250, reply.text)
    await server.settled()
    const trail = await server.trail(/queued as (\w+)/i.exec(reply.text)?.[1] ?? '')
    const told = trail.flatMap(event => describeEvent(event).notes ?? [])
    const note =
      'DMARC: not to be decided: its From field has no address that every program reads in the same way'
    assert.ok(told.includes(note), `${field}\n${told.join('\n')}`)
  }
  assert.deepEqual(await server.mailbox('anna@here.test'), [])
  assert.equal((await server.mailbox('anna@here.test', 'Junk')).length, fields.length)
})

test('our own domain is proved by its SPF record, its signature, or one of a name below it', async t => {
  const { server, dns } = await start(t)
  const [here, service] = [createSigner('here.test'), createSigner('mail.here.test')]
  dns.setZone([
    ...zone,
    'here.test TXT v=spf1 ip4:198.51.100.99 -all',
    ...[here, service].map(({ keyName, keyRecord }) => `${keyName} TXT ${keyRecord}`),
  ])
  const from = 'x@free.test'
  const sent = [
    await send(server, { from: 'carl@here.test', client: '198.51.100.99', message: asColleague }),
    await send(server, { from, message: await here.sign(asColleague) }),
    await send(server, { from, message: await service.sign(asColleague) }),
  ]
  assert.deepEqual(
    sent.map(({ code }) => code),
    [250, 250, 250],
  )
  await server.settled()
  assert.equal((await server.mailbox('anna@here.test')).length, 3)
  // While the DNS keeps the proof from us, nobody is suspected.
  dns.setBehaviour(here.keyName, 'SERVFAIL')
  assert.equal((await send(server, { from, message: await here.sign(asColleague) })).code, 250)
  await server.settled()
  assert.equal((await server.mailbox('anna@here.test')).length, 4)
})

test('what comes back from a mailing list to which one of us has written is no forgery', async t => {
  const { server } = await start(t, {}, withLogIn)
  const listed = `List-Id: <talk.lists.test>\r\n${asColleague.replaceAll('carl@', 'anna@')}`
  const byList = { from: 'bounce@lists.test', client: '198.51.100.7', message: listed }
  assert.equal((await send(server, byList)).code, 250)
  await annaWritesTo(server, 'talk@lists.test')
  assert.equal((await send(server, byList)).code, 250)
  await server.settled()
  assert.equal((await server.mailbox('anna@here.test', 'Junk')).length, 1)
  assert.equal((await server.mailbox('anna@here.test')).length, 1)
})

test('an address of ours that has text behind it in the name of a stranger has a few points, and none from a list that she uses', async t => {
  const { server } = await start(t, {}, withLogIn)
  const message = asColleague.replace('Carl <carl@here.test>', '"carl@here.test via talk" <talk@lists.test>')
  const byList = {
    from: 'bounce@lists.test',
    client: '198.51.100.7',
    message: `List-Post: <mailto:talk@lists.test>\r\n${message}`,
  }
  const notesOf = async (): Promise<string> => {
    const reply = await send(server, byList)
    assert.equal(reply.code, 250, reply.text)
    await server.settled()
    const trail = await server.trail(/queued as (\w+)/i.exec(reply.text)?.[1] ?? '')
    return trail.flatMap(event => describeEvent(event).notes ?? []).join('\n')
  }
  const line =
    '+1.5 by origin: an address of ours in a name (the From field has carl@here.test in the name of somebody else)'
  const before = await notesOf()
  assert.ok(before.includes(line), before)
  await annaWritesTo(server, 'talk@lists.test')
  const after = await notesOf()
  assert.ok(!after.includes('+1.5'), after)
  assert.ok(after.includes('Way: it came by the mailing list talk@lists.test'), after)
  assert.equal((await server.mailbox('anna@here.test')).length, 2)
})

test('but a list to which one of us has written speaks for nobody else of us', async t => {
  const { server } = await start(t, {}, withLogIn)
  await annaWritesTo(server, 'talk@lists.test')
  const fields = 'List-Post: <mailto:talk@lists.test>\r\n'
  const both = asColleague.replace('Carl <carl@here.test>', 'anna@here.test, carl@here.test')
  const sent: string[] = []
  for (const message of [asColleague, both]) {
    const byList = { from: 'bounce@lists.test', client: '198.51.100.7', message: fields + message }
    const reply = await send(server, byList)
    assert.equal(reply.code, 250, reply.text)
    sent.push(/queued as (\w+)/i.exec(reply.text)?.[1] ?? '')
  }
  await server.settled()
  assert.deepEqual(await server.mailbox('anna@here.test'), [])
  assert.equal((await server.mailbox('anna@here.test', 'Junk')).length, 2)
  const told = (await server.trail(sent[0] ?? '')).flatMap(event => describeEvent(event).notes ?? [])
  for (const note of [
    '+8 by origin: an address of ours (the From field has carl@here.test, and nothing proves that it is from there)',
    'Way: it came by the mailing list talk@lists.test, which has proved itself, and to which one of ours has written; its author has not written to it, or one who gets this has not, so it proves nothing of him',
  ])
    assert.ok(told.includes(note), told.join('\n'))
})

// Whoever had had one mail of hers could write as her to all her colleagues, without a point.
test('nor for her to whoever of us has not written to it: anybody can call his address a list', async t => {
  const { server } = await start(t, {}, withLogIn)
  await annaWritesTo(server, 'talk@lists.test')
  const message = `List-Post: <mailto:talk@lists.test>\r\n${asColleague.replaceAll('carl@', 'anna@')}`
  const byList = { from: 'bounce@lists.test', client: '198.51.100.7', message }
  assert.equal((await send(server, { ...byList, to: ['boris@here.test'] })).code, 250)
  assert.equal((await send(server, { ...byList, to: ['anna@here.test', 'boris@here.test'] })).code, 250)
  await server.settled()
  assert.deepEqual(await server.mailbox('boris@here.test'), [])
  assert.equal((await server.mailbox('boris@here.test', 'Junk')).length, 2)
})

test('nor is what a trusted sealer has found to be ours, of a domain without a DMARC record', async t => {
  const { server } = await start(t, { trustedArcSealers: ['lists.test'] })
  for (const found of [
    'dkim=pass header.d=here.test',
    'spf=pass smtp.mailfrom=carl@here.test',
    'dkim=pass header.d=evil.test',
    'dkim=fail header.d=here.test',
  ]) {
    const sealed = await list.seal(asColleague.replace('Pay', found), {
      chain: 'none',
      results: `mx.lists.test; ${found}`,
    })
    const reply = await send(server, { from: 'bounce@lists.test', client: '198.51.100.7', message: sealed })
    assert.equal(reply.code, 250, reply.text)
  }
  await server.settled()
  const subjects = async (mailbox: string): Promise<(string | undefined)[]> =>
    (await server.mailbox('anna@here.test', mailbox)).map(mail => /^Subject: (.*)\r$/m.exec(mail)?.[1])
  assert.deepEqual(await subjects('INBOX'), [
    'dkim=pass header.d=here.test',
    'spf=pass smtp.mailfrom=carl@here.test',
  ])
  assert.deepEqual(await subjects('Junk'), ['dkim=pass header.d=evil.test', 'dkim=fail header.d=here.test'])
})

test('each check can be made to refuse by itself', async t => {
  const { server } = await start(t, { dmarc: 'note', spf: 'enforce' })
  assert.match(
    (await send(server, { message })).text,
    /^5\.7\.23 SPF: bank\.test does not let 203\.0\.113\.9/,
  )
  const byName = await start(t, { iprev: 'enforce' })
  assert.match(
    (await send(byName.server, { message })).text,
    /^5\.7\.25 The address 203\.0\.113\.9 has no name/,
  )
  const bySignature = await start(t, { dmarc: 'note', dkim: 'enforce' })
  const changed = (await bank.sign(message)).replace('Please pay.', 'Pay.')
  assert.match(
    (await send(bySignature.server, { message: changed })).text,
    /^5\.7\.20 DKIM: the signature of bank\.test/,
  )
})
