// The providers of the settings, each with its keys.
import type { OpenIdSettings } from '../config/settings.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { ProviderKeys } from './provider-keys.ts'
import type { Provider } from './verify-token.ts'

export function composeProviders(
  providers: readonly OpenIdSettings[],
  clock: Clock,
  log: Log,
): readonly (Provider & { readonly keys: ProviderKeys })[] {
  return providers.map(({ caPem, ...provider }) => ({
    ...provider,
    keys: new ProviderKeys({ issuer: provider.issuer, caPem, clock, log }),
  }))
}
