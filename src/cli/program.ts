// The command `postrider` with all its subcommands, as a value: to run, and to write docs/commands.md from.
import { Command } from 'commander'
import { packageVersion } from '../config/package-version.ts'
import type { CommandRun } from './command.ts'
import { addAccountCommand } from './commands/account.ts'
import { addAlertsCommand } from './commands/alerts.ts'
import { addApplyCommand } from './commands/apply.ts'
import { addCertificateCommand } from './commands/certificate.ts'
import { addCheckCommand } from './commands/check.ts'
import { addClusterCommand } from './commands/cluster.ts'
import { addDmarcReportsCommand } from './commands/dmarc-reports.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addDomainCommand } from './commands/domain.ts'
import { addExportCommand } from './commands/export.ts'
import { addFetchCommand } from './commands/fetch.ts'
import { addImportCommand } from './commands/import.ts'
import { addInitCommand } from './commands/init.ts'
import { addMailCommand } from './commands/mail.ts'
import { addMailboxCommand } from './commands/mailbox.ts'
import { addMigrateCommand } from './commands/migrate.ts'
import { addProbeCommand } from './commands/probe.ts'
import { addQuarantineCommand } from './commands/quarantine.ts'
import { addQueueCommand } from './commands/queue.ts'
import { addAliasCommand, addGroupCommand } from './commands/redirection.ts'
import { addRepairCommand } from './commands/repair.ts'
import { addSendCommand } from './commands/send.ts'
import { addSenderCommand } from './commands/sender.ts'
import { addServeCommand } from './commands/serve.ts'
import { addSieveCommand } from './commands/sieve.ts'
import { addSpamCommand } from './commands/spam.ts'
import { addStrangersCommand } from './commands/strangers.ts'
import { addSuppressionCommand } from './commands/suppression.ts'
import { addTerminalCommand } from './commands/terminal.ts'
import { addTlsReportsCommand } from './commands/tls-reports.ts'
import { addTraceCommand } from './commands/trace.ts'
import { addVerifyCommand } from './commands/verify.ts'
import { addWhyCommand } from './commands/why.ts'

export function createProgram(run: CommandRun): Command {
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
  program.commandsGroup('The server:')
  addServeCommand(program, run)
  addInitCommand(program, run)
  addCheckCommand(program, run)
  addDoctorCommand(program, run)
  addAlertsCommand(program, run)
  addCertificateCommand(program, run)
  addVerifyCommand(program, run)
  addRepairCommand(program, run)
  addClusterCommand(program, run)
  addMigrateCommand(program, run)
  program.commandsGroup('Who is here:')
  addDomainCommand(program, run)
  addAccountCommand(program, run)
  addAliasCommand(program, run)
  addGroupCommand(program, run)
  addExportCommand(program, run)
  addApplyCommand(program, run)
  program.commandsGroup('Mail:')
  addWhyCommand(program, run)
  addTraceCommand(program, run)
  addProbeCommand(program, run)
  addQueueCommand(program, run)
  addSuppressionCommand(program, run)
  addQuarantineCommand(program, run)
  addMailCommand(program, run)
  addMailboxCommand(program, run)
  addImportCommand(program, run)
  addSpamCommand(program, run)
  addSenderCommand(program, run)
  addSieveCommand(program, run)
  addStrangersCommand(program, run)
  addSendCommand(program, run)
  addFetchCommand(program, run)
  addTerminalCommand(program, run)
  addTlsReportsCommand(program, run)
  addDmarcReportsCommand(program, run)
  return program
}
