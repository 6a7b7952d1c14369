// The part for programs (RFC 3464 §2, RFC 6533 §3): which fields stand in it, and that nothing from outside can add one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { failed, names, report, value } from './read-report.ts'

const reply = { code: 550, enhanced: '5.1.1', lines: ['No such user', 'Ask postmaster'] }

test('the message: who reports, what the sender called it, when it came', () => {
  const [message = []] = report({ envelopeId: 'env 1' }).groups
  assert.deepEqual(message, [
    ['Original-Envelope-Id', 'env 1'],
    ['Reporting-MTA', 'dns; mail.example.test'],
    ['Arrival-Date', 'Sun, 22 Nov 2026 06:05:04 +0000'],
    ['X-Postrider-Queue-Id', '00aabbccdd'],
  ])
  assert.ok(!names(report().groups[0] ?? []).includes('Original-Envelope-Id'))
})

test('a recipient that failed at another server', () => {
  const recipient = failed({
    originalRecipient: 'rfc822;boss@example.test',
    remoteMta: 'mx1.example.org',
    reply,
  })
  assert.deepEqual(report({ recipients: [recipient] }).groups[1], [
    ['Original-Recipient', 'rfc822; boss@example.test'],
    ['Final-Recipient', 'rfc822; boris@example.org'],
    ['Action', 'failed'],
    ['Status', '5.1.1'],
    ['Remote-MTA', 'dns; mx1.example.org'],
    ['Diagnostic-Code', 'smtp; 550 5.1.1 No such user Ask postmaster'],
    ['Last-Attempt-Date', 'Mon, 23 Nov 2026 07:47:23 +0000'],
  ])
})

test('a recipient that failed here: nothing is said of another server', () => {
  const [, recipient = []] = report().groups
  assert.deepEqual(names(recipient), ['Final-Recipient', 'Action', 'Status', 'Last-Attempt-Date'])
})

test('a delay says until when it is tried', () => {
  const willRetryUntil = Date.UTC(2026, 10, 27)
  const [, recipient = []] = report({
    recipients: [failed({ action: 'delayed', status: '4.4.1', cause: 'no-answer', willRetryUntil })],
  }).groups
  assert.equal(value(recipient, 'Action'), 'delayed')
  assert.equal(value(recipient, 'Status'), '4.4.1')
  assert.equal(value(recipient, 'Will-Retry-Until'), 'Fri, 27 Nov 2026 00:00:00 +0000')
})

test('several recipients: a group each, in their order', () => {
  const actions = ['failed', 'delayed', 'delivered', 'relayed', 'expanded'] as const
  const recipients = actions.map(action =>
    failed({ action, finalRecipient: { localPart: action, domain: 'example.org' } }),
  )
  const [, ...groups] = report({ recipients }).groups
  assert.deepEqual(
    groups.map(group => [value(group, 'Final-Recipient'), value(group, 'Action')]),
    actions.map(action => [`rfc822; ${action}@example.org`, action]),
  )
})

test('a reply without an enhanced status code stands as it is', () => {
  const [, recipient = []] = report({
    recipients: [failed({ reply: { code: 550, lines: [''] } })],
  }).groups
  assert.equal(value(recipient, 'Diagnostic-Code').trim(), 'smtp; 550')
})

for (const { address, typed } of [
  { address: ['"a b', 'example.org'], typed: 'rfc822; "\\"a b"@example.org' },
  { address: ['boris', '[IPv6:2001:db8::1]'], typed: 'rfc822; boris@[IPv6:2001:db8::1]' },
  {
    address: ['boris', 'xn--e1afmkfd.xn--80akhbyknj4f'],
    typed: 'rfc822; boris@xn--e1afmkfd.xn--80akhbyknj4f',
  },
  { address: ['жук+1', 'example.org'], typed: 'utf-8; \\x{436}\\x{443}\\x{43A}\\x{2B}1@example.org' },
  { address: ['😀=\\', 'example.org'], typed: 'utf-8; "\\x{1F600}\\x{3D}\\x{5C}\\x{5C}"@example.org' },
] as const) {
  test(`the final recipient ${address.join('@')}`, () => {
    const [localPart, domain] = address
    const { groups, statusType } = report({ recipients: [failed({ finalRecipient: { localPart, domain } })] })
    assert.equal(value(groups[1] ?? [], 'Final-Recipient'), typed)
    assert.equal(statusType, 'message/delivery-status')
  })
}

for (const { original, typed } of [
  { original: 'rfc822;"a b"@example.org', typed: 'rfc822; "a b"@example.org' },
  { original: 'x400;c=de; a=dbp', typed: 'x400; c=de; a=dbp' },
  { original: 'utf-8;жук@example.org', typed: 'utf-8; \\x{436}\\x{443}\\x{43A}@example.org' },
]) {
  test(`the original recipient ${original}`, () => {
    const { groups } = report({ recipients: [failed({ originalRecipient: original })] })
    assert.equal(value(groups[1] ?? [], 'Original-Recipient'), typed)
  })
}

test('a long reply is folded where blanks stand, and cut where it never ends', () => {
  const { groups, raw } = report({
    recipients: [failed({ reply: { code: 550, lines: ['word '.repeat(40).trim()] } })],
  })
  assert.equal(
    value(groups[1] ?? [], 'Diagnostic-Code').replaceAll(/ +/g, ' '),
    `smtp; 550 ${'word '.repeat(40).trim()}`,
  )
  for (const line of raw.split('\r\n')) assert.ok(line.length <= 78, line)
  const endless = report({ recipients: [failed({ reply: { code: 550, lines: ['x'.repeat(100_000)] } })] })
  assert.ok(value(endless.groups[1] ?? [], 'Diagnostic-Code').length < 1000)
})

const remoteText = fc.oneof(
  fc.constantFrom(
    '<html><body onload="x()">&nbsp;</body></html>',
    '\r\n\r\n--postrider-00112233aa--\r\n',
    'Action: delivered\r\nStatus: 2.0.0',
    `${'x'.repeat(60)}  ${'y'.repeat(60)}   `,
    '   ',
    'z'.repeat(2000),
    'Ошибка 550: ящик не найден',
    '\ud800\u0000\u001b[2J\u2028',
  ),
  fc.string({ unit: 'binary', maxLength: 100 }),
)

test('whatever another server says, the structure holds and no field is added', () => {
  const expected = report({
    recipients: [failed({ reply, remoteMta: 'mx', originalRecipient: 'rfc822;a@b.test' }), failed()],
  })
  fc.assert(
    fc.property(
      fc.array(remoteText, { maxLength: 30 }),
      remoteText,
      fc.option(fc.constantFrom('5.7.1', '5.999.999'), { nil: undefined }),
      (lines, other, enhanced) => {
        const found = report({
          envelopeId: other.replaceAll(/[^ -~]/g, '').slice(0, 100),
          recipients: [
            failed({
              reply: { code: 550, lines, ...(enhanced === undefined ? {} : { enhanced }) },
              remoteMta: other.slice(0, 255),
              originalRecipient: `rfc822;${other.slice(0, 100)}`,
              detail: other,
            }),
            failed(),
          ],
        })
        assert.deepEqual(names(found.fields), names(expected.fields))
        assert.deepEqual(found.groups.map(names), [
          ['Original-Envelope-Id', ...names(expected.groups[0] ?? [])],
          ...expected.groups.slice(1).map(names),
        ])
        for (const group of found.groups) for (const [, text] of group) assert.match(text, /^[ -~]*$/)
        assert.equal(value(found.groups[1] ?? [], 'Action'), 'failed')
      },
    ),
    { numRuns: 300 },
  )
})
