// What the settings say of whose mail, and to whom: 'news@example.com', 'gmail'.
import { addressKey } from '../../address/address-key.ts'
import type { QueuedMessage } from '../../queue/records.ts'
import type { Site } from '../../routing/site.ts'

/** `text`: an address, a domain, or '*' for each sender; as `canonicalSender` of the settings leaves it. */
export function matchesSender(text: string, { reversePath }: Pick<QueuedMessage, 'reversePath'>): boolean {
  if (reversePath === null) return false
  return text === '*' || text === reversePath.domain || text === addressKey(reversePath)
}

/**
 * `text`: a provider ('gmail'), a domain, or a mail host or the end of its name ('.mail.example.net'); as
 * `canonicalReceiver` of the settings leaves it.
 */
export function matchesDestination(text: string, site: Site, domain: string): boolean {
  if (text === site.provider || text === domain) return true
  return site.hosts.some(host => host === text || (text.startsWith('.') && host.endsWith(text)))
}
