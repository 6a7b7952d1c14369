// A report as a message (RFC 3461 §6, RFC 3462, RFC 6522): who it is from, what it refers to, what it brings back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { decodeEncodedWords } from '../../src/message/encoded-words.ts'
import { failed, names, report, value } from './read-report.ts'

const header = (text: string): Buffer => Buffer.from(text)

test('a report is a multipart/report of three parts', () => {
  const { fields, statusType, original, composed } = report()
  assert.match(value(fields, 'Content-Type'), /^multipart\/report; report-type=delivery-status;/)
  assert.equal(value(fields, 'MIME-Version'), '1.0')
  assert.equal(statusType, 'message/delivery-status')
  assert.equal(value(original.fields, 'Content-Type'), 'text/rfc822-headers')
  assert.deepEqual([composed.body, composed.smtpUtf8], ['7BIT', false])
})

test('it comes from the mail system, goes to the sender, and is not to be answered by programs', () => {
  const { fields } = report()
  assert.equal(value(fields, 'From'), 'Mail delivery <MAILER-DAEMON@mail.example.test>')
  assert.equal(value(fields, 'To'), '<anna@example.test>')
  assert.equal(value(fields, 'Auto-Submitted'), 'auto-replied')
  assert.equal(value(fields, 'Date'), 'Mon, 23 Nov 2026 07:47:24 +0000')
  assert.equal(value(fields, 'Message-ID'), '<00112233aa@mail.example.test>')
  // RFC 5321 §4.4: only final delivery writes it, and never the sender.
  assert.ok(!names(fields).includes('Return-Path'))
})

test('it refers to the message, so that a mail program shows it beside', () => {
  const { fields } = report()
  assert.equal(value(fields, 'In-Reply-To'), '<1@example.test>')
  assert.equal(value(fields, 'References'), '<1@example.test>')
})

for (const { what, id } of [
  { what: 'none', id: '' },
  { what: 'one without brackets', id: 'Message-ID: 1@example.test\r\n' },
  {
    what: 'one with a field folded into it',
    id: 'Message-ID: <1@example.test>\r\n Bcc: <evil@example.org>\r\n',
  },
  { what: 'one with controls', id: 'Message-ID: <1\x01@example.test>\r\n' },
  { what: 'one that never ends', id: `Message-ID: <${'x'.repeat(2000)}@example.test>\r\n` },
  { what: 'one beyond ASCII', id: 'Message-ID: <письмо@example.test>\r\n' },
]) {
  test(`a message id that is no message id is referred to by nobody: ${what}`, () => {
    const { fields } = report({ headerSection: header(`Subject: x\r\n${id}`) })
    assert.ok(!names(fields).some(name => /^(?:In-Reply-To|References|Bcc)$/.test(name)))
  })
}

test('the subject says what happened, and of which message', () => {
  assert.equal(value(report().fields, 'Subject'), 'Not delivered: Invoice 4711')
  const delayed = report({ recipients: [failed({ action: 'delayed', status: '4.4.1' })] })
  assert.equal(value(delayed.fields, 'Subject'), 'Still being delivered: Invoice 4711')
  const without = report({ headerSection: header('From: <anna@example.test>\r\n') })
  assert.equal(value(without.fields, 'Subject'), 'Not delivered')
})

test('the subject speaks of the worst that happened', () => {
  const recipients = (['delivered', 'expanded', 'relayed', 'delayed', 'failed'] as const).map(action =>
    failed({ action }),
  )
  const subjects = recipients.map((_, index) =>
    value(report({ recipients: recipients.slice(0, index + 1) }).fields, 'Subject'),
  )
  assert.deepEqual(
    subjects.map(subject => subject.replace(/:.*/, '')),
    ['Delivered', 'Passed on to a list', 'Handed on', 'Still being delivered', 'Not delivered'],
  )
})

for (const { what, subject, shown } of [
  { what: 'beyond ASCII', subject: '=?UTF-8?B?0KHRh9GR0YI=?= 4711', shown: 'Счёт 4711' },
  { what: 'raw UTF-8', subject: 'Счёт 4711', shown: 'Счёт 4711' },
  { what: 'with a field encoded into it', subject: '=?utf-8?Q?a=0D=0ABcc:_b?=', shown: 'a  Bcc: b' },
  { what: 'with an encoded word that is none', subject: '=?what?X?y?=', shown: '=?what?X?y?=' },
]) {
  test(`a subject ${what}`, () => {
    const { fields, text } = report({ headerSection: header(`Subject: ${subject}\r\n`) })
    assert.equal(decodeEncodedWords(value(fields, 'Subject')), `Not delivered: ${shown}`)
    assert.ok(text.includes(`Subject: ${shown.replaceAll(/ +/g, ' ')}`))
  })
}

test('a long subject is cut between two characters', () => {
  for (const start of ['', 'x']) {
    const { text } = report({ headerSection: header(`Subject: ${start}${'😀'.repeat(500)}\r\n`) })
    assert.match(text, /Subject:\s+x?(?:😀){90,}\n/u)
    assert.ok(!text.includes('\ufffd'))
  }
})

// RFC 2047 §2: 76 characters where an encoded word stands; RFC 5322 §2.1.1: 78 elsewhere, where it can be.
test('the lines of the header section are short', () => {
  for (const language of ['en', 'ru'] as const) {
    const { raw } = report({
      language,
      headerSection: header(`Subject: ${'Счёт на оплату '.repeat(20)}\r\n`),
    })
    for (const line of raw.slice(0, raw.indexOf('\r\n\r\n')).split('\r\n'))
      assert.ok(line.length <= (line.includes('=?') ? 76 : 78), line)
  }
})

