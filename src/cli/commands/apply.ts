// postrider apply: makes the directory what a text file says, after showing what that changes.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { mechanismsOf, type Settings } from '../../config/settings.ts'
import { applyDocument, hashPasswords } from '../../directory/apply-document.ts'
import { compareDocuments, type DirectoryChange, formatChange } from '../../directory/compare-documents.ts'
import { directoryFault } from '../../directory/directory-fault.ts'
import { type DirectoryDocument, exportDirectory } from '../../directory/document.ts'
import { storedPassword } from '../../directory/new-password.ts'
import { type DocumentProblem, parseDocument } from '../../directory/parse-document.ts'
import { UsageFault } from '../../runtime/fault.ts'
import { scramHashesOf } from '../../sasl/mechanisms.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { describeFileError } from '../describe-file-error.ts'
import type { Invocation } from '../invocation.ts'
import type { CommandStorage } from '../open-storage.ts'
import { confirm, readAll } from '../prompt.ts'
import { formatCount } from '../quantities.ts'

interface ApplyOptions {
  readonly dryRun?: true
  readonly yes?: true
  readonly force?: true
  readonly allowEmpty?: true
}

export function addApplyCommand(program: Command, run: CommandRun): void {
  addCommand(program, {
    usage: 'apply <file>',
    summary: 'Make domains, accounts, aliases and groups what a text file says',
    description:
      'Make domains, accounts, aliases and groups what a text file says ("-" is stdin). Shows what would change and asks ' +
      'first; changes all or nothing. What is not in the file is removed.',
    examples: ['apply directory.toml --dry-run', 'apply directory.toml'],
  })
    .option('--dry-run', 'only show what would change')
    .option('--yes', 'do not ask')
    .option('--force', 'remove accounts even if they have mail')
    .option('--allow-empty', 'remove everything when the file has no domain')
    .action(
      perform(run, async (invocation, options: ApplyOptions, file: string) => {
        const parsed = parseDocument(await readText(invocation, file))
        if (parsed.kind === 'problems') throw documentFault(nameOf(file), parsed.problems)
        const work = async (storage: CommandStorage, settings: Settings): Promise<void> => {
          const current = await storage.run(exportDirectory, undefined)
          const progress = invocation.output.progress()
          const terms = {
            random: invocation.random,
            at: invocation.clock.now(),
            scramHashes: options.dryRun ? [] : scramHashesOf(mechanismsOf(settings.login)),
          }
          const hashed = await hashPasswords(
            parsed.document,
            current,
            (name, password) => storedPassword(storage, name, password, terms),
            (done, of) => progress.update(`Passwords: ${done} of ${of}`),
          )
          progress.end()
          if (hashed.kind === 'problems') throw documentFault(nameOf(file), hashed.problems)
          const changes = compareDocuments(current, hashed.document)
          showChanges(invocation, changes)
          const apply =
            changes.length > 0 &&
            options.dryRun !== true &&
            (await mayApply(invocation, options, file, hashed.document))
          if (apply) {
            const { orphanedFiles } = await storage.run(applyDocument, {
              document: hashed.document,
              shown: changes,
              withContents: options.force === true,
              at: invocation.clock.now(),
            })
            await invocation.discardMailData(orphanedFiles)
          }
          invocation.output.result({ changes, applied: apply }, closingLine(changes, apply))
        }
        // What only looks makes nothing.
        if (options.dryRun) await invocation.withStorage(work)
        else await invocation.withStorageToBegin(work)
      }),
    )
}

async function readText(invocation: Invocation, file: string): Promise<string> {
  try {
    const bytes =
      file === '-'
        ? await readAll(invocation.surroundings.keyboard)
        : readFileSync(resolve(invocation.surroundings.workingFolder, file))
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new UsageFault('CLI_FILE', `${nameOf(file)} cannot be read: ${describeFileError(cause)}`, { cause })
  }
}

function nameOf(file: string): string {
  return file === '-' ? 'stdin' : file
}

function documentFault(file: string, problems: readonly DocumentProblem[]): UsageFault {
  const lines = problems.map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`)
  return directoryFault('DIRECTORY_DOCUMENT', `${lines.join('\n')}\nNothing was changed.`)
}

function showChanges(invocation: Invocation, changes: readonly DirectoryChange[]): void {
  if (invocation.output.json) return
  const colours = { add: 'green', change: 'yellow', remove: 'red' } as const
  for (const change of changes) invocation.output.line(formatChange(change), colours[change.action])
}

async function mayApply(
  invocation: Invocation,
  options: ApplyOptions,
  file: string,
  document: DirectoryDocument,
): Promise<boolean> {
  // An export that failed leaves such a file: it must not empty the server, whoever says yes.
  if (document.domains.length === 0 && !options.allowEmpty) {
    throw new UsageFault(
      'CLI_EMPTY_DOCUMENT',
      `${nameOf(file)} has no domain: applied, it would remove everything. Nothing was changed; if everything is to go, repeat this with --allow-empty.`,
    )
  }
  if (options.yes) return true
  const { keyboard, stderr } = invocation.surroundings
  if (keyboard.isTTY === true && file !== '-') return await confirm('Apply these changes?', keyboard, stderr)
  throw new UsageFault(
    'CLI_NOT_CONFIRMED',
    'Nothing was changed: add --yes to apply these changes, or --dry-run to only see them.',
  )
}

function closingLine(changes: readonly DirectoryChange[], applied: boolean): string {
  if (changes.length === 0) return 'Nothing to change: the server is as the file says.'
  const counted = formatCount(changes.length, 'change')
  return applied ? `Applied ${counted}.` : `${counted}; nothing was applied.`
}
