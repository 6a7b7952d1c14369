// postrider verify: reads everything that is stored and says what is damaged.
import type { Command } from 'commander'
import type { Settings } from '../../config/settings.ts'
import { countLostWords } from '../../mailbox/message-words.ts'
import { findUseDamage } from '../../mailbox/quota-operations.ts'
import { findMailboxDamage } from '../../mailbox/rebuild-blocks.ts'
import { findQueueDamage } from '../../queue/find-damage.ts'
import { openMailDataFiles } from '../../storage/mail-data-files.ts'
import { createMailDataStore } from '../../storage/mail-data-store.ts'
import type { Storage } from '../../storage/operation.ts'
import {
  type StorageFinding,
  type VerifyProgress,
  verifyRecords,
  verifyStorage,
} from '../../storage/verify-storage.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { hasDatabase, noDataIn } from '../open-storage.ts'
import { formatCount } from '../quantities.ts'

export function addVerifyCommand(program: Command, run: CommandRun): void {
  addCommand(program, {
    usage: 'verify',
    summary: 'Read everything that is stored and say what is damaged',
    description:
      'Read everything that is stored, in the data folder or in PostgreSQL: the database and the checksum of each message. ' +
      'Changes nothing; the server may run.',
    examples: ['verify', 'verify --json'],
  }).action(
    perform(run, async invocation => {
      const settings = await invocation.settings()
      const progress = invocation.output.progress()
      let checked = 0
      const { dataFolder, database } = settings
      const onProgress = ({ done, total }: VerifyProgress): void => {
        checked = done
        progress.update(`Messages: ${done} of ${total}`)
      }
      const findings = database
        ? await verifyDatabase(invocation, onProgress)
        : await verifyFolder(invocation, settings, onProgress)
      progress.end()
      const where = database ? `The database at ${database.name}` : dataFolder
      const damaged = findings.filter(isDamage)
      invocation.output.result(
        {
          ...(database ? { database: database.name } : { folder: dataFolder }),
          messages: checked,
          damaged: damaged.length,
          findings,
        },
        [
          ...findings.map(({ problem, remedy }) => `${problem}\n  ${remedy}`),
          conclusion(where, findings, checked),
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
  onProgress: (progress: VerifyProgress) => void,
): Promise<StorageFinding[]> {
  const { dataFolder } = settings
  if (!hasDatabase(settings)) throw noDataIn(dataFolder)
  return await verifyStorage(
    dataFolder,
    reader => createMailDataStore(openMailDataFiles(dataFolder, invocation.random), reader),
    verifyRows,
    onProgress,
  )
}

async function verifyDatabase(
  invocation: Invocation,
  onProgress: (progress: VerifyProgress) => void,
): Promise<StorageFinding[]> {
  return await invocation.withStorage((storage, settings) =>
    verifyRecords(storage, invocation.mailData(storage, settings), verifyRows, onProgress),
  )
}

// An orphan is what a crash left, or a message that is coming in right now.
function isDamage({ kind }: StorageFinding): boolean {
  return kind !== 'orphan' && kind !== 'schema'
}

function isOtherVersion({ kind }: StorageFinding): boolean {
  return kind === 'schema'
}

function conclusion(where: string, findings: readonly StorageFinding[], checked: number): string {
  if (findings.some(isOtherVersion)) return `${where} was not read: see above.`
  return findings.some(isDamage)
    ? `${where} is damaged: see above.`
    : `${where} is in order: ${formatCount(checked, 'message')} read.`
}

async function verifyRows(reader: Pick<Storage, 'run'>): Promise<StorageFinding[]> {
  const rows = (await findQueueDamage(reader)).map(({ table, id }) => ({
    kind: 'row' as const,
    problem: `The row ${id} of ${table} cannot be read: it is passed over, and its mail is not delivered.`,
    remedy: 'Restore the data folder from a backup; keep a copy of the damaged one.',
  }))
  const mailboxes = (await findMailboxDamage(reader)).map(({ address, name, problem }) => ({
    kind: 'row' as const,
    problem: `The mailbox ${name} of ${address} is not in order: ${problem}.`,
    remedy: 'Its messages are there: "postrider repair" makes what was derived from them anew.',
  }))
  const accounts = (await findUseDamage(reader)).map(({ address }) => ({
    kind: 'row' as const,
    problem: `The account ${address} counts otherwise than its mailboxes what it has in them.`,
    remedy: 'Its quota is judged by that: "postrider repair" counts anew.',
  }))
  const lost = await countLostWords(reader)
  const words =
    lost === 0
      ? []
      : [
          {
            kind: 'row' as const,
            problem: `${formatCount(lost, 'message')} in mailboxes cannot be found by words: the index has lost them.`,
            remedy: 'Nothing of the messages is lost: "postrider repair" has them indexed anew.',
          },
        ]
  return [...rows, ...mailboxes, ...accounts, ...words]
}
