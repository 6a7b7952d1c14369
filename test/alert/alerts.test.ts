// What somebody has to act on: raised once, told once by mail, over when it is, and never about the mail that tells it.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Alert } from '../../src/alert/alert.ts'
import { describeAlert } from '../../src/alert/describe-alert.ts'
import { countOpenAlerts, listAlerts } from '../../src/alert/operations.ts'
import type { DeliveryAgent } from '../../src/delivery/delivery-agent.ts'
import { decodeEncodedWords } from '../../src/message/encoded-words.ts'
import { releaseRecipients, retryRecipients } from '../../src/queue/administer.ts'
import { blameForDeath } from '../../src/queue/blame-for-death.ts'
import { claimDueWork } from '../../src/queue/claim-due-work.ts'
import { claimSuspects } from '../../src/queue/claim-suspects.ts'
import { noteDestinationHealth } from '../../src/queue/destination-health.ts'
import { countAtGate } from '../../src/queue/gates.ts'
import { formatQueueId, type QueueId } from '../../src/queue/queue-id.ts'
import { StorageFault } from '../../src/storage/storage-fault.ts'
import { decodeBody, readEntity, readParts, value } from '../bounce/read-report.ts'
import { type RemotePeer, startPeer } from '../delivery/remote-peer.ts'
import { pool } from '../delivery/source-pool.ts'
import { createWorld, hour, minute, type World, type WorldOptions } from '../delivery/world.ts'
import { administer } from '../queue/open-queue.ts'

const from = 'anna@example.test'
const admin = 'admin@example.test'

/** As Outlook.com says it (src/delivery/replies/known-replies/microsoft.ts). */
const refusal =
  "550 5.7.1 Unfortunately, messages from [192.0.2.25] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150)."

interface Blocked {
  readonly world: World
  readonly peer: RemotePeer
  refuses: boolean
  /** From different senders, as one waits for the other. */
  readonly send: (count: number) => Promise<void>
}

/** Outlook.com, which refuses mail from this server until the test says otherwise. */
async function blockedWorld(t: TestContext, options: WorldOptions = {}): Promise<Blocked> {
  const peer = await startPeer({
    address: '127.0.0.2',
    script: command => (blocked.refuses && command.startsWith('MAIL') ? refusal : undefined),
  })
  t.after(() => peer.close())
  const world = await createWorld(t, { ...options, delivery: { port: peer.port, ...options.delivery } })
  world.dns.mx('outlook.com', 10, 'outlook-com.olc.protection.outlook.com')
  world.dns.host('outlook-com.olc.protection.outlook.com', peer.address)
  await world.account(admin)
  const blocked: Blocked = {
    world,
    peer,
    refuses: true,
    async send(count) {
      for (let n = 0; n < count; n++)
        await world.accept({ from: `sender${n}@elsewhere.example`, to: [`user${n}@outlook.com`] })
      await world.pass(0)
    },
  }
  return blocked
}

/** What is due of alerts, and the mail about them. */
async function look(world: World, agent: DeliveryAgent = world.agent): Promise<void> {
  for (const alerts of world.alerts) await alerts.look()
  agent.wake()
  await agent.idle()
}

async function list(world: World): Promise<Alert[]> {
  return await world.storage.run(listAlerts, { which: 'all' })
}

interface Told {
  readonly subject: string
  readonly text: string
  readonly html: string
  readonly raw: string
}

async function mailTo(world: World, address: string): Promise<Told[]> {
  return (await world.mailbox(address)).map(raw => {
    const { fields, body } = readEntity(Buffer.from(raw, 'utf8').toString('latin1'))
    const [text = '', html = ''] = readParts(fields, body).map(part =>
      decodeBody(part).toString('utf8').replaceAll('\r\n', '\n'),
    )
    return { subject: decodeEncodedWords(value(fields, 'Subject')), text, html, raw }
  })
}

