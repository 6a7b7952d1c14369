// The examples of RFC 5228, with what they do to messages that are and are not meant.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decide, problemsOf, type SieveWorld } from '../harness/sieve.ts'

/** §1.2 */
const messageA = `Date: Tue, 1 Apr 1997 09:06:31 -0800 (PST)
From: coyote@desert.example.org
To: roadrunner@acme.example.com
Subject: I have a present for you

Look, I'm sorry about the whole anvil thing, and I really
didn't mean to try and drop it on you from the top of the
cliff.  I want to try to make it up to you.  I've got some
great birdseed over here at my place--top of the line
stuff--and if you come by, I'll have it all wrapped up
for you.  I'm really sorry for all the problems I've caused
for you over the years, but I know we can work this out.
--
Wile E. Coyote   "Super Genius"   coyote@desert.example.org
`

const messageB = `From: youcouldberich!@reply-by-postal-mail.invalid
Sender: b1ff@de.res.example.com
To: rube@landru.example.com
Date:  Mon, 31 Mar 1997 18:26:10 -0800
Subject: $$$ YOU, TOO, CAN BE A MILLIONAIRE! $$$

YOU MAY HAVE ALREADY WON TEN MILLION DOLLARS, BUT I DOUBT
IT!  SO JUST POST THIS TO SIX HUNDRED NEWSGROUPS!  IT WILL
GUARANTEE THAT YOU GET AT LEAST FIVE RESPONSES WITH MONEY!
MONEY! MONEY! COLD HARD CASH!  YOU WILL RECEIVE OVER
$20,000 IN LESS THAN TWO MONTHS!  AND IT'S LEGAL!!!!!!!!!
!!!!!!!!!!!!!!!!!!111111111!!!!!!!11111111111!!1  JUST
SEND $5 IN SMALL, UNMARKED BILLS TO THE ADDRESSES BELOW!
`

const other = `From: tim@example.com
To: me@example.com
Date: Fri, 27 Nov 2026 10:00:00 +0000
Subject: Lunch

At noon?
`

const large = `From: tim@example.com\nDate: Fri, 27 Nov 2026 10:00:00 +0000\n\n${'x'.repeat(110_000)}\n`
const huge = `From: tim@example.com\n\n${'x'.repeat(1_200_000)}\n`
const withSubject = (subject: string): string => `From: tim@example.com\nSubject: ${subject}\n\nHello\n`
const from = (address: string): string => `From: ${address}\nSubject: x\n\nHello\n`

type Run = readonly [message: string, actions: readonly string[], world?: SieveWorld]

