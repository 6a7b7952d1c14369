// What a submission server adds to a message and takes from it (RFC 6409 §8), and nothing else.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseHeaderFields } from '../../src/message/header-section.ts'
import { fixSubmission, type SubmissionFacts } from '../../src/message/submission-fix-ups.ts'

const facts: SubmissionFacts = {
  at: Date.UTC(2026, 10, 23, 7, 47, 24),
  queueId: '00aabbccdd',
  hostname: 'mail.example.test',
  author: 'anna@example.test',
}

function fix(section: string, overrides: Partial<SubmissionFacts> = {}): string {
  const fixed = fixSubmission(Buffer.from(section), { ...facts, ...overrides })
  assert.equal(fixed.kind, 'fixed')
  return Buffer.from(fixed.section).toString()
}

const complete =
  'From: <anna@example.test>\r\nDate: Mon, 23 Nov 2026 08:00:00 +0100\r\nMessage-ID: <1@example.test>\r\nSubject: x\r\n'

test('a complete header section stays as it is', () => {
  const section = Buffer.from(complete)
  const fixed = fixSubmission(section, facts)
  assert.ok(fixed.kind === 'fixed')
  assert.equal(fixed.section, section)
})

test('what is missing is put before the rest', () => {
  assert.equal(
    fix('Subject: x\r\n'),
    'From: anna@example.test\r\nDate: Mon, 23 Nov 2026 07:47:24 +0000\r\n' +
      'Message-ID: <00aabbccdd@mail.example.test>\r\nSubject: x\r\n',
  )
  assert.equal(
    fix(''),
    'From: anna@example.test\r\nDate: Mon, 23 Nov 2026 07:47:24 +0000\r\n' +
      'Message-ID: <00aabbccdd@mail.example.test>\r\n',
  )
})

for (const name of ['From', 'Date', 'Message-ID']) {
  test(`only ${name} is missing`, () => {
    const lines = complete.split(/(?<=\r\n)/)
    const kept = lines.filter(line => !line.startsWith(name))
    const fixed = fix(kept.join(''))
    assert.ok(fixed.startsWith(`${name}: `))
    assert.ok(fixed.endsWith(kept.join('')))
    assert.equal(parseHeaderFields(Buffer.from(fixed)).length, lines.length)
  })
}

test('a name in another letter case, or with a blank behind it, is not missing', () => {
  const section = complete
    .replace('From:', 'FROM :')
    .replace('Message-ID', 'message-id')
    .replace('Date', 'dATE')
  assert.equal(fix(section), section)
})

test('nobody to name as the author: refused', () => {
  const fixed = fixSubmission(Buffer.from('Subject: x\r\n'), { ...facts, author: undefined })
  assert.ok(fixed.kind === 'refused')
  assert.equal(fixed.problem, 'no-author')
  assert.equal(fix(complete, { author: undefined }), complete)
})

test('Bcc goes, folded or not, and the rest stays byte for byte', () => {
  const bcc = 'Bcc: <secret@example.org>,\r\n\t<also-secret@example.org>\r\n'
  const section = `Bcc: <first@example.org>\r\n${complete}${bcc}X-After: y\r\nBCC : z\r\n`
  assert.equal(fix(section), `${complete}X-After: y\r\n`)
})

test('what only resembles Bcc stays', () => {
  const section = `${complete}X-Bcc: a\r\nBcc-X: b\r\nSubject2: Bcc: c\r\n Bcc: d\r\n`
  assert.equal(fix(section), section)
})

for (const name of ['From', 'Sender', 'Reply-To', 'Message-ID', 'Subject', 'Date']) {
  test(`${name} may stand there once (RFC 5322 §3.6)`, () => {
    const fields = complete.replaceAll(new RegExp(`^${name}:.*\\r\\n`, 'gm'), '')
    const once = fixSubmission(Buffer.from(`${fields}${name}: a\r\n`), facts)
    assert.equal(once.kind, 'fixed')
    const twice = fixSubmission(Buffer.from(`${fields}${name}: a\r\n${name.toUpperCase()} : b\r\n`), facts)
    assert.ok(twice.kind === 'refused')
    assert.deepEqual([twice.problem, twice.field], ['repeated-field', name.toLowerCase()])
  })
}

test('fields that may stand there often do', () => {
  const section = `Received: a\r\nReceived: b\r\n${complete}Comments: c\r\nComments: d\r\nResent-From: e\r\nResent-From: f\r\nTo: g\r\nTo: h\r\nCc: i\r\nCc: j\r\n`
  assert.equal(fix(section), section)
})

test('nothing hides behind very many fields', () => {
  const hidden = (count: number): string =>
    `${complete}${'X: x\r\n'.repeat(count)}Bcc: <secret@example.org>\r\n`
  assert.doesNotMatch(fix(hidden(1000)), /secret/)
  const refused = fixSubmission(Buffer.from(hidden(3000)), facts)
  assert.ok(refused.kind === 'refused')
  assert.equal(refused.problem, 'too-many-fields')
})

test('once fixed, there is nothing left to fix', () => {
  const line = fc.constantFrom(
    'From: a\r\n',
    'Date: b\r\n',
    'message-id: c\r\n',
    'Bcc: d\r\n',
    'BCC: e\r\n\tf\r\n',
    'X: g\r\n',
    ' folded\r\n',
  )
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), lines => {
      const first = fixSubmission(Buffer.from(lines.join('')), facts)
      if (first.kind === 'refused') return
      const second = fixSubmission(first.section, facts)
      assert.ok(second.kind === 'fixed')
      assert.equal(Buffer.from(second.section).toString(), Buffer.from(first.section).toString())
      const names = parseHeaderFields(first.section).map(({ name }) => name.toLowerCase())
      for (const name of ['from', 'date', 'message-id'])
        assert.equal(names.filter(each => each === name).length, 1, name)
      assert.ok(!names.includes('bcc'))
    }),
    { numRuns: 1000 },
  )
})
