// Composes the delivery agent of the parts that a server has.
import { readFileSync } from 'node:fs'
import type { DeliverySettings, QueueSettings, SmartHostSettings } from '../config/settings.ts'
import type { Resolver } from '../dns/resolver.ts'
import { createQueueIdMaker } from '../queue/queue-id.ts'
import { createServerFinder } from '../routing/find-servers.ts'
import { createOwnEndpoints, type Endpoint } from '../routing/own-endpoints.ts'
import { createRouter } from '../routing/route.ts'
import type { Clock } from '../runtime/clock.ts'
import { UsageFault } from '../runtime/fault.ts'
import type { Log } from '../runtime/log.ts'
import type { Random } from '../runtime/random.ts'
import { connectSmtp } from '../smtp/client/connect.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import type { Storage } from '../storage/operation.ts'
import { type DeliveryAgent, QueueAgent } from './delivery-agent.ts'
import { LocalDelivery, type TerminalDisplay } from './local-delivery.ts'
import { Outbound } from './outbound.ts'
import { createReportComposer } from './reports.ts'

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
  /** Names this run of the agent as the owner of its leases: no two runs may have the same. */
  readonly owner: string
  /** Sets the queue ids of reports apart from those that other threads make: 0 … 15. */
  readonly lane: number
  /** Where this server listens: never a mail host to relay to. */
  readonly listeners: readonly Endpoint[]
  readonly terminals?: TerminalDisplay | undefined
}

/** Throws a UsageFault when the password file of the smart host cannot be read. */
export function createDeliveryAgent(options: DeliveryAgentOptions): DeliveryAgent {
  const { storage, mailData, resolver, clock, random, log, hostname, queue, delivery, owner } = options
  const smartHost = delivery.smartHost && withPassword(delivery.smartHost)
  const own = createOwnEndpoints({ hostname, listeners: options.listeners })
  return new QueueAgent({
    storage,
    mailData,
    clock,
    random,
    log,
    owner,
    queue,
    router: createRouter({ storage, hostname, smartHost }),
    local: new LocalDelivery({ mailData, terminals: options.terminals }),
    outbound: new Outbound({
      clock,
      log,
      hostname,
      settings: delivery,
      connect: connectSmtp,
      findServers: createServerFinder({ resolver, own, random, port: delivery.port, ipv6: delivery.ipv6 }),
    }),
    composeReports: createReportComposer({
      mailData,
      log,
      hostname,
      nextQueueId: createQueueIdMaker(clock, options.lane),
      lifetimeMs: queue.lifetimeHours * 3_600_000,
      held: queue.hold,
    }),
  })
}

function withPassword(smartHost: SmartHostSettings): SmartHostSettings {
  const { passwordFile } = smartHost
  if (passwordFile === undefined) return smartHost
  try {
    const [password = ''] = readFileSync(passwordFile, 'utf8').split(/\r?\n/, 1)
    return { ...smartHost, password }
  } catch (cause) {
    throw new UsageFault(
      'SMART_HOST_PASSWORD_UNREADABLE',
      `The password of the smart host cannot be read from ${passwordFile} (${cause instanceof Error ? cause.message : String(cause)}). Mend the file or delivery.smartHost.passwordFile.`,
      { cause },
    )
  }
}
