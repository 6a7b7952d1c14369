// The week that `npm run simulate` plays.
import {
  type ReceiverClass,
  type Scenario,
  type SimulatedSender,
  type Span,
  usualDelivery,
  usualQueue,
} from './scenario.ts'

const dayHours = 24

/** The same hours of each day. */
function daily(days: number, from: number, to: number): Span[] {
  return Array.from({ length: days }, (_, day) => ({ from: day * dayHours + from, to: day * dayHours + to }))
}

const quick = [200, 1500] as const
const usual = { connections: 20, messagesPerConnection: 100 }
const mistakes = { unknown: 0.01, full: 0.001, cut: 0.0002 }

/** So many in a span that a day's newsletter takes several: at each size of the load they are met. */
interface OwnLimits {
  readonly perMinute: number
  readonly perHour: number
  readonly neteasePerHour: number
  readonly secretPerMinute: number
}

/** What its own advice to senders says, and so what the server knows of it: delivery/pacing/provider-limits.ts. */
const neteasePerHour = 3000

const shares = { netease: 1, perMinute: 1, perHour: 0.5, secret: 0.5 }
const domains = { perMinute: 3, perHour: 2, secret: 2 }

function limitsFor(recipients: number, days: number): OwnLimits {
  const ofDay = recipients / days
  const most = (share: number, spans: number): number => Math.max(2, Math.ceil((ofDay * share) / 100 / spans))
  return {
    perMinute: most(shares.perMinute / domains.perMinute, 120),
    perHour: most(shares.perHour / domains.perHour, 3),
    neteasePerHour: Math.min(neteasePerHour, most(shares.netease, 3)),
    secretPerMinute: most(shares.secret / domains.secret, 20),
  }
}

function receivers(days: number, limits: OwnLimits, trickleShare: number): ReceiverClass[] {
  return [
    // Who writes to our senders: where their reports go.
    { name: 'home', share: 0, domains: 1, replyMs: quick, promised: usual },
    // Limits of these: delivery/pacing/provider-limits.ts.
    {
      name: 'gmail',
      share: 30,
      domains: 3,
      host: 'mx.google.com',
      isHealthy: true,
      replyMs: quick,
      promised: { connections: 5, messagesPerConnection: 50 },
      ...mistakes,
    },
    {
      name: 'outlook',
      share: 14,
      domains: 2,
      host: 'mx.olc.protection.outlook.com',
      isHealthy: true,
      replyMs: quick,
      promised: { connections: 5, messagesPerConnection: 50 },
      ...mistakes,
    },
    {
      name: 'yahoo',
      share: 8,
      domains: 2,
      host: 'mx.am0.yahoodns.net',
      isHealthy: true,
      replyMs: quick,
      promised: { connections: 20, messagesPerConnection: 20 },
      ...mistakes,
    },
    {
      name: 'netease',
      share: shares.netease,
      domains: 1,
      host: 'mx.netease.com',
      replyMs: quick,
      promised: {
        connections: 4,
        messagesPerConnection: 7,
        perHour: limits.neteasePerHour,
        perDay: 100_000,
      },
      ...mistakes,
    },
    {
      name: 'companies',
      share: 36,
      domains: 60,
      isHealthy: true,
      replyMs: quick,
      promised: usual,
      ...mistakes,
    },
    { name: 'small', share: 1, domains: 3000, isHealthy: true, replyMs: quick, promised: usual, ...mistakes },
    // Limits of these: the settings, below.
    {
      name: 'per-minute',
      share: shares.perMinute,
      domains: domains.perMinute,
      replyMs: quick,
      promised: { connections: 2, messagesPerConnection: 100, perMinute: limits.perMinute },
    },
    {
      name: 'per-hour',
      share: shares.perHour,
      domains: domains.perHour,
      replyMs: quick,
      promised: { connections: 2, messagesPerConnection: 100, perHour: limits.perHour },
    },
    {
      name: 'secret-limit',
      share: shares.secret,
      domains: domains.secret,
      replyMs: quick,
      promised: usual,
      secretPerMinute: limits.secretPerMinute,
    },
    {
      name: 'few-connections',
      share: 0.5,
      domains: 1,
      replyMs: [30_000, 60_000],
      promised: usual,
      secretConnections: 3,
    },
    {
      name: 'trickle',
      share: trickleShare,
      domains: 1,
      replyMs: quick,
      promised: usual,
      secretPerMinute: 10,
      leastUsed: 0.5,
    },
    { name: 'greylisting', share: 2, domains: 20, replyMs: quick, promised: usual, greylists: true },
    {
      name: 'outages',
      share: 1.5,
      domains: 5,
      replyMs: quick,
      promised: usual,
      down: [...daily(days, 3, 4), ...daily(days, 9.2, 12)],
    },
    { name: 'slow', share: 0.5, domains: 5, replyMs: [20_000, 60_000], promised: usual },
    { name: 'blocking', share: 1, domains: 2, replyMs: quick, promised: usual, blocked: daily(days, 9, 11) },
    { name: 'full', share: 0.2, domains: 2, replyMs: quick, promised: usual, full: 0.8 },
    { name: 'cutting', share: 0.5, domains: 2, replyMs: quick, promised: usual, cut: 0.02 },
    {
      name: 'dns-trouble',
      share: 0.3,
      domains: 2,
      replyMs: quick,
      promised: usual,
      dnsFails: daily(days, 9, 11),
    },
    {
      name: 'dead',
      share: 0.1,
      domains: 2,
      replyMs: quick,
      promised: usual,
      down: [{ from: 0, to: days * dayHours }],
    },
    { name: 'gone', share: 0.1, domains: 2, replyMs: quick, promised: usual, doesNotExist: true },
  ]
}

