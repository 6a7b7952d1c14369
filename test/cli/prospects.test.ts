// What why, trace and queue say of mail that stands in line: what closes the way, until when, and what helps.
import assert from 'node:assert/strict'
import { appendFileSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Surroundings } from '../../src/cli/invocation.ts'
import { standingWords } from '../../src/cli/standing.ts'
import type { Diagnosis } from '../../src/delivery/outcome.ts'
import type { Closure, ClosureReason } from '../../src/delivery/pacing/destination-health.ts'
import { createRelayDomain } from '../../src/directory/relay-domains.ts'
import { acceptMessage } from '../../src/queue/accept-message.ts'
import { takeAllowance } from '../../src/queue/allowances.ts'
import { claimDueWork } from '../../src/queue/claim-due-work.ts'
import { noteDestinationHealth } from '../../src/queue/destination-health.ts'
import { firstQueueIdAt, formatQueueId } from '../../src/queue/queue-id.ts'
import type { QueuedMessage } from '../../src/queue/records.ts'
import { type Settlement, settle } from '../../src/queue/settle.ts'
import { noteSourceUse } from '../../src/queue/source-addresses.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import { openMailDataFiles } from '../../src/storage/mail-data-files.ts'
import { createMailDataStore } from '../../src/storage/mail-data-store.ts'
import type { Storage } from '../../src/storage/operation.ts'
import type { TrailEvent } from '../../src/trail/events.ts'
import { appendTrail } from '../../src/trail/operations.ts'
import { address } from '../directory/open-directory.ts'
import { makeServerFolder, type Ran, runHere, succeed } from './run-postrider.ts'

const minute = 60_000
const hour = 60 * minute
const now = new Date(2026, 0, 31, 14, 0, 0).getTime()
const clock: Surroundings['clock'] = { ...systemClock, now: () => now }

interface Waiting {
  readonly storage: Storage
  readonly id: string
  /** Its stdout. */
  readonly say: (...parameters: readonly string[]) => Promise<string>
  readonly note: (...parameters: readonly string[]) => Promise<string>
}

interface Given {
  readonly settings?: string
  readonly to?: string
  readonly message?: Partial<QueuedMessage>
  readonly prepare?: (storage: Storage, folder: string) => Promise<void>
  readonly result: Extract<Settlement['result'], { kind: 'wait' | 'retry' }>
  readonly events?: readonly TrailEvent[]
}

/** One message that was taken an hour ago, and what its turn came to. */
async function waiting(t: TestContext, given: Given): Promise<Waiting> {
  const folder = makeServerFolder(remove => t.after(remove))
  if (given.settings !== undefined) appendFileSync(join(folder, 'postrider.toml'), given.settings)
  const storage = await openLocalStorage(join(folder, 'mail-data'))
  t.after(() => storage.close())
  await given.prepare?.(storage, folder)
  const acceptedAt = now - hour
  const writer = createMailDataStore(
    openMailDataFiles(join(folder, 'mail-data'), systemRandom),
    storage,
  ).create()
  await writer.write(Buffer.from('Subject: x\r\n\r\nText\r\n'))
  const mailData = await writer.finish()
  const id = firstQueueIdAt(acceptedAt)
  await storage.run(acceptMessage, {
    message: {
      id,
      reversePath: address('anna@example.test'),
      size: mailData.size,
      body: '7BIT',
      smtpUtf8: false,
      disposition: 'mail',
      acceptedAt,
      expiresAt: acceptedAt + 120 * hour,
      language: 'en',
      isReport: false,
      ...given.message,
    },
    mailData,
    recipients: [{ forwardPath: address(given.to ?? 'boris@example.org') }],
    held: false,
  })
  const claim = { now, leaseUntil: now + hour, owner: 'test', maxRecipients: 10 }
  const work = await storage.run(claimDueWork, claim)
  const settlements = work.flatMap(({ recipients }) =>
    recipients.map(recipient => ({
      messageId: id,
      recipientId: recipient.id,
      events: given.events ?? [],
      result: given.result,
    })),
  )
  await storage.run(settle, { owner: 'test', at: now, settlements, reports: [] })
  const run = async (parameters: readonly string[]): Promise<Ran> => {
    const ran = await runHere(folder, parameters, { clock })
    assert.equal(ran.exitCode, 0, ran.stderr)
    return ran
  }
  return {
    storage,
    id: formatQueueId(id),
    say: async (...parameters) => (await run(parameters)).stdout,
    note: async (...parameters) => (await run(parameters)).stderr,
  }
}

