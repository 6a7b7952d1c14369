// Which server a command is about: --settings, else ./postrider.toml, else the try-out server in ./data.
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { loadSettings } from '../config/load-settings.ts'
import type { Settings } from '../config/settings.ts'
import { UsageFault } from '../runtime/fault.ts'
import { tryOutSettings } from '../setup/try-out.ts'

export const settingsFileName = 'postrider.toml'
const tryOutFolderName = 'data'

/** The settings file that a command reads; undefined: the try-out server. */
export function findSettingsFile(named: string | undefined, workingFolder: string): string | undefined {
  if (named !== undefined) return resolve(workingFolder, named)
  const file = join(workingFolder, settingsFileName)
  return existsSync(file) ? file : undefined
}

/** The settings file that a command has to be given for the same server; undefined: it finds that by itself. */
export function settingsToName(named: string | undefined, workingFolder: string): string | undefined {
  if (named === undefined) return undefined
  const file = resolve(workingFolder, named)
  return file === join(workingFolder, settingsFileName) ? undefined : file
}

export async function findSettings(named: string | undefined, workingFolder: string): Promise<Settings> {
  const file = findSettingsFile(named, workingFolder)
  if (file !== undefined) return await loadSettings(file)
  if (existsSync(join(workingFolder, tryOutFolderName))) return tryOutSettings(workingFolder)
  throw new UsageFault(
    'CLI_NO_SETTINGS',
    `There is no ${settingsFileName} in this folder, and no server to try out. Name the settings with --settings <file>, ` +
      'make some with "postrider init", or start a server to try out with "postrider serve --try".',
  )
}
