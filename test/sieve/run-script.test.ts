// What a run of a script does beyond the examples of the RFCs: mistakes that show only then, edits, memory, the trace.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decide, run } from '../harness/sieve.ts'

const plain =
  'From: Anna <anna@example.net>\nTo: me@example.com\nSubject: Lunch\nMessage-ID: <1@example.net>\n\nAt noon?\n'
const message = (fields: string, body = 'Hello'): string => `${fields}\n\n${body}\n`

describe('a mistake that shows when a script runs', () => {
  const cases: readonly (readonly [what: string, script: string, error: string])[] = [
    [
      'an address that a variable does not hold',
      'require "variables";\nif header :matches "subject" "*" {\n  redirect "${1}";\n}',
      'line 3, column 3: "Lunch" is no address: write one, as in anna@example.org.',
    ],
    [
      'a mailbox without a name',
      'require ["variables", "fileinto"]; fileinto "${nothing}";',
      'line 1, column 36: The name of a mailbox must not be empty.',
    ],
    [
      'reject behind keep',
      'require "reject"; keep; reject "no";',
      'line 1, column 25: The message was delivered or answered before, and is not to be rejected as well. Write stop; behind what comes before this.',
    ],
    [
      'keep behind reject',
      'require "ereject"; ereject "no"; keep;',
      'line 1, column 34: keep delivers a message that was rejected before. Write stop; behind the reject.',
    ],
    [
      'two rejects',
      'require "reject"; reject "no"; reject "no";',
      'line 1, column 32: The message was rejected before, and can be rejected once. Write stop; behind the first.',
    ],
    [
      'two answers',
      'require "vacation"; vacation "a"; vacation "b";',
      'line 1, column 35: vacation was used before, and can be used once for a message. Put the two into if and else.',
    ],
    [
      'five redirects',
      'redirect "a@example.org"; redirect "b@example.org"; redirect "c@example.org"; redirect "d@example.org"; redirect "e@example.org";',
      'line 1, column 105: A message may be redirected to 4 addresses, and this would be one more.',
    ],
    ['error', 'require "ihave"; error "Not today.";', 'line 1, column 18: Not today.'],
    [
      'a relation in a variable that is none',
      'require ["variables", "relational"]; set "r" "more"; if header :value "${r}" "subject" "x" { keep; }',
      'line 1, column 57: "more" is no relation: use one of gt, ge, lt, le, eq, ne.',
    ],
    [
      'an include that is missing',
      'require "include"; include "lists";',
      'line 1, column 20: There is no personal script "lists". Write it, or add :optional to the include.',
    ],
  ]
  for (const [what, script, error] of cases)
    it(`${what}: the message is kept, and the owner told`, async () => {
      assert.deepEqual(await decide(script, plain), ['implicit keep', `error: ${error}`])
    })

  it('undoes everything that the script has wanted before, and remembers nothing', async () => {
    const script = `require ["fileinto", "imap4flags", "editheader", "duplicate", "ihave"];
if duplicate { discard; }
addheader "X-Seen" "yes"; setflag "\\\\Seen"; redirect "a@example.org"; fileinto "Lists";
error "no";`
    const outcome = await run(script, plain)
    assert.deepEqual(outcome.actions, [
      { kind: 'keep', flags: [], headerSection: undefined, origin: undefined },
    ])
    assert.deepEqual(outcome.remember, [])
  })

  it('tells the script that it stands in', async () => {
    const scripts = { 'personal lists': 'keep;\nkepe;', 'personal run': 'require "ihave";\n\nerror "here";' }
    assert.deepEqual(await decide('require "include"; include "lists";', plain, { scripts }), [
      'implicit keep',
      'error: line 1, column 20: The script "lists" cannot be run: line 2, column 1: There is no command kepe. Did you mean keep?',
    ])
    const { error } = await run('require "include"; include "run";', plain, { scripts })
    assert.deepEqual(error, {
      line: 3,
      column: 1,
      text: 'here',
      script: { location: 'personal', name: 'run' },
    })
  })

  it('is no regular expression that a stranger wrote', async () => {
    const script =
      'require ["variables", "regex"]; if header :matches "subject" "*" { if header :regex "to" "${1}" { discard; } }'
    const outcome = await run(script, message('Subject: ('))
    assert.equal(outcome.error, undefined)
    assert.match(outcome.trace.map(({ text }) => text).join('\n'), /:regex matches nothing here/)
  })
})

