// postrider export maildir, export mbox: the mail of an account as files that other programs read.
import { resolve } from 'node:path'
import { Argument, type Command } from 'commander'
import type { Address } from '../../address/address.ts'
import { displayAddress } from '../../directory/display.ts'
import { listScripts } from '../../filtering/scripts.ts'
import { openingOf } from '../../mailbox/mailbox-row.ts'
import { listMailboxes } from '../../mailbox/name-operations.ts'
import {
  type ExportReport,
  exportMail,
  type MailboxReport,
  type MailFiles,
} from '../../message-stores/export-mail.ts'
import { createMaildir } from '../../message-stores/maildir/write-maildir.ts'
import { createMboxFiles } from '../../message-stores/mbox/write-mbox.ts'
import { listAccess } from '../../sharing/access-list.ts'
import { accountIdOf } from '../account-id.ts'
import { addressArgument } from '../arguments.ts'
import { type Column, formatColumns } from '../columns.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatBar } from '../format-bar.ts'
import { chooseMailboxes, isChosen, type MailboxesOptions, mailboxesOption } from '../mailbox-scope.ts'
import type { CommandStorage } from '../open-storage.ts'
import { formatCount } from '../quantities.ts'

const ways: readonly {
  readonly name: string
  readonly summary: string
  readonly description: string
  readonly create: (path: string, account: string) => Promise<MailFiles>
}[] = [
  {
    name: 'maildir',
    summary: 'Write the mail of an account as a Maildir, with its folders and flags',
    description:
      'Write the mail of an account as a Maildir++, as Dovecot and Courier keep it, with flags, keywords, times and subscriptions.',
    create: createMaildir,
  },
  {
    name: 'mbox',
    summary: 'Write the mail of an account as mbox files, one for each mailbox',
    description:
      'Write the mail of an account as mbox files (mboxrd), one for each mailbox, with flags and keywords.',
    create: createMboxFiles,
  },
]

export function addMailExports(parent: Command, run: CommandRun): void {
  for (const { name, summary, description, create } of ways)
    addCommand(parent, {
      usage: name,
      summary,
      description: `${description} The folder has to be new or empty, or of an earlier export: what is new is added to that. Messages that have left since stay there, and flags stay as they were.`,
      examples: [`export ${name} anna@example.test /srv/export/anna`],
    })
      .addArgument(new Argument('<address>', 'the account').argParser(addressArgument))
      .addArgument(new Argument('<folder>', 'where to'))
      .addOption(mailboxesOption())
      .action(
        perform(run, async (invocation, options: MailboxesOptions, address: Address, folder: string) => {
          const { output, surroundings } = invocation
          const account = displayAddress(address)
          const report = await invocation.withStorage(async (storage, settings) => {
            const accountId = await accountIdOf(storage, address)
            chooseMailboxes(await storage.run(listMailboxes, { accountId }), options.mailbox)
            const files = await create(resolve(surroundings.workingFolder, folder), account)
            const progress = output.progress()
            try {
              const exported = await invocation.whileInterruptible(isInterrupted =>
                exportMail({ storage, mailData: invocation.mailData(storage, settings) }, files, {
                  accountId,
                  isWanted: name => isChosen(name, options.mailbox),
                  isInterrupted,
                  onProgress: ({ mailbox, done, of }) =>
                    progress.update(`${formatBar(done, of)}  ${mailbox}`),
                }),
              )
              return {
                ...exported,
                remarks: [...exported.remarks, ...(await findLeftOut(storage, accountId))],
              }
            } finally {
              progress.end()
              await files.close()
            }
          })
          const damaged = sum(report, 'damaged')
          if (damaged > 0 || report.isInterrupted) invocation.exitCode = exitCodes.failed
          output.result(
            {
              mailboxes: report.mailboxes,
              written: sum(report, 'written'),
              alreadyThere: sum(report, 'alreadyThere'),
              damaged,
              remarks: report.remarks,
              interrupted: report.isInterrupted,
            },
            [
              formatColumns(columns, report.mailboxes),
              ...report.remarks,
              ...(damaged > 0 ? [`"postrider verify ${account}" says more of what is damaged.`] : []),
              `${formatCount(sum(report, 'written'), 'message')} of ${account} written to ${folder}, ${sum(report, 'alreadyThere')} there already.`,
              ...(report.isInterrupted ? ['Interrupted. Repeat the command, and it goes on from here.'] : []),
            ].join('\n'),
          )
        }),
      )
}

/** What no such file has room for. */
async function findLeftOut(storage: CommandStorage, accountId: number): Promise<readonly string[]> {
  const scripts = await storage.run(listScripts, { ownerId: accountId })
  let shared = 0
  for (const mailbox of await storage.run(listMailboxes, { accountId }))
    if ((await storage.run(listAccess, openingOf(mailbox))).length > 0) shared++
  return [
    ...(scripts.length > 0
      ? [`Not written: ${formatCount(scripts.length, 'Sieve script')}; "postrider sieve show" writes them.`]
      : []),
    ...(shared > 0
      ? [
          `Not written: who else may use ${formatCount(shared, 'mailbox', 'mailboxes')}; "postrider mailbox shares" shows that.`,
        ]
      : []),
  ]
}

function sum({ mailboxes }: ExportReport, what: 'written' | 'alreadyThere' | 'damaged'): number {
  return mailboxes.reduce((total, mailbox) => total + mailbox[what], 0)
}

const columns: readonly Column<MailboxReport>[] = [
  { title: 'MAILBOX', cell: ({ mailbox }) => mailbox },
  { title: 'FILE', cell: ({ file }) => file },
  { title: 'WRITTEN', align: 'right', cell: ({ written }) => String(written) },
  { title: 'ALREADY THERE', align: 'right', cell: ({ alreadyThere }) => String(alreadyThere) },
  { title: 'DAMAGED', align: 'right', cell: ({ damaged }) => String(damaged) },
]
