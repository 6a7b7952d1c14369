// What Yandex, Mail.ru and I.UA say.
import type { KnownReply } from '../known-reply.ts'

const yandexBounces = 'https://www.yandex.com/support/mail/bounces/yandex.html'
const zoneMta =
  'https://github.com/zone-eu/zone-mta/blob/cf94b992e3a5eb81f0bdf28455210227e68a44a9/config/bounces.txt'
const emails =
  'https://github.com/sisimai/set-of-emails/blob/18e585c22288b83c1f6943949cb86b2623b362ce/maildir/bsd'

export const russianReplies: readonly KnownReply[] = [
  {
    provider: 'yandex',
    code: 5,
    words: 'message rejected under suspicion of spam',
    class: 'content',
    cause: 'spam',
    step: 'change-content',
    seen: [
      {
        reply: '554 5.7.1 Message rejected under suspicion of SPAM',
        source:
          'https://yandex.com/support/mail/bounces/yandex/message-rejected-under-suspicion-of-spam.html?lang=en',
      },
    ],
  },
  {
    provider: 'yandex',
    code: 5,
    // By its page: the message seems to be spam, and the mailbox of its sender may be blocked for a day.
    words: 'blocked by spam statistics',
    class: 'content',
    cause: 'spam',
    step: 'change-content',
    seen: [{ reply: '554 5.7.1 Blocked by spam statistics - see', source: yandexBounces }],
  },
  {
    provider: 'yandex',
    code: 5,
    words: 'policy rejection on the target address',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply: '550 5.7.1 Policy rejection on the target address',
        source:
          'https://yandex.com/support/mail/bounces/yandex/policy-rejection-on-the-target-address.html?lang=en',
      },
    ],
  },
  {
    provider: 'yandex',
    fromItsHosts: true,
    code: 5,
    words: 'mailbox size limit exceeded',
    class: 'mailbox-full',
    cause: 'mailbox-full',
    step: 'ask-recipient',
    seen: [{ reply: '552 5.2.2 Mailbox size limit exceeded', source: yandexBounces }],
  },
  {
    provider: 'yandex',
    fromItsHosts: true,
    code: 5,
    words: 'message infected by virus',
    class: 'content',
    cause: 'content',
    step: 'change-content',
    seen: [{ reply: '554 5.7.1 Message infected by virus', source: yandexBounces }],
  },
  {
    provider: 'yandex',
    fromItsHosts: true,
    code: 5,
    words: 'no such user',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [{ reply: '550 5.7.1 No such user', source: yandexBounces }],
  },
  {
    provider: 'yandex',
    fromItsHosts: true,
    code: 5,
    words: 'bad recipient address syntax',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [{ reply: '501 5.1.3 Bad recipient address syntax', source: yandexBounces }],
  },
  {
    provider: 'yandex',
    fromItsHosts: true,
    code: 4,
    words: 'service is currently unavailable',
    class: 'temporary',
    cause: 'server-busy',
    step: 'wait',
    seen: [
      {
        reply: '451 4.7.1 Sorry, the service is currently unavailable. Please come back later.',
        source: zoneMta,
      },
    ],
  },
  {
    provider: 'yandex',
    code: 4,
    words: 'the recipient … has exceeded their message rate limit',
    class: 'mailbox-busy',
    cause: 'rate',
    step: 'wait',
    seen: [
      {
        reply:
          '451 4.5.1 The recipient <boris@yandex.ru> has exceeded their message rate limit. Try again later. sbr47PA4-sbr4Rewq',
        source: 'https://pastebin.com/Pxdx1Lg2',
      },
    ],
  },
  {
    provider: 'mail.ru',
    fromItsHosts: true,
    code: 5,
    words: 'spam message rejected',
    class: 'content',
    cause: 'spam',
    step: 'change-content',
    seen: [
      {
        reply: '550 spam message rejected',
        source: 'https://errorsmaster.ru/oshibka-550-spam-message-rejected',
      },
    ],
  },
  {
    provider: 'mail.ru',
    code: 5,
    words: 'message was not accepted due to domain … dmarc policy',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply:
          '550 5.7.1 This message was not accepted due to domain (libsisimai.org) owner DMARC policy (RFC 7489) https://help.mail.ru/mail-help/postmaster/dmarc',
        source: `${emails}/lhost-postfix-72.eml`,
      },
      {
        reply:
          '550 5.7.1 This message was not accepted due to domain owner DMARC policy (RFC 7489) https://help.mail.ru/mail-help/postmaster/dmarc',
        source: 'https://viws.ru/en/poterya-pochtovyh-soobshchenii-oshibki-pochtovoi-sistemy.html',
      },
    ],
  },
  {
    provider: 'mail.ru',
    code: 4,
    // Of one mailbox, which the reply names; others get their mail.
    words: 'ratelimit exceeded for mailbox',
    class: 'mailbox-busy',
    cause: 'rate',
    step: 'wait',
    seen: [
      {
        reply: '451 Ratelimit exceeded for mailbox boris@mail.ru. Try again later.',
        source:
          'https://github.com/centroid457/base_aux/blob/fb0892eed7ea8b7cd93a6eca357b06d811752154/base_aux/alerts/m1_alert0_base.py',
      },
    ],
  },
  {
    provider: 'mail.ru',
    fromItsHosts: true,
    code: 5,
    words: 'user not found',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [{ reply: '550 User not found', source: 'https://mailout.ru/2015/09' }],
  },
  {
    provider: 'mail.ru',
    fromItsHosts: true,
    code: 5,
    words: 'user quota exceeded',
    class: 'mailbox-full',
    cause: 'mailbox-full',
    step: 'ask-recipient',
    seen: [{ reply: '552 User quota exceeded', source: 'https://mailout.ru/2015/09' }],
  },
  {
    provider: 'mail.ru',
    code: 5,
    words: 'we do not accept mail from hosts with dynamic ip',
    class: 'reputation-block',
    cause: 'server-name',
    step: 'fix-dns-name',
    seen: [
      {
        reply: '550 we do not accept mail from hosts with dynamic ip or generic dns ptr-records',
        source:
          'https://github.com/yaslama/bouncehammer/blob/master/src/lib/Kanadzuchi/Mail/Why/NotAccept.pm',
      },
    ],
  },
  {
    provider: 'i.ua',
    code: 5,
    words: 'mailbox is frozen',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply: '550 Mailbox is frozen. See http://mail.i.ua/err/3/',
        source: `${emails}/lhost-postfix-61.eml`,
      },
    ],
  },
]
