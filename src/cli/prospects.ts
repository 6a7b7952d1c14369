// What is to be said of a queued recipient and does not stand in its row: what closes the gate at which it stands, until when,
// and how long it is tried. Read once for all who are shown.

import { isIP } from 'node:net'
import { formatAddress } from '../address/format-address.ts'
import type { Settings } from '../config/settings.ts'
import type { Diagnosis } from '../delivery/outcome.ts'
import { type Limit, strictest } from '../delivery/pacing/allowance.ts'
import type { ClosureReason } from '../delivery/pacing/destination-health.ts'
import { readHealthRecords } from '../delivery/pacing/health-records.ts'
import { laneKey } from '../delivery/pacing/lane-key.ts'
import { senderLimitBy } from '../delivery/pacing/sender-limits.ts'
import { shapingOf } from '../delivery/pacing/shaping.ts'
import type { Source } from '../delivery/pacing/source-pools.ts'
import { warmUpLimits } from '../delivery/pacing/warm-up.ts'
import { endFor } from '../delivery/relayed-mail.ts'
import { findProvider, providers } from '../delivery/replies/providers.ts'
import { addressOfAccount } from '../directory/accounts.ts'
import { lookAtAllowance } from '../queue/allowances.ts'
import { destinationGate, destinationOfGate, type GateKey, listGates } from '../queue/gates.ts'
import { type ShownMessage, type ShownRecipient, showQueuedMessage } from '../queue/list-queue.ts'
import { findSourceUse } from '../queue/source-addresses.ts'
import type { DestinationHost, Line, QueueGroup } from '../queue/summarize-queue.ts'
import { smartHostDestination } from '../routing/destination.ts'
import { hostsOfKey } from '../routing/site.ts'
import type { CommandStorage } from './open-storage.ts'

/** Nothing passes until then. */
export type GateClosure =
  | {
      readonly reason: Exclude<ClosureReason, 'limit'>
      readonly until: number
      /** Of the attempt that met it. */
      readonly diagnosis: Diagnosis
    }
  /** Used up; there is more then. */
  | { readonly reason: 'limit'; readonly until: number; readonly limit: Limit | undefined }

export interface GateState {
  readonly of: 'destination' | 'sender'
  /** 'gmail', 'mx1.example.org mx2.example.org', 'anna@example.test'. */
  readonly name: string
  /** undefined: it is open, and others are before whoever stands there. */
  readonly closure?: GateClosure | undefined
}

export interface Prospects {
  gateOf(recipient: ShownRecipient): GateState | undefined
  /** When the message is given up for this recipient. */
  endFor(message: ShownMessage['message'], recipient: ShownRecipient): number
}

type Reader = Pick<CommandStorage, 'run'>
type ProspectSettings = Pick<Settings, 'delivery' | 'submission' | 'queue'>

export async function readProspects(
  storage: Reader,
  settings: ProspectSettings,
  messages: readonly ShownMessage[],
  now: number,
): Promise<Prospects> {
  const standing = messages.flatMap(({ message, recipients }) =>
    recipients.flatMap(recipient => (recipient.gate === undefined ? [] : [{ message, recipient }])),
  )
  const closures = standing.length === 0 ? new Map<string, GateClosure>() : await readClosures(storage, now)
  const gates = new Map<GateKey, GateState>()
  for (const { message, recipient } of standing) {
    const { gate = '' } = recipient
    if (gates.has(gate)) continue
    const destination = destinationOfGate(gate)
    gates.set(
      gate,
      destination === undefined
        ? await readSenderGate(storage, settings, gate, message, now)
        : {
            of: 'destination',
            name: destination,
            closure: await findClosure({ storage, settings, closures, now }, destination, {
              domain: recipient.forwardPath.domain,
              host: recipient.lastHost,
            }),
          },
    )
  }
  return {
    gateOf: ({ gate }) => (gate === undefined ? undefined : gates.get(gate)),
    endFor: (message, recipient) => endFor(message, recipient, settings.queue),
  }
}

