// The client of an authority (RFC 8555), by the library: its errors as values, its waits left to our clock.
import { Agent } from 'node:https'
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls'
import type { Client } from 'acme-client'
import type { Clock } from '../runtime/clock.ts'
import { describeNetworkError } from '../runtime/network-error.ts'
import { IssuingFault, parseProblem, sortOfProblem } from './issuing-fault.ts'

export interface ClientOptions {
  readonly directory: string
  readonly accountKeyPem: string
  /** undefined: it has yet to be registered. */
  readonly accountUrl: string | undefined
  /** RFC 8555 §7.3.4 */
  readonly externalAccount?: { readonly keyId: string; readonly hmacKey: string } | undefined
  /** Who vouches for the authority's own server, beside those that everybody knows (PEM). */
  readonly caPem?: string | undefined
  readonly clock: Clock
}

/** Loaded here: what it brings along costs more than a start, and most starts need no certificate. */
export async function loadLibrary(): Promise<typeof import('acme-client')> {
  return await import('acme-client')
}

const requestTimeoutMs = 30_000
/** A chain of certificates is some kilobytes. */
const maxAnswerBytes = 1_000_000

/** What the library's HTTP client gives, of which its types say less. */
interface Response {
  readonly status: number
  readonly data: unknown
  readonly headers: Readonly<Record<string, unknown>>
}

/** One at a time: the library has one HTTP client for all. */
export async function openClient(options: ClientOptions): Promise<Client> {
  const { axios, Client } = await loadLibrary()
  const { directory, accountKeyPem, accountUrl, externalAccount, caPem, clock } = options
  Object.assign(axios.defaults, {
    timeout: requestTimeoutMs,
    maxContentLength: maxAnswerBytes,
    // A certificate takes some twenty requests: one handshake is enough for them.
    httpsAgent: new Agent({
      keepAlive: true,
      ...(caPem !== undefined && { secureContext: contextWith(caPem) }),
    }),
  })
  // Its own repeats what counts against us, after waits as long as a server likes, and loses the error of a connection.
  axios.interceptors.response.clear()
  // Every answer comes as an error that has it: the library's client takes no status for a good one.
  axios.interceptors.response.use(undefined, (error: unknown) => {
    const { response } = error as { readonly response?: Response }
    if (!response) throw error
    const fault = faultOfResponse(response, clock.now())
    if (fault) throw fault
    return response
  })
  return new Client({
    directoryUrl: directory,
    accountKey: accountKeyPem,
    ...(accountUrl !== undefined && { accountUrl }),
    ...(externalAccount && {
      externalAccountBinding: { kid: externalAccount.keyId, hmacKey: externalAccount.hmacKey },
    }),
  })
}

let ownContext: { readonly caPem: string; readonly context: SecureContext } | undefined

/** Kept: to read those that everybody knows takes tens of milliseconds, which each connection would take again. */
function contextWith(caPem: string): SecureContext {
  if (ownContext?.caPem !== caPem)
    ownContext = { caPem, context: createSecureContext({ ca: [...rootCertificates, caPem] }) }
  return ownContext.context
}

/** RFC 8555 §6.5: the library repeats what had a nonce that is known no more. */
const badNonce = 'urn:ietf:params:acme:error:badNonce'

function faultOfResponse({ status, data, headers }: Response, now: number): IssuingFault | undefined {
  if (status < 400) return undefined
  const problem = parseProblem(data)
  if (problem?.type === badNonce) return undefined
  const retryAfterMs = parseRetryAfter(headers['retry-after'], now)
  if (!problem || status >= 500)
    return new IssuingFault(
      'unreachable',
      `the authority answered ${status}${problem ? `: ${problem.detail}` : ''}`,
      { retryAfterMs },
    )
  const sort = status === 429 ? 'rate-limited' : sortOfProblem(problem)
  return new IssuingFault(sort, problem.detail, { retryAfterMs })
}

/** RFC 9110 §10.2.3: seconds or a date. */
export function parseRetryAfter(value: unknown, now: number): number | undefined {
  if (typeof value !== 'string') return undefined
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  // What else Date.parse takes for a date is none to anybody else: '-5', 'may'.
  const date = value.endsWith(' GMT') ? Date.parse(value) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

/** What the library throws, as a fault; our own stay as they are. */
export function toIssuingFault(cause: unknown): unknown {
  if (cause instanceof IssuingFault || !(cause instanceof Error)) return cause
  if ('isAxiosError' in cause || 'syscall' in cause)
    return new IssuingFault(
      'unreachable',
      `the authority cannot be reached: ${describeNetworkError(cause)}`,
      { cause },
    )
  return cause
}
