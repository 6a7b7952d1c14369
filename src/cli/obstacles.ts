// What this server itself would do with a message before any other sees it: hold it, not send it, have it stand in line, or find
// no room for it.
import type { Address, ReversePath } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { formatAddress } from '../address/format-address.ts'
import type { Settings } from '../config/settings.ts'
import { sendsBulk } from '../delivery/pacing/sender-limits.ts'
import { diagnoseSuppression } from '../delivery/sending-rules.ts'
import { findAccount } from '../directory/accounts.ts'
import { isRoleAddress } from '../directory/keys.ts'
import type { GateKey } from '../queue/gates.ts'
import { withoutEnd } from '../runtime/text.ts'
import { findSendingRules } from '../suppression/operations.ts'
import { findBinding, type SuppressedMail } from '../suppression/suppression.ts'
import { describeOpening, describePlace } from './describe-gate.ts'
import { gateJson } from './gate-json.ts'
import { describeFullness, type Fullness, readFullness } from './mailbox-fullness.ts'
import type { CommandStorage } from './open-storage.ts'
import { type GateState, readClosedGates } from './prospects.ts'

export type Obstacle =
  /** All new mail is (`queue.hold`). */
  | { readonly kind: 'held'; readonly account?: undefined; readonly because?: undefined }
  | { readonly kind: 'held'; readonly account: string; readonly because: string }
  | {
      readonly kind: 'suppressed'
      readonly address: string
      readonly mail: SuppressedMail
      readonly detail: string
    }
  | { readonly kind: 'closed'; readonly gate: GateState }
  | { readonly kind: 'full'; readonly fullness: Fullness }

export interface Probed {
  readonly forwardPath: Address
  readonly reversePath: ReversePath
  /** Where it would stand in line; undefined: it stays here. */
  readonly gate: GateKey | undefined
  /** The preferred mail host. */
  readonly host: string | undefined
  /** Accounts of this server into whose mailboxes it leads. */
  readonly accounts: readonly Address[]
}

export async function readObstacles(
  storage: Pick<CommandStorage, 'run'>,
  settings: Pick<Settings, 'delivery' | 'submission' | 'queue' | 'mailboxes'>,
  { forwardPath, reversePath, gate, host, accounts }: Probed,
  now: number,
): Promise<readonly Obstacle[]> {
  const account = reversePath === null ? undefined : await storage.run(findAccount, { address: reversePath })
  const key = addressKey(forwardPath)
  const rules = await storage.run(findSendingRules, {
    addressKeys: gate === undefined ? [] : [key],
    accountIds: account ? [account.id] : [],
    now,
  })
  const sending = account && rules.accounts.get(account.id)
  const message = { accountId: account?.id, reversePath, isReport: false }
  const isBulk = sendsBulk(settings.submission.bulkSenders, message, sending?.address)
  const found = rules.suppressions.get(key) ?? []
  const binding =
    findBinding(found, { ...message, isBulk }) ?? findBinding(found, { ...message, isBulk: true })
  const gates = await readClosedGates(
    storage,
    settings,
    { message, account: sending?.address, gate, domain: forwardPath.domain, host },
    now,
  )
  const full: Fullness[] = []
  // RFC 5321 §4.5.1: postmaster can always be reached.
  for (const address of isRoleAddress(forwardPath) ? [] : accounts) {
    const fullness = await readFullness(storage, settings, address, now)
    if (fullness) full.push(fullness)
  }
  return [
    ...(settings.queue.hold ? [{ kind: 'held' } as const] : []),
    ...(sending?.heldBecause === undefined
      ? []
      : [{ kind: 'held', account: sending.address, because: sending.heldBecause } as const]),
    ...(binding
      ? [
          {
            kind: 'suppressed',
            address: binding.address,
            mail: isBulk ? 'all' : binding.mail,
            detail: diagnoseSuppression(binding).detail,
          } as const,
        ]
      : []),
    ...gates.map(gate => ({ kind: 'closed', gate }) as const),
    ...full.map(fullness => ({ kind: 'full', fullness }) as const),
  ]
}

/** Not only mass mail. */
export function keepsMail(obstacle: Obstacle): boolean {
  return obstacle.kind !== 'suppressed' || obstacle.mail === 'all'
}

/** Sentences. */
export function describeObstacle(obstacle: Obstacle, now: number): string {
  switch (obstacle.kind) {
    case 'held':
      return obstacle.account === undefined
        ? 'New mail is held here (queue.hold): it would wait until somebody releases it.'
        : `The account ${obstacle.account} is on hold: ${withoutEnd(obstacle.because)}. Its mail would wait; "postrider account release ${obstacle.account}" lets it go.`
    case 'suppressed':
      return `${obstacle.mail === 'all' ? 'It would fail here' : 'Mass mail would fail here'}, ${withoutEnd(obstacle.detail)}. "postrider suppression show ${obstacle.address}" has more, "postrider suppression remove ${obstacle.address}" takes it off.`
    case 'closed':
      return `It would stand in line ${describePlace(obstacle.gate, false)}. ${describeOpening(obstacle.gate, now)}`
    case 'full':
      return describeFullness(obstacle.fullness)
    default:
      return obstacle satisfies never
  }
}

export function obstacleJson(obstacle: Obstacle): unknown {
  switch (obstacle.kind) {
    case 'held':
      return { kind: 'held', account: obstacle.account ?? null, because: obstacle.because ?? null }
    case 'suppressed':
      return obstacle
    case 'closed':
      return { kind: 'closed', gate: gateJson(obstacle.gate) }
    case 'full': {
      const { address, room, quota } = obstacle.fullness
      const { used, limit } = quota
      return { kind: 'full', account: formatAddress(address), room, used, limit }
    }
    default:
      return obstacle satisfies never
  }
}
