// Who is at the other end of a connection: what the socket says, or a load balancer before it.
import type { Socket } from 'node:net'
import { plainAddress } from '../address/networks.ts'
import { addressAt, type Door } from './door.ts'
import { parseProxyHeader } from './proxy-protocol.ts'

export class Peer {
  address: string
  port: number
  /** PROXY UNKNOWN, or LOCAL: the balancer looks whether we live, or does not know its client. */
  isUnknown = false

  constructor(door: Door, socket: Socket) {
    this.address = addressAt(door, socket)
    this.port = socket.remotePort ?? 0
  }

  /** How long the header is, with which a balancer begins. */
  readProxyHeader(bytes: Buffer): number | 'incomplete' | 'malformed' {
    const header = parseProxyHeader(bytes)
    if (header.kind !== 'header') return header.kind
    this.isUnknown = !header.peer
    if (header.peer) {
      this.address = plainAddress(header.peer.address)
      this.port = header.peer.port
    }
    return header.length
  }
}
