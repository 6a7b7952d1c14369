// A connection that is reset, as a peer does that crashes.
import type { Socket } from 'node:net'

/**
 * Node.js cannot reset a socket whose end is just being sent: it stays open for good, and the process does not exit. It is closed
 * instead.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}
