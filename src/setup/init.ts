// `postrider init`: a production set-up by flags or by questions: settings file, DNS records, domains, first account.
import { randomUUID } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { formatAddress } from '../address/format-address.ts'
import { formatDomainForPeople } from '../address/parse-domain.ts'
import { listenerRoles, usualPorts } from '../config/listener-roles.ts'
import { parseSettings } from '../config/load-settings.ts'
import { mechanismsOf, type Settings } from '../config/settings.ts'
import { createAccount, findAccount } from '../directory/accounts.ts'
import { displayAddress } from '../directory/display.ts'
import { createDomain, listDomains } from '../directory/domains.ts'
import { generatePassword } from '../directory/generate-password.ts'
import { storedPassword } from '../directory/new-password.ts'
import type { Clock } from '../runtime/clock.ts'
import { UsageFault } from '../runtime/fault.ts'
import type { Random } from '../runtime/random.ts'
import { scramHashesOf } from '../sasl/mechanisms.ts'
import type { DkimKey } from '../signing/dkim-key.ts'
import { ensureFirstKeys } from '../signing/ensure-keys.ts'
import { problemOfFolder } from '../storage/make-folder.ts'
import type { Storage } from '../storage/operation.ts'
import { composeDnsRecords } from './dns-records.ts'
import { composeSettingsFile } from './example-file.ts'
import { collectAnswers, type InitAnswers, type InitFlags, type Terminal } from './init-answers.ts'

export interface InitOptions extends InitFlags {
  /** The settings file to write. */
  readonly file: string
  /** Writes over an existing file; the old one is kept beside it. */
  readonly force?: boolean | undefined
}

export interface InitSurroundings extends Terminal {
  readonly clock: Clock
  readonly random: Random
  /** Storage of a data folder that may not be there yet. */
  readonly openStorage: (settings: Settings) => Promise<Pick<Storage, 'run' | 'close'>>
}

export interface InitResult {
  readonly settingsFile: string
  readonly dnsFile: string
  readonly account: string
  /** undefined when the account was there already. */
  readonly password: string | undefined
  /** All of it for a person, with what to do next. */
  readonly text: string
}

export async function runInit(options: InitOptions, surroundings: InitSurroundings): Promise<InitResult> {
  const settingsFile = resolve(options.file)
  assertMayWrite(settingsFile, options.force === true)
  const settingsFolder = dirname(settingsFile)
  // Before the questions: whoever has answered them all should not have to do so again.
  assertFolderWillDo(settingsFolder)
  const answers = await collectAnswers(options, settingsFolder, surroundings)
  const settingsText = composeSettingsFile({
    ...answers,
    listeners: answers.listen.flatMap(address =>
      listenerRoles.map(role => ({ role, address, port: usualPorts[role] })),
    ),
  })
  const settings = parseSettings(settingsText, settingsFile)
  const dnsFile = join(settingsFolder, 'dns-records.zone')
  mkdirSync(settingsFolder, { recursive: true })
  // The settings file last: it is what a second run refuses to write over, so a run that failed can be repeated.
  const { password, keys } = await createDirectory(answers, settings, surroundings)
  const dnsText = composeDnsRecords({
    ...answers,
    addresses: answers.publicAddresses,
    listeners: settings.listeners,
    keys,
  })
  writeWhole(dnsFile, dnsText, { mode: 0o644, replace: true })
  writeWhole(settingsFile, settingsText, { mode: settingsMode(), replace: options.force === true })
  const account = displayAddress(answers.account)
  return {
    settingsFile,
    dnsFile,
    account,
    password,
    text: describeResult(answers, { settingsFile, dnsFile, dnsText, account, password }),
  }
}

function assertMayWrite(file: string, force: boolean): void {
  if (!force && existsSync(file)) {
    throw new UsageFault(
      'INIT_FILE_EXISTS',
      `${file} is there already. Edit it and run "postrider check"; or repeat this with --force to write it anew (the old one is kept as ${file}.old).`,
    )
  }
}

function assertFolderWillDo(folder: string): void {
  const problem = problemOfFolder(folder)
  if (problem === undefined) return
  throw new UsageFault(
    'INIT_FOLDER_UNWRITABLE',
    `${problem} Run this as a user who may write there, or name another file with --settings.`,
  )
}

