// A delivery agent over real storage, DNS and sockets, with a clock that the test moves.
import type { TestContext } from 'node:test'
import type { Address } from '../../src/address/address.ts'
import { parseAddress } from '../../src/address/parse-address.ts'
import type { Alerts } from '../../src/alert/alerts.ts'
import type {
  AlertSettings,
  DeliverySettings,
  QueueSettings,
  RateSettings,
  SenderLimitSettings,
} from '../../src/config/settings.ts'
import { createDeliveryAgent } from '../../src/delivery/create-delivery-agent.ts'
import type { DeliveryAgent } from '../../src/delivery/delivery-agent.ts'
import type { TerminalDisplay } from '../../src/delivery/local-delivery.ts'
import { createAccount } from '../../src/directory/accounts.ts'
import { createDomain } from '../../src/directory/domains.ts'
import { createRedirection } from '../../src/directory/redirections.ts'
import { createResolver } from '../../src/dns/resolver.ts'
import { composeAlerts } from '../../src/main/compose-alerts.ts'
import { composeTls, type TlsWork } from '../../src/main/compose-tls.ts'
import { acceptMessage } from '../../src/queue/accept-message.ts'
import type { NewRecipient } from '../../src/queue/new-message.ts'
import { createQueueIdMaker, type QueueId } from '../../src/queue/queue-id.ts'
import type { Language, QueuedMessage } from '../../src/queue/records.ts'
import type { ReturnPathsOptions } from '../../src/routing/return-paths.ts'
import type { Log } from '../../src/runtime/log.ts'
import type { MailDataStore } from '../../src/storage/mail-data.ts'
import { defineRead, type Storage } from '../../src/storage/operation.ts'
import { storageIsGone } from '../../src/storage/storage-fault.ts'
import type { TrailEvent } from '../../src/trail/events.ts'
import { trailOfMessage } from '../../src/trail/operations.ts'
import { startDnsServer } from '../harness/dns-server.ts'
import { createManualClock, type ManualClock } from '../harness/manual-clock.ts'
import { createSeededRandom } from '../harness/seeded-random.ts'
import { openTestStorage } from '../harness/test-storage.ts'

export const minute = 60_000
export const hour = 60 * minute

/** From which they take the queue ids of their reports. */
export const idSpaceOfAgents = 15

export interface WorldOptions {
  readonly delivery?: Partial<DeliverySettings>
  readonly queue?: Partial<QueueSettings>
  readonly senderLimits?: readonly SenderLimitSettings[]
  readonly bulkSenders?: readonly string[]
  readonly accountLimits?: RateSettings
  readonly forwarding?: ReturnPathsOptions['forwarding']
  readonly terminals?: TerminalDisplay
  readonly alerts?: AlertSettings
  /** What the agents have in the place of the real one. */
  readonly faultyMailData?: (real: MailDataStore) => MailDataStore
  /** What the agents have in the place of the real one. */
  readonly faultyStorage?: (real: Storage) => Storage
  /** Each agent is one of several servers over the same queue. */
  readonly isShared?: boolean
  /** Own listeners, besides which nothing is 'myself'. */
  readonly listeners?: readonly { address: string; port: number }[]
  /** Where HTTPS servers listen: of policies of MTA-STS, and for reports on TLS. */
  readonly httpsPort?: number
}

export interface Posting {
  readonly from: string | null
  readonly to: readonly (string | (Partial<NewRecipient> & { readonly address: string }))[]
  readonly text?: string
  readonly message?: Partial<QueuedMessage>
}

/** What the DNS says; names and addresses may be added at any time. */
export interface Zone {
  mx(domain: string, preference: number, host: string): void
  host(name: string, ...addresses: string[]): void
  /** As in a zone file: '_mta-sts.example.org TXT v=STSv1; id=1'. */
  line(text: string): void
  /** The same line, as it was given. */
  drop(text: string): void
  /** Every question about the name fails. */
  fail(name: string): void
  /** Answers about names in this domain are validated (DNSSEC). */
  sign(domain: string): void
}

