// The resolver that the settings ask for.

import { parseDnsServer } from '../config/setting-text.ts'
import type { Settings } from '../config/settings.ts'
import { createResolver, type OwnedResolver } from '../dns/resolver.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'

export function createSettingsResolver(settings: Settings, clock: Clock, random: Random): OwnedResolver {
  const servers = settings.delivery.dnsServers.flatMap(text => parseDnsServer(text) ?? [])
  return createResolver({
    ...(servers.length > 0 ? { servers } : {}),
    clock,
    random,
    dnssec: settings.delivery.dnssec,
  })
}
