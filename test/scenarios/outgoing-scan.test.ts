// What our own accounts send, looked at by scanners: a virus is refused and told of, spam holds the account or is refused.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { describeAlert } from '../../src/alert/describe-alert.ts'
import { listAlerts } from '../../src/alert/operations.ts'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { formatBlock } from '../../src/notice/format-text.ts'
import { endAccountHold, listAccountHolds } from '../../src/queue/account-holds.ts'
import { releaseRecipients } from '../../src/queue/administer.ts'
import { findRecipients } from '../../src/queue/find-recipients.ts'
import { awaitEvent } from '../harness/await-events.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { withoutNumber } from '../harness/refusal-number.ts'
import { sendMail } from '../harness/send-message.ts'
import { pointsIn, startFakeRspamd } from '../scanner/fake-rspamd.ts'

const anna = 'anna@here.test'
const carl = 'carl@here.test'

interface Scene {
  readonly server: ComposedServer
  /** What the scanner was told. */
  readonly received: () => string
}

async function start(
  t: TestContext,
  submission: Readonly<Record<string, unknown>> = {},
  scanner: Readonly<Record<string, unknown>> = { outgoing: true },
  more: Readonly<Record<string, unknown>> = {},
): Promise<Scene> {
  const fake = await startFakeRspamd(t, told => ({
    score: pointsIn(told),
    ...(told.includes('Eicar')
      ? { action: 'reject', messages: { smtp_message: 'it contains the virus Eicar' } }
      : {}),
  }))
  const server = await startComposedServer(t, {
    hostname: 'mx.here.test',
    domains: ['here.test'],
    accounts: [{ address: anna }, { address: carl }],
    settings: { submission, scanners: [{ kind: 'rspamd', at: fake.at, ...scanner }], ...more },
  })
  return { server, received: () => fake.received().toString('latin1') }
}

/** The reply to the message that anna sends to carl. */
async function send(server: ComposedServer, subject: string, text = ''): Promise<string> {
  const [sent] = await sendMail(server.port('submission'), {
    account: anna,
    helloName: 'client.test',
    reversePath: anna,
    forwardPaths: [carl],
    mailData: `From: <${anna}>\r\nSubject: ${subject}\r\n\r\n${text}The end\r\n`,
  })
  await server.settled()
  const result = sent?.result
  if (result?.kind === 'accepted') return `250 ${result.reply.lines.join(' ')}`
  return result && 'reply' in result && result.reply
    ? withoutNumber(`${result.reply.code} ${result.reply.enhanced} ${result.reply.lines.join(' ')}`)
    : assert.fail(result?.kind)
}

async function alertsOf({ storage }: ComposedServer) {
  return await storage.run(listAlerts, { which: 'open' })
}

test('a virus is refused in the words of the scanner, and an alert names the account', async t => {
  const { server, received } = await start(t)
  assert.equal(
    await send(server, 'Eicar'),
    '550 5.7.1 Your message was not accepted: it contains the virus Eicar If you have not sent it, somebody has your password: tell the administrator of this server',
  )
  assert.match(received(), /^User: anna@here\.test\r$/m)
  assert.deepEqual(await server.mailbox(carl), [])
  const [alert] = await alertsOf(server)
  assert.ok(alert)
  assert.deepEqual([alert.kind, alert.subject], ['account-sends-virus', anna])
  const told = formatBlock(describeAlert(alert, 0, 'en').block)
  assert.match(told, /it contains\s+the virus Eicar/)
  assert.match(told, /postrider account password anna@here\.test --generate/)
  assert.match(formatBlock(describeAlert(alert, 0, 'ru').block), /Письмо отклонено/)
  const refused = await awaitEvent(server, 'refused')
  assert.match(describeEvent(refused).text, /^Refused DATA of client\.test/)
})

