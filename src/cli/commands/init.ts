// postrider init: a production set-up, by flags or by questions.
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { runInit } from '../../setup/init.ts'
import { textsArgument } from '../arguments.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { settingsFileName } from '../find-settings.ts'
import { openOrBeginStorage } from '../open-storage.ts'

interface InitCommandOptions {
  readonly hostname?: string
  readonly domain?: readonly string[]
  readonly account?: string
  readonly listen?: readonly string[]
  readonly publicAddress?: readonly string[]
  readonly dataFolder?: string
  readonly language?: string
  readonly force?: true
}

export function addInitCommand(program: Command, run: CommandRun): void {
  addCommand(program, {
    usage: 'init',
    summary: 'Make a production set-up: settings file, DNS records, first account',
    description:
      'Make a production set-up: the settings file, the DNS records to publish, the domains and the first account. Asks for ' +
      'what the flags do not say.',
    examples: ['init', 'init --domain example.com --hostname mail.example.com --account anna@example.com'],
  })
    .option('--hostname <name>', 'the server’s own name')
    .addOption(
      new Option('--domain <domain>', 'a domain whose mail comes here; may be repeated').argParser(
        textsArgument,
      ),
    )
    .option('--account <address>', 'the first account')
    .addOption(
      new Option('--listen <address>', 'an address to listen on; default: every one').argParser(
        textsArgument,
      ),
    )
    .addOption(
      new Option('--public-address <address>', 'under which others reach this machine').argParser(
        textsArgument,
      ),
    )
    .option('--data-folder <folder>', 'where mail and accounts are kept')
    // Not as choices: what is wrong with the flags is told all at once.
    .option('--language <language>', 'of the reports to senders: en (default) or ru')
    .option('--force', 'write over a settings file that is there; the old one is kept beside it')
    .action(
      perform(run, async (invocation, options: InitCommandOptions) => {
        const { clock, random, keyboard, stderr, workingFolder } = invocation.surroundings
        const result = await runInit(
          {
            hostname: options.hostname,
            domains: options.domain,
            account: options.account,
            listen: options.listen,
            publicAddresses: options.publicAddress,
            dataFolder: options.dataFolder,
            language: options.language,
            force: options.force,
            file: resolve(workingFolder, invocation.settingsFile ?? settingsFileName),
          },
          { clock, random, input: keyboard, output: stderr, openStorage: openOrBeginStorage },
        )
        const { settingsFile, dnsFile, account, password } = result
        invocation.output.result({ settingsFile, dnsFile, account, password: password ?? null }, result.text)
      }),
    )
}
