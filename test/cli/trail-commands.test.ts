// Commands that answer where mail is, and why: trace, why, queue summary, queue reroute.
import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { formatAddress } from '../../src/address/format-address.ts'
import type { ReportCause } from '../../src/bounce/report.ts'
import { describeCauseOf } from '../../src/cli/causes.ts'
import { describeWhy } from '../../src/cli/describe-why.ts'
import { patternOf, type Saying, tellGroup } from '../../src/cli/group-standings.ts'
import type { Surroundings } from '../../src/cli/invocation.ts'
import { acceptMessage } from '../../src/queue/accept-message.ts'
import { holdRecipients } from '../../src/queue/administer.ts'
import { claimDueWork } from '../../src/queue/claim-due-work.ts'
import { showQueuedMessage } from '../../src/queue/list-queue.ts'
import type { NewMessage } from '../../src/queue/new-message.ts'
import { storeOwnMessage } from '../../src/queue/own-message.ts'
import { firstQueueIdAt, formatQueueId, type QueueId } from '../../src/queue/queue-id.ts'
import type { QueuedMessage } from '../../src/queue/records.ts'
import { type SettlementReport, settle } from '../../src/queue/settle.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import type { MailDataStore } from '../../src/storage/mail-data.ts'
import { openMailDataFiles } from '../../src/storage/mail-data-files.ts'
import { createMailDataStore } from '../../src/storage/mail-data-store.ts'
import { defineWrite, type Storage } from '../../src/storage/operation.ts'
import type { TrailEvent } from '../../src/trail/events.ts'
import { shrinkTrail } from '../../src/trail/expire-trail.ts'
import { appendTrail, trailOfMessage } from '../../src/trail/operations.ts'
import { address } from '../directory/open-directory.ts'
import { startDnsServer, type TestDnsServer } from '../harness/dns-server.ts'
import { makeServerFolder, type Ran, runHere, succeed } from './run-postrider.ts'

const minute = 60_000
const hour = 60 * minute
const now = new Date(2026, 0, 31, 14, 5, 9).getTime()
const clock: Surroundings['clock'] = { ...systemClock, now: () => now }

interface Post {
  readonly from?: string
  readonly to: readonly string[]
  readonly age?: number
  readonly subject?: string
  readonly messageId?: string
  readonly held?: boolean
}

class Server {
  readonly folder: string
  readonly storage: Storage
  readonly #mailData: MailDataStore
  #lastId = 0

  constructor(folder: string, storage: Storage) {
    this.folder = folder
    this.storage = storage
    this.#mailData = createMailDataStore(openMailDataFiles(join(folder, 'mail-data'), systemRandom), storage)
  }

  async post({
    from = 'anna@example.test',
    to,
    age = hour,
    subject,
    messageId,
    held = false,
  }: Post): Promise<QueueId> {
    const acceptedAt = now - age
    const id = firstQueueIdAt(acceptedAt) + ++this.#lastId
    const writer = this.#mailData.create()
    await writer.write(Buffer.from('Subject: x\r\n\r\nText\r\n'))
    const mailData = await writer.finish()
    await this.storage.run(acceptMessage, {
      message: {
        id,
        reversePath: address(from),
        size: mailData.size,
        body: '7BIT',
        smtpUtf8: false,
        disposition: 'mail',
        acceptedAt,
        expiresAt: acceptedAt + 48 * hour,
        language: 'en',
        isReport: false,
      },
      mailData,
      recipients: to.map(text => ({ forwardPath: address(text) })),
      reception: {
        sessionId: 's1',
        role: 'submission',
        remoteAddress: '192.0.2.7',
        heloName: 'laptop.example.test',
        tls: 'TLSv1.3 TLS_AES_256_GCM_SHA384',
        account: from,
        reversePath: from,
        recipients: to,
        size: mailData.size,
        connectedAt: acceptedAt,
        ...(subject === undefined ? {} : { subject }),
        ...(messageId === undefined ? {} : { messageId }),
      },
      held,
    })
    return id
  }

  /** Mail of the server's own. */
  async write(to: string, subject: string): Promise<NewMessage> {
    const id = firstQueueIdAt(now) + ++this.#lastId
    const bytes = Buffer.from(`Subject: ${subject}\r\nMessage-ID: <${id}@example.test>\r\n\r\nText\r\n`)
    const own = await storeOwnMessage(this.#mailData, bytes, {
      id,
      body: '7BIT',
      smtpUtf8: false,
      language: 'en',
      to: [address(to)],
      at: now,
      lifetimeMs: 48 * hour,
      held: false,
    })
    return own.message
  }

  /** Of everything that is due; with a report about all of it. */
  async attempt(
    outcome: 'deferred' | 'failed' | 'relayed',
    report?: {
      readonly message: NewMessage
      readonly about: Pick<SettlementReport['about'], 'messageId' | 'action'>
    },
  ): Promise<void> {
    const owner = 'test'
    const work = await this.storage.run(claimDueWork, {
      now,
      leaseUntil: now + hour,
      owner,
      maxRecipients: 100,
    })
    const settlements = work.flatMap(({ message, recipients }) =>
      recipients.map(recipient => ({
        messageId: message.id,
        recipientId: recipient.id,
        events: [attempted(`${recipient.forwardPath.localPart}@${recipient.forwardPath.domain}`, outcome)],
        result:
          outcome === 'deferred'
            ? ({
                kind: 'retry',
                tried: true,
                dueAt: now + 20 * minute,
                diagnosis: 'mx.example.org (192.0.2.25:25) refused RCPT: 452 4.2.2 Mailbox full',
                cause: 'mailbox-full',
                host: 'mx.example.org',
                delayReported: false,
              } as const)
            : ({ kind: 'done' } as const),
      })),
    )
    const recipients = work.flatMap(one => one.recipients)
    const reports: readonly SettlementReport[] = report
      ? [
          {
            message: report.message,
            recipientIds: recipients.map(({ id }) => id),
            about: {
              ...report.about,
              recipients: recipients.map(({ forwardPath }) => formatAddress(forwardPath)),
            },
          },
        ]
      : []
    await this.storage.run(settle, { owner, at: now, settlements, reports })
  }
}

function attempted(recipient: string, kind: 'deferred' | 'failed' | 'relayed'): TrailEvent {
  const server = { remoteMta: 'mx.example.org', remoteAddress: '192.0.2.25:25' }
  const base = { kind: 'attempted', recipient, attempt: 1, mxHosts: ['mx.example.org'] } as const
  if (kind === 'relayed')
    return {
      ...base,
      outcome: {
        kind,
        dsnAware: true,
        ...server,
        reply: { code: 250, lines: ['Ok: queued as 77'] },
        tls: 'TLSv1.3 TLS_AES_256_GCM_SHA384',
      },
    }
  const code = kind === 'deferred' ? 452 : 550
  const diagnosis = {
    stage: 'rcpt',
    cause: kind === 'deferred' ? 'mailbox-full' : 'unknown-user',
    status: kind === 'deferred' ? '4.2.2' : '5.1.1',
    ...server,
    reply: { code, lines: [kind === 'deferred' ? 'Mailbox full' : 'No such user'] },
    detail: 'mx.example.org (192.0.2.25:25) refused RCPT',
  } as const
  return {
    ...base,
    outcome: { kind, diagnosis },
    lookup: {
      by: 'mx',
      name: 'example.org',
      hosts: [{ host: 'mx.example.org', preference: 10, addresses: ['192.0.2.25'] }],
    },
    ...(kind === 'deferred' ? { nextAttemptAt: now + 20 * minute, nextAttemptBecause: 'schedule' } : {}),
  }
}

