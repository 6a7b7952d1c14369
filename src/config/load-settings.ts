// The settings file → Settings, or every mistake in it.
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { z } from 'zod'
import { UsageFault } from '../runtime/fault.ts'
import { nearestName } from '../runtime/nearest-name.ts'
import { parseServerAddress } from '../storage/postgres/server-address.ts'
import { describeSettings, formatToml, headingOf, type SettingDescription } from './describe-settings.ts'
import { settingsSchema } from './schema.ts'
import type { AcmeSettings, Settings } from './settings.ts'
import { SettingsFault, type SettingsMistake } from './settings-fault.ts'
import { parseTomlDocument, type TomlDocument, type TomlPath } from './toml-document.ts'

/** Rejects with a SettingsFault that names every mistake, or with SETTINGS_UNREADABLE. */
export async function loadSettings(file: string): Promise<Settings> {
  return parseSettings(await readSettingsFile(file), file)
}

async function readSettingsFile(file: string): Promise<string> {
  try {
    const bytes = readFileSync(file)
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    const [what, remedy] = describeUnreadable(cause)
    throw new UsageFault('SETTINGS_UNREADABLE', `${file}: ${what}`, { cause, remedy })
  }
}

function describeUnreadable(cause: unknown): readonly [what: string, remedy: string] {
  switch (codeOf(cause)) {
    case 'ENOENT':
      return ['There is no such file.', 'Write one with "postrider init", or name yours with --settings.']
    case 'EACCES':
      return [
        'This user may not read it.',
        'Change its owner or mode, or run this as the user it belongs to.',
      ]
    case 'EISDIR':
      return ['This is a folder.', 'Name the file in it with --settings.']
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return ['It is not UTF-8 text.', 'Save it as UTF-8.']
    default:
      return [
        `It cannot be read: ${cause instanceof Error ? cause.message : String(cause)}.`,
        'Mend what that says, or name another file with --settings.',
      ]
  }
}

/** `file` is named in the mistakes; relative paths in the text count from its folder. */
export function parseSettings(text: string, file: string): Settings {
  const document = parseTomlDocument(text)
  const parsed = settingsSchema.safeParse(document.value)
  const mistakes: SettingsMistake[] = [...document.mistakes]
  if (!parsed.success) {
    // Where lines could not be read, what seems to be missing may stand in one of them.
    const missingCounts = document.mistakes.length === 0
    for (const issue of parsed.error.issues) mistakes.push(...describeIssue(document, issue, missingCounts))
  }
  const folder = dirname(resolve(file))
  const contents = readNamedFiles(document, folder, mistakes)
  if (mistakes.length > 0 || !parsed.success) {
    throw new SettingsFault(file, mistakes.sort(byPosition), document.lines)
  }
  return placeSettings(parsed.data, folder, contents)
}

/** What stands in files of its own: passwords, mostly. */
interface FileContents {
  readonly smartHost?: string | undefined
  /** Of each [[fetch]]. */
  readonly fetch: readonly (string | undefined)[]
  readonly acmeHmacKey?: string | undefined
  /** PEM. */
  readonly acmeCa?: string | undefined
  /** Of each [[login.openid]]; PEM. */
  readonly openidCa?: readonly (string | undefined)[] | undefined
  readonly ldapPassword?: string | undefined
  /** PEM. */
  readonly ldapCa?: string | undefined
  /** PEM. */
  readonly clientsCa?: string | undefined
}

