// What the DNS has of a domain of ours, beside its MX records; and of the names that the server gives itself.
import { judgeLists, observeDomainLists } from './checks/block-lists.ts'
import { judgeKeys, observeKeys } from './checks/dkim.ts'
import { judgeDmarc, observeDmarc } from './checks/dmarc.ts'
import type { MailHostsView } from './checks/mail-hosts.ts'
import { judgeServices, observeServices } from './checks/mail-programs.ts'
import { judgeMtaSts, type MtaStsView, observeMtaSts } from './checks/mta-sts.ts'
import { judgeSpf, observeSpf } from './checks/spf.ts'
import { judgeTlsReports, observeTlsReports } from './checks/tls-reports.ts'
import type { Circumstances } from './circumstances.ts'
import { notChecked } from './finding.ts'
import type { Ledger } from './ledger.ts'
import type { OwnDomain } from './own-server.ts'
import type { World } from './world.ts'

const ofDomain = ['SPF', 'DKIM', 'DMARC', 'MTA-STS', 'TLS reports', 'mail programs', 'block lists'] as const

export async function examineDomain(
  world: World,
  domain: OwnDomain,
  circumstances: Circumstances,
  mailHosts: MailHostsView,
  domainLists: readonly string[],
  ledger: Ledger,
): Promise<MtaStsView> {
  const { own } = circumstances
  const { name } = domain
  const [spf, keys, dmarc, sts, tlsReports, services] = await Promise.all([
    observeSpf(world, own, { domain: name, identity: 'mailfrom', sending: own.sending }),
    observeKeys(world, domain),
    observeDmarc(world, own, name),
    observeMtaSts(world, name),
    observeTlsReports(world, own, name),
    observeServices(world, own, name),
  ])
  if (mailHosts.answer.kind === 'no-such-domain') {
    // Every record is missing then, and that was told.
    for (const check of ofDomain) ledger.add(check, name, notChecked(`${name} is not in the DNS`))
    return sts
  }
  ledger.add('SPF', name, judgeSpf(spf, circumstances))
  ledger.add('DKIM', name, judgeKeys(name, keys, own.signs))
  ledger.add('DMARC', name, judgeDmarc(dmarc))
  ledger.add('MTA-STS', name, judgeMtaSts(sts, mailHosts, circumstances))
  ledger.add('TLS reports', name, judgeTlsReports(tlsReports))
  ledger.add('mail programs', name, judgeServices(services, circumstances))
  ledger.add('block lists', name, judgeLists(await observeDomainLists(world, domainLists, name)))
  return sts
}

/** Of the names that the server gives itself, which count for mail without a sender. */
export async function examineServerSpf(
  world: World,
  circumstances: Circumstances,
  ledger: Ledger,
): Promise<void> {
  const { own, isMisled } = circumstances
  const bySenders = Map.groupBy(own.sending, ({ helloName }) => helloName)
  await Promise.all(
    [...bySenders].map(async ([domain, sending]) => {
      if (own.domains.some(({ name }) => name === domain) || isMisled(domain)) return
      const view = await observeSpf(world, own, { domain, identity: 'helo', sending })
      ledger.add('SPF', domain, judgeSpf(view, circumstances))
    }),
  )
}
