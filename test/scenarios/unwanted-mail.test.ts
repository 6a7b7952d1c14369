// Whether strangers' mail is wanted: what a scanner says, seen by the peer, by our user and in the trail.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Alert } from '../../src/alert/alert.ts'
import { describeAlert } from '../../src/alert/describe-alert.ts'
import { listAlerts } from '../../src/alert/operations.ts'
import { describeEvent } from '../../src/cli/format-trail.ts'
import { formatBlock } from '../../src/notice/format-text.ts'
import { awaitEvent } from '../harness/await-events.ts'
import { type ComposedServer, startComposedServer, unauthenticated } from '../harness/composed-server.ts'
import { eventually } from '../harness/eventually.ts'
import { startFakeRspamd } from '../scanner/fake-rspamd.ts'
import { sendAsStranger } from '../scanner/send-as-stranger.ts'

/** Answers by a word in the message; where it is. */
async function startRspamd(t: TestContext): Promise<string> {
  const answers: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    Pills: {
      action: 'add header',
      score: 8.5,
      required_score: 15,
      symbols: { PILLS: { score: 8.5, description: 'Pills' } },
      milter: { add_headers: { 'X-Spam': 'Yes\r\nX-Forged: 1' } },
    },
    Virus: { action: 'reject', score: 1, symbols: {}, messages: { smtp_message: 'It contains a virus' } },
    Later: { action: 'soft reject', score: 0, symbols: {} },
  }
  const { at } = await startFakeRspamd(t, told => {
    const word = Object.keys(answers).find(one => told.includes(one))
    return word === undefined ? { score: 0.1 } : (answers[word] ?? {})
  })
  return at
}