/** What the schema has found sound, with its paths counted from `folder`. */
export function placeSettings(
  data: z.output<typeof settingsSchema>,
  folder: string,
  contents: FileContents = { fetch: [] },
): Settings {
  const place = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : resolve(folder, path)
  const { storage, ...rest } = data
  const { smartHost, ...delivery } = data.delivery
  return {
    ...rest,
    dataFolder: resolve(folder, data.dataFolder),
    database: parseServerAddress(storage),
    lmtp: data.lmtp.map(one => ({ ...one, path: place(one.path) })),
    hooks: data.hooks && { ...data.hooks, file: resolve(folder, data.hooks.file) },
    fetch: data.fetch.map((one, index) => ({
      ...one,
      password: contents.fetch[index] ?? one.password,
      passwordFile: place(one.passwordFile),
    })),
    login: {
      ...data.login,
      openid: data.login.openid.map(({ caFile: _caFile, ...one }, index) => ({
        ...one,
        caPem: contents.openidCa?.[index],
      })),
      ldap: data.login.ldap && {
        ...data.login.ldap,
        password: contents.ldapPassword ?? data.login.ldap.password,
        passwordFile: place(data.login.ldap.passwordFile),
        caPem: contents.ldapCa,
      },
      certificates: data.login.certificates && {
        ...data.login.certificates,
        caPem: contents.clientsCa,
      },
    },
    tls: {
      certificateFile: place(data.tls.certificateFile),
      keyFile: place(data.tls.keyFile),
      certificates: data.tls.certificates.map(files => ({
        certificateFile: resolve(folder, files.certificateFile),
        keyFile: resolve(folder, files.keyFile),
      })),
      acme: data.tls.acme && placeAcme(data.tls.acme, folder, contents),
    },
    delivery: {
      ...delivery,
      ...(smartHost && {
        smartHost: {
          ...smartHost,
          password: contents.smartHost ?? smartHost.password,
          passwordFile: place(smartHost.passwordFile),
        },
      }),
    },
  }
}

function placeAcme(
  { names, hook, keyId, ...given }: NonNullable<z.output<typeof settingsSchema>['tls']['acme']>,
  folder: string,
  { acmeHmacKey: hmacKey, acmeCa: caPem }: FileContents,
): AcmeSettings {
  const [program, ...args] = hook ?? []
  return {
    ...given,
    names: names && [...new Set(names)],
    caPem,
    hook: program === undefined ? undefined : [resolve(folder, program), ...args],
    externalAccount: keyId === undefined || hmacKey === undefined ? undefined : { keyId, hmacKey },
  }
}

/** Of what the issue complains about; `[]` when it is no mistake of its own. */
function describeIssue(
  document: TomlDocument,
  issue: z.core.$ZodIssue,
  missingCounts: boolean,
): SettingsMistake[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => ({
      ...document.positionOfKey([...issue.path, key]),
      path: placeOf([...issue.path, key]),
      message: describeUnknown(issue.path, key),
    }))
  }
  const path = pathOfWhole(document, issue.path)
  const given = valueAt(document.value, path)
  const position = { ...document.positionOf(path), path: placeOf(path) }
  if (issue.code === 'custom') return [{ ...position, message: issue.message }]
  if (given === undefined) return missingCounts ? [describeMissing(document, path)] : []
  // A text in quotation marks it is: the schema says what is wrong with it.
  if (issue.code === 'invalid_format' && issue.format === 'url')
    return [{ ...position, message: `${nameOf(path)} is ${showValue(given)}. ${issue.message}` }]
  return [{ ...position, message: describeWrong(path, given) }]
}

/** An element that is missing is a mistake of its list. */
function pathOfWhole(document: TomlDocument, path: TomlPath): TomlPath {
  const isMissingElement = typeof path.at(-1) === 'number' && valueAt(document.value, path) === undefined
  return isMissingElement ? path.slice(0, -1) : path
}

function describeMissing(document: TomlDocument, path: TomlPath): SettingsMistake {
  const name = nameOf(path)
  const description = descriptionOf(name)
  const how =
    description?.kind === 'tables' || description?.kind === 'table'
      ? `${headingOf(description)} in a line of its own and its settings below it.`
      : assignment(name, description)
  const where = path.length > 1 ? ` in ${heading(path.slice(0, -1))}` : ''
  return {
    ...document.positionOf(path),
    path: placeOf(path),
    message: `${leafOf(name)} is missing${where}. Write ${how}`,
  }
}