function inLine(gate: string): Given['result'] {
  return { kind: 'wait', dueAt: now + 2 * hour, place: { gate, share: '09 account 1' } }
}

const refused: Diagnosis = {
  stage: 'connect',
  cause: 'refused-connection',
  status: '4.4.1',
  detail: 'no connection to 192.0.2.3:25: refused',
}
const tooMuch: Diagnosis = {
  stage: 'rcpt',
  cause: 'rate',
  status: '4.7.0',
  remoteMta: 'mx.dead.example',
  reply: { code: 421, lines: ['Too much mail'] },
  detail: 'mx.dead.example refused RCPT',
}
const badName: Diagnosis = { ...tooMuch, cause: 'blocklist', reply: { code: 554, lines: ['Listed'] } }

async function close(storage: Storage, reason: ClosureReason, diagnosis: Diagnosis): Promise<void> {
  const closure: Closure = { reason, until: now + 25 * minute, diagnosis }
  const health = JSON.stringify({ closure, times: { [reason]: 3 } })
  await storage.run(noteDestinationHealth, { destination: 'mx.dead.example', health, now })
}

test('a dead host: who stands in line is told until when nothing goes there, and why', async t => {
  const { id, say } = await waiting(t, {
    result: inLine('destination mx.dead.example'),
    prepare: async storage => await close(storage, 'unreachable', refused),
  })
  assert.match(
    await say('why', id),
    new RegExp(
      'it stands in line for mx\\.dead\\.example, where no server could be reached \\(no connection to 192\\.0\\.2\\.3:25: refused\\)\\. ' +
        'It has not been tried yet\\. Nothing goes there until 2026-01-31 14:25:00 \\(in 25 min\\); then one message finds out .* and the others follow\\. ' +
        `.* As soon as that server is there again, "postrider queue retry ${id}" tries it at once\\.`,
    ),
  )
  assert.match(
    await say('trace', id),
    /^Now: boris@example\.org stands in line for mx\.dead\.example, .* until 2026-01-31 14:25:00/m,
  )
  assert.match(
    await say('queue', 'list'),
    /in line +0 +in 25 min +not tried; mx\.dead\.example: could not be reached$/m,
  )
  const shown = await say('queue', 'show', id)
  assert.match(shown, /^Next try: {2}Nothing goes there until 2026-01-31 14:25:00 \(in 25 min\)/m)
  const summary = await say('queue', 'summary')
  assert.match(
    summary,
    /^mx\.dead\.example +1 .* in 25 min +until 2026-01-31 14:25:00: could not be reached$/m,
  )
  const [json] = JSON.parse(await say('queue', 'list', '--json')) as unknown[]
  assert.partialDeepStrictEqual(json, {
    recipients: [
      {
        inLine: {
          of: 'destination',
          name: 'mx.dead.example',
          closed: { reason: 'unreachable', until: new Date(now + 25 * minute).toISOString() },
        },
      },
    ],
  })
  const [why] = JSON.parse(await say('why', id, '--json')) as unknown[]
  assert.partialDeepStrictEqual(why, {
    recipients: [
      {
        attempts: 0,
        nextAttemptAt: new Date(now + 25 * minute).toISOString(),
        givenUpAt: new Date(now + 119 * hour).toISOString(),
        inLine: {
          of: 'destination',
          name: 'mx.dead.example',
          closed: { reason: 'unreachable', cause: 'refused-connection', detail: refused.detail },
        },
        held: null,
      },
    ],
  })
})

