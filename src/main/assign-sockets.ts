// Which listener, and which front, each socket that systemd opened belongs to.
//
// A front is a thread, and a socket can be used by one only: whichever closed it would close it for all. So a port has as
// many sockets as fronts share it (ReusePort=yes and its ListenStream= repeated in postrider.socket), or one front has it
// alone.
import { formatEndpoint } from '../address/format-endpoint.ts'
import { parseIpAddress } from '../address/networks.ts'
import type { Settings } from '../config/settings.ts'
import { UsageFault } from '../runtime/fault.ts'
import type { ActivatedSocket } from '../systemd/activated-sockets.ts'

/** File descriptors for each listener of the settings; undefined: it opens a socket itself. */
export type AssignedSockets = readonly (readonly number[] | undefined)[]

export function assignSockets(
  listeners: Settings['listeners'],
  sockets: readonly ActivatedSocket[],
): AssignedSockets {
  const placeOf = ({ address, port }: Omit<ActivatedSocket, 'fd'>): string =>
    formatEndpoint(parseIpAddress(address)?.toString() ?? address, port)
  const places = listeners.map(placeOf)
  const strange = sockets.find(socket => !places.includes(placeOf(socket)))
  if (strange) {
    throw new UsageFault(
      'ACTIVATED_SOCKET_UNKNOWN',
      `systemd hands over a socket on ${placeOf(strange)}, and no listener of the settings has this address and port (they have ${places.join(', ')}).\n` +
        '  Write the same address and port in [[listeners]] of the settings file and after ListenStream= in postrider.socket.\n' +
        '  ListenStream=25 is every address: "::" in the settings.',
    )
  }
  return places.map(place => {
    const fds = sockets.filter(socket => placeOf(socket) === place).map(({ fd }) => fd)
    return fds.length === 0 ? undefined : fds
  })
}

/** No more of them than there are sockets to share out, if every listener has some. */
export function countFronts(wanted: number, assigned: AssignedSockets): number {
  const counts = assigned.map(fds => fds?.length ?? wanted)
  return Math.min(wanted, Math.max(...counts))
}

/** Those that one of the fronts takes; none of a listener that others have. */
export function socketsOfFront(
  fds: readonly number[] | undefined,
  front: number,
  fronts: number,
): readonly number[] | undefined {
  return fds?.filter((_, index) => index % fronts === front)
}
