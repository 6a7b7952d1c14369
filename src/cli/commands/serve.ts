// postrider serve: runs the server until it is told to stop.
import { type Command, InvalidArgumentError } from 'commander'
import { listenerRoles } from '../../config/listener-roles.ts'
import { loadSettings } from '../../config/load-settings.ts'
import type { Settings } from '../../config/settings.ts'
import { UsageFault, WrongUsage } from '../../runtime/fault.ts'
import { startBanner } from '../../setup/start-banner.ts'
import { type TryOutPorts, tryOutSettings } from '../../setup/try-out.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { findSettingsFile, settingsFileName } from '../find-settings.ts'
import type { Invocation } from '../invocation.ts'
import { isChildOfNpm } from '../program-name.ts'

export function addServeCommand(program: Command, run: CommandRun): void {
  addCommand(program, {
    usage: 'serve',
    summary: 'Run the server',
    description:
      'Run the server until it gets SIGINT or SIGTERM. --try starts one to try out: a domain under .test with two accounts, ' +
      'in the folder ./data, on ports 2525, 2587 and 2465, for IMAP 2143 and 2993, for POP3 2110 and 2995, for ManageSieve 6190. The log goes to standard error: plain lines on a terminal, one JSON ' +
      'object a line anywhere else (docs/log.md).',
    examples: [
      'serve',
      'serve --settings /etc/postrider/postrider.toml',
      'serve --try',
      'serve --try --ports 3525,3587,3465',
    ],
  })
    .option('--try', 'a server to try out, on this machine only')
    .option(
      '--ports <ports>',
      `with --try: other ports for ${listenerRoles.join(', ')}; the last may be left to the system`,
      parsePorts,
    )
    .action(
      perform(run, async (invocation, options: ServeCommandOptions) => {
        const parent = isChildOfNpm(invocation.surroundings.environment) ? process.ppid : undefined
        // Loaded here: no other command needs the server, and it takes a while.
        const { runServe } = await import('../../main/serve.ts')
        await runServe({
          settings: await settingsToServe(invocation, options),
          tryOut: options.try === true,
          parent,
          announce: server => invocation.output.result(server, startBanner(server)),
        })
      }),
    )
}

interface ServeCommandOptions {
  readonly try?: true
  readonly ports?: TryOutPorts
}

async function settingsToServe(
  { settingsFile, surroundings: { workingFolder } }: Invocation,
  options: ServeCommandOptions,
): Promise<Settings> {
  if (options.try) {
    if (settingsFile !== undefined)
      throw new WrongUsage('A server to try out has no settings file: give either --try or --settings.')
    return tryOutSettings(workingFolder, { ports: options.ports })
  }
  if (options.ports)
    throw new WrongUsage(
      '--ports goes with --try. A server with a settings file has its ports in [[listeners]].',
    )
  const file = findSettingsFile(settingsFile, workingFolder)
  if (file !== undefined) return await loadSettings(file)
  throw new UsageFault(
    'SERVE_NO_SETTINGS',
    `There is no ${settingsFileName} here. Make one with "postrider init", name one with --settings <file>, or try the server out with "postrider serve --try".`,
  )
}

const leastPorts = 3

function parsePorts(text: string): TryOutPorts {
  const ports = text.split(',').map(Number)
  if (
    ports.length < leastPorts ||
    ports.length > listenerRoles.length ||
    new Set(ports).size !== ports.length ||
    !ports.every(port => Number.isInteger(port) && port >= 1 && port <= 65_535)
  )
    throw new InvalidArgumentError(
      `It has to be three different ports from 1 to 65535, as in 3525,3587,3465, or up to ${listenerRoles.length} (${listenerRoles.join(', ')}).`,
    )
  return Object.fromEntries(ports.map((port, index) => [listenerRoles[index], port]))
}