async function openServer(context: TestContext): Promise<Server> {
  const folder = makeServerFolder(remove => context.after(remove))
  const storage = await openLocalStorage(join(folder, 'mail-data'))
  context.after(() => storage.close())
  return new Server(folder, storage)
}

async function run(server: Server, ...parameters: readonly string[]): Promise<Ran> {
  return await runHere(server.folder, parameters, { clock })
}

const refusal: TrailEvent = {
  kind: 'refused',
  sessionId: 's9',
  role: 'relay',
  remoteAddress: '192.0.2.9',
  heloName: 'pest.example.net',
  tls: 'TLSv1.3 TLS_AES_256_GCM_SHA384',
  command: 'RCPT',
  reversePath: 'pest@example.net',
  forwardPath: 'boris@example.org',
  reply: { code: 550, enhanced: '5.7.1', lines: ['No relaying'] },
}

/** Three messages and a refusal. */
async function fill(
  context: TestContext,
): Promise<{ server: Server; one: string; two: string; three: string }> {
  const server = await openServer(context)
  const one = await server.post({
    to: ['boris@example.org'],
    subject: 'Rechnung für März',
    messageId: 'One@example.test',
    age: 50 * hour,
  })
  const two = await server.post({
    to: ['boris@example.org', 'vera@example.org'],
    subject: 'Second',
    age: 3 * hour,
  })
  const three = await server.post({ from: 'clara@example.test', to: ['vera@example.org'], subject: 'Third' })
  await server.storage.run(appendTrail, [{ at: now - minute, event: refusal }])
  return { server, one: formatQueueId(one), two: formatQueueId(two), three: formatQueueId(three) }
}

/** The queue ids in a table, and '-' for what has none. */
function idsIn(table: string): string[] {
  return table
    .trimEnd()
    .split('\n')
    .slice(1)
    .map(line => /^\S+ \S+ {2}(\(not taken\)|\S+)/.exec(line)?.[1] ?? line)
}

test('one argument says itself what it is, and several that fit are listed, newest first', async context => {
  const { server, one, two, three } = await fill(context)
  await server.attempt('failed')
  const found = async (...parameters: readonly string[]): Promise<string[]> =>
    idsIn((await run(server, 'trace', ...parameters)).stdout)
  assert.deepEqual(await found('boris@example.org'), ['(not taken)', two, one])
  assert.deepEqual(await found('vera@example.org'), [three, two])
  assert.deepEqual(await found('example.test'), [three, two, one])
  assert.deepEqual(await found('mx.example.org'), [three, two, one])
  assert.deepEqual(await found('192.0.2.25'), [three, two, one])
  // As the trail itself shows them.
  assert.deepEqual(await found('192.0.2.25:25'), [three, two, one])
  assert.equal((await found('550')).length, 4)
  assert.deepEqual(await found('laptop.example.test', '--recipient', 'boris@example.org'), [two, one])
  const { stdout, stderr } = await run(server, 'trace', 'vera@example.org')
  assert.match(stdout, /^TIME +QUEUE ID +FROM +TO +SUBJECT +LAST\n/)
  assert.match(
    stdout,
    /anna@example\.test +boris@example\.org and 1 more +Second +Failed for vera@example\.org/,
  )
  assert.match(stderr, /"postrider trace <queue id>" shows one of them/)
})

test('what this server wrote itself is listed like other mail, and is no mail to whom it is about', async context => {
  const server = await openServer(context)
  const about = await server.post({ to: ['boris@example.org'], subject: 'Second', age: 3 * hour })
  const report = await server.write('anna@example.test', 'Not delivered: Second')
  await server.attempt('failed', { message: report, about: { messageId: about, action: 'failed' } })
  const alert = await server.write('admin@example.test', 'Alert: =?utf-8?Q?Gmail_refuses_m=C3=A4il?=')
  await server.storage.run(acceptMessage, alert)
  const [reportId, alertId] = [report, alert].map(({ message }) => formatQueueId(message.id))

  const { stdout } = await run(server, 'trace', 'example.test')
  assert.deepEqual(idsIn(stdout), [alertId, reportId, formatQueueId(about)])
  assert.match(
    stdout,
    new RegExp(`${reportId} +<> +anna@example\\.test +Not delivered: Second +A report of this`),
  )
  assert.match(
    stdout,
    new RegExp(`${alertId} +<> +admin@example\\.test +Alert: Gmail refuses mäil +Written by`),
  )
  assert.match(
    (await run(server, 'trace', '--subject', 'gmail')).stdout,
    /Written by this server itself, to admin@example\.test, subject "Alert: Gmail refuses mäil"\n/,
  )
  assert.match(
    (await run(server, 'why', alertId ?? '')).stdout,
    /^Message \S+ \("Alert: Gmail refuses mäil"\) was written by this server just now\. To admin@/m,
  )

  assert.deepEqual(idsIn((await run(server, 'trace', '--sender', '<>')).stdout), [alertId, reportId])
  const newest = await run(server, 'trace', '--sender', '<>', '--limit', '1')
  assert.deepEqual(idsIn(newest.stdout), [alertId])
  assert.match(newest.stderr, /^Only the newest 1; --limit shows more/m)

  const idsOfWhy = async (address: string): Promise<unknown[]> => {
    const told = JSON.parse((await run(server, 'why', address, '--json')).stdout) as { queueId: string }[]
    return told.map(({ queueId }) => queueId)
  }
  assert.deepEqual(await idsOfWhy('boris@example.org'), [formatQueueId(about)])
  assert.deepEqual(await idsOfWhy('anna@example.test'), [reportId, formatQueueId(about)])
})

test('of what was forgotten in part the list has the recipients that were tried since', async context => {
  const server = await openServer(context)
  const queueId = firstQueueIdAt(now - 40 * 24 * hour)
  await server.storage.run(appendTrail, [
    { at: now - minute, queueId, event: attempted('boris@example.org', 'failed') },
    { at: now - minute, queueId, event: attempted('vera@example.org', 'failed') },
    { at: now - hour, event: refusal },
  ])
  const { stdout } = await run(server, 'trace', 'example.org')
  assert.match(
    stdout,
    new RegExp(`${formatQueueId(queueId)} +boris@example\\.org and 1 more +Failed for vera`),
  )
})

test('the only one that fits is told step by step', async context => {
  const { server, one, two } = await fill(context)
  // It came before that, and was tried since.
  await server.attempt('failed')
  const since = await run(
    server,
    'trace',
    'vera@example.org',
    '--since',
    '1min',
    '--sender',
    'anna@example.test',
  )
  assert.match(since.stdout, new RegExp(`^Message ${two}:\n`))
  for (const parameters of [
    ['<one@example.test>'],
    ['one@example.test'],
    ['--subject', 'MÄRZ rechnung'],
    // As in a header section, and as some systems spell it.
    ['--subject', '=?iso-8859-1?Q?f=FCr_M=E4rz?='],
    ['--subject', 'März'.normalize('NFD')],
    ['--until', '2026-01-29', '--sender', 'anna@example.test'],
  ]) {
    const { stdout } = await run(server, 'trace', ...parameters)
    assert.match(stdout, new RegExp(`^Message ${one}:\n`), parameters.join(' '))
    assert.match(
      stdout,
      /logged in as anna@example\.test: .* to boris@example\.org, subject "Rechnung für März"/,
    )
  }
  assert.match((await run(server, 'trace', '--subject', 'second')).stdout, new RegExp(`^Message ${two}:\n`))
  const none = await run(server, 'trace', '--subject', 'seco')
  assert.match(none.stderr, /^Nothing that fits is in the trail/)
})

