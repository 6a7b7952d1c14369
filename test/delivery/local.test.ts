// Delivery to mailboxes of ours: trace fields, aliases, groups, terminals.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { setPostmaster } from '../../src/directory/domains.ts'
import { createWorld } from './world.ts'

test('a message is filed with Return-Path and Delivered-To before it', async t => {
  const world = await createWorld(t)
  await world.account('anna@example.test')
  const id = await world.post({ from: 'boris@example.org', to: ['Anna+shop@example.test'] })
  assert.deepEqual(await world.mailbox('anna@example.test'), [
    'Return-Path: <boris@example.org>\r\nDelivered-To: Anna+shop@example.test\r\nSubject: Test\r\n\r\nText\r\n',
  ])
  assert.equal(await world.waiting(), 0)
  const [attempt] = await world.attempts(id)
  assert.deepEqual(attempt, {
    kind: 'attempted',
    recipient: 'Anna+shop@example.test',
    attempt: 1,
    outcome: { kind: 'delivered', mailbox: 'INBOX' },
  })
})

test('the null reverse-path is an empty Return-Path', async t => {
  const world = await createWorld(t)
  await world.account('anna@example.test')
  await world.post({ from: null, to: ['anna@example.test'] })
  assert.match((await world.mailbox('anna@example.test'))[0] ?? '', /^Return-Path: <>\r\n/)
})

test('a thousand messages to twenty accounts all arrive, each once', async t => {
  const world = await createWorld(t)
  const accounts = Array.from({ length: 20 }, (_, n) => `user${n}@example.test`)
  for (const account of accounts) await world.account(account)
  for (let n = 0; n < 1000; n++) {
    await world.accept({
      from: 'boris@example.org',
      to: [accounts[n % 20] ?? ''],
      text: `Subject: ${n}\r\n\r\n`,
    })
  }
  await world.pass(0)
  const subjects = new Set<string>()
  for (const account of accounts) {
    const messages = await world.mailbox(account)
    assert.equal(messages.length, 50)
    for (const message of messages) subjects.add(message)
  }
  assert.equal(subjects.size, 1000)
  assert.deepEqual(world.errors, [])
})

test('a group reaches its members, and an alias of an alias its last target, each once', async t => {
  const world = await createWorld(t)
  await world.account('anna@example.test')
  await world.account('clara@example.test')
  await world.redirect('alias', 'a@example.test', 'anna@example.test')
  await world.redirect(
    'group',
    'all@example.test',
    'a@example.test',
    'clara@example.test',
    'anna@example.test',
  )
  await world.post({ from: 'boris@example.org', to: ['all@example.test'] })
  assert.equal((await world.mailbox('clara@example.test')).length, 1)
  assert.equal((await world.mailbox('anna@example.test')).length, 1)
  assert.equal(await world.waiting(), 0)
})

test('an account gets a message once, by whichever of its addresses it comes, and the trail says so', async t => {
  const world = await createWorld(t)
  await world.account('anna@example.test')
  await world.account('clara@example.test')
  await world.redirect('alias', 'abuse@example.test', 'anna@example.test')
  await world.redirect('alias', '@example.test', 'anna@example.test')
  const to = ['anna+a@example.test', 'anna+b@example.test', 'abuse@example.test', 'any@example.test']
  const id = await world.post({ from: null, to: [...to, 'clara@example.test'] })
  const copies = await world.mailbox('anna@example.test')
  assert.equal(copies.length, 1)
  assert.match(copies[0] ?? '', /^Delivered-To: anna(\+[ab])?@example\.test\r$/m)
  assert.equal((await world.mailbox('clara@example.test')).length, 1)
  assert.equal(await world.waiting(), 0)
  const told = (await world.events(id)).map(event => describeEvent(event).text)
  const ofAnna = told.filter(line => /^Delivered to anna(\+[ab])?@example\.test: /.test(line))
  const isCopy = (line: string): boolean =>
    line.endsWith('this account has the message already, and gets no second copy')
  assert.equal(ofAnna.filter(line => line.endsWith('it is in the mailbox INBOX')).length, 1)
  assert.ok(ofAnna.filter(isCopy).length >= 2, told.join('\n'))
  for (const alias of ['abuse', 'any'])
    assert.ok(told.includes(`${alias}@example.test leads to anna@example.test`), told.join('\n'))
  // The same text in another message is another message.
  await world.post({ from: null, to: ['anna@example.test'] })
  assert.equal((await world.mailbox('anna@example.test')).length, 2)
})

