// What the client's name for itself, and the name of its address, say about it. A mail server has a name of its own; programs that
// send spam from other people's machines do not know one, or take ours (RFC 5321 §4.1.4 forbids to refuse for that alone).
import { isIP } from 'node:net'
import { parseIpAddress } from '../address/networks.ts'
import { parseDomain } from '../address/parse-domain.ts'
import type { IprevEvidence } from '../mail-authentication/iprev.ts'
import type { ScoreLine } from './score.ts'

export interface ClientFacts {
  /** '192.0.2.1' */
  readonly address: string
  /** As sent. */
  readonly heloName: string | undefined
  /** Of the address; undefined: nobody has asked. */
  readonly reverse: IprevEvidence | undefined
  /** Whether a domain (canonical) is this server's name or one of its domains. */
  readonly isOurs: (domain: string) => Promise<boolean>
}

export async function linesOfClient({
  address,
  heloName = '',
  reverse,
  isOurs,
}: ClientFacts): Promise<readonly ScoreLine[]> {
  // Most servers: nobody is asked about them.
  const isProven = reverse?.result === 'pass' && reverse.name?.toLowerCase() === heloName.toLowerCase()
  const name = isProven ? undefined : await lineOfName(heloName, address, isOurs)
  return [
    ...(name ? [{ source: 'client', ...name }] : []),
    ...(reverse?.result === 'fail'
      ? [{ source: 'client', name: 'address without a name', points: 1, detail: reverse.problem }]
      : []),
  ]
}

async function lineOfName(
  heloName: string,
  address: string,
  isOurs: ClientFacts['isOurs'],
): Promise<Omit<ScoreLine, 'source'> | undefined> {
  const detail = `it calls itself ${heloName}`
  const literal = /^\[(?:IPv6:)?(.*)\]$/i.exec(heloName)?.[1]
  if (literal !== undefined)
    return isSame(literal, address) ? undefined : { name: 'address of another', points: 2, detail }
  if (isIP(heloName)) return { name: 'address for a name', points: 2, detail }
  const domain = parseDomain(heloName.replace(/\.$/, ''))
  if (domain !== undefined && (await isOurs(domain))) return { name: 'our own name', points: 4, detail }
  if (domain === undefined || !domain.includes('.'))
    return { name: 'no full name', points: 1.5, detail: `${detail}, which is no full host name` }
  return undefined
}

function isSame(one: string, other: string): boolean {
  const address = parseIpAddress(one)?.toString()
  return address !== undefined && address === parseIpAddress(other)?.toString()
}
