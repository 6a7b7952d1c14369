// npm run mailbox-kill-test [-- <rounds>]: kill -9 while mail is delivered and programs of IMAP change mailboxes, thirty times on one
// data folder. Exit code 1 when anything that was answered does not hold.
import { runMailboxKillRounds } from '../test/harness/mailbox-kill-rounds.ts'

const rounds = Number(process.argv[2] ?? 30)
const { answered, delivered, kept, faults } = await runMailboxKillRounds({
  rounds,
  maxLoadMs: 2000,
  progress: (round, ledger, mail) =>
    process.stdout.write(
      `round ${round} of ${rounds}: ${ledger.answered} commands answered, ${mail.promised.length} messages taken, ${ledger.faults.length} faults so far\n`,
    ),
})
process.stdout.write(`
${rounds} times kill -9 under load of SMTP and IMAP: ${answered} commands and ${delivered} messages were answered, ${kept} messages are there.
`)
for (const fault of faults) process.stdout.write(`${fault}\n`)
if (faults.length === 0)
  process.stdout.write(
    'No UID used twice, no mod-sequence gone back, no message lost, half there or in two places.\n',
  )
process.exitCode = faults.length > 0 ? 1 : 0
