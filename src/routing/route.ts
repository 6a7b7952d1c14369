// Where the mail of one recipient goes: a mailbox of ours, other recipients, another server, or nowhere.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import type { Diagnosis } from '../delivery/outcome.ts'
import { maxExpansions } from '../directory/redirection-chains.ts'
import { type ResolvedRecipient, resolveRecipient } from '../directory/resolve-recipient.ts'
import type { Language } from '../queue/records.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Storage } from '../storage/operation.ts'
import { type Destination, domainDestination, hostDestination, relayedDestination } from './destination.ts'
import type { LmtpStores } from './lmtp-stores.ts'
import type { ReturnPaths } from './return-paths.ts'

export type Route =
  | {
      readonly kind: 'mailbox'
      readonly accountId: number
      readonly address: Address
      readonly mailbox: string
      readonly language: Language
      /** Its active Sieve script. */
      readonly scriptId?: number | undefined
    }
  | {
      readonly kind: 'expansion'
      readonly redirection: 'alias' | 'group' | 'catch-all'
      readonly address: Address
      readonly targets: readonly Address[]
    }
  | { readonly kind: 'remote'; readonly destination: Destination }
  /** The server of its domain fetches it: no attempt is made. */
  | { readonly kind: 'kept'; readonly domain: string }
  /** No attempt can help: the recipient fails. */
  | { readonly kind: 'unroutable'; readonly diagnosis: Diagnosis }

/** What routing needs to know of a recipient. */
export interface RoutedRecipient {
  readonly forwardPath: Address
  readonly expandedFrom?: readonly Address[] | undefined
  /** Where an administrator sends it, whatever else would become of it: 'mx2.example.org:25'. */
  readonly routeTo?: string | undefined
}

export interface Router {
  /** Rejects with a StorageFault when the directory cannot be read. */
  route(recipient: RoutedRecipient): Promise<Route>
}

export interface RouterOptions {
  readonly storage: Pick<Storage, 'run'>
  readonly hostname: string
  readonly returnPaths: ReturnPaths
  readonly clock: Pick<Clock, 'now'>
  /** Takes all mail for elsewhere. */
  readonly smartHost?: Destination | undefined
  /** Who has the mailboxes of accounts, and of domains that this server relays, where this server has them not itself. */
  readonly stores?: LmtpStores | undefined
}

const inbox = 'INBOX'

export function createRouter(options: RouterOptions): Router {
  const { storage, hostname, clock, returnPaths, smartHost, stores } = options
  return {
    async route({ forwardPath, expandedFrom = [], routeTo }) {
      const named = routeTo === undefined ? undefined : hostDestination(routeTo)
      if (named) return { kind: 'remote', destination: named }
      const returned = await returnPaths.open(forwardPath)
      if (returned) {
        if (returned.kind === 'invalid') return invalidReturnPath
        if (expandedFrom.length >= maxExpansions) return aliasLoop
        return { kind: 'expansion', redirection: 'alias', address: forwardPath, targets: [returned.to] }
      }
      const resolved = await storage.run(resolveRecipient, { address: forwardPath, hostname })
      switch (resolved.kind) {
        case 'account':
          return (
            routeToStore(stores, resolved, forwardPath, expandedFrom) ?? {
              kind: 'mailbox',
              accountId: resolved.accountId,
              address: resolved.address,
              mailbox: inbox,
              language: resolved.language,
              ...(resolved.scriptId === undefined ? {} : { scriptId: resolved.scriptId }),
            }
          )
        case 'redirection':
          // RFC 5321 §6.3: an alias that leads back to itself ends here, instead of growing the queue for ever.
          if (expandedFrom.length >= maxExpansions) return aliasLoop
          if (resolved.targets.length === 0) return noMembers
          return {
            kind: 'expansion',
            redirection: resolved.redirection,
            address: resolved.address,
            targets: resolved.targets,
          }
        case 'unknown-address':
          return resolved.reason === 'disabled' ? disabledAccount : unknownAddress
        case 'relay-domain': {
          const { domain } = forwardPath
          return resolved.keepsUntilFetched && clock.now() >= resolved.startsUntil
            ? { kind: 'kept', domain }
            : { kind: 'remote', destination: stores?.ofRelayed(domain) ?? relayedDestination(domain) }
        }
        case 'foreign-domain':
          return { kind: 'remote', destination: smartHost ?? domainDestination(forwardPath.domain) }
        default:
          return resolved satisfies never
      }
    },
  }
}

/** There it is known by the account's own address, with what stood after the +. undefined: its mailbox is here. */
function routeToStore(
  stores: LmtpStores | undefined,
  { address, detail }: Extract<ResolvedRecipient, { kind: 'account' }>,
  forwardPath: Address,
  expandedFrom: readonly Address[],
): Route | undefined {
  const destination = stores?.ofAccounts(address.domain)
  if (!destination) return undefined
  if (detail !== undefined || addressKey(forwardPath) === addressKey(address))
    return { kind: 'remote', destination }
  if (expandedFrom.length >= maxExpansions) return aliasLoop
  return { kind: 'expansion', redirection: 'alias', address: forwardPath, targets: [address] }
}

const unknownAddress: Route = {
  kind: 'unroutable',
  diagnosis: {
    stage: 'routing',
    cause: 'unknown-user',
    status: '5.1.1',
    detail: 'the domain is ours and has no such address',
  },
}

const invalidReturnPath: Route = {
  kind: 'unroutable',
  diagnosis: {
    stage: 'routing',
    cause: 'unknown-user',
    status: '5.1.1',
    detail: 'it looks like a return address of forwarded mail, and is none of ours, or too old',
  },
}

const disabledAccount: Route = {
  kind: 'unroutable',
  diagnosis: {
    stage: 'routing',
    cause: 'unknown-user',
    status: '5.2.1',
    detail: 'the account is disabled and takes no mail',
  },
}

const noMembers: Route = {
  kind: 'unroutable',
  diagnosis: { stage: 'routing', cause: 'unknown-user', status: '5.1.1', detail: 'the group has no members' },
}

const aliasLoop: Route = {
  kind: 'unroutable',
  diagnosis: {
    stage: 'routing',
    cause: 'loop',
    status: '5.4.6',
    detail: `more than ${maxExpansions} aliases or groups lead from one to the next: probably one leads back to itself`,
  },
}
