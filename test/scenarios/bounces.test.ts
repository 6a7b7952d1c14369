// What comes back after another server has taken a message: reports and complaints find the trail of that message.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { describeReturn } from '../../src/cli/describe-return.ts'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { listSuppressions } from '../../src/suppression/operations.ts'
import type { TrailEvent } from '../../src/trail/events.ts'
import { type RemotePeer, startPeer } from '../delivery/remote-peer.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { startDnsServer } from '../harness/dns-server.ts'
import { queueIdOf, sendMail } from '../harness/send-message.ts'

interface Sending {
  readonly from: string | null
  readonly to: readonly string[]
  readonly text: string
  readonly envelopeId?: string
  readonly role?: 'relay' | 'submission'
}

/** Resolves with the queue id. Who submits is anna, by her network. */
async function send(server: ComposedServer, { from, to, text, envelopeId, role = 'relay' }: Sending) {
  const [result] = await sendMail(server.port(role), {
    account: role === 'relay' ? undefined : 'anna@here.test',
    reversePath: from,
    forwardPaths: to,
    mailData: text.replaceAll('\n', '\r\n'),
    envelopeId,
  })
  const queueId = queueIdOf(result)
  await server.settled()
  return queueId
}

const message = 'From: <anna@here.test>\nSubject: News\nMessage-ID: <news-1@here.test>\n\nText\n'

async function serverAndPeer(
  t: TestContext,
  verp: object = { senders: ['anna@here.test'] },
): Promise<{ server: ComposedServer; peer: RemotePeer }> {
  const peer = await startPeer({ address: '127.0.0.2' })
  t.after(() => peer.close())
  const dns = await startDnsServer(['there.test MX 10 mx.there.test', 'mx.there.test A 127.0.0.2'])
  t.after(() => dns.close())
  const server = await startComposedServer(t, {
    hostname: 'mx.here.test',
    domains: ['here.test'],
    accounts: [
      { address: 'anna@here.test' },
      { address: 'eve@here.test' },
      { address: 'postmaster@here.test' },
    ],
    aliases: [{ address: 'news@here.test', targets: ['anna@here.test'] }],
    settings: { delivery: { port: peer.port, dnsServers: [dns.text], verp } },
  })
  return { server, peer }
}

/** What why makes of it. */
async function returnOf(server: ComposedServer, queueId: string, recipient: string) {
  const records = (await server.trail(queueId)).map(event => ({ at: 0, event }))
  return describeReturn(recipient, records)
}

async function came(server: ComposedServer, queueId: string): Promise<TrailEvent[]> {
  return (await server.trail(queueId)).filter(({ kind }) => kind === 'bounced' || kind === 'complained')
}

/** A report that says nothing but what is given. */
function reportOf({ status = '', returned = '' }: { status?: string; returned?: string }): string {
  return [
    'Subject: Undelivered',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status; boundary=x',
    '',
    '--x',
    'Content-Type: text/plain',
    '',
    'It did not arrive.',
    '--x',
    'Content-Type: message/delivery-status',
    '',
    status || 'Reporting-MTA: dns; mx.there.test\n',
    '--x',
    'Content-Type: text/rfc822-headers',
    '',
    returned,
    '--x--',
    '',
  ].join('\n')
}

const failure =
  'Final-Recipient: rfc822; boris@inner.there.test\nOriginal-Recipient: rfc822; boris@there.test\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 No such user\n'
const status = `Reporting-MTA: dns; mx.there.test\n\n${failure}`

test('each recipient of a bulk sender has a return path and a transaction of its own', async t => {
  const { server, peer } = await serverAndPeer(t)
  await send(server, {
    from: 'anna@here.test',
    to: ['boris@there.test', 'clara@there.test', `${'x'.repeat(60)}@there.test`],
    text: message,
    role: 'submission',
  })
  assert.deepEqual(
    peer.messages.map(({ reversePath, forwardPaths }) => [reversePath, ...forwardPaths]),
    [
      ['anna+boris=there.test@here.test', 'boris@there.test'],
      ['anna+clara=there.test@here.test', 'clara@there.test'],
      // Too long to name.
      ['anna@here.test', `${'x'.repeat(60)}@there.test`],
    ],
  )
})

