// The way of DMARC reports: counted while mail of strangers comes in, sent when the day is over, and read when others send them.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { listAlerts } from '../../src/alert/operations.ts'
import { dayOf } from '../../src/daily-report/day.ts'
import { findAccount } from '../../src/directory/accounts.ts'
import {
  addDmarcCounts,
  type DmarcDay,
  dmarcCountsOfDay,
  expireDmarcReports,
  listDmarcDays,
  maxOutcomesOfDomain,
} from '../../src/dmarc-report/operations.ts'
import { readDmarcReport } from '../../src/dmarc-report/read-report.ts'
import {
  expireReceivedReports,
  keepDmarcReport,
  listDmarcReports,
  listDmarcSources,
} from '../../src/dmarc-report/received-reports.ts'
import { listMailboxMessages } from '../../src/mailbox/operations.ts'
import { formatKeyRecord, keyRecordName } from '../../src/signing/key-record.ts'
import { listDkimKeys } from '../../src/signing/operations.ts'
import { type RemotePeer, startPeer } from '../delivery/remote-peer.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { startDnsServer, type TestDnsServer } from '../harness/dns-server.ts'
import { eventually } from '../harness/eventually.ts'
import { openConnectionOf, type RawReply } from '../harness/raw-connection.ts'
import { authenticate } from '../mail-authentication/authenticate.ts'
import { createSigner } from '../mail-authentication/signer.ts'
import { createZone } from '../mail-authentication/zone.ts'

const hour = 3_600_000
const day = 24 * hour
const bank = createSigner('bank.test')

interface Scene {
  readonly server: ComposedServer
  readonly dns: TestDnsServer
  readonly peer: RemotePeer
  readonly zone: readonly string[]
}

const usual = [
  'bank.test TXT v=spf1 ip4:192.0.2.10 -all',
  `${bank.keyName} TXT ${bank.keyRecord}`,
  'friend.test TXT v=spf1 ip4:192.0.2.20 -all',
  '_dmarc.friend.test TXT v=DMARC1; p=none',
  '_dmarc.here.test TXT v=DMARC1; p=reject; rua=mailto:anna@here.test',
  'mx.here.test A 203.0.113.25',
]

async function start(
  t: TestContext,
  record: string,
  { more = [], dmarcReports = {} }: { more?: readonly string[]; dmarcReports?: object } = {},
): Promise<Scene> {
  const peer = await startPeer({ address: '127.0.0.3' })
  t.after(() => peer.close())
  const zone = [
    ...usual,
    `_dmarc.bank.test TXT ${record}`,
    ...['bank', 'collector'].flatMap(name => [
      `${name}.test MX 10 mx.${name}.test`,
      `mx.${name}.test A 127.0.0.3`,
    ]),
    ...more,
  ]
  const dns = await startDnsServer(zone)
  t.after(() => dns.close())
  const server = await startComposedServer(t, {
    hostname: 'mx.here.test',
    domains: ['here.test'],
    accounts: [{ address: 'anna@here.test' }],
    isBehindProxy: true,
    settings: {
      delivery: { port: peer.port, dnsServers: [dns.text], tls: 'never' },
      mailAuthentication: { iprev: 'off', dmarcReports },
      // What is put off counts when it comes again.
      spam: { greylistScore: 1000 },
    },
  })
  return { server, dns, peer, zone }
}

async function send(
  { server }: Scene,
  {
    client = '203.0.113.9',
    from = 'ceo@bank.test',
    message,
  }: { client?: string; from?: string; message: string },
): Promise<RawReply> {
  const connection = await openConnectionOf(client, server.port('relay'))
  await connection.reply()
  await connection.command('EHLO mx.bank.test')
  assert.equal((await connection.command(`MAIL FROM:<${from}>`))?.code, 250)
  assert.equal((await connection.command('RCPT TO:<anna@here.test>'))?.code, 250)
  assert.equal((await connection.command('DATA'))?.code, 354)
  await connection.write(`${message}.\r\n`)
  const reply = await connection.reply()
  connection.destroy()
  return reply ?? assert.fail('no reply')
}

const mailOf = (author: string, subject = 'Pay'): string =>
  `From: <${author}>\r\nTo: anna@here.test\r\nSubject: ${subject}\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\nMessage-ID: <1@bank.test>\r\n\r\nPlease pay.\r\n`

