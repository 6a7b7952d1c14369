// The SMTP server of a front, with the services of this system behind it.
import { productName } from '../config/package-version.ts'
import { explanationUrlOf } from '../config/settings.ts'
import { createTurnedDelivery } from '../delivery/transfer/turned-delivery.ts'
import { DmarcCounts } from '../dmarc-report/dmarc-counts.ts'
import type { Resolver } from '../dns/resolver.ts'
import type { Hooks } from '../hooks/hooks.ts'
import type { RefusalEvidence } from '../intake/inspect-message.ts'
import { createIntake } from '../intake/intake.ts'
import { MessageUrls } from '../mail-access/message-urls.ts'
import type { OpenTerminals } from '../policy/check-forward-path.ts'
import { createStrangerChecks } from '../policy/check-strangers.ts'
import { checkWriters } from '../policy/check-writers.ts'
import type { OutsideAccounts } from '../policy/outside-accounts.ts'
import { Patience } from '../policy/patience.ts'
import { SessionHooks } from '../policy/session-hooks.ts'
import { SessionScanners } from '../policy/session-scanners.ts'
import { StrangerLimits, type StrangerTables } from '../policy/stranger-limits.ts'
import { formatQueueId, type QueueId } from '../queue/queue-id.ts'
import { systemRandom } from '../runtime/random.ts'
import { composeScanners } from '../screening/compose-scanners.ts'
import { Scanners } from '../screening/run-scanners.ts'
import { Screening } from '../screening/screen.ts'
import { createSenderLists } from '../sender-list/sender-lists.ts'
import { withRefusalId } from '../smtp/replies.ts'
import type { Reply } from '../smtp/reply.ts'
import { createSmtpServer } from '../smtp/server/create-smtp-server.ts'
import type { ListenerOptions, SmtpServer } from '../smtp/server/options.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import { composeDeliveryAtOnce } from './compose-at-once.ts'
import { composeOutgoing } from './compose-outgoing.ts'
import { composeSendingWatch } from './compose-sending-watch.ts'
import { composeSigner } from './compose-signing.ts'
import { MailFetcher } from './mail-fetcher.ts'
import { createScannerAlerts } from './scanner-alerts.ts'
import { type ComposedServer, connectionLimitsOf, type ServerParts, serverOptionsOf } from './server-parts.ts'
import { createSmtpServices } from './smtp-services.ts'

export interface SmtpParts extends ServerParts<ListenerOptions> {
  readonly mailData: MailDataStore
  readonly terminals: OpenTerminals
  /** For the checks of strangers' mail. */
  readonly resolver: Resolver
  /** The hook file; has been started. */
  readonly hooks?: Hooks | undefined
  /** What the fronts of a server share; default: one of its own. */
  readonly strangerTables?: StrangerTables | undefined
  /** Accounts that LDAP knows. */
  readonly outside: OutsideAccounts | undefined
  readonly nextQueueId: () => QueueId
}

export interface ComposedSmtp extends ComposedServer<SmtpServer> {
  /** Has yet to be started, in one of the fronts. */
  readonly fetcher: MailFetcher
}

const secondMs = 1000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

