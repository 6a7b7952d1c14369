// Whose mail is wanted and whose is not, whatever its score: what each peer is told, where the message is, and which entry
// the trail names.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseAddress } from '../../src/address/parse-address.ts'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { findAccount, removeAccount } from '../../src/directory/accounts.ts'
import { listSenderEntries, putSenderEntry } from '../../src/sender-list/operations.ts'
import type { SenderVerdict } from '../../src/sender-list/sender-list.ts'
import type { TrailEvent } from '../../src/trail/events.ts'
import { type ComposedServer, startComposedServer } from '../harness/composed-server.ts'
import { startDnsServer } from '../harness/dns-server.ts'
import { eventually } from '../harness/eventually.ts'
import { openConnectionOf, type RawConnection } from '../harness/raw-connection.ts'
import { withoutNumber } from '../harness/refusal-number.ts'
import { pointsIn, startFakeRspamd } from '../scanner/fake-rspamd.ts'

const anna = 'anna@here.test'
const carl = 'carl@here.test'
/** From here SPF passes for friend.test. */
const friendsServer = '192.0.2.10'
const strangersServer = '203.0.113.9'

const zone = [
  'friend.test TXT v=spf1 ip4:192.0.2.10 -all',
  'strict.test TXT v=spf1 ip4:192.0.2.10 -all',
  '_dmarc.strict.test TXT v=DMARC1; p=reject',
]

const address = (text: string) => parseAddress(text) ?? assert.fail(text)

/** With a scanner that gives points by a word: 'Points 8.5', and refuses a 'Virus'. */
async function start(t: TestContext): Promise<ComposedServer> {
  const dns = await startDnsServer(zone)
  t.after(() => dns.close())
  const { at } = await startFakeRspamd(t, told => ({
    score: pointsIn(told),
    ...(told.includes('Virus') ? { action: 'reject' } : {}),
  }))
  return await startComposedServer(t, {
    hostname: 'mx.here.test',
    domains: ['here.test'],
    accounts: [{ address: anna }, { address: carl }],
    aliases: [{ address: 'sales@here.test', targets: [anna] }],
    isBehindProxy: true,
    settings: {
      delivery: { dnsServers: [dns.text] },
      spam: { filter: false, clientNames: false },
      scanners: [{ kind: 'rspamd', at }],
    },
  })
}

async function put(
  { storage, clock }: ComposedServer,
  verdict: SenderVerdict,
  sender: string,
  account?: string,
): Promise<void> {
  const owner =
    account === undefined ? { id: 0 } : await storage.run(findAccount, { address: address(account) })
  await storage.run(putSenderEntry, {
    ownerId: owner?.id ?? assert.fail(account),
    verdict,
    sender: parseAddress(sender) ?? sender,
    note: '',
    since: clock.now(),
  })
}

interface Sent {
  readonly from: string
  readonly author?: string
  readonly client?: string
  readonly to?: readonly string[]
  readonly subject: string
}

/** The lines of each reply: those to RCPT, and that to the message where there was one. */
async function send(server: ComposedServer, sent: Sent): Promise<readonly string[]> {
  const { from, author = from, client = strangersServer, to = [anna], subject } = sent
  const connection: RawConnection = await openConnectionOf(client, server.port('relay'))
  await connection.reply()
  await connection.command('EHLO client.test')
  assert.equal((await connection.command(`MAIL FROM:<${from}>`))?.code, 250)
  const replies: string[] = []
  let accepted = 0
  for (const recipient of to) {
    const reply = await connection.command(`RCPT TO:<${recipient}>`)
    if (reply?.code === 250) accepted++
    replies.push(withoutNumber(`${reply?.code} ${reply?.lines.join(' ')}`))
  }
  if (accepted > 0) {
    assert.equal((await connection.command('DATA'))?.code, 354)
    await connection.write(`From: ${author}\r\nSubject: ${subject}\r\n\r\nThe end\r\n.\r\n`)
    const reply = await connection.reply()
    replies.push(withoutNumber(`${reply?.code} ${reply?.lines.join(' ')}`))
  }
  connection.destroy()
  await server.settled()
  return replies
}

async function subjects(server: ComposedServer, account: string, mailbox: string): Promise<string[]> {
  const messages = await server.mailbox(account, mailbox).catch(() => [])
  return messages.map(text => /^Subject: (.*?)\r?$/m.exec(text)?.[1] ?? '')
}

