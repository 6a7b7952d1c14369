// postrider import: mail that is elsewhere, into the mailboxes of an account.
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Argument, type Command, Option } from 'commander'
import type { Address } from '../../address/address.ts'
import { formatAddress } from '../../address/format-address.ts'
import type { Settings } from '../../config/settings.ts'
import { displayAddress } from '../../directory/display.ts'
import type { ImapServerAddress } from '../../message-stores/imap/imap-connection.ts'
import { openImap } from '../../message-stores/imap/read-imap.ts'
import { type FolderReport, type ImportReport, importMail } from '../../message-stores/import-mail.ts'
import { openMaildir } from '../../message-stores/maildir/read-maildir.ts'
import { openMbox } from '../../message-stores/mbox/read-mbox.ts'
import type { MessageStore, StoredFolder } from '../../message-stores/message-store.ts'
import { UsageFault } from '../../runtime/fault.ts'
import { formatSize } from '../../runtime/format-size.ts'
import { accountIdOf } from '../account-id.ts'
import { addressArgument, portArgument, textsArgument } from '../arguments.ts'
import { type Column, formatColumns } from '../columns.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatBar } from '../format-bar.ts'
import type { Invocation } from '../invocation.ts'
import { askPassword } from '../prompt.ts'
import { formatCount } from '../quantities.ts'
import { inputName, readInput } from '../read-input.ts'

interface ImportOptions {
  readonly folder?: readonly string[]
  readonly below?: string
  readonly dryRun?: true
}

const again =
  'What has come before does not come again, so a command that was cut off is simply repeated, and a last run brings what is new.'

export function addImportCommand(program: Command, run: CommandRun): void {
  const parent = addCommand(program, {
    usage: 'import',
    summary: 'Bring mail that is elsewhere into an account: from a Maildir, mbox files, an IMAP server',
    examples: ['import maildir anna@example.test /home/anna/Maildir --dry-run'],
  })
  addWay(parent, {
    usage: 'maildir',
    summary: 'Bring the mail of a Maildir, with its folders and flags',
    description: `Bring the mail of a Maildir, with its folders (those of Maildir++ and those that are folders on disk), flags, keywords and times. ${again}`,
    examples: [
      'import maildir anna@example.test /home/anna/Maildir --dry-run',
      'import maildir anna@example.test /home/anna/Maildir',
    ],
  })
    .addArgument(new Argument('<folder>', 'the Maildir'))
    .action(
      perform(run, async (invocation, options: ImportOptions, address: Address, folder: string) => {
        const path = resolve(invocation.surroundings.workingFolder, folder)
        await bring(invocation, options, address, () => openMaildir(path))
      }),
    )
  addWay(parent, {
    usage: 'mbox',
    summary: 'Bring the mail of an mbox file, or of a folder of them',
    description:
      'Bring the mail of an mbox file, or of a folder of such files, as Thunderbird, Apple Mail, mutt or Google Takeout write them, with ' +
      `the flags that stand in them. A file becomes the mailbox of its name. ${again}`,
    examples: [
      'import mbox anna@example.test /var/mail/anna --mailbox INBOX',
      'import mbox anna@example.test "Mail/Local Folders" --below Thunderbird',
    ],
  })
    .addArgument(new Argument('<path>', 'the file or folder'))
    .option('--mailbox <name>', 'the mailbox for a single file; default: the name of the file')
    .action(
      perform(
        run,
        async (
          invocation,
          options: ImportOptions & { readonly mailbox?: string },
          address: Address,
          path: string,
        ) => {
          const file = resolve(invocation.surroundings.workingFolder, path)
          await bring(invocation, options, address, () => openMbox(file, options.mailbox))
        },
      ),
    )
  addWay(parent, {
    usage: 'imap',
    summary: 'Bring the mail of an account on another IMAP server',
    description:
      'Bring the mail of an account on another IMAP server, with folders, flags, keywords, times and subscriptions. Nothing is changed ' +
      'there, and nothing marked as read. The password is asked for, or read from stdin or a file. When the connection breaks it is ' +
      `made again. ${again}`,
    examples: [
      'import imap anna@example.test imap.example.net --user anna@example.net --dry-run',
      'import imap anna@example.test imap.example.net --user anna@example.net --password-file password.txt',
      'import imap anna@example.test imap.gmail.com --user anna@gmail.com --token-file token.txt',
    ],
  })
    .addArgument(new Argument('<host>', 'name or IP address of the server'))
    .addOption(new Option('--user <name>', 'log in as; default: the address of the account'))
    .option('--password-file <file>', 'the first line is the password; "-" is stdin')
    .option('--token-file <file>', 'the first line is a token of OAuth 2.0 (XOAUTH2, OAUTHBEARER)')
    .addOption(
      new Option('--port <port>', 'default: 993, or 143 without implicit TLS').argParser(portArgument),
    )
    .addOption(
      new Option('--tls <mode>', 'never: only to this machine itself')
        .choices(['implicit', 'starttls', 'never'])
        .default('implicit'),
    )
    .option('--insecure', 'accept any certificate')
    .action(
      perform(run, async (invocation, options: ImapOptions, address: Address, host: string) => {
        const user = options.user ?? formatAddress(address)
        const source = {
          host,
          port: options.port ?? (options.tls === 'implicit' ? 993 : 143),
          tls: options.tls,
          verifyCertificate: options.insecure !== true,
          user,
          credential: await credentialFor(invocation, options, `Password of ${user} on ${host}: `),
        }
        await bring(invocation, options, address, () => Promise.resolve(openImap(source, { wait: sleep })))
      }),
    )
}

