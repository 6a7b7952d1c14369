// Whether mail that an administrator sends to a host can get there, as far as the DNS says: asked at the command, so that a
// name with a typo is not found out hours later.
import type { Settings } from '../config/settings.ts'
import { createSettingsResolver } from '../main/compose-resolver.ts'
import { hostDestination } from '../routing/destination.ts'
import { createServerFinder } from '../routing/find-servers.ts'
import { createOwnEndpoints } from '../routing/own-endpoints.ts'
import type { Invocation } from './invocation.ts'

/** What is wrong with it, as delivery would find it; undefined: nothing that the DNS tells. `route`: 'mx2.example.org:25'. */
export async function findRouteProblem(
  { clock, random }: Pick<Invocation, 'clock' | 'random'>,
  settings: Settings,
  route: string,
): Promise<string | undefined> {
  const destination = hostDestination(route)
  if (!destination) return undefined
  const { delivery, hostname, listeners } = settings
  const resolver = createSettingsResolver(settings, clock, random)
  try {
    const find = createServerFinder({
      resolver,
      own: createOwnEndpoints({ hostname, listeners }),
      random,
      port: delivery.port,
      ipv6: delivery.ipv6,
    })
    const found = await find(destination)
    return found.kind === 'servers' ? undefined : found.diagnosis.detail
  } finally {
    resolver.close()
  }
}
