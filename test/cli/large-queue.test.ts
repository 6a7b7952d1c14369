// Commands over more of the queue than fits into one page.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Surroundings } from '../../src/cli/invocation.ts'
import { noServerText } from '../../src/cli/missing-server.ts'
import { acceptMessage } from '../../src/queue/accept-message.ts'
import { claimDueWork } from '../../src/queue/claim-due-work.ts'
import { formatQueueId } from '../../src/queue/queue-id.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { openLocalStorage } from '../../src/storage/local-storage.ts'
import { openMailDataFiles } from '../../src/storage/mail-data-files.ts'
import { createMailDataStore } from '../../src/storage/mail-data-store.ts'
import { address } from '../directory/open-directory.ts'
import { makeServerFolder, type Ran, runHere } from './run-postrider.ts'

/** Messages 1, 2, 3 … with so many recipients; the first is from anna@example.test, all others from nobody (<>). */
async function fillQueue(context: TestContext, ...sizes: readonly number[]): Promise<string> {
  const folder = makeServerFolder(remove => context.after(remove))
  const dataFolder = join(folder, 'mail-data')
  const storage = await openLocalStorage(dataFolder)
  for (const [index, size] of sizes.entries()) {
    const writer = createMailDataStore(openMailDataFiles(dataFolder, systemRandom), storage).create()
    await writer.write(Buffer.from('Subject: Test\r\n\r\nText\r\n'))
    const mailData = await writer.finish()
    const accepted = await storage.run(acceptMessage, {
      message: {
        id: index + 1,
        reversePath: index === 0 ? address('anna@example.test') : null,
        size: mailData.size,
        body: '7BIT',
        smtpUtf8: false,
        disposition: 'mail',
        acceptedAt: 0,
        expiresAt: 1,
        language: 'en',
        isReport: false,
      },
      mailData,
      recipients: Array.from({ length: size }, (_, n) => ({
        forwardPath: address(`r${n}@example.org`),
      })),
      held: false,
    })
    assert.equal(accepted, 'accepted')
  }
  await storage.close()
  return folder
}

async function queue(
  folder: string,
  parameters: readonly string[],
  own?: Partial<Surroundings>,
): Promise<Ran> {
  return await runHere(folder, ['queue', ...parameters], own)
}

test('every recipient is held, released and cancelled, and counted', async context => {
  const folder = await fillQueue(context, 700, 700)
  for (const [verb, done] of [
    ['hold', 'held'],
    ['release', 'released'],
    ['retry', 'due now'],
    ['cancel', 'cancelled'],
  ] as const) {
    assert.deepEqual(await queue(folder, [verb, '--all']), {
      exitCode: 0,
      stdout: `1400 recipients ${done}.\n`,
      stderr: verb === 'release' || verb === 'retry' ? `${noServerText}\n` : '',
    })
  }
  assert.match((await queue(folder, ['list'])).stderr, /^The queue is empty/)
})

test('what takes longer than a second says how far it is, to people', async context => {
  const folder = await fillQueue(context, 1200)
  const slowClock = (): Surroundings['clock'] => {
    let now = 0
    return { ...systemClock, now: () => (now += 20_000) }
  }
  const held = await queue(folder, ['hold', '--all'], { clock: slowClock() })
  assert.equal(held.stderr, 'Recipients: 500 of 1200\nRecipients: 1000 of 1200\nRecipients: 1200 of 1200\n')
  assert.match((await queue(folder, ['list'], { clock: slowClock() })).stderr, /^Messages: 1\n/)
  assert.equal((await queue(folder, ['release', '--all', '--json'], { clock: slowClock() })).stderr, '')
})

test('Ctrl-C ends it between two pages; it says how far it came, and can be repeated', async context => {
  const folder = await fillQueue(context, 1200)
  const stopped = await queue(folder, ['hold', '--all'], {
    onInterrupt(listener) {
      listener()
      return () => {}
    },
  })
  assert.deepEqual(stopped, {
    exitCode: 1,
    stdout: '',
    stderr: 'Interrupted.\n500 recipients held, 500 of 1200 looked at. Repeat the command for the rest.\n',
  })
  assert.equal((await queue(folder, ['hold', '--all'])).stdout, '700 recipients held.\n')
})

