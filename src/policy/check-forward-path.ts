// RCPT: is it ours, or may this client relay? The rule that keeps this server from being an open relay.
import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address-key.ts'
import { formatAddress } from '../address/format-address.ts'
import { type ResolvedRecipient, resolveRecipient } from '../directory/resolve-recipient.ts'
import type { Disposition } from '../smtp/parameters.ts'
import { replies } from '../smtp/replies.ts'
import type { Reply } from '../smtp/reply.ts'
import type { Client } from '../smtp/server/services.ts'
import type { Storage } from '../storage/operation.ts'

/** Whether a terminal of an address is open; the key is that of `addressKey`. */
export interface OpenTerminals {
  isOpen(key: string): boolean
}

export interface RelayPolicy {
  readonly hostname: string
}

export async function checkForwardPath(
  storage: Pick<Storage, 'run'>,
  policy: RelayPolicy,
  terminals: OpenTerminals,
  client: Client,
  forwardPath: Address,
  disposition: Disposition,
): Promise<Reply | undefined> {
  const resolved = await storage.run(resolveRecipient, { address: forwardPath, hostname: policy.hostname })
  switch (resolved.kind) {
    case 'account':
    case 'redirection':
      return disposition === 'send' && !hasOpenTerminal(terminals, forwardPath, resolved)
        ? replies.terminalClosed(formatAddress(forwardPath))
        : undefined
    case 'unknown-address':
      return resolved.reason === 'disabled'
        ? replies.mailboxDisabled(formatAddress(forwardPath))
        : replies.noSuchMailbox(formatAddress(forwardPath))
    // That this server relays for the domain is what its administrator said: the yes of the relay control.
    case 'relay-domain':
      return disposition === 'send' ? replies.sendOnlyHere : undefined
    case 'foreign-domain':
      if (!client.account && !client.local) return replies.relayDenied(formatAddress(forwardPath))
      return disposition === 'send' ? replies.sendOnlyHere : undefined
    default:
      return resolved satisfies never
  }
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
