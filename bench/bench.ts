// npm run bench: Postrider and Postfix side by side in one run, in turns, on the same disk, under the same load.
// docs/benchmark.md says what each figure means and what it does not.
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { endForMistake, readOptions, readWholeNumber } from '../scripts/script-options.ts'
import { missingPostfix } from '../test/harness/postfix.ts'
import { missing } from '../test/harness/programs.ts'
import { clusterSubject } from './cluster-subject.ts'
import { type DestinationsFigures, measureDestinations } from './destinations.ts'
import { describeEnvironment, findDiskFolder, isOnDisk } from './environment.ts'
import { formatGoals, judgeGoals } from './goals.ts'
import { type IdleFigures, measureClientShare, measureIdle } from './idle.ts'
import { type LargeMessageFigures, measureLargeMessage } from './large-message.ts'
import { type LongQueueFigures, measureLongQueue } from './long-queue.ts'
import { clusterRows, composePlan, type Plan, sections } from './plan.ts'
import { postfixSubject } from './postfix-subject.ts'
import { postriderSubject } from './postrider-subject.ts'
import {
  formatDestinations,
  formatEnvironment,
  formatIdle,
  formatLargeMessages,
  formatLongQueue,
  formatRow,
  formatStartUp,
  formatSubjects,
  formatTable,
  formatTrail,
  type RowResult,
  rowHeader,
} from './report.ts'
import { type Figures, type Row, runBaselineRound, runRound } from './round.ts'
import { smtpServerSubject } from './smtp-server-subject.ts'
import { measureStartUp, type StartUpFigures } from './start-up.ts'
import type { Subject } from './subject.ts'
import { measureTrail, type TrailFigures } from './trail.ts'

const usage = `npm run bench -- [options]

  --quick               2 KB, 100 sessions only, without destinations and long-queue: about four minutes instead of twenty
  --only <sections>     of ${sections.join(', ')}; commas between
  --subjects <names>    of postfix, postrider; default both
  --sessions <numbers>  only the rows with so many sessions; commas between
  --bytes <numbers>     only the rows with messages of so many bytes
  --rounds <number>     rounds of each server in each row
  --seconds <number>    how long the load of one round should last: longer shows the servers warmer, and their queues longer
  --compare             idle sessions of nodemailer's smtp-server too; npm installs it into the temporary folder
  --folder <path>       where the servers keep their state; must be on a disk; default /var/tmp
`

