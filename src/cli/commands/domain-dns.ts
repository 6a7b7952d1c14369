// postrider domain dns: every DNS record that a domain needs for mail, as a zone file.
import { Argument, type Command, Option } from 'commander'
import { askedHostsOf, listDomainsBeyond } from '../../config/issued-names.ts'
import { ownStsPolicy } from '../../config/settings.ts'
import { findDomain } from '../../directory/domains.ts'
import { composeDnsRecords, listDnsRecords, ttlSeconds } from '../../setup/dns-records.ts'
import { publicAddressesOf } from '../../setup/public-addresses.ts'
import { ensureFirstKeys } from '../../signing/ensure-keys.ts'
import { listDkimKeys } from '../../signing/operations.ts'
import { certificateCovers } from '../../tls/certificate.ts'
import { domainArgument, publicAddressArgument } from '../arguments.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { isForOthers } from '../for-others.ts'
import { listShown, tlsaOfName } from '../shown-certificates.ts'

interface DnsOptions {
  readonly publicAddress?: readonly string[]
}

export function addDomainDnsCommand(domain: Command, run: CommandRun): void {
  addCommand(domain, {
    usage: 'dns',
    summary: 'Print every DNS record that a domain needs for mail, as a zone file',
    description:
      'Print every DNS record that a domain needs for mail, with what each is for: MX, SPF, DKIM, DMARC, MTA-STS, TLS reports, ' +
      'the servers that mail programs look for, the addresses of this server, DANE, PTR. As a zone file, or with --json for programs.',
    examples: [
      'domain dns example.test',
      'domain dns example.test --public-address 192.0.2.1 --public-address 2001:db8::1',
      'domain dns example.test --json',
    ],
  })
    .addArgument(new Argument('<domain>').argParser(domainArgument))
    .addOption(
      new Option(
        '--public-address <address>',
        'an address by which others reach this server; may be repeated. Default: the public ones of this machine',
      ).argParser(publicAddressArgument),
    )
    .action(
      perform(run, async (invocation, { publicAddress }: DnsOptions, name: string) => {
        const { keys, settings, isBeyond } = await invocation.withStorage(async (storage, ofServer) => {
          await storage.run(findDomain, { name })
          const at = invocation.clock.now()
          return {
            settings: ofServer,
            isBeyond: (await listDomainsBeyond(storage, ofServer)).includes(name),
            keys: ofServer.dkim.sign
              ? await ensureFirstKeys(storage, name, at)
              : await storage.run(listDkimKeys, { domain: name }),
          }
        })
        const { autoconfig, delivery, hostname, listeners, mtaSts } = settings
        const shown = await listShown(invocation, settings)
        const isCertified = (host: string): boolean =>
          shown.some(({ certificate }) => certificate?.inUse && certificateCovers(certificate.inUse, host))
        const addresses = publicAddress ?? publicAddressesOf(listeners.map(({ address }) => address))
        const input = {
          hostname,
          domains: [name],
          addresses,
          listeners: listeners.filter(({ address }) => isForOthers(address, addresses)),
          sources: delivery.sourcePools.flatMap(({ sources }) => sources),
          smartHost: delivery.smartHost?.host,
          keys,
          stsPolicy: mtaSts && ownStsPolicy(settings, mtaSts),
          autoconfig: autoconfig ? ('on' as const) : ('off' as const),
          certificateKeys: tlsaOfName(hostname, hostname, shown),
          uncertifiedHosts: isBeyond ? askedHostsOf(settings, name).filter(host => !isCertified(host)) : [],
        }
        const records = listDnsRecords(input).flatMap(group => group.records)
        invocation.output.result(
          records.map(({ name: owner, type, value, purpose, publish }) => ({
            name: owner,
            type,
            ttl: ttlSeconds,
            value,
            purpose,
            publish,
          })),
          composeDnsRecords(input).trimEnd(),
        )
      }),
    )
}
