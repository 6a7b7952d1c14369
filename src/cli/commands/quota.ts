// postrider account quota, domain quota, account retention: how much mail an account may have, and how long its trash is kept.
import { Argument, type Command, InvalidArgumentError } from 'commander'
import type { Address } from '../../address/address.ts'
import { type Settings, usualQuotaOf } from '../../config/settings.ts'
import { displayAddress, displayDomain } from '../../directory/display.ts'
import type { AccountTerms, QuotaTerms } from '../../directory/records.ts'
import { formatExactSize, noLimitWord, parseSize } from '../../directory/size-text.ts'
import {
  type Changed,
  changeAccountTerms,
  changeDomainTerms,
  findAccountTerms,
  findDomainTerms,
} from '../../directory/terms.ts'
import type { Quota } from '../../mailbox/quota.ts'
import { readQuotaOf, updateLevel } from '../../mailbox/quota-operations.ts'
import { formatSize } from '../../runtime/format-size.ts'
import { accountIdOf } from '../account-id.ts'
import { addressArgument, countArgument, domainArgument } from '../arguments.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import type { CommandStorage } from '../open-storage.ts'
import { formatCount } from '../quantities.ts'

/** Nothing of its own: what stands above it counts. */
const usualWord = 'usual'
const foreverWord = 'never'

type Limit = number | 'usual'

function sizeArgument(text: string): Limit {
  if (text === usualWord) return 'usual'
  const size = parseSize(text)
  if (size === undefined)
    throw new InvalidArgumentError(
      `It has to be a size (500MB, 5GB, 1TB), "${noLimitWord}" for no limit, or "${usualWord}".`,
    )
  return size
}

function messagesArgument(text: string): Limit {
  if (text === usualWord) return 'usual'
  return text === noLimitWord ? 0 : countArgument(text)
}

const maxDays = 3650

function daysArgument(text: string): Limit {
  if (text === usualWord) return 'usual'
  if (text === foreverWord) return 0
  const days = countArgument(text)
  if (days > maxDays) throw new InvalidArgumentError(`It has to be a number of days up to ${maxDays}.`)
  return days
}

interface QuotaOptions {
  readonly size?: Limit
  readonly messages?: Limit
}

interface RetentionOptions {
  readonly trash?: Limit
  readonly junk?: Limit
}

function changeOf({ size, messages }: QuotaOptions): Changed<QuotaTerms> {
  return {
    ...(size === undefined ? {} : { quotaBytes: size }),
    ...(messages === undefined ? {} : { quotaMessages: messages }),
  }
}

function addQuotaOptions(command: Command): Command {
  return command
    .option(
      '--size <size>',
      `500MB, 5GB …; ${noLimitWord}: no limit; ${usualWord}: nothing of its own`,
      sizeArgument,
    )
    .option('--messages <number>', `the same for the number of messages`, messagesArgument)
}

export function addAccountQuotaCommands(account: Command, run: CommandRun): void {
  addQuotaOptions(
    addCommand(account, {
      usage: 'quota',
      summary: 'Show or change how much mail an account may have',
      description:
        'Show how much mail an account has and may have, or change that. What is not said of an account its domain says ' +
        '("postrider domain quota"), and else the settings (mailboxes.quotaMegabytes, mailboxes.quotaMessages).',
      examples: [
        'account quota anna@example.test',
        'account quota anna@example.test --size 5GB',
        `account quota anna@example.test --size ${noLimitWord} --messages ${usualWord}`,
      ],
    }).addArgument(new Argument('<address>').argParser(addressArgument)),
  ).action(
    perform(run, async (invocation, options: QuotaOptions, address: Address) => {
      const change = changeOf(options)
      const { quota, terms } = await invocation.withStorage(async (storage, settings) => {
        const accountId = await accountIdOf(storage, address)
        if (Object.keys(change).length > 0) {
          await storage.run(changeAccountTerms, { address, change })
          const usual = usualQuotaOf(settings.mailboxes)
          await storage.run(updateLevel, { accountId, usual, now: invocation.clock.now() })
        }
        return {
          quota: await quotaOf(storage, settings, accountId),
          terms: await storage.run(findAccountTerms, { address }),
        }
      })
      const shown = displayAddress(address)
      const { quotaBytes, quotaMessages } = terms
      invocation.output.result(
        {
          account: shown,
          ...quotaJson(quota),
          own: { bytes: quotaBytes ?? null, messages: quotaMessages ?? null },
        },
        `${shown} has ${describeUse(quota)}.`,
      )
    }),
  )

  addCommand(account, {
    usage: 'retention',
    summary: 'Show or change how long what an account has in Trash and Junk stays there',
    description:
      'Show how long a message stays in the trash of an account, and in its mailbox for spam, or change that. The days count from when ' +
      'it came there; then it is as if its owner had deleted it for good ("postrider mail restore" has it back for ' +
      'mailboxes.keepExpungedDays). What is not said of an account the settings say (mailboxes.keepTrashDays, mailboxes.keepJunkDays).',
    examples: [
      'account retention anna@example.test',
      `account retention anna@example.test --trash ${foreverWord} --junk 7`,
      `account retention anna@example.test --trash ${usualWord}`,
    ],
  })
    .addArgument(new Argument('<address>').argParser(addressArgument))
    .option('--trash <days>', `a number of days, ${foreverWord}, or ${usualWord}`, daysArgument)
    .option('--junk <days>', 'the same for its mailbox for spam', daysArgument)
    .action(
      perform(run, async (invocation, { trash, junk }: RetentionOptions, address: Address) => {
        const change: Changed<AccountTerms> = {
          ...(trash === undefined ? {} : { keepTrashDays: trash }),
          ...(junk === undefined ? {} : { keepJunkDays: junk }),
        }
        const { terms, mailboxes } = await invocation.withStorage(async (storage, settings) => {
          if (Object.keys(change).length > 0) await storage.run(changeAccountTerms, { address, change })
          return { terms: await storage.run(findAccountTerms, { address }), mailboxes: settings.mailboxes }
        })
        const shown = displayAddress(address)
        const trashDays = terms.keepTrashDays ?? mailboxes.keepTrashDays
        const junkDays = terms.keepJunkDays ?? mailboxes.keepJunkDays
        invocation.output.result(
          {
            account: shown,
            trashDays,
            junkDays,
            own: { trashDays: terms.keepTrashDays ?? null, junkDays: terms.keepJunkDays ?? null },
          },
          `What ${shown} has in Trash stays there ${describeDays(trashDays)}, and what is in Junk ${describeDays(junkDays)}.`,
        )
      }),
    )
}

