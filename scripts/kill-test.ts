// npm run kill-test [-- <rounds>]: kill -9 under load, fifty times on one data folder. Exit code 1 when anything that
// was answered 250 is lost, damaged, or in a mailbox here twice.
import { formatLosses, formatReckoning } from '../test/harness/arrivals.ts'
import { runKillRounds } from '../test/harness/kill-rounds.ts'

const rounds = Number(process.argv[2] ?? 50)
const report = await runKillRounds({
  rounds,
  maxLoadMs: 2000,
  progress: (round, promised) =>
    process.stdout.write(`round ${round} of ${rounds}: ${promised} messages answered 250 so far\n`),
})
process.stdout.write(
  `
${report.rounds} times kill -9 under load
${formatReckoning(report)}
More than once at the remote server: the kill came after its 250 and before our commit, so the next start sends again
(RFC 5321 §4.1.1.4 wants this window short; nobody can close it). Kept though not answered: the kill came after our
commit and before our 250 had left, so the sender sends again. Both are duplicates, never losses.
`,
)
process.stdout.write(formatLosses(report))
process.exitCode = report.lost.length + report.damaged.length + report.doubledHere.length > 0 ? 1 : 0
