// Where a command writes: its result on stdout (tables for people, JSON for programs), all else on stderr; for programs
// stderr has nothing but the error of a command that failed.
import type { Writable } from 'node:stream'
import type { Clock } from '../runtime/clock.ts'
import { type Column, formatColumns } from './columns.ts'
import { printable } from './printable.ts'

/** A terminal, a pipe or a file. */
export type Screen = Writable & { readonly isTTY?: boolean }

export type Colour = 'red' | 'green' | 'yellow' | 'dim'

const colourCodes: Record<Colour, string> = { red: '31', green: '32', yellow: '33', dim: '2' }

export interface Progress {
  update(text: string): void
  end(): void
}

export class Output {
  readonly json: boolean
  readonly #stdout: Screen
  readonly #stderr: Screen
  readonly #colours: boolean
  readonly #clock: Clock
  readonly #spellCommands: (text: string) => string

  constructor(options: {
    readonly json: boolean
    readonly stdout: Screen
    readonly stderr: Screen
    readonly environment: Readonly<Record<string, string | undefined>>
    readonly clock: Clock
    /** Names commands as this program was started. */
    readonly spellCommands: (text: string) => string
  }) {
    this.json = options.json
    this.#stdout = options.stdout
    this.#stderr = options.stderr
    this.#clock = options.clock
    this.#spellCommands = options.spellCommands
    // https://no-color.org: present and not empty.
    const noColour = (options.environment['NO_COLOR'] ?? '') !== '' || options.environment['TERM'] === 'dumb'
    this.#colours = options.stdout.isTTY === true && !noColour
  }

  get interactive(): boolean {
    return this.#stdout.isTTY === true
  }

  /** The result: `value` for programs, `text` for people. Text from elsewhere is made printable here. */
  result(value: unknown, text: string): void {
    if (this.json) this.#stdout.write(`${JSON.stringify(value, null, 2)}\n`)
    else if (text !== '') this.say(text)
  }

  /** One of several results, on a line of its own, for programs that read as they come. */
  jsonLine(value: unknown): void {
    this.#stdout.write(`${JSON.stringify(value)}\n`)
  }

  /** Rows as a table, or as a JSON array; `empty` says to people that there is nothing, and what to do. */
  rows<Row>(
    rows: readonly Row[],
    columns: readonly Column<Row>[],
    toJson: (row: Row) => unknown,
    empty: string,
  ): void {
    if (this.json) this.result(rows.map(toJson), '')
    else if (rows.length === 0) this.note(empty)
    else this.#stdout.write(formatColumns(columns, rows))
  }

  /** A text of our own: its commands can be typed as they stand. */
  say(text: string, colour?: Colour): void {
    this.line(this.#spellCommands(text), colour)
  }

  line(text: string, colour?: Colour): void {
    this.#stdout.write(`${this.paint(printable(text), colour)}\n`)
  }

  paint(text: string, colour: Colour | undefined): string {
    return colour && this.#colours ? `\u001b[${colourCodes[colour]}m${text}\u001b[0m` : text
  }

  /** Bytes as they are: for a file or a pipe. */
  bytes(bytes: Uint8Array): void {
    this.#stdout.write(bytes)
  }

  /** Bytes that a stranger wrote: as they are into a file or a pipe, made printable on a terminal. Waits for a slow reader. */
  async foreign(bytes: Uint8Array): Promise<void> {
    const data = this.interactive
      ? printable(Buffer.from(bytes).toString('utf8').replaceAll('\r\n', '\n'))
      : bytes
    if (this.#stdout.write(data)) return
    await new Promise<void>(resolve => {
      this.#stdout.once('drain', resolve)
    })
  }

  /** For a person only. */
  note(text: string): void {
    if (!this.json) this.#stderr.write(`${printable(this.#spellCommands(text))}\n`)
  }

  /** What was asked for and the result does not have; a program would not notice. */
  incomplete(text: string): void {
    const warning = { code: 'CLI_INCOMPLETE', message: text }
    if (this.json) this.#stderr.write(`${JSON.stringify({ warning })}\n`)
    else this.note(text)
  }

  /** Appears only when something takes longer than a second; on a terminal it is one line that changes. For a person only. */
  progress(): Progress {
    const firstMs = 1000
    const terminal = this.#stderr.isTTY === true
    const everyMs = terminal ? 200 : 10_000
    let nextAt = this.#clock.now() + firstMs
    let shown = false
    return {
      update: text => {
        const now = this.#clock.now()
        if (this.json || now < nextAt) return
        nextAt = now + everyMs
        shown = true
        this.#stderr.write(terminal ? `\r\u001b[K${printable(text)}` : `${printable(text)}\n`)
      },
      end: () => {
        if (shown && terminal) this.#stderr.write('\r\u001b[K')
      },
    }
  }
}
