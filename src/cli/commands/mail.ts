// postrider mail: what is in the mailboxes of this server.
import { Argument, type Command, Option } from 'commander'
import type { Address } from '../../address/address.ts'
import { formatDomainsForPeople } from '../../address/parse-domain.ts'
import { displayAddress } from '../../directory/display.ts'
import { findExpungedFrom, listExpunged, restoreExpunged } from '../../mailbox/expunged.ts'
import type { MailboxMessage } from '../../mailbox/message-row.ts'
import { listMailboxes } from '../../mailbox/name-operations.ts'
import {
  countMailboxMessages,
  findMailboxMessage,
  listMailboxMessages,
  moveMailboxMessage,
} from '../../mailbox/operations.ts'
import { decodeEncodedWords } from '../../message/encoded-words.ts'
import { findFieldValue } from '../../message/header-section.ts'
import { formatQueueId } from '../../queue/queue-id.ts'
import { UsageFault, WrongUsage } from '../../runtime/fault.ts'
import { formatSize } from '../../runtime/format-size.ts'
import { teach } from '../../screening/teach.ts'
import type { MailDataStore } from '../../storage/mail-data.ts'
import { StorageFault } from '../../storage/storage-fault.ts'
import { accountIdOf } from '../account-id.ts'
import { addressArgument, countArgument, mailboxArgument, numberArgument } from '../arguments.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { formatInTime } from '../format-in-time.ts'
import { previewHeader } from '../header-preview.ts'
import type { Invocation } from '../invocation.ts'
import { noSuchMailbox } from '../mailbox-scope.ts'
import type { CommandStorage } from '../open-storage.ts'
import { parseTime, timeForms } from '../parse-time.ts'
import { formatCount, formatTime } from '../quantities.ts'

interface MailboxOptions {
  readonly mailbox: string
}

interface ReadOptions extends MailboxOptions {
  readonly raw?: true
}

interface ListOptions extends MailboxOptions {
  readonly before?: number
  readonly limit: number
}

interface RestoreOptions {
  readonly mailbox?: string
  readonly since?: string
}

interface DeletedOptions {
  readonly before?: number
  readonly limit: number
}

interface ListedMessage<Message = MailboxMessage> {
  readonly message: Message
  /** undefined: its mail data is damaged. */
  readonly header: { readonly author: string; readonly subject: string } | undefined
}

const mailboxOption = (): Option =>
  new Option('--mailbox <name>', 'which mailbox of the account').argParser(mailboxArgument).default('INBOX')

export function addMailCommand(program: Command, run: CommandRun): void {
  const mail = addCommand(program, {
    usage: 'mail',
    summary: 'Mail in the mailboxes of this server: list, read, deleted, restore, junk, not-junk',
    examples: ['mail list anna@example.test', 'mail read anna@example.test 1'],
  })

  addCommand(mail, {
    usage: 'list',
    summary: 'Show the messages of an account, newest first',
    examples: ['mail list anna@example.test', 'mail list anna@example.test --before 100 --json'],
  })
    .addArgument(new Argument('<address>').argParser(addressArgument))
    .addOption(mailboxOption())
    .addOption(new Option('--before <uid>', 'only messages older than this one').argParser(numberArgument))
    .addOption(new Option('--limit <messages>', 'at most so many').argParser(countArgument).default(100))
    .action(
      perform(
        run,
        async (invocation, options: ListOptions, address: Address) =>
          await list(invocation, options, address),
      ),
    )

  addCommand(mail, {
    usage: 'read',
    summary: 'Print a message',
    description:
      'Print a message with its trace fields. On a terminal its text is decoded and attachments are only named; with --raw, ' +
      'and into a file or a pipe, it is what was delivered, byte by byte. With --json, "base64" has these bytes, and "text" ' +
      'the same read as UTF-8, in which what is of another character set is damaged.',
    examples: [
      'mail read anna@example.test 1',
      'mail read anna@example.test 1 --raw',
      'mail read anna@example.test 1 > message.eml',
    ],
  })
    .addArgument(new Argument('<address>').argParser(addressArgument))
    .addArgument(new Argument('<uid>', 'as "mail list" shows it').argParser(numberArgument))
    .addOption(mailboxOption())
    .option('--raw', 'on a terminal too: as it was delivered')
    .action(
      perform(run, async (invocation, options: ReadOptions, address: Address, uid: number) => {
        await invocation.withStorage(async (storage, settings) => {
          const accountId = await accountIdOf(storage, address)
          const message = await storage.run(findMailboxMessage, { accountId, mailbox: options.mailbox, uid })
          if (!message) throw noSuchMessage(address, options.mailbox, uid)
          const mailData = invocation.mailData(storage, settings).read(message.mailDataId)
          await show(invocation, message, nameVerify(mailData, address), options.raw === true)
        })
      }),
    )

  addDeletedCommands(mail, run)
  addJudgement(mail, run, 'junk', 'Put a message into Junk, as spam')
  addJudgement(mail, run, 'not-junk', 'Put a message from Junk back into INBOX, as wanted')
}