test('a server that turns this one away is not told as one that cannot be reached', async t => {
  const busy: Diagnosis = {
    stage: 'greeting',
    cause: 'server-busy',
    status: '4.3.2',
    remoteMta: 'mx.dead.example',
    reply: { code: 421, lines: ['Not now'] },
    detail: 'mx.dead.example refused the connection',
  }
  const boris = 'boris@example.org'
  const { id, say } = await waiting(t, {
    result: inLine('destination mx.dead.example'),
    prepare: async storage => await close(storage, 'unreachable', busy),
    events: [{ kind: 'postponed', recipient: boris, diagnosis: busy, nextAttemptAt: now + hour }],
  })
  const why = await say('why', id)
  assert.match(why, /in line for mx\.dead\.example, which turned this server away \(.* \[421 Not now\]\)\./)
  assert.match(
    why,
    /one message finds out whether it lets this server in again, .* that server lets this one in again,/,
  )
  const trace = await say('trace', id)
  assert.match(trace, /the destination turned this server away a moment ago \(/)
  const said = [
    why,
    trace,
    await say('queue', 'list'),
    await say('queue', 'show', id),
    await say('queue', 'summary'),
  ]
  for (const text of said) assert.doesNotMatch(text, /reached/)
  assert.match(said.join(''), /: turned us away$/m)
})

for (const [reason, diagnosis, said, never] of [
  [
    'slow-down',
    tooMuch,
    /mx\.dead\.example, which has asked for less mail .* until 2026-01-31 14:25:00 .*Nothing speeds it up: .* trying more often makes it worse\.\n$/,
    /queue retry/,
  ],
  [
    'suspended',
    badName,
    /which wants no mail from this server .*blocklist.*When that is mended, "postrider queue retry/,
    /at once\.\n$/,
  ],
] as const) {
  test(`a destination that is closed (${reason}): the advice does not contradict itself`, async t => {
    const { id, say } = await waiting(t, {
      result: inLine('destination mx.dead.example'),
      prepare: async storage => await close(storage, reason, diagnosis),
    })
    const why = await say('why', id)
    assert.match(why, said)
    assert.doesNotMatch(why, never)
  })
}

test('a summary by cause, sender or host has the time at which a closed destination opens', async t => {
  const { say } = await waiting(t, {
    result: {
      kind: 'wait',
      dueAt: now + 2 * hour,
      place: { gate: 'destination mx.dead.example', share: '09 account 1' },
      reason: { diagnosis: 'mx.dead.example refused RCPT', cause: 'blocklist', host: 'mx.dead.example' },
    },
    prepare: async storage => await close(storage, 'suspended', badName),
  })
  for (const by of ['cause', 'sender', 'host', 'destination'])
    assert.match(await say('queue', 'summary', '--by', by), /^\S+ +1 +- +1 .* in 25 min( +until .*)?$/m)
  const json: unknown = JSON.parse(await say('queue', 'summary', '--by', 'cause', '--json'))
  assert.partialDeepStrictEqual(json, {
    groups: [{ name: 'blocklist', nextAt: new Date(now + 25 * minute).toISOString() }],
  })
})

test('after a 421 nobody is told to try it at once', async t => {
  const { id, say } = await waiting(t, {
    result: {
      kind: 'retry',
      tried: true,
      dueAt: now + 20 * minute,
      diagnosis: 'mx.example.org refused RCPT: 421 Too much mail',
      cause: 'rate',
      host: 'mx.example.org',
      delayReported: false,
    },
  })
  const why = await say('why', id)
  assert.match(why, /The only attempt so far did not succeed, .* trying more often makes it worse\.\n$/)
  assert.doesNotMatch(why, /queue retry/)
})

test('the limit of a sender: the account has its name, and there is a time when there is more', async t => {
  const { id, say } = await waiting(t, {
    settings: '[submission]\nlimits = [{ match = ["example.test"], perHour = 150 }]\n',
    message: { accountId: 1 },
    result: inLine('sender account 1'),
    async prepare(storage, folder) {
      await succeed(folder, 'domain', 'create', 'example.test')
      await succeed(folder, 'account', 'create', 'clara@example.test')
      const limits = [{ most: 150, spanMs: hour }]
      const claim = { allowance: 'sender account 1', limits, wanted: 150, now: now - 30 * minute }
      await storage.run(takeAllowance, claim)
    },
  })
  const why = await say('why', id)
  assert.match(
    why,
    /in line because the limit of its sender clara@example\.test is used up \(150 recipients an hour\)\..* There is more at 2026-01-31 14:31:00 \(in 31 min\)\./,
  )
  assert.match(
    why,
    /a higher limit in the settings \(submission\.limits\)\. "postrider queue retry \S+" does not help/,
  )
  assert.match(
    await say('queue', 'list'),
    /in line +0 +in 31 min +not tried; clara@example\.test: limit used up$/m,
  )
  for (const by of ['cause', 'sender', 'destination'])
    assert.match(await say('queue', 'summary', '--by', by), /^\S+ +1 +- +1 .* in 31 min$/m)
})

test('the limit of a destination', async t => {
  const { id, say } = await waiting(t, {
    settings: '[delivery]\nlimits = [{ match = ["mx.example.org"], perMinute = 1 }]\n',
    result: inLine('destination mx.example.org'),
    async prepare(storage) {
      const limits = [{ most: 1, spanMs: minute }]
      await storage.run(takeAllowance, { allowance: 'destination mx.example.org', limits, wanted: 1, now })
    },
  })
  const why = await say('why', id)
  assert.match(
    why,
    /the limit of this server there is used up \(1 recipient a minute\).* There is more at 2026-01-31 14:01:01/,
  )
  assert.match(
    why,
    /delivery\.limits\), if the receiver bears it\. "postrider queue retry \S+" does not help/,
  )
  assert.match(await say('queue', 'summary'), /^mx\.example\.org .* in 1 min +until .*: limit used up$/m)
})

