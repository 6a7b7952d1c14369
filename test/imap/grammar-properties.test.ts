// What clients and strangers send: what is written is read again, and no bytes make a parser throw or run away.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { isProblem } from '../../src/imap/grammar/command.ts'
import { parseAppendStep } from '../../src/imap/grammar/commands/append.ts'
import { type FetchAttribute, plainAttributes } from '../../src/imap/grammar/commands/fetch.ts'
import type { SearchKey } from '../../src/imap/grammar/commands/search.ts'
import { Cursor } from '../../src/imap/grammar/cursor.ts'
import { formatDateTime, parseDateTime } from '../../src/imap/grammar/dates.ts'
import { spellMailboxName } from '../../src/imap/grammar/mailbox-name.ts'
import { decodeModifiedUtf7, encodeModifiedUtf7 } from '../../src/imap/grammar/modified-utf7.ts'
import {
  parseSequenceSet,
  resolveRanges,
  type SequenceNumber,
  type SequenceSet,
} from '../../src/imap/grammar/sequence-set.ts'
import { formatAttribute, formatKey, formatSet, formatText } from './format-command.ts'
import { problemOf, read, readCommand, usualTerms, utf8Terms } from './parse.ts'

/** Plain objects, as the parsers make them. */
const record = <T>(model: { [Name in keyof T]: fc.Arbitrary<T[Name]> }): fc.Arbitrary<T> =>
  fc.record<T>(model, { noNullPrototype: true })

const atom = fc.string({
  unit: fc.constantFrom('a', 'Z', '7', '$', '-', '_', '[', '.'),
  minLength: 1,
  maxLength: 8,
})
const text = fc.string({ unit: 'grapheme', maxLength: 12 }).filter(each => !each.includes('\0'))
const number = fc.integer({ min: 1, max: 2 ** 32 - 1 })
const sequenceNumber: fc.Arbitrary<SequenceNumber> = fc.oneof(
  { weight: 5, arbitrary: number },
  fc.constant('*' as const),
)

const set: fc.Arbitrary<SequenceSet> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<SequenceSet>({ kind: 'saved' }) },
  {
    weight: 9,
    arbitrary: fc
      .array(record({ first: sequenceNumber, last: sequenceNumber }), { minLength: 1, maxLength: 8 })
      .map((ranges): SequenceSet => ({ kind: 'ranges', ranges })),
  },
)

const days = fc.integer({ min: -700_000, max: 2_900_000 }).map(day => day * 86_400_000)

const leaf: fc.Arbitrary<SearchKey> = fc.oneof(
  fc.constantFrom<SearchKey>({ kind: 'all' }, { kind: 'recent' }, { kind: 'save-date-supported' }),
  fc.oneof(fc.constantFrom('\\Seen', '\\Draft'), atom).map((flag): SearchKey => ({ kind: 'flag', flag })),
  record({ kind: fc.constant('header' as const), field: text.map(field => field.toLowerCase()), text }),
  record({ kind: fc.constantFrom('body' as const, 'text' as const), text }),
  record({
    kind: fc.constant('date' as const),
    of: fc.constantFrom('internal' as const, 'sent' as const, 'saved' as const),
    relation: fc.constantFrom('before' as const, 'on' as const, 'since' as const),
    day: days,
  }),
  record({
    kind: fc.constant('age' as const),
    relation: fc.constantFrom('older' as const, 'younger' as const),
    seconds: number,
  }),
  record({
    kind: fc.constant('size' as const),
    relation: fc.constantFrom('larger' as const, 'smaller' as const),
    bytes: fc.maxSafeNat(),
  }),
  record({
    kind: fc.constant('messages' as const),
    by: fc.constantFrom('uid' as const, 'sequence' as const),
    set,
  }),
  record({ kind: fc.constant('mod-seq' as const), modSeq: fc.maxSafeNat() }),
  record({ kind: fc.constantFrom('email-id' as const, 'thread-id' as const), id: atom }),
)

const { key: searchKey } = fc.letrec<{ key: SearchKey }>(tie => ({
  key: fc.oneof(
    { depthSize: 'small' },
    leaf,
    record({
      kind: fc.constant('and' as const),
      keys: fc.array(tie('key'), { minLength: 2, maxLength: 4 }),
    }),
    record({ kind: fc.constant('or' as const), left: tie('key'), right: tie('key') }),
    record({ kind: fc.constant('not' as const), key: tie('key') }),
  ),
}))

