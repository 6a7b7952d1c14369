// npm run cluster-test [-- <folder for logs>]: three servers over one PostgreSQL with a synchronous standby, under load; one
// server is killed, one is stopped for longer than the others believe in it, and the primary is killed and the standby promoted. Exit code 1
// when anything that was answered 250 is lost, damaged, or in a mailbox twice, or when delivery did not go on in time.
import { describeLosses, formatLosses, formatReckoning } from '../test/harness/arrivals.ts'
import { type FaultReport, runClusterRounds } from '../test/harness/cluster-rounds.ts'

const wantedWithinMs = 30_000
/**
 * Of the server that dies, or seems to: some two hundred outcomes may be unwritten (docs/message-flow.md), and what is being
 * sent. When the database dies no server does; but whoever waits for the answer to a commit may be told 451.
 */
const maxRepeats = [300, 300, 20]
const promoteAfterMs = 20_000
/** Until it begins to be made good, nothing can go on. */
const unavoidableMs = [0, 0, promoteAfterMs]
const seconds = (ms: number): string => (ms / 1000).toFixed(1)

function describeFault({ fault, acceptSilenceMs, arrivalSilenceMs, repeats }: FaultReport): string {
  const columns = [seconds(acceptSilenceMs).padStart(5), seconds(arrivalSilenceMs).padEnd(26), repeats]
  return `${fault.padEnd(46)} ${columns.join('        ')}`
}

const report = await runClusterRounds({
  connections: 12,
  calmMs: 20_000,
  pauseMs: 45_000,
  promoteAfterMs,
  // For whoever looks for the cause of something.
  logFolder: process.argv[2],
  progress: line => process.stdout.write(`${line}\n`),
})
process.stdout.write(`
                                               longest time, in seconds, without           arrived there
                                               a 250        an arrival at a destination    once more
${report.faults.map(describeFault).join('\n')}

after the promotion: a 250 within ${seconds(report.firstAcceptedMs)} s, an arrival elsewhere within ${seconds(report.firstArrivalMs)} s

${formatReckoning(report)}
More than once at the remote server: the fault came after its 250 and before our commit (docs/message-flow.md). Kept though
not answered: it came after our commit and before our 250 had left. Both are duplicates, never losses.
`)
process.stdout.write(formatLosses(report))
const failures = [
  ...describeLosses(report),
  ...(report.firstArrivalMs > wantedWithinMs ? ['delivery did not go on in time after the promotion'] : []),
  ...report.faults.flatMap(({ fault, acceptSilenceMs, arrivalSilenceMs, repeats }, index) => {
    const most = wantedWithinMs + (unavoidableMs[index] ?? 0)
    return [
      ...(acceptSilenceMs > most ? [`no mail was taken in time: ${fault}`] : []),
      ...(arrivalSilenceMs > most ? [`a destination was not served in time: ${fault}`] : []),
      ...(repeats > (maxRepeats[index] ?? 0) ? [`more arrived twice than the window allows: ${fault}`] : []),
    ]
  }),
]
for (const failure of failures) process.stdout.write(`FAILED: ${failure}\n`)
process.exitCode = failures.length === 0 ? 0 : 1
