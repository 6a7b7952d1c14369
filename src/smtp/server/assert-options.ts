// Whether a server can be made of its options: what a program in JavaScript may get wrong is said before anything is open.
import { isIP } from 'node:net'
import { parseNetwork } from '../../address/networks.ts'
import type { ConnectionCounts } from '../../connection/connection-counts.ts'
import type { ServerTls } from '../../connection/tls-facts.ts'
import { UsageFault } from '../../runtime/fault.ts'
import type { Log } from '../../runtime/log.ts'
import type { Random } from '../../runtime/random.ts'
import { passwordMechanisms } from '../../sasl/mechanisms.ts'
import {
  assertSound,
  callable,
  clock,
  hostname,
  isCallable,
  isText,
  listOf,
  mustBe,
  type OptionCheck,
  oneOf,
  optional,
  part,
  record,
  text,
  trueOrFalse,
  wholeNumber,
} from '../option-checks.ts'
import {
  defaultLimits,
  type ListenerOptions,
  type PortOptions,
  type SmtpServerOptions,
  type TransferExtensions,
  type UnixSocketOptions,
} from './options.ts'
import type { ListenerRole, SessionServices } from './services.ts'

/** Throws a UsageFault at the first that will not do. */
export function assertOptions(options: SmtpServerOptions): void {
  assertSound(options, serverOptions)
  const withoutTls = options.tls ? -1 : options.listeners.findIndex(({ role }) => role === 'submissions')
  if (withoutTls >= 0)
    throw new UsageFault(
      'TLS_MISSING',
      `listeners[${withoutTls}] is for submissions, which start with TLS: it needs a certificate, so give tls too.`,
    )
  for (const [index, one] of options.listeners.entries()) assertGuarded(one, `listeners[${index}]`)
}

/** LMTP knows no log-in: who may talk it is said beforehand. RFC 2033 §5: never on the port of SMTP. */
function assertGuarded(options: ListenerOptions, name: string): void {
  if (options.role !== 'lmtp' || 'path' in options) return
  if (options.port === 25)
    throw new UsageFault(
      'LISTEN_PORT',
      `${name} is for lmtp, which must not be on port 25. Take another one, such as 24.`,
    )
  if (!options.clients || options.clients.length === 0)
    throw new UsageFault(
      'CLIENTS_MISSING',
      `${name} is for lmtp, which asks nobody for a password: say in clients from which networks mail is taken, or give a path.`,
    )
}

const roles: readonly ListenerRole[] = ['relay', 'submission', 'submissions', 'lmtp']

const network = mustBe(
  'a network: 192.0.2.0/24, 2001:db8::/32 or one address',
  value => isText(value) && parseNetwork(value) !== undefined,
  'NETWORK_SYNTAX',
)
const networks = optional(listOf(network, { expected: 'an array of networks', code: 'NETWORK_SYNTAX' }))

const port = record<PortOptions>({
  role: oneOf(roles, 'ROLE_UNKNOWN'),
  address: mustBe(
    'an IP address: 127.0.0.1 for this machine alone, :: for all',
    value => isText(value) && isIP(value) !== 0,
    'LISTEN_ADDRESS',
  ),
  port: wholeNumber(0, 65_535, {
    expected: 'a whole number from 0 (the system chooses) to 65535',
    code: 'LISTEN_PORT',
  }),
  clients: networks,
  proxyFrom: networks,
  reusePort: optional(trueOrFalse),
  sockets: optional(listOf(wholeNumber(0, Number.MAX_SAFE_INTEGER, { expected: 'a file descriptor' }))),
})

const unixSocket = record<UnixSocketOptions>({
  role: oneOf(['lmtp'], 'ROLE_UNKNOWN'),
  path: mustBe('an absolute path', value => isText(value) && value.startsWith('/'), 'LISTEN_ADDRESS'),
})

const listener: OptionCheck = value =>
  typeof value === 'object' && value !== null && 'path' in value ? unixSocket(value) : port(value)

const service = optional(mustBe('a function, or not there', isCallable, 'SERVICE_UNUSABLE'))

const services = record<SessionServices>(
  {
    receive: mustBe('a function: it takes the messages, or refuses them', isCallable, 'SERVICE_MISSING'),
    connect: service,
    hello: service,
    acceptReversePath: service,
    acceptForwardPath: service,
    authenticate: service,
    openScram: service,
    verifyToken: service,
    verifyCertificate: service,
    watchLogIn: service,
    verify: service,
    expand: service,
    startQueue: service,
    turnAround: service,
    openUrl: service,
    refused: service,
    cutOff: service,
    turnedAway: service,
    disconnected: service,
  },
  {
    expected: 'an object of functions, services.receive among them',
    code: 'SERVICE_MISSING',
    unknownCode: 'SERVICE_UNKNOWN',
  },
)

const limit = optional(
  wholeNumber(1, Number.MAX_SAFE_INTEGER, { expected: 'a whole number, 1 or more', code: 'LIMIT_RANGE' }),
)

const serverOptions = record<SmtpServerOptions>({
  hostname,
  greeting: optional(text),
  listeners: listOf(listener, {
    expected: 'an array, empty for a server that only serves sockets',
    code: 'LISTENERS_MISSING',
  }),
  services,
  limits: optional(
    record(Object.fromEntries(Object.keys(defaultLimits).map(name => [name, limit])), {
      unknownCode: 'LIMIT_UNKNOWN',
    }),
  ),
  tls: optional(
    record<ServerTls>(
      {
        secureContext: mustBe('a function that gives a SecureContext', isCallable, 'TLS_UNUSABLE'),
        asksForClientCertificate: optional(trueOrFalse),
      },
      { expected: 'an object with the function secureContext', code: 'TLS_UNUSABLE' },
    ),
  ),
  allowPlaintextAuthOnLoopback: optional(trueOrFalse),
  authMechanisms: optional(
    listOf(oneOf(passwordMechanisms, 'MECHANISM_UNKNOWN'), { expected: 'an array of mechanisms' }),
  ),
  localNetworks: networks,
  verifyForEveryone: optional(trueOrFalse),
  offersRequireTls: optional(trueOrFalse),
  allowMissingAngleBrackets: optional(trueOrFalse),
  transferExtensions: optional(
    record<TransferExtensions>({
      maxPriority: optional(
        wholeNumber(0, 9, { expected: 'a whole number from 0 to 9', code: 'LIMIT_RANGE' }),
      ),
      deliverBy: trueOrFalse,
      maxHoldSeconds: wholeNumber(0, Number.MAX_SAFE_INTEGER, {
        expected: 'a whole number, 0 or more',
        code: 'LIMIT_RANGE',
      }),
    }),
  ),
  connectionCounts: optional(part<ConnectionCounts>({ add: callable, remove: callable })),
  clock: optional(clock),
  random: optional(part<Random>({ bytes: callable, fraction: callable })),
  log: optional(
    part<Log>({
      isDebugEnabled: trueOrFalse,
      debug: callable,
      info: callable,
      warn: callable,
      error: callable,
    }),
  ),
})
