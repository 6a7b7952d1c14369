// A pool of source addresses, as the settings have it.
import type { SourcePoolSettings } from '../../src/config/settings.ts'

/** Of addresses that need no warming. */
export function pool(
  name: string,
  addresses: readonly string[],
  changes: Partial<SourcePoolSettings> = {},
): SourcePoolSettings {
  const [address = '127.0.0.11', ...others] = addresses
  const warm = (one: string): SourcePoolSettings['sources'][0] => ({ address: one, warmUp: false })
  return {
    name,
    senders: [],
    destinations: [],
    classes: [],
    sources: [warm(address), ...others.map(warm)],
    ...changes,
  }
}