const examples: readonly (readonly [section: string, script: string, runs: readonly Run[]])[] = [
  [
    '§2.3 a comment behind #',
    'if size :over 100k { # this is a comment\n   discard;\n}',
    [
      [large, ['discard']],
      [other, ['implicit keep']],
    ],
  ],
  [
    '§2.3 a comment in /* */',
    'if size :over 100K { /* this is a comment\n this is still a comment */ discard /* this is a comment\n */ ;\n}',
    [
      [large, ['discard']],
      [other, ['implicit keep']],
    ],
  ],
  [
    '§2.4.2.4 encoded characters',
    'require "encoded-character";\nif header :contains "Subject" "$${hex:24 24}" {\n  discard;\n}',
    [
      [messageB, ['discard']],
      [withSubject('$$'), ['implicit keep']],
    ],
  ],
  [
    '§2.5.1 anyof with a test list',
    'if anyof (not exists ["From", "Date"],\n  header :contains "from" "fool@example.com") {\n  discard;\n}',
    [
      [from('fool@example.com'), ['discard']],
      ['Date: Fri, 27 Nov 2026 10:00:00 +0000\n\n', ['discard']],
      [other, ['implicit keep']],
    ],
  ],
  [
    '§2.7.3 a comparator that tells letters apart',
    'if header :contains :comparator "i;octet" "Subject"\n  "MAKE MONEY FAST" {\n  discard;\n}',
    [
      [withSubject('You can MAKE MONEY FAST'), ['discard']],
      [withSubject('You can Make Money Fast'), ['implicit keep']],
    ],
  ],
  [
    '§2.10.2 the implicit keep',
    'if size :over 500K { discard; }',
    [
      [messageA, ['implicit keep']],
      [huge, ['discard']],
    ],
  ],
  [
    '§3.1 if, elsif, else',
    `require "fileinto";
if header :contains "from" "coyote" {
   discard;
} elsif header :contains ["subject"] ["$$$"] {
   discard;
} else {
   fileinto "INBOX";
}`,
    [
      [messageA, ['discard']],
      [messageB, ['discard']],
      [other, ['fileinto INBOX']],
    ],
  ],
  [
    '§3.1 each message to somebody else',
    `if header :contains ["From"] ["coyote"] {
   redirect "acm@example.com";
} elsif header :contains "Subject" "$$$" {
   redirect "postmaster@example.com";
} else {
   redirect "field@example.com";
}`,
    [
      [messageA, ['redirect acm@example.com']],
      [messageB, ['redirect postmaster@example.com']],
      [other, ['redirect field@example.com']],
    ],
  ],
  ['§3.2 require with a list', 'require ["fileinto", "reject"];', [[other, ['implicit keep']]]],
  ['§3.2 several requires', 'require "fileinto";\nrequire "vacation";', [[other, ['implicit keep']]]],
  [
    '§4.1 fileinto',
    'require "fileinto";\nif header :contains ["from"] "coyote" {\n  fileinto "INBOX.harassment";\n}',
    [
      [messageA, ['fileinto INBOX.harassment']],
      [other, ['implicit keep']],
    ],
  ],
  ['§4.2 redirect of all mail', 'redirect "bart@example.com";', [[other, ['redirect bart@example.com']]]],
  [
    '§4.3 keep what is small',
    'if size :under 1M { keep; } else { discard; }',
    [
      [other, ['keep']],
      [huge, ['discard']],
    ],
  ],
  [
    '§4.3 the same the other way round',
    'if not size :under 1M { discard; }',
    [
      [other, ['implicit keep']],
      [huge, ['discard']],
    ],
  ],
  [
    '§4.4 discard',
    'if header :contains ["from"] ["idiot@example.com"] {\n  discard;\n}',
    [
      [from('An Idiot <idiot@example.com>'), ['discard']],
      [other, ['implicit keep']],
    ],
  ],
  [
    '§5.1 address',
    'if address :is :all "from" "tim@example.com" {\n  discard;\n}',
    [
      [other, ['discard']],
      [from('Tim <TIM@example.com>'), ['discard']],
      [from('"tim@example.com" <jim@example.com>'), ['implicit keep']],
    ],
  ],
  [
    '§5.4 envelope',
    'require "envelope";\nif envelope :all :is "from" "tim@example.com" {\n  discard;\n}',
    [
      [messageA, ['discard'], { from: 'tim@example.com' }],
      [messageA, ['implicit keep'], { from: null }],
      [other, ['implicit keep'], { from: 'coyote@desert.example.org' }],
    ],
  ],
  [
    '§5.5 exists',
    'if not exists ["From","Date"] {\n  discard;\n}',
    [
      [messageA, ['implicit keep']],
      ['From: tim@example.com\n\nHello\n', ['discard']],
    ],
  ],
  [
    '§9 the extended example',
    `#
# Example Sieve Filter
# Declare any optional features or extension used by the script
#
require ["fileinto"];

#
# Handle messages from known mailing lists
# Move messages from IETF filter discussion list to filter mailbox
#
if header :is "Sender" "owner-ietf-mta-filters@imc.org"
        {
        fileinto "filter";  # move to "filter" mailbox
        }
#
# Keep all messages to or from people in my company
#
elsif address :DOMAIN :is ["From", "To"] "example.com"
        {
        keep;               # keep in "In" mailbox
        }

#
# Try and catch unsolicited email.  If a message is not to me,
# or it contains a subject known to be spam, file it away.
#
elsif anyof (NOT address :all :contains
               ["To", "Cc", "Bcc"] "me@example.com",
             header :matches "subject"
               ["*make*money*fast*", "*university*dipl*mas*"])
        {
        fileinto "spam";   # move to "spam" mailbox
        }
else
        {
        # Move all other (non-company) mail to "personal"
        # mailbox.
        fileinto "personal";
        }`,
    [
      ['Sender: owner-ietf-mta-filters@imc.org\n\n', ['fileinto filter']],
      [other, ['keep']],
      ['From: a@example.net\nTo: b@example.net\n\n', ['fileinto spam']],
      [
        'From: a@example.net\nTo: b@example.net\nCc: me@example.com.example.net\nSubject: Make easy money very fast\n\n',
        ['fileinto spam'],
      ],
      [
        'From: a@example.net\nTo: b@example.net\nCc: me@example.com.example.net\nSubject: Hello\n\n',
        ['fileinto personal'],
      ],
    ],
  ],
]

