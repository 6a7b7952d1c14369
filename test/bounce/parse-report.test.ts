// Reports of others: what they say of which recipient, and of which message; from any bytes, without an error.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { formatAddress } from '../../src/address/format-address.ts'
import { type IncomingReport, parseReport } from '../../src/bounce/parse-report.ts'
import { failed, report } from './read-report.ts'

const hostname = 'mail.example.test'

function parse(text: string): IncomingReport {
  return parseReport(Buffer.from(text.replaceAll('\n', '\r\n')), hostname)
}

const names = ({ recipients }: IncomingReport): (string | undefined)[] =>
  recipients.map(({ originalRecipient, finalRecipient }) => {
    const address = originalRecipient ?? finalRecipient
    return address && formatAddress(address)
  })

/** As Postfix writes them. */
const bounce = `Return-Path: <>
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="9B06.1700000000/mx.example.org"

This is a MIME-encapsulated message.

--9B06.1700000000/mx.example.org
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

<boris@inner.example.org>: host inner.example.org said: 550 no

--9B06.1700000000/mx.example.org
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
Original-Envelope-Id: order-7
X-Postfix-Queue-ID: 9B06

Final-Recipient: rfc822; boris@inner.example.org
Original-Recipient: rfc822;boris@example.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; inner.example.org
Diagnostic-Code: smtp; 550 5.1.1 No such
    user here

Final-Recipient: rfc822; clara@example.org
Action: delayed
Status: 4.4.1

--9B06.1700000000/mx.example.org
Content-Description: Undelivered Message
Content-Type: message/rfc822

Received: from mail.example.test (mail.example.test [192.0.2.1])
	by mx.example.org (Postfix) with ESMTP id 9B06
	for <boris@example.org>; Mon, 23 Nov 2026 07:47:24 +0000
Received: from client ([192.0.2.7])
	by mail.example.test (Postrider)
	with ESMTPSA id 1CCD5D74AAE;
	Mon, 23 Nov 2026 07:47:24 +0000
Subject: Invoice
Message-ID: <1@example.test>

Text

--9B06.1700000000/mx.example.org--
`

test('a report of RFC 3464: each recipient, the envelope id, and what came back', () => {
  const read = parse(bounce)
  assert.deepEqual(names(read), ['boris@example.org', 'clara@example.org'])
  const [first, second] = read.recipients
  assert.equal(first?.action, 'failed')
  assert.equal(first.status, '5.1.1')
  assert.equal(first.diagnostic?.replaceAll(/ +/g, ' '), '550 5.1.1 No such user here')
  assert.equal(first.remoteMta, 'inner.example.org')
  assert.equal(second?.action, 'delayed')
  assert.equal(read.envelopeId, 'order-7')
  assert.equal(read.reportingMta, 'mx.example.org')
  assert.equal(read.messageId, '<1@example.test>')
  assert.deepEqual(read.queueIds, ['1CCD5D74AAE'])
  assert.equal(read.feedbackType, undefined)
})

test('what this server writes it can read', () => {
  const { composed } = report({
    envelopeId: 'env-1',
    recipients: [
      failed({ originalRecipient: 'rfc822;b@example.org', reply: { code: 550, lines: ['No'] } }),
      failed({
        finalRecipient: { localPart: 'почта', domain: 'example.org' },
        action: 'delivered',
        status: '2.0.0',
      }),
    ],
  })
  const read = parseReport(composed.mailData, hostname)
  assert.deepEqual(names(read), ['b@example.org', 'почта@example.org'])
  assert.deepEqual(
    read.recipients.map(({ action }) => action),
    ['failed', 'delivered'],
  )
  assert.equal(read.envelopeId, 'env-1')
  assert.equal(read.messageId, '<1@example.test>')
})