const part = fc.array(fc.integer({ min: 1, max: 99 }), { maxLength: 4 })
const partial = fc.option(record({ offset: fc.maxSafeNat(), length: fc.integer({ min: 1, max: 2 ** 31 }) }), {
  nil: undefined,
})

const attribute: fc.Arbitrary<FetchAttribute> = fc.oneof(
  fc.constantFrom(...plainAttributes).map(kind => ({ kind })),
  record({
    kind: fc.constant('BODY[]' as const),
    section: record({
      part,
      text: fc.oneof(
        fc.constantFrom({ kind: 'all' as const }, { kind: 'HEADER' as const }, { kind: 'TEXT' as const }),
        record({
          kind: fc.constantFrom('HEADER.FIELDS' as const, 'HEADER.FIELDS.NOT' as const),
          fields: fc.array(text, { minLength: 1, maxLength: 3 }),
        }),
      ),
    }),
    partial,
    peek: fc.boolean(),
  }),
  record({ kind: fc.constant('BINARY[]' as const), part, partial, peek: fc.boolean() }),
  record({ kind: fc.constant('BINARY.SIZE[]' as const), part }),
  record({ kind: fc.constant('PREVIEW' as const), lazy: fc.boolean() }),
)

void test('sets, search keys and attributes: what is written is read again', () => {
  fc.assert(
    fc.property(set, each => {
      assert.deepEqual(parseSequenceSet(new Cursor(Buffer.from(formatSet(each)), usualTerms)), each)
    }),
  )
  fc.assert(
    fc.property(searchKey, key => {
      const command = readCommand(`a SEARCH ${formatKey(key)}`)
      assert.deepEqual('key' in command && command.key, key)
    }),
    { numRuns: 500 },
  )
  fc.assert(
    fc.property(fc.array(attribute, { minLength: 1, maxLength: 6 }), attributes => {
      const command = readCommand(`a FETCH 1 (${attributes.map(formatAttribute).join(' ')})`)
      assert.deepEqual('attributes' in command && command.attributes, attributes)
    }),
    { numRuns: 500 },
  )
})

void test('texts in any of their forms, mailbox names in both spellings', () => {
  fc.assert(
    fc.property(text, text, (name, password) => {
      assert.deepEqual(readCommand(`a LOGIN ${formatText(name)} ${formatText(password)}`), {
        verb: 'LOGIN',
        name,
        password,
      })
    }),
  )
  const names = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    .map(name => `x${name.normalize('NFC')}`.normalize('NFC'))
    .filter(name => !/[\0-\x1f\x7f-\x9f\u2028\u2029]/.test(name))
  fc.assert(
    fc.property(names, fc.boolean(), (name, utf8Names) => {
      const spelt = formatText(spellMailboxName(name, utf8Names))
      const command = readCommand(`a DELETE ${spelt}`, utf8Names ? utf8Terms : usualTerms)
      assert.equal('mailbox' in command && command.mailbox, name)
    }),
  )
})

void test('modified UTF-7: each name has one spelling, and none other is taken', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), name => {
      const spelt = encodeModifiedUtf7(name)
      assert.match(spelt, /^[ -~]*$/)
      assert.equal(decodeModifiedUtf7(spelt), name)
    }),
  )
  const nasty = fc.string({
    unit: fc.constantFrom('&', '-', 'A', 'J', 'j', 'o', ',', '/', '='),
    maxLength: 12,
  })
  fc.assert(
    fc.property(nasty, spelt => {
      const name = decodeModifiedUtf7(spelt)
      if (name !== undefined) assert.equal(encodeModifiedUtf7(name), spelt)
    }),
    { numRuns: 2000 },
  )
})

void test('dates and times: what is written is read again', () => {
  fc.assert(
    fc.property(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), seconds => {
      const written = `"${formatDateTime(seconds * 1000)}"`
      assert.equal(parseDateTime(new Cursor(Buffer.from(written), usualTerms)), seconds * 1000)
    }),
  )
})

void test('sets resolve to what they say: the same members, ascending, apart', () => {
  const small = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constant('*' as const))
  fc.assert(
    fc.property(
      fc.array(record({ first: small, last: small }), { maxLength: 6 }),
      fc.integer({ min: 1, max: 12 }),
      (ranges, largest) => {
        const resolved = resolveRanges(ranges, largest)
        const members = (each: SequenceNumber): number => (each === '*' ? largest : each)
        for (let candidate = 1; candidate <= 13; candidate++) {
          const expected = ranges.some(({ first, last }) => {
            const [one, other] = [members(first), members(last)]
            return candidate >= Math.min(one, other) && candidate <= Math.max(one, other)
          })
          assert.equal(
            resolved.some(({ first, last }) => candidate >= first && candidate <= last),
            expected,
          )
        }
        for (const [index, range] of resolved.entries())
          assert.ok(range.first > (resolved[index - 1]?.last ?? -1) + 1 || index === 0)
      },
    ),
  )
})