test('who asks for the address of a From field is told how to find its mail', async context => {
  const server = await openServer(context)
  const id = await server.post({ from: 'bounce-17@mailer.example', to: ['anna@example.test'] })
  const authentication = { dmarc: { result: 'pass', domain: 'shop.example' } } as const
  await server.storage.run(appendTrail, [
    { at: now, queueId: id, event: { kind: 'authenticated', authentication, verdict: 'accept' } },
  ])
  for (const parameters of [['news@shop.example'], ['--sender', 'news@shop.example']])
    assert.match(
      (await run(server, 'trace', ...parameters)).stderr,
      /^Nothing that fits is in the trail\. .* "postrider trace shop\.example" finds what came in the name of that domain\./,
    )
  const { stdout } = await run(server, 'trace', 'shop.example')
  assert.ok(stdout.startsWith(`Message ${formatQueueId(id)}:\n`))
})

test('times that are the wrong way round are no question', async context => {
  const server = await openServer(context)
  const { exitCode, stderr } = await run(server, 'trace', '--since', '1h', '--until', '2h')
  assert.equal(exitCode, 2)
  assert.match(stderr, /^The time of --until is before that of --since\./)
})

test('a refusal is found by the number that its reply gave it, and is no message', async context => {
  const { server } = await fill(context)
  const id = '1CCD5D74AAE'
  await server.storage.run(appendTrail, [{ at: now, event: { ...refusal, id } }])
  const traced = await run(server, 'trace', id.toLowerCase())
  assert.match(
    traced.stdout,
    /^Not taken:\n\S+ \S+ {2}Refused RCPT of pest\.example\.net .*: 550 5\.7\.1 No relaying\n {21}Connection: .*\n$/,
  )
  const why = await run(server, 'why', id)
  assert.match(why.stdout, /^1CCD5D74AAE is no message: it was not taken\. .*No relaying\./)
  const json = JSON.parse((await run(server, 'trace', id, '--json')).stdout) as object
  assert.partialDeepStrictEqual(json, { queueId: id, events: [{ kind: 'refused', id }], waiting: [] })
  const unknown = await run(server, 'trace', '1CCD5D74AAF')
  assert.match(unknown.stderr, /Nothing is known of 1CCD5D74AAF/)
})

test('a refused transaction is found by its peer, with what it was told', async context => {
  const { server } = await fill(context)
  const alone = await run(server, 'trace', 'pest.example.net')
  assert.equal(
    alone.stdout,
    'Not taken:\n' +
      '2026-01-31 14:04:09  Refused RCPT of pest.example.net (192.0.2.9) from pest@example.net to boris@example.org: 550 5.7.1 No relaying\n' +
      '                     Connection: from 192.0.2.9, EHLO pest.example.net, encrypted with TLSv1.3 TLS_AES_256_GCM_SHA384, not logged in, on the listener for relay, session s9\n',
  )
  await server.storage.run(appendTrail, [{ at: now, event: { ...refusal, forwardPath: 'vera@example.org' } }])
  const session = await run(server, 'trace', 'pest.example.net')
  assert.match(
    session.stdout,
    /^Not taken:\n.* to boris@example\.org: 550 5\.7\.1 No relaying\n.*\n.* to vera@example\.org: 550 5\.7\.1 No relaying\n {21}Connection: .*\n$/,
  )
  const listed = await run(server, 'trace', 'boris@example.org')
  assert.match(
    listed.stdout,
    /\(not taken\) +pest@example\.net +boris@example\.org +Refused RCPT of pest\.example\.net \(192\.0\.2\.9\)/,
  )
  assert.match(listed.stderr, /What was not taken is told in full, .* when it alone fits, and by --json/)
  assert.deepEqual(idsIn((await run(server, 'trace', '--search', 'relaying')).stdout), [
    '(not taken)',
    '(not taken)',
  ])
  const [json, both] = (
    await Promise.all(['5.7.1', '550 5.7.1'].map(reply => run(server, 'trace', reply, '--json')))
  ).map(({ stdout }) => JSON.parse(stdout) as unknown[])
  assert.deepEqual(both, json)
  assert.partialDeepStrictEqual(json, [
    { queueId: null, events: [{ kind: 'refused', reply: { code: 550 } }] },
  ])
})

test('who came to fetch mail is found by the account, alone and in a list', async context => {
  const server = await openServer(context)
  const fetched: TrailEvent = {
    kind: 'fetched',
    verb: 'ATRN',
    domains: ['home.test'],
    sessionId: 's3',
    role: 'submission',
    remoteAddress: '192.0.2.8',
    heloName: 'server.home.test',
    account: 'customer@example.test',
    handed: { taken: 2, deferred: 1, failed: 0 },
  }
  await server.storage.run(appendTrail, [{ at: now - minute, event: fetched }])
  const alone = await run(server, 'trace', 'customer@example.test')
  assert.match(
    alone.stdout,
    /^Asked for mail:\n.* came to fetch the mail of home\.test \(ATRN\): it took 2 messages, put off 1\n {21}Connection: from 192\.0\.2\.8, /,
  )
  await server.storage.run(appendTrail, [
    {
      at: now,
      event: {
        ...fetched,
        sessionId: 's4',
        handed: { taken: 0, deferred: 0, failed: 0, problem: 'it left' },
      },
    },
  ])
  const { stdout } = await run(server, 'trace', 'home.test')
  assert.match(
    stdout,
    /\(asked for mail\) +customer@example\.test +home\.test +server\.home\.test \(192\.0\.2\.8\)/,
  )
})

test('a message that was refused for where it is from is told with what was found', async context => {
  const server = await openServer(context)
  const event: TrailEvent = {
    ...refusal,
    command: 'DATA',
    forwardPath: undefined,
    recipients: ['boris@example.org'],
    authentication: {
      spf: [
        {
          identity: 'mailfrom',
          domain: 'bank.test',
          result: 'fail',
          record: 'v=spf1 -all',
          term: '-all',
          lookups: 0,
        },
      ],
      dkim: [],
      dmarc: {
        result: 'fail',
        domain: 'bank.test',
        policy: 'reject',
        policyDomain: 'bank.test',
        record: 'v=DMARC1; p=reject',
      },
    },
  }
  await server.storage.run(appendTrail, [{ at: now - minute, event }])
  const { stdout } = await run(server, 'trace', 'bank.test')
  assert.match(stdout, /^Not taken:\n\S+ \S+ {2}Refused DATA of pest\.example\.net/)
  assert.match(stdout, /\n {21}SPF: bank\.test does not let 192\.0\.2\.9 send its mail \(-all\)\n/)
  assert.match(stdout, /\n {21}DKIM: the message has no signature\n/)
  assert.match(
    stdout,
    /\n {21}DMARC: nothing proves that it is from bank\.test; it asks to refuse such mail\n/,
  )
  const json = JSON.parse((await run(server, 'trace', 'bank.test', '--json')).stdout) as unknown[]
  assert.partialDeepStrictEqual(json, [
    { events: [{ authentication: { dmarc: { record: 'v=DMARC1; p=reject' } } }] },
  ])
  await server.storage.run(appendTrail, [{ at: now, event: { ...event, sessionId: 's10' } }])
  assert.match(
    (await run(server, 'trace', 'bank.test')).stderr,
    /what the checks had found, when it alone fits, and by --json/,
  )
})