async function lastOf(server: ComposedServer, kind: TrailEvent['kind']): Promise<string[]> {
  const found = await eventually(
    `${kind} in the trail`,
    async () => (await server.events()).findLast(event => event.kind === kind),
    { everyMs: 5 },
  )
  const { text, notes = [] } = describeEvent(found)
  return [text, ...notes]
}

test('whom an account blocks is refused at RCPT, for this account alone, and the trail names the entry', async t => {
  const server = await start(t)
  await put(server, 'block', 'pest.test', anna)
  const replies = await send(server, {
    from: 'a@mail.pest.test',
    to: [anna, 'sales@here.test', carl],
    subject: 'Hello',
  })
  assert.deepEqual(replies.slice(0, 3), [
    '550 5.7.1 <anna@here.test> takes no mail from a@mail.pest.test: the sender is blocked there',
    '550 5.7.1 <sales@here.test> takes no mail from a@mail.pest.test: the sender is blocked there',
    '250 2.1.5 Ok',
  ])
  assert.match(replies[3] ?? '', /^250 2\.0\.0 Ok: queued as/)
  assert.deepEqual(await subjects(server, carl, 'INBOX'), ['Hello'])
  assert.equal(
    (await lastOf(server, 'refused')).at(-1),
    'for sales@here.test: the entry pest.test (block) of its own list keeps it out; the sender address has a@mail.pest.test',
  )
})

test('who is blocked by the From field is refused after the message; of several recipients only the others get it', async t => {
  const server = await start(t)
  await put(server, 'block', 'pest@pest.test', anna)
  const pest = { from: 'bounces@sender.test', author: 'The Pest <Pest@pest.test>' }
  assert.deepEqual(await send(server, { ...pest, subject: 'Alone' }), [
    '250 2.1.5 Ok',
    '550 5.7.1 <anna@here.test> takes no mail from Pest@pest.test: the sender is blocked there',
  ])
  const replies = await send(server, { ...pest, to: [anna, carl], subject: 'Both' })
  assert.match(replies[2] ?? '', /^250/)
  assert.deepEqual(await subjects(server, anna, 'INBOX'), [])
  assert.deepEqual(await subjects(server, anna, 'Junk'), ['Both'])
  assert.deepEqual(await subjects(server, carl, 'INBOX'), ['Both'])
  assert.doesNotMatch((await server.mailbox(carl))[0] ?? '', /Postrider-Verdict/)
})

test('who is on the list of wanted senders passes every score, where SPF proves the name, and only there', async t => {
  const server = await start(t)
  await put(server, 'allow', 'boris@friend.test', anna)
  const boris = { from: 'boris@friend.test', to: [anna, carl] }
  assert.match(
    (await send(server, { ...boris, client: friendsServer, subject: 'Points 20' }))[2] ?? '',
    /^250/,
  )
  assert.deepEqual(await subjects(server, anna, 'INBOX'), ['Points 20'])
  assert.deepEqual(await subjects(server, carl, 'Junk'), ['Points 20'])
  assert.match((await server.mailbox(carl, 'Junk'))[0] ?? '', /^Postrider-Verdict: quarantine\r$/m)
  assert.doesNotMatch((await server.mailbox(anna))[0] ?? '', /Postrider-Verdict/)
  assert.ok(
    (await lastOf(server, 'screened')).includes(
      'for anna@here.test: the entry boris@friend.test (allow) of its own list lets it in, whatever its score; the From field has boris@friend.test',
    ),
  )
  // Nobody else can write in this name.
  assert.match(
    (await send(server, { from: 'boris@friend.test', subject: 'Points 20.5' }))[1] ?? '',
    /^550 5\.7\.1 Your message was not delivered: it looks like spam/,
  )
  assert.ok(
    (await lastOf(server, 'refused')).includes(
      'for anna@here.test: the entry boris@friend.test (allow) of its own list does not count, since nothing proves that the message is from there (SPF, DKIM); the From field has boris@friend.test',
    ),
  )
})

