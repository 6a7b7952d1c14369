// The examples of the RFCs that extend Sieve, with what they do to messages that are and are not meant. Where an RFC's own example
// is not in the language (a missing parenthesis, a command of another name), it is written right here, and says so.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decide, type SieveWorld } from '../harness/sieve.ts'

type Run = readonly [message: string, actions: readonly string[], world?: SieveWorld]
type Example = readonly [section: string, script: string, runs: readonly Run[]]

const plain =
  'From: Anna <anna@example.net>\nTo: me@example.com\nSubject: Lunch\nMessage-ID: <1@example.net>\n\nAt noon?\n'
const message = (fields: string, body = 'Hello'): string => `${fields}\n\n${body}\n`

const examples: Readonly<Record<string, readonly Example[]>> = {
  'RFC 3894 (copy)': [
    [
      '§3 a copy goes on its way, and the message stays',
      'require ["copy"]; redirect :copy "anna@example.org";',
      [[plain, ['redirect anna@example.org', 'implicit keep']]],
    ],
    [
      '§3 two mailboxes',
      'require ["copy", "fileinto"]; fileinto :copy "incoming"; fileinto "lists";',
      [[plain, ['fileinto incoming', 'fileinto lists']]],
    ],
  ],
  'RFC 5173 (body)': [
    [
      '§5.1 raw',
      'require "body";\nif body :raw :contains "MAKE MONEY FAST" {\n  discard;\n}',
      [
        [message('Subject: x', 'You can make MONEY FAST. Make money fast!'), ['discard']],
        [message('Subject: MAKE MONEY FAST'), ['implicit keep']],
      ],
    ],
    [
      '§5.2 content',
      `require ["body", "fileinto"];
# Save any message with any text MIME part that contains the
# words "missile" or "coordinates" in the "secrets" folder.
if body :content "text" :contains ["missile", "coordinates"] {
        fileinto "secrets";
}
# Save any message with an audio/mp3 MIME part in
# the "jukebox" folder.
if body :content "audio/mp3" :contains "" {
        fileinto "jukebox";
}`,
      [
        [message('Subject: x', 'the coordinates'), ['fileinto secrets']],
        [message('Content-Type: audio/mp3\nContent-Transfer-Encoding: base64', 'AAAA'), ['fileinto jukebox']],
        [message('Content-Type: image/png', 'missile'), ['implicit keep']],
      ],
    ],
    [
      '§5.3 text',
      'require ["body", "fileinto"];\nif body :text :contains "project schedule" {\n  fileinto "project/schedule";\n}',
      [
        [message('Subject: x', 'The project schedule is here'), ['fileinto project/schedule']],
        [
          message('Content-Type: text/html', '<p>The <b>project</b> schedule</p><script>x</script>'),
          ['fileinto project/schedule'],
        ],
        [message('Content-Type: text/html', '<script>project schedule</script>'), ['implicit keep']],
      ],
    ],
  ],
  'RFC 5183 (environment)': [
    [
      '§4 an item that is not known is never true',
      'require "environment"; if environment :contains "item" "" { discard; }',
      [
        [plain, ['implicit keep']],
        [plain, ['discard'], { environment: { item: '' } }],
      ],
    ],
    [
      '§5 the name of the client',
      'require "environment"; if environment :matches "remote-host" "*.example.com" { discard; }',
      [
        [plain, ['discard'], { environment: { 'remote-host': 'mx.example.com' } }],
        [plain, ['implicit keep'], { environment: { 'remote-host': 'mx.example.net' } }],
      ],
    ],
  ],
  'RFC 5229 (variables)': [
    [
      '§3.1 a dollar that begins no variable',
      'require ["variables", "fileinto"]; set "dollar" "$"; set "text" "regarding ${dollar}{beep}"; fileinto "${text}";',
      [[plain, ['fileinto regarding ${beep}']]],
    ],
    [
      // The RFC lacks a semicolon behind set.
      '§3.1 encoded characters come before variables',
      `require ["encoded-character", "variables"];
set "name" "Ethelbert";
if header :contains "Subject" "dear\${hex:20 24 7b 4e}ame}" {
    discard;
}`,
      [
        [message('Subject: dear Ethelbert'), ['discard']],
        [message('Subject: dear name'), ['implicit keep']],
      ],
    ],
    [
      '§3.2 the name of a list',
      'require ["fileinto", "variables"];\nif header :matches "List-ID" "*<*@*" {\n  fileinto "INBOX.lists.${2}"; stop;\n}',
      [
        [message('List-ID: The users <users@acme.example.com>'), ['fileinto INBOX.lists.users']],
        [message('List-ID: users.acme.example.com'), ['implicit keep']],
      ],
    ],
    [
      // The RFC writes fileinfo.
      '§3.2 stars are as short as they can be',
      'require ["fileinto", "variables"];\nif header :matches "Subject" "[*] *" {\n  fileinto "INBOX.lists.${1}"; set "rest" "${2}"; if string "${rest}" "[fwd] version 1.0 is out" { stop; } discard;\n}',
      [[message('Subject: [acme-users] [fwd] version 1.0 is out'), ['fileinto INBOX.lists.acme-users']]],
    ],
    [
      '§3.2 two stars',
      `require ["fileinto", "variables"];
if address :matches ["To", "Cc"] ["coyote@**.com",
        "wile@**.com"] {
    fileinto "INBOX.business.\${2}|\${0}|\${1}|"; stop;
} else {
    stop;
}`,
      [
        [
          message('To: coyote@ACME.Example.COM'),
          ['fileinto INBOX.business.ACME.Example|coyote@ACME.Example.COM||'],
        ],
        [message('To: coyote@acme.example.org'), ['implicit keep']],
      ],
    ],
    [
      '§3.2 what is not evaluated sets nothing',
      'require ["variables", "fileinto"]; if anyof (true, address :domain :matches "To" "*.com") { fileinto "x${1}x"; }',
      [[plain, ['fileinto xx']]],
    ],
    [
      '§4 set',
      `require ["variables", "vacation"];
set "honorific"  "Mr";
set "first_name" "Wile";
set "last_name"  "Coyote";
set "vacation" text:
Dear \${HONORIFIC} \${last_name},
I'm out, please leave a message after the meep.
.
;
vacation "\${vacation}";`,
      [
        [
          plain,
          [
            "vacation sender@example.net <Auto: Lunch> Dear Mr Coyote, I'm out, please leave a message after the meep.",
            'implicit keep',
          ],
        ],
      ],
    ],
    [
      '§5 string',
      'require "variables"; set "state" "${state} pending"; if string :matches " ${state} " "* pending *" { discard; }',
      [[plain, ['discard']]],
    ],
  ],
  'RFC 5230 (vacation)': [
    [
      '§4.2 two answers',
      `require "vacation";
if header :contains "subject" "cyrus" {
    vacation "I'm out -- send mail to cyrus-bugs";
} else {
    vacation "I'm out -- call me at +1 304 555 0123";
}`,
      [
        [
          message('To: me@example.com\nSubject: Cyrus bug'),
          [
            "vacation sender@example.net <Auto: Cyrus bug> I'm out -- send mail to cyrus-bugs",
            'implicit keep',
          ],
        ],
        [
          message('To: me@example.com\nSubject: come over for dinner'),
          [
            "vacation sender@example.net <Auto: come over for dinner> I'm out -- call me at +1 304 555 0123",
            'implicit keep',
          ],
        ],
      ],
    ],
    [
      '§4.2 a subject from a variable',
      `require ["vacation", "variables"];
if header :matches "subject" "*" {
    vacation :subject "Automatic response to: \${1}"
             "I'm away -- send mail to foo in my absence";
}`,
      [
        [
          plain,
          [
            "vacation sender@example.net <Automatic response to: Lunch> I'm away -- send mail to foo in my absence",
            'implicit keep',
          ],
        ],
      ],
    ],
    [
      '§4.2 one answer with two texts',
      `require "vacation";
if header :contains "subject" "lunch" {
    vacation :handle "ran-away" "I'm out and can't meet for lunch";
} else {
    vacation :handle "ran-away" "I'm out";
}`,
      [
        [
          plain,
          ["vacation sender@example.net <Auto: Lunch> I'm out and can't meet for lunch", 'implicit keep'],
        ],
        [
          message('To: me@example.com\nSubject: dinner?'),
          ["vacation sender@example.net <Auto: dinner?> I'm out", 'implicit keep'],
        ],
        [
          message('To: me@example.com\nSubject: dinner?'),
          ['implicit keep'],
          { remembered: new Set(['vacation ["sender@example.net","ran-away"]']) },
        ],
      ],
    ],
    [
      // The RFC lacks the semicolon at the end.
      '§4.4 MIME',
      `require "vacation";
vacation :mime text:
Content-Type: multipart/alternative; boundary=foo

--foo

I'm at the beach relaxing.  Mmmm, surf...

--foo
Content-Type: text/html; charset=us-ascii

<HTML><BODY><P>I'm at the <A HREF="beach.gif">beach</A> relaxing.</BODY></HTML>

--foo--
.
;`,
      [
        [
          plain,
          [
            'vacation sender@example.net <Auto: Lunch> Content-Type: multipart/alternative; boundary=foo --foo I\'m at the beach relaxing.  Mmmm, surf... --foo Content-Type: text/html; charset=us-ascii <HTML><BODY><P>I\'m at the <A HREF="beach.gif">beach</A> relaxing.</BODY></HTML> --foo--',
            'implicit keep',
          ],
        ],
      ],
    ],
    [
      '§4.8 more addresses',
      `require "vacation";
vacation :days 23 :addresses ["tjs@example.edu",
                              "ts4z@landru.example.edu"]
"I'm away until October 19.
If it's an emergency, call 911, I guess." ;`,
      [
        [
          message('To: ts4z@landru.example.edu'),
          [
            "vacation sender@example.net <Automated reply> I'm away until October 19. If it's an emergency, call 911, I guess.",
            'implicit keep',
          ],
        ],
        [message('To: somebody@example.edu'), ['implicit keep']],
      ],
    ],
    [
      '§4.8 some mail to somebody else',
      `require "vacation";
if header :contains "from" "boss@example.edu" {
    redirect "pleeb@isp.example.org";
} else {
    vacation "Sorry, I'm away, I'll read your
message when I get around to it.";
}`,
      [
        [message('From: boss@example.edu\nTo: me@example.com'), ['redirect pleeb@isp.example.org']],
        [
          plain,
          [
            "vacation sender@example.net <Auto: Lunch> Sorry, I'm away, I'll read your message when I get around to it.",
            'implicit keep',
          ],
        ],
      ],
    ],
    [
      '§7 the language of the sender',
      `require "vacation";
if header :contains ["accept-language", "content-language"] "en"
{
    vacation "I am away this week.";
} else {
    vacation "Estoy ausente esta semana.";
}`,
      [
        [
          message('To: me@example.com\nContent-Language: en'),
          ['vacation sender@example.net <Automated reply> I am away this week.', 'implicit keep'],
        ],
        [
          message('To: me@example.com'),
          ['vacation sender@example.net <Automated reply> Estoy ausente esta semana.', 'implicit keep'],
        ],
      ],
    ],
    [
      '§7 colleagues and strangers',
      `require "vacation";
if address :matches "from" "*@ourdivision.example.com"
{
    vacation :subject "Gone fishing"
             "Having lots of fun! Back in a day or two!";
} else {
    vacation :subject "Je suis parti cette semaine"
             "Je lirai votre message quand je retourne.";
}`,
      [
        [
          message('From: jo@ourdivision.example.com\nTo: me@example.com'),
          [
            'vacation sender@example.net <Gone fishing> Having lots of fun! Back in a day or two!',
            'implicit keep',
          ],
        ],
        [
          plain,
          [
            'vacation sender@example.net <Je suis parti cette semaine> Je lirai votre message quand je retourne.',
            'implicit keep',
          ],
        ],
      ],
    ],
  ],
  'RFC 5231 (relational)': [
    [
      '§7 the extended example',
      `require ["relational", "comparator-i;ascii-numeric", "fileinto"];

if header :value "lt" :comparator "i;ascii-numeric"
          ["x-priority"] ["3"]
{
   fileinto "Priority";
}
elsif address :count "gt" :comparator "i;ascii-numeric"
           ["to"] ["5"]
{
   # everything with more than 5 recipients in the "to" field
   # is considered SPAM
   fileinto "SPAM";
}
elsif address :value "gt" :all :comparator "i;ascii-casemap"
           ["from"] ["M"]
{
   fileinto "From N-Z";
} else {
   fileinto "From A-M";
}

if allof ( address :count "eq" :comparator "i;ascii-numeric"
                   ["to", "cc"] ["1"] ,
           address :all :comparator "i;ascii-casemap"
                   ["to", "cc"] ["me@foo.example.com"] )
{
   fileinto "Only me";
}`,
      [
        [message('X-Priority: 2\nTo: a@b.example'), ['fileinto Priority']],
        [message('X-Priority: 3\nFrom: zoe@example.net\nTo: a@b.example'), ['fileinto From N-Z']],
        [
          message(
            'From: zoe@example.net\nTo: a@b.example, b@b.example, c@b.example, d@b.example, e@b.example, f@b.example',
          ),
          ['fileinto SPAM'],
        ],
        [
          message('From: anna@example.net\nTo: me@foo.example.com'),
          ['fileinto From A-M', 'fileinto Only me'],
        ],
      ],
    ],
  ],
  'RFC 5232 (imap4flags)': [
    [
      '§3.1 setflag',
      'require "imap4flags"; if size :over 500K {\n  setflag "\\\\Deleted";\n}',
      [
        [message('Subject: x', 'x'.repeat(600_000)), ['implicit keep [\\Deleted]']],
        [plain, ['implicit keep']],
      ],
    ],
    [
      '§3.1 a variable of flags',
      `require ["imap4flags", "variables", "fileinto"];
if header :contains "from" "boss@frobnitzm.example.edu" {
    setflag "flagvar" "\\\\Flagged";
    fileinto :flags "\${flagvar}" "INBOX.From Boss";
}`,
      [[message('From: boss@frobnitzm.example.edu'), ['fileinto INBOX.From Boss [\\Flagged]']]],
    ],
    ...[
      '"\\\\Deleted"; addflag "flagvar" "\\\\Answered"',
      '["\\\\Deleted", "\\\\Answered"]',
      '"\\\\Deleted \\\\Answered"',
      '"\\\\Answered \\\\Deleted"',
    ].map(
      (flags): Example => [
        `§3.2 addflag ${flags}`,
        `require ["imap4flags", "variables"]; addflag "flagvar" ${flags};
if allof (hasflag "flagvar" "\\\\Deleted", hasflag "flagvar" "\\\\Answered", not hasflag "flagvar" "\\\\Seen") { discard; }`,
        [[plain, ['discard']]],
      ],
    ),
    [
      '§3.3 removeflag',
      `require ["imap4flags", "variables", "fileinto"];
if header :contains "Disposition-Notification-To"
   "mel@example.com" {
    addflag "flagvar" "$MDNRequired";
}
if header :contains "from" "imap@cac.washington.example.edu" {
    removeflag "flagvar" "$MDNRequired";
    fileinto :flags "\${flagvar}" "INBOX.imap-list";
}
keep :flags "\${flagvar}";`,
      [
        [message('Disposition-Notification-To: mel@example.com'), ['keep [$MDNRequired]']],
        [
          message('Disposition-Notification-To: mel@example.com\nFrom: imap@cac.washington.example.edu'),
          ['fileinto INBOX.imap-list', 'keep'],
        ],
      ],
    ],
    [
      '§5 flags of one copy alone',
      'require ["imap4flags", "fileinto"]; fileinto :flags "\\\\Deleted" "INBOX.From Boss"; keep;',
      [[plain, ['fileinto INBOX.From Boss [\\Deleted]', 'keep']]],
    ],
    [
      // The RFC has anyof without parentheses around one test, and remove where the command is removeflag.
      '§9 the extended example',
      `require ["fileinto", "imap4flags", "variables"];
if size :over 1M
        {
        addflag "MyFlags" "Big";
        if header :is "From" "boss@company.example.com"
                   {
                   addflag "MyFlags" "\\\\Flagged";
                   }
        fileinto :flags "\${MyFlags}" "Big messages";
        }
if header :is "From" "grandma@example.net"
        {
        addflag "MyFlags" ["\\\\Answered", "$MDNSent"];
        fileinto :flags "\${MyFlags}" "GrandMa";
        }
if header :is "Sender" "owner-ietf-mta-filters@example.org"
        {
        set "MyFlags" "\\\\Flagged $Work";
        keep :flags "\${MyFlags}";
        }
elsif anyof (address :domain :is ["From", "To"] "company.example.com")
        {
        keep :flags "\${MyFlags}"; # keep in "Inbox" folder
        }
elsif anyof (not address :all :contains
               ["To", "Cc"] "me@company.example.com",
             header :matches "subject"
               ["*make*money*fast*", "*university*dipl*mas*"])
        {
        removeflag "MyFlags" "\\\\Flagged";
        fileinto :flags "\${MyFlags}" "spam";
        }
else
        {
        fileinto :flags "\${MyFlags}" "personal";
        }`,
      [
        [
          message('From: boss@company.example.com', 'x'.repeat(1_100_000)),
          ['fileinto Big messages [Big \\Flagged]', 'keep [Big \\Flagged]'],
        ],
        [
          message('From: grandma@example.net', 'x'.repeat(1_100_000)),
          [
            'fileinto Big messages [Big]',
            'fileinto GrandMa [Big \\Answered $MDNSent]',
            'fileinto spam [Big \\Answered $MDNSent]',
          ],
        ],
        [
          message('From: grandma@example.net\nTo: me@company.example.com.example.net'),
          ['fileinto GrandMa [\\Answered $MDNSent]', 'fileinto personal [\\Answered $MDNSent]'],
        ],
        [message('Sender: owner-ietf-mta-filters@example.org'), ['keep [\\Flagged $Work]']],
      ],
    ],
  ],
  'RFC 5233 (subaddress)': [
    [
      '§4',
      `require ["envelope", "subaddress", "fileinto"];
if envelope :user "to" "postmaster" {
    fileinto "inbox.postmaster";
    stop;
}
if envelope :detail "to" "mta-filters" {
    fileinto "inbox.ietf-mta-filters";
}
if envelope :detail "to" "foo" {
    redirect "ken@example.net";
}`,
      [
        [plain, ['fileinto inbox.postmaster'], { to: 'postmaster@example.com' }],
        [plain, ['fileinto inbox.postmaster'], { to: 'postmaster+foo@example.com' }],
        [plain, ['fileinto inbox.ietf-mta-filters'], { to: 'ken+mta-filters@example.com' }],
        [plain, ['redirect ken@example.net'], { to: 'ken+foo@example.com' }],
        [plain, ['implicit keep'], { to: 'ken@example.com' }],
      ],
    ],
  ],
  'RFC 5260 (date, index)': [
    [
      '§4.4 office hours of the sender',
      `require ["date", "relational", "fileinto"];
if allof(header :is "from" "boss@example.com",
         date :value "ge" :originalzone "date" "hour" "09",
         date :value "lt" :originalzone "date" "hour" "17")
{ fileinto "urgent"; }`,
      [
        [message('From: boss@example.com\nDate: Fri, 27 Nov 2026 09:00:00 -0800'), ['fileinto urgent']],
        [message('From: boss@example.com\nDate: Fri, 27 Nov 2026 17:00:00 -0800'), ['implicit keep']],
        [message('From: boss@example.com\nDate: yesterday'), ['implicit keep']],
      ],
    ],
    [
      '§4.4 the weekend of the server',
      `require ["date", "relational", "fileinto"];
if anyof(date :is "received" "weekday" "0",
         date :is "received" "weekday" "6")
{ fileinto "weekend"; }`,
      [
        [message('Received: from a by b; Sat, 28 Nov 2026 10:00:00 +0000'), ['fileinto weekend']],
        [message('Received: from a by b; Fri, 27 Nov 2026 23:00:00 +0000'), ['implicit keep']],
        [
          message('Received: from a by b; Fri, 27 Nov 2026 23:00:00 +0000'),
          ['fileinto weekend'],
          { timeZone: 'Europe/Moscow' },
        ],
      ],
    ],
    [
      '§5.1 after business hours',
      `require ["date", "relational"];
if anyof(currentdate :is "weekday" "0",
         currentdate :is "weekday" "6",
         currentdate :value "lt" "hour" "09",
         currentdate :value "ge" "hour" "17")
{ redirect "pager@example.com"; }`,
      [
        [plain, ['implicit keep'], { now: '2026-11-27T12:00:00Z' }],
        [plain, ['redirect pager@example.com'], { now: '2026-11-27T17:00:00Z' }],
        [plain, ['redirect pager@example.com'], { now: '2026-11-28T12:00:00Z' }],
      ],
    ],
    [
      '§5.1 answers for a week',
      `require ["date", "relational", "vacation"];
if allof(currentdate :value "ge" "date" "2007-06-30",
         currentdate :value "le" "date" "2007-07-07")
{ vacation :days 7  "I'm away during the first week in July."; }`,
      [
        [
          plain,
          [
            "vacation sender@example.net <Auto: Lunch> I'm away during the first week in July.",
            'implicit keep',
          ],
          { now: '2007-07-07T23:59:59Z' },
        ],
        [plain, ['implicit keep'], { now: '2007-07-08T00:00:00Z' }],
      ],
    ],
    [
      '§5.1 a mailbox for each month',
      `require ["date", "variables", "fileinto"];
if currentdate :matches "month" "*" { set "month" "\${1}"; }
if currentdate :matches "year"  "*" { set "year"  "\${1}"; }
fileinto "\${month}-\${year}";`,
      [[plain, ['fileinto 11-2026']]],
    ],
    [
      '§5.1 a field with the date',
      `require ["variables", "date", "editheader"];
if currentdate :matches "std11" "*"
  {addheader "Processing-date" "\${0}";}
if header "Processing-date" "Fri, 27 Nov 2026 12:00:00 +0000" { discard; }`,
      [[plain, ['discard']]],
    ],
    [
      // The RFC has a comma behind the test.
      '§6.1 the second Received field',
      `require ["date", "relational", "index"];
if date :value "gt" :index 2 :zone "-0500" "received"
        "iso8601" "2007-02-26T09:00:00-05:00"
{ redirect "aftercutoff@example.org"; }`,
      [
        [
          message(
            'Received: a; Mon, 26 Feb 2007 13:00:00 +0000\nReceived: b; Mon, 26 Feb 2007 14:00:01 +0000',
          ),
          ['redirect aftercutoff@example.org'],
        ],
        [
          message(
            'Received: a; Tue, 27 Feb 2007 13:00:00 +0000\nReceived: b; Mon, 26 Feb 2007 13:59:59 +0000',
          ),
          ['implicit keep'],
        ],
        [message('Received: a; Tue, 27 Feb 2007 13:00:00 +0000'), ['implicit keep']],
      ],
    ],
  ],
  'RFC 5293 (editheader)': [
    [
      '§4 redirected once',
      `require "editheader";
/* Don't redirect if we already redirected */
if not header :contains "X-Sieve-Filtered"
        ["<kim@job.example.com>", "<kim@home.example.com>"]
{
        addheader "X-Sieve-Filtered" "<kim@job.example.com>";
        redirect "kim@home.example.com";
}`,
      [
        [plain, ['redirect kim@home.example.com']],
        [message('X-Sieve-Filtered: <kim@home.example.com>'), ['implicit keep']],
      ],
    ],
    [
      '§5 the first, if it matches',
      `require ["editheader", "relational"];
deleteheader :index 1 :contains "Delivered-To"
                        "bob@example.com";
if header :count "eq" "Delivered-To" "1" { discard; }`,
      [
        [message('Delivered-To: bob@example.com\nDelivered-To: anna@example.com'), ['discard']],
        [message('Delivered-To: anna@example.com\nDelivered-To: bob@example.com'), ['implicit keep']],
      ],
    ],
    [
      '§7 what is added is gone again',
      'require "editheader"; addheader "X-Hello" "World"; deleteheader :index 1 "X-Hello"; if exists "X-Hello" { discard; }',
      [[plain, ['implicit keep']]],
    ],
    [
      '§7 the first and the third',
      `require "editheader";
deleteheader :index 1 "X-Hello";
deleteheader :index 2 "X-Hello";
if allof (header "X-Hello" "two", not header "X-Hello" ["one", "three"]) { discard; }`,
      [[message('X-Hello: one\nX-Hello: two\nX-Hello: three'), ['discard']]],
    ],
    [
      '§7 tests see what was added',
      `require ["editheader", "fileinto"];
addheader "X-Hello" "World";
if header :contains "X-Hello" "World"
{
        fileinto "international";
}`,
      [[plain, ['fileinto international']]],
    ],
    [
      '§7 one message is filed',
      'require "editheader"; keep; addheader "X-Flavor" "vanilla"; keep;',
      [[plain, ['keep']]],
    ],
  ],
  'RFC 5429 (reject, ereject)': [
    [
      '§2.1 ereject',
      `require ["ereject"];
if address "from" "someone@example.com" {
    ereject "I no longer accept mail from this address";
}`,
      [
        [message('From: someone@example.com'), ['ereject: I no longer accept mail from this address']],
        [plain, ['implicit keep']],
      ],
    ],
    [
      '§2.2 reject',
      `require ["reject"];
if size :over 100K {
    reject text:
Your message is too big.  If you want to send me a big attachment,
put it on a public web site and send me a URL.
.
    ;
}`,
      [
        [
          message('From: a@example.net', 'x'.repeat(110_000)),
          [
            'reject: Your message is too big.  If you want to send me a big attachment, put it on a public web site and send me a URL.',
          ],
        ],
        [plain, ['implicit keep']],
      ],
    ],
    [
      '§2.2.1 reject with a report',
      `require ["reject"];
if header :contains "from" "coyote@desert.example.org" {
    reject text:
I am not taking mail from you, and I don't
want your birdseed, either!
.
    ;
}`,
      [
        [
          message('From: coyote@desert.example.org'),
          ["reject: I am not taking mail from you, and I don't want your birdseed, either!"],
        ],
      ],
    ],
  ],
  'RFC 5435 (enotify), RFC 5436 (mailto)': [
    [
      '§3.7 example 1',
      `require ["enotify", "fileinto", "variables"];
if header :contains "from" "boss@example.org" {
    notify :importance "1"
        :message "This is probably very important"
                    "mailto:alm@example.com";
    # Don't send any further notifications
    stop;
}
if header :contains "to" "sievemailinglist@example.org" {
    # :matches is used to get the value of the Subject header
    if header :matches "Subject" "*" {
        set "subject" "\${1}";
    }
    # :matches is used to get the value of the From header
    if header :matches "From" "*" {
        set "from" "\${1}";
    }
    notify :importance "3"
        :message "[SIEVE] \${from}: \${subject}"
        "mailto:alm@example.com";
    fileinto "INBOX.sieve";
}`,
      [
        [
          message('From: boss@example.org'),
          ['notify alm@example.com 1: This is probably very important', 'implicit keep'],
        ],
        [
          message('From: jo@example.org\nTo: sievemailinglist@example.org\nSubject: Loops'),
          ['notify alm@example.com 3: [SIEVE] jo@example.org: Loops', 'fileinto INBOX.sieve'],
        ],
      ],
    ],
    [
      '§3.7 example 2',
      `require ["enotify", "fileinto", "variables", "envelope"];
if header :matches "from" "*@*.example.org" {
    if envelope :all :matches "from" "*" {
        set "env_from" " [really: \${1}]";
    }
    if header :matches "Subject" "*" {
        set "subject" "\${1}";
    }
    if address :matches :all "from" "*" {
        set "from_addr" "\${1}";
    }
    notify :message "\${from_addr}\${env_from}: \${subject}"
                    "mailto:alm@example.com";
}`,
      [
        [
          message('From: jo@lists.example.org\nSubject: Hi'),
          [
            'notify alm@example.com 2: jo@lists.example.org [really: sender@example.net]: Hi',
            'implicit keep',
          ],
        ],
        [plain, ['implicit keep']],
      ],
    ],
    [
      '§3.7 example 3: methods that are not here are mistakes of the run',
      `require ["enotify", "variables"];
set "notif_method"
"xmpp:tim@example.com?message;subject=SIEVE;body=You%20got%20il";
if header :contains "subject" "Your dog" {
    set "notif_method" "tel:+14085551212";
}
if header :contains "to" "sievemailinglist@example.org" {
    set "notif_method" "";
}
if not string :is "\${notif_method}" "" {
    notify "\${notif_method}";
}
if header :contains "from" "boss@example.org" {
    if header :matches "Subject" "*" {
        set "subject" "\${1}";
    }
    if not header :contains "subject" "FYI:" {
        notify :importance "1" :message "BOSS: \${subject}"
                           "tel:+14085551212";
    }
}`,
      [
        [message('To: sievemailinglist@example.org'), ['implicit keep']],
        [
          plain,
          [
            'implicit keep',
            'error: line 11, column 5: This server sends notifications by mail only: write "mailto:anna@example.org", not "xmpp:tim@example.com?message;subject=SIEVE;body=You%20got%20".',
          ],
        ],
        [
          message('To: sievemailinglist@example.org\nFrom: boss@example.org'),
          [
            'implicit keep',
            'error: line 18, column 9: This server sends notifications by mail only: write "mailto:anna@example.org", not "tel:+14085551212".',
          ],
        ],
      ],
    ],
    [
      '§4 example 4',
      'require "enotify"; if not valid_notify_method ["mailto:",\n  "http://gw.example.net/notify?test"] {\n  stop;\n}\ndiscard;',
      [[plain, ['implicit keep']]],
    ],
    [
      '§5 example 5: nobody is online whom this server cannot reach',
      `require ["enotify"];
if notify_method_capability
       "xmpp:tim@example.com?message;subject=SIEVE"
       "Online"
       "yes" {
    discard;
} elsif notify_method_capability "mailto:tim@example.com" "Online" "maybe" {
    notify :message "You got mail" "mailto:tim@example.com";
}`,
      [[plain, ['notify tim@example.com 2: You got mail', 'implicit keep']]],
    ],
    [
      '§6 example 6',
      `require ["enotify", "variables"];
set :encodeurl "body_param" "Safe body&evil=evilbody";
notify "mailto:tim@example.com?body=\${body_param}";
if string "\${body_param}" "Safe%20body%26evil%3Devilbody" { discard; }`,
      [[plain, ['notify tim@example.com 2: Lunch', 'discard']]],
    ],
    [
      'RFC 5436 §3',
      `require ["enotify", "variables"];
if header :contains "list-id" "knitting.example.com" {
  if header :matches "Subject" "[*] *" {
    notify :message "From \${1} list: \${2}"
        :importance "3"
        "mailto:0123456789@sms.example.net?to=backup@example.com";
  }
}`,
      [
        [
          message('List-Id: Knitting Mailing List <knitting.example.com>\nSubject: [Knitting] A new sweater'),
          [
            'notify 0123456789@sms.example.net backup@example.com 3: From Knitting list: A new sweater',
            'implicit keep',
          ],
        ],
      ],
    ],
  ],
  'RFC 5490 (mailbox, mboxmetadata, servermetadata)': [
    [
      '§3.1 mailboxexists',
      `require ["fileinto", "reject", "mailbox"];
if mailboxexists "Partners" {
   fileinto "Partners";
} else {
   reject "This message was not accepted by the Mailstore";
}`,
      [
        [plain, ['fileinto Partners'], { mailboxes: ['INBOX', 'Partners'] }],
        [plain, ['reject: This message was not accepted by the Mailstore']],
      ],
    ],
    [
      // The RFC lacks a semicolon.
      '§3.3 metadata',
      `require ["mboxmetadata", "vacation"];
if metadata :is "INBOX"
   "/private/vendor/vendor.isode/auto-replies" "on" {
    vacation text:
I'm away on holidays till March 2009.
Expect a delay.
.
;
}`,
      [
        [plain, ['implicit keep']],
        [
          plain,
          [
            "vacation sender@example.net <Auto: Lunch> I'm away on holidays till March 2009. Expect a delay.",
            'implicit keep',
          ],
          { metadata: { 'INBOX /private/vendor/vendor.isode/auto-replies': 'on' } },
        ],
      ],
    ],
    [
      '§4.1 servermetadata',
      `require ["enotify", "servermetadata", "variables", "envelope"];
if servermetadata :matches
   "/private/vendor/vendor.isode/notification-uri" "*" {
    set "notif_uri" "\${0}";
}
if not string :is "\${notif_uri}" "none" {
    if envelope :all :matches "from" "*" {
        set "env_from" " [really: \${1}]";
    }
    if header :matches "Subject" "*" {
        set "subject" "\${1}";
    }
    if address :matches :all "from" "*" {
        set "from_addr" "\${1}";
    }
    notify :message "\${from_addr}\${env_from}: \${subject}"
           "\${notif_uri}";
}`,
      [
        [plain, ['implicit keep'], { metadata: { '/private/vendor/vendor.isode/notification-uri': 'none' } }],
        [
          plain,
          ['notify jo@example.org 2: anna@example.net [really: sender@example.net]: Lunch', 'implicit keep'],
          { metadata: { '/private/vendor/vendor.isode/notification-uri': 'mailto:jo@example.org' } },
        ],
      ],
    ],
  ],
  'RFC 6131 (vacation-seconds)': [
    [
      '§3 half an hour',
      `require ["vacation-seconds"];
vacation :addresses ["tjs@example.edu", "ts4z@landru.example.edu"]
         :seconds 1800
         "I am in a meeting, and do not have access to email.";`,
      [
        [
          message('To: tjs@example.edu'),
          [
            'vacation sender@example.net <Automated reply> I am in a meeting, and do not have access to email.',
            'implicit keep',
          ],
        ],
      ],
    ],
    [
      '§3 each message',
      `require ["vacation-seconds"];
vacation :handle "auto-resp" :seconds 0
    "Your request has been received.  A service
     representative will contact you as soon as
     possible, usually within one business day.";`,
      [
        [
          plain,
          [
            'vacation sender@example.net <Auto: Lunch> Your request has been received.  A service representative will contact you as soon as possible, usually within one business day.',
            'implicit keep',
          ],
        ],
      ],
    ],
  ],
  'RFC 6609 (include)': (() => {
    const scripts = {
      'personal always_allow': `if address :is "from" "boss@example.com"
{
    keep;
}
elsif address :is "from" "ceo@example.com"
{
    keep;
}`,
      'personal spam_tests': `require ["reject"];
if header :contains "Subject" "XXXX"
{
    reject "Subject XXXX is unacceptable.";
}
elsif address :is "from" "money@example.com"
{
    reject "Mail from this sender is unwelcome.";
}`,
      'personal mailing_lists': `require ["fileinto"];
if header :is "List-ID" "sieve.ietf.org"
{
    fileinto "lists.sieve";
}
elsif header :is "List-ID" "ietf-imapext.imc.org"
{
    fileinto "lists.imapext";
}`,
      'global spam_tests': `require ["reject"];
if anyof (header :contains "Subject" "$$",
          header :contains "Subject" "Make money")
{
    reject "No thank you.";
}`,
      'personal subject_tests': `require ["include", "variables"];
global ["test", "test_mailbox"];
if header :contains "Subject" "\${test}"
{
    set "test_mailbox" "spam-\${test}";
}`,
    }
    return [
      [
        '§3.2 scripts in a script',
        `require ["include"];
include :personal "always_allow";
include :global "spam_tests";
include :personal "spam_tests";
include :personal "mailing_lists";`,
        [
          [message('From: boss@example.com'), ['keep'], { scripts }],
          [message('Subject: Make money'), ['reject: No thank you.'], { scripts }],
          [message('Subject: XXXX'), ['reject: Subject XXXX is unacceptable.'], { scripts }],
          [message('List-ID: sieve.ietf.org'), ['fileinto lists.sieve'], { scripts }],
          [plain, ['implicit keep'], { scripts }],
        ],
      ],
      [
        '§3.4.1 global variables',
        `require ["fileinto", "include", "variables", "relational"];
global "test";
global "test_mailbox";
set "test" "$$";
include "subject_tests";
set "test" "Make money";
include "subject_tests";
if string :count "eq" "\${test_mailbox}" "1"
{
    fileinto "\${test_mailbox}";
    stop;
}`,
        [
          [message('Subject: $$'), ['fileinto spam-$$'], { scripts }],
          [message('Subject: Make money'), ['fileinto spam-Make money'], { scripts }],
          [plain, ['implicit keep'], { scripts }],
        ],
      ],
      [
        '§3.4.2 the namespace',
        'require ["variables", "include"];\nset "global.i_am_on_vacation" "1";',
        [[plain, ['implicit keep']]],
      ],
      [
        '§3.4.2 two ways to say the same',
        `require ["variables", "include", "vacation"];
global "i_am_on_vacation";
set "global.i_am_on_vacation" "1";
if string :is "\${i_am_on_vacation}" "1"
{
    vacation "It's true, I am on vacation.";
}`,
        [
          [
            plain,
            ["vacation sender@example.net <Auto: Lunch> It's true, I am on vacation.", 'implicit keep'],
          ],
        ],
      ],
    ]
  })(),
  'RFC 7352 (duplicate)': [
    ...[
      'require "duplicate";\nif duplicate {\n  discard;\n}',
      'require "duplicate";\nif duplicate :header "message-id" {\n  discard;\n}',
      'require ["duplicate", "variables"];\nif header :matches "message-id" "*" {\n  if duplicate :uniqueid "${0}" {\n    discard;\n  }\n}',
    ].map(
      (script, index): Example => [
        `§3.2 the same entry, written in ways: ${index + 1}`,
        script,
        [
          [plain, ['implicit keep']],
          [plain, ['discard'], { remembered: new Set(['duplicate [null,"<1@example.net>"]']) }],
        ],
      ],
    ),
    [
      '§5.1',
      'require ["duplicate", "fileinto", "mailbox"];\nif duplicate {\n  fileinto :create "Trash/Duplicate";\n}',
      [
        [plain, ['implicit keep']],
        [
          plain,
          ['fileinto Trash/Duplicate :create'],
          { remembered: new Set(['duplicate [null,"<1@example.net>"]']) },
        ],
      ],
    ],
    [
      '§5.2',
      `require ["duplicate", "variables", "imap4flags",
  "fileinto"];
if header :matches "subject" "ALERT: *" {
  if duplicate :seconds 60 :uniqueid "\${1}" {
    setflag "\\\\seen";
  }
  fileinto "Alerts";
}`,
      [
        [message('Subject: ALERT: disk full'), ['fileinto Alerts']],
        [
          message('Subject: ALERT: disk full'),
          ['fileinto Alerts [\\seen]'],
          { remembered: new Set(['duplicate [null,"disk full"]']) },
        ],
      ],
    ],
    [
      // With a method that this server has, in the place of XMPP.
      '§5.3',
      `require ["variables", "envelope", "enotify", "duplicate"];
if envelope :matches "from" "*" { set "sender" "\${1}"; }
if header :matches "subject" "*" { set "subject" "\${1}"; }
if not duplicate :seconds 1800 :uniqueid "\${sender}"
{
  notify :message "[SIEVE] \${sender}: \${subject}"
    "mailto:user@im.example.com";
}`,
      [
        [plain, ['notify user@im.example.com 2: [SIEVE] sender@example.net: Lunch', 'implicit keep']],
        [plain, ['implicit keep'], { remembered: new Set(['duplicate [null,"sender@example.net"]']) }],
      ],
    ],
    [
      '§5.3 each subject for itself',
      `require ["variables", "envelope", "enotify", "duplicate"];
if envelope :matches "from" "*" { set "sender" "\${1}"; }
if header :matches "subject" "*" { set "subject" "\${1}"; }
# account for 'Re:' prefix
if string :comparator "i;ascii-casemap"
  :matches "\${subject}" "Re:*"
{
  set "subject" "\${1}";
}
if not duplicate :seconds 1800
  :uniqueid "\${sender} \${subject}"
{
  notify :message "[SIEVE] \${sender}: \${subject}"
    "mailto:user@im.example.com";
}`,
      [
        [
          message('Subject: RE:Lunch'),
          ['notify user@im.example.com 2: [SIEVE] sender@example.net: Lunch', 'implicit keep'],
        ],
        [
          message('Subject: RE:Lunch'),
          ['implicit keep'],
          { remembered: new Set(['duplicate [null,"sender@example.net Lunch"]']) },
        ],
      ],
    ],
  ],
  'RFC 8579 (special-use)': [
    ...(
      [
        ['"\\\\Archive" "INBOX/Archive"', 'fileinto INBOX/Archive :specialuse \\Archive'],
        ['"\\\\Junk" "Spam"', 'fileinto Spam :specialuse \\Junk'],
        ['"\\\\Junk" :create "Spam"', 'fileinto Spam :create :specialuse \\Junk'],
      ] as const
    ).map(
      ([rest, action]): Example => [
        `§4 fileinto :specialuse ${rest}`,
        `require ["fileinto", "special-use", "mailbox"]; fileinto :specialuse ${rest};`,
        [[plain, [action]]],
      ],
    ),
    [
      // With :matches, as the erratum has it, and without imapsieve, which this server has not.
      '§3.1 specialuse_exists',
      `require ["special-use", "environment", "variables"];
if environment :matches "imap.mailbox" "*" {
    set "mailbox" "\${1}";
}
if allof(
    environment "imap.cause" "COPY",
    specialuse_exists "\${mailbox}" "\\\\Junk") {
    redirect "spam-report@example.org";
}`,
      [
        [plain, ['implicit keep']],
        [
          plain,
          ['redirect spam-report@example.org'],
          {
            environment: { 'imap.mailbox': 'Spam', 'imap.cause': 'COPY' },
            mailboxes: ['Spam'],
            specialUses: ['Spam \\Junk'],
          },
        ],
      ],
    ],
    [
      '§3 specialuse_exists of any mailbox',
      'require "special-use"; if specialuse_exists ["\\\\Archive", "\\\\Sent"] { discard; }',
      [
        [plain, ['implicit keep'], { specialUses: ['Old \\Archive'] }],
        [plain, ['discard'], { specialUses: ['Old \\Archive', 'Sent \\Sent'] }],
      ],
    ],
  ],
  'RFC 9042 (mailboxid)': [
    [
      '§4 fileinto :mailboxid',
      `require ["fileinto", "mailboxid"];
if header :contains "Subject" "coyote" {
    fileinto :mailboxid "F6352ae03-b7f5-463c-896f-d8b48ee3" "INBOX.harassment";
}`,
      [
        [
          message('Subject: coyote'),
          ['fileinto INBOX.harassment :mailboxid F6352ae03-b7f5-463c-896f-d8b48ee3'],
        ],
        [plain, ['implicit keep']],
      ],
    ],
    [
      '§4.1 with :create',
      `require ["fileinto", "mailboxid", "mailbox"];
fileinto :mailboxid "Fnosuch" :create "INBOX.no-such-folder";`,
      [[plain, ['fileinto INBOX.no-such-folder :create :mailboxid Fnosuch']]],
    ],
    [
      '§5 mailboxidexists',
      `require ["fileinto", "mailboxid"];
if mailboxidexists ["F1", "F2"] { fileinto :mailboxid "F1" "INBOX.name"; }
else { fileinto "INBOX.harassment"; }`,
      [
        [plain, ['fileinto INBOX.name :mailboxid F1'], { mailboxIds: ['F1', 'F2'] }],
        [plain, ['fileinto INBOX.harassment'], { mailboxIds: ['F1'] }],
      ],
    ],
  ],
  'draft-murchison-sieve-regex': [
    [
      '§3',
      `require "regex";
# Try to catch unsolicited email.
if anyof (
  # if a message is not to me (with optional +detail),
  not address :regex ["to", "cc", "bcc"]
    "me(\\\\+.*)?@company\\\\.com",
  # or the subject is all uppercase (no lowercase)
  header :regex :comparator "i;octet" "subject"
    "^[^[:lower:]]+$" ) {
  discard;     # junk it
}`,
      [
        [message('To: me+lists@company.com\nSubject: Hello'), ['implicit keep']],
        [message('To: me@company.com\nSubject: HELLO'), ['discard']],
        [message('To: you@company.com\nSubject: Hello'), ['discard']],
      ],
    ],
  ],
}