export function composeSmtp(parts: SmtpParts): ComposedSmtp {
  const { settings, storage, mailData, terminals, resolver } = parts
  const { logins, outside, trail, nextQueueId, clock, log } = parts
  const { limits, queue } = settings
  /** Of refused messages, until the session has said that they were refused. */
  const evidence = new WeakMap<Reply, RefusalEvidence>()
  const dmarcCounts = new DmarcCounts({ storage, clock, log })
  const noteEvidence = (reply: Reply, found: RefusalEvidence): Reply => {
    const id = found.id ?? nextQueueId()
    const told = withRefusalId(reply, formatQueueId(id))
    evidence.set(told, { ...found, id })
    return told
  }
  const hooks =
    parts.hooks &&
    new SessionHooks({
      hooks: parts.hooks,
      now: () => clock.now(),
      noteEvidence,
      appendTrail: record => trail.append(record),
    })
  const senderLists = createSenderLists(storage)
  const senderPolicy = { hostname: settings.hostname, senderAddress: settings.submission.senderAddress }
  const product = productName()
  const scannerWatch = createScannerAlerts(storage, clock, log)
  const scanners = new Scanners(
    composeScanners(settings.scanners, { hostname: settings.hostname, product, clock }),
    {
      clock,
      log,
      watch: scannerWatch,
    },
  )
  const {
    outgoing,
    suspects,
    scanners: outgoingScanners,
  } = composeOutgoing({ settings, product, storage, watch: scannerWatch, clock, log })
  const sessionScanners =
    scanners.attends || outgoingScanners.attends
      ? new SessionScanners({
          strangers: scanners,
          outgoing: outgoingScanners,
          dns: settings.mailAuthentication.iprev === 'off' ? undefined : resolver,
          clock,
          noteEvidence,
        })
      : undefined
  const strangerLimits = new StrangerLimits(limits.strangers, clock, parts.strangerTables)
  const intake = createIntake({
    deliverAtOnce: composeDeliveryAtOnce({ settings, storage, mailData, clock, log, nextQueueId }),
    outgoing,
    suspects,
    sessionScanners,
    hooks,
    senderLists,
    storage,
    mailData,
    clock,
    log,
    nextQueueId,
    hostname: settings.hostname,
    language: settings.language,
    lifetimeMs: queue.lifetimeHours * hourMs,
    maxReceivedFields: settings.delivery.maxReceivedFields,
    held: queue.hold,
    quarantineMs: settings.spam.quarantineDays * dayMs,
    strangerChecks: createStrangerChecks({
      settings,
      dns: resolver,
      moreAt: explanationUrlOf(settings),
      clock,
      storage,
      senderLists,
    }),
    checkWriters: (client, transaction, section) =>
      checkWriters(storage, senderPolicy, client, transaction, section),
    screening: new Screening({
      settings: settings.spam,
      hostname: settings.hostname,
      storage,
      resolver,
      scanners,
      clock,
    }),
    noteChecked(checked) {
      // Two servers that report to each other would do so for ever about nothing but their reports.
      if (settings.mailAuthentication.dmarcReports.send && !checked.isDmarcReport) dmarcCounts.note(checked)
    },
    noteStranger: (client, isWanted) => strangerLimits.note(client, isWanted),
    noteEvidence,
  })
  const deliverTurned = createTurnedDelivery({
    storage,
    mailData,
    clock,
    random: systemRandom,
    log,
    hostname: settings.hostname,
    queue,
    delivery: settings.delivery,
    forwarding: settings.forwarding,
    signer: composeSigner({ settings, storage, clock }),
    nextQueueId,
  })
  const watch = composeSendingWatch({ settings, storage, clock, log })
  const fetched = new Set<Promise<unknown>>()
  const { tellRest, ...services } = createSmtpServices({
    settings,
    storage,
    intake,
    terminals,
    logins,
    outside,
    watch,
    patience: new Patience(settings.spam, clock),
    strangerLimits,
    async deliverTurned(peer) {
      const delivery = deliverTurned(peer)
      fetched.add(delivery)
      const handed = await delivery
      fetched.delete(delivery)
      return handed
    },
    urls: new MessageUrls({ hostname: settings.hostname, storage, mailData, clock, random: systemRandom }),
    clock,
    log,
    appendTrail: record => trail.append(record),
    evidenceFor: reply => evidence.get(reply),
    noteEvidence,
    hooks,
    sessionScanners,
    senderLists,
  })
  const server = createSmtpServer({
    ...serverOptionsOf(parts),
    services,
    limits: {
      ...connectionLimitsOf(limits, settings),
      maxMessageBytes: limits.maxMessageBytes,
      maxRecipients: limits.maxRecipients,
      maxErrorsPerSession: limits.maxErrorsPerSession,
      maxTransactionsPerSession: limits.maxTransactionsPerSession,
      commandTimeoutMs: limits.commandTimeoutSeconds * secondMs,
      dataBlockTimeoutMs: limits.dataBlockTimeoutSeconds * secondMs,
      sessionTimeoutMs: limits.sessionTimeoutMinutes * minuteMs,
    },
    localNetworks: settings.localNetworks,
    verifyForEveryone: settings.verifyForEveryone,
    offersRequireTls: true,
    allowMissingAngleBrackets: settings.allowMissingAngleBrackets,
    transferExtensions: {
      maxPriority: settings.submission.maxPriority,
      deliverBy: true,
      maxHoldSeconds: (settings.submission.maxHoldDays * dayMs) / secondMs,
    },
  })
  const fetcher = new MailFetcher({
    fetch: settings.fetch,
    hostname: settings.hostname,
    commandTimeoutMs: settings.delivery.commandTimeoutSeconds * secondMs,
    connectTimeoutMs: settings.delivery.connectTimeoutSeconds * secondMs,
    server,
    clock,
    log,
  })
  return {
    server,
    fetcher,
    async close(graceMs) {
      fetcher.stop()
      await server.close(graceMs)
      tellRest()
      // What was handed over is written down before the storage closes.
      await Promise.all(fetched)
      await watch.flush()
      await dmarcCounts.flush()
    },
  }
}
