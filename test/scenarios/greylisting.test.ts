// Who has to come again, and who is known when he does, though from another address: what a peer meets.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { startDnsServer } from '../harness/dns-server.ts'
import { openConnectionOf } from '../harness/raw-connection.ts'

const wait = 5 * 60_000

async function start(t: TestContext): Promise<ComposedServer> {
  const dns = await startDnsServer([
    'provider.test TXT v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.0/24 -all',
    'unproven.test TXT nothing of it',
  ])
  t.after(() => dns.close())
  return await startComposedServer(t, {
    hostname: 'mx.here.test',
    domains: ['here.test'],
    accounts: [{ address: 'anna@here.test' }],
    isBehindProxy: true,
    settings: {
      delivery: { dnsServers: [dns.text] },
      mailAuthentication: { spf: 'note', dmarc: 'off', dkim: 'off', arc: 'off', iprev: 'off' },
    },
  })
}

/** It calls itself by our name, which has points: not so many that it goes to Junk. The code of the reply to the message. */
async function send(server: ComposedServer, client: string, from: string): Promise<number | undefined> {
  const connection = await openConnectionOf(client, server.port('relay'))
  await connection.reply()
  for (const line of ['EHLO mx.here.test', `MAIL FROM:<${from}>`, 'RCPT TO:<anna@here.test>', 'DATA'])
    assert.ok(((await connection.command(line))?.code ?? 999) < 400)
  const reply = await connection.command(`From: ${from}\r\nSubject: Hello\r\n\r\nHello\r\n.`)
  connection.destroy()
  return reply?.code
}

for (const [family, first, sibling, other] of [
  ['IPv4', '203.0.113.9', '203.0.113.240', '203.0.114.9'],
  ['IPv6', '2001:db8:1:2::1', '2001:db8:1:2:ffff::9', '2001:db8:1:3::1'],
] as const)
  test(`${family}: an unproven server that comes again from another address of its network is not sent away again`, async t => {
    const server = await start(t)
    const from = 'boris@unproven.test'
    assert.equal(await send(server, first, from), 451)
    assert.equal(await send(server, sibling, from), 451, 'too soon')
    server.clock.advance(wait)
    assert.equal(await send(server, sibling, from), 250)
    assert.equal(await send(server, first, from), 250)
    assert.equal(await send(server, other, from), 451, 'another network')
  })

test('a provider that has proved its domain comes again from another of its networks', async t => {
  const server = await start(t)
  const from = 'boris@provider.test'
  assert.equal(await send(server, '192.0.2.10', from), 451)
  server.clock.advance(wait)
  assert.equal(await send(server, '198.51.100.7', from), 250)
})

test('who sends without a sender, as a report, is no exception', async t => {
  const server = await start(t)
  assert.equal(await send(server, '203.0.113.9', ''), 451)
  server.clock.advance(wait)
  assert.equal(await send(server, '203.0.113.9', ''), 250)
})
