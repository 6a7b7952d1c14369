// The DNS records that a domain needs for mail, each with what it is for; and the same as a zone file (RFC 1035 §5).
import { isIPv4 } from 'node:net'
import { isPrivateAddress } from '../address/networks.ts'
import { formatDomainForPeople } from '../address/parse-domain.ts'
import { autoconfigHostsOf, autodiscoverRecordOf, httpsPort } from '../config/autoconfig-hosts.ts'
import { listenerRoles, srvPriorityOf } from '../config/listener-roles.ts'
import type { ListenerSettings, SourceSettings } from '../config/settings.ts'
import { reverseLabels } from '../dns/reverse-labels.ts'
import { type DkimKey, publishedUntil } from '../signing/dkim-key.ts'
import { formatKeyRecord, keyRecordName, revokedKeyRecord } from '../signing/key-record.ts'
import { tlsaNameOf } from '../tls/tlsa-record.ts'
import { type OwnStsPolicy, stsIdOf } from '../tls-policy/own-policy.ts'
import { stsHostOf } from '../tls-policy/sts-policy.ts'

export interface MailDomains {
  /** A-labels. */
  readonly hostname: string
  readonly domains: readonly string[]
  /** The public addresses of the server, as far as they are known. */
  readonly addresses: readonly string[]
  /** Default: none that mail programs could look for. */
  readonly listeners?: readonly Pick<ListenerSettings, 'role' | 'port'>[] | undefined
  /** Further addresses from which mail leaves (delivery.sourcePools). */
  readonly sources?: readonly Pick<SourceSettings, 'address' | 'heloName'>[] | undefined
  /** Through which all mail leaves. */
  readonly smartHost?: string | undefined
  /** Of the domains. */
  readonly keys?: readonly DkimKey[] | undefined
  /** Of [mtaSts]. */
  readonly stsPolicy?: OwnStsPolicy | undefined
  /** [autoconfig] is served. Default: 'off'. */
  readonly autoconfig?: 'on' | 'off' | undefined
  /** Hosts of the domains for which this server has no certificate, and gets none. */
  readonly uncertifiedHosts?: readonly string[] | undefined
  /** Of the certificate that `hostname` shows, and of the next one. */
  readonly certificateKeys?: readonly CertificateKey[] | undefined
}

export interface CertificateKey {
  /** TLSA: '3 1 1 1a2b…' */
  readonly record: string
  /** false: it is about to be. */
  readonly isShown: boolean
  /** This server keeps the key when it renews the certificate. */
  readonly isKept: boolean
}

interface MailService {
  readonly label: string
  readonly use: string
}

const sending = 'by which they send'
const reading = 'where they read'
const fetching = 'from where they fetch'

/** What mail programs look for, in the order of the list (RFC 6186 §3.1, §3.2; RFC 8314 §5.1; RFC 5804 §1.8). */
const services: Readonly<Record<ListenerSettings['role'], MailService | undefined>> = {
  // The MX record leads there.
  relay: undefined,
  submission: { label: '_submission', use: sending },
  submissions: { label: '_submissions', use: sending },
  imap: { label: '_imap', use: reading },
  imaps: { label: '_imaps', use: reading },
  pop3: { label: '_pop3', use: fetching },
  pop3s: { label: '_pop3s', use: fetching },
  sieve: { label: '_sieve', use: 'where they keep the scripts that sort their mail' },
}

export interface DnsRecord {
  /** A-labels, without a final dot. */
  readonly name: string
  readonly type: 'A' | 'AAAA' | 'CNAME' | 'MX' | 'PTR' | 'SRV' | 'TLSA' | 'TXT'
  /** As in a zone file. */
  readonly value: string
  /** A sentence or two. */
  readonly purpose: string
  /** yes: in the zone of the domain. optional: only as `purpose` says. elsewhere: not in this zone. */
  readonly publish: 'yes' | 'optional' | 'elsewhere'
}

export interface DnsRecordGroup {
  readonly title: string
  readonly records: readonly DnsRecord[]
  /** What is to be done by hand. */
  readonly notes: readonly string[]
}

export const ttlSeconds = 3600

export function listDnsRecords(input: MailDomains): readonly DnsRecordGroup[] {
  return [...input.domains.map(domain => domainRecords(domain, input)), hostRecords(input)]
}

export function composeDnsRecords(input: MailDomains): string {
  const parts = [introduction, ...listDnsRecords(input).map(formatGroup)]
  return `${parts.join('\n\n')}\n`
}

