// A clock that jumps from one event to the next. Before it jumps, all that the last event has set going comes to rest: what
// is under way is counted, not waited for.
import type { Clock, Timer } from '../src/runtime/clock.ts'

interface Entry {
  readonly at: number
  /** Of two at one time the one that was asked for first comes first. */
  readonly order: number
  callback: (() => void) | undefined
}

/**
 * The server's parts put off work to the next turn of the event loop, and no further, before they ask the storage or set a
 * timer, which is counted. So after two turns in which nothing was counted, nothing is left to be done at this time.
 */
const quietTurns = 2

export class SimulatedClock implements Clock {
  #now: number
  #order = 0
  #heap: Entry[] = []
  #counted = 0
  #underWay = 0

  constructor(start: number) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  after(ms: number, callback: () => void): Timer {
    return this.#add(this.#now + Math.max(0, Math.ceil(ms)), callback)
  }

  every(ms: number, callback: () => void): Timer {
    let timer = this.after(ms, () => {})
    const again = (): void => {
      timer = this.after(ms, () => {
        again()
        callback()
      })
    }
    timer.cancel()
    again()
    return { cancel: () => timer.cancel() }
  }

  wait(ms: number): Promise<void> {
    return new Promise(resolve => {
      this.after(ms, resolve)
    })
  }

  /** Time stands still until it has ended. */
  async hold<Output>(work: () => Promise<Output>): Promise<Output> {
    this.#underWay++
    this.#counted++
    try {
      return await work()
    } finally {
      this.#underWay--
      this.#counted++
    }
  }

  async runUntil(end: number): Promise<void> {
    while (await this.#step(end));
    this.#now = Math.max(this.#now, end)
  }

  /** Lets time pass until it has settled. */
  async runUntilSettled<Output>(work: Promise<Output>): Promise<Output> {
    const state = { isSettled: false }
    const settled = (): void => {
      state.isSettled = true
    }
    work.then(settled, settled)
    while (!state.isSettled && (await this.#step(Infinity)));
    return await work
  }

  /** False: nothing is to happen until then. */
  async #step(end: number): Promise<boolean> {
    await this.#rest()
    while (this.#heap[0] && !this.#heap[0].callback) this.#pop()
    const next = this.#heap[0]
    if (!next || next.at > end) return false
    this.#now = Math.max(this.#now, next.at)
    for (let due = this.#heap[0]; due && due.at <= this.#now; due = this.#heap[0]) {
      this.#pop()
      due.callback?.()
    }
    return true
  }

  async #rest(): Promise<void> {
    let seen = this.#counted
    for (let quiet = 0; quiet < quietTurns || this.#underWay > 0; ) {
      await turn()
      if (this.#counted === seen) quiet++
      else quiet = 0
      seen = this.#counted
    }
  }

  #add(at: number, callback: () => void): Timer {
    const entry: Entry = { at, order: this.#order++, callback }
    this.#counted++
    this.#push(entry)
    return {
      cancel: () => {
        entry.callback = undefined
      },
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let place = heap.length
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = heap[above]
      if (!other || isBefore(other, entry)) break
      heap[place] = other
      place = above
    }
    heap[place] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (!last || heap.length === 0) return
    let place = 0
    for (;;) {
      let below = 2 * place + 1
      const [left, right] = [heap[below], heap[below + 1]]
      if (!left) break
      let other = left
      if (right && isBefore(right, left)) {
        below++
        other = right
      }
      if (isBefore(last, other)) break
      heap[place] = other
      place = below
    }
    heap[place] = last
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

function turn(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}
