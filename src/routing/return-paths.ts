// The reverse-path with which mail leaves, and where mail to such a reverse-path goes: rewritten for what is forwarded
// (routing/srs.ts), so that the receiver's SPF check (RFC 7208) asks about us, and reports come back by us.
import type { Address, ReversePath } from '../address/address.ts'
import type { ForwardingSettings } from '../config/settings.ts'
import { resolveRecipient } from '../directory/resolve-recipient.ts'
import { obtainSecret } from '../directory/secrets.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import type { Storage } from '../storage/operation.ts'
import { isSrsAddress, type OpenedSrs, openSrs, rewriteSender, type SrsKey } from './srs.ts'

export interface ReturnPathsOptions {
  readonly storage: Pick<Storage, 'run'>
  readonly clock: Clock
  readonly random: Random
  readonly hostname: string
  readonly forwarding: Pick<ForwardingSettings, 'rewriteSender' | 'domain'>
}

export interface ReturnPaths {
  /** `expandedFrom`: by whose expansion (alias, group, catch-all) it leaves. Rejects when the storage cannot be read. */
  reversePathFor(reversePath: ReversePath, expandedFrom?: readonly Address[]): Promise<ReversePath>
  /** undefined: an address like any other, or not of ours. Rejects when the storage cannot be read. */
  open(forwardPath: Address): Promise<OpenedSrs | undefined>
}

const secretName = 'srs'

export function createReturnPaths(options: ReturnPathsOptions): ReturnPaths {
  const { storage, clock, random, hostname, forwarding } = options
  let secret: Promise<Uint8Array> | undefined
  const key = async (): Promise<SrsKey> => {
    secret ??= obtainSecret(storage, secretName, { random, at: clock.now() })
    try {
      return { secret: await secret, now: clock.now() }
    } catch (cause) {
      // Next time it may be there.
      secret = undefined
      throw cause
    }
  }
  const isOurs = async (address: Address): Promise<boolean> =>
    (await storage.run(resolveRecipient, { address, hostname })).kind !== 'foreign-domain'
  return {
    async reversePathFor(reversePath, expandedFrom = []) {
      const forwarder = expandedFrom.at(-1)
      if (!forwarding.rewriteSender || reversePath === null || !forwarder) return reversePath
      if (await isOurs(reversePath)) return reversePath
      const domain = forwarding.domain ?? forwarder.domain
      // What cannot be written so goes as it is.
      return rewriteSender(reversePath, domain, await key()) ?? reversePath
    },
    // Though no sender is rewritten any longer: what was sent before comes back.
    async open(forwardPath) {
      if (!isSrsAddress(forwardPath)) return undefined
      if (forwardPath.domain !== forwarding.domain && !(await isOurs(forwardPath))) return undefined
      return openSrs(forwardPath, await key())
    },
  }
}