export interface World {
  readonly clock: ManualClock
  readonly storage: Storage
  readonly mailData: MailDataStore
  readonly agent: DeliveryAgent
  /** Of the first agent: what it does beside delivery. */
  readonly tls: TlsWork
  /** Those of each agent. */
  readonly alerts: readonly Alerts[]
  readonly errors: string[]
  /** That the DNS was asked, 'MX example.org'. */
  readonly questions: readonly string[]
  readonly dns: Zone
  /** Its id. */
  account(address: string, language?: Language): Promise<number>
  redirect(kind: 'alias' | 'group', address: string, ...targets: string[]): Promise<void>
  /** Puts a message into the queue and waits until nothing more is due. */
  post(posting: Posting): Promise<QueueId>
  accept(posting: Posting): Promise<QueueId>
  /** Moves the clock, and waits until nothing more is due. */
  pass(ms: number): Promise<void>
  /** Trace fields and mail data of each message, oldest first. */
  mailbox(address: string): Promise<string[]>
  attempts(id: QueueId): Promise<Extract<TrailEvent, { kind: 'attempted' }>[]>
  events(id: QueueId): Promise<TrailEvent[]>
  waiting(): Promise<number>
  /** When the lease on the recipients of a message ends. */
  leasedUntil(id: QueueId): Promise<number | undefined>
  /** Another agent over the same queue; 'after-death': after `killAgents`. */
  createAgent(when?: 'after-death'): DeliveryAgent
  /** The agents so far reach the storage no more, as if their threads had ended at their work. */
  killAgents(): void
}

const hostname = 'mail.example.test'

