// The bytes of one command, read from left to right (RFC 9051 §9).
//
// A literal stands in them as it came: '{5}', CRLF and its octets; only its size says where it ends. The first thing that is
// not as expected is kept as the problem, and from then on the cursor is at the end: every parser goes on to its own end with
// nothing to read, so no one of them has to look whether another has failed.
import { isUtf8 } from 'node:buffer'
import {
  astringCharacters,
  atomCharacters,
  type CharacterClass,
  digits,
  keywordCharacters,
} from './characters.ts'
import type { GrammarProblem, ProblemKind } from './problem.ts'
import type { GrammarTerms } from './terms.ts'

const carriageReturn = 0x0d
const quote = 0x22
const backslash = 0x5c
const leftBrace = 0x7b
const tilde = 0x7e
const maxNumber = 2 ** 32 - 1

const nothing = Buffer.alloc(0)

export class Cursor {
  readonly bytes: Buffer
  readonly terms: GrammarTerms
  #position = 0
  #problem: GrammarProblem | undefined

  constructor(bytes: Buffer, terms: GrammarTerms, position = 0) {
    this.bytes = bytes
    this.terms = terms
    this.#position = position
  }

  get position(): number {
    return this.#position
  }

  get atEnd(): boolean {
    return this.#position >= this.bytes.length
  }

  get problem(): GrammarProblem | undefined {
    return this.#problem
  }

  /** `expected`: 'a mailbox name'. The first problem stays. */
  expect(expected: string): void {
    this.fail('syntax', `Expected ${expected} at character ${this.#position + 1}`)
  }

  fail(kind: ProblemKind, text: string): void {
    this.#problem ??= { kind, text }
    this.#position = this.bytes.length
  }

  /** Everything has to be read now. */
  end(): void {
    if (!this.atEnd) this.expect('the end of the command')
  }

  // Single characters