test('the null reverse-path selects mail from nobody', async context => {
  const folder = await fillQueue(context, 1, 2)
  const listed = await queue(folder, ['list', '--from', '<>', '--json'])
  assert.deepEqual(
    (JSON.parse(listed.stdout) as { queueId: string }[]).map(({ queueId }) => queueId),
    [formatQueueId(2)],
  )
  assert.equal((await queue(folder, ['cancel', '--from', '<>'])).stdout, '2 recipients cancelled.\n')
  assert.equal(
    (await queue(folder, ['cancel', '--from', 'anna@example.test'])).stdout,
    '1 recipient cancelled.\n',
  )
})

test('retry of what is held says so, and how to deliver it', async context => {
  const folder = await fillQueue(context, 1, 2)
  await queue(folder, ['hold', formatQueueId(2)])
  assert.equal(
    (await queue(folder, ['retry', formatQueueId(2)])).stdout,
    '0 recipients due now.\n2 recipients held: "postrider queue release" delivers what is held.\n',
  )
  assert.deepEqual(JSON.parse((await queue(folder, ['retry', '--all', '--json'])).stdout), {
    action: 'retry',
    recipients: 1,
    held: 2,
    kept: 0,
    noServer: true,
  })
})

test('a queue id that is not there: nothing is done to the others either', async context => {
  const folder = await fillQueue(context, 1)
  const ran = await queue(folder, ['cancel', formatQueueId(1), formatQueueId(7)])
  assert.equal(ran.exitCode, 1)
  assert.match(ran.stderr, new RegExp(`^${formatQueueId(7)} is not in the queue`))
  assert.match((await queue(folder, ['list'])).stdout, /r0@example\.org/)
})

test('a list says that there is more only when there is', async context => {
  const folder = await fillQueue(context, 1, 1, 1)
  assert.doesNotMatch((await queue(folder, ['list', '--limit', '3'])).stderr, /Only the first/)
  assert.match(
    (await queue(folder, ['list', '--limit', '2'])).stderr,
    /^Only the first 2 messages; --limit shows more\.\n/,
  )
  const listed = await queue(folder, ['list', '--limit', '2', '--json'])
  assert.equal((JSON.parse(listed.stdout) as unknown[]).length, 2)
  assert.deepEqual(JSON.parse(listed.stderr), {
    warning: { code: 'CLI_INCOMPLETE', message: 'Only the first 2 messages; --limit shows more.' },
  })
  assert.equal((await queue(folder, ['list', '--limit', '3', '--json'])).stderr, '')
})

/** As when the server was killed at its work: everything is under a lease, and no server runs. */
async function fillAndClaim(context: TestContext, ...sizes: readonly number[]): Promise<string> {
  const folder = await fillQueue(context, ...sizes)
  const storage = await openLocalStorage(join(folder, 'mail-data'))
  const now = systemClock.now()
  await storage.run(claimDueWork, { now, leaseUntil: now + 300_000, owner: 'gone', maxRecipients: 100 })
  await storage.close()
  return folder
}

test('without a server nothing is being delivered, whatever a killed one had begun', async context => {
  const folder = await fillAndClaim(context, 1)
  assert.match((await queue(folder, ['list'])).stdout, /r0@example\.org +due /)
  assert.match((await queue(folder, ['show', formatQueueId(1)])).stdout, /^State: +due, 0 attempts$/m)
  const trace = await runHere(folder, ['trace', formatQueueId(1)])
  assert.match(trace.stdout, /^Now: r0@example\.org is due, and waits for its turn\.$/m)
})

test('what is being delivered is told apart: it may arrive though held or cancelled, and needs no retry', async context => {
  const folder = await fillAndClaim(context, 2)
  const retried = await queue(folder, ['retry', '--all'])
  assert.equal(retried.stdout, '0 recipients due now.\n2 recipients being delivered just now.\n')
  assert.equal(
    (await queue(folder, ['hold', '--all'])).stdout,
    '2 recipients held.\n2 recipients of these being delivered at the time: what that does not deliver stays on hold.\n',
  )
  assert.equal(
    (await queue(folder, ['hold', '--all'])).stdout,
    '0 recipients held.\n2 recipients on hold already.\n',
  )
  assert.match((await queue(folder, ['release', '--all'])).stdout, /^2 recipients released\.\n/)
  assert.match(
    (await queue(folder, ['release', '--all'])).stdout,
    /^0 recipients released\.\n2 recipients not on hold: "postrider queue retry" tries what waits\.\n/,
  )
  const cancelled = await queue(folder, ['cancel', '--all'])
  assert.match(
    cancelled.stdout,
    /^2 recipients cancelled\.\n2 recipients of these being delivered at the time: /,
  )
})
