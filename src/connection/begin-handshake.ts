// A TLS handshake on a socket that was plain until now.
import type { Socket } from 'node:net'
import { disown } from './owned-socket.ts'

export interface Handshake {
  readonly kind: 'handshake'
  readonly plain: Socket
  /** What had come on the plain socket until then. */
  readonly bytesBefore: number
}

/** Gives the plain socket up to TLS. `pending`: what came along with a PROXY header is the start of the handshake. */
export function beginHandshake(plain: Socket, pending: Buffer | undefined): Handshake {
  disown(plain)
  const bytesBefore = plain.bytesRead - (pending?.length ?? 0)
  if (pending) {
    plain.pause()
    plain.unshift(pending)
  }
  return { kind: 'handshake', plain, bytesBefore }
}

/** Who only looks whether the port is open is no news: balancers do it every few seconds. */
export function hasSpoken({ plain, bytesBefore }: Handshake): boolean {
  return plain.bytesRead > bytesBefore
}
