// postrider export: the directory as one text file.
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { exportDirectory } from '../../directory/document.ts'
import { documentTables, formatDocument } from '../../directory/format-document.ts'
import { UsageFault } from '../../runtime/fault.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { formatCount } from '../quantities.ts'

export function addExportCommand(program: Command, run: CommandRun): void {
  addCommand(program, {
    usage: 'export [file]',
    summary: 'Write domains, accounts, aliases and groups to one text file',
    description:
      'Write domains, accounts (with password hashes), aliases and groups to one text file, or to stdout. ' +
      '"postrider apply" reads it back. On stdout --json writes the same tables as JSON.',
    examples: ['export directory.toml', 'export --json'],
  }).action(
    perform(run, async (invocation, _options: object, file?: string) => {
      const document = await invocation.withStorage(storage => storage.run(exportDirectory, undefined))
      if (file === undefined) {
        if (invocation.output.json) invocation.output.result(documentTables(document), '')
        else invocation.output.bytes(Buffer.from(formatDocument(document)))
        return
      }
      // Password hashes: for nobody but the owner.
      writeOwnFile(resolve(invocation.surroundings.workingFolder, file), formatDocument(document))
      invocation.output.result(
        { written: file, domains: document.domains.length, accounts: document.accounts.length },
        `Wrote ${formatCount(document.domains.length, 'domain')}, ${formatCount(document.accounts.length, 'account')} and ` +
          `${formatCount(document.redirections.length, 'alias or group', 'aliases and groups')} to ${file}.`,
      )
    }),
  )
}

function writeOwnFile(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o600 })
  } catch (cause) {
    throw new UsageFault(
      'CLI_EXPORT_UNWRITABLE',
      `${file} cannot be written (${cause instanceof Error ? cause.message : String(cause)}). Name a file in a folder where you may write.`,
      { cause },
    )
  }
}
