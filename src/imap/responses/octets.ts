// What a response is made of: text, and octets that may be more than memory should hold.

/** The octets of a literal. */
export interface Octets {
  readonly size: number
  /** Exactly `size` of them. In pieces: read as the client takes them, once, and given up with `return` when it goes away. */
  readonly content: Uint8Array | AsyncIterable<Uint8Array>
}

/** Text goes out in UTF-8. */
export type Piece = string | Octets

/** '{5}' before them; `~`: there may be NUL in them (RFC 3516 §4.2). */
export function announce({ size }: Octets, form: 'literal' | 'literal8'): string {
  return `${form === 'literal8' ? '~' : ''}{${size}}\r\n`
}

/** Neighbouring texts become one. */
export function joinPieces(pieces: readonly Piece[]): readonly Piece[] {
  const joined: Piece[] = []
  for (const piece of pieces) {
    const last = joined.at(-1)
    if (typeof piece === 'string' && typeof last === 'string') joined[joined.length - 1] = last + piece
    else joined.push(piece)
  }
  return joined
}