test('the header section comes back, without the body', () => {
  const headerSection = header('From: a\r\nSubject: b\r\n\tfolded\r\nX-Strange; no field\r\n')
  const { original } = report({ headerSection })
  assert.equal(value(original.fields, 'Content-Type'), 'text/rfc822-headers')
  assert.equal(original.bytes.toString(), headerSection.toString())
})

test('the whole message comes back where it was asked for', () => {
  const headerSection = header('Subject: b\r\n')
  const message = Buffer.from('Subject: b\r\n\r\nText\r\n.\r\n--postrider-x--\r\nend')
  const { original, composed } = report({ headerSection, message })
  assert.equal(value(original.fields, 'Content-Type'), 'message/rfc822')
  assert.equal(original.bytes.toString(), message.toString())
  assert.equal(composed.body, '7BIT')
})

test('a text in ASCII stands as it is, so that it is read without a mail program; one beyond it is encoded', () => {
  const headerSection = header('Subject: b\r\n')
  const english = report({ headerSection }).composed.mailData
  assert.match(Buffer.from(english).toString('latin1'), /\r\n {4}What to do: /)
  const russian = report({ headerSection, language: 'ru' }).composed.mailData
  assert.ok(russian.every(byte => byte < 0x80))
})

for (const { what, line } of [
  { what: 'a line that is too long for SMTP', line: 'x'.repeat(1200) },
  { what: 'a control', line: 'a\x1b[31mb' },
  { what: 'a bare CR', line: 'a\rb' },
]) {
  test(`a text with ${what}, quoted from a reply, goes through any server`, () => {
    const { composed, text } = report({ recipients: [failed({ reply: { code: 550, lines: [line] } })] })
    const lines = Buffer.from(composed.mailData).toString('latin1').split('\r\n')
    for (const each of lines) assert.match(each, /^[\t -~]{0,998}$/)
    assert.match(text, /^ +> 550\s/m)
  })
}

test('a body beyond ASCII makes the report an 8-bit one', () => {
  const headerSection = header('Subject: b\r\n')
  const message = Buffer.from('Subject: b\r\n\r\nПривет\r\n')
  const { fields, original, composed } = report({ headerSection, message })
  assert.equal(composed.body, '8BITMIME')
  assert.equal(value(fields, 'Content-Transfer-Encoding'), '8bit')
  assert.equal(value(original.fields, 'Content-Transfer-Encoding'), '8bit')
  assert.equal(original.bytes.toString(), message.toString())
})

test('a header section beyond ASCII comes back encoded, and alone: the report goes through any server', () => {
  const headerSection = header('Subject: Привет\r\n')
  const message = Buffer.from('Subject: Привет\r\n\r\nText\r\n')
  const { original, composed } = report({ headerSection, message })
  assert.equal(value(original.fields, 'Content-Type'), 'message/global-headers')
  assert.equal(original.bytes.toString(), headerSection.toString())
  assert.deepEqual([composed.body, composed.smtpUtf8], ['7BIT', false])
})

for (const { what, body } of [
  { what: 'a NUL', body: 'a\0b\r\n' },
  { what: 'a bare LF', body: 'a\nb\r\n' },
  { what: 'a bare CR', body: 'a\rb\r\n' },
]) {
  test(`a message that is no text comes back as its header section: ${what}`, () => {
    const headerSection = header('Subject: b\r\n')
    const message = Buffer.from(`Subject: b\r\n\r\n${body}`)
    const { original } = report({ headerSection, message })
    assert.equal(value(original.fields, 'Content-Type'), 'text/rfc822-headers')
    assert.equal(original.bytes.toString(), headerSection.toString())
  })
}

test('a header section that is no text comes back encoded', () => {
  for (const strange of ['a\0b', 'a\nb', 'a\rb']) {
    const headerSection = header(`Subject: ${strange}\r\n`)
    const { original } = report({ headerSection })
    assert.equal(value(original.fields, 'Content-Transfer-Encoding'), 'base64')
    assert.equal(original.bytes.toString('latin1'), headerSection.toString('latin1'))
  }
})

test('an empty header section is no trouble', () => {
  const { original, fields } = report({ headerSection: Buffer.alloc(0) })
  assert.equal(original.bytes.length, 0)
  assert.equal(value(fields, 'Subject'), 'Not delivered')
})

test('a sender beyond ASCII gets a report that says so in its header section', () => {
  const to = { localPart: 'почта', domain: 'xn--e1afmkfd.xn--80akhbyknj4f' }
  const { fields, composed } = report({ to })
  assert.equal(composed.smtpUtf8, true)
  assert.equal(Buffer.from(value(fields, 'To'), 'latin1').toString(), '<почта@xn--e1afmkfd.xn--80akhbyknj4f>')
})

test('whatever the subject is, the report keeps its shape', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '=?utf-8?Q?=0D=0A=0D=0A?=',
      '=?utf-8?B?DQo=?=',
      '=?koi8-r?Q?=C1?=',
      '--postrider-00112233aa',
    ),
    fc.string({ unit: 'binary', maxLength: 30 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), fc.constantFrom('en', 'ru'), (pieces, language) => {
      const subject = pieces.join(' ').replaceAll(/[\r\n]/g, ' ')
      const { fields } = report({ language, headerSection: header(`Subject: ${subject}\r\n`) })
      assert.deepEqual(names(fields), names(report({ headerSection: header('Subject: x\r\n') }).fields))
    }),
    { numRuns: 300 },
  )
})