for (const [name, all] of Object.entries(examples))
  describe(`the examples of ${name}`, () => {
    for (const [section, script, runs] of all)
      for (const [index, [text, actions, world]] of runs.entries())
        it(`${section}: message ${index + 1}`, async () => {
          assert.deepEqual(await decide(script, text, world), actions)
        })
  })

describe('the modifiers of RFC 5229 §4.1', () => {
  const cases: readonly (readonly [modifiers: string, value: string, expected: string])[] = [
    ['', '${a}', 'juMBlEd lETteRS'],
    [':length', '${a}', '15'],
    [':lower', '${a}', 'jumbled letters'],
    [':upperfirst', '${a}', 'JuMBlEd lETteRS'],
    [':upperfirst :lower', '${a}', 'Jumbled letters'],
    [':quotewildcard', 'Rock*', 'Rock\\*'],
  ]
  for (const [modifiers, value, expected] of cases)
    it(`set ${modifiers} "${value}" is ${expected}`, async () => {
      const script = `require ["variables", "fileinto"]; set "a" "juMBlEd lETteRS"; set ${modifiers} "b" "${value}"; fileinto "\${b}";`
      assert.deepEqual(await decide(script, plain), [`fileinto ${expected}`])
    })
})

describe('the references of RFC 5229 §3', () => {
  const cases: readonly (readonly [written: string, expected: string])[] = [
    ['&%${}!', '&%${}!'],
    ['${doh!}', '${doh!}'],
    ['x${full}', 'x'],
    ['${company}', 'ACME'],
    ['${BAD${Company}', '${BADACME'],
    ['${President, ${Company} Inc.}', '${President, ACME Inc.}'],
    ['${com\\pany}', 'ACME'],
    ['${com\\\\pany}', '${com\\pany}'],
    ['\\${company}', 'ACME'],
    ['\\\\${company}', '\\ACME'],
  ]
  for (const [written, expected] of cases)
    it(`"${written}" is ${expected}`, async () => {
      const script = `require ["variables", "fileinto"]; set "company" "ACME"; fileinto "${written}";`
      assert.deepEqual(await decide(script, plain), [`fileinto ${expected}`])
    })
})

