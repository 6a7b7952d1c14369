// What a response is made of: text, and octets that may be more than memory should hold.

/** The octets of a literal. */
export interface Octets {
  readonly size: number
  /** Exactly `size` of them. In pieces: read as the client takes them, once, and given up with `return` when it goes away. */
  readonly content: Uint8Array | AsyncIterable<Uint8Array>
}

/** Text goes out in UTF-8. */
export type Piece = string | Octets

/** What goes out one behind another. */
export type Pieces = Piece | readonly Piece[]

export type LiteralForm =
  | 'literal'
  /** There may be NUL in it (RFC 3516 §4.2). */
  | 'literal8'

/** A response that is being written: neighbouring texts are one. */
export class PieceWriter {
  readonly #pieces: Piece[] = []
  #text = ''

  add(text: string): this {
    this.#text += text
    return this
  }

  addLiteral(octets: Octets, form: LiteralForm = 'literal'): this {
    this.#pieces.push(`${this.#text}${form === 'literal8' ? '~' : ''}{${octets.size}}\r\n`, octets)
    this.#text = ''
    return this
  }

  get pieces(): readonly Piece[] {
    return this.#text === '' ? this.#pieces : [...this.#pieces, this.#text]
  }
}
