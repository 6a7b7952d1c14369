// Reports on DMARC as the delivery thread has them: ours are sent, and those of others read.
import { addressKey } from '../address/address-key.ts'
import { productName } from '../config/package-version.ts'
import type { Settings } from '../config/settings.ts'
import type { DeliveryAgentOptions } from '../delivery/create-delivery-agent.ts'
import { listDomainNames } from '../directory/domains.ts'
import { createDmarcReceiver, type DmarcReceiverOptions } from '../dmarc-report/receive-report.ts'
import { readTargets } from '../dmarc-report/report-targets.ts'
import { type DmarcReporterOptions, sendDmarcReports } from '../dmarc-report/send-reports.ts'
import type { Resolver } from '../dns/resolver.ts'
import { isPolicyRecord } from '../mail-authentication/dmarc/policy-record.ts'
import { oneAtATime } from '../runtime/one-at-a-time.ts'
import { publicAddressesOf } from '../setup/public-addresses.ts'

export interface DmarcParts
  extends Pick<DmarcReporterOptions, 'storage' | 'mailData' | 'clock' | 'log' | 'nextQueueId'>,
    Pick<DmarcReceiverOptions, 'alerts'> {
  readonly settings: Pick<Settings, 'hostname' | 'mailAuthentication' | 'queue' | 'delivery' | 'listeners'>
  readonly resolver: Resolver
}

export interface DmarcWork extends Pick<DeliveryAgentOptions, 'takeDmarcReport'> {
  /** What is due now. Never rejects. */
  keepHouse(): Promise<void>
  /** From now on, every hour. */
  start(): void
  stop(): void
}

const hourMs = 3_600_000

export function composeDmarc({ settings, resolver, ...parts }: DmarcParts): DmarcWork {
  const { hostname, mailAuthentication, queue } = settings
  const {
    send,
    organization = hostname,
    contact = `postmaster@${hostname}`,
  } = mailAuthentication.dmarcReports
  let reportAddresses: ReadonlySet<string> = new Set()
  const keepHouse = async (): Promise<void> => {
    reportAddresses = await findReportAddresses(parts, resolver, reportAddresses)
    if (!send) return
    const reporter = { organization, contact, generator: productName() }
    await sendDmarcReports({ ...parts, dns: resolver, hostname, reporter, held: queue.hold })
  }
  let timer: { cancel(): void } | undefined
  return {
    takeDmarcReport: createDmarcReceiver({
      ...parts,
      hostname,
      reportAddresses: () => reportAddresses,
      ownAddresses: () => findOwnAddresses(settings, resolver),
    }),
    keepHouse,
    start() {
      const look = oneAtATime(keepHouse)
      timer ??= parts.clock.every(hourMs, look)
      look()
    },
    stop: () => timer?.cancel(),
  }
}

/** More domains than that are looked after by their subjects alone. */
const maxDomains = 1000

/** Where the DMARC records of our domains want reports. What the DNS does not tell now stays as it was. Never rejects. */
async function findReportAddresses(
  { storage, log }: Pick<DmarcParts, 'storage' | 'log'>,
  resolver: Pick<Resolver, 'txt'>,
  known: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  try {
    const found = new Set<string>()
    for (const domain of await storage.run(listDomainNames, { limit: maxDomains })) {
      const answer = await resolver.txt(`_dmarc.${domain}`)
      if (answer.kind === 'temporary-failure') for (const key of known) found.add(key)
      if (answer.kind !== 'found') continue
      for (const { address } of answer.records.filter(isPolicyRecord).flatMap(readTargets))
        found.add(addressKey(address))
    }
    return found
  } catch (cause) {
    log.debug('where reports on DMARC are wanted could not be found out', { reason: String(cause) })
    return known
  }
}

/** Those of this machine, those that its name has (it may be behind a router), and those of the source pools. */
async function findOwnAddresses(
  { hostname, delivery, listeners }: DmarcParts['settings'],
  resolver: Pick<Resolver, 'a' | 'aaaa'>,
): Promise<ReadonlySet<string>> {
  const answers = await Promise.all([resolver.a(hostname), resolver.aaaa(hostname)])
  return new Set([
    ...publicAddressesOf(listeners.map(({ address }) => address)),
    ...answers.flatMap(answer => (answer.kind === 'found' ? answer.records : [])),
    ...delivery.sourcePools.flatMap(({ sources }) => sources.map(({ address }) => address)),
  ])
}
