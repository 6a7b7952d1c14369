// Scripts of accounts in delivery: what they want done is done, once, and no mail is lost by them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { changeAccountTerms } from '../../src/directory/terms.ts'
import { forgetRemembered } from '../../src/filtering/memory.ts'
import { activateScript, administrators, renameScript } from '../../src/filtering/scripts.ts'
import { mailboxIdOf, type OpenMailbox, openingOf } from '../../src/mailbox/mailbox-row.ts'
import { writeMetadata } from '../../src/mailbox/metadata.ts'
import {
  createMailbox,
  findMailbox,
  listMailboxes,
  maxMailboxes,
  removeMailbox,
  renameMailbox,
} from '../../src/mailbox/name-operations.ts'
import { parseQueueId } from '../../src/queue/queue-id.ts'
import type { QueuedMessage } from '../../src/queue/records.ts'
import { defineWrite } from '../../src/storage/operation.ts'
import { storageIsGone } from '../../src/storage/storage-fault.ts'
import { findMessages } from '../../src/trail/find-messages.ts'
import { trailKeys } from '../../src/trail/keys.ts'
import { address, hour, minute } from '../delivery/world.ts'
import { createScriptWorld } from './script-world.ts'

const anna = 'anna@example.test'
const stranger = 'sender@example.net'

const message = (fields: string, body = 'Text'): string =>
  `From: Boris <${stranger}>\r\nTo: ${anna}\r\n${fields.replaceAll('\n', '\r\n')}\r\n\r\n${body}\r\n`

test('fileinto, flags and keep put a message where they say; what no command speaks of is in INBOX', async t => {
  const { world, account, read, subjects } = await createScriptWorld(t)
  const id = await account(
    anna,
    `require ["fileinto", "mailbox", "imap4flags", "copy"];
if header :contains "subject" "invoice" {
  fileinto :create :flags ["\\\\Flagged", "todo"] "Money/Invoices";
} elsif header :contains "subject" "both" {
  fileinto :copy "Archive";
} elsif header :is "subject" "secret" {
  discard;
}`,
  )
  for (const subject of ['An invoice', 'both', 'secret', 'Hello'])
    await world.post({ from: stranger, to: [anna], text: message(`Subject: ${subject}`) })
  assert.deepEqual(await subjects(id), ['both', 'Hello'])
  assert.deepEqual(await subjects(id, 'Archive'), ['both'])
  const [invoice, ...more] = await read(id, 'Money/Invoices')
  assert.deepEqual(invoice?.flags, ['\\Flagged', 'todo'])
  assert.match(
    invoice?.text ?? '',
    /^Return-Path: <sender@example\.net>\r\nDelivered-To: anna@example\.test\r\nFrom: Boris /,
  )
  assert.deepEqual(more, [])
  assert.equal(await world.waiting(), 0)
  assert.deepEqual(world.errors, [])
})

test('a mailbox is found by its id, whatever its name by now; where it has gone, by the name', async t => {
  const { world, account, write, subjects } = await createScriptWorld(t)
  const id = await account(anna, 'keep;')
  const { storage } = world
  const names = { accountId: id, name: 'Old', to: 'New', now: 0 }
  const made = await storage.run(createMailbox, names)
  assert.ok(made.kind === 'created')
  await write(
    id,
    `require ["fileinto", "mailboxid", "mailbox"];
fileinto :mailboxid "${mailboxIdOf(made.mailbox)}" :create "By name";`,
  )
  await storage.run(renameMailbox, names)
  await world.post({ from: stranger, to: [anna], text: message('Subject: One') })
  assert.deepEqual(await subjects(id, 'New'), ['One'])
  await storage.run(removeMailbox, { ...names, name: 'New' })
  await world.post({ from: stranger, to: [anna], text: message('Subject: Two') })
  assert.deepEqual(await subjects(id, 'By name'), ['Two'])
})