interface CreatedDirectory {
  /** undefined when the account is there already. */
  readonly password: string | undefined
  readonly keys: readonly DkimKey[]
}

async function createDirectory(
  answers: InitAnswers,
  settings: Settings,
  { openStorage, clock, random }: InitSurroundings,
): Promise<CreatedDirectory> {
  const storage = await openStorage(settings)
  try {
    const present = new Set((await storage.run(listDomains, undefined)).map(({ name }) => name))
    const keys: DkimKey[] = []
    for (const name of answers.domains) {
      if (!present.has(name)) await storage.run(createDomain, { name, at: clock.now() })
      keys.push(...(await ensureFirstKeys(storage, name, clock.now())))
    }
    if (await storage.run(findAccount, { address: answers.account })) return { password: undefined, keys }
    const password = generatePassword(random)
    await storage.run(createAccount, {
      address: answers.account,
      name: '',
      ...(await storedPassword(storage, formatAddress(answers.account), password, {
        random,
        at: clock.now(),
        scramHashes: scramHashesOf(mechanismsOf(settings.login)),
      })),
      language: answers.language,
      enabled: true,
      at: clock.now(),
    })
    return { password, keys }
  } finally {
    await storage.close()
  }
}

/**
 * The settings get passwords: of the smart host, of the database. What root writes is read by the group of the folder, which
 * is the server's (docs/operations.md); what another user writes, by that user alone.
 */
function settingsMode(): number {
  return isRoot() ? 0o640 : 0o600
}

function isRoot(): boolean {
  return process.getuid?.() === 0
}

interface WriteOptions {
  readonly mode: number
  readonly replace: boolean
}

/** The whole file or none of it, and without `replace` never over another. */
function writeWhole(file: string, text: string, { mode, replace }: WriteOptions): void {
  mkdirSync(dirname(file), { recursive: true })
  const temporary = `${file}.${randomUUID()}`
  writeFileSync(temporary, text, { mode })
  try {
    giveToGroupOfFolder(temporary)
    if (replace) {
      if (existsSync(file)) keepOld(file, mode)
      renameSync(temporary, file)
    } else linkSync(temporary, file)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') assertMayWrite(file, false)
    throw cause
  } finally {
    rmSync(temporary, { force: true })
  }
}

function keepOld(file: string, mode: number): void {
  const old = `${file}.old`
  copyFileSync(file, old)
  chmodSync(old, mode)
  giveToGroupOfFolder(old)
}

function giveToGroupOfFolder(file: string): void {
  if (!isRoot()) return
  try {
    chownSync(file, 0, statSync(dirname(file)).gid)
  } catch {
    // A group that cannot be given here: of a folder from outside the container, or over the network. The text says chgrp.
  }
}

interface Written {
  readonly settingsFile: string
  readonly dnsFile: string
  readonly dnsText: string
  readonly account: string
  readonly password: string | undefined
}

function describeResult(
  { hostname, dataFolder }: InitAnswers,
  { settingsFile, dnsFile, dnsText, account, password }: Written,
): string {
  return [
    `Settings:  ${settingsFile}`,
    `Account:   ${account}   ${password === undefined ? '(was there already; its password stays)' : `password ${password}   (shown this once)`}`,
    `DNS:       ${dnsFile}`,
    '',
    dnsText,
    'What to do next',
    '  1. Publish the DNS records above, and have the PTR record set by the provider of the machine.',
    `  2. Have the server get a certificate for ${formatDomainForPeople(hostname)}: [tls.acme] and agreeToTerms = true in the settings file, with port 80`,
    '     open to everybody. Or get one (certbot, acme.sh, …) and name its files in [tls] there.',
    '     Until then a generated one serves: other servers take it, mail programs of your users warn of it.',
    '  3. See what is still wrong, and how to mend it:  postrider check',
    '  4. Start the server:  postrider serve',
    '  5. Make further accounts:  postrider account create <address>',
    ...(isRoot()
      ? [
          `If the server is to run as another user than root, give it the data folder: chown -R <user> ${dataFolder}`,
          `and let it read the settings, which nobody else should: chgrp <group of that user> ${settingsFile}`,
        ]
      : []),
  ].join('\n')
}
