// Fetches the MTA-STS policy of a domain over HTTPS (RFC 8461 §3.3): no redirects, within limits of size and time.
import type { LookupAddress } from 'node:dns'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import type { Resolver } from '../dns/resolver.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeNetworkError } from '../runtime/network-error.ts'
import { describeCertificateError } from '../smtp/client/certificate.ts'
import { parseStsPolicy, type StsPolicy } from './sts-policy.ts'

export type FetchedStsPolicy =
  | { readonly kind: 'fetched'; readonly policy: StsPolicy }
  | {
      readonly kind: 'failed'
      /** As RFC 8460 §4.3.2.2 names it. */
      readonly resultType: 'sts-policy-fetch-error' | 'sts-policy-invalid' | 'sts-webpki-invalid'
      readonly detail: string
    }

/** Never rejects. */
export type FetchStsPolicy = (domain: string) => Promise<FetchedStsPolicy>

export interface StsFetcherOptions {
  readonly resolver: Resolver
  readonly clock: Clock
  readonly ipv6: boolean
  /** 443 everywhere but in tests. */
  readonly port?: number
  readonly timeoutMs?: number
}

/** RFC 8461 §3.3 suggests a minute and 64 KB. */
const defaultTimeoutMs = 60_000
const maxBytes = 64 * 1024

export function createStsFetcher(options: StsFetcherOptions): FetchStsPolicy {
  return async domain => {
    const host = `mta-sts.${domain}`
    const addresses = await findAddresses(options, host)
    if (typeof addresses === 'string') return failed('sts-policy-fetch-error', addresses)
    return await fetchFrom(options, host, addresses)
  }
}

async function findAddresses(
  { resolver, ipv6 }: StsFetcherOptions,
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

function fetchFrom(
  { clock, port = 443, timeoutMs = defaultTimeoutMs }: StsFetcherOptions,
  host: string,
  addresses: readonly LookupAddress[],
): Promise<FetchedStsPolicy> {
  return new Promise(resolve => {
    const asked = request({
      host,
      port,
      path: '/.well-known/mta-sts.txt',
      servername: host,
      agent: false,
      headers: { accept: 'text/plain', connection: 'close' },
      // Their addresses come from the resolver that mail has.
      lookup: (_name, { all }, callback) => {
        const [first] = addresses
        if (all) callback(null, [...addresses])
        else callback(null, first?.address ?? '', first?.family)
      },
      checkServerIdentity: verifyName,
    })
    const finish = (result: FetchedStsPolicy): void => {
      timer.cancel()
      asked.destroy()
      resolve(result)
    }
    const timer = clock.after(timeoutMs, () =>
      finish(failed('sts-policy-fetch-error', `${host} took longer than ${timeoutMs / 1000} s`)),
    )
    asked.on('error', cause => {
      const problem = describeCertificateError(cause)
      finish(
        problem
          ? failed('sts-webpki-invalid', `${host}: ${problem.detail}`)
          : failed('sts-policy-fetch-error', `${host}: ${describeNetworkError(cause)}`),
      )
    })
    asked.on('response', response => {
      const problem = problemOfHead(response)
      if (problem !== undefined) finish(failed('sts-policy-fetch-error', `${host} ${problem}`))
      else readBody(response, host, finish)
    })
    asked.end()
  })
}

/** §3.3: by a name of the certificate (DNS-ID), never by its common name. */
function verifyName(host: string, certificate: PeerCertificate): Error | undefined {
  return checkServerIdentity(host, { ...certificate, subject: { ...certificate.subject, CN: '' } })
}

function problemOfHead({ statusCode, headers }: IncomingMessage): string | undefined {
  // §3.3: a redirect is no policy either.
  if (statusCode !== 200) return `answered ${statusCode}`
  const [type = ''] = (headers['content-type'] ?? '').split(';')
  return type.trim().toLowerCase() === 'text/plain' ? undefined : 'sent a policy that is not text/plain'
}

function readBody(response: IncomingMessage, host: string, finish: (result: FetchedStsPolicy) => void): void {
  const chunks: Buffer[] = []
  let length = 0
  response.on('data', (chunk: Buffer) => {
    length += chunk.length
    chunks.push(chunk)
    if (length > maxBytes)
      finish(failed('sts-policy-invalid', `${host} sent more than ${maxBytes / 1024} KB`))
  })
  response.on('error', cause =>
    finish(failed('sts-policy-fetch-error', `${host}: ${describeNetworkError(cause)}`)),
  )
  response.on('end', () => {
    const policy = parseStsPolicy(Buffer.concat(chunks).toString('utf8'))
    finish(
      typeof policy === 'string'
        ? failed('sts-policy-invalid', `the policy of ${host} is none: ${policy}`)
        : { kind: 'fetched', policy },
    )
  })
}

function failed(
  resultType: Extract<FetchedStsPolicy, { kind: 'failed' }>['resultType'],
  detail: string,
): FetchedStsPolicy {
  return { kind: 'failed', resultType, detail }
}
