// Whether a server can be made of its options: what a program in JavaScript may get wrong is said before anything is open.
import { UsageFault } from '../../runtime/fault.ts'
import { defaultLimits, type ListenerOptions, type SmtpServerOptions } from './options.ts'
import type { ListenerRole } from './services.ts'

const roles: readonly ListenerRole[] = ['relay', 'submission', 'submissions']
const mostPort = 65_535

/** Throws a UsageFault at the first that will not do. Networks are read, and judged, elsewhere. */
export function assertOptions(options: SmtpServerOptions): void {
  const { hostname, services, listeners, limits = {}, tls, transferExtensions } = options
  assertHostname(hostname)
  assertServices(services)
  assertListeners(listeners)
  assertLimits(limits)
  const secureContext: unknown = tls?.secureContext
  if (tls && typeof secureContext !== 'function')
    throw new UsageFault(
      'TLS_UNUSABLE',
      'secureContext, in tls, has to be a function that gives a SecureContext.',
    )
  const held: unknown = transferExtensions?.maxHoldSeconds
  if (transferExtensions && !isWhole(held, 0, Number.MAX_SAFE_INTEGER))
    throw new UsageFault(
      'LIMIT_RANGE',
      `transferExtensions.maxHoldSeconds is ${shown(held)}; it has to be a whole number, 0 or more.`,
    )
}

// It stands in the greeting, in EHLO's answer and in trace fields: a word of its own in each.
function assertHostname(hostname: unknown): void {
  if (typeof hostname === 'string' && /^[!-~]{1,255}$/.test(hostname)) return
  throw new UsageFault(
    'HOSTNAME_SYNTAX',
    `${shown(hostname)} is no hostname: one word in ASCII, as mail.example.org; a name in other letters in its ASCII form (xn--…).`,
  )
}

function assertServices(services: unknown): void {
  const given = typeof services === 'object' && services !== null ? services : {}
  if (typeof Reflect.get(given, 'receive') !== 'function')
    throw new UsageFault(
      'SERVICE_MISSING',
      'services.receive has to be a function: it takes the messages, or refuses them.',
    )
  for (const [name, service] of Object.entries(given) as readonly (readonly [string, unknown])[]) {
    if (service !== undefined && typeof service !== 'function')
      throw new UsageFault('SERVICE_UNUSABLE', `services.${name} has to be a function, or not to be there.`)
  }
}

function assertListeners(listeners: unknown): void {
  if (!Array.isArray(listeners))
    throw new UsageFault(
      'LISTENERS_MISSING',
      'listeners has to be an array, empty for a server that only serves sockets.',
    )
  for (const [index, listener] of listeners.entries()) assertListener(`listeners[${index}]`, listener)
}

function assertListener(where: string, { role, address, port, sockets }: ListenerOptions): void {
  if (!roles.includes(role))
    throw new UsageFault('ROLE_UNKNOWN', `${where}.role is ${shown(role)}; it has to be ${roles.join(', ')}.`)
  if (typeof address !== 'string' || address === '')
    throw new UsageFault(
      'LISTEN_ADDRESS',
      `${where}.address is ${shown(address)}; it has to be an IP address: 127.0.0.1 for this machine alone, :: for all.`,
    )
  if (sockets === undefined && !isWhole(port, 0, mostPort))
    throw new UsageFault(
      'LISTEN_PORT',
      `${where}.port is ${shown(port)}; it has to be a whole number from 0 (the system chooses) to ${mostPort}.`,
    )
}

function assertLimits(limits: object): void {
  for (const [name, limit] of Object.entries(limits) as readonly (readonly [string, unknown])[]) {
    if (!Object.hasOwn(defaultLimits, name))
      throw new UsageFault(
        'LIMIT_UNKNOWN',
        `limits.${name} is no limit. There are ${Object.keys(defaultLimits).join(', ')}.`,
      )
    if (!isWhole(limit, 1, Number.MAX_SAFE_INTEGER))
      throw new UsageFault(
        'LIMIT_RANGE',
        `limits.${name} is ${shown(limit)}; it has to be a whole number, 1 or more.`,
      )
  }
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
