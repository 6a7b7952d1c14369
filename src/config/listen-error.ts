// Why a listener could not be opened, as one clear message with what to do.

import { formatEndpoint } from '../address/format-endpoint.ts'
import { UsageFault } from '../runtime/fault.ts'

export interface ListenAddress {
  readonly address: string
  readonly port: number
}

/**
 * `cause` is what `listen` failed with, or a fault that has it as its cause. `listener` is what was asked for, where the
 * error itself does not say; `table` of the settings file asked for it.
 */
export function describeListenError(
  cause: unknown,
  listener?: ListenAddress,
  table = '[[listeners]]',
): UsageFault {
  const error = systemError(cause)
  // A listener refused for another reason has its own message.
  if (!error && cause instanceof UsageFault) return cause
  const address = error?.address ?? listener?.address ?? 'unknown address'
  const port = error?.port ?? listener?.port ?? 0
  const where = formatPlace({ address, port })
  switch (error?.code) {
    case 'EADDRINUSE':
      return describePortsInUse([{ address, port }], cause, portsIn(table))
    case 'EACCES':
      return describeForbidden([{ address, port }], cause, table)
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return new UsageFault(
        'LISTEN_NO_SUCH_ADDRESS',
        address.includes(':')
          ? `This machine has no address ${address}, or IPv6 is turned off here.\n` +
              '  Which it has:  ip addr\n' +
              `  Write one of them in ${table} of the settings file, or "0.0.0.0" for every IPv4 address.`
          : `This machine has no address ${address}.\n` +
              '  Which it has:  ip addr\n' +
              `  Write one of them in ${table} of the settings file, or "::" for all of them.`,
        { cause },
      )
    case 'EMFILE':
    case 'ENFILE':
      return new UsageFault(
        'LISTEN_NO_DESCRIPTORS',
        `${where} cannot be opened, because there are no file descriptors left. Raise the limit ("ulimit -n", or LimitNOFILE= in the systemd unit).`,
        { cause },
      )
    default:
      return new UsageFault(
        'LISTEN_FAILED',
        `${where} cannot be opened: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      )
  }
}

/** How a server with a settings file gets another port. */
export const portsInSettings = portsIn('[[listeners]]')

export function portsIn(table: string): string {
  return `write another port in ${table} of the settings file.`
}

/** Of all listeners that another program has: mostly it is one program. */
export function describePortsInUse(
  listeners: readonly ListenAddress[],
  cause: unknown,
  howToMove = portsInSettings,
): UsageFault {
  const ports = [...new Set(listeners.map(({ port }) => `sport = :${port}`))].join(' or ')
  return new UsageFault(
    'LISTEN_PORT_IN_USE',
    `Another program listens on ${listeners.map(formatPlace).join(', ')} already.\n` +
      `  Who it is:  ss -ltnp '${ports}'   (as root, to see programs of other users)\n` +
      `  Stop that program, or ${howToMove}`,
    { cause },
  )
}

/** Of all listeners that the system keeps for root: what helps one helps all. */
export function describeForbidden(
  listeners: readonly ListenAddress[],
  cause: unknown,
  table = '[[listeners]]',
): UsageFault {
  const lowest = Math.min(1024, ...listeners.map(({ port }) => port))
  return new UsageFault(
    'LISTEN_PORT_FORBIDDEN',
    `This user may not listen on ${listeners.map(formatPlace).join(', ')}: the system keeps low ports for root. One of these helps:\n` +
      '  systemd:       postrider.socket, or AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit (docs/operations.md)\n' +
      `  whole machine: sysctl net.ipv4.ip_unprivileged_port_start=${lowest}   (and a file in /etc/sysctl.d to keep it)\n` +
      `  this Node.js:  setcap cap_net_bind_service=+ep ${process.execPath}   (then every program that it runs may)\n` +
      `  or write a port above 1023 in ${table} of the settings file.`,
    { cause },
  )
}

/** What several listeners have in common counts as one problem. */
export function kindOfListenError(cause: unknown): 'in-use' | 'forbidden' | 'other' {
  switch (systemError(cause)?.code) {
    case 'EADDRINUSE':
      return 'in-use'
    case 'EACCES':
      return 'forbidden'
    default:
      return 'other'
  }
}

function formatPlace({ address, port }: ListenAddress): string {
  return formatEndpoint(address, port)
}

interface ListenFailure {
  readonly code: string
  readonly address?: string | undefined
  readonly port?: number | undefined
}

function systemError(cause: unknown): ListenFailure | undefined {
  let error = cause
  for (let depth = 0; depth < 5 && error instanceof Error; depth++) {
    const { code, syscall, address, port } = error as Partial<ListenFailure> & { readonly syscall?: string }
    if (code !== undefined && syscall !== undefined) return { code, address, port }
    error = error.cause
  }
  return undefined
}
