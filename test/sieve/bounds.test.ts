// Scripts that mean harm, and bytes that are none: a run ends, in bounds, and the message is kept.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  array,
  asyncProperty,
  boolean,
  constantFrom,
  assert as hold,
  oneof,
  property,
  string,
  stringMatching,
  uint8Array,
} from 'fast-check'
import { extensions, vocabulary } from '../../src/sieve/language/vocabulary.ts'
import { defaultLimits } from '../../src/sieve/limits.ts'
import { comparators } from '../../src/sieve/match/comparators.ts'
import { containsText } from '../../src/sieve/match/find-text.ts'
import { matchGlob, parseGlob } from '../../src/sieve/match/glob.ts'
import { parseScript } from '../../src/sieve/parse-script.ts'
import { runScript } from '../../src/sieve/run-script.ts'
import { circumstancesOf, messageOf, run } from '../harness/sieve.ts'

const tooLong = /takes too long for this message/

it('a run that takes long gives way again and again, a short one never', async () => {
  const turnsOf = async (script: string): Promise<number> => {
    let turns = 0
    const circumstances = {
      ...circumstancesOf(`X-Long: ${'hay '.repeat(20_000)}\n\nText\n`),
      yieldTurn: () => {
        turns++
        return Promise.resolve()
      },
    }
    const { script: parsed } = parseScript(script)
    assert.ok(parsed)
    await runScript(parsed, circumstances)
    return turns
  }
  const test = 'if header :contains "x-long" "needle" { discard; }\n'
  assert.equal(await turnsOf(test), 0)
  const turns = await turnsOf(test.repeat(400))
  assert.ok(turns >= 10, String(turns))
})

describe('a hostile script', () => {
  it('with patterns that could explode is ended, or is done', async () => {
    const text = messageOf(`Subject: ${'a'.repeat(60_000)}\n\n`)
    const pattern = `${'*a'.repeat(500)}*b`
    const one = await run(`if header :matches "subject" "${pattern}" { discard; }`, text)
    assert.equal(one.actions[0]?.kind, 'keep')
    const keys = Array.from({ length: 200 }, (_, index) => `"*${'a'.repeat(1000)}${index}*"`).join(',')
    const many = await run(`if header :matches "subject" [${keys}] { discard; }`, text)
    assert.match(many.error?.text ?? '', tooLong)
    assert.deepEqual(many.actions, [{ kind: 'keep', flags: [], headerSection: undefined, origin: undefined }])
  })

  it('with regular expressions that could explode is ended, or is done', async () => {
    const text = messageOf(`Subject: ${'x'.repeat(60_000)}\n\n`)
    const one = await run('require "regex"; if header :regex "subject" "(x+x+)+y" { discard; }', text)
    assert.equal(one.actions[0]?.kind, 'keep')
    const many = Array.from({ length: 100 }, (_, index) => `"(x+x+)+y${index}"`).join(',')
    const outcome = await run(`require "regex"; if header :regex "subject" [${many}] { discard; }`, text)
    assert.match(outcome.error?.text ?? '', tooLong)
  })

  it('with a regular expression of many repeats is refused, and one of some is not', () => {
    const problem = (pattern: string): string | undefined =>
      parseScript(`require "regex"; if header :regex "subject" "${pattern}" { discard; }`).problems?.[0]?.text
    for (const pattern of [
      '([a-z]{1,100}){1,10}y',
      '(((a{10}){10}){10}){10}',
      '(a{1,50}){1,50}',
      'a{1001}',
      '(ab{1,900})+c{900}',
    ])
      assert.match(problem(pattern) ?? '', /repeats too much/, pattern)
    for (const pattern of [
      '[]a]{3}(b|c){2,20}',
      '^[[:alpha:]]{1,64}@[^]@]+$',
      '(\\\\{{1,3}x)*',
      'a{2}b{2}c{2}',
    ])
      assert.equal(problem(pattern), undefined, pattern)
  })

  it('with patterns that it makes anew each time is ended, or is done', async () => {
    const again = 'set "p" "(a{1,50}){1,9}${p}"; if header :regex "x" "${p}" { discard; }\n'
    const outcome = await run(`require ["regex", "variables"]; ${again.repeat(1000)}`, 'X: a\n\n')
    assert.equal(outcome.actions[0]?.kind, 'keep')
  })

  it('with variables that double keeps them within their bound, and ends', async () => {
    const doubling = `require "variables"; set "a" "aaaaaaaaaaaaaaaa";\n${'set "a" "${a}${a}";\n'.repeat(40)}`
    const { actions, error } = await run(
      `${doubling} if string :matches "\${a}" "*b" { discard; }`,
      'Subject: x\n\n',
    )
    assert.equal(error, undefined)
    assert.equal(actions[0]?.kind, 'keep')
    const more = await run(
      `require "variables"; set "a" "aaaaaaaaaaaaaaaa";\n${'set "a" "${a}${a}";\n'.repeat(2000)}`,
      'Subject: x\n\n',
    )
    assert.match(more.error?.text ?? '', /variables of the script have become too long/)
  })

  it('cannot have variables without end', async () => {
    const script = `require "variables";\n${Array.from({ length: 300 }, (_, index) => `set "v${index}" "x";`).join('\n')}`
    assert.match((await run(script, 'Subject: x\n\n')).error?.text ?? '', /may have 256 variables/)
  })

  it('cannot add fields without end', async () => {
    const add = `addheader "X-A" "${'x'.repeat(8000)}";\n`
    const script = `require ["editheader"];\n${add.repeat(30)}`
    const outcome = await run(script, 'Subject: x\n\n', {}, { ...defaultLimits, maxHeaderBytes: 64 * 1024 })
    assert.match(outcome.error?.text ?? '', /would be longer than 65536 bytes/)
  })

  it('cannot include itself without end, nor wide', async () => {
    const scripts: Record<string, string> = {}
    for (let depth = 0; depth < 20; depth++)
      scripts[`personal s${depth}`] = `require "include"; include "s${depth + 1}"; include :optional "leaf";`
    const deep = await run('require "include"; include "s0";', 'Subject: x\n\n', { scripts })
    assert.match(deep.error?.text ?? '', /include each other 10 deep/)
    const wide = await run(`require "include"; ${'include "leaf"; '.repeat(100)}`, 'Subject: x\n\n', {
      scripts: { 'personal leaf': 'keep;' },
    })
    assert.match(wide.error?.text ?? '', /may include 64 scripts/)
  })

  it('cannot do things without end', async () => {
    const script = `require "fileinto"; ${Array.from({ length: 40 }, (_, index) => `fileinto "m${index}";`).join(' ')}`
    assert.match((await run(script, 'Subject: x\n\n')).error?.text ?? '', /may do 32 things/)
  })
})

