// postrider fetch: the mail that other servers keep for this one, at once.
import type { Command } from 'commander'
import { connectControl } from '../../main/control-client.ts'
import type { Fetched } from '../../main/mail-fetcher.ts'
import { UsageFault } from '../../runtime/fault.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { formatCount } from '../quantities.ts'

export function addFetchCommand(program: Command, run: CommandRun): void {
  addCommand(program, {
    usage: 'fetch',
    summary: 'Fetch the mail that other servers keep for this one, at once',
    description:
      'Fetch the mail that other servers keep for this one (ATRN), at once: from each [[fetch]] of the settings. The running ' +
      'server does it, as it does by itself every so many minutes.',
    examples: ['fetch'],
  }).action(
    perform(run, async invocation => {
      const settings = await invocation.settings()
      if (settings.fetch.length === 0)
        throw new UsageFault(
          'CLI_NOTHING_TO_FETCH_FROM',
          'The settings have no [[fetch]], so there is nobody to fetch from. docs/operations.md says how ("A server without a fixed address").',
        )
      const control = await connectControl(settings.dataFolder)
      if (!control)
        throw new UsageFault(
          'CLI_NO_SERVER',
          'No server is running on this data folder. Start it first: postrider serve',
        )
      let fetched: readonly Fetched[]
      try {
        fetched = await control.fetch()
      } finally {
        control.close()
      }
      invocation.output.result({ fetched }, fetched.map(describe).join('\n'))
      if (fetched.some(({ kind }) => kind === 'failed')) invocation.exitCode = 1
    }),
  )
}

function describe({ host, kind, messages, reason }: Fetched): string {
  switch (kind) {
    case 'fetched':
      return `${host}: ${formatCount(messages, 'message')} fetched.`
    case 'no-mail':
      return `${host}: there was no mail.`
    case 'failed':
      return `${host}: failed. ${reason ?? ''}`
    default:
      return kind satisfies never
  }
}