test('the limit of a destination that is named by a domain of its recipients', async t => {
  const { id, say } = await waiting(t, {
    settings: '[delivery]\nlimits = [{ match = ["example.org"], perMinute = 6 }]\n',
    result: inLine('destination mx.example.net'),
    async prepare(storage) {
      const limits = [{ most: 6, spanMs: minute }]
      await storage.run(takeAllowance, { allowance: 'destination mx.example.net', limits, wanted: 6, now })
    },
  })
  assert.match(
    await say('why', id),
    /used up \(6 recipients a minute\).* There is more at 2026-01-31 14:01:01/,
  )
  assert.match(
    await say('queue', 'summary'),
    /^mx\.example\.net .* in 1 min +until 2026-01-31 14:01:01: limit used up$/m,
  )
  assert.partialDeepStrictEqual(JSON.parse(await say('queue', 'summary', '--json')), {
    groups: [{ name: 'mx.example.net', closed: { reason: 'limit' } }],
  })
})

test('a pool of addresses is closed while all of them are, and opens with the first', async t => {
  const settings =
    '[[delivery.sourcePools]]\nname = "news"\nsources = [{ address = "192.0.2.1" }, { address = "192.0.2.2" }]\n'
  const gate = inLine('destination mx.dead.example from news by IPv4')
  const shut = async (storage: Storage, from: string, until: number): Promise<void> => {
    const closure: Closure = { reason: 'unreachable', until, diagnosis: refused }
    const health = JSON.stringify({ closure, times: { unreachable: 1 } })
    await storage.run(noteDestinationHealth, { destination: `mx.dead.example from ${from}`, health, now })
  }
  const { storage, id, say } = await waiting(t, {
    settings,
    result: gate,
    prepare: async storage => await shut(storage, '192.0.2.1', now + 20 * minute),
  })
  assert.doesNotMatch(await say('why', id), /Nothing goes there/)
  await shut(storage, '192.0.2.2', now + 10 * minute)
  assert.match(await say('why', id), /Nothing goes there until 2026-01-31 14:10:00/)
})

