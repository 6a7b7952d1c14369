// Who gets a connection when there are few: whoever has none, before those who have some.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConnectionBudget, type ConnectionHolder } from '../../src/delivery/pacing/connection-budget.ts'

class Holder implements ConnectionHolder {
  readonly #budget: ConnectionBudget
  idle = 0
  woken = 0

  constructor(budget: ConnectionBudget) {
    this.#budget = budget
  }

  closeIdle(): boolean {
    if (this.idle === 0) return false
    this.idle--
    this.#budget.giveBack(this)
    return true
  }

  roomAgain(): void {
    this.woken++
  }
}

function take(budget: ConnectionBudget, holder: Holder, wanted: number): number {
  let taken = 0
  while (taken < wanted && budget.take(holder)) taken++
  return taken
}

test('a quarter is kept for those who have none', () => {
  const budget = new ConnectionBudget(8)
  assert.equal(take(budget, new Holder(budget), 100), 6)
  assert.equal(take(budget, new Holder(budget), 100), 1)
  assert.equal(take(budget, new Holder(budget), 100), 1)
  assert.equal(take(budget, new Holder(budget), 100), 0)
})

test('even the only one can be had', () => {
  const budget = new ConnectionBudget(1)
  assert.equal(take(budget, new Holder(budget), 2), 1)
})

test('a connection that does nothing makes room', () => {
  const budget = new ConnectionBudget(4)
  const [one, two] = [new Holder(budget), new Holder(budget)]
  assert.equal(take(budget, one, 3), 3)
  one.idle = 2
  budget.hasIdle(one)
  assert.equal(take(budget, two, 3), 2)
  assert.equal(one.idle, 0)
})

test('who waits is told of room that is for it', () => {
  const budget = new ConnectionBudget(4)
  const [many, none] = [new Holder(budget), new Holder(budget)]
  const others = [new Holder(budget)]
  assert.equal(take(budget, many, 5), 3)
  for (const other of others) assert.equal(take(budget, other, 1), 1)
  assert.equal(take(budget, none, 1), 0)
  assert.ok(budget.someoneWaits)
  assert.ok(budget.hasMoreThanItsShare(many))
  assert.ok(!budget.hasMoreThanItsShare(none))
  budget.giveBack(many)
  assert.equal(none.woken, 1)
  // It has more than the others, and what is left is not for it.
  assert.equal(many.woken, 0)
})
