// postrider verify: reads the whole data folder and says what is damaged.
import type { Command } from 'commander'
import { findQueueDamage } from '../../queue/find-damage.ts'
import { UsageFault } from '../../runtime/fault.ts'
import { createMailDataStore } from '../../storage/mail-data-files.ts'
import type { Storage } from '../../storage/operation.ts'
import { type StorageFinding, verifyStorage } from '../../storage/verify-storage.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { hasDatabase } from '../open-storage.ts'
import { formatCount } from '../quantities.ts'

export function addVerifyCommand(program: Command, run: CommandRun): void {
  addCommand(program, {
    usage: 'verify',
    summary: 'Read the whole data folder and say what is damaged',
    description:
      'Read the whole data folder: the database and the checksum of each message. Changes nothing; the server may run.',
    examples: ['verify', 'verify --json'],
  }).action(
    perform(run, async invocation => {
      const settings = await invocation.settings()
      const { dataFolder } = settings
      if (!hasDatabase(settings)) {
        throw new UsageFault(
          'CLI_NO_DATA',
          `There is no database in ${dataFolder}. Start the server once, or correct dataFolder.`,
        )
      }
      const progress = invocation.output.progress()
      let checked = 0
      const findings = await verifyStorage(
        dataFolder,
        reader => createMailDataStore(dataFolder, reader, invocation.random),
        verifyQueueRows,
        ({ done, total }) => {
          checked = done
          progress.update(`Messages: ${done} of ${total}`)
        },
      )
      progress.end()
      const damaged = findings.filter(isDamage)
      invocation.output.result(
        { folder: dataFolder, messages: checked, damaged: damaged.length, findings },
        [
          ...findings.map(({ problem, remedy }) => `${problem}\n  ${remedy}`),
          conclusion(dataFolder, findings, checked),
        ].join('\n'),
      )
      if (findings.some(finding => isDamage(finding) || isOtherVersion(finding)))
        invocation.exitCode = exitCodes.failed
    }),
  )
}

// An orphan is what a crash left, or a message that is coming in right now.
function isDamage({ kind }: StorageFinding): boolean {
  return kind !== 'orphan' && kind !== 'schema'
}

function isOtherVersion({ kind }: StorageFinding): boolean {
  return kind === 'schema'
}

function conclusion(dataFolder: string, findings: readonly StorageFinding[], checked: number): string {
  if (findings.some(isOtherVersion)) return `${dataFolder} was not read: see above.`
  return findings.some(isDamage)
    ? `${dataFolder} is damaged: see above.`
    : `${dataFolder} is in order: ${formatCount(checked, 'message')} read.`
}

async function verifyQueueRows(reader: Pick<Storage, 'run'>): Promise<StorageFinding[]> {
  return (await findQueueDamage(reader)).map(({ table, id }) => ({
    kind: 'row',
    problem: `The row ${id} of ${table} cannot be read: it is passed over, and its mail is not delivered.`,
    remedy: 'Restore the data folder from a backup; keep a copy of the damaged one.',
  }))
}
