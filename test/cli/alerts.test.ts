// postrider alerts, and what `postrider queue summary` says of them.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { endAlert, noteMended, raiseAlert } from '../../src/alert/operations.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import { makeServerFolder, runHere, succeed, succeedJson } from './run-postrider.ts'

const minute = 60_000

test('alerts shows what is open with what to do, and with --all what is over', async t => {
  const folder = makeServerFolder(remove => t.after(remove))
  const dataFolder = join(folder, 'mail-data')
  await (await openLocalStorage(dataFolder)).close()
  const nothing = await runHere(folder, ['alerts'])
  assert.deepEqual([nothing.exitCode, nothing.stdout], [0, ''])
  assert.match(nothing.stderr, /^There is nothing to act on\.$/m)
  assert.deepEqual(await succeedJson(folder, 'alerts'), [])

  const storage = await openLocalStorage(dataFolder)
  const at = Date.now() - 60 * minute
  const evidence = {
    detail: 'gmail-smtp-in.l.google.com refused MAIL',
    remoteMta: 'gmail-smtp-in.l.google.com',
    reply: {
      code: 421,
      enhanced: '4.7.28',
      lines: ['Our system has detected \u001b[31mmuch unsolicited mail'],
    },
    provider: { name: 'Gmail', page: 'https://support.google.com/mail/answer/81126' },
  }
  const gmail = { kind: 'reputation-block', subject: 'gmail' } as const
  const other = { ...gmail, subject: 'mx1.example.org' } as const
  for (const seen of [at, at + 5 * minute]) await storage.run(raiseAlert, { ...gmail, at: seen, evidence })
  await storage.run(raiseAlert, { ...other, at, evidence })
  await storage.run(noteMended, { ...other, seenAt: at, mendedAt: at })
  assert.equal(await storage.run(endAlert, { ...other, seenAt: at, at: at + minute }), true)
  await storage.close()

  const open = await succeed(folder, 'alerts')
  assert.match(
    open,
    /^Gmail refuses mail from this server because of its reputation\n {2}\(since [0-9 :-]+; seen 2 times, last 55 min ago\)\n {2}Gmail\n {4}What happened: /,
  )
  assert.match(open, / 421 4\.7\.28 Our system has detected/)
  assert.ok(!open.includes('\u001b'), 'what others say is made printable')
  assert.match(
    open,
    /^ {4}2\. What Gmail asks of mail servers, and how to reach it:\n {7}https:\/\/support\.google\.com/m,
  )
  assert.match(open, /^ {9}postrider queue retry --destination gmail$/m)
  assert.ok(!open.includes('mx1.example.org'))
  assert.match(
    await succeed(folder, 'alerts', '--all'),
    /mx1\.example\.org refused mail .*\n.*; ended [0-9 :-]+\)\n.*\n {4}Now: Mail has been taken there again since /,
  )
  const json = (await succeedJson(folder, 'alerts', '--all')) as readonly Readonly<Record<string, unknown>>[]
  assert.deepEqual(
    json.map(({ kind, subject, times, overAt }) => [kind, subject, times, overAt]),
    [
      ['reputation-block', 'gmail', 2, null],
      ['reputation-block', 'mx1.example.org', 1, new Date(at + minute).toISOString()],
    ],
  )
  assert.deepEqual(json[0]?.['evidence'], evidence)

  const summary = await runHere(folder, ['queue', 'summary', '--destination', 'gmail'])
  assert.match(summary.stderr, /^1 alert is open: "postrider alerts" says what to do$/m)
  assert.match(JSON.stringify(await succeedJson(folder, 'queue', 'summary')), /"openAlerts":1/)
})