test('what programs note of a mailbox, and of the server, scripts read', async t => {
  const { world, account, subjects } = await createScriptWorld(t)
  const id = await account(
    anna,
    `require ["mboxmetadata", "servermetadata", "fileinto"];
if allof (metadata :is "INBOX" "/private/vendor/away" "yes", servermetadata :contains "/private/note" "here") {
  fileinto "Archive";
}`,
  )
  const inbox = await world.storage.run(findMailbox, { accountId: id, name: 'INBOX' })
  assert.ok(inbox)
  const note = async (place: OpenMailbox | undefined, name: string, value: string): Promise<void> => {
    const entries = new Map([[name, Buffer.from(value)]])
    const written = await world.storage.run(writeMetadata, { mailbox: place, accountId: id, entries })
    assert.equal(written.kind, 'written')
  }
  await note(openingOf(inbox), '/private/vendor/away', 'yes')
  await world.post({ from: stranger, to: [anna], text: message('Subject: one') })
  await note(undefined, '/private/note', 'It is here')
  await world.post({ from: stranger, to: [anna], text: message('Subject: two') })
  assert.deepEqual([await subjects(id), await subjects(id, 'Archive')], [['one'], ['two']])
})

test('the trail says which line of which script has done what', async t => {
  const { world, account } = await createScriptWorld(t)
  await account(
    anna,
    'require ["fileinto"];\nif address :domain "from" "example.net" {\n  fileinto "Archive";\n}\n',
  )
  const id = await world.post({ from: stranger, to: [anna], text: message('Subject: Test') })
  const [attempt] = await world.attempts(id)
  assert.ok(attempt)
  const { text, notes } = describeEvent(attempt)
  assert.equal(text, 'Delivered to anna@example.test: it is in the mailbox Archive')
  assert.deepEqual(notes, [
    'The script "main" of anna@example.test filed it in Archive, line 3',
    'In the script, line 2: if address :domain: true',
    'In the script, line 3: fileinto "Archive"',
  ])
})

test('what is wrong when a script runs costs no mail, and its owner is told where, once a day', async t => {
  const { world, account, write, read } = await createScriptWorld(t)
  const script =
    'require ["variables", "fileinto"];\nset "to" "nowhere";\nfileinto "Archive";\nredirect "${to}";\n'
  const id = await account('anna@example.test', script)
  const ivan = await account('ivan@example.test', script, 'ru')
  const queueId = await world.post({
    from: stranger,
    to: ['anna@example.test', 'ivan@example.test'],
    text: message('Subject: Wichtig'),
  })
  const [notice, mail, ...more] = (await read(id))
    .toSorted((a, b) => a.text.length - b.text.length)
    .toReversed()
  assert.deepEqual(more, [])
  assert.match(mail?.text ?? '', /^Return-Path: <sender@example\.net>\r\n[^]*Subject: Wichtig\r\n/)
  assert.match(
    notice?.text ?? '',
    /^Return-Path: <>\r\nFrom: Mail server <MAILER-DAEMON@mail\.example\.test>\r\n/,
  )
  assert.match(notice?.text ?? '', /^Subject: Your filter "main" has a mistake\r$/m)
  assert.match(notice?.text ?? '', /^Auto-Submitted: auto-generated\r$/m)
  assert.match(notice?.text ?? '', /^ +Where: line 4, column 1\r$/m)
  assert.match(notice?.text ?? '', /What: "nowhere" is no address/)
  const texts = (await read(ivan)).map(({ text }) => text)
  assert.ok(texts.some(text => text.includes('Content-Language: ru')))
  const attempt = (await world.attempts(queueId)).find(({ recipient }) => recipient === anna)
  assert.ok(attempt)
  assert.match(
    describeEvent(attempt).notes?.join('\n') ?? '',
    /^The script "main" of anna@example\.test left it in INBOX\nThe script "main" of anna@example\.test has a mistake, line 4: "nowhere" is no address: [^\n]+\nIts owner was told of the mistake \(message [0-9A-Z]{11}\)\n/,
  )
  // Told today already.
  await world.post({ from: stranger, to: [anna], text: message('Subject: Second') })
  assert.equal((await read(id)).length, 3)
  // Another version has a mistake of its own.
  await write(id, `# changed\n${script}`)
  await world.post({ from: stranger, to: [anna], text: message('Subject: Third') })
  assert.equal((await read(id)).length, 5)
  await world.pass(25 * hour)
  await world.post({ from: stranger, to: [anna], text: message('Subject: Fourth') })
  assert.equal((await read(id)).length, 7)
  assert.deepEqual(world.errors, [])
})

