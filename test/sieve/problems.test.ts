// What a script's owner is told of mistakes: where they stand, and what to do.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { defaultLimits } from '../../src/sieve/limits.ts'
import { parseScript } from '../../src/sieve/parse-script.ts'
import { problemsOf } from '../harness/sieve.ts'

const mistakes: readonly (readonly [what: string, script: string, problems: readonly string[]])[] = [
  [
    'a semicolon that is missing',
    'keep',
    ['line 1, column 5: A ; is missing here, at the end of the command keep.'],
  ],
  [
    'a semicolon that is missing before another command',
    'require "fileinto";\nfileinto "a"\nkeep;',
    ['line 3, column 1: fileinto takes no test. Is there a ; missing before keep?'],
  ],
  [
    'a block that does not end',
    'if true {\n  keep;\n',
    ['line 1, column 9: This { has no }: write } where the block ends.'],
  ],
  [
    'a bracket too many',
    'keep;\n}\ndiscard;',
    ['line 2, column 1: This } closes no block: take it away, or add the { that it belongs to.'],
  ],
  [
    'a string that does not end',
    'redirect "a@example.com;\n',
    ['line 1, column 10: This string has no end: write " behind it.'],
  ],
  [
    'a text that does not end',
    'require "reject";\nreject text:\nNo.\n;\n',
    ['line 2, column 8: This text has no end: write a line with only a dot (.) behind it.'],
  ],
  [
    'a comment that does not end',
    'keep; /* here',
    ['line 1, column 7: This comment has no end: write */ behind it.'],
  ],
  [
    'quotation marks of a word processor',
    'redirect “a@example.com”;',
    ['line 1, column 10: “ is no quotation mark of Sieve: use "straight" ones.'],
  ],
  [
    'single quotes',
    "redirect 'x';",
    [`line 1, column 10: Strings stand in double quotes: "like this", not 'like this'.`],
  ],
  [
    'a command with a typing mistake',
    'kepe;',
    ['line 1, column 1: There is no command kepe. Did you mean keep?'],
  ],
  [
    'a test with a typing mistake',
    'if heeder "subject" "x" { keep; }',
    ['line 1, column 4: There is no test heeder. Did you mean header?'],
  ],
  [
    'a tag with a typing mistake',
    'if header :contain "subject" "x" { keep; }',
    ['line 1, column 11: header has no :contain. Did you mean :contains?'],
  ],
  [
    'an extension with a typing mistake',
    'require ["fileinto",\n  "vacaton"];',
    ['line 2, column 3: There is no extension "vacaton" on this server. Did you mean "vacation"?'],
  ],
  [
    'an extension that needs no require',
    'require "redirect";',
    ['line 1, column 9: redirect is part of the language, and needs no require. Take it away here.'],
  ],
  [
    'a require that is missing',
    'fileinto "Lists";',
    ['line 1, column 1: fileinto needs an extension: write require "fileinto"; at the top of the script.'],
  ],
  [
    'a require that is missing for a tag',
    'require "fileinto";\nfileinto :create "Lists";',
    ['line 2, column 10: :create needs an extension: write require "mailbox"; at the top of the script.'],
  ],
  [
    'a require that is missing for a comparator',
    'require "relational";\nif header :value "gt" :comparator "i;ascii-numeric" "x-spam" "5" { discard; }',
    [
      'line 2, column 35: This comparator is an extension: write require "comparator-i;ascii-numeric"; at the top of the script.',
    ],
  ],
  [
    'two requires that are missing',
    'global "x";',
    [
      'line 1, column 1: global needs an extension: write require ["include", "variables"]; at the top of the script.',
    ],
  ],
  [
    'a require that comes late',
    'keep;\nrequire "fileinto";',
    ['line 2, column 1: require has to stand before all other commands: move it to the top of the script.'],
  ],
  [
    'a require in a block',
    'if true { require "fileinto"; }',
    ['line 1, column 11: require stands outside of all blocks, at the top of the script: move it there.'],
  ],
  [
    'a test as a command',
    'header "subject" "x";',
    ['line 1, column 1: header is a test: it stands behind if, elsif, not, allof or anyof.'],
  ],
  [
    'a command as a test',
    'if keep { discard; }',
    ['line 1, column 4: keep is a command: it stands inside of a block.'],
  ],
  [
    'else if',
    'if true { keep; } else if false { discard; }',
    [
      'line 1, column 19: Write elsif in the place of else if: elsif header :contains "subject" "hello" { … }',
    ],
  ],
  [
    'an else without if',
    'keep; else { discard; }',
    ['line 1, column 7: else has to stand right behind the block of an if or an elsif.'],
  ],
  [
    'an if without a test',
    'if { keep; }',
    ['line 1, column 1: if needs a test behind it: if header :contains "subject" "hello" …'],
  ],
  [
    'tests in parentheses without allof',
    'if (true, false) { keep; }',
    ['line 1, column 1: if takes one test, without parentheses. For several write allof (…) or anyof (…).'],
  ],
  [
    'anyof without parentheses',
    'if anyof true { keep; }',
    ['line 1, column 10: The tests of anyof stand in parentheses: anyof (…, …).'],
  ],
  [
    'an argument of another type',
    'if size :over "100K" { discard; }',
    ['line 1, column 15: Here stands a string; a size (100K) should stand here, as a number.'],
  ],
  [
    'a list where one string belongs',
    'redirect ["a@example.com", "b@example.com"];',
    ['line 1, column 10: Here stands a list; an address should stand here, as one string in "quotes".'],
  ],
  [
    'an argument too few',
    'if header "subject" { keep; }',
    [
      'line 1, column 4: header lacks what is sought: it is written header, then names of fields, what is sought.',
    ],
  ],
  [
    'an argument too many',
    'keep "INBOX";',
    ['line 1, column 6: keep has one argument too many here: it is written keep alone.'],
  ],
  [
    'a tag behind arguments',
    'if header "subject" :contains "x" { keep; }',
    ['line 1, column 21: :contains has to stand before the other arguments of header.'],
  ],
  [
    'two match types',
    'if header :is :contains "subject" "x" { keep; }',
    ['line 1, column 15: :contains and :is exclude each other: take one of them away.'],
  ],
  [
    'no over and no under',
    'if size 100K { discard; }',
    ['line 1, column 4: size says :over or :under: size :over 100K.'],
  ],
  [
    'address of a field without addresses',
    'if address "subject" "x" { keep; }',
    [
      'line 1, column 12: The field "subject" has no addresses that address could look at: use header for it.',
    ],
  ],
  [
    'a redirect to nobody',
    'redirect "anna";',
    ['line 1, column 10: "anna" is no address: write one, as in anna@example.org.'],
  ],
  [
    'a number that is none',
    'if size :over 10MB { discard; }',
    ['line 1, column 15: 10MB is no number: a number has digits, and K, M or G behind them at most (100K).'],
  ],
  [
    'a comparator that cannot look into texts',
    'require "comparator-i;ascii-numeric";\nif header :contains :comparator "i;ascii-numeric" "subject" "1" { keep; }',
    [
      'line 2, column 4: :contains looks into texts, which the comparator i;ascii-numeric cannot. Use :is, or :value of "relational".',
    ],
  ],
  [
    'a comparator of numbers for a regular expression',
    'require ["regex", "comparator-i;ascii-numeric"];\nif header :regex :comparator "i;ascii-numeric" "subject" "1" { keep; }',
    [
      'line 2, column 4: :regex looks into texts, which the comparator i;ascii-numeric cannot. Use :is, or :value of "relational".',
    ],
  ],
  [
    'a regular expression that is none',
    'require "regex";\nif header :regex "subject" "(a" { keep; }',
    ['line 2, column 28: This is no regular expression: error parsing regexp: missing closing ): `(a`.'],
  ],
  [
    'a variable that :matches sets',
    'require "variables";\nset "1" "x";',
    ['line 2, column 5: ${1} is set by what :matches finds, and by nothing else: take another name.'],
  ],
  [
    'a variable in a namespace of an extension that is not required',
    'require ["variables", "fileinto"];\nfileinto "${global.x}";',
    ['line 2, column 10: The variable ${global.x} stands in the namespace global: require "include" for it.'],
  ],
  [
    'a variable that is made global too late',
    'require ["variables", "include"];\nset "x" "1";\nglobal "x";',
    [
      'line 3, column 8: The variable x has been set before as one of this script alone: move this global to the top.',
    ],
  ],
  [
    'a date without such a part',
    'require "date";\nif currentdate "weekdya" "1" { keep; }',
    [
      'line 2, column 16: A date has no part "weekdya": it has year, month, day, date, julian, hour, minute, second, time, iso8601, std11, zone, weekday.',
    ],
  ],
  [
    'a time zone with a name',
    'require "date";\nif currentdate :zone "MSK" "hour" "09" { keep; }',
    ['line 2, column 22: "MSK" is no time zone: write its distance from UTC, as in "+0300".'],
  ],
  [
    'a special use with one backslash',
    'require ["fileinto", "special-use"];\nfileinto :specialuse "\\Junk" "Spam";',
    [
      'line 2, column 22: "Junk" is no special use of a mailbox: write "\\\\Junk", "\\\\Archive" or another, with two backslashes.',
    ],
  ],
  [
    'a mailto URI that names nobody',
    'require "enotify";\nnotify "mailto:";',
    ['line 2, column 8: This mailto URI cannot be used. It names nobody: write mailto:anna@example.org.'],
  ],
  [
    'several mistakes at once',
    'kepe;\nif headr "a" "b" {\n  discrad;\n}\nredirect "x";',
    [
      'line 1, column 1: There is no command kepe. Did you mean keep?',
      'line 2, column 4: There is no test headr. Did you mean header?',
      'line 3, column 3: There is no command discrad. Did you mean discard?',
      'line 5, column 10: "x" is no address: write one, as in anna@example.org.',
    ],
  ],
]

