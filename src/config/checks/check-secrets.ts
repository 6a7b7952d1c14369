// Files that hold a secret: may other users of this machine read them?
import { realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { certificateFilesOf, type Settings } from '../settings.ts'
import type { Finding } from './finding.ts'

interface SecretFile {
  readonly file: string
  /** 'the private key' */
  readonly holds: string
  readonly cost: string
}

const passwordCost = 'Whoever reads the password logs in with it elsewhere in the name of this server.'

/** `settingsFile`: undefined when the settings come from none. */
export async function checkSecrets(settings: Settings, settingsFile: string | undefined): Promise<Finding[]> {
  const findings = await Promise.all(listSecretFiles(settings, settingsFile).map(checkFile))
  return findings.filter(finding => finding !== undefined)
}

function listSecretFiles(settings: Settings, settingsFile: string | undefined): SecretFile[] {
  const {
    tls,
    delivery: { smartHost },
    fetch,
    login: { ldap },
  } = settings
  const logins = [...(smartHost ? [smartHost] : []), ...fetch, ...(ldap ? [ldap] : [])]
  const files: SecretFile[] = logins.flatMap(({ passwordFile }) =>
    passwordFile === undefined ? [] : [{ file: passwordFile, holds: 'a password', cost: passwordCost }],
  )
  const isInSettings =
    logins.some(({ password, passwordFile }) => password !== undefined && passwordFile === undefined) ||
    holdsPassword(settings.database)
  if (isInSettings && settingsFile !== undefined)
    files.push({ file: settingsFile, holds: 'a password', cost: passwordCost })
  for (const { keyFile } of certificateFilesOf(tls))
    files.push({
      file: keyFile,
      holds: 'the private key',
      cost: 'Whoever reads the key can pass for this server, and listen to its users.',
    })
  return files
}

function holdsPassword(database: Settings['database']): boolean {
  return database?.uris.some(uri => new URL(uri).password !== '') ?? false
}

async function checkFile({ file, holds, cost }: SecretFile): Promise<Finding | undefined> {
  if (!(await isOpenToOthers(file))) return undefined
  return {
    severity: 'warning',
    subject: 'secrets',
    what: `${file} holds ${holds}, and every user of this machine may read it.`,
    cost,
    remedy: `chmod o= ${file}; its owner or its group has to be that of the server: chgrp <group> ${file}`,
  }
}

const othersRead = 0o004
const othersEnter = 0o001

/** A folder that is closed to others closes whatever is in it. What cannot be looked at is told by those who need it. */
async function isOpenToOthers(file: string): Promise<boolean> {
  try {
    const path = await realpath(file)
    if (((await stat(path)).mode & othersRead) === 0) return false
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      if (((await stat(folder)).mode & othersEnter) === 0) return false
      if (folder === dirname(folder)) return true
    }
  } catch {
    return false
  }
}
