// A private Postfix: its own configuration, queue and data folder in a temporary place, its own ports. It shares
// nothing with a Postfix that the machine may run. Needs root, because Postfix's master does.
import { spawn } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endTree } from './end-tree.ts'
import { findProgram, missing, runProgram } from './programs.ts'

export interface PostfixOptions {
  readonly hostname: string
  readonly address: string
  readonly port: number
  /** main.cf, over the values that a private instance needs. */
  readonly settings?: Readonly<Record<string, string>>
  /** Put before the command that starts it: a namespace with a resolv.conf of its own. */
  readonly wrapper?: readonly string[]
  /** Where its folder goes; default the system's folder for temporary files. */
  readonly parentFolder?: string
  /** Keep a log, for tests that want to show it. Costs Postfix time: the benchmark goes without. */
  readonly log?: boolean
}

export interface Postfix {
  readonly masterPid: number
  readonly port: number
  readonly folder: string
  /** Messages in one of Postfix's queues: 'incoming', 'active', 'deferred', 'hold'. */
  countQueue(queue: string): Promise<number>
  /** Tries deferred messages now. */
  flush(): Promise<void>
  log(): Promise<string>
  /** Ends it and removes its folder. */
  stop(): Promise<void>
}

/** A reason to skip a test, for `{ skip: … }`; false where Postfix can run. */
export function missingPostfix(): string | false {
  if (process.getuid?.() !== 0) return "needs root: Postfix's master starts as root only"
  return missing('postfix', 'postqueue')
}

export async function startPostfix(options: PostfixOptions): Promise<Postfix> {
  const folder = await mkdtemp(join(options.parentFolder ?? tmpdir(), 'postfix-'))
  // Postfix's daemons run as user postfix and pass through here.
  await chmod(folder, 0o755)
  const configFolder = join(folder, 'etc')
  const queueFolder = join(folder, 'queue')
  const dataFolder = join(folder, 'data')
  await Promise.all([configFolder, queueFolder, dataFolder].map(path => mkdir(path)))
  const user = await findId('passwd', 'postfix')
  await chown(dataFolder, user, -1)
  await makeQueueFolders(queueFolder, user, await findId('group', 'postdrop'))
  const settings = {
    compatibility_level: '3.6',
    queue_directory: queueFolder,
    data_directory: dataFolder,
    myhostname: options.hostname,
    mydestination: '',
    local_recipient_maps: '',
    local_transport: 'error:no local delivery',
    alias_maps: '',
    alias_database: '',
    mynetworks: '127.0.0.0/8',
    inet_protocols: 'ipv4',
    // The addresses it knows as its own; where it listens stands in master.cf, and may be any of 127.0.0.0/8.
    inet_interfaces: 'loopback-only',
    ...(options.log ? { maillog_file: join(folder, 'mail.log'), maillog_file_prefixes: folder } : {}),
    ...options.settings,
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`)
  const mainFile = join(configFolder, 'main.cf')
  await writeFile(mainFile, lines.join(''))
  // Every program of Postfix waits while main.cf is younger than two seconds: somebody may still be writing it.
  const minuteAgo = new Date(Date.now() - 60_000)
  await utimes(mainFile, minuteAgo, minuteAgo)
  await writeFile(join(configFolder, 'master.cf'), composeMasterFile(options))
  await runPostfix([...(options.wrapper ?? []), 'postfix', '-c', configFolder, 'start'])
  const masterPid = Number((await readFile(join(queueFolder, 'pid', 'master.pid'), 'utf8')).trim())
  return {
    masterPid,
    port: options.port,
    folder,
    countQueue: queue => countFiles(join(queueFolder, queue)),
    flush: () => runPostfix(['postqueue', '-c', configFolder, '-f']),
    log: () => readFile(join(folder, 'mail.log'), 'utf8'),
    async stop() {
      await endTree(masterPid)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function unix(name: string, unprivileged: string, wakeup: string, limit: string, program = name): string {
  return `${name} unix - ${unprivileged} n ${wakeup} ${limit} ${program}`
}

// No service runs in a chroot: it would need copies of the resolver's files and gains a loopback test nothing.
function composeMasterFile(options: PostfixOptions): string {
  return [
    `${options.address}:${options.port} inet n - n - - smtpd`,
    'postlog unix-dgram n - n - 1 postlogd',
    'pickup unix n - n 60 1 pickup',
    'cleanup unix n - n - 0 cleanup',
    'qmgr unix n - n 300 1 qmgr',
    unix('tlsmgr', '-', '1000?', '1'),
    unix('rewrite', '-', '-', '-', 'trivial-rewrite'),
    unix('bounce', '-', '-', '0'),
    unix('defer', '-', '-', '0', 'bounce'),
    unix('trace', '-', '-', '0', 'bounce'),
    unix('verify', '-', '-', '1'),
    'flush unix n - n 1000? 0 flush',
    'showq unix n - n - - showq',
    unix('proxymap', '-', '-', '-'),
    unix('smtp', '-', '-', '-'),
    unix('relay', '-', '-', '-', 'smtp'),
    unix('lmtp', '-', '-', '-'),
    unix('error', '-', '-', '-'),
    unix('retry', '-', '-', '-', 'error'),
    unix('discard', '-', '-', '-'),
    unix('virtual', 'n', '-', '-'),
    unix('anvil', '-', '-', '1'),
    unix('scache', '-', '-', '1'),
    '',
  ].join('\n')
}

async function runPostfix(command: readonly string[]): Promise<void> {
  const [name, ...args] = command
  if (name === undefined) return
  // Not runProgram: the master inherits standard output, and its end would be waited for.
  const child = spawn(findProgram(name) ?? name, args, { stdio: 'ignore' })
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
  if (exitCode !== 0) throw new Error(`${command.join(' ')} ended with ${exitCode}`)
}

const queueFolders = [
  'active',
  'bounce',
  'corrupt',
  'defer',
  'deferred',
  'flush',
  'hold',
  'incoming',
  'private',
  'saved',
  'trace',
]

// What `postfix start` would do in its slow check (two seconds): with the file quick-start it leaves the check out.
async function makeQueueFolders(queueFolder: string, user: number, postdropGroup: number): Promise<void> {
  const make = async (name: string, mode: number, uid: number, gid: number): Promise<void> => {
    const path = join(queueFolder, name)
    await mkdir(path)
    await chmod(path, mode)
    await chown(path, uid, gid)
  }
  await make('pid', 0o755, 0, 0)
  await make('maildrop', 0o730, user, postdropGroup)
  await make('public', 0o710, user, postdropGroup)
  await Promise.all(queueFolders.map(name => make(name, 0o700, user, 0)))
  await writeFile(join(queueFolder, 'quick-start'), '')
}

async function findId(database: 'passwd' | 'group', name: string): Promise<number> {
  const { stdout } = await runProgram(['getent', database, name])
  const id = stdout.split(':')[2]
  if (id === undefined) throw new Error(`this machine has no ${name} in ${database}, which Postfix needs`)
  return Number(id)
}

// Postfix spreads some queues over folders named after the first letters of the queue id.
async function countFiles(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  return entries.filter(entry => entry.isFile()).length
}