  /** -1 at the end. */
  peek(): number {
    return this.bytes[this.#position] ?? -1
  }

  sees(character: string): boolean {
    return this.peek() === character.charCodeAt(0)
  }

  get seesDigit(): boolean {
    return digits[this.peek()] === 1
  }

  /** A blank, and this character behind it. */
  seesBehindBlank(character: string): boolean {
    return this.sees(' ') && this.bytes[this.#position + 1] === character.charCodeAt(0)
  }

  takes(character: string): boolean {
    if (!this.sees(character)) return false
    this.#position++
    return true
  }

  skip(character: string): void {
    if (!this.takes(character)) this.expect(character === ' ' ? 'a blank' : character)
  }

  /** One blank, as the grammar has it everywhere. */
  blank(): void {
    this.skip(' ')
  }

  // Words

  /** As many as there are, perhaps none. */
  run(characters: CharacterClass): string {
    const start = this.#position
    let end = start
    while (end < this.bytes.length && characters[this.bytes[end] ?? 0] === 1) end++
    this.#position = end
    return this.bytes.toString('latin1', start, end)
  }

  some(characters: CharacterClass, expected: string): string {
    const text = this.run(characters)
    if (text === '') this.expect(expected)
    return text
  }

  /** In upper case. */
  keyword(expected: string): string {
    return this.some(keywordCharacters, expected).toUpperCase()
  }

  /** One of these, in any case of its letters. Whoever asks for another is told them: `knows` is 'STATUS knows'. */
  oneOf<Word extends string>(
    words: readonly [Word, ...(readonly Word[])],
    expected: string,
    knows: string,
  ): Word {
    const keyword = this.keyword(expected)
    const word = words.find(each => each.toUpperCase() === keyword)
    if (word === undefined) this.fail('syntax', `${knows} ${words.join(' ')}`)
    return word ?? words[0]
  }

  /** The keyword that comes next, not yet taken; '' when there is none. */
  peekKeyword(): string {
    const start = this.#position
    const word = this.run(keywordCharacters)
    this.#position = start
    return word.toUpperCase()
  }

  /** Takes this keyword, and nothing when another one stands there. */
  takesKeyword(word: string): boolean {
    if (this.peekKeyword() !== word) return false
    this.#position += word.length
    return true
  }

  /** The same with a blank before it. */
  takesBehindBlank(word: string): boolean {
    const start = this.#position
    if (this.takes(' ') && this.takesKeyword(word)) return true
    this.#position = start
    return false
  }

  skipKeyword(word: string): void {
    if (!this.takesKeyword(word)) this.expect(word)
  }

  atom(expected: string): string {
    return this.some(atomCharacters, expected)
  }

  // Numbers

  number(expected = 'a number'): number {
    const value = this.#digits(expected)
    if (value > maxNumber) this.fail('syntax', `Expected ${expected} below 4294967296`)
    return value
  }

  nonZeroNumber(expected = 'a number above 0'): number {
    const value = this.number(expected)
    if (value === 0) this.expect(expected)
    return value
  }

  /**
   * number64 and mod-sequences have 63 bits (RFC 9051 §9, RFC 7162 §7). Ours stay below 2^53, so what is above it compares with
   * them as the largest of these does.
   */
  number64(expected = 'a number'): number {
    return Math.min(this.#digits(expected), Number.MAX_SAFE_INTEGER)
  }

  #digits(expected: string): number {
    const text = this.run(digits)
    if (text === '' || text.length > 19) {
      this.expect(expected)
      return 0
    }
    return Number(text)
  }

  // Strings

  get seesString(): boolean {
    return this.sees('"') || this.sees('{')
  }

  /** Quoted, or a literal. */
  string(expected = 'a string'): Buffer {
    if (this.sees('"')) return this.#quoted(expected)
    if (this.sees('{')) return this.#literal(expected)
    this.expect(expected)
    return nothing
  }

  /** Binary data: a literal8, or a literal that has no NUL in it anyway. */
  anyLiteral(expected: string): Buffer {
    if (this.seesLiteral8) this.#position++
    return this.#literal(expected)
  }

  get seesLiteral8(): boolean {
    return this.peek() === tilde && this.bytes[this.#position + 1] === leftBrace
  }

  astringBytes(expected: string): Buffer {
    if (this.seesString) return this.string(expected)
    return Buffer.from(this.some(astringCharacters, expected), 'latin1')
  }

  /** UTF-8, and no NUL in it. */
  astring(expected: string): string {
    if (!this.seesString) return this.some(astringCharacters, expected)
    return this.#text(this.string(expected), expected)
  }

  text(expected = 'a string'): string {
    return this.#text(this.string(expected), expected)
  }

  /** NIL is null. */
  nilOrText(expected: string): string | null {
    if (this.seesString) return this.text(expected)
    if (this.takesKeyword('NIL')) return null
    this.expect(`${expected} or NIL`)
    return null
  }

  #text(bytes: Buffer, expected: string): string {
    if (bytes.includes(0) || !isUtf8(bytes)) {
      this.expect(`${expected} in UTF-8, without NUL, before this`)
      return ''
    }
    return bytes.toString('utf8')
  }

  #quoted(expected: string): Buffer {
    const start = this.#position + 1
    let end = start
    let escapes = 0
    for (; end < this.bytes.length; end++) {
      const byte = this.bytes[end]
      if (byte === quote) break
      if (byte !== backslash) continue
      // RFC 9051 §9: only the quote and the backslash itself may stand behind one.
      const next = this.bytes[end + 1]
      if (next !== quote && next !== backslash) break
      escapes++
      end++
    }
    if (this.bytes[end] !== quote) {
      this.expect(`${expected} that ends with a quote`)
      return nothing
    }
    this.#position = end + 1
    const content = this.bytes.subarray(start, end)
    return escapes === 0 ? content : unescape(content, escapes)
  }

  #literal(expected: string): Buffer {
    this.skip('{')
    const size = this.#digits('the size of a literal')
    this.takes('+')
    this.skip('}')
    const start = this.#position + 2
    if (this.peek() !== carriageReturn || start + size > this.bytes.length) {
      this.expect(`${expected} as a literal`)
      return nothing
    }
    this.#position = start + size
    return this.bytes.subarray(start, start + size)
  }

  // Lists

  /** '(' item *(SP item) ')', bounded; `may-be-empty`: '()' too. */
  list<Item>(item: () => Item, emptiness: 'filled' | 'may-be-empty' = 'filled'): readonly Item[] {
    this.skip('(')
    if (emptiness === 'may-be-empty' && this.takes(')')) return []
    const items = this.separated(item)
    this.skip(')')
    return items
  }

  /** item *(SP item), up to what is no blank. */
  separated<Item>(item: () => Item): readonly Item[] {
    const items: Item[] = []
    do {
      items.push(item())
      if (items.length > this.terms.maxTerms)
        this.fail('too-complex', `A list may have ${this.terms.maxTerms} items`)
    } while (this.takes(' '))
    return items
  }

  /** In parentheses, or one alone. */
  listOrOne<Item>(item: () => Item): readonly Item[] {
    return this.sees('(') ? this.list(item) : [item()]
  }
}

function unescape(content: Buffer, escapes: number): Buffer {
  const plain = Buffer.allocUnsafe(content.length - escapes)
  let to = 0
  for (let from = 0; from < content.length; from++) {
    if (content[from] === backslash) from++
    plain[to++] = content[from] ?? 0
  }
  return plain
}
