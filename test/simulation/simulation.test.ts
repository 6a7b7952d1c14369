// The simulation, small: what has to be true is true whatever is played; and each of it is found when it is not so.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Played, play } from '../../simulation/play.ts'
import { usualDelivery } from '../../simulation/scenario.ts'
import { acceptMessage } from '../../src/queue/accept-message.ts'
import { type AllowanceClaim, takeAllowance } from '../../src/queue/allowances.ts'
import type { NewMessage } from '../../src/queue/new-message.ts'
import { type Settlement, settle } from '../../src/queue/settle.ts'
import { noteSourceUse } from '../../src/queue/source-addresses.ts'
import type {
  ConnectSmtp,
  OutgoingTransaction,
  RecipientResult,
  SmtpConnection,
} from '../../src/smtp/client/contract.ts'
import type { Reply } from '../../src/smtp/reply.ts'
import type { Operation, Storage } from '../../src/storage/operation.ts'
import { plain, smallWorld, trickle, troubled } from './small-world.ts'

function broken({ audit }: Played): string[] {
  return audit.invariants.flatMap(({ name, isKept, detail }) => (isKept ? [] : [`${name}: ${detail}`]))
}

function brokenNames({ audit }: Played): string[] {
  return audit.invariants.flatMap(({ name, isKept }) => (isKept ? [] : [name]))
}

/** Whatever settlements came to, it is written as something else. */
function settling(change: (settlement: Settlement) => Settlement): (real: Storage) => Storage {
  return real => ({
    run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> {
      if (operation.name !== settle.name) return real.run(operation, input)
      const settling = input as Parameters<typeof settle.run>[1]
      return real.run(operation, { ...settling, settlements: settling.settlements.map(change) } as Input)
    },
    onWake: (topic, listener) => real.onWake(topic, listener),
    close: () => real.close(),
  })
}

/** Whatever messages are, they are put into the queue as something else. */
function accepting(
  change: (message: NewMessage['message']) => NewMessage['message'],
): (real: Storage) => Storage {
  return real => ({
    run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> {
      if (operation.name !== acceptMessage.name) return real.run(operation, input)
      const accepted = input as NewMessage
      return real.run(operation, { ...accepted, message: change(accepted.message) } as Input)
    },
    onWake: (topic, listener) => real.onWake(topic, listener),
    close: () => real.close(),
  })
}

/** An operation says something else than it has found. */
function answering(name: string, answer: (input: unknown) => unknown): (real: Storage) => Storage {
  return real => ({
    run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> {
      const truth = real.run(operation, input)
      return operation.name === name ? truth.then(() => answer(input) as Output) : truth
    },
    onWake: (topic, listener) => real.onWake(topic, listener),
    close: () => real.close(),
  })
}

/** The server hears something else than receivers say when they refuse all that is to go there. */
function hearing(reply: Reply): (real: ConnectSmtp) => ConnectSmtp {
  return real => async options => {
    const connection = await real(options)
    return Object.assign(Object.create(connection) as SmtpConnection, {
      async send(transaction: OutgoingTransaction): Promise<readonly RecipientResult[]> {
        return (await connection.send(transaction)).map(one =>
          one.result.kind === 'refused' && (one.result.stage === 'mail' || one.result.reply.code < 500)
            ? { ...one, result: { ...one.result, reply } }
            : one,
        )
      },
    })
  }
}

test('with receivers of every kind nobody is lost or served twice, limits are kept, and waits are fair', async () => {
  const played = await play(smallWorld())
  assert.deepEqual(broken(played), [])
  const { ledger, scenario } = played
  const of = (name: string): number[] =>
    Array.from({ length: ledger.accepted }, (_, number) => number).filter(
      number => scenario.receivers[ledger.receiver[number] ?? 0]?.name === name,
    )
  const delivered = (name: string): number => of(name).filter(n => (ledger.deliveries[n] ?? 0) > 0).length
  // It was played: each kind had mail, and came to what it has to.
  assert.equal(ledger.accepted, 1200)
  for (const name of [
    'per-minute',
    'greylisting',
    'outages',
    'slow',
    'blocking',
    'secret-limit',
    'few-connections',
    'dns-trouble',
  ])
    assert.equal(delivered(name), of(name).length, name)
  for (const name of ['dead', 'gone']) {
    assert.ok(of(name).length > 0, name)
    assert.ok(
      of(name).every(n => ledger.toldAt[n] !== 0 && ledger.deliveries[n] === 0),
      name,
    )
  }
  assert.ok(of('greylisting').every(n => ledger.deferrals[n] === 1))
  assert.ok(of('blocking').some(n => (ledger.deferrals[n] ?? 0) > 0))
  assert.ok((ledger.refusals.get('mx.d0.few-connections.test to 192.0.2.25')?.worst ?? 0) > 0)
  // Put off by whoever could not be asked, too.
  for (const name of ['dead', 'dns-trouble', 'outages', 'per-minute']) {
    assert.ok(
      of(name).some(n => (ledger.putOffs[n] ?? 0) > 0),
      name,
    )
    assert.ok(
      of(name).every(n => ledger.deferrals[n] === 0),
      name,
    )
  }
  assert.ok(of('cutting').some(n => (ledger.cuts[n] ?? 0) > 0))
  assert.ok(ledger.delayNotices > 0)
})