test('the timeline tells the way, what a refusal means, and why the next attempt is then', async context => {
  const server = await openServer(context)
  const id = formatQueueId(await server.post({ to: ['boris@example.org'] }))
  await server.attempt('deferred')
  const { stdout } = await run(server, 'trace', id)
  assert.match(
    stdout,
    / {21}Way: the DNS names for example\.org: mx\.example\.org \(192\.0\.2\.25, preference 10\)\n/,
  )
  assert.match(stdout, / {21}That means: the mailbox of the recipient is full\n/)
  assert.match(stdout, / {21}Next attempt: after the wait that the settings have for this attempt/)
})

test('wrong times and words are told what is right', async context => {
  const server = await openServer(context)
  const said = async (...parameters: readonly string[]): Promise<string> => {
    const ran = await run(server, ...parameters)
    assert.equal(ran.exitCode, 2)
    return ran.stderr
  }
  assert.match(
    await said('trace', '--since', 'soon'),
    /^"soon" of --since is no time\. A time is written as 2026-01-31/,
  )
  assert.match(await said('trace'), /^Say which message\./)
  assert.match(await said('trace', '--subject', '!'), /^--subject needs a word/)
  assert.match(await said('trace', '--reply', 'no'), /reply code, 550, or an enhanced one/)
  assert.match(await said('trace', '--host', 'a b'), /domain, a host name or an IP address/)
  assert.match(await said('queue', 'reroute', '--all'), /^Say where it goes: --via <host:port>, or --back/)
  assert.match(await said('queue', 'reroute', '--all', '--via', 'mx:0'), /mx2\.example\.org:25/)
  assert.match(await said('queue', 'list', '--older-than', 'long'), /It has to be an age/)
})

async function takeTurn(turn: () => Promise<unknown>, goOn: () => void): Promise<void> {
  await turn()
  goOn()
}

/** Each wait of the command for more is a turn: the first calls `turns[0]`; after the last comes Ctrl-C. */
async function follow(
  server: Server,
  parameters: readonly string[],
  ...turns: readonly (() => Promise<unknown>)[]
): Promise<Ran> {
  let interrupt = (): void => {}
  let turn = 0
  return await runHere(server.folder, ['trace', ...parameters, '--follow'], {
    clock: {
      ...clock,
      after(_ms, callback) {
        const next = turns[turn++]
        if (next) void takeTurn(next, callback)
        else interrupt()
        return { cancel() {} }
      },
    },
    onInterrupt(listener) {
      interrupt = listener
      return () => {}
    },
  })
}

test('--follow shows what there is of a message, then what happens, until Ctrl-C', async context => {
  const server = await openServer(context)
  const id = await server.post({ to: ['boris@example.org'] })
  const ran = await follow(
    server,
    [formatQueueId(id)],
    () => server.attempt('deferred'),
    () => server.post({ to: ['boris@example.org'], subject: 'another' }),
  )
  assert.equal(ran.exitCode, 0)
  assert.match(
    ran.stdout,
    /^\S+ \S+ {2}Received from .*\n\S+ \S+ {2}Not delivered yet to boris@example\.org: .*\n/,
  )
  assert.doesNotMatch(ran.stdout, /another/)
})

test('--follow says when the beginning was forgotten, and when nothing is known', async context => {
  const server = await openServer(context)
  const old = firstQueueIdAt(now - 40 * 24 * hour)
  await server.storage.run(appendTrail, [
    { at: now - hour, event: refusal },
    { at: now - minute, queueId: old, event: attempted('boris@example.org', 'failed') },
  ])
  const ran = await follow(server, [formatQueueId(old)])
  assert.match(ran.stderr, /^It came .*\. The beginning of its trail was forgotten after 30 days/m)
  assert.match(ran.stdout, /Failed for boris@example\.org/)
  const unknown = await follow(server, [formatQueueId(firstQueueIdAt(now - minute))])
  assert.match(unknown.stderr, /^Nothing is known of /m)
  const known = await follow(server, [formatQueueId(await server.post({ to: ['boris@example.org'] }))])
  assert.doesNotMatch(known.stderr, /forgotten|Nothing is known/)
})

test('--search says what it does not look through', async context => {
  const { server } = await fill(context)
  const times = async (...parameters: readonly string[]): Promise<number> =>
    idsIn((await run(server, 'trace', '--search', 'relaying', ...parameters)).stdout).length
  assert.equal(await times('--until', '14:04'), 1)
  assert.equal(await times('--until', '14:03'), 0)
  for (const others of [['pest.example.net'], ['--reply', '550'], ['--sender', '<>'], ['--follow']]) {
    const { exitCode, stderr } = await run(server, 'trace', '--search', 'relaying', ...others)
    assert.equal(exitCode, 2, others.join(' '))
    assert.match(stderr, /--search goes with --since and --until, and with nothing else/)
  }
  for (const text of ['pest.example.net', 'nowhere.example']) {
    const { stderr } = await run(server, 'trace', '--search', text)
    assert.match(stderr, /^Searched: what is written of each step .* not in the mail itself: its text, /m)
  }
})

test('--follow of an address shows new mail of it, and how that goes on', async context => {
  const server = await openServer(context)
  await server.post({ to: ['boris@example.org'], subject: 'old' })
  const ran = await follow(
    server,
    ['boris@example.org', '--json'],
    () => server.post({ to: ['vera@example.org'], subject: 'of others' }),
    () => server.post({ to: ['boris@example.org', 'vera@example.org'], subject: 'new' }),
    () => server.attempt('relayed'),
    () => server.storage.run(appendTrail, [{ at: now, event: refusal }]),
  )
  const events = ran.stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as { kind: string; recipient?: string; reception?: { subject: string } })
  assert.deepEqual(
    events.map(({ kind, recipient, reception }) => recipient ?? reception?.subject ?? kind),
    // Of the old one too, which is of this address.
    ['new', 'boris@example.org', 'boris@example.org', 'vera@example.org', 'refused'],
  )
})

test('--follow meets an event that another server committed late, under an id before others', async context => {
  const server = await openServer(context)
  const insert = defineWrite(
    'test.insert',
    async (tx, { id, recipient }: { id: number; recipient: string }) => {
      await tx.run(
        'INSERT INTO trail_event (id, queue_id, at, event) VALUES (?, NULL, ?, ?)',
        id,
        now,
        JSON.stringify({ kind: 'administered', action: 'hold', recipient }),
      )
    },
  )
  await server.storage.run(insert, { id: 1, recipient: 'a@example.org' })
  const ran = await follow(
    server,
    ['example.org', '--json'],
    () => server.storage.run(insert, { id: 3, recipient: 'c@example.org' }),
    () => server.storage.run(insert, { id: 2, recipient: 'b@example.org' }),
  )
  assert.deepEqual(
    ran.stdout
      .trimEnd()
      .split('\n')
      .map(line => (JSON.parse(line) as { recipient: string }).recipient),
    ['c@example.org', 'b@example.org'],
  )
})

/** The paragraph that follows what is said while no server runs. */
function afterNoServer(stdout: string): string {
  return stdout.replace(/^No server that delivers .*\n\n/, '')
}

