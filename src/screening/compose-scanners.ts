// The scanners that the settings name.
import type { ScannerSettings } from '../config/settings.ts'
import type { Clock } from '../runtime/clock.ts'
import { createClamdScanner } from '../scanner/clamd.ts'
import type { Scanner } from '../scanner/contract.ts'
import { parseScannerEndpoint } from '../scanner/exchange.ts'
import { createHttpHook } from '../scanner/http-hook.ts'
import { createMilterScanner } from '../scanner/milter/milter-scanner.ts'
import { createRspamdScanner } from '../scanner/rspamd.ts'
import { createSpamdScanner } from '../scanner/spamd.ts'
import type { ScannerPolicy } from './run-scanners.ts'

interface Surroundings {
  readonly hostname: string
  /** What this server is: 'Postrider 1.0.0'. */
  readonly product: string
  readonly clock: Clock
}

const megabyte = 1_000_000

export function composeScanners(
  settings: readonly ScannerSettings[],
  surroundings: Surroundings,
): readonly ScannerPolicy[] {
  return settings.map(one => ({
    scanner: createScanner(one, surroundings),
    timeoutMs: one.timeoutSeconds * 1000,
    // A virus that nobody looked for is worse than a message that comes later; spam is not.
    whenDown: one.whenDown ?? (one.kind === 'clamav' ? 'defer' : 'accept'),
    whenTooLarge: one.whenTooLarge,
    maxBytes: one.maxMegabytes * megabyte,
    weight: one.weight,
  }))
}

function createScanner(
  { kind, at, url, authorization, sendsMessage, user }: ScannerSettings,
  surroundings: Surroundings,
): Scanner {
  if (kind === 'http') return createHttpHook({ url: new URL(url ?? ''), authorization, sendsMessage })
  const endpoint = parseScannerEndpoint(at ?? '')
  if (!endpoint) throw new RangeError(`${at} is no place where a scanner listens`)
  switch (kind) {
    case 'clamav':
      return createClamdScanner(endpoint)
    case 'rspamd':
      return createRspamdScanner({ endpoint, password: authorization })
    case 'milter':
      return createMilterScanner({ endpoint, ...surroundings })
    case 'spamassassin':
      return createSpamdScanner({ endpoint, user })
    default:
      return kind satisfies never
  }
}
