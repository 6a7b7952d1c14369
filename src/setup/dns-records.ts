// The DNS records that a domain needs for mail, as a zone file with a plain reason for each (RFC 1035 §5).
import { isIPv4 } from 'node:net'
import { formatDomainForPeople } from '../address/parse-domain.ts'

export interface MailDomains {
  /** A-labels. */
  readonly hostname: string
  readonly domains: readonly string[]
  /** The public addresses of the server, as far as they are known. */
  readonly addresses: readonly string[]
}

const ttlSeconds = 3600

export function composeDnsRecords({ hostname, domains, addresses }: MailDomains): string {
  const parts = [
    introduction,
    ...domains.map(domain => domainRecords(domain, hostname)),
    hostRecords(hostname, addresses),
  ]
  return `${parts.join('\n\n')}\n`
}

const introduction = [
  '; DNS records for the mail server, to be published where the DNS of the domain is kept.',
  '; A zone file takes them as they are; in a web form enter name, type and value of each.',
].join('\n')

function domainRecords(domain: string, hostname: string): string {
  return [
    `; ---- ${shown(domain)} ----`,
    '',
    '; MX: tells other servers which machine takes the mail of this domain.',
    record(domain, 'MX', `10 ${hostname}.`),
    '',
    '; SPF (RFC 7208): only the machines of the MX record send in the name of this domain. Add whatever else sends for',
    '; you before "-all", or its mail will be refused.',
    record(domain, 'TXT', text('v=spf1 mx -all')),
    '',
    '; DMARC (RFC 7489): receivers report who sends in the name of this domain. p=none only watches; go on to',
    '; p=quarantine and p=reject when the reports show nothing but your own servers.',
    record(`_dmarc.${domain}`, 'TXT', text(`v=DMARC1; p=none; rua=mailto:postmaster@${domain}`)),
  ].join('\n')
}

function hostRecords(hostname: string, addresses: readonly string[]): string {
  const known =
    addresses.length > 0
      ? addresses.map(address => record(hostname, isIPv4(address) ? 'A' : 'AAAA', address))
      : [
          '; The public address of this machine is not known here. Write it in and remove the semicolon:',
          `; ${record(hostname, 'A', '192.0.2.1')}`,
          `; ${record(hostname, 'AAAA', '2001:db8::1')}`,
        ]
  return [
    `; ---- the server ${shown(hostname)} ----`,
    '',
    '; A, AAAA: the addresses of the server.',
    ...known,
    '',
    '; SPF for the name that the server gives itself: its reports come without a sender, and then this name counts.',
    record(hostname, 'TXT', text('v=spf1 a -all')),
    '',
    '; PTR: the way back from address to name. It is set where the address comes from (the provider of the machine), not',
    '; in this zone. Without it many servers refuse your mail.',
    ...(addresses.length > 0
      ? addresses.map(address => `;   ${address} -> ${hostname}`)
      : [`;   the address of the server -> ${hostname}`]),
  ].join('\n')
}

function record(name: string, type: string, value: string): string {
  return `${name}. ${ttlSeconds} IN ${type} ${value}`
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
