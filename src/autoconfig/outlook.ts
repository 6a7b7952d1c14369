// Autodiscover as Outlook asks for it: an XML request by POST ([MS-OXDSCLI] §2.2.3, §2.2.4), and a question in a URL for where to
// send that (what Microsoft calls Autodiscover V2).
import { randomInt } from 'node:crypto'
import { formatAddress } from '../address/format-address.ts'
import { escapeHtml as escapeXml } from '../notice/format-html.ts'
import type { Page } from '../web/page-server.ts'
import type { MailAccount } from './mail-account.ts'
import type { MailService } from './mail-services.ts'

/** Programs write it with small letters and with large ones. */
export const outlookPath = '/autodiscover/autodiscover.xml'
/** With a version and an address behind it, or with the address as a parameter. */
export const outlookFindPath = /^\/autodiscover\/autodiscover\.json(?:\/v1\.0\/(?<address>[^/]+))?$/i

export const responseSchema =
  'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a'
const envelopeSchema = 'http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006'

export type OutlookProblem = 'invalid-request' | 'other-schema' | 'unknown-domain'

export function composeOutlookSettings({ address, hostname, services }: MailAccount): Page {
  const login = escapeXml(formatAddress(address))
  return xmlPage([
    `  <Response xmlns="${responseSchema}">`,
    '    <User>',
    `      <DisplayName>${login}</DisplayName>`,
    '    </User>',
    '    <Account>',
    '      <AccountType>email</AccountType>',
    '      <Action>settings</Action>',
    ...services.flatMap(service => formatProtocol(service, escapeXml(hostname), login)),
    '    </Account>',
    '  </Response>',
  ])
}

function formatProtocol(
  { protocol, security, port }: MailService,
  hostname: string,
  login: string,
): string[] {
  return [
    '      <Protocol>',
    `        <Type>${protocol.toUpperCase()}</Type>`,
    `        <Server>${hostname}</Server>`,
    `        <Port>${port}</Port>`,
    '        <DomainRequired>off</DomainRequired>',
    `        <LoginName>${login}</LoginName>`,
    '        <SPA>off</SPA>',
    // Encryption counts where a program knows it; with SSL alone it would speak TLS from the first byte.
    `        <SSL>${security === 'tls' ? 'on' : 'off'}</SSL>`,
    `        <Encryption>${security === 'tls' ? 'SSL' : 'TLS'}</Encryption>`,
    '        <AuthRequired>on</AuthRequired>',
    ...(protocol === 'smtp'
      ? ['        <UsePOPAuth>off</UsePOPAuth>', '        <SMTPLast>off</SMTPLast>']
      : []),
    '      </Protocol>',
  ]
}

const problems: Readonly<Record<OutlookProblem, readonly [code: number, message: string]>> = {
  'invalid-request': [600, 'Invalid Request'],
  'other-schema': [601, 'Provider is not available'],
  'unknown-domain': [500, 'This server has no mail of that domain.'],
}

/** [MS-OXDSCLI] §2.2.4.1.1.1: the status is 200 all the same. */
export function composeOutlookProblem(problem: OutlookProblem, now: Date): Page {
  const [code, message] = problems[problem]
  return xmlPage([
    '  <Response>',
    `    <Error Time="${now.toISOString().slice(11, 19)}" Id="${randomInt(2 ** 31)}">`,
    `      <ErrorCode>${code}</ErrorCode>`,
    `      <Message>${message}</Message>`,
    '      <DebugData />',
    '    </Error>',
    '  </Response>',
  ])
}

function xmlPage(response: readonly string[]): Page {
  const lines = [
    '<?xml version="1.0" encoding="utf-8"?>',
    `<Autodiscover xmlns="${envelopeSchema}">`,
    ...response,
    '</Autodiscover>',
  ]
  return { status: 200, text: `${lines.join('\n')}\n`, contentType: 'text/xml; charset=utf-8' }
}

/** Where a program finds what it asks for; of the protocols that are asked about, this server has one. */
export function composeOutlookPlace(protocol: string, hostname: string): Page {
  const isKnown = protocol.toLowerCase() === 'autodiscoverv1'
  return {
    status: isKnown ? 200 : 404,
    contentType: 'application/json; charset=utf-8',
    text: `${JSON.stringify(
      isKnown
        ? { Protocol: 'AutodiscoverV1', Url: `https://${hostname}${outlookPath}` }
        : { ErrorCode: 'ProtocolNotSupported', ErrorMessage: 'This server has AutodiscoverV1.' },
    )}\n`,
  }
}
