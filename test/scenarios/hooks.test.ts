// A hook file of the administrator's: what its verdicts do to a peer, what the trail says of them, and that neither a mistake nor
// a loop in it costs more than its verdict.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { listAlerts } from '../../src/alert/operations.ts'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { type Log, silentLog } from '../../src/runtime/log.ts'
import { type ComposedServer, startComposedServer, unauthenticated } from '../harness/composed-server.ts'
import { eventually } from '../harness/eventually.ts'
import { openConnectionOf, type RawConnection, type RawReply } from '../harness/raw-connection.ts'
import { withoutNumber } from '../harness/refusal-number.ts'

const anna = 'anna@here.test'

interface Scene {
  readonly server: ComposedServer
  readonly file: string
}

async function start(t: TestContext, source: string, log?: Log): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'postrider-hooks-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'hooks.ts')
  await writeFile(file, source)
  const server = await startComposedServer(t, {
    hostname: 'mx.here.test',
    domains: ['here.test'],
    accounts: [{ address: anna }],
    isBehindProxy: true,
    ...(log ? { log } : {}),
    settings: {
      mailAuthentication: unauthenticated,
      spam: { filter: false, clientNames: false },
      hooks: { file, timeoutSeconds: 5, maxMegabytes: 32 },
    },
  })
  return { server, file }
}

async function connect(server: ComposedServer, client = '198.51.100.9'): Promise<RawConnection> {
  return await openConnectionOf(client, server.port('relay'))
}

function lineOf(reply: RawReply | undefined): string {
  return withoutNumber(`${reply?.code} ${reply?.lines.join(' ')}`)
}

/** A session that has been greeted. */
async function greet(server: ComposedServer, client?: string): Promise<RawConnection> {
  const connection = await connect(server, client)
  assert.equal((await connection.reply())?.code, 220)
  assert.equal((await connection.command('EHLO client.test'))?.code, 250)
  return connection
}

