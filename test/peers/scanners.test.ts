// Real scanners: ClamAV, SpamAssassin, rspamd, and OpenDKIM as a milter.
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { listAlerts } from '../../src/alert/operations.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { createClamdScanner } from '../../src/scanner/clamd.ts'
import type { Scanner } from '../../src/scanner/contract.ts'
import { formatScannerEndpoint } from '../../src/scanner/exchange.ts'
import { createMilterScanner } from '../../src/scanner/milter/milter-scanner.ts'
import { createRspamdScanner } from '../../src/scanner/rspamd.ts'
import { createSpamdScanner } from '../../src/scanner/spamd.ts'
import { putSenderEntry } from '../../src/sender-list/operations.ts'
import { everybodys } from '../../src/sender-list/sender-list.ts'
import { startComposedServer, unauthenticated } from '../harness/composed-server.ts'
import { startDnsServer } from '../harness/dns-server.ts'
import { missing } from '../harness/programs.ts'
import { sendMail } from '../harness/send-message.ts'
import { sendAsStranger } from '../scanner/send-as-stranger.ts'
import { eicar, gtube, plainMessage, specimen, withBody } from '../scanner/specimen.ts'
import { type Daemon, startClamd, startOpendkim, startRspamd, startSpamd } from './scanner-daemons.ts'

const never = new AbortController().signal

