// postrider export: the directory as one text file; and mail as files that other programs read (export-mail.ts).
import { chmodSync, statSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { exportDirectory } from '../../directory/document.ts'
import { documentTables, formatDocument } from '../../directory/format-document.ts'
import { UsageFault } from '../../runtime/fault.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { describeFileError } from '../describe-file-error.ts'
import type { Invocation } from '../invocation.ts'
import { formatCount } from '../quantities.ts'
import { addMailExports } from './export-mail.ts'

export function addExportCommand(program: Command, run: CommandRun): void {
  const parent = addCommand(program, {
    usage: 'export [file]',
    summary:
      'Write domains, accounts, aliases and groups to one text file; or the mail of an account: maildir, mbox',
    description:
      'Write domains, accounts (with password hashes), aliases and groups to one text file, or to stdout. ' +
      '"postrider apply" reads it back. On stdout --json writes the same tables as JSON. Mail is written by "export maildir" and ' +
      '"export mbox". Sieve scripts, shared mailboxes, lists of senders and DKIM keys are in neither: a backup of the storage has them.',
    examples: [
      'export directory.toml',
      'export directory.toml --force',
      'export --json',
      'export maildir anna@example.test /srv/export/anna',
    ],
  })
  addMailExports(parent, run)
  parent.option('--force', 'write over a file that is there').action(
    perform(run, async (invocation, options: { force?: true }, file?: string) => {
      const document = await invocation.withStorage(storage => storage.run(exportDirectory, undefined))
      if (file === undefined) {
        if (invocation.output.json) invocation.output.result(documentTables(document), '')
        else invocation.output.bytes(Buffer.from(formatDocument(document)))
        return
      }
      // Password hashes: for nobody but the owner.
      writeOwnFile(invocation, file, formatDocument(document), options.force === true)
      invocation.output.result(
        { written: file, domains: document.domains.length, accounts: document.accounts.length },
        `Wrote ${formatCount(document.domains.length, 'domain')}, ${formatCount(document.accounts.length, 'account')} and ` +
          `${formatCount(document.redirections.length, 'alias or group', 'aliases and groups')} to ${file}.`,
      )
    }),
  )
}

function writeOwnFile({ surroundings }: Invocation, file: string, text: string, force: boolean): void {
  const path = resolve(surroundings.workingFolder, file)
  try {
    // What is there may be open to others.
    if (force && statSync(path, { throwIfNoEntry: false })?.isFile()) chmodSync(path, 0o600)
    writeFileSync(path, text, { mode: 0o600, flag: force ? 'w' : 'wx' })
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') {
      throw new UsageFault(
        'CLI_FILE_EXISTS',
        `${file} is there already. Name another file, or repeat this with --force to write over it.`,
        { cause },
      )
    }
    throw new UsageFault('CLI_FILE', `${file} cannot be written: ${describeFileError(cause)}`, { cause })
  }
}