test('one seed plays the same each time, another one something else', async () => {
  const scenario = smallWorld({ recipients: 400 })
  const first = await play(scenario)
  const second = await play(scenario)
  const other = await play({ ...scenario, seed: 2 })
  assert.equal(second.hash, first.hash)
  assert.notEqual(other.hash, first.hash)
})

test('a recipient that leaves the queue without a delivery and without a report is found', async () => {
  const faultyStorage = settling(one =>
    one.result.kind === 'retry' ? { ...one, result: { kind: 'done' } } : one,
  )
  const played = await play(smallWorld({ recipients: 400 }), { faultyStorage })
  assert.ok(brokenNames(played).includes('nobody is lost'), broken(played).join('\n'))
})

test('a recipient that stays in the queue beyond its lifetime is found', async () => {
  const faultyStorage = settling(one =>
    one.result.kind === 'retry'
      ? { ...one, result: { ...one.result, dueAt: Date.UTC(2030, 0), place: undefined } }
      : one,
  )
  const played = await play(smallWorld({ recipients: 400 }), { faultyStorage })
  assert.ok(brokenNames(played).includes('nobody is lost'), broken(played).join('\n'))
  assert.ok(played.audit.overdue > 0)
})

test('a recipient that is delivered again is found', async () => {
  const seen = new Set<number>()
  const faultyStorage = settling(one => {
    if (one.result.kind !== 'done' || seen.has(one.recipientId)) return one
    seen.add(one.recipientId)
    return {
      ...one,
      result: {
        kind: 'retry',
        tried: true,
        dueAt: Date.UTC(2026, 0, 5, 2),
        diagnosis: '',
        delayReported: false,
      },
    }
  })
  const played = await play(smallWorld({ recipients: 300, receivers: [...troubled.slice(0, 1), plain] }), {
    faultyStorage,
  })
  assert.deepEqual(brokenNames(played), ['nobody is served twice'])
})

test('a server that never tries again is found', async () => {
  const faultyStorage = accepting(message => ({ ...message, expiresAt: message.acceptedAt + 1 }))
  const played = await play(smallWorld({ recipients: 400 }), { faultyStorage })
  assert.deepEqual(brokenNames(played), ['nobody fails without cause'])
})

test('a server that gives up a minute early is found', async () => {
  const faultyStorage = accepting(message => ({ ...message, expiresAt: message.expiresAt - 60_000 }))
  const played = await play(smallWorld({ recipients: 400 }), { faultyStorage })
  assert.deepEqual(brokenNames(played), ['nobody fails without cause'])
})

test('a server that lets a lifetime pass because of a limit that nobody has used is found', async () => {
  const faultyStorage = answering(takeAllowance.name, input => {
    const { now, limits } = input as AllowanceClaim
    return { granted: 0, moreAt: now + 10 * 60_000, limit: limits[0] }
  })
  const played = await play(smallWorld({ recipients: 400 }), { faultyStorage })
  assert.ok(brokenNames(played).includes('nobody fails without cause'), broken(played).join('\n'))
  assert.ok(!brokenNames(played).includes('nobody is lost'), broken(played).join('\n'))
})

test('a server that comes back at once is found', async () => {
  const faultyStorage = settling(one =>
    one.result.kind === 'retry' ? { ...one, result: { ...one.result, dueAt: 0 } } : one,
  )
  const receivers = [plain, ...troubled.filter(({ name }) => name === 'home' || name === 'greylisting')]
  const played = await play(smallWorld({ recipients: 100, receivers }), { faultyStorage })
  assert.deepEqual(brokenNames(played), ['who refuses is left alone'])
  assert.match(
    broken(played).join('\n'),
    /; [1-9]\d* recipients were tried more often than their schedule says/,
  )
})

test('a server that asks with each message anew where its name is bad is found', async () => {
  const receivers = [plain, ...troubled.filter(({ name }) => name === 'home' || name === 'blocking')]
  const senders = smallWorld().senders.map(one => ({ ...one, recipientsOfMessage: 1 }))
  const faultyConnect = hearing({ code: 451, enhanced: '4.3.0', lines: ['Later'] })
  const played = await play(smallWorld({ recipients: 800, receivers, senders }), { faultyConnect })
  assert.deepEqual(brokenNames(played), ['who refuses is left alone'])
  assert.match(broken(played).join('\n'), /: 1 receivers had to refuse more .*mx\.d0\.blocking\.test/)
})

const trickling = smallWorld({
  recipients: 600,
  receivers: [plain, trickle, ...troubled.filter(({ name }) => name === 'home')],
})

