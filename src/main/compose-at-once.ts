// What comes over LMTP, filed before it is answered.
import { type Settings, usualQuotaOf } from '../config/settings.ts'
import { type AtOnceParts, createDeliveryAtOnce, type DeliverAtOnce } from '../delivery/at-once.ts'
import { createReportReader } from '../delivery/incoming-reports.ts'
import { createLmtpStores } from '../routing/lmtp-stores.ts'
import { createReturnPaths } from '../routing/return-paths.ts'
import { createRouter } from '../routing/route.ts'
import type { Clock } from '../runtime/clock.ts'
import { systemRandom } from '../runtime/random.ts'

export interface ComposedAtOnce extends Pick<AtOnceParts, 'storage' | 'mailData' | 'log' | 'nextQueueId'> {
  readonly settings: Pick<Settings, 'hostname' | 'queue' | 'delivery' | 'forwarding' | 'mailboxes'>
  readonly clock: Clock
}

export function composeDeliveryAtOnce({ settings, clock, ...parts }: ComposedAtOnce): DeliverAtOnce {
  const { hostname, queue, delivery, forwarding } = settings
  const { storage } = parts
  const returnPaths = createReturnPaths({ storage, clock, random: systemRandom, hostname, forwarding })
  const stores = createLmtpStores(delivery.lmtp)
  return createDeliveryAtOnce({
    ...parts,
    hostname,
    queue,
    room: { storage, clock, usual: usualQuotaOf(settings.mailboxes) },
    router: createRouter({ storage, hostname, clock, returnPaths, stores }),
    noteReport: createReportReader({
      ...parts,
      clock,
      hostname,
      verpDelimiter: delivery.verp.delimiter,
    }),
  })
}