interface ImapOptions extends ImportOptions {
  readonly user?: string
  readonly passwordFile?: string
  readonly tokenFile?: string
  readonly port?: number
  readonly tls: ImapServerAddress['tls']
  readonly insecure?: true
}

async function credentialFor(
  invocation: Invocation,
  { passwordFile, tokenFile }: ImapOptions,
  question: string,
): Promise<ImapServerAddress['credential']> {
  const { keyboard, stderr } = invocation.surroundings
  const file = tokenFile ?? passwordFile
  if (file === undefined) return { kind: 'password', value: await askPassword(question, keyboard, stderr) }
  const [value = ''] = (await readInput(invocation, file)).split(/\r?\n/)
  if (value === '') throw new UsageFault('CLI_NO_PASSWORD', `The first line of ${inputName(file)} is empty.`)
  return { kind: tokenFile === undefined ? 'password' : 'token', value }
}

function addWay(parent: Command, text: Parameters<typeof addCommand>[1]): Command {
  return addCommand(parent, text)
    .addArgument(new Argument('<address>', 'the account').argParser(addressArgument))
    .addOption(
      new Option('--folder <name>', 'only this folder, and those below it; may be repeated').argParser(
        textsArgument,
      ),
    )
    .option('--below <mailbox>', 'put all folders below this mailbox, each with its own name')
    .option('--dry-run', 'only count; what the mailboxes have by another way counts as new then')
}

async function bring(
  invocation: Invocation,
  options: ImportOptions,
  address: Address,
  open: () => Promise<MessageStore>,
): Promise<void> {
  assertOwner(await invocation.settings())
  await invocation.withStorage(async (storage, settings) => {
    const accountId = await accountIdOf(storage, address)
    const store = await open()
    const progress = invocation.output.progress()
    let report: ImportReport
    try {
      const folders = choose(await store.folders(), options.folder)
      report = await invocation.whileInterruptible(isInterrupted =>
        importMail(
          {
            storage,
            mailData: invocation.mailData(storage, settings),
            clock: invocation.clock,
          },
          store,
          folders,
          {
            accountId,
            below: options.below,
            isDryRun: options.dryRun === true,
            isInterrupted,
            onProgress: ({ folder, done, of, bytes }) =>
              progress.update(`${formatBar(done, of)} ${formatSize(bytes)}  ${folder}`),
          },
        ),
      )
    } finally {
      progress.end()
      await store.close()
    }
    tell(invocation, address, store.remarks, report, options.dryRun === true)
  })
}

