// docs/commands.md, from the tree of commands: what `postrider help <command>` prints, for all of them.
import { PassThrough } from 'node:stream'
import type { Command } from 'commander'
import { createProgram } from '../../src/cli/program.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { systemRandom } from '../../src/runtime/random.ts'

const introduction = `# Commands

Generated from \`src/cli\` by \`npm run generate\`. In a source checkout write \`npx postrider\` for \`postrider\`.

A command ends with 0 when it did what was asked, with 1 when it failed, and with 2 when it was called wrongly.

With \`--json\` stdout has the result and nothing else. A command that fails, or was called wrongly, writes one line to
stderr, and nothing else: \`{"error":{"code":"CLI_NOT_QUEUED","message":"…"}}\`. The code stays the same from version to
version; the message is for people, and may change. A result that is not whole (--limit) has a line on stderr beside it:
\`{"warning":{"code":"CLI_INCOMPLETE","message":"…"}}\`.`

const width = 110

export async function createDocumentedProgram(): Promise<Command> {
  const nowhere = new PassThrough()
  return await createProgram({
    surroundings: {
      clock: systemClock,
      random: systemRandom,
      environment: {},
      workingFolder: '/',
      programName: 'postrider',
      keyboard: nowhere,
      stdout: nowhere,
      stderr: nowhere,
      onInterrupt: () => () => {},
    },
  })
}

/** Every command and subcommand: ['queue', 'list'] → its command. */
export function allCommands(
  program: Command,
  path: readonly string[] = [],
): (readonly [readonly string[], Command])[] {
  return program.commands.flatMap(command => {
    const own = [...path, command.name()]
    return [[own, command] as const, ...allCommands(command, own)]
  })
}

export async function composeCommandsPage(): Promise<string> {
  const program = await createDocumentedProgram()
  const sections = [`\`\`\`text\n${helpOf(program)}\n\`\`\``]
  for (const [path, command] of allCommands(program)) {
    const heading = path.length === 1 ? '##' : '###'
    sections.push(`${heading} postrider ${path.join(' ')}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\``)
  }
  return `${[introduction, ...sections].join('\n\n')}\n`
}

function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({
    writeOut: piece => {
      text += piece
    },
    getOutHelpWidth: () => width,
    getOutHasColors: () => false,
  })
  command.outputHelp()
  return text
    .split('\n')
    .map(line => line.trimEnd())
    .join('\n')
    .trim()
}
