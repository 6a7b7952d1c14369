// Which hosts and addresses are this server itself, so that mail is never relayed to its own port (RFC 5321 §5.1).
import { networkInterfaces } from 'node:os'

/** An address and port on which this server listens. */
export interface Endpoint {
  readonly address: string
  readonly port: number
}

export interface OwnEndpoints {
  isOwnName(host: string): boolean
  isOwnAddress(address: string, port: number): boolean
}

export interface OwnEndpointsOptions {
  readonly hostname: string
  readonly listeners: readonly Endpoint[]
  /** The addresses of this machine, for listeners on '0.0.0.0' and '::'. Default: what the system says. */
  readonly machineAddresses?: () => readonly string[]
}

export function createOwnEndpoints(options: OwnEndpointsOptions): OwnEndpoints {
  const ownName = options.hostname.toLowerCase()
  const { listeners, machineAddresses = systemAddresses } = options
  return {
    isOwnName: host => withoutRootDot(host).toLowerCase() === ownName,
    isOwnAddress(address, port) {
      const plain = plainAddress(address)
      for (const listener of listeners) {
        if (listener.port !== port) continue
        if (plainAddress(listener.address) === plain) return true
        // Asked each time, and not kept: a laptop's addresses come and go.
        if (isWildcard(listener.address, plain) && (isLoopback(plain) || machineAddresses().includes(plain)))
          return true
      }
      return false
    },
  }
}

function isWildcard(listener: string, address: string): boolean {
  return listener === '::' || (listener === '0.0.0.0' && !address.includes(':'))
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}

function withoutRootDot(host: string): string {
  return host.endsWith('.') ? host.slice(0, -1) : host
}

const mappedPrefix = '::ffff:'

/** An IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) reaches the same listener as the IPv4 address in it. */
function plainAddress(address: string): string {
  const lower = address.toLowerCase()
  return lower.startsWith(mappedPrefix) && lower.includes('.') ? lower.slice(mappedPrefix.length) : lower
}

function systemAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap(addresses =>
    (addresses ?? []).map(({ address }) => address),
  )
}