test('a mailbox that is not there: the message is in INBOX, and its owner is told', async t => {
  const { world, account, subjects } = await createScriptWorld(t)
  const id = await account(anna, 'require "fileinto";\nfileinto "Lists";\n')
  await world.post({ from: stranger, to: [anna], text: message('Subject: Test') })
  assert.deepEqual((await subjects(id)).toSorted(), ['Test', 'Your filter "main" has a mistake'])
})

test('a script makes mailboxes that programs can open, and no others', async t => {
  const { world, account, write, subjects, read } = await createScriptWorld(t)
  const id = await account(anna, 'keep;')
  const mailboxes = async (): Promise<string[]> =>
    (await world.storage.run(listMailboxes, { accountId: id })).map(({ name }) => name)
  const usual = await mailboxes()
  const send = async (name: string, subject: string): Promise<void> => {
    await write(id, `require ["fileinto", "mailbox"];\nfileinto :create "${name}";\n`)
    await world.post({ from: stranger, to: [anna], text: message(`Subject: ${subject}`) })
  }
  await send('Inbox/Lists', 'below INBOX')
  assert.deepEqual(await subjects(id, 'INBOX/Lists'), ['below INBOX'])
  const names = ['Other Users/boris@example.test/x', 'a//b', 'a\tb', 'x/'.repeat(20).concat('x')]
  for (const [at, name] of names.entries()) await send(name, `no mailbox ${at}`)
  assert.deepEqual(await mailboxes(), ['Archive', 'Drafts', 'INBOX', 'INBOX/Lists', ...usual.slice(3)])
  const all = await read(id)
  assert.equal((await subjects(id)).filter(subject => subject.startsWith('no mailbox')).length, names.length)
  assert.ok(
    all.some(({ text }) =>
      /There can be no mailbox "a\/\/b": the message is in INBOX\./.test(text.replaceAll(/\r\n */g, ' ')),
    ),
  )
})

const fillNames = defineWrite('test.fill-names', async (tx, accountId: number) => {
  for (let at = 0; at < maxMailboxes; at++)
    await tx.run(
      'INSERT INTO mailbox (account_id, name, uid_validity, uid_next) VALUES (?, ?, 1, 1)',
      accountId,
      `m${at}`,
    )
})

test('a script that takes names from what strangers write makes no more mailboxes than an account can have', async t => {
  const { world, account, subjects } = await createScriptWorld(t)
  const id = await account(
    anna,
    'require ["fileinto", "mailbox", "variables"];\nif header :matches "subject" "*" { fileinto :create "${1}"; }',
  )
  await world.storage.run(fillNames, id)
  const { length } = await world.storage.run(listMailboxes, { accountId: id })
  for (const subject of ['another', 'm7'])
    await world.post({ from: stranger, to: [anna], text: message(`Subject: ${subject}`) })
  assert.equal((await world.storage.run(listMailboxes, { accountId: id })).length, length)
  assert.deepEqual((await subjects(id)).toSorted(), ['Your filter "main" has a mistake', 'another'])
  assert.deepEqual(await subjects(id, 'm7'), ['m7'])
})