describe('the tests of RFC 5231 §6', () => {
  const text = message(
    'received: ...\nreceived: ...\nsubject: example\nto: foo@example.com, baz@example.com\ncc: qux@example.com',
  )
  const numeric = ':comparator "i;ascii-numeric"'
  const cases: readonly (readonly [test: string, expected: boolean])[] = [
    [`address :count "ge" ${numeric} ["to", "cc"] ["3"]`, true],
    [
      `anyof ( address :count "ge" ${numeric} ["to"] ["3"], address :count "ge" ${numeric} ["cc"] ["3"] )`,
      false,
    ],
    [`header :count "ge" ${numeric} ["received"] ["3"]`, false],
    [`header :count "ge" ${numeric} ["received", "subject"] ["3"]`, true],
    [`header :count "ge" ${numeric} ["to", "cc"] ["3"]`, false],
  ]
  for (const [test, expected] of cases)
    it(`${test} is ${expected}`, async () => {
      const script = `require ["relational", "comparator-i;ascii-numeric"]; if ${test} { discard; }`
      assert.deepEqual(await decide(script, text), [expected ? 'discard' : 'implicit keep'])
    })
})

describe('the tests of RFC 5232 §4', () => {
  const cases: readonly (readonly [before: string, test: string, expected: boolean])[] = [
    ['setflag "A B";', 'hasflag :is "b A"', true],
    ['setflag "A B";', 'hasflag ["b","A"]', true],
    ['', 'hasflag :contains "MyVar" "Junk"', true],
    ['', 'hasflag :contains "MyVar" "forward"', true],
    ['', 'hasflag :contains "MyVar" ["label", "forward"]', true],
    ['', 'hasflag :contains "MyVar" ["junk", "forward"]', true],
    ['', 'hasflag :contains "MyVar" "junk forward"', true],
    ['', 'hasflag :contains "MyVar" "forward junk"', true],
    ['', 'hasflag :contains "MyVar" "label"', false],
    ['', 'hasflag :contains "MyVar" ["label1", "label2"]', false],
    ['set "MyFlags" "A B";', 'hasflag :count "ge" :comparator "i;ascii-numeric" "MyFlags" "2"', true],
  ]
  for (const [before, test, expected] of cases)
    it(`${before} ${test} is ${expected}`, async () => {
      const script = `require ["imap4flags", "variables", "relational", "comparator-i;ascii-numeric"];
set "MyVar" "NonJunk Junk gnus-forward $Forwarded NotJunk JunkRecorded $Junk $NotJunk"; ${before}
if ${test} { discard; } setflag "";`
      assert.deepEqual(await decide(script, plain), [expected ? 'discard' : 'implicit keep'])
    })
})