test('aliases in a circle end, and the sender is told', async t => {
  const world = await createWorld(t)
  await world.account('boris@example.test')
  // Circles are refused when they are made, but for those that go by the host's own name, which the directory has not.
  await world.redirect('alias', 'one@example.test', 'postmaster@mail.example.test')
  await world.storage.run(setPostmaster, {
    domain: 'example.test',
    postmaster: { localPart: 'one', domain: 'example.test' },
  })
  const id = await world.post({ from: 'boris@example.test', to: ['one@example.test'] })
  const last = (await world.attempts(id)).at(-1)
  assert.equal(last?.outcome.kind, 'failed')
  assert.equal(last.outcome.diagnosis.status, '5.4.6')
  assert.equal((await world.mailbox('boris@example.test')).length, 1)
})

test('what came through an alias says so, and what the mailbox has had before it may have once more', async t => {
  const world = await createWorld(t)
  await world.account('anna@example.test')
  await world.redirect('group', 'team@example.test', 'anna@example.test')
  await world.redirect('alias', 'info@example.test', 'team@example.test')
  const text = 'Delivered-To: anna@example.test\r\nSubject: Test\r\n\r\nText\r\n'
  await world.post({ from: null, to: ['info@example.test'], text })
  const [message] = await world.mailbox('anna@example.test')
  assert.equal(
    message,
    'Return-Path: <>\r\nDelivered-To: anna@example.test\r\nDelivered-To: team@example.test\r\n' +
      `Delivered-To: info@example.test\r\n${text}`,
  )
})

for (const { disposition, open, shown, filed } of [
  { disposition: 'send', open: true, shown: 1, filed: 0 },
  { disposition: 'soml', open: true, shown: 1, filed: 0 },
  { disposition: 'soml', open: false, shown: 0, filed: 1 },
  { disposition: 'saml', open: true, shown: 1, filed: 1 },
  { disposition: 'saml', open: false, shown: 0, filed: 1 },
] as const) {
  test(`${disposition} with ${open ? 'an open' : 'no'} terminal`, async t => {
    const texts: string[] = []
    const terminals = {
      show: async (key: string, text: string): Promise<boolean> => {
        if (open) texts.push(`${key}: ${text}`)
        return open
      },
    }
    const world = await createWorld(t, { terminals })
    await world.account('anna@example.test')
    const text = 'Subject: x\r\n\r\nHello \u001b[2Jthere\r\n'
    const id = await world.post({
      from: 'boris@example.org',
      to: ['Anna@example.test'],
      text,
      message: { disposition },
    })
    assert.equal(texts.length, shown)
    // An escape sequence of a stranger's never reaches the terminal.
    if (open) assert.equal(texts[0], 'anna@example.test: Subject: x\n\nHello \ufffd[2Jthere\n')
    assert.equal((await world.mailbox('anna@example.test')).length, filed)
    assert.equal(await world.waiting(), 0)
    const told = (await world.events(id)).map(event => describeEvent(event).text)
    assert.deepEqual(told, [
      filed > 0
        ? 'Delivered to Anna@example.test: it is in the mailbox INBOX'
        : 'Shown at the terminal of Anna@example.test',
    ])
  })
}

test('SEND whose terminal was closed meanwhile waits', async t => {
  const world = await createWorld(t)
  await world.account('anna@example.test')
  await world.post({ from: null, to: ['anna@example.test'], message: { disposition: 'send' } })
  assert.equal(await world.waiting(), 1)
  assert.deepEqual(await world.mailbox('anna@example.test'), [])
})

test('what a dead agent had claimed comes back when another one starts', async t => {
  const world = await createWorld(t)
  await world.account('anna@example.test')
  await world.agent.stop(0)
  await world.accept({ from: null, to: ['anna@example.test'] })
  const { claimDueWork } = await import('../../src/queue/claim-due-work.ts')
  const now = world.clock.now()
  await world.storage.run(claimDueWork, { now, leaseUntil: now + 1e9, owner: 'dead', maxRecipients: 10 })
  const next = world.createAgent()
  await next.start()
  await next.idle()
  assert.equal((await world.mailbox('anna@example.test')).length, 1)
})
