// What this server is meant to be, as far as its settings and its data say: what the world is held against.

import type { Address } from '../address/address.ts'
import { parseIpAddress } from '../address/networks.ts'
import type { ListenerSettings, SmartHostSettings } from '../config/settings.ts'
import type { DkimKey } from '../signing/dkim-key.ts'
import type { OwnStsPolicy } from '../tls-policy/own-policy.ts'

export interface OwnServer {
  /** Canonical. */
  readonly hostname: string
  readonly domains: readonly OwnDomain[]
  /**
   * By which others reach it: those that somebody has named, else the public ones of this machine. Empty: not known, as behind
   * a router.
   */
  readonly addresses: readonly string[]
  /** From which mail leaves for others; empty: not known, or none does, since it leaves through a smart host. */
  readonly sending: readonly SendingAddress[]
  /** Kinds of addresses in which mail leaves from a private one, as behind a router: what others see, nobody here knows. */
  readonly behindRouter: readonly AddressKind[]
  /** Addresses of this machine from which the settings have mail leave (delivery.sourcePools). */
  readonly sources: readonly SendingAddress[]
  /** Those that others are to reach, with the ports that they have. */
  readonly listeners: readonly Pick<ListenerSettings, 'role' | 'port'>[]
  readonly localNetworks: readonly string[]
  readonly smartHost: Pick<SmartHostSettings, 'host' | 'port'> | undefined
  /** Where mail hosts listen: 25 everywhere but in tests. */
  readonly mailPort: number
  readonly ipv6: boolean
  /** 'elsewhere': the ports of this installation are another machine's. */
  readonly state: 'running' | 'stopped' | 'elsewhere'
  /** What its domains are to have ([mtaSts] in the settings), and what it serves. */
  readonly stsPolicy: OwnStsPolicy | undefined
  /** Mail programs are told how to reach it ([autoconfig] in the settings). */
  readonly autoconfig: 'on' | 'off'
  /** Mail from its domains is signed. */
  readonly signs: boolean
  /** Whether its mail finds somebody here; undefined: the domain is another server's. */
  readonly takesMailFor: (address: Address) => Promise<boolean | undefined>
}

export type AddressKind = 'ipv4' | 'ipv6'

export function kindOf(address: string): AddressKind {
  return address.includes(':') ? 'ipv6' : 'ipv4'
}

/** Others reach this machine at no address of that kind that it knows of. */
export function isUnknownKind({ addresses }: Pick<OwnServer, 'addresses'>, address: string): boolean {
  return !addresses.some(one => kindOf(one) === kindOf(address))
}

export interface OwnDomain {
  readonly name: string
  readonly keys: readonly DkimKey[]
  /** Another server keeps its mail, and this one fetches it. */
  readonly isFetched: boolean
}

export interface SendingAddress {
  readonly address: string
  /** What this server calls itself there. */
  readonly helloName: string
}

/** Every name that this server gives itself. */
export function ownNames({ hostname, sending }: Pick<OwnServer, 'hostname' | 'sending'>): readonly string[] {
  return [...new Set([hostname, ...sending.map(({ helloName }) => helloName)])]
}

export function isSameAddress(one: string, other: string): boolean {
  return canonicalAddress(one) === canonicalAddress(other)
}

function canonicalAddress(text: string): string {
  return parseIpAddress(text)?.toString() ?? text
}