test('every command that shows waiting mail says that no server runs', async t => {
  const { id, say, note } = await waiting(t, { result: inLine('destination mx.example.org') })
  const said = /^No server that delivers is running, so nothing moves until one is: "postrider serve"/m
  assert.match(await say('why', id), said)
  assert.match(await say('trace', id), said)
  assert.match(await say('queue', 'show', id), said)
  for (const command of ['list', 'summary']) assert.match(await note('queue', command), said)
  for (const words of [
    ['trace', id],
    ['queue', 'show', id],
    ['queue', 'summary'],
  ])
    assert.partialDeepStrictEqual(JSON.parse(await say(...words, '--json')), { noServer: true })
})

test('a recipient has the same state wherever programs read it', async t => {
  const { id, say } = await waiting(t, { result: inLine('destination mx.example.org') })
  const stateIn = (json: unknown): unknown =>
    (json as { recipients: { state: string }[] }).recipients[0]?.state
  const first = async (...words: string[]): Promise<unknown> =>
    (JSON.parse(await say(...words, '--json')) as unknown[])[0]
  const traced = JSON.parse(await say('trace', id, '--json')) as { waiting: unknown[] }
  assert.deepEqual(
    [
      stateIn(await first('why', id)),
      stateIn(await first('queue', 'list')),
      stateIn(JSON.parse(await say('queue', 'show', id, '--json'))),
      stateIn({ recipients: traced.waiting }),
    ],
    ['in-line', 'in-line', 'in-line', 'in-line'],
  )
  const states = readFileSync(resolve(import.meta.dirname, '../../docs/trail.md'), 'utf8')
  for (const [state, words] of Object.entries(standingWords))
    assert.match(states, new RegExp(`^\\| \`${state}\` \\| ${words} \\| `, 'm'))
})

test('retry says of whom it has asked for, and whom it does not help', async t => {
  const toServer = await waiting(t, { result: inLine('destination mx.dead.example') })
  assert.equal(
    await toServer.say('queue', 'retry', toServer.id),
    '1 recipient in line for a server asked for: they go as there is room; where nothing goes at the moment, at most one attempt in 10 s finds out for all that wait for the same server.\n',
  )
  const ofSender = await waiting(t, { result: inLine('sender account 1') })
  assert.match(
    await ofSender.say('queue', 'retry', '--all'),
    /^1 recipient in the line of their sender asked for: they wait for its limit all the same\.\n$/,
  )
  assert.partialDeepStrictEqual(JSON.parse(await ofSender.say('queue', 'retry', '--all', '--json')), {
    recipients: 1,
    held: 0,
    kept: 0,
  })
})

test('the warm-up of an address: nothing but its own setting lifts that', async t => {
  const { id, say } = await waiting(t, {
    settings:
      '[[delivery.sourcePools]]\nname = "bob"\nsources = [{ address = "192.0.2.1", warmUp = [1, 5] }]\n',
    result: inLine('destination mx.example.org from bob'),
    async prepare(storage) {
      await storage.run(noteSourceUse, { address: '192.0.2.1', now: now - hour })
      const allowance = 'destination mx.example.org from 192.0.2.1'
      await storage.run(takeAllowance, {
        allowance,
        limits: [{ most: 1, spanMs: 24 * hour }],
        wanted: 1,
        now,
      })
    },
  })
  const why = await say('why', id)
  assert.match(
    why,
    /in line for mx\.example\.org \(from the addresses of the source pool "bob"\), because the limit .* \(1 recipient a day; the address 192\.0\.2\.1 is new: day 1 of its warm-up\)/,
  )
  assert.match(why, /takes more each day by itself\. What would speed it up: higher numbers in its warmUp/)
  assert.doesNotMatch(why, /delivery\.limits/)
})

