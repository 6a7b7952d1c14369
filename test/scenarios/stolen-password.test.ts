// A stranger has the password of an account: how far that gets, who hears of it, and what a bulk sender never notices.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseAddress } from '../../src/address/parse-address.ts'
import { composeAlertMail } from '../../src/alert/compose-mail.ts'
import { describeAlert } from '../../src/alert/describe-alert.ts'
import { alertKinds } from '../../src/alert/kinds.ts'
import { listAlerts } from '../../src/alert/operations.ts'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { formatBlock } from '../../src/notice/format-text.ts'
import { endAccountHold, listAccountHolds } from '../../src/queue/account-holds.ts'
import { releaseRecipients } from '../../src/queue/administer.ts'
import { findRecipients } from '../../src/queue/find-recipients.ts'
import { type RemotePeer, startPeer } from '../delivery/remote-peer.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { startDnsServer } from '../harness/dns-server.ts'
import { eventually } from '../harness/eventually.ts'
import { sendMail } from '../harness/send-message.ts'

const address = (text: string) => parseAddress(text) ?? assert.fail(text)
const day = 24 * 3_600_000

async function serverAndPeer(
  t: TestContext,
  submission: object,
): Promise<{ server: ComposedServer; peer: RemotePeer }> {
  const peer = await startPeer({ address: '127.0.0.2' })
  t.after(() => peer.close())
  const dns = await startDnsServer(['there.test MX 10 mx.there.test', 'mx.there.test A 127.0.0.2'])
  t.after(() => dns.close())
  const server = await startComposedServer(t, {
    hostname: 'mx.here.test',
    domains: ['here.test'],
    accounts: [
      { address: 'anna@here.test' },
      { address: 'boris@here.test' },
      { address: 'postmaster@here.test' },
    ],
    settings: { delivery: { port: peer.port, dnsServers: [dns.text] }, submission },
  })
  return { server, peer }
}

interface Sent {
  readonly queueId: string
  /** The replies that refused a recipient. */
  readonly refused: readonly string[]
}

async function send(
  server: ComposedServer,
  account: string,
  to: readonly string[],
  reversePath = account,
): Promise<Sent> {
  const results = await sendMail(server.port('submission'), {
    account,
    reversePath,
    forwardPaths: to,
    mailData: `From: <${account}>\r\nSubject: Hello\r\n\r\nText\r\n`,
  })
  await server.settled()
  const texts = results.map(({ result }) =>
    result.kind === 'accepted'
      ? result.reply.lines.join(' ')
      : 'reply' in result && result.reply
        ? `${result.reply.code} ${result.reply.enhanced} ${result.reply.lines.join(' ')}`
        : assert.fail(result.kind),
  )
  return {
    queueId: texts.map(text => /queued as ([0-9A-Z]{11})/.exec(text)?.[1]).find(id => id !== undefined) ?? '',
    refused: texts.filter(text => !text.includes('queued as')),
  }
}

const strangers = (from: number, many: number): string[] =>
  Array.from({ length: many }, (_, n) => `user${from + n}@there.test`)

test('more new addresses than an account may write to in a day are refused for now, with what to do', async t => {
  const { server, peer } = await serverAndPeer(t, {
    accountLimits: { newRecipientsPerDay: 3 },
    limits: [{ match: ['boris@here.test'], newRecipientsPerDay: 5 }],
  })
  const { refused } = await send(server, 'anna@here.test', [...strangers(0, 4), 'postmaster@here.test'])
  assert.equal(refused.length, 1)
  assert.match(
    refused[0] ?? '',
    /^450 4\.7\.28 You have written to 3 new addresses within a day, .* try the others from 20\d\d-.* UTC, or ask your administrator/,
  )
  assert.equal((await send(server, 'anna@here.test', strangers(0, 3))).refused.length, 0, 'those it knows')
  assert.equal(peer.messages.length, 2)
  assert.equal(
    (await send(server, 'boris@here.test', strangers(0, 6))).refused.length,
    1,
    'it has its own limit',
  )
  server.clock.advance(day + 3_600_000)
  assert.equal((await send(server, 'anna@here.test', strangers(10, 3))).refused.length, 0)
})