describe('include', () => {
  const scripts = {
    'personal a': 'require "include"; include "b";',
    'personal b': 'require "include"; include "a";',
    'personal once': 'require ["include", "fileinto"]; fileinto :copy "x";'.replace(
      '"fileinto"',
      '"fileinto", "copy"',
    ),
    'personal stop': 'stop;',
    'personal return': 'require "include"; return; discard;',
    'personal private': 'require ["variables", "fileinto"]; fileinto "x${name}";',
    'personal edits':
      'require "editheader"; if header "X-A" "1" { deleteheader "X-A"; addheader "X-B" "2"; }',
  }

  it('in a circle is a mistake', async () => {
    assert.deepEqual(await decide('require "include"; include "a";', plain, { scripts }), [
      'implicit keep',
      'error: line 1, column 20: The script "a" includes itself, perhaps through another: take one of these includes away, or add :once to it.',
    ])
  })

  it('with :once passes over what was included, also in a circle', async () => {
    const circle = { ...scripts, 'personal b': 'require "include"; include :once "a";' }
    assert.deepEqual(await decide('require "include"; include "a";', plain, { scripts: circle }), [
      'implicit keep',
    ])
    const script =
      'require "include"; include :once "once"; include :once "once"; include :once "stop"; discard;'
    assert.deepEqual(await decide(script, plain, { scripts }), ['fileinto x', 'implicit keep'])
  })

  it('goes on behind return, and not behind stop', async () => {
    assert.deepEqual(await decide('require "include"; include "return"; discard;', plain, { scripts }), [
      'discard',
    ])
    assert.deepEqual(await decide('require "include"; include "stop"; discard;', plain, { scripts }), [
      'implicit keep',
    ])
  })

  it('keeps the variables of each script apart, and what is matched', async () => {
    const script = 'require ["include", "variables"]; set "name" "y"; include "private";'
    assert.deepEqual(await decide(script, plain, { scripts }), ['fileinto x'])
  })

  it('hands edits of the header on, both ways', async () => {
    const script =
      'require ["include", "editheader"]; addheader "X-A" "1"; include "edits"; if allof (header "X-B" "2", not exists "X-A") { discard; }'
    assert.deepEqual(await decide(script, plain, { scripts }), ['discard'])
  })

  it('tells the caller beforehand what it will ask for', async () => {
    const { parseScript } = await import('../../src/sieve/parse-script.ts')
    const { script } = parseScript(
      'require ["include", "body"]; include :global "a"; if body "x" { include :optional "b"; }',
    )
    assert.deepEqual(script?.needs, [
      { kind: 'include', location: 'global', name: 'a' },
      { kind: 'body' },
      { kind: 'include', location: 'personal', name: 'b' },
    ])
  })
})