test('a limit that leaves room only after the lifetime: it will not arrive, and what is left to do', async t => {
  const expiresAt = now + 59 * minute
  const { id, say } = await waiting(t, {
    settings: '[delivery]\nlimits = [{ match = ["mx.example.org"], perDay = 1 }]\n',
    message: { expiresAt },
    result: inLine('destination mx.example.org'),
    async prepare(storage) {
      const limits = [{ most: 1, spanMs: 24 * hour }]
      await storage.run(takeAllowance, { allowance: 'destination mx.example.org', limits, wanted: 1, now })
    },
  })
  const why = await say('why', id)
  assert.match(
    why,
    /There is more at 2026-02-01 14:24:00 \(in 1 d\)\. That is too late: as it stands it will not arrive\. It is given up before, in 59 min \(2026-01-31 14:59:00\), and the sender is told\./,
  )
  assert.match(
    why,
    new RegExp(
      `a higher limit in the settings \\(delivery\\.limits\\), .* Another way may be open: "postrider queue reroute ${id} --via <host:port>"\\. If nothing of that can be done, tell its sender now\\.\n$`,
    ),
  )
  const [json] = JSON.parse(await say('why', id, '--json')) as { recipients: object[] }[]
  assert.partialDeepStrictEqual(json, { recipients: [{ nextAttemptAt: null }] })
  assert.match(
    await say('trace', id),
    /There is more at .*\. It is given up before, at 2026-01-31 14:59:00\.$/m,
  )
  assert.match(await say('queue', 'show', id), /^Next try: {2}There is more at .* It is given up before\.$/m)
  assert.match(await say('queue', 'list'), /in line +0 +too late /m)
})

test('a receiver that wants less until after the lifetime is not to be asked more often', async t => {
  const { id, say } = await waiting(t, {
    message: { expiresAt: now + 10 * minute },
    result: inLine('destination mx.dead.example'),
    prepare: async storage => await close(storage, 'slow-down', tooMuch),
  })
  const why = await say('why', id)
  assert.match(
    why,
    /as it stands it will not arrive\. .* Another way may be open: .* tell its sender now\.\n$/,
  )
  assert.doesNotMatch(why, /queue retry|by itself/)
})

test('who only waits for his turn', async t => {
  const { id, say } = await waiting(t, { result: inLine('destination mx1.example.org mx2.example.org') })
  assert.match(
    await say('why', id),
    /in line for mx1\.example\.org mx2\.example\.org, behind other mail: .* It goes when it is its turn/,
  )
  const summary = await say('queue', 'summary')
  assert.match(summary, /^mx1\.example\.org mx2\.example\.org +1 +- +1 .* when there is room$/m)
  assert.doesNotMatch(summary, /CLOSED/)
})

test('mail for a relayed domain ends at one time, whoever is asked', async t => {
  const until = new Date(2026, 2, 2, 13).getTime()
  const { id, say } = await waiting(t, {
    to: 'boris@relayed.example',
    result: {
      kind: 'retry',
      tried: false,
      dueAt: now + 3 * hour,
      diagnosis: 'kept until the server of relayed.example fetches it',
      cause: 'not-fetched',
      delayReported: false,
    },
    events: [
      { kind: 'kept', recipient: 'boris@relayed.example', domain: 'relayed.example', until, isOver: false },
    ],
    async prepare(storage) {
      const domain = { name: 'relayed.example', keepsUntilFetched: true, anyoneStarts: false, at: 0 }
      await storage.run(createRelayDomain, domain)
    },
  })
  assert.equal(
    await say('queue', 'retry', id),
    '0 recipients due now.\n1 recipient kept until their server fetches them, and not tried: it asks for them (ETRN), or fetches them (ATRN; there "postrider fetch").\n',
  )
  assert.match(await say('queue', 'list'), / kept +0 +when fetched /)
  for (const by of ['cause', 'destination'])
    assert.match(await say('queue', 'summary', '--by', by), / when fetched$/m)
  assert.partialDeepStrictEqual(JSON.parse(await say('queue', 'summary', '--by', 'cause', '--json')), {
    groups: [{ name: 'not-fetched', kept: 1, inLine: 0, nextAt: null }],
  })
  assert.match(await say('why', id), /given up in 29 d 23 h \(2026-03-02 13:00:00\)/)
  const trace = await say('trace', id)
  assert.match(trace, /at most until 2026-03-02 13:00:00$/m)
  assert.match(trace, /^Now: .* which fetches it, until 2026-03-02 13:00:00\.$/m)
  const shown = await say('queue', 'show', id)
  assert.deepEqual(shown.match(/^Until: .*$/gm), ['Until:     2026-03-02 13:00:00'])
  const [json] = JSON.parse(await say('queue', 'list', '--json')) as unknown[]
  assert.partialDeepStrictEqual(json, { expiresAt: new Date(until).toISOString() })
})

