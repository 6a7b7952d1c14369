// A real authority (Let's Encrypt's Pebble), with a DNS in which every name is this machine (pebble-challtestsrv).
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { issueCertificate, makeAuthority } from './certificates.ts'
import { endTree } from './end-tree.ts'
import { findFreePort } from './free-port.ts'
import { untilListening } from './is-listening.ts'
import { findProgram } from './programs.ts'

export interface Pebble {
  /** The URL of its directory. */
  readonly directory: string
  /** PEM, in a file: who vouches for its own web server. */
  readonly caFile: string
  /** Where it asks for proofs. */
  readonly ports: Readonly<Record<'http-01' | 'tls-alpn-01', number>>
  /** 'http://127.0.0.1:12345': sets and clears TXT records, for dns-01. */
  readonly dnsManagement: string
  /** PEM, of who issues its certificates. */
  root(): Promise<string>
  stop(): Promise<void>
}

const patienceMs = 30_000

export async function startPebble(): Promise<Pebble> {
  const folder = await mkdtemp(join(tmpdir(), 'pebble-'))
  const authority = await makeAuthority('authority of the ACME server')
  const own = await issueCertificate(authority, ['localhost'])
  const [port = 0, managementPort = 0, httpPort = 0, tlsPort = 0, dnsPort = 0, dnsManagementPort = 0] =
    await Promise.all(Array.from({ length: 6 }, () => findFreePort()))
  const files = {
    ca: join(folder, 'ca.pem'),
    certificate: join(folder, 'certificate.pem'),
    key: join(folder, 'key.pem'),
    config: join(folder, 'pebble.json'),
  }
  const config = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${managementPort}`,
    certificate: files.certificate,
    privateKey: files.key,
    httpPort,
    tlsPort,
  }
  await Promise.all([
    writeFile(files.ca, authority.certificate),
    writeFile(files.certificate, own.certificate),
    writeFile(files.key, own.key),
    writeFile(files.config, JSON.stringify({ pebble: config })),
  ])
  const running: ChildProcess[] = []
  const start = async (
    name: string,
    args: readonly string[],
    ports: readonly number[],
    environment: NodeJS.ProcessEnv = {},
  ): Promise<void> => {
    const child = spawn(findProgram(name) ?? name, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    })
    running.push(child)
    await untilListening({ name, child, ports, patienceMs })
  }
  const nowhere = ['-http01', '', '-https01', '', '-tlsalpn01', '']
  const dns = ['-dns01', `127.0.0.1:${dnsPort}`, '-management', `127.0.0.1:${dnsManagementPort}`]
  await start('pebble-challtestsrv', [...nowhere, ...dns, '-defaultIPv6', ''], [dnsPort, dnsManagementPort])
  await start(
    'pebble',
    ['-config', files.config, '-strict', '-dnsserver', `127.0.0.1:${dnsPort}`],
    [port, managementPort],
    // Each name is proven each time, and at once. That one nonce in twenty is refused is as it comes.
    { PEBBLE_VA_NOSLEEP: '1', PEBBLE_AUTHZREUSE: '0' },
  )
  return {
    directory: `https://localhost:${port}/dir`,
    caFile: files.ca,
    ports: { 'http-01': httpPort, 'tls-alpn-01': tlsPort },
    dnsManagement: `http://127.0.0.1:${dnsManagementPort}`,
    root: () => get(`https://localhost:${managementPort}/roots/0`, authority.certificate),
    async stop() {
      for (const { pid } of running) if (pid !== undefined) await endTree(pid)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function get(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, { ca, agent: false }, response => {
      text(response).then(resolve, reject)
    })
      .on('error', reject)
      .end()
  })
}
