// What `postrider domain dns` prints is a zone file as BIND reads it, and every record of it can be asked for.
import assert from 'node:assert/strict'
import { Resolver } from 'node:dns/promises'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ensureGeneratedCertificate } from '../../src/tls/generated-certificate-file.ts'
import { tlsaOfCertificate } from '../../src/tls/tlsa-record.ts'
import { makeServerFolder, succeed, succeedJson } from '../cli/run-postrider.ts'
import { eventually } from '../harness/eventually.ts'
import { findFreePort } from '../harness/free-port.ts'
import { missing } from '../harness/programs.ts'
import { endNamed, startNamed } from '../harness/signed-dns.ts'

test('BIND serves the zone that is printed', { skip: missing('named') }, async context => {
  const server = makeServerFolder(remove => context.after(remove))
  await succeed(server, 'domain', 'create', 'example.test')
  const certificate = await ensureGeneratedCertificate(
    join(server, 'mail-data'),
    'mail.example.test',
    Date.now(),
  )
  const parameters = [
    'domain',
    'dns',
    'example.test',
    '--public-address',
    '192.0.2.1',
    '--public-address',
    '2001:db8::1',
  ]
  const zone = await succeed(server, ...parameters)
  const folder = await mkdtemp(join(tmpdir(), 'printed-zone-'))
  context.after(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'zone')
  const own =
    'example.test. 300 IN SOA ns.example.test. root.example.test. 1 3600 600 86400 60\nexample.test. 300 IN NS ns.example.test.\nns.example.test. 300 IN A 127.0.0.1\n'
  await writeFile(file, own + zone)
  const port = await findFreePort('127.0.0.1')
  const named = await startNamed(join(folder, 'named'), port, [
    'recursion no;',
    '};',
    `zone "example.test" { type primary; file "${file}"; };`,
  ])
  context.after(() => endNamed(named))
  const dns = new Resolver({ timeout: 1000 })
  dns.setServers([`127.0.0.1:${port}`])
  const mx = await eventually('an answer of BIND', () => dns.resolveMx('example.test').catch(() => undefined))
  assert.deepEqual(
    mx.map(({ exchange, priority }) => [priority, exchange]),
    [[10, 'mail.example.test']],
  )
  assert.deepEqual(await dns.resolve4('mail.example.test'), ['192.0.2.1'])
  assert.deepEqual(await dns.resolve6('mail.example.test'), ['2001:db8::1'])
  assert.deepEqual(await dns.resolveTxt('example.test'), [['v=spf1 mx ~all']])
  assert.deepEqual(await dns.resolveTxt('mail.example.test'), [['v=spf1 a -all']])
  const [srv] = await dns.resolveSrv('_submissions._tcp.example.test')
  assert.deepEqual([srv?.priority, srv?.weight, srv?.port, srv?.name], [0, 1, 465, 'mail.example.test'])
  const [tlsa] = await dns.resolveTlsa('_25._tcp.mail.example.test')
  assert.ok(tlsa)
  assert.equal(
    `${tlsa.certUsage} ${tlsa.selector} ${tlsa.match} ${Buffer.from(tlsa.data).toString('hex')}`,
    tlsaOfCertificate(certificate.certificatePem),
  )

  // Every other text, by its name.
  const listed = (await succeedJson(server, ...parameters)) as { name: string; type: string; value: string }[]
  const texts = listed.filter(({ type }) => type === 'TXT')
  assert.equal(texts.length, 6)
  for (const { name, value } of texts) {
    const [strings = []] = await dns.resolveTxt(name)
    assert.equal(strings.map(string => `"${string}"`).join(' '), value)
  }
})