test('redirect sends a message on as an alias would, and keeps it where :copy says so', async t => {
  const { world, peer, account, subjects } = await createScriptWorld(t)
  const id = await account(
    anna,
    'require "copy";\nif header :is "subject" "copy" { redirect :copy "clara@example.org"; }\nelse { redirect "clara@example.org"; }',
  )
  for (const subject of ['copy', 'on'])
    await world.post({ from: stranger, to: [anna], text: message(`Subject: ${subject}`) })
  assert.deepEqual(await subjects(id), ['copy'])
  assert.equal(peer.messages.length, 2)
  for (const { reversePath, forwardPaths, mailData } of peer.messages) {
    assert.match(reversePath, /^SRS0=[A-Z2-7]{6}=[A-Z2-7]{2}=example\.net=sender@example\.test$/)
    assert.deepEqual(forwardPaths, ['clara@example.org'])
    assert.match(mailData, /^Delivered-To: anna@example\.test\r\nFrom: Boris /)
  }
})

test('a redirect of a message with changed fields is a message of its own', async t => {
  const { world, peer, account, read } = await createScriptWorld(t)
  const id = await account(
    anna,
    'require ["editheader", "copy"];\nredirect :copy "boris@example.org";\naddheader "X-Seen" "yes";\ndeleteheader "X-Old";\nredirect :copy "clara@example.org";\n',
  )
  const queueId = await world.post({
    from: stranger,
    to: [anna],
    text: message('X-Old: 1\nSubject: Test', 'A body\r\nof two lines'),
  })
  const [stored, ...more] = await read(id)
  assert.deepEqual(more, [])
  assert.match(
    stored?.text ?? '',
    /^X-Seen: yes\r\nReturn-Path: <sender@example\.net>\r\nDelivered-To: anna@/,
  )
  assert.doesNotMatch(stored?.text ?? '', /X-Old/)
  assert.match(stored?.text ?? '', /\r\n\r\nA body\r\nof two lines\r\n$/)
  const sent = new Map(peer.messages.map(one => [one.forwardPaths.join(), one.mailData]))
  assert.match(
    sent.get('boris@example.org') ?? '',
    /^Delivered-To: anna@example\.test\r\nFrom: Boris [^]*X-Old: 1/,
  )
  const edited = sent.get('clara@example.org') ?? ''
  assert.match(edited, /^Delivered-To: anna@example\.test\r\nX-Seen: yes\r\n/)
  assert.doesNotMatch(edited, /X-Old|Return-Path/)
  assert.match(edited, /\r\n\r\nA body\r\nof two lines\r\n$/)
  const notes = (await world.events(queueId)).flatMap(event => describeEvent(event).notes ?? [])
  assert.ok(
    notes.some(note =>
      /^The script "main" of anna@example\.test sent it on to clara@example\.org, line 5 \(message \S{11}\)$/.test(
        note,
      ),
    ),
  )
  // Under the sender that it has there, too.
  const groups = [[trailKeys.recipient('clara@example.org')], [trailKeys.sender(stranger)]]
  const times = { since: 0, until: Number.MAX_SAFE_INTEGER, limit: 9 }
  const { found } = await findMessages(world.storage, { groups, ...times })
  const [written] = found.flatMap(({ records }) => records.filter(({ event }) => event.kind === 'written'))
  assert.match(
    written ? describeEvent(written.event).text : '',
    /^Sent on with changed header fields .*, from sender@example\.net, to clara@example\.org/,
  )
})

