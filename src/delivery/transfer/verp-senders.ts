// Whose mail leaves with a reverse-path of its own for each recipient (VERP), as the settings say.
import type { ReversePath } from '../../address/address.ts'
import { addressKey } from '../../address/address-key.ts'
import { parseAddress } from '../../address/parse-address.ts'
import { parseDomain } from '../../address/parse-domain.ts'
import { composeVerp } from '../../address/verp.ts'
import type { VerpSettings } from '../../config/settings.ts'
import type { ReversePathFor } from './remote-attempt.ts'

/** undefined: mail from this reverse-path has one for all. */
export type VerpSenders = (reversePath: ReversePath) => ReversePathFor | undefined

export function createVerpSenders({ senders, delimiter }: VerpSettings): VerpSenders | undefined {
  if (senders.length === 0) return undefined
  const keys = new Set(senders.map(keyOf))
  return reversePath => {
    if (reversePath === null) return undefined
    if (!keys.has(addressKey(reversePath)) && !keys.has(`@${reversePath.domain}`)) return undefined
    return forwardPath => composeVerp(reversePath, forwardPath, delimiter)
  }
}

/** 'news@example.test', or '@example.test' for all addresses of a domain. */
function keyOf(sender: string): string {
  if (sender.startsWith('@')) return `@${parseDomain(sender.slice(1)) ?? ''}`
  const address = parseAddress(sender)
  return address ? addressKey(address) : ''
}