export function addDomainQuotaCommand(domain: Command, run: CommandRun): void {
  addQuotaOptions(
    addCommand(domain, {
      usage: 'quota',
      summary: 'Show or change how much mail each account of a domain may have',
      description:
        'Show or change how much mail each account of a domain may have, where nothing else is said of the account ("postrider ' +
        'account quota"). What is not said of the domain the settings say (mailboxes.quotaMegabytes, mailboxes.quotaMessages).',
      examples: ['domain quota example.test', 'domain quota example.test --size 5GB --messages 100000'],
    }).addArgument(new Argument('<domain>').argParser(domainArgument)),
  ).action(
    perform(run, async (invocation, options: QuotaOptions, name: string) => {
      const change = changeOf(options)
      const { terms, usual } = await invocation.withStorage(async (storage, settings) => {
        if (Object.keys(change).length > 0) await storage.run(changeDomainTerms, { domain: name, change })
        return {
          terms: await storage.run(findDomainTerms, { domain: name }),
          usual: usualQuotaOf(settings.mailboxes),
        }
      })
      const bytes = terms.quotaBytes ?? usual.bytes
      const messages = terms.quotaMessages ?? usual.messages
      const limits = [
        ...(bytes > 0 ? [formatExactSize(bytes)] : []),
        ...(messages > 0 ? [formatCount(messages, 'message')] : []),
      ]
      invocation.output.result(
        {
          domain: displayDomain(name),
          limit: { bytes, messages },
          own: { bytes: terms.quotaBytes ?? null, messages: terms.quotaMessages ?? null },
        },
        limits.length === 0
          ? `An account of ${displayDomain(name)} may have as much mail as there is room for.`
          : `An account of ${displayDomain(name)} may have ${limits.join(' and ')}, where nothing else is said of it.`,
      )
    }),
  )
}

async function quotaOf(storage: CommandStorage, settings: Settings, accountId: number): Promise<Quota> {
  const quota = await storage.run(readQuotaOf, { accountId, usual: usualQuotaOf(settings.mailboxes) })
  if (!quota) throw new Error('the account has gone meanwhile')
  return quota
}

export function quotaJson({ used, limit }: Pick<Quota, 'used' | 'limit'>) {
  return { used, limit }
}

/** '1.2 GB of 5.0 GB in 300 messages' */
function describeUse({ used, limit }: Pick<Quota, 'used' | 'limit'>): string {
  const size = `${formatSize(used.bytes)}${limit.bytes > 0 ? ` of ${formatSize(limit.bytes)}` : ''}`
  const messages = formatCount(used.messages, 'message')
  return `${size} in ${limit.messages > 0 ? `${used.messages} of ${formatCount(limit.messages, 'message')}` : messages}`
}

function describeDays(days: number): string {
  return days === 0 ? 'until somebody deletes it' : `for ${formatCount(days, 'day')}`
}
