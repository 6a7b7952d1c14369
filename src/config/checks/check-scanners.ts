// The scanners that the settings name: are they there?
import type { Clock } from '../../runtime/clock.ts'
import { Fault } from '../../runtime/fault.ts'
import { composeScanners } from '../../screening/compose-scanners.ts'
import type { ScannerPolicy } from '../../screening/run-scanners.ts'
import { productName } from '../package-version.ts'
import type { Settings } from '../settings.ts'
import { type Finding, ok } from './finding.ts'

/** A person waits. */
const patienceMs = 5000

export async function checkScanners(
  { scanners, hostname }: Pick<Settings, 'scanners' | 'hostname'>,
  clock: Clock,
): Promise<Finding[]> {
  const product = productName()
  return await Promise.all(composeScanners(scanners, { hostname, product, clock }).map(checkScanner))
}

async function checkScanner({ scanner, timeoutMs, whenDown }: ScannerPolicy): Promise<Finding> {
  try {
    await scanner.ping?.(AbortSignal.timeout(Math.min(timeoutMs, patienceMs)))
    return ok('scanners', scanner.name)
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause
    return {
      severity: 'warning',
      subject: 'scanners',
      what: cause.message,
      cost:
        whenDown === 'defer'
          ? 'All mail that it is to look at is put off (451) for as long as it is away: its whenDown is "defer".'
          : 'Mail is taken without it for as long as it is away: its whenDown is "accept".',
      remedy:
        'Start the scanner, or correct the place in [[scanners]] where it listens. What is to become of mail meanwhile is its whenDown.',
    }
  }
}