test('a server that waits too long where little is taken in a minute is found', async () => {
  const faultyConnect = hearing({
    code: 451,
    enhanced: '4.7.28',
    lines: ['Rate limit exceeded, try again in 30 minutes'],
  })
  const played = await play(trickling, { faultyConnect })
  assert.deepEqual(brokenNames(played), ['a small limit of a receiver is used'])
  assert.match(
    broken(played).join('\n'),
    /d0\.trickle\.test got \d+ % .*, of at least 50 %; [1-9]\d* failed there/,
  )
})

test('where little is taken in a minute most of that is used, and nobody fails', async () => {
  assert.deepEqual(broken(await play(trickling)), [])
})

test('a receiver whose limit the server does not know of gets too much, and that is found', async () => {
  const receivers = troubled.map(one =>
    one.name === 'slow' ? { ...one, promised: { connections: 1, messagesPerConnection: 1 } } : one,
  )
  const played = await play(smallWorld({ receivers, delivery: usualDelivery }))
  assert.deepEqual(brokenNames(played), ['limits are kept'])
  const violations = played.ledger.violations.join('\n')
  assert.match(violations, /mx\.d0\.per-minute\.test got \d+ recipients in a minute, its limit is 10/)
  assert.match(violations, /mx\.d0\.slow\.test has 2 connections, its limit is 1/)
  assert.match(violations, /mx\.d0\.slow\.test got 2 messages on one connection, its limit is 1/)
})

test('a sender whose limit the server does not know of sends too much, and that is found', async () => {
  const played = await play(smallWorld({ senderLimits: [] }))
  assert.deepEqual(brokenNames(played), ['limits are kept'])
  assert.match(played.ledger.violations.join('\n'), /capped sent 41 in an hour, its limit is 40/)
})

const warmUp = [5, 15]
const newAddress = { address: '192.0.2.11', warmUp } as const
const pool = { name: 'all', senders: [], destinations: [], classes: [] }
const twoDays = {
  days: 2.5,
  queue: { ...smallWorld().queue, lifetimeHours: 60 },
  receivers: troubled.slice(0, 2),
  recipients: 400,
}

test('a new address sends no more than its warm-up says, and all arrives by the other one', async () => {
  const sources = [newAddress, { address: '192.0.2.12', warmUp: false }] as const
  const delivery = { ...usualDelivery, sourcePools: [{ ...pool, sources }] }
  const played = await play(smallWorld({ ...twoDays, delivery, senderLimits: smallWorld().senderLimits }))
  assert.deepEqual(broken(played), [])
})

test('a new address that sends more than its warm-up is found', async () => {
  const delivery = { ...usualDelivery, sourcePools: [{ ...pool, sources: [newAddress] as const }] }
  // The first day is forgotten, as if it were long ago.
  const faultyStorage = answering(noteSourceUse.name, () => 0)
  const played = await play(smallWorld({ ...twoDays, delivery }), { faultyStorage })
  assert.deepEqual(brokenNames(played), ['limits are kept'])
  assert.match(
    played.ledger.violations.join('\n'),
    /mx\.d\d\.plain\.test got \d+ recipients in a day from 192\.0\.2\.11, which may send 5 that day/,
  )
})

const [newsletter, ...otherSenders] = smallWorld().senders
assert.ok(newsletter)
const ownPool = { ...pool, name: 'newsletter', senders: [newsletter.address] }
const ownSources = [
  { address: '192.0.2.21', warmUp: false },
  { address: '192.0.2.22', warmUp: false },
] as const
const knownApart = smallWorld({
  recipients: 300,
  senders: [
    { ...newsletter, promisedVerp: true, promisedSources: ownSources.map(({ address }) => address) },
    ...otherSenders,
  ],
  delivery: {
    ...smallWorld().delivery,
    sourcePools: [{ ...ownPool, sources: ownSources }],
    verp: { senders: [newsletter.address], delimiter: '=' },
  },
})

test('with VERP and addresses of its own a newsletter is known apart, and all that was promised holds', async () => {
  const played = await play(knownApart)
  assert.deepEqual(broken(played), [])
  assert.ok(played.ledger.deliveries.some(times => times > 0))
})

test('mail that leaves as that of another sender, or without its own reverse-path, is found', async () => {
  const played = await play({ ...knownApart, delivery: smallWorld().delivery })
  assert.deepEqual(brokenNames(played), ['mail leaves as its sender is to be known'])
  const strays = played.ledger.strays.join('\n')
  assert.match(
    strays,
    /it came from news@d0\.home\.test, not from news\+r\d+=d\d+\.[a-z-]+\.test@d0\.home\.test/,
  )
  assert.match(strays, /mail of newsletter came from our address 192\.0\.2\.25/)
})

test('where all share few connections with receivers that are slow, waits are not fair, and that is found', async () => {
  const receivers = troubled.map(one => (one.name === 'slow' ? { ...one, share: 20, domains: 10 } : one))
  const delivery = { ...smallWorld().delivery, maxConnections: 3 }
  const played = await play(smallWorld({ recipients: 600, receivers, delivery }))
  const names = brokenNames(played)
  assert.ok(names.includes('who sends little does not wait'), broken(played).join('\n'))
  assert.ok(names.includes('healthy receivers do not wait for others'), broken(played).join('\n'))
})
