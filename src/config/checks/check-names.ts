// Do the names lead here and back, as other servers look them up before they take our mail?
import { Resolver } from 'node:dns/promises'
import { networkInterfaces } from 'node:os'
import type { Settings } from '../settings.ts'
import { type Finding, ok } from './finding.ts'

const subject = 'names'

/** What is looked up; rejects with an error whose `code` is 'ENOTFOUND' or 'ENODATA' where there is no such record. */
export interface NameLookup {
  resolve4(name: string): Promise<string[]>
  resolve6(name: string): Promise<string[]>
  resolveMx(name: string): Promise<{ exchange: string; priority: number }[]>
  reverse(address: string): Promise<string[]>
}

export function createNameLookup({ delivery }: Settings): NameLookup {
  const resolver = new Resolver({ timeout: 3000, tries: 2 })
  if (delivery.dnsServers.length > 0) resolver.setServers([...delivery.dnsServers])
  return resolver
}

/** RFC 2606, RFC 6761, RFC 6762: names that nobody on the internet can look up. */
const reservedDomains = ['test', 'example', 'invalid', 'localhost', 'local', 'internal', 'lan', 'home.arpa']

/** `domains`: those of the directory, if they are known. */
export async function checkNames(
  settings: Settings,
  lookup: NameLookup,
  domains: readonly string[],
): Promise<Finding[]> {
  const { hostname } = settings
  if (reservedDomains.some(reserved => hostname.endsWith(`.${reserved}`))) {
    return [
      {
        severity: 'warning',
        subject,
        what: `${hostname} is a name that exists on this machine or network only.`,
        cost: 'Other servers cannot send here, and most refuse mail from here.',
        remedy: 'For mail with the outside, give the server a name in a domain of your own.',
      },
    ]
  }
  const addresses = await addressesOf(hostname, lookup)
  const findings = await checkHostname(settings, addresses, lookup)
  for (const domain of domains) findings.push(...(await checkMx(domain, hostname, addresses, lookup)))
  return findings.length > 0 ? findings : [ok(subject, `${hostname} leads here and back`)]
}

async function addressesOf(name: string, lookup: NameLookup): Promise<string[] | 'no answer'> {
  const [ipv4, ipv6] = await Promise.all([answerOf(lookup.resolve4(name)), answerOf(lookup.resolve6(name))])
  return ipv4 === 'no answer' || ipv6 === 'no answer' ? 'no answer' : [...ipv4, ...ipv6]
}

async function checkHostname(
  { hostname, delivery }: Settings,
  addresses: readonly string[] | 'no answer',
  lookup: NameLookup,
): Promise<Finding[]> {
  if (addresses === 'no answer') {
    return [
      {
        severity: 'warning',
        subject,
        what: `${hostname} could not be looked up: the DNS servers do not answer.`,
        cost: 'Without DNS no mail leaves for other domains.',
        remedy: 'See /etc/resolv.conf, or name servers in delivery.dnsServers.',
      },
    ]
  }
  if (addresses.length === 0) {
    return [
      {
        severity: 'warning',
        subject,
        what: `${hostname} has no A or AAAA record.`,
        cost: 'Other servers do not find this one, and most refuse its mail.',
        remedy: 'Publish the records that "postrider init" wrote to dns-records.zone, or correct hostname.',
      },
    ]
  }
  const findings = checkWhere(hostname, addresses)
  // What leaves through a smart host is judged by the names of that.
  if (delivery.smartHost) return findings
  for (const address of addresses) findings.push(...(await checkReverse(hostname, address, lookup)))
  return findings
}

function checkWhere(hostname: string, addresses: readonly string[]): Finding[] {
  const own = new Set(
    Object.values(networkInterfaces()).flatMap(entries => (entries ?? []).map(({ address }) => address)),
  )
  if (addresses.some(address => own.has(address))) return []
  return [
    {
      severity: 'warning',
      subject,
      what: `${hostname} leads to ${addresses.join(', ')}, and this machine has none of these addresses.`,
      cost: 'If no router or load balancer there passes the ports on to this machine, no mail arrives.',
      remedy: 'Correct the A and AAAA records, or see that the ports of this server are passed on.',
    },
  ]
}

async function checkReverse(hostname: string, address: string, lookup: NameLookup): Promise<Finding[]> {
  const names = await answerOf(lookup.reverse(address))
  if (names === 'no answer' || names.some(name => name.toLowerCase() === hostname)) return []
  return [
    {
      severity: 'warning',
      subject,
      what: `the PTR record of ${address} is ${names.length > 0 ? names.join(', ') : 'missing'}, not ${hostname}.`,
      cost: 'Many servers refuse mail from an address that does not lead back to its name.',
      remedy: `Have the provider of ${address} set its PTR record to ${hostname}.`,
    },
  ]
}

async function checkMx(
  domain: string,
  hostname: string,
  ownAddresses: readonly string[] | 'no answer',
  lookup: NameLookup,
): Promise<Finding[]> {
  if (reservedDomains.some(reserved => domain.endsWith(`.${reserved}`))) return []
  const records = await answerOf(lookup.resolveMx(domain))
  if (records === 'no answer') return []
  const exchanges = records.map(({ exchange }) => exchange.toLowerCase())
  if (exchanges.includes(hostname)) return []
  // Another name of this server will do.
  for (const exchange of exchanges) {
    const addresses = exchange === '' ? [] : await addressesOf(exchange, lookup)
    if (addresses === 'no answer' || addresses.some(address => ownAddresses.includes(address))) return []
  }
  return [
    {
      severity: 'warning',
      subject,
      ...describeMx(domain, hostname, exchanges),
      remedy: `Publish: ${domain}. IN MX 10 ${hostname}.`,
    },
  ]
}

function describeMx(
  domain: string,
  hostname: string,
  exchanges: readonly string[],
): Pick<Finding, 'what' | 'cost'> {
  if (exchanges.length === 0) {
    // RFC 5321 §5.1: without an MX record the domain itself is asked for an address.
    return {
      what: `${domain} has no MX record.`,
      cost: `Mail for @${domain} goes to whatever has the address of ${domain} itself, or nowhere.`,
    }
  }
  // RFC 7505.
  if (exchanges.every(exchange => exchange === ''))
    return {
      what: `${domain} says in the DNS that it takes no mail (null MX).`,
      cost: `Other servers send nothing to @${domain}.`,
    }
  return {
    what: `the MX records of ${domain} lead to ${exchanges.join(', ')}; none leads to this server, ${hostname}.`,
    cost: `Mail for @${domain} arrives there, and here only if it is passed on.`,
  }
}

/** No such record is an answer, an empty one; silence and failure are none. */
async function answerOf<Item>(question: Promise<Item[]>): Promise<Item[] | 'no answer'> {
  try {
    return await question
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    return code === 'ENOTFOUND' || code === 'ENODATA' ? [] : 'no answer'
  }
}
