// postrider migrate: moves everything from one storage to another.
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { problemOfStorage } from '../../config/setting-text.ts'
import type { Settings } from '../../config/settings.ts'
import { lockForMyself } from '../../main/lock-or-connect.ts'
import { formatQueueId } from '../../queue/queue-id.ts'
import { Fault, WrongUsage } from '../../runtime/fault.ts'
import { formatSize } from '../../runtime/format-size.ts'
import { type Move, type MoveProgress, moveStorage } from '../../storage/move/move-storage.ts'
import type { Place } from '../../storage/move/place.ts'
import { parseServerAddress } from '../../storage/postgres/server-address.ts'
import { formatColumns } from '../columns.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { formatCount, formatDuration } from '../quantities.ts'

interface MigrateOptions {
  readonly anew?: true
  readonly withDamage?: true
}

export function addMigrateCommand(program: Command, run: CommandRun): void {
  addCommand(program, {
    usage: 'migrate',
    summary: 'Move mail, queue and accounts to PostgreSQL, or back to SQLite',
    description:
      'Move everything from the storage of the settings to another one: a PostgreSQL database (postgres://…), or back to ' +
      'SQLite: "sqlite", which is the data folder of the settings, or another folder. Stop the server first, and ' +
      'afterwards write the new storage into the settings. The old storage is only read, and stays as it was. A move that ' +
      'was cut off goes on when the command is repeated. At the end every row in the new storage is compared with the old ' +
      'one, and every message with its checksum. A password may stand in the variable PGPASSWORD instead of in the address.',
    examples: [
      'migrate postgres://postrider:secret@db.example.com/postrider',
      'migrate sqlite',
      'migrate /var/lib/postrider-sqlite',
    ],
  })
    .argument('<to>', 'postgres://…, sqlite, or a folder')
    .option('--anew', 'empty an unfinished target first, and begin again')
    .option(
      '--with-damage',
      'finish although messages are damaged in the old storage: they are moved as they are',
    )
    .action(perform(run, migrate))
}

/** Without the text itself: it may hold a password. */
function assertTarget(to: string): void {
  // A folder with such a name is less likely than a mistake in an address.
  if (/^postgres(?:ql)?:|:\/\//.test(to) && parseServerAddress(to) === undefined)
    throw new WrongUsage(`That is no place to move to. ${problemOfStorage(to) ?? ''} Or name a folder.`)
}

async function migrate(invocation: Invocation, options: MigrateOptions, to: string): Promise<void> {
  assertTarget(to)
  const settings = await invocation.settings()
  const { clock, random, output } = invocation
  const startedAt = clock.now()
  const progress = output.progress()
  let move: Move
  try {
    move = await invocation.whileInterruptible(isInterrupted =>
      moveStorage({
        from: placeOf(settings),
        to: targetPlace(to, settings, invocation.surroundings.workingFolder),
        anew: options.anew === true,
        withDamage: options.withDamage === true,
        clock,
        random,
        onProgress(now) {
          progress.update(describeProgress(now))
          if (isInterrupted() && now.stage !== 'finishing')
            throw new Fault('CLI_INTERRUPTED', 'Interrupted. Repeat the command, and it goes on from here.')
        },
      }),
    )
  } finally {
    progress.end()
  }
  output.result(toJson(move), describeMove(move, clock.now() - startedAt, whatToDo(to, settings)))
  if (!move.finished) invocation.exitCode = exitCodes.failed
}

function placeOf({ dataFolder, database }: Pick<Settings, 'dataFolder' | 'database'>): Place {
  return database
    ? { kind: 'database', address: database }
    : { kind: 'folder', folder: dataFolder, lock: folder => lockForMyself(folder) }
}

function targetPlace(to: string, { dataFolder }: Settings, workingFolder: string): Place {
  const database = parseServerAddress(to)
  return placeOf({ dataFolder: to === 'sqlite' ? dataFolder : resolve(workingFolder, to), database })
}

function describeProgress({ stage, done, total }: MoveProgress): string {
  const verb = stage === 'begun' || stage === 'copied' ? 'moved' : 'compared'
  return `Rows ${verb}: ${done} of ${total}`
}

function describeMove(move: Move, tookMs: number, next: string): string {
  const { source, target, begunAnew, already, tables, mailData, finished } = move
  const rows = tables.reduce((sum, table) => sum + table.rows, 0)
  const notes = [
    ...(begunAnew === 'source-changed'
      ? [`Something had been written to ${source} since the move began, so it was begun anew.`]
      : []),
    ...(begunAnew === undefined && already > 0
      ? [`${formatCount(already, 'row')} had been moved before; the move went on from there.`]
      : []),
  ]
  const table = formatColumns(
    [
      { title: 'TABLE', cell: ({ name }) => name },
      { title: 'ROWS', align: 'right', cell: one => String(one.rows) },
      { title: 'SHA-256, THE SAME IN BOTH', cell: ({ checksum }) => checksum },
    ],
    tables,
  )
  const whole = mailData.count - mailData.damaged.length
  return [
    ...notes,
    `From ${source} to ${target}, in ${formatDuration(tookMs)}:`,
    '',
    table,
    `Compared: ${formatCount(rows, 'row')} the same in both. ${formatCount(whole, 'message')} (${formatSize(mailData.bytes)}) read in the new storage, each as its checksum says.`,
    ...mailData.damaged.map(({ id, problem }) => `Damaged: ${formatQueueId(id)}: ${problem}`),
    ...(mailData.damaged.length > 0 ? [describeDamage(mailData.damaged.length, finished)] : []),
    ...(finished ? ['', next] : []),
  ].join('\n')
}

function describeDamage(count: number, finished: boolean): string {
  const what = `${formatCount(count, 'message')} damaged in the old storage, and so in the new one`
  return finished
    ? `${what}: "postrider trace" with the id says whose it is.`
    : `${what}. "postrider trace" with the id says whose it is. The move is not finished. Either put the files back from a backup and repeat this; ` +
        'or repeat it with --with-damage, which finishes it with them as they are.'
}

/** The password is not repeated here. */
function whatToDo(to: string, { dataFolder }: Settings): string {
  const old = 'Keep the old storage until you are sure; it is as it was.'
  if (parseServerAddress(to))
    return `Now write this address as storage into the settings, and start the server. ${old}`
  if (to === 'sqlite') return `Now write storage = "sqlite" into the settings, and start the server. ${old}`
  return `Now write storage = "sqlite" and this folder as dataFolder into the settings, copy the folder tls from ${dataFolder} if there is one, and start the server. ${old}`
}

function toJson({ source, target, begunAnew, already, tables, mailData, finished }: Move): unknown {
  return {
    from: source,
    to: target,
    begunAnew: begunAnew ?? null,
    rowsBefore: already,
    tables,
    messages: mailData.count,
    bytes: mailData.bytes,
    damaged: mailData.damaged.map(({ id, problem }) => ({ queueId: formatQueueId(id), problem })),
    finished,
  }
}