/** When what was counted until now is written down. */
async function counted({ server }: Scene, messages: number): Promise<readonly DmarcDay[]> {
  await server.pass(60_000)
  return await eventually(
    `${messages} messages are counted`,
    async () => {
      const days = await server.storage.run(listDmarcDays, { sinceDay: 0, limit: 10 })
      return days.reduce((sum, one) => sum + one.messages, 0) === messages ? days : undefined
    },
    { everyMs: 5 },
  )
}

/** The next day, when every report is due. */
async function tomorrow({ server }: Scene): Promise<void> {
  await server.pass(day + 5 * hour)
  await server.dmarc.keepHouse()
  await server.settled()
}

const wanted = 'v=DMARC1; p=reject; sp=quarantine; aspf=s; rua=mailto:dmarc@bank.test'

test('what comes in the name of a domain is counted, and reported to it when the day is over, once', async t => {
  const scene = await start(t, wanted, {
    dmarcReports: { organization: 'Here & There', contact: 'abuse@here.test' },
  })
  const { server, peer } = scene
  const signed = await bank.sign(mailOf('ceo@bank.test'))
  assert.equal(
    (await send(scene, { message: signed, from: 'list@friend.test', client: '192.0.2.20' })).code,
    250,
  )
  assert.equal(
    (await send(scene, { message: signed, from: 'list@friend.test', client: '192.0.2.20' })).code,
    250,
  )
  assert.equal((await send(scene, { message: mailOf('ceo@bank.test') })).code, 550)
  assert.equal(
    (await send(scene, { message: mailOf('ceo@sub.bank.test'), from: 'x@nowhere.test' })).code,
    250,
  )
  // It asks for no reports.
  assert.equal(
    (await send(scene, { message: mailOf('boris@friend.test'), from: 'boris@friend.test' })).code,
    250,
  )
  const days = await counted(scene, 4)
  assert.deepEqual(
    days.map(({ domain, messages, failed, targets }) => ({ domain, messages, failed, targets })),
    [{ domain: 'bank.test', messages: 4, failed: 2, targets: undefined }],
  )
  await server.dmarc.keepHouse()
  await server.settled()
  assert.equal(peer.messages.length, 0, 'the day is not over')

  await tomorrow(scene)
  const [mail] = peer.messages
  assert.equal(peer.messages.length, 1)
  assert.equal(mail?.reversePath, '')
  assert.deepEqual(mail?.forwardPaths, ['dmarc@bank.test'])
  const text = mail?.mailData ?? ''
  const date = new Date((days[0]?.day ?? 0) * day).toISOString().slice(0, 10)
  const begin = ((days[0]?.day ?? 0) * day) / 1000
  assert.ok(
    text.includes(
      `Subject: Report Domain: bank.test\r\n Submitter: mx.here.test\r\n Report-ID: <${date}.bank.test@mx.here.test>\r\n`,
    ),
  )
  assert.match(text, /^From: <postmaster@mx\.here\.test>\r$/m)
  assert.match(text, /^Content-Type: application\/gzip\r$/m)
  assert.ok(text.includes(`filename="mx.here.test!bank.test!${begin}!${begin + 86_399}.xml.gz"`))
  const report = await readDmarcReport(Buffer.from(text, 'latin1'))
  assert.deepEqual(
    {
      ...report,
      sources: report.sources.toSorted((a, b) => b.messages - a.messages || (a.sender < b.sender ? -1 : 1)),
    },
    {
      organization: 'Here & There',
      contact: 'abuse@here.test',
      reportId: `${date}.bank.test@mx.here.test`,
      beginAt: begin * 1000,
      endAt: (begin + 86_399) * 1000,
      domain: 'bank.test',
      policy: 'reject',
      sources: [
        {
          address: '192.0.2.20',
          headerFrom: 'bank.test',
          sender: 'friend.test',
          disposition: 'pass',
          dkim: true,
          spf: false,
          messages: 2,
        },
        {
          address: '203.0.113.9',
          headerFrom: 'bank.test',
          sender: 'bank.test',
          disposition: 'reject',
          dkim: false,
          spf: false,
          messages: 1,
        },
        {
          address: '203.0.113.9',
          headerFrom: 'sub.bank.test',
          sender: 'nowhere.test',
          disposition: 'quarantine',
          dkim: false,
          spf: false,
          messages: 1,
        },
      ],
    },
  )
  await server.dmarc.keepHouse()
  await server.settled()
  assert.equal(peer.messages.length, 1, 'it goes once')
  const [reported] = await server.storage.run(listDmarcDays, { sinceDay: 0, limit: 10 })
  assert.deepEqual(reported?.targets, ['mailto:dmarc@bank.test'])
})

