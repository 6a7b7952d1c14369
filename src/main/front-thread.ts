// A front thread: sessions. Several listen on the same ports.
import { describeListenError } from '../config/listen-error.ts'
import type { BoundListener } from '../smtp/server/options.ts'
import { createCertificateStore } from '../tls/certificate-store.ts'
import { composeFront } from './compose-front.ts'
import { createLog } from './log.ts'
import { openThreadStorage } from './open-thread-storage.ts'
import { shareConnectionCounts } from './shared-connection-counts.ts'
import { runThread, tellMain } from './thread.ts'

runThread('front', async start => {
  const { settings, storagePort, number, idSpace, listeners, connectionCounts, openTerminals } = start
  const { dataFolder, hostname, tls } = settings
  const log = createLog(settings.log.level, `front-${number}`)
  const { storage, mailData, clock } = await openThreadStorage(settings, storagePort, log)
  const certificates = await createCertificateStore({ hostname, dataFolder, ...tls, clock, log })
  let terminals = new Set(openTerminals)
  const front = composeFront({
    settings,
    storage,
    mailData,
    certificates,
    terminals: { isOpen: key => terminals.has(key) },
    listeners,
    connectionCounts: shareConnectionCounts(connectionCounts, number),
    clock,
    log,
    idSpace,
  })
  let bound: readonly BoundListener[]
  try {
    bound = await front.server.listen()
  } catch (cause) {
    throw describeListenError(cause)
  }
  // One of them is enough.
  if (number === 0) front.fetcher.start()
  return {
    listeners: bound,
    take(message) {
      if (message.kind === 'terminals') terminals = new Set(message.open)
      if (message.kind === 'fetch')
        void front.fetcher.fetchNow().then(fetched => tellMain({ kind: 'fetched', id: message.id, fetched }))
    },
    async stop(graceMs) {
      await front.close(graceMs)
      certificates.close()
      await storage.close()
    },
  }
})
