// Connections per host over all fronts, in memory that they share.
//
// A table of counters, in which a host has one in each of two rows, found by hashing; the smaller of the two is its
// count. It is never too small, and too large only when both are shared with other hosts that are connected now, or when
// two fronts add at one moment: then each may count the other. The hash is keyed, so that nobody can choose addresses that
// share a victim's.
import { randomInt } from 'node:crypto'
import type { ConnectionCounts } from '../connection/connection-counts.ts'
import { hashText } from '../runtime/hash-text.ts'

/** What threads hand to each other. */
export interface ConnectionCountTable {
  /** Each front has counters of its own, so that those of one that died can be forgotten. */
  readonly counters: Int32Array<SharedArrayBuffer>
  readonly fronts: number
  readonly keys: readonly [number, number]
}

const slots = 16_384
const rows = 2

export function createConnectionCountTable(fronts: number): ConnectionCountTable {
  const bytes = fronts * rows * slots * Int32Array.BYTES_PER_ELEMENT
  return {
    counters: new Int32Array(new SharedArrayBuffer(bytes)),
    fronts,
    keys: [randomInt(2 ** 32), randomInt(2 ** 32)],
  }
}

/** The front has died, and its connections with it. */
export function forgetConnections({ counters }: ConnectionCountTable, front: number): void {
  counters.fill(0, front * rows * slots, (front + 1) * rows * slots)
}

/** Connections of all hosts, over all fronts. */
export function countConnections({ counters, fronts }: ConnectionCountTable): number {
  let sum = 0
  for (let front = 0; front < fronts; front++)
    for (const count of counters.subarray(front * rows * slots, (front * rows + 1) * slots)) sum += count
  return sum
}

/** Those of each protocol: whoever has many of one may have as many of another. */
export type CountsOf = (protocol: 'smtp' | 'imap' | 'pop3' | 'sieve') => ConnectionCounts

/** The counts as one front adds to them. */
export function shareConnectionCounts(table: ConnectionCountTable, front: number): CountsOf {
  const { counters, fronts, keys } = table
  const indexOf = (owner: number, row: number, slot: number): number => (owner * rows + row) * slots + slot
  const slotsOf = (host: string): number[] => keys.map(key => hashText(host, key) % slots)
  const addIn = (hostSlots: readonly number[], by: 1 | -1): void => {
    for (const [row, slot] of hostSlots.entries()) Atomics.add(counters, indexOf(front, row, slot), by)
  }
  const sumIn = (row: number, slot: number): number => {
    let sum = 0
    for (let owner = 0; owner < fronts; owner++) sum += Atomics.load(counters, indexOf(owner, row, slot))
    return sum
  }
  return protocol => ({
    // Into all rows before any is read: else of two fronts each could be the first in one of them, and both find room for one.
    add(host) {
      const hostSlots = slotsOf(`${protocol} ${host}`)
      addIn(hostSlots, 1)
      return Math.min(...hostSlots.map((slot, row) => sumIn(row, slot)))
    },
    remove(host) {
      addIn(slotsOf(`${protocol} ${host}`), -1)
    },
  })
}