const fragment = oneof(
  constantFrom(
    ...vocabulary.commands.keys(),
    ...vocabulary.tests.keys(),
    ...'{ } ( ) [ ] , ; " \\ text: # /* */ 10K 99999999999999999999 \r\n . :is :matches :regex :index 1 :last :comparator "i;octet" :zone "+0100"'.split(
      ' ',
    ),
    `require [${extensions.map(each => `"${each}"`).join(',')}];`,
    '"${1}"',
    '"${global.a}"',
    '"*@*.org"',
    '"mailto:a@example.org?body=x"',
    '"from"',
    '["to","cc"]',
    ':count "ge"',
    ':value "lt"',
  ),
  string(),
)
const scriptText = array(fragment, { maxLength: 40 }).map(parts => parts.join(' '))

/** Often right: a tag, and strings, as many as most tests take. */
const lines = array(
  oneof(
    stringMatching(
      /^(?:if|elsif) (?:header|address|date|body|string|hasflag|environment|envelope) (?::(?:is|contains|matches|regex)) (?:"[a-z*?\\.]{0,8}" ){1,3}\{ (?:keep|discard|stop); \}$/,
    ),
    stringMatching(
      /^(?:set|fileinto|redirect|notify|vacation|setflag|addflag|addheader|deleteheader|include) (?:"[a-z*?@.${}1-9]{0,8}" ?){1,2};$/,
    ),
  ),
  { maxLength: 20 },
).map(parts => `require [${extensions.map(each => `"${each}"`).join(',')}];\n${parts.join('\n')}`)

