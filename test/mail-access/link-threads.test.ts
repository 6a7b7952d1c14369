// THREAD=REFERENCES of as many messages as a mailbox has, whatever strangers have written into them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Thread } from '../../src/imap/responses/thread.ts'
import { ThreadLinks } from '../../src/mail-access/link-threads.ts'

const count = 50_000

/** Message `n` says so of itself, and is of the time `n`. */
async function thread(
  messages: number,
  referencesOf: (n: number) => readonly number[],
): Promise<readonly Thread[]> {
  const links = new ThreadLinks()
  for (let n = 1; n <= messages; n++)
    links.add(
      { number: n, date: n, subject: '', isAnswer: false },
      `<${n}@x>`,
      referencesOf(n).map(reference => `<${reference}@x>`),
    )
  return await links.threads()
}

/** Every number, parents first. */
function numbersOf(threads: readonly Thread[]): (number | undefined)[] {
  const order = [...threads]
  for (const { answers } of order) for (const answer of answers) order.push(answer)
  return order.map(({ number }) => number)
}

test('50,000 messages in a row, whichever comes first', async () => {
  const forth = await thread(count, n => [n - 1])
  assert.equal(forth.length, 1)
  assert.equal(numbersOf(forth).at(-1), count)
  const back = await thread(count, n => [n + 1])
  assert.equal(back.length, 1)
  assert.deepEqual(numbersOf(back).slice(0, 2), [count, count - 1])
})

test('25,000 answers to one message that is not there, of which others said that they answer another', async () => {
  const half = count / 2
  const [all, ...others] = await thread(count, n => (n <= half ? [0, n + half] : [count + 1]))
  assert.deepEqual([all?.number, all?.answers.length, others.length], [undefined, half, 0])
  assert.deepEqual(all?.answers[0], { number: half + 1, answers: [{ number: 1, answers: [] }] })
})

test('references in circles at the end of a long row cost each message little', async () => {
  const [messages, deep] = [10_000, 5_000]
  const threads = await thread(messages, n =>
    n <= deep ? [n - 1] : Array.from({ length: 100 }, (_, at) => (at % 2 === 0 ? deep : 1)),
  )
  assert.equal(new Set(numbersOf(threads)).size, messages)
})

test('other sessions have their turns meanwhile', async () => {
  let [turns, isOver] = [0, false]
  const take = (): void => {
    turns++
    if (!isOver) setImmediate(take)
  }
  setImmediate(take)
  await thread(count, n => [n - (n % 10)])
  isOver = true
  assert.ok(turns >= 50, `${turns} turns`)
})

test('whatever they refer to, each message is told of once', async () => {
  const reference = fc.integer({ min: 0, max: 12 })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(reference, { maxLength: 5 }), { maxLength: 10 }), async each => {
      const numbers = numbersOf(await thread(each.length, n => each[n - 1] ?? []))
      const told = numbers.filter(number => number !== undefined).toSorted((a, b) => a - b)
      assert.deepEqual(
        told,
        each.map((_, at) => at + 1),
      )
    }),
  )
})
