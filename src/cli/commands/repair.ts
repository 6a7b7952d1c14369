// postrider repair: makes anew what is derived from the messages, where it is not in order.
import type { Command } from 'commander'
import type { Address } from '../../address/address.ts'
import { formatDomainsForPeople } from '../../address/parse-domain.ts'
import { displayAddress } from '../../directory/display.ts'
import { indexScopeAnew, restoreReadings } from '../../mailbox/lost-readings.ts'
import { findMailboxDamage, mendMailbox } from '../../mailbox/mailbox-damage.ts'
import { indexAnew } from '../../mailbox/message-words.ts'
import type { MailboxScope } from '../../mailbox/named-mailboxes.ts'
import { findUseDamage, mendUse } from '../../mailbox/quota-operations.ts'
import { formatRanges, summarizeRanges } from '../../mailbox/uid-ranges.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { addScope, describeScope, findScope, type MailboxesOptions, readScope } from '../mailbox-scope.ts'
import type { CommandStorage } from '../open-storage.ts'
import { formatCount } from '../quantities.ts'

interface RepairOptions extends MailboxesOptions {
  readonly words?: true
}

export function addRepairCommand(program: Command, run: CommandRun): void {
  addScope(
    addCommand(program, {
      usage: 'repair',
      summary: 'Make anew what is derived from the messages, where it is wrong',
      description:
        'Make anew what is derived from the messages of each mailbox, where "postrider verify" finds it wrong: how many there ' +
        'are, the index of their UIDs and flags, what comes next, and what an account has of its quota. With an address, of this ' +
        'account alone. What the index of words has lost is read again by the server, which runs or is started next, as are ' +
        'structures. No message is changed; the server may run. What is damaged in the messages themselves comes back only from a backup.',
      examples: [
        'repair',
        'repair anna@example.test',
        'repair anna@example.test --mailbox Archive/2024',
        'repair --words',
        'repair --json',
      ],
    }),
  )
    .option(
      '--words',
      'Make the whole index of words anew, in whatever state it is; with an address, its part of it',
    )
    .action(
      perform(run, async (invocation, options: RepairOptions, address: Address | undefined) => {
        const typed = readScope(options, address)
        const { mailboxes, lost, accounts, reread, reindexed } = await invocation.withStorage(async storage =>
          repair(storage, typed && (await findScope(storage, typed)), options.words === true),
        )
        const done = [
          ...(mailboxes.length > 0 ? [formatCount(mailboxes.length, 'mailbox', 'mailboxes')] : []),
          ...(accounts.length > 0 ? [formatCount(accounts.length, 'account')] : []),
        ]
        invocation.output.result(
          {
            ...(typed && { account: displayAddress(typed.address), mailboxes: typed.names ?? null }),
            repaired: mailboxes.map(({ address, name, problems }) => ({
              account: address,
              mailbox: name,
              problem: problems.join('; '),
            })),
            lost: lost.map(({ address, name, lost: uids }) => ({
              account: address,
              mailbox: name,
              uids: formatRanges(uids),
            })),
            recounted: accounts.map(({ address }) => address),
            reread,
            reindexed,
          },
          [
            ...mailboxes.map(
              ({ address, name, problems }) =>
                `The mailbox ${name} of ${formatDomainsForPeople(address)}: ${problems.join('; ')}.`,
            ),
            ...accounts.map(
              ({ address }) =>
                `The account ${formatDomainsForPeople(address)}: what it has in its mailboxes is counted anew.`,
            ),
            ...lost.map(
              ({ address, name, lost: uids }) =>
                `The mail of UID ${summarizeRanges(uids)} in ${name} of ${formatDomainsForPeople(address)} is not there: it comes back only from a backup.`,
            ),
            done.length > 0
              ? `${done.join(' and ')} repaired.`
              : lost.length > 0
                ? 'There is nothing that can be made anew.'
                : `${typed ? `The mail ${describeScope(typed)}` : 'Every mailbox'} is in order: nothing to repair.`,
            ...(reread === 0
              ? []
              : [`The structure of ${formatCount(reread, 'message')} will be read anew by the server.`]),
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

async function repair(storage: CommandStorage, scope: MailboxScope | undefined, words: boolean) {
  const damage = await findMailboxDamage(storage, scope)
  const mailboxes = damage.filter(({ problems }) => problems.length > 0)
  const lost = damage.filter(one => one.lost.length > 0)
  for (const { mailboxId, accountId } of mailboxes) await storage.run(mendMailbox, { mailboxId, accountId })
  // A mailbox that is made anew is counted for its account as well.
  const accounts = await findUseDamage(storage, scope?.accountId)
  for (const { accountId } of accounts) await storage.run(mendUse, { accountId })
  const reread = await restoreReadings(storage, 'structures', { scope })
  const reindexed = words
    ? await (scope ? indexScopeAnew(storage, scope) : storage.run(indexAnew, undefined))
    : await restoreReadings(storage, 'words', { scope })
  return { mailboxes, lost, accounts, reread, reindexed }
}