/** What closes the way of a message that is not in the queue; `gate`: of its destination. Open ones are not among them. */
export async function readClosedGates(
  storage: Reader,
  settings: ProspectSettings,
  { message, account, gate, domain, host }: NewMail,
  now: number,
): Promise<readonly GateState[]> {
  const own = senderLimitBy(settings.submission, message, account)
  const ofSender = own && (await reckon(storage, own.gate, own.limits, now))
  const name = gate === undefined ? undefined : destinationOfGate(gate)
  const closures = await readClosures(storage, now)
  const ofDestination =
    name === undefined
      ? undefined
      : await findClosure({ storage, settings, closures, now }, name, { domain, host })
  return [
    ...(own && ofSender ? [{ of: 'sender', name: own.name, closure: ofSender } as const] : []),
    ...(name !== undefined && ofDestination
      ? [{ of: 'destination', name, closure: ofDestination } as const]
      : []),
  ]
}

export interface NewMail {
  readonly message: Parameters<typeof senderLimitBy>[1]
  /** The address of the account that sends it. */
  readonly account: string | undefined
  /** undefined: it stays here. */
  readonly gate: GateKey | undefined
  readonly domain: string
  readonly host: string | undefined
}

/** By destination. */
async function readClosures(storage: Reader, now: number): Promise<Map<string, GateClosure>> {
  const closures = new Map<string, GateClosure>()
  for (const [destination, { closure }] of await readHealthRecords(storage)) {
    if (!closure || closure.until <= now) continue
    const { reason, until, diagnosis } = closure
    closures.set(
      destination,
      reason === 'limit' ? { reason, until, limit: undefined } : { reason, until, diagnosis },
    )
  }
  return closures
}

/** To which destinations mail hosts belong, as far as that is known: for a summary of the queue by destination. */
export async function readDestinationHosts(
  storage: Reader,
  { delivery }: Pick<Settings, 'delivery'>,
): Promise<readonly DestinationHost[]> {
  const gates = await storage.run(listGates, undefined)
  const sets = gates.flatMap(gate => {
    const destination = destinationOfGate(gate) ?? ''
    const hosts = destination.split(' ')
    // Others have a name that begins with a word of ours, or that is the host itself.
    return hosts.length > 1 && hosts.every(host => host.includes('.'))
      ? hosts.map(host => ({ host, destination }))
      : []
  })
  const ofProviders = providers.flatMap(({ key, hostSuffixes }) =>
    hostSuffixes.map(suffix => ({ host: `.${suffix}`, destination: key })),
  )
  const smartHost = delivery.smartHost && smartHostDestination(delivery.smartHost)
  return [
    ...(smartHost && delivery.smartHost
      ? [{ host: delivery.smartHost.host.toLowerCase(), destination: smartHost.key }]
      : []),
    ...sets.slice(0, maxSetHosts),
    ...ofProviders.toSorted((a, b) => b.host.length - a.host.length),
  ]
}

/** Hosts of sets that are looked for: more would make the question long. */
const maxSetHosts = 1000

export interface GroupProspects {
  /** What closes the destinations that are asked for, by name. */
  readonly closures: ReadonlyMap<string, GateClosure>
  /** When the first of the lines in each group goes on; undefined: when there is room. */
  readonly openings: ReadonlyMap<QueueGroup, number>
}

/** Of a summary. `destinations`: those of its groups that are a destination each. */
export async function readGroupProspects(
  storage: Reader,
  settings: ProspectSettings,
  groups: readonly QueueGroup[],
  destinations: readonly QueueGroup[],
  now: number,
): Promise<GroupProspects> {
  const known: Known = { storage, settings, closures: await readClosures(storage, now), now }
  return {
    closures: await findClosures(known, destinations),
    openings: await findOpenings(known, groups),
  }
}

async function findClosures(
  known: Known,
  destinations: readonly QueueGroup[],
): Promise<GroupProspects['closures']> {
  const closures = new Map<string, GateClosure>()
  for (const { name, domain, host } of destinations) {
    const closure = await findClosure(known, name, { domain, host })
    if (closure) closures.set(name, closure)
  }
  return closures
}

async function findOpenings(
  known: Known,
  groups: readonly QueueGroup[],
): Promise<GroupProspects['openings']> {
  const closures = new Map<GateKey, GateClosure | undefined>()
  const openings = new Map<QueueGroup, number>()
  for (const group of groups) {
    for (const line of group.lines) {
      const { gate } = line
      if (!closures.has(gate)) closures.set(gate, await findClosureOfLine(known, line))
      const until = closures.get(gate)?.until ?? Infinity
      if (until < (openings.get(group) ?? Infinity)) openings.set(group, until)
    }
  }
  return openings
}

