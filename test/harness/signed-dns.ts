// A signed zone (DNSSEC) that a real BIND serves, and a second BIND that validates it for whoever asks: with keys, folder
// and ports of their own.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatEndpoint } from '../../src/address/format-endpoint.ts'
import { createResolver } from '../../src/dns/resolver.ts'
import { eventually } from './eventually.ts'
import { findFreePort } from './free-port.ts'
import { findProgram, missing, runProgram } from './programs.ts'

export interface SignedDnsOptions {
  readonly zone: string
  /** Records of the zone: 'mx.signed.test. A 127.0.0.1'. */
  readonly records: readonly string[]
  /** Changes the zone after it was signed: what it changes is forged. */
  readonly forge?: (signedZone: string) => string
  /** From when until when the signatures hold; default: from now, for 30 days. */
  readonly signed?: { readonly from: Date; readonly until: Date }
  /** The validating server refuses all of it: its signatures are over, or forged. */
  readonly isRefused?: boolean
  /** Further zones, without signatures, of which the validating server is the authority too: by name, their records. */
  readonly plainZones?: Readonly<Record<string, readonly string[]>>
  /** Default: free ones. */
  readonly ports?: SignedDnsPorts
}

export interface SignedDnsPorts {
  /** Of the server that has the signed zone. */
  readonly authority: number
  readonly resolver: number
}

export interface SignedDns {
  /** For `delivery.dnsServers`. */
  readonly text: string
  close(): Promise<void>
}

const address = '127.0.0.1'

/** A reason to skip a test, for `{ skip: … }`; false where it can run. */
export function missingSignedDns(): string | false {
  return missing('named', 'dnssec-keygen', 'dnssec-signzone')
}

/** BIND listens on addresses that an interface has, so not on any of 127.0.0.0/8. */
export async function findSignedDnsPorts(): Promise<SignedDnsPorts> {
  return { authority: await findFreePort(address), resolver: await findFreePort(address) }
}

export async function startSignedDns(options: SignedDnsOptions): Promise<SignedDns> {
  const { zone, plainZones = {}, isRefused = false } = options
  const { authority: authoritative, resolver: validating } = options.ports ?? (await findSignedDnsPorts())
  const folder = await mkdtemp(join(tmpdir(), 'signed-dns-'))
  const zoneFile = await signZone(folder, options)
  const anchor = await readAnchor(folder)
  const serving = await startNamed(join(folder, 'authoritative'), authoritative, [
    'recursion no;',
    'dnssec-validation no;',
    '};',
    `zone "${zone}" { type primary; file "${zoneFile}"; };`,
  ])
  const asking = await startNamed(join(folder, 'validating'), validating, [
    'recursion yes;',
    'allow-recursion { any; };',
    'dnssec-validation yes;',
    'empty-zones-enable no;',
    '};',
    `zone "${zone}" { type forward; forward only; forwarders { ${address} port ${authoritative}; }; };`,
    ...(await writePlainZones(folder, plainZones)),
    `trust-anchors { "${zone}" static-key ${anchor}; };`,
  ])
  const close = async (): Promise<void> => {
    await Promise.all([endNamed(serving), endNamed(asking)])
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await eventually('BIND to have judged the zone', async () => {
      const resolver = createResolver({ servers: [{ address, port: validating }], timeoutMs: 1000 })
      const answer = await resolver.txt(zone)
      if (isRefused)
        return answer.kind === 'temporary-failure' && answer.detail.includes('SERVFAIL') ? true : undefined
      return answer.kind === 'found' && answer.isAuthentic ? true : undefined
    })
  } catch (cause) {
    const logs = await Promise.all(
      ['authoritative', 'validating'].map(name => readFile(join(folder, name, 'log'), 'utf8')),
    )
    await close()
    throw new Error(`BIND does not answer:\n${logs.join('\n')}`, { cause })
  }
  return { text: formatEndpoint(address, validating), close }
}

/** Returns the signed zone's file. */
async function signZone(
  folder: string,
  { zone, records, forge, signed: period }: SignedDnsOptions,
): Promise<string> {
  const plain = join(folder, 'zone')
  const lines = [
    '$TTL 300',
    `${zone}. SOA ns.${zone}. root.${zone}. 1 3600 600 86400 60`,
    `${zone}. NS ns.${zone}.`,
    `${zone}. TXT "ready"`,
    `ns.${zone}. A 127.0.0.1`,
    ...records,
  ]
  await writeFile(plain, `${lines.join('\n')}\n`)
  await run('dnssec-keygen', '-q', '-a', 'ECDSAP256SHA256', '-f', 'KSK', '-K', folder, zone)
  const signed = join(folder, 'zone.signed')
  // One key for everything (-z), and each record on a line of its own.
  await run(
    'dnssec-signzone',
    '-S',
    '-z',
    '-K',
    folder,
    '-d',
    folder,
    '-O',
    'full',
    ...(period ? ['-P', '-s', timeOf(period.from), '-e', timeOf(period.until)] : []),
    '-o',
    zone,
    '-f',
    signed,
    plain,
  )
  if (forge) await writeFile(signed, forge(await readFile(signed, 'utf8')))
  return signed
}

/** '20261127110000' */
function timeOf(date: Date): string {
  return date.toISOString().replaceAll(/[-:T]|\..*/g, '')
}

/** Returns what the settings of BIND say of them. */
async function writePlainZones(
  folder: string,
  zones: Readonly<Record<string, readonly string[]>>,
): Promise<readonly string[]> {
  return await Promise.all(
    Object.entries(zones).map(async ([zone, records]) => {
      const file = join(folder, `plain-${zone}`)
      const own = [
        '$TTL 300',
        `${zone}. SOA ns.${zone}. root.${zone}. 1 3600 600 86400 60`,
        `${zone}. NS ns.${zone}.`,
      ]
      await writeFile(file, `${[...own, `ns.${zone}. A 127.0.0.1`, ...records].join('\n')}\n`)
      return `zone "${zone}" { type primary; file "${file}"; };`
    }),
  )
}

/** '257 3 13 "…"' */
async function readAnchor(folder: string): Promise<string> {
  const file = (await readdir(folder)).find(name => name.startsWith('K') && name.endsWith('.key'))
  const text = await readFile(join(folder, file ?? ''), 'utf8')
  const [, flags, protocol, algorithm, key = ''] = /DNSKEY (\d+) (\d+) (\d+) (.+)/.exec(text) ?? []
  return `${flags} ${protocol} ${algorithm} "${key.replaceAll(' ', '')}"`
}

async function run(name: string, ...args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runProgram([name, ...args])
  if (exitCode !== 0) throw new Error(`${name} ended with ${exitCode}: ${stderr}`)
}

export async function startNamed(
  folder: string,
  port: number,
  settings: readonly string[],
): Promise<ChildProcess> {
  await mkdir(folder)
  const file = join(folder, 'named.conf')
  await writeFile(
    file,
    [
      'controls { };',
      'options {',
      `directory "${folder}";`,
      `listen-on port ${port} { ${address}; };`,
      'listen-on-v6 { none; };',
      'pid-file none;',
      'session-keyfile none;',
      'max-cache-size 16M;',
      ...settings,
      '',
    ].join('\n'),
  )
  const child = spawn(findProgram('named') ?? 'named', ['-f', '-4', '-c', file, '-L', join(folder, 'log')], {
    stdio: 'ignore',
  })
  await once(child, 'spawn')
  return child
}

export async function endNamed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}