function addDeletedCommands(mail: Command, run: CommandRun): void {
  addCommand(mail, {
    usage: 'deleted',
    summary: 'Show what has been deleted and can be had back',
    description:
      'Show the messages that have left their mailboxes and can be had back, the last deleted first. After mailboxes.keepExpungedDays they are gone.',
    examples: ['mail deleted anna@example.test'],
  })
    .addArgument(new Argument('<address>').argParser(addressArgument))
    .addOption(new Option('--before <number>', 'only those with a smaller number').argParser(numberArgument))
    .addOption(new Option('--limit <messages>', 'at most so many').argParser(countArgument).default(100))
    .action(
      perform(run, async (invocation, options: DeletedOptions, address: Address) => {
        await listDeleted(invocation, options, address)
      }),
    )

  addCommand(mail, {
    usage: 'restore',
    summary: 'Put back what has been deleted',
    description:
      'Put a message back into the mailbox from which it was deleted, or all that were deleted from a mailbox; the mailbox is made again when it has gone.',
    examples: [
      'mail restore anna@example.test 12',
      'mail restore anna@example.test --mailbox Work',
      'mail restore anna@example.test --mailbox INBOX --since 2h',
    ],
  })
    .addArgument(new Argument('<address>').argParser(addressArgument))
    .addArgument(new Argument('[number]', 'as "mail deleted" shows it').argParser(numberArgument))
    .addOption(
      new Option('--mailbox <name>', 'all that left this mailbox, and those below it').argParser(
        mailboxArgument,
      ),
    )
    .option('--since <time>', `with --mailbox: what left it not before this time. ${timeForms}`)
    .action(
      perform(run, async (invocation, options: RestoreOptions, address: Address, id?: number) => {
        const { mailbox, since } = options
        if (id !== undefined && mailbox === undefined) await restoreOne(invocation, address, id)
        else if (id === undefined && mailbox !== undefined)
          await restoreAll(invocation, { mailbox, since }, address)
        else
          throw new WrongUsage('Name a message by its number, or with --mailbox the mailbox that they left.')
      }),
    )
}

async function restoreOne(invocation: Invocation, address: Address, id: number): Promise<void> {
  const restored = await invocation.withStorage(async storage => {
    const accountId = await accountIdOf(storage, address)
    return await storage.run(restoreExpunged, { accountId, id, now: invocation.clock.now() })
  })
  if (!restored) throw nothingDeleted(address, `deleted message ${id}`)
  const { mailbox, uid } = restored
  invocation.output.result(restored, `The message is in ${mailbox} again, as ${uid}.`)
}

/** They are asked for again after each page: what has been restored is no longer among them. */
const restoredAtOnce = 100

async function restoreAll(
  invocation: Invocation,
  { mailbox, since }: { readonly mailbox: string; readonly since: string | undefined },
  address: Address,
): Promise<void> {
  const until = invocation.clock.now()
  const from = since === undefined ? 0 : parseTime(since, until)
  if (from === undefined) throw new WrongUsage(`"${since}" of --since is no time. ${timeForms}`)
  const counts = new Map<string, number>()
  await invocation.withStorage(async storage => {
    const accountId = await accountIdOf(storage, address)
    const wanted = { accountId, mailbox, since: from, until, limit: restoredAtOnce }
    for (;;) {
      const ids = await storage.run(findExpungedFrom, wanted)
      if (ids.length === 0) return
      for (const id of ids) {
        const restored = await storage.run(restoreExpunged, { accountId, id, now: invocation.clock.now() })
        if (restored) counts.set(restored.mailbox, (counts.get(restored.mailbox) ?? 0) + 1)
      }
    }
  })
  if (counts.size === 0)
    throw nothingDeleted(address, `deleted message of ${mailbox}${since === undefined ? '' : ' since then'}`)
  invocation.output.result(
    [...counts].map(([name, messages]) => ({ mailbox: name, messages })),
    [...counts]
      .map(([name, messages]) => `${formatCount(messages, 'message')} restored to ${name}.`)
      .join('\n'),
  )
}

function nothingDeleted(address: Address, what: string): UsageFault {
  return new UsageFault(
    'CLI_NO_SUCH_MESSAGE',
    `${displayAddress(address)} has no ${what}. "postrider mail deleted ${displayAddress(address)}" shows what can be had back.`,
  )
}

