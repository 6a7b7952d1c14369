// Serves over HTTPS what strangers ask for: the MTA-STS policy of our domains (RFC 8461 §3.3), and the page that explains refusals.
import { describeListenError } from '../config/listen-error.ts'
import { ownStsPolicy, type Settings } from '../config/settings.ts'
import { isDomain } from '../directory/domains.ts'
import type { Storage } from '../storage/operation.ts'
import type { CertificateStore } from '../tls/certificate-store.ts'
import { composeStsPolicy } from '../tls-policy/own-policy.ts'
import { domainOfStsHost, stsPath } from '../tls-policy/sts-policy.ts'
import type { OpenListener } from '../web/open-listener.ts'
import { type Page, servePages } from '../web/page-server.ts'
import { composeRefusalPage, refusalPath } from '../web/refusal-page.ts'

export interface StsPolicyServerParts {
  readonly settings: Pick<Settings, 'hostname' | 'mtaSts'>
  readonly storage: Pick<Storage, 'run'>
  readonly certificates: Pick<CertificateStore, 'secureContext'>
}

const nothingHere: Page = {
  status: 404,
  text: `This is a mail server. Here is the TLS policy of its domains, at https://mta-sts.<domain>${stsPath}; at its own name, under ${refusalPath}, why it refuses mail; and nothing else.\n`,
}

/** undefined: the settings have no policy. Rejects with a UsageFault when the port cannot be opened. */
export async function serveStsPolicy({
  settings,
  storage,
  certificates,
}: StsPolicyServerParts): Promise<OpenListener | undefined> {
  const { mtaSts } = settings
  if (!mtaSts) return undefined
  const { address, port } = mtaSts
  const text = composeStsPolicy(ownStsPolicy(settings, mtaSts))
  const refusalPage = composeRefusalPage(settings.hostname)
  const compose = async (host: string, path: string): Promise<Page> => {
    if (path === refusalPath && host === settings.hostname) return refusalPage
    const domain = domainOfStsHost(host)
    const isThere =
      path === stsPath && domain !== undefined && (await storage.run(isDomain, { name: domain }))
    return isThere ? { status: 200, text, contentType: 'text/plain' } : nothingHere
  }
  try {
    return await servePages({
      address,
      port,
      secureContext: name => certificates.secureContext(name),
      compose: ({ host, path }) => compose(host, path),
    })
  } catch (cause) {
    throw describeListenError(cause, mtaSts, '[mtaSts]')
  }
}