/** The first word of each mail to the administrator. */
async function subjects(world: World): Promise<string[]> {
  return (await world.mailbox(admin)).map(raw => {
    const { fields } = readEntity(Buffer.from(raw, 'utf8').toString('latin1'))
    return decodeEncodedWords(value(fields, 'Subject')).split(':')[0] ?? ''
  })
}

const inEnglish = `mail.example.test needs somebody to act: Outlook.com refuses mail from this
server because of its reputation.

  Outlook.com
    What happened: The mail servers there take no mail from this server,
    whatever it says: its IP address, its name or its domain has a bad
    reputation with them, or is on a block list.
    What that means for mail: N recipients wait. What was refused has gone
    back to its sender. Nothing is sent there for now, since more attempts
    make it worse; mail for others goes on. From time to time one message
    finds out whether it is taken again: then all that waits follows by
    itself. What waits too long goes back to its sender.
    The server outlook-com.olc.protection.outlook.com said:
      > 550 5.7.1 Unfortunately, messages from [192.0.2.25] weren't sent.
      > Please contact your Internet service provider since part of their
      > network is on our block list (S3150).
    What to do now:
    1. See whose mail waits there. A stolen password or a list of old
       addresses is the most frequent reason for a bad reputation: stop that
       first.
         postrider queue summary --by sender --destination outlook
    2. Find out why our server is on that list, mend it, and then ask
       Outlook.com to take it off.
       https://sendersupport.olc.protection.outlook.com/pm/
    3. When it is mended, have all that waits tried at once:
         postrider queue retry --destination outlook
    4. What cannot wait so long can leave through another server that takes
       it from you:
         postrider queue reroute --destination outlook --via smtp.example.com:25

For your records:
  Since: Thursday, 1 January 2026 at 00:00 UTC
  Last seen: Thursday, 1 January 2026 at 00:00 UTC
  Times: 1
  Detail: reputation-block outlook: outlook-com.olc.protection.outlook.com
  (127.0.0.2:PORT) refused MAIL

--
This message was written by the mail server mail.example.test. Nobody reads
replies to it. "postrider alerts" shows what is open; the setting alerts.to
says who gets such mail.
`

/** How many wait when it is told depends on how many were tried together. */
function withoutFigures(text: string): string {
  return text
    .replace(/\b[0-9]+ recipients wait/, 'N recipients wait')
    .replace(/127\.0\.0\.2:[0-9]+/, '127.0.0.2:PORT')
}

test('a provider that refuses our name: one alert, and one mail that says what happened and what to do', async t => {
  const { world, send } = await blockedWorld(t)
  await send(10)
  await look(world)
  const [alert, ...others] = await list(world)
  assert.deepEqual(others, [])
  assert.deepEqual([alert?.kind, alert?.subject, alert?.times], ['reputation-block', 'outlook', 1])
  assert.equal(alert?.evidence.remoteMta, 'outlook-com.olc.protection.outlook.com')
  assert.deepEqual(alert.evidence.reply?.lines, [refusal.slice('550 5.7.1 '.length)])
  assert.deepEqual(alert.evidence.provider, {
    name: 'Outlook.com',
    step: 'ask-delisting',
    page: 'https://sendersupport.olc.protection.outlook.com/pm/',
  })
  const [mail, ...more] = await mailTo(world, admin)
  assert.deepEqual(more, [])
  assert.equal(mail?.subject, 'Alert: Outlook.com refuses mail from this server because of its reputation')
  assert.equal(withoutFigures(mail.text), inEnglish)
  const [, waiting] = /([0-9]+) recipients wait/.exec(mail.text) ?? []
  assert.ok(Number(waiting) >= 7 && Number(waiting) <= 9, `${waiting} wait`)
  assert.match(mail.html, /<code>postrider queue retry --destination\s+outlook<\/code>/)
  assert.match(mail.raw, /^Return-Path: <>\r\n/)
  assert.match(mail.raw, /^Auto-Submitted: auto-generated\r$/m)
})

