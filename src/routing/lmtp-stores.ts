// Which mailboxes are on another server, that takes mail for them over LMTP (Dovecot, Cyrus).
import type { LmtpStoreSettings } from '../config/settings.ts'
import { type Destination, lmtpDestination, parseLmtpStore } from './destination.ts'

export interface LmtpStores {
  /** Of accounts of this server in this domain; undefined: their mailboxes are here. */
  ofAccounts(domain: string): Destination | undefined
  /** Of a domain that this server relays; undefined: its mail goes where the DNS says. */
  ofRelayed(domain: string): Destination | undefined
}

/** A store that names no domain has all accounts that no other one has. */
export function createLmtpStores(settings: readonly LmtpStoreSettings[]): LmtpStores {
  const byDomain = new Map<string, Extract<Destination, { kind: 'lmtp' }>>()
  let ofOthers: Destination | undefined
  for (const { domains, to } of settings) {
    const store = parseLmtpStore(to)
    if (!store) continue
    const destination = lmtpDestination(store)
    for (const domain of domains) byDomain.set(domain, destination)
    if (domains.length === 0) ofOthers = destination
  }
  return {
    ofAccounts: domain => byDomain.get(domain) ?? ofOthers,
    ofRelayed(domain) {
      const destination = byDomain.get(domain)
      return destination && { ...destination, isRelayed: true }
    },
  }
}
