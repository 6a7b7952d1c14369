// postrider verify: reads everything that is stored, or what one account has, and says what is damaged.
import type { Command } from 'commander'
import type { Address } from '../../address/address.ts'
import { formatDomainsForPeople } from '../../address/parse-domain.ts'
import type { Settings } from '../../config/settings.ts'
import { displayAddress } from '../../directory/display.ts'
import { countLostReadings } from '../../mailbox/lost-readings.ts'
import { findMailboxDamage } from '../../mailbox/mailbox-damage.ts'
import { mailDataIn } from '../../mailbox/message-pages.ts'
import type { MailboxScope } from '../../mailbox/named-mailboxes.ts'
import { findUseDamage } from '../../mailbox/quota-operations.ts'
import { summarizeRanges } from '../../mailbox/uid-ranges.ts'
import { findQueueDamage } from '../../queue/find-damage.ts'
import { formatSize } from '../../runtime/format-size.ts'
import { openMailDataFiles } from '../../storage/mail-data-files.ts'
import { createMailDataStore } from '../../storage/mail-data-store.ts'
import type { Storage } from '../../storage/operation.ts'
import {
  type OpenScope,
  restore,
  type StorageFinding,
  type VerifyProgress,
  type VerifyReport,
  type VerifyScope,
  verifyRecords,
  verifyStorage,
} from '../../storage/verify-storage.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import {
  addScope,
  describeScope,
  findScope,
  type MailboxesOptions,
  readScope,
  spellScope,
  type TypedScope,
} from '../mailbox-scope.ts'
import { hasDatabase, noDataIn } from '../open-storage.ts'
import { formatCount } from '../quantities.ts'

type Reader = Pick<Storage, 'run'>

export function addVerifyCommand(program: Command, run: CommandRun): void {
  addScope(
    addCommand(program, {
      usage: 'verify',
      summary: 'Read everything that is stored, or what an account has, and say what is damaged',
      description:
        'Read everything that is stored, in the data folder or in PostgreSQL: the database, the checksum of each message, and what ' +
        'mailboxes keep beside their messages. With an address, what the mailboxes of this account have, and nothing else. ' +
        'Changes nothing; the server may run.',
      examples: [
        'verify',
        'verify anna@example.test',
        'verify anna@example.test --mailbox INBOX --mailbox Archive/2024',
        'verify --json',
      ],
    }),
  ).action(
    perform(run, async (invocation, options: MailboxesOptions, address: Address | undefined) => {
      const typed = readScope(options, address)
      const settings = await invocation.settings()
      const progress = invocation.output.progress()
      const { dataFolder, database } = settings
      const onProgress = ({ done, total }: VerifyProgress): void =>
        progress.update(`Messages: ${done} of ${total}`)
      const openScope: OpenScope<Reader> = async reader =>
        typed ? await scopeOfAccount(reader, typed) : scopeOfAll(reader)
      const report = database
        ? await verifyDatabase(invocation, openScope, onProgress)
        : await verifyFolder(invocation, settings, openScope, onProgress)
      progress.end()
      const { findings, messages, bytes } = report
      const place = database ? `The database at ${database.name}` : dataFolder
      const damaged = findings.filter(isDamage)
      invocation.output.result(
        {
          ...(database ? { database: database.name } : { folder: dataFolder }),
          ...(typed && { account: displayAddress(typed.address), mailboxes: typed.names ?? null }),
          messages,
          bytes,
          damaged: damaged.length,
          findings,
        },
        [
          ...findings.map(({ problem, remedy }) => `${problem}\n  ${remedy}`),
          conclusion(typed ? `The mail ${describeScope(typed)}` : place, place, report),
        ].join('\n'),
      )
      if (findings.some(finding => isDamage(finding) || isOtherVersion(finding)))
        invocation.exitCode = exitCodes.failed
    }),
  )
}