test('fifty refusals more: the same alert, no other mail, and one line in the log', async t => {
  const { world, peer, send } = await blockedWorld(t)
  await send(55)
  await look(world)
  const refusals = (): number => peer.commands.filter(command => command.startsWith('MAIL')).length
  // An administrator who tries again and again.
  for (const before = refusals(); refusals() < before + 50; ) {
    await administer(world.storage, retryRecipients, {}, world.clock.now())
    await world.pass(minute)
  }
  await look(world)
  const [alert, ...others] = await list(world)
  assert.deepEqual(others, [])
  assert.ok((alert?.times ?? 0) > 10, `${alert?.times} times`)
  assert.equal((await mailTo(world, admin)).length, 1)
  assert.equal(world.errors.filter(line => line.startsWith('a destination refuses mail')).length, 1)
})

test('it is over when mail has been taken again for an hour, which is told once', async t => {
  const blocked = await blockedWorld(t)
  const { world, peer } = blocked
  await blocked.send(10)
  await look(world)
  blocked.refuses = false
  await world.pass(6 * minute)
  assert.ok(peer.messages.length >= 7)
  await look(world)
  // Not yet: some servers take one and refuse the next. But there is nothing to do any more.
  const [mended, ...others] = await world.storage.run(listAlerts, { which: 'open' })
  assert.ok(mended)
  assert.deepEqual(others, [])
  assert.match(describeAlert(mended, 0, 'en').title, /^Outlook\.com refused mail/)
  assert.equal(describeAlert(mended, 0, 'en').block.steps, undefined)
  assert.equal(await world.storage.run(countOpenAlerts, undefined), 0)
  await world.pass(50 * minute)
  await look(world)
  assert.equal((await mailTo(world, admin)).length, 1)
  await world.pass(10 * minute)
  await look(world)
  const [, over, ...more] = await mailTo(world, admin)
  assert.deepEqual(more, [])
  assert.equal(over?.subject, 'Over: Outlook.com refused mail from this server because of its reputation')
  assert.equal(
    withoutFigures(over.text).split('\n--\n')[0],
    `What mail.example.test told of is over, and there is nothing to do:
Outlook.com refused mail from this server because of its reputation.

  Outlook.com
    Now: Mail has been taken there again since Thursday, 1 January 2026 at
    00:06 UTC. What waited goes out by itself.

For your records:
  Since: Thursday, 1 January 2026 at 00:00 UTC
  Last seen: Thursday, 1 January 2026 at 00:00 UTC
  Times: 1
  Ended: Thursday, 1 January 2026 at 00:06 UTC
  Detail: reputation-block outlook: outlook-com.olc.protection.outlook.com
  (127.0.0.2:PORT) refused MAIL
`,
  )
  await world.pass(2 * hour)
  await look(world)
  assert.equal((await mailTo(world, admin)).length, 2)
  assert.deepEqual(await world.storage.run(listAlerts, { which: 'open' }), [])
})

const found = {
  kind: 'reputation-block',
  subject: 'mx1.example.org',
  evidence: { detail: 'mx1.example.org refused MAIL' },
} as const

/** It was refused then, or, without a time, mail is taken again. */
async function noteRefusal(world: World, at: number | undefined): Promise<void> {
  const health = at === undefined ? undefined : JSON.stringify({ refusal: { at }, times: {} })
  await world.storage.run(noteDestinationHealth, {
    destination: found.subject,
    health,
    now: world.clock.now(),
  })
  if (at !== undefined) await world.alerts[0]?.raise({ ...found, at })
}

/** Days in which nothing is delivered, and a look each six hours; what is told is delivered in the end. */
async function eachSixHours(t: TestContext, begin: (world: World, quarter: number) => Promise<void>) {
  const world = await createWorld(t)
  await world.account(admin)
  await world.agent.stop(0)
  return async (quarters: number): Promise<string[]> => {
    for (let quarter = 0; quarter < quarters; quarter++) {
      await begin(world, quarter)
      await world.alerts[0]?.look()
      world.clock.advance(6 * hour)
    }
    const last = world.createAgent()
    await last.start()
    await last.idle()
    await last.stop(0)
    return await subjects(world)
  }
}

