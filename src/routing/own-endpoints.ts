// Which hosts and addresses are this server itself, so that mail is never relayed to its own port (RFC 5321 §5.1).
import { networkInterfaces } from 'node:os'
import { isLoopback, parseIpAddress, unmapped } from '../address/networks.ts'

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
      const reached = reachedAddress(address)
      for (const listener of listeners) {
        if (listener.port !== port) continue
        if (canonical(listener.address) === reached) return true
        // Asked each time, and not kept: a laptop's addresses come and go.
        if (
          isWildcard(listener.address, reached) &&
          (isLoopback(reached) || machineAddresses().includes(reached))
        )
          return true
      }
      return false
    },
  }
}

function isWildcard(listener: string, address: string): boolean {
  return listener === '::' || (listener === '0.0.0.0' && !address.includes(':'))
}

function withoutRootDot(host: string): string {
  return host.endsWith('.') ? host.slice(0, -1) : host
}

/** Who connects to the unspecified address reaches this machine, by its loopback address. */
function reachedAddress(address: string): string {
  const plain = canonical(address)
  if (plain === '0.0.0.0') return '127.0.0.1'
  return plain === '::' ? '::1' : plain
}

/** An IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2), however it is written, reaches the same listener as the IPv4 address in it. */
function canonical(address: string): string {
  const parsed = parseIpAddress(address)
  return parsed ? unmapped(parsed).toString() : address.toLowerCase()
}

function systemAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap(addresses =>
    (addresses ?? []).map(({ address }) => address),
  )
}