async function verifyFolder(
  invocation: Invocation,
  settings: Settings,
  openScope: OpenScope<Reader>,
  onProgress: (progress: VerifyProgress) => void,
): Promise<VerifyReport> {
  const { dataFolder } = settings
  if (!hasDatabase(settings)) throw noDataIn(dataFolder)
  return await verifyStorage(
    dataFolder,
    reader => createMailDataStore(openMailDataFiles(dataFolder, invocation.random), reader),
    openScope,
    onProgress,
  )
}

async function verifyDatabase(
  invocation: Invocation,
  openScope: OpenScope<Reader>,
  onProgress: (progress: VerifyProgress) => void,
): Promise<VerifyReport> {
  return await invocation.withStorage(async (storage, settings) =>
    verifyRecords(storage, invocation.mailData(storage, settings), await openScope(storage), onProgress),
  )
}

// An orphan is what a crash left, or a message that is coming in right now.
function isDamage({ kind }: StorageFinding): boolean {
  return kind !== 'orphan' && kind !== 'schema'
}

function isOtherVersion({ kind }: StorageFinding): boolean {
  return kind === 'schema'
}

function conclusion(what: string, place: string, { findings, messages, bytes }: VerifyReport): string {
  if (findings.some(isOtherVersion)) return `${place} was not read: see above.`
  const read = `${formatCount(messages, 'message')} read (${formatSize(bytes)})`
  return findings.some(isDamage) ? `${what} is damaged: see above. ${read}.` : `${what} is in order: ${read}.`
}

function scopeOfAll(reader: Reader): VerifyScope {
  return {
    async verifyRows() {
      const rows = (await findQueueDamage(reader)).map(({ table, id }) => ({
        kind: 'row' as const,
        problem: `The row ${id} of ${table} cannot be read: it is passed over, and its mail is not delivered.`,
        remedy: restore,
      }))
      return [...rows, ...(await verifyMailboxes(reader, undefined, 'postrider repair'))]
    },
  }
}

async function scopeOfAccount(reader: Reader, typed: TypedScope): Promise<VerifyScope> {
  const scope = await findScope(reader, typed)
  return {
    verifyRows: () => verifyMailboxes(reader, scope, `postrider repair ${spellScope(typed)}`),
    part: { accountId: scope.accountId, total: scope.messages, mailData: mailDataIn(reader, scope) },
  }
}

/** `repair`: the command that mends what can be mended of it. */
async function verifyMailboxes(
  reader: Reader,
  scope: MailboxScope | undefined,
  repair: string,
): Promise<StorageFinding[]> {
  const found: StorageFinding[] = []
  for (const { address, name, problems, lost } of await findMailboxDamage(reader, scope)) {
    const mailbox = `${name} of ${formatDomainsForPeople(address)}`
    if (lost.length > 0)
      found.push({
        kind: 'reference',
        problem: `The mail of UID ${summarizeRanges(lost)} in ${mailbox} is not there.`,
        remedy: restore,
      })
    if (problems.length > 0)
      found.push({
        kind: 'row',
        problem: `The mailbox ${mailbox} is not in order: ${problems.join('; ')}.`,
        remedy: `Its messages are there: "${repair}" makes what was derived from them anew.`,
      })
  }
  for (const { address } of await findUseDamage(reader, scope?.accountId))
    found.push({
      kind: 'row',
      problem: `The account ${formatDomainsForPeople(address)} counts otherwise than its mailboxes what it has in them.`,
      remedy: `Its quota is judged by that: "${repair}" counts anew.`,
    })
  const structures = await countLostReadings(reader, 'structures', scope)
  if (structures > 0)
    found.push({
      kind: 'row',
      problem: `The structure of ${formatCount(structures, 'message')} in mailboxes is not there, or not theirs: programs that list them are answered late, or not at all.`,
      remedy: `"${repair}" has them read anew: all whose mail is not damaged itself.`,
    })
  const words = await countLostReadings(reader, 'words', scope)
  if (words > 0)
    found.push({
      kind: 'row',
      problem: `${formatCount(words, 'message')} in mailboxes cannot be found by words: the index has lost them.`,
      remedy: `"${repair}" has them indexed anew: all whose mail is not damaged itself.`,
    })
  return found
}
