// npm run kill-test [-- <rounds>]: kill -9 under load, fifty times on one data folder. Exit code 1 when anything that
// was answered 250 is lost, damaged, or in a mailbox here twice.
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
answered 250                                   ${report.promised}
  of these lost                                ${report.lost.length}
  of these otherwise than they were sent       ${report.damaged.length}
  of these more than once in a mailbox here    ${report.doubledHere.length}
  of these more than once at the remote server ${report.doubledRemotely.length}
  most copies of one message there             ${report.mostCopies}
cut off before the answer                      ${report.unanswered}
  of these kept                                ${report.unansweredKept}

More than once at the remote server: the kill came after its 250 and before our commit, so the next start sends again
(RFC 5321 §4.1.1.4 wants this window short; nobody can close it). Kept though not answered: the kill came after our
commit and before our 250 had left, so the sender sends again. Both are duplicates, never losses.
`,
)
for (const { token, queueId } of report.lost) process.stdout.write(`lost: ${queueId} (${token})\n`)
for (const { token, queueId } of report.damaged) process.stdout.write(`damaged: ${queueId} (${token})\n`)
process.exitCode = report.lost.length + report.damaged.length + report.doubledHere.length > 0 ? 1 : 0