test('a part in base64, and one in quoted-printable, are decoded', () => {
  const status =
    'Reporting-MTA: dns; a.test\r\n\r\nFinal-Recipient: rfc822; boris@example.org\r\nStatus: 5.2.2\r\n'
  const read = parse(`Content-Type: multipart/report; boundary=x

--x
Content-Type: message/delivery-status
Content-Transfer-Encoding: base64

${Buffer.from(status).toString('base64')}
--x
Content-Type: text/rfc822-headers
Content-Transfer-Encoding: quoted-printable

Message-ID: <a=3D1@exam=
ple.test>
--x--
`)
  assert.deepEqual(names(read), ['boris@example.org'])
  assert.equal(read.recipients[0]?.action, 'failed')
  assert.equal(read.messageId, '<a=1@example.test>')
})

test('fields of the message and of the recipient without an empty line between them', () => {
  const read = parse(`Content-Type: multipart/report; boundary=x

--x
Content-Type: message/delivery-status

Reporting-MTA: dns; a.test
Final-Recipient: rfc822; <boris@example.org>
Action: failed
--x--
`)
  assert.deepEqual(names(read), ['boris@example.org'])
  assert.equal(read.reportingMta, 'a.test')
})

test('Exim names the recipients in the header section, and brings the message back as text', () => {
  const read = parse(`X-Failed-Recipients: boris@example.org, clara@example.org
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.

------ This is a copy of the message, including all the headers. ------

Received: from client ([192.0.2.7])
	by mail.example.test (Postrider) with ESMTPSA id 1CCD5D74AAE;
	Mon, 23 Nov 2026 07:47:24 +0000
`)
  assert.deepEqual(names(read), ['boris@example.org', 'clara@example.org'])
  assert.deepEqual(read.queueIds, ['1CCD5D74AAE'])
})

test('qmail writes a paragraph for each recipient, and the message behind them', () => {
  const read = parse(`Subject: failure notice

Hi. This is the qmail-send program at far.test.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<boris@example.org>:
Sorry, no mailbox here by that name. (#5.1.1)

<clara@example.org>:
192.0.2.9 does not like recipient.
Remote host said: 550 5.2.2 Mailbox full
Giving up on 192.0.2.9.

<no address>:
Sorry.

--- Below this line is a copy of the message.

Return-Path: <anna@example.test>
Received: from client ([192.0.2.7])
	by mail.example.test (Postrider) with ESMTPSA id 1CCD5D74AAE;
	Mon, 23 Nov 2026 07:47:24 +0000
Message-ID: <1@example.test>

<dora@example.org>:
of the message itself
`)
  assert.deepEqual(names(read), ['boris@example.org', 'clara@example.org'])
  assert.deepEqual(
    read.recipients.map(({ action, status, diagnostic }) => [action, status, diagnostic]),
    [
      ['failed', '5.1.1', 'Sorry, no mailbox here by that name. (#5.1.1)'],
      [
        'failed',
        '5.2.2',
        '192.0.2.9 does not like recipient. Remote host said: 550 5.2.2 Mailbox full Giving up on 192.0.2.9.',
      ],
    ],
  )
  assert.equal(read.messageId, '<1@example.test>')
  assert.deepEqual(read.queueIds, ['1CCD5D74AAE'])
})

test('a complaint (RFC 5965): its type, its recipient, and the message', () => {
  const read = parse(`From: <abusedesk@example.com>
Content-Type: multipart/report; report-type=feedback-report;
 boundary="part1_13d.2e68ed54_boundary"

--part1_13d.2e68ed54_boundary
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report.

--part1_13d.2e68ed54_boundary
Content-Type: message/feedback-report

Feedback-Type: Abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <news@example.test>
Original-Rcpt-To: <boris@example.org>
Reporting-MTA: dns; mail.example.com

--part1_13d.2e68ed54_boundary
Content-Type: message/rfc822

Message-ID: <8787KJKJ3K4J3K4J3K4J3.mail@example.test>
Subject: Earn money

Spam
--part1_13d.2e68ed54_boundary--
`)
  assert.equal(read.feedbackType, 'abuse')
  assert.deepEqual(names(read), ['boris@example.org'])
  assert.equal(read.messageId, '<8787KJKJ3K4J3K4J3K4J3.mail@example.test>')
})

