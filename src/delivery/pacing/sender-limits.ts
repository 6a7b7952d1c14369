// Whose mail a limit of `submission.limits` counts together, and which limit that is.
import { formatAddress } from '../../address/format-address.ts'
import { parseAddress } from '../../address/parse-address.ts'
import type { RateSettings, SenderLimitSettings } from '../../config/settings.ts'
import type { RateLimit } from '../../queue/allowances.ts'
import { accountGate, addressGate, type GateKey } from '../../queue/gates.ts'
import type { QueuedMessage } from '../../queue/records.ts'
import { matchesSender } from './match-mail.ts'
import { rateLimitsOf } from './shaping.ts'

export interface SenderLimit {
  /** Of all that is counted together. */
  readonly gate: GateKey
  /** 'anna@example.org' */
  readonly name: string
  readonly limits: readonly RateLimit[]
}

/**
 * `account`: the address of the account that sends. Where a rule means it, all that it sends counts, whatever the
 * reverse-path; else each reverse-path that a rule means counts for itself. Reports have no limit.
 */
function senderLimitOf(
  rules: readonly SenderLimitSettings[],
  message: Pick<QueuedMessage, 'accountId' | 'reversePath' | 'isReport'>,
  account: string | undefined,
  /** Those of accounts that no rule means; undefined: none. */
  accountRates?: RateSettings,
): SenderLimit | undefined {
  const { accountId, reversePath, isReport } = message
  if (isReport) return undefined
  const address = account === undefined ? undefined : parseAddress(account)
  for (const rule of rules.filter(saysRates)) {
    const means = (sender: QueuedMessage['reversePath']): boolean =>
      rule.match.some(text => matchesSender(text, { reversePath: sender }))
    if (accountId !== undefined && account !== undefined && address && means(address))
      return { gate: accountGate(accountId), name: account, limits: rateLimitsOf(rule) }
    if (reversePath !== null && means(reversePath))
      return {
        gate: addressGate(reversePath),
        name: formatAddress(reversePath),
        limits: rateLimitsOf(rule),
      }
  }
  if (accountId === undefined || account === undefined || accountRates === undefined) return undefined
  return { gate: accountGate(accountId), name: account, limits: rateLimitsOf(accountRates) }
}

/** Others are about new recipients only. */
function saysRates({ perSecond, perMinute, perHour, perDay }: RateSettings): boolean {
  return [perSecond, perMinute, perHour, perDay].some(most => most !== undefined)
}

/** Of `submission`: what is said of how much a sender may send in a time. */
export interface SenderRules {
  readonly limits: readonly SenderLimitSettings[]
  /** Undefined: none. */
  readonly accountLimits?: RateSettings | undefined
  readonly bulkSenders: readonly string[]
}

/**
 * `senderLimitOf` by all that the settings say. What an account may send is lifted by its own address alone: the reverse-path is one that it
 * chooses, and so would whoever has its password.
 */
export function senderLimitBy(
  { limits, accountLimits, bulkSenders }: SenderRules,
  message: Pick<QueuedMessage, 'accountId' | 'reversePath' | 'isReport'>,
  account: string | undefined,
): SenderLimit | undefined {
  return senderLimitOf(
    limits,
    message,
    account,
    isBulkAccount(bulkSenders, account) ? undefined : accountLimits,
  )
}

/** An administrator said of it that its mail goes to many (`submission.bulkSenders`): of the account, or of the reverse-path. */
export function sendsBulk(
  bulkSenders: readonly string[],
  { reversePath }: Pick<QueuedMessage, 'reversePath'>,
  account: string | undefined,
): boolean {
  return bulkSenders.some(text => matchesSender(text, { reversePath })) || isBulkAccount(bulkSenders, account)
}

/** An administrator said of the account that it writes to many. */
export function isBulkAccount(bulkSenders: readonly string[], account: string | undefined): boolean {
  if (bulkSenders.length === 0 || account === undefined) return false
  const reversePath = parseAddress(account) ?? null
  return bulkSenders.some(text => matchesSender(text, { reversePath }))
}
