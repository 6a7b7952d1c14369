// How often something happened, and since when, for as many keys as there is room: a table of fixed size, in memory that all
// fronts share. A stranger chooses names and addresses, so what is remembered of them is bounded; what began longest ago is
// forgotten first. Two fronts that count the same at one moment may lose one count between them.
import { randomInt } from 'node:crypto'
import { hashText } from '../runtime/hash-text.ts'

/** What threads hand to each other. */
export interface LoginCountTable {
  readonly slots: Uint32Array<SharedArrayBuffer>
  /** Of the hashes, so that nobody can choose names that share their places with others. */
  readonly keys: readonly [number, number]
}

export interface LoginCount {
  readonly count: number
  /** ms since 1970, to the second. */
  readonly since: number
}

const buckets = 8192
const slotsPerBucket = 8
/** Tag, count, seconds since 1970 when it began. */
const words = 3
const secondMs = 1000

/** 768 KiB, for 65,536 keys. */
export function createLoginCountTable(): LoginCountTable {
  const bytes = buckets * slotsPerBucket * words * Uint32Array.BYTES_PER_ELEMENT
  return {
    slots: new Uint32Array(new SharedArrayBuffer(bytes)),
    keys: [randomInt(2 ** 32), randomInt(2 ** 32)],
  }
}

export class LoginCounts {
  readonly #slots: Uint32Array<SharedArrayBuffer>
  readonly #keys: readonly [number, number]
  readonly #windowMs: number

  /** Each window of a key begins with the first count in it. */
  constructor({ slots, keys }: LoginCountTable, windowMs: number) {
    this.#slots = slots
    this.#keys = keys
    this.#windowMs = windowMs
  }

  /** undefined: none within the window. */
  read(key: string, now: number): LoginCount | undefined {
    const at = this.#find(key)
    return at === undefined ? undefined : this.#readAt(at, now)
  }

  add(key: string, now: number): void {
    const found = this.#find(key)
    if (found !== undefined && this.#readAt(found, now)) {
      Atomics.add(this.#slots, found + 1, 1)
      return
    }
    this.#begin(found ?? this.#roomFor(key, now), key, now)
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

  #readAt(at: number, now: number): LoginCount | undefined {
    const since = Atomics.load(this.#slots, at + 2) * secondMs
    return now - since < this.#windowMs ? { count: Atomics.load(this.#slots, at + 1), since } : undefined
  }

  #find(key: string): number | undefined {
    const tag = this.#tagOf(key)
    return this.#placesOf(key).find(at => Atomics.load(this.#slots, at) === tag)
  }

  /** A place that nothing has, or whose window is over, or that which began longest ago. */
  #roomFor(key: string, now: number): number {
    let oldest = 0
    let oldestSince = Number.POSITIVE_INFINITY
    for (const at of this.#placesOf(key)) {
      const held = Atomics.load(this.#slots, at) === 0 ? undefined : this.#readAt(at, now)
      const since = held?.since ?? -1
      if (since < oldestSince) [oldest, oldestSince] = [at, since]
    }
    return oldest
  }

  #placesOf(key: string): number[] {
    const first = (hashText(key, this.#keys[0]) % buckets) * slotsPerBucket
    return Array.from({ length: slotsPerBucket }, (_, n) => (first + n) * words)
  }

  /** 0 is an empty place. */
  #tagOf(key: string): number {
    return hashText(key, this.#keys[1]) || 1
  }
}