test('mail of others has one return path, and goes in one transaction', async t => {
  const { server, peer } = await serverAndPeer(t, { senders: ['news@here.test'] })
  await send(server, {
    from: 'anna@here.test',
    to: ['boris@there.test', 'clara@there.test'],
    text: message,
    role: 'submission',
  })
  assert.deepEqual(
    peer.messages.map(({ reversePath, forwardPaths }) => [reversePath, ...forwardPaths]),
    [['anna@here.test', 'boris@there.test', 'clara@there.test']],
  )
})

test('a whole domain can be named, and another delimiter', async t => {
  const { server, peer } = await serverAndPeer(t, { senders: ['@here.test'], delimiter: '#' })
  const id = await send(server, {
    from: 'anna@here.test',
    to: ['boris@there.test'],
    text: message,
    role: 'submission',
  })
  const reversePath = 'anna+boris#there.test@here.test'
  assert.equal(peer.messages[0]?.reversePath, reversePath)
  const attempt = (await server.trail(id)).find(({ kind }) => kind === 'attempted')
  assert.ok(attempt?.kind === 'attempted')
  assert.deepEqual(attempt.sent, { reversePath, rewritten: 'verp' })
  assert.match(describeEvent(attempt).notes?.join('\n') ?? '', /made for this recipient \(VERP\): /)
  await send(server, { from: null, to: [reversePath], text: reportOf({ status }) })
  assert.equal((await came(server, id)).length, 1)
})

test('a late bounce that names nobody finds message and recipient by its return path', async t => {
  const { server } = await serverAndPeer(t)
  const id = await send(server, {
    from: 'anna@here.test',
    to: ['boris@there.test', 'clara@there.test'],
    text: message,
    role: 'submission',
  })
  const reportId = await send(server, {
    from: null,
    to: ['anna+clara=there.test@here.test'],
    text: 'Subject: failure notice\n\nSorry, it did not work out.\n',
  })
  assert.deepEqual(await came(server, id), [
    { kind: 'bounced', recipient: 'clara@there.test', reportId, foundBy: 'verp' },
  ])
  assert.equal((await returnOf(server, id, 'clara@there.test'))?.kind, 'answered')
  assert.equal(await returnOf(server, id, 'boris@there.test'), undefined)
  assert.equal((await server.mailbox('anna@here.test')).length, 1, 'it is delivered as well')
})

for (const { by, sent, returned } of [
  { by: 'message-id', sent: {}, returned: () => ({ status, returned: 'Message-ID: <news-1@here.test>' }) },
  {
    by: 'envelope-id',
    sent: { envelopeId: 'order-7' },
    returned: () => ({
      status: `Reporting-MTA: dns; mx.there.test\nOriginal-Envelope-Id: order-7\n\n${failure}`,
    }),
  },
  {
    by: 'queue-id',
    sent: {},
    returned: (header: string) => ({ status, returned: header }),
  },
] as const) {
  test(`a report finds its message by the ${by}, and says what it says of the recipient`, async t => {
    const { server, peer } = await serverAndPeer(t, {})
    const id = await send(server, {
      from: 'anna@here.test',
      to: ['boris@there.test'],
      text: message,
      role: 'submission',
      ...sent,
    })
    const [header = ''] = (peer.messages[0]?.mailData ?? '').replaceAll('\r\n', '\n').split('\n\n')
    const text = reportOf(returned(header.replace(/^Message-ID.*\n/m, '')))
    const reportId = await send(server, { from: null, to: ['anna@here.test'], text })
    const events = await came(server, id)
    assert.deepEqual(events, [
      {
        kind: 'bounced',
        recipient: 'boris@there.test',
        action: 'failed',
        status: '5.1.1',
        diagnostic: '550 5.1.1 No such user',
        reportingMta: 'mx.there.test',
        reportId,
        foundBy: by,
      },
    ])
    assert.match(
      describeEvent(events[0] ?? assert.fail()).text,
      /^A report of mx\.there\.test came back about boris@there\.test: it could not be delivered \(5\.1\.1\) \[550 5\.1\.1 No such user\], in message [0-9A-Z]{11}; found by /,
    )
    const { kind, cause } = (await returnOf(server, id, 'boris@there.test')) ?? assert.fail()
    assert.deepEqual([kind, cause], ['came-back', 'unknown-user'])
  })
}

