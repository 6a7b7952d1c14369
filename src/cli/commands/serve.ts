// postrider serve: runs the server until it is told to stop.
import type { Command } from 'commander'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { findSettingsFile } from '../find-settings.ts'

export function addServeCommand(program: Command, run: CommandRun): void {
  addCommand(program, {
    usage: 'serve',
    summary: 'Run the server',
    description:
      'Run the server until it gets SIGINT or SIGTERM. --try starts one to try out: a domain under .test with two accounts, ' +
      'in the folder ./data, on ports 2525, 2587 and 2465.',
    examples: ['serve', 'serve --settings /etc/postrider/postrider.toml', 'serve --try'],
  })
    .option('--try', 'a server to try out, on this machine only')
    .action(
      perform(run, async (invocation, options: { try?: true }) => {
        // Loaded here: no other command needs the server, and it takes a while.
        const { runServe } = await import('../../main/serve.ts')
        const { workingFolder } = invocation.surroundings
        const settingsFile = options.try
          ? undefined
          : findSettingsFile(invocation.settingsFile, workingFolder)
        await runServe({ settingsFile, projectFolder: workingFolder, tryOut: options.try === true })
      }),
    )
}
