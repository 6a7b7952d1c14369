// Where mail programs ask how to reach the server of a domain.

/** Thunderbird and others at the first, Outlook at the second. */
export function autoconfigHostsOf(domain: string): readonly string[] {
  return [`autoconfig.${domain}`, `autodiscover.${domain}`]
}

/** The domain whose host it is, or the host itself. */
export function domainOfAutoconfigHost(host: string): string {
  return host.replace(/^(?:autoconfig|autodiscover)\./, '')
}

/** Outlook asks the host of this record when it finds none of that name (Autodiscover, [MS-OXDISCO] §3.1.5.5). */
export function autodiscoverRecordOf(domain: string): string {
  return `_autodiscover._tcp.${domain}`
}

export const httpsPort = 443