export async function createWorld(t: TestContext, options: WorldOptions = {}): Promise<World> {
  const clock = createManualClock()
  const random = createSeededRandom(1)
  const dnsServer = await startDnsServer([])
  t.after(() => dnsServer.close())
  const zone: string[] = []
  const addLine = (line: string): void => {
    zone.push(line)
    dnsServer.setZone(zone)
  }
  const dns: Zone = {
    mx: (domain, preference, host) => addLine(`${domain} MX ${preference} ${host}`),
    host: (name, ...addresses) => {
      for (const address of addresses) addLine(`${name} ${address.includes(':') ? 'AAAA' : 'A'} ${address}`)
    },
    line: addLine,
    drop(text) {
      zone.splice(zone.indexOf(text), 1)
      dnsServer.setZone(zone)
    },
    sign: domain => dnsServer.sign(domain),
    fail: name => dnsServer.setBehaviour(name, 'SERVFAIL'),
  }
  const { storage, mailData, beforeClose } = await openTestStorage(t, { clock, random })
  const errors: string[] = []
  const log: Log = {
    isDebugEnabled: false,
    debug() {},
    info() {},
    warn: message => void errors.push(message),
    error: (message, _fields, cause) => void errors.push(`${message}: ${String(cause)}`),
  }
  const queue: QueueSettings = {
    retryMinutes: [5, 15, 60],
    relayLifetimeHours: 720,
    lifetimeHours: 48,
    delayNoticeHours: 4,
    hold: false,
    ...options.queue,
  }
  const delivery: DeliverySettings = {
    port: 25,
    maxConnections: 20,
    maxConnectionsPerDestination: 5,
    maxRecipientsPerTransaction: 50,
    connectTimeoutSeconds: 30,
    commandTimeoutSeconds: 300,
    tls: 'opportunistic',
    dnssec: 'loopback',
    tlsReports: true,
    dnsServers: [],
    ipv6: true,
    maxReceivedFields: 50,
    limits: [],
    sourcePools: [],
    verp: { senders: [], delimiter: '=' },
    lmtp: [],
    ...options.delivery,
  }
  let agents = 0
  let dead = 0
  const storageOfAgents = options.faultyStorage?.(storage) ?? storage
  const storageOf = (agent: number): Storage => ({
    run: (operation, input) =>
      agent <= dead ? Promise.reject(storageIsGone()) : storageOfAgents.run(operation, input),
    onWake: (topic, listener) =>
      storage.onWake(topic, keys => {
        if (agent > dead) listener(keys)
      }),
    close: () => Promise.resolve(),
  })
  const createAgent = (when?: 'after-death'): DeliveryAgent => {
    const number = ++agents
    const resolver = createResolver({ servers: [dnsServer], clock, random })
    const nextQueueId = createQueueIdMaker(clock, idSpaceOfAgents)
    const tls = composeTls({
      settings: { hostname, queue, delivery },
      storage: storageOf(number),
      mailData: options.faultyMailData?.(mailData) ?? mailData,
      resolver,
      clock,
      log,
      nextQueueId,
      httpsPort: options.httpsPort ?? 443,
    })
    tlsOfAgents.push(tls)
    const alerts = composeAlerts({
      settings: { hostname, language: 'en', queue, alerts: options.alerts ?? {} },
      storage: storageOf(number),
      mailData,
      clock,
      log,
      nextQueueId,
    })
    alertsOfAgents.push(alerts)
    const agent = createDeliveryAgent({
      storage: storageOf(number),
      mailData: options.faultyMailData?.(mailData) ?? mailData,
      resolver,
      nextQueueId,
      clock,
      random,
      log,
      hostname,
      queue,
      delivery,
      senderRules: {
        limits: options.senderLimits ?? [],
        bulkSenders: options.bulkSenders ?? [],
        accountLimits: options.accountLimits,
      },
      ...(options.forwarding ? { forwarding: options.forwarding } : {}),
      owner: `delivery-${number}`,
      takesOver: { from: options.isShared ? 'nobody' : when === 'after-death' ? 'dead' : 'everybody' },
      isShared: options.isShared ?? false,
      idSpace: idSpaceOfAgents,
      listeners: options.listeners ?? [],
      terminals: options.terminals,
      alerts,
      ...tls,
    })
    beforeClose(async () => {
      await agent.stop(0)
      await alerts.stop()
      resolver.close()
    })
    return agent
  }
  const tlsOfAgents: TlsWork[] = []
  const alertsOfAgents: Alerts[] = []
  const agent = createAgent()
  await agent.start()
  const nextId = createQueueIdMaker(clock, 0)
  await storage.run(createDomain, { name: 'example.test', at: clock.now() })

  const accept = async ({
    from,
    to,
    text = 'Subject: Test\r\n\r\nText\r\n',
    message = {},
  }: Posting): Promise<QueueId> => {
    const id = nextId()
    const writer = mailData.create()
    await writer.write(Buffer.from(text))
    const stored = await writer.finish()
    const accepted = await storage.run(acceptMessage, {
      message: {
        id,
        reversePath: from === null ? null : address(from),
        size: stored.size,
        body: '7BIT',
        smtpUtf8: false,
        disposition: 'mail',
        acceptedAt: clock.now(),
        expiresAt: clock.now() + queue.lifetimeHours * hour,
        language: 'en',
        isReport: false,
        ...message,
      },
      mailData: stored,
      recipients: to.map(one => {
        if (typeof one === 'string') return { forwardPath: address(one) }
        const { address: text, ...rest } = one
        return { forwardPath: address(text), ...rest }
      }),
      held: false,
    })
    if (accepted !== 'accepted') throw new Error(accepted)
    return id
  }

  return {
    clock,
    storage,
    mailData,
    agent,
    get tls() {
      const [first] = tlsOfAgents
      if (!first) throw new Error('there is no agent')
      return first
    },
    alerts: alertsOfAgents,
    errors,
    questions: dnsServer.questions,
    dns,
    createAgent,
    killAgents() {
      dead = agents
    },
    accept,
    async account(text, language = 'en') {
      const { id } = await storage.run(createAccount, {
        address: address(text),
        name: '',
        passwordHash: testHash,
        language,
        enabled: true,
        at: clock.now(),
      })
      return id
    },
    async redirect(kind, text, ...targets) {
      const catchAll = text.startsWith('@') ? { localPart: '', domain: text.slice(1) } : undefined
      await storage.run(createRedirection, {
        kind,
        address: catchAll ?? address(text),
        name: '',
        targets: targets.map(address),
        at: clock.now(),
      })
    },
    async post(posting) {
      const id = await accept(posting)
      agent.wake()
      await agent.idle()
      return id
    },
    async pass(ms) {
      clock.advance(ms)
      agent.wake()
      await agent.idle()
    },
    async mailbox(text) {
      const rows = await storage.run(readInbox, { address: text })
      const messages: string[] = []
      for (const row of rows) {
        const chunks: Uint8Array[] = []
        for await (const chunk of mailData.read(row.mail_data_id)) chunks.push(chunk)
        messages.push(row.trace_fields + Buffer.concat(chunks).toString('utf8'))
      }
      return messages
    },
    async events(id) {
      return (await storage.run(trailOfMessage, { queueId: id })).map(record => record.event)
    },
    async attempts(id) {
      const records = await storage.run(trailOfMessage, { queueId: id })
      return records.flatMap(({ event }) => (event.kind === 'attempted' ? [event] : []))
    },
    waiting: async () => await storage.run(countWaiting, undefined),
    leasedUntil: async id => (await storage.run(readLease, { id }))?.due_at,
  }
}

/** No password belongs to it. */
const testHash = `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`

const readInbox = defineRead('test.read-inbox', async (tx, input: { address: string }) => {
  return await tx.all<{ mail_data_id: number; trace_fields: string }>(
    `SELECT mail_data_id, trace_fields FROM mailbox_message
       JOIN mailbox ON mailbox.id = mailbox_id JOIN account ON account.id = account_id
      WHERE account.address = ? ORDER BY uid`,
    input.address,
  )
})

const readLease = defineRead('test.read-lease', async (tx, input: { id: QueueId }) => {
  return await tx.get<{ due_at: number }>(
    'SELECT due_at FROM queue_recipient WHERE message_id = ? AND lease_owner IS NOT NULL',
    input.id,
  )
})

const countWaiting = defineRead('test.count-waiting', async tx => {
  const row = await tx.get<{ count: number }>('SELECT count(*) AS count FROM queue_recipient')
  return row?.count ?? 0
})

export function address(text: string): Address {
  const parsed = parseAddress(text)
  if (!parsed) throw new Error(`${text} is no address`)
  return parsed
}