describe('a header section that a script edits', () => {
  async function section(script: string, text = plain): Promise<string> {
    const { actions } = await run(`require ["editheader"]; ${script}`, text)
    const [action] = actions
    assert.ok(action && 'headerSection' in action && action.headerSection)
    return Buffer.from(action.headerSection).toString()
  }
  const before = plain.split('\n\n')[0]?.replaceAll('\n', '\r\n') ?? ''

  it('has the new field on top, or at its end', async () => {
    assert.equal(await section('addheader "X-A" "one";'), `X-A: one\r\n${before}\r\n`)
    assert.equal(await section('addheader :last "X-A" "one";'), `${before}\r\nX-A: one\r\n`)
  })

  it('has text beyond ASCII in encoded words', async () => {
    assert.equal(await section('addheader "X-A" "счёт";'), `X-A: =?UTF-8?B?0YHRh9GR0YI=?=\r\n${before}\r\n`)
  })

  it('never gets another field, or its end, from a value', async () => {
    const script = 'addheader "X-A" text:\none\nTo: two\n\nthree\n.\n;'
    assert.equal(await section(script), `X-A: one To: two three\r\n${before}\r\n`)
  })

  it('folds what is long', async () => {
    const lines = (await section(`addheader "X-A" "${'word '.repeat(100)}";`)).split('\r\n')
    assert.ok(lines.every(line => line.length <= 78))
    const long = await section(`addheader "X-A" "${'x'.repeat(5000)}";`)
    assert.ok(long.split('\r\n').every(line => line.length <= 998))
  })

  it('keeps what shows the way of the message', async () => {
    const text = message('Received: a\nAuto-Submitted: auto-replied\nSubject: x')
    const script =
      'deleteheader "Received"; deleteheader "Auto-Submitted"; addheader "Received" "b"; deleteheader "Subject";'
    assert.equal(await section(script, text), 'Received: a\r\nAuto-Submitted: auto-replied\r\n')
  })

  it('is that of each copy as it was then', async () => {
    const script =
      'require ["editheader", "fileinto"]; fileinto "a"; addheader "X-A" "1"; fileinto "b"; fileinto "c"; deleteheader "X-A";'
    const { actions } = await run(script, plain)
    const sections = actions.map(action => ('headerSection' in action ? action.headerSection : 'none'))
    assert.equal(sections[0], undefined)
    assert.equal(Buffer.from(sections[1] as Uint8Array).toString(), `X-A: 1\r\n${before}\r\n`)
    assert.equal(sections[2], sections[1])
  })

  it('counts for size', async () => {
    const size = Buffer.byteLength(plain.replaceAll('\n', '\r\n'))
    const script = `require "editheader"; addheader "X-A" "1"; if allof (size :over ${size + 7}, size :under ${size + 9}) { discard; }`
    assert.deepEqual(await decide(script, plain), ['discard'])
  })
})