test('what comes back within a day is the same alert, and is told a day after the last mail', async t => {
  const pass = await eachSixHours(t, async (world, quarter) => {
    // Refused, taken, and over with the next look; then refused again.
    await noteRefusal(world, quarter === 1 || quarter === 2 ? undefined : world.clock.now())
    const [alert] = await list(world)
    assert.equal(alert?.since, Date.UTC(2026, 0, 1))
  })
  assert.deepEqual(await pass(6), ['Alert', 'Over'])
  assert.deepEqual(await pass(1), ['Alert', 'Over', 'Alert'])
})

test('while it lasts, a reminder a day at most, and only when it has happened again', async t => {
  const pass = await eachSixHours(t, async (world, quarter) => {
    if (quarter === 0 || quarter > 6) await noteRefusal(world, world.clock.now())
  })
  assert.deepEqual(await pass(12), ['Alert', 'Still', 'Still'])
})

test('nobody has tried for a week: nobody knows, and it is over', async t => {
  const once = async (world: World, quarter: number): Promise<void> => {
    if (quarter === 0) await noteRefusal(world, world.clock.now())
  }
  assert.deepEqual(await (await eachSixHours(t, once))(7 * 4), ['Alert'])
  assert.deepEqual(await (await eachSixHours(t, once))(7 * 4 + 3), ['Alert', 'Over'])
})

test('an alert outlasts a restart, and is not told again', async t => {
  const { world, send } = await blockedWorld(t)
  await send(3)
  await look(world)
  await world.agent.stop(0)
  const next = world.createAgent()
  await next.start()
  await world.accept({ from, to: ['more@outlook.com'] })
  world.clock.advance(6 * minute)
  next.wake()
  await next.idle()
  await look(world)
  const [alert, ...others] = await list(world)
  assert.deepEqual(others, [])
  assert.equal(alert?.times, 2)
  assert.deepEqual(await subjects(world), ['Alert'])
  assert.equal(world.errors.filter(line => line.startsWith('a destination refuses mail')).length, 1)
})

test('when the provider of the administrator is the one that refuses, there is no loop', async t => {
  const { world, peer, send } = await blockedWorld(t, { alerts: { to: ['admin@outlook.com'] } })
  const told = (): number => peer.commands.filter(command => command.startsWith('MAIL FROM:<>')).length
  await send(2)
  for (let passed = 0; passed < 5; passed++) {
    await look(world)
    await world.pass(4 * hour)
  }
  assert.equal(told(), 1)
  assert.equal((await list(world)).length, 1)
  assert.equal(await world.waiting(), 0)
  // Its own refusals are seen too: at most one a day.
  for (let passed = 0; passed < 5; passed++) {
    await look(world)
    await world.pass(6 * hour)
  }
  assert.ok(told() <= 3, `${told()} mails`)
  assert.equal((await list(world)).length, 1)
})

test('alerts.to = []: no mail', async t => {
  const { world, send } = await blockedWorld(t, { alerts: { to: [] } })
  await send(2)
  await look(world)
  assert.equal((await list(world)).length, 1)
  assert.deepEqual(await mailTo(world, admin), [])
})