/** Large messages become files of the data folder, which the server has to be able to read. */
function assertOwner({ dataFolder, database }: Settings): void {
  const uid = process.getuid?.()
  const owner = database ? undefined : statSync(dataFolder, { throwIfNoEntry: false })?.uid
  if (uid === undefined || owner === undefined || owner === uid) return
  throw new UsageFault(
    'IMPORT_OTHER_USER',
    `The data folder ${dataFolder} belongs to another user, whose server could not read the mail that this one brings. Run this as him: sudo -u '#${owner}' …`,
  )
}

/** A name as the store or as people write it: 'Work/2025', 'Work.2025'. */
function choose(
  folders: readonly StoredFolder[],
  wanted: readonly string[] | undefined,
): readonly StoredFolder[] {
  if (!wanted) return folders
  const isBelow = (text: string, name: string, separator: string): boolean =>
    text === name || text.startsWith(name + separator)
  const chosen = new Set<StoredFolder>()
  for (const name of wanted) {
    const found = folders.filter(
      folder => folder.name === name || isBelow(folder.levels.join('/'), name, '/'),
    )
    if (found.length === 0)
      throw new UsageFault(
        'IMPORT_NO_SUCH_FOLDER',
        `There is no folder ${name}. There are: ${folders.map(folder => folder.levels.join('/')).join(', ')}.`,
      )
    for (const folder of found) chosen.add(folder)
  }
  return folders.filter(folder => chosen.has(folder))
}

const shownRefusals = 20

function tell(
  invocation: Invocation,
  address: Address,
  remarks: readonly string[],
  report: ImportReport,
  isDryRun: boolean,
): void {
  const { output } = invocation
  const { folders, refused, bytes, isInterrupted } = report
  const sum = (what: 'brought' | 'alreadyThere' | 'refused'): number =>
    folders.reduce((total, folder) => total + folder[what], 0)
  const problems = folders.filter(({ problem }) => problem !== undefined)
  if (sum('refused') > 0 || problems.length > 0 || isInterrupted) invocation.exitCode = exitCodes.failed
  const told = refused.slice(0, shownRefusals)
  const lines = [
    ...remarks,
    ...problems.map(({ folder, problem }) => `${folder} cannot come: ${problem ?? ''}.`),
    ...told.map(({ folder, place, why }) => `Not brought: ${folder}: ${place}: ${why}.`),
    ...(sum('refused') > told.length
      ? [`${formatCount(sum('refused') - told.length, 'more message')} not brought: --json names up to 1000.`]
      : []),
    isDryRun
      ? `${formatCount(sum('brought'), 'message')} would come into the mailboxes of ${displayAddress(address)}; nothing was changed.`
      : `${formatCount(sum('brought'), 'message')} brought into the mailboxes of ${displayAddress(address)} (${formatSize(bytes)}), ${sum('alreadyThere')} there already.`,
    ...(isInterrupted ? ['Interrupted. Repeat the command, and it goes on from here.'] : []),
  ]
  output.result(
    {
      folders: folders.map(({ mailbox, problem, ...folder }) => ({
        ...folder,
        mailbox: mailbox ?? null,
        problem: problem ?? null,
      })),
      brought: sum('brought'),
      alreadyThere: sum('alreadyThere'),
      refused: sum('refused'),
      refusedMessages: refused,
      remarks,
      bytes,
      dryRun: isDryRun,
      interrupted: isInterrupted,
    },
    `${formatColumns(columns(isDryRun), folders)}\n${lines.join('\n')}`,
  )
}

function columns(isDryRun: boolean): readonly Column<FolderReport>[] {
  return [
    { title: 'FOLDER', cell: ({ folder }) => folder },
    { title: 'MAILBOX', cell: ({ mailbox }) => mailbox ?? '–' },
    { title: isDryRun ? 'NEW' : 'BROUGHT', align: 'right', cell: ({ brought }) => String(brought) },
    { title: 'ALREADY THERE', align: 'right', cell: ({ alreadyThere }) => String(alreadyThere) },
    { title: 'NOT BROUGHT', align: 'right', cell: ({ refused }) => String(refused) },
  ]
}
