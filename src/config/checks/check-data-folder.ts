// Can the data folder be written, is it closed to others, is there room, and can this version read what is in it?
import { access, constants, stat, statfs } from 'node:fs/promises'
import { nearestExisting, problemOfFolder } from '../../storage/make-folder.ts'
import type { Settings } from '../settings.ts'
import { type Finding, ok } from './finding.ts'

const subject = 'data folder'

export async function checkDataFolder(settings: Settings): Promise<Finding[]> {
  const { dataFolder } = settings
  const existing = nearestExisting(dataFolder)
  const error = (what: string, remedy: string): Finding[] => [
    { severity: 'error', subject, what, cost: 'The server does not start.', remedy },
  ]
  if (!(await stat(existing)).isDirectory())
    return error(`${existing} is not a folder.`, 'Set another dataFolder, or move that file away.')
  if (!(await mayWrite(existing))) {
    return error(
      `${existing} cannot be written by this user.`,
      `Give it to the user that runs the server: install -d -m 700 -o <user> ${dataFolder}`,
    )
  }
  // Some folders take nothing, whoever it is and whatever their mode: /proc, a mount that is read-only.
  const problem = existing === dataFolder ? undefined : problemOfFolder(dataFolder)
  if (problem !== undefined) return error(problem, 'Set another dataFolder.')
  const findings = existing === dataFolder ? await checkMode(dataFolder) : []
  findings.push(...(await checkRoom(existing, settings.limits.maxMessageBytes)))
  if (findings.length > 0) return findings
  return [ok(subject, existing === dataFolder ? dataFolder : `${dataFolder} will be made at the first start`)]
}

async function mayWrite(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    return true
  } catch {
    // Whatever the reason, the remedy is the same.
    return false
  }
}

async function checkMode(folder: string): Promise<Finding[]> {
  const { mode } = await stat(folder)
  if ((mode & 0o077) === 0) return []
  return [
    {
      severity: 'warning',
      subject,
      what: `${folder} is open to other users of this machine (mode ${(mode & 0o777).toString(8)}).`,
      cost: 'They may read the mail and the keys.',
      remedy: `chmod 700 ${folder}`,
    },
  ]
}

const roomForMessages = 20

const mib = (bytes: number): string => `${Math.floor(bytes / 1_048_576)} MiB`

async function checkRoom(folder: string, maxMessageBytes: number): Promise<Finding[]> {
  const { bavail, bsize, ffree, files } = await statfs(folder)
  const free = bavail * bsize
  if (free < maxMessageBytes) {
    return [
      {
        severity: 'error',
        subject,
        what: `${folder} has ${mib(free)} left, less than one message may have (${mib(maxMessageBytes)}).`,
        cost: 'Mail is put off with 452 until there is room.',
        remedy: 'Free space on that file system, or move the data folder.',
      },
    ]
  }
  if (free < maxMessageBytes * roomForMessages || (files > 0 && ffree < 10_000)) {
    return [
      {
        severity: 'warning',
        subject,
        what: `${folder} has ${mib(free)} and ${ffree} files left.`,
        cost: 'A few large messages fill it; then mail is put off with 452.',
        remedy: 'Free space on that file system, or move the data folder.',
      },
    ]
  }
  return []
}