async function listDeleted(
  invocation: Invocation,
  { before, limit }: DeletedOptions,
  address: Address,
): Promise<void> {
  const listed = await invocation.withStorage(async (storage, settings) => {
    const accountId = await accountIdOf(storage, address)
    const messages = await storage.run(listExpunged, { accountId, before, limit })
    return await readHeaders(invocation, invocation.mailData(storage, settings), messages)
  })
  invocation.output.rows(
    listed,
    [
      { title: 'NUMBER', align: 'right', cell: ({ message }) => String(message.id) },
      { title: 'DELETED', cell: ({ message }) => formatTime(message.expungedAt) },
      { title: 'MAILBOX', cell: ({ message }) => message.mailbox },
      { title: 'SIZE', align: 'right', cell: ({ message }) => formatSize(message.size) },
      { title: 'QUEUE ID', cell: ({ message }) => formatQueueId(message.queueId) },
      { title: 'FROM', cell: ({ header }) => formatDomainsForPeople(header?.author ?? '') },
      { title: 'SUBJECT', cell: ({ header }) => header?.subject ?? '(damaged)' },
    ],
    ({ message, header }) => ({
      number: message.id,
      deletedAt: new Date(message.expungedAt).toISOString(),
      receivedAt: new Date(message.receivedAt).toISOString(),
      mailbox: message.mailbox,
      size: message.size,
      queueId: formatQueueId(message.queueId),
      from: header?.author ?? null,
      subject: header?.subject ?? null,
      damaged: header === undefined,
    }),
    `${displayAddress(address)} has deleted nothing that can be had back.`,
  )
}

type Judgement = 'junk' | 'not-junk'

const lessons = {
  junk: { from: 'INBOX', to: 'Junk', kind: 'spam' },
  'not-junk': { from: 'Junk', to: 'INBOX', kind: 'ham' },
} as const

function addJudgement(mail: Command, run: CommandRun, name: Judgement, summary: string): void {
  const { from, to, kind } = lessons[name]
  addCommand(mail, {
    usage: name,
    summary,
    description: `${summary}. The filter learns from it, for this account and a little for all.`,
    examples: [`mail ${name} anna@example.test 7`],
  })
    .addArgument(new Argument('<address>').argParser(addressArgument))
    .addArgument(
      new Argument('<uid>', `of the message in ${from}, as "mail list" shows it`).argParser(numberArgument),
    )
    .addOption(
      new Option('--mailbox <name>', 'in which mailbox of the account it is')
        .argParser(mailboxArgument)
        .default(from),
    )
    .action(
      perform(run, async (invocation, { mailbox }: MailboxOptions, address: Address, uid: number) => {
        await invocation.withStorage(async (storage, settings) => {
          const accountId = await accountIdOf(storage, address)
          const message = await storage.run(findMailboxMessage, { accountId, mailbox, uid })
          if (!message) throw noSuchMessage(address, mailbox, uid)
          const now = invocation.clock.now()
          const mailData = invocation.mailData(storage, settings).read(message.mailDataId)
          const lesson = { accountId, messageId: message.queueId, kind, now }
          const learned = await teach(storage, lesson, nameVerify(mailData, address))
          const newUid =
            mailbox === to ? uid : await storage.run(moveMailboxMessage, { accountId, mailbox, uid, to, now })
          if (newUid === undefined) throw noSuchMessage(address, mailbox, uid)
          invocation.output.result(
            { mailbox: to, uid: newUid, learned: learned === 'learned' },
            `The message is in ${to} now, as ${newUid}. ${learned === 'learned' ? `The filter has learned that it is ${kind === 'spam' ? 'spam' : 'wanted'}.` : 'The filter had learned it before.'}`,
          )
        })
      }),
    )
}

function noSuchMessage(address: Address, mailbox: string, uid: number): UsageFault {
  const where = mailbox === 'INBOX' ? '' : ` --mailbox ${mailbox}`
  return new UsageFault(
    'CLI_NO_SUCH_MESSAGE',
    `${displayAddress(address)} has no message ${uid} in ${mailbox}. "postrider mail list ${displayAddress(address)}${where}" shows what is there.`,
  )
}

async function show(
  { clock, output }: Invocation,
  message: MailboxMessage,
  mailData: AsyncIterable<Uint8Array>,
  raw: boolean,
): Promise<void> {
  const traceFields = Buffer.from(message.traceFields)
  if (output.json || (output.interactive && !raw)) {
    const chunks: Uint8Array[] = [traceFields]
    for await (const chunk of mailData) chunks.push(chunk)
    const bytes = Buffer.concat(chunks)
    if (output.json) {
      output.result(
        {
          uid: message.uid,
          queueId: formatQueueId(message.queueId),
          text: bytes.toString('utf8'),
          base64: bytes.toString('base64'),
        },
        '',
      )
      return
    }
    const text = await formatInTime(bytes, clock)
    if (text === undefined) await output.foreign(bytes)
    else output.line(text)
    return
  }
  await output.foreign(traceFields)
  for await (const chunk of mailData) await output.foreign(chunk)
}

