// A server of MTA-STS policies with a certificate of the tests' own authority.
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setDefaultCACertificates } from 'node:tls'
import { issueCertificate, makeAuthority, type TestCertificate } from '../harness/certificates.ts'

/** This process believes it, and no other. */
export const trustedAuthority = await makeAuthority('trusted')
setDefaultCACertificates([trustedAuthority.certificate])

export interface PolicyServer {
  readonly port: number
  readonly address: string
  /** Paths that were asked for. */
  readonly asked: string[]
  answer: PolicyAnswer
}

export interface PolicyAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** 'silence': nothing comes. */
  readonly body: string
}

export async function startPolicyServer(
  t: { after(close: () => void): void },
  answer: PolicyAnswer,
  certificate?: TestCertificate,
): Promise<PolicyServer> {
  const own = certificate ?? (await issueCertificate(trustedAuthority, ['mta-sts.example.org']))
  const address = '127.0.0.3'
  const server = createServer({ key: own.key, cert: own.certificate }, (request, response) => {
    started.asked.push(`${request.headers.host} ${request.url}`)
    const { status = 200, headers, body } = started.answer
    if (body === 'silence') return
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers })
    response.end(body)
  })
  server.listen(0, address)
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const started: PolicyServer = { port: (server.address() as AddressInfo).port, address, asked: [], answer }
  return started
}

export function policyText(mode: string, mx: readonly string[], maxAgeSeconds = 86_400): string {
  return ['version: STSv1', `mode: ${mode}`, ...mx.map(name => `mx: ${name}`), `max_age: ${maxAgeSeconds}`]
    .join('\r\n')
    .concat('\r\n')
}
