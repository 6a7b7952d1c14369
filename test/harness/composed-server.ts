// The whole server in the test's process: real storage, sessions and delivery, with DNS zones and a clock of the test's.
import type { TestContext } from 'node:test'
import { parseAddress } from '../../src/address/parse-address.ts'
import { listenerRoles, type ServedOptions, type ServedRole } from '../../src/config/listener-roles.ts'
import { settingsSchema } from '../../src/config/schema.ts'
import { mechanismsOf, type Settings, usualQuotaOf } from '../../src/config/settings.ts'
import { createDeliveryAgent } from '../../src/delivery/create-delivery-agent.ts'
import type { DeliveryAgent } from '../../src/delivery/delivery-agent.ts'
import { createAccount, findAccount } from '../../src/directory/accounts.ts'
import { createDomain } from '../../src/directory/domains.ts'

import { createRedirection } from '../../src/directory/redirections.ts'
import { createRelayDomain } from '../../src/directory/relay-domains.ts'
import { listMailboxMessages } from '../../src/mailbox/operations.ts'
import { composeAlerts } from '../../src/main/compose-alerts.ts'
import { composeDmarc, type DmarcWork } from '../../src/main/compose-dmarc.ts'
import { composeFront } from '../../src/main/compose-front.ts'
import { composeHooks } from '../../src/main/compose-hooks.ts'
import { createSettingsResolver } from '../../src/main/compose-resolver.ts'
import { composeScriptLimits } from '../../src/main/compose-script-limits.ts'
import { composeSendingWatch } from '../../src/main/compose-sending-watch.ts'
import { composeKeyKeeper, composeSigner } from '../../src/main/compose-signing.ts'
import { composeTls } from '../../src/main/compose-tls.ts'
import { createFilterKeeper } from '../../src/main/filter-keeper.ts'
import type { Fetched } from '../../src/main/mail-fetcher.ts'
import { Terminals } from '../../src/main/terminals.ts'
import { createQueueIdMaker, parseQueueId } from '../../src/queue/queue-id.ts'
import type { Language } from '../../src/queue/records.ts'
import { type Log, silentLog } from '../../src/runtime/log.ts'
import { type Random, systemRandom } from '../../src/runtime/random.ts'
import { scramHashesOf } from '../../src/sasl/mechanisms.ts'
import type { Storage } from '../../src/storage/operation.ts'
import { createCertificateStore } from '../../src/tls/certificate-store.ts'
import type { TrailEvent } from '../../src/trail/events.ts'
import { trailAfter, trailOfMessage } from '../../src/trail/operations.ts'
import { createManualClock, type ManualClock } from './manual-clock.ts'
import { quickPassword } from './quick-password.ts'
import { openTestStorage, type TestStorage } from './test-storage.ts'

/** For `mailAuthentication` of the settings, where nothing is to be asked of the DNS about whose mail it is. */
export const unauthenticated = { dmarc: 'off', spf: 'off', dkim: 'off', arc: 'off', iprev: 'off' } as const

export interface ComposedServerOptions {
  readonly hostname: string
  /** Domains of this server. */
  readonly domains: readonly string[]
  readonly accounts?: readonly {
    readonly address: string
    readonly password?: string
    readonly language?: Language
  }[]
  readonly aliases?: readonly { readonly address: string; readonly targets: readonly string[] }[]
  /** Domains of other servers; `owner` is one of the accounts. */
  readonly relays?: readonly {
    readonly name: string
    readonly keeps?: boolean
    readonly anyoneStarts?: boolean
    readonly owner?: string
  }[]
  /** Tables of the settings file. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Receivers may demand TLS, as delivery has it; here their policies are served on this port. Default: nobody asks. */
  readonly httpsPort?: number | undefined
  /** What a settings file would have out of other files. */
  readonly complete?: (settings: Settings) => Settings
  /** Clients on this machine say with a PROXY header on the relay port from which address they come. */
  readonly isBehindProxy?: boolean
  /** Shared with other servers of the scenario. */
  readonly clock?: ManualClock
  /** Default: one of its own, on the engine of this run. */
  readonly storage?: Omit<TestStorage, 'mailDataFiles' | 'openAgain'>
  readonly log?: Log
  /** Default: the system's. */
  readonly random?: Random
  /** Default: at little cost. */
  readonly keepPassword?: typeof quickPassword
}

