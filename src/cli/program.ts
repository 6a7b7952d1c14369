// The command `postrider` with all its subcommands, as a value: to run, and to write docs/commands.md from.
import { Command } from 'commander'
import { packageVersion } from '../config/package-version.ts'
import type { CommandRun } from './command.ts'

type AddCommand = (program: Command, run: CommandRun) => void

/** Under their headings. Each loads parts of the server that the others do without. */
const commands: Readonly<Record<string, Readonly<Record<string, () => Promise<AddCommand>>>>> = {
  'The server:': {
    serve: async () => (await import('./commands/serve.ts')).addServeCommand,
    init: async () => (await import('./commands/init.ts')).addInitCommand,
    check: async () => (await import('./commands/check.ts')).addCheckCommand,
    doctor: async () => (await import('./commands/doctor.ts')).addDoctorCommand,
    alerts: async () => (await import('./commands/alerts.ts')).addAlertsCommand,
    certificate: async () => (await import('./commands/certificate.ts')).addCertificateCommand,
    verify: async () => (await import('./commands/verify.ts')).addVerifyCommand,
    repair: async () => (await import('./commands/repair.ts')).addRepairCommand,
    cluster: async () => (await import('./commands/cluster.ts')).addClusterCommand,
    migrate: async () => (await import('./commands/migrate.ts')).addMigrateCommand,
  },
  'Who is here:': {
    domain: async () => (await import('./commands/domain.ts')).addDomainCommand,
    account: async () => (await import('./commands/account.ts')).addAccountCommand,
    alias: async () => (await import('./commands/redirection.ts')).addAliasCommand,
    group: async () => (await import('./commands/redirection.ts')).addGroupCommand,
    export: async () => (await import('./commands/export.ts')).addExportCommand,
    apply: async () => (await import('./commands/apply.ts')).addApplyCommand,
  },
  'Mail:': {
    why: async () => (await import('./commands/why.ts')).addWhyCommand,
    trace: async () => (await import('./commands/trace.ts')).addTraceCommand,
    probe: async () => (await import('./commands/probe.ts')).addProbeCommand,
    queue: async () => (await import('./commands/queue.ts')).addQueueCommand,
    suppression: async () => (await import('./commands/suppression.ts')).addSuppressionCommand,
    quarantine: async () => (await import('./commands/quarantine.ts')).addQuarantineCommand,
    mail: async () => (await import('./commands/mail.ts')).addMailCommand,
    mailbox: async () => (await import('./commands/mailbox.ts')).addMailboxCommand,
    import: async () => (await import('./commands/import.ts')).addImportCommand,
    spam: async () => (await import('./commands/spam.ts')).addSpamCommand,
    sender: async () => (await import('./commands/sender.ts')).addSenderCommand,
    sieve: async () => (await import('./commands/sieve.ts')).addSieveCommand,
    strangers: async () => (await import('./commands/strangers.ts')).addStrangersCommand,
    send: async () => (await import('./commands/send.ts')).addSendCommand,
    fetch: async () => (await import('./commands/fetch.ts')).addFetchCommand,
    terminal: async () => (await import('./commands/terminal.ts')).addTerminalCommand,
    'tls-reports': async () => (await import('./commands/tls-reports.ts')).addTlsReportsCommand,
    'dmarc-reports': async () => (await import('./commands/dmarc-reports.ts')).addDmarcReportsCommand,
  },
}

/** `parameters`: what is to be run; the commands that it does not name are there by their names alone. Default: all are whole. */
export async function createProgram(run: CommandRun, parameters?: readonly string[]): Promise<Command> {
  const program = new Command('postrider')
    .description('A complete mail server.')
    .version(packageVersion(), '--version', 'print the version')
    .option(
      '--settings <file>',
      'the settings file; default: ./postrider.toml, else the try-out server in ./data',
    )
    .option('--json', 'print the result as JSON, for programs')
    .helpOption('-h, --help', 'explain the command')
    .addHelpText(
      'after',
      '\nExample:\n  postrider serve --try\n\n"postrider help <command>" explains a command and shows an example.',
    )
    .addHelpText('afterAll', '\nEvery command takes --settings <file> and --json.')
    .configureHelp({ showGlobalOptions: false })
    .showSuggestionAfterError(true)
  const wanted = wantedOf(parameters)
  for (const [heading, ofHeading] of Object.entries(commands)) {
    program.commandsGroup(heading)
    for (const [name, load] of Object.entries(ofHeading)) {
      if (wanted(name)) (await load())(program, run)
      else program.command(name)
    }
  }
  return program
}

/** A word may be the value of an option, and is loaded in vain then. Without a name, all are told of. */
function wantedOf(parameters: readonly string[] = []): (name: string) => boolean {
  const isNamed = (name: string): boolean => parameters.includes(name)
  const names = Object.values(commands).flatMap(ofHeading => Object.keys(ofHeading))
  return isNamed('help') || !names.some(isNamed) ? () => true : isNamed
}
