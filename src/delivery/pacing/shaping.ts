// How much a destination gets at a time: the server's own settings, over what is known of the large providers, over what
// is said for all.
import type { DeliverySettings, RateSettings, ShapingSettings } from '../../config/settings.ts'
import type { RateLimit } from '../../queue/allowances.ts'
import type { Site } from '../../routing/site.ts'
import { matchesDestination } from './match-mail.ts'
import { providerLimits } from './provider-limits.ts'

export interface ShapingRules {
  readonly maxConnections: number
  readonly maxMessagesPerConnection: number
  readonly maxRecipientsPerTransaction: number
  /** Recipients in a span of time. */
  readonly limits: readonly RateLimit[]
}

type Limits = Partial<Omit<ShapingSettings, 'match'>>

/** RFC 5321 asks for no limit; some servers turn nasty after a hundred messages on one connection. */
const usualMessagesPerConnection = 100

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** Whether limits are for this domain, by its name. */
export function namesDomain({ limits }: Pick<DeliverySettings, 'limits'>, domain: string): boolean {
  return limits.some(({ match }) => match.includes(domain))
}

/** `domain`: of the recipient, for rules that name it. */
export function shapingOf(settings: DeliverySettings, site: Site, domain: string): ShapingRules {
  const own = settings.limits.filter(rule => rule.match.some(text => matchesDestination(text, site, domain)))
  const known = site.provider === undefined ? undefined : providerLimits[site.provider]
  const all: Limits = {
    connections: settings.maxConnectionsPerDestination,
    messagesPerConnection: usualMessagesPerConnection,
    recipientsPerTransaction: settings.maxRecipientsPerTransaction,
  }
  const pick = <Key extends keyof Limits>(key: Key): Limits[Key] =>
    own.find(rule => rule[key] !== undefined)?.[key] ?? known?.[key] ?? all[key]
  return {
    maxConnections: Math.min(pick('connections') ?? 1, settings.maxConnections),
    maxMessagesPerConnection: pick('messagesPerConnection') ?? usualMessagesPerConnection,
    maxRecipientsPerTransaction: pick('recipientsPerTransaction') ?? 1,
    limits: rateLimitsOf({
      perSecond: pick('perSecond'),
      perMinute: pick('perMinute'),
      perHour: pick('perHour'),
      perDay: pick('perDay'),
    }),
  }
}

export function rateLimitsOf({ perSecond, perMinute, perHour, perDay }: RateSettings): RateLimit[] {
  const limits = [
    limitOf(perSecond, second),
    limitOf(perMinute, minute),
    limitOf(perHour, hour),
    limitOf(perDay, day),
  ]
  return limits.filter(limit => limit !== undefined)
}

/** 0 takes a limit away that is known of a provider. */
function limitOf(most: number | undefined, spanMs: number): RateLimit | undefined {
  return most === undefined || most === 0 ? undefined : { most, spanMs }
}