async function start(
  t: TestContext,
  at: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<ComposedServer> {
  return await startComposedServer(t, {
    hostname: 'mx.here.test',
    domains: ['here.test'],
    accounts: [{ address: 'anna@here.test' }],
    isBehindProxy: true,
    settings: {
      mailAuthentication: unauthenticated,
      scanners: [{ kind: 'rspamd', at, ...more }],
    },
  })
}

test('spam goes to Junk, with each line of its score in the trail', async t => {
  const at = await startRspamd(t)
  const server = await start(t, at)
  assert.equal((await sendAsStranger(server, 'Pills')).code, 250)
  await server.settled()
  assert.deepEqual(await server.mailbox('anna@here.test'), [])
  const [junk = ''] = await server.mailbox('anna@here.test', 'Junk')
  assert.match(junk, /^Postrider-Verdict: quarantine\r$/m)
  assert.match(junk, /^X-Spam: Yes {2}X-Forged: 1\r$/m)
  const screened = await awaitEvent(server, 'screened')
  assert.deepEqual(describeEvent(screened), {
    text: `Looked at whether it is spam (8.5 points), and put into Junk: rspamd at ${at}: it takes the message for spam`,
    notes: [`+8.5 by rspamd at ${at}: PILLS (Pills)`],
    dialogue: [],
  })
})

test('wanted mail is where it belongs, and leaves no line where nothing was said', async t => {
  const server = await start(t, await startRspamd(t), { weight: 0 })
  assert.equal((await sendAsStranger(server, 'Lunch')).code, 250)
  await server.settled()
  assert.equal((await server.mailbox('anna@here.test')).length, 1)
  assert.deepEqual(
    (await server.events()).filter(({ kind }) => kind === 'screened'),
    [],
  )
})

test('what a scanner refuses is refused in its words, to postmaster too', async t => {
  const server = await start(t, await startRspamd(t))
  const reply = await sendAsStranger(server, 'Virus')
  assert.equal(reply.code, 550)
  assert.deepEqual(reply.lines.slice(0, -1), ['5.7.1 The message was not accepted: It contains a virus'])
  const refused = await awaitEvent(server, 'refused')
  assert.equal(refused.screening?.score, 1)
  assert.equal((await sendAsStranger(server, 'Virus', 'postmaster@here.test')).code, 550)
  assert.equal((await sendAsStranger(server, 'Pills', 'postmaster@here.test')).code, 250)
})

test('what is too large for a scanner is taken, refused or kept aside, as the settings say, and the trail says why', async t => {
  const large = 'A line of a large message\r\n'.repeat(40_000)
  const at = await startRspamd(t)
  const refusing = await start(t, at, { maxMegabytes: 1, whenTooLarge: 'refuse', whenDown: 'defer' })
  assert.equal((await sendAsStranger(refusing, 'Small')).code, 250)
  const { code, lines } = await sendAsStranger(refusing, 'Large', 'anna@here.test', large)
  assert.equal(code, 550)
  assert.match(lines[0] ?? '', /not accepted: it is too large to be looked at \(1\.1 MB\)$/)
  const refused = await awaitEvent(refusing, 'refused')
  assert.match(refused.screening?.notAsked?.[0] ?? '', /and 1000000 are the most$/)
  const keeping = await start(t, at, { maxMegabytes: 1, whenTooLarge: 'quarantine' })
  assert.equal((await sendAsStranger(keeping, 'Large', 'anna@here.test', large)).code, 250)
  const kept = await awaitEvent(keeping, 'quarantined')
  assert.match(kept.because, /^it is too large to be looked at/)
  const taking = await start(t, at, { maxMegabytes: 1, whenDown: 'defer' })
  assert.equal((await sendAsStranger(taking, 'Large', 'anna@here.test', large)).code, 250)
  assert.match(
    (await awaitEvent(taking, 'screened')).screening.notAsked?.[0] ?? '',
    /and 1000000 are the most$/,
  )
})

test('a scanner that wants to see it later, or is away where that matters, puts it off', async t => {
  const at = await startRspamd(t)
  const server = await start(t, at)
  assert.equal((await sendAsStranger(server, 'Later')).code, 451)
  const strict = await start(t, '127.0.0.1:1', { whenDown: 'defer' })
  const reply = await sendAsStranger(strict, 'Lunch')
  assert.equal(reply.code, 451)
  assert.match(
    reply.lines.join(),
    /^4\.7\.1 The message cannot be accepted now: it could not be looked at; please try again later/,
  )
  // Which scanner it is, and where, is for the trail alone.
  assert.doesNotMatch(reply.lines.join(), /rspamd|127\.0\.0\.1/)
  assert.match(
    (await awaitEvent(strict, 'refused')).screening?.notAsked?.[0] ?? '',
    /rspamd at 127\.0\.0\.1:1/,
  )
  assert.equal((await sendAsStranger(strict, 'Lunch', 'postmaster@here.test')).code, 451)
  const mild = await start(t, '127.0.0.1:1')
  assert.equal((await sendAsStranger(mild, 'Lunch')).code, 250)
  const screened = await awaitEvent(mild, 'screened')
  assert.match(screened.screening.notAsked?.[0] ?? '', /nothing listens on this port there/)
})

test('of a scanner that is away an alert tells, until it answers again', async t => {
  let isThere = false
  const { at } = await startFakeRspamd(t, () => (isThere ? { score: 0 } : { action: 5 }))
  const server = await start(t, at, { whenDown: 'defer' })
  const alerts = async (): Promise<Alert[]> => await server.storage.run(listAlerts, { which: 'lasting' })
  for (let n = 0; n < 3; n++) assert.equal((await sendAsStranger(server, 'Lunch')).code, 451)
  const [alert] = await eventually('an alert', async () => {
    const found = await alerts()
    return found.length > 0 ? found : undefined
  })
  assert.ok(alert)
  assert.deepEqual([alert.kind, alert.subject], ['scanner-away', `rspamd at ${at}`])
  const told = formatBlock(describeAlert(alert, 0, 'en').block)
  assert.match(told, /is put off\s+\(451\)/)
  assert.match(told, /postrider check/)
  isThere = true
  assert.equal((await sendAsStranger(server, 'Lunch')).code, 250)
  await eventually('its end', async () => ((await alerts()).length === 0 ? true : undefined))
})

test('a message of a megabyte is shown whole', async t => {
  const { at } = await startFakeRspamd(t, told => ({ score: told.length > 1_000_000 ? 9 : 0 }))
  const server = await start(t, at)
  assert.equal(
    (await sendAsStranger(server, `Large\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(15_000)}`)).code,
    250,
  )
  await server.settled()
  assert.equal((await server.mailbox('anna@here.test', 'Junk')).length, 1)
})
