// Mailboxes beside Dovecot's, in one run: delivery by LMTP, APPEND, SELECT, FETCH, SEARCH TEXT, QRESYNC, IDLE.
//
//   npx node bench/mailboxes.ts [--messages 100000] [--fetched 10000] [--idle 5000] [--subjects dovecot,postrider] [--folder /var/tmp]
//
// Needs root and the Debian packages dovecot-lmtpd and dovecot-imapd, and nothing else that is busy on the machine.
import { parseArgs } from 'node:util'
import { findDiskFolder } from './environment.ts'
import { measureMailboxes, type StartServer } from './mailboxes/measure.ts'
import { formatMailboxes, judgeMailboxes } from './mailboxes/report.ts'
import { startDovecotSubject, startPostriderSubject } from './mailboxes/subjects.ts'

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '100000' },
    fetched: { type: 'string', default: '10000' },
    idle: { type: 'string', default: '5000' },
    subjects: { type: 'string', default: 'dovecot,postrider' },
    folder: { type: 'string' },
  },
})

const starts: Readonly<Record<string, StartServer>> = {
  dovecot: startDovecotSubject,
  postrider: startPostriderSubject,
}
const folder = values.folder ?? findDiskFolder()
const plan = {
  messages: Number(values.messages),
  fetched: Number(values.fetched),
  idle: Number(values.idle),
}
const subjects = values.subjects.split(',')
const chosen = Object.entries(starts).flatMap(([name, start]) => (subjects.includes(name) ? [start] : []))
const judged = judgeMailboxes(await measureMailboxes(chosen, plan, folder))
console.log(formatMailboxes(judged, plan))
if (judged.some(({ met }) => met === false)) process.exitCode = 1
