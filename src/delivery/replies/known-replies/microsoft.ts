// What Outlook.com, Microsoft 365 (Exchange Online) and Exchange Server say.
import type { KnownReply } from '../known-reply.ts'

const zoneMta =
  'https://github.com/zone-eu/zone-mta/blob/cf94b992e3a5eb81f0bdf28455210227e68a44a9/config/bounces.txt'
const emails =
  'https://github.com/sisimai/set-of-emails/blob/18e585c22288b83c1f6943949cb86b2623b362ce/maildir/bsd'
const sisimai =
  'https://github.com/sisimai/rb-sisimai/blob/9c4a18472ab13e0382c3dec7ffbea39f2e187c91/lib/sisimai/rhost/microsoft.rb'

export const microsoftReplies: readonly KnownReply[] = [
  // The codes of its page of troubleshooting, as zone-mta's bounces.txt lists them: RP-001 to 003, SC-001 to 004, DY-001 and
  // 002, OU-001 and 002. The words behind them change. SC-001 and OU-002 speak of content too, but come at MAIL, before
  // there is any.
  {
    provider: 'outlook',
    fromItsHosts: true,
    code: 4,
    words: 'rp 00*',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          "421 RP-001 (SNT0-MC2-F19) Unfortunately, some messages from 192.0.2.177 weren't sent. Please try again. We have limits for how many messages can be sent per hour and per day. You can also refer to http://mail.live.com/mail/troubleshooting.aspx#errors.",
        source: 'https://pastebin.com/dW4JrGn7',
      },
      {
        reply:
          '421 RP-001 The mail server IP connecting to Windows Live Hotmail server has exceeded the rate limit allowed. Reason for rate limitation is related to IP/domain reputation problems.',
        source: 'https://www.postmastery.com/hotmail-throttling-and-powermta/',
      },
    ],
  },
  {
    provider: 'outlook',
    code: 4,
    words: 'server has exceeded the connection limit allowed',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          '421 PR(ct1) The mail server IP connecting to Windows Live Hotmail server has exceeded the connection limit allowed.',
        source: 'https://www.postmastery.com/hotmail-throttling-and-powermta/',
      },
    ],
  },
  {
    provider: 'outlook',
    fromItsHosts: true,
    code: 5,
    words: 'sc 00*',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply:
          "550 SC-001 (BAY004-MC4F3) Unfortunately, messages from IP XX.XXX.XX.XXX weren't sent. Please contact your Internet service provider since part of their network is on our block list.",
        source: 'https://help.returnpath.com/hc/en-us/articles/220565487-Block-bounce-code-examples',
      },
      {
        reply:
          "550 SC-002 (COL004-MC6F36) Unfortunately, messages from 192.0.2.23 weren't sent. Please contact your Internet service provider since part of their network is on our block list.",
        source: 'https://pastebin.com/euddt9Ub',
      },
      {
        reply:
          '550 SC-002 Mail rejected by Outlook.com for policy reasons. The mail server IP connecting to Outlook.com has exhibited namespace mining behavior.',
        source:
          'https://github.com/arjunmenon/email_list_cleaner/blob/602aefcac91ee197e6bc35dbf644bbcff42bf124/README.md',
      },
      {
        reply:
          '550 SC-001 Mail rejected by Windows Live Hotmail for policy reasons. Reasons for rejection may be related to content with spam-like characteristics or IP/domain reputation.',
        source:
          'https://www.mydigitallife.net/how-to-remove-server-ip-address-from-msn-hotmail-block-blacklist/',
      },
      {
        reply:
          '550 SC-004 Mail rejected by Windows Live Hotmail for policy reasons. A block has been placed against your IP address because we have received complaints concerning mail coming from that IP address.',
        source:
          'https://www.mydigitallife.net/how-to-remove-server-ip-address-from-msn-hotmail-block-blacklist/',
      },
      {
        reply:
          "550 SC-004 (COL0-MC1-F1) Unfortunately, messages from 192.0.2.22 weren't sent. We recommend that you contact your Internet service provider. The problem is that too many unwanted messages have been sent from the following IP address above.",
        source: `${emails}/lhost-ezweb-08.eml`,
      },
    ],
  },
  {
    provider: 'outlook',
    fromItsHosts: true,
    code: 5,
    words: 'dy 00*',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply:
          "550 DY-001 Mail rejected by Windows Live Hotmail for policy reasons. We generally do not accept email from dynamic IP's as they are not typically used to deliver unauthenticated SMTP e-mail to an Internet mail server.",
        source: 'http://intranoggin.com/Blog/April-2008/HotMail-Delivery-Status-Notification-(Failure).aspx',
      },
    ],
  },
  {
    provider: 'outlook',
    fromItsHosts: true,
    code: 5,
    words: 'ou 001',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    // By the page this code is of that list; its words do not say so.
    page: 'https://check.spamhaus.org/',
    seen: [
      {
        reply:
          "550 OU-001 (SNT004-MC11F3) Unfortunately, messages from 192.0.2.18 weren't sent. Please contact your Internet service provider since part of their network is on our block list. You can also refer your provider to http://mail.live.com/mail/troubleshooting.aspx#errors.",
        source: 'https://github.com/portier/portier-broker/issues/128',
      },
    ],
  },
  {
    provider: 'outlook',
    fromItsHosts: true,
    code: 5,
    words: 'ou 002',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply:
          "550 5.7.1 Unfortunately, messages from [203.0.113.5] weren't sent. Please contact your Internet service provider since part of their network is on our block list (OU-002). You can also refer your provider to http://mail.live.com/mail/troubleshooting.aspx",
        source:
          'https://www.simplefastwebsites.com/errors/email/outlook-550-5-7-1-bl-sending-ip-blocklisted-ou-002/',
      },
    ],
  },
  {
    provider: 'outlook',
    words: 'part of their network is on our block list',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply:
          "550 5.7.1 Unfortunately, messages from [1.2.3.4] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150). You can also refer",
        source: zoneMta,
      },
    ],
  },
  {
    provider: 'outlook',
    code: 4,
    words: 'temporarily rate limited due to ip reputation',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          '451 4.7.650 The mail server [192.0.2.25] has been temporarily rate limited due to IP reputation. For e-mail delivery information, see https://postmaster.live.com (S3113)',
        source: `${emails}/rhost-microsoft-05.eml`,
      },
    ],
  },
  {
    provider: 'exchange-online',
    code: 5,
    words: 'access denied banned sending ip',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply:
          '550 5.7.606 Access denied, banned sending IP [192.0.2.225]. To request removal from this list please visit https://sender.office.com and follow the directions.',
        source: `${emails}/lhost-qmail-09.eml`,
      },
      {
        reply:
          '550 5.7.606 Access denied, banned sending IP [1.2.3.4]. To request removal from this list please visit https://sender.office.com/ and follow the directions.',
        source: zoneMta,
      },
    ],
  },
  {
    provider: 'exchange-online',
    code: 5,
    words: 'access denied banned sender',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply:
          '550 5.7.511 Access denied, banned sender[1.2.3.4]. To request removal from this list please forward this message to delist@messaging.microsoft.com.',
        source: zoneMta,
      },
    ],
  },
  {
    provider: 'exchange-online',
    code: 5,
    words: 'does not pass dmarc verification and has a dmarc policy of reject',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply:
          '550 5.7.509 Access denied, sending domain [EXAMPLE.JP] does not pass DMARC verification and has a DMARC policy of reject.',
        source: `${emails}/rhost-microsoft-04.eml`,
      },
    ],
  },
  {
    provider: 'exchange-online',
    code: 5,
    words: 'doesnt meet the required authentication level',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply:
          "550 5.7.515 Access denied, sending domain NYAAAAN.EXAMPLE.JP doesn't meet the required authentication level.",
        source: `${emails}/rhost-microsoft-06.eml`,
      },
    ],
  },
  {
    provider: 'exchange-online',
    code: 5,
    words: '5 4 1 … recipient address rejected access denied',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply:
          '550 5.4.1 [kijitora@example.org]: Recipient address rejected: Access denied [NEKOCHAN.cat-neko22.prod.protection.outlook.com]',
        source: `${emails}/rhost-microsoft-02.eml`,
      },
      {
        reply:
          '550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [PR2FRA01FT009.eop-fra01.prod.protection.outlook.com]',
        source: 'https://github.com/zone-eu/zone-mta/pull/214',
      },
    ],
  },
  {
    provider: 'exchange-online',
    code: 4,
    words: 'maximum number of concurrent connections … has exceeded a limit',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          '421 4.3.2 The maximum number of concurrent connections per resource forest has exceeded a limit, closing transmission channel.',
        source: 'https://smtp.codes/exchangeonline',
      },
    ],
  },
  {
    provider: 'exchange-online',
    code: 4,
    words: 'server busy please try again later from',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          '451 4.7.500 Server busy. Please try again later from [x.xx.xx.x]. (AS77712344) [#.prod.protection.outlook.com]',
        source: 'https://smtp.codes/exchangeonline',
      },
      { reply: '451 4.7.500 Server busy. Please try again later from [192.0.2.2]. (AS761)', source: sisimai },
    ],
  },
  {
    provider: 'exchange-online',
    fromItsHosts: true,
    code: 4,
    words: 'access denied please try again later',
    class: 'rate-limited',
    cause: 'blocklist',
    step: 'slow-down',
    seen: [{ reply: '451 4.7.850 Access denied, please try again later', source: sisimai }],
  },
  {
    provider: 'exchange-online',
    fromItsHosts: true,
    code: 4,
    words: 'temporary server error please try again later',
    class: 'temporary',
    cause: 'server-busy',
    step: 'wait',
    seen: [
      {
        reply:
          '451 4.7.0 Temporary server error. Please try again later. PRX4 NextHop: example.com [example.com]',
        source: 'https://smtp.codes/exchangeonline',
      },
    ],
  },
  {
    provider: 'exchange-online',
    code: 4,
    words: 'pfa agent busy please try again',
    class: 'temporary',
    cause: 'server-busy',
    step: 'wait',
    seen: [{ reply: '451 4.7.700 PFA agent busy, please try again.', source: sisimai }],
  },
  {
    provider: 'exchange-online',
    code: 4,
    words: 'mail sent to the wrong office 365 region',
    class: 'temporary',
    cause: 'server-busy',
    step: 'ask-their-administrator',
    seen: [
      {
        reply:
          '451 4.4.62 Mail sent to the wrong Office 365 region. ATTR35. For more information please go to https://go.microsoft.com/fwlink/?linkid=865268',
        source: 'https://smtp.codes/exchangeonline',
      },
    ],
  },
  {
    provider: 'exchange-online',
    code: 5,
    words: 'blocked using spamhaus … as16012611',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    page: 'https://check.spamhaus.org/',
    seen: [
      {
        reply: '550 5.7.1 Service unavailable, Client host [x.xx.xx.xx] blocked using Spamhaus. (AS16012611)',
        source: 'https://smtp.codes/exchangeonline',
      },
      {
        reply:
          '550 5.7.1 Service unavailable, Client host [11.22.33.44] blocked using Spamhaus. To request removal from this list see http://www.spamhaus.org/lookup.lasso (AS16012611)',
        source: zoneMta,
      },
    ],
  },
  {
    provider: 'exchange-online',
    code: 5,
    words: 'helo domain is listed in spamhaus',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    page: 'https://check.spamhaus.org/',
    seen: [
      {
        reply:
          '550 5.7.1 Service unavailable, Helo domain is listed in Spamhaus. (S8001) [#.prod.protection.outlook.com]',
        source: 'https://smtp.codes/exchangeonline',
      },
    ],
  },
  {
    provider: 'exchange-online',
    code: 5,
    words: 'traffic not accepted from this ip',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply:
          '550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP. For more information please go to https://go.microsoft.com/fwlink/?LinkID=526655 AS(7171)',
        source:
          'https://www.simplefastwebsites.com/errors/email/smtp-550-5-7-708-m365-traffic-not-accepted-from-ip/',
      },
    ],
  },
  {
    provider: 'exchange-online',
    code: 5,
    // By its page: most mail of this organisation was suspicious, and it may send none; others may.
    words: 'tenant has exceeded threshold',
    class: 'domain-block',
    cause: 'sender-domain-listed',
    step: 'clear-sender-domain',
    seen: [
      {
        reply: '550 5.7.705 Access denied, tenant has exceeded threshold.',
        source:
          'https://learn.microsoft.com/en-us/Exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online/fix-error-code-5-7-700-through-5-7-750',
      },
    ],
  },
  {
    provider: 'exchange-online',
    code: 4,
    words: 'recipient thread limit exceeded',
    class: 'mailbox-busy',
    cause: 'rate',
    step: 'wait',
    seen: [
      {
        reply: '432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded',
        source:
          'https://hostingnewsdaily.com/2023/08/email-non-delivery-report-ndr-and-smtp-errors-in-exchange-online-exchange/',
      },
    ],
  },
  {
    provider: 'exchange-online',
    code: 5,
    words: 'client was not authenticated to send anonymous mail',
    class: 'policy',
    cause: 'login-required',
    step: 'ask-their-administrator',
    seen: [
      {
        reply:
          '530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM [AM6PR0732BE0065.eurprd07.prod.outlook.com]',
        source: 'https://www.easy365manager.com/office-365-ndr-error-codes/',
      },
    ],
  },
  {
    provider: 'exchange-online',
    code: 5,
    words: 'access denied bad helo',
    class: 'reputation-block',
    cause: 'server-name',
    step: 'fix-dns-name',
    seen: [{ reply: '550 5.7.506 Access denied, bad HELO', source: sisimai }],
  },
  {
    provider: 'exchange-online',
    code: 5,
    words: 'access denied rejected by recipient',
    class: 'policy',
    cause: 'policy',
    step: 'ask-recipient',
    seen: [{ reply: '550 5.7.507 Access denied, rejected by recipient', source: sisimai }],
  },
  {
    provider: 'exchange-online',
    code: 5,
    words: 'does not accept email over ipv6',
    class: 'policy',
    cause: 'policy',
    step: 'ask-their-administrator',
    seen: [
      { reply: '550 5.7.510 Access denied, [contoso.com] does not accept email over IPv6', source: sisimai },
    ],
  },
  {
    provider: 'exchange-online',
    code: 5,
    words: 'using customer block list',
    class: 'policy',
    cause: 'blocklist',
    step: 'ask-their-administrator',
    seen: [
      {
        reply:
          '550 5.7.513 Service unavailable, Client host [192.0.2.1] blocked by contoso.com using Customer Block list (AS16012607)',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'exchange-online',
    words: 'sent over ipv6 … must pass either spf or dkim',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply:
          '450 4.7.26 Access denied, a message sent over IPv6 [2a01:111:f200:2004::240] must pass either SPF or DKIM validation, this message is not signed',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'exchange-online',
    words: 'sending ipv6 address … must have a reverse dns record',
    class: 'reputation-block',
    cause: 'server-name',
    step: 'fix-dns-name',
    seen: [
      {
        reply:
          '550 5.7.25 Access denied, the sending IPv6 address [2a01:111:f200:2004::240] must have a reverse DNS record',
        source: sisimai,
      },
    ],
  },
  {
    code: 5,
    words: 'resolver adr recipnotfound',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply: '550 5.1.1 RESOLVER.ADR.RecipNotFound; not found',
        source: `${emails}/lhost-exchange2007-01.eml`,
      },
    ],
  },
  {
    words: 'storedrv deliver mailbox full',
    class: 'mailbox-full',
    cause: 'mailbox-full',
    step: 'ask-recipient',
    seen: [
      {
        reply:
          '550 5.2.2 STOREDRV.Deliver: mailbox full. The following information should help identify the cause: "MapiExceptionShutoffQuotaExceeded:00.00000:FF000000',
        source: `${emails}/lhost-exchange2007-02.eml`,
      },
    ],
  },
  {
    code: 5,
    words: 'resolver rst recipsizelimit',
    class: 'content',
    cause: 'message-too-large',
    step: 'make-smaller',
    seen: [
      {
        reply: '550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient',
        source: `${emails}/lhost-exchange2007-03.eml`,
      },
    ],
  },
  {
    code: 5,
    words: 'resolver rst authrequired',
    class: 'policy',
    cause: 'policy',
    step: 'ask-their-administrator',
    seen: [
      {
        reply: '550 5.7.1 RESOLVER.RST.AuthRequired; authentication required',
        source: `${emails}/lhost-exchange2007-04.eml`,
      },
    ],
  },
  {
    code: 4,
    words: 'message submission rate for this client has exceeded the configured limit',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply: '421 4.4.2 Message submission rate for this client has exceeded the configured limit',
        source: 'https://support.mailprotector.com/hc/en-us/articles/360048244891-Common-Email-Bouncebacks',
      },
    ],
  },
]