test('what goes beyond the hourly limit of an account waits for its turn, as whomever it sends', async t => {
  const { server, peer } = await serverAndPeer(t, {
    accountLimits: { perHour: 2 },
    senderAddress: 'own-domain',
    bulkSenders: ['news@here.test'],
  })
  for (const to of strangers(0, 2)) await send(server, 'anna@here.test', [to])
  for (const to of strangers(2, 2)) await send(server, 'anna@here.test', [to], 'news@here.test')
  assert.equal(peer.messages.length, 2)
  await server.pass(3_660_000)
  assert.equal(peer.messages.length, 4)
})

test('a flood of a stranger is held, an administrator is told, and a release lets it go', async t => {
  const { server, peer } = await serverAndPeer(t, {})
  const anna = 'anna@here.test'
  for (let from = 0; from < 300; from += 100) await send(server, anna, strangers(from, 100))
  await eventually('the hold', async () => (await server.storage.run(listAccountHolds, undefined))[0])
  const before = peer.messages.length
  const { queueId } = await send(server, anna, ['another@there.test', 'postmaster@here.test'])
  assert.equal(peer.messages.length, before, 'nothing of it leaves any more')
  assert.equal((await server.mailbox('postmaster@here.test')).length, 0)
  const held = (await server.trail(queueId)).filter(({ kind }) => kind === 'account-held')
  assert.equal(held.length, 2)
  assert.match(
    describeEvent(held[0] ?? assert.fail()).text,
    /^Put on hold for another@there\.test: the account anna@here\.test is on hold \(\d+ recipients elsewhere within two hours/,
  )
  await send(server, 'boris@here.test', ['another@there.test'])
  assert.equal(peer.messages.length, before + 1, 'others go on')

  const [alert] = await server.storage.run(listAlerts, { which: 'open' })
  assert.ok(alert)
  assert.deepEqual([alert.kind, alert.subject], ['account-held', anna])
  const waiting = await alertKinds[alert.kind].countWaiting(server.storage, alert)
  const { title, block } = describeAlert(alert, waiting, 'en')
  assert.equal(title, `the mail of ${anna} is held: a stranger may have its password`)
  const text = formatBlock(block)
  for (const command of [
    `postrider queue list --account ${anna}`,
    `postrider account password ${anna} --generate`,
    `postrider account release ${anna}`,
  ])
    assert.ok(text.includes(command), text)
  assert.match(
    text.replaceAll(/\s+/g, ' '),
    /has sent to \d+ recipients elsewhere, to \d+ of them for the first time/,
  )
  const mail = composeAlertMail(alert, {
    news: 'raised',
    waiting,
    hostname: 'mx.here.test',
    language: 'ru',
    to: [address('postmaster@here.test')],
    at: server.clock.now(),
    queueId,
  })
  assert.match(Buffer.from(mail).toString('latin1'), /^Content-Language: ru\r$/m)
  assert.equal(await alertKinds['account-held'].lasts(server.storage, alert, server.clock.now()), true)

  // As "postrider account release" does.
  const at = server.clock.now()
  const { accountId } = (await server.storage.run(listAccountHolds, undefined))[0] ?? assert.fail()
  await server.storage.run(endAccountHold, { accountId, at })
  const recipientIds = await server.storage.run(findRecipients, {
    selection: { account: anna, state: 'held' },
    afterId: 0,
    limit: 1000,
  })
  await server.storage.run(releaseRecipients, { recipientIds, at })
  await server.settled()
  assert.ok(peer.messages.some(({ forwardPaths }) => forwardPaths.includes('another@there.test')))
  assert.equal((await server.mailbox('postmaster@here.test')).length, 1)
  assert.equal(await alertKinds['account-held'].lasts(server.storage, alert, at), false)
})

test('a mailing of a bulk sender goes, whatever the limits of accounts are', async t => {
  const { server, peer } = await serverAndPeer(t, {
    bulkSenders: ['anna@here.test'],
    accountLimits: { newRecipientsPerDay: 10, perHour: 20 },
  })
  for (let from = 0; from < 400; from += 100) await send(server, 'anna@here.test', strangers(from, 100))
  await send(server, 'anna@here.test', ['another@there.test'])
  const reached = new Set(peer.messages.flatMap(({ forwardPaths }) => forwardPaths))
  assert.equal(reached.size, 401)
  assert.deepEqual(await server.storage.run(listAlerts, { which: 'open' }), [])
})