test('a report is signed, so that DMARC proves it where it comes', async t => {
  const scene = await start(t, wanted)
  const { server, dns, peer, zone } = scene
  await server.lookAfterKeys()
  const keys = (await server.storage.run(listDkimKeys, { domain: 'here.test' })).map(
    key => [keyRecordName(key.domain, key.selector), formatKeyRecord(key)] as const,
  )
  dns.setZone([...zone, ...keys.map(([name, record]) => `${name} TXT ${record}`)])
  await server.pass(hour)
  await server.lookAfterKeys()
  await send(scene, { message: mailOf('ceo@bank.test') })
  await counted(scene, 1)
  await tomorrow(scene)
  const receiver = createZone({
    ...Object.fromEntries(keys.map(([name, record]) => [name, { txt: [record] }])),
    '_dmarc.here.test': { txt: ['v=DMARC1; p=reject'] },
  })
  const found = await authenticate(receiver, peer.messages[0]?.mailData ?? '', { at: server.clock.now() })
  assert.partialDeepStrictEqual(found.dmarc, {
    result: 'pass',
    domain: 'mx.here.test',
    alignedDkim: 'here.test',
  })
})

test('a message that has to come again counts when it has come', async t => {
  const scene = await start(t, wanted)
  scene.dns.setBehaviour(bank.keyName, 'SERVFAIL')
  const message = await bank.sign(mailOf('ceo@bank.test'))
  assert.equal((await send(scene, { message })).code, 451)
  scene.dns.setBehaviour(bank.keyName, undefined)
  await scene.server.pass(hour)
  assert.equal((await send(scene, { message })).code, 250)
  const days = await counted(scene, 1)
  assert.equal(days[0]?.failed, 0)
})

test('a report on reports would have no end: they do not count', async t => {
  const scene = await start(t, wanted)
  const report = mailOf(
    'ceo@bank.test',
    'Report domain: here.test Submitter: bank.test Report-ID: <1@bank.test>',
  )
  assert.equal((await send(scene, { message: await bank.sign(report) })).code, 250)
  assert.equal((await send(scene, { message: await bank.sign(mailOf('ceo@bank.test')) })).code, 250)
  await counted(scene, 1)
})

test('others than the domain itself get a report only if they say that they want it', async t => {
  const record = 'v=DMARC1; p=none; rua=mailto:a@collector.test,mailto:b@refuses.test,mailto:c@sub.bank.test'
  const scene = await start(t, record, {
    more: ['bank.test._report._dmarc.collector.test TXT v=DMARC1', 'sub.bank.test MX 10 mx.bank.test'],
  })
  const { server, peer } = scene
  await send(scene, { message: mailOf('ceo@bank.test') })
  await counted(scene, 1)
  scene.dns.setBehaviour('bank.test._report._dmarc.collector.test', 'SERVFAIL')
  await tomorrow(scene)
  assert.equal(peer.messages.length, 0, 'nobody knows who wants it')
  scene.dns.setBehaviour('bank.test._report._dmarc.collector.test', undefined)
  await server.pass(hour)
  await server.dmarc.keepHouse()
  await server.settled()
  assert.deepEqual(peer.messages.flatMap(({ forwardPaths }) => forwardPaths).toSorted(), [
    'a@collector.test',
    'c@sub.bank.test',
  ])
})

test('who cannot be asked for a day goes without, and the others get the report', async t => {
  const scene = await start(t, 'v=DMARC1; p=none; rua=mailto:a@collector.test,mailto:dmarc@bank.test')
  const { server, dns, peer } = scene
  dns.setBehaviour('bank.test._report._dmarc.collector.test', 'SERVFAIL')
  await send(scene, { message: mailOf('ceo@bank.test') })
  await counted(scene, 1)
  await tomorrow(scene)
  assert.equal(peer.messages.length, 0)
  await server.pass(day)
  await server.dmarc.keepHouse()
  await server.settled()
  assert.deepEqual(
    peer.messages.map(({ forwardPaths }) => forwardPaths),
    [['dmarc@bank.test']],
  )
})