describe('a script with', () => {
  for (const [what, script, problems] of mistakes)
    it(`${what} is told where and what to do`, () => {
      assert.deepEqual(problemsOf(script).slice(0, Math.max(problems.length, 1)), problems)
    })

  it('columns counts characters, not bytes, and lines whatever ends them', () => {
    assert.deepEqual(problemsOf('# Почта\r\n/* счёт */ kepe;'), [
      'line 2, column 12: There is no command kepe. Did you mean keep?',
    ])
  })
})

describe('a script beyond a limit', () => {
  const tooMany = (script: string): string => parseScript(script).problems?.[0]?.text ?? ''

  it('is refused before it is read, when it is too long', () => {
    assert.match(tooMany(`# ${'x'.repeat(defaultLimits.maxScriptBytes)}`), /^The script has 262146 bytes/)
  })

  it('is refused when blocks nest 10,000 deep', () => {
    const deep = 'if true {'.repeat(10_000) + '}'.repeat(10_000)
    assert.match(tooMany(deep), /may stand in one another 32 deep/)
  })

  it('is refused when tests nest 10,000 deep', () => {
    assert.match(tooMany(`if ${'not '.repeat(10_000)}true { keep; }`), /may stand in one another 32 deep/)
    assert.match(tooMany(`if ${'anyof ('.repeat(10_000)}true`), /may stand in one another 32 deep/)
  })

  it('may nest fifteen deep, as RFC 5228 §2.10.7 wants it', () => {
    const script = `${'if anyof (true) {'.repeat(15)}keep;${'}'.repeat(15)}`
    assert.equal(parseScript(script).problems, undefined)
    assert.equal(parseScript(`if ${'anyof ('.repeat(15)}true${')'.repeat(15)} { keep; }`).problems, undefined)
  })

  it('is refused with a list of a million strings', () => {
    const limits = { ...defaultLimits, maxScriptBytes: 10_000_000 }
    const script = `if header "subject" [${'"a",'.repeat(1_000_000)}"a"] { keep; }`
    assert.match(
      parseScript(script, { limits }).problems?.[0]?.text ?? '',
      /more than 100000 words and signs/,
    )
  })

  it('tells no more mistakes than anybody reads', () => {
    assert.equal(parseScript('kepe;'.repeat(10_000)).problems?.length, defaultLimits.maxProblems)
    assert.equal(parseScript('$ '.repeat(10_000)).problems?.length, defaultLimits.maxProblems)
  })
})
