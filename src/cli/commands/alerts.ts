// postrider alerts: what somebody has to act on, and what to do about it.
import type { Command } from 'commander'
import type { Alert } from '../../alert/alert.ts'
import { describeAlert } from '../../alert/describe-alert.ts'
import { alertKinds } from '../../alert/kinds.ts'
import { listAlerts } from '../../alert/operations.ts'
import { formatBlock } from '../../notice/format-text.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { formatCount, formatRelative, formatTime } from '../quantities.ts'

interface ShownAlert {
  readonly alert: Alert
  readonly waiting: number
}

export function addAlertsCommand(program: Command, run: CommandRun): void {
  addCommand(program, {
    usage: 'alerts',
    summary: 'Show what somebody has to act on, and what to do about it',
    description:
      'Show what somebody has to act on, and what to do about it: a receiver that refuses mail from this server because of ' +
      'its reputation, a message that was set aside. It stays until it is over; who is told by mail, the setting alerts.to says.',
    examples: ['alerts', 'alerts --all'],
  })
    .option('--all', 'those of the last 90 days that are over, too')
    .action(
      perform(run, async (invocation, { all }: { readonly all?: true }) => {
        const now = invocation.clock.now()
        const shown = await invocation.withStorage(async storage => {
          const alerts = await storage.run(listAlerts, { which: all ? 'all' : 'open' })
          return await Promise.all(
            alerts.map(
              async (alert): Promise<ShownAlert> => ({
                alert,
                waiting: await alertKinds[alert.kind].countWaiting(storage, alert),
              }),
            ),
          )
        })
        const { output } = invocation
        if (!output.json && shown.length === 0) output.note('There is nothing to act on.')
        else output.result(shown.map(alertJson), shown.map(one => alertText(one, now)).join('\n\n'))
      }),
    )
}

function alertText({ alert, waiting }: ShownAlert, now: number): string {
  const { title, block } = describeAlert(alert, waiting, 'en')
  const { since, seenAt, times, mendedAt, overAt } = alert
  const facts = [
    `since ${formatTime(since)}`,
    `seen ${formatCount(times, 'time')}, last ${formatRelative(seenAt, now)}`,
    ...(mendedAt === undefined
      ? []
      : [`ended ${formatTime(mendedAt)}${overAt === undefined ? ': over when that lasts for an hour' : ''}`]),
  ]
  return [title, `  (${facts.join('; ')})`, formatBlock(block)].join('\n')
}

function alertJson({ alert, waiting }: ShownAlert): unknown {
  const { kind, subject, since, seenAt, times, evidence, mendedAt, overAt } = alert
  return {
    kind,
    subject,
    since: new Date(since).toISOString(),
    lastSeenAt: new Date(seenAt).toISOString(),
    times,
    mendedAt: isoOrNull(mendedAt),
    overAt: isoOrNull(overAt),
    waiting,
    evidence,
  }
}

function isoOrNull(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString()
}