test('redirects do not go round: between two accounts, to oneself, and by another server', async t => {
  const { world, peer, account, subjects } = await createScriptWorld(t)
  const first = await account(anna, 'redirect "bella@example.test";')
  const second = await account('bella@example.test', 'redirect "anna@example.test";')
  await world.post({ from: stranger, to: [anna], text: message('Subject: Round') })
  // Where it has come from it does not go back.
  assert.deepEqual([await subjects(first), await subjects(second)], [[], ['Round']])
  const own = await account('clara@example.test', 'redirect "clara+x@example.test";')
  await world.post({ from: stranger, to: ['clara@example.test'], text: message('Subject: Self') })
  assert.deepEqual(await subjects(own), ['Self'])
  const away = await account('dora@example.test', 'redirect "dora@example.org";')
  await world.post({ from: stranger, to: ['dora@example.test'], text: message('Subject: Away') })
  const { mailData = '' } = peer.messages[0] ?? {}
  assert.equal(peer.messages.length, 1)
  // The other server sends it back.
  await world.post({ from: stranger, to: ['dora@example.test'], text: mailData })
  assert.equal(peer.messages.length, 1)
  assert.deepEqual(await subjects(away), ['Away'])
})

test('one message by two addresses of an account is decided on once', async t => {
  const { world, peer, account, subjects } = await createScriptWorld(t)
  const id = await account(
    anna,
    `require ["vacation", "copy"];\nvacation :addresses "info@example.test" "I am away.";\nif header :is "subject" "on" { redirect "clara@example.org"; }`,
  )
  await world.redirect('alias', 'info@example.test', anna)
  await world.post({ from: stranger, to: [anna, 'info@example.test'], text: message('Subject: on') })
  assert.deepEqual(await subjects(id), [])
  assert.deepEqual(peer.messages.map(one => one.forwardPaths.join()).toSorted(), [
    'clara@example.org',
    stranger,
  ])
})

test('vacation answers a person once, from the null reverse-path', async t => {
  const { world, peer, account, subjects } = await createScriptWorld(t)
  const id = await account(
    anna,
    'require "vacation";\nvacation :days 7 :from "Mallory <mallory@example.org>" "I am away.\\r\\nAnna";\n',
  )
  const post = (subject: string, from: string | null = stranger) =>
    world.post({ from, to: [anna], text: message(`Message-ID: <1@example.net>\nSubject: ${subject}`) })
  const queueId = await post('First')
  await post('Second')
  await post('Bounce', null)
  assert.deepEqual(await subjects(id), ['First', 'Second', 'Bounce'])
  const [answer, ...more] = peer.messages
  assert.deepEqual(more, [])
  assert.equal(answer?.reversePath, '')
  assert.deepEqual(answer?.forwardPaths, [stranger])
  // Not in somebody else's name.
  assert.match(answer?.mailData ?? '', /^From: anna@example\.test\r$/m)
  assert.match(answer?.mailData ?? '', /^Auto-Submitted: auto-replied\r$/m)
  assert.match(answer?.mailData ?? '', /^In-Reply-To: <1@example\.net>\r$/m)
  const [attempt] = await world.attempts(queueId)
  const deed = attempt?.filter?.did.find(({ what }) => what === 'answered')
  assert.ok(deed?.queueId !== undefined)
  assert.deepEqual(deed, {
    what: 'answered',
    at: { line: 2, column: 1 },
    where: stranger,
    queueId: deed.queueId,
  })
  const written = (await world.events(parseQueueId(deed.queueId) ?? 0)).map(
    event => describeEvent(event).text,
  )
  assert.match(
    written[0] ?? '',
    /^An answer \(vacation\) of the script of anna@example\.test, because of message \S{11}, to sender@example\.net/,
  )
  await world.pass(8 * 24 * hour)
  await post('Third')
  assert.equal(peer.messages.length, 2)
})

test('two messages of one sender at the same time get one answer, and the script runs again for the slower one', async t => {
  const { world, peer, account, subjects } = await createScriptWorld(t)
  const id = await account(
    anna,
    'require ["vacation", "duplicate", "fileinto"];\nvacation "Away";\nif duplicate :header "subject" { fileinto "Trash"; }',
  )
  const subject = message('Subject: Same')
  await Promise.all(
    Array.from({ length: 5 }, () => world.accept({ from: stranger, to: [anna], text: subject })),
  )
  await world.pass(0)
  assert.equal((await subjects(id)).length, 1)
  assert.equal((await subjects(id, 'Trash')).length, 4)
  assert.equal(peer.messages.length, 1)
  assert.equal(await world.waiting(), 0)
})