test('a report that is larger than its receiver takes does not go there', async t => {
  const scene = await start(t, 'v=DMARC1; p=none; rua=mailto:small@bank.test!1k,mailto:large@bank.test!10m')
  await send(scene, { message: mailOf('ceo@bank.test') })
  await counted(scene, 1)
  await tomorrow(scene)
  assert.deepEqual(
    scene.peer.messages.map(({ forwardPaths }) => forwardPaths),
    [['large@bank.test']],
  )
})

test('with dmarcReports.send = false nothing is counted, nor sent', async t => {
  const scene = await start(t, wanted, { dmarcReports: { send: false } })
  await send(scene, { message: mailOf('ceo@bank.test') })
  await counted(scene, 0)
  await tomorrow(scene)
  assert.deepEqual(scene.peer.messages, [])
  assert.deepEqual(await scene.server.storage.run(listDmarcDays, { sinceDay: 0, limit: 10 }), [])
})

interface Seen {
  readonly address: string
  readonly count: number
  readonly dkim?: 'pass' | 'fail'
  readonly disposition?: string
}

/** As Google and others write it, by RFC 7489. */
function feedback(domain: string, rows: readonly Seen[], reportId = '7'): string {
  const records = rows.map(
    ({ address, count, dkim = 'pass', disposition = 'none' }) =>
      `<record><row><source_ip>${address}</source_ip><count>${count}</count><policy_evaluated><disposition>${disposition}</disposition><dkim>${dkim}</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>here.test</header_from></identifiers><auth_results><spf><domain>bounces.service.test</domain><result>pass</result></spf></auth_results></record>`,
  )
  return `<?xml version="1.0" encoding="UTF-8" ?>\n<feedback><report_metadata><org_name>bank.test</org_name><email>noreply@bank.test</email><report_id>${reportId}</report_id><date_range><begin>1767225600</begin><end>1767311999</end></date_range></report_metadata><policy_published><domain>${domain}</domain><adkim>r</adkim><p>reject</p><pct>100</pct></policy_published>${records.join('')}</feedback>`
}

function reportMail(content: Uint8Array, { type = 'application/gzip', name = 'r.xml.gz' } = {}): string {
  const body =
    Buffer.from(content)
      .toString('base64')
      .match(/.{1,76}/g) ?? []
  return `From: <noreply@bank.test>\r\nTo: anna@here.test\r\nSubject: Report domain: here.test Submitter: bank.test Report-ID: 7\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\nMessage-ID: <2@bank.test>\r\nMIME-Version: 1.0\r\nContent-Type: ${type}; name="${name}"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="${name}"\r\n\r\n${body.join('\r\n')}\r\n`
}

test('what others report on our domains is kept once, delivered like any mail, and an alert tells where our own mail fails', async t => {
  const scene = await start(t, wanted)
  const { server } = scene
  const rows: readonly Seen[] = [
    { address: '203.0.113.25', count: 40 },
    { address: '203.0.113.25', count: 3, dkim: 'fail', disposition: 'quarantine' },
    { address: '198.51.100.7', count: 9, dkim: 'fail', disposition: 'reject' },
  ]
  const mail = await bank.sign(reportMail(gzipSync(feedback('here.test', rows))))
  for (let times = 0; times < 2; times++) assert.equal((await send(scene, { message: mail })).code, 250)
  await server.settled()
  assert.equal((await server.mailbox('anna@here.test')).length, 2)
  const [report, second] = await server.storage.run(listDmarcReports, { since: 0, limit: 10 })
  assert.equal(second, undefined)
  assert.partialDeepStrictEqual(report, {
    organization: 'bank.test',
    reportId: '7',
    domain: 'here.test',
    policy: 'reject',
    proven: 'bank.test',
    problem: '',
    messages: 52,
    failed: 12,
    beginAt: Date.UTC(2026, 0, 1),
  })
  const sources = await server.storage.run(listDmarcSources, { since: 0, limit: 10 })
  assert.deepEqual(
    sources.map(({ address, isOwn, sender, messages, failed, quarantined, rejected }) => [
      address,
      isOwn,
      sender,
      messages,
      failed,
      quarantined,
      rejected,
    ]),
    [
      ['198.51.100.7', false, 'bounces.service.test', 9, 9, 0, 9],
      ['203.0.113.25', true, 'bounces.service.test', 43, 3, 3, 0],
    ],
  )
  assert.deepEqual(
    await server.storage.run(listDmarcSources, { since: 0, limit: 10, domain: 'other.test' }),
    [],
  )
  const alerts = await server.storage.run(listAlerts, { which: 'open' })
  assert.deepEqual(
    alerts.map(({ kind, subject, evidence }) => `${kind} ${subject}: ${evidence.detail}`),
    [
      'dmarc-alignment here.test: bank.test got 3 messages of here.test from 203.0.113.25 that neither DKIM nor SPF proved (report 7)',
    ],
  )
})