const introduction = [
  '; DNS records for the mail server, to be published where the DNS of the domain is kept.',
  '; A zone file takes them as they are; in a web form enter name, type and value of each. Where it asks for a text,',
  '; leave the quotes out, and join what stands in several pairs of them.',
].join('\n')

function formatGroup({ title, records, notes }: DnsRecordGroup): string {
  const lines = [`; ---- ${title} ----`]
  let last = ''
  for (const { name, type, value, purpose, publish } of records) {
    if (purpose !== last) lines.push('', ...comment(purpose))
    last = purpose
    lines.push(`${publish === 'yes' ? '' : '; '}${name}. ${ttlSeconds} IN ${type} ${value}`)
  }
  for (const note of notes) lines.push('', ...comment(note))
  return lines.join('\n')
}

const width = 118

function comment(text: string): string[] {
  const lines: string[] = []
  let line = ';'
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > width) {
      lines.push(line)
      line = ';'
    }
    line += ` ${word}`
  }
  return [...lines, line]
}

function domainRecords(domain: string, input: MailDomains): DnsRecordGroup {
  const { hostname, keys = [], listeners = [], smartHost, stsPolicy, autoconfig = 'off' } = input
  const { uncertifiedHosts = [] } = input
  const yes = (type: DnsRecord['type'], name: string, value: string, purpose: string): DnsRecord => ({
    name,
    type,
    value,
    purpose,
    publish: 'yes',
  })
  const ownKeys = keys.filter(key => key.domain === domain)
  return {
    title: shown(domain),
    records: [
      yes(
        'MX',
        domain,
        `10 ${hostname}.`,
        'MX: tells other servers which machine takes the mail of this domain.',
      ),
      yes(
        'TXT',
        domain,
        text(['v=spf1', 'mx', ...sourceMechanisms(input), '~all'].join(' ')),
        'SPF (RFC 7208): from where mail of this domain comes. Add whatever else sends for you before "~all". That says "probably not", and not "-all": a server that refuses for SPF alone would not see that DKIM proves a message that somebody has sent on.',
      ),
      ...ownKeys.map(key => keyRecord(key, ownKeys)),
      yes(
        'TXT',
        `_dmarc.${domain}`,
        text(`v=DMARC1; p=none; rua=mailto:postmaster@${domain}`),
        'DMARC (RFC 9989): receivers report who sends in the name of this domain. p=none only watches, so that nothing is lost that you have forgotten; go on to p=quarantine and p=reject when the reports show nothing but your own servers ("postrider dmarc-reports").',
      ),
      yes(
        'TXT',
        `_smtp._tls.${domain}`,
        text(`v=TLSRPTv1; rua=mailto:postmaster@${domain}`),
        'TLS-RPT (RFC 8460): other servers report when they could not encrypt mail to this domain; "postrider tls-reports" shows what they say.',
      ),
      ...(stsPolicy
        ? [
            yes(
              'TXT',
              `_mta-sts.${domain}`,
              text(`v=STSv1; id=${stsIdOf(stsPolicy)}`),
              'MTA-STS (RFC 8461): others deliver to this domain over TLS only, to a certificate that they can check, as the policy says. With another policy ([mtaSts] in the settings) comes another id.',
            ),
            yes(
              'CNAME',
              stsHostOf(domain),
              `${hostname}.`,
              'From where the policy is fetched, over HTTPS: this server serves it, with a certificate for this name.',
            ),
          ]
        : []),
      ...listServices(listeners).map(({ label, port, use, priority }) =>
        yes(
          'SRV',
          `${label}._tcp.${domain}`,
          `${priority} 1 ${port} ${hostname}.`,
          `SRV (${label === '_sieve' ? 'RFC 5804' : 'RFC 6186, RFC 8314'}): where mail programs of your users find the server ${use}.`,
        ),
      ),
      ...(autoconfig === 'on'
        ? [
            ...autoconfigHostsOf(domain).map(host =>
              yes(
                'CNAME',
                host,
                `${hostname}.`,
                'Where mail programs ask how to reach the server ([autoconfig] in the settings): Thunderbird and others at "autoconfig", Outlook at "autodiscover". This server answers, with a certificate for these names.',
              ),
            ),
            yes(
              'SRV',
              autodiscoverRecordOf(domain),
              `0 1 ${httpsPort} ${hostname}.`,
              'SRV: where Outlook asks when the certificate has no name with "autodiscover".',
            ),
          ]
        : []),
    ],
    notes: [
      ...(ownKeys.length > 0
        ? []
        : [
            'DKIM: this server makes no keys (dkim.sign), or has made none yet: "postrider domain dkim" says how it stands.',
          ]),
      ...(stsPolicy
        ? []
        : [
            'MTA-STS: the settings have no [mtaSts], so this domain asks nobody to insist on TLS with a certificate that can be checked.',
          ]),
      ...(uncertifiedHosts.length === 0
        ? []
        : [
            `CERTIFICATE: for ${uncertifiedHosts.join(', ')} this server has none, and gets none, since [tls.acme] is for the first domains only. Others cannot ask there until it has one of your own for these names ([[tls.certificates]] in the settings).`,
          ]),
      ...(smartHost === undefined
        ? []
        : [
            `All mail leaves through ${smartHost}: add what its operator says to the SPF record ("include:…"), before "~all".`,
          ]),
    ],
  }
}