for (const when of ['before', 'after'] as const)
  test(`a death ${when} the commit of what a script wants: one copy, one answer`, async t => {
    let isBegun = false
    let isDead = false
    const { world, peer, account, subjects } = await createScriptWorld(t, {
      faultyStorage: real => ({
        ...real,
        async run(operation, input) {
          if (operation.name !== 'queue.settle' || isBegun) return await real.run(operation, input)
          isBegun = true
          if (when === 'after') await real.run(operation, input)
          world.killAgents()
          isDead = true
          throw storageIsGone()
        },
        onWake: (topic, listener) => real.onWake(topic, listener),
        close: () => real.close(),
      }),
    })
    const id = await account(
      anna,
      'require ["vacation", "copy"];\nvacation "Away";\nredirect :copy "clara@example.org";',
    )
    await world.accept({ from: stranger, to: [anna], text: message('Subject: Test') })
    world.agent.wake()
    await waitUntil(() => isDead)
    const heir = world.createAgent('after-death')
    await heir.start()
    await heir.idle()
    assert.deepEqual(await subjects(id), ['Test'])
    assert.deepEqual(peer.messages.map(one => one.forwardPaths.join()).toSorted(), [
      'clara@example.org',
      stranger,
    ])
    assert.equal(await world.waiting(), 0)
  })

test('a commit that is not answered is not done twice', async t => {
  let isCut = false
  const { world, peer, account, subjects } = await createScriptWorld(t, {
    faultyStorage: real => ({
      ...real,
      async run(operation, input) {
        const output = await real.run(operation, input)
        if (operation.name !== 'queue.settle' || isCut) return output
        isCut = true
        throw storageIsGone()
      },
      onWake: (topic, listener) => real.onWake(topic, listener),
      close: () => real.close(),
    }),
  })
  const id = await account(anna, 'require "vacation";\nvacation "Away";')
  await world.accept({ from: stranger, to: [anna], text: message('Subject: Test') })
  world.agent.wake()
  await waitUntil(() => isCut)
  await world.pass(minute)
  assert.deepEqual(await subjects(id), ['Test'])
  assert.equal(peer.messages.length, 1)
})

test('reject tells the sender by a message, ereject by a report; the reason is in both', async t => {
  const { world, peer, account, subjects } = await createScriptWorld(t)
  const polite = await account(anna, 'require "reject";\nreject "No lists, please.";')
  const short = await account(
    'bella@example.test',
    'require "ereject";\nereject "No user like that, unknown user.";',
  )
  const id = await world.post({ from: stranger, to: [anna], text: message('Subject: Test') })
  await world.post({ from: stranger, to: ['bella@example.test'], text: message('Subject: Test') })
  assert.deepEqual([await subjects(polite), await subjects(short)], [[], []])
  const [disposition, report, ...more] = peer.messages
  assert.deepEqual(more, [])
  assert.equal(disposition?.reversePath, '')
  assert.match(disposition?.mailData ?? '', /report-type=disposition-notification/)
  assert.match(disposition?.mailData ?? '', /No lists, please\./)
  assert.match(
    report?.mailData ?? '',
    /^Diagnostic-Code: smtp; 550 5\.7\.1 No user like that, unknown user\.\r$/m,
  )
  assert.match(report?.mailData ?? '', /A rule that the recipient has set up/)
  const [attempt] = await world.attempts(id)
  assert.equal(attempt?.outcome.kind, 'failed')
  // What an owner writes says nothing of the address to others.
  await world.post({ from: stranger, to: ['bella@example.test'], text: message('Subject: Again') })
  assert.equal(peer.messages.length, 3)
})