test('a report whose writer nobody proves is shown as such, and alarms nobody', async t => {
  const scene = await start(t, 'v=DMARC1; p=none')
  const mail = reportMail(
    gzipSync(feedback('here.test', [{ address: '203.0.113.25', count: 3, dkim: 'fail' }])),
  )
  assert.equal((await send(scene, { message: mail })).code, 250)
  await scene.server.settled()
  const [report] = await scene.server.storage.run(listDmarcReports, { since: 0, limit: 10 })
  assert.equal(report?.proven, '')
  assert.equal(report?.failed, 3)
  assert.deepEqual(await scene.server.storage.run(listAlerts, { which: 'open' }), [])
})

test('where reports are wanted they are known by the name of the file too, whatever their subject says', async t => {
  const scene = await start(t, 'v=DMARC1; p=none')
  const { server } = scene
  const report = reportMail(gzipSync(feedback('here.test', [{ address: '198.51.100.7', count: 3 }])), {
    name: 'bank.test!here.test!1767225600!1767311999.xml.gz',
  }).replace(/^Subject: .*$/m, 'Subject: Your daily numbers')
  const list = async (): Promise<number> =>
    (await server.storage.run(listDmarcReports, { since: 0, limit: 10 })).length
  assert.equal((await send(scene, { message: report })).code, 250)
  await server.settled()
  assert.equal(await list(), 0, 'nobody has asked the DNS yet where they are wanted')
  await server.dmarc.keepHouse()
  assert.equal((await send(scene, { message: mailOf('boris@bank.test') })).code, 250)
  assert.equal((await send(scene, { message: report })).code, 250)
  await server.settled()
  assert.equal(await list(), 1)
  assert.equal((await server.mailbox('anna@here.test')).length, 3)
})

test('of reports whose writer nobody proves two hundred are read in a day', async t => {
  const scene = await start(t, 'v=DMARC1; p=none')
  const { server } = scene
  const mail = mailOf('noreply@bank.test', 'Report Domain: here.test Submitter: bank.test')
  assert.equal((await send(scene, { message: mail })).code, 250)
  await server.settled()
  const account = await server.storage.run(findAccount, {
    address: { localPart: 'anna', domain: 'here.test' },
  })
  const [message] = await server.storage.run(listMailboxMessages, {
    accountId: account?.id ?? 0,
    mailbox: 'INBOX',
    limit: 1,
  })
  const { mailDataId = 0, size = 0 } = message ?? {}
  // As if the same came again and again.
  const again = { mailDataId, size, isReport: false, isDmarcReport: true, addresses: [] }
  for (let id = 2; id <= 205; id++) await server.dmarc.takeDmarcReport?.({ ...again, id })
  const reports = await server.storage.run(listDmarcReports, { since: 0, limit: 1000 })
  assert.equal(reports.length, 200)
  assert.equal(reports[0]?.problem, 'nothing in it is XML, gzip or zip')
  // Those whose writer is proved are read all the same.
  const proven = await bank.sign(reportMail(gzipSync(feedback('here.test', []))))
  assert.equal((await send(scene, { message: proven })).code, 250)
  await server.settled()
  assert.equal((await server.storage.run(listDmarcReports, { since: 0, limit: 1000 })).length, 201)
})

test('what cannot be read, or is about a domain of others, is delivered, and it is said why it does not count', async t => {
  const scene = await start(t, 'v=DMARC1; p=none')
  const { server } = scene
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '))
  for (const content of [bomb, Buffer.from('no report'), gzipSync(feedback('bank.test', []))])
    assert.equal((await send(scene, { message: reportMail(content) })).code, 250)
  await server.settled()
  assert.equal((await server.mailbox('anna@here.test')).length, 3)
  const reports = await server.storage.run(listDmarcReports, { since: 0, limit: 10 })
  assert.deepEqual(reports.map(({ problem }) => problem).toSorted(), [
    'it is about bank.test, which is no domain of this server',
    'it is no XML (Non-whitespace before first tag.)',
    'it unpacks to more than 16 MB, which no report has',
  ])
  assert.deepEqual(await server.storage.run(listDmarcSources, { since: 0, limit: 10 }), [])
})

