// How often something happened, and since when, for as many keys as there is room: a table of fixed size, in memory that all
// fronts share. A stranger chooses names and addresses, so what is remembered of them is bounded; of those that share a place
// the one with the lowest count is forgotten first, and of equals the one that began longest ago: so nobody makes his own
// count forgotten by bringing many others. Two fronts that count the same at one moment may lose one count between them.
import { randomInt } from 'node:crypto'
import { hashText } from '../runtime/hash-text.ts'

/** What threads hand to each other. */
export interface SharedCountTable {
  readonly slots: Uint32Array<SharedArrayBuffer>
  /** Of the hashes, so that nobody can choose names that share their places with others. */
  readonly keys: readonly [number, number]
}

export interface SharedCount {
  readonly count: number
  /** ms since 1970, to the second. */
  readonly since: number
}

const buckets = 8192
const slotsPerBucket = 8
/** Tag, count, seconds since 1970 when it began. */
const words = 3
const bucketWords = slotsPerBucket * words
const secondMs = 1000

/** 768 KiB, for 65,536 keys. */
export function createSharedCountTable(): SharedCountTable {
  const bytes = buckets * slotsPerBucket * words * Uint32Array.BYTES_PER_ELEMENT
  return {
    slots: new Uint32Array(new SharedArrayBuffer(bytes)),
    keys: [randomInt(2 ** 32), randomInt(2 ** 32)],
  }
}

export class SharedCounts {
  readonly #slots: Uint32Array<SharedArrayBuffer>
  readonly #keys: readonly [number, number]
  readonly #windowMs: number

  /** Each window of a key begins with the first count in it. */
  constructor({ slots, keys }: SharedCountTable, windowMs: number) {
    this.#slots = slots
    this.#keys = keys
    this.#windowMs = windowMs
  }

  /** undefined: none within the window. */
  read(key: string, now: number): SharedCount | undefined {
    const at = this.#find(key)
    return at === undefined ? undefined : this.#readAt(at, now)
  }

  /** Returns how often it is now. */
  add(key: string, now: number): number {
    const found = this.#find(key)
    if (found !== undefined && this.#readAt(found, now)) return Atomics.add(this.#slots, found + 1, 1) + 1
    this.#begin(found ?? this.#roomFor(key, now), key, now)
    return 1
  }

  /** As if it had never been counted but now. */
  restart(key: string, now: number): void {
    this.#begin(this.#find(key) ?? this.#roomFor(key, now), key, now)
  }

  forget(key: string): void {
    const at = this.#find(key)
    if (at !== undefined) Atomics.store(this.#slots, at, 0)
  }

  #begin(at: number, key: string, now: number): void {
    Atomics.store(this.#slots, at + 1, 1)
    Atomics.store(this.#slots, at + 2, Math.floor(now / secondMs))
    Atomics.store(this.#slots, at, this.#tagOf(key))
  }

  #readAt(at: number, now: number): SharedCount | undefined {
    const since = Atomics.load(this.#slots, at + 2) * secondMs
    return now - since < this.#windowMs ? { count: Atomics.load(this.#slots, at + 1), since } : undefined
  }

  #find(key: string): number | undefined {
    const tag = this.#tagOf(key)
    const first = this.#firstPlaceOf(key)
    for (let at = first; at < first + bucketWords; at += words)
      if (Atomics.load(this.#slots, at) === tag) return at
    return undefined
  }

  /** A place that nothing has, or whose window is over, or that whose count is lowest, or began longest ago. */
  #roomFor(key: string, now: number): number {
    const first = this.#firstPlaceOf(key)
    let place = first
    let least: SharedCount | undefined
    for (let at = first; at < first + bucketWords; at += words) {
      const held = Atomics.load(this.#slots, at) === 0 ? undefined : this.#readAt(at, now)
      if (!held) return at
      if (!least || held.count < least.count || (held.count === least.count && held.since < least.since)) {
        place = at
        least = held
      }
    }
    return place
  }

  #firstPlaceOf(key: string): number {
    return (hashText(key, this.#keys[0]) % buckets) * bucketWords
  }

  /** 0 is an empty place. */
  #tagOf(key: string): number {
    return hashText(key, this.#keys[1]) || 1
  }
}