describe('vacation', () => {
  const script = 'require "vacation"; vacation "Away";'
  const answer = ['vacation sender@example.net <Auto: Lunch> Away', 'implicit keep']

  it('answers a message to its owner', async () => {
    assert.deepEqual(await decide(script, plain), answer)
  })

  const silent: readonly (readonly [what: string, text: string, from?: string | null])[] = [
    ['has no sender', plain, null],
    ['is to nobody that the owner is', message('To: all@example.com\nSubject: Lunch')],
    ['comes from a list', message('To: me@example.com\nList-Id: <a.example.net>')],
    ['is automatic', message('To: me@example.com\nAuto-Submitted: auto-generated')],
    ['is bulk', message('To: me@example.com\nPrecedence: bulk')],
    ['asks for no answers', message('To: me@example.com\nX-Auto-Response-Suppress: OOF, AutoReply')],
    ['comes from a mailer', plain, 'MAILER-DAEMON@example.net'],
    ['comes from the owner of a list', plain, 'owner-list@example.net'],
    ['comes from a list manager', plain, 'list-request@example.net'],
    [
      'comes from a list, each member by an address of its own',
      plain,
      'list-bounces+me=example.com@example.net',
    ],
    ['comes from a sender of bulk mail', plain, 'bounces+1234-5abc-me=example.com@example.net'],
    ['comes from the owner himself', plain, 'me@example.com'],
  ]
  for (const [what, text, from = 'sender@example.net'] of silent)
    it(`does not answer what ${what}, and says why`, async () => {
      const outcome = await run(script, text, { from })
      assert.deepEqual(
        outcome.actions.map(({ kind }) => kind),
        ['keep'],
      )
      assert.deepEqual(outcome.remember, [])
      assert.match(outcome.trace.map(each => each.text).join('\n'), /vacation does not answer: /)
    })

  it('answers what says that it is not automatic', async () => {
    assert.deepEqual(
      await decide(script, message('To: me@example.com\nSubject: Lunch\nAuto-Submitted: no')),
      answer,
    )
  })

  it('answers once in its time', async () => {
    const { remember } = await run('require "vacation"; vacation :days 3 "Away";', plain)
    assert.deepEqual(
      remember.map(({ kind, seconds }) => ({ kind, seconds })),
      [{ kind: 'vacation', seconds: 3 * 86_400 }],
    )
    const remembered = new Set(remember.map(({ kind, key }) => `${kind} ${key}`))
    assert.deepEqual(await decide('require "vacation"; vacation :days 3 "Away";', plain, { remembered }), [
      'implicit keep',
    ])
    assert.deepEqual(
      (await decide('require "vacation"; vacation :days 3 "Gone";', plain, { remembered })).length,
      2,
      'another text is another answer',
    )
    assert.equal(
      (await decide('require "vacation"; vacation "Away";', plain, { remembered, from: 'b@example.net' }))
        .length,
      2,
    )
  })

  it('takes answers with one handle for the same, and tells variables apart by how they are written', async () => {
    const keys = async (text: string, subject = 'Lunch'): Promise<string[]> =>
      (await run(text, message(`To: me@example.com\nSubject: ${subject}`))).remember.map(({ key }) => key)
    const handle = (text: string): string => `require "vacation"; vacation :handle "h" "${text}";`
    assert.deepEqual(await keys(handle('a')), await keys(handle('b')))
    const variable =
      'require ["vacation", "variables"]; if header :matches "subject" "*" { vacation :subject "Re: ${1}" "Away"; }'
    assert.deepEqual(await keys(variable, 'one'), await keys(variable, 'two'))
  })

  it('keeps within the times that the server allows', async () => {
    const seconds = async (tags: string): Promise<number | undefined> =>
      (await run(`require ["vacation", "vacation-seconds"]; vacation ${tags} "Away";`, plain)).remember[0]
        ?.seconds
    assert.equal(await seconds(':days 0'), 86_400)
    assert.equal(await seconds(''), 7 * 86_400)
    assert.equal(await seconds(':days 10000'), 60 * 86_400)
    assert.equal(await seconds(':seconds 1800'), 1800)
    assert.equal(await seconds(':seconds 0'), 600)
  })

  it('names the message that it answers, and those before', async () => {
    const text = message(
      'To: me@example.com\nMessage-ID: <3@a.example>\nReferences: <1@a.example>\n <2@a.example>',
    )
    const [action] = (await run(script, text)).actions
    assert.ok(action?.kind === 'vacation')
    assert.equal(action.inReplyTo, '<3@a.example>')
    assert.deepEqual(action.references, ['<1@a.example>', '<2@a.example>', '<3@a.example>'])
  })

  it('answers from the address that was written to', async () => {
    const owner = ['me@example.com', 'sales@example.com']
    const [action] = (await run(script, message('To: Sales <sales@example.com>'), { owner })).actions
    assert.ok(action?.kind === 'vacation')
    assert.equal(action.from, 'sales@example.com')
  })

  it('has lines that end with CRLF and no NUL, whatever variables hold', async () => {
    const text =
      'require ["vacation", "variables", "encoded-character"]; if header :matches "x" "*" { vacation "a${unicode:0a}b${unicode:0d}c${1}"; }'
    const [action] = (await run(text, message('To: me@example.com\nX: =?utf-8?q?d=00e?='))).actions
    assert.ok(action?.kind === 'vacation')
    assert.equal(action.text, 'a\r\nb\r\ncde')
  })

  it('has a subject that is cut between characters, and shows it', async () => {
    const [action] = (await run(script, message(`To: me@example.com\nSubject: ${'😀'.repeat(300)}`))).actions
    assert.ok(action?.kind === 'vacation')
    assert.equal(action.subject, `Auto: ${'😀'.repeat(249)}…`)
  })

  it('has no line end in its subject, whatever the message has', async () => {
    const text = message('To: me@example.com\nSubject: =?utf-8?q?a=0D=0ABcc:_b@example.net?=')
    const [action] = (await run(script, text)).actions
    assert.ok(action?.kind === 'vacation')
    assert.equal(action.subject, 'Auto: a Bcc: b@example.net')
  })
})