/** So much of a day's mail of the one with a limit of its own passes in an hour. */
const cappedHours = 5

/** Recipients of the one that takes ten a minute, however many there are in all: five hours' worth, over all days. */
const trickleMost = 3000
/** Of few recipients, this part. */
const tricklePart = 0.05

export function createWeek(recipients: number, days: number, seed: number): Scenario {
  const limits = limitsFor(recipients, days)
  const allDay = [{ from: 0, to: days * dayHours - 1 }]
  const cappedShare = 1
  const cappedPerHour = Math.max(20, Math.ceil((recipients * cappedShare) / 100 / days / cappedHours))
  const senders: SimulatedSender[] = [
    {
      name: 'newsletter',
      address: 'news@d0.home.test',
      share: 88.9,
      recipientsOfMessage: 1000,
      when: daily(days, 9, 9.05),
      floods: true,
    },
    {
      name: 'capped',
      address: 'capped@d0.home.test',
      share: cappedShare,
      recipientsOfMessage: 50,
      when: daily(days, 8, 8.25),
      toHealthyOnly: true,
      promisedPerHour: cappedPerHour,
    },
    { name: 'shop', address: 'shop@d0.home.test', share: 10, recipientsOfMessage: 20, when: allDay },
    {
      name: 'clerk',
      address: 'clerk@d0.home.test',
      share: 0.1,
      recipientsOfMessage: 2,
      when: daily(days, 8, 18),
      toHealthyOnly: true,
      isLittle: true,
    },
  ]
  return {
    recipients,
    days,
    seed,
    receivers: receivers(days, limits, 100 * Math.min(tricklePart, trickleMost / recipients)),
    senders,
    fairness: { littleMedian: 5, little99th: 60, healthy99th: 120 },
    queue: usualQueue,
    delivery: {
      ...usualDelivery,
      limits: [
        { match: ['.per-minute.test'], connections: 2, perMinute: limits.perMinute },
        { match: ['.per-hour.test'], connections: 2, perHour: limits.perHour },
        // Of a smaller load the share of a provider does not reach what the server knows of it.
        ...(limits.neteasePerHour < neteasePerHour
          ? [{ match: ['netease'], perHour: limits.neteasePerHour }]
          : []),
      ],
    },
    senderLimits: [{ match: ['capped@d0.home.test'], perHour: cappedPerHour }],
  }
}