const words = [
  'LOGIN', 'AUTHENTICATE', 'SELECT', 'EXAMINE', 'CREATE', 'LIST', 'LSUB', 'STATUS', 'FETCH', 'STORE', 'COPY', 'UID',
  'SEARCH', 'SORT', 'THREAD', 'NOTIFY', 'GETMETADATA', 'SETMETADATA', 'SETACL', 'SETQUOTA', 'GENURLAUTH', 'ID', 'ENABLE',
  'RETURN', 'CHARSET', 'UTF-8', 'KOI8-R', 'OR', 'NOT', 'ALL', 'FROM', 'HEADER', 'BEFORE', '1-Feb-2026', 'KEYWORD', 'MODSEQ',
  '1:*', '$', '4294967295', '99999999999999999999', '0', '(', ')', '((', '))', '"', '"a"', '"\\', '{3}\r\nabc', '{3+}\r\nabc', '{9}', '~{1}\r\n\0',
  'BODY[', 'BODY.PEEK[1.2.MIME]<0.1>', ']', '<', '>', 'BINARY.SIZE[', 'PREVIEW', 'FLAGS', '+FLAGS.SILENT', '\\Seen', '\\', 'NIL',
  '(USE', 'QRESYNC', 'CHANGEDSINCE', 'PARTIAL', '-1:-2', 'SET', 'STATUS', 'selected', 'MessageNew', '/private/a', '&', '&-', 'CATENATE', 'URL', 'TEXT',
] // biome-ignore format: a list of words

const nasty = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...words) },
      fc.constantFrom(' ', '  ', '\t', '\0', '\xff', '%', '*'),
      fc.string({ maxLength: 8 }),
    ),
    { maxLength: 14 },
  )
  .chain(parts => fc.constantFrom(' ', ' ', ' ', '').map(between => parts.join(between)))
  .map(line => Buffer.from(line, 'latin1'))

void test('any bytes are a command or a problem', () => {
  fc.assert(
    fc.property(nasty, fc.boolean(), (bytes, utf8) => {
      const parsed = read(Buffer.concat([Buffer.from('a '), bytes]), utf8 ? utf8Terms : usualTerms)
      // What goes out to the client is one line.
      if (isProblem(parsed)) assert.match(parsed.text, /^[ -~]+$/)
    }),
    { numRuns: 5000 },
  )
  fc.assert(
    fc.property(nasty, fc.constantFrom('start', 'catenate', 'message-end', 'utf8-end'), (bytes, at) => {
      const step = parseAppendStep(
        Buffer.concat([Buffer.from(at === 'start' ? ' INBOX ' : ''), bytes]),
        at === 'start' ? { at, verb: 'APPEND', by: 'sequence' } : { at, verb: 'APPEND' },
        usualTerms,
      )
      if (step.kind === 'malformed') assert.match(step.problem.text, /^[ -~]+$/)
    }),
    { numRuns: 2000 },
  )
})

void test('what is endless has an end: nesting, keys, lists', () => {
  const nested = (depth: number): string => `a SEARCH ${'('.repeat(depth)}ALL${')'.repeat(depth)}`
  assert.equal(problemOf(nested(199)), 'none')
  for (const line of [
    nested(10_000),
    `a SEARCH ${'NOT '.repeat(10_000)}ALL`,
    `a SEARCH ${'OR ALL '.repeat(10_000)}ALL`,
    `a SEARCH${' ALL'.repeat(100_000)}`,
    `a FETCH 1 (${'FLAGS '.repeat(10_000)}UID)`,
    `a FETCH 1 BODY[${'1.'.repeat(10_000)}1]`,
    `a NOTIFY SET${' (inboxes NONE)'.repeat(10_000)}`,
    `a ID (${Array<string>(31).fill('"a" "b"').join(' ')})`,
  ])
    assert.match(problemOf(line), /^too-complex: /, line.slice(0, 40))
  const parts = `a APPEND x CATENATE (${'URL "/a;UID=1" '.repeat(10_000)}TEXT {1}`
  const step = parseAppendStep(
    Buffer.from(parts).subarray(8),
    { at: 'start', verb: 'APPEND', by: 'sequence' },
    usualTerms,
  )
  assert.ok(step.kind === 'malformed' && step.problem.kind === 'too-complex')
})
