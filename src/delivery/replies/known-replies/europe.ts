// What GMX, WEB.DE, T-Online, Orange, La Poste, Free, SFR and Libero say.
import type { KnownReply } from '../known-reply.ts'

const emails =
  'https://github.com/sisimai/set-of-emails/blob/18e585c22288b83c1f6943949cb86b2623b362ce/maildir/bsd'
const sitepackage =
  'http://www.sitepackage.de/service/dokumentation/auswertung/typische-fehlermeldungen-bei-unzustellbarkeit.html'
const zoneMta =
  'https://github.com/zone-eu/zone-mta/blob/cf94b992e3a5eb81f0bdf28455210227e68a44a9/config/bounces.txt'
const sisimai =
  'https://github.com/sisimai/rb-sisimai/blob/9c4a18472ab13e0382c3dec7ffbea39f2e187c91/lib/sisimai/rhost/franceptt.rb'

export const europeanReplies: readonly KnownReply[] = [
  {
    provider: 'gmx',
    code: 5,
    words: 'nemesis esmtp service not available … ip address is block listed',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply:
          '554 gmx.net (mxgmx104) Nemesis ESMTP Service not available No SMTP service IP address is block listed. For explanation visit https://postmaster.gmx.net/en/case?c=r0201&i=ip&v=198.51.100.42&r=1MNcgj-1ue23t3pyV-00S2YR',
        source: 'https://postmaster.gmx.com/en/error-messages',
      },
    ],
  },
  {
    provider: 'gmx',
    code: 5,
    words: 'nemesis esmtp service not available … bad dns ptr resource record',
    class: 'reputation-block',
    cause: 'server-name',
    step: 'fix-dns-name',
    seen: [
      {
        reply:
          '554 mail.com (mxgmxus002) Nemesis ESMTP Service not available No SMTP service Bad DNS PTR resource record. For explanation visit http://postmaster.gmx.com/en/error-messages?ip=192.0.2.22&c=rdns',
        source: `${emails}/lhost-postfix-60.eml`,
      },
    ],
  },
  {
    provider: 'gmx',
    code: 5,
    words: 'reject due to spf policy',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply:
          '550 <example@example.com>: Reject due to SPF policy. The originating IP of the message is not permitted by the domain owner',
        source: 'https://smtp.codes/unitedinternet/',
      },
    ],
  },
  {
    provider: 'gmx',
    fromItsHosts: true,
    code: 5,
    words: 'requested action not taken mailbox unavailable',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply: '550 <example@example.com>: Requested action not taken: mailbox unavailable',
        source: 'https://smtp.codes/unitedinternet/',
      },
    ],
  },
  {
    provider: 'web.de',
    code: 5,
    words: 'user has exhausted allowed storage space',
    class: 'mailbox-full',
    cause: 'mailbox-full',
    step: 'ask-recipient',
    seen: [
      {
        reply:
          '550 Benutzer hat das Speichervolumen ueberschritten. / User has exhausted allowed storage space.',
        source: sitepackage,
      },
    ],
  },
  {
    provider: 'web.de',
    code: 5,
    words: 'user has too many messages on the server',
    class: 'mailbox-full',
    cause: 'mailbox-full',
    step: 'ask-recipient',
    seen: [
      {
        reply: '550 Benutzer hat zuviele Mails auf dem Server. / User has too many messages on the server.',
        source: sitepackage,
      },
    ],
  },
  {
    provider: 'web.de',
    code: 5,
    words: 'benutzer nicht bekannt user unknown',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [{ reply: '550 Benutzer nicht bekannt/User unknown', source: sitepackage }],
  },
  {
    provider: 't-online',
    code: 5,
    words: 'none bad reputation ask your postmaster',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'introduce-server',
    seen: [
      {
        reply:
          '554 IP=<192.0.2.1> - None/bad reputation. Ask your postmaster for help or to contact <postmaster@rx.t-online.de> for reset. (NOWL)',
        source: 'https://timmehosting.de/leitfaden-wenn-t-online-e-mails-blockiert-ursachen-und-loesungen',
      },
    ],
  },
  {
    provider: 't-online',
    code: 5,
    words: 'a problem occurred ask your postmaster for help',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'introduce-server',
    seen: [
      {
        reply:
          '554 IP=192.0.2.1 - A problem occurred. (Ask your postmaster for help or to contact tosa@rx.t-online.de to clarify.) (BL)',
        source: 'https://github.com/Mailu/Mailu/issues/1614',
      },
      {
        reply:
          '554 IP=192.0.2.254 - A problem occurred. (Ask your postmaster for help or to contact neko@example.org to clarify.) (BL)',
        source: `${emails}/lhost-sendmail-16.eml`,
      },
    ],
  },
  {
    provider: 't-online',
    code: 5,
    words: 'dialup transient ip not allowed',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'introduce-server',
    seen: [
      {
        reply:
          '554 IP=192.0.2.144 - Dialup/transient IP not allowed. Use a mailgateway or contact toda@rx.t-online.de if obsolete. (DIAL)',
        source: 'https://github.com/chatmail/provider-db/issues/280',
      },
    ],
  },
  {
    provider: 't-online',
    code: 5,
    words: 'message considered as spam or virus rejected',
    class: 'content',
    cause: 'spam',
    step: 'change-content',
    seen: [
      {
        reply: '550 5.7.0 Message considered as spam or virus, rejected',
        source: 'https://it-kosmopolit.de/deutsche-telekom-stuft-bit-ly-links-in-newslettern-als-spam-ein/',
      },
    ],
  },
  {
    provider: 't-online',
    fromItsHosts: true,
    code: 5,
    words: 'over storage quota',
    class: 'mailbox-full',
    cause: 'mailbox-full',
    step: 'ask-recipient',
    seen: [{ reply: '552 5.2.2 Over STORAGE quota', source: sitepackage }],
  },
  {
    provider: 'orange',
    code: 4,
    words: 'too many connections slow down',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          '421 mwinf5c63 ME Trop de connexions, veuillez verifier votre configuration. Too many connections, slow down. OFR005_104 [104]',
        source: zoneMta,
      },
    ],
  },
  {
    provider: 'orange',
    code: 5,
    words: 'client host blocked for spamming issues',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    page: 'https://csi.cloudmark.com/en/reset/',
    seen: [
      {
        reply:
          '550 mwinf5c04 ME Adresse IP source bloquee pour incident de spam. Client host blocked for spamming issues. OFR006_102 Ref http://csi.cloudmark.com/reset-request/?ip=10.0.0.1 [102]',
        source: `${emails}/rhost-franceptt-06.eml`,
      },
    ],
  },
  {
    provider: 'orange',
    code: 5,
    words: 'service refused please try later ofr006 103',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [
      {
        reply:
          '550 mwinf5c10 ME Service refuse. Veuillez essayer plus tard. Service refused, please try later. OFR006_103 192.0.2.1 [103]',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'orange',
    code: 4,
    words: 'service refused please try later ofr 999',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          '421 mwinf5c77 ME Service refuse. Veuillez essayer plus tard. Service refused, please try later. OFR_999 [999]',
        source: `${emails}/rhost-franceptt-07.eml`,
      },
    ],
  },
  {
    provider: 'orange',
    code: 4,
    words: 'service refused please try later ofr005 505',
    class: 'temporary',
    cause: 'server-busy',
    step: 'wait',
    seen: [
      {
        reply:
          '421 4.2.0 Service refuse. Veuillez essayer plus tard. Service refused, please try later. OFR005_505 [505]',
        source: `${emails}/rhost-franceptt-08.eml`,
      },
    ],
  },
  {
    provider: 'orange',
    code: 5,
    words: 'mail rejected ofr 506',
    class: 'content',
    cause: 'spam',
    step: 'change-content',
    seen: [
      {
        reply: '550 5.2.0 Mail rejete. Mail rejected. OFR_506 [506]',
        source: `${emails}/rhost-franceptt-03.eml`,
      },
      {
        reply: '550 5.2.0 Mail rejete. Mail rejected. ofr_506 [506]',
        source: `${emails}/lhost-einsundeins-03.eml`,
      },
    ],
  },
  {
    provider: 'orange',
    code: 5,
    words: 'recipient overquota ofr 417',
    class: 'mailbox-full',
    cause: 'mailbox-full',
    step: 'ask-recipient',
    seen: [
      {
        reply: '552 5.1.1 Boite du destinataire pleine. Recipient overquota. OFR_417 [417]',
        source: zoneMta,
      },
    ],
  },
  {
    provider: 'orange',
    code: 5,
    words: 'invalid recipient ofr 416',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply: '550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR_416 [416]',
        source: `${emails}/lhost-sendmail-45.eml`,
      },
    ],
  },
  {
    provider: 'orange',
    code: 4,
    words: 'invalid sender spf check failed',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply:
          '421 smtp.orange.fr [192.0.2.1] Emetteur invalide, Veuillez verifier la configuration SPF/DNS de votre nom de domaine. Invalid Sender. SPF check failed, please verify the SPF/DNS configuration for your domain name.',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'orange',
    code: 5,
    words: 'invalid sender ofr004 405',
    class: 'policy',
    cause: 'sender-refused',
    step: 'fix-sender',
    seen: [{ reply: '501 5.1.0 Emetteur invalide. Invalid Sender. OFR004_405 [405]', source: sisimai }],
  },
  {
    provider: 'orange',
    code: 5,
    words: 'message refused dmarc verification failed',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [{ reply: '571 5.7.1 Message refused, DMARC verification Failed.', source: sisimai }],
  },
  {
    provider: 'laposte',
    code: 5,
    words: 'invalid recipient lpn007 416',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply: '550 5.5.0 Adresse destinataire invalide. Invalid recipient. LPN007_416',
        source: `${emails}/lhost-sendmail-46.eml`,
      },
    ],
  },
  {
    provider: 'laposte',
    code: 5,
    words: 'recipient account is blocked lpn007 426',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply: '550 5.5.0 Le compte du destinataire est bloque. The recipient account is blocked. LPN007_426',
        source: `${emails}/rhost-franceptt-05.eml`,
      },
    ],
  },
  {
    provider: 'laposte',
    code: 5,
    words: 'boite du destinataire archivee',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [{ reply: '550 5.5.0 Boite du destinataire archivee.', source: sisimai }],
  },
  {
    provider: 'laposte',
    code: 4,
    words: 'service refused please try later lpn006 107',
    class: 'temporary',
    cause: 'server-busy',
    step: 'wait',
    seen: [
      {
        reply:
          '421 4.2.1 Service refuse. Veuillez essayer plus tard. Service refused, please try later. LPN006_107',
        source: `${emails}/rhost-franceptt-11.eml`,
      },
    ],
  },
  {
    provider: 'laposte',
    code: 5,
    words: 'client host rejected 216 lpn lpn000 630',
    class: 'policy',
    cause: 'policy',
    step: 'ask-their-administrator',
    seen: [
      {
        reply: '554 5.7.1 <xxxx.xxxx.net[#.#.#.#]:49309>: Client host rejected: #216 lpn LPN000_630',
        source: `${emails}/rhost-franceptt-12.eml`,
      },
    ],
  },
  {
    provider: 'laposte',
    code: 5,
    words: 'is not allowed to send mail lpn004 401',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [{ reply: '550 5.5.0 SPF: *** is not allowed to send mail. LPN004_401', source: sisimai }],
  },
  {
    provider: 'laposte',
    code: 5,
    words: 'blocked using spamhaus … bloques par nos services',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    page: 'https://check.spamhaus.org/',
    seen: [
      {
        reply:
          '550 5.7.1 Service unavailable; client [192.0.2.1] blocked using Spamhaus Les emails envoyes vers la messagerie Laposte.net ont ete bloques par nos services.',
        source: sisimai,
      },
    ],
  },
  {
    provider: 'free',
    code: 5,
    words: 'user unknown usersearch',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [{ reply: '550 5.1.1 user unknown (UserSearch)', source: `${emails}/lhost-sendmail-47.eml` }],
  },
  {
    provider: 'sfr',
    fromItsHosts: true,
    code: 5,
    words: 'recipient address rejected user unknown',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply:
          '550 5.7.1 <pseudo-local-part-kijitora-nyaan@sfr.fr>: Recipient address rejected: User unknown',
        source: `${emails}/lhost-sendmail-48.eml`,
      },
    ],
  },
  {
    provider: 'libero',
    code: 5,
    words: 'mailbox full user quota exceeded',
    class: 'mailbox-full',
    cause: 'mailbox-full',
    step: 'ask-recipient',
    seen: [
      {
        reply: '552 MAILBOX FULL (User quota exceeded)',
        source: 'https://aiuto.libero.it/articolo/mail/messaggi-di-errore-piu-frequenti-dopo-invio-email',
      },
    ],
  },
]
