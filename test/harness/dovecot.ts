// A private Dovecot: LMTP on a UNIX socket and on a port, IMAP on a port, its users in a file. It shares nothing with a Dovecot that
// the machine may run. Needs root, because its processes run as users of their own.
import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endTree } from './end-tree.ts'
import { eventually } from './eventually.ts'
import { findFreePort } from './free-port.ts'
import { isListening } from './is-listening.ts'
import { findProgram, missing, runProgram } from './programs.ts'

export interface DovecotUser {
  readonly address: string
  /** Of all that the user may have, in bytes; default: as much as there is. */
  readonly quotaBytes?: number
}

export interface Dovecot {
  /** Of its master; 0: it does not run. */
  pid(): number
  readonly lmtpSocket: string
  readonly lmtpPort: number
  readonly imapPort: number
  /** Of its INBOX, oldest first. */
  messages(address: string): Promise<string[]>
  /** Of the user's Maildir. */
  mailFolder(address: string): string
  log(): Promise<string>
  /** Ends it; its mailboxes stay. */
  stop(): Promise<void>
  startAgain(): Promise<void>
  remove(): Promise<void>
}

export const dovecotPassword = 'secret'

/** A reason to skip a test, for `{ skip: … }`; false where Dovecot can run. */
export function missingDovecot(): string | false {
  if (process.getuid?.() !== 0) return 'needs root: Dovecot runs its processes as users of their own'
  return missing('dovecot', 'doveadm')
}

const nobody = 65_534

export interface DovecotOptions {
  /** Default: where temporary files go. */
  readonly parentFolder?: string
  /** More lines of its configuration. */
  readonly settings?: string
}

export async function startDovecot(
  users: readonly DovecotUser[],
  { parentFolder = tmpdir(), settings = '' }: DovecotOptions = {},
): Promise<Dovecot> {
  const folder = await mkdtemp(join(parentFolder, 'dovecot-'))
  // Its processes run as several users, and pass through here.
  await chmod(folder, 0o755)
  const mail = join(folder, 'mail')
  await mkdir(mail)
  await chown(mail, nobody, nobody)
  const lmtpPort = await findFreePort()
  const imapPort = await findFreePort()
  const config = join(folder, 'dovecot.conf')
  const logFile = join(folder, 'dovecot.log')
  const lmtpSocket = join(folder, 'lmtp')
  await writeFile(
    join(folder, 'users'),
    users.map(({ address, quotaBytes }) => userLine(address, mail, quotaBytes)).join(''),
  )
  const hasQuota = users.some(({ quotaBytes }) => quotaBytes !== undefined)
  await writeFile(
    config,
    composeConfig({ folder, mail, logFile, lmtpSocket, lmtpPort, imapPort }) +
      (hasQuota ? quotaConfig : '') +
      settings,
  )
  let child: ChildProcess | undefined
  const start = async (): Promise<void> => {
    child = spawn(findProgram('dovecot') ?? 'dovecot', ['-F', '-c', config], { stdio: 'ignore' })
    await eventually('Dovecot to listen', async () =>
      (await isListening(lmtpPort)) && (await isListening(imapPort)) ? true : undefined,
    )
  }
  const stop = async (): Promise<void> => {
    if (child?.pid !== undefined) await endTree(child.pid)
    child = undefined
  }
  await start()
  return {
    pid: () => child?.pid ?? 0,
    lmtpSocket,
    lmtpPort,
    imapPort,
    async messages(address) {
      const fetched = await runProgram([
        'doveadm',
        '-c',
        config,
        'fetch',
        '-u',
        address,
        'text',
        'mailbox',
        'INBOX',
        'all',
      ])
      if (fetched.exitCode !== 0) throw new Error(`doveadm ended with ${fetched.exitCode}: ${fetched.stderr}`)
      return fetched.stdout.split(/^text:\n/m).slice(1)
    },
    mailFolder: address => join(mail, address),
    log: () => readFile(logFile, 'utf8'),
    stop,
    startAgain: start,
    async remove() {
      await stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** name:password:uid:gid:gecos:home:shell:extra fields */
function userLine(address: string, mail: string, quotaBytes: number | undefined): string {
  const quota = quotaBytes === undefined ? '' : ` userdb_quota_rule=*:bytes=${quotaBytes}`
  return `${address}:{PLAIN}${dovecotPassword}:${nobody}:${nobody}::${mail}/${address}::${quota}\n`
}

interface ConfigFacts {
  readonly folder: string
  readonly mail: string
  readonly logFile: string
  readonly lmtpSocket: string
  readonly lmtpPort: number
  readonly imapPort: number
}

const quotaConfig = `mail_plugins = quota
plugin {
  quota = count:User quota
  quota_vsizes = yes
}
`

function composeConfig({ folder, mail, logFile, lmtpSocket, lmtpPort, imapPort }: ConfigFacts): string {
  return `base_dir = ${join(folder, 'run')}
state_dir = ${join(folder, 'state')}
log_path = ${logFile}
protocols = imap lmtp
ssl = no
disable_plaintext_auth = no
recipient_delimiter = +
first_valid_uid = 1
mail_location = maildir:${mail}/%u
passdb {
  driver = passwd-file
  args = ${join(folder, 'users')}
}
userdb {
  driver = passwd-file
  args = ${join(folder, 'users')}
}
service lmtp {
  unix_listener ${lmtpSocket} {
    mode = 0666
  }
  inet_listener lmtp {
    address = 127.0.0.1
    port = ${lmtpPort}
  }
}
service imap-login {
  inet_listener imap {
    address = 127.0.0.1
    port = ${imapPort}
  }
  inet_listener imaps {
    port = 0
  }
}
`
}
