// The daemons of outside scanners, each with a configuration of its own in a temporary folder.
import { spawn } from 'node:child_process'
import { chmod, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ScannerEndpoint } from '../../src/scanner/exchange.ts'
import { endTree } from '../harness/end-tree.ts'
import { findFreePort } from '../harness/free-port.ts'
import { untilListening } from '../harness/is-listening.ts'
import { findProgram, runProgram } from '../harness/programs.ts'
import { eicar } from '../scanner/specimen.ts'

export interface Daemon {
  readonly endpoint: ScannerEndpoint
  /** At once, as after a crash. */
  stop(): Promise<void>
}

const patienceMs = 60_000

async function startDaemon(
  name: string,
  configure: (folder: string, port: number) => Promise<readonly string[]>,
): Promise<Daemon> {
  // Not below a folder that only root may enter: some of them change to a user of their own.
  const folder = await mkdtemp(join(tmpdir(), `${name}-`))
  await chmod(folder, 0o755)
  const port = await findFreePort()
  const command = await configure(folder, port)
  const child = spawn(findProgram(name) ?? name, command, { stdio: ['ignore', 'pipe', 'pipe'] })
  const stop = async (): Promise<void> => {
    if (child.pid !== undefined) await endTree(child.pid, 0)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await untilListening({ name, child, ports: [port], patienceMs })
  } catch (cause) {
    await stop()
    throw cause
  }
  return { endpoint: { kind: 'tcp', host: '127.0.0.1', port }, stop }
}

/** With one signature, of the test file that all virus scanners know. */
export function startClamd(): Promise<Daemon> {
  return startDaemon('clamd', async (folder, port) => {
    await writeFile(
      join(folder, 'test.ndb'),
      `Eicar-Test-Signature:0:*:${Buffer.from(eicar).toString('hex')}\n`,
    )
    const config = join(folder, 'clamd.conf')
    await writeFile(
      config,
      `DatabaseDirectory ${folder}\nTCPAddr 127.0.0.1\nTCPSocket ${port}\nForeground yes\nStreamMaxLength 1M\nSelfCheck 0\n${process.getuid?.() === 0 ? 'User root\n' : ''}`,
    )
    return ['--config-file', config]
  })
}

export function startSpamd(): Promise<Daemon> {
  return startDaemon('spamd', async (folder, port) => {
    // Which plug-ins there are.
    const debian = '/etc/spamassassin'
    for (const file of (await readdir(debian)).filter(name => name.endsWith('.pre')))
      await symlink(join(debian, file), join(folder, file))
    await writeFile(join(folder, 'local.cf'), 'use_bayes 0\nuse_auto_whitelist 0\n')
    return [
      '--local',
      '--nouser-config',
      '--listen=127.0.0.1',
      `--port=${port}`,
      '--max-children=2',
      '--min-children=1',
      `--siteconfigpath=${folder}`,
      `--pidfile=${join(folder, 'pid')}`,
      ...(process.getuid?.() === 0 ? ['--username=nobody'] : []),
    ]
  })
}

/** Its own test patterns and no module: those want a Redis, and the network. */
export function startRspamd(): Promise<Daemon> {
  return startDaemon('rspamd', async (folder, port) => {
    const config = join(folder, 'rspamd.conf')
    await writeFile(
      config,
      `options { pidfile = "${folder}/pid"; filters = ""; tempdir = "${folder}"; gtube_patterns = "all"; dns { nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; } }
logging { type = "console"; level = "error"; }
actions { reject = 15; "add header" = 6; greylist = 4; }
worker "normal" { bind_socket = "127.0.0.1:${port}"; count = 1; }
`,
    )
    return ['--no-fork', '--insecure', `--config=${config}`]
  })
}

/** Signs for example.net: what comes from these networks, or from somebody who has logged in. */
export function startOpendkim(internalHosts = '0.0.0.0/0'): Promise<Daemon> {
  return startDaemon('opendkim', async (folder, port) => {
    const key = join(folder, 'key.pem')
    await runProgram(['openssl', 'genrsa', '-out', key, '1024'])
    await chmod(key, 0o600)
    const config = join(folder, 'opendkim.conf')
    await writeFile(
      config,
      `Mode s\nDomain example.net\nSelector test\nKeyFile ${key}\nInternalHosts ${internalHosts}\nSocket inet:${port}@127.0.0.1\nSyslog no\nPidFile ${folder}/pid\nRequireSafeKeys no\nCanonicalization relaxed/relaxed\n`,
    )
    return ['-f', '-x', config]
  })
}