export interface ComposedServer {
  readonly settings: Settings
  readonly clock: ManualClock
  readonly storage: Storage
  readonly agent: DeliveryAgent
  readonly terminals: Terminals
  /** Reports on DMARC, which nobody sends by himself here. */
  readonly dmarc: DmarcWork
  port(role: ServedRole): number
  /** What is due about DKIM keys, which nobody looks after by himself here. */
  lookAfterKeys(): Promise<void>
  /** The filter learns what was put into Junk, which nobody has it do by himself here. */
  lookAfterFilter(): Promise<void>
  /** As `postrider fetch`. */
  fetchMail(): Promise<readonly Fetched[]>
  /** Each message of an account's INBOX, or of the one named, as it was delivered, oldest first. */
  mailbox(address: string, name?: string): Promise<string[]>
  trail(queueId: string): Promise<TrailEvent[]>
  /** The whole trail. */
  events(): Promise<TrailEvent[]>
  /** Resolves when nothing is due and nothing under way. */
  settled(): Promise<void>
  /** Moves the clock, then waits until nothing is due. */
  pass(ms: number): Promise<void>
  /** Stops listening: to others this server is down. */
  stopListening(graceMs?: number): Promise<void>
}

export async function startComposedServer(
  t: TestContext,
  options: ComposedServerOptions,
): Promise<ComposedServer> {
  const clock = options.clock ?? createManualClock()
  const { folder, storage, mailData, beforeClose } = options.storage ?? (await openTestStorage(t, { clock }))
  const log = options.log ?? silentLog
  const parsed = settingsSchema.parse({ hostname: options.hostname, ...withoutDelays(options.settings) })
  const { complete = same => same } = options
  const settings = complete({ ...parsed, dataFolder: folder })
  const certificates = await createCertificateStore({
    hostname: options.hostname,
    dataFolder: folder,
    clientAuthorities: settings.login.certificates?.caPem,
    clock,
  })
  const terminals = new Terminals()
  await fillDirectory(storage, options, settings, clock)
  const listeners: ServedOptions[] = listenerRoles.map(role => ({
    role,
    address: '127.0.0.1',
    port: 0,
    ...(role === 'relay' && options.isBehindProxy ? { proxyFrom: ['127.0.0.0/8'] } : {}),
  }))
  listeners.push({ role: 'lmtp', address: '127.0.0.1', port: 0, clients: ['127.0.0.1'] })
  const resolver = createSettingsResolver(settings, clock, systemRandom)
  const hooks = composeHooks({ settings, storage, clock, log, raisesAlerts: true })
  await hooks?.start()
  const front = composeFront({
    settings,
    storage,
    mailData,
    certificates,
    terminals,
    listeners,
    resolver,
    hooks,
    clock,
    log,
    idSpace: 0,
  })
  const bound = await front.listen()
  const nextQueueId = createQueueIdMaker(clock, 15)
  const alerts = composeAlerts({ settings, storage, mailData, clock, log, nextQueueId })
  const dmarc = composeDmarc({ settings, storage, mailData, resolver, alerts, clock, log, nextQueueId })
  const keeper = composeKeyKeeper({ settings, storage, resolver, alerts, clock, log })
  const watch = composeSendingWatch({ settings, storage, clock, log })
  const { httpsPort } = options
  const tls =
    httpsPort === undefined
      ? undefined
      : composeTls({ settings, storage, mailData, resolver, clock, log, nextQueueId, httpsPort })
  const agent = createDeliveryAgent({
    ...tls,
    alerts,
    nextQueueId,
    storage,
    mailData,
    resolver,
    clock,
    random: options.random ?? systemRandom,
    log,
    hostname: settings.hostname,
    queue: settings.queue,
    delivery: settings.delivery,
    senderRules: settings.submission,
    usualQuota: usualQuotaOf(settings.mailboxes),
    noteEnded: ended => watch.note(ended),
    limitSending: composeScriptLimits({ settings, storage, clock, watch }),
    owner: 'scenario',
    idSpace: 15,
    listeners: bound,
    terminals,
    takeDmarcReport: dmarc.takeDmarcReport,
    signer: composeSigner({ settings, storage, clock }),
  })
  await agent.start()
  beforeClose(async () => {
    await front.close(0)
    hooks?.stop()
    await agent.stop(0)
    await tls?.stop()
    await watch.flush()
    await alerts.stop()
    resolver.close()
    certificates.close()
  })
  const settled = async (): Promise<void> => {
    agent.wake()
    await agent.idle()
  }
  return {
    settings,
    clock,
    storage,
    agent,
    terminals,
    dmarc,
    lookAfterFilter: () => createFilterKeeper({ storage, mailData, clock, log }).look(),
    lookAfterKeys: async () => await keeper?.look(),
    fetchMail: () => front.fetcher.fetchNow(),
    port: role => bound.find(listener => listener.role === role)?.port ?? 0,
    async mailbox(text, mailbox = 'INBOX') {
      const account = await storage.run(findAccount, { address: address(text) })
      if (!account) throw new Error(`there is no account ${text}`)
      const page = { accountId: account.id, mailbox, limit: 1000 }
      const messages = (await storage.run(listMailboxMessages, page)).toReversed()
      return await Promise.all(
        messages.map(async message => {
          const chunks: Uint8Array[] = []
          for await (const chunk of mailData.read(message.mailDataId)) chunks.push(chunk)
          return message.traceFields + Buffer.concat(chunks).toString('utf8')
        }),
      )
    },
    async trail(queueId) {
      const records = await storage.run(trailOfMessage, { queueId: parseQueueId(queueId) ?? 0 })
      return records.map(record => record.event)
    },
    async events() {
      const records = await storage.run(trailAfter, { afterId: 0, limit: 1000 })
      return records.map(record => record.event)
    },
    settled,
    async pass(ms) {
      clock.advance(ms)
      await settled()
    },
    stopListening: (graceMs = 0) => front.close(graceMs),
  }
}

