// Real scanners: ClamAV, SpamAssassin, rspamd, and OpenDKIM as a milter.
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { systemClock } from '../../src/runtime/clock.ts'
import { createClamdScanner } from '../../src/scanner/clamd.ts'
import type { Scanner } from '../../src/scanner/contract.ts'
import { Milter } from '../../src/scanner/milter/milter.ts'
import { createRspamdScanner } from '../../src/scanner/rspamd.ts'
import { createSpamdScanner } from '../../src/scanner/spamd.ts'
import { missing } from '../harness/programs.ts'
import { eicar, gtube, plainMessage, specimen, withBody } from '../scanner/specimen.ts'
import { type Daemon, startClamd, startOpendkim, startRspamd, startSpamd } from './scanner-daemons.ts'

const never = new AbortController().signal

async function started(t: TestContext, start: () => Promise<Daemon>): Promise<Daemon> {
  const daemon = await start()
  t.after(() => daemon.stop())
  return daemon
}

async function isGone(scanner: Scanner, daemon: Daemon): Promise<void> {
  await daemon.stop()
  await assert.rejects(scanner.scan(specimen(plainMessage), never), { code: 'SCANNER_UNAVAILABLE' })
}

describe('scanners', { concurrency: false }, () => {
  test('ClamAV finds EICAR, and says what is too large', { skip: missing('clamd') }, async t => {
    const daemon = await started(t, startClamd)
    const scanner = createClamdScanner(daemon.endpoint)
    assert.deepEqual(await scanner.scan(specimen(plainMessage), never), { advice: 'accept', findings: [] })
    const found = await scanner.scan(specimen(withBody(eicar)), never)
    assert.equal(found.advice, 'refuse')
    assert.match(found.findings[0]?.name ?? '', /^Eicar-Test-Signature/)
    await assert.rejects(scanner.scan(specimen(withBody('x'.repeat(3_000_000))), never), {
      code: 'SCANNER_TOO_LARGE',
    })
    await isGone(scanner, daemon)
  })

  test('SpamAssassin tells its score and its rules', { skip: missing('spamd') }, async t => {
    const daemon = await started(t, startSpamd)
    const scanner = createSpamdScanner({ endpoint: daemon.endpoint })
    assert.equal((await scanner.scan(specimen(plainMessage), never)).advice, 'accept')
    const spam = await scanner.scan(specimen(withBody(gtube)), never)
    assert.equal(spam.advice, 'mark')
    assert.ok((spam.score ?? 0) >= 1000)
    assert.ok(spam.findings.some(({ name, score }) => name === 'GTUBE' && score === 1000))
    await isGone(scanner, daemon)
  })

  test('rspamd refuses its test pattern', { skip: missing('rspamd') }, async t => {
    const daemon = await started(t, startRspamd)
    const scanner = createRspamdScanner({ endpoint: daemon.endpoint })
    assert.equal((await scanner.scan(specimen(plainMessage), never)).advice, 'accept')
    const spam = await scanner.scan(specimen(withBody(gtube)), never)
    assert.equal(spam.advice, 'refuse')
    assert.deepEqual(
      spam.findings.map(({ name }) => name),
      ['GTUBE'],
    )
    await isGone(scanner, daemon)
  })

  test('OpenDKIM signs as a milter', { skip: missing('opendkim', 'openssl') }, async t => {
    const { endpoint } = await started(t, startOpendkim)
    const milter = await Milter.open({ endpoint, timeoutMs: 20_000, clock: systemClock })
    const goOn = { kind: 'continue' } as const
    const [head = '', body = ''] = plainMessage.split('\r\n\r\n')
    assert.deepEqual(
      await milter.connect(
        { hostName: 'client.example.net', address: '192.0.2.7', port: 40_000 },
        { j: 'mx.example.test' },
      ),
      goOn,
    )
    assert.deepEqual(await milter.hello('client.example.net'), goOn)
    assert.deepEqual(await milter.mail('boris@example.net', []), goOn)
    assert.deepEqual(await milter.recipient('anna@example.test', []), goOn)
    assert.deepEqual(await milter.data({ i: '0ANHN9VYR00' }), goOn)
    const { verdict, changes } = await milter.message(
      {
        headerFields: head.split('\r\n').map(line => {
          const colon = line.indexOf(':')
          return { name: line.slice(0, colon), value: line.slice(colon + 1) }
        }),
        body: (async function* () {
          yield Buffer.from(body)
        })(),
      },
      { i: '0ANHN9VYR00' },
    )
    milter.close()
    assert.deepEqual(verdict, { kind: 'accept' })
    assert.equal(changes.length, 1)
    const [signature] = changes
    assert.ok(signature?.kind === 'insert-field' && signature.name === 'DKIM-Signature')
    assert.match(signature.value, /d=example\.net; s=test;/)
  })
})
