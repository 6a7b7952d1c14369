// Message sequence numbers (RFC 9051 §2.3.1.2): a session's own view of which UIDs are in the mailbox, a bit for each.
import { type Block, uidsPerBlock } from './blocks.ts'
import { live } from './message-state.ts'
import type { UidRange } from './uid-ranges.ts'

const wordsPerBlock = uidsPerBlock / 32

interface Bits {
  readonly number: number
  readonly words: Uint32Array
  count: number
  /** How many messages are in the blocks before. */
  before: number
}

export class MessageNumbers {
  /** Ascending; none of them is empty. */
  #blocks: Bits[]
  #unnumbered: readonly number[] = []

  constructor(blocks: readonly Block[]) {
    this.#blocks = blocks.map(readBits).filter(({ count }) => count > 0)
    this.#count()
  }

  /** EXISTS. */
  get count(): number {
    const last = this.#blocks.at(-1)
    return last ? last.before + last.count : 0
  }

  /** The greatest UID; 0 when there is none. */
  get lastUid(): number {
    return this.uidAt(this.count) ?? 0
  }

  /** undefined: it is not there. */
  numberOf(uid: number): number | undefined {
    const block = this.#blockOf(uid)
    return block && hasBit(block.words, uid % uidsPerBlock) ? this.#countUpTo(uid) : undefined
  }

  has(uid: number): boolean {
    return this.numberOf(uid) !== undefined
  }

  /** undefined: there are not so many. */
  uidAt(number: number): number | undefined {
    if (number < 1 || number > this.count) return undefined
    const block = this.#blocks[this.#findLast(({ before }) => before < number)]
    if (!block) return undefined
    let left = number - block.before
    for (const [at, word] of block.words.entries()) {
      const count = countBits(word)
      if (left <= count) return block.number * uidsPerBlock + at * 32 + placeOfBit(word, left)
      left -= count
    }
    return undefined
  }

  /** Of those UIDs that are there, ascending. */
  *uidsIn(ranges: readonly UidRange[]): Generator<number> {
    for (const { first, last } of ranges) {
      const start = this.#findLast(({ number }) => number * uidsPerBlock <= first)
      for (const { number, words } of this.#blocks.slice(Math.max(start, 0))) {
        const base = number * uidsPerBlock
        if (base > last) break
        const end = Math.min(last - base, uidsPerBlock - 1)
        for (let offset = Math.max(first - base, 0); offset <= end; offset++)
          if (hasBit(words, offset)) yield base + offset
      }
    }
  }

  /** How many UIDs of a range are there. */
  countIn({ first, last }: UidRange): number {
    return last < first ? 0 : this.#countUpTo(last) - this.#countUpTo(first - 1)
  }

  /** A new message, whose UID is greater than all before. */
  add(uid: number): void {
    const number = Math.floor(uid / uidsPerBlock)
    let block = this.#blocks.at(-1)
    if (block?.number !== number) {
      block = { number, words: new Uint32Array(wordsPerBlock), count: 0, before: this.count }
      this.#blocks.push(block)
    }
    const at = uid % uidsPerBlock
    block.words[at >>> 5] = (block.words[at >>> 5] ?? 0) | (1 << (at & 31))
    block.count++
  }

  /** Messages that are in the mailbox, between those with numbers, and have none themselves; ascending. */
  get unnumbered(): readonly number[] {
    return this.#unnumbered
  }

  passOver(uids: readonly number[]): void {
    if (uids.length === 0) return
    this.#unnumbered = [...new Set([...this.#unnumbered, ...uids])].sort((a, b) => a - b)
  }

  /** Of what has left: the sequence number that it had; undefined: it was not there. */
  remove(uid: number): number | undefined {
    const number = this.numberOf(uid)
    const block = this.#blockOf(uid)
    if (number === undefined || !block) return undefined
    const at = uid % uidsPerBlock
    block.words[at >>> 5] = (block.words[at >>> 5] ?? 0) & ~(1 << (at & 31))
    block.count--
    if (block.count === 0) this.#blocks = this.#blocks.filter(one => one !== block)
    this.#count()
    return number
  }

  #countUpTo(uid: number): number {
    const block = this.#blocks[this.#findLast(({ number }) => number * uidsPerBlock <= uid)]
    if (!block) return 0
    const at = uid - block.number * uidsPerBlock
    if (at >= uidsPerBlock) return block.before + block.count
    let count = block.before
    for (let word = 0; word < at >>> 5; word++) count += countBits(block.words[word] ?? 0)
    // `at & 31` bits below, and itself.
    return count + countBits((block.words[at >>> 5] ?? 0) & (0xffff_ffff >>> (31 - (at & 31))))
  }

  #count(): void {
    let before = 0
    for (const block of this.#blocks) {
      block.before = before
      before += block.count
    }
  }

  #blockOf(uid: number): Bits | undefined {
    const number = Math.floor(uid / uidsPerBlock)
    const block = this.#blocks[this.#findLast(one => one.number <= number)]
    return block?.number === number ? block : undefined
  }

  /** The place of the last block of which it holds, as it does of all before it; -1: of none. */
  #findLast(holds: (block: Bits) => boolean): number {
    let [low, high] = [-1, this.#blocks.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      const block = this.#blocks[middle]
      if (block && holds(block)) low = middle
      else high = middle - 1
    }
    return low
  }
}

function readBits({ number, states }: Block): Bits {
  const words = new Uint32Array(wordsPerBlock)
  let count = 0
  // By index: this is done for a million messages while others wait, and an iterator takes four times as long.
  for (let at = 0; at < states.length; at++) {
    if (((states[at] ?? 0) & live) === 0) continue
    words[at >>> 5] = (words[at >>> 5] ?? 0) | (1 << (at & 31))
    count++
  }
  return { number, words, count, before: 0 }
}

function hasBit(words: Uint32Array, at: number): boolean {
  return (((words[at >>> 5] ?? 0) >>> (at & 31)) & 1) === 1
}

function countBits(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555)
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
}

/** Of the `nth` bit that is set, from 1, counted from the lowest. */
function placeOfBit(word: number, nth: number): number {
  let rest = word
  for (let left = nth; left > 1; left--) rest &= rest - 1
  return 31 - Math.clz32(rest & -rest)
}
