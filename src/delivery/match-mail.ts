// What the settings say of whose mail, and to whom: 'news@example.com', 'gmail'.
import { formatAddress } from '../address/format-address.ts'
import type { QueuedMessage } from '../queue/records.ts'
import type { Site } from '../routing/site.ts'

/** An address, a domain, or '*' for each sender. */
export function matchesSender(text: string, { reversePath }: Pick<QueuedMessage, 'reversePath'>): boolean {
  if (reversePath === null) return false
  const wanted = text.toLowerCase()
  return (
    wanted === '*' || wanted === reversePath.domain || wanted === formatAddress(reversePath).toLowerCase()
  )
}

/** A provider ('gmail'), a domain, or a mail host or the end of its name ('.mail.example.net'). */
export function matchesDestination(text: string, site: Site, domain: string): boolean {
  const wanted = text.toLowerCase()
  if (wanted === site.provider || wanted === domain) return true
  return site.hosts.some(host => host === wanted || (wanted.startsWith('.') && host.endsWith(wanted)))
}
