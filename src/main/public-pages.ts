// Serves over HTTPS what strangers ask for: the MTA-STS policy of our domains (RFC 8461 §3.3), the page that explains refusals, and
// how mail programs reach this server.
import { answerAutoconfig, maxRequestBytes } from '../autoconfig/answer.ts'
import { listMailServices } from '../autoconfig/mail-services.ts'
import { settingsPath } from '../autoconfig/settings-page.ts'
import { describeListenError } from '../config/listen-error.ts'
import type { ServedListener } from '../config/listener-roles.ts'
import { ownStsPolicy, type Settings } from '../config/settings.ts'
import { isDomain } from '../directory/domains.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Storage } from '../storage/operation.ts'
import type { CertificateStore } from '../tls/certificate-store.ts'
import { composeStsPolicy } from '../tls-policy/own-policy.ts'
import { domainOfStsHost, stsPath } from '../tls-policy/sts-policy.ts'
import type { OpenListener } from '../web/open-listener.ts'
import { type Page, type PageRequest, servePages } from '../web/page-server.ts'
import { composeRefusalPage, refusalPath } from '../web/refusal-page.ts'

export interface PublicPageParts {
  readonly settings: Pick<Settings, 'hostname' | 'mtaSts' | 'autoconfig'>
  readonly storage: Pick<Storage, 'run'>
  readonly certificates: Pick<CertificateStore, 'secureContext'>
  /** On which this server listens. */
  readonly listeners: readonly ServedListener[]
  readonly clock: Pick<Clock, 'now'>
}

/** undefined: it is something else that is asked for. */
type Answer = (request: PageRequest) => Page | undefined | Promise<Page | undefined>

interface Site {
  /** Of the settings. */
  readonly table: string
  readonly address: string
  readonly port: number
  readonly answers: Answer[]
}

/** Nothing is opened where the settings have nothing to serve. Rejects with a UsageFault when a port cannot be opened. */
export async function servePublicPages({
  certificates,
  ...parts
}: PublicPageParts): Promise<Pick<OpenListener, 'close'>> {
  const { settings } = parts
  const opened: OpenListener[] = []
  const close = async (): Promise<void> => {
    await Promise.all(opened.map(listener => listener.close()))
  }
  const nothingHere = composeNothingHere(settings)
  for (const { table, address, port, answers } of listSites(parts)) {
    try {
      opened.push(
        await servePages({
          address,
          port,
          secureContext: name => certificates.secureContext(name),
          maxPostedBytes: maxRequestBytes,
          async compose(request) {
            for (const answer of answers) {
              const page = await answer(request)
              if (page) return page
            }
            return nothingHere
          },
        }),
      )
    } catch (cause) {
      await close()
      throw describeListenError(cause, { address, port }, table)
    }
  }
  return { close }
}

/** What has the same address and port is one site. */
function listSites({ settings, storage, listeners, clock }: Omit<PublicPageParts, 'certificates'>): Site[] {
  const { hostname, mtaSts, autoconfig } = settings
  const sites: Site[] = []
  const isOurDomain = (name: string): Promise<boolean> => storage.run(isDomain, { name })
  if (mtaSts) {
    const text = composeStsPolicy(ownStsPolicy(settings, mtaSts))
    const refusalPage = composeRefusalPage(hostname)
    const answer: Answer = async ({ host, path, posted }) => {
      if (posted !== undefined) return undefined
      if (path === refusalPath && host === hostname) return refusalPage
      const domain = path === stsPath ? domainOfStsHost(host) : undefined
      const isThere = domain !== undefined && (await isOurDomain(domain))
      return isThere ? { status: 200, text, contentType: 'text/plain' } : undefined
    }
    sites.push({ table: '[mtaSts]', address: mtaSts.address, port: mtaSts.port, answers: [answer] })
  }
  if (autoconfig) {
    const { address, port } = autoconfig
    const services = listMailServices(listeners)
    const answer: Answer = request =>
      answerAutoconfig(request, { hostname, services, isOurDomain, now: () => new Date(clock.now()) })
    const same = sites.find(site => site.address === address && site.port === port)
    if (same) same.answers.push(answer)
    else sites.push({ table: '[autoconfig]', address, port, answers: [answer] })
  }
  return sites
}

function composeNothingHere({ mtaSts, autoconfig }: PublicPageParts['settings']): Page {
  const there = [
    ...(mtaSts
      ? [
          `the TLS policy of its domains, at https://mta-sts.<domain>${stsPath}`,
          `at its own name, under ${refusalPath}, why it refuses mail`,
        ]
      : []),
    ...(autoconfig ? [`under ${settingsPath}, how mail programs reach it`] : []),
  ]
  return { status: 404, text: `This is a mail server. Here is ${there.join('; ')}; and nothing else.\n` }
}
