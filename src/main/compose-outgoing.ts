// What our accounts send, as the settings want it looked at, and what becomes of an account in which something is found.
import { raiseAlert } from '../alert/operations.ts'
import type { Settings } from '../config/settings.ts'
import type { OutgoingSuspects } from '../intake/inspect-message.ts'
import type { Clock } from '../runtime/clock.ts'
import { LastingTrouble } from '../runtime/lasting-trouble.ts'
import type { Log } from '../runtime/log.ts'
import { composeScanners } from '../screening/compose-scanners.ts'
import { Scanners, type ScannerWatch } from '../screening/run-scanners.ts'
import { OutgoingScreening } from '../screening/screen-outgoing.ts'
import { holdSpammer } from '../sending/outgoing-suspects.ts'
import { replies } from '../smtp/replies.ts'
import type { Storage } from '../storage/operation.ts'

export interface OutgoingParts {
  readonly settings: Pick<Settings, 'hostname' | 'scanners' | 'submission'>
  /** What this server is: 'Postrider 1.0.0'. */
  readonly product: string
  readonly storage: Pick<Storage, 'run'>
  readonly watch: ScannerWatch
  readonly clock: Clock
  readonly log: Log
}

export interface Outgoing {
  /** Those that are asked about what accounts send. */
  readonly scanners: Scanners
  readonly outgoing: OutgoingScreening
  readonly suspects: OutgoingSuspects
}

export function composeOutgoing({ settings, product, storage, watch, clock, log }: OutgoingParts): Outgoing {
  const { hostname, scanners, submission } = settings
  const wanted = new Scanners(
    composeScanners(
      scanners.filter(({ outgoing }) => outgoing),
      { hostname, product, clock },
    ),
    { clock, log, watch },
  )
  const trouble = new LastingTrouble(log, {
    begins: 'an alert about what an account sends is not kept',
    ends: 'alerts about what accounts send are kept again',
  })
  return {
    scanners: wanted,
    outgoing: new OutgoingScreening({
      scanners: wanted,
      score: submission.spamScore,
    }),
    suspects: {
      async spam({ id: accountId, address: account }, because) {
        if (submission.whenSpam === 'refuse') return replies.outgoingRefused('it looks like spam')
        const suspect = { accountId, account, because, now: clock.now() }
        if ((await storage.run(holdSpammer, suspect)) === 'held')
          log.error('the mail of an account is held: it looks like spam', {
            account,
            reason: because,
            lookWith: 'postrider alerts',
            releaseWith: `postrider account release ${account}`,
          })
        return undefined
      },
      async refused({ address: account }, because) {
        log.error('what an account sends was refused by a scanner', { account, reason: because })
        const evidence = { detail: because }
        try {
          const found = { kind: 'account-sends-virus', subject: account, at: clock.now(), evidence } as const
          await storage.run(raiseAlert, found)
          trouble.over()
        } catch (cause) {
          // The message is refused all the same, and the log says so.
          trouble.hit(cause)
        }
      },
    },
  }
}
