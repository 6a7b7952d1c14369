// What mail programs, and people with one, ask this server for over HTTP: how to reach it. Of addresses no more is looked up than
// whether their domain is here, which its MX record says to everybody.
import type { Address } from '../address/address.ts'
import { parseAddress } from '../address/parse-address.ts'
import { parseDomain } from '../address/parse-domain.ts'
import { domainOfAutoconfigHost } from '../config/autoconfig-hosts.ts'
import type { Page, PageRequest } from '../web/page-server.ts'
import { composeAppleProfile, profileExtension } from './apple.ts'
import type { MailAccount } from './mail-account.ts'
import { isIncoming, type MailService } from './mail-services.ts'
import {
  composeOutlookPlace,
  composeOutlookProblem,
  composeOutlookSettings,
  outlookFindPath,
  outlookPath,
} from './outlook.ts'
import { composeQuestion, composeSettingsPage, settingsPath } from './settings-page.ts'
import { composeThunderbirdConfig, thunderbirdPaths } from './thunderbird.ts'

export interface AutoconfigParts {
  readonly hostname: string
  /** The best first. */
  readonly services: readonly MailService[]
  /** Canonical. */
  readonly isOurDomain: (domain: string) => Promise<boolean>
  readonly now: () => Date
}

/** undefined: it is something else that is asked for. */
export async function answerAutoconfig(
  request: PageRequest,
  parts: AutoconfigParts,
): Promise<Page | undefined> {
  const page = await compose(request, parts)
  return page && !isWhole(parts.services) ? incomplete : page
}

/** Of a request that an XML document comes with. */
export const maxRequestBytes = 16_384

async function compose(
  { host, path, query, posted }: PageRequest,
  parts: AutoconfigParts,
): Promise<Page | undefined> {
  const { hostname, services, now } = parts
  const accountOf = async (text: string | undefined): Promise<MailAccount | undefined> => {
    const address = parseAddress(text ?? '')
    return address && (await isOurs(address, parts)) ? { address, hostname, services } : undefined
  }
  if (path.toLowerCase() === outlookPath) {
    const { parseOutlookRequest } = await import('./outlook-request.ts')
    const address = parseOutlookRequest(posted ?? '')
    if (typeof address === 'string') return composeOutlookProblem(address, now())
    return (await isOurs(address, parts))
      ? composeOutlookSettings({ address, hostname, services })
      : composeOutlookProblem('unknown-domain', now())
  }
  // All others are read only.
  if (posted !== undefined) return undefined
  if (thunderbirdPaths.includes(path)) {
    const named = query.get('emailaddress')
    // Some ask without an address: then the name of the host says which domain is meant.
    const domain =
      named === null ? parseDomain(domainOfAutoconfigHost(host)) : (await accountOf(named))?.address.domain
    const isThere = domain !== undefined && (await parts.isOurDomain(domain))
    return isThere ? composeThunderbirdConfig(domain, parts) : notOurs
  }
  if (outlookFindPath.test(path)) return composeOutlookPlace(parameter(query, 'protocol') ?? '', hostname)
  if (path === settingsPath || path === `${settingsPath}/`) {
    const entered = query.get('address')
    if (entered === null) return composeQuestion('new')
    const account = await accountOf(entered.trim())
    return account ? composeSettingsPage(account) : composeQuestion('not-ours')
  }
  if (path.startsWith(`${settingsPath}/`) && path.endsWith(profileExtension)) {
    const account = await accountOf(decodePath(path.slice(settingsPath.length + 1, -profileExtension.length)))
    return account ? composeAppleProfile(account) : notOurs
  }
  return undefined
}

async function isOurs({ domain }: Address, { isOurDomain }: AutoconfigParts): Promise<boolean> {
  return await isOurDomain(domain)
}

function isWhole(services: readonly MailService[]): boolean {
  return services.some(isIncoming) && !services.every(isIncoming)
}

const incomplete: Page = {
  status: 404,
  text: 'No mail program can be set up for this server: in its settings, [[listeners]] has none by which mail is read (imaps, imap), or none by which it is sent (submissions, submission).\n',
}

const notOurs: Page = {
  status: 404,
  text: 'This server has no mail of that domain.\n',
}

/** Microsoft's programs write names of parameters as they like. */
function parameter(query: URLSearchParams, name: string): string | undefined {
  return [...query].find(([key]) => key.toLowerCase() === name)?.[1]
}

function decodePath(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    // It stands for no text.
    return undefined
  }
}
