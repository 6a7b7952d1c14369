// What Zoho, Amazon SES, SendGrid and Tuta say.
import type { KnownReply } from '../known-reply.ts'

const emails =
  'https://github.com/sisimai/set-of-emails/blob/18e585c22288b83c1f6943949cb86b2623b362ce/maildir/bsd'

export const hostingReplies: readonly KnownReply[] = [
  {
    provider: 'zoho',
    fromItsHosts: true,
    code: 5,
    words: 'user does not exist',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply: '550 5.1.1 User does not exist - <kijitora@zoho.example.com>',
        source: `${emails}/rhost-zoho-01.eml`,
      },
    ],
  },
  {
    provider: 'zoho',
    code: 5,
    words: 'email policy violation detected',
    class: 'content',
    cause: 'policy',
    step: 'change-content',
    seen: [{ reply: '554 5.7.7 Email policy violation detected', source: `${emails}/rhost-zoho-02.eml` }],
  },
  {
    provider: 'zoho',
    code: 5,
    words: 'email cannot be delivered reason email flagged as spam',
    class: 'content',
    cause: 'spam',
    step: 'change-content',
    seen: [
      {
        reply: '554 5.7.1 Email cannot be delivered. Reason: Email flagged as Spam.',
        source: `${emails}/rhost-zoho-03.eml`,
      },
    ],
  },
  {
    provider: 'zoho',
    fromItsHosts: true,
    code: 5,
    words: 'mail rejected by destination domain',
    class: 'policy',
    cause: 'policy',
    step: 'ask-their-administrator',
    seen: [{ reply: '541 5.4.1 Mail rejected by destination domain', source: `${emails}/rhost-zoho-04.eml` }],
  },
  {
    provider: 'zoho',
    fromItsHosts: true,
    code: 5,
    words: 'email rejected per dmarc policy',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply: '550 5.7.1 Email rejected per DMARC policy for libsisimai.org',
        source: `${emails}/lhost-postfix-73.eml`,
      },
    ],
  },
  {
    provider: 'amazon',
    fromItsHosts: true,
    code: 5,
    words: 'requested action not taken mailbox unavailable',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply: '550 5.1.1 Requested action not taken: mailbox unavailable',
        source: `${emails}/lhost-sendmail-32.eml`,
      },
    ],
  },
  {
    provider: 'amazon',
    code: 5,
    words: 'ip address blacklisted by recipient',
    class: 'policy',
    cause: 'blocklist',
    step: 'ask-their-administrator',
    seen: [
      { reply: '550 5.7.1 IP address blacklisted by recipient', source: `${emails}/lhost-sendmail-33.eml` },
    ],
  },
  {
    provider: 'amazon',
    code: 5,
    words: 'email address is not verified the following identities failed the check',
    class: 'policy',
    cause: 'sender-refused',
    step: 'fix-sender',
    seen: [
      {
        reply:
          '554 Message rejected: Email address is not verified. The following identities failed the check in region AP-NORTHEAST-1: nekochan@example.jp',
        source: `${emails}/lhost-postfix-77.eml`,
      },
    ],
  },
  {
    provider: 'amazon',
    code: 5,
    words: 'transaction failed duplicate header',
    class: 'content',
    cause: 'policy',
    step: 'fix-message',
    seen: [
      {
        reply: "554 Transaction failed: Duplicate header 'DKIM-Signature'.",
        source: `${emails}/lhost-postfix-78.eml`,
      },
    ],
  },
  {
    code: 5,
    words: 'unauthenticated senders not allowed',
    class: 'policy',
    cause: 'login-required',
    step: 'log-in',
    seen: [{ reply: '550 Unauthenticated senders not allowed', source: `${emails}/lhost-postfix-65.eml` }],
  },
  {
    code: 5,
    words: 'recipient address rejected recipient not found',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply: '550 5.7.1 : Recipient address rejected: Recipient not found',
        source: 'https://github.com/tutao/tutanota/issues/7713',
      },
    ],
  },
]
