// A configuration profile for Mail on iPhone, iPad and Mac: a property list with one mail account, which its user installs.
import { createHash } from 'node:crypto'
import { formatAddress, formatAddressForPeople } from '../address/format-address.ts'
import { escapeHtml as escapeXml } from '../notice/format-html.ts'
import type { Page } from '../web/page-server.ts'
import type { MailAccount } from './mail-account.ts'
import { isIncoming, type MailService } from './mail-services.ts'

export const profileExtension = '.mobileconfig'

export function profilePathOf({ address }: Pick<MailAccount, 'address'>): string {
  return `/mail/${encodeURIComponent(formatAddress(address))}${profileExtension}`
}

type Value = string | number | boolean | readonly Values[]
interface Values {
  readonly [key: string]: Value
}

/** A profile has one server of each kind: the best. undefined: there is none of one kind, which a profile cannot be without. */
export function composeAppleProfile({ address, hostname, services }: MailAccount): Page | undefined {
  const incoming = services.find(isIncoming)
  const outgoing = services.find(service => !isIncoming(service))
  if (!incoming || !outgoing) return undefined
  const login = formatAddress(address)
  const shown = formatAddressForPeople(address)
  // The same at each call, so that a profile that is installed again takes the place of the one before.
  const identifier = `${hostname.split('.').toReversed().join('.')}.mail.${stableUuid(login, 'identifier')}`
  const account: Values = {
    PayloadType: 'com.apple.mail.managed',
    PayloadVersion: 1,
    PayloadIdentifier: `${identifier}.account`,
    PayloadUUID: stableUuid(login, hostname, 'account'),
    PayloadDisplayName: shown,
    EmailAccountDescription: shown,
    EmailAccountType: incoming.protocol === 'pop3' ? 'EmailTypePOP' : 'EmailTypeIMAP',
    EmailAddress: login,
    ...serverValues('IncomingMailServer', incoming, hostname, login),
    ...serverValues('OutgoingMailServer', outgoing, hostname, login),
    OutgoingPasswordSameAsIncomingPassword: true,
  }
  const profile: Values = {
    PayloadType: 'Configuration',
    PayloadVersion: 1,
    PayloadIdentifier: identifier,
    PayloadUUID: stableUuid(login, hostname, 'profile'),
    PayloadDisplayName: shown,
    PayloadOrganization: hostname,
    PayloadContent: [account],
  }
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    ...formatDictionary(profile),
    '</plist>',
  ]
  return { status: 200, text: `${lines.join('\n')}\n`, contentType: 'application/x-apple-aspen-config' }
}

/** Whether it is TLS from the first byte or STARTTLS, Apple's programs know by the port. */
function serverValues(prefix: string, { port }: MailService, hostname: string, login: string): Values {
  return {
    [`${prefix}Authentication`]: 'EmailAuthPassword',
    [`${prefix}HostName`]: hostname,
    [`${prefix}PortNumber`]: port,
    [`${prefix}UseSSL`]: true,
    [`${prefix}Username`]: login,
  }
}

function formatDictionary(values: Values): string[] {
  return [
    '<dict>',
    ...Object.entries(values).flatMap(([key, value]) => [`<key>${key}</key>`, ...formatValue(value)]),
    '</dict>',
  ]
}

function formatValue(value: Value): string[] {
  if (typeof value === 'string') return [`<string>${escapeXml(value)}</string>`]
  if (typeof value === 'number') return [`<integer>${value}</integer>`]
  if (typeof value === 'boolean') return [value ? '<true/>' : '<false/>']
  return ['<array>', ...value.flatMap(formatDictionary), '</array>']
}

/** A UUID of version 8, from what it stands for. */
function stableUuid(...parts: readonly string[]): string {
  const bytes = createHash('sha256').update(parts.join('\n')).digest().subarray(0, 16)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = bytes.toString('hex').toUpperCase()
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
