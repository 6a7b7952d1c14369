// What an OpenID provider publishes: JSON over HTTPS, of bounded size, from nowhere else than where it was asked for.
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { describeNoAnswer } from '../runtime/network-error.ts'
import { contextTrusting } from '../tls/authorities.ts'
import { ProviderFault } from './provider-fault.ts'

const maxAnswerBytes = 512 * 1024

export interface GetJsonOptions {
  /** PEM, of who vouches for the provider's certificate, beside those that everybody knows. */
  readonly caPem?: string | undefined
  readonly signal: AbortSignal
}

/** Rejects with a ProviderFault. */
export async function getJson(url: URL, { caPem, signal }: GetJsonOptions): Promise<unknown> {
  const headers = { Accept: 'application/json', 'User-Agent': 'postrider' }
  // No redirect is followed: it could lead to whomever, and these addresses have none.
  const request =
    url.protocol === 'https:'
      ? httpsRequest(url, {
          headers,
          signal,
          agent: false,
          ...(caPem !== undefined && { secureContext: contextTrusting(caPem) }),
        })
      : httpRequest(url, { headers, signal, agent: false })
  request.on('error', () => {})
  try {
    const answered = once(request, 'response') as Promise<[IncomingMessage]>
    request.end()
    const [response] = await answered
    const text = await readText(url, response)
    if (response.statusCode !== 200) throw refused(url, response.statusCode)
    return parseJson(url, text)
  } catch (cause) {
    if (cause instanceof ProviderFault) throw cause
    const why = describeNoAnswer(cause, signal)
    throw new ProviderFault('PROVIDER_UNAVAILABLE', `${url.href} gave no answer: ${why}.`, { cause })
  } finally {
    request.destroy()
  }
}

async function readText(url: URL, response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size > maxAnswerBytes) throw confused(url, `more than ${maxAnswerBytes} bytes`)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function refused(url: URL, status: number | undefined): ProviderFault {
  return status === undefined || status >= 500 || status === 429
    ? new ProviderFault(
        'PROVIDER_UNAVAILABLE',
        `${url.href} gave no answer: it has trouble itself (HTTP status ${status}).`,
      )
    : confused(url, `the HTTP status ${status}`)
}

function parseJson(url: URL, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw confused(url, 'what is no JSON', cause)
  }
}

export function confused(url: URL, what: string, cause?: unknown): ProviderFault {
  return new ProviderFault('PROVIDER_CONFUSED', `${url.href} answered with ${what}.`, {
    cause,
    remedy: 'Compare issuer in [[login.openid]] with what the provider calls its issuer.',
  })
}