test('why of what waits: where it is, why, when it goes, and what would help', async context => {
  const server = await openServer(context)
  const id = formatQueueId(
    await server.post({ to: ['boris@example.org'], subject: 'Invoice', age: 3 * hour }),
  )
  await server.attempt('deferred')
  const { exitCode, stdout } = await run(server, 'why', id)
  assert.equal(exitCode, 0)
  assert.equal(
    afterNoServer(stdout),
    `Message ${id} from anna@example.test ("Invoice") came 3 h ago. To boris@example.org: it waits in the queue of this server. ` +
      'The only attempt so far did not succeed, because the mailbox of the recipient is full: mx.example.org (192.0.2.25:25) refused RCPT: 452 4.2.2 Mailbox full. ' +
      'The next attempt is in 20 min (2026-01-31 14:25:09), as the settings say after 1 attempt (queue.retryMinutes). ' +
      'It is given up in 1 d 21 h (2026-02-02 11:05:09) if it has not been delivered by then, and the sender is told. ' +
      `What would speed it up: The recipient has to make room in it; one of this server can also be given more ("postrider account quota <address>"). Then "postrider queue retry ${id}" tries it at once.\n`,
  )
  assert.equal((await run(server, 'why', 'boris@example.org')).stdout, stdout)
  const [json] = JSON.parse((await run(server, 'why', id, '--json')).stdout) as unknown[]
  assert.partialDeepStrictEqual(json, {
    queueId: id,
    recipients: [
      {
        recipient: 'boris@example.org',
        state: 'waiting',
        cause: 'mailbox-full',
        nextAttemptBecause: 'schedule',
      },
    ],
  })
})

const makeSuspect = defineWrite('test.make-suspect', async tx => {
  await tx.run('UPDATE queue_recipient SET deaths = 1, lease_owner = NULL, due_at = 0')
})
const emptyQueue = defineWrite('test.empty-queue', async tx => {
  await tx.run('DELETE FROM queue_recipient')
})
const wantBy = defineWrite('test.want-by', async (tx, parameters: Pick<QueuedMessage, 'deliverBy'>) => {
  await tx.run('UPDATE queue_message SET parameters = ?', JSON.stringify(parameters))
})
const setAside = defineWrite('test.set-aside', async (tx, { id }: { id: number }) => {
  await tx.run("UPDATE queue_recipient SET state = 'held', deaths = 0")
  await tx.run(
    'INSERT INTO trail_event (queue_id, at, event) VALUES (?, ?, ?)',
    id,
    now,
    JSON.stringify({ kind: 'set-aside', recipient: 'boris@example.org' }),
  )
})

const takenInTheClear: TrailEvent = {
  kind: 'attempted',
  recipient: 'boris@example.org',
  attempt: 2,
  outcome: {
    kind: 'relayed',
    dsnAware: false,
    remoteMta: 'mx.example.org',
    remoteAddress: '192.0.2.25:25',
    reply: { code: 250, lines: ['Ok'] },
  },
  tls: [
    {
      host: 'mx.example.org',
      address: '192.0.2.25:25',
      policy: 'none',
      terms: [],
      hosts: [],
      result: 'plain',
      failure: { type: 'starttls-not-supported', detail: 'mx.example.org offers no STARTTLS' },
      isAuthenticated: false,
    },
  ],
}

for (const [what, prepare, said] of [
  ['due', async () => {}, /it is due, and waits for its turn\. It has not been tried yet\./],
  [
    'held by an administrator',
    async (server: Server) => {
      await server.storage.run(holdRecipients, { recipientIds: [1], at: now })
    },
    /it is held, .* An administrator held it 2026-01-31 14:05:09\. .*"postrider queue release [0-9A-Z]{11}" delivers it/,
  ],
  [
    'held beyond the time by which it was wanted',
    async (server: Server) => {
      await server.storage.run(holdRecipients, { recipientIds: [1], at: now })
      await server.storage.run(wantBy, { deliverBy: { at: now, mode: 'return', trace: false } })
    },
    /it is held, .*wanted it delivered is over: "postrider queue release [0-9A-Z]{11}" gives it back to the sender/,
  ],
  [
    'a suspect',
    async (server: Server) => await server.storage.run(makeSuspect, undefined),
    /it was under way when the delivery thread died, so it is tried apart from other mail/,
  ],
  [
    'set aside',
    async (server: Server, id: QueueId) => await server.storage.run(setAside, { id }),
    /It was set aside .*, because the delivery thread died each time it had this message/,
  ],
  [
    'delivered elsewhere',
    async (server: Server) => await server.attempt('relayed'),
    /mx\.example\.org took it at 2026-01-31 14:05:09 \("250 Ok: queued as 77"\)\. From then on it is that server's/,
  ],
  [
    'delivered elsewhere in the clear',
    async (server: Server, id: QueueId) => {
      await server.attempt('relayed')
      await server.storage.run(appendTrail, [{ at: now, queueId: id, event: takenInTheClear }])
    },
    /took it at 2026-01-31 14:05:09 \("250 Ok"\); not encrypted: mx\.example\.org offers no STARTTLS\. From then/,
  ],
  [
    'failed',
    async (server: Server) => await server.attempt('failed'),
    /it failed for good at 2026-01-31 14:05:09, because there is no such address: .*\[550 No such user\]\. The sender has to correct/,
  ],
] as const) {
  test(`why of what is ${what}`, async context => {
    const server = await openServer(context)
    const id = await server.post({ to: ['boris@example.org'] })
    await prepare(server, id)
    const { stdout } = await run(server, 'why', formatQueueId(id))
    assert.match(stdout, said)
    assert.equal(afterNoServer(stdout).trimEnd().split('\n').length, 1)
  })
}

const expanded = (recipient: string, ...into: readonly string[]): TrailEvent => ({
  kind: 'attempted',
  recipient,
  attempt: 1,
  outcome: { kind: 'expanded', into },
})

test('why of a group says what became of those to whom it led, and of no others', async context => {
  const server = await openServer(context)
  const id = await server.post({ to: ['team@example.test', 'other@example.org'] })
  const events = [
    expanded('team@example.test', 'sales@example.test', 'vera@example.org'),
    expanded('sales@example.test', 'boris@example.org'),
    attempted('vera@example.org', 'relayed'),
    attempted('boris@example.org', 'failed'),
  ]
  await server.storage.run(emptyQueue, undefined)
  await server.storage.run(
    appendTrail,
    events.map(event => ({ at: now, queueId: id, event })),
  )
  const of = async (address: string): Promise<string[]> => {
    const [told] = JSON.parse((await run(server, 'why', address, '--json')).stdout) as {
      recipients: { recipient: string; state: string }[]
    }[]
    return (told?.recipients ?? []).map(({ recipient, state }) => `${recipient} ${state}`)
  }
  assert.deepEqual(await of('Team@example.test'), [
    'team@example.test expanded',
    'sales@example.test expanded',
    'vera@example.org relayed',
    'boris@example.org failed',
  ])
  assert.deepEqual(await of('sales@example.test'), [
    'sales@example.test expanded',
    'boris@example.org failed',
  ])
  assert.deepEqual(await of('vera@example.org'), ['vera@example.org relayed'])
})

test('a sender whom the report did not reach does not know, and why and trace say so', async context => {
  const server = await openServer(context)
  const id = await server.post({ to: ['boris@example.org'] })
  const report = await server.write('anna@example.test', 'Not delivered')
  await server.attempt('failed', { message: report, about: { messageId: id, action: 'failed' } })
  const of = async (): Promise<readonly string[]> =>
    await Promise.all(['why', 'trace'].map(async what => (await run(server, what, formatQueueId(id))).stdout))
  const [told] = await of()
  assert.match(told ?? '', / The sender has been told\./)
  await server.attempt('failed')
  const [why, trace] = await of()
  const reportId = formatQueueId(report.message.id)
  assert.ok(
    why?.includes(
      ` The sender does not know: the report to him, message ${reportId}, could not be delivered: `,
    ),
  )
  assert.doesNotMatch(why ?? '', /has been told/)
  assert.match(
    (await run(server, 'why', reportId)).stdout,
    /it failed for good .*\. It is a report itself, so nobody is told\.\n$/,
  )
  assert.match(trace ?? '', /\n {21}This report could not be delivered: mx\.example\.org .*No such user\]\n/)
})

