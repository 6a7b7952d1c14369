// What is given up, or cannot be taken under its id, leaves nothing behind; on either engine.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createQueueIdMaker } from '../../src/queue/queue-id.ts'
import { trailOfMessage } from '../../src/trail/operations.ts'
import { eventually } from '../harness/eventually.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { inPieces, openIntake, queuedAs, type TestIntake } from './open-intake.ts'

const smallText = 'Subject: small\r\n\r\nText\r\n'
const largeText = `Subject: large\r\n\r\n${'x'.repeat(400_000)}\r\n`

for (const [kind, text] of [
  ['a message in its row', smallText],
  ['a message in a file', largeText],
] as const) {
  test(`an id that another node has made: 451, ${kind}; the next one is taken`, async t => {
    const clock = createManualClock()
    const nextId = createQueueIdMaker(clock, 0)
    const ids = [nextId(), nextId()]
    const made = [ids[0], ids[0], ids[1]]
    const intake = await openIntake(t, { nextQueueId: () => made.shift() ?? 0 })
    const first = await intake.receive('Subject: first\r\n\r\n')
    const reply = await intake.receive(text)
    assert.deepEqual([reply.code, reply.enhanced], [451, '4.3.0'])
    assert.deepEqual(await intake.mailDataFiles(), [])
    assert.match(await intake.textOf(first), /Subject: first/)
    assert.equal((await intake.storage.run(trailOfMessage, { queueId: queuedAs(first) })).length, 1)
    assert.equal(queuedAs(await intake.receive(text)), ids[1])
  })
}

/** Nobody waits for what is given up. */
async function filesGone(intake: TestIntake): Promise<void> {
  const ask = async (): Promise<true | undefined> => (await intake.mailDataFiles()).length === 0 || undefined
  await eventually('the file is removed', ask, { forMs: 5000, everyMs: 1 })
}

test('given up before the end, a message leaves nothing behind', async t => {
  const intake = await openIntake(t)
  for (const pieces of [[], inPieces('Subject: x', 10), inPieces(smallText, 7)]) {
    const sink = intake.open()
    for (const piece of pieces) await sink.write(piece)
    sink.abort()
  }
  const sink = intake.open()
  for (const piece of inPieces(largeText, 65_536)) await sink.write(piece)
  const written = async (): Promise<true | undefined> =>
    (await intake.mailDataFiles()).length === 1 || undefined
  await eventually('a part of it is written', written, { forMs: 5000, everyMs: 1 })
  sink.abort()
  await filesGone(intake)
  assert.equal(await intake.messages(), 0)
  assert.deepEqual(intake.logged, [])
})

for (const [kind, text] of [
  ['a body', largeText],
  ['a header section, with the body waiting behind it', `${'X: y\r\n'.repeat(20_000)}${largeText}`],
] as const) {
  test(`given up while the disk is busy with ${kind}, a message leaves nothing behind`, async t => {
    const intake = await openIntake(t)
    const sink = intake.open()
    const written = sink.write(Buffer.from(text))
    sink.abort()
    await written
    await filesGone(intake)
    assert.equal(await intake.messages(), 0)
    assert.deepEqual(intake.logged, [])
  })
}
