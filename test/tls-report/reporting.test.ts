// The way of TLS reports: counted while mail goes out, sent when the day is over, and taken when others send them.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import {
  addTlsCounts,
  expireTlsReports,
  keepReceivedReport,
  listReceivedReports,
  listTlsCounts,
} from '../../src/tls-report/operations.ts'
import { readReport } from '../../src/tls-report/receive-report.ts'
import { createWorld, hour, minute, type World } from '../delivery/world.ts'
import { contextOf, issueCertificate, makeAuthority } from '../harness/certificates.ts'
import { type StartedServer, startServer } from '../smtp-server/start-server.ts'
import { policyText, trustedAuthority } from '../tls-policy/policy-server.ts'

const mx = 'mx.example.org'
const posting = { from: 'anna@example.test', to: ['boris@example.org'] }
const unknown = await issueCertificate(await makeAuthority('stranger'), [mx])
const day = 24 * hour

interface Posted {
  readonly path: string | undefined
  readonly type: string | undefined
  readonly body: Buffer
}

interface Receiver {
  readonly world: World
  readonly server: StartedServer
  readonly posted: Posted[]
  /** What the HTTPS server answers to a report. */
  status: number
}

/** example.org with a policy in testing, which its mail host does not keep. */
async function receiverFor(t: TestContext, rua?: string): Promise<Receiver> {
  const server = await startServer({
    hostname: 'mx.example.org',
    listeners: [{ role: 'relay', address: '127.0.0.2', port: 0 }],
    tls: { secureContext: () => contextOf(unknown) },
  })
  t.after(() => server.server.close())
  const own = await issueCertificate(trustedAuthority, ['mta-sts.example.org', 'reports.example.org'])
  const posted: Posted[] = []
  const https = createServer({ key: own.key, cert: own.certificate }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (request.method === 'POST') {
        posted.push({
          path: request.url,
          type: request.headers['content-type'],
          body: Buffer.concat(chunks),
        })
        response.writeHead(request.url === '/down' ? 503 : receiver.status).end()
      } else response.writeHead(200, { 'content-type': 'text/plain' }).end(policyText('testing', [mx]))
    })
  })
  https.listen(0, '127.0.0.3')
  await once(https, 'listening')
  t.after(() => {
    https.closeAllConnections()
    https.close()
  })
  const world = await createWorld(t, {
    httpsPort: (https.address() as AddressInfo).port,
    delivery: { port: server.port, ipv6: false },
  })
  world.dns.mx('example.org', 10, mx)
  world.dns.host(mx, '127.0.0.2')
  world.dns.host('mta-sts.example.org', '127.0.0.3')
  world.dns.host('reports.example.org', '127.0.0.3')
  world.dns.line('_mta-sts.example.org TXT v=STSv1; id=1;')
  if (rua !== undefined) world.dns.line(`_smtp._tls.example.org TXT v=TLSRPTv1; rua=${rua}`)
  const receiver: Receiver = { world, server, posted, status: 200 }
  return receiver
}

/** The next day, when every report is due. */
async function tomorrow({ world }: Receiver): Promise<void> {
  await world.pass(day + 5 * hour)
  await world.tls.keepHouse()
  await world.pass(0)
}

test('connections are counted by what came of them, and written within a minute', async t => {
  const { world } = await receiverFor(t)
  for (let sent = 0; sent < 3; sent++) {
    await world.post(posting)
    await world.pass(10_000) // an idle connection would take the next message
  }
  await world.pass(minute)
  await world.tls.stop()
  const counts = await world.storage.run(listTlsCounts, { sinceDay: 0, limit: 10 })
  assert.deepEqual(
    counts.map(({ domain, outcome, sessions }) => [domain, outcome.policy, outcome.failure, sessions]),
    [['example.org', 'sts', 'certificate-not-trusted', 3]],
  )
  assert.equal(counts[0]?.outcome.receivingIp, '127.0.0.2')
  assert.match(counts[0]?.outcome.sendingIp ?? '', /^127\./)
})

test('a day that is over is reported by mail, once, even though TLS is broken there', async t => {
  const receiver = await receiverFor(t, 'mailto:tls@example.org')
  const { world, server } = receiver
  await world.post(posting)
  await world.tls.keepHouse()
  await world.pass(0)
  assert.equal(server.taken.length, 1, 'the day is not over')
  await tomorrow(receiver)
  const report = server.taken[1]
  assert.deepEqual(report?.transaction.recipients[0]?.forwardPath, {
    localPart: 'tls',
    domain: 'example.org',
  })
  assert.equal(report?.transaction.reversePath, null)
  const read = await readReport(Buffer.from(report?.mailData ?? '', 'latin1'))
  assert.equal(read?.policies[0]?.failed, 1)
  assert.equal(read?.policies[0]?.failures[0]?.type, 'certificate-not-trusted')
  await world.tls.keepHouse()
  await world.pass(0)
  assert.equal(server.taken.length, 2)
})

test('a report by HTTPS is sent again until it is taken', async t => {
  const receiver = await receiverFor(t, 'https://reports.example.org/tls')
  const { world, posted } = receiver
  await world.post(posting)
  receiver.status = 503
  await tomorrow(receiver)
  assert.equal(posted.length, 1)
  receiver.status = 201
  await world.tls.keepHouse()
  await world.tls.keepHouse()
  assert.deepEqual(
    posted.map(({ path, type }) => [path, type]),
    [
      ['/tls', 'application/tlsrpt+gzip'],
      ['/tls', 'application/tlsrpt+gzip'],
    ],
  )
  const report = JSON.parse(gunzipSync(posted[1]?.body ?? Buffer.alloc(0)).toString('utf8')) as {
    readonly policies: readonly { readonly policy: { readonly 'policy-domain': string } }[]
  }
  assert.equal(report.policies[0]?.policy['policy-domain'], 'example.org')
})