async function findClosureOfLine(
  known: Known,
  { gate, messageId, domain, host }: Line,
): Promise<GateClosure | undefined> {
  const destination = destinationOfGate(gate)
  if (destination !== undefined) return await findClosure(known, destination, { domain, host })
  // It may be gone by now.
  const shown = await known.storage.run(showQueuedMessage, { queueId: messageId })
  return (
    shown && (await readSenderGate(known.storage, known.settings, gate, shown.message, known.now)).closure
  )
}

interface Known {
  readonly storage: Reader
  readonly settings: ProspectSettings
  /** By lane: 'gmail', 'gmail from 192.0.2.1'. */
  readonly closures: ReadonlyMap<string, GateClosure>
  readonly now: number
}

/** What is known of those who stand there, for the limits that mean a domain or a host. */
interface Hint {
  readonly domain?: string | undefined
  readonly host?: string | undefined
}

/** `name`: of a gate. It is closed only while all lanes behind it are, and opens with the first (docs/adr/0019). */
async function findClosure(known: Known, name: string, hint: Hint): Promise<GateClosure | undefined> {
  const { site, sources } = partsOfGate(name, known.settings)
  let first: GateClosure | undefined
  for (const source of sources) {
    const lane = laneKey(site, source.address)
    const closure = known.closures.get(lane) ?? (await findLimit(known, { site, lane, source }, hint))
    if (!closure) return undefined
    if (!first || closure.until < first.until) first = closure
  }
  return first
}

/** 'gmail', 'gmail from newsletter', 'gmail from newsletter by IPv4' */
function partsOfGate(
  name: string,
  { delivery }: Pick<Settings, 'delivery'>,
): { readonly site: string; readonly sources: readonly Source[] } {
  const [, whole = name, kind] = /^(.*) by IPv([46])$/.exec(name) ?? []
  const pool = delivery.sourcePools.find(one => whole.endsWith(` from ${one.name}`))
  if (!pool) return { site: name, sources: [{ warmUp: false }] }
  return {
    site: whole.slice(0, -` from ${pool.name}`.length),
    sources: pool.sources.filter(({ address }) => kind === undefined || isIP(address) === Number(kind)),
  }
}

/** A limit of our own is used up: that is remembered by who met it alone, and reckoned here from what is counted. */
async function findLimit(
  { storage, settings: { delivery }, now }: Known,
  { site: key, lane, source }: { readonly site: string; readonly lane: string; readonly source: Source },
  { domain = '', host }: Hint,
): Promise<GateClosure | undefined> {
  const provider = (
    providers.find(one => one.key === key) ?? (host === undefined ? undefined : findProvider(host))
  )?.key
  // Which hosts a provider has is not written down, but for the one that was tried last.
  const hosts = provider === undefined ? hostsOfKey(key) : host === undefined ? [] : [host.toLowerCase()]
  const { limits } = shapingOf(delivery, { key, hosts, provider }, domain)
  const { address, warmUp } = source
  const firstUsedAt = address === undefined ? undefined : await storage.run(findSourceUse, { address })
  const ofWarmUp =
    address === undefined || firstUsedAt === undefined
      ? []
      : warmUpLimits({ address, warmUp }, firstUsedAt, now)
  return await reckon(storage, destinationGate(lane), [...limits, ...ofWarmUp], now)
}

async function readSenderGate(
  storage: Reader,
  { submission }: ProspectSettings,
  gate: GateKey,
  message: ShownMessage['message'],
  now: number,
): Promise<GateState> {
  const { accountId, reversePath } = message
  const account = accountId === undefined ? undefined : await storage.run(addressOfAccount, { id: accountId })
  const own = senderLimitBy(submission, message, account)
  const limit = own?.gate === gate ? own : undefined
  return {
    of: 'sender',
    name: limit?.name ?? account ?? (reversePath === null ? '<>' : formatAddress(reversePath)),
    closure: limit && (await reckon(storage, gate, limit.limits, now)),
  }
}

async function reckon(
  storage: Reader,
  allowance: GateKey,
  limits: readonly Limit[],
  now: number,
): Promise<GateClosure | undefined> {
  if (limits.length === 0) return undefined
  const asked = strictest(limits)
  const claim = { allowance, limits: asked, wanted: 1, now }
  const { granted, moreAt, limit: usedUp } = await storage.run(lookAtAllowance, claim)
  if (granted > 0 || moreAt === undefined) return undefined
  const limit = asked.find(({ spanMs }) => spanMs === usedUp?.spanMs)
  return { reason: 'limit', until: Math.min(moreAt, limit?.endsAt ?? moreAt), limit }
}