test('who is not told of a message cannot write into its trail', async t => {
  const { server } = await serverAndPeer(t, {})
  const id = await send(server, {
    from: 'anna@here.test',
    to: ['boris@there.test'],
    text: message,
    role: 'submission',
  })
  const text = reportOf({ status, returned: 'Message-ID: <news-1@here.test>' })
  await send(server, { from: null, to: ['eve@here.test'], text })
  await send(server, { from: 'stranger@there.test', to: ['anna@here.test'], text })
  assert.deepEqual(await came(server, id), [])
  assert.equal((await server.mailbox('eve@here.test')).length, 1)
})

test('a report to an alias finds the message that was sent from it', async t => {
  const { server } = await serverAndPeer(t, { senders: ['news@here.test'] })
  const id = await send(server, {
    from: 'news@here.test',
    to: ['boris@there.test'],
    text: message,
    role: 'submission',
  })
  await send(server, { from: null, to: ['news+boris=there.test@here.test'], text: reportOf({ status }) })
  const [event] = await came(server, id)
  assert.ok(event?.kind === 'bounced')
  assert.equal(event.recipient, 'boris@there.test')
})

test('a complaint, from whatever reverse-path, to whoever keeps watch', async t => {
  const { server } = await serverAndPeer(t, {})
  const id = await send(server, {
    from: 'anna@here.test',
    to: ['boris@there.test'],
    text: message,
    role: 'submission',
  })
  const text = [
    'Content-Type: multipart/report; report-type=feedback-report; boundary=x',
    '',
    '--x',
    'Content-Type: message/feedback-report',
    '',
    'Feedback-Type: abuse',
    'User-Agent: there/1.0',
    'Version: 1',
    'Original-Rcpt-To: <boris@there.test>',
    '--x',
    'Content-Type: message/rfc822',
    '',
    message,
    '--x--',
    '',
  ].join('\n')
  const reportId = await send(server, { from: 'fbl@there.test', to: ['postmaster@here.test'], text })
  const events = await came(server, id)
  assert.deepEqual(events, [
    {
      kind: 'complained',
      feedbackType: 'abuse',
      recipient: 'boris@there.test',
      reportId,
      foundBy: 'message-id',
    },
  ])
  assert.match(
    describeEvent(events[0] ?? assert.fail()).text,
    /^A complaint came back \(abuse\) from boris@there\.test/,
  )
  assert.equal((await returnOf(server, id, 'boris@there.test'))?.kind, 'complained')
})

async function suppressed({ storage, clock }: ComposedServer) {
  const found = await storage.run(listSuppressions, { evenOver: true, now: clock.now(), limit: 10 })
  return found.suppressions.map(({ address: whom, sender, reason, foundBy }) => [
    whom,
    sender,
    reason,
    foundBy,
  ])
}

const complaintAbout = (recipient: string | undefined, type = 'abuse'): string =>
  [
    'Content-Type: multipart/report; report-type=feedback-report; boundary=x',
    '',
    '--x',
    'Content-Type: message/feedback-report',
    '',
    `Feedback-Type: ${type}`,
    ...(recipient === undefined ? [] : [`Original-Rcpt-To: <${recipient}>`]),
    '--x',
    'Content-Type: message/rfc822',
    '',
    message,
    '--x--',
    '',
  ].join('\n')

