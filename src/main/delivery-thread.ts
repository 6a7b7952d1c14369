// The delivery thread: claims due work and delivers it.
import { usualQuotaOf } from '../config/settings.ts'
import { createDeliveryAgent } from '../delivery/create-delivery-agent.ts'
import { createFillWarnings } from '../fill-warning/fill-warnings.ts'
import { createQueueIdMaker } from '../queue/queue-id.ts'
import { systemClock } from '../runtime/clock.ts'
import { systemRandom } from '../runtime/random.ts'
import { composeAlerts } from './compose-alerts.ts'
import { composeDmarc } from './compose-dmarc.ts'
import { createSettingsResolver } from './compose-resolver.ts'
import { composeScriptLimits } from './compose-script-limits.ts'
import { composeSendingWatch } from './compose-sending-watch.ts'
import { composeKeyKeeper, composeSigner } from './compose-signing.ts'
import { composeTls } from './compose-tls.ts'
import { createFilterKeeper } from './filter-keeper.ts'
import { createHouseKeeper } from './house-keeper.ts'
import { createLog } from './log.ts'
import { createMessageReader } from './message-reader.ts'
import { openThreadStorage } from './open-thread-storage.ts'
import { endThread, runThread, tellMain } from './thread.ts'

runThread('delivery', async ({ settings, storagePort, idSpace, owner, takesOver, listeners }) => {
  const log = createLog(settings.log.level, 'delivery')
  const { storage, mailData, clock } = await openThreadStorage(settings, storagePort, log)
  const waiting = new Map<number, (shown: boolean) => void>()
  let lastId = 0
  const resolver = createSettingsResolver(settings, systemClock, systemRandom)
  const nextQueueId = createQueueIdMaker(clock, idSpace)
  const tls = composeTls({ settings, storage, mailData, resolver, clock, log, nextQueueId })
  const alerts = composeAlerts({ settings, storage, mailData, clock, log, nextQueueId })
  const dmarc = composeDmarc({ settings, storage, mailData, resolver, alerts, clock, log, nextQueueId })
  const keeper = composeKeyKeeper({ settings, storage, resolver, alerts, clock, log })
  const watch = composeSendingWatch({ settings, storage, clock, log })
  const messages = createMessageReader({ storage, mailData, clock, log })
  const house = createHouseKeeper({ storage, mailData, clock, log, ...settings.mailboxes })
  const filter = createFilterKeeper({ storage, mailData, clock, log })
  const usual = usualQuotaOf(settings.mailboxes)
  const { hostname } = settings
  const warnings = createFillWarnings({ storage, mailData, clock, log, hostname, usual, nextQueueId })
  const agent = createDeliveryAgent({
    ...tls,
    takeDmarcReport: dmarc.takeDmarcReport,
    alerts,
    storage,
    mailData,
    resolver,
    nextQueueId,
    clock,
    random: systemRandom,
    log,
    hostname,
    queue: settings.queue,
    delivery: settings.delivery,
    senderRules: settings.submission,
    usualQuota: usual,
    noteEnded: ended => watch.note(ended),
    limitSending: composeScriptLimits({ settings, storage, clock, watch }),
    forwarding: settings.forwarding,
    owner,
    takesOver,
    isShared: settings.database !== undefined,
    idSpace,
    listeners,
    signer: composeSigner({ settings, storage, clock }),
    terminals: {
      show: (key, text) =>
        new Promise(resolve => {
          const id = ++lastId
          waiting.set(id, resolve)
          tellMain({ kind: 'show', id, key, text })
        }),
    },
  })
  await agent.start()
  tls.start()
  dmarc.start()
  alerts.start()
  keeper?.start()
  watch.start()
  house.start()
  filter.start()
  messages.start()
  warnings.start()
  const end = async (graceMs: number): Promise<void> => {
    await agent.stop(graceMs)
    await watch.stop()
    await house.stop()
    await filter.stop()
    await messages.stop()
    await warnings.stop()
    await tls.stop()
    dmarc.stop()
    // What it asks the DNS ends with the resolver.
    const kept = keeper?.stop()
    resolver.close()
    await kept
    await alerts.stop()
    await storage.close()
  }
  void agent.buried.then(async () => {
    log.warn(
      'this server was out of touch with the database for too long: others have its work; it begins anew',
    )
    await end(0)
    endThread()
  })
  return {
    take(message) {
      if (message.kind !== 'shown') return
      waiting.get(message.id)?.(message.shown)
      waiting.delete(message.id)
    },
    stop: end,
  }
})