test('mail that strangers send in our own name is reported to ourselves', async t => {
  const scene = await start(t, wanted)
  const { server } = scene
  assert.equal((await send(scene, { message: mailOf('eva@here.test') })).code, 550)
  await counted(scene, 1)
  await tomorrow(scene)
  const [report] = await server.storage.run(listDmarcReports, { since: 0, limit: 10 })
  assert.partialDeepStrictEqual(report, {
    domain: 'here.test',
    proven: 'mx.here.test',
    messages: 1,
    failed: 1,
  })
  assert.equal((await server.mailbox('anna@here.test')).length, 1)
  assert.deepEqual(await server.storage.run(listAlerts, { which: 'open' }), [])
})

test('what is kept of a day is bounded: of one domain, and of one more report', async t => {
  const { server } = await start(t, wanted)
  const { storage, clock } = server
  const today = dayOf(clock.now())
  const outcomes = Array.from(
    { length: maxOutcomesOfDomain + 10 },
    (_, n): Parameters<typeof addDmarcCounts.run>[1][number] => ({
      key: `key ${n}`,
      day: today,
      domain: 'bank.test',
      times: 2,
      outcome: {
        source: `2001:db8::${n.toString(16)}`,
        disposition: 'none',
        dkim: 'fail',
        spf: 'fail',
        headerFrom: `${n}.bank.test`,
        envelopeFrom: '',
        signatures: [],
      },
    }),
  )
  await storage.run(addDmarcCounts, outcomes)
  const found = await storage.run(dmarcCountsOfDay, { day: today, domain: 'bank.test' })
  assert.equal(found?.counts.length, maxOutcomesOfDomain)
  assert.deepEqual([found?.day.messages, found?.day.listed], [2 * outcomes.length, 2 * maxOutcomesOfDomain])
  // Those that are known go on being counted.
  await storage.run(addDmarcCounts, outcomes.slice(0, 1))
  assert.equal(
    (await storage.run(dmarcCountsOfDay, { day: today, domain: 'bank.test' }))?.day.listed,
    2 * maxOutcomesOfDomain + 2,
  )

  const keep = (n: number): Promise<string> =>
    storage.run(keepDmarcReport, {
      key: `${n}`,
      receivedAt: clock.now(),
      queueId: n,
      proven: '',
      problem: 'x',
    })
  for (let n = 0; n < 1000; n++) assert.equal(await keep(n), 'kept')
  assert.equal(await keep(1), 'too-many')
  clock.advance(day)
  assert.equal(await keep(1), 'known')
  assert.equal(await keep(1001), 'kept')
})

test('counts and reports are forgotten when their time is over', async t => {
  const scene = await start(t, wanted)
  const { storage, clock } = scene.server
  const since = clock.now()
  const mail = reportMail(gzipSync(feedback('here.test', [{ address: '203.0.113.25', count: 3 }])))
  assert.equal((await send(scene, { message: await bank.sign(mail) })).code, 250)
  await send(scene, { message: mailOf('ceo@bank.test') })
  const [counts] = await counted(scene, 1)
  const ofDay = { day: counts?.day ?? 0, domain: 'bank.test' }
  clock.advance(5 * day)
  const expire = async (before: number): Promise<void> => {
    await storage.run(expireDmarcReports, { now: clock.now(), before })
    await storage.run(expireReceivedReports, { before })
  }
  await expire(since - day)
  // Nobody reports on it any more, and it is shown for longer.
  assert.deepEqual((await storage.run(dmarcCountsOfDay, ofDay))?.counts, [])
  assert.equal((await storage.run(listDmarcSources, { since: 0, limit: 10 })).length, 1)
  await expire(clock.now())
  assert.equal(await storage.run(dmarcCountsOfDay, ofDay), undefined)
  assert.deepEqual(await storage.run(listDmarcSources, { since: 0, limit: 10 }), [])
  assert.deepEqual(await storage.run(listDmarcReports, { since: 0, limit: 10 }), [])
})
