// Alerts as the delivery thread has them, by the settings.
import { parseAddress } from '../address/parse-address.ts'
import { Alerts, type AlertsOptions } from '../alert/alerts.ts'
import type { Settings } from '../config/settings.ts'

const hourMs = 3_600_000

export interface AlertParts
  extends Pick<AlertsOptions, 'storage' | 'mailData' | 'clock' | 'log' | 'nextQueueId'> {
  readonly settings: Pick<Settings, 'hostname' | 'language' | 'alerts' | 'queue'>
}

export function composeAlerts({ settings, ...parts }: AlertParts): Alerts {
  const { alerts, hostname, language, queue } = settings
  return new Alerts({
    ...parts,
    hostname,
    language,
    to: alerts.to?.flatMap(text => parseAddress(text) ?? []),
    lifetimeMs: queue.lifetimeHours * hourMs,
    held: queue.hold,
  })
}
