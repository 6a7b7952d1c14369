// What filters in front of other servers say (Proofpoint, Mimecast, Barracuda, IronPort, Cloudmark …), and the wordings of block lists.
import type { KnownReply } from '../known-reply.ts'

const zoneMta =
  'https://github.com/zone-eu/zone-mta/blob/cf94b992e3a5eb81f0bdf28455210227e68a44a9/config/bounces.txt'
const emails =
  'https://github.com/sisimai/set-of-emails/blob/18e585c22288b83c1f6943949cb86b2623b362ce/maildir/bsd'
const sisimaiMimecast =
  'https://github.com/sisimai/rb-sisimai/blob/9c4a18472ab13e0382c3dec7ffbea39f2e187c91/lib/sisimai/rhost/mimecast.rb'
const mailgun = 'https://help.mailgun.com/hc/en-us/articles/25099259504411-Classified-Bounces-List'

/** Not of servers: what is on them is for the general words to tell, since it may be the name of any of both sides. */
const listsOfDomains = ['dbl', 'query domain', 'lookup domain']

export const filterReplies: readonly KnownReply[] = [
  {
    provider: 'proofpoint',
    code: 5,
    words: 'blocked see … proofpoint com',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      { reply: '554 Blocked - see https://ipcheck.proofpoint.com/?ip=1.2.3.4', source: zoneMta },
      { reply: '550 5.7.0 Blocked - see https://ipcheck.proofpoint.com/?ip=1.2.3.4', source: zoneMta },
      {
        reply: '554 Blocked - see https://support.proofpoint.com/dnsbl-lookup.cgi?ip=192.0.2.225',
        source: `${emails}/lhost-postfix-38.eml`,
      },
    ],
  },
  {
    provider: 'mimecast',
    code: 5,
    words: 'host network not allowed',
    class: 'policy',
    cause: 'policy',
    step: 'ask-their-administrator',
    seen: [
      {
        reply:
          '554 Host network not allowed - https://community.mimecast.com/docs/DOC-1369#554 [z7qZw5BPd1zlDYHka4589ru.us222]',
        source: `${emails}/rhost-mimecast-01.eml`,
      },
    ],
  },
  {
    provider: 'mimecast',
    code: 5,
    words: 'email rejected due to security policies mcspam*',
    class: 'content',
    cause: 'spam',
    step: 'change-content',
    seen: [
      {
        reply: '554 email rejected due to security policies - MCSpamSignature.sa.2.2',
        source: `${emails}/rhost-mimecast-02.eml`,
      },
    ],
  },
  {
    provider: 'mimecast',
    code: 5,
    words: 'csi mimecast org poor reputation sender',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply:
          '550 csi.mimecast.org Poor Reputation Sender. - https://community.mimecast.com/docs/DOC-1369#550 [vH7Ns8biNg-p6EfZ0QaVMQ.us149]',
        source: zoneMta,
      },
    ],
  },
  {
    provider: 'mimecast',
    code: 5,
    words: 'rejected by header based anti spoofing policy',
    class: 'policy',
    cause: 'policy',
    step: 'ask-their-administrator',
    seen: [
      {
        reply:
          '550 Rejected by header based Anti-Spoofing policy: user@example.com - https://community.mimecast.com/docs/DOC-1369#550 [_g67iKwmNreAb9PeazQFDQ.us227]',
        source: zoneMta,
      },
    ],
  },
  {
    provider: 'mimecast',
    code: 4,
    // By its table of codes: who is new is to come again, after a minute at the earliest.
    words: 'internal resource* … temporarily unavailable',
    class: 'greylisted',
    cause: 'greylisted',
    step: 'wait',
    seen: [
      { reply: '451 internal resources are temporarily unavailable', source: sisimaiMimecast },
      {
        reply:
          '451 Internal resource temporarily unavailable - https://community.mimecast.com/docs/DOC-1369#451 [#]',
        source:
          'https://github.com/ActiveCampaign/smtp-field-manual/blob/67831a2e3a81cfacd8038a00cb389714a62e9342/data/codes/451.json',
      },
      {
        reply:
          '451 Internal resource is temporarily unavailable - https://community.mimecast.com/docs/DOC-1369#451 [Aj3QXapeMpqZYaeFwWhjzw.us32]',
        source:
          'https://dwlistore.dwli.org/knowledgebase/444/Emails-Not-Sending-to-Mimecast-Recipients-.html',
      },
    ],
  },
  {
    provider: 'mimecast',
    code: 5,
    words: 'local ct ip reputation reject',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [{ reply: '550 local ct ip reputation - (reject)', source: sisimaiMimecast }],
  },
  {
    provider: 'mimecast',
    code: 4,
    words: 'ip temporarily blacklisted',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [{ reply: '451 ip temporarily blacklisted', source: sisimaiMimecast }],
  },
  {
    provider: 'mimecast',
    code: 5,
    words: 'administrative prohibition envelope blocked',
    class: 'policy',
    cause: 'policy',
    step: 'ask-their-administrator',
    seen: [{ reply: '550 administrative prohibition envelope blocked', source: sisimaiMimecast }],
  },
  {
    provider: 'mimecast',
    code: 5,
    words: 'envelope blocked user entry',
    class: 'policy',
    cause: 'policy',
    step: 'ask-recipient',
    seen: [{ reply: '550 envelope blocked - user entry', source: sisimaiMimecast }],
  },
  {
    provider: 'mimecast',
    code: 5,
    words: 'message bounced due to content examination policy',
    class: 'content',
    cause: 'content',
    step: 'change-content',
    seen: [{ reply: '550 message bounced due to content examination policy', source: sisimaiMimecast }],
  },
  {
    provider: 'mimecast',
    code: 5,
    words: 'maximum email size exceeded',
    class: 'content',
    cause: 'message-too-large',
    step: 'make-smaller',
    seen: [{ reply: '554 maximum email size exceeded', source: sisimaiMimecast }],
  },
  {
    provider: 'mimecast',
    code: 5,
    words: 'this route requires encryption tls',
    class: 'tls',
    cause: 'tls-failure',
    step: 'encrypt',
    seen: [{ reply: '553 this route requires encryption (tls)', source: sisimaiMimecast }],
  },
  {
    provider: 'mimecast',
    code: 5,
    words: 'dmarc sender invalid envelope rejected',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [{ reply: '550 dmarc sender invalid - envelope rejected', source: sisimaiMimecast }],
  },
  {
    provider: 'mimecast',
    code: 5,
    words: 'dkim sender invalid envelope rejected',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [{ reply: '550 dkim sender invalid - envelope rejected', source: sisimaiMimecast }],
  },
  {
    provider: 'mimecast',
    fromItsHosts: true,
    code: 4,
    words: 'recipient temporarily unavailable',
    class: 'temporary',
    cause: 'server-busy',
    step: 'wait',
    seen: [{ reply: '451 recipient temporarily unavailable', source: sisimaiMimecast }],
  },
  {
    provider: 'barracuda',
    code: 5,
    words: 'permanent failure for one or more recipients',
    class: 'policy',
    cause: 'policy',
    step: 'ask-their-administrator',
    seen: [
      {
        reply: '550 permanent failure for one or more recipients (user@example.com:blocked)',
        source: zoneMta,
      },
    ],
  },
  {
    provider: 'barracuda',
    code: 5,
    words: 'rejecting banned content',
    class: 'content',
    cause: 'content',
    step: 'change-content',
    seen: [{ reply: '554 rejecting banned content', source: mailgun }],
  },
  {
    provider: 'barracuda',
    code: 5,
    words: 'blocked using barracuda reputation',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply:
          '554 Service unavailable; Client host [mta.example.com] blocked using Barracuda Reputation; http://www.barracudanetworks.com/reputation/?r=1&ip=1.2.3.4',
        source: zoneMta,
      },
    ],
  },
  {
    provider: 'barracuda',
    words: 'b barracudacentral org',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply:
          '554 5.7.1 Service unavailable; Client host [1.2.3.4] blocked using b.barracudacentral.org; http://www.barracudanetworks.com/reputation/?pr=1&ip=45.55.44.239',
        source: zoneMta,
      },
    ],
  },
  {
    provider: 'barracuda',
    code: 5,
    words: 'message content rejected ube',
    class: 'content',
    cause: 'spam',
    step: 'change-content',
    seen: [
      {
        reply: '550 5.7.1 Message content rejected, UBE, id=00000-22-225',
        source: `${emails}/lhost-barracuda-01.eml`,
      },
    ],
  },
  {
    provider: 'ironport',
    code: 5,
    words: 'rejected due to the sending mtas poor reputation',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply:
          "554 mx.example.com Your access to this mail system has been rejected due to the sending MTA's poor reputation. If you believe that this failure is in error, please contact the intended recipient",
        source: zoneMta,
      },
    ],
  },
  {
    provider: 'ironport',
    code: 5,
    words: 'your access to submit messages to this e mail system has been rejected',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply: '550 #5.7.1 Your access to submit messages to this e-mail system has been rejected.',
        source: zoneMta,
      },
    ],
  },
  {
    provider: 'cloudmark',
    code: 5,
    words: 'is listed on cloudmark csi global',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply:
          '554 mcc-ibgw-6001a.ext.cloudfilter.net cmsmtp [x.xx.xx.xx] is listed on Cloudmark CSI-Global. Please visit https://csi.cloudmark.com/en/reset AUP#RBL',
        source: mailgun,
      },
    ],
  },
  {
    provider: 'cloudmark',
    words: 'blocked using cloudmark sender intelligence',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply:
          '550 5.7.1 Service unavailable; client [x.xx.xx.xx] blocked using Cloudmark Sender Intelligence (Visit https://csi.cloudmark.com/reset-request/ if you feel this is in error.).',
        source: mailgun,
      },
    ],
  },
  {
    provider: 'cloudmark',
    words: 'csi cloudmark com reset request',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply:
          '550 "JunkMail rejected - [hostname] [1.2.3.4]:39153 is in an RBL on csi.cloudmark.com/reset-request/?ip=1.2.3.4 , see Poor Reputation Sender"',
        source: zoneMta,
      },
      {
        reply:
          '554 *.terra.com cmsmtp 5.7.1 Service unavailable; Client host [1.2.3.4] blocked using cm-csi-v11; Cloudmark Poor Reputation Sender Blacklist http://csi.cloudmark.com/reset-request/?ip=1.2.3.4',
        source: zoneMta,
      },
    ],
  },
  {
    words: 'blocked using grey rbl … greylisting in action',
    class: 'greylisted',
    cause: 'greylisted',
    step: 'wait',
    seen: [
      {
        reply:
          '421 4.7.1 Service unavailable; Client host [1.2.3.4] blocked using grey.rbl - Rechazo temporal, intentelo mas tarde por favor...Greylisting in action, please try again',
        source: zoneMta,
      },
    ],
  },
  {
    code: 5,
    words: 'rejected based on geographical location',
    class: 'policy',
    cause: 'policy',
    step: 'ask-their-administrator',
    seen: [
      {
        reply:
          '554 5.7.1 Service unavailable; Client host [1.2.3.4] blocked using ee.countries.nerd.dk; Your IP is in ee, rejected based on geographical location',
        source: zoneMta,
      },
    ],
  },
  {
    code: 5,
    words: 'blocked using multi uribl com',
    class: 'domain-block',
    cause: 'link-listed',
    step: 'check-links',
    seen: [
      {
        reply: '554 5.7.1 Service unavailable; Client host [mail.example.com] blocked using multi.uribl.com',
        source: zoneMta,
      },
    ],
  },
  {
    code: 5,
    words: 'blacklisted url in message',
    class: 'domain-block',
    cause: 'link-listed',
    step: 'check-links',
    seen: [
      {
        reply:
          '550 REJECTED - Blacklisted URL in message. (example.com) in [black]. See http://lookup.uribl.com. - Blacklisted Link - X=pascal',
        source: `${emails}/lhost-imailserver-06.eml`,
      },
    ],
  },
  {
    code: 5,
    words: 'sender address blocked using … spamhaus org',
    class: 'domain-block',
    cause: 'sender-domain-listed',
    step: 'clear-sender-domain',
    page: 'https://check.spamhaus.org/',
    seen: [
      {
        reply:
          '554 5.7.1 Service unavailable; Sender address [user@example.com] blocked using dbl.spamhaus.org; https://www.spamhaus.org/query/domain/example.com',
        source: zoneMta,
      },
    ],
  },
  {
    code: 5,
    words: 'mailfrom domain is listed in spamhaus',
    class: 'domain-block',
    cause: 'sender-domain-listed',
    step: 'clear-sender-domain',
    page: 'https://check.spamhaus.org/',
    seen: [
      {
        reply:
          '550 5.1.0 MXIN506 MailFrom domain is listed in Spamhaus. To request removal from this list see https://www.spamhaus.org/query/lookup/',
        source: `${emails}/lhost-postfix-80.eml`,
      },
    ],
  },
  {
    words: 'zen spamhaus org',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    page: 'https://check.spamhaus.org/',
    seen: [
      {
        reply:
          '554 Service unavailable; Client host [11.22.33.44] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/11.22.33.44',
        source: zoneMta,
      },
      {
        reply:
          '550 5.7.1 Service unavailable; client [11.22.33.44] blocked using zen.spamhaus.org For assistance, see http://www.scrolloutf1.com or contact your administrator.',
        source: zoneMta,
      },
      { reply: '550 5.7.1 Rejected: 11.22.33.44 listed at zen.spamhaus.org', source: zoneMta },
    ],
  },
  {
    words: 'spamhaus … www spamhaus org',
    except: listsOfDomains,
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    page: 'https://check.spamhaus.org/',
    seen: [
      {
        reply:
          '554 mx.recipient.com cmsmtp 1sSZcfhLEUv3Q IP blacklisted by Spamhaus. For remediation please use https://www.spamhaus.org/lookup/ [103]',
        source: zoneMta,
      },
      {
        reply:
          '554 bosimpinc12 bizsmtp 11.22.33.44 is on the Spamhaus XBL blacklist. Please visit: http://www.spamhaus.org/query/bl?ip=11.22.33.44',
        source: zoneMta,
      },
    ],
  },
  {
    words: 'www spamhaus org query',
    except: listsOfDomains,
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    page: 'https://check.spamhaus.org/',
    seen: [
      { reply: '554 5.7.1 Blocked - see http://www.spamhaus.org/query/bl?ip=11.22.33.44', source: zoneMta },
      {
        reply: '550 11.22.33.44 blacklisted see http://www.spamhaus.org/query/bl?ip=11.22.33.44',
        source: zoneMta,
      },
    ],
  },
  {
    code: 5,
    words: 'email blocked by spamhaus',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    page: 'https://check.spamhaus.org/',
    seen: [{ reply: '550 Email blocked by SPAMHAUS', source: zoneMta }],
  },
  {
    words: 'www spamcop net',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    page: 'https://www.spamcop.net/bl.shtml',
    seen: [
      {
        reply:
          '550 "JunkMail rejected - [hostname] [11.2.3.4]:24706 is in an RBL: Blocked - see https://www.spamcop.net/bl.shtml?1.2.3.4"',
        source: zoneMta,
      },
    ],
  },
  {
    words: 'blocked using dnsbl sorbs net',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-their-administrator',
    seen: [
      {
        reply:
          '454 4.7.1 Service unavailable; Client host [1.2.3.4] blocked using dnsbl.sorbs.net; Currently Sending Spam See: http://www.sorbs.net/lookup.shtml?1.2.3.4',
        source: zoneMta,
      },
    ],
  },
  {
    code: 5,
    words: 'is listed by invaluement',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    page: 'https://www.invaluement.com/',
    seen: [
      {
        reply:
          '550 5.5.4 ETP208 Your IP 1.2.3.4 is listed by Invaluement. Please see http://www.invaluement.com/research/ if you feel this is in error - B15601640DCD26CE53bc5f8c6',
        source: zoneMta,
      },
    ],
  },
  {
    code: 5,
    words: 'blocked using trend micro rbl',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply:
          '550 Service unavailable; Client Host [1.2.3.4] blocked using Trend Micro RBL+. Please see http://www.mail-abuse.com/cgi-bin/lookup?ip_address=1.2.3.4',
        source: zoneMta,
      },
    ],
  },
  {
    code: 5,
    words: 'is listed on https spamrl com',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    page: 'https://spamrl.com/',
    seen: [
      {
        reply:
          '550 The sending IP (1.2.3.4) is listed on https://spamrl.com/. Please resolve this and retry.',
        source: zoneMta,
      },
    ],
  },
  {
    code: 5,
    words: 'black listed at hostkarma',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply: '550 Black listed at hostkarma http://ipadmin.junkemailfilter.com/remove.php?ip=1.2.3.4',
        source: zoneMta,
      },
    ],
  },
  {
    code: 5,
    words: 'email blocked by geoip spam filter',
    class: 'policy',
    cause: 'policy',
    step: 'ask-their-administrator',
    seen: [
      {
        reply:
          '550 "Email blocked by GeoIP spam filter. Listed by HOSTKARMA/JUNKEMAILFILTER. Country [IP], XX [1.2.3.4] - IntCode491003 - (example.com)"',
        source: zoneMta,
      },
    ],
  },
  {
    code: 4,
    words: 'could not load drd for domain',
    class: 'temporary',
    cause: 'server-busy',
    step: 'ask-their-administrator',
    seen: [
      {
        reply: '451 Could not load DRD for domain (example.com) rcpt (kijitora@example.com)',
        source: `${emails}/lhost-postfix-40.eml`,
      },
    ],
  },
]
