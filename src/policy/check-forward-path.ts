// RCPT: is it ours, or may this client relay? The rule that keeps this server from being an open relay.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { formatAddress } from '../address/format-address.ts'
import { hasDomains, isNobodyHere } from '../directory/domains.ts'
import { isRoleAddress } from '../directory/keys.ts'
import { type ResolvedRecipient, resolveRecipient } from '../directory/resolve-recipient.ts'
import type { Disposition } from '../smtp/parameters.ts'
import { replies } from '../smtp/replies.ts'
import type { Reply } from '../smtp/reply.ts'
import type { AuthenticatedAccount, Client } from '../smtp/server/services.ts'
import type { Storage } from '../storage/operation.ts'

/** Whether a terminal of an address is open; the key is that of `addressKey`. */
export interface OpenTerminals {
  isOpen(key: string): boolean
}

export interface RelayPolicy {
  readonly hostname: string
}

/** Asked last. */
export interface RecipientLimits {
  /** Of mail of an account for elsewhere. */
  readonly limitRecipient?: ((account: AuthenticatedAccount) => Promise<Reply | undefined>) | undefined
  /** Of mail for a mailbox here. */
  readonly limitRoom?: ((resolved: ResolvedRecipient) => Promise<Reply | undefined>) | undefined
}

export async function checkForwardPath(
  storage: Pick<Storage, 'run'>,
  policy: RelayPolicy,
  terminals: OpenTerminals,
  client: Client,
  forwardPath: Address,
  disposition: Disposition,
  { limitRecipient, limitRoom }: RecipientLimits = {},
): Promise<Reply | undefined> {
  const resolved = await storage.run(resolveRecipient, { address: forwardPath, hostname: policy.hostname })
  switch (resolved.kind) {
    case 'account':
    case 'redirection':
      // RFC 821 §3.4: it comes into no mailbox.
      if (disposition !== 'send') return await limitRoom?.(resolved)
      return hasOpenTerminal(terminals, forwardPath, resolved)
        ? undefined
        : replies.terminalClosed(formatAddress(forwardPath))
    case 'unknown-address':
      if (resolved.reason === 'disabled') return replies.mailboxDisabled(formatAddress(forwardPath))
      return await refuse(
        storage,
        // A server to which the accounts are yet to come would turn its first mail away for good.
        isRoleAddress(forwardPath) || (await storage.run(isNobodyHere, undefined))
          ? replies.nobodyYet(formatAddress(forwardPath))
          : replies.noSuchMailbox(formatAddress(forwardPath)),
      )
    // That this server relays for the domain is what its administrator said: the yes of the relay control.
    case 'relay-domain':
      if (client.role === 'lmtp') return replies.notForMailboxes(formatAddress(forwardPath))
      return disposition === 'send' ? replies.sendOnlyHere : undefined
    case 'foreign-domain':
      // RFC 2033 §3: it hands over what is to be delivered here.
      if (client.role === 'lmtp')
        return await refuse(storage, replies.notForMailboxes(formatAddress(forwardPath)))
      if (!client.account && !client.local)
        return await refuse(storage, replies.relayDenied(formatAddress(forwardPath)))
      if (disposition === 'send') return replies.sendOnlyHere
      return client.account && (await limitRecipient?.(client.account))
    default:
      return resolved satisfies never
  }
}

/**
 * A directory without any domain is one that has not been filled, or is not the right one: a volume that is not mounted. No
 * sender should be told for good that nobody is here, and postmaster least of all (RFC 5321 §4.5.1).
 */
async function refuse(storage: Pick<Storage, 'run'>, reply: Reply): Promise<Reply> {
  return (await storage.run(hasDomains, undefined)) ? reply : replies.noDomainYet
}

// RFC 821 §3.4. Of an alias or a group, one level is looked at: its terminal, or that of one of its targets.
function hasOpenTerminal(
  terminals: OpenTerminals,
  forwardPath: Address,
  resolved: Extract<ResolvedRecipient, { kind: 'account' | 'redirection' }>,
): boolean {
  const targets = resolved.kind === 'account' ? [resolved.address] : resolved.targets
  return [forwardPath, resolved.address, ...targets].some(address => terminals.isOpen(addressKey(address)))
}