const { values } = readOptions(usage, {
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    subjects: { type: 'string', default: 'postfix,postrider' },
    sessions: { type: 'string' },
    bytes: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    folder: { type: 'string' },
    compare: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const largeMessageBytes = 50_000_000

if (values.help) process.stdout.write(usage)
else await run()

async function run(): Promise<void> {
  const only = values.only?.split(',').map(name => {
    const section = sections.find(candidate => candidate === name)
    return section ?? endForMistake(usage, `--only ${name}: not one of ${sections.join(', ')}`)
  })
  const subjects = values.subjects.split(',').map(name => {
    const subject = [postfixSubject, postriderSubject].find(
      candidate => candidate.name.toLowerCase() === name,
    )
    return subject ?? endForMistake(usage, `--subjects ${name}: neither postfix nor postrider`)
  })
  const reason =
    (subjects.includes(postfixSubject) && missingPostfix()) || missing('smtp-source', 'smtp-sink')
  if (reason) endForMistake(usage, `the benchmark cannot run here: ${reason}`)

  const diskFolder = values.folder ?? findDiskFolder()
  if (!isOnDisk(diskFolder))
    endForMistake(
      usage,
      `--folder ${diskFolder}: that is in memory, where syncs cost nothing; name a folder on a disk`,
    )
  const plan = limitPlan(composePlan({ quick: values.quick, only }))
  const folder = await mkdtemp(join(diskFolder, 'postrider-bench-'))
  await chmod(folder, 0o755)
  const startedAt = new Date()
  const environment = await describeEnvironment(folder)
  process.stdout.write(`${formatEnvironment(environment)}\n`)
  try {
    const rows = await runRows(plan, subjects, folder)
    const destinations =
      plan.sections.includes('destinations') && subjects.includes(postriderSubject)
        ? await runDestinations(plan, folder)
        : undefined
    const idle = plan.sections.includes('idle') ? await runIdle(plan, subjects, folder) : undefined
    const largeMessages =
      plan.sections.includes('memory') && subjects.includes(postriderSubject)
        ? await runLargeMessages(folder)
        : undefined
    const startUp =
      plan.sections.includes('start-up') && subjects.includes(postriderSubject)
        ? await runStartUp(plan, folder)
        : undefined
    const longQueue =
      plan.sections.includes('long-queue') && subjects.includes(postriderSubject)
        ? await runLongQueue(plan, folder)
        : undefined
    const trail =
      plan.sections.includes('trail') && subjects.includes(postriderSubject)
        ? await runTrail(plan, folder)
        : undefined
    const cluster = plan.sections.includes('cluster') ? await runCluster(plan, subjects, folder) : []
    const goals = judgeGoals({
      rows,
      destinations,
      idle,
      largeMessages,
      startUp,
      longQueue,
      trail,
      cluster,
    })
    process.stdout.write(formatGoals(goals))
    const problems = [...rows, ...cluster].flatMap(result => result.problems)
    for (const problem of problems) process.stdout.write(`problem: ${problem}\n`)
    const resultsFolder = join(import.meta.dirname, 'results')
    await mkdir(resultsFolder, { recursive: true })
    const path = join(resultsFolder, `${startedAt.toISOString().replaceAll(':', '-')}.json`)
    await writeFile(
      path,
      `${JSON.stringify({ startedAt, arguments: process.argv.slice(2), environment, rows, destinations, idle, largeMessages, startUp, longQueue, trail, cluster }, null, 2)}\n`,
    )
    process.stdout.write(`\n${path}\n`)
    if (problems.length > 0 || goals.some(({ met }) => !met)) process.exitCode = 1
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function limitPlan(plan: Plan): Plan {
  const isAmong = (wanted: string | undefined, number: number): boolean =>
    wanted === undefined || wanted.split(',').map(Number).includes(number)
  const rows = plan.rows.filter(
    row => isAmong(values.sessions, row.sessions) && isAmong(values.bytes, row.messageBytes),
  )
  if (plan.rows.length > 0 && rows.length === 0)
    endForMistake(
      usage,
      `no row has --sessions ${values.sessions ?? 'of any'} and --bytes ${values.bytes ?? 'of any'}`,
    )
  const rounds = values.rounds === undefined ? undefined : readWholeNumber(usage, 'rounds', values.rounds, 1)
  const seconds =
    values.seconds === undefined ? undefined : readWholeNumber(usage, 'seconds', values.seconds, 1)
  return {
    ...plan,
    rows,
    rounds: rounds ?? plan.rounds,
    secondsPerRound: seconds ?? plan.secondsPerRound,
    destinations: { ...plan.destinations, rounds: rounds ?? plan.destinations.rounds },
    longQueue: { ...plan.longQueue, rounds: rounds ?? plan.longQueue.rounds },
  }
}

async function runRows(plan: Plan, subjects: readonly Subject[], folder: string): Promise<RowResult[]> {
  const results: RowResult[] = []
  for (const row of plan.rows) {
    const result = await runRow(row, plan, subjects, folder)
    results.push(result)
    progress(formatRow(result).join(' '))
  }
  if (results.length > 0) process.stdout.write(`${formatTable([rowHeader, ...results.map(formatRow)])}\n`)
  return results
}

async function runCluster(plan: Plan, subjects: readonly Subject[], folder: string): Promise<RowResult[]> {
  const all = [...subjects, ...[1, 2, 3].map(clusterSubject)]
  const results: RowResult[] = []
  for (const row of clusterRows) results.push(await runRow(row, plan, all, folder))
  process.stdout.write(`accept, 2 KB, 100 sessions:\n${formatSubjects(results)}\n`)
  return results
}

async function runRow(
  row: Row,
  plan: Plan,
  subjects: readonly Subject[],
  folder: string,
): Promise<RowResult> {
  const rounds: Record<string, Figures[]> = {}
  const problems: string[] = []
  let baseline: number | undefined
  for (let round = 0; round < plan.rounds; round++) {
    for (const subject of subjects) {
      try {
        const figures = await runRound(subject, row, folder, plan.secondsPerRound)
        rounds[subject.name] = [...(rounds[subject.name] ?? []), figures]
      } catch (cause) {
        problems.push(
          `${subject.name}, ${JSON.stringify(row)}: ${cause instanceof Error ? cause.message : String(cause)}`,
        )
      }
    }
    // The best round: what load and sink can do is what a goal is measured by, and noise only ever makes it less.
    if (row.work === 'accept')
      baseline = Math.max(baseline ?? 0, await runBaselineRound(row, folder, plan.secondsPerRound / 2))
  }
  return { row, rounds, problems, baseline }
}

async function runIdle(
  plan: Plan,
  subjects: readonly Subject[],
  folder: string,
): Promise<Record<string, IdleFigures>> {
  const { sessions, postfixSessions, seconds } = plan.idle
  progress(`idle: ${sessions} sessions`)
  const { bare, clientBytes } = await measureClientShare(sessions)
  const figures: Record<string, IdleFigures> = { 'bare Node server': bare }
  for (const subject of [...subjects, ...(values.compare ? [smtpServerSubject] : [])]) {
    figures[subject.name] = await measureIdle(subject, {
      sessions: subject === postfixSubject ? postfixSessions : sessions,
      clientBytes,
      seconds,
      parentFolder: folder,
    })
  }
  process.stdout.write(`${formatIdle(figures)}\n`)
  return figures
}

async function runLargeMessages(folder: string): Promise<Record<string, LargeMessageFigures>> {
  progress('one large message')
  const figures = {
    DATA: await measureLargeMessage(postriderSubject, 'DATA', largeMessageBytes, folder),
    BDAT: await measureLargeMessage(postriderSubject, 'BDAT', largeMessageBytes, folder),
  }
  process.stdout.write(`${formatLargeMessages(figures)}\n`)
  return figures
}

async function runStartUp(plan: Plan, folder: string): Promise<StartUpFigures[]> {
  progress(`start with ${plan.deferredMessages} deferred messages`)
  const figures = [await measureStartUp(0, folder), await measureStartUp(plan.deferredMessages, folder)]
  process.stdout.write(`${formatStartUp(figures)}\n`)
  return figures
}

async function runDestinations(plan: Plan, folder: string): Promise<DestinationsFigures> {
  const { healthy, dead, slow } = plan.destinations
  progress(`destinations: ${healthy} healthy, ${dead} dead, ${slow} slow`)
  const figures = await measureDestinations(plan.destinations, folder)
  process.stdout.write(`${formatDestinations(figures)}\n`)
  return figures
}

async function runLongQueue(plan: Plan, folder: string): Promise<LongQueueFigures> {
  progress(`a queue of ${plan.longQueue.deferred} deferred recipients`)
  const figures = await measureLongQueue(plan.longQueue, folder)
  process.stdout.write(`${formatLongQueue(figures)}\n`)
  return figures
}

async function runTrail(plan: Plan, folder: string): Promise<TrailFigures> {
  progress(`a trail of ${plan.trailEvents} events`)
  const figures = await measureTrail(plan.trailEvents, folder)
  process.stdout.write(`${formatTrail(figures)}\n`)
  return figures
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`)
}