test('why of what is being delivered says that it was put on hold meanwhile', async context => {
  const server = await openServer(context)
  const { storage } = server
  const queueId = await server.post({ to: ['boris@example.org'] })
  await storage.run(claimDueWork, { now, leaseUntil: now + hour, owner: 'test', maxRecipients: 9 })
  await storage.run(holdRecipients, { recipientIds: [1], at: now })
  const queued = await storage.run(showQueuedMessage, { queueId })
  const records = await storage.run(trailOfMessage, { queueId })
  const prospects = { gateOf: () => undefined, endFor: () => now + hour }
  assert.match(
    describeWhy({ queueId, records, queued }, { now, retentionDays: 30, prospects }),
    /it is being delivered at this moment\. An administrator put it on hold: if this attempt does not deliver it, it stays\. /,
  )
})

async function whyAfter(
  context: TestContext,
  to: readonly string[],
  ...came: readonly TrailEvent[]
): Promise<{ said: string; recipients: readonly { state: string; cause: string | null }[] }> {
  const server = await openServer(context)
  const queueId = await server.post({ to })
  await server.attempt('relayed')
  await server.storage.run(
    appendTrail,
    came.map(event => ({ at: now + hour, queueId, event })),
  )
  const { stdout } = await run(server, 'why', formatQueueId(queueId))
  const [json] = JSON.parse((await run(server, 'why', formatQueueId(queueId), '--json')).stdout) as {
    recipients: { state: string; cause: string | null }[]
  }[]
  return { said: stdout, recipients: json?.recipients ?? [] }
}

test('of several recipients what is the same is said once, with what differs', async context => {
  const server = await openServer(context)
  const to = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(name => `${name}@example.org`)
  const id = formatQueueId(await server.post({ to }))
  await server.attempt('deferred')
  const { stdout } = await run(server, 'why', id)
  const names = 'a@example.org, b@example.org, c@example.org, d@example.org, e@example.org and 2 more'
  assert.equal(stdout.match(/The next attempt is/g)?.length, 1, stdout)
  assert.match(
    stdout,
    new RegExp(
      `To ${names}: it waits in the queue of this server\\. .* refused RCPT: 452 4\\.2\\.2 Mailbox full\\.`,
    ),
  )
  assert.match(
    (await run(server, 'trace', id)).stdout,
    new RegExp(`^Now: ${names} are tried again in 20 min`, 'm'),
  )
  const json = JSON.parse((await run(server, 'why', id, '--json')).stdout) as {
    recipients: { text: string }[]
  }[]
  assert.match(json[0]?.recipients[6]?.text ?? '', /^To g@example\.org: it waits in the queue of this server/)
})

test('recipients who fared alike are told by the first, but for the one who is asked about; --all has each', async context => {
  const server = await openServer(context)
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  const id = formatQueueId(await server.post({ to: names.map(name => `${name}@example.org`) }))
  await server.attempt('deferred')
  const told = async (...parameters: readonly string[]): Promise<readonly string[]> =>
    [...(await run(server, 'trace', ...parameters)).stdout.matchAll(/Not delivered yet to (\w)@/g)].map(
      ([, name = '']) => name,
    )
  assert.deepEqual(await told(id), ['a'])
  assert.match(
    (await run(server, 'trace', id)).stdout,
    /^ {21}… the same for b@example\.org, c@example\.org, d@example\.org, e@example\.org, f@example\.org and 2 more; --all shows each$/m,
  )
  assert.deepEqual(await told('f@example.org'), ['a', 'f'])
  assert.deepEqual(await told('--recipient', 'f@example.org'), ['a', 'f'])
  assert.deepEqual(await told(id, '--all'), names)
  const { events } = JSON.parse((await run(server, 'trace', id, '--json')).stdout) as {
    events: readonly { kind: string }[]
  }
  assert.equal(events.filter(({ kind }) => kind === 'attempted').length, names.length)
})

test('a mailing that is held and released is told in a few lines', async context => {
  const server = await openServer(context)
  const names = Array.from({ length: 30 }, (_, n) => `u${n}@example.org`)
  const id = formatQueueId(await server.post({ to: names }))
  for (const verb of ['hold', 'release', 'hold']) await succeed(server.folder, 'queue', verb, id)
  const { stdout } = await run(server, 'trace', id)
  const lines = stdout.split('\n').map(line => line.slice(21))
  const five = 'u0@example.org, u1@example.org, u2@example.org, u3@example.org, u4@example.org'
  assert.match(lines[0] ?? '', new RegExp(`from anna@example\\.test to ${five} and 25 more$`))
  assert.deepEqual(
    lines.slice(1, 7).filter(line => !line.startsWith('… the same for u1@example.org')),
    [
      'An administrator put it on hold for u0@example.org',
      'An administrator released it for u0@example.org',
      'An administrator put it on hold for u0@example.org',
    ],
  )
  assert.ok((await run(server, 'trace', id, '--all')).stdout.includes('put it on hold for u29@example.org'))
})

test('in a group each has its own answer, and the time is that of the first', () => {
  const sayings: readonly Saying[] = ['a@x', 'b@x', 'c@x'].map((name, n) => ({
    name,
    body: `it waits: no connection to mx${n % 2}. The next is in ${n} min. It helps to wait.`,
    detail: `no connection to mx${n % 2}`,
    time: { at: n, text: `in ${n} min` },
  }))
  assert.equal(new Set(sayings.map(patternOf)).size, 1)
  assert.equal(
    tellGroup(sayings),
    'To a@x, b@x and c@x: it waits: a@x and c@x: no connection to mx0; b@x: no connection to mx1. The next is in 0 min for the first of them. It helps to wait.',
  )
})

test('why of an address says how many more wait than it tells of', async context => {
  const server = await openServer(context)
  for (let n = 0; n < 5; n++) await server.post({ to: ['boris@example.org'], subject: `Message ${n}` })
  const more = async (): Promise<string> =>
    (await run(server, 'why', 'boris@example.org')).stdout.trimEnd().split('\n').at(-1) ?? ''
  assert.equal(
    await more(),
    '2 more messages to or from it wait: "postrider queue list --to boris@example.org" and "postrider queue list --from boris@example.org" have all.',
  )
  await server.attempt('relayed')
  assert.equal(
    await more(),
    'More messages to or from it are known: "postrider trace boris@example.org" lists them.',
  )
})

const report = {
  kind: 'bounced',
  recipient: 'boris@example.org',
  action: 'failed',
  status: '5.1.1',
  diagnostic: '550 5.1.1 No such user',
  reportingMta: 'mx.example.org',
  reportId: '1CCD5D74AAE',
  foundBy: 'message-id',
} as const
const complaint = {
  kind: 'complained',
  feedbackType: 'abuse',
  reportId: '1CCD5D74AAF',
  foundBy: 'message-id',
} as const

test('why of what came back: who reports it, for which reason, and what is to be done', async context => {
  const { said, recipients } = await whyAfter(context, ['boris@example.org'], report)
  assert.match(
    said,
    /mx\.example\.org took it at 2026-01-31 14:05:09 \("250 Ok: queued as 77"\)\. It came back: at 2026-01-31 15:05:09 a report of mx\.example\.org said that it could not be delivered, because there is no such address \(5\.1\.1: "550 5\.1\.1 No such user"\)\. The sender has that report as message 1CCD5D74AAE\. The sender has to correct the address\.$/m,
  )
  assert.doesNotMatch(said, /if it cannot be found there/)
  assert.partialDeepStrictEqual(recipients, [{ state: 'came-back', cause: 'unknown-user' }])
})

