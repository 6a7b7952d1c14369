// Fetches the MTA-STS policy of a domain over HTTPS (RFC 8461 §3.3).
import { askHttps, type HttpsOptions } from './https.ts'
import { parseStsPolicy, type StsPolicy, stsHostOf, stsPath } from './sts-policy.ts'

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

/** RFC 8461 §3.3 suggests 64 KB. */
const maxBytes = 64 * 1024

export function createStsFetcher(options: HttpsOptions): FetchStsPolicy {
  return async domain => {
    const host = stsHostOf(domain)
    const answer = await askHttps(options, {
      host,
      path: stsPath,
      method: 'GET',
      headers: { accept: 'text/plain' },
      maxAnswerBytes: maxBytes,
    })
    if (answer.kind === 'failed')
      return failed(answer.isCertificate ? 'sts-webpki-invalid' : 'sts-policy-fetch-error', answer.detail)
    const { status, contentType, body } = answer
    // §3.3: a redirect is no policy either.
    if (status !== 200) return failed('sts-policy-fetch-error', `${host} answered ${status}`)
    if (contentType !== 'text/plain')
      return failed('sts-policy-fetch-error', `${host} sent a policy that is not text/plain`)
    if (body === undefined)
      return failed('sts-policy-invalid', `${host} sent more than ${maxBytes / 1024} KB`)
    const policy = parseStsPolicy(body)
    return typeof policy === 'string'
      ? failed('sts-policy-invalid', `the policy of ${host} is none: ${policy}`)
      : { kind: 'fetched', policy }
  }
}

function failed(
  resultType: Extract<FetchedStsPolicy, { kind: 'failed' }>['resultType'],
  detail: string,
): FetchedStsPolicy {
  return { kind: 'failed', resultType, detail }
}
