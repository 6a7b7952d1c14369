// postrider dmarc-reports, over counts and reports that are there.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { dayOf } from '../../src/daily-report/day.ts'
import { addDmarcCounts, dmarcReportedDays } from '../../src/dmarc-report/operations.ts'
import { keepDmarcReport } from '../../src/dmarc-report/received-reports.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import { makeServerFolder, succeed, succeedJson } from './run-postrider.ts'

test('dmarc-reports shows who sends in our names, what came, and what this server reports on others', async t => {
  const folder = makeServerFolder(remove => t.after(remove))
  await succeed(folder, 'domain', 'create', 'example.test')
  assert.match(
    await succeed(folder, 'dmarc-reports'),
    /report it:\nNothing was reported in the last 7 days\.\n\nReports that came:\nNone in the last 7 days\.\n\n.*reports on:\nNone that anybody wants reports on in the last 7 days\./,
  )
  const storage = await openLocalStorage(join(folder, 'mail-data'))
  const now = Date.now()
  const today = dayOf(now)
  const source = {
    address: '192.0.2.1',
    headerFrom: 'example.test',
    sender: 'example.test',
    disposition: 'none',
    dkim: true,
    spf: true,
    messages: 40,
    isOwn: true,
  }
  const common = { receivedAt: now, queueId: 1, proven: 'receiver.test' }
  await storage.run(keepDmarcReport, {
    ...common,
    key: 'a',
    organization: 'Receiver\u001b[31m',
    contact: 'x@receiver.test',
    reportId: '1',
    domain: 'example.test',
    policy: 'none',
    beginAt: now,
    endAt: now,
    sources: [
      source,
      {
        ...source,
        address: '198.51.100.7',
        isOwn: false,
        dkim: false,
        spf: false,
        disposition: 'reject',
        messages: 3,
      },
      { ...source, address: '198.51.100.8', isOwn: false, dkim: false, sender: 'news.test', messages: 6 },
      { ...source, address: '198.51.100.8', isOwn: false, sender: 'news.test', messages: 2 },
    ],
  })
  await storage.run(keepDmarcReport, { ...common, key: 'b', problem: 'it is no XML', proven: '' })
  const outcome = {
    source: '203.0.113.9',
    disposition: 'reject',
    dkim: 'fail',
    spf: 'fail',
    headerFrom: 'bank.test',
    envelopeFrom: '',
    signatures: [],
  } as const
  await storage.run(addDmarcCounts, [
    { key: 'a', day: today, domain: 'bank.test', outcome, times: 5 },
    { key: 'b', day: today, domain: 'bank.test', outcome: { ...outcome, dkim: 'pass' }, times: 6 },
    { key: 'c', day: today - 1, domain: 'bank.test', outcome, times: 2 },
  ])
  await storage.run(dmarcReportedDays.noteDone, {
    day: today - 1,
    domain: 'bank.test',
    at: now,
    targets: ['mailto:dmarc@bank.test'],
  })
  await storage.close()

  const text = await succeed(folder, 'dmarc-reports')
  const lines = text.split('\n').map(line => line.replaceAll(/ {2,}/g, ' | '))
  for (const line of [
    'example.test | 198.51.100.7 | 3 | 3 | fail | fail | example.test | 3 refused',
    'example.test | 192.0.2.1 | 40 | 0 | pass | pass | example.test | this server',
    'example.test | 198.51.100.8 | 8 | 0 | 25 % pass | pass | news.test',
  ])
    assert.ok(lines.includes(line), text)
  assert.match(text, /Receiver.* example\.test +51 +3 +receiver\.test\n/)
  assert.match(text, /Reports that cannot be read:\n.*\n.*it is no XML\n/)
  assert.match(text, /bank\.test +11 +5 +not yet\n/)
  assert.match(text, /bank\.test +2 +2 +dmarc@bank\.test\n/)
  assert.ok(!text.includes('\u001b'), 'what others write is made printable')
  assert.match(
    await succeed(folder, 'dmarc-reports', '--domain', 'bank.test'),
    /Nothing was reported[^]*bank\.test +11/,
  )
  assert.partialDeepStrictEqual(await succeedJson(folder, 'dmarc-reports'), {
    sources: [{ address: '198.51.100.7', failed: 3, rejected: 3 }, {}, {}],
    received: [{ organization: 'Receiver\u001b[31m', messages: 51, failed: 3 }],
    unread: [{ problem: 'it is no XML' }],
    sent: [{ messages: 11, failed: 5 }, { targets: ['mailto:dmarc@bank.test'] }],
  })
})