test('in the language of the administrator, whom an alias names', async t => {
  const { world, send } = await blockedWorld(t, { alerts: { to: ['ops@example.test'] } })
  await world.account('ivan@example.test', 'ru')
  await world.redirect('alias', 'ops@example.test', 'ivan@example.test')
  await send(10)
  await look(world)
  const [mail, ...more] = await mailTo(world, 'ivan@example.test')
  assert.deepEqual(more, [])
  assert.equal(mail?.subject, 'Внимание: Outlook.com не принимает почту с этого сервера из-за его репутации')
  const text = mail.text.replaceAll(/\s+/g, ' ')
  assert.match(
    text,
    /^Серверу mail\.example\.test требуется вмешательство администратора: Outlook\.com не принимает/,
  )
  assert.match(text, /Получателей, чьи письма ждут: [789]\. Отклонённое письмо вернулось отправителю\./)
  assert.match(text, /Ответ сервера outlook-com\.olc\.protection\.outlook\.com: > 550 5\.7\.1 Unfortunately/)
  assert.match(text, /попросите убрать его оттуда \(Outlook\.com\)\. https:\/\/sendersupport/)
  assert.match(text, / postrider queue retry --destination outlook /)
  assert.match(mail.html, /<html lang="ru">/)
  assert.match(mail.raw, /^Content-Language: ru\r$/m)
  for (const line of mail.text.split('\n'))
    assert.doesNotMatch(line, /\b(?:What|recipients|server said|refused)\b/)
  assert.match(text, /Запись: reputation-block outlook: outlook-com\.\S+ \(127\.0\.0\.2:\d+\) отклонил MAIL/)
})

test('two addresses of a pool that are refused: each alert says which, and what waits is that of the pool', async t => {
  const news = pool('news', ['127.0.0.11', '127.0.0.12'], { senders: ['news@example.test'] })
  const { world } = await blockedWorld(t, {
    delivery: { sourcePools: [news, pool('rest', ['127.0.0.13'])] },
  })
  for (let n = 0; n < 10; n++) await world.accept({ from: 'news@example.test', to: [`user${n}@outlook.com`] })
  await world.accept({ from, to: ['boris@outlook.com'] })
  await world.pass(0)
  await look(world)
  const alerts = (await list(world)).toSorted((a, b) => a.subject.localeCompare(b.subject))
  assert.deepEqual(
    alerts.map(({ subject, evidence }) => [subject, evidence.source]),
    [
      ['outlook from 127.0.0.11', { address: '127.0.0.11', pool: 'news', isOnly: false }],
      ['outlook from 127.0.0.12', { address: '127.0.0.12', pool: 'news', isOnly: false }],
      ['outlook from 127.0.0.13', { address: '127.0.0.13', pool: 'rest', isOnly: true }],
    ],
  )
  const mails = await mailTo(world, admin)
  for (const [address, pool] of [
    ['127.0.0.11', 'news'],
    ['127.0.0.12', 'news'],
    ['127.0.0.13', 'rest'],
  ]) {
    const title = `Outlook.com refuses mail from ${address} (source pool "${pool}") because of its reputation`
    const mail = mails.find(({ subject }) => subject === `Alert: ${title}`)
    assert.ok(mail, title)
    assert.match(
      mail.text,
      new RegExp(`^ {9}postrider queue retry --destination 'outlook from ${pool}'$`, 'm'),
    )
    const happens =
      pool === 'news' ? 'is tried from another address of the pool' : 'has gone back to its sender'
    assert.ok(mail.text.replaceAll(/\s+/g, ' ').includes(`What was refused ${happens}`), mail.text)
    const waiting = await world.storage.run(countAtGate, {
      gate: `destination outlook from ${pool}`,
      limit: 100,
    })
    assert.match(mail.text, new RegExp(`for mail: ${waiting} recipients? wait`))
  }
})

test('several servers that find the same raise one alert and tell it once', async t => {
  const { world } = await blockedWorld(t, { isShared: true })
  const other = world.createAgent()
  await other.start()
  const at = world.clock.now()
  await world.storage.run(noteDestinationHealth, {
    destination: found.subject,
    health: JSON.stringify({ refusal: { at }, times: {} }),
    now: at,
  })
  await Promise.all(world.alerts.map(alerts => alerts.raise({ ...found, at })))
  await Promise.all(world.alerts.map(alerts => alerts.look()))
  const [alert, ...more] = await list(world)
  assert.deepEqual(more, [])
  assert.equal(alert?.times, 2)
  world.agent.wake()
  other.wake()
  await Promise.all([world.agent.idle(), other.idle()])
  assert.deepEqual(await subjects(world), ['Alert'])
})

