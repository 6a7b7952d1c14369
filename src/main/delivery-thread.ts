// The delivery thread: claims due work and delivers it.
import { createDeliveryAgent } from '../delivery/create-delivery-agent.ts'
import { systemClock } from '../runtime/clock.ts'
import { systemRandom } from '../runtime/random.ts'
import { connectStorage } from '../storage/connect-storage.ts'
import { createMailDataStore } from '../storage/mail-data-files.ts'
import { createSettingsResolver } from './compose-resolver.ts'
import { createLog } from './log.ts'
import { runThread, tellMain } from './thread.ts'

runThread('delivery', async ({ settings, storagePort, idSpace, owner, afterDeath, listeners }) => {
  const { dataFolder } = settings
  const log = createLog(settings.log.level, 'delivery')
  const storage = connectStorage(storagePort, dataFolder)
  const waiting = new Map<number, (shown: boolean) => void>()
  let lastId = 0
  const agent = createDeliveryAgent({
    storage,
    mailData: createMailDataStore(dataFolder, storage, systemRandom),
    resolver: createSettingsResolver(settings, systemClock, systemRandom),
    clock: systemClock,
    random: systemRandom,
    log,
    hostname: settings.hostname,
    queue: settings.queue,
    delivery: settings.delivery,
    owner,
    afterDeath,
    idSpace,
    listeners,
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
  return {
    take(message) {
      if (message.kind !== 'shown') return
      waiting.get(message.id)?.(message.shown)
      waiting.delete(message.id)
    },
    async stop(graceMs) {
      await agent.stop(graceMs)
      await storage.close()
    },
  }
})
