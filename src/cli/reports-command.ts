// What the commands have in common that show reports of a time: its length, and tables with a title.
import { type Command, Option } from 'commander'
import type { Storage } from '../storage/operation.ts'
import { countArgument } from './arguments.ts'
import { addCommand, type CommandRun, type CommandText, perform } from './command.ts'

export interface ReportPeriod {
  readonly days: number
  /** ms since 1970. */
  readonly since: number
  readonly now: number
}

export interface ReportSection {
  /** Without its colon. */
  readonly title: string
  /** undefined: there is nothing in it. */
  readonly table: string | undefined
  /** Instead of the table: 'None'. */
  readonly none: string
}

export interface ShownReports {
  readonly json: Readonly<Record<string, unknown>>
  readonly sections: readonly ReportSection[]
}

export interface ReportsCommand<Options> extends CommandText {
  readonly options?: readonly Option[]
  readonly read: (
    storage: Pick<Storage, 'run'>,
    period: ReportPeriod,
    options: Options,
  ) => Promise<ShownReports>
}

const dayMs = 24 * 60 * 60 * 1000

export function addReportsCommand<Options>(
  program: Command,
  run: CommandRun,
  { options = [], read, ...description }: ReportsCommand<Options>,
): void {
  const command = addCommand(program, description).addOption(
    new Option('--days <days>', 'how far to look back').argParser(countArgument).default(7),
  )
  for (const option of options) command.addOption(option)
  command.action(
    perform(run, async (invocation, given: Options & { readonly days: number }) => {
      const { days } = given
      const now = invocation.clock.now()
      const { json, sections } = await invocation.withStorage(storage =>
        read(storage, { days, now, since: now - days * dayMs }, given),
      )
      invocation.output.result(
        json,
        sections
          .map(({ title, table, none }) => `${title}:\n${table ?? `${none} in the last ${days} days.\n`}`)
          .join('\n'),
      )
    }),
  )
}

/** undefined: it has no rows. */
export function tableOf<Row>(
  rows: readonly Row[],
  format: (rows: readonly Row[]) => string,
): string | undefined {
  return rows.length === 0 ? undefined : format(rows)
}
