// TLS reports as text: where they go, what stands in them, and what strangers may send in their place (RFC 8460).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { composeTlsReportMail } from '../../src/tls-report/compose-mail.ts'
import type { TlsCount } from '../../src/tls-report/operations.ts'
import { parseReportJson } from '../../src/tls-report/parse-report.ts'
import { readReport } from '../../src/tls-report/receive-report.ts'
import { composeReportJson } from '../../src/tls-report/report-json.ts'
import { formatTarget, readReportTargets } from '../../src/tls-report/report-record.ts'

const records: readonly (readonly [text: string, targets: readonly string[]])[] = [
  ['v=TLSRPTv1; rua=mailto:reports@example.com', ['mailto:reports@example.com']],
  [
    'v=TLSRPTv1;rua=mailto:a@example.com,https://reports.example.com/v1/tls?x=1;',
    ['mailto:a@example.com', 'https://reports.example.com/v1/tls?x=1'],
  ],
  ['v=TLSRPTv1; x=y; rua=mailto:a%2Cb@example.com', []],
  ['v=TLSRPTv1; rua=http://reports.example.com/', []],
  ['v=TLSRPTv1; rua=https://192.0.2.1/', []],
  ['v=TLSRPTv1; rua=https://localhost/', []],
  ['v=TLSRPTv1; rua=https://reports.example.com:8443/', []],
  ['v=TLSRPTv1; rua=mailto:nobody', []],
  ['v=TLSRPTv2; rua=mailto:a@example.com', []],
  ['v=TLSRPTv1', []],
]

for (const [text, targets] of records) {
  test(`the record ${text} leads to ${targets.join(' and ') || 'nowhere'}`, () => {
    assert.deepEqual(readReportTargets(['v=spf1 -all', text]).map(formatTarget), targets)
  })
}

test('of two records none counts', () => {
  const record = 'v=TLSRPTv1; rua=mailto:a@example.com'
  assert.deepEqual(readReportTargets([record, record]), [])
})

const frame = { hostname: 'mail.example.test', day: 20_000, domain: 'example.org' }
const sts = { policy: 'sts', terms: ['testing 1 86400'], hosts: ['*.example.org'] } as const
const counts: readonly TlsCount[] = [
  { ...frame, sessions: 40, outcome: sts },
  {
    ...frame,
    sessions: 2,
    outcome: {
      ...sts,
      failure: 'certificate-expired',
      detail: 'the certificate has expired',
      mx: 'mx.example.org',
      receivingIp: '192.0.2.1',
      sendingIp: '192.0.2.9',
    },
  },
  {
    ...frame,
    sessions: 1,
    outcome: { policy: 'dane', terms: ['3 1 1 00ff'], hosts: ['mx.example.org'] },
  },
]

test('a report has the day, each policy, and each failure with its count', () => {
  const json = composeReportJson(frame, counts)
  assert.deepEqual(JSON.parse(json), {
    'organization-name': 'mail.example.test',
    'date-range': { 'start-datetime': '2024-10-04T00:00:00Z', 'end-datetime': '2024-10-04T23:59:59Z' },
    'contact-info': 'postmaster@mail.example.test',
    'report-id': '2024-10-04.example.org@mail.example.test',
    policies: [
      {
        policy: {
          'policy-type': 'sts',
          'policy-string': ['version: STSv1', 'mode: testing', 'mx: *.example.org', 'max_age: 86400'],
          'policy-domain': 'example.org',
          'mx-host': ['*.example.org'],
        },
        summary: { 'total-successful-session-count': 40, 'total-failure-session-count': 2 },
        'failure-details': [
          {
            'result-type': 'certificate-expired',
            'sending-mta-ip': '192.0.2.9',
            'receiving-mx-hostname': 'mx.example.org',
            'receiving-ip': '192.0.2.1',
            'failed-session-count': 2,
            'failure-reason-code': 'the certificate has expired',
          },
        ],
      },
      {
        policy: {
          'policy-type': 'tlsa',
          'policy-string': ['3 1 1 00ff'],
          'policy-domain': 'example.org',
          'mx-host': ['mx.example.org'],
        },
        summary: { 'total-successful-session-count': 1, 'total-failure-session-count': 0 },
      },
    ],
  })
})

function mailWith(type: string, content: Uint8Array): Uint8Array {
  const lines = [
    'From: <a@example.org>',
    'TLS-Report-Domain: example.test',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type="tlsrpt"; boundary="b"',
    '',
    '--b',
    `Content-Type: ${type}`,
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from(content).toString('base64'),
    '--b--',
    '',
  ]
  return Buffer.from(lines.join('\r\n'))
}

test('what we send is what we read', async () => {
  const json = composeReportJson(frame, counts)
  const mail = composeTlsReportMail({
    ...frame,
    to: [{ localPart: 'reports', domain: 'example.org' }],
    at: Date.UTC(2024, 9, 5),
    queueId: '1CCD5D74AAE',
    json,
  })
  const text = Buffer.from(mail).toString('latin1')
  assert.match(text, /^TLS-Report-Domain: example\.org\r$/m)
  assert.match(text, /^TLS-Report-Submitter: mail\.example\.test\r$/m)
  assert.match(text, /^TLS-Required: No\r$/m)
  assert.match(text, /filename="mail\.example\.test!example\.org!1728000000!1728086399\.json\.gz"/)
  for (const line of text.split('\r\n')) assert.ok(line.length <= 998)
  assert.deepEqual(await readReport(mail), parseReportJson(json))
  assert.equal((await readReport(mail))?.policies[0]?.failures[0]?.type, 'certificate-expired')
})

test('a report without compression is read too, and lacks what its writer left out', async () => {
  const json = JSON.stringify({
    'organization-name': 'x'.repeat(1000),
    'report-id': '1',
    'date-range': {},
    policies: [{ policy: {}, summary: { 'total-successful-session-count': -1 } }],
  })
  const report = await readReport(mailWith('application/tlsrpt+json', Buffer.from(json)))
  assert.equal(report?.organization.length, 200)
  assert.deepEqual(report?.policies, [{ type: '', domain: '', successful: 0, failed: 0, failures: [] }])
})

test('what unpacks to more than any report, is no gzip or no report, is none', async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '))
  assert.ok(bomb.length < 100_000)
  for (const content of [bomb, Buffer.from('no gzip'), gzipSync('[]'), gzipSync('{"policies":[]}')])
    assert.equal(await readReport(mailWith('application/tlsrpt+gzip', content)), undefined)
  assert.equal(await readReport(Buffer.from('no message')), undefined)
})

test('whatever a stranger writes is read without an error', () => {
  fc.assert(
    fc.property(fc.json(), fc.jsonValue(), (text, value) => {
      parseReportJson(text)
      parseReportJson(
        JSON.stringify({ 'report-id': '1', 'date-range': value, policies: [value, { policy: value }] }),
      )
      readReportTargets([`v=TLSRPTv1; rua=${text}`])
    }),
  )
})
