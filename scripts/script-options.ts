// The options of a script that people run: a mistake in them is told in a line, with how the script is used.
import { type ParseArgsConfig, parseArgs } from 'node:util'

/** As `parseArgs` of node:util; ends the process where that would throw. */
export function readOptions<Config extends ParseArgsConfig>(
  usage: string,
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config)
  } catch (cause) {
    return endForMistake(usage, cause instanceof Error ? cause.message : String(cause))
  }
}

/** `text`: what stands behind --`name`. */
export function readWholeNumber(usage: string, name: string, text: string, least: number): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= least) return number
  return endForMistake(usage, `--${name} ${text}: write a whole number, at least ${least}`)
}

export function endForMistake(usage: string, message: string): never {
  process.stderr.write(`${message}\n\n${usage}`)
  process.exit(2)
}