test('whose envelope alone is wanted does not get in as one of us, and the trail says what became of it for whom', async t => {
  const server = await start(t)
  await put(server, 'allow', 'friend.test', anna)
  const friend = { from: 'x@friend.test', client: friendsServer }
  const asUs = ['The boss <carl@here.test>', 'carl@here.test, x@friend.test']
  for (const author of asUs)
    assert.match((await send(server, { ...friend, author, subject: 'Pay' }))[1] ?? '', /^250/)
  assert.deepEqual(await subjects(server, anna, 'INBOX'), [])
  assert.deepEqual(await subjects(server, anna, 'Junk'), ['Pay', 'Pay'])
  const [text, ...notes] = await lastOf(server, 'screened')
  assert.equal(
    text,
    'Looked at whether it is spam (8 points), and put into Junk: it has 8 points, and 5 make spam',
  )
  assert.match(
    notes[0] ?? '',
    /^for anna@here\.test: the entry friend\.test \(allow\) of its own list does not count, since the message comes as of one of ours, and nothing proves that it is from there; /,
  )
  // By the same envelope a service sends what others write.
  await send(server, { ...friend, author: 'someone@other.test', to: [anna, carl], subject: 'Points 8' })
  assert.deepEqual(await subjects(server, anna, 'INBOX'), ['Points 8'])
  assert.deepEqual(await subjects(server, carl, 'Junk'), ['Points 8'])
  assert.equal(
    (await lastOf(server, 'screened'))[0],
    'Looked at whether it is spam (8 points), and put into Junk where no list of senders lets it in: it has 8 points, and 5 make spam',
  )
})

test('a wanted sender need not come again, and passes neither DMARC nor what a scanner refuses', async t => {
  const server = await start(t)
  await put(server, 'allow', 'friend.test')
  await put(server, 'allow', 'strict.test')
  const suspicious = { from: 'boris@friend.test', client: friendsServer, subject: 'Points 4' }
  assert.match((await send(server, suspicious))[1] ?? '', /^250/)
  assert.match((await send(server, { ...suspicious, from: 'new@other.test' }))[1] ?? '', /^451 4\.7\.1/)
  assert.match((await send(server, { ...suspicious, subject: 'Virus' }))[1] ?? '', /^550 5\.7\.1/)
  assert.match((await send(server, { from: 'boss@strict.test', subject: 'Pay' }))[1] ?? '', /^550 5\.7\.26/)
})

test("the administrator's no holds against an account's yes; an account's no against the administrator's yes", async t => {
  const server = await start(t)
  await put(server, 'block', 'friend.test')
  await put(server, 'allow', 'friend.test', anna)
  await put(server, 'allow', 'strict.test')
  await put(server, 'block', 'strict.test', anna)
  const fromFriend = { client: friendsServer, subject: 'Hello', to: [anna, carl, 'postmaster@here.test'] }
  assert.deepEqual((await send(server, { ...fromFriend, from: 'boris@friend.test' })).slice(0, 3), [
    '550 5.7.1 This server takes no mail from boris@friend.test: its administrator has blocked this sender',
    '550 5.7.1 This server takes no mail from boris@friend.test: its administrator has blocked this sender',
    '250 2.1.5 Ok',
  ])
  assert.deepEqual(
    (await send(server, { ...fromFriend, from: 'x@strict.test' })).slice(0, 2).map(line => line.slice(0, 3)),
    ['550', '250'],
  )
})

test('an address counts before its domain, and the list of an account goes with it', async t => {
  const server = await start(t)
  await put(server, 'block', 'friend.test', anna)
  await put(server, 'allow', 'boris@friend.test', anna)
  const friendly = { client: friendsServer, subject: 'Points 9' }
  assert.match((await send(server, { ...friendly, from: 'boris@friend.test' }))[1] ?? '', /^250/)
  assert.deepEqual(await subjects(server, anna, 'INBOX'), ['Points 9'])
  assert.match((await send(server, { ...friendly, from: 'other@friend.test' }))[0] ?? '', /^550/)
  // Unproven, it is one of that domain like any other.
  assert.match(
    (await send(server, { from: 'boris@friend.test', subject: 'Forged' }))[1] ?? '',
    /^550 .*blocked there/,
  )
  const page = { ownerId: undefined, after: undefined, limit: 10 }
  assert.equal((await server.storage.run(listSenderEntries, page)).entries.length, 2)
  await server.storage.run(removeAccount, { address: address(anna), withContents: true })
  assert.equal((await server.storage.run(listSenderEntries, page)).entries.length, 0)
})
