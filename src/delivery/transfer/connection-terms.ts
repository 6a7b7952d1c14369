// On which terms a destination is connected to: the same for delivery and for whoever only tries whether it would take a message.
import type { DeliverySettings } from '../../config/settings.ts'
import type { Destination } from '../../routing/destination.ts'
import { leadsToNamesake } from '../../routing/find-servers.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { ConnectSmtp } from '../../smtp/client/contract.ts'
import type { Source } from '../pacing/source-pools.ts'
import type { ConnectionTerms } from './open-connection.ts'

export interface TermsOptions {
  readonly clock: Clock
  readonly hostname: string
  readonly settings: DeliverySettings
  /** Default: over the network. */
  readonly connect?: ConnectSmtp | undefined
}

export function connectionTerms(
  { clock, hostname, settings, connect }: TermsOptions,
  destination: Destination,
  source: Source,
): ConnectionTerms {
  const common: ConnectionTerms['common'] = {
    helloName: source.heloName ?? hostname,
    localAddress: source.address,
    connectTimeoutMs: settings.connectTimeoutSeconds * 1000,
    commandTimeoutMs: settings.commandTimeoutSeconds * 1000,
    clock,
  }
  if (destination.kind === 'lmtp') {
    const tls = destination.store.kind === 'socket' ? 'never' : settings.tls
    return { common, connect, protocol: 'lmtp', tls, verifyCertificate: false }
  }
  if (destination.kind !== 'smart-host')
    return { common, connect, tls: settings.tls, verifyCertificate: false }
  const { smartHost } = destination
  const { username, password } = smartHost
  return {
    common,
    connect,
    tls: smartHost.tls,
    // Opportunistic TLS takes what there is; a demanded one is worth its name only with a name that is checked.
    verifyCertificate: smartHost.verifyCertificate && smartHost.tls !== 'opportunistic',
    ...(username !== undefined && password !== undefined ? { auth: { username, password } } : {}),
  }
}

/** A smart host, or a server behind LMTP, may have the name of this one: only the way by MX leads round in a circle. */
export function ownServerTo(destination: Destination, hostname: string): Pick<ConnectionTerms, 'own'> {
  return destination.kind === 'domain'
    ? { own: { name: hostname, outcome: host => leadsToNamesake(destination, { host, name: hostname }) } }
    : {}
}
