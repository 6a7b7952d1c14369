// What the scripts of accounts may send, from the composed server: as much as their owners, and nothing while these are on hold.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseAddress } from '../../src/address/parse-address.ts'
import { describeWhy } from '../../src/cli/describe-why.ts'
import { findAccount } from '../../src/directory/accounts.ts'
import { activateScript, storeScript } from '../../src/filtering/scripts.ts'
import { holdAccount } from '../../src/queue/account-holds.ts'
import { listQueue } from '../../src/queue/list-queue.ts'
import { parseQueueId } from '../../src/queue/queue-id.ts'
import { trailOfMessage } from '../../src/trail/operations.ts'
import { type ComposedServer, startComposedServer, unauthenticated } from '../harness/composed-server.ts'
import { queueIdOf, sendMail } from '../harness/send-message.ts'

const anna = 'anna@here.test'

interface Scripted {
  readonly server: ComposedServer
  readonly accountId: number
  /** Its queue id, once all is done. */
  readonly send: (subject: string) => Promise<string>
  /** What the trail says of it in a paragraph. */
  readonly why: (queueId: string) => Promise<string>
}

async function start(
  t: TestContext,
  script: string,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<Scripted> {
  const server = await startComposedServer(t, {
    hostname: 'mail.here.test',
    domains: ['here.test'],
    accounts: [{ address: anna }],
    settings: { delivery: { dnsServers: ['127.0.0.1:1'] }, mailAuthentication: unauthenticated, ...settings },
  })
  const { storage, clock } = server
  const account = await storage.run(findAccount, { address: parseAddress(anna) ?? assert.fail() })
  const accountId = account?.id ?? assert.fail()
  const body = Buffer.from(script)
  await storage.run(storeScript, { ownerId: accountId, name: 'main', body, at: clock.now() })
  await storage.run(activateScript, { accountId, name: 'main' })
  return {
    server,
    accountId,
    async send(subject) {
      const [result] = await sendMail(server.port('relay'), {
        reversePath: 'sender@example.net',
        forwardPaths: [anna],
        mailData: `From: <sender@example.net>\r\nSubject: ${subject}\r\n\r\nText\r\n`,
      })
      await server.settled()
      return queueIdOf(result)
    },
    async why(text) {
      const queueId = parseQueueId(text) ?? assert.fail()
      const records = await storage.run(trailOfMessage, { queueId })
      return describeWhy(
        { queueId, records, queued: undefined },
        {
          now: clock.now(),
          retentionDays: 30,
          prospects: { gateOf: () => undefined, endFor: () => clock.now() },
        },
      )
    },
  }
}

const waiting = async ({ storage }: ComposedServer): Promise<readonly string[]> => {
  const { messages } = await storage.run(listQueue, { selection: {}, afterId: 0, limit: 100 })
  return messages
    .flatMap(({ recipients }) => recipients.map(({ forwardPath }) => forwardPath.localPart))
    .sort()
}

test('redirects count as mail of the owner: beyond the limit for new addresses the message is kept', async t => {
  const { server, send, why } = await start(
    t,
    `if header :is "subject" "one" { redirect "one@example.org"; }
else { redirect "two@example.org"; }`,
    { submission: { accountLimits: { newRecipientsPerDay: 1 } } },
  )
  const first = await send('one')
  assert.equal((await server.mailbox(anna)).length, 0)
  const second = await send('two')
  assert.equal((await server.mailbox(anna)).length, 1)
  assert.match(
    await why(second),
    /it has been in the mailbox INBOX since [^.]+\. The script "main" of anna@here\.test wanted it sent on to two@example\.org, line 2, which was not done: the account has written to too many new addresses today \(newRecipientsPerDay\)\. The script "main" of anna@here\.test left it in INBOX\./,
  )
  // To whom it has gone before it may go again.
  await send('one')
  assert.equal((await server.mailbox(anna)).length, 1)
  assert.match(
    await why(first),
    /To anna@here\.test: it goes on to one@example\.org\. The script "main" of anna@here\.test sent it on to one@example\.org, line 1\./,
  )
  assert.deepEqual(await waiting(server), ['one', 'one'])
})

test('while an account is on hold its script sends nothing on', async t => {
  const { server, accountId, send } = await start(t, 'require "copy";\nredirect :copy "thief@example.org";')
  await server.storage.run(holdAccount, {
    accountId,
    since: server.clock.now(),
    reason: 'its password is known to others',
  })
  const queueId = await send('Secret')
  assert.equal((await server.mailbox(anna)).length, 1)
  assert.deepEqual(await waiting(server), [])
  const deeds = (await server.trail(queueId)).flatMap(event =>
    event.kind === 'attempted' ? (event.filter?.did ?? []) : [],
  )
  assert.deepEqual(
    deeds.map(({ what, notBecause }) => [what, notBecause]),
    [
      ['redirected', 'the mail of anna@here.test is on hold'],
      ['filed', undefined],
    ],
  )
})

test('what is discarded is nowhere, and why says so', async t => {
  const { server, send, why } = await start(t, 'discard;')
  const queueId = await send('Gone')
  assert.equal((await server.mailbox(anna)).length, 0)
  assert.match(
    await why(queueId),
    /To anna@here\.test: a rule of the account wants it nowhere \([^)]+\)\. The script "main" of anna@here\.test discarded it, line 1\./,
  )
})