/** Each once, though it may listen on several addresses. */
function listServices(
  listeners: NonNullable<MailDomains['listeners']>,
): (MailService & { readonly port: number; readonly priority: number })[] {
  return listenerRoles.flatMap(role => {
    const service = services[role]
    const ports = new Set(listeners.filter(listener => listener.role === role).map(({ port }) => port))
    return service ? [...ports].map(port => ({ ...service, port, priority: srvPriorityOf(role) })) : []
  })
}

/** RFC 7208 §5.6; those of the server itself are behind its MX. */
function sourceMechanisms({ addresses, sources = [] }: MailDomains): string[] {
  const others = sources.map(({ address }) => address).filter(address => !addresses.includes(address))
  return [...new Set(others.filter(isPublic))].map(address => `${isIPv4(address) ? 'ip4' : 'ip6'}:${address}`)
}

/** Behind a router: what others see of it, nobody here knows. */
function isPublic(address: string): boolean {
  return !isPrivateAddress(address)
}

function keyRecord(key: DkimKey, all: readonly DkimKey[]): DnsRecord {
  const { domain, selector, state } = key
  return {
    name: keyRecordName(domain, selector),
    type: 'TXT',
    value: text(state === 'revoked' ? revokedKeyRecord : formatKeyRecord(key)),
    purpose: `DKIM (RFC 6376): ${purposeOfKey(key, all)}`,
    publish: state === 'revoked' ? 'optional' : 'yes',
  }
}

function purposeOfKey(key: DkimKey, all: readonly DkimKey[]): string {
  const { algorithm, state } = key
  switch (state) {
    case 'next':
      return all.some(other => other.algorithm === algorithm && other.state === 'active')
        ? 'NEW, publish it now beside the old one. It signs when this server has seen it in the DNS for a day.'
        : 'the key by which receivers know that mail is from this domain. Mail is signed as soon as this server sees it in the DNS.'
    case 'active':
      return 'the key with which mail of this domain is signed.'
    case 'retired':
      return `an old key. What it has signed may still be under way: keep the record until ${day(publishedUntil(key))}.`
    case 'revoked':
      return 'a key that is no longer used: remove its record, or replace it with this one, which says so.'
    default:
      return state satisfies never
  }
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}

interface Host {
  readonly name: string
  readonly addresses: readonly string[]
}

/** The server, and the other names that it gives itself. */
function hostsOf({ hostname, addresses, sources = [] }: MailDomains): Host[] {
  const named = sources.filter(({ address, heloName }) => heloName !== undefined && isPublic(address))
  const byName = Map.groupBy(named, ({ heloName = hostname }) => heloName)
  const ofOthers = new Set(named.flatMap(({ address, heloName }) => (heloName === hostname ? [] : [address])))
  byName.delete(hostname)
  return [
    { name: hostname, addresses: addresses.filter(address => !ofOthers.has(address)) },
    ...[...byName].map(([name, own]) => ({ name, addresses: own.map(({ address }) => address) })),
  ]
}

