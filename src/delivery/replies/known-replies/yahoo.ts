// What Yahoo, AOL and Yahoo! Japan say.
import type { KnownReply } from '../known-reply.ts'

const emails =
  'https://github.com/sisimai/set-of-emails/blob/18e585c22288b83c1f6943949cb86b2623b362ce/maildir/bsd'
const sisimai =
  'https://github.com/sisimai/rb-sisimai/blob/9c4a18472ab13e0382c3dec7ffbea39f2e187c91/lib/sisimai/rhost/yahooinc.rb'
const zoneMta =
  'https://github.com/zone-eu/zone-mta/blob/cf94b992e3a5eb81f0bdf28455210227e68a44a9/config/bounces.txt'

export const yahooReplies: readonly KnownReply[] = [
  {
    provider: 'yahoo',
    code: 4,
    words: 'temporarily deferred due to unexpected volume or user complaints',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          '421 4.7.0 [TSS04] Messages from 192.0.2.192 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1; see https://postmaster.verizonmedia.com/error-codes',
        source: `${emails}/lhost-postfix-74.eml`,
      },
      {
        reply:
          '421 4.7.0 [TSS05] Messages from x.x.x.x temporarily deferred due to unexpected volume or user complaints - 4.16.55.1',
        source:
          'https://community.fortinet.com/t5/FortiMail/Troubleshooting-Tip-How-to-resolve-421-4-7-0-TSS05-Messages-from/ta-p/380206',
      },
    ],
  },
  {
    provider: 'yahoo',
    code: 4,
    words: 'temporarily deferred due to user complaints',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          '421 4.7.0 [TS01] Messages from 192.0.2.74 temporarily deferred due to user complaints - 4.16.55.1; see http://postmaster.yahoo.com/421-ts01.html',
        source: 'https://pastebin.com/cr3HpBFj',
      },
      {
        reply:
          '421 4.7.0 [TS02] Messages from 192.0.2.103 temporarily deferred due to user complaints - 4.16.56.1; see http://postmaster.yahoo.com/421-ts02.html',
        source:
          'https://help.zoho.com/portal/en/community/topic/message-from-zoho-to-yahoo-elicits-421-responses',
      },
      {
        reply:
          '421 4.7.0 [TSS04] Messages from 192.0.2.95 temporarily deferred due to user complaints - 4.16.55.1; see https://help.yahoo.com/kb/postmaster/SLN3434.html',
        source: 'https://github.com/postalserver/postal/issues/881',
      },
    ],
  },
  {
    provider: 'yahoo',
    code: 4,
    words: 'temporarily deferred due to excessive user complaints',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          '421 4.16.55 [TS01] Messages from x.x.x.x temporarily deferred due to excessive user complaints',
        source: 'http://blog.arrentan.com/',
      },
    ],
  },
  {
    provider: 'yahoo',
    code: 4,
    words: '4 7 0 ts02 temporarily deferred',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply: '421 4.7.0 [TS02] Temporarily deferred',
        source: 'http://www.smtp-error-codes.info/bounce/yahoo/bounce_421_4.7.0_TS02.php',
      },
    ],
  },
  {
    provider: 'yahoo',
    code: 4,
    words: 'message from … temporarily deferred 4 16 50',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply: '421 Message from x.x.x.x temporarily deferred - 4.16.50',
        source: 'http://www.smtp-error-codes.info/bounce/yahoo/bounce_421_4.16.50.php',
      },
    ],
  },
  {
    provider: 'yahoo',
    // With a 421 too: by its page, a code for later that nothing comes through after.
    words: 'will be permanently deferred retrying will not succeed',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply:
          '421 4.7.1 [TS03] All messages from 192.0.2.121 will be permanently deferred; Retrying will NOT succeed. See https://help.yahoo.com/kb/postmaster/SLN3436.html',
        source: 'https://pastebin.com/XUBwTvbV',
      },
      {
        reply:
          '553 5.7.2 [TSS06] All messages from 192.0.2.211 will be permanently deferred; Retrying will NOT succeed. See https://help.yahoo.com/kb/postmaster/SLN3436.html',
        source: 'https://github.com/hardware/mailserver/issues/206',
      },
      {
        reply:
          '553 5.7.2 [TSS09] All messages from 192.0.2.25 will be permanently deferred; Retrying will NOT succeed. See https://postmaster.yahooinc.com/error-codes',
        source: sisimai,
      },
      {
        reply:
          '553 5.7.2 [TSS11] All messages from 192.0.2.25 will be permanently deferred; Retrying will NOT succeed. See https://postmaster.yahooinc.com/error-codes',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'yahoo',
    code: 5,
    words: 'because the ip is in spamhauss list',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    page: 'https://check.spamhaus.org/',
    seen: [
      {
        reply:
          "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.25, because the ip is in Spamhaus's list; see http://postmaster.yahoo.com/550-bl23.html",
        source: sisimai,
      },
      {
        reply:
          "553 5.7.1 [TSS07] Connections will not be accepted from 11.22.33.44, because the ip is in Spamhaus's list; see https://help.yahoo.com/kb/postmaster/SLN5070.html",
        source: zoneMta,
      },
    ],
  },
  {
    provider: 'yahoo',
    code: 5,
    words: 'connections not accepted from ip addresses on spamhaus xbl',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    page: 'https://check.spamhaus.org/',
    seen: [
      {
        reply:
          '553 5.7.1 [BL23] Connections not accepted from IP addresses on Spamhaus XBL; see http://postmaster.yahoo.com/errors/550-bl23.html [550]',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'yahoo',
    code: 5,
    words: 'ph01 email not accepted for policy reasons',
    class: 'content',
    cause: 'content',
    step: 'change-content',
    seen: [
      {
        reply:
          '554 Message not allowed - [PH01] Email not accepted for policy reasons. Please visit https://postmaster.yahooinc.com/error-codes',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'yahoo-japan',
    code: 5,
    words: 'dm email not accepted for policy reasons',
    class: 'content',
    cause: 'content',
    step: 'change-content',
    seen: [
      {
        reply:
          '554 Message not allowed - 554 Message not allowed - DM Email not accepted for policy reasons. Please visit https://www.yahoo-help.jp/app/answers/detail/a_id/80870/p/622 [895]',
        source: `${emails}/lhost-postfix-68.eml`,
      },
    ],
  },
  {
    provider: 'yahoo',
    code: 5,
    words: '5 7 9 message not accepted for policy reasons',
    class: 'policy',
    cause: 'policy',
    step: 'fix-authentication',
    seen: [
      {
        reply:
          '554 5.7.9 Message not accepted for policy reasons. See https://postmaster.verizonmedia.com/error-codes',
        source: `${emails}/lhost-postfix-66.eml`,
      },
    ],
  },
  {
    provider: 'yahoo',
    code: 5,
    words: 'yahoo requires all senders to authenticate',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply:
          '550 5.7.9 This mail has been blocked because the sender is unauthenticated. Yahoo requires all senders to authenticate with either SPF or DKIM.',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'yahoo',
    code: 4,
    words: 'deferred due to unresolvable rfc 5321 from domain',
    class: 'policy',
    cause: 'sender-refused',
    step: 'fix-sender',
    seen: [
      {
        reply:
          '451 Message temporarily deferred due to unresolvable RFC.5321 from domain. See https://senders.yahooinc.com/error-codes#unresolvable-from-domain',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'yahoo',
    code: 4,
    words: 'user is receiving mail too quickly',
    class: 'mailbox-busy',
    cause: 'rate',
    step: 'wait',
    seen: [{ reply: '450 User is receiving mail too quickly', source: 'https://smtp.codes/yahoo' }],
  },
  {
    provider: 'yahoo',
    code: 4,
    words: 'max message per connection reached',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply: '421 Max message per connection reached, closing transmission channel',
        source: 'https://smtp.codes/yahoo',
      },
    ],
  },
  {
    provider: 'yahoo',
    code: 5,
    words: 'delivery error dd this user doesnt have a',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply:
          "554 delivery error: dd This user doesn't have a yahoo.com account (this-local-part-does-not-exist@yahoo.com) [0] - mta1061.mail.ne1.yahoo.com",
        source: `${emails}/lhost-sendmail-41.eml`,
      },
    ],
  },
  {
    provider: 'yahoo',
    code: 5,
    words: 'delivery error dd … is no longer valid',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [{ reply: '554 delivery error: dd ****@yahoo.com is no longer valid.', source: sisimai }],
  },
  {
    provider: 'yahoo',
    code: 5,
    words: 'delivery error dd not a valid recipient',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply: '554 delivery error: dd Not a valid recipient - atlas315.free.mail.ne1.yahoo.com',
        source: zoneMta,
      },
    ],
  },
  {
    provider: 'yahoo',
    code: 5,
    words: 'delivery error dd sorry your message to … this account has been disabled or discontinued',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply:
          '554 delivery error: dd Sorry your message to kijitora@example.co.jp cannot be delivered. This account has been disabled or discontinued [#102]. - mta222.mail.neko.example.co.jp',
        source: `${emails}/lhost-postfix-52.eml`,
      },
    ],
  },
  {
    provider: 'aol',
    code: 5,
    words: 'cannot be delivered this mailbox is disabled',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply:
          '554 30 Sorry, your message to *****@aol.jp cannot be delivered. This mailbox is disabled (554.30)',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'yahoo',
    code: 5,
    words: 'requested mail action aborted mailbox not found',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [{ reply: '552 1 Requested mail action aborted, mailbox not found', source: sisimai }],
  },
  {
    provider: 'yahoo',
    fromItsHosts: true,
    code: 4,
    words: 'resources temporarily unavailable please try again later',
    class: 'temporary',
    cause: 'server-busy',
    step: 'wait',
    seen: [
      {
        reply: '451 example.yahoo.com Resources temporarily unavailable. Please try again later [#4.16.1].',
        source: 'https://smtp.codes/yahoo',
      },
    ],
  },
  {
    provider: 'yahoo',
    fromItsHosts: true,
    code: 4,
    words: 'internal server error',
    class: 'temporary',
    cause: 'server-busy',
    step: 'wait',
    seen: [{ reply: '451 4.3.2 Internal server error', source: 'https://smtp.codes/yahoo' }],
  },
  {
    provider: 'yahoo',
    fromItsHosts: true,
    code: 4,
    words: 'temporary domain failure',
    class: 'temporary',
    cause: 'server-busy',
    step: 'wait',
    seen: [
      { reply: '452 temporary domain failure <example@example.com>', source: 'https://smtp.codes/yahoo' },
    ],
  },
]
