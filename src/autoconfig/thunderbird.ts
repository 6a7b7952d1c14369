// Autoconfiguration as Thunderbird, K-9, KMail, Evolution and others ask for it: https://autoconfig.<domain>/mail/config-v1.1.xml
// (the format is that of Thunderbird's, "clientConfig" version 1.1).
import { formatDomainForPeople } from '../address/parse-domain.ts'
import { escapeHtml as escapeXml } from '../notice/format-html.ts'
import type { Page } from '../web/page-server.ts'
import type { MailAccount } from './mail-account.ts'
import { isIncoming, type MailService } from './mail-services.ts'

export const thunderbirdPaths: readonly string[] = [
  '/mail/config-v1.1.xml',
  '/.well-known/autoconfig/mail/config-v1.1.xml',
]

/** The same for every address of a domain: the program puts its user's own into it. */
export function composeThunderbirdConfig(
  domain: string,
  { hostname, services }: Pick<MailAccount, 'hostname' | 'services'>,
): Page {
  const name = escapeXml(formatDomainForPeople(domain))
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<clientConfig version="1.1">',
    `  <emailProvider id="${escapeXml(domain)}">`,
    `    <domain>${escapeXml(domain)}</domain>`,
    `    <displayName>${name}</displayName>`,
    `    <displayShortName>${name}</displayShortName>`,
    ...services.flatMap(service => formatServer(service, hostname)),
    '  </emailProvider>',
    '</clientConfig>',
  ]
  return { status: 200, text: `${lines.join('\n')}\n`, contentType: 'text/xml; charset=utf-8' }
}

function formatServer(service: MailService, hostname: string): string[] {
  const { protocol, security, port } = service
  const element = isIncoming(service) ? 'incomingServer' : 'outgoingServer'
  return [
    `    <${element} type="${protocol}">`,
    `      <hostname>${escapeXml(hostname)}</hostname>`,
    `      <port>${port}</port>`,
    `      <socketType>${security === 'tls' ? 'SSL' : 'STARTTLS'}</socketType>`,
    // Within TLS. What the format calls encrypted is CRAM-MD5, which this server does not have.
    '      <authentication>password-cleartext</authentication>',
    '      <username>%EMAILADDRESS%</username>',
    `    </${element}>`,
  ]
}
