// `postrider check`: everything that can be known about a set-up before, or while, it runs.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { displayDomain } from '../directory/display.ts'
import type { Clock } from '../runtime/clock.ts'
import { Fault, UsageFault } from '../runtime/fault.ts'
import { databaseFileName } from '../storage/sqlite-connection.ts'
import { checkCertificate } from './checks/check-certificate.ts'
import { checkDataFolder } from './checks/check-data-folder.ts'
import { checkDatabase, type Directory } from './checks/check-database.ts'
import { checkHooks } from './checks/check-hooks.ts'
import { checkLimits } from './checks/check-limits.ts'
import { checkListeners } from './checks/check-listeners.ts'
import { checkLogIns } from './checks/check-log-ins.ts'
import { checkNames, createNameLookup, type NameLookup } from './checks/check-names.ts'
import { checkRelaying } from './checks/check-relaying.ts'
import { checkScanners } from './checks/check-scanners.ts'
import { checkSecrets } from './checks/check-secrets.ts'
import { checkSmartHost } from './checks/check-smart-host.ts'
import { checkSources } from './checks/check-sources.ts'
import { type Finding, findingOf, formatFindings, ok } from './checks/finding.ts'
import { loadSettings } from './load-settings.ts'
import type { Settings } from './settings.ts'
import { SettingsFault, type SettingsMistake } from './settings-fault.ts'

export interface CheckOptions {
  /** The settings file, or settings that come from none (those of the try-out server). */
  readonly settings: string | Settings
  readonly clock: Clock
  /** A server runs on this data folder: its ports are its own. Default: none does. */
  readonly isRunning?: (settings: Settings) => Promise<boolean>
  /** The domains of the directory; a Fault says why the data folder cannot be read. */
  readonly readDomains?: (settings: Settings) => Promise<readonly DomainToCheck[]>
  /** Default: the DNS servers of the settings. */
  readonly lookup?: NameLookup
}

export interface DomainToCheck {
  readonly name: string
  /** Whether mail for postmaster@ it finds somebody. */
  readonly hasPostmaster: boolean
  /** Whether it has an enabled account, an alias or a group. */
  readonly hasAddresses: boolean
}

export interface CheckResult {
  readonly findings: readonly Finding[]
  /** Those of the settings file, which the finding about it tells a person. */
  readonly mistakes: readonly LocatedMistake[]
  /** For a person. */
  readonly text: string
  readonly exitCode: 0 | 1
}

export interface LocatedMistake extends SettingsMistake {
  readonly file: string
}

export async function runCheck(options: CheckOptions): Promise<CheckResult> {
  const { findings, mistakes = [] } = await collectFindings(options)
  return {
    findings,
    mistakes,
    text: formatFindings(findings),
    exitCode: findings.some(({ severity }) => severity === 'error') ? 1 : 0,
  }
}

async function collectFindings(
  options: CheckOptions,
): Promise<{ readonly findings: Finding[]; readonly mistakes?: LocatedMistake[] }> {
  let settings: Settings
  try {
    settings = typeof options.settings === 'string' ? await loadSettings(options.settings) : options.settings
  } catch (cause) {
    if (!(cause instanceof UsageFault)) throw cause
    if (!(cause instanceof SettingsFault))
      return { findings: [findingOf(cause, 'settings', 'The server does not start.')] }
    const finding: Finding = {
      severity: 'error',
      subject: 'settings',
      what: cause.message,
      cost: 'The server does not start.',
      remedy: 'Correct each of these places in the file, and run "postrider check" again.',
    }
    const { file } = cause
    return { findings: [finding], mistakes: cause.mistakes.map(mistake => ({ file, ...mistake })) }
  }
  const running = (await options.isRunning?.(settings)) ?? false
  const database = await checkDatabase(settings, () => options.clock.now())
  // Nothing is made by looking: opening a data folder for the first time would create its database.
  const inFolder = existsSync(join(settings.dataFolder, databaseFileName)) ? 'there' : 'none'
  const { domains, findings: directoryFindings } = await readDirectory(
    options,
    settings,
    settings.database ? database.directory : inFolder,
  )
  const lookup = options.lookup ?? createNameLookup(settings)
  const groups = await Promise.all([
    settings.roles.includes('front') ? checkListeners(settings, running) : [],
    checkDataFolder(settings),
    checkCertificate(settings, options.clock.now(), running),
    checkSecrets(settings, typeof options.settings === 'string' ? options.settings : undefined),
    checkLimits(settings),
    checkSources(settings),
    checkNames(settings, lookup, domains),
    checkSmartHost(settings, lookup),
    settings.roles.includes('front') ? checkLogIns(settings, options.clock) : [],
    checkHooks(settings, options.clock),
    settings.roles.includes('front') ? checkScanners(settings, options.clock) : [],
  ])
  const settingsFinding = ok(
    'settings',
    typeof options.settings === 'string' ? options.settings : 'those of the server to try out',
  )
  return {
    findings: [
      settingsFinding,
      ...database.findings,
      ...directoryFindings,
      ...groups.flat(),
      ...checkRelaying(settings),
    ],
  }
}

function directoryFinding(what: string, cost: string, remedy: string): Finding {
  return { severity: 'warning', subject: 'directory', what, cost, remedy }
}

const noDomain = directoryFinding(
  'there is no domain yet.',
  'The server puts all mail from outside off (450).',
  'postrider domain create example.com; then postrider account create anna@example.com',
)

/** `isNobodyHere`: no domain has any address. */
function checkDomain({ name, hasPostmaster, hasAddresses }: DomainToCheck, isNobodyHere: boolean): Finding[] {
  if (hasPostmaster && hasAddresses) return []
  const domain = displayDomain(name)
  return [
    directoryFinding(
      hasAddresses
        ? `${domain} has no enabled account.`
        : `${domain} has no enabled account, alias or group.`,
      costOf(domain, hasPostmaster, isNobodyHere),
      `postrider account create <name>@${domain}; or enable one that is there: postrider account enable <name>@${domain}`,
    ),
  ]
}

function costOf(domain: string, hasPostmaster: boolean, isNobodyHere: boolean): string {
  if (isNobodyHere) return `All mail for ${domain} is put off (450).`
  if (hasPostmaster) return `Mail for ${domain} is refused (550), all but that for postmaster@ and abuse@.`
  // RFC 5321 §4.5.1
  return `Mail for postmaster@${domain} and abuse@${domain}, which every domain has to take, is put off (450).`
}

async function readDirectory(
  { readDomains }: CheckOptions,
  settings: Settings,
  directory: Directory,
): Promise<{ domains: readonly string[]; findings: Finding[] }> {
  if (!readDomains || directory === 'unknown') return { domains: [], findings: [] }
  if (directory === 'none') return { domains: [], findings: [noDomain] }
  try {
    const domains = await readDomains(settings)
    const isNobodyHere = domains.every(({ hasAddresses, hasPostmaster }) => !hasAddresses && !hasPostmaster)
    const findings =
      domains.length === 0 ? [noDomain] : domains.flatMap(domain => checkDomain(domain, isNobodyHere))
    if (findings.length === 0)
      findings.push(ok('directory', `domains: ${domains.map(({ name }) => displayDomain(name)).join(', ')}`))
    return { domains: domains.map(({ name }) => name), findings }
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause
    return {
      domains: [],
      findings: [findingOf(cause, 'directory', 'The server does not start.')],
    }
  }
}
