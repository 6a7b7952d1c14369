// postrider repair: makes anew what is derived from the messages, where it is not in order.
import type { Command } from 'commander'
import { findMailboxDamage, rebuildBlocks } from '../../mailbox/rebuild-blocks.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { formatCount } from '../quantities.ts'

export function addRepairCommand(program: Command, run: CommandRun): void {
  addCommand(program, {
    usage: 'repair',
    summary: 'Make anew what is derived from the messages, where it is wrong',
    description:
      'Make anew what is derived from the messages of each mailbox, where "postrider verify" finds it wrong: how many there ' +
      'are, and the index of their UIDs and flags. No message is changed; the server may run. What is damaged in the messages ' +
      'themselves comes back only from a backup.',
    examples: ['repair', 'repair --json'],
  }).action(
    perform(run, async invocation => {
      const repaired = await invocation.withStorage(async storage => {
        const damage = await findMailboxDamage(storage)
        for (const { mailboxId } of damage) await storage.run(rebuildBlocks, { mailboxId })
        return damage
      })
      invocation.output.result(
        { repaired: repaired.map(({ mailboxId, problem }) => ({ mailbox: mailboxId, problem })) },
        repaired.length === 0
          ? 'Every mailbox is in order: nothing to repair.'
          : [
              ...repaired.map(
                ({ mailboxId, problem }) => `The mailbox with row id ${mailboxId}: ${problem}.`,
              ),
              `${formatCount(repaired.length, 'mailbox', 'mailboxes')} repaired.`,
            ].join('\n'),
      )
    }),
  )
}