describe('notify', () => {
  it('tells nobody of what is automatic', async () => {
    const script = 'require "enotify"; notify "mailto:a@example.org";'
    assert.deepEqual(await decide(script, message('Auto-Submitted: auto-notified')), ['implicit keep'])
  })

  it('has the null reverse-path where the message has', async () => {
    const script = 'require "enotify"; notify :from "Me <me2@example.com>" "mailto:a@example.org";'
    const [action] = (await run(script, plain, { from: null })).actions
    assert.ok(action?.kind === 'notify')
    assert.equal(action.reversePath, null)
    const [other] = (await run(script, plain)).actions
    assert.ok(other?.kind === 'notify')
    assert.deepEqual(other.reversePath, { localPart: 'me2', domain: 'example.com' })
    assert.equal(other.from, 'Me <me2@example.com>')
  })

  it('takes from the URI what it may say, and nothing of what the server says', async () => {
    const script =
      'require "enotify"; notify "mailto:a@example.org?cc=b@example.org&subject=Hi%20you&body=Text&x-color=red&from=evil@example.org&received=x&auto-submitted=no";'
    const [action] = (await run(script, plain)).actions
    assert.ok(action?.kind === 'notify')
    assert.deepEqual(
      { cc: action.cc, subject: action.subject, text: action.text, fields: action.fields, from: action.from },
      {
        cc: [{ localPart: 'b', domain: 'example.org' }],
        subject: 'Hi you',
        text: 'Text',
        fields: [{ name: 'X-Color', value: 'red' }],
        from: 'me@example.com',
      },
    )
  })

  it('tells each address once', async () => {
    const script =
      'require "enotify"; notify "mailto:a@example.org"; notify "mailto:a@example.org,b@example.org"; notify "mailto:b@example.org";'
    assert.deepEqual(await decide(script, plain), [
      'notify a@example.org 2: Lunch',
      'notify b@example.org 2: Lunch',
      'implicit keep',
    ])
  })
})

describe('flags', () => {
  it('are those that were said last, of one copy in a mailbox', async () => {
    const script = `require ["fileinto", "imap4flags"];
fileinto :flags "\\\\Seen" "a"; fileinto :flags ["x", "\\\\Draft"] "a"; keep; setflag "y"; fileinto "inbox";`
    assert.deepEqual(await decide(script, plain), ['fileinto a [x \\Draft]', 'keep [y]'])
  })

  it('go along with the implicit keep', async () => {
    assert.deepEqual(await decide('require "imap4flags"; addflag "a"; addflag "A b";', plain), [
      'implicit keep [a b]',
    ])
  })

  it('that a client cannot set are passed over', async () => {
    assert.deepEqual(
      await decide('require "imap4flags"; setflag ["\\\\Recent", "\\\\Odd", "счёт", "a(b", ""]; ', plain),
      ['implicit keep'],
    )
  })
})

describe('ihave', () => {
  it('lets a script have what is here, and go around what is not', async () => {
    const script = `require "ihave";
if ihave "fileinto" { fileinto "a"; }
if ihave ["fileinto", "vnd.example.teleport"] { teleport "b"; } else { keep; }`
    assert.deepEqual(await decide(script, plain), ['fileinto a', 'keep'])
  })

  it('has to be asked before', async () => {
    const script = 'require "ihave"; fileinto "a"; if ihave "fileinto" { stop; }'
    assert.deepEqual(await decide(script, plain), [
      'implicit keep',
      'error: line 1, column 18: fileinto needs the extension fileinto, which no ihave test has found before. Put it into an if with ihave "fileinto".',
    ])
  })

  it('finds nothing that changes how a script is read', async () => {
    assert.deepEqual(await decide('require "ihave"; if ihave "variables" { discard; }', plain), [
      'implicit keep',
    ])
  })
})

