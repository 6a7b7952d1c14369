// What a connection has come in by: a port, or a UNIX socket.
import type { Socket } from 'node:net'
import { isInNetworks, type Network, plainAddress } from '../address/networks.ts'

export interface Door<Role extends string = string> {
  readonly role: Role
  /** Of a UNIX socket. */
  readonly path?: string | undefined
  /** Nobody else may come in; undefined: whoever likes. */
  readonly clients?: readonly Network[] | undefined
}

const unixPrefix = 'unix:'

/** What stands for the address of a peer. */
export function addressAt({ path }: Door, socket: Socket): string {
  return path === undefined ? plainAddress(socket.remoteAddress ?? '') : unixPrefix + path
}

export function isAtUnixSocket(remoteAddress: string): boolean {
  return remoteAddress.startsWith(unixPrefix)
}

export function mayEnter({ clients }: Door, remoteAddress: string): boolean {
  return clients === undefined || isInNetworks(remoteAddress, clients)
}

/** Whoever comes in here is known by its address, or by a file that it may open. */
export function isForNamedClients({ clients, path }: Door): boolean {
  return clients !== undefined || path !== undefined
}
