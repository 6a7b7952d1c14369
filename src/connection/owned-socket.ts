// The events of a socket go to the connection that owns it.
//
// Ten thousand connections may idle at once, so an idle one has no closure: the handlers are functions of this module, which
// find the owner on the socket.
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

export interface SocketOwner {
  take(bytes: Buffer): void
  /** The peer has sent everything it will send. */
  ended(): void
  /** The TLS handshake is done. */
  secured(secure: TLSSocket): void
  /** The socket is broken. */
  failed(cause: Error): void
  /** The socket is closed: the last event. */
  gone(): void
  /** One of the others threw. */
  fail(cause: unknown): void
}

const owner: unique symbol = Symbol('owner')
type OwnedSocket = Socket & { [owner]?: SocketOwner }

export function own(socket: Socket, by: SocketOwner): void {
  const owned: OwnedSocket = socket
  owned[owner] = by
  socket.on('data', onData)
  socket.on('error', onError)
  socket.on('close', onClose)
  socket.on('end', onEnd)
}

/** A TLS socket stands on this one from now on, and reports its errors. */
export function disown(socket: Socket): void {
  socket.off('data', onData)
  socket.off('error', onError)
  socket.off('close', onClose)
  socket.off('end', onEnd)
  socket.on('error', ignoreError)
}

export function tellWhenSecured(secure: TLSSocket): void {
  secure.once('secure', onSecure)
}

/** No error of ours gets past the connection that it happened in: it would end the thread, and every session in it. */
export function guard(by: Pick<SocketOwner, 'fail'>, run: () => void): void {
  try {
    run()
  } catch (cause) {
    by.fail(cause)
  }
}

function onData(this: OwnedSocket, bytes: Buffer): void {
  const by = this[owner]
  if (by) guard(by, () => by.take(bytes))
}

function onEnd(this: OwnedSocket): void {
  const by = this[owner]
  if (by) guard(by, () => by.ended())
}

function onSecure(this: TLSSocket & OwnedSocket): void {
  const by = this[owner]
  if (by) guard(by, () => by.secured(this))
}

function onError(this: OwnedSocket, cause: Error): void {
  this[owner]?.failed(cause)
}

function onClose(this: OwnedSocket): void {
  this[owner]?.gone()
}

function ignoreError(): void {
  // The TLS socket on top of it reports it.
}