describe('a comparator', () => {
  const matches = async (comparator: string, value: string, key: string, type = ':is'): Promise<boolean> => {
    const script = `require ["variables", "relational", "comparator-i;ascii-numeric", "comparator-i;unicode-casemap"];
if string ${type} :comparator "${comparator}" "${value}" "${key}" { discard; }`
    return (await decide(script, plain))[0] === 'discard'
  }

  it('i;ascii-numeric takes the digits before anything else, and no digits for the largest number', async () => {
    assert.equal(await matches('i;ascii-numeric', '007 agents', '7'), true)
    assert.equal(await matches('i;ascii-numeric', '10', '9', ':value "gt"'), true)
    assert.equal(
      await matches('i;ascii-numeric', '99999999999999999999', '9999999999999999999', ':value "gt"'),
      true,
    )
    assert.equal(await matches('i;ascii-numeric', 'x', '5', ':value "gt"'), true)
    assert.equal(await matches('i;ascii-numeric', '', 'y', ':value "eq"'), true)
  })

  it('i;ascii-casemap folds A to Z alone, i;unicode-casemap all letters', async () => {
    assert.equal(await matches('i;ascii-casemap', 'Straße', 'sTRAße'), true)
    assert.equal(await matches('i;ascii-casemap', 'СЧЁТ', 'счёт'), false)
    assert.equal(await matches('i;unicode-casemap', 'СЧЁТ', 'счёт'), true)
    assert.equal(await matches('i;unicode-casemap', 'Ваш СЧЁТ', 'счёт', ':contains'), true)
    assert.equal(await matches('i;unicode-casemap', 'СЧЁТ', 'сч?т', ':matches'), true)
  })
})

describe('the trace', () => {
  it('says which lines decided', async () => {
    const script = `require ["fileinto", "imap4flags"];
if header :contains "subject" "invoice" {
  fileinto "Invoices";
} elsif address :domain "from" "example.net" {
  setflag "\\\\Flagged";
  fileinto "Work";
  stop;
}
discard;`
    const { trace } = await run(script, plain)
    assert.deepEqual(
      trace.map(({ line, kind, text }) => `line ${line}: ${kind} ${text}`),
      [
        'line 4: test elsif address :domain: true',
        'line 6: action fileinto "Work" with \\Flagged',
        'line 7: action stop',
      ],
    )
  })
})

describe('addresses', () => {
  const matches = async (fields: string, test: string): Promise<boolean> =>
    (await decide(`require ["subaddress"]; if ${test} { discard; }`, message(fields)))[0] === 'discard'

  it('are found in groups, behind names and comments, and in encoded words', async () => {
    assert.equal(
      await matches(
        'To: Friends: anna@example.net, Boris <boris@example.net>;',
        'address "to" "boris@example.net"',
      ),
      true,
    )
    assert.equal(
      await matches('To: (comment) anna@example.net (x@example.org)', 'address "to" "x@example.org"'),
      false,
    )
    assert.equal(
      await matches('From: =?utf-8?q?A,_b?= <anna@example.net>', 'address "from" "anna@example.net"'),
      true,
    )
  })

  it('are never what a name decodes to', async () => {
    const fields = 'From: =?utf-8?q?boss@example.org,?= <mallory@example.net>'
    assert.equal(await matches(fields, 'address "from" "boss@example.org"'), false)
    assert.equal(await matches(fields, 'address "from" "mallory@example.net"'), true)
  })

  it('have their local-part without quotes', async () => {
    assert.equal(await matches('From: "a b"@example.net', 'address :localpart "from" "a b"'), true)
  })

  it('have a detail only where they have a delimiter', async () => {
    assert.equal(await matches('To: me@example.net', 'address :detail :contains "to" ""'), false)
    assert.equal(await matches('To: me+@example.net', 'address :detail "to" ""'), true)
    assert.equal(await matches('To: me+a+b@example.net', 'address :detail "to" "a+b"'), true)
  })
})
