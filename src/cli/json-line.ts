// One object of a file of JSON lines, as the import commands read it.

export interface JsonLine {
  readonly given: Readonly<Record<string, unknown>>
  /** undefined: there is none of this name, or it is no text. */
  readonly textOf: (name: string) => string | undefined
}

/** undefined: it is no JSON. */
export function parseJsonLine(line: string): JsonLine | undefined {
  let given: Readonly<Record<string, unknown>>
  try {
    given = JSON.parse(line) as Readonly<Record<string, unknown>>
  } catch {
    // Whoever reads the file tells it with its line.
    return undefined
  }
  return {
    given,
    textOf: name => {
      const value = given[name]
      return typeof value === 'string' ? value : undefined
    },
  }
}