function describeWrong(path: TomlPath, given: unknown): string {
  const name = nameOf(path)
  const description = descriptionOf(name)
  const expected = description?.expected ?? 'something else'
  const shown = showValue(given)
  if (description?.kind === 'tables' || description?.kind === 'table') {
    if (Array.isArray(given) && given.length === 0)
      return `${name} is empty. ${description.required ? 'Remove this line and write' : 'Remove this line to get the default, or write'} ${headingOf(description)} and its settings below it.`
    return `${name} is ${shown}, but it is ${expected}. Write ${headingOf(description)} in a line of its own and its settings below it.`
  }
  if (Array.isArray(given) && given.length === 0)
    return `${name} is empty; it has to be ${expected}, at least one. Write ${assignment(name, description)}`
  if (typeof given === 'string' && isOnlyQuoted(given, expected)) {
    return `${name} is the text ${shown}; it has to be ${expected}. Write it without quotation marks: ${leafOf(name)} = ${given}`
  }
  if (expected.startsWith('a list') && !Array.isArray(given)) {
    return `${name} is ${shown}; it has to be ${expected}. Write it in square brackets: ${leafOf(name)} = [${formatToml(given)}]`
  }
  const near = typeof given === 'string' ? nearestOption(given, description?.options ?? []) : undefined
  if (near !== undefined) return `${name} is ${shown}; it has to be ${expected}. Did you mean ${near}?`
  return `${name} is ${shown}; it has to be ${expected}. Write for example ${assignment(name, description)}`
}

/** Whether nothing but the quotation marks is wrong. */
function isOnlyQuoted(given: string, expected: string): boolean {
  if (expected === 'true or false') return given === 'true' || given === 'false'
  if (expected.startsWith('a whole number')) return /^\d+$/.test(given)
  return expected.startsWith('a number') && /^-?\d+(\.\d+)?$/.test(given)
}

/** Of options in TOML that which is meant: "clamd" is "clamav", "true" nothing. */
function nearestOption(given: string, options: readonly string[]): string | undefined {
  const near = nearestName(formatToml(given), options)
  if (near !== undefined) return near
  const beginning = given.slice(0, 3).toLowerCase()
  return beginning.length < 3 ? undefined : options.find(option => option.startsWith(`"${beginning}`))
}

function describeUnknown(path: TomlPath, key: string): string {
  const table = nameOf(path)
  const prefix = table === '' ? '' : `${table}.`
  const siblings = settingNames().filter(
    name => name.startsWith(prefix) && !/[.[]/.test(name.slice(prefix.length)),
  )
  const where = table === '' ? '' : ` in ${heading(path)}`
  const near = nearestName(
    key,
    siblings.map(name => name.slice(prefix.length)),
  )
  if (near !== undefined) return `There is no setting "${key}"${where}. Did you mean "${near}"?`
  // It may stand in the wrong table: TOML takes every line below a heading as part of it.
  const elsewhere = settingNames().filter(name => leafOf(name) === key && !name.endsWith('[]'))
  const [found] = elsewhere
  if (elsewhere.length === 1 && found !== undefined) {
    const home = found.slice(0, -key.length - 1)
    const advice =
      home === ''
        ? 'at the top of the file, above every heading'
        : `below ${home.endsWith('[]') ? `[[${home.slice(0, -2)}]]` : `[${home}]`}`
    return `There is no setting "${key}"${where === '' ? ' here' : where}. It belongs ${advice}.`
  }
  return `There is no setting "${key}"${where}. Remove this line; docs/settings.md lists all settings.`
}

/** Checks the files that the settings name, and returns what is needed of them. */
function readNamedFiles(document: TomlDocument, folder: string, mistakes: SettingsMistake[]): FileContents {
  const read = (path: TomlPath): string | undefined => {
    const file = valueAt(document.value, path)
    if (typeof file !== 'string' || file === '') return undefined
    try {
      return readFileSync(resolve(folder, file), 'utf8')
    } catch (cause) {
      const reason =
        codeOf(cause) === 'ENOENT'
          ? 'There is no such file'
          : codeOf(cause) === 'EACCES'
            ? 'This user may not read this file'
            : `This file cannot be read (${codeOf(cause) ?? String(cause)})`
      mistakes.push({
        ...document.positionOf(path),
        path: placeOf(path),
        message: `${reason}: ${resolve(folder, file)}. Correct ${nameOf(path)}, or put the file there and let the server’s user read it.`,
      })
      return undefined
    }
  }
  read(['tls', 'certificateFile'])
  read(['tls', 'keyFile'])
  const certificates = valueAt(document.value, ['tls', 'certificates'])
  for (const index of Array.isArray(certificates) ? certificates.keys() : []) {
    read(['tls', 'certificates', index, 'certificateFile'])
    read(['tls', 'certificates', index, 'keyFile'])
  }
  const readPassword = (path: TomlPath): string | undefined => {
    const password = read(path)?.split(/\r\n|\n/)[0]
    if (password === '') {
      mistakes.push({
        ...document.positionOf(path),
        path: placeOf(path),
        message: 'The first line of this file is empty, so there is no password. Write the password there.',
      })
    }
    return password
  }
  const readAuthorities = (path: TomlPath): string | undefined => {
    const pem = read(path)
    const problem = pem === undefined ? undefined : problemOfAuthorities(pem)
    if (problem !== undefined)
      mistakes.push({ ...document.positionOf(path), path: placeOf(path), message: problem })
    return pem
  }
  const fetched = valueAt(document.value, ['fetch'])
  const openid = valueAt(document.value, ['login', 'openid'])
  return {
    openidCa: Array.isArray(openid)
      ? openid.map((_, index) => read(['login', 'openid', index, 'caFile']))
      : [],
    ldapPassword: readPassword(['login', 'ldap', 'passwordFile']),
    ldapCa: read(['login', 'ldap', 'caFile']),
    clientsCa: readAuthorities(['login', 'certificates', 'caFile']),
    acmeHmacKey: readPassword(['tls', 'acme', 'hmacKeyFile']),
    acmeCa: read(['tls', 'acme', 'caFile']),
    smartHost: readPassword(['delivery', 'smartHost', 'passwordFile']),
    fetch: Array.isArray(fetched)
      ? fetched.map((_, index) => readPassword(['fetch', index, 'passwordFile']))
      : [],
  }
}

/** Who is not there cannot vouch for anybody, and OpenSSL would not say so. */
function problemOfAuthorities(pem: string): string | undefined {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0)
    return 'This file has no certificate (PEM, "-----BEGIN CERTIFICATE-----"). Put that of your authority there.'
  try {
    const own = blocks.map(block => new X509Certificate(block)).find(({ ca }) => !ca)
    return own
      ? `The certificate of "${own.subject.replaceAll('\n', ', ')}" in this file is not that of an authority. Put the authority’s there, which has issued it.`
      : undefined
  } catch {
    return 'A certificate in this file cannot be read. Put that of your authority there, as PEM.'
  }
}