test('too many points hold the mail of the account, and whoever was released is not held again', async t => {
  const { server } = await start(t, { spamScore: 8 })
  assert.match(await send(server, 'Points 7.5'), /^250/)
  assert.equal((await server.mailbox(carl)).length, 1)
  assert.match(await send(server, 'Points 9'), /^250/)
  assert.match(await send(server, 'Points 0'), /^250/)
  assert.equal((await server.mailbox(carl)).length, 1)
  const [hold] = await server.storage.run(listAccountHolds, undefined)
  assert.ok(hold)
  assert.equal(hold.reason, 'of what it sends a scanner says: it looks like spam (9 points; 8 are too many)')
  const [alert] = await alertsOf(server)
  assert.ok(alert)
  assert.equal(alert.kind, 'account-held')
  assert.match(formatBlock(describeAlert(alert, 2, 'en').block), /What anna@here\.test sends looks like spam/)

  const at = server.clock.now()
  await server.storage.run(endAccountHold, { accountId: hold.accountId, at })
  const selection = { state: 'held' } as const
  const recipientIds = await server.storage.run(findRecipients, { selection, afterId: 0, limit: 10 })
  await server.storage.run(releaseRecipients, { recipientIds, at })
  await server.settled()
  assert.equal((await server.mailbox(carl)).length, 3)
  assert.match(await send(server, 'Points 9.5'), /^250/)
  assert.equal((await server.mailbox(carl)).length, 4)
  assert.deepEqual(await server.storage.run(listAccountHolds, undefined), [])
})

test('where the settings want it, spam is refused and nobody is held', async t => {
  const { server } = await start(t, { spamScore: 8, whenSpam: 'refuse' })
  assert.match(
    await send(server, 'Points 9'),
    /^550 5\.7\.1 Your message was not accepted: it looks like spam /,
  )
  assert.deepEqual(await server.storage.run(listAccountHolds, undefined), [])
})

test('a scanner that is not asked about what accounts send sees none of it; one that is away and matters puts it off', async t => {
  const { server, received } = await start(t, { spamScore: 8 }, {})
  assert.match(await send(server, 'Eicar'), /^250/)
  assert.equal(received(), '')
  const away = await start(t, {}, { at: '127.0.0.1:1', outgoing: true, whenDown: 'defer' })
  assert.match(
    await send(away.server, 'Hello'),
    /^451 4\.7\.1 Your message cannot be accepted now: it could not be looked at;/,
  )
  const mild = await start(t, {}, { at: '127.0.0.1:1', outgoing: true })
  assert.match(await send(mild.server, 'Hello'), /^250/)
})

test('what is too large for the scanner is refused where the settings want it, and nobody is suspected for it', async t => {
  const large = 'A line of a large message\r\n'.repeat(40_000)
  for (const whenTooLarge of ['refuse', 'quarantine']) {
    const { server } = await start(t, {}, { outgoing: true, maxMegabytes: 1, whenTooLarge })
    assert.match(
      await send(server, 'Holiday', large),
      /^552 5\.3\.4 Your message was not accepted: it is too large to be looked at \(1\.1 MB\);/,
    )
    assert.deepEqual(await alertsOf(server), [])
  }
})

test('points of the hook file count for what accounts send, and its yes lets it out', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'postrider-hooks-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'hooks.ts')
  await writeFile(
    file,
    `import { accept, score, type DataHook } from 'postrider/hooks'
export const data: DataHook = ({ account, message }) => {
  const subject = message.fields.find(({ name }) => name === 'Subject')?.value
  if (account === 'anna@here.test' && subject === 'Offer') return score(9, 'it sells something')
  return subject === 'Points 20' ? accept() : undefined
}
`,
  )
  const settings = { spamScore: 8, whenSpam: 'refuse' }
  const { server } = await start(t, settings, { outgoing: true }, { hooks: { file } })
  assert.match(await send(server, 'Offer'), /^550 5\.7\.1 Your message was not accepted: it looks like spam /)
  assert.match(await send(server, 'Points 20'), /^250/)
  assert.match(await send(server, 'Hello'), /^250/)
})