test('why of what came back says no reason where the report has none for good', async context => {
  const { status: _status, diagnostic: _diagnostic, ...bare } = report
  for (const event of [bare, { ...report, status: '4.4.1', diagnostic: 'connection timed out' }]) {
    const { said, recipients } = await whyAfter(context, ['boris@example.org'], event)
    assert.match(said, /said that it could not be delivered(?: \(.*\))?\. The sender has that report/)
    assert.partialDeepStrictEqual(recipients, [{ state: 'came-back', cause: null }])
  }
})

test('why of an answer that programs cannot read, and of a complaint', async context => {
  const unread = { kind: 'bounced', reportId: '1CCD5D74AAE', foundBy: 'verp' } as const
  const bounced = await whyAfter(context, ['boris@example.org'], {
    ...unread,
    recipient: 'boris@example.org',
  })
  assert.match(
    bounced.said,
    /something came back about it that programs cannot read: .* as message 1CCD5D74AAE/,
  )
  assert.equal(bounced.recipients[0]?.state, 'answered')
  // It names nobody, and there is only one.
  const complained = await whyAfter(context, ['boris@example.org'], complaint)
  assert.match(
    complained.said,
    /its reader complained of it \(abuse\), in message 1CCD5D74AAF\. Nothing more of the kind/,
  )
  assert.equal(complained.recipients[0]?.state, 'complained')
  const both = await whyAfter(context, ['boris@example.org'], complaint, report)
  assert.equal(both.recipients[0]?.state, 'came-back')
  assert.match(both.said, /It came back: .* its reader complained/)
})

test('why of what another server reports without harm, and of what is about somebody else', async context => {
  const delayed = await whyAfter(context, ['boris@example.org'], {
    ...report,
    action: 'delayed',
    status: '4.4.1',
  })
  assert.match(
    delayed.said,
    /a report of mx\.example\.org came back: it is delayed there, and is still tried/,
  )
  assert.equal(delayed.recipients[0]?.state, 'relayed')
  const two = await whyAfter(context, ['boris@example.org', 'vera@example.org'], report, complaint)
  assert.deepEqual(
    two.recipients.map(({ state }) => state),
    ['came-back', 'relayed'],
  )
  assert.match(two.said, /At 2026-01-31 15:05:09: A complaint came back \(abuse\), in message 1CCD5D74AAF/)
})

test('a smart host that does not answer is told from one that refuses, and unknown words from no words', () => {
  const reply = { code: 550, lines: ['You are not welcome here'] }
  const because = (facts: Parameters<typeof describeCauseOf>[0]): string => describeCauseOf(facts).because
  assert.match(because({ cause: 'smart-host', stage: 'connect' }), /did not answer$/)
  assert.match(because({ cause: 'smart-host', stage: 'mail', reply }), /did not take it$/)
  assert.match(because({ cause: 'smart-host', stage: 'tls' }), /did not take it$/)
  assert.match(
    because({ cause: 'other', stage: 'rcpt', reply }),
    /refused it in words that are not known here/,
  )
  assert.match(because({ cause: 'other', stage: 'mailbox' }), /for a reason that is not known here/)
})

test('greylisting is told from a limit, and a limit for the recipient from one for this server', () => {
  const because = (cause: ReportCause, remoteMta: string, line: string): string =>
    describeCauseOf({
      cause,
      stage: 'rcpt',
      remoteMta,
      reply: { code: 450, enhanced: '4.2.1', lines: [line] },
    }).because
  assert.equal(
    because('greylisted', 'mx.example.org', '<boris@example.org>: Recipient address rejected: Greylisted'),
    'the other server wants to see it come back later (greylisting)',
  )
  assert.equal(
    because('rate', 'mx.example.org', 'Too many messages in an hour'),
    'the other server wants less mail at a time',
  )
  assert.equal(
    because(
      'rate',
      'aspmx.l.google.com',
      'The user you are trying to contact is receiving mail too quickly. Please resend later.',
    ),
    'the recipient gets more mail at a time than the other server allows',
  )
})

test('why of what came this moment', async context => {
  const server = await openServer(context)
  const id = formatQueueId(await server.post({ to: ['boris@example.org'], age: 0 }))
  assert.match((await run(server, 'why', id)).stdout, / came just now\. /)
})

test('why of what was cancelled, of what is unknown, and of what is forgotten', async context => {
  const server = await openServer(context)
  const id = formatQueueId(await server.post({ to: ['boris@example.org'] }))
  await succeed(server.folder, 'queue', 'cancel', id)
  assert.match((await run(server, 'why', id)).stdout, /an administrator took it out of the queue/)
  const unknown = await run(server, 'why', formatQueueId(firstQueueIdAt(now - hour)))
  assert.equal(unknown.exitCode, 1)
  assert.match(unknown.stderr, /no message with this queue id was ever here/)
  const forgotten = await run(server, 'why', formatQueueId(firstQueueIdAt(now - 60 * 24 * hour)))
  assert.match(
    forgotten.stderr,
    /By its queue id it came on 2025-12-02 .* longer than 30 days ago is forgotten/,
  )
  assert.match(
    (await run(server, 'why', 'nobody@example.org')).stderr,
    /^No message to or from nobody@example\.org/,
  )
  assert.equal((await run(server, 'why', 'nobody')).exitCode, 2)
})

test('of what is held, and was forgotten in part, no reason is made up, and trace says that more was there', async context => {
  const server = await openServer(context)
  const held = await server.post({ to: ['boris@example.org'], held: true })
  const id = formatQueueId(held)
  assert.match(
    (await run(server, 'why', id)).stdout,
    /New mail is held here \(queue\.hold\), or was when it came\./,
  )
  assert.doesNotMatch((await run(server, 'trace', id)).stdout, /forgotten/)
  await server.storage.run(shrinkTrail, { maxBytes: 0, limit: 100 })
  const why = (await run(server, 'why', id)).stdout
  assert.match(
    why,
    /it is held, .* Why it is held is not known any more: the beginning of its trail was forgotten/,
  )
  assert.doesNotMatch(why, /New mail is held/)
  assert.match(
    (await run(server, 'trace', id)).stdout,
    /^It came 2026-01-31 13:05:09\. The beginning of its trail was forgotten to make room \(trail\.maxMegabytes\)\.\n\nNow: /,
  )
  await succeed(server.folder, 'queue', 'release', id)
  assert.match(
    (await run(server, 'trace', id)).stdout,
    /^It came .* to make room .*\n[-0-9: ]+An administrator released it for .*\n\nNow: /,
  )
  assert.partialDeepStrictEqual(JSON.parse((await run(server, 'trace', id, '--json')).stdout), {
    beginningForgotten: true,
  })
  const old = formatQueueId(await server.post({ to: ['boris@example.org'], age: 31 * 24 * hour }))
  await server.storage.run(shrinkTrail, { maxBytes: 0, limit: 100 })
  assert.match(
    (await run(server, 'trace', old)).stdout,
    /was forgotten after 30 days \(trail\.retentionDays\)\.\n/,
  )
})

test('trace and why say the same of what nothing is known of', async context => {
  const server = await openServer(context)
  const id = formatQueueId(firstQueueIdAt(now - hour))
  const { stderr } = await run(server, 'trace', id)
  assert.match(stderr, /or its trail was forgotten to make room \(trail\.maxMegabytes\)/)
  assert.equal(stderr, (await run(server, 'why', id)).stderr)
})