async function* nameVerify(mailData: AsyncIterable<Uint8Array>, address: Address): AsyncIterable<Uint8Array> {
  try {
    yield* mailData
  } catch (cause) {
    if (!(cause instanceof StorageFault) || cause.code !== 'STORAGE_DAMAGED') throw cause
    throw new StorageFault(
      cause.code,
      `${cause.message} The message is damaged: "postrider verify ${displayAddress(address)}" says what else is, and what to do.`,
      { cause },
    )
  }
}

async function list(invocation: Invocation, options: ListOptions, address: Address): Promise<void> {
  const { listed, older } = await invocation.withStorage(async (storage, settings) => {
    const accountId = await accountIdOf(storage, address)
    const mailbox = { accountId, mailbox: options.mailbox }
    const { before: beforeUid, limit } = options
    const messages = await storage.run(listMailboxMessages, { ...mailbox, beforeUid, limit })
    if (messages.length === 0) await assertMailbox(storage, accountId, options.mailbox)
    const last = messages.at(-1)
    return {
      listed: await readHeaders(invocation, invocation.mailData(storage, settings), messages),
      older: last ? await storage.run(countMailboxMessages, { ...mailbox, beforeUid: last.uid }) : 0,
    }
  })
  invocation.output.rows(
    listed,
    [
      { title: 'UID', align: 'right', cell: ({ message }) => String(message.uid) },
      { title: 'RECEIVED', cell: ({ message }) => formatTime(message.receivedAt) },
      { title: 'SIZE', align: 'right', cell: ({ message }) => formatSize(message.size) },
      { title: 'QUEUE ID', cell: ({ message }) => formatQueueId(message.queueId) },
      { title: 'FROM', cell: ({ header }) => formatDomainsForPeople(header?.author ?? '') },
      { title: 'SUBJECT', cell: ({ header }) => header?.subject ?? '(damaged)' },
    ],
    listedJson,
    `${displayAddress(address)} has no mail in ${options.mailbox}.`,
  )
  const damaged = listed.filter(({ header }) => header === undefined).length
  if (damaged > 0)
    invocation.output.note(
      `${formatCount(damaged, 'message')} damaged: "postrider verify ${displayAddress(address)}" says what is wrong.`,
    )
  if (older > 0)
    invocation.output.note(
      `${formatCount(older, 'older message')} not shown: --before ${listed.at(-1)?.message.uid ?? 0} goes on.`,
    )
}

async function readHeaders<Message extends Pick<MailboxMessage, 'mailDataId'>>(
  invocation: Invocation,
  mailData: MailDataStore,
  messages: readonly Message[],
): Promise<ListedMessage<Message>[]> {
  const progress = invocation.output.progress()
  const listed: ListedMessage<Message>[] = []
  try {
    for (const message of messages) {
      listed.push({ message, header: await readHeader(mailData, message) })
      progress.update(`Messages: ${listed.length} of ${messages.length}`)
    }
  } finally {
    progress.end()
  }
  return listed
}

async function readHeader(
  mailData: MailDataStore,
  { mailDataId }: Pick<MailboxMessage, 'mailDataId'>,
): Promise<ListedMessage['header']> {
  try {
    const fields = await previewHeader(mailData.read(mailDataId))
    const shown = (name: string): string => decodeEncodedWords(findFieldValue(fields, name) ?? '')
    return { author: shown('From'), subject: shown('Subject') }
  } catch (cause) {
    // One that is damaged does not hide the others.
    if (cause instanceof StorageFault && cause.code === 'STORAGE_DAMAGED') return undefined
    throw cause
  }
}

function listedJson({ message, header }: ListedMessage): unknown {
  return {
    uid: message.uid,
    receivedAt: new Date(message.receivedAt).toISOString(),
    size: message.size,
    queueId: formatQueueId(message.queueId),
    from: header?.author ?? null,
    subject: header?.subject ?? null,
    damaged: header === undefined,
  }
}

// INBOX is there even before the first message (RFC 9051 §5.1).
async function assertMailbox(storage: CommandStorage, accountId: number, name: string): Promise<void> {
  if (name === 'INBOX') return
  const mailboxes = await storage.run(listMailboxes, { accountId })
  if (!mailboxes.some(mailbox => mailbox.name === name)) throw noSuchMailbox(name, mailboxes)
}