test('a report by mail does not wait for a server that takes none', async t => {
  const receiver = await receiverFor(t, 'https://reports.example.org/tls,mailto:tls@example.org')
  const { world, server, posted } = receiver
  await world.post(posting)
  receiver.status = 503
  await tomorrow(receiver)
  assert.equal(server.taken.length, 2)
  receiver.status = 200
  await world.tls.keepHouse()
  await world.pass(0)
  assert.deepEqual([server.taken.length, posted.length], [2, 1])
})

test('who has taken a report does not get it again while another refuses it', async t => {
  const receiver = await receiverFor(t, 'https://reports.example.org/tls,https://reports.example.org/down')
  const { world, posted } = receiver
  await world.post(posting)
  await tomorrow(receiver)
  await world.tls.keepHouse()
  assert.deepEqual(
    posted.map(({ path }) => path),
    ['/tls', '/down'],
  )
})

test('a report that nobody takes is given up after a day', async t => {
  const receiver = await receiverFor(t, 'https://reports.example.org/down')
  const { world, posted } = receiver
  await world.post(posting)
  await tomorrow(receiver)
  await world.tls.keepHouse()
  assert.equal(posted.length, 2)
  await world.pass(day)
  await world.tls.keepHouse()
  await world.tls.keepHouse()
  assert.equal(posted.length, 3)
})

test('a domain that wants no report gets none', async t => {
  const receiver = await receiverFor(t)
  await receiver.world.post(posting)
  await tomorrow(receiver)
  assert.equal(receiver.server.taken.length, 1)
  assert.deepEqual(receiver.posted, [])
})

test('a report that comes to an address of ours is kept, once, and delivered like any mail', async t => {
  const receiver = await receiverFor(t, 'mailto:anna@example.test')
  const { world } = receiver
  await world.account('anna@example.test')
  await world.post(posting)
  await tomorrow(receiver)
  const [mail = ''] = await world.mailbox('anna@example.test')
  assert.match(mail, /^TLS-Report-Domain: example\.org\r$/m)
  const kept = await world.storage.run(listReceivedReports, { since: 0, limit: 10 })
  assert.equal(kept.length, 1)
  assert.equal(kept[0]?.report.organization, 'mail.example.test')
  assert.equal(kept[0]?.report.policies[0]?.failed, 1)
  assert.equal(kept[0]?.report.proven, 'mail.example.test')
  // Others send it: as it is, twice, and then with the proof that it is theirs.
  const text = mail.slice(mail.indexOf('From: '))
  const checked = (result: string): string =>
    `Authentication-Results: mail.example.test;\r\n\tdmarc=${result} header.from=reports.example\r\n`
  for (const traceFields of ['', checked('fail'), checked('pass'), checked('pass')]) {
    const message = { isTlsReport: true, traceFields }
    await world.post({ from: null, to: ['anna@example.test'], text, message })
  }
  assert.equal((await world.mailbox('anna@example.test')).length, 5)
  const all = await world.storage.run(listReceivedReports, { since: 0, limit: 10 })
  const proven = all.map(({ report }) => report.proven).toSorted()
  assert.deepEqual(proven, ['', 'mail.example.test', 'reports.example'])
})

test('a message that only says that it is a report is delivered, and nothing is kept', async t => {
  const { world } = await receiverFor(t)
  await world.account('anna@example.test')
  await world.post({ from: null, to: ['anna@example.test'], message: { isTlsReport: true } })
  assert.equal((await world.mailbox('anna@example.test')).length, 1)
  assert.deepEqual(await world.storage.run(listReceivedReports, { since: 0, limit: 10 }), [])
})

const report = { organization: 'x', reportId: '1', from: '', to: '', policies: [] }

test('no more reports than a thousand are kept of a day', async t => {
  const { storage, clock } = await createWorld(t)
  const keep = (n: number): Promise<string> =>
    storage.run(keepReceivedReport, { key: `report ${n}`, at: clock.now(), report })
  for (let n = 0; n < 1000; n++) assert.equal(await keep(n), 'kept')
  assert.equal(await keep(1000), 'too-many')
  clock.advance(day)
  assert.equal(await keep(1001), 'kept')
})

test('counts and reports are forgotten when their time is over', async t => {
  const { storage, clock } = await createWorld(t)
  const outcome = { policy: 'none', terms: [], hosts: [] } as const
  const today = Math.floor(clock.now() / day)
  await storage.run(addTlsCounts, [
    { key: 'a', day: today - 40, domain: 'example.org', outcome, sessions: 1 },
    { key: 'b', day: today, domain: 'example.org', outcome, sessions: 1 },
  ])
  await storage.run(keepReceivedReport, { key: 'a', at: clock.now() - 40 * day, report })
  await storage.run(keepReceivedReport, { key: 'b', at: clock.now(), report })
  await storage.run(expireTlsReports, { before: clock.now() - 30 * day })
  const counts = await storage.run(listTlsCounts, { sinceDay: 0, limit: 10 })
  assert.deepEqual(
    counts.map(count => count.day),
    [today],
  )
  assert.equal((await storage.run(listReceivedReports, { since: 0, limit: 10 })).length, 1)
})
