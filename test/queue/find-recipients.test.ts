// The recipients that a selection means, page by page: all of them, none twice, whoever comes and goes meanwhile.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cancelRecipients } from '../../src/queue/administer.ts'
import { countRecipients, findRecipients } from '../../src/queue/find-recipients.ts'
import type { QueueSelection } from '../../src/queue/select-recipients.ts'
import { openQueue, type TestQueue } from './open-queue.ts'

async function find(
  queue: TestQueue,
  afterId: number,
  limit: number,
  selection: QueueSelection = {},
): Promise<number[]> {
  return await queue.storage.run(findRecipients, { selection, afterId, limit })
}

async function count(queue: TestQueue, selection: QueueSelection): Promise<number> {
  return await queue.storage.run(countRecipients, { selection })
}

test('page after page by recipient id, across messages', async t => {
  const queue = await openQueue(t)
  // Accepted in this order: recipient ids do not follow queue ids.
  await queue.accept({ to: ['a@example.org', 'b@example.org', 'c@example.org'], message: { id: 9 } })
  await queue.accept({ to: ['d@example.org', 'e@example.org'], message: { id: 8 } })
  assert.deepEqual(await find(queue, 0, 2), [1, 2])
  assert.deepEqual(await find(queue, 2, 2), [3, 4])
  assert.deepEqual(await find(queue, 4, 2), [5])
  assert.deepEqual(await find(queue, 0, 9, { queueId: 8 }), [4, 5])
})

test('who comes meanwhile is met, who goes is not', async t => {
  const queue = await openQueue(t)
  await queue.accept({ to: ['a@example.org', 'b@example.org', 'c@example.org'] })
  assert.deepEqual(await find(queue, 0, 2), [1, 2])
  await queue.administer(cancelRecipients, { forwardPath: 'c@example.org' })
  await queue.accept({ to: ['d@example.org'] })
  assert.deepEqual(await find(queue, 2, 2), [4])
})

test('the selected are found and counted', async t => {
  const queue = await openQueue(t)
  await queue.accept({ from: 'Anna@example.test', to: ['A@example.org', 'b@example.net'] })
  await queue.accept({ from: null, to: ['a@example.org'], held: true })
  for (const [selection, meant] of [
    [{}, [1, 2, 3]],
    [{ domain: 'example.org' }, [1, 3]],
    [{ state: 'held' }, [3]],
    [{ reversePath: '' }, [3]],
    // As people write addresses.
    [{ forwardPath: 'a@example.org' }, [1, 3]],
    [{ reversePath: 'anna@example.test' }, [1, 2]],
    [{ queueId: 1, domain: 'example.org' }, [1]],
    [{ domain: 'example.com' }, []],
  ] as const) {
    assert.deepEqual(await find(queue, 0, 9, selection), meant)
    assert.equal(await count(queue, selection), meant.length)
  }
})
