// One request over HTTPS to a host that a stranger's DNS names: by the resolver that mail has, without redirects, within
// limits of size and time.
import type { LookupAddress } from 'node:dns'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { describeCertificateError, verifyServerName } from '../connection/server-certificate.ts'
import type { Resolver } from '../dns/resolver.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeNetworkError } from '../runtime/network-error.ts'

export interface HttpsOptions {
  readonly resolver: Resolver
  readonly clock: Clock
  readonly ipv6: boolean
  /** 443 everywhere but in tests. */
  readonly port?: number
  readonly timeoutMs?: number
}

export interface HttpsQuestion {
  readonly host: string
  readonly path: string
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly maxAnswerBytes: number
}

export type HttpsAnswer =
  | {
      readonly kind: 'answer'
      readonly status: number
      /** In lower case, without parameters. */
      readonly contentType: string
      /** undefined: it was larger than asked for. */
      readonly body: string | undefined
    }
  | { readonly kind: 'failed'; readonly isCertificate: boolean; readonly detail: string }

const defaultTimeoutMs = 60_000

/** Never rejects. */
export async function askHttps(options: HttpsOptions, question: HttpsQuestion): Promise<HttpsAnswer> {
  const addresses = await findAddresses(options, question.host)
  return typeof addresses === 'string' ? failed(addresses) : await ask(options, question, addresses)
}

async function findAddresses(
  { resolver, ipv6 }: HttpsOptions,
  host: string,
): Promise<readonly LookupAddress[] | string> {
  const [four, six] = await Promise.all([resolver.a(host), ipv6 ? resolver.aaaa(host) : undefined])
  const addresses = [
    ...(six?.kind === 'found' ? six.records.map(address => ({ address, family: 6 })) : []),
    ...(four.kind === 'found' ? four.records.map(address => ({ address, family: 4 })) : []),
  ]
  if (addresses.length > 0) return addresses
  return four.kind === 'temporary-failure' ? four.detail : `${host} has no address`
}

function ask(
  { clock, port = 443, timeoutMs = defaultTimeoutMs }: HttpsOptions,
  { host, path, method, headers, body, maxAnswerBytes }: HttpsQuestion,
  addresses: readonly LookupAddress[],
): Promise<HttpsAnswer> {
  return new Promise(resolve => {
    const asked = request({
      host,
      port,
      path,
      method,
      servername: host,
      agent: false,
      headers: { ...headers, connection: 'close', ...(body ? { 'content-length': body.length } : {}) },
      lookup: (_name, { all }, callback) => {
        const [first] = addresses
        if (all) callback(null, [...addresses])
        else callback(null, first?.address ?? '', first?.family)
      },
      checkServerIdentity: verifyServerName,
    })
    const finish = (answer: HttpsAnswer): void => {
      timer.cancel()
      asked.destroy()
      resolve(answer)
    }
    const timer = clock.after(timeoutMs, () =>
      finish(failed(`${host} took longer than ${timeoutMs / 1000} s`)),
    )
    asked.on('error', cause => {
      const problem = describeCertificateError(cause)
      finish(
        problem
          ? { kind: 'failed', isCertificate: true, detail: `${host}: ${problem.detail}` }
          : failed(`${host}: ${describeNetworkError(cause)}`),
      )
    })
    asked.on('response', response => readAnswer(response, host, maxAnswerBytes, finish))
    asked.end(body)
  })
}

function readAnswer(
  response: IncomingMessage,
  host: string,
  maxBytes: number,
  finish: (answer: HttpsAnswer) => void,
): void {
  const { statusCode: status = 0, headers } = response
  const [type = ''] = (headers['content-type'] ?? '').split(';')
  const answer = { kind: 'answer', status, contentType: type.trim().toLowerCase() } as const
  const chunks: Buffer[] = []
  let length = 0
  response.on('data', (chunk: Buffer) => {
    length += chunk.length
    chunks.push(chunk)
    if (length > maxBytes) finish({ ...answer, body: undefined })
  })
  response.on('error', cause => finish(failed(`${host}: ${describeNetworkError(cause)}`)))
  response.on('end', () => finish({ ...answer, body: Buffer.concat(chunks).toString('utf8') }))
}

function failed(detail: string): HttpsAnswer {
  return { kind: 'failed', isCertificate: false, detail }
}
