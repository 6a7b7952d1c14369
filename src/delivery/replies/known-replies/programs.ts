// What programs say that anybody may run: Postfix, Exim, Sendmail, qmail, Dovecot, Domino, amavis, rspamd.
import type { KnownReply } from '../known-reply.ts'

const emails =
  'https://github.com/sisimai/set-of-emails/blob/18e585c22288b83c1f6943949cb86b2623b362ce/maildir/bsd'
const bytecamp = 'https://www.bytecamp.net/de/faq/email/zustellen.html'
const oneSystems =
  'https://support.onesystems.ch/722126-%C3%9Cbersicht-h%C3%A4ufig-vorkommender-Fehlermeldungen'
const sitepackage =
  'http://www.sitepackage.de/service/dokumentation/auswertung/typische-fehlermeldungen-bei-unzustellbarkeit.html'
const postfix = 'https://github.com/vdukhovni/postfix/blob/master/postfix/src'
const postgrey = 'https://github.com/schweikert/postgrey/blob/master/postgrey'
const milterGreylist = 'https://github.com/ryoqun/milter-greylist/blob/master'
const zoneMta =
  'https://github.com/zone-eu/zone-mta/blob/cf94b992e3a5eb81f0bdf28455210227e68a44a9/config/bounces.txt'

export const programReplies: readonly KnownReply[] = [
  {
    code: 4,
    words: 'user unknown in virtual alias table',
    class: 'temporary',
    cause: 'server-busy',
    step: 'wait',
    seen: [
      {
        reply:
          '450 4.1.1 <kijitora@example.org>: Recipient address rejected: User unknown in virtual alias table',
        source: `${emails}/lhost-postfix-05.eml`,
      },
    ],
  },
  {
    code: 4,
    words: 'error too much mail from',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [{ reply: '450 4.7.1 Error: too much mail from 192.0.2.1', source: `${postfix}/smtpd/smtpd.c` }],
  },
  {
    code: 4,
    words: 'error too many recipients from',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      { reply: '450 4.7.1 Error: too many recipients from 192.0.2.1', source: `${postfix}/smtpd/smtpd.c` },
    ],
  },
  {
    code: 4,
    words: 'greylisting in action please come back',
    class: 'greylisted',
    cause: 'greylisted',
    step: 'wait',
    seen: [
      {
        reply: '451 4.7.1 Greylisting in action, please come back in 00:05:00',
        source: `${milterGreylist}/milter-greylist.c`,
      },
      {
        reply: '451 4.7.1 Greylisting in action, please come back later',
        source: `${milterGreylist}/milter-greylist.c`,
      },
    ],
  },
  {
    words: 'recipient address rejected greylisted',
    class: 'greylisted',
    cause: 'greylisted',
    step: 'wait',
    seen: [
      { reply: '450 4.2.0 Recipient address rejected: Greylisted', source: bytecamp },
      {
        reply:
          '450 4.2.0 <boris@example.org>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/example.org.html',
        source: postgrey,
      },
      {
        reply: '450 4.7.1 <boris@example.org>: Recipient address rejected: Greylisted for 5 minutes',
        source: 'https://github.com/mmatuska/sqlgrey/blob/master/sqlgrey',
      },
      {
        reply: '450 4.2.0 <*SERVER*>: Recipient address rejected: Greylisted, see *Helpful Website*',
        source: 'https://support.mailprotector.com/hc/en-us/articles/360048244891-Common-Email-Bouncebacks',
      },
    ],
  },
  {
    words: 'client host rejected cannot find your reverse hostname',
    class: 'reputation-block',
    cause: 'server-name',
    step: 'fix-dns-name',
    seen: [{ reply: '450 4.7.1 Client host rejected: cannot find your reverse hostname', source: bytecamp }],
  },
  {
    words: 'client host rejected cannot find your hostname',
    class: 'reputation-block',
    cause: 'server-name',
    step: 'fix-dns-name',
    seen: [
      {
        reply: '550 5.7.25 Client host rejected: cannot find your hostname',
        source: 'https://github.com/fail2ban/fail2ban/issues/2996',
      },
      { reply: '450 4.7.1 Client host rejected: cannot find your hostname, []', source: oneSystems },
    ],
  },
  {
    words: 'client host rejected may not be mail exchanger',
    class: 'reputation-block',
    cause: 'server-name',
    step: 'fix-dns-name',
    seen: [
      {
        reply:
          '450 4.7.1 <c135.kyoto.example.ne.jp[192.0.2.56]>: Client host rejected: may not be mail exchanger',
        source: `${emails}/lhost-sendmail-10.eml`,
      },
    ],
  },
  {
    code: 4,
    words: 'error too many connections from',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [{ reply: '421 4.7.0 Error: too many connections from ...', source: bytecamp }],
  },
  {
    words: 'sender address rejected domain not found',
    class: 'policy',
    cause: 'sender-refused',
    step: 'fix-sender',
    seen: [{ reply: '550 5.1.8 : Sender address rejected: Domain not found', source: oneSystems }],
  },
  {
    code: 5,
    words: 'relay access denied',
    class: 'policy',
    cause: 'policy',
    step: 'ask-their-administrator',
    seen: [{ reply: '554 5.7.1 : Relay access denied', source: oneSystems }],
  },
  {
    code: 4,
    words: 'connection rate limit exceeded',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [{ reply: '452 4.3.2 Connection rate limit exceeded.', source: `${emails}/lhost-postfix-09.eml` }],
  },
  {
    words: 'access denied ip name lookup failed',
    class: 'reputation-block',
    cause: 'server-name',
    step: 'fix-dns-name',
    seen: [
      {
        reply: '450 4.7.1 Access denied. IP name lookup failed [192.0.2.222]',
        source: `${emails}/lhost-sendmail-08.eml`,
      },
    ],
  },
  {
    code: 5,
    words: 'domain of sender address … does not exist',
    class: 'policy',
    cause: 'sender-refused',
    step: 'fix-sender',
    seen: [
      {
        reply:
          '553 5.1.8 <root@vagrant-centos65.vagrantup.com>... Domain of sender address root@vagrant-centos65.vagrantup.com does not exist',
        source: `${emails}/lhost-postfix-10.eml`,
      },
    ],
  },
  {
    code: 4,
    words: 'insufficient disk space try again later',
    class: 'temporary',
    cause: 'server-busy',
    step: 'wait',
    seen: [
      {
        reply: '452 4.4.5 Insufficient disk space; try again later',
        source: `${emails}/lhost-sendmail-39.eml`,
      },
    ],
  },
  {
    code: 5,
    words: '5 4 6 too many hops',
    class: 'permanent',
    cause: 'loop',
    step: 'ask-their-administrator',
    seen: [{ reply: '554 5.4.6 Too many hops', source: `${emails}/lhost-sendmail-20.eml` }],
  },
  {
    code: 5,
    words: '5 2 2 over quota',
    class: 'mailbox-full',
    cause: 'mailbox-full',
    step: 'ask-recipient',
    seen: [{ reply: '552 5.2.2 Over quota', source: `${emails}/lhost-x3-06.eml` }],
  },
  {
    code: 5,
    words: 'bad spf records for',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply: '550 Bad SPF records for [example.org:192.0.2.2], see http://spf.pobox.com/',
        source: `${emails}/lhost-exim-29.eml`,
      },
    ],
  },
  {
    code: 5,
    words: 'connections not accepted from servers without a valid sender domain',
    class: 'reputation-block',
    cause: 'server-name',
    step: 'fix-dns-name',
    seen: [
      {
        reply:
          '550 5.7.1 Connections not accepted from servers without a valid sender domain. Fix reverse DNS for 203.0.113.2',
        source: `${emails}/lhost-exim-43.eml`,
      },
    ],
  },
  {
    code: 5,
    words: 'unrouteable address',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [{ reply: '550 unrouteable address', source: sitepackage }],
  },
  {
    code: 4,
    words: 'qq trouble in home directory',
    class: 'mailbox-full',
    cause: 'mailbox-full',
    step: 'ask-recipient',
    seen: [{ reply: '451 qq trouble in home directory', source: oneSystems }],
  },
  {
    code: 5,
    words: 'sorry no mailbox here by that name',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [{ reply: '554 Sorry, no mailbox here by that name. (#5.1.1)', source: sitepackage }],
  },
  {
    code: 5,
    words: 'in my list of allowed rcpthosts',
    class: 'policy',
    cause: 'policy',
    step: 'ask-their-administrator',
    seen: [
      {
        reply:
          "553 sorry, that domain isn't in my list of allowed rcpthosts; no valid cert for gatewaying (#5.7.1)",
        source: zoneMta,
      },
    ],
  },
  {
    code: 5,
    words: 'not listed in domino directory',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [{ reply: '550 User %alias@domain.tld% not listed in Domino Directory', source: sitepackage }],
  },
  {
    words: 'quota exceeded mailbox for user is full',
    class: 'mailbox-full',
    cause: 'mailbox-full',
    step: 'ask-recipient',
    seen: [
      {
        reply: '552 5.2.2 <neko@nyaaan.example.org> Quota exceeded (mailbox for user is full)',
        source: `${emails}/lhost-postfix-63.eml`,
      },
    ],
  },
  {
    code: 5,
    words: 'scored as spam with a probability of more than',
    class: 'content',
    cause: 'spam',
    step: 'change-content',
    seen: [
      {
        reply: '554 5.6.0 This message has been scored as spam with a probability of more than 90%',
        source: `${emails}/lhost-postfix-39.eml`,
      },
    ],
  },
  {
    code: 5,
    words: 'host does not accept mail',
    class: 'permanent',
    cause: 'null-mx',
    step: 'remove-address',
    seen: [{ reply: '550 Host does not accept mail', source: `${emails}/lhost-sendmail-57.eml` }],
  },
  {
    code: 5,
    words: 'invalid ip for sending mail of domain',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply: '554 INVALID IP FOR SENDING MAIL OF DOMAIN amazonses.com [RCPT_TO]',
        source: `${emails}/lhost-yahoo-14.eml`,
      },
    ],
  },
  {
    code: 5,
    words: 'virus detected content rejected',
    class: 'content',
    cause: 'content',
    step: 'change-content',
    seen: [{ reply: '550 Virus Detected; Content Rejected', source: `${emails}/lhost-postfix-62.eml` }],
  },
  {
    code: 5,
    words: 'message classified as spam',
    class: 'content',
    cause: 'spam',
    step: 'change-content',
    seen: [
      { reply: '571 5.7.1 message classified as spam (Nachricht als Spam eingestuft)', source: bytecamp },
    ],
  },
  {
    code: 4,
    words: 'quota limit exceeded',
    class: 'mailbox-full',
    cause: 'mailbox-full',
    step: 'ask-recipient',
    seen: [
      { reply: '422 4.2.2 Quota limit exceeded (Speicherplatz des Kontos ueberschritten)', source: bytecamp },
    ],
  },
  {
    code: 5,
    words: 'disabled recipient address',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [{ reply: '525 5.7.13 Disabled recipient address', source: `${emails}/lhost-sendmail-35.eml` }],
  },
  {
    // Exim as cPanel sets it up.
    code: 5,
    words: 'please turn on smtp authentication in your mail client',
    class: 'policy',
    cause: 'login-required',
    step: 'log-in',
    seen: [
      {
        reply: '550 Please turn on SMTP Authentication in your mail client.',
        source: `${emails}/rhost-messagelabs-01.eml`,
      },
    ],
  },
  {
    // rspamd, unless somebody has given it other words.
    code: 5,
    words: 'spam message rejected',
    class: 'content',
    cause: 'spam',
    step: 'change-content',
    seen: [
      {
        reply: '554 5.7.1 Spam message rejected',
        source: 'https://github.com/rspamd/rspamd/issues/5343',
      },
      {
        reply: '554 5.7.1 Spam message rejected; If this is not spam contact abuse',
        source: 'https://github.com/r-raymond/nixos-mailserver/issues/12',
      },
    ],
  },
]
