// All mistakes of a settings file at once, each with its line, what is wrong and what to write instead.
import { UsageFault } from '../runtime/fault.ts'

export interface SettingsMistake {
  /** From 1; without a line the mistake is of the file as a whole. */
  readonly line?: number | undefined
  readonly column?: number | undefined
  /** The setting: 'listeners[0].port'. Without one the text itself could not be read. */
  readonly path?: string | undefined
  readonly message: string
}

export class SettingsFault extends UsageFault {
  readonly file: string
  readonly mistakes: readonly SettingsMistake[]

  constructor(file: string, mistakes: readonly SettingsMistake[], lines: readonly string[] = []) {
    super('SETTINGS_INVALID', formatMistakes(file, mistakes, lines))
    this.file = file
    this.mistakes = mistakes
  }
}

function formatMistakes(
  file: string,
  mistakes: readonly SettingsMistake[],
  lines: readonly string[],
): string {
  const head = `The settings file has ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}:`
  return [head, ...mistakes.map(mistake => formatMistake(file, mistake, lines))].join('\n\n')
}

function formatMistake(
  file: string,
  { line, column, message }: SettingsMistake,
  lines: readonly string[],
): string {
  if (line === undefined) return `${file}\n    ${message}`
  const text = lines[line - 1] ?? ''
  const number = `${line} | `
  // Under the same characters as above, tabs kept, so that the mark stands where it should.
  const indent = text.slice(0, (column ?? 1) - 1).replaceAll(/[^\t]/g, ' ')
  return `${file}:${line}:${column ?? 1}\n  ${number}${text}\n  ${' '.repeat(number.length)}${indent}^\n    ${message}`
}