test('nobody is answered whose address may be a forgery: such a message goes to Junk', async t => {
  const { world, peer, account, subjects } = await createScriptWorld(t)
  const id = await account(
    anna,
    'require ["reject", "vacation"];\nif header :is "subject" "No" { reject "No."; } else { vacation "Away"; }',
  )
  const failed = (result: string): Partial<QueuedMessage> => ({
    traceFields: `Authentication-Results: mail.example.test;\r\n\t${result}\r\n`,
  })
  for (const result of ['spf=fail smtp.mailfrom=example.net', 'dmarc=fail header.from=example.net'])
    for (const subject of ['No', 'Other'])
      await world.post({
        from: stranger,
        to: [anna],
        text: message(`Subject: ${subject}`),
        message: failed(result),
      })
  assert.deepEqual(await subjects(id, 'Junk'), ['No', 'No'])
  assert.deepEqual(await subjects(id), ['Other', 'Other'])
  assert.equal(peer.messages.length, 0)
  // The answer is still to come for whoever is proven.
  await world.post({
    from: stranger,
    to: [anna],
    text: message('Subject: Proven'),
    message: failed('spf=fail smtp.mailfrom=example.net;\r\n\tdmarc=pass header.from=example.net'),
  })
  assert.equal(peer.messages.length, 1)
})

test('Junk stays Junk for whoever keeps it, and a script can see it and decide otherwise', async t => {
  const { world, account, subjects } = await createScriptWorld(t)
  const id = await account(
    anna,
    `require ["environment", "fileinto", "imap4flags"];
if allof (environment :is "vnd.postrider.junk" "yes", header :contains "subject" "boss") { fileinto "INBOX"; stop; }
if exists "Postrider-Verdict" { setflag "seen-by-script"; keep; }`,
  )
  const quarantined = { isQuarantined: true, traceFields: 'Postrider-Verdict: quarantine\r\n' }
  for (const subject of ['From the boss', 'Pills'])
    await world.post({
      from: stranger,
      to: [anna],
      text: message(`Subject: ${subject}`),
      message: quarantined,
    })
  assert.deepEqual(await subjects(id), ['From the boss'])
  assert.deepEqual(await subjects(id, 'Junk'), ['Pills'])
})

test('notify tells another address, and includes come from the account and from the administrator', async t => {
  const { world, peer, account, write, subjects } = await createScriptWorld(t)
  const id = await account(
    anna,
    'require ["include"];\ninclude :global "rules";\ninclude :personal "mine";\ninclude :optional "none";',
  )
  await write(administrators, 'require "enotify";\nnotify "mailto:phone@example.org";', 'rules')
  await write(id, 'require ["fileinto", "special-use"];\nfileinto :specialuse "\\\\Archive" "Old";', 'mine')
  const queueId = await world.post({ from: stranger, to: [anna], text: message('Subject: Test') })
  assert.deepEqual(await subjects(id, 'Archive'), ['Test'])
  assert.deepEqual(
    peer.messages.map(({ forwardPaths }) => forwardPaths),
    [['phone@example.org']],
  )
  assert.equal(peer.messages[0]?.reversePath, anna)
  const [attempt] = await world.attempts(queueId)
  assert.ok(attempt)
  const notes = describeEvent(attempt).notes?.join('\n') ?? ''
  assert.match(notes, /told phone@example\.org of it, line 2 of the included "rules" \(message \S{11}\)/)
  assert.match(notes, /filed it in Archive, line 2 of the included "mine"/)
})

test('a script that is put in the place of the active one counts from then on; without one all is as before', async t => {
  const { world, account, write, subjects } = await createScriptWorld(t)
  const id = await account(anna, 'discard;')
  const post = (subject: string) =>
    world.post({ from: stranger, to: [anna], text: message(`Subject: ${subject}`) })
  await post('One')
  await write(id, 'keep;')
  await post('Two')
  await write(id, 'discard;', 'other')
  assert.equal(await world.storage.run(renameScript, { ownerId: id, name: 'main', to: 'renamed' }), 'renamed')
  await post('Three')
  assert.equal(await world.storage.run(activateScript, { accountId: id, name: 'other' }), true)
  await post('Four')
  assert.equal(await world.storage.run(activateScript, { accountId: id, name: undefined }), true)
  await post('Five')
  assert.deepEqual(await subjects(id), ['Two', 'Three', 'Five'])
})

