// What the person types to run this program: messages name commands so that they can be typed as they stand.
import { basename } from 'node:path'
import type { Command } from 'commander'

export type ProgramName = 'postrider' | 'npx postrider'

export interface Start {
  /** process.argv[1]: the name under which the program was found. */
  readonly startedAs: string
  /** It runs as TypeScript: a source checkout. */
  readonly fromSource: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
}

export function findProgramName({ startedAs, fromSource, environment }: Start): ProgramName {
  // npx and npm start say so in the environment; otherwise nothing but npx finds it for sure.
  if (environment['npm_command'] !== undefined) return 'npx postrider'
  // A link that a shell found.
  if (basename(startedAs) === 'postrider') return 'postrider'
  return fromSource ? 'npx postrider' : 'postrider'
}

/** Texts of all parts, the running server's too, say "postrider queue list": this puts in its place what has to be typed. */
export function createCommandSpeller(root: Command, name: ProgramName): (text: string) => string {
  if (name === 'postrider') return text => text
  const commands = [...root.commands.map(command => command.name()), 'help'].join('|')
  const command = new RegExp(`(?<![\\w./-]|npx )postrider (?=(?:${commands})\\b|\\[options\\])`, 'g')
  return text => text.replaceAll(command, `${name} `)
}
