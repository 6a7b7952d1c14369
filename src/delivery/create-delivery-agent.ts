// Composes the delivery agent of the parts that a server has.
import type { Alerts } from '../alert/alerts.ts'
import type { DeliverySettings, QueueSettings } from '../config/settings.ts'
import type { TakeDmarcReport } from '../dmarc-report/receive-report.ts'
import type { Resolver } from '../dns/resolver.ts'
import { AccountScripts } from '../filtering/account-scripts.ts'
import { type Extent, noLimit } from '../mailbox/quota.ts'
import { createQueueIdMaker, type QueueId } from '../queue/queue-id.ts'
import { smartHostDestination } from '../routing/destination.ts'
import { createServerFinder } from '../routing/find-servers.ts'
import { createLmtpStores } from '../routing/lmtp-stores.ts'
import { createOwnEndpoints, type Endpoint } from '../routing/own-endpoints.ts'
import { createReturnPaths, type ReturnPathsOptions } from '../routing/return-paths.ts'
import { createRouter } from '../routing/route.ts'
import { createSiteFinder } from '../routing/site.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Random } from '../runtime/random.ts'
import type { MessageSigner } from '../signing/message-signer.ts'
import type { ConnectSmtp } from '../smtp/client/contract.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import type { TlsPolicyFinder } from '../tls-policy/find-policy.ts'
import type { TakeTlsReport } from '../tls-report/receive-report.ts'
import { type DeliveryAgent, type DeliveryAgentParts, QueueAgent, type TakeOver } from './delivery-agent.ts'
import { createReportReader } from './incoming-reports.ts'
import { LocalDelivery, type TerminalDisplay } from './local-delivery.ts'
import { aloneAtQueue, SharedOwnerLife } from './owner-life.ts'
import { HealthRecords } from './pacing/health-records.ts'
import { Outbound } from './pacing/outbound.ts'
import type { SenderRules } from './pacing/sender-limits.ts'
import { namesDomain } from './pacing/shaping.ts'
import { findProvider } from './replies/providers.ts'
import { createReportComposer } from './reports.ts'
import { type LimitSending, ScriptDelivery } from './script-delivery.ts'
import type { ConnectionTerms } from './transfer/open-connection.ts'
import { createVerpSenders } from './transfer/verp-senders.ts'
import { UnwrittenOutcomes } from './unwritten-outcomes.ts'

export interface DeliveryAgentOptions {
  readonly storage: Storage
  readonly mailData: MailDataStore
  readonly resolver: Resolver
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly hostname: string
  readonly queue: QueueSettings
  readonly delivery: DeliverySettings
  readonly senderRules: SenderRules
  /** What an account may have, as the settings say. Default: no limit. */
  readonly usualQuota?: Extent | undefined
  readonly noteEnded?: DeliveryAgentParts['noteEnded']
  /** Default: senders are rewritten. */
  readonly forwarding?: ReturnPathsOptions['forwarding']
  /** Names this run of the agent as the owner of its leases: no two runs may have the same. */
  readonly owner: string
  /** Default: those of everybody. */
  readonly takesOver?: TakeOver
  /** Other servers deliver from the same queue. */
  readonly isShared?: boolean
  /** Sets the queue ids of reports apart from those that other threads make: 0 … 255. */
  readonly idSpace: number
  /** Where this server listens: never a mail host to relay to. */
  readonly listeners: readonly Endpoint[]
  readonly terminals?: TerminalDisplay | undefined
  /** Default: those of a maker of its own, in `idSpace`. */
  readonly nextQueueId?: (() => QueueId) | undefined
  /** What receivers demand of TLS; without it nothing. */
  readonly policies?: Pick<TlsPolicyFinder, 'find'> | undefined
  /** Counts, for reports, what came of TLS (RFC 8460). */
  readonly noteTls?: ConnectionTerms['noteTls']
  readonly takeTlsReport?: TakeTlsReport | undefined
  readonly takeDmarcReport?: TakeDmarcReport | undefined
  /** Whether an account may send what its script wants sent; default: it may. */
  readonly limitSending?: LimitSending | undefined
  /** Tells an administrator what somebody has to act on. */
  readonly alerts: Pick<Alerts, 'raise'>
  /** Of what leaves in the name of our domains; without it nothing is signed. */
  readonly signer?: MessageSigner | undefined
  /** How other servers are reached. Default: over the network. */
  readonly connect?: ConnectSmtp | undefined
}

export function createDeliveryAgent(options: DeliveryAgentOptions): DeliveryAgent {
  const { alerts, storage, mailData, resolver, clock, random, log, hostname, queue, delivery, owner } =
    options
  const smartHost = delivery.smartHost && smartHostDestination(delivery.smartHost)
  const own = createOwnEndpoints({ hostname, listeners: options.listeners })
  const returnPaths = createReturnPaths({
    storage,
    clock,
    random,
    hostname,
    forwarding: options.forwarding ?? { rewriteSender: true },
  })
  const nextQueueId = options.nextQueueId ?? createQueueIdMaker(clock, options.idSpace)
  const lifetimeMs = queue.lifetimeHours * 3_600_000
  const room = { storage, clock, usual: options.usualQuota ?? noLimit }
  const unwritten = new UnwrittenOutcomes()
  const healthRecords = new HealthRecords({ storage, clock, log, alerts, sourcePools: delivery.sourcePools })
  return new QueueAgent({
    unwritten,
    storage,
    mailData,
    clock,
    random,
    log,
    owner,
    takesOver: options.takesOver ?? { from: 'everybody' },
    life: options.isShared
      ? new SharedOwnerLife({ storage, clock, log, owner, onlyDestination: smartHost?.key })
      : aloneAtQueue,
    queue,
    returnPaths,
    router: createRouter({
      storage,
      hostname,
      clock,
      returnPaths,
      smartHost,
      stores: createLmtpStores(delivery.lmtp),
    }),
    healthRecords,
    alerts,
    senderRules: options.senderRules,
    noteEnded: options.noteEnded,
    local: new LocalDelivery({
      mailData,
      terminals: options.terminals,
      room,
      noteReport: createReportReader({
        storage,
        mailData,
        clock,
        log,
        hostname,
        verpDelimiter: delivery.verp.delimiter,
      }),
      takeTlsReport: options.takeTlsReport,
      takeDmarcReport: options.takeDmarcReport,
      scripts: new ScriptDelivery({
        scripts: new AccountScripts({
          storage,
          hostname,
          timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        }),
        storage,
        mailData,
        clock,
        log,
        hostname,
        nextQueueId,
        lifetimeMs,
        held: queue.hold,
        room,
        limitSending: options.limitSending,
      }),
    }),
    verp: createVerpSenders(delivery.verp),
    signer: options.signer,
    outbound: new Outbound({
      unwritten,
      storage,
      healthRecords,
      findSite: createSiteFinder({
        resolver,
        random,
        providerOf: host => findProvider(host)?.key,
        isNamed: domain => namesDomain(delivery, domain),
      }),
      clock,
      log,
      hostname,
      settings: delivery,
      policies: options.policies,
      noteTls: options.noteTls,
      connect: options.connect,
      findServers: createServerFinder({ resolver, own, random, port: delivery.port, ipv6: delivery.ipv6 }),
    }),
    composeReports: createReportComposer({
      mailData,
      log,
      hostname,
      nextQueueId,
      lifetimeMs,
      held: queue.hold,
    }),
  })
}
