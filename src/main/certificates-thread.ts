// The thread that gets certificates from an authority: apart from all others, since strangers talk to its listener and what
// it loads for it is large.
import { CertificateKeeper } from '../acme/certificate-keeper.ts'
import { systemClock } from '../runtime/clock.ts'
import { systemRandom } from '../runtime/random.ts'
import { composeAcme } from './compose-acme.ts'
import { createSettingsResolver } from './compose-resolver.ts'
import { createLog } from './log.ts'
import { openThreadStorage } from './open-thread-storage.ts'
import { runThread } from './thread.ts'

runThread('certificates', async ({ settings, storagePort, owner }) => {
  const log = createLog(settings.log.level, 'certificates')
  const { storage, clock } = await openThreadStorage(settings, storagePort, log)
  const resolver = createSettingsResolver(settings, systemClock, systemRandom)
  const acme = composeAcme({
    settings,
    storage,
    resolver,
    clock,
    random: systemRandom,
    log,
    by: owner,
  })
  const keeper = new CertificateKeeper(acme.keeperOptions)
  await acme.listen()
  await keeper.start()
  return {
    async stop() {
      await keeper.stop()
      await acme.close()
      resolver.close()
      await storage.close()
    },
  }
})
