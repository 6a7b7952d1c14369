// What a listener is there for: which protocol, and for whom.
import type { BoundListener, PortOptions, UnixSocketOptions } from '../connection/listener-options.ts'
import type { ListenerRole as ImapRole } from '../imap/server/services.ts'
import type { ListenerRole as ManageSieveRole } from '../manage-sieve/services.ts'
import type { ListenerRole as Pop3Role } from '../pop3/server/services.ts'
import type { SmtpRole, ListenerRole as SmtpServerRole } from '../smtp/server/services.ts'

/** Of [[listeners]]. */
export type ListenerRole = SmtpRole | ImapRole | Pop3Role | ManageSieveRole

/** With that of [[lmtp]]. */
export type ServedRole = ListenerRole | SmtpServerRole
export type ServedOptions = PortOptions<ServedRole> | UnixSocketOptions<'lmtp'>
export type ServedListener = BoundListener<ServedRole>

/** Where programs look for each (RFC 8314 §7, and the registry of ports), in the order in which people list them. */
export const usualPorts: Readonly<Record<ListenerRole, number>> = {
  relay: 25,
  submission: 587,
  submissions: 465,
  imap: 143,
  imaps: 993,
  pop3: 110,
  pop3s: 995,
  sieve: 4190,
}

/** In SRV records. A program that knows two ways to the mailbox takes the lower one (RFC 6186 §3.4). */
export function srvPriorityOf(role: ListenerRole): number {
  return role === 'pop3' || role === 'pop3s' ? 10 : 0
}

export const listenerRoles = Object.keys(usualPorts) as readonly ListenerRole[]

interface WithRole {
  readonly role: ServedRole
}

export function isSmtp<Listener extends WithRole>(
  listener: Listener,
): listener is Listener & { readonly role: SmtpServerRole } {
  return !isImap(listener) && !isPop3(listener) && !isManageSieve(listener)
}

export function isImap<Listener extends WithRole>(
  listener: Listener,
): listener is Listener & { readonly role: ImapRole } {
  return listener.role === 'imap' || listener.role === 'imaps'
}

export function isPop3<Listener extends WithRole>(
  listener: Listener,
): listener is Listener & { readonly role: Pop3Role } {
  return listener.role === 'pop3' || listener.role === 'pop3s'
}

export function isManageSieve<Listener extends WithRole>(
  listener: Listener,
): listener is Listener & { readonly role: ManageSieveRole } {
  return listener.role === 'sieve'
}
