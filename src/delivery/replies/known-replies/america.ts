// What Comcast, AT&T, Cox, Rackspace and GoDaddy say.
import type { KnownReply } from '../known-reply.ts'

const zoneMta =
  'https://github.com/zone-eu/zone-mta/blob/cf94b992e3a5eb81f0bdf28455210227e68a44a9/config/bounces.txt'
const mailgun = 'https://help.mailgun.com/hc/en-us/articles/25099259504411-Classified-Bounces-List'
const emails =
  'https://github.com/sisimai/set-of-emails/blob/18e585c22288b83c1f6943949cb86b2623b362ce/maildir/bsd'
const sisimai =
  'https://github.com/sisimai/rb-sisimai/blob/9c4a18472ab13e0382c3dec7ffbea39f2e187c91/lib/sisimai/rhost/godaddy.rb'

export const americanReplies: readonly KnownReply[] = [
  {
    provider: 'comcast',
    code: 5,
    words: 'found on one or more dnsbls',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply:
          '554 resimta-po-11v.sys.comcast.net resimta-po-11v.sys.comcast.net 1.2.3.4 found on one or more DNSBLs, see http://postmaster.comcast.net/smtp-error-codes.php#BL000010',
        source: zoneMta,
      },
    ],
  },
  {
    provider: 'comcast',
    fromItsHosts: true,
    code: 4,
    words: 'too many sessions opened',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply: '421 - [Too many sessions opened]',
        source: 'https://mdpcontent-ho-1p-187062.sys.comcast.net/smtp-error-codes.php',
      },
    ],
  },
  {
    provider: 'comcast',
    code: 4,
    words: 'reverse dns failure try again later',
    class: 'reputation-block',
    cause: 'server-name',
    step: 'fix-dns-name',
    seen: [
      {
        reply: '421 - [Reverse DNS failure : Try again later]',
        source: 'https://mdpcontent-ho-1p-187062.sys.comcast.net/smtp-error-codes.php',
      },
    ],
  },
  {
    provider: 'att',
    code: 5,
    words: 'dnsbl rbl 521',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply:
          '553 5.3.0 flpd568 DNSBL:RBL 521< x.xx.xx.xx >_is_blocked.For assistance forward this error to abuse_rbl@abuse-att.net',
        source: mailgun,
      },
    ],
  },
  {
    provider: 'att',
    code: 5,
    words: 'dnsbl attrbl 521',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply:
          '553 5.3.0 flph825 DNSBL:ATTRBL 521< 1.2.3.4 >_is_blocked.For assistance forward this email to abuse@example.com',
        source: zoneMta,
      },
    ],
  },
  {
    provider: 'cox',
    code: 5,
    words: 'sender rejected refer to error codes section … aup cdrbl',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'wait',
    seen: [
      {
        reply:
          '550 5.1.0 <bounce@mailer.cnt1.example.com> sender rejected. Refer to Error Codes section at https://www.cox.com/residential/support/email-error-codes.html for more information. AUP#CDRBL',
        source: `${emails}/rhost-cox-01.eml`,
      },
    ],
  },
  {
    provider: 'rackspace',
    code: 4,
    words: 'too many concurrent connections from this client g2',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply: '421 Too many concurrent connections from this client (G2)',
        source: 'https://smtp.codes/rackspace',
      },
    ],
  },
  {
    provider: 'rackspace',
    code: 4,
    words: 'has no ptr record g1f',
    class: 'reputation-block',
    cause: 'server-name',
    step: 'fix-dns-name',
    seen: [
      { reply: '450 4.7.1 Client host {IP} has no PTR record (G1F)', source: 'https://smtp.codes/rackspace' },
    ],
  },
  {
    provider: 'rackspace',
    code: 4,
    words: 'recipients server was temporarily unavailable to accept your message g6',
    class: 'temporary',
    cause: 'server-busy',
    step: 'wait',
    seen: [
      {
        reply:
          "450 4.4.1 <email@example.com>: The recipient's server was temporarily unavailable to accept your message (G6)",
        source: 'https://smtp.codes/rackspace',
      },
    ],
  },
  {
    provider: 'rackspace',
    code: 4,
    words: 'mailbox received too much email in a short period of time g30',
    class: 'mailbox-busy',
    cause: 'rate',
    step: 'wait',
    seen: [
      {
        reply:
          '450 4.2.1 <email@example.com>: Mailbox received too much email in a short period of time (G30)',
        source: 'https://smtp.codes/rackspace',
      },
    ],
  },
  {
    provider: 'rackspace',
    code: 4,
    words: 'routing loop detected g16',
    class: 'temporary',
    cause: 'loop',
    step: 'ask-their-administrator',
    seen: [{ reply: '450 4.4.6 Routing loop detected (G16)', source: 'https://smtp.codes/rackspace' }],
  },
  {
    provider: 'rackspace',
    code: 4,
    words: 'too many messages from a new or untrusted ip g28',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply: '451 4.7.1 Received too many messages from a new or untrusted IP (G28)',
        source: 'https://smtp.codes/rackspace',
      },
    ],
  },
  {
    provider: 'rackspace',
    code: 4,
    words: 'temporary dmarc dns lookup failure g1e',
    class: 'temporary',
    cause: 'server-busy',
    step: 'wait',
    seen: [
      {
        reply: '450 4.4.0 <email@example.com> Temporary DMARC DNS lookup failure (G1E)',
        source: 'https://smtp.codes/rackspace',
      },
    ],
  },
  {
    provider: 'rackspace',
    code: 5,
    words: 'acl dns rbl client host',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    page: 'https://check.spamhaus.org/',
    seen: [
      {
        reply:
          '554 5.7.1 ACL dns_rbl; Client host [11.22.33.44] blocked using sa-ip4tset.blagr.emailsrvr.com=127.24.0.2 Spamhaus XBL.',
        source: zoneMta,
      },
    ],
  },
  {
    provider: 'godaddy',
    code: 5,
    words: 'content judged to be spam by the internet community ib212',
    class: 'content',
    cause: 'spam',
    step: 'change-content',
    seen: [
      {
        reply:
          '552 This message has been rejected due to content judged to be spam by the internet community. IB212',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'godaddy',
    code: 4,
    words: 'reverse dns for this ip failed ib108',
    class: 'reputation-block',
    cause: 'server-name',
    step: 'fix-dns-name',
    seen: [{ reply: '421 Temporarily rejected. Reverse DNS for this IP failed. IB108', source: sisimai }],
  },
  {
    provider: 'godaddy',
    code: 5,
    words: 'this ip has sent too many messages this hour ib504',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [{ reply: '550 This IP has sent too many messages this hour. IB504', source: sisimai }],
  },
  {
    provider: 'godaddy',
    code: 5,
    words: 'too many recipients this hour ib607',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          '550 5.1.1 <kijitora@example.com> - 203.0.113.222 has sent to too many recipients this hour. IB607 <http://x.co/rlbounce>',
        source: `${emails}/rhost-godaddy-03.eml`,
      },
    ],
  },
  {
    provider: 'godaddy',
    code: 5,
    words: 'max number of messages per session … ib510',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          '550 This message has exceeded the max number of messages per session. Open a new session and try again. IB510',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'godaddy',
    code: 4,
    words: 'too many sessions from this ip … ib007',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          '421 Connection refused, too many sessions from This IP. Lower the number of concurrent sessions. IB007',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'godaddy',
    code: 4,
    words: 'server temporarily unavailable try again later ib101',
    class: 'temporary',
    cause: 'server-busy',
    step: 'wait',
    seen: [{ reply: '421 Server temporarily unavailable. Try again later. IB101', source: sisimai }],
  },
  {
    provider: 'godaddy',
    code: 5,
    words: 'poor reputation on cloudmark sender intelligence csi ib103',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    page: 'https://csi.cloudmark.com/en/reset/',
    seen: [
      {
        reply:
          '554 Connection refused. This IP has a poor reputation on Cloudmark Sender Intelligence (CSI). IB103',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'godaddy',
    code: 5,
    words: 'listed on the spamhaus block list sbl ib104',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    page: 'https://check.spamhaus.org/',
    seen: [
      {
        reply: '554 Connection refused. This IP address is listed on the Spamhaus Block List (SBL). IB104',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'godaddy',
    code: 5,
    words: 'ib105 connection refused … listed on the exploits block list',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    page: 'https://check.spamhaus.org/',
    seen: [
      {
        reply:
          '554 mx.recipient.com bizsmtp IB105. Connection refused. 11.22.33.44 is listed on the Exploits Block List (XBL) <http://www.spamhaus.org/query/ip/11.22.33.44>',
        source: zoneMta,
      },
    ],
  },
  {
    provider: 'godaddy',
    code: 5,
    words: 'listed on the exploits block list xbl ib105',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    page: 'https://check.spamhaus.org/',
    seen: [
      {
        reply: '554 Connection refused. This IP address is listed on the Exploits Block List (XBL). IB105',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'godaddy',
    code: 5,
    words: 'listed on the policy block list pbl ib106',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    page: 'https://check.spamhaus.org/',
    seen: [
      {
        reply: '554 Connection refused. This IP address is listed on the Policy Block List (PBL). IB106',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'godaddy',
    code: 5,
    words: 'temporarily blocked for attempting to send too many messages … ib110',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'wait',
    seen: [
      {
        reply:
          '554 This IP has been temporarily blocked for attempting to send too many messages containing content judged to be spam by the Internet community. IB110',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'godaddy',
    code: 5,
    words: 'blocked for the day for attempting to send too many messages … ib111',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'wait',
    seen: [
      {
        reply:
          '554 This IP has been blocked for the day, for attempting to send too many messages containing content judged to be spam by the Internet community. IB111',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'godaddy',
    code: 5,
    words: 'attempting to mail too many invalid recipients ib11*',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'wait',
    seen: [
      {
        reply:
          '554 This IP has been temporarily blocked for attempting to mail too many invalid recipients. IB112',
        source: sisimai,
      },
      {
        reply:
          '554 This IP has been blocked for the day, for attempting to mail too many invalid recipients. IB113',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'godaddy',
    code: 5,
    words: 'invalid spf record … ib508',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply: '550 jane@coolexample.com Invalid SPF record. Inspect your SPF settings, and try again. IB508',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'godaddy',
    code: 5,
    words: 'from domain is invalid … ib506',
    class: 'policy',
    cause: 'sender-refused',
    step: 'fix-sender',
    seen: [
      { reply: '550 coolexample.com From: Domain is invalid. Provide a valid From: IB506', source: sisimai },
    ],
  },
  {
    provider: 'godaddy',
    code: 5,
    words: 'virus infected message rejected ib705',
    class: 'content',
    cause: 'content',
    step: 'change-content',
    seen: [{ reply: '552 Virus infected message rejected. IB705', source: sisimai }],
  },
  {
    provider: 'godaddy',
    fromItsHosts: true,
    code: 5,
    words: 'www spamhaus org query',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    page: 'https://check.spamhaus.org/',
    seen: [
      {
        reply: '553 http://www.spamhaus.org/query/bl?ip=192.0.2.222',
        source: `${emails}/rhost-godaddy-02.eml`,
      },
    ],
  },
]
