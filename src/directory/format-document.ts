// Writes the directory as the text file that `parseDocument` reads: domains first, then what lives in them.

import { displayAddress, displayDomain } from './display.ts'
import type { DirectoryDocument } from './document.ts'

const heading = `# The domains, accounts, aliases and groups of a Postrider server.
#
#   postrider apply --dry-run <this file>    shows what would change
#   postrider apply <this file>              makes the server as this file says; what is not here is removed
#
# For a new account, or a new password, write password = "…" instead of passwordHash. An account without either keeps
# the password it has. Keep this file as safe as the passwords themselves.
`

export function formatDocument(document: DirectoryDocument): string {
  const tables: string[] = []
  for (const domain of document.domains) {
    tables.push(
      table('domain', [
        ['name', displayDomain(domain.name)],
        ['postmaster', domain.postmaster && displayAddress(domain.postmaster)],
      ]),
    )
  }
  for (const account of document.accounts) {
    tables.push(
      table('account', [
        ['address', displayAddress(account.address)],
        ['name', account.name === '' ? undefined : account.name],
        ['language', account.language],
        ['enabled', account.enabled ? undefined : false],
        ['passwordHash', account.passwordHash],
      ]),
    )
  }
  for (const { kind, address, name, targets } of document.redirections) {
    tables.push(
      table(kind, [
        ['address', displayAddress(address)],
        ['name', name === '' ? undefined : name],
        [kind === 'alias' ? 'targets' : 'members', targets.map(displayAddress)],
      ]),
    )
  }
  return [heading, ...tables].join('\n')
}

type FieldValue = string | boolean | readonly string[] | undefined

function table(section: string, pairs: readonly (readonly [name: string, value: FieldValue])[]): string {
  const lines = pairs.flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} = ${formatValue(value)}\n`],
  )
  return `[[${section}]]\n${lines.join('')}`
}

function formatValue(value: string | boolean | readonly string[]): string {
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return quote(value)
  const elements = value.map(quote)
  const line = `[${elements.join(', ')}]`
  return line.length <= 100 ? line : `[\n${elements.map(element => `  ${element},\n`).join('')}]`
}

// TOML basic strings escape as JSON strings do, but for DEL, which JSON leaves alone.
function quote(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f')
}
