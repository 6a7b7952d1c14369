// What a program hands to the client: said to be wrong before a socket is open, or a line of the message is out.
import { isIP, Socket } from 'node:net'
import type { Address } from '../../address/address.ts'
import { UsageFault } from '../../runtime/fault.ts'
import {
  assertSound,
  callable,
  clock,
  filledText,
  hostname,
  isText,
  listOf,
  mustBe,
  type OptionCheck,
  oneOf,
  optional,
  part,
  record,
  secretText,
  text,
  trueOrFalse,
  wholeNumber,
} from '../option-checks.ts'
import type { BodyType, DeliverByMode, DeliverByRequest, NotifyCondition } from '../parameters.ts'
import type {
  ClientProtocol,
  ClientTls,
  OutgoingMailData,
  OutgoingRecipient,
  OutgoingTransaction,
  ProbedTransaction,
  SmtpClientOptions,
  SmtpOverOptions,
} from './contract.ts'

/** Throws a UsageFault at the first that will not do. */
export function assertClientOptions(options: SmtpClientOptions): void {
  assertSound(options, clientOptions)
  if ((options.port === undefined) === (options.path === undefined))
    throw new UsageFault(
      'OPTION_VALUE',
      'port or path has to be given: a port to connect to, or the path of a UNIX socket.',
    )
}

/** Throws a UsageFault at the first that will not do. */
export function assertOverOptions(socket: Socket, options: SmtpOverOptions): void {
  assertSound(socket, connectedSocket, 'socket')
  assertSound(options, overOptions)
}

/** Throws a UsageFault when these are no domains. */
export function assertDomains(domains: readonly string[]): void {
  assertSound(domains, listOf(filledText), 'domains')
}

/** Throws a UsageFault at the first that will not do. */
export function assertTransaction(transaction: OutgoingTransaction): void {
  assertSound(transaction, outgoingTransaction, 'transaction')
}

/** Throws a UsageFault at the first that will not do. */
export function assertProbedTransaction(transaction: ProbedTransaction): void {
  assertSound(transaction, probedTransaction, 'transaction')
}

const protocols: readonly ClientProtocol[] = ['smtp', 'lmtp']

const tlsModes: readonly ClientTls[] = ['implicit', 'starttls', 'opportunistic', 'never']

const ipAddress = mustBe('an IP address', value => isText(value) && isIP(value) !== 0)

// The longest that a timer of Node.js can wait: with more it would not wait at all.
const longestMs = 2 ** 31 - 1
const timeout = mustBe(
  `a number of milliseconds, more than 0 and at most ${longestMs}`,
  value => typeof value === 'number' && value > 0 && value <= longestMs,
)

const overChecks = {
  host: filledText,
  helloName: hostname,
  commandTimeoutMs: optional(timeout),
  clock: optional(clock),
  onDialogue: optional(callable),
}
const overOptions = record<SmtpOverOptions>(overChecks)

const connectedSocket = mustBe('a Socket of node:net', value => value instanceof Socket)

const clientOptions = record<SmtpClientOptions>({
  ...overChecks,
  address: optional(ipAddress),
  protocol: optional(oneOf(protocols)),
  port: optional(wholeNumber(1, 65_535)),
  path: optional(filledText),
  localAddress: optional(ipAddress),
  tls: oneOf(tlsModes),
  verifyCertificate: trueOrFalse,
  serverName: optional(filledText),
  verifyChain: optional(callable),
  auth: optional(
    record<NonNullable<SmtpClientOptions['auth']>>(
      { username: secretText, password: secretText },
      { expected: 'an object with username and password' },
    ),
  ),
  allowPlaintextAuth: optional(trueOrFalse),
  connectTimeoutMs: optional(timeout),
  greetingTimeoutMs: optional(timeout),
})

const bodies: readonly BodyType[] = ['7BIT', '8BITMIME', 'BINARYMIME']
const notifyConditions: readonly NotifyCondition[] = ['SUCCESS', 'FAILURE', 'DELAY']
const deliverByModes: readonly DeliverByMode[] = ['notify', 'return']

const address = part<Address>(
  { localPart: text, domain: text },
  { expected: 'an address with localPart and domain, as parseAddress gives it' },
)

// The caller finds its own recipients in the results again, with whatever else they know.
const recipient = part<OutgoingRecipient>(
  {
    forwardPath: address,
    notify: optional(listOf(oneOf(notifyConditions))),
    originalRecipient: optional(text),
  },
  { expected: 'an object with forwardPath' },
)

const nullOrAddress: OptionCheck = value => (value === null ? undefined : address(value))

const byteCount = wholeNumber(0, Number.MAX_SAFE_INTEGER, { expected: 'a whole number of bytes, 0 or more' })

const envelopeChecks = {
  reversePath: nullOrAddress,
  body: oneOf(bodies),
  smtpUtf8: trueOrFalse,
  ret: optional(oneOf(['FULL', 'HDRS'])),
  envelopeId: optional(text),
  priority: optional(wholeNumber(-9, 9)),
  deliverBy: optional(
    record<DeliverByRequest>({
      seconds: mustBe('a number', value => Number.isFinite(value)),
      mode: oneOf(deliverByModes),
      trace: trueOrFalse,
    }),
  ),
  requireTls: optional(trueOrFalse),
  recipients: listOf(recipient),
}

const outgoingTransaction = record<OutgoingTransaction>({
  ...envelopeChecks,
  mailData: part<OutgoingMailData>(
    { size: byteCount, open: callable },
    { expected: 'an object with size and open' },
  ),
})

const probedTransaction = record<ProbedTransaction>({ ...envelopeChecks, size: byteCount })
