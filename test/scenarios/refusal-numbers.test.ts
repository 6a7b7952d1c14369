// Whoever is refused for what he sends has a number in the reply, by which the administrator finds what was found.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readTrace } from '../../src/cli/commands/trace.ts'
import { describeTrace } from '../../src/cli/describe-trace.ts'
import { describeWhy } from '../../src/cli/describe-why.ts'
import { parseQueueId } from '../../src/queue/queue-id.ts'
import { formatScannerEndpoint } from '../../src/scanner/exchange.ts'
import { formatPacket, texts } from '../../src/scanner/milter/packets.ts'
import { putSenderEntry } from '../../src/sender-list/operations.ts'
import { everybodys } from '../../src/sender-list/sender-list.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { startDnsServer } from '../harness/dns-server.ts'
import { eventually } from '../harness/eventually.ts'
import { openConnectionOf, type RawReply } from '../harness/raw-connection.ts'
import { numberIn } from '../harness/refusal-number.ts'
import { startMilter } from '../scanner/fake-milter.ts'

const anna = 'anna@here.test'

const hookFile = `
import { reject, type HookFile } from 'postrider/hooks'
const hooks = {
  connect: ({ address }) => (address === '198.51.100.7' ? reject(554, 'Not from there') : undefined),
  rcpt: ({ recipient }) =>
    recipient === 'nobody@here.test' ? reject(550, 'We do not know him\\nand never did') : undefined,
  data: ({ message }) => (message.body.includes('Hooked') ? reject(550, 'No hooks') : undefined),
} satisfies HookFile
export const { connect, rcpt, data } = hooks
`

async function start(t: TestContext): Promise<ComposedServer> {
  const folder = await mkdtemp(join(tmpdir(), 'postrider-numbers-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'hooks.ts')
  await writeFile(file, hookFile)
  const dns = await startDnsServer([
    '_dmarc.bank.test TXT v=DMARC1; p=reject',
    'bank.test TXT v=spf1 -all',
    '7.113.0.203.black.test A 127.0.0.2',
  ])
  t.after(() => dns.close())
  const milter = await startMilter(t, {
    R: text => (text.includes('carl') ? [formatPacket('y', texts('550 5.7.1 No Carl'))] : undefined),
    E: [formatPacket('c')],
    L: text => (text.includes('Virus') ? [formatPacket('r')] : undefined),
  })
  const server = await startComposedServer(t, {
    hostname: 'mx.here.test',
    domains: ['here.test'],
    accounts: [{ address: anna }, { address: 'carl@here.test' }, { address: 'nobody@here.test' }],
    isBehindProxy: true,
    settings: {
      delivery: { dnsServers: [dns.text] },
      mailAuthentication: { arc: 'off', iprev: 'off' },
      spam: {
        clientNames: false,
        refuseScore: 10,
        lists: [{ zone: 'black.test', points: 12 }],
      },
      scanners: [{ kind: 'milter', at: formatScannerEndpoint(milter.endpoint) }],
      hooks: { file, timeoutSeconds: 5, maxMegabytes: 32 },
    },
  })
  const entry = { ownerId: everybodys, verdict: 'block', sender: 'pest.test', note: '', since: 0 } as const
  await server.storage.run(putSenderEntry, entry)
  return server
}

interface Attempt {
  readonly from?: string
  readonly to?: string
  readonly subject?: string
  readonly body?: string
  readonly client?: string
}

/** The first reply that refuses. */
async function refusalOf(
  server: ComposedServer,
  {
    from = 'boris@friend.test',
    to = anna,
    subject = 'Hello',
    body = 'Text',
    client = '203.0.113.9',
  }: Attempt,
): Promise<RawReply> {
  const connection = await openConnectionOf(client, server.port('relay'))
  try {
    const greeting = await connection.reply()
    if (greeting && greeting.code >= 400) return greeting
    for (const line of ['EHLO client.test', `MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, 'DATA']) {
      const reply = await connection.command(line)
      if (reply && reply.code >= 400) return reply
    }
    await connection.write(`From: ${from}\r\nSubject: ${subject}\r\n\r\n${body}\r\n.\r\n`)
    const reply = (await connection.reply()) ?? assert.fail('no reply')
    assert.ok(reply.code >= 400, reply.lines.join(' '))
    return reply
  } finally {
    connection.destroy()
  }
}

const cases: Readonly<Record<string, { readonly attempt: Attempt; readonly found: RegExp }>> = {
  DMARC: { attempt: { from: 'boris@bank.test' }, found: /SPF: bank\.test does not let 203\.0\.113\.9/ },
  'a scanner': { attempt: { subject: 'Virus' }, found: /milter at 127\.0\.0\.1:\d+: refuses it/ },
  'a milter at RCPT': { attempt: { to: 'carl@here.test' }, found: /refuses the recipient \(No Carl\)/ },
  'a hook at connect': { attempt: { client: '198.51.100.7' }, found: /connect: refused \(Not from there\)/ },
  'a hook at RCPT': {
    attempt: { to: 'nobody@here.test' },
    found: /rcpt \(nobody@here\.test\): refused \(We do not know him and never did\)/,
  },
  'a hook at the message': { attempt: { body: 'Hooked' }, found: /data: refused \(No hooks\)/ },
  'a list of addresses': { attempt: { client: '203.0.113.7' }, found: /\+12 by black\.test/ },
  'a list of senders': { attempt: { from: 'a@pest.test' }, found: /pest\.test/ },
}

test('each refusal is found by the number in its reply, with what was found', async t => {
  const server = await start(t)
  const seen = new Set<string>()
  for (const [name, { attempt, found }] of Object.entries(cases)) {
    const reply = await refusalOf(server, attempt)
    const number = numberIn(reply.text) ?? assert.fail(`${name}: ${reply.text}`)
    assert.ok(!seen.has(number), `${name}: the number is another's`)
    seen.add(number)
    const queueId = parseQueueId(number) ?? assert.fail(number)
    const trace = await eventually(`${name}: ${number} in the trail`, async () => {
      const read = await readTrace(server.storage, queueId)
      return read.records.length > 0 ? read : undefined
    })
    assert.equal(trace.records.length, 1, name)
    const style = {
      now: server.clock.now(),
      retentionDays: 30,
      withDialogue: false,
      prospects: undefined as never,
    }
    const told = describeTrace({ queueId, records: trace.records, queued: undefined }, style)
    assert.match(told, /^Not taken:\n/, name)
    assert.match(told, found, name)
    // A line of the trail begins with its time, or goes on under the text of the one before.
    for (const line of told.split('\n').slice(1)) assert.match(line, /^(?:\d{4}-\d\d-\d\d| {21}\S)/, name)
    const why = describeWhy({ queueId, records: trace.records, queued: undefined }, style)
    assert.match(why, new RegExp(`^${number} is no message: it was not taken`), name)
  }
})

test('a second refusal of the same client at connect has a number of its own, which is found too', async t => {
  const server = await start(t)
  for (let n = 0; n < 2; n++) {
    const number = numberIn((await refusalOf(server, { client: '198.51.100.7' })).text) ?? assert.fail()
    const queueId = parseQueueId(number) ?? assert.fail(number)
    await eventually(`${number} in the trail`, async () => {
      const { records } = await readTrace(server.storage, queueId)
      return records.length > 0 ? true : undefined
    })
  }
})
