// A front thread: sessions. Several listen on the same ports.
import { readIssued } from '../acme/read-issued.ts'
import { listIssuedNames } from '../config/issued-names.ts'
import { describeListenError } from '../config/listen-error.ts'
import type { ServedListener } from '../config/listener-roles.ts'
import { certificateFilesOf, lmtpSocketsOf } from '../config/settings.ts'
import { systemRandom } from '../runtime/random.ts'
import { createCertificateStore } from '../tls/certificate-store.ts'
import { createCertificateAlerts } from './certificate-alerts.ts'
import { composeFront } from './compose-front.ts'
import { composeHooks } from './compose-hooks.ts'
import { createSettingsResolver } from './compose-resolver.ts'
import { guardSockets, makeWay } from './lmtp-sockets.ts'
import { createLog } from './log.ts'
import { openThreadStorage } from './open-thread-storage.ts'
import { servePublicPages } from './public-pages.ts'
import { shareConnectionCounts } from './shared-connection-counts.ts'
import { showCertificate } from './shown-certificate.ts'
import { runThread, tellMain } from './thread.ts'

runThread('front', async start => {
  const {
    settings,
    storagePort,
    number,
    idSpace,
    listeners,
    connectionCounts,
    loginTables,
    strangerTables,
    openTerminals,
    ticketKey,
  } = start
  const { dataFolder, hostname, tls } = settings
  const log = createLog(settings.log.level, `front-${number}`)
  const { storage, mailData, clock } = await openThreadStorage(settings, storagePort, log)
  const certificates = await createCertificateStore({
    hostname,
    dataFolder,
    files: certificateFilesOf(tls),
    readIssued: async () => await readIssued(storage, await listIssuedNames(storage, settings)),
    ticketKey,
    clientAuthorities: settings.login.certificates?.caPem,
    // One of them is enough.
    ...(number === 0 && { tell: createCertificateAlerts(storage, clock, log) }),
    clock,
    log,
  })
  storage.onWake('certificates', () => void certificates.reload())
  const resolver = createSettingsResolver(settings, clock, systemRandom)
  // One of them is enough to raise alerts.
  const hooks = composeHooks({ settings, storage, clock, log, raisesAlerts: number === 0 })
  await hooks?.start()
  let terminals = new Set(openTerminals)
  const front = composeFront({
    settings,
    storage,
    mailData,
    certificates,
    terminals: { isOpen: key => terminals.has(key) },
    listeners,
    loginTables,
    strangerTables,
    hooks,
    resolver,
    connectionCounts: shareConnectionCounts(connectionCounts, number),
    clock,
    log,
    idSpace,
  })
  const lmtpSockets = number === 0 ? lmtpSocketsOf(settings.lmtp) : []
  let bound: readonly ServedListener[]
  try {
    await makeWay(lmtpSockets)
    bound = await front.listen()
    await guardSockets(lmtpSockets)
  } catch (cause) {
    throw describeListenError(cause)
  }
  // One of them is enough.
  const pages =
    number === 0
      ? await servePublicPages({ settings, storage, certificates, listeners: bound, clock })
      : undefined
  // One of them is enough.
  if (number === 0) front.fetcher.start()
  return {
    listeners: bound,
    take(message) {
      if (message.kind === 'terminals') terminals = new Set(message.open)
      if (message.kind === 'fetch')
        void front.fetcher.fetchNow().then(fetched => tellMain({ kind: 'fetched', id: message.id, fetched }))
      if (message.kind === 'ticket-key') certificates.setTicketKey(message.key)
      if (message.kind === 'reload-certificates') void certificates.reload()
      if (message.kind === 'list-certificates')
        tellMain({ kind: 'certificates', id: message.id, inUse: certificates.inUse().map(showCertificate) })
    },
    async stop(graceMs) {
      await front.close(graceMs)
      await pages?.close()
      hooks?.stop()
      resolver.close()
      certificates.close()
      await storage.close()
    },
  }
})