describe('the message of RFC 5173 §5.2', () => {
  const text = `From: Whomever
To: Someone
Date: Whenever
Subject: whatever
Content-Type: multipart/mixed; boundary=outer

This is a multi-part message in MIME format.

--outer
Content-Type: multipart/alternative; boundary=inner

This is a nested multi-part message in MIME format.

--inner
Content-Type: text/plain; charset="us-ascii"

Hello

--inner
Content-Type: text/html; charset="us-ascii"

<html><body>Hello</body></html>

--inner--

This is the end of the inner MIME multipart.

--outer
Content-Type: message/rfc822

From: Someone Else
Subject: hello request

Please say Hello

--outer--

This is the end of the outer MIME multipart.
`
  const cases: readonly (readonly [test: string, expected: boolean])[] = [
    ['body :content "multipart" :contains "MIME"', true],
    ['body :content "multipart" :contains "end of the inner"', true],
    ['body :content "multipart" :contains "end of the outer"', true],
    ['body :content "multipart" :contains "Hello"', false],
    ['body :content "multipart" :contains "--inner"', false],
    ['body :content "text/plain" :contains "Hello"', true],
    ['body :content "text/plain" :contains "Please"', true],
    ['body :content "text/plain" :contains "<html>"', false],
    ['body :content "text/html" :contains "<body>Hello"', true],
    ['body :content "text/html" :contains "Please"', false],
    ['body :content "text" :contains "Hello"', true],
    ['body :content "message/rfc822" :contains "Hello"', true],
    ['body :content "message/rfc822" :contains "Please"', false],
    ['body :content "message/rfc822" :contains "Someone Else"', true],
    ['body :content "/html" :contains "Hello"', false],
    ['body :content "text/" :contains "Hello"', false],
    ['body :content "" :contains "Hello"', true],
  ]
  for (const [test, expected] of cases)
    it(`${test} is ${expected}`, async () => {
      assert.deepEqual(await decide(`require "body"; if ${test} { discard; }`, text), [
        expected ? 'discard' : 'implicit keep',
      ])
    })
})
