// npm run cut-test [-- <seconds> …]: the way from a server to PostgreSQL is cut under load, for 1 s, 30 s and 10 minutes.
// Exit code 1 when anything that was answered 250 is lost, damaged, or in a mailbox twice, when senders were told anything
// but to come later, or when it did not go on by itself.
import { describeLosses, formatLosses, formatReckoning } from '../test/harness/arrivals.ts'
import { type CutReport, runCutRounds } from '../test/harness/cut-rounds.ts'

const wantedWithinMs = 30_000
/** A cut is told at its begin and at its end, however long it lasts: by each thread, and for each thing that fails then, some twenty. */
const maxLogLines = 60
const wanted = process.argv.slice(2).map(Number)
const cutsMs = (wanted.length > 0 ? wanted : [1, 30, 600]).map(seconds => seconds * 1000)

function describe({ cutMs, putOff, firstAcceptedMs, firstArrivalMs, logLines }: CutReport): string {
  const after = `a 250 after ${(firstAcceptedMs / 1000).toFixed(1)} s, an arrival elsewhere after ${(firstArrivalMs / 1000).toFixed(1)} s`
  return [
    `cut for ${cutMs / 1000} s; then ${after}`,
    ...[...putOff].map(([reply, times]) => `  ${times} times answered: ${reply}`),
    ...logLines.map(line => `  log: ${line}`),
  ].join('\n')
}

const report = await runCutRounds({
  connections: 4,
  cutsMs,
  calmMs: 10_000,
  progress: line => process.stdout.write(`${line}\n`),
})
process.stdout.write(`
${report.cuts.map(describe).join('\n\n')}

${formatReckoning(report)}${formatLosses(report)}`)
const failures = [
  ...describeLosses(report),
  ...(report.exitCode === 0 ? [] : [`the server ended with ${report.exitCode}`]),
  ...report.cuts.flatMap(({ cutMs, putOff, firstAcceptedMs, firstArrivalMs, logLines }) => [
    ...[...putOff.keys()]
      .filter(reply => !reply.startsWith('451 ') && !reply.startsWith('421 '))
      .map(reply => `a sender was told: ${reply}`),
    ...(Math.max(firstAcceptedMs, firstArrivalMs) > wantedWithinMs
      ? [`it did not go on in time after a cut of ${cutMs / 1000} s`]
      : []),
    ...(logLines.length > maxLogLines ? [`${logLines.length} log lines for one cut`] : []),
  ]),
]
for (const failure of failures) process.stdout.write(`FAILED: ${failure}\n`)
process.exitCode = failures.length === 0 ? 0 : 1
