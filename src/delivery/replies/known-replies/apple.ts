// What iCloud says.
import type { KnownReply } from '../known-reply.ts'

const mailgun = 'https://help.mailgun.com/hc/en-us/articles/25099259504411-Classified-Bounces-List'
const emails =
  'https://github.com/sisimai/set-of-emails/blob/18e585c22288b83c1f6943949cb86b2623b362ce/maildir/bsd'
const sisimai =
  'https://github.com/sisimai/rb-sisimai/blob/9c4a18472ab13e0382c3dec7ffbea39f2e187c91/lib/sisimai/rhost/apple.rb'

export const appleReplies: readonly KnownReply[] = [
  {
    provider: 'icloud',
    code: 4,
    words: 'deferred due to excessive volume',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          '421 4.7.1 Messages to example@icloud.com deferred due to excessive volume. Try again later - https://support.apple.com/en-us/HT204137',
        source: 'https://smtp.codes/icloud',
      },
    ],
  },
  {
    provider: 'icloud',
    fromItsHosts: true,
    code: 4,
    words: '4 7 1 service unavailable try again later',
    class: 'temporary',
    cause: 'server-busy',
    step: 'wait',
    seen: [{ reply: '451 4.7.1 Service unavailable - try again later', source: 'https://smtp.codes/icloud' }],
  },
  {
    provider: 'icloud',
    fromItsHosts: true,
    code: 5,
    words: 'message rejected due to local policy',
    class: 'content',
    cause: 'policy',
    step: 'change-content',
    seen: [
      {
        reply:
          '554 5.7.1 [CS01] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137',
        source: mailgun,
      },
      {
        reply:
          '550 5.7.1 [CS01] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137',
        source: 'https://smtp.codes/icloud',
      },
    ],
  },
  {
    provider: 'icloud',
    code: 5,
    words: 'your message was rejected due to … dmarc policy',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply:
          "554 5.7.1 Your message was rejected due to libsisimai.org's DMARC policy. See https://support.apple.com/en-us/HT204137 for info",
        source: `${emails}/lhost-postfix-71.eml`,
      },
    ],
  },
  {
    provider: 'icloud',
    code: 5,
    words: 'blocked for failing both spf and dkim',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply:
          '554 5.7.1 [HME1] This message was blocked for failing both SPF and DKIM authentication checks. See https://support.apple.com/en-us/HT204137 for mailing best practices',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'icloud',
    code: 5,
    words: 'rejected due to having a domain present in the spamhaus',
    class: 'domain-block',
    cause: 'link-listed',
    step: 'check-links',
    page: 'https://check.spamhaus.org/',
    seen: [
      {
        reply:
          '550 5.7.1 Your email was rejected due to having a domain present in the Spamhaus DBL -- see https://www.spamhaus.org/dbl/',
        source: 'https://smtp.codes/icloud',
      },
    ],
  },
  {
    provider: 'icloud',
    code: 5,
    words: 'rejected due to listing in spamhaus',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    page: 'https://check.spamhaus.org/',
    seen: [
      {
        reply:
          '550 5.7.1 Mail from IP 192.0.2.1 was rejected due to listing in Spamhaus SBL. For details please see http://www.spamhaus.org/query/bl?ip=x.x.x.x',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'icloud',
    code: 5,
    words: 'esmtp not accepting connections',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply: '554 st11p00im-smtpin013.me.com ESMTP not accepting connections',
        source: `${emails}/lhost-sendmail-56.eml`,
      },
    ],
  },
  {
    provider: 'icloud',
    fromItsHosts: true,
    code: 5,
    words: '5 2 2 user is over quota',
    class: 'mailbox-full',
    cause: 'mailbox-full',
    step: 'ask-recipient',
    seen: [
      {
        reply: '552 5.2.2 <pseudo-local-part-of-apple-icloud-mail@icloud.com>: user is over quota',
        source: `${emails}/rhost-apple-03.eml`,
      },
    ],
  },
  {
    provider: 'icloud',
    fromItsHosts: true,
    code: 5,
    words: '5 1 1 inactive email address',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply: '550 5.1.1 <pseudo-local-part-of-icloud@icloud.com>: inactive email address',
        source: `${emails}/rhost-apple-04.eml`,
      },
    ],
  },
  {
    provider: 'icloud',
    fromItsHosts: true,
    code: 5,
    words: 'recipient no longer on server',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply: '550 5.1.6 recipient no longer on server: kijitora@example.go.jp',
        source: `${emails}/lhost-postfix-16.eml`,
      },
    ],
  },
  {
    provider: 'icloud',
    fromItsHosts: true,
    code: 5,
    words: 'unknown or illegal alias',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [{ reply: '550 5.1.1 unknown or illegal alias: ****@icloud.com', source: sisimai }],
  },
  {
    provider: 'icloud',
    fromItsHosts: true,
    code: 5,
    words: '5 1 1 user does not exist',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      { reply: '550 5.1.1 <example@icloud.com>: user does not exist', source: 'https://smtp.codes/icloud' },
    ],
  },
  {
    provider: 'icloud',
    fromItsHosts: true,
    code: 5,
    words: '5 1 1 user not found',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply: '550 5.1.1 <test-of-zhzkndneko@privaterelay.appleid.com>: user not found',
        source: `${emails}/rhost-apple-05.eml`,
      },
    ],
  },
]