test('what a sender wants to hear of success it hears of filing, and of what is discarded no less', async t => {
  const { world, peer, account } = await createScriptWorld(t)
  await account(anna, 'if header :is "subject" "Gone" { discard; }')
  for (const subject of ['Kept', 'Gone'])
    await world.post({
      from: stranger,
      to: [{ address: anna, notify: ['SUCCESS'] }],
      text: message(`Subject: ${subject}`),
    })
  assert.equal(peer.messages.length, 2)
  for (const { mailData } of peer.messages) assert.match(mailData, /^Action: delivered\r$/m)
})

test('what is remembered is forgotten when its time is over, and beyond what an account may have', async t => {
  const { world, account } = await createScriptWorld(t)
  const id = await account(anna, 'require "duplicate";\nif duplicate { discard; }')
  for (const number of [1, 2, 3])
    await world.post({ from: stranger, to: [anna], text: message(`Message-ID: <${number}@example.net>`) })
  const forget = async (): Promise<number> =>
    await world.storage.run(forgetRemembered, { now: world.clock.now(), limit: 100 })
  assert.equal(await forget(), 0)
  await world.pass(60 * 24 * hour)
  assert.equal(await forget(), 6)
  assert.equal(await forget(), 0)
  assert.ok(id > 0)
})

test('a full mailbox keeps nothing from those to whom it is sent on; what is to be filed waits, and is answered then', async t => {
  const { world, peer, account, subjects } = await createScriptWorld(t)
  const id = await account(
    anna,
    'require "vacation";\nif header :is "subject" "on" { redirect "clara@example.org"; }\nelse { vacation "Away"; }',
  )
  const allow = async (quotaMessages: number): Promise<void> =>
    await world.storage.run(changeAccountTerms, { address: address(anna), change: { quotaMessages } })
  await allow(1)
  await world.post({ from: 'one@example.net', to: [anna], text: message('Subject: One') })
  assert.equal(peer.messages.length, 1)
  const waits = await world.post({ from: 'two@example.net', to: [anna], text: message('Subject: Two') })
  await world.post({ from: 'three@example.net', to: [anna], text: message('Subject: on') })
  assert.deepEqual(await subjects(id), ['One'])
  assert.deepEqual(
    peer.messages.map(one => one.forwardPaths.join()),
    ['one@example.net', 'clara@example.org'],
  )
  const [attempt] = await world.attempts(waits)
  assert.equal(attempt?.outcome.kind === 'deferred' && attempt.outcome.diagnosis.cause, 'mailbox-full')
  await allow(10)
  await world.pass(5 * hour)
  assert.deepEqual(await subjects(id), ['One', 'Two'])
  assert.deepEqual(peer.messages.map(one => one.forwardPaths.join()).at(-1), 'two@example.net')
  assert.equal(peer.messages.filter(one => one.forwardPaths.includes('two@example.net')).length, 1)
})

test('two for whom there is room for one: the script of the other runs again, and it waits', async t => {
  const { world, peer, account, subjects } = await createScriptWorld(t)
  const id = await account(anna, 'require "vacation";\nvacation "Away";')
  await world.storage.run(changeAccountTerms, { address: address(anna), change: { quotaMessages: 1 } })
  for (const from of ['one@example.net', 'two@example.net'])
    await world.accept({ from, to: [anna], text: message('Subject: Test') })
  await world.pass(0)
  assert.equal((await subjects(id)).length, 1)
  assert.equal(await world.waiting(), 1)
  assert.equal(peer.messages.length, 1)
})

async function waitUntil(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(resolve => setImmediate(resolve))
  await new Promise(resolve => setImmediate(resolve))
}
