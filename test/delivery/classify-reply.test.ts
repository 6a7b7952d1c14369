// Replies of the large systems, verbatim as they are met in logs, and what they mean.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReportCause } from '../../src/bounce/report.ts'
import type { DeliveryStage } from '../../src/delivery/outcome.ts'
import { classifyReply, replyStatus } from '../../src/delivery/replies/classify-reply.ts'
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
  ['end-of-data', '554 5.6.0 Too many attachments', 'content'],
  ['end-of-data', '554 5.5.0 too many received headers', 'loop'],
  ['end-of-data', '550 5.6.0 too many header lines', 'other'],
  ['rcpt', '550 5.1.1 The email account that you tried to reach does not exist.', 'unknown-user'],
  [
    'rcpt',
    '550 5.1.1 <x@example.test>: Recipient address rejected: User unknown in virtual mailbox table',
    'unknown-user',
  ],
  ['rcpt', '550 No such user here', 'unknown-user'],
  ['rcpt', '550 mailbox unavailable', 'unknown-user'],
  ['rcpt', '550 5.7.1 Unable to relay', 'policy'],
  ['rcpt', '550 we do not relay', 'policy'],
  ['rcpt', '550 Sorry, no relaying here', 'policy'],
  ['rcpt', "550 We don't relay for you", 'policy'],
  ['rcpt', '550 relaying to <b@example.org> prohibited by administrator', 'policy'],
  ['rcpt', '554 5.7.1 <x@example.test>: Relay access denied', 'policy'],
  ['rcpt', '452 4.2.2 The recipient is over quota', 'mailbox-full'],
  [
    'rcpt',
    '552 5.2.2 This message is larger than the current system limit or the mailbox is full',
    'mailbox-full',
  ],
  ['rcpt', '550 5.1.1 Mailbox is full', 'mailbox-full'],
  ['rcpt', '450 4.2.0 <x@example.test>: Recipient address rejected: Greylisted', 'greylisted'],
  ['rcpt', '450 4.7.1 Greylisting in action, please come back later', 'greylisted'],
  ['rcpt', '450 4.2.0 Try again, see http://postgrey.schweikert.ch/help/example.org.html', 'greylisted'],
  ['mail', '450 4.7.1 Error: too much mail from 192.0.2.1', 'rate'],
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
  // Domains on lists: the sender's, one that the message names, and our own.
  [
    'rcpt',
    '554 5.7.1 Service unavailable; Sender address [anna@example.com] blocked using dbl.spamhaus.org; https://www.spamhaus.org/query/domain/example.com',
    'sender-domain-listed',
  ],
  ['rcpt', '450 4.7.1 Sender domain example.com is listed in the DBL', 'sender-domain-listed'],
  ['end-of-data', '554 5.7.1 Message contains a URL that is listed in SURBL', 'link-listed'],
  ['end-of-data', '550 5.7.1 Rejected, see https://admin.uribl.com/?q=example.com', 'link-listed'],
  [
    'rcpt',
    '554 5.7.1 Service unavailable; Helo command [mail.example.com] blocked using dbl.spamhaus.org',
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
  // Gmail
  [
    'rcpt',
    '450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.',
    'rate',
  ],
  [
    'rcpt',
    '450 4.2.1 The user you are trying to contact is receiving mail too quickly. Please resend your message at a later time.',
    'rate',
  ],
  [
    'rcpt',
    '550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.',
    'rate',
  ],
  ['rcpt', '550 5.2.1 The email account that you tried to reach is disabled.', 'unknown-user'],
  ['rcpt', '452 4.2.2 The email account that you tried to reach is over quota.', 'mailbox-full'],
  [
    'rcpt',
    '553 5.1.2 The recipient address <x@example> is not a valid RFC-5321 address. - gsmtp',
    'unknown-user',
  ],
  ['mail', '421 4.7.0 TLS required for RCPT domain, closing connection.', 'tls-failure'],
  [
    'mail',
    '530 5.7.0 Authentication Required. Learn more at https://support.google.com/mail/?p=WantAuthError',
    'login-required',
  ],
  ['mail', '530 5.7.0 Must issue a STARTTLS command first', 'tls-failure'],
  ['auth', '535 5.7.8 Username and Password not accepted.', 'login-required'],
  ['auth', '534 5.7.9 Application-specific password required.', 'login-required'],
  ['rcpt', '550 5.4.5 Daily user sending quota exceeded.', 'rate'],
  [
    'end-of-data',
    '550 5.7.25 The IP address sending this message does not have a PTR record setup',
    'server-name',
  ],
  ['end-of-data', '550 5.7.27 Your email has been blocked because SPF did not pass.', 'authentication'],
  [
    'end-of-data',
    '421 4.7.0 [192.0.2.1] Our system has detected that this message is suspicious due to the very low reputation of the sending domain.',
    'sender-domain-listed',
  ],
  [
    'mail',
    '550 Mail rejected for policy reasons. Reasons for rejection may be related to content with spam-like characteristics or IP/domain reputation problems.',
    'blocklist',
  ],
  ['end-of-data', '550 5.7.1 Rejected due to domain reputation', 'sender-domain-listed'],
  [
    'end-of-data',
    "550 5.7.1 Unauthenticated email from example.com is not accepted due to domain's DMARC policy.",
    'authentication',
  ],
  ['end-of-data', "552 5.2.3 Your message exceeded Google's message size limits.", 'message-too-large'],
  ['end-of-data', '552 5.7.0 Our system detected an illegal attachment on your message.', 'content'],
  ['end-of-data', '451 4.3.0 Mail server temporarily rejected message. - gsmtp', 'server-busy'],
  // Outlook.com and Exchange
  [
    'rcpt',
    '550 5.4.1 Recipient address rejected: Access denied. [AM0P190CA0026.EURP190.PROD.OUTLOOK.COM]',
    'unknown-user',
  ],
  [
    'end-of-data',
    '550 5.4.1 All recipient addresses rejected : Access denied [x.eop-nam02.prod.protection.outlook.com]',
    'unknown-user',
  ],
  [
    'rcpt',
    '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup',
    'unknown-user',
  ],
  ['rcpt', '550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found', 'unknown-user'],
  ['rcpt', '550 5.5.0 Requested action not taken: mailbox unavailable.', 'unknown-user'],
  ['rcpt', '452 4.3.1 Insufficient system resources (TSTE)', 'server-busy'],
  ['rcpt', '450 4.7.3 Organization queue quota exceeded. [outlook.com]', 'rate'],
  ['rcpt', '451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (AS77712344)', 'server-busy'],
  ['rcpt', '451 4.4.0 Message failed to be replicated: No healthy secondary server available', 'server-busy'],
  [
    'mail',
    '451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation.',
    'rate',
  ],
  ['mail', '451 5.7.3 STARTTLS is required to send mail', 'tls-failure'],
  [
    'mail',
    '530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM',
    'login-required',
  ],
  ['mail', '550 5.7.606 Access denied, banned sending IP [192.0.2.1].', 'blocklist'],
  [
    'end-of-data',
    "550 5.7.515 Access denied, sending domain EXAMPLE.ORG doesn't meet the required authentication level.",
    'authentication',
  ],
  [
    'end-of-data',
    '550 5.7.509 Access denied, sending domain example.org does not pass DMARC verification',
    'authentication',
  ],
  [
    'end-of-data',
    '550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required',
    'policy',
  ],
  [
    'end-of-data',
    '554 5.2.122 The recipient has exceeded their limit for the number of messages they can receive per hour.',
    'rate',
  ],
  ['end-of-data', '554 5.4.14 Hop count exceeded - possible mail loop ATTR34', 'loop'],
  ['mail', '550 5.1.8 Access denied, bad outbound sender', 'sender-refused'],
  // Yahoo
  [
    'greeting',
    '421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1; see https://postmaster.yahooinc.com/error-codes',
    'rate',
  ],
  [
    'end-of-data',
    '554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes',
    'policy',
  ],
  ['end-of-data', '554 Message not allowed - [PH01] Email not accepted for policy reasons.', 'policy'],
  [
    'end-of-data',
    "554 delivery error: dd This user doesn't have a yahoo.com account (x@yahoo.com) [-9] - mta.yahoo.com",
    'unknown-user',
  ],
  [
    'mail',
    "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list",
    'blocklist',
  ],
  // Yandex and Mail.ru
  ['rcpt', '550 5.7.1 No such user!', 'unknown-user'],
  ['rcpt', '550 5.7.1 Policy rejection on the target address', 'policy'],
  ['data', '421 4.4.2 mail.yandex.net Error: timeout exceeded', 'server-busy'],
  [
    'rcpt',
    '550 Message was not accepted -- invalid mailbox. Local mailbox x@mail.ru is unavailable: user not found',
    'unknown-user',
  ],
  [
    'rcpt',
    '550 Message was not accepted -- invalid mailbox. Local mailbox x@mail.ru is unavailable: account is disabled',
    'unknown-user',
  ],
  ['rcpt', '540 5.7.1 <x@rambler.ru>: recipient address rejected: Inactive', 'unknown-user'],
  // ICloud and Proofpoint
  ['rcpt', '552 5.2.2 <x@icloud.com>: user is overquota', 'mailbox-full'],
  [
    'end-of-data',
    '550 5.7.1 [CS01] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137',
    'policy',
  ],
  ['rcpt', '421 4.7.1 Messages to x@icloud.com deferred due to excessive volume. Try again later', 'rate'],
  ['greeting', '554 5.7.0 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1', 'blocklist'],
  [
    'rcpt',
    '550 5.7.1 <x@example.com>: Recipient address rejected: User email address is marked as invalid.',
    'unknown-user',
  ],
  // GMX, WEB.DE and IONOS
  ['rcpt', '450 Requested mail action not taken: mailbox unavailable Mail send limit exceeded.', 'rate'],
  ['rcpt', '550 Requested action not taken: mailbox unavailable', 'unknown-user'],
  ['rcpt', '550 <x@example.com>: Bad DNS PTR resource record', 'server-name'],
  ['end-of-data', '550 Reject due to policy restrictions (header based)', 'policy'],
  [
    'mail',
    '550 Reject due to SPF policy. The originating IP of the message is not permitted by the domain owner',
    'authentication',
  ],
  ['mail', '550 <a@example.org>: Invalid DNS MX or A/AAAA resource record', 'sender-refused'],
  [
    'greeting',
    '554 gmx.net (mxgmx104) Nemesis ESMTP Service not available No SMTP service IP address is block listed.',
    'blocklist',
  ],
  ['rcpt', '550 Requested mail action aborted: exceeded storage allocation, Quota exceeded', 'mailbox-full'],
  // Zoho, Mimecast, Barracuda, IronPort
  ['end-of-data', '550 5.4.6 Unusual sending activity detected. Please try after sometime', 'rate'],
  ['end-of-data', '541 5.4.1 Mail rejected by destination domain', 'policy'],
  ['end-of-data', '554 5.2.3 MailPolicy violation Error delivering to mailboxes', 'policy'],
  [
    'rcpt',
    '451 Internal resource temporarily unavailable - https://community.mimecast.com/docs/DOC-1369#451',
    'server-busy',
  ],
  ['rcpt', '451 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#451', 'server-busy'],
  [
    'rcpt',
    '550 Administrative prohibition - envelope blocked - https://community.mimecast.com/docs/DOC-1369#550',
    'policy',
  ],
  ['end-of-data', '550 Rejected by header based Anti-Spoofing policy: x@example.com', 'policy'],
  ['rcpt', '451 4.4.3 Temporary server error. Please try again later', 'server-busy'],
  ['rcpt', '550 Blocked', 'policy'],
  ['rcpt', '550 #5.1.0 Address rejected.', 'unknown-user'],
  // Postfix
  ['rcpt', '450 4.1.8 <a@b.example>: Sender address rejected: Domain not found', 'sender-refused'],
  [
    'rcpt',
    '550 5.1.7 <a@b.example>: Sender address rejected: undeliverable address: host mx.b.example said: 550 5.1.1 User unknown',
    'sender-refused',
  ],
  ['rcpt', '553 5.7.1 <a@example.org>: Sender address rejected: not owned by user anna', 'sender-refused'],
  ['rcpt', '450 4.7.1 <a@example.org>: Sender address rejected: Greylisted', 'greylisted'],
  ['rcpt', '550 5.7.1 <a@example.org>: Sender address rejected: SPF fail', 'authentication'],
  [
    'rcpt',
    '550 5.7.27 <a@b.example>: Sender address rejected: Domain b.example does not accept mail (nullMX)',
    'sender-refused',
  ],
  [
    'rcpt',
    '450 4.1.1 <x@example.com>: Recipient address rejected: unverified address: Address verification in progress',
    'server-busy',
  ],
  [
    'rcpt',
    '450 4.1.1 <x@example.com>: Recipient address rejected: User unknown in local recipient table',
    'server-busy',
  ],
  ['rcpt', '450 4.1.2 <x@example.com>: Recipient address rejected: Domain not found', 'server-busy'],
  ['rcpt', '554 5.7.1 <x@example.com>: Recipient address rejected: Access denied', 'policy'],
  ['rcpt', '450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]', 'server-name'],
  ['rcpt', '450 4.7.1 <mail.local>: Helo command rejected: Host not found', 'server-name'],
  ['rcpt', '452 4.3.1 Insufficient system storage', 'server-busy'],
  ['rcpt', '451 4.3.0 <x@example.com>: Temporary lookup failure', 'server-busy'],
  ['greeting', '421 4.7.0 mx.example.com Error: too many connections from 192.0.2.1', 'rate'],
  ['end-of-data', '554 5.4.0 Error: too many hops', 'loop'],
  ['tls', '454 4.7.0 TLS not available due to local problem', 'tls-failure'],
  // Exim
  ['rcpt', '550 Sender verify failed', 'sender-refused'],
  [
    'rcpt',
    '550 Verification failed for <a@b.example> No Such User Here Sender verify failed',
    'sender-refused',
  ],
  ['rcpt', '550 Unrouteable address', 'unknown-user'],
  ['rcpt', '451 Temporary local problem - please try later', 'server-busy'],
  [
    'rcpt',
    '550 (mail.example.org) [192.0.2.1]:4711 is not permitted to relay through this server without authentication.',
    'login-required',
  ],
  // A plain 550 to RCPT is about the recipient only where its words are
  ['rcpt', '550 5.1.1', 'unknown-user'],
  ['rcpt', '550 <x@example.com>: Recipient address rejected', 'unknown-user'],
  ['rcpt', '551 User not local; please try <y@example.org>', 'unknown-user'],
  ['rcpt', '553 Mailbox name not allowed', 'unknown-user'],
  ['rcpt', '550 Unknown local part x in <x@example.com>', 'unknown-user'],
  ['rcpt', '550 Empfänger unbekannt', 'unknown-user'],
  ['rcpt', '550 You are not welcome here', 'other'],
  ['rcpt', '551 You are not welcome here', 'other'],
  ['rcpt', '553 You are not welcome here', 'other'],
  ['rcpt', '550 5.0.0 No', 'other'],
  ['rcpt', '550 No thanks to <user@example.com>', 'other'],
  ['rcpt', '550 Nothing from your IP address', 'other'],
  ['rcpt', '550 I do not like the sender address', 'other'],
  ['rcpt', '550 Denied by policy', 'policy'],
  ['rcpt', '550 permission denied', 'policy'],
  ['rcpt', '550 Invalid HELO', 'server-name'],
  // Qmail and Sendmail
  ['rcpt', '550 sorry, no mailbox here by that name. (#5.1.1)', 'unknown-user'],
  ['rcpt', "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", 'policy'],
  ['rcpt', '553 sorry, your envelope sender is in my badmailfrom list (#5.7.1)', 'sender-refused'],
  ['end-of-data', '552 sorry, that message size exceeds my databytes limit (#5.3.4)', 'message-too-large'],
  [
    'mail',
    '553 5.1.8 <a@b.example>... Domain of sender address a@b.example does not exist',
    'sender-refused',
  ],
  ['mail', '452 4.4.5 Insufficient disk space; try again later', 'server-busy'],
  ['rcpt', '550 5.1.1 <x@example.com>... User unknown', 'unknown-user'],
  ['end-of-data', '554 5.4.6 Too many hops 26 (25 max): from <a@example.org> via mx.example.com', 'loop'],
  // What is quoted, and what a word is only a part of
  ['rcpt', '550 5.1.1 <virus-report@far.test>: Recipient address undeliverable', 'unknown-user'],
  ['rcpt', '550 5.7.1 <spf@far.test>: not here', 'policy'],
  ['rcpt', '550 5.7.1 <"my spf"@far.test>: not here', 'policy'],
  ['rcpt', '550 5.7.1 spf@far.test not here', 'policy'],
  ['rcpt', '550 5.7.1 john.whispf is not here', 'policy'],
  ['rcpt', '550 5.7.1 [spam.far.test] not here', 'policy'],
  ['end-of-data', '550 5.7.1 1 < 2 for <a@far.test>: SPF failed', 'authentication'],
  ['end-of-data', '550 5.7.1 Disk and marble, not listed: go away', 'policy'],
  ['rcpt', '521 5.3.2 mx.far.test does not accept mail', 'policy'],
  ['greeting', '521 mx.far.test does not accept mail', 'null-mx'],
  ['mail', '550 5.1.1 <a@example.org>: User unknown', 'sender-refused'],
  ['mail', '550 5.1.0 <a@example.org>: Address rejected', 'sender-refused'],
  ['mail', '450 4.1.0 <a@example.org>: Try again', 'server-busy'],
  ['greeting', '521 5.2.1 Service unavailable', 'other'],
  ['rcpt', '550 5.4.1 No answer from host', 'other'],
  ['rcpt', '451 4.4.1 No answer from host', 'server-busy'],
  ['end-of-data', '451 4.7.1 Try again later', 'server-busy'],
  ['auth', '535 5.7.8 No such user', 'login-required'],
  ['auth', '454 4.7.0 Temporary authentication failure', 'server-busy'],
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
  assert.equal(replyStatus(reply('550 Sender verify failed'), 'rcpt'), '5.1.0')
  assert.equal(replyStatus(reply('450 No such user here'), 'rcpt'), '4.3.2')
  assert.equal(replyStatus(reply('554 Transaction failed'), 'end-of-data'), '5.0.0')
  assert.equal(replyStatus(reply('550 You are not welcome here'), 'rcpt'), '5.0.0')
})

test('a reply of any shape and length has a cause', () => {
  for (const piece of ['<', '>', '<@', '@', '.a', "'", ' ', '<a@b> ', '#5.', 'spam']) {
    const lines = Array.from({ length: 1000 }, () => piece.repeat(2000))
    assert.ok(classifyReply({ code: 550, lines }, 'end-of-data'))
  }
})

test('a reply that can be repeated says nothing for good about an address, a domain or a rule', () => {
  const forGood = new Set<ReportCause>(['unknown-user', 'unknown-domain', 'null-mx', 'other', 'no-answer'])
  for (const [stage, text] of cases) {
    const transient = { ...reply(text), code: 450 }
    assert.ok(!forGood.has(classifyReply(transient, stage)), text)
  }
})
