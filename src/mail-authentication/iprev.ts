// Does the name of the client's address lead back to the address (RFC 8601 §3, "FCrDNS")?
import { isIPv4 } from 'node:net'
import { parseIpAddress, plainAddress } from '../address/networks.ts'
import { reverseName } from '../dns/reverse-name.ts'
import type { AuthenticationDns } from './bounded-dns.ts'
import { remember } from './remember.ts'

export interface IprevEvidence {
  readonly result: 'pass' | 'fail' | 'temperror' | 'permerror'
  /** The one that leads back; else the first that the address has. */
  readonly name?: string | undefined
  readonly problem?: string | undefined
}

/** An address with more names than this is not a mail server's. */
const maxNames = 10

export async function checkReverse(dns: AuthenticationDns, clientAddress: string): Promise<IprevEvidence> {
  const client = plainAddress(clientAddress)
  const asked = nameOf(client)
  if (asked === undefined) return { result: 'permerror', problem: 'the client has no IP address' }
  const answer = await dns.ptr(asked)
  if (answer.kind === 'temporary-failure') return { result: 'temperror', problem: answer.detail }
  if (answer.kind !== 'found') return { result: 'fail', problem: 'the address has no name (PTR)' }
  const names = answer.records.slice(0, maxNames)
  let failure: string | undefined
  for (const name of names) {
    const addresses = isIPv4(client) ? await dns.a(name) : await dns.aaaa(name)
    if (addresses.kind === 'temporary-failure') failure = addresses.detail
    if (addresses.kind === 'found' && addresses.records.some(address => isSame(address, client)))
      return { result: 'pass', name }
  }
  const [name] = names
  return failure === undefined
    ? { result: 'fail', name, problem: `the name ${name} does not lead back to the address` }
    : { result: 'temperror', name, problem: failure }
}

/** A server sends more than one message. */
const nameOf = remember(reverseName)

function isSame(one: string, other: string): boolean {
  return one === other || parseIpAddress(one)?.toString() === parseIpAddress(other)?.toString()
}