/** A manual clock would hold back the answer to a wrong password for ever. */
function withoutDelays(settings: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  const within = (name: string): object => {
    const table = settings[name]
    return typeof table === 'object' && table !== null ? table : {}
  }
  return {
    ...settings,
    login: { maxDelaySeconds: 0, ...within('login') },
    spam: { greetingDelaySeconds: 0, refusalDelaySeconds: 0, ...within('spam') },
  }
}

async function fillDirectory(
  storage: Storage,
  options: ComposedServerOptions,
  { login }: Settings,
  clock: ManualClock,
): Promise<void> {
  const at = clock.now()
  const scramHashes = scramHashesOf(mechanismsOf(login))
  const { keepPassword = quickPassword } = options
  for (const name of options.domains) await storage.run(createDomain, { name, at })
  for (const { address: text, password = 'secret', language = 'en' } of options.accounts ?? []) {
    const stored = await keepPassword(storage, text, password, { random: systemRandom, at, scramHashes })
    await storage.run(createAccount, {
      address: address(text),
      name: '',
      ...stored,
      language,
      enabled: true,
      at,
    })
  }
  for (const { name, keeps = false, anyoneStarts = false, owner } of options.relays ?? []) {
    await storage.run(createRelayDomain, {
      name,
      keepsUntilFetched: keeps,
      anyoneStarts,
      owner: owner === undefined ? undefined : address(owner),
      at,
    })
  }
  for (const alias of options.aliases ?? []) {
    const targets = alias.targets.map(address)
    await storage.run(createRedirection, {
      kind: 'alias',
      address: address(alias.address),
      name: '',
      targets,
      at,
    })
  }
}

function address(text: string) {
  const parsed = parseAddress(text)
  if (!parsed) throw new Error(`${text} is no address`)
  return parsed
}
