// Writes the directory as the text file that `parseDocument` reads: domains first, then what lives in them.

import { displayAddress, displayDomain } from './display.ts'
import type { DirectoryDocument } from './document.ts'
import type { QuotaTerms, RedirectionKind } from './records.ts'
import { formatExactSize } from './size-text.ts'

const heading = `# The domains, accounts, aliases and groups of a Postrider server, and the domains that it relays.
#
#   postrider apply --dry-run <this file>    shows what would change
#   postrider apply <this file>              makes the server as this file says; what is not here is removed
#
# For a new account, or a new password, write password = "…" instead of passwordHash and scramKeys. An account without
# any of them keeps the password it has; one with ldap = true is one that LDAP knows. Keep this file as safe as the passwords themselves.
`

type FieldValue = string | number | boolean | readonly string[]

/** A domain, account, alias or group as it stands in the file; what is not said there is undefined. */
export type DocumentTable = Readonly<Record<string, FieldValue | undefined>>

/** What the file has: the tables of each section, in the order in which they are written. */
export interface DocumentTables {
  readonly domain: readonly DocumentTable[]
  readonly account: readonly DocumentTable[]
  readonly appPassword: readonly DocumentTable[]
  readonly alias: readonly DocumentTable[]
  readonly group: readonly DocumentTable[]
  readonly relay: readonly DocumentTable[]
}

export function documentTables({
  domains,
  accounts,
  appPasswords,
  redirections,
  relays,
}: DirectoryDocument): DocumentTables {
  const redirectionTables = (wanted: RedirectionKind, targetsField: string): DocumentTable[] =>
    redirections
      .filter(({ kind }) => kind === wanted)
      .map(({ address, name, targets, membersSend }) => ({
        address: displayAddress(address),
        name: name === '' ? undefined : name,
        [targetsField]: targets.map(displayAddress),
        membersSend: membersSend ? true : undefined,
      }))
  return {
    domain: domains.map(({ name, postmaster, ...terms }) => ({
      name: displayDomain(name),
      postmaster: postmaster && displayAddress(postmaster),
      ...quotaFields(terms),
    })),
    account: accounts.map(
      ({ address, name, language, enabled, outside, passwordHash, scramKeys, ...terms }) => ({
        address: displayAddress(address),
        name: name === '' ? undefined : name,
        language,
        enabled: enabled ? undefined : false,
        ldap: outside ? true : undefined,
        ...quotaFields(terms),
        keepTrashDays: terms.keepTrashDays,
        keepJunkDays: terms.keepJunkDays,
        passwordHash: outside ? undefined : passwordHash,
        scramKeys: scramKeys.length === 0 ? undefined : scramKeys,
      }),
    ),
    appPassword: appPasswords.map(({ account, name, digest, scramKeys, scopes, expiresAt }) => ({
      account: displayAddress(account),
      name,
      digest,
      scramKeys: scramKeys.length === 0 ? undefined : scramKeys,
      scopes,
      expires: expiresAt === undefined ? undefined : new Date(expiresAt).toISOString(),
    })),
    alias: redirectionTables('alias', 'targets'),
    group: redirectionTables('group', 'members'),
    relay: relays.map(({ name, keepsUntilFetched, anyoneStarts, owner }) => ({
      name: displayDomain(name),
      keepsUntilFetched: keepsUntilFetched ? true : undefined,
      etrn: anyoneStarts ? 'anyone' : undefined,
      owner: owner && displayAddress(owner),
    })),
  }
}

/** Of a domain, for its accounts, or of an account. */
export function quotaFields({ quotaBytes, quotaMessages }: QuotaTerms): DocumentTable {
  return { quota: quotaBytes === undefined ? undefined : formatExactSize(quotaBytes), quotaMessages }
}

export function formatDocument(document: DirectoryDocument): string {
  const tables = Object.entries(documentTables(document)).flatMap(
    ([section, rows]: [string, readonly DocumentTable[]]) => rows.map(row => formatTable(section, row)),
  )
  return [heading, ...tables].join('\n')
}

function formatTable(section: string, table: DocumentTable): string {
  const lines = Object.entries(table).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} = ${formatValue(value)}\n`],
  )
  return `[[${section}]]\n${lines.join('')}`
}

function formatValue(value: FieldValue): string {
  if (typeof value === 'boolean' || typeof value === 'number') return String(value)
  if (typeof value === 'string') return quote(value)
  const elements = value.map(quote)
  const line = `[${elements.join(', ')}]`
  return line.length <= 100 ? line : `[\n${elements.map(element => `  ${element},\n`).join('')}]`
}

// TOML basic strings escape as JSON strings do, but for DEL, which JSON leaves alone.
function quote(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f')
}