test('a message that is returned when it is late ends then', async t => {
  const at = now + 2 * hour
  const { id, say } = await waiting(t, {
    message: { deliverBy: { at, mode: 'return', trace: false } },
    result: {
      kind: 'retry',
      tried: true,
      dueAt: now + 20 * minute,
      diagnosis: 'busy',
      cause: 'server-busy',
      delayReported: false,
    },
  })
  assert.match(await say('why', id), /given up in 2 h \(2026-01-31 16:00:00\)/)
  assert.match(await say('trace', id), /^Now: .* until 2026-01-31 16:00:00\.$/m)
  assert.match(await say('queue', 'show', id), /^Until: {5}2026-01-31 16:00:00$/m)
})

const deferred = (attempt: number, diagnosis: Diagnosis): TrailEvent => ({
  kind: 'attempted',
  recipient: 'boris@example.org',
  attempt,
  outcome: { kind: 'deferred', diagnosis },
  nextAttemptAt: now + hour,
  nextAttemptBecause: 'destination',
})

test('attempts that end alike are told once; --all and --json have each', async t => {
  const { storage, id, say } = await waiting(t, { result: inLine('destination mx.dead.example') })
  const queueId = firstQueueIdAt(now - hour)
  const attempts = Array.from({ length: 98 }, (_, n) => ({
    at: now + n * minute,
    queueId,
    event: deferred(n + 1, n < 97 ? refused : tooMuch),
  }))
  await storage.run(appendTrail, attempts)
  const short = await say('trace', id)
  assert.equal(short.match(/Not delivered yet/g)?.length, 3)
  assert.match(short, /the same 95 more times, 2026-01-31 14:01:00 to 2026-01-31 15:35:00; --all shows each/)
  assert.match(
    short,
    /; it stands in line for its destination, and is looked at again at 2026-01-31 15:00:00 at the latest$/m,
  )
  assert.equal((await say('trace', id, '--all')).match(/Not delivered yet/g)?.length, 98)
  const { events } = JSON.parse(await say('trace', id, '--json')) as { events: unknown[] }
  assert.equal(events.length, 98)
})

for (const [what, diagnosis, said] of [
  ['unreachable', refused, 'the destination could not be reached a moment ago (no connection'],
  [
    'slow-down',
    tooMuch,
    'the destination asked for less mail a moment ago (mx.dead.example refused RCPT [421',
  ],
  ['suspended', badName, 'the destination wants no mail from this server ('],
  [
    'limit',
    {
      ...refused,
      stage: 'routing',
      cause: 'own-limit',
      detail: 'the limit of this server for gmail is used up: 5 a day',
    },
    'the limit of this server for gmail is used up: 5 a day; there is more at 2026-01-31 15:00:00',
  ],
] as const) {
  test(`the trail says why it was not tried (${what})`, async t => {
    const { id, say } = await waiting(t, {
      result: inLine('destination mx.dead.example'),
      events: [{ kind: 'postponed', recipient: 'boris@example.org', diagnosis, nextAttemptAt: now + hour }],
    })
    assert.ok((await say('trace', id)).includes(`Not tried for boris@example.org: ${said}`))
  })
}