test('what cannot be written is written later', async t => {
  let isFull = true
  const { world, send } = await blockedWorld(t, {
    faultyStorage: real => ({
      ...real,
      run: (operation, input) =>
        isFull && operation.name === 'alert.raise'
          ? Promise.reject(new StorageFault('STORAGE_DISK_FULL', 'The disk is full.'))
          : real.run(operation, input),
    }),
  })
  await send(1)
  await look(world)
  assert.deepEqual(await list(world), [])
  isFull = false
  await look(world)
  assert.equal((await list(world))[0]?.times, 1)
  assert.deepEqual(await subjects(world), ['Alert'])
})

/** The delivery thread dies twice with this message, and another one begins. */
async function setAside(world: World, id: QueueId): Promise<DeliveryAgent> {
  const claim = { now: world.clock.now(), leaseUntil: world.clock.now() + hour, owner: 'dead' }
  await world.storage.run(claimDueWork, { ...claim, maxRecipients: 10 })
  await world.storage.run(blameForDeath, { now: claim.now })
  const works = await world.storage.run(claimSuspects, claim)
  assert.deepEqual(
    works.map(({ message }) => message.id),
    [id],
  )
  const next = world.createAgent('after-death')
  await next.start()
  await next.idle()
  return next
}

test('a message that was set aside: told with what to do, and over once it is released', async t => {
  const world = await createWorld(t)
  await world.account(admin)
  await world.agent.stop(0)
  const id = await world.accept({ from, to: [admin, 'postmaster@example.test'] })
  const queueId = formatQueueId(id)
  const agent = await setAside(world, id)
  await look(world, agent)
  const [mail, ...more] = await mailTo(world, admin)
  assert.deepEqual(more, [])
  assert.equal(mail?.subject, `Alert: message ${queueId} was set aside, because delivery died of it`)
  assert.match(mail.text, /2 recipients wait for you to decide; the\s+sender has been told nothing\./)
  for (const verb of ['trace', 'queue release', 'queue cancel'])
    assert.match(mail.text, new RegExp(`^ {9}postrider ${verb} ${queueId}$`, 'm'))
  world.clock.advance(6 * hour)
  await look(world, agent)
  assert.equal((await world.storage.run(listAlerts, { which: 'open' })).length, 1)
  await administer(world.storage, releaseRecipients, { queueId: id }, world.clock.now())
  await look(world, agent)
  world.clock.advance(hour)
  await look(world, agent)
  const subjectsNow = await subjects(world)
  assert.deepEqual(
    subjectsNow.filter(subject => subject !== 'Test'),
    ['Alert', 'Over'],
  )
})

test('mail of the server itself that was set aside is no alert: it may be one', async t => {
  const world = await createWorld(t)
  await world.account(admin)
  await world.agent.stop(0)
  const id = await world.accept({ from: null, to: [admin], message: { isReport: true } })
  const agent = await setAside(world, id)
  await look(world, agent)
  assert.deepEqual(await list(world), [])
  assert.ok(world.errors.some(line => line.startsWith('a message was set aside')))
})

test('a name from the DNS of others does no harm in a command line', () => {
  const alert: Alert = {
    kind: 'reputation-block',
    subject: "mx1.example.org x'; rm -rf \n/",
    since: 0,
    seenAt: 0,
    times: 1,
    evidence: { detail: '' },
  }
  const { block } = describeAlert(alert, 1, 'en')
  const commands = block.steps?.items.flatMap(({ command }) => command ?? []) ?? []
  assert.equal(commands.length, 3)
  for (const command of commands)
    assert.ok(command.includes(String.raw`--destination 'mx1.example.org x'\''; rm -rf  /'`), command)
})
