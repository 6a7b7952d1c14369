// What is wrong with a script, told to whoever wrote it: where it stands, and what to do.

/** Line and column from 1; a column is a character, not a byte. */
export interface Position {
  readonly line: number
  readonly column: number
}

export interface SieveProblem extends Position {
  readonly text: string
}

/** Line ends of a text, so that an offset can be told as line and column. */
export class SourceText {
  readonly text: string
  readonly #lineStarts: number[] = [0]

  constructor(text: string) {
    this.text = text
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#lineStarts.push(at + 1)
  }

  positionAt(offset: number): Position {
    let low = 0
    let high = this.#lineStarts.length - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: offset - (this.#lineStarts[low] ?? 0) + 1 }
  }
}

/** In their order, each place once, and no more than anybody reads. */
export class Problems {
  readonly #source: SourceText
  readonly #max: number
  readonly #found = new Map<number, string>()
  /** Of all that were told, kept or not. */
  count = 0

  constructor(source: SourceText, max: number) {
    this.#source = source
    this.#max = max
  }

  /** The first one about a place is the nearest to its cause. */
  add(offset: number, text: string): void {
    this.count++
    if (!this.#found.has(offset) && !this.isFull) this.#found.set(offset, text)
  }

  get isFull(): boolean {
    return this.#found.size >= this.#max
  }

  get list(): readonly SieveProblem[] {
    return [...this.#found]
      .sort(([one], [other]) => one - other)
      .map(([offset, text]) => ({ ...this.#source.positionAt(offset), text }))
  }
}

/** 'line 3, column 7: …' */
export function formatProblem({ line, column, text }: SieveProblem): string {
  return `line ${line}, column ${column}: ${text}`
}