async function send(
  server: ComposedServer,
  subject: string,
  from = 'boris@friend.test',
  to = anna,
): Promise<string> {
  const connection = await greet(server)
  for (const command of [`MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, 'DATA']) {
    const reply = await connection.command(command)
    if (reply === undefined || reply.code >= 400) {
      connection.destroy()
      return lineOf(reply)
    }
  }
  await connection.write(`From: ${from}\r\nSubject: ${subject}\r\n\r\nText\r\n.\r\n`)
  const reply = await connection.reply()
  connection.destroy()
  await server.settled()
  return lineOf(reply)
}

/** Every line of the trail. */
async function trailOf(server: ComposedServer): Promise<string[]> {
  return (await server.events()).flatMap(event => {
    const { text, notes = [] } = describeEvent(event)
    return [text, ...notes]
  })
}

async function inTrail(server: ComposedServer, line: RegExp): Promise<string> {
  return await eventually(
    `${String(line)} in the trail`,
    async () => (await trailOf(server)).find(one => line.test(one)),
    { everyMs: 5 },
  )
}

const all = `
import { accept, defer, reject, score, type HookFile } from 'postrider/hooks'
const hooks = {
  connect: ({ address }) => address === '203.0.113.66' ? reject(554, 'Not from there') : undefined,
  hello: ({ heloName }) => heloName === 'later.test' ? defer('Come back tomorrow') : undefined,
  async mail({ reversePath }) {
    if (reversePath === 'vip@friend.test') return accept('he may')
    if (reversePath.startsWith('pills')) return score(9, 'sells pills')
    if (reversePath === 'nobody@friend.test') return reject(553, 'We do not know him\\nand never did')
  },
  rcpt: ({ recipient, recipients }) =>
    recipient === 'abuse@here.test' && recipients.length === 1 ? reject(550, 'Only alone') : undefined,
  data({ message, recipients }) {
    const subject = message.fields.find(({ name }) => name === 'Subject')?.value
    if (subject === 'Bad') return reject(550, 'Of ' + recipients.join() + ': ' + message.body.trim())
    if (subject === 'Points') return score(20, 'it says so')
  },
} satisfies HookFile
export const { connect, hello, mail, rcpt, data } = hooks
`

test('each function refuses, puts off, accepts or gives points, and the trail has each verdict', async t => {
  const { server } = await start(t, all)
  const turnedAway = await connect(server, '203.0.113.66')
  assert.equal(lineOf(await turnedAway.reply()), '554 5.7.1 Not from there')
  turnedAway.destroy()
  await inTrail(server, /^connect: refused \(Not from there\)$/)

  const greeted = await connect(server)
  assert.equal((await greeted.reply())?.code, 220)
  assert.equal(lineOf(await greeted.command('EHLO later.test')), '451 4.7.1 Come back tomorrow')
  assert.equal((await greeted.command('EHLO client.test'))?.code, 250)
  const unknown = await greeted.command('MAIL FROM:<nobody@friend.test>')
  assert.deepEqual(unknown?.lines.slice(0, 2), ['5.7.1 We do not know him', '5.7.1 and never did'])
  assert.equal(unknown?.code, 553)
  assert.equal((await greeted.command('MAIL FROM:<boris@friend.test>'))?.code, 250)
  assert.equal((await greeted.command(`RCPT TO:<${anna}>`))?.code, 250)
  assert.equal(lineOf(await greeted.command('RCPT TO:<abuse@here.test>')), '550 5.7.1 Only alone')
  greeted.destroy()
  await inTrail(server, /^hello: put off \(Come back tomorrow\)$/)
  await inTrail(server, /^rcpt \(abuse@here\.test\): refused \(Only alone\)$/)

  assert.equal(await send(server, 'Bad'), '550 5.7.1 Of anna@here.test: Text')
  assert.match(await send(server, 'Cheap', 'pills@friend.test'), /^250/)
  assert.equal((await server.mailbox(anna, 'Junk')).length, 1)
  assert.ok((await trailOf(server)).includes('+9 by the hook file, mail: sells pills'))
  assert.match(
    await send(server, 'Points'),
    /^550 5\.7\.1 Your message was not delivered: it looks like spam /,
  )
  assert.match(await send(server, 'Points', 'vip@friend.test'), /^250/)
  assert.equal((await server.mailbox(anna)).length, 1)
  const trail = await trailOf(server)
  assert.ok(trail.includes('mail: it is to be taken, whatever its points (he may)'))
  assert.ok(trail.includes('data: +20 points (it says so)'))
})

const faulty = `
let calls = 0
export function mail(session) {
  calls++
  if (session.reversePath === 'throws@friend.test')
    throw new Error('what now')
  if (session.reversePath === 'waits@friend.test') return new Promise(() => {})
  if (session.reversePath === 'loops@friend.test') for (;;);
  if (session.reversePath === 'eats@friend.test') { const all = []; for (;;) all.push(new Array(1e5).fill(calls)) }
  if (session.reversePath === 'lies@friend.test') return { action: 'reject', code: 250, text: 'Ok' }
  if (session.reversePath === 'changes@friend.test') session.heloName = 'other.test'
  if (session.reversePath === 'counts@friend.test') return { action: 'score', points: 1, reason: 'call ' + calls }
  if (session.reversePath === 'strays@friend.test') void Promise.reject(new Error('nobody waits'))
}
`

test('an exception, a verdict that is none, or a change of what is frozen costs only the verdict', async t => {
  const { server, file } = await start(t, faulty)
  for (const name of ['throws', 'lies', 'changes'])
    assert.match(await send(server, name, `${name}@friend.test`), /^250/, name)
  assert.equal((await server.mailbox(anna)).length, 3)
  const said = (await trailOf(server)).filter(line => line.startsWith('mail: no verdict'))
  assert.deepEqual(said.slice(0, 1), [`mail: no verdict: ${file}:6: Error: what now`])
  assert.match(said[1] ?? '', /it returned what is no verdict \(code: /)
  assert.match(said[2] ?? '', /:11: TypeError: Cannot assign to read only property 'heloName'/)
})

test('what a function leaves behind and fails later costs nobody a verdict', async t => {
  const lines: string[] = []
  const log: Log = { ...silentLog, warn: (_, fields) => void lines.push(String(fields?.['text'])) }
  const { server, file } = await start(t, faulty, log)
  const slow = await greet(server)
  await slow.write('MAIL FROM:<waits@friend.test>\r\n')
  assert.match(await send(server, 'Hello', 'strays@friend.test'), /^250/)
  // The same thread, which has counted on.
  assert.match(await send(server, 'Hello', 'counts@friend.test'), /^250/)
  assert.ok((await trailOf(server)).includes('mail: +1 points (call 3)'))
  assert.ok(
    lines.includes(`an error outside of its functions: ${file}:13: Error: nobody waits`),
    lines.join('\n'),
  )
  slow.destroy()
})

test('a promise that never ends costs its verdict after the deadline, and nobody else anything', async t => {
  const { server } = await start(t, faulty)
  const slow = await greet(server)
  await slow.write('MAIL FROM:<waits@friend.test>\r\n')
  assert.match(await send(server, 'Hello', 'counts@friend.test'), /^250/)
  server.clock.advance(5000)
  assert.equal((await slow.reply())?.code, 250)
  slow.destroy()
  await inTrail(server, /^mail: no verdict: it had not answered after 5 s$/)
  // The same thread: it has counted on.
  assert.match(await send(server, 'Again', 'counts@friend.test'), /^250/)
  assert.ok((await trailOf(server)).includes('mail: +1 points (call 3)'))
})

test('a session that ends while a function thinks is remembered until it has, and no longer', async t => {
  const { server } = await start(t, faulty)
  const slow = await greet(server)
  await slow.write('MAIL FROM:<waits@friend.test>\r\n')
  // The next session is served, so the function has been asked.
  assert.match(await send(server, 'Hello', 'counts@friend.test'), /^250/)
  slow.destroy()
  assert.match(await send(server, 'Hello', 'counts@friend.test'), /^250/)
  server.clock.advance(5000)
  await inTrail(server, /^mail: no verdict: it had not answered after 5 s$/)
})

test('a loop without an end stops no session; its thread is ended and started anew', async t => {
  const { server } = await start(t, faulty)
  const looping = await greet(server)
  await looping.write('MAIL FROM:<loops@friend.test>\r\n')
  const other = await greet(server)
  assert.equal((await other.command('NOOP'))?.code, 250)
  server.clock.advance(5000)
  // Without a verdict.
  assert.equal((await looping.reply())?.code, 250)
  server.clock.advance(1000)
  await other.write('MAIL FROM:<counts@friend.test>\r\n')
  assert.equal((await other.reply())?.code, 250)
  looping.destroy()
  other.destroy()
  await inTrail(server, /^mail: no verdict: its thread ran in a loop, and was ended$/)
  await eventually('the thread started anew', async () => {
    server.clock.advance(1000)
    await send(server, 'Hello', 'counts@friend.test')
    return (await trailOf(server)).includes('mail: +1 points (call 1)') || undefined
  })
})

test('what needs too much memory is ended, and started anew', async t => {
  const { server } = await start(t, faulty)
  assert.match(await send(server, 'Hello', 'eats@friend.test'), /^250/)
  await inTrail(
    server,
    /^mail: no verdict: its thread needed more than 32 MB \(hooks\.maxMegabytes\), and was ended$/,
  )
  await eventually('the thread started anew', async () => {
    server.clock.advance(1000)
    await send(server, 'Hello', 'counts@friend.test')
    return (await trailOf(server)).some(line => line.startsWith('mail: +1 points')) || undefined
  })
})

/** As editors do it: a new file takes the name of the old one. */
async function replace(file: string, source: string): Promise<void> {
  await writeFile(`${file}.new`, source)
  await rename(`${file}.new`, file)
}

const answering = (text: string): string =>
  `export const mail = (): unknown => ({ action: 'reject', code: 550, text: '${text}' })\n`

test('a file that changes is loaded anew; one that does not compile leaves the last good one, and raises an alert', async t => {
  const { server, file } = await start(t, answering('First'))
  assert.equal(await send(server, 'Hello'), '550 5.7.1 First')
  const until = async (reply: string): Promise<void> => {
    await eventually(reply, async () => {
      server.clock.advance(1000)
      return (await send(server, 'Hello')) === reply || undefined
    })
  }
  await replace(file, answering('Second'))
  await until('550 5.7.1 Second')
  await replace(file, 'export function mail() {\n  const text: = 3\n}\n')
  const [alert] = await eventually('the alert', async () => {
    server.clock.advance(1000)
    const alerts = await server.storage.run(listAlerts, { which: 'open' })
    return alerts.length > 0 ? alerts : undefined
  })
  assert.equal(alert?.kind, 'hook-file')
  assert.equal(alert?.subject, file)
  assert.ok(alert?.evidence.detail.startsWith(`${file}:2: SyntaxError: `), alert?.evidence.detail)
  assert.equal(await send(server, 'Hello'), '550 5.7.1 Second')
  await writeFile(file, answering('Third'))
  await until('550 5.7.1 Third')
  // Gone for good, it stays as it was.
  await rm(file)
  server.clock.advance(60_000)
  assert.equal(await send(server, 'Hello'), '550 5.7.1 Third')
})

test('a file that cannot be used from the start lets mail in as if there were none', async t => {
  const { server } = await start(t, 'export const male = 1\n')
  assert.match(await send(server, 'Hello'), /^250/)
  const [alert] = await eventually('the alert', async () => {
    const alerts = await server.storage.run(listAlerts, { which: 'open' })
    return alerts.length > 0 ? alerts : undefined
  })
  assert.match(
    alert?.evidence.detail ?? '',
    /it exports none of the functions connect, hello, mail, rcpt, data$/,
  )
})

test('what a file prints is in the log, within bounds', async t => {
  const told: string[] = []
  const log: Log = {
    ...silentLog,
    info: (message, fields) => void told.push(`${message}: ${String(fields?.['text'])}`),
    warn: message => void told.push(message),
  }
  await start(t, 'for (let n = 0; n < 1000; n++) console.log("line", n)\nexport const mail = () => {}\n', log)
  await eventually(
    'the end of it',
    async () => told.includes('the hook file says more than is kept') || undefined,
  )
  const lines = told.filter(line => line.startsWith('the hook file says: '))
  assert.equal(lines.length, 100)
  assert.equal(lines[99], 'the hook file says: line 99')
})

test('the example does what it says', async t => {
  const example = await readFile(resolve(import.meta.dirname, '../../examples/hooks.ts'), 'utf8')
  const { server } = await start(t, example)
  const unwelcome = await connect(server, '203.0.113.9')
  assert.equal(lineOf(await unwelcome.reply()), '554 5.7.1 This network is not welcome here')
  unwelcome.destroy()
  assert.match(await send(server, 'Hello', 'a@abcdefghijklmnopqrstuvwxyz.test'), /^250/)
  assert.ok((await trailOf(server)).includes('mail: +2 points (the domain of the sender looks made up)'))
})