function hostRecords(input: MailDomains): DnsRecordGroup {
  const { hostname, domains, addresses, sources = [], certificateKeys = [], smartHost } = input
  const hosts = hostsOf(input)
  const isKnown = addresses.length > 0
  return {
    title: `the server ${shown(hostname)}`,
    records: [
      ...(isKnown ? [] : unknownAddresses(hostname)),
      ...hosts.flatMap(({ name, addresses: own }) =>
        own.map(
          (address): DnsRecord => ({
            name,
            type: isIPv4(address) ? 'A' : 'AAAA',
            value: address,
            purpose: 'A, AAAA: the addresses of the server.',
            publish: 'yes',
          }),
        ),
      ),
      // Two SPF records of one name are an error, and that of the domain has the server in it.
      ...hosts
        .filter(({ name }) => !domains.includes(name))
        .map(
          ({ name }): DnsRecord => ({
            name,
            type: 'TXT',
            value: text(
              ['v=spf1', 'a', ...(name === hostname ? unnamedMechanisms(input) : []), '-all'].join(' '),
            ),
            purpose:
              'SPF for the name that the server gives itself: its reports come without a sender, and then this name counts.',
            publish: 'yes',
          }),
        ),
      ...certificateKeys.map(key => tlsaRecord(hostname, key)),
      ...(smartHost === undefined
        ? hosts.flatMap(({ name, addresses: own }) => own.map(address => reverseRecord(address, name)))
        : []),
      ...(smartHost === undefined
        ? sources
            .filter(
              ({ address, heloName }) =>
                heloName === undefined && !addresses.includes(address) && isPublic(address),
            )
            .map(({ address }) => reverseRecord(address, hostname))
        : []),
    ],
    notes: [
      ...(certificateKeys.length > 0
        ? []
        : [
            `DANE: there is no certificate yet, or none that can be read here. When the server runs, "postrider domain dns" has a record for ${tlsaNameOf(hostname)} too, of use where the zone is signed (DNSSEC).`,
          ]),
      ...(isKnown || smartHost !== undefined
        ? []
        : [
            `PTR: the public address of this machine is not known here. Whoever has given it (the provider of the machine) sets its PTR record, to ${hostname}, not in this zone. Without it many servers refuse your mail. With --public-address, "postrider domain dns" writes out its name.`,
          ]),
    ],
  }
}

/** Addresses from which the server gives itself its own name, and which that name does not lead to. */
function unnamedMechanisms(input: MailDomains): string[] {
  const unnamed = (input.sources ?? []).filter(({ heloName }) => heloName === undefined)
  return sourceMechanisms({ ...input, sources: unnamed })
}

function unknownAddresses(hostname: string): DnsRecord[] {
  const purpose =
    'The public address of this machine is not known here. Write it in and remove the semicolon, or name it: --public-address.'
  return [
    { name: hostname, type: 'A', value: '192.0.2.1', purpose, publish: 'optional' },
    { name: hostname, type: 'AAAA', value: '2001:db8::1', purpose, publish: 'optional' },
  ]
}

function tlsaRecord(hostname: string, key: CertificateKey): DnsRecord {
  return {
    name: tlsaNameOf(hostname),
    type: 'TLSA',
    value: key.record,
    purpose: `DANE (RFC 7672): servers that check it send only to the key that this server shows. Of use, and without danger, only where the zone is signed (DNSSEC)${purposeOfCertificateKey(key)}`,
    publish: key.isKept ? 'yes' : 'optional',
  }
}

function purposeOfCertificateKey({ isShown, isKept }: CertificateKey): string {
  if (!isShown)
    return '. NEW: the key that comes next, publish it now beside the other. The server uses it when it sees this record, or none at all.'
  return isKept
    ? '. This server keeps the key when it renews its certificate.'
    : ', and then this record has to change before the key does: a renewal with a new key would keep mail away. Remove the semicolon if whoever renews your certificate keeps the key.'
}

function reverseRecord(address: string, hostname: string): DnsRecord {
  return {
    name: `${reverseLabels(address)}.${isIPv4(address) ? 'in-addr' : 'ip6'}.arpa`,
    type: 'PTR',
    value: `${hostname}.`,
    purpose:
      'PTR: the way back from address to name. It is set where the address comes from (the provider of the machine), not in this zone. Without it many servers refuse your mail.',
    publish: 'elsewhere',
  }
}

// RFC 1035 §3.3.14, §5.1: a character-string of at most 255 bytes; longer ones are written in pieces.
function text(value: string): string {
  const pieces: string[] = []
  for (let start = 0; start < value.length; start += 255) pieces.push(`"${value.slice(start, start + 255)}"`)
  return pieces.join(' ')
}

/** Records hold A-labels; a person reads the U-labels beside them. */
function shown(domain: string): string {
  const unicode = formatDomainForPeople(domain)
  return unicode === domain ? domain : `${unicode} (in the DNS ${domain})`
}
