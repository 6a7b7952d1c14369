// postrider repair: makes anew what is derived from the messages, where it is not in order.
import type { Command } from 'commander'
import { indexAnew, restoreLostWords } from '../../mailbox/message-words.ts'
import { findUseDamage, mendUse } from '../../mailbox/quota-operations.ts'
import { findMailboxDamage, rebuildBlocks } from '../../mailbox/rebuild-blocks.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { formatCount } from '../quantities.ts'

export function addRepairCommand(program: Command, run: CommandRun): void {
  addCommand(program, {
    usage: 'repair',
    summary: 'Make anew what is derived from the messages, where it is wrong',
    description:
      'Make anew what is derived from the messages of each mailbox, where "postrider verify" finds it wrong: how many there ' +
      'are, the index of their UIDs and flags, and what an account has of its quota. What the index of words has lost is read ' +
      'again by the server, which runs or is started next. No message is changed; the server may run. What is damaged in the ' +
      'messages themselves comes back only from a backup.',
    examples: ['repair', 'repair --words', 'repair --json'],
  })
    .option('--words', 'Make the whole index of words anew, in whatever state it is')
    .action(
      perform(run, async (invocation, { words }: { readonly words?: true }) => {
        const { mailboxes, accounts, reindexed } = await invocation.withStorage(async storage => {
          const damage = await findMailboxDamage(storage)
          for (const { mailboxId } of damage) await storage.run(rebuildBlocks, { mailboxId })
          // A mailbox that is made anew is counted for its account as well.
          const miscounted = await findUseDamage(storage)
          for (const { accountId } of miscounted) await storage.run(mendUse, { accountId })
          return {
            mailboxes: damage,
            accounts: miscounted,
            reindexed: words ? await storage.run(indexAnew, undefined) : await restoreLostWords(storage),
          }
        })
        const done = [
          ...(mailboxes.length > 0 ? [formatCount(mailboxes.length, 'mailbox', 'mailboxes')] : []),
          ...(accounts.length > 0 ? [formatCount(accounts.length, 'account')] : []),
        ]
        invocation.output.result(
          {
            repaired: mailboxes.map(({ address, name, problem }) => ({
              account: address,
              mailbox: name,
              problem,
            })),
            recounted: accounts.map(({ address }) => address),
            reindexed,
          },
          [
            ...mailboxes.map(
              ({ address, name, problem }) => `The mailbox ${name} of ${address}: ${problem}.`,
            ),
            ...accounts.map(
              ({ address }) => `The account ${address}: what it has in its mailboxes is counted anew.`,
            ),
            done.length === 0
              ? 'Every mailbox is in order: nothing to repair.'
              : `${done.join(' and ')} repaired.`,
            ...(reindexed === 0
              ? []
              : [
                  `${formatCount(reindexed, 'message')} will be indexed anew by the server, to be found by words.`,
                ]),
          ].join('\n'),
        )
      }),
    )
}
