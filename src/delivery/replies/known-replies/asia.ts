// What QQ, NetEase (163, 126), Naver and Daum say.
import type { KnownReply } from '../known-reply.ts'

const emails =
  'https://github.com/sisimai/set-of-emails/blob/18e585c22288b83c1f6943949cb86b2623b362ce/maildir/bsd'
const sisimai =
  'https://github.com/sisimai/rb-sisimai/blob/9c4a18472ab13e0382c3dec7ffbea39f2e187c91/lib/sisimai/rhost/tencent.rb'
const netease = 'https://www.51yue.net/news/thread/20200123/14841169.html'
const koreanReplies = 'https://puffinknight.tistory.com/102'
const daumReplies = 'https://oliveit.tistory.com/39'

export const asianReplies: readonly KnownReply[] = [
  {
    provider: 'qq',
    code: 5,
    words: 'ip frequency limited',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          '550 Ip frequency limited [V2VkIEFwciAgMyAxNjozNjo1OSBKU1QgMjAxOQo=/RkNGMjlFQTVEQ0E Blocked IP 192.0.2.22]. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000725',
        source: `${emails}/rhost-tencent-01.eml`,
      },
    ],
  },
  {
    provider: 'qq',
    code: 5,
    words: 'connection frequency limited',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          '550 Connection frequency limited [Q1YzZ3kxdnRYYnpkbVZ0MAo+QTMzMTMzRjUxNzQ4Cg/MTI3MTY2MDge= Blocked IP 192.0.2.22]. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000722',
        source: `${emails}/rhost-tencent-02.eml`,
      },
    ],
  },
  {
    provider: 'qq',
    code: 5,
    words: 'domain frequency limited',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [{ reply: '550 Domain frequency limited', source: 'http://qiao.yimirj.com/article/detail/2261' }],
  },
  {
    provider: 'qq',
    code: 5,
    words: 'sender frequency limited',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      {
        reply:
          '550 Sender frequency limited. http://service.exmail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000723',
        source: 'https://smtp.codes/qq',
      },
    ],
  },
  {
    provider: 'qq',
    fromItsHosts: true,
    code: 5,
    words: 'mailbox unavailable or access denied',
    class: 'mailbox-busy',
    cause: 'rate',
    step: 'wait',
    seen: [{ reply: '550 Mailbox unavailable or access denied', source: 'https://smtp.codes/qq' }],
  },
  {
    provider: 'qq',
    code: 5,
    words: 'mailbox not found http service',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply:
          '550 Mailbox not found. http://service.exmail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000728',
        source: 'https://smtp.codes/qq',
      },
    ],
  },
  {
    provider: 'qq',
    code: 5,
    words: 'mail content denied',
    class: 'content',
    cause: 'spam',
    step: 'change-content',
    seen: [
      {
        reply:
          '550 Mail content denied. http://service.exmail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000726',
        source: 'https://smtp.codes/qq',
      },
    ],
  },
  {
    provider: 'qq',
    code: 5,
    words: 'mail is rejected by recipients',
    class: 'policy',
    cause: 'policy',
    step: 'ask-recipient',
    seen: [{ reply: '550 Mail is rejected by recipients', source: 'https://smtp.codes/qq' }],
  },
  {
    provider: 'qq',
    code: 5,
    // By its source: much spam came from the domain of the sender.
    words: 'suspected spam sender',
    class: 'domain-block',
    cause: 'sender-domain-listed',
    step: 'clear-sender-domain',
    seen: [{ reply: '550 Suspected spam sender.', source: 'https://smtp.codes/qq' }],
  },
  {
    provider: 'qq',
    code: 5,
    words: 'suspected spam ip',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [{ reply: '550 suspected spam ip', source: sisimai }],
  },
  {
    provider: 'qq',
    code: 5,
    words: 'suspected bounce attacks',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'slow-down',
    seen: [{ reply: '550 suspected bounce attacks', source: sisimai }],
  },
  {
    provider: 'qq',
    fromItsHosts: true,
    code: 5,
    words: 'dmarc check failed',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [
      {
        reply:
          '550 DMARC check failed. http://service.mail.qq.com/cgi-bin/help?subtype=1&&no=1001508&&id=16.',
        source: `${emails}/rhost-tencent-03.eml`,
      },
    ],
  },
  {
    provider: 'qq',
    fromItsHosts: true,
    code: 5,
    words: 'spf check failed',
    class: 'authentication',
    cause: 'authentication',
    step: 'fix-authentication',
    seen: [{ reply: '550 spf check failed', source: sisimai }],
  },
  {
    provider: 'qq',
    code: 5,
    words: 'bad address syntax http service',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      {
        reply:
          '501 Bad address syntax. http://service.exmail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000730',
        source: 'https://smtp.codes/qq',
      },
    ],
  },
  {
    provider: 'netease',
    code: 4,
    words: 'hl rep',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'slow-down',
    seen: [{ reply: '421 HL:REP', source: netease }],
  },
  {
    provider: 'netease',
    code: 4,
    words: 'hl icc',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [{ reply: '421 HL:ICC', source: netease }],
  },
  {
    provider: 'netease',
    code: 4,
    words: 'hl ifc',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [{ reply: '421 HL:IFC', source: netease }],
  },
  {
    provider: 'netease',
    code: 4,
    words: 'hl mep',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'fix-sender',
    seen: [{ reply: '421 HL:MEP', source: netease }],
  },
  {
    provider: 'netease',
    code: 4,
    words: 'mi dmc',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [{ reply: '450 MI:DMC', source: netease }],
  },
  {
    provider: 'netease',
    code: 4,
    words: 'rp drc',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [{ reply: '450 RP:DRC', source: netease }],
  },
  {
    provider: 'netease',
    code: 4,
    words: 'dt rbl',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'ask-delisting',
    seen: [{ reply: '450 DT:RBL', source: netease }],
  },
  {
    provider: 'netease',
    code: 4,
    words: 'wm bli',
    class: 'policy',
    cause: 'blocklist',
    step: 'ask-their-administrator',
    seen: [{ reply: '450 WM:BLI', source: netease }],
  },
  {
    provider: 'netease',
    words: 'dt spm',
    class: 'content',
    cause: 'spam',
    step: 'change-content',
    seen: [
      { reply: '451 DT:SPM ,please try again', source: 'https://biecuoliao.com/pa/MBRrwEM.html' },
      {
        reply:
          '554 DT:SPM 126 smtp10,NuRpCgC3LP0tp3VdPt4LMQ--.5577S2 1567991603,please see http://mail.163.com/help/help_spam_16.htm?ip=192.0.2.186&hostid=smtp10&time=1567991603',
        source: 'https://github.com/kootenpv/yagmail/issues/144',
      },
    ],
  },
  {
    provider: 'netease',
    code: 4,
    words: 'mi sfq',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [{ reply: '451 MI:SFQ', source: 'https://biecuoliao.com/pa/MBRrwEM.html' }],
  },
  {
    provider: 'naver',
    code: 4,
    words: 'is filtered and this connection will be closed … realip naver com',
    class: 'reputation-block',
    cause: 'blocklist',
    step: 'introduce-server',
    seen: [
      {
        reply:
          '421 4.3.2 Your IP( is filtered and this connection will be closed. You must register your IP to http://realip.naver.com',
        source: koreanReplies,
      },
    ],
  },
  {
    provider: 'naver',
    fromItsHosts: true,
    code: 4,
    words: 'you send too many messages',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [{ reply: '421 4.3.1 You send too many messages.', source: koreanReplies }],
  },
  {
    provider: 'naver',
    code: 5,
    words: '5 1 1 inactive mbox',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [{ reply: '550 5.1.1 Inactive mbox', source: koreanReplies }],
  },
  {
    provider: 'naver',
    code: 5,
    words: '5 1 1 suspended user',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [{ reply: '550 5.1.1 Suspended user', source: koreanReplies }],
  },
  {
    provider: 'naver',
    code: 5,
    words: 'you are registered as spammer by users reject list',
    class: 'policy',
    cause: 'policy',
    step: 'ask-recipient',
    seen: [{ reply: "550 You are registered as spammer (by user's reject list)", source: koreanReplies }],
  },
  {
    provider: 'daum',
    code: 4,
    words: '4 4 1 chic … network is busy',
    class: 'temporary',
    cause: 'server-busy',
    step: 'wait',
    seen: [{ reply: '421 4.4.1 CHIC IP ADDRESS: Network is busy.', source: daumReplies }],
  },
  {
    provider: 'daum',
    code: 4,
    words: '4 4 5 ccrt … connection refused server is busy',
    class: 'rate-limited',
    cause: 'rate',
    step: 'slow-down',
    seen: [
      { reply: '421 4.4.5 CCRT IP ADDRESS: Connection refused. Server is busy(RT)', source: daumReplies },
    ],
  },
  {
    provider: 'daum',
    code: 5,
    words: '5 1 1 rusr … no such user',
    class: 'unknown-user',
    cause: 'unknown-user',
    step: 'remove-address',
    seen: [
      { reply: '550 5.1.1 RUSR xxx.xxx.xxx.xxx: No such user: <xxxxx@mydomain.com>', source: daumReplies },
    ],
  },
  {
    provider: 'daum',
    code: 5,
    words: 'your mail is blocked automatically by anti spam system',
    class: 'content',
    cause: 'spam',
    step: 'change-content',
    seen: [
      {
        reply:
          '554 5.7.1 DAS51 2***.***.***.***: Your mail is blocked automatically by anti-spam system. (E06)',
        source: 'https://auctionpro.co.kr/?p=2544',
      },
    ],
  },
]