const load = { messages: 24, sessions: 4, endsAt: 12 }

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
    await scanner.ping?.(never)
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
    await scanner.ping?.(never)
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
    await scanner.ping?.(never)
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
    const daemon = await started(t, startOpendkim)
    const scanner = createMilterScanner({
      endpoint: daemon.endpoint,
      hostname: 'mx.example.test',
      clock: systemClock,
    })
    const { advice, headerFields = [] } = await scanner.scan(specimen(plainMessage), never)
    assert.equal(advice, 'accept')
    assert.deepEqual(
      headerFields.map(({ name }) => name),
      ['DKIM-Signature'],
    )
    assert.match(headerFields[0]?.value ?? '', /d=example\.net; s=test;/)
    await isGone(scanner, daemon)
  })

  test('ClamAV lets no virus in from a wanted sender, nor out of an account', {
    skip: missing('clamd'),
  }, async t => {
    const daemon = await started(t, startClamd)
    const dns = await startDnsServer(['example.net TXT v=spf1 ip4:203.0.113.9 -all'])
    t.after(() => dns.close())
    const server = await startComposedServer(t, {
      hostname: 'mx.here.test',
      domains: ['here.test'],
      accounts: [{ address: 'anna@here.test' }],
      isBehindProxy: true,
      settings: {
        delivery: { dnsServers: [dns.text] },
        spam: { clientNames: false },
        scanners: [{ kind: 'clamav', at: formatScannerEndpoint(daemon.endpoint), outgoing: true }],
      },
    })
    const since = server.clock.now()
    const entry = { ownerId: everybodys, verdict: 'allow', sender: 'example.net', note: '', since } as const
    await server.storage.run(putSenderEntry, entry)
    assert.equal((await sendAsStranger(server, 'Hello')).code, 250)
    await server.settled()
    const [hello = ''] = await server.mailbox('anna@here.test')
    assert.match(hello, /spf=pass/)
    const virus = `Hello\r\n\r\n${eicar}`
    const refused = await sendAsStranger(server, virus)
    assert.equal(refused.code, 550)
    assert.match(refused.lines.join(' '), /Eicar-Test-Signature/)
    const anna = 'anna@here.test'
    const [sent] = await sendMail(server.port('submission'), {
      account: anna,
      reversePath: anna,
      forwardPaths: [anna],
      mailData: `From: anna@here.test\r\nSubject: ${virus}\r\n`,
    })
    assert.ok(sent && 'reply' in sent.result && sent.result.reply)
    assert.match(sent.result.reply.lines.join(' '), /^Your message was not accepted: .*Eicar-Test-Signature/)
    assert.deepEqual(
      (await server.storage.run(listAlerts, { which: 'open' })).map(({ kind, subject }) => [kind, subject]),
      [['account-sends-virus', 'anna@here.test']],
    )
    await server.settled()
    assert.equal((await server.mailbox('anna@here.test')).length, 1)
  })

  test('OpenDKIM signs for whom has logged in, and for nobody else', {
    skip: missing('opendkim', 'openssl'),
  }, async t => {
    const daemon = await started(t, () => startOpendkim('192.0.2.1'))
    const server = await startComposedServer(t, {
      hostname: 'mx.example.net',
      domains: ['example.net', 'here.test'],
      accounts: [{ address: 'anna@here.test' }, { address: 'boris@example.net' }],
      isBehindProxy: true,
      settings: {
        mailAuthentication: unauthenticated,
        spam: { greylistScore: 1000, clientNames: false },
        scanners: [{ kind: 'milter', at: formatScannerEndpoint(daemon.endpoint), outgoing: true }],
      },
    })
    assert.equal((await sendAsStranger(server, 'Of a stranger')).code, 250)
    await sendMail(server.port('submission'), {
      account: 'boris@example.net',
      reversePath: 'boris@example.net',
      forwardPaths: ['anna@here.test'],
      mailData: 'From: boris@example.net\r\nSubject: Of Boris\r\n\r\nHello\r\n',
    })
    await server.settled()
    const signed = (await server.mailbox('anna@here.test')).map(mail => [
      /^Subject: (.*)\r$/m.exec(mail)?.[1],
      /^DKIM-Signature:[^]*?d=example\.net;/m.test(mail),
    ])
    assert.deepEqual(signed, [
      ['Of a stranger', false],
      ['Of Boris', true],
    ])
  })

  for (const [whenDown, start, kind, ...programs] of [
    ['accept', startSpamd, 'spamassassin', 'spamd'],
    ['defer', startClamd, 'clamav', 'clamd'],
    ['accept', startRspamd, 'rspamd', 'rspamd'],
    ['defer', startOpendkim, 'milter', 'opendkim', 'openssl'],
  ] as const)
    test(`${programs[0]} ends under load: what it could not look at meets "${whenDown}", and nothing is lost`, {
      skip: missing(...programs),
    }, async t => {
      const daemon = await started(t, start)
      const server = await startComposedServer(t, {
        hostname: 'mx.here.test',
        domains: ['here.test'],
        accounts: [{ address: 'anna@here.test' }],
        isBehindProxy: true,
        settings: {
          mailAuthentication: unauthenticated,
          spam: { greylistScore: 1000, junkScore: 1000, refuseScore: 1000 },
          scanners: [{ kind, at: formatScannerEndpoint(daemon.endpoint), whenDown }],
        },
      })
      const codes: number[] = []
      let sent = 0
      const sendSome = async (): Promise<void> => {
        while (sent < load.messages) {
          const subject = `Message ${++sent}`
          if (sent === load.endsAt) void daemon.stop()
          codes.push((await sendAsStranger(server, subject)).code)
        }
      }
      await Promise.all(Array.from({ length: load.sessions }, sendSome))
      const accepted = codes.filter(code => code === 250).length
      assert.equal(codes.length, load.messages)
      assert.deepEqual(
        codes.filter(code => code !== 250 && code !== 451),
        [],
      )
      if (whenDown === 'accept') assert.equal(accepted, load.messages)
      else assert.ok(accepted > 0 && accepted < load.messages, String(accepted))
      await server.settled()
      const arrived = await Promise.all(['INBOX', 'Junk'].map(name => server.mailbox('anna@here.test', name)))
      assert.equal(arrived.flat().length, accepted)
      // Whatever came in has been before OpenDKIM, from the connection to the end of the message.
      if (kind === 'milter') {
        const signed = arrived.flat().filter(mail => /^DKIM-Signature:[^]*?d=example\.net;/m.test(mail))
        assert.equal(signed.length, accepted)
      }
    })
})
