// What a simulation plays: who receives, and how; who sends, how much and when; and what the server has been told.
import type { DeliverySettings, QueueSettings, SenderLimitSettings } from '../src/config/settings.ts'

/** A part of the simulated time, in hours from the start. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** Receivers that behave alike. */
export interface ReceiverClass {
  readonly name: string
  /** Part of all recipients that are here, in the mail of senders who write to everybody. */
  readonly share: number
  /** Domains, each with a mail host of its own. */
  readonly domains: number
  /** 'mx.google.com': for all domains, where it is a provider's. */
  readonly host?: string | undefined
  /** Nothing is ever wrong here: mail is to be fast, whatever becomes of others. */
  readonly isHealthy?: boolean | undefined
  /** Least and most time of a transaction. */
  readonly replyMs: readonly [number, number]
  /** What this server promises never to go beyond; counted at the receiver. */
  readonly promised: {
    readonly connections: number
    readonly messagesPerConnection?: number | undefined
    readonly perMinute?: number | undefined
    readonly perHour?: number | undefined
    readonly perDay?: number | undefined
  }
  /** Its own limit, of which it tells nobody: recipients a minute; beyond, it asks to slow down. */
  readonly secretPerMinute?: number | undefined
  /** The least part of that limit that is to be used while more mail waits than it lets in within a minute. */
  readonly leastUsed?: number | undefined
  /** Connections that it bears, of which it tells nobody either; one more is refused in the greeting. */
  readonly secretConnections?: number | undefined
  readonly greylists?: boolean | undefined
  readonly down?: readonly Span[] | undefined
  /** It says that our name is bad. */
  readonly blocked?: readonly Span[] | undefined
  readonly dnsFails?: readonly Span[] | undefined
  readonly doesNotExist?: boolean | undefined
  /** Parts of its recipients: no such user; mailbox full, for all of the time. */
  readonly unknown?: number | undefined
  readonly full?: number | undefined
  /** Part of the transactions that it takes and cuts off after the final dot, without an answer. */
  readonly cut?: number | undefined
}

export interface SimulatedSender {
  readonly name: string
  readonly address: string
  /** Part of all recipients. */
  readonly share: number
  readonly recipientsOfMessage: number
  /** When it sends: all of its mail spread evenly over these. */
  readonly when: readonly Span[]
  /** It writes to healthy receivers only: what it waits for is never theirs. */
  readonly toHealthyOnly?: boolean | undefined
  /** The limit of this server for it. */
  readonly promisedPerHour?: number | undefined
  /** Each of its recipients has a reverse-path of his own, as VERP makes it. */
  readonly promisedVerp?: boolean | undefined
  /** Its mail leaves from these addresses, and no other mail does; default: from those of nobody. */
  readonly promisedSources?: readonly string[] | undefined
  /** It sends more at a time than can leave at once: its mail waits, and that is fair. */
  readonly floods?: boolean | undefined
  /** It sends little: nobody is to make it wait. */
  readonly isLittle?: boolean | undefined
}

/** The longest waits that are fair, in seconds. */
export interface Fairness {
  readonly littleMedian: number
  readonly little99th: number
  /** From when the sender's own limits let it go, at receivers where nothing is wrong, of senders who do not flood. */
  readonly healthy99th: number
}

export interface Scenario {
  readonly recipients: number
  readonly days: number
  readonly seed: number
  readonly receivers: readonly ReceiverClass[]
  readonly senders: readonly SimulatedSender[]
  readonly fairness: Fairness
  readonly delivery: DeliverySettings
  readonly queue: QueueSettings
  readonly senderLimits: readonly SenderLimitSettings[]
}

export const hourMs = 3_600_000

export function isWithin(spans: readonly Span[] | undefined, ms: number): boolean {
  return spans?.some(({ from, to }) => ms >= from * hourMs && ms < to * hourMs) ?? false
}

export const usualQueue: QueueSettings = {
  retryMinutes: [1, 5, 15, 30, 60, 120, 240],
  lifetimeHours: 120,
  relayLifetimeHours: 720,
  delayNoticeHours: 4,
  hold: false,
}

export const usualDelivery: DeliverySettings = {
  port: 25,
  maxConnections: 500,
  maxConnectionsPerDestination: 20,
  maxRecipientsPerTransaction: 100,
  connectTimeoutSeconds: 30,
  commandTimeoutSeconds: 300,
  tls: 'opportunistic',
  dnsServers: [],
  ipv6: false,
  maxReceivedFields: 100,
  limits: [],
  sourcePools: [],
  verp: { senders: [], delimiter: '=' },
  dnssec: 'loopback',
  lmtp: [],
  tlsReports: false,
}

/** The domain of a class by its number. */
export function domainOf({ name }: ReceiverClass, number: number): string {
  return `d${number}.${name}.test`
}

export function hostOf(receiver: ReceiverClass, number: number): string {
  return receiver.host ?? `mx.${domainOf(receiver, number)}`
}