test('a complaint of Microsoft, which is no multipart/report', async t => {
  const { server } = await serverAndPeer(t, {})
  const id = await send(server, {
    from: 'news@here.test',
    to: ['boris@there.test'],
    text: message,
    role: 'submission',
  })
  const complaint = [
    'From: <staff@hotmail.com>',
    'Subject: Complaint about message from 192.0.2.1',
    'Content-Type: multipart/mixed; boundary=x',
    '',
    '--x',
    'Content-Type: message/rfc822',
    '',
    'X-HmXmrOriginalRecipient: <boris@there.test>',
    message,
    '--x--',
    '',
  ].join('\n')
  await send(server, { from: 'staff@hotmail.com', to: ['postmaster@here.test'], text: complaint })
  const [event] = await came(server, id)
  assert.ok(event?.kind === 'complained')
  assert.equal(event.recipient, 'boris@there.test')
})

test('a late bounce puts the recipient on the suppression list, and a later delivery does not take it off', async t => {
  const { server } = await serverAndPeer(t)
  const from = 'anna@here.test'
  const to = ['boris@there.test', 'clara@there.test']
  await send(server, { from, to, text: message, role: 'submission' })
  const bounce = { from: null, to: ['anna+boris=there.test@here.test'], text: reportOf({ status }) }
  await send(server, bounce)
  await send(server, bounce)
  const expected = [['boris@there.test', undefined, 'unknown-user', 'report']]
  assert.deepEqual(await suppressed(server), expected)
  await send(server, { from, to, text: message, role: 'submission' })
  const { suppressions } = await server.storage.run(listSuppressions, {
    evenOver: false,
    now: server.clock.now(),
    limit: 10,
  })
  assert.equal(suppressions.length, 1, 'that server takes everything, and says so later')
})

test('a complaint puts its recipient on the suppression list, for that sender', async t => {
  const { server, peer } = await serverAndPeer(t, {})
  const newsletter = message.replace('Subject', 'List-Id: <news.here.test>\nSubject')
  const sending = {
    from: 'news@here.test',
    to: ['boris@there.test'],
    text: newsletter,
    role: 'submission',
  } as const
  const id = await send(server, sending)
  // It names nobody: the message went to one.
  await send(server, {
    from: 'fbl@there.test',
    to: ['postmaster@here.test'],
    text: complaintAbout(undefined),
  })
  assert.deepEqual(await suppressed(server), [['boris@there.test', 'news@here.test', 'complaint', 'report']])
  const second = await send(server, sending)
  assert.equal(peer.messages.length, 1)
  const attempt = (await server.trail(second)).find(({ kind }) => kind === 'attempted') ?? assert.fail()
  assert.match(
    describeEvent(attempt).text,
    new RegExp(
      `boris@there\\.test is on the suppression list for mail of news@here\\.test .* by message ${id}`,
    ),
  )
  await send(server, { ...sending, text: message })
  assert.equal(peer.messages.length, 2, 'a letter by hand goes')
})

test('whoever knows a message cannot put others on the suppression list with it', async t => {
  const { server } = await serverAndPeer(t, {})
  const to = ['boris@there.test', 'clara@there.test']
  await send(server, { from: 'anna@here.test', to, text: message, role: 'submission' })
  const complaint = { from: 'fbl@there.test', to: ['postmaster@here.test'] }
  await send(server, { ...complaint, text: complaintAbout('dora@there.test') })
  await send(server, { ...complaint, text: complaintAbout(undefined) })
  await send(server, { ...complaint, text: complaintAbout('boris@there.test', 'not-spam') })
  const text = reportOf({
    status: status.replaceAll('boris', 'dora'),
    returned: 'Message-ID: <news-1@here.test>',
  })
  await send(server, { from: null, to: ['anna@here.test'], text })
  assert.deepEqual(await suppressed(server), [])
})

test('our own reports, and mail that is none, leave no trace in other trails', async t => {
  const { server, peer } = await serverAndPeer(t, {})
  peer.script = command => (command.startsWith('RCPT') ? '550 5.1.1 No such user' : undefined)
  const id = await send(server, {
    from: 'anna@here.test',
    to: ['boris@there.test'],
    text: message,
    role: 'submission',
  })
  await send(server, { from: null, to: ['anna@here.test'], text: 'Subject: Away\n\nOn holiday.\n' })
  assert.deepEqual(await came(server, id), [])
  assert.equal((await server.mailbox('anna@here.test')).length, 2)
})
