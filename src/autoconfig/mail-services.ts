// What mail programs of our users can talk to here: the listeners that are for them.
import { isLoopback } from '../address/networks.ts'
import type { ListenerRole, ServedListener } from '../config/listener-roles.ts'

export interface MailService {
  readonly protocol: 'imap' | 'pop3' | 'smtp'
  /** tls: from the first byte. */
  readonly security: 'tls' | 'starttls'
  readonly port: number
}

type ProgramRole = Exclude<ListenerRole, 'relay' | 'sieve'>

/** The best first: TLS from the first byte before STARTTLS (RFC 8314 §3). */
const kinds: Readonly<Record<ProgramRole, Pick<MailService, 'protocol' | 'security'>>> = {
  imaps: { protocol: 'imap', security: 'tls' },
  imap: { protocol: 'imap', security: 'starttls' },
  pop3s: { protocol: 'pop3', security: 'tls' },
  pop3: { protocol: 'pop3', security: 'starttls' },
  submissions: { protocol: 'smtp', security: 'tls' },
  submission: { protocol: 'smtp', security: 'starttls' },
}

/** Each once, the best first. What only this machine reaches counts where there is nothing else, as on a server to try out. */
export function listMailServices(
  listeners: readonly Pick<ServedListener, 'role' | 'address' | 'port'>[],
): readonly MailService[] {
  const forOthers = listeners.filter(({ address }) => !isLoopback(address))
  const counted = forOthers.length > 0 ? forOthers : listeners
  return Object.entries(kinds).flatMap(([role, kind]) => {
    const ports = new Set(counted.filter(listener => listener.role === role).map(({ port }) => port))
    return [...ports].map(port => ({ ...kind, port }))
  })
}

export function isIncoming({ protocol }: MailService): boolean {
  return protocol !== 'smtp'
}