for (const [what, head, part] of [
  ['without a part for programs', 'multipart/mixed', ''],
  [
    'whose part for programs names nobody',
    'multipart/report; report-type=feedback-report',
    'Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n\n--x\n',
  ],
] as const)
  test(`a complaint of Microsoft ${what}`, () => {
    const read = parse(`From: <staff@hotmail.com>
Subject: complaint about message from 192.0.2.1
Content-Type: ${head}; boundary=x

--x
${part}Content-Type: message/rfc822

X-HmXmrOriginalRecipient: <boris@hotmail.com>
Message-ID: <1@example.test>
Subject: News

Text
--x--
`)
    assert.equal(read.feedbackType, 'abuse')
    assert.deepEqual(names(read), ['boris@hotmail.com'])
    assert.equal(read.messageId, '<1@example.test>')
  })

test('a complaint with a part on the delivery beside it is a complaint', () => {
  const read = parse(`Content-Type: multipart/report; report-type=feedback-report; boundary=x

--x
Content-Type: message/delivery-status

Final-Recipient: rfc822; clara@example.org
Action: delivered

--x
Content-Type: message/feedback-report

Feedback-Type: abuse
Original-Rcpt-To: <boris@example.org>

--x--
`)
  assert.equal(read.feedbackType, 'abuse')
  assert.deepEqual(names(read), ['boris@example.org'])
})

test('a trace field of another server, or of a name that only ends like ours, is none of ours', () => {
  for (const by of [
    'mx.example.org (Postrider)',
    'evil.mail.example.test (Postrider)',
    'mail.example.test (Postfix)',
  ])
    assert.deepEqual(parse(`Received: by ${by} with ESMTP id 1CCD5D74AAE\n\n`).queueIds, [])
})

test('what is no report says nothing', () => {
  assert.deepEqual(parse('Subject: Away\n\nI am on holiday.\n'), {
    recipients: [],
    messageId: undefined,
    queueIds: [],
  })
})

test('texts of strangers are printable and bounded', () => {
  const read = parse(`Content-Type: multipart/report; boundary=x

--x
Content-Type: message/delivery-status

Original-Envelope-Id: a\x1b[31m${'x'.repeat(5000)}

Final-Recipient: rfc822; no address at all
Status: five
Diagnostic-Code: smtp; ${'y'.repeat(5000)}
--x--
`)
  assert.match(read.envelopeId ?? '', /^a \[31mx{1,400}$/)
  assert.ok((read.recipients[0]?.diagnostic?.length ?? 0) <= 400)
  assert.deepEqual(names(read), [undefined])
})

test('junk costs neither an error nor much time', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'Content-Type: multipart/report; boundary="x"\r\n',
      'Content-Type: message/delivery-status\r\n',
      'Content-Type: message/feedback-report\r\n',
      'Content-Transfer-Encoding: base64\r\n',
      'Content-Transfer-Encoding: quoted-printable\r\n',
      '\r\n\r\n--x\r\n',
      '\r\n--x--\r\n',
      'Final-Recipient: ',
      'Status: 5.1.1\r\n',
      '\r\n\r\nHi. This is ',
      '\r\n\r\n<a@b.test>:\r\n',
      '=\r\n',
      ' by mail.example.test (Postrider) with ',
    ),
    fc.string({ unit: 'binary', maxLength: 40 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), pieces => {
      const read = parseReport(Buffer.from(pieces.join('')), hostname)
      assert.ok(read.recipients.length <= 50)
    }),
    { numRuns: 150 },
  )
  for (const each of ['\r\n--x\r\n', '--x', '\n', '= ', ' \r\n', 'by mail.example.test (Postrider) with '])
    parseReport(
      Buffer.from(`Content-Type: multipart/report; boundary=x\r\n\r\n${each.repeat(10_000)}`),
      hostname,
    )
})
