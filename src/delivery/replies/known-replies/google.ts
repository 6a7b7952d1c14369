// What Gmail and Google Workspace say.
import type { KnownReply } from '../known-reply.ts'

const sisimai =
  'https://github.com/sisimai/rb-sisimai/blob/9c4a18472ab13e0382c3dec7ffbea39f2e187c91/lib/sisimai/rhost/google.rb'
const googleCodes =
  'https://github.com/sisimai/rb-sisimai/blob/03ab0da036c8e86e805dc94f554d5e88faf9bab4/lib/sisimai/rhost/google.rb'
const gmailErrors = 'https://support.google.com/a/answer/3726730'
const emails =
  'https://github.com/sisimai/set-of-emails/blob/18e585c22288b83c1f6943949cb86b2623b362ce/maildir/bsd'

export const googleReplies: readonly KnownReply[] = [
  {
    provider: 'gmail',
    code: 5,
    // 'from your SPF domain' is another matter.
    words: 'unusual rate of unsolicited mail originating from your ip address',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'slow-down',
    seen: [
      {
        reply:
          '550 5.7.28 There is an unusual rate of unsolicited mail originating from your IP address. To protect our users from spam, mail sent from your IP address has been blocked.',
        source: sisimai,
      },
      {
        reply:
          '550 5.7.1 Our system has detected an unusual rate of unsolicited mail originating from your IP address. To protect our users from spam, mail sent from your IP address has been blocked.',
        source: sisimai,
      },
    ],
  },
  // Whose mail it is that is too much: others of this server are not concerned.
  {
    provider: 'gmail',
    words: 'unusual rate of … originating from your dkim domain',
    class: 'domain-block',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          '421 4.7.28 Gmail has detected an unusual rate of unsolicited email originating from your DKIM domain. To protect our users from spam, email sent from your domain has been temporarily rate limited.',
        source: gmailErrors,
      },
    ],
  },
  {
    provider: 'gmail',
    words: 'unusual rate of … originating from your spf domain',
    class: 'domain-block',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          '421 4.7.28 Gmail has detected an unusual rate of unsolicited email originating from your SPF domain. To protect our users from spam, email sent from your domain has been temporarily rate limited.',
        source: gmailErrors,
      },
    ],
  },
  {
    provider: 'gmail',
    words: 'unusual rate of … containing one of your url domains',
    class: 'domain-block',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          '421 4.7.28 Gmail has detected an unusual rate of unsolicited email containing one of your URL domains. To protect our users from spam, email with the URL has been temporarily rate limited.',
        source: gmailErrors,
      },
    ],
  },
  {
    provider: 'gmail',
    code: 4,
    words: 'unusual rate of unsolicited mail',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          '421 4.7.0 Our system has detected an unusual rate of unsolicited mail originating from your IP address. To protect our users from spam, mail sent from your IP address has been temporarily blocked.',
        source: gmailErrors,
      },
    ],
  },
  {
    provider: 'gmail',
    words: 'unusual rate of mail',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          '421 4.7.28 Gmail has detected an unusual rate of mail originating from your IP address 192.0.2.25.',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'gmail',
    words: 'very low reputation of the sending domain',
    class: 'domain-block',
    cause: 'sender-domain-listed',
    step: 'clear-sender-domain',
    seen: [
      {
        reply:
          '550 5.7.1 Our system has detected that this message is likely suspicious due to the very low reputation of the sending domain. To best protect our users from spam, the message has been blocked.',
        source: sisimai,
      },
      {
        reply: '421 4.7.0 This message is suspicious due to the very low reputation of the sending domain.',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'gmail',
    words: 'very low reputation of the sending ip address',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'slow-down',
    seen: [
      {
        reply:
          '550 5.7.1 [192.0.2.22 18] Our system has detected that this message is likely suspicious due to the very low reputation of the sending IP address.',
        source: `${emails}/lhost-postfix-58.eml`,
      },
      {
        reply:
          '421 4.7.0 This message is suspicious due to the very low reputation of the sending IP address/domain.',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'gmail',
    code: 4,
    words: 'ip not in whitelist for rcpt domain',
    class: 'policy',
    cause: 'policy',
    step: 'ask-their-administrator',
    seen: [
      { reply: '421 4.7.0 IP not in whitelist for RCPT domain, closing connection.', source: gmailErrors },
    ],
  },
  {
    provider: 'gmail',
    code: 4,
    words: 'tls required for rcpt domain',
    class: 'tls',
    cause: 'tls-failure',
    step: 'encrypt',
    seen: [{ reply: '421 4.7.0 TLS required for RCPT domain, closing connection.', source: gmailErrors }],
  },
  {
    provider: 'gmail',
    code: 4,
    words: '4 7 0 try again later closing connection',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          '421 4.7.0 Try again later, closing connection. This usually indicates a Denial of Service (DoS) for the SMTP relay at the HELO stage.',
        source: gmailErrors,
      },
    ],
  },
  {
    provider: 'gmail',
    code: 4,
    words: 'temporary system problem try again later',
    class: 'temporary',
    cause: 'server-busy',
    step: 'wait',
    seen: [
      { reply: '421 4.3.0 Temporary System Problem. Try again later', source: gmailErrors },
      { reply: '421 4.7.0 Temporary System Problem. Try again later.', source: gmailErrors },
    ],
  },
  {
    provider: 'gmail',
    code: 4,
    words: '4 4 5 server busy try again later',
    class: 'temporary',
    cause: 'server-busy',
    step: 'wait',
    seen: [{ reply: '421 4.4.5 Server busy, try again later.', source: gmailErrors }],
  },
  {
    provider: 'gmail',
    words: 'user you are trying to contact is receiving mail too quickly',
    class: 'mailbox-busy',
    cause: 'rate',
    step: 'wait',
    seen: [
      {
        reply:
          '450 4.2.1 The user you are trying to contact is receiving mail too quickly. Please resend your message at a later time. If the user is able to receive mail at that time, your message will be delivered.',
        source: gmailErrors,
      },
    ],
  },
  {
    provider: 'gmail',
    words: 'user you are trying to contact is receiving mail at a rate',
    class: 'mailbox-busy',
    cause: 'rate',
    step: 'wait',
    seen: [
      {
        reply:
          '450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered. Please resend your message at a later time.',
        source: 'https://www.entertop.net/knowledge/smtp-error-reference/',
      },
      {
        reply:
          '550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.',
        source: `${emails}/lhost-postfix-59.eml`,
      },
    ],
  },
  {
    provider: 'gmail',
    code: 4,
    words: 'mail server temporarily rejected message',
    class: 'temporary',
    cause: 'server-busy',
    step: 'wait',
    seen: [
      {
        reply: '451 4.3.0 Mail server temporarily rejected message.',
        source: 'https://www.entertop.net/knowledge/smtp-error-reference/',
      },
    ],
  },
  {
    provider: 'gmail',
    code: 4,
    words: '4 4 2 timeout closing connection',
    class: 'temporary',
    cause: 'server-busy',
    step: 'wait',
    seen: [{ reply: '451 4.4.2 Timeout - closing connection.', source: sisimai }],
  },
  {
    provider: 'gmail',
    words: 'email account that you tried to reach is over quota',
    class: 'mailbox-full',
    cause: 'mailbox-full',
    step: 'ask-recipient',
    seen: [
      {
        reply: '452 4.2.2 The email account that you tried to reach is over quota.',
        source: 'https://www.entertop.net/knowledge/smtp-error-reference/',
      },
    ],
  },
  {
    provider: 'gmail',
    words: 'recipients inbox is out of storage space',
    class: 'mailbox-full',
    cause: 'mailbox-full',
    step: 'ask-recipient',
    seen: [
      {
        reply:
          "552 5.2.2 The recipient's inbox is out of storage space and inactive. Please direct the recipient to https://support.google.com/mail/?p=OverQuotaPerm c2-202229zmZBNM3agi23.222 - gsmtp",
        source: `${emails}/rhost-google-05.eml`,
      },
    ],
  },
  {
    provider: 'gmail',
    code: 5,
    words: 'email account that you tried to reach does not exist',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply:
          "550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking the recipient's email address for typos or unnecessary spaces.",
        source: `${emails}/lhost-postfix-31.eml`,
      },
    ],
  },
  {
    provider: 'gmail',
    code: 5,
    words: 'email account that you tried to reach is inactive',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply: '550 5.2.1 The email account that you tried to reach is inactive.',
        source: `${emails}/rhost-google-07.eml`,
      },
    ],
  },
  {
    provider: 'gmail',
    words: 'unauthenticated email from … is not accepted due to … dmarc policy',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply:
          "550 5.7.26 Unauthenticated email from libsisimai.org is not accepted due to domain's DMARC policy. Please contact the administrator of libsisimai.org domain if this was a legitimate mail.",
        source: `${emails}/lhost-postfix-70.eml`,
      },
      {
        reply:
          "550 5.7.1 Unauthenticated email from example.no is not accepted due to domain's DMARC policy. Please contact the administrator of example.no domain if this was a legitimate mail.",
        source: 'https://github.com/bruceg/ezmlm-idx/issues/11',
      },
      {
        reply:
          "451 4.7.26 Unauthenticated email from domain-name is not accepted due to domain's DMARC policy, but temporary DNS failures prevent authentication.",
        source: sisimai,
      },
    ],
  },
  {
    provider: 'gmail',
    words: 'spf record with a hard fail policy',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply:
          '550 5.7.26 The MAIL FROM domain [mail4.example.com] has an SPF record with a hard fail policy (-all) but it fails to pass SPF checks with the ip: [192.0.2.24].',
        source: `${emails}/rhost-google-03.eml`,
      },
      {
        reply:
          '550 5.7.26 This message fails to pass SPF checks for an SPF record with a hard fail policy (-all).',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'gmail',
    code: 5,
    words: 'blocked because the sender is unauthenticated gmail requires',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply:
          '550 5.7.26 This mail has been blocked because the sender is unauthenticated. Gmail requires all senders to authenticate with either SPF or DKIM.',
        source: `${emails}/rhost-google-04.eml`,
      },
    ],
  },
  {
    provider: 'gmail',
    code: 4,
    words: 'rate limited because it is unauthenticated',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply:
          '421 4.7.26 This mail has been rate limited because it is unauthenticated. Gmail requires all senders to authenticate with either SPF or DKIM.',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'gmail',
    words: 'does not have authentication information or fails to pass authentication checks',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply:
          '550 5.7.26 This message does not have authentication information or fails to pass authentication checks (SPF or DKIM).',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'gmail',
    code: 4,
    words: 'rate limited because spf authentication didnt pass',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply:
          "421 4.7.27 Your email has been rate limited because SPF authentication didn't pass for this message.",
        source: sisimai,
      },
    ],
  },
  {
    provider: 'gmail',
    code: 4,
    words: 'rate limited because dkim authentication didnt pass',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply:
          "421 4.7.30 Your email has been rate limited because DKIM authentication didn't pass for this message.",
        source: sisimai,
      },
    ],
  },
  {
    provider: 'gmail',
    code: 5,
    words: 'blocked because dkim does not pass',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply:
          '550 5.7.30 This mail has been blocked because DKIM does not pass. Gmail requires all large senders to authenticate with DKIM.',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'gmail',
    words: 'isnt aligned with either the authenticated spf or dkim',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply:
          "421 4.7.32 Your email has been rate limited because the From: header (RFC5322) in this message isn't aligned with either the authenticated SPF or DKIM organizational domain.",
        source: sisimai,
      },
    ],
  },
  {
    provider: 'gmail',
    words: 'spf record of the sending domain has one or more suspicious entries',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply:
          '451 4.7.24 The SPF record of the sending domain has one or more suspicious entries. To protect our users from spam, mail sent from your IP address has been temporarily rate limited.',
        source: sisimai,
      },
      {
        reply: '550 5.7.24 The SPF record of the sending domain has one or more suspicious entries.',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'gmail',
    words: 'ip address sending this message does not have a ptr record',
    class: 'reputation-block',
    cause: 'server-name',
    step: 'fix-dns-name',
    seen: [
      {
        reply:
          '550 5.7.25 [192.0.2.202] The IP address sending this message does not have a PTR record setup, or the corresponding forward DNS entry does not point to the sending IP.',
        source: `${emails}/rhost-google-06.eml`,
      },
    ],
  },
  {
    provider: 'gmail',
    words: 'message does not meet ipv6 sending guidelines',
    class: 'reputation-block',
    cause: 'server-name',
    step: 'fix-dns-name',
    seen: [
      {
        reply:
          '550 5.7.1 [2001:db8:1250::2] Our system has detected that this message does not meet IPv6 sending guidelines regarding PTR records and authentication. Please review https://support.google.com/mail/?p=ipv6_authentication_error for more information. q43si37022102eeo.243 - gsmtp',
        source: 'https://github.com/nodemailer/nodemailer/issues/236',
      },
    ],
  },
  {
    provider: 'gmail',
    code: 4,
    words: 'sending ip address for this message doesnt have a ptr record',
    class: 'reputation-block',
    cause: 'server-name',
    step: 'fix-dns-name',
    seen: [
      {
        reply:
          "421 4.7.23 The sending IP address for this message doesn't have a PTR record, or the PTR record's forward DNS entry doesn't match the sending IP address. To protect users from spam, your email has been temporarily rate limited.",
        source: googleCodes,
      },
    ],
  },
  {
    provider: 'gmail',
    code: 5,
    words: 'not authorized to send email directly to our servers',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'use-smart-host',
    page: 'https://support.google.com/mail/?p=NotAuthorizedError',
    seen: [
      {
        reply:
          "550 5.7.1 [192.0.2.1] The IP you're using to send mail is not authorized to send email directly to our servers. Please use the SMTP relay at your service provider instead. Learn more at https://support.google.com/mail/?p=NotAuthorizedError j15-20020a056a00234f00b0057a8accf94dsi11536503pfj.261 - gsmtp",
        source: 'https://github.com/Mailu/Mailu/issues/2599',
      },
      {
        reply:
          "550 5.7.1 [192.0.2.1] The IP you're using to send mail is not authorized to send email directly to our servers. Please use the SMTP relay at your service provider instead. For more information, go to https://support.google.com/mail/?p=NotAuthorizedError d2e1a72fcca58-715e57a0f50si1104d2710b3a.328 - gsmtp",
        source: 'https://github.com/iredmail/iRedMail/issues/264',
      },
    ],
  },
  {
    provider: 'gmail',
    words: 'gmail requires all bulk email senders to use tls',
    class: 'tls',
    cause: 'tls-failure',
    step: 'encrypt',
    seen: [
      {
        reply:
          "421 4.7.29 Your email has been rate limited because this message wasn't sent over a TLS connection. Gmail requires all bulk email senders to use TLS/SSL for SMTP connections.",
        source: googleCodes,
      },
    ],
  },
  {
    provider: 'gmail',
    words: 'helo ehlo argument is invalid',
    class: 'reputation-block',
    cause: 'server-name',
    step: 'fix-dns-name',
    seen: [
      {
        reply: '501 5.5.4 HELO/EHLO argument is invalid. https://support.google.com/mail/?p=helo',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'gmail',
    code: 5,
    words: 'messages with multiple addresses in from',
    class: 'content',
    cause: 'policy',
    step: 'fix-message',
    seen: [
      {
        reply:
          '550 5.7.1 [2401:2500:102:3032:192.0.2.222 13] Messages with multiple addresses in From: header are not accepted. v14si1155795plk.134 - gsmtp',
        source: `${emails}/lhost-postfix-28.eml`,
      },
    ],
  },
  {
    provider: 'gmail',
    code: 5,
    words: 'this message is not rfc 5322 compliant',
    class: 'content',
    cause: 'policy',
    step: 'fix-message',
    seen: [
      {
        reply:
          '550 5.7.1 This message is not RFC 5322 compliant. There are multiple Subject headers. To reduce the amount of spam sent to Gmail, this message has been blocked.',
        source: `${emails}/rhost-google-08.eml`,
      },
    ],
  },
  {
    provider: 'gmail',
    code: 5,
    words: 'message was blocked because its content presents a potential',
    class: 'content',
    cause: 'content',
    step: 'change-content',
    seen: [
      {
        reply: '552 5.7.0 This message was blocked because its content presents a potential',
        source: `${emails}/lhost-sendmail-31.eml`,
      },
    ],
  },
  {
    provider: 'gmail',
    code: 5,
    words: 'message exceeded googles message size limits',
    class: 'content',
    cause: 'message-too-large',
    step: 'make-smaller',
    seen: [{ reply: "552 5.2.3 Your message exceeded Google's message size limits.", source: sisimai }],
  },
  {
    provider: 'gmail',
    code: 5,
    words: 'number of attachments … exceeds googles limit',
    class: 'content',
    cause: 'content',
    step: 'change-content',
    seen: [
      {
        reply:
          "552 5.3.4 The number of attachments (num-attachments) exceeds Google's limit of limit attachments.",
        source: sisimai,
      },
    ],
  },
  {
    provider: 'gmail',
    code: 5,
    words: 'this message violates … email policy … gcdp',
    class: 'policy',
    cause: 'policy',
    step: 'ask-their-administrator',
    seen: [
      {
        reply: '550 5.7.1 This message violates example.com email policy. - gcdp <sessionid> - gsmtp',
        source: gmailErrors,
      },
    ],
  },
]