describe('the examples of RFC 5228', () => {
  for (const [section, script, runs] of examples)
    for (const [index, [message, actions, world]] of runs.entries())
      it(`${section}: message ${index + 1}`, async () => {
        assert.deepEqual(await decide(script, message, world), actions)
      })
})

describe('what RFC 5228 says of a test in a line', () => {
  const caffeine = 'X-Caffeine: C8H10N4O2\nTo: Me <me@example.com>\n\n'
  const tests: readonly (readonly [string, boolean])[] = [
    ['allof (false, false)', false],
    ['allof (false, true)', false],
    ['allof (true,  true)', true],
    ['anyof (false, false)', false],
    ['anyof (false, true)', true],
    ['anyof (true,  true)', true],
    ['not false', true],
    ['not true', false],
    ['header :is ["X-Caffeine"] [""]', false],
    ['header :contains ["X-Caffeine"] [""]', true],
    ['not header :matches "Cc" "?*"', true],
    ['not header :matches "X-Caffeine" "?*"', false],
    ['exists "To"', true],
    ['exists ["To"]', true],
    ['header :contains ["To", "Cc"] ["me@example.com", "me00@landru.example.com"]', true],
  ]
  for (const [test, expected] of tests)
    it(`${test} is ${expected}`, async () => {
      assert.deepEqual(await decide(`if ${test} { discard; }`, caffeine), [
        expected ? 'discard' : 'implicit keep',
      ])
    })

  it('takes a message of exactly the size for neither over nor under it (§5.9)', async () => {
    const message = `From: a@example.com\n\n${'x'.repeat(4000)}`.slice(0, 3998)
    assert.equal(Buffer.byteLength(message.replaceAll('\n', '\r\n')), 4000)
    assert.deepEqual(await decide('if anyof (size :over 4000, size :under 4000) { discard; }', message), [
      'implicit keep',
    ])
  })
})

describe('the strings of RFC 5228 §2.7.1', () => {
  const cases: readonly (readonly [type: string, value: string, key: string, matches: boolean])[] = [
    [':contains', 'frobnitzm', 'frob', true],
    [':contains', 'frobnitzm', 'nit', true],
    [':contains', 'frobnitzm', 'fbm', false],
    [':contains', 'frobnitzm', '', true],
    [':is', 'frobnitzm', 'frobnitzm', true],
    [':is', 'frobnitzm', 'frobnit', false],
    [':is', '', '', true],
    [':is', 'frobnitzm', '', false],
    [':matches', 'what?', 'what\\\\?', true],
    [':matches', 'whatever', 'what\\\\?', false],
    [':matches', 'a*b', 'a\\\\*b', true],
    [':matches', 'aXb', 'a\\\\*b', false],
    [':matches', 'aXb', 'a?b', true],
    [':matches', 'ab', 'a?b', false],
    [':matches', 'frobnitzm', 'f*b*m', true],
  ]
  for (const [type, value, key, matches] of cases)
    it(`"${value}" ${type} "${key}": ${matches}`, async () => {
      const script = `require ["variables"]; if string ${type} "${value}" "${key}" { discard; }`
      assert.deepEqual(await decide(script, other), [matches ? 'discard' : 'implicit keep'])
    })
})

describe('the encoded characters of RFC 5228 §2.4.2.4', () => {
  const cases: readonly (readonly [written: string, meant: string])[] = [
    ['$${hex:40}', '$@'],
    ['${hex: 40 }', '@'],
    ['${HEX: 40}', '@'],
    ['${hex:40', '${hex:40'],
    ['${hex:400}', '${hex:400}'],
    ['${hex:4${hex:30}}', '${hex:40}'],
    ['${unicode:40}', '@'],
    ['${ unicode:40}', '${ unicode:40}'],
    ['${UNICODE:40}', '@'],
    ['${UnICoDE:0000040}', '@'],
    ['${Unicode:40}', '@'],
    ['${Unicode:Cool}', '${Unicode:Cool}'],
    ['${hex:c3}${hex:a4}', 'ä'],
  ]
  for (const [written, meant] of cases)
    it(`${written} is ${meant}`, async () => {
      const script = `require ["encoded-character", "fileinto"]; fileinto "x${written}";`
      assert.deepEqual(await decide(script, other), [`fileinto x${meant}`])
    })
  for (const written of ['${unicode:200000}', '${Unicode:DF01}'])
    it(`${written} is a mistake`, () => {
      assert.equal(
        problemsOf(`require "encoded-character"; keep; redirect "a${written}@example.com";`).length > 0,
        true,
      )
    })
})
