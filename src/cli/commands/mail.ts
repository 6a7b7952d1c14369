// postrider mail: what is in the mailboxes of this server.
import { Argument, type Command, Option } from 'commander'
import type { Address } from '../../address/address.ts'
import { findAccount } from '../../directory/accounts.ts'
import { directoryFault } from '../../directory/directory-fault.ts'
import { displayAddress } from '../../directory/display.ts'
import {
  findMailboxMessage,
  listMailboxes,
  listMailboxMessages,
  type MailboxMessage,
} from '../../mailbox/operations.ts'
import { decodeEncodedWords } from '../../message/encoded-words.ts'
import { findFieldValue } from '../../message/header-section.ts'
import { formatQueueId } from '../../queue/queue-id.ts'
import { UsageFault } from '../../runtime/fault.ts'
import { addressArgument, numberArgument } from '../arguments.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { previewHeader } from '../header-preview.ts'
import type { CommandStorage } from '../open-storage.ts'
import { formatSize, formatTime } from '../quantities.ts'

interface MailboxOptions {
  readonly mailbox: string
}

interface ListedMessage {
  readonly message: MailboxMessage
  readonly author: string
  readonly subject: string
}

const mailboxOption = (): Option =>
  new Option('--mailbox <name>', 'which mailbox of the account').default('INBOX')

export function addMailCommand(program: Command, run: CommandRun): void {
  const mail = addCommand(program, {
    usage: 'mail',
    summary: 'Mail in the mailboxes of this server: list, read',
    examples: ['mail list anna@example.test', 'mail read anna@example.test 1'],
  })

  addCommand(mail, {
    usage: 'list',
    summary: 'Show the messages of an account',
    examples: ['mail list anna@example.test', 'mail list anna@example.test --after 100 --json'],
  })
    .addArgument(new Argument('<address>').argParser(addressArgument))
    .addOption(mailboxOption())
    .addOption(
      new Option('--after <uid>', 'only messages after this one').argParser(numberArgument).default(0),
    )
    .addOption(new Option('--limit <messages>', 'at most so many').argParser(numberArgument).default(100))
    .action(
      perform(
        run,
        async (invocation, options: MailboxOptions & { after: number; limit: number }, address: Address) => {
          const listed = await invocation.withStorage(async (storage, settings) => {
            const accountId = await accountIdOf(storage, address)
            const page = {
              accountId,
              mailbox: options.mailbox,
              afterUid: options.after,
              limit: options.limit,
            }
            const messages = await storage.run(listMailboxMessages, page)
            const mailData = invocation.mailData(storage, settings)
            const found: ListedMessage[] = []
            for (const message of messages) {
              const fields = await previewHeader(mailData.read(message.mailDataId))
              const shown = (name: string): string => decodeEncodedWords(findFieldValue(fields, name) ?? '')
              found.push({ message, author: shown('From'), subject: shown('Subject') })
            }
            if (found.length === 0) await assertMailbox(storage, accountId, options.mailbox)
            return found
          })
          invocation.output.rows(
            listed,
            [
              { title: 'UID', align: 'right', cell: ({ message }) => String(message.uid) },
              { title: 'RECEIVED', cell: ({ message }) => formatTime(message.receivedAt) },
              { title: 'SIZE', align: 'right', cell: ({ message }) => formatSize(message.size) },
              { title: 'QUEUE ID', cell: ({ message }) => formatQueueId(message.queueId) },
              { title: 'FROM', cell: ({ author }) => author },
              { title: 'SUBJECT', cell: ({ subject }) => subject },
            ],
            listedJson,
            `${displayAddress(address)} has no mail in ${options.mailbox}.`,
          )
          if (listed.length === options.limit) {
            invocation.output.note(`There may be more: --after ${listed.at(-1)?.message.uid ?? 0} goes on.`)
          }
        },
      ),
    )

  addCommand(mail, {
    usage: 'read',
    summary: 'Print a message as it was delivered',
    description:
      'Print a message as it was delivered, trace fields first. Into a file or a pipe, byte by byte.',
    examples: ['mail read anna@example.test 1', 'mail read anna@example.test 1 > message.eml'],
  })
    .addArgument(new Argument('<address>').argParser(addressArgument))
    .addArgument(new Argument('<uid>', 'as "mail list" shows it').argParser(numberArgument))
    .addOption(mailboxOption())
    .action(
      perform(run, async (invocation, options: MailboxOptions, address: Address, uid: number) => {
        await invocation.withStorage(async (storage, settings) => {
          const accountId = await accountIdOf(storage, address)
          const message = await storage.run(findMailboxMessage, { accountId, mailbox: options.mailbox, uid })
          if (!message) {
            throw new UsageFault(
              'CLI_NO_SUCH_MESSAGE',
              `${displayAddress(address)} has no message ${uid} in ${options.mailbox}. "postrider mail list ${displayAddress(address)}" shows what is there.`,
            )
          }
          const mailData = invocation.mailData(storage, settings).read(message.mailDataId)
          const { output } = invocation
          if (output.json) {
            const chunks: Uint8Array[] = [Buffer.from(message.traceFields)]
            for await (const chunk of mailData) chunks.push(chunk)
            const text = Buffer.concat(chunks)
            output.result({ uid, queueId: formatQueueId(message.queueId), text: text.toString('utf8') }, '')
            return
          }
          await output.foreign(Buffer.from(message.traceFields))
          for await (const chunk of mailData) await output.foreign(chunk)
        })
      }),
    )
}

function listedJson({ message, author, subject }: ListedMessage): unknown {
  return {
    uid: message.uid,
    receivedAt: new Date(message.receivedAt).toISOString(),
    size: message.size,
    queueId: formatQueueId(message.queueId),
    from: author,
    subject,
  }
}

async function accountIdOf(storage: CommandStorage, address: Address): Promise<number> {
  const account = await storage.run(findAccount, { address })
  if (account) return account.id
  throw directoryFault(
    'DIRECTORY_NO_SUCH_ADDRESS',
    `There is no account ${displayAddress(address)}. "postrider account list" shows them.`,
  )
}

// INBOX is there even before the first message (RFC 9051 §5.1).
async function assertMailbox(storage: CommandStorage, accountId: number, name: string): Promise<void> {
  if (name === 'INBOX') return
  const mailboxes = (await storage.run(listMailboxes, { accountId })).map(mailbox => mailbox.name)
  if (mailboxes.includes(name)) return
  throw new UsageFault(
    'CLI_NO_SUCH_MAILBOX',
    `There is no mailbox ${name}. There are: ${[...new Set(['INBOX', ...mailboxes])].join(', ')}.`,
  )
}
