// The signatures of our domains by the settings: who signs, in every thread that hands mail over; who looks after the keys, in the
// delivery thread.
import type { Settings } from '../config/settings.ts'
import type { Clock } from '../runtime/clock.ts'
import { ArcSealer } from '../signing/arc-sealer.ts'
import { KeyKeeper, type KeyKeeperOptions } from '../signing/key-keeper.ts'
import { DkimSigner, type MessageSigner } from '../signing/message-signer.ts'
import { StoredKeyRing } from '../signing/stored-key-ring.ts'
import type { Storage } from '../storage/operation.ts'

export interface SigningParts {
  readonly settings: Pick<Settings, 'hostname' | 'dkim' | 'submission' | 'forwarding'>
  readonly storage: Storage
  readonly clock: Clock
}

/** undefined: the settings want no signatures. */
export function composeSigner({ settings, storage, clock }: SigningParts): MessageSigner | undefined {
  if (!settings.dkim.sign) return undefined
  const keys = new StoredKeyRing({ storage, clock, terms: settings.dkim })
  storage.onWake('directory', () => keys.forget())
  const signer = new DkimSigner({ keys, storage, clock, senderAddress: settings.submission.senderAddress })
  const { hostname, forwarding } = settings
  return forwarding.sealArc
    ? new ArcSealer({ keys, clock, hostname, domain: forwarding.domain, others: signer })
    : signer
}

/** undefined: the settings want no signatures. */
export function composeKeyKeeper({
  settings,
  storage,
  ...parts
}: SigningParts & Pick<KeyKeeperOptions, 'resolver' | 'clock' | 'log' | 'alerts'>): KeyKeeper | undefined {
  if (!settings.dkim.sign) return undefined
  const keeper = new KeyKeeper({ ...parts, storage, terms: settings.dkim })
  storage.onWake('directory', () => keeper.wake())
  return keeper
}
