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

/** `npm start`, `npm run start` or `npx postrider`, and not what some other script of npm's started and leaves running. */
export function isChildOfNpm(environment: Start['environment']): boolean {
  const { npm_command: command, npm_lifecycle_event: event, npm_lifecycle_script: script } = environment
  const isOurs = command === 'start' || command === 'exec' || (command === 'run' && event === 'start')
  return isOurs && script?.includes('postrider') === true
}

/**
 * Texts of all parts, the running server's too, say "postrider queue list": this puts in its place what has to be typed.
 * `settingsFile`: where commands don't look by themselves; those that are named are about the same server.
 */
export function createCommandSpeller(
  root: Command,
  name: ProgramName,
  settingsFile?: string,
): (text: string) => string {
  if (name === 'postrider' && settingsFile === undefined) return text => text
  const commands = root.commands.map(command => command.name()).join('|')
  const spelled = new RegExp(
    `(?<![\\w./-]|npx )postrider (?=((?:${commands})\\b[^"\\n]*)|help\\b|\\[options\\])`,
    'g',
  )
  return text =>
    text.replaceAll(spelled, (_, command: string | undefined) =>
      settingsFile === undefined || command === undefined || command.includes('--settings')
        ? `${name} `
        : `${name} --settings ${quoteForShell(settingsFile)} `,
    )
}

export function quoteForShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
