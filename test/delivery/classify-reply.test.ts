// Replies of the large systems, verbatim as they are met in logs, and what they mean.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReportCause } from '../../src/bounce/report.ts'
import { classifyReply, replyStatus } from '../../src/delivery/classify-reply.ts'
import type { DeliveryStage } from '../../src/delivery/outcome.ts'
import type { Reply } from '../../src/smtp/reply.ts'

function reply(text: string): Reply {
  const code = Number(text.slice(0, 3))
  const rest = text.slice(4)
  const first = rest.split(' ')[0] ?? ''
  const isEnhanced = first.split('.').length === 3
  return {
    code,
    ...(isEnhanced ? { enhanced: first } : {}),
    lines: [isEnhanced ? rest.slice(first.length + 1) : rest],
  }
}

const cases: readonly (readonly [DeliveryStage, string, ReportCause])[] = [
  ['rcpt', '550 5.1.1 The email account that you tried to reach does not exist.', 'unknown-user'],
  [
    'rcpt',
    '550 5.1.1 <x@example.test>: Recipient address rejected: User unknown in virtual mailbox table',
    'unknown-user',
  ],
  ['rcpt', '550 No such user here', 'unknown-user'],
  ['rcpt', '550 mailbox unavailable', 'unknown-user'],
  ['rcpt', '550 5.7.1 Unable to relay', 'policy'],
  ['rcpt', '554 5.7.1 <x@example.test>: Relay access denied', 'policy'],
  ['rcpt', '452 4.2.2 The recipient is over quota', 'mailbox-full'],
  [
    'rcpt',
    '552 5.2.2 This message is larger than the current system limit or the mailbox is full',
    'mailbox-full',
  ],
  ['rcpt', '550 5.1.1 Mailbox is full', 'mailbox-full'],
  ['rcpt', '450 4.2.0 <x@example.test>: Recipient address rejected: Greylisted', 'rate'],
  ['rcpt', '450 4.7.1 Greylisting in action, please come back later', 'rate'],
  ['mail', '552 5.3.4 Message size exceeds fixed limit', 'message-too-large'],
  ['mail', '552 message exceeds fixed maximum message size', 'message-too-large'],
  [
    'end-of-data',
    '550 5.7.26 This mail has been blocked because the sender is unauthenticated.',
    'authentication',
  ],
  ['end-of-data', '550 5.7.1 SPF check failed', 'authentication'],
  ['end-of-data', '421 4.7.28 Our system has detected an unusual rate of mail', 'rate'],
  ['end-of-data', '554 5.7.1 Message rejected as it looks like spam', 'spam'],
  ['end-of-data', '550 5.7.1 Message rejected as spam', 'spam'],
  ['end-of-data', '554 5.7.1 [1] Message rejected under suspicion of SPAM', 'spam'],
  ['end-of-data', '550 spam message rejected. Please visit http://help.mail.example/', 'spam'],
  ['end-of-data', '550 5.7.1 Our system has detected that this message is likely unsolicited mail.', 'spam'],
  ['end-of-data', '552 5.7.0 This message was blocked because its content presents a potential', 'content'],
  ['end-of-data', '554 5.7.1 Virus found', 'content'],
  ['rcpt', '550 5.7.1 Sender is blacklisted', 'blocklist'],
  [
    'mail',
    '550 5.7.1 Unfortunately, messages from [192.0.2.1] were not sent; your network is on our block list (S3150).',
    'blocklist',
  ],
  ['rcpt', '550 5.7.1 Spam: 192.0.2.1 is listed at sbl.example', 'blocklist'],
  [
    'end-of-data',
    '550 5.7.1 This message is suspicious due to the very low reputation of the sending IP address',
    'blocklist',
  ],
  ['rcpt', '550 user (boris) not listed in Domino Directory', 'unknown-user'],
  ['rcpt', '550 5.7.1 Rejected by antispam.example.org: not allowed', 'policy'],
  ['end-of-data', '550 5.7.1 Garbled header rejected', 'policy'],
  ['greeting', '554 5.7.1 Service unavailable; Client host blocked using zen.spamhaus.org', 'blocklist'],
  ['rcpt', '556 5.1.10 Domain does not accept mail', 'null-mx'],
  ['rcpt', '421 4.3.2 Service shutting down', 'server-busy'],
  ['data', '451 Requested action aborted: local error in processing', 'server-busy'],
  ['end-of-data', '550 5.4.6 Routing loop detected', 'loop'],
  ['end-of-data', '554 Transaction failed', 'other'],
  ['end-of-data', '550 5.0.0 No', 'other'],
]

for (const [stage, text, cause] of cases) {
  test(`${text} (${stage}) is ${cause}`, () => {
    assert.equal(classifyReply(reply(text), stage), cause)
  })
}

test('the status is the enhanced code of the server where it agrees with the code', () => {
  assert.equal(replyStatus(reply('550 5.1.1 No such user'), 'rcpt'), '5.1.1')
  assert.equal(replyStatus(reply('550 4.1.1 No such user'), 'rcpt'), '5.1.1')
  assert.equal(replyStatus(reply('550 No such user here'), 'rcpt'), '5.1.1')
  assert.equal(replyStatus(reply('452 mailbox full'), 'rcpt'), '4.2.2')
  assert.equal(replyStatus(reply('556 No mail here'), 'rcpt'), '5.1.10')
  assert.equal(replyStatus(reply('554 Transaction failed'), 'end-of-data'), '5.0.0')
})