describe('whatever comes', () => {
  it('a script is read or told what is wrong, and runs or is told what is wrong', async () => {
    await hold(
      asyncProperty(oneof(scriptText, lines), uint8Array({ maxLength: 400 }), async (text, bytes) => {
        const { script, problems } = parseScript(text)
        if (!script) {
          assert.ok(problems.length > 0)
          for (const { line, column, text } of problems) assert.ok(line > 0 && column > 0 && text.length > 10)
          return
        }
        const message = messageOf(Buffer.from(bytes).toString('latin1'))
        const outcome = await runScript(script, circumstancesOf(message))
        assert.ok(outcome.actions.length > 0 || outcome.error === undefined)
        assert.ok(!outcome.error || outcome.actions.length === 1)
      }),
      { numRuns: 500 },
    )
  })

  it('bytes of a message are looked at by every test', async () => {
    const script = `require ["body", "date", "envelope", "regex", "variables", "relational", "duplicate", "vacation", "enotify"];
if anyof (header :matches ["subject", "from"] "*a*", address :localpart ["from", "to"] "x", exists "date", date "date" "year" "2000",
  body :text :contains "x", body :content "" :contains "y", body :raw :contains "z", header :regex "subject" "(a|b)+", duplicate) { stop; }
vacation :addresses "a@example.net" "Away"; notify "mailto:a@example.net";`
    const parsed = parseScript(script)
    assert.ok(parsed.script)
    const { script: read } = parsed
    const part = oneof(
      constantFrom(
        'From: a@example.net\r\n',
        'To: me@example.com, "\r\n',
        'Content-Type: multipart/mixed; boundary=x\r\n',
        'Content-Transfer-Encoding: base64\r\n',
        'Content-Transfer-Encoding: quoted-printable\r\n',
        'Content-Type: message/rfc822\r\n',
        'Content-Type: text/html; charset=koi8-r\r\n',
        'Date: Fri, 31 Feb 2026 25:00:00 +9999\r\n',
        '\r\n',
        '--x\r\n',
        '--x--\r\n',
        '<p>&#x0;&#99999999;</',
        '=',
        '=?utf-8?b?////?=',
      ),
      uint8Array({ maxLength: 20 }).map(bytes => Buffer.from(bytes).toString('latin1')),
    )
    await hold(
      asyncProperty(array(part, { maxLength: 30 }), async parts => {
        const outcome = await runScript(read, circumstancesOf(messageOf(parts.join(''))))
        assert.equal(outcome.error, undefined)
      }),
      { numRuns: 500 },
    )
  })

  it('a glob matches as its definition says, with the shortest stars', () => {
    const text = stringMatching(/^[ab]{0,8}$/)
    const pattern = stringMatching(/^[ab?*]{0,6}$/)
    hold(
      property(text, pattern, (value, glob) => {
        const places = matchGlob(parseGlob(glob), Array.from(value), () => undefined)
        const expected = referenceMatch(glob, value)
        assert.deepEqual(
          places?.map(([start, end]) => value.slice(start, end)),
          expected,
        )
      }),
      { numRuns: 2000 },
    )
  })

  it('a text is found where it stands', () => {
    hold(
      property(
        stringMatching(/^[ab]{0,400}$/),
        stringMatching(/^[ab]{0,5}$/),
        boolean(),
        (text, start, isIn) => {
          const sought = isIn ? `${start}${text}`.slice(0, 300) : `${start}${text.slice(0, 250)}${start}`
          assert.equal(containsText(text, sought), text.includes(sought))
          assert.equal(containsText(`${start}${text}${sought}`, sought), true)
        },
      ),
    )
  })

  it('comparators order: one way, and the same as they find equal', () => {
    for (const comparator of comparators.values())
      hold(
        property(string(), string(), (one, other) => {
          assert.equal(
            Math.sign(comparator.compare(one, other)),
            -Math.sign(comparator.compare(other, one)) || 0,
          )
          assert.equal(comparator.compare(one, other) === 0, comparator.fold(one) === comparator.fold(other))
        }),
      )
  })
})

/** Tries everything, the shortest star first. */
function referenceMatch(glob: string, text: string): string[] | undefined {
  const [first] = glob
  if (first === undefined) return text === '' ? [] : undefined
  if (first === '*') {
    for (let length = 0; length <= text.length; length++) {
      const rest = referenceMatch(glob.slice(1), text.slice(length))
      if (rest) return [text.slice(0, length), ...rest]
    }
    return undefined
  }
  if (text === '' || (first !== '?' && first !== text[0])) return undefined
  const rest = referenceMatch(glob.slice(1), text.slice(1))
  return rest && (first === '?' ? [text.slice(0, 1), ...rest] : rest)
}