function valueAt(value: unknown, path: TomlPath): unknown {
  let found = value
  for (const key of path) {
    if (typeof found !== 'object' || found === null) return undefined
    found = Reflect.get(found, key)
  }
  return found
}

let descriptions: ReadonlyMap<string, SettingDescription> | undefined

function allDescriptions(): ReadonlyMap<string, SettingDescription> {
  descriptions ??= new Map(describeSettings().map(description => [description.name, description]))
  return descriptions
}

const descriptionOf = (name: string): SettingDescription | undefined => allDescriptions().get(name)

const settingNames = (): string[] => [...allDescriptions().keys()]

/** ['listeners', 0, 'port'] → 'listeners[].port' */
function nameOf(path: TomlPath): string {
  return joinPath(path, () => '[]')
}

/** ['listeners', 0, 'port'] → 'listeners[0].port' */
function placeOf(path: TomlPath): string {
  return joinPath(path, index => `[${index}]`)
}

function joinPath(path: TomlPath, formatIndex: (index: number) => string): string {
  return path.reduce<string>((name, key) => {
    if (typeof key === 'number') return `${name}${formatIndex(key)}`
    return name === '' ? String(key) : `${name}.${String(key)}`
  }, '')
}

function leafOf(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}

function heading(path: TomlPath): string {
  return headingOf({ kind: typeof path.at(-1) === 'number' ? 'tables' : 'table', name: nameOf(path) })
}

function assignment(name: string, description: SettingDescription | undefined): string {
  const example =
    description?.example ??
    description?.options[0] ??
    (description?.expected.startsWith('a list') ? '[]' : '…')
  return description?.kind === 'item' ? example : `${leafOf(name)} = ${example}`
}

function showValue(value: unknown): string {
  if (value instanceof Date) return 'a date'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'a table'
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

function byPosition(left: SettingsMistake, right: SettingsMistake): number {
  return (left.line ?? 0) - (right.line ?? 0) || (left.column ?? 0) - (right.column ?? 0)
}

function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
}