test('queue summary: a line for each destination, cause or sender', async context => {
  const server = await openServer(context)
  await server.post({ to: ['boris@example.org', 'vera@example.org'], age: 2 * hour })
  await server.attempt('deferred')
  await server.post({ to: ['boris@example.com'], age: minute, held: true })
  const { stdout, stderr } = await run(server, 'queue', 'summary')
  assert.equal(
    stdout,
    'DESTINATION     RECIPIENTS  DUE  IN LINE  UNDER WAY  HELD  < 5 MIN  < 1 H  < 4 H  < 1 D  < 3 D  OLDER  NEXT\n' +
      'mx.example.org           2    -        -          -     -        -      -      2      -      -      -  in 20 min\n' +
      '@example.com             1    -        -          -     1        1      -      -      -      -      -\n',
  )
  assert.match(stderr, /^@: not tried yet/)
  assert.match((await run(server, 'queue', 'summary', '--by', 'cause')).stdout, /^mailbox-full +2 /m)
  assert.match((await run(server, 'queue', 'summary', '--by', 'cause')).stdout, /^\(not tried yet\) +1 /m)
  assert.match((await run(server, 'queue', 'summary', '--by', 'sender')).stdout, /^anna@example\.test +3 /m)
  const limited = await run(server, 'queue', 'summary', '--limit', '1')
  assert.match(limited.stderr, /^1 of 3 recipients are in 1 smaller group; --limit shows more\.\n/)
  const json = JSON.parse((await run(server, 'queue', 'summary', '--by', 'host', '--json')).stdout) as unknown
  assert.partialDeepStrictEqual(json, {
    by: 'host',
    recipients: 3,
    groups: [{ name: 'mx.example.org' }, { name: '' }],
  })
  const filtered = await run(server, 'queue', 'summary', '--younger-than', '1h')
  assert.doesNotMatch(filtered.stdout, /example\.org/)
})

async function askDns(
  context: TestContext,
  { folder }: Server,
  zone: readonly string[],
): Promise<TestDnsServer> {
  const dns = await startDnsServer(zone)
  context.after(() => dns.close())
  appendFileSync(join(folder, 'postrider.toml'), `[delivery]\ndnsServers = ["${dns.text}"]\n`)
  return dns
}

test('queue reroute sends what fits another way, and back', async context => {
  const server = await openServer(context)
  await askDns(context, server, ['mx2.example.org A 192.0.2.2'])
  const id = formatQueueId(await server.post({ to: ['boris@example.org', 'vera@example.com'] }))
  await server.attempt('deferred')
  const ran = await run(server, 'queue', 'reroute', '--domain', 'example.org', '--via', 'mx2.example.org')
  assert.equal(ran.stdout, '1 recipient sent to mx2.example.org:25.\n')
  assert.match(await succeed(server.folder, 'queue', 'show', id), /^Goes to: {3}mx2\.example\.org:25$/m)
  assert.match(
    (await run(server, 'trace', id)).stdout,
    /An administrator rerouted it to mx2\.example\.org:25 for boris@example\.org/,
  )
  assert.match((await run(server, 'why', id)).stdout, /An administrator sends it to mx2\.example\.org:25/)
  const back = await run(server, 'queue', 'reroute', '--rerouted', 'mx2.example.org', '--back')
  assert.equal(back.stdout, '1 recipient on the usual way again.\n')
  assert.doesNotMatch(await succeed(server.folder, 'queue', 'show', id), /Goes to/)
  assert.match(
    (await run(server, 'trace', id)).stdout,
    /An administrator put it back on its usual way for boris@example\.org/,
  )
  const byAddress = await run(server, 'queue', 'list', '--host', '192.0.2.25')
  assert.match(byAddress.stderr, /^Nothing is in the queue that fits/)
  const byCause = await run(server, 'queue', 'hold', '--cause', 'mailbox-full', '--host', 'mx.example.org')
  assert.equal(byCause.stdout, '2 recipients held.\n')
})

test('queue reroute says at once when the host does not exist, is this server, or is not known to be either', async context => {
  const server = await openServer(context)
  const dns = await askDns(context, server, [
    'mx.example.net A 192.0.2.3',
    'none.example.net TXT none',
    'mail.example.test A 127.0.0.1',
  ])
  dns.setBehaviour('silent.example.net', 'SERVFAIL')
  await server.post({ to: ['boris@example.org'] })
  await server.attempt('deferred')
  const via = async (host: string): Promise<Ran> =>
    await run(server, 'queue', 'reroute', '--all', '--via', host)
  const typo = await via('mx.exmple.net')
  assert.equal(typo.stdout, '1 recipient sent to mx.exmple.net:25.\n')
  assert.match(
    typo.stderr,
    /cannot get there: the host mx\.exmple\.net, to which .*, does not exist in the DNS \(NXDOMAIN\)\. .*--rerouted mx\.exmple\.net:25 --via/,
  )
  assert.match((await via('none.example.net')).stderr, /none\.example\.net, .*, has no address in the DNS\./)
  assert.match((await via('silent.example.net')).stderr, /cannot get there: .*silent\.example\.net/)
  assert.match((await via('mail.example.test')).stderr, /which is this server itself\./)
  assert.doesNotMatch((await via('mx.example.net')).stderr, /cannot get there/)
  assert.doesNotMatch((await via('192.0.2.3')).stderr, /cannot get there/)
  const forPrograms = async (host: string): Promise<unknown> =>
    JSON.parse((await run(server, 'queue', 'reroute', '--all', '--via', host, '--json')).stdout)
  assert.partialDeepStrictEqual(await forPrograms('mx.example.net'), { problem: null })
  const { problem } = (await forPrograms('mx.exmple.net')) as { readonly problem: string }
  assert.match(problem, /NXDOMAIN/)
})

test('why and trace of an address say how it failed to log in, and what the client was not told', async context => {
  const server = await openServer(context)
  const refused = (age: number, more: object): Promise<unknown> =>
    server.storage.run(appendTrail, [
      {
        at: now - age,
        event: {
          kind: 'refused',
          sessionId: 's9',
          role: 'submission',
          remoteAddress: '198.51.100.7',
          command: 'AUTH',
          loginName: 'olga@example.test',
          mechanism: 'PLAIN',
          reply: { code: 535, enhanced: '5.7.8', lines: ['Name or password is wrong'] },
          ...more,
        },
      },
    ])
  await refused(25 * hour, { loginProblem: 'wrong-password' })
  await refused(2 * hour, { loginProblem: 'wrong-password' })
  await refused(hour, { loginProblem: 'blocked', blockedUntil: now, blockedBy: 'account' })
  const { stderr } = await run(server, 'why', 'olga@example.test')
  assert.match(
    stderr,
    /Logging in with this name failed 2 times in the last 24 hours, last at .*: Refused AUTH PLAIN of 198\.51\.100\.7 as olga@example\.test: too many wrong passwords for this account, from many places and from there too: refused until .*\(535 5\.7\.8 Name or password is wrong\)/,
  )
  assert.doesNotMatch(stderr, /unlock/)
  await refused(0, { loginProblem: 'blocked', blockedUntil: now + hour, blockedBy: 'account-from-network' })
  assert.match(
    (await run(server, 'why', 'olga@example.test')).stderr,
    /"postrider account unlock olga@example\.test" lets the owner in before that\./,
  )
  const { stdout } = await run(server, 'trace', 'olga@example.test')
  assert.match(stdout, /as olga@example\.test: the password is wrong \(535/)
  assert.doesNotMatch((await run(server, 'why', 'anna@example.test')).stderr, /Logging in/)
})
