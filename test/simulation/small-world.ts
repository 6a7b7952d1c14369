// A small world for tests: some hours, few receivers, a thousand or so recipients.
import { type ReceiverClass, type Scenario, usualDelivery, usualQueue } from '../../simulation/scenario.ts'

const promised = { connections: 20, messagesPerConnection: 100 }
const quick = { domains: 1, replyMs: [100, 900], promised } as const

export const plain: ReceiverClass = { ...quick, name: 'plain', share: 10, domains: 10, isHealthy: true }

const perMinute: ReceiverClass = {
  ...quick,
  name: 'per-minute',
  share: 3,
  promised: { connections: 2, messagesPerConnection: 100, perMinute: 10 },
}

/** Half an hour's worth and more comes at once. */
export const trickle: ReceiverClass = {
  ...quick,
  name: 'trickle',
  share: 10,
  secretPerMinute: 5,
  leastUsed: 0.5,
}

/** All that can go wrong, a little of each. */
export const troubled: readonly ReceiverClass[] = [
  { ...quick, name: 'home', share: 0 },
  { ...plain, unknown: 0.03, full: 0.01 },
  perMinute,
  { ...quick, name: 'greylisting', share: 1, greylists: true },
  { ...quick, name: 'outages', share: 1, down: [{ from: 0, to: 1 }] },
  { ...quick, name: 'slow', share: 1, replyMs: [20_000, 60_000] },
  { ...quick, name: 'blocking', share: 1, blocked: [{ from: 0, to: 1 }] },
  { ...quick, name: 'secret-limit', share: 1, secretPerMinute: 20 },
  { ...quick, name: 'few-connections', share: 1, replyMs: [60_000, 120_000], secretConnections: 2 },
  { ...quick, name: 'cutting', share: 1, cut: 0.3 },
  { ...quick, name: 'dns-trouble', share: 1, dnsFails: [{ from: 0, to: 1 }] },
  { ...quick, name: 'dead', share: 1, down: [{ from: 0, to: 100 }] },
  { ...quick, name: 'gone', share: 1, doesNotExist: true },
]

export const cappedPerHour = 40

/** Mail comes in the first hour; at the end of the fourth its lifetime is over. */
export function smallWorld(changes: Partial<Scenario> = {}): Scenario {
  return {
    recipients: 1200,
    days: 4 / 24,
    seed: 1,
    receivers: troubled,
    senders: [
      {
        name: 'newsletter',
        address: 'news@d0.home.test',
        share: 80,
        recipientsOfMessage: 100,
        when: [{ from: 0, to: 0.1 }],
        floods: true,
      },
      {
        name: 'capped',
        address: 'capped@d0.home.test',
        share: 8,
        recipientsOfMessage: 10,
        when: [{ from: 0, to: 0.5 }],
        toHealthyOnly: true,
        promisedPerHour: cappedPerHour,
      },
      {
        name: 'shop',
        address: 'shop@d0.home.test',
        share: 8,
        recipientsOfMessage: 5,
        when: [{ from: 0, to: 1 }],
      },
      {
        name: 'clerk',
        address: 'clerk@d0.home.test',
        share: 4,
        recipientsOfMessage: 1,
        when: [{ from: 0, to: 1 }],
        toHealthyOnly: true,
        isLittle: true,
      },
    ],
    fairness: { littleMedian: 3, little99th: 10, healthy99th: 30 },
    queue: { ...usualQueue, lifetimeHours: 3, delayNoticeHours: 1 },
    delivery: {
      ...usualDelivery,
      limits: [{ match: ['.per-minute.test'], connections: 2, perMinute: 10 }],
    },
    senderLimits: [{ match: ['capped@d0.home.test'], perHour: cappedPerHour }],
    ...changes,
  }
}
