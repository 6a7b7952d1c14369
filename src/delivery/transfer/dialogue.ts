// The dialogue of one attempt, for the trail: bounded, because a stranger writes half of it.

const maxLines = 120
const maxLineLength = 400

export class Dialogue {
  lines: string[] = []
  readonly #onLine: ((line: string) => void) | undefined

  /** `onLine`: for who watches. */
  constructor(onLine?: (line: string) => void) {
    this.#onLine = onLine
  }

  /** 'C: …' or 'S: …'. */
  add(line: string): void {
    this.#onLine?.(line)
    if (this.lines.length < maxLines) {
      this.lines.push(line.length > maxLineLength ? `${line.slice(0, maxLineLength)}…` : line)
    } else if (this.lines.length === maxLines) this.lines.push('…')
  }

  /** The lines so far, once. */
  take(): readonly string[] {
    const { lines } = this
    this.lines = []
    return lines
  }

  /** What happened between the lines. */
  note(text: string): void {
    this.add(`-- ${text}`)
  }
}
