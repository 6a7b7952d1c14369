// postrider tls-reports, over counts and reports that are there.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { dayOf } from '../../src/daily-report/day.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import { addTlsCounts, keepReceivedReport } from '../../src/tls-report/operations.ts'
import { makeServerFolder, succeed, succeedJson } from './run-postrider.ts'

test('tls-reports shows what was counted here and what others report', async t => {
  const folder = makeServerFolder(remove => t.after(remove))
  await succeed(folder, 'domain', 'create', 'example.test')
  assert.match(
    await succeed(folder, 'tls-reports'),
    /to others:\nNone in the last 7 days\.\n\n.*to this server:\nNothing in the last 7 days\./,
  )
  const storage = await openLocalStorage(join(folder, 'mail-data'))
  const now = Date.now()
  const sts = { policy: 'sts', terms: ['enforce 1 86400'], hosts: ['mx.example.org'] } as const
  const common = { day: dayOf(now), domain: 'example.org' }
  await storage.run(addTlsCounts, [
    { ...common, key: 'a', sessions: 3, outcome: sts },
    {
      ...common,
      key: 'b',
      sessions: 1,
      outcome: { ...sts, failure: 'certificate-expired', detail: 'the certificate has expired' },
    },
    {
      ...common,
      domain: 'xn--e1afmkfd.xn--p1ai',
      key: 'd',
      sessions: 1,
      outcome: {
        policy: 'none',
        terms: [],
        hosts: [],
        failure: 'starttls-not-supported',
        detail: 'mx.xn--e1afmkfd.xn--p1ai offers no STARTTLS',
      },
    },
  ])
  await storage.run(addTlsCounts, [{ ...common, key: 'a', sessions: 4, outcome: sts }])
  await storage.run(keepReceivedReport, {
    key: 'c',
    at: now,
    report: {
      organization: 'Example Inc.\u001b[31m',
      reportId: '1',
      from: '',
      to: '',
      proven: 'xn--e1afmkfd.xn--p1ai',
      policies: [
        {
          type: 'tlsa',
          domain: 'example.test',
          successful: 9,
          failed: 2,
          failures: [{ type: 'dnssec-invalid', mx: 'mail.example.test', sessions: 2, reason: '' }],
        },
      ],
    },
  })
  await storage.close()
  const text = await succeed(folder, 'tls-reports')
  assert.match(text, /example\.org +MTA-STS +7 +good\n/)
  assert.match(text, /example\.org +MTA-STS +1 +certificate-expired: the certificate has expired\n/)
  assert.match(text, /пример\.рф +none +1 +starttls-not-supported: mx\.пример\.рф offers no STARTTLS\n/)
  assert.match(text, /пример\.рф +example\.test +tlsa +9 +good\n/)
  assert.match(text, /example\.test +tlsa +2 +dnssec-invalid\n/)
  assert.ok(!text.includes('\u001b'), 'what others write is made printable')
  const json = (await succeedJson(folder, 'tls-reports')) as {
    readonly sent: readonly { readonly sessions: number }[]
    readonly received: readonly { readonly policies: readonly unknown[] }[]
  }
  assert.deepEqual(
    json.sent.map(({ sessions }) => sessions),
    [7, 1, 1],
  )
  assert.equal(json.received[0]?.policies.length, 1)
})
